"""Days of codes, on the town's calendar."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from bots.web.ports import TownApp

USUAL: Final = timedelta(days=180)
LONGEST: Final = timedelta(days=3660)


class Days:
    """What today is in the town, and when a code ends."""

    def __init__(self, app: TownApp) -> None:
        self._app = app

    def today(self) -> date:
        return self._app.clock().astimezone(self._zone()).date()

    def last(self, expires_at: datetime) -> date:
        """The last day on which a code works."""
        return (expires_at - timedelta(seconds=1)).astimezone(self._zone()).date()

    def end_of(self, text: str) -> datetime:
        """The end of a day that staff wrote, in UTC. Raises `ValueError`."""
        day = date.fromisoformat(text)
        if not self.today() <= day <= self.today() + LONGEST:
            raise ValueError("past")
        midnight = datetime.combine(day + timedelta(days=1), time(), self._zone())
        return midnight.astimezone(UTC)

    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self._app.town.town.timezone)
