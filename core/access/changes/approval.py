"""What staff do with a change: look at it, agree to it, refuse it."""

from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from core.access.changes.brake import (
    applied_rules,
    apply_rules,
    record_change,
    settle,
)
from core.access.changes.nouns import Change, ChangeKind, ChangeState
from core.access.plan import fingerprint, rules_of
from core.errors import NotAllowed, NotFound
from core.tables import ChangeRow, LossRow
from core.town import TownPack


async def changes(session: AsyncSession, *, limit: int = 50) -> list[Change]:
    """Those that wait, and the newest that were settled."""
    rows = await session.scalars(
        select(ChangeRow).order_by(ChangeRow.waiting.is_(None), ChangeRow.id.desc()).limit(limit)
    )
    return [_change(row) for row in rows]


async def change(session: AsyncSession, number: int) -> Change:
    """One change. Raises `NotFound`."""
    row = await session.get(ChangeRow, number)
    if row is None:
        raise NotFound(f"change {number}")
    return _change(row)


async def waiting_changes(session: AsyncSession) -> int:
    found = await session.scalar(
        select(func.count(ChangeRow.id)).where(ChangeRow.state == ChangeState.WAITING)
    )
    return found or 0


async def agree(
    session: AsyncSession, number: int, *, by: str, digest: str, town: TownPack, now: datetime
) -> ChangeState:
    """One person agrees to the list they saw: the first proposes it, another one approves it.

    Raises `NotFound`, and `NotAllowed` if the list is another one by now, if it is settled, or if
    the same person presses twice. The row's conditions decide between two at the same moment.
    """
    waits = (
        ChangeRow.id == number,
        ChangeRow.state == ChangeState.WAITING,
        ChangeRow.digest == digest,
    )
    first = await session.execute(
        update(ChangeRow)
        .where(*waits, ChangeRow.first_by.is_(None))
        .values(first_by=by, first_at=now)
        .returning(ChangeRow.id)
    )
    if first.first() is not None:
        row = await session.get_one(ChangeRow, number, populate_existing=True)
        await record_change(session, row, "change-proposed", by, now)
        return ChangeState.WAITING
    second = await session.execute(
        update(ChangeRow)
        .where(*waits, ChangeRow.first_by != by)
        .values(second_by=by, state=ChangeState.APPROVED, settled_at=now, waiting=None)
        .returning(ChangeRow.id)
    )
    if second.first() is None:
        if await session.get(ChangeRow, number) is None:
            raise NotFound(f"change {number}")
        raise NotAllowed("settled, changed since, or proposed by the same person")
    row = await session.get_one(ChangeRow, number, populate_existing=True)
    await record_change(session, row, "change-approved", by, now)
    if row.kind == ChangeKind.RULES:
        rules = rules_of(town)
        if fingerprint(rules) != row.fingerprint:
            raise NotAllowed("the rules of the pack have changed since")
        applied = await applied_rules(session, rules, row.fingerprint, now)
        await apply_rules(session, applied, rules, row.fingerprint, by=by, now=now)
    return ChangeState.APPROVED


async def refuse(session: AsyncSession, number: int, *, by: str, now: datetime) -> None:
    """Say no: those doors stay open. Raises `NotFound`, or `NotAllowed` if it is settled."""
    row = await session.get(ChangeRow, number, with_for_update=True)
    if row is None:
        raise NotFound(f"change {number}")
    if row.state != ChangeState.WAITING:
        raise NotAllowed("it is settled")
    row.second_by = by
    await settle(session, row, ChangeState.REFUSED, by, now)


async def forget_lists(session: AsyncSession, *, before: datetime) -> None:
    """Delete who stood on the lists of changes settled before a day; the figures stay."""
    settled = select(ChangeRow.id).where(ChangeRow.settled_at < before)
    await session.execute(delete(LossRow).where(LossRow.change_id.in_(settled)))


def _change(row: ChangeRow) -> Change:
    return Change(
        row.id,
        ChangeKind(row.kind),
        ChangeState(row.state),
        row.digest,
        row.people,
        row.summary,
        row.found_at,
        row.first_by,
        row.first_at,
        row.second_by,
        row.settled_at,
    )
