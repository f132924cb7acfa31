"""What becomes of deliveries, written down: many rows in one statement, each under its guard.

A change names the worker and the attempt that it found. A row that has gone on since, or whose
person has left, keeps what it says and is not counted.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, Final, cast

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    Integer,
    SmallInteger,
    String,
    Table,
    bindparam,
    column,
    func,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.dml import ReturningUpdate
from sqlalchemy.types import TypeEngine

from core.announcements.counters import COUNTERS, Counters, finish_if_settled, pause_if_failing
from core.announcements.delivery.lanes import DeliveryState, delivery_number
from core.database import is_outage
from core.tables import AnnouncementRow, DeliveryRow

logger = logging.getLogger(__name__)

DELIVERY: Final = cast(Table, DeliveryRow.__table__)
MAX_REASON: Final = 200

_SET: Final = (
    *("state", "due_at", "attempts", "in_doubt"),
    *("message_id", "revision", "reason", "worker"),
)
_FIELDS: Final[Mapping[str, TypeEngine[Any]]] = {
    "announcement_id": Integer(),
    "recipient": BigInteger(),
    "held_by": String(),
    "held_at": SmallInteger(),
    "state": SmallInteger(),
    "due_at": BigInteger(),
    "attempts": SmallInteger(),
    "in_doubt": SmallInteger(),
    "message_id": BigInteger(),
    "revision": SmallInteger(),
    "reason": String(),
    "worker": String(),
}

Key = tuple[int, int]
"""Of a delivery: announcement and recipient."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One row's next state, if it still is as it was found."""

    announcement_id: int
    recipient: int
    held_by: str | None  # whose it was
    held_at: int  # at which attempt
    state: DeliveryState
    due_at: int | None
    attempts: int
    in_doubt: int
    message_id: int | None
    revision: int
    reason: str | None = None
    worker: str | None = None
    counted: str | None = None  # the counter of the announcement that it moves

    @property
    def key(self) -> Key:
        return self.announcement_id, self.recipient

    def stored(self) -> dict[str, Any]:
        values = {name: getattr(self, name) for name in _FIELDS}
        values["held_by"] = self.held_by or ""
        values["reason"] = _storable(self.reason)[:MAX_REASON] if self.reason else None
        return values


def _storable(words: str) -> str:
    """What a platform said, without what no database takes: NUL, and half of a UTF-16 pair."""
    return words.replace("\0", "").encode("utf-8", "replace").decode()


async def apply(
    session: AsyncSession, changes: Sequence[Change], *, singly: bool = False
) -> set[Key]:
    """Write changes down; returns those rows that were still as they were found.

    `singly`: one by one, without those that the database refuses; they are logged by number.
    """
    if not changes:
        return set()
    changes = sorted(changes, key=lambda each: each.key)  # everybody locks rows in this order
    if singly:
        return set().union(*[await _apply_one(session, each) for each in changes])
    return await _apply(session, changes)


async def _apply_one(session: AsyncSession, change: Change) -> set[Key]:
    try:
        async with session.begin_nested():
            return await _apply(session, [change])
    except DBAPIError as error:
        if is_outage(error):
            raise
        reason = type(error.orig).__name__
        logger.error(  # noqa: TRY400 — the error quotes what it was about
            "delivery-not-written",
            extra={"delivery": delivery_number(*change.key), "reason": reason},
        )
        return set()


async def _apply(session: AsyncSession, changes: Sequence[Change]) -> set[Key]:
    connection = await session.connection()
    rows = await connection.execute(
        _statement(connection.dialect.name), {"changes": [each.stored() for each in changes]}
    )
    return {(row[0], row[1]) for row in rows}


@dataclass(slots=True)
class Reckoning:
    """What a turn means for announcements, written down at its end.

    Rows are locked in one order everywhere: the lane, runs, deliveries, then announcements by
    their number. So a turn and staff at the same announcement wait for each other, never in a
    circle.
    """

    counts: dict[int, Counter[str]] = field(default_factory=dict)
    through: set[int] = field(default_factory=set)  # a cursor has come to its end
    late: set[int] = field(default_factory=set)  # the deadline has come
    given_up: set[int] = field(default_factory=set)  # notices of which nothing leaves any more

    def count(self, changes: Iterable[Change], applied: set[Key]) -> None:
        """Count what was applied."""
        for each in changes:
            if each.counted is not None and each.key in applied:
                self.add(each.announcement_id, each.counted)

    def add(self, announcement_id: int, counter: str) -> None:
        self.counts.setdefault(announcement_id, Counter())[counter] += 1

    def add_all(self, other: "Reckoning") -> None:
        for announcement_id, counted in other.counts.items():
            self.counts.setdefault(announcement_id, Counter()).update(counted)
        self.through |= other.through
        self.late |= other.late
        self.given_up |= other.given_up

    @property
    def announcements(self) -> list[int]:
        return sorted({*self.counts, *self.through, *self.late, *self.given_up})


async def count(
    session: AsyncSession, announcement_id: int, counted: Mapping[str, int], *, now: datetime
) -> None:
    """Move an announcement's counters: the last result finishes it, too many lost ones pause it."""
    columns = AnnouncementRow.__table__.c
    moved = await session.execute(
        update(AnnouncementRow)
        .where(AnnouncementRow.id == announcement_id)
        .values({name: columns[name] + number for name, number in counted.items()})
        .returning(*COUNTERS)
        .execution_options(synchronize_session=False)
    )
    if (row := moved.first()) is None:
        return
    counters = Counters(*row)
    await pause_if_failing(session, announcement_id, counters, now=now)
    if counters.settled >= counters.total:
        await finish_if_settled(session, announcement_id, now=now)


@cache
def _statement(dialect: str) -> ReturningUpdate[int, int]:
    found = _given(dialect)
    keys = DELIVERY.c.announcement_id, DELIVERY.c.recipient
    return (
        update(DELIVERY)
        .where(
            keys[0] == found["announcement_id"],
            keys[1] == found["recipient"],
            func.coalesce(DELIVERY.c.worker, "") == found["held_by"],
            DELIVERY.c.attempts == found["held_at"],
        )
        .values({name: found[name] for name in _SET})
        .returning(*keys)
    )


def _given(dialect: str) -> Mapping[str, ColumnElement[Any]]:
    """A list of objects in one parameter, as rows that a statement can join."""
    given = bindparam("changes", type_=JSON().with_variant(JSONB(), "postgresql"))
    if dialect == "sqlite":
        each = func.json_each(given).table_valued("value", name="given")
        return {
            name: func.json_extract(each.c.value, f"$.{name}", type_=kind)
            for name, kind in _FIELDS.items()
        }
    columns = [column(name, kind) for name, kind in _FIELDS.items()]
    rows = func.jsonb_to_recordset(given).table_valued(*columns, name="given")
    rows = rows.render_derived(with_types=True)
    return {name: rows.c[name] for name in _FIELDS}
