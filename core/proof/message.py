"""EIP-4361 messages: written, parsed strictly, and compared with what was asked for.

The grammar is the EIP's ABNF as one anchored expression; it is ASCII only, so a statement in
Japanese is refused here and shown on the page instead. Two points are stricter than the ABNF:
the address must be in EIP-55 case, and a chain id is a positive number without leading zeros.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from eth_utils import is_checksum_address

MAX_CHARACTERS = 4_000

_PCHAR = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})"
_URI = r"[A-Za-z][A-Za-z0-9+\-.]*:(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+"
_HOST = r"(?:\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})+)"
_TIME = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})"

_MESSAGE = re.compile(
    rf"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+\-.]*)://)?"
    rf"(?P<domain>(?:(?:[A-Za-z0-9\-._~!$&'()*+,;=:]|%[0-9A-Fa-f]{{2}})*@)?{_HOST}(?::\d*)?)"
    r" wants you to sign in with your Ethereum account:\n"
    r"(?P<address>0x[0-9A-Fa-f]{40})\n\n"
    r"(?:(?P<statement>[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;= ]+)\n)?\n"
    rf"URI: (?P<uri>{_URI})\n"
    r"Version: (?P<version>1)\n"
    r"Chain ID: (?P<chain_id>[1-9]\d{0,77})\n"
    r"Nonce: (?P<nonce>[A-Za-z0-9]{8,})\n"
    rf"Issued At: (?P<issued_at>{_TIME})"
    rf"(?:\nExpiration Time: (?P<expiration_time>{_TIME}))?"
    rf"(?:\nNot Before: (?P<not_before>{_TIME}))?"
    rf"(?:\nRequest ID: (?P<request_id>{_PCHAR}*))?"
    rf"(?P<resources>\nResources:(?:\n- {_URI})*)?",
    re.ASCII,
)


class MalformedMessage(ValueError):
    """The text is no EIP-4361 message."""


class Refusal(StrEnum):
    """Why a proof was refused. Each value has its words and next step in the locale files."""

    MALFORMED = "malformed"
    WRONG_DOMAIN = "wrong-domain"
    WRONG_URI = "wrong-uri"
    WRONG_CHAIN = "wrong-chain"
    WRONG_ACCOUNT = "wrong-account"
    WRONG_NONCE = "wrong-nonce"
    NONCE_USED = "nonce-used"
    ISSUED_IN_FUTURE = "issued-in-future"
    NOT_YET_VALID = "not-yet-valid"
    EXPIRED = "expired"
    BAD_SIGNATURE = "bad-signature"


@dataclass(frozen=True, slots=True)
class Message:
    """The EIP's fields in snake_case. Times stay as text: the signature covers their spelling."""

    domain: str
    address: str
    uri: str
    chain_id: int
    nonce: str
    issued_at: str
    version: str
    scheme: str | None = None
    statement: str | None = None
    expiration_time: str | None = None
    not_before: str | None = None
    request_id: str | None = None
    resources: tuple[str, ...] | None = None

    @property
    def text(self) -> str:
        """The message as a wallet signs it. Raises `MalformedMessage` if the grammar forbids it."""
        scheme = f"{self.scheme}://" if self.scheme else ""
        lines = [
            f"{scheme}{self.domain} wants you to sign in with your Ethereum account:",
            self.address,
            "",
            *((self.statement,) if self.statement is not None else ()),
            "",
            f"URI: {self.uri}",
            f"Version: {self.version}",
            f"Chain ID: {self.chain_id}",
            f"Nonce: {self.nonce}",
            f"Issued At: {self.issued_at}",
        ]
        if self.expiration_time is not None:
            lines.append(f"Expiration Time: {self.expiration_time}")
        if self.not_before is not None:
            lines.append(f"Not Before: {self.not_before}")
        if self.request_id is not None:
            lines.append(f"Request ID: {self.request_id}")
        if self.resources is not None:
            lines.append("Resources:")
            lines.extend(f"- {resource}" for resource in self.resources)
        text = "\n".join(lines)
        if parse(text) != self:
            raise MalformedMessage("a field holds what the grammar does not allow there")
        return text


def parse(text: str) -> Message:
    """Read an EIP-4361 message. Raises `MalformedMessage` for anything else."""
    if len(text) > MAX_CHARACTERS:
        raise MalformedMessage("longer than a message may be")
    found = _MESSAGE.fullmatch(text)
    if found is None:
        raise MalformedMessage("does not follow the grammar of EIP-4361")
    if not is_checksum_address(found["address"]):
        raise MalformedMessage("the address is not in EIP-55 case")
    for field in ("issued_at", "expiration_time", "not_before"):
        if found[field] is not None:
            _time(found[field])
    resources = found["resources"]
    return Message(
        domain=found["domain"],
        address=found["address"],
        uri=found["uri"],
        chain_id=int(found["chain_id"]),
        nonce=found["nonce"],
        issued_at=found["issued_at"],
        version=found["version"],
        scheme=found["scheme"],
        statement=found["statement"],
        expiration_time=found["expiration_time"],
        not_before=found["not_before"],
        request_id=found["request_id"],
        resources=None if resources is None else tuple(resources.split("\n- ")[1:]),
    )


def check(
    message: Message,
    *,
    expected_domain: str,
    expected_uri: str,
    expected_chain_id: int,
    expected_address: str,
    expected_nonce: str,
    now: datetime,
    clock_skew: timedelta,
) -> Refusal | None:
    """Compare a message with what was asked for. `None` means: all as expected.

    `clock_skew` is how far in the future `issued_at` may lie.
    """
    expectations = (
        (message.domain == expected_domain, Refusal.WRONG_DOMAIN),
        (message.uri == expected_uri, Refusal.WRONG_URI),
        (message.chain_id == expected_chain_id, Refusal.WRONG_CHAIN),
        (message.address == expected_address, Refusal.WRONG_ACCOUNT),
        (message.nonce == expected_nonce, Refusal.WRONG_NONCE),
        (_time(message.issued_at) <= now + clock_skew, Refusal.ISSUED_IN_FUTURE),
        (
            message.not_before is None or _time(message.not_before) <= now,
            Refusal.NOT_YET_VALID,
        ),
        (
            message.expiration_time is None or now < _time(message.expiration_time),
            Refusal.EXPIRED,
        ),
    )
    return next((refusal for met, refusal in expectations if not met), None)


def _time(text: str) -> datetime:
    """An RFC 3339 time; 31 February is none."""
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise MalformedMessage(f"not a time: {text}") from error
