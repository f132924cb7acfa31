"""The text of a pass: what it says, how it is written, and how it is read back.

``K1.`` and 104 bytes in Base32 (RFC 4648, no padding): 170 characters that a QR code holds in its
alphanumeric mode, version 7 at error level M. All numbers are big-endian::

    offset  bytes  field
    0       1      version of the format, 1
    1       4      key id: the first bytes of the JWK thumbprint (RFC 7638)
    5       3      全国地方公共団体コード as a number
    8       4      mark of the perk: the first bytes of SHA-256 over its name
    12      8      handle: a pseudonym that changes with perk and period
    20      2      uses left at issue; 0xFFFF: any number
    22      4      issued at, seconds since 1970 (UTC)
    26      2      lifetime in seconds
    28      12     nonce
    40      64     ES256 signature (r, s) over the 40 bytes before

Nothing in it leads to a person, a wallet or a card without the town's records.
"""

import hashlib
import struct
from base64 import b32decode, b32encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from core.perks.keys import PassKeys
from core.perks.model import Reason

PREFIX: Final = "K1."
VERSION: Final = 1
ANY_NUMBER: Final = 0xFFFF
MAX_LIFETIME: Final = timedelta(hours=1)
_LAYOUT: Final = struct.Struct(">B4s3s4s8sHIH12s")
_LENGTH: Final = len(PREFIX) + 167  # 104 bytes in Base32, its padding left out


@dataclass(frozen=True, slots=True)
class Content:
    """What a pass says."""

    town: str  # 全国地方公共団体コード
    mark: bytes  # of the perk, 4 bytes
    handle: bytes  # 8 bytes
    left: int | None  # at issue; `None`: any number
    issued_at: datetime  # whole seconds
    lifetime: timedelta  # whole seconds
    nonce: bytes  # 12 bytes

    @property
    def expires_at(self) -> datetime:
        return self.issued_at + self.lifetime


def mark_of(perk: str) -> bytes:
    """How a pass names a perk."""
    return hashlib.sha256(perk.encode()).digest()[:4]


def looks_like_pass(text: str) -> bool:
    """Whether this is meant as a pass text (or else as a code)."""
    return text.strip()[: len(PREFIX)].upper() == PREFIX


def write(content: Content, keys: PassKeys) -> str:
    """The signed text of a pass."""
    left = ANY_NUMBER if content.left is None else min(content.left, ANY_NUMBER - 1)
    key = keys.signing(content.issued_at)
    body = _LAYOUT.pack(
        VERSION,
        key.id,
        int(content.town).to_bytes(3),
        content.mark,
        content.handle,
        left,
        int(content.issued_at.timestamp()),
        int(content.lifetime.total_seconds()),
        content.nonce,
    )
    return PREFIX + b32encode(body + key.sign(body)).decode().rstrip("=")


def read(text: str, keys: PassKeys, *, expected_town: str) -> Content | Reason:
    """What a text says if it is a pass that we signed. Whether it is in time is not asked here.

    Never raises, whatever the text: `Reason.UNREADABLE`, or `Reason.OTHER_TOWN`.
    """
    packed = _unpack(text)
    if packed is None or packed[0] != VERSION:
        return Reason.UNREADABLE
    body, signature = packed[: _LAYOUT.size], packed[_LAYOUT.size :]
    _, key_id, town, mark, handle, left, issued, lifetime, nonce = _LAYOUT.unpack(body)
    town = f"{int.from_bytes(town):06}"
    if town != expected_town:
        return Reason.OTHER_TOWN
    if not keys.verify(key_id, body, signature):
        return Reason.UNREADABLE
    return Content(
        town=town,
        mark=mark,
        handle=handle,
        left=None if left == ANY_NUMBER else left,
        issued_at=datetime.fromtimestamp(issued, UTC),
        lifetime=timedelta(seconds=lifetime),
        nonce=nonce,
    )


def _unpack(text: str) -> bytes | None:
    text = text.strip()
    if len(text) != _LENGTH or not text.isascii() or not looks_like_pass(text):
        return None
    try:
        return b32decode(text[len(PREFIX) :].upper() + "=")
    except ValueError:
        return None
