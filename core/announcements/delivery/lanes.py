"""Lanes: the pace of each bot, and the numbers in which deliveries are written down.

The pace is GCRA (the generic cell rate algorithm, ITU-T I.371): the lane's row keeps the
theoretical arrival time of the next message, and each message moves it by one gap. Who holds the
row's lock reserves slots a moment ahead, so any number of workers keep one rate together.

A platform's true limit is not published, so the gap learns: a flood (HTTP 429) widens it by a
tenth, quiet narrows it slowly, and it is never narrower than the settings say.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Final, Self

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core.announcements.nouns import Kind
from core.tables import LaneRow

AHEAD: Final = timedelta(milliseconds=100)
"""How far in advance slots are reserved: what a turn may take, and no more, for what is reserved
when a process dies is in doubt afterwards."""
BARELY_AHEAD: Final = timedelta(milliseconds=20)
"""The same where a doubt is dear: what a turn takes on disk, so that messages leave at once."""
LONGEST_BAN: Final = timedelta(days=1)
"""A platform that asks for a longer silence is asked again after a day."""

WIDER: Final = 1.1
WIDEST: Final = 20  # times the gap of the settings
NARROWER: Final = 0.98
NARROW_EVERY: Final = timedelta(minutes=1)

PLATFORMS: Final = {"telegram": 1, "discord": 2, "web": 3}
"""The number of each platform in a delivery's lane. Kept for ever: they stand in the records."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_RECIPIENT_BITS: Final = 36
_MILLISECOND: Final = timedelta(milliseconds=1)
_MICROSECOND: Final = timedelta(microseconds=1)


class Priority(IntEnum):
    """Who goes first where several wait. A reply to a person goes before all of them."""

    NOTICE = 0
    ROOM = 1
    DIRECT = 2


class DeliveryState(IntEnum):
    """As it stands in a delivery's row; kept for ever."""

    WAITING = 0  # for its time, or for another try
    SENDING = 1
    DELIVERED = 2
    BLOCKED = 3
    FAILED = 4
    UNSURE = 5

    @property
    def word(self) -> str:
        """The name of its counter, and what staff read in the CSV."""
        return self.name.lower()


SETTLED: Final = (
    DeliveryState.DELIVERED,
    DeliveryState.BLOCKED,
    DeliveryState.FAILED,
    DeliveryState.UNSURE,
)

_PRIORITIES: Final = {
    Kind.NOTICE: Priority.NOTICE,
    Kind.ROOM: Priority.ROOM,
    Kind.DIRECT: Priority.DIRECT,
}


def lane_code(platform: str, kind: Kind) -> int:
    """The lane of a delivery. Raises `KeyError` for a platform without a number."""
    return PLATFORMS[platform] * 4 + _PRIORITIES[kind]


def platform_of(code: int) -> str:
    """The platform of a lane."""
    return next(name for name, number in PLATFORMS.items() if number == code // 4)


def milliseconds(at: datetime) -> int:
    """Since 1970, as `due_at` has it."""
    return (at - _EPOCH) // _MILLISECOND


def delivery_number(announcement_id: int, recipient: int) -> int:
    """What a messenger is given: the same at every attempt, unique, below 2^63."""
    return announcement_id << _RECIPIENT_BITS | recipient & (1 << _RECIPIENT_BITS) - 1


def announcement_of(number: int) -> int:
    """The announcement of a delivery's number."""
    return number >> _RECIPIENT_BITS


@dataclass(frozen=True, slots=True)
class Lane:
    """The pace of one bot, as of now."""

    free_at: datetime  # when the next message may leave
    banned_until: datetime | None
    gap: timedelta
    set_gap: timedelta
    changed_at: datetime

    @classmethod
    def fresh(cls, gap: timedelta, now: datetime) -> Self:
        return cls(now, None, gap, gap, now)

    def kept_by(self, gap: timedelta, now: datetime) -> Self:
        """As the settings have it now, and narrowed if it has been quiet."""
        if self.set_gap != gap:
            return replace(self, gap=gap, set_gap=gap, changed_at=now)
        if self.gap <= gap:
            return self
        if now - self.changed_at >= NARROW_EVERY:
            return replace(self, gap=max(gap, self.gap * NARROWER), changed_at=now)
        return self

    def slots(self, now: datetime, ahead: timedelta = AHEAD) -> int:
        """How many messages may be reserved."""
        start = max(self.free_at, now)
        if start > now + ahead or self.banned(now):
            return 0
        return int((now + ahead - start) / self.gap) + 1

    def banned(self, now: datetime) -> bool:
        return self.banned_until is not None and now < self.banned_until

    def taken(self, count: int, now: datetime) -> tuple[datetime, Self]:
        """Reserve so many slots; returns when the first is."""
        start = max(self.free_at, now)
        return start, replace(self, free_at=start + count * self.gap)

    def flooded(self, retry_after: timedelta, now: datetime) -> Self:
        """The platform asks for silence. One ban widens the gap once, however many heard of it."""
        until = now + retry_after
        if self.banned(now) and self.banned_until is not None:
            until = max(until, self.banned_until)
            return replace(self, banned_until=until, free_at=max(self.free_at, until))
        return replace(
            self,
            banned_until=until,
            free_at=max(self.free_at, until),
            gap=min(self.gap * WIDER, self.set_gap * WIDEST),
            changed_at=until,
        )

    def mended(self, now: datetime, ban_left: timedelta) -> Self:
        """After the clock was put forward or back: as it stands by the time that has passed.

        Nobody can have reserved further ahead than a turn, and a ban lasts as long as it had to.
        """
        banned_until = now + ban_left if ban_left > timedelta(0) else None
        most = banned_until or now + AHEAD + self.gap
        return replace(
            self,
            free_at=min(self.free_at, most),
            banned_until=banned_until,
            changed_at=min(self.changed_at, most),
        )


async def locked(session: AsyncSession, platform: str, gap: timedelta, now: datetime) -> Lane:
    """The platform's lane; nobody else has it until the commit."""
    query = select(LaneRow).where(LaneRow.platform == platform)
    query = query.with_for_update().execution_options(populate_existing=True)
    row = await session.scalar(query)
    if row is None:
        try:
            async with session.begin_nested():
                await session.execute(
                    insert(LaneRow).values(_values(platform, Lane.fresh(gap, now)))
                )
        except IntegrityError:
            session.expire_all()  # another worker made it in this moment
        row = (await session.scalars(query)).one()
    return Lane(
        row.free_at,
        row.banned_until,
        row.gap_us * _MICROSECOND,
        row.set_gap_us * _MICROSECOND,
        row.changed_at,
    )


async def keep(session: AsyncSession, platform: str, lane: Lane) -> None:
    """Write the lane down."""
    values = _values(platform, lane)
    await session.execute(update(LaneRow).where(LaneRow.platform == platform).values(values))


def _values(platform: str, lane: Lane) -> dict[str, object]:
    return {
        "platform": platform,
        "free_at": lane.free_at,
        "banned_until": lane.banned_until,
        "gap_us": lane.gap // _MICROSECOND,
        "set_gap_us": lane.set_gap // _MICROSECOND,
        "changed_at": lane.changed_at,
    }
