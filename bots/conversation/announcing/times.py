"""Times as buttons carry them: whole minutes since 1970."""

from datetime import UTC, datetime


def minutes_of(moment: datetime) -> int:
    """A moment for a button."""
    return int(moment.timestamp()) // 60


def moment_in(carried: str) -> datetime | None:
    """The moment that a button carries; `None`: it carries none."""
    if not (carried.isascii() and carried.isdigit() and len(carried) <= 9):  # noqa: PLR2004
        return None
    return datetime.fromtimestamp(int(carried) * 60, UTC)
