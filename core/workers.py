"""Workers: the processes of a town that are at work, each under a name of its own.

A worker writes down every few seconds that it is there (`beat`). One that has been silent for
`GONE_AFTER` counts as gone. What somebody is shown goes by the clock (`silent`): the times of
several machines are compared, which should be kept by NTP. What a worker held is taken over only
by who has watched its row and seen no change (`Silence`).
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core import processes
from core.tables import WorkerRow

BEAT_EVERY: Final = timedelta(seconds=3)
GONE_AFTER: Final = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a process is: the name that staff gave it, and what tells this start from the others."""

    name: str
    token: str  # of this start
    host: str
    pid: int
    born: str  # when the system started the process, in its own count; "" if it does not say
    version: str  # of the code
    clock: str  # of the workflows

    def certainly_dead(self) -> bool:
        """Whether a process of this machine is no more. Of another machine nobody can tell."""
        return processes.certainly_dead(self.host, self.pid, self.born, self.token)


@dataclass(frozen=True, slots=True)
class Worker:
    """A process as its row tells."""

    who: Identity
    schema: str
    duties: str
    doing: str
    started_at: datetime
    seen_at: datetime

    def gone(self, now: datetime) -> bool:
        """Whether it counts as gone, by the clock."""
        return silent(self.seen_at, now)


def silent(seen_at: datetime, now: datetime) -> bool:
    """Whether a worker seen at that time counts as gone.

    A time that lies ahead by as much is of a clock that was set back since: no sign of life either.
    """
    return abs(now - seen_at) > GONE_AFTER


class Silence:
    """Who has given no sign for `GONE_AFTER`, by this process's own count of time.

    Nobody is gone at one look: after an outage of the database, or a halt of this process, whoever
    looks first sees old times in every row. So no gap between two looks counts for more than a
    half, and a row that has changed begins anew.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._looked = monotonic()
        self._rows: dict[str, tuple[tuple[str, datetime], float]] = {}

    def look(self, known: Sequence[Worker]) -> set[str]:
        """The names of those that are gone, from their rows as they are now."""
        moment, after = self._monotonic(), GONE_AFTER.total_seconds()
        passed, self._looked = min(moment - self._looked, after / 2), moment
        rows: dict[str, tuple[tuple[str, datetime], float]] = {}
        for each in known:
            sign = (each.who.token, each.seen_at)
            before, quiet = self._rows.get(each.who.name, (None, 0.0))
            rows[each.who.name] = (sign, quiet + passed if before == sign else 0.0)
        self._rows = rows
        return {name for name, (_, quiet) in rows.items() if quiet >= after}

    async def gone(self, session: AsyncSession) -> set[str]:
        """The same, from their rows as they are read now."""
        return self.look(await everybody(session))


def _worker(row: WorkerRow) -> Worker:
    who = Identity(row.name, row.token, row.host, row.pid, row.born, row.version, row.clock)
    return Worker(who, row.schema, row.duties, row.doing, row.started_at, row.seen_at)


async def enter(
    session: AsyncSession,
    me: Identity,
    *,
    duties: str,
    replacing: str | None,
    now: datetime,
) -> Worker | None:
    """Take my name. Returns who holds it, if somebody does; nothing is changed then.

    `replacing` is the token of a holder that the caller knows to be dead, else ``None``.
    """
    if replacing is not None:
        await session.execute(
            delete(WorkerRow).where(WorkerRow.name == me.name, WorkerRow.token == replacing)
        )
    values = {
        "name": me.name,
        "token": me.token,
        "host": me.host[:128],
        "pid": me.pid,
        "born": me.born,
        "version": me.version,
        "clock": me.clock,
        "schema": await schema_revision(session),
        "duties": duties[:120],
        "doing": "",
        "started_at": now,
        "seen_at": now,
    }
    try:
        async with session.begin_nested():
            await session.execute(insert(WorkerRow).values(values))
    except IntegrityError:
        return await named(session, me.name)
    return None


async def beat(session: AsyncSession, me: Identity, *, doing: str, now: datetime) -> bool:
    """Say that I am here. ``False``: the name is no longer mine, another process has it."""
    found = await session.execute(
        update(WorkerRow)
        .where(WorkerRow.name == me.name, WorkerRow.token == me.token)
        .values(seen_at=now, doing=doing[:200])
        .returning(WorkerRow.name)
    )
    return found.first() is not None


async def leave(session: AsyncSession, me: Identity) -> None:
    """End in order: the name is free at once."""
    await session.execute(
        delete(WorkerRow).where(WorkerRow.name == me.name, WorkerRow.token == me.token)
    )


async def named(session: AsyncSession, name: str) -> Worker | None:
    row = await session.get(WorkerRow, name, populate_existing=True)
    return _worker(row) if row is not None else None


async def everybody(session: AsyncSession) -> Sequence[Worker]:
    """All that have a row, by name; those that ended in order have none."""
    rows = await session.scalars(
        select(WorkerRow).order_by(WorkerRow.name).execution_options(populate_existing=True)
    )
    return [_worker(row) for row in rows]


async def forget(session: AsyncSession, *, before: datetime) -> int:
    """Remove those that were last seen before then; returns how many."""
    gone = await session.execute(
        delete(WorkerRow).where(WorkerRow.seen_at < before).returning(WorkerRow.name)
    )
    return len(gone.all())


async def schema_revision(session: AsyncSession) -> str:
    """The revision of the tables, as Alembic keeps it."""
    return str(await session.scalar(text("SELECT version_num FROM alembic_version")) or "")
