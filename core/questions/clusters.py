"""The queue as staff see it: clusters of questions, looked through, dismissed, split and merged."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, case, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from core import audit
from core.errors import NotFound
from core.questions.queue import (
    CHANGED,
    Kind,
    Question,
    bump,
    clear_empty,
    new_cluster,
    question_of,
)
from core.tables import ClusterRow, QuestionRow

PAGE: Final = 20
EXAMPLES: Final = 3
MAX_SHOWN: Final = 50
MAX_REASON: Final = 200


class ClusterState(StrEnum):
    OPEN = "open"
    ANSWERED = "answered"
    DISMISSED = "dismissed"


class Sort(StrEnum):
    """Which cluster comes first."""

    COUNT = "count"  # asked by most people
    LAST = "last"  # asked most lately
    FIRST = "first"  # waiting longest


@dataclass(frozen=True, slots=True)
class Filter:
    """Which clusters staff want to see."""

    state: ClusterState = ClusterState.OPEN
    kind: Kind | None = None
    search: str = ""
    sort: Sort = Sort.COUNT
    page: int = 1


@dataclass(frozen=True, slots=True)
class Cluster:
    """Questions that ask the same."""

    id: int
    state: ClusterState
    count: int  # how many people asked
    asked: int  # how many questions there are: one person may have asked in several ways
    wanting: int  # how many questions want to be told of the answer
    first_at: datetime
    last_at: datetime
    languages: tuple[str, ...]
    kinds: tuple[Kind, ...]
    questions: tuple[Question, ...]  # the oldest first, not all of a large cluster
    reason: str
    fact: int | None
    decided_by: str | None
    decided_at: datetime | None


async def listed(session: AsyncSession, which: Filter) -> tuple[list[Cluster], int]:
    """One page of the queue, and how many clusters there are in all."""
    grouped = _grouped(which)
    total = await session.scalar(select(func.count()).select_from(grouped.subquery())) or 0
    count, last = _people(), func.max(QuestionRow.asked_at)
    order: dict[Sort, tuple[Any, ...]] = {
        Sort.COUNT: (count.desc(), last.desc()),
        Sort.LAST: (last.desc(),),
        Sort.FIRST: (func.min(QuestionRow.asked_at),),
    }
    page = grouped.order_by(*order[which.sort], QuestionRow.cluster_id)
    page = page.limit(PAGE).offset(PAGE * (max(which.page, 1) - 1))
    numbers = [row[0] for row in await session.execute(page)]
    return await _read(session, numbers, EXAMPLES), total


def _grouped(which: Filter) -> Select[int]:
    query = (
        select(QuestionRow.cluster_id)
        .join(ClusterRow, ClusterRow.id == QuestionRow.cluster_id)
        .where(ClusterRow.state == which.state)
        .group_by(QuestionRow.cluster_id)
    )
    if which.kind is not None:
        held = select(QuestionRow.cluster_id).where(QuestionRow.kind == which.kind)
        query = query.where(QuestionRow.cluster_id.in_(held))
    if which.search.strip():
        words = which.search.strip()[:100]
        held = select(QuestionRow.cluster_id).where(
            QuestionRow.text.icontains(words, autoescape=True)
        )
        query = query.where(QuestionRow.cluster_id.in_(held))
    return query


async def cluster(session: AsyncSession, number: int) -> Cluster:
    """One cluster with its questions. Raises `NotFound`."""
    found = await _read(session, [number], MAX_SHOWN)
    if not found:
        raise NotFound(f"cluster {number}")
    return found[0]


async def wordings(
    session: AsyncSession, numbers: Sequence[int]
) -> dict[int, list[tuple[str, str]]]:
    """How each cluster was asked, as (text, language), the oldest first."""
    rows = await session.execute(
        select(QuestionRow.cluster_id, QuestionRow.text, QuestionRow.language)
        .where(QuestionRow.cluster_id.in_(numbers))
        .order_by(QuestionRow.id)
    )
    found: dict[int, list[tuple[str, str]]] = {}
    for number, text, language in rows:
        found.setdefault(number, []).append((text, language))
    return found


async def waiting_count(session: AsyncSession) -> int:
    """How many clusters wait for staff."""
    query = select(func.count()).where(ClusterRow.state == ClusterState.OPEN)
    return await session.scalar(query) or 0


async def _read(session: AsyncSession, numbers: Sequence[int], examples: int) -> list[Cluster]:
    """These clusters in this order, each with so many of its questions; none that is empty."""
    totals, marks = await _totals(session, numbers), await _marks(session, numbers)
    shown = await _examples(session, numbers, examples)
    rows = {
        row.id: row
        for row in await session.scalars(select(ClusterRow).where(ClusterRow.id.in_(numbers)))
    }
    return [
        Cluster(
            number,
            ClusterState(rows[number].state),
            *totals[number],
            tuple(sorted({language for language, _ in marks[number]})),
            tuple(sorted({Kind(kind) for _, kind in marks[number]})),
            tuple(shown[number]),
            rows[number].reason,
            rows[number].fact_id,
            rows[number].decided_by,
            rows[number].decided_at,
        )
        for number in numbers
        if number in rows and number in totals
    ]


_Totals = tuple[int, int, int, datetime, datetime]
"""People, questions, how many want to be told, first and last asked."""


async def _totals(session: AsyncSession, numbers: Sequence[int]) -> dict[int, _Totals]:
    rows = await session.execute(
        select(
            QuestionRow.cluster_id,
            _people(),
            func.count(),
            func.sum(case((QuestionRow.wants_answer.is_(True), 1), else_=0)),
            func.min(QuestionRow.asked_at, type_=QuestionRow.asked_at.type),
            func.max(QuestionRow.asked_at, type_=QuestionRow.asked_at.type),
        )
        .where(QuestionRow.cluster_id.in_(numbers))
        .group_by(QuestionRow.cluster_id)
    )
    return {row[0]: (row[1], row[2], row[3], row[4], row[5]) for row in rows}


async def _marks(session: AsyncSession, numbers: Sequence[int]) -> dict[int, set[tuple[str, str]]]:
    """The languages and kinds that occur in each cluster."""
    found: dict[int, set[tuple[str, str]]] = {}
    rows = await session.execute(
        select(QuestionRow.cluster_id, QuestionRow.language, QuestionRow.kind)
        .where(QuestionRow.cluster_id.in_(numbers))
        .distinct()
    )
    for number, language, kind in rows:
        found.setdefault(number, set()).add((language, kind))
    return found


def _people() -> ColumnElement[int]:
    return func.count(QuestionRow.account_id.distinct())


async def _examples(
    session: AsyncSession, numbers: Sequence[int], examples: int
) -> dict[int, list[Question]]:
    place = func.row_number().over(partition_by=QuestionRow.cluster_id, order_by=QuestionRow.id)
    ranked = (
        select(QuestionRow.id, place.label("place"))
        .where(QuestionRow.cluster_id.in_(numbers))
        .subquery()
    )
    rows = await session.scalars(
        select(QuestionRow)
        .join(ranked, ranked.c.id == QuestionRow.id)
        .where(ranked.c.place <= examples)
        .order_by(QuestionRow.id)
    )
    shown: dict[int, list[Question]] = {}
    for row in rows:
        shown.setdefault(row.cluster_id, []).append(question_of(row))
    return shown


async def dismiss(
    session: AsyncSession, number: int, *, reason: str, by: str, now: datetime
) -> bool:
    """No answer is due. False if somebody decided otherwise meanwhile. Raises `NotFound`."""
    return await decide(
        session,
        number,
        ClusterState.OPEN,
        ClusterState.DISMISSED,
        by=by,
        now=now,
        reason=reason.strip()[:MAX_REASON],
    )


async def reopen(session: AsyncSession, number: int, *, by: str, now: datetime) -> bool:
    """Undo a dismissal. False if it is not dismissed. Raises `NotFound`."""
    return await decide(session, number, ClusterState.DISMISSED, ClusterState.OPEN, by=by, now=now)


async def decide(
    session: AsyncSession,
    number: int,
    before: ClusterState,
    after: ClusterState,
    *,
    by: str,
    now: datetime,
    reason: str = "",
    fact: int | None = None,
) -> bool:
    """Move a cluster; of two who decide at once, one does. Raises `NotFound`."""
    moved = await session.execute(
        update(ClusterRow)
        .where(ClusterRow.id == number, ClusterRow.state == before)
        .values(state=after, reason=reason, fact_id=fact, decided_by=by[:64], decided_at=now)
        .returning(ClusterRow.id)
        .execution_options(synchronize_session=False)
    )
    if moved.first() is None:
        if await session.get(ClusterRow, number, populate_existing=True) is None:
            raise NotFound(f"cluster {number}")
        return False
    await bump(session, CHANGED)
    await audit.record(
        session, actor=by, action=f"question.{after}", subject=f"cluster:{number}", now=now
    )
    return True


async def split(session: AsyncSession, question_id: int, *, by: str, now: datetime) -> int:
    """A question does not ask the same as its cluster: it gets one of its own. Returns that.

    Raises `NotFound`. The only question of a cluster stays where it is.
    """
    row = await session.get(QuestionRow, question_id)
    if row is None:
        raise NotFound(f"question {question_id}")
    before = row.cluster_id
    others = await session.scalar(
        select(func.count()).where(QuestionRow.cluster_id == before, QuestionRow.id != question_id)
    )
    if not others:
        return before
    row.cluster_id = await new_cluster(session)
    await _moved(session, before, row.cluster_id, "split", by, now)
    return row.cluster_id


async def merge(session: AsyncSession, number: int, into: int, *, by: str, now: datetime) -> bool:
    """Two open clusters ask the same: `number` goes up in `into`. Raises `NotFound`."""
    both = list(
        await session.scalars(
            select(ClusterRow)
            .where(ClusterRow.id.in_((number, into)))
            .order_by(ClusterRow.id)
            .with_for_update()
        )
    )
    if len(both) != 2:  # noqa: PLR2004
        raise NotFound(f"cluster {number} or {into}")
    if any(each.state != ClusterState.OPEN for each in both):
        return False
    await session.execute(
        update(QuestionRow).where(QuestionRow.cluster_id == number).values(cluster_id=into)
    )
    await clear_empty(session)
    await _moved(session, number, into, "merged", by, now)
    return True


async def _moved(
    session: AsyncSession, before: int, after: int, what: str, by: str, now: datetime
) -> None:
    await session.flush()
    await bump(session, CHANGED)
    await audit.record(
        session,
        actor=by,
        action=f"question.{what}",
        subject=f"cluster:{before}",
        detail={"cluster": after},
        now=now,
    )
