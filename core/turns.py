"""Turns of the clock: when each job is due, and what became of its last turn.

One row a job, shared by all processes. A turn is *handed out* by whoever sees first that it is due
(`hand_out` moves the row on, guarded by the number of the turn), *begun* and *ended* by the process
that does it. What was missed while no process ran is made up for by one turn, never by many.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core.errors import NotFound
from core.tables import JobRow


class Outcome(StrEnum):
    NONE = ""  # never yet, or under way
    DONE = "done"
    POSTPONED = "postponed"  # what it needs was away; it changed nothing and comes again soon
    RETRYING = "retrying"
    FAILED = "failed"  # every try of the turn
    CUT_SHORT = "cut-short"  # its process ended


@dataclass(frozen=True, slots=True)
class Turn:
    """A job as its row tells."""

    name: str
    due_at: datetime
    number: int
    started_at: datetime | None
    ended_at: datetime | None
    worker: str
    outcome: Outcome
    reason: str
    failures: int
    troubles: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """What the last turn that was done left for staff to mend, in sentences, by kind."""

    @property
    def under_way(self) -> bool:
        return self.started_at is not None and (
            self.ended_at is None or self.ended_at < self.started_at
        )


def _turn(row: JobRow) -> Turn:
    return Turn(
        row.name,
        row.due_at,
        row.turn,
        row.started_at,
        row.ended_at,
        row.worker,
        Outcome(row.outcome),
        row.reason,
        row.failures,
        row.troubles,
    )


async def every(session: AsyncSession) -> Sequence[Turn]:
    """All jobs that were ever on the clock, by name."""
    rows = await session.scalars(
        select(JobRow).order_by(JobRow.name).execution_options(populate_existing=True)
    )
    return [_turn(row) for row in rows]


async def put_on(session: AsyncSession, first: Mapping[str, datetime]) -> None:
    """Add jobs that the clock does not know yet, each with its first time."""
    known = {each.name for each in await every(session)}
    for name, due_at in first.items():
        if name in known:
            continue
        try:
            async with session.begin_nested():
                await session.execute(insert(JobRow).values(name=name, due_at=due_at))
        except IntegrityError:
            continue  # another process did it in this moment


async def take_off(session: AsyncSession, known: Collection[str], *, before: datetime) -> list[str]:
    """Forget jobs that the code no longer has: not `known`, and due since before then.

    A job that newer code has added is done by a newer worker, and so never due for long.
    """
    gone = await session.execute(
        delete(JobRow)
        .where(JobRow.name.not_in(known), JobRow.due_at < before)
        .returning(JobRow.name)
    )
    return list(gone.scalars())


async def bring_forward(session: AsyncSession, name: str, *, to: datetime) -> None:
    """Not later than then."""
    await session.execute(
        update(JobRow).where(JobRow.name == name, JobRow.due_at > to).values(due_at=to)
    )


async def hand_out(session: AsyncSession, turn: Turn, *, following: datetime) -> bool:
    """Count one turn more and say when the next is due. ``False``: another process did already."""
    moved = await session.execute(
        update(JobRow)
        .where(JobRow.name == turn.name, JobRow.turn == turn.number)
        .values(turn=turn.number + 1, due_at=following)
        .returning(JobRow.name)
    )
    return moved.first() is not None


async def skip(session: AsyncSession, turn: Turn, *, following: datetime) -> None:
    """The turn before is still under way: this one is left out."""
    await session.execute(
        update(JobRow)
        .where(JobRow.name == turn.name, JobRow.turn == turn.number, JobRow.due_at == turn.due_at)
        .values(due_at=following)
    )


async def begin(session: AsyncSession, name: str, *, worker: str, now: datetime) -> None:
    await session.execute(
        update(JobRow)
        .where(JobRow.name == name)
        .values(started_at=now, ended_at=None, worker=worker)
    )


async def end(
    session: AsyncSession,
    name: str,
    outcome: Outcome,
    *,
    worker: str,
    reason: str = "",
    troubles: Mapping[str, Sequence[str]] | None = None,
    now: datetime,
) -> None:
    """Write down what became of a turn, unless another process has begun the next meanwhile.

    `troubles` take the place of the last ones; without them those stay.
    """
    failed = outcome in {Outcome.RETRYING, Outcome.FAILED}
    await session.execute(
        update(JobRow)
        .where(JobRow.name == name, JobRow.worker == worker)
        .values(
            ended_at=now,
            outcome=outcome,
            reason=reason[:80],
            failures=JobRow.failures + 1 if failed else 0,
            **({} if troubles is None else {"troubles": dict(troubles)}),
        )
    )


async def run_now(session: AsyncSession, name: str, *, now: datetime) -> None:
    """Make a job due at once. Raises `NotFound` if the clock does not know it."""
    found = await session.execute(
        update(JobRow).where(JobRow.name == name).values(due_at=now).returning(JobRow.name)
    )
    if found.first() is None:
        raise NotFound(name)


async def cut_short(session: AsyncSession, workers: Sequence[str], *, now: datetime) -> list[str]:
    """What these were doing when they died is due again; returns the jobs."""
    found = await session.execute(
        update(JobRow)
        .where(
            JobRow.worker.in_(workers),
            JobRow.started_at.is_not(None),
            JobRow.ended_at.is_(None),
        )
        .values(ended_at=now, outcome=Outcome.CUT_SHORT, due_at=now)
        .returning(JobRow.name)
    )
    return list(found.scalars())
