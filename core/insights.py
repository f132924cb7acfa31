"""Figures on the community for staff and the council: counts, never one person.

Each figure comes from the module that keeps what is counted; what somebody did in a period is
counted in the audit log, so that the report and the log cannot differ.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from core import audit, credentials, identity
from core.access import counts


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days of the town's calendar, both included."""

    first: date
    last: date

    def bounds(self, zone: str) -> tuple[datetime, datetime]:
        """From (included) and until (excluded), in UTC."""
        here = ZoneInfo(zone)
        start = datetime.combine(self.first, time(), here)
        end = datetime.combine(self.last + timedelta(days=1), time(), here)
        return start.astimezone(UTC), end.astimezone(UTC)


def fiscal_year(day: date) -> Period:
    """The 年度 of a day: from 1 April to 31 March."""
    begun = day.year if day.month >= 4 else day.year - 1  # noqa: PLR2004 - April
    return Period(date(begun, 4, 1), date(begun + 1, 3, 31))


@dataclass(frozen=True, slots=True)
class Membership:
    """Who belongs now, and who came and went in a period."""

    members: int
    proved: int  # by a card
    credentials: Mapping[str, int]  # members with a live proof, by the pack's name for it
    platforms: Mapping[str, int]  # accounts, by platform
    inside: Mapping[str, int]  # members in each room
    joined: int
    left: int
    merged: int


async def membership(
    session: AsyncSession, period: Period, *, zone: str, now: datetime
) -> Membership:
    """The membership now, and its changes in `period`."""
    since, until = period.bounds(zone)

    async def done(action: str) -> int:
        return await audit.count(session, action, since=since, until=until)

    people = await identity.member_count(session)
    return Membership(
        members=people["members"],
        proved=people["proved"],
        credentials=await credentials.counts(session, now=now),
        platforms=await identity.accounts_by_platform(session),
        inside=await counts(session),
        joined=await done("member.joined"),
        left=await done("member.forgotten"),
        merged=await done("member.merged"),
    )
