"""The town's keys for passes: ES256 on P-256 (RFC 7518 section 3.4), in a JWK set (RFC 7517).

A new key is published before it signs: a ticket window that has no signal then knows it already.
Those before it only verify, until every pass that they signed is past its use. The set is a file
that is readable to us alone.
"""

import hashlib
import json
import logging
import os
import tempfile
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from core.errors import DamagedKeys

log = logging.getLogger(__name__)

PASS_KEYS: Final = "pass_keys.json"  # noqa: S105
"""The file of the keys, in the data folder."""

KEPT_AFTER_ROTATION: Final = timedelta(days=7)
"""Longer than a desk may hold a scan back (72 hours) and a pass may live (minutes)."""

ANNOUNCED: Final = timedelta(hours=72)
"""So long before it signs a new key is published: as long as a window goes on without signal."""

_COORDINATE: Final = 32  # bytes of r, s, x and y on P-256
_ALGORITHM: Final = ec.ECDSA(hashes.SHA256())


@dataclass(frozen=True, slots=True)
class _Key:
    private: ec.EllipticCurvePrivateKey
    made_at: datetime
    signs_from: datetime
    id: bytes  # the first 4 bytes of the JWK thumbprint (RFC 7638)

    @classmethod
    def new(cls, now: datetime, *, after: timedelta = timedelta()) -> Self:
        return cls.of(ec.generate_private_key(ec.SECP256R1()), now, now + after)

    @classmethod
    def of(
        cls, private: ec.EllipticCurvePrivateKey, made_at: datetime, signs_from: datetime
    ) -> Self:
        thumbprint = json.dumps(_jwk(private), separators=(",", ":"), sort_keys=True)
        return cls(private, made_at, signs_from, hashlib.sha256(thumbprint.encode()).digest()[:4])

    def sign(self, content: bytes) -> bytes:
        """64 bytes, r and s (RFC 7518 section 3.4), as WebCrypto wants them."""
        r, s = decode_dss_signature(self.private.sign(content, _ALGORITHM))
        return r.to_bytes(_COORDINATE) + s.to_bytes(_COORDINATE)


class PassKeys:
    """Signs passes and verifies them; keys that come from a file follow it when it changes."""

    def __init__(self, keys: Sequence[_Key], file: Path | None = None) -> None:
        self._file = file
        self._seen = _stamp(file) if file else None
        self._kept = {key.id: key for key in keys}

    @classmethod
    def open(cls, path: Path, *, now: datetime) -> Self:
        """The keys in `path`, made at the first call. Raises `DamagedKeys`."""
        if not path.exists():
            _write(path, [_Key.new(now)], only_if_missing=True)
        return cls(_read(path), path)

    @classmethod
    def rotate(cls, path: Path, *, now: datetime, forget: bool = False) -> Self:
        """A new key is published now and signs in 72 hours (`ANNOUNCED`). Raises `DamagedKeys`.

        `forget`: the keys before it, which have become known, verify nothing any more, and the new
        one signs at once.
        """
        keys = _read(path) if path.exists() and not forget else []
        new = _Key.new(now, after=ANNOUNCED if keys else timedelta())
        followers = [*(key.signs_from for key in keys[1:]), new.signs_from][: len(keys)]
        kept = [
            key
            for key, replaced_at in zip(keys, followers, strict=True)
            if now - replaced_at < KEPT_AFTER_ROTATION
        ]
        _write(path, [*kept, new])
        return cls(_read(path), path)

    @classmethod
    def in_memory(cls, *, now: datetime) -> Self:
        """Keys that end with the process, for tests and measurements."""
        return cls([_Key.new(now)])

    def signing(self, at: datetime) -> _Key:
        """The key that signs at a moment: ask once for one pass, for its id and its signature."""
        keys = list(self._keys.values())
        return next((each for each in reversed(keys) if each.signs_from <= at), keys[0])

    def id(self, at: datetime) -> bytes:
        """Which key signs at a moment, 4 bytes."""
        return self.signing(at).id

    @property
    def _keys(self) -> Mapping[bytes, _Key]:
        """The keys as the file has them now, in the order in which they sign."""
        if self._file is None or (stamp := _stamp(self._file)) == self._seen:
            return self._kept
        self._seen = stamp
        try:
            self._kept = {key.id: key for key in _read(self._file)}
        except DamagedKeys:
            log.exception("the pass keys cannot be read again; the known ones stay in use")
        return self._kept

    def verify(self, key_id: bytes, content: bytes, signature: bytes) -> bool:
        """Whether one of our keys, the one of this id, signed this."""
        key = self._keys.get(key_id)
        if key is None or len(signature) != 2 * _COORDINATE:
            return False
        r = int.from_bytes(signature[:_COORDINATE])
        s = int.from_bytes(signature[_COORDINATE:])
        try:
            key.private.public_key().verify(encode_dss_signature(r, s), content, _ALGORITHM)
        except InvalidSignature:
            return False
        return True

    def public(self) -> Mapping[str, Mapping[str, str]]:
        """The public half of every key by its id in hex, as JWK."""
        return {
            key.id.hex(): {**_jwk(key.private), "alg": "ES256", "use": "sig"}
            for key in self._keys.values()
        }


def _jwk(private: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    """The members that RFC 7638 takes the thumbprint of."""
    point = private.public_key().public_numbers()
    return {
        "crv": "P-256",
        "kty": "EC",
        "x": _text(point.x.to_bytes(_COORDINATE)),
        "y": _text(point.y.to_bytes(_COORDINATE)),
    }


def _text(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """What changes with the file. `None`: it is gone."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def _read(path: Path) -> list[_Key]:
    try:
        entries = json.loads(path.read_text(encoding="ascii"))["keys"]
        keys = []
        for entry in entries:
            number = int.from_bytes(urlsafe_b64decode(entry["d"] + "=="))
            private = ec.derive_private_key(number, ec.SECP256R1())
            made = datetime.fromtimestamp(entry["iat"], UTC)
            since = datetime.fromtimestamp(entry.get("nbf", entry["iat"]), UTC)
            keys.append(_Key.of(private, made, since))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedKeys(str(path)) from error
    if not keys:
        raise DamagedKeys(str(path))
    return keys


def _write(path: Path, keys: Sequence[_Key], *, only_if_missing: bool = False) -> None:
    """Whole or not at all; with `only_if_missing`, whoever comes first has made the keys."""
    content = {
        "keys": [
            {
                **_jwk(key.private),
                "kid": key.id.hex(),
                "iat": int(key.made_at.timestamp()),
                "nbf": int(key.signs_from.timestamp()),
                "d": _text(key.private.private_numbers().private_value.to_bytes(_COORDINATE)),
            }
            for key in keys
        ]
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # mode 0600
    new = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
        if only_if_missing:
            try:
                os.link(new, path)
            except FileExistsError:
                return
        else:
            new.replace(path)
    finally:
        new.unlink(missing_ok=True)
