"""What an ID token must be, one wrong thing at a time, from a provider over HTTP."""

import asyncio
import base64
import hmac
import json
import stat
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from core.credentials.oidc import (
    ALGORITHMS,
    Journey,
    Provider,
    client_key,
    code_challenge,
    is_safe,
    public_keys,
)
from core.errors import ProofRejected
from core.testing import SetClock
from core.town import Proof
from tests.core.credentials.stage import NOTE

JOURNEY = Journey(nonce="the nonce of this journey", code_verifier="v" * 64)


@dataclass
class Stand:
    """A provider that answers whatever a test wants."""

    clock: SetClock
    issuer: str = ""
    key: Any = field(
        default_factory=lambda: ECKey.generate_key("P-256", {"use": "sig"}, auto_kid=True)
    )
    claims: dict[str, Any] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)
    sign: Callable[[dict[str, Any]], str] | None = None
    answer: Callable[[], web.Response] | None = None
    asked: list[dict[str, str]] = field(default_factory=list)

    async def discovery(self, request: web.Request) -> web.Response:  # noqa: ARG002
        places = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
        }
        return web.json_response({**places, **self.about})

    async def jwks(self, request: web.Request) -> web.Response:  # noqa: ARG002
        return web.json_response({"keys": [self.key.as_dict(private=False)]})

    async def token(self, request: web.Request) -> web.Response:
        self.asked.append({name: str(value) for name, value in (await request.post()).items()})
        if self.answer is not None:
            return self.answer()
        now = int(self.clock().timestamp())
        usual = {
            "iss": self.issuer,
            "aud": "kankei-mine",
            "sub": "pairwise-1",
            "nonce": JOURNEY.nonce,
            "iat": now,
            "exp": now + 300,
        }
        claims = {
            name: value for name, value in {**usual, **self.claims}.items() if value is not None
        }
        sign = self.sign or self._usual
        return web.json_response({"id_token": sign(claims), "access_token": "not ours"})

    def _usual(self, claims: dict[str, Any]) -> str:
        alg = "RS256" if isinstance(self.key, RSAKey) else "ES256"
        return jwt.encode({"alg": alg, "kid": self.key.kid}, claims, self.key)


@pytest.fixture
async def stand(clock: SetClock) -> AsyncIterator[Stand]:
    stand, app = Stand(clock), web.Application()
    app.router.add_get("/.well-known/openid-configuration", stand.discovery)
    app.router.add_get("/jwks", stand.jwks)
    app.router.add_post("/token", stand.token)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    stand.issuer = f"http://{host}:{port}"
    yield stand
    await runner.cleanup()


@pytest.fixture
async def provider(stand: Stand, clock: SetClock, tmp_path: Path) -> AsyncIterator[Provider]:
    async with aiohttp.ClientSession() as client:
        yield a_provider(stand, clock, tmp_path, client)


def a_provider(
    stand: Stand, clock: SetClock, folder: Path, client: aiohttp.ClientSession
) -> Provider:
    fields = {
        "name": "person",
        "title": {"ja": "本人確認"},
        "method": "oidc",
        "issuer": stand.issuer,
        "client_id": "kankei-mine",
        "legal_note": NOTE,
    }
    proof = Proof.model_validate(fields)
    key = client_key(folder / "oidc_key.json")
    return Provider(proof, lambda: key, client, clock, redirect_uri="https://town.example/back")


async def refused(provider: Provider, issuer: str | None = None) -> str:
    with pytest.raises(ProofRejected) as caught:
        await provider.subject("a code", JOURNEY, issuer=issuer)
    return caught.value.reason


async def test_a_sound_token_gives_the_subject(stand: Stand, provider: Provider) -> None:
    assert await provider.subject("a code", JOURNEY, issuer=None) == "pairwise-1"
    assert await provider.subject("a code", JOURNEY, issuer=stand.issuer) == "pairwise-1"


async def test_an_rsa_key_is_taken_as_well(stand: Stand, provider: Provider) -> None:
    stand.key = RSAKey.generate_key(2048, {"use": "sig"}, auto_kid=True)
    assert await provider.subject("a code", JOURNEY, issuer=None) == "pairwise-1"


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"iss": "https://evil.example"}, id="another issuer's token"),
        pytest.param({"iss": None}, id="no issuer"),
        pytest.param({"aud": "another-town"}, id="for somebody else"),
        pytest.param({"aud": ["kankei-mine", "another-town"]}, id="for others as well"),
        pytest.param({"aud": []}, id="for nobody"),
        pytest.param({"azp": "another-town"}, id="authorised for somebody else"),
        pytest.param({"nonce": "of another journey"}, id="another nonce"),
        pytest.param({"nonce": None}, id="no nonce"),
        pytest.param({"exp": 1_000_000_000}, id="expired"),
        pytest.param({"exp": None}, id="never expires"),
        pytest.param({"exp": "soon"}, id="expires in words"),
        pytest.param({"iat": 1_000_000_000}, id="issued long ago"),
        pytest.param({"iat": 9_999_999_999}, id="issued in the future"),
        pytest.param({"iat": None}, id="never issued"),
        pytest.param({"sub": None}, id="about nobody"),
        pytest.param({"sub": ""}, id="about an empty name"),
        pytest.param({"sub": "x" * 256}, id="about an endless name"),
        pytest.param({"sub": 7}, id="about a number"),
    ],
)
async def test_each_wrong_claim_alone_is_refused(
    stand: Stand, provider: Provider, wrong: dict[str, Any]
) -> None:
    stand.claims = wrong
    assert await refused(provider) == "identity-untrusted"


def by_hand(alg: str, claims: dict[str, Any], secret: bytes | None = None) -> str:
    """A token that no careful library makes."""

    def part(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    header = {"alg": alg, "typ": "JWT"}
    body = f"{part(json.dumps(header).encode())}.{part(json.dumps(claims).encode())}"
    seal = hmac.digest(secret, body.encode(), "sha256") if secret else b""
    return f"{body}.{part(seal)}"


async def test_a_token_that_nobody_signed_is_refused(stand: Stand, provider: Provider) -> None:
    stand.sign = partial(by_hand, "none")
    assert await refused(provider) == "identity-untrusted"


async def test_a_public_key_is_not_taken_for_a_shared_secret(
    stand: Stand, provider: Provider
) -> None:
    """The confusion of RS256 with HS256: the provider's public key as the key of an HMAC."""
    pem = stand.key.as_pem(private=False)
    stand.sign = partial(by_hand, "HS256", secret=pem)
    assert await refused(provider) == "identity-untrusted"
    assert ALGORITHMS == ("ES256", "RS256")


async def test_a_token_signed_by_another_key_is_refused(stand: Stand, provider: Provider) -> None:
    other = ECKey.generate_key("P-256", {"kid": stand.key.kid})
    stand.sign = lambda claims: jwt.encode({"alg": "ES256", "kid": stand.key.kid}, claims, other)
    assert await refused(provider) == "identity-untrusted"


async def test_new_keys_of_the_provider_are_fetched_once_they_are_needed(
    stand: Stand, provider: Provider
) -> None:
    await provider.subject("a code", JOURNEY, issuer=None)
    stand.key = ECKey.generate_key("P-256", {"use": "sig"}, auto_kid=True)
    assert await provider.subject("a code", JOURNEY, issuer=None) == "pairwise-1"


async def test_a_provider_that_promises_its_name_must_give_it(
    stand: Stand, provider: Provider
) -> None:
    stand.about = {"authorization_response_iss_parameter_supported": True}
    assert await refused(provider, None) == "identity-untrusted"
    assert await refused(provider, "https://evil.example") == "identity-untrusted"
    assert await provider.subject("a code", JOURNEY, issuer=stand.issuer) == "pairwise-1"


@pytest.mark.parametrize(
    ("about", "reason"),
    [
        ({"issuer": "https://evil.example"}, "identity-untrusted"),
        ({"token_endpoint": "http://evil.example/token"}, "identity-untrusted"),
        ({"jwks_uri": "file:///etc/passwd"}, "identity-untrusted"),
        ({"jwks_uri": None}, "identity-untrusted"),
    ],
)
async def test_a_discovery_that_leads_elsewhere_is_refused(
    stand: Stand, provider: Provider, about: dict[str, Any], reason: str
) -> None:
    stand.about = about
    assert await refused(provider) == reason


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(lambda: web.Response(status=503), "identity-away", id="down"),
        pytest.param(lambda: web.Response(status=429), "identity-away", id="too busy"),
        pytest.param(
            lambda: web.json_response({"error": "invalid_grant"}, status=400),
            "identity-untrusted",
            id="refuses the code",
        ),
        pytest.param(lambda: web.Response(text="<html>"), "identity-untrusted", id="a page"),
        pytest.param(lambda: web.json_response([1]), "identity-untrusted", id="a list"),
        pytest.param(lambda: web.json_response({}), "identity-untrusted", id="no token"),
        pytest.param(
            lambda: web.json_response({"id_token": "x" * 500_000}), "identity-untrusted", id="huge"
        ),
        pytest.param(
            lambda: web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"}),
            "identity-untrusted",
            id="sends us elsewhere",
        ),
    ],
)
async def test_whatever_a_provider_answers_is_a_reason(
    stand: Stand, provider: Provider, answer: Callable[[], web.Response], reason: str
) -> None:
    stand.answer = answer
    assert await refused(provider) == reason


async def test_we_say_who_we_are_by_a_signature_for_this_request_alone(
    stand: Stand, provider: Provider, tmp_path: Path, clock: SetClock
) -> None:
    await asyncio.gather(*(provider.subject("a code", JOURNEY, issuer=None) for _ in range(2)))
    first, second = stand.asked
    assert first["code_verifier"] == JOURNEY.code_verifier
    public = public_keys(client_key(tmp_path / "oidc_key.json"))
    keys = KeySet.import_key_set(cast("Any", dict(public)))
    said = [
        jwt.decode(each["client_assertion"], keys, algorithms=["ES256"]).claims
        for each in (first, second)
    ]
    assert {each["aud"] for each in said} == {f"{stand.issuer}/token"}
    assert said[0]["iss"] == said[0]["sub"] == "kankei-mine"
    assert said[0]["jti"] != said[1]["jti"]
    assert said[0]["exp"] <= (clock() + timedelta(minutes=5)).timestamp()


def test_our_key_is_made_once_and_readable_to_us_alone(tmp_path: Path) -> None:
    path = tmp_path / "var" / "oidc_key.json"
    first, second = client_key(path), client_key(path)
    assert first.kid == second.kid
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_challenge_is_the_one_of_the_standard() -> None:
    """RFC 7636, appendix B."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert code_challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://identity.example/token", True),
        ("http://127.0.0.1:9000/token", True),
        ("http://identity.example/token", False),
        ("ftp://identity.example", False),
    ],
)
def test_only_encrypted_addresses_are_asked(url: str, safe: bool) -> None:
    assert is_safe(url) is safe
