"""Why one endpoint gave nothing that can be used. None of these leaves the package.

    NoAnswer            the endpoint lives; this answer is of no use
    ├── Reverted        the call was executed and reverted: an answer of a kind
    ├── Refused         a JSON-RPC error, with its code and words
    ├── Resting         it was not asked: it rests, or its budget is used up
    ├── TooLarge        more than we read; strangers can make a contract say much
    └── Broken          nothing usable came: it rests for a while, longer each time
        ├── RateLimited it says itself that it was asked too often
        └── Stalled     too slow, or broken off in the middle

Their texts hold no secret: never an address of an endpoint, never what was asked.
"""

import re
from collections.abc import Mapping
from typing import Final

MAX_ANSWER_BYTES: Final = 2_000_000
REVERTED = 3  # geth's code for a reverted call
LIMIT_EXCEEDED = -32005  # EIP-1474; said of requests a second and of log ranges alike
_RATE_CODES = {429, -32029}
_RATE = re.compile(
    r"rate.?limit|too many requests|request count|requests per|throughput|compute units|quota"
    r"|credits|frequency|slow down|(?:monthly|daily) (?:request )?(?:limit|cap)",
    re.IGNORECASE,
)
_LOGS = re.compile(r"range|result|blocks|logs|size|large|big|wide|time", re.IGNORECASE)


class NoAnswer(Exception):
    """One endpoint gave nothing that can be used; its text says what, without any secret."""


class Reverted(NoAnswer):
    """The endpoint executed the call and it reverted."""


class Refused(NoAnswer):
    """The endpoint answered with an error."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(f"error {code}")
        self.code = code
        self.words = words[:1000]


class Resting(NoAnswer):
    """The endpoint was not asked."""


class Broken(NoAnswer):
    """Nothing usable came."""


class RateLimited(Broken):
    """The endpoint was asked too often; `seconds` is how long it wants to rest, if it says so."""

    def __init__(self, seconds: float | None = None) -> None:
        super().__init__("rate-limited")
        self.seconds = seconds


class Stalled(Broken):
    """Too slow, or broken off."""


class TooLarge(NoAnswer):
    """More than we read."""


def fault_of(error: object) -> NoAnswer:
    """What a JSON-RPC ``error`` means."""
    if not isinstance(error, Mapping):
        return Refused(0, str(error))
    words = str(error.get("message", ""))
    data = error.get("data")
    code = error.get("code")
    number = code if isinstance(code, int) else 0
    if isinstance(data, str | Mapping):
        words = f"{words} {data if isinstance(data, str) else _payload(data)}"
    if number == REVERTED or "revert" in words.lower():
        return Reverted("the call reverted")
    if number in _RATE_CODES or _RATE.search(words):
        return RateLimited(_seconds(data))
    if number == LIMIT_EXCEEDED and not _LOGS.search(words):
        return RateLimited(_seconds(data))
    return Refused(number, words)


def _payload(data: Mapping[object, object]) -> str:
    """Some gateways put the reason one level deeper."""
    return " ".join(value for value in data.values() if isinstance(value, str))


def _seconds(data: object) -> float | None:
    """Infura's ``data.rate.backoff_seconds``."""
    if isinstance(data, Mapping):
        rate = data.get("rate", data)
        if isinstance(rate, Mapping):
            found = rate.get("backoff_seconds")
            if isinstance(found, int | float) and found > 0:
                return float(found)
    return None
