"""An OpenID provider as this town's relying party sees it: who is it, once, and nothing else.

The profile of デジタル認証アプリ (Digital Agency): authorization code flow, PKCE S256 (RFC 7636),
``state`` and ``nonce``, ``private_key_jwt`` with ES256 (OpenID Connect Core 9, RFC 7523), pairwise
subjects. Discovery (OpenID Connect Discovery 1.0), keys (RFC 7517), issuer in the answer where the
provider sends it (RFC 9207). Every check of an ID token (Core 3.1.3.7) is here, none optional.
"""

import base64
import hashlib
import json
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import aiohttp
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

from core.clock import Clock
from core.credentials.methods import Unproved
from core.errors import ProofRejected
from core.town import Proof

logger = logging.getLogger(__name__)

ALGORITHMS: Final = ("ES256", "RS256")
SKEW: Final = 60  # seconds
MAX_AGE: Final = timedelta(minutes=10)  # of an ID token, whatever its provider says
MAX_BODY: Final = 200_000
TIMEOUT: Final = aiohttp.ClientTimeout(total=10, connect=5)
KEPT_FOR: Final = timedelta(hours=1)
ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a provider says of itself."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    answers_with_issuer: bool


@dataclass(frozen=True, slots=True)
class Journey:
    """What we remember of somebody who is at the provider."""

    nonce: str
    code_verifier: str


def client_key(path: Path) -> ECKey:
    """Our key (P-256), made once and readable to us alone."""
    if not path.exists():
        key = ECKey.generate_key("P-256", parameters={"use": "sig", "alg": "ES256"}, auto_kid=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(".new")
        new.unlink(missing_ok=True)
        new.touch(mode=0o600)
        new.write_text(json.dumps(key.as_dict(private=True)), encoding="ascii")
        new.replace(path)
    return ECKey.import_key(json.loads(path.read_text(encoding="ascii")))


def public_keys(key: ECKey) -> Mapping[str, Any]:
    """Our key set (RFC 7517), for registering at the provider."""
    return {"keys": [key.as_dict(private=False)]}


class Provider:
    """One provider of the town pack. Whatever goes wrong is a `ProofRejected` with its reason."""

    def __init__(
        self,
        proof: Proof,
        key: Callable[[], ECKey],
        client: aiohttp.ClientSession,
        clock: Clock,
        *,
        redirect_uri: str,
    ) -> None:
        self._proof = proof
        self._issuer = str(proof.issuer)
        self._client_id = str(proof.client_id)
        self._key = key
        self._client = client
        self._clock = clock
        self._redirect_uri = redirect_uri
        self._metadata: tuple[datetime, Metadata] | None = None
        self._keys: tuple[datetime, KeySet] | None = None

    async def send(self, state: str, journey: Journey) -> str:
        """The address at the provider to which somebody is sent."""
        metadata = await self._about()
        query = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._redirect_uri,
            "scope": " ".join(dict.fromkeys(("openid", *self._proof.scopes))),
            "state": state,
            "nonce": journey.nonce,
            "code_challenge": code_challenge(journey.code_verifier),
            "code_challenge_method": "S256",
        }
        joint = "&" if "?" in metadata.authorization_endpoint else "?"
        return f"{metadata.authorization_endpoint}{joint}{urlencode(query)}"

    async def subject(self, code: str, journey: Journey, *, issuer: str | None) -> str:
        """Who came back with `code`: the pairwise subject of a checked ID token.

        `issuer` is the ``iss`` of the answer (RFC 9207); where the provider promises it, it must
        be there and be right: otherwise a code of one provider could be spent at another.
        """
        metadata = await self._about()
        if issuer is None and metadata.answers_with_issuer:
            raise ProofRejected(Unproved.UNTRUSTED)
        if issuer is not None and issuer != self._issuer:
            raise ProofRejected(Unproved.UNTRUSTED)
        answer = await self._json(
            metadata.token_endpoint,
            {
                "grant_type": "authorization_code",
                "code": code[:2_000],
                "redirect_uri": self._redirect_uri,
                "code_verifier": journey.code_verifier,
                "client_id": self._client_id,
                "client_assertion_type": ASSERTION,
                "client_assertion": self._assertion(metadata.token_endpoint),
            },
        )
        token = answer.get("id_token")
        if not isinstance(token, str) or len(token) > MAX_BODY:
            raise ProofRejected(Unproved.UNTRUSTED)
        claims = await self._verified(token, metadata)
        self._check(claims, journey.nonce)
        subject = claims.get("sub")
        if not isinstance(subject, str) or not 0 < len(subject) <= 255:  # noqa: PLR2004 - Core 2
            raise ProofRejected(Unproved.UNTRUSTED)
        return subject

    def _check(self, claims: Mapping[str, Any], nonce: str) -> None:
        """OpenID Connect Core 3.1.3.7, in the standard's order."""
        now = int(self._clock().timestamp())
        audience = claims.get("aud")
        audiences = [audience] if isinstance(audience, str) else audience
        expires, issued = claims.get("exp"), claims.get("iat")
        sound = (
            claims.get("iss") == self._issuer
            and isinstance(audiences, list)
            and self._client_id in audiences
            and all(each == self._client_id for each in audiences)  # we trust no other audience
            and claims.get("azp", self._client_id) == self._client_id
            and isinstance(expires, int | float)
            and isinstance(issued, int | float)
            and now < expires + SKEW
            and now - MAX_AGE.total_seconds() - SKEW <= issued <= now + SKEW
            and isinstance(claims.get("nonce"), str)
            and secrets.compare_digest(str(claims["nonce"]).encode(), nonce.encode())
        )
        if not sound:
            logger.warning("identity-untrusted", extra={"proof": self._proof.name})
            raise ProofRejected(Unproved.UNTRUSTED)

    async def _verified(self, token: str, metadata: Metadata) -> Mapping[str, Any]:
        """The claims of a token that the provider's own key signed, by an algorithm of ours."""
        for fresh in (False, True):  # a provider may have changed its keys since
            try:
                keys = await self._key_set(metadata, fresh=fresh)
                return jwt.decode(token, keys, algorithms=list(ALGORITHMS)).claims
            except (JoseError, ValueError, TypeError, KeyError) as error:
                reason = type(error).__name__
        logger.warning("identity-untrusted", extra={"proof": self._proof.name, "reason": reason})
        raise ProofRejected(Unproved.UNTRUSTED)

    async def _key_set(self, metadata: Metadata, *, fresh: bool) -> KeySet:
        now = self._clock()
        if self._keys is None or self._keys[0] <= now or fresh:
            found = await self._json(metadata.jwks_uri)
            listed = found.get("keys")
            if not isinstance(listed, list) or len(listed) > 50:  # noqa: PLR2004
                raise ProofRejected(Unproved.UNTRUSTED)
            # Keys that sign, of the two kinds that we take; never one that both sides would know.
            usable = [
                each
                for each in listed
                if isinstance(each, dict)
                and each.get("kty") in {"EC", "RSA"}
                and each.get("use", "sig") == "sig"
            ]
            self._keys = (now + KEPT_FOR, KeySet.import_key_set({"keys": usable}))
        return self._keys[1]

    def _assertion(self, audience: str) -> str:
        """Who we are, for this one request (RFC 7523)."""
        now, key = int(self._clock().timestamp()), self._key()
        return jwt.encode(
            {"alg": "ES256", "kid": key.kid},
            {
                "iss": self._client_id,
                "sub": self._client_id,
                "aud": audience,
                "jti": secrets.token_urlsafe(24),
                "iat": now,
                "exp": now + 60,
            },
            key,
        )

    async def _about(self) -> Metadata:
        now = self._clock()
        if self._metadata is None or self._metadata[0] <= now:
            where = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
            found = await self._json(where)
            if found.get("issuer") != self._issuer:
                raise ProofRejected(Unproved.UNTRUSTED)
            names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
            places = [found.get(each) for each in names]
            if not all(isinstance(each, str) and is_safe(each) for each in places):
                raise ProofRejected(Unproved.UNTRUSTED)
            answers = found.get("authorization_response_iss_parameter_supported") is True
            authorization, token, keys = (str(each) for each in places)
            self._metadata = (now + KEPT_FOR, Metadata(authorization, token, keys, answers))
        return self._metadata[1]

    async def _json(self, url: str, form: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        """What the provider answers, within time and size. Nothing of it is logged."""
        if not is_safe(url):
            raise ProofRejected(Unproved.UNTRUSTED)
        began = time.monotonic()
        try:
            async with self._client.request(
                "GET" if form is None else "POST",
                url,
                data=form,
                timeout=TIMEOUT,
                allow_redirects=False,
                headers={"Accept": "application/json"},
            ) as answer:
                body = await answer.content.read(MAX_BODY + 1)
                status = answer.status
                while len(body) <= MAX_BODY and (more := await answer.content.read(MAX_BODY)):
                    body += more
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._log(url, type(error).__name__, began)
            raise ProofRejected(Unproved.AWAY) from error
        if status >= 500 or status == 429:  # noqa: PLR2004
            self._log(url, str(status), began)
            raise ProofRejected(Unproved.AWAY)
        try:
            found = json.loads(body) if len(body) <= MAX_BODY else None
        except (ValueError, RecursionError):
            found = None
        if status != 200 or not isinstance(found, dict):  # noqa: PLR2004
            self._log(url, str(status), began)
            raise ProofRejected(Unproved.UNTRUSTED)
        return found

    def _log(self, url: str, reason: str, began: float) -> None:
        path, seconds = urlsplit(url).path, round(time.monotonic() - began, 2)
        extra = {"proof": self._proof.name, "path": path, "reason": reason, "seconds": seconds}
        logger.warning("identity-provider", extra=extra)


def code_challenge(verifier: str) -> str:
    """S256 of RFC 7636."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def new_journey() -> Journey:
    return Journey(nonce=secrets.token_urlsafe(24), code_verifier=secrets.token_urlsafe(48))


def is_safe(url: str) -> bool:
    """Whether an address may be asked: encrypted, or this very machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
