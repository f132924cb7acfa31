"""Wrong PINs and codes: how long a desk waits, and when its failures are forgotten."""

from datetime import datetime, timedelta
from typing import Final

LONGEST_WAIT: Final = timedelta(hours=1)

FORGOTTEN_AFTER: Final = timedelta(minutes=12)
"""After so long one failure is forgotten: a desk that mistypes five times an hour never waits."""


def wait_after(failures: int, *, free: int) -> timedelta:
    """How long to wait after so many failures: none, then a minute, doubling to an hour."""
    if failures < free:
        return timedelta()
    return min(timedelta(minutes=2 ** min(failures - free, 10)), LONGEST_WAIT)


def faded(failures: int, last: datetime | None, now: datetime) -> int:
    """How many failures still count; `last`: when the newest one was."""
    gone = (now - last) // FORGOTTEN_AFTER if last is not None else 0
    return max(0, failures - max(0, gone))
