"""What time it is, as a part that tests can set."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Returns the present, in UTC."""


def system_clock() -> datetime:
    return datetime.now(UTC)
