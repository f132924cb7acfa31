"""The brake: removals are counted before one is carried out, and many need two people.

A turn's losses are of two kinds: those that the same reading would have brought under the rules
last applied, too, and those that come of a change of the rules. Each kind is let through by itself
while it touches at most ``[access] approve_above`` people (the first kind: within an hour). Above,
it becomes a *change* that waits: one person of the staff proposes it, another approves it, either
may refuse it, and until then those doors stay open.

A change's life::

    waiting ──► approved      carried out by the next turns, for those on its list
       ├──────► refused       those doors stay open
       └──────► withdrawn     the reason is gone by itself
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import delete, distinct, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core import audit
from core.access.plan import fingerprint, rules_of
from core.access.reasons import Shortfall, pack_shortfall, unpack_shortfall
from core.errors import NotAllowed, NotFound
from core.tables import ChangeRow, GrantRow, LossRow, RulesRow
from core.town import TownPack

WINDOW: Final = timedelta(hours=1)
APPROVED_FOR: Final = timedelta(hours=24)
"""After this an approved list that was not carried out is proposed anew."""
REFUSED_FOR: Final = timedelta(hours=24)
"""So long a refused list of sales is not proposed again; one of rules never is."""
ONLY_ROW: Final = 1


class ChangeKind(StrEnum):
    RULES = "rules"  # the pack's rules have changed
    MASS = "mass"  # many at once have lost what opened a room
    BY_HAND = "by-hand"  # many were let in by hand who do not belong


class ChangeState(StrEnum):
    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Loss:
    """One place that one account would lose."""

    gate: str
    platform: str
    place: str
    external_id: str
    member_id: int | None  # None: nobody we know
    reason: Shortfall | None = None  # None: the room is gone

    @property
    def key(self) -> tuple[str, str, str, str]:
        return self.gate, self.platform, self.place, self.external_id

    @property
    def person(self) -> str:
        return f"member:{self.member_id}" if self.member_id else self.platform + self.external_id


@dataclass(frozen=True, slots=True)
class Standing:
    """The pack's rules against those last applied."""

    fingerprint: str
    before: Mapping[str, Any] | None  # the rules last applied, where they differ


@dataclass(frozen=True, slots=True)
class Change:
    """A change as staff see it."""

    id: int
    kind: ChangeKind
    state: ChangeState
    digest: str
    people: int
    summary: Mapping[str, Any]
    found_at: datetime
    first_by: str | None
    first_at: datetime | None
    second_by: str | None
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn found, to be weighed as a whole."""

    ordinary: Sequence[Loss] = ()
    by_rules: Sequence[Loss] = ()
    by_hand: Sequence[Loss] = ()
    newcomers: Mapping[str, int] = field(default_factory=dict)  # gate → people who would get in
    undecided: int = 0  # people inside about whom nobody could tell
    whole: bool = False  # everybody was looked at


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which of a turn's losses may be carried out; by their keys, with the change approved."""

    allowed: Mapping[tuple[str, str, str, str], int | None]
    held: int = 0  # people who keep their rooms for now
    new: tuple[int, ...] = ()  # changes that have just begun to wait


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
    applied = await _applied(session, rules, print_now, now)
    limit = town.access.approve_above
    allowed = await _approved(session, turn, now)
    recent = await _recent(session, now)
    held: set[str] = set()
    new: list[int] = []
    for kind, losses, already in (
        (ChangeKind.MASS, turn.ordinary, recent),
        (ChangeKind.BY_HAND, turn.by_hand, 0),
    ):
        left = [each for each in losses if each.key not in allowed]
        if len({each.person for each in left}) + already <= limit or not left:
            allowed |= dict.fromkeys((each.key for each in left), None)
            if turn.whole:
                await _withdraw(session, kind, now=now)
        else:
            held |= {each.person for each in left}
            new += await _hold(session, kind, print_now, left, turn, now)
    left = [each for each in turn.by_rules if each.key not in allowed]
    if applied.fingerprint == print_now:
        await _withdraw(session, ChangeKind.RULES, now=now)
    elif turn.whole and len({each.person for each in left}) + turn.undecided <= limit:
        await _apply(session, applied, rules, print_now, by="kankei", now=now)
        await _withdraw(session, ChangeKind.RULES, now=now)
        allowed |= dict.fromkeys((each.key for each in left), None)
        left = []
    elif turn.whole:
        new += await _hold(session, ChangeKind.RULES, print_now, left, turn, now)
    held |= {each.person for each in left}
    return Verdict(allowed, len(held), tuple(new))


async def _applied(
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


async def _apply(
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
        await _record(session, row, "change-waits", "kankei", now)
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
        await _record(session, row, "change-grew", "kankei", now)
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


def digest_of(losses: Iterable[Loss], undecided: int) -> str:
    """SHA-256 over who would lose what: two people agree to the same list."""
    listed = [undecided, sorted(each.key for each in losses)]
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()


def summarise(losses: Sequence[Loss], turn: Turn) -> dict[str, Any]:
    """A change in figures: people by room, by room and reason, who would get in, who is unread."""
    rooms: dict[str, set[str]] = {}
    reasons: dict[tuple[str, str], set[str]] = {}
    for each in losses:
        rooms.setdefault(each.gate, set()).add(each.person)
        reason = json.dumps(_without_counts(pack_shortfall(each.reason)), sort_keys=True)
        reasons.setdefault((each.gate, reason), set()).add(each.person)
    return {
        "rooms": {gate: len(people) for gate, people in sorted(rooms.items())},
        "reasons": [
            {"gate": gate, "reason": json.loads(reason), "people": len(people)}
            for (gate, reason), people in sorted(reasons.items(), key=lambda each: -len(each[1]))
        ][:50],
        "newcomers": dict(turn.newcomers),
        "undecided": turn.undecided,
    }


def _without_counts(stored: Any) -> Any:
    """The same reason whoever it is about: how many one holds makes no reason of its own."""
    if isinstance(stored, dict):
        return {
            key: (value and 0) if key == "held" else _without_counts(value)
            for key, value in stored.items()
        }
    return [_without_counts(each) for each in stored] if isinstance(stored, list) else stored


async def _withdraw(session: AsyncSession, kind: ChangeKind, *, now: datetime) -> None:
    row = await session.scalar(select(ChangeRow).where(ChangeRow.waiting == kind).with_for_update())
    if row is not None:
        await _settle(session, row, ChangeState.WITHDRAWN, "kankei", now)
        await session.execute(delete(LossRow).where(LossRow.change_id == row.id))


# What staff do


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


async def losses_of(session: AsyncSession, number: int) -> list[LossRow]:
    """Who would lose what by a change."""
    rows = await session.scalars(
        select(LossRow).where(LossRow.change_id == number).order_by(LossRow.gate, LossRow.id)
    )
    return list(rows)


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
        await _record(session, row, "change-proposed", by, now)
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
    await _record(session, row, "change-approved", by, now)
    if row.kind == ChangeKind.RULES:
        rules = rules_of(town)
        if fingerprint(rules) != row.fingerprint:
            raise NotAllowed("the rules of the pack have changed since")
        applied = await _applied(session, rules, row.fingerprint, now)
        await _apply(session, applied, rules, row.fingerprint, by=by, now=now)
    return ChangeState.APPROVED


async def refuse(session: AsyncSession, number: int, *, by: str, now: datetime) -> None:
    """Say no: those doors stay open. Raises `NotFound`, or `NotAllowed` if it is settled."""
    row = await session.get(ChangeRow, number, with_for_update=True)
    if row is None:
        raise NotFound(f"change {number}")
    if row.state != ChangeState.WAITING:
        raise NotAllowed("it is settled")
    row.second_by = by
    await _settle(session, row, ChangeState.REFUSED, by, now)


async def _settle(
    session: AsyncSession, row: ChangeRow, state: ChangeState, by: str, now: datetime
) -> None:
    row.state, row.waiting, row.settled_at = state, None, now
    await _record(session, row, f"change-{state}", by, now)
    await session.flush()


async def _record(
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
