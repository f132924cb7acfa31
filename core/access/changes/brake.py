"""The brake: a turn's losses are weighed, let through, or held as a change."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, distinct, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core import audit
from core.access.changes.nouns import (
    ChangeKind,
    ChangeState,
    Looked,
    Loss,
    Standing,
    Turn,
    Verdict,
    digest_of,
    summarise,
)
from core.access.plan import fingerprint, rules_of
from core.access.reasons import pack_shortfall, unpack_shortfall
from core.tables import ChangeRow, GrantRow, LossRow, RulesRow
from core.town import TownPack

WINDOW: Final = timedelta(hours=1)
APPROVED_FOR: Final = timedelta(hours=24)
"""After this an approved list that was not carried out is proposed anew."""
REFUSED_FOR: Final = timedelta(hours=24)
"""So long a refused list of sales is not proposed again; one of rules never is."""
ONLY_ROW: Final = 1
TAKEN_BACK: Final = "access.taken-back"
"""In the audit log: somebody whom another let in by hand was taken out."""


async def standing(session: AsyncSession, town: TownPack) -> Standing:
    """How the pack's rules stand to those last applied. The first rules ever apply at once."""
    rules = rules_of(town)
    print_now = fingerprint(rules)
    row = await session.get(RulesRow, ONLY_ROW)
    if row is None or row.fingerprint == print_now:
        return Standing(print_now, None)
    return Standing(print_now, row.rules)


async def weigh(session: AsyncSession, town: TownPack, turn: Turn, *, now: datetime) -> Verdict:
    """Count a turn's losses, and say which may be carried out."""
    rules = rules_of(town)
    print_now = fingerprint(rules)
    applied = await applied_rules(session, rules, print_now, now)
    limit = town.access.approve_above
    allowed = await _approved(session, turn, now)
    recent = await _recent(session, now)
    left = [each for each in turn.ordinary if each.key not in allowed]
    held: set[str] = set()
    new: list[int] = []
    if not left or len({each.person for each in left}) + recent <= limit:
        allowed |= dict.fromkeys((each.key for each in left), None)
        if turn.whole:
            await withdraw(session, ChangeKind.MASS, now=now)
    else:
        held |= {each.person for each in left}
        new += await _hold(session, ChangeKind.MASS, print_now, left, turn, now)
    left = [each for each in turn.by_rules if each.key not in allowed]
    if applied.fingerprint == print_now:
        await withdraw(session, ChangeKind.RULES, now=now)
    elif turn.whole and len({each.person for each in left}) + turn.undecided <= limit:
        await apply_rules(session, applied, rules, print_now, by="kankei", now=now)
        await withdraw(session, ChangeKind.RULES, now=now)
        allowed |= dict.fromkeys((each.key for each in left), None)
        left = []
    elif turn.whole:
        new += await _hold(session, ChangeKind.RULES, print_now, left, turn, now)
    held |= {each.person for each in left}
    return Verdict(allowed, len(held), tuple(new))


async def weigh_by_hand(
    session: AsyncSession,
    town: TownPack,
    losses: Sequence[Loss],
    looked: Looked,
    *,
    now: datetime,
) -> Verdict:
    """Count those whom somebody let in by hand, and say who may be taken out again.

    `losses` are what one look at the platforms found, `looked` is where it has been. Where nobody
    is listed it sees a few at a time: those who wait stay on the list until they are looked at
    again, and who was taken back within the window counts as well.
    """
    turn = Turn(by_hand=losses, whole=True)
    allowed = await _approved(session, turn, now)
    waiting = [each for each in await _waiting(session, ChangeKind.BY_HAND) if not looked.at(each)]
    every = {each.key: each for each in (*waiting, *losses)}
    left = [each for key, each in every.items() if key not in allowed]
    people = {each.person for each in left}
    if not left or len(people) + await _taken_back(session, now) <= town.access.approve_above:
        await withdraw(session, ChangeKind.BY_HAND, now=now)
        return Verdict(allowed | dict.fromkeys((each.key for each in left), None))
    print_now = fingerprint(rules_of(town))
    new = await _hold(session, ChangeKind.BY_HAND, print_now, left, turn, now)
    return Verdict(allowed, len(people), tuple(new))


async def _waiting(session: AsyncSession, kind: ChangeKind) -> list[Loss]:
    """Who stands on the list of the change of this kind that waits."""
    number = await session.scalar(select(ChangeRow.id).where(ChangeRow.waiting == kind))
    return [] if number is None else [_loss(row) for row in await losses_of(session, number)]


async def _taken_back(session: AsyncSession, now: datetime) -> int:
    """How many were taken out within the window, by no approved change."""
    done = await audit.details(session, TAKEN_BACK, after=now - WINDOW)
    return sum("change" not in detail for detail in done)


async def applied_rules(
    session: AsyncSession, rules: dict[str, Any], print_now: str, now: datetime
) -> RulesRow:
    row = await session.get(RulesRow, ONLY_ROW, with_for_update=True)
    if row is not None:
        return row
    row = RulesRow(id=ONLY_ROW, fingerprint=print_now, rules=rules, applied_at=now)
    try:
        async with session.begin_nested():
            session.add(row)
    except IntegrityError:  # another process was quicker
        return await session.get_one(RulesRow, ONLY_ROW, with_for_update=True)
    return row


async def apply_rules(
    session: AsyncSession,
    row: RulesRow,
    rules: dict[str, Any],
    print_now: str,
    *,
    by: str,
    now: datetime,
) -> None:
    row.fingerprint, row.rules, row.applied_at = print_now, rules, now
    await audit.record(
        session,
        actor=by,
        action="access.rules-applied",
        subject="town",
        detail={"rules": print_now[:12]},
        now=now,
    )


async def _approved(
    session: AsyncSession, turn: Turn, now: datetime
) -> dict[tuple[str, str, str, str], int | None]:
    """Those of a turn's losses that two people have agreed to."""
    every = {each.key for each in (*turn.ordinary, *turn.by_rules, *turn.by_hand)}
    if not every:
        return {}
    rows = await session.execute(
        select(
            LossRow.gate, LossRow.platform, LossRow.place, LossRow.external_id, LossRow.change_id
        )
        .join(ChangeRow, ChangeRow.id == LossRow.change_id)
        .where(
            ChangeRow.state == ChangeState.APPROVED,
            ChangeRow.settled_at > now - APPROVED_FOR,
        )
    )
    found: dict[tuple[str, str, str, str], int | None] = {}
    for gate, platform, place, external_id, change in rows:
        if (key := (gate, platform, place, external_id)) in every:
            found[key] = change
    return found


async def _recent(session: AsyncSession, now: datetime) -> int:
    """How many people were told within the window that a room closes, by no approved change."""
    found = await session.scalar(
        select(func.count(distinct(GrantRow.member_id))).where(
            GrantRow.warned_at > now - WINDOW, GrantRow.change_id.is_(None)
        )
    )
    return found or 0


async def _hold(
    session: AsyncSession,
    kind: ChangeKind,
    print_now: str,
    losses: Sequence[Loss],
    turn: Turn,
    now: datetime,
) -> list[int]:
    """Let losses wait for two people. Returns the change's number if it is a new one."""
    if await _refused(session, kind, print_now, losses, now):
        return []
    query = select(ChangeRow).where(ChangeRow.waiting == kind).with_for_update()
    row, new = await session.scalar(query), False
    if row is None:
        row = ChangeRow(
            kind=kind,
            waiting=kind,
            state=ChangeState.WAITING,
            fingerprint=print_now,
            digest="",
            people=0,
            summary={"undecided": 0},
            found_at=now,
        )
        try:
            async with session.begin_nested():
                session.add(row)
            new = True
        except IntegrityError:
            row = (await session.scalars(query)).one()
    await _list(session, row, losses, turn, now)
    row.fingerprint = print_now
    await session.flush()
    if new:
        await record_change(session, row, "change-waits", "kankei", now)
    return [row.id] if new else []


async def _list(
    session: AsyncSession, row: ChangeRow, losses: Sequence[Loss], turn: Turn, now: datetime
) -> None:
    """Keep the list of a change: the whole of it after a whole turn, else what is new."""
    listed = {each.key: each for each in map(_loss, await losses_of(session, row.id))}
    found = {each.key: each for each in losses}
    if not turn.whole:
        found = listed | found
    if found.keys() == listed.keys() and row.digest:
        return
    undecided = turn.undecided if row.kind == ChangeKind.RULES else 0
    grown = bool(found.keys() - listed.keys()) or undecided > row.summary["undecided"]
    if grown and row.first_by is not None:
        # Nobody agrees to people they have not seen on the list.
        row.first_by = row.first_at = None
        await record_change(session, row, "change-grew", "kankei", now)
    row.digest, row.found_at = digest_of(found.values(), undecided), now
    row.people = len({each.person for each in found.values()})
    row.summary = summarise(list(found.values()), turn)
    await session.execute(delete(LossRow).where(LossRow.change_id == row.id))
    session.add_all(_row(row.id, each) for each in found.values())


def _loss(row: LossRow) -> Loss:
    return Loss(
        row.gate,
        row.platform,
        row.place,
        row.external_id,
        row.member_id,
        unpack_shortfall(row.reason),
    )


async def _refused(
    session: AsyncSession,
    kind: ChangeKind,
    print_now: str,
    losses: Sequence[Loss],
    now: datetime,
) -> bool:
    """Whether staff have said no to just this."""
    query = select(ChangeRow).where(
        ChangeRow.kind == kind,
        ChangeRow.state == ChangeState.REFUSED,
        ChangeRow.fingerprint == print_now,
    )
    if kind is ChangeKind.RULES:
        return (await session.scalar(query.limit(1))) is not None
    rows = await session.scalars(
        select(LossRow).where(
            LossRow.change_id.in_(
                query.with_only_columns(ChangeRow.id).where(
                    ChangeRow.settled_at > now - REFUSED_FOR
                )
            )
        )
    )
    refused = {(each.gate, each.platform, each.place, each.external_id) for each in rows}
    return all(each.key in refused for each in losses)


def _row(change: int, loss: Loss) -> LossRow:
    return LossRow(
        change_id=change,
        member_id=loss.member_id,
        gate=loss.gate,
        platform=loss.platform,
        place=loss.place,
        external_id=loss.external_id,
        reason=pack_shortfall(loss.reason),
    )


async def losses_of(session: AsyncSession, number: int) -> list[LossRow]:
    """Who would lose what by a change."""
    rows = await session.scalars(
        select(LossRow).where(LossRow.change_id == number).order_by(LossRow.gate, LossRow.id)
    )
    return list(rows)


async def withdraw(session: AsyncSession, kind: ChangeKind, *, now: datetime) -> None:
    row = await session.scalar(select(ChangeRow).where(ChangeRow.waiting == kind).with_for_update())
    if row is not None:
        await settle(session, row, ChangeState.WITHDRAWN, "kankei", now)
        await session.execute(delete(LossRow).where(LossRow.change_id == row.id))


async def settle(
    session: AsyncSession, row: ChangeRow, state: ChangeState, by: str, now: datetime
) -> None:
    row.state, row.waiting, row.settled_at = state, None, now
    await record_change(session, row, f"change-{state}", by, now)
    await session.flush()


async def record_change(
    session: AsyncSession, row: ChangeRow, action: str, by: str, now: datetime
) -> None:
    await audit.record(
        session,
        actor=by,
        action=f"access.{action}",
        subject=f"change:{row.id}",
        detail={"kind": row.kind, "people": row.people},
        now=now,
    )
