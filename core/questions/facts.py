"""Facts: what staff answered, drafted, confirmed, edited, withdrawn, and told to who asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import delete, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core import announcements, audit
from core.errors import NotFound
from core.identity import account_by_id
from core.questions.clusters import ClusterState, decide
from core.questions.queue import CHANGED, MAX_TEXT, askers, bump
from core.tables import ClusterRow, FactRow, QuestionRow, ToldRow
from core.town.words import FALLBACKS

MAX_ANSWER: Final = 500
MAX_SOURCE: Final = 200
MAX_FACTS: Final = 5_000
NOTICE: Final = "answered"
"""The key of the notice to who asked: ``chat.notice.answered``."""


class FactState(StrEnum):
    DRAFT = "draft"
    ACTIVE = "active"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Wording:
    """What staff write. Raises `ValueError`, naming the field, if something is missing or long."""

    question: str
    answers: Mapping[str, str]  # by language
    source: str
    review_by: date
    valid_until: date | None = None

    def __post_init__(self) -> None:
        if not self.question.strip() or len(self.question) > MAX_TEXT:
            raise ValueError("question")
        if not self.answers or not all(each.strip() for each in self.answers.values()):
            raise ValueError("answer")
        if any(len(each) > MAX_ANSWER for each in self.answers.values()):
            raise ValueError("long")
        if len(self.source) > MAX_SOURCE:
            raise ValueError("source")


@dataclass(frozen=True, slots=True)
class Fact:
    """A dated fact of the town."""

    id: int
    cluster: int | None
    state: FactState
    question: str
    answers: Mapping[str, str]
    source: str
    author: str
    as_of: date
    review_by: date
    valid_until: date | None
    version: int
    changed_at: datetime

    def answer(self, language: str) -> tuple[str, str]:
        """The answer that a reader of `language` understands best, and the language it is in."""
        nearest = (language, *FALLBACKS.get(language, ()), "ja")
        chosen = next((each for each in nearest if each in self.answers), next(iter(self.answers)))
        return self.answers[chosen], chosen

    def said_on(self, today: date) -> bool:
        return self.state is FactState.ACTIVE and (
            self.valid_until is None or self.valid_until >= today
        )


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The fact stands; so many people are being told."""

    fact: Fact
    told: int


@dataclass(frozen=True, slots=True)
class Taken:
    """Somebody else was first: `by` answered or dismissed the questions, or edited the fact."""

    by: str
    fact: int | None


def _fact(row: FactRow) -> Fact:
    return Fact(
        row.id,
        row.cluster_id,
        FactState(row.state),
        row.question,
        row.answers,
        row.source,
        row.author,
        row.as_of,
        row.review_by,
        row.valid_until,
        row.version,
        row.changed_at,
    )


async def draft(
    session: AsyncSession,
    cluster: int,
    wording: Wording,
    *,
    by: str,
    today: date,
    now: datetime,
) -> Fact:
    """Keep what somebody wants to answer. Nobody is told and nothing is said yet.

    Raises `NotFound` if there is no such cluster.
    """
    if await session.get(ClusterRow, cluster) is None:
        raise NotFound(f"cluster {cluster}")
    row = FactRow(
        cluster_id=cluster,
        state=FactState.DRAFT,
        question=wording.question.strip(),
        answers=_stripped(wording.answers),
        source=wording.source.strip(),
        author=by[:64],
        as_of=today,
        review_by=wording.review_by,
        valid_until=wording.valid_until,
        changed_at=now,
    )
    session.add(row)
    await session.flush()
    return _fact(row)


def _stripped(answers: Mapping[str, str]) -> dict[str, str]:
    return {language: text.strip() for language, text in answers.items()}


async def fact(session: AsyncSession, number: int) -> Fact:
    """Raises `NotFound`."""
    return _fact(await _get(session, number))


async def _get(session: AsyncSession, number: int, *, lock: bool = False) -> FactRow:
    row = await session.get(FactRow, number, populate_existing=True, with_for_update=lock)
    if row is None:
        raise NotFound(f"fact {number}")
    return row


async def facts(session: AsyncSession) -> list[Fact]:
    """Every fact that was ever confirmed, the newest first."""
    rows = await session.scalars(
        select(FactRow)
        .where(FactRow.state != FactState.DRAFT)
        .order_by(FactRow.id.desc())
        .limit(MAX_FACTS)
    )
    return [_fact(row) for row in rows]


async def active(session: AsyncSession, today: date) -> list[Fact]:
    """What the guide says today, the oldest first."""
    rows = await session.scalars(
        select(FactRow)
        .where(
            FactRow.state == FactState.ACTIVE,
            or_(FactRow.valid_until.is_(None), FactRow.valid_until >= today),
        )
        .order_by(FactRow.id)
        .limit(MAX_FACTS)
    )
    return [_fact(row) for row in rows]


async def confirm(
    session: AsyncSession, number: int, *, by: str, now: datetime
) -> Confirmed | Taken:
    """Let a draft stand for its cluster, and tell who wants to know. Twice is once.

    Of two who answer the same questions at once, the second is told who was first. Raises
    `NotFound`.
    """
    row = await _get(session, number, lock=True)
    if row.state != FactState.DRAFT:
        return Confirmed(_fact(row), 0)
    if row.cluster_id is None:
        raise NotFound(f"the questions of fact {number}")
    mine = await decide(
        session,
        row.cluster_id,
        ClusterState.OPEN,
        ClusterState.ANSWERED,
        by=by,
        now=now,
        fact=row.id,
    )
    if not mine:
        other = await session.get_one(ClusterRow, row.cluster_id, populate_existing=True)
        return Taken(other.decided_by or "", other.fact_id)
    row.state, row.changed_at, row.author = FactState.ACTIVE, now, by[:64]
    told = await _tell(session, row, row.cluster_id, now=now)
    await _noted(session, row.id, "confirmed", by, now, told=told)
    return Confirmed(_fact(row), told)


async def _tell(session: AsyncSession, row: FactRow, cluster: int, *, now: datetime) -> int:
    """Tell each who wants to know, once, in their language; returns how many."""
    told = 0
    for number in await askers(session, cluster):
        question = await session.get_one(QuestionRow, number)
        if question.account_id is None:
            continue
        account = await account_by_id(session, question.account_id)
        if not account.reachable:
            continue
        try:
            async with session.begin_nested():
                answer, language = _fact(row).answer(account.locale)
                notice = await announcements.notify(
                    session,
                    account,
                    NOTICE,
                    {
                        "question": question.text,
                        "answer": answer,
                        "answer_language": language,
                        "as_of": row.as_of.isoformat(),
                    },
                    now=now,
                )
                session.add(
                    ToldRow(fact_id=row.id, member_id=account.member_id, announcement_id=notice)
                )
        except IntegrityError:
            continue  # told already
        told += 1
    return told


async def edit(
    session: AsyncSession,
    number: int,
    wording: Wording,
    *,
    version: int,
    by: str,
    today: date,
    now: datetime,
) -> Fact | Taken:
    """Say it otherwise from today on. `version` is what the editor saw: a later one wins over it.

    Raises `NotFound`.
    """
    changed = await session.execute(
        update(FactRow)
        .where(FactRow.id == number, FactRow.version == version)
        .values(
            question=wording.question.strip(),
            answers=_stripped(wording.answers),
            source=wording.source.strip(),
            review_by=wording.review_by,
            valid_until=wording.valid_until,
            as_of=today,
            author=by[:64],
            version=version + 1,
            changed_at=now,
        )
        .returning(FactRow.id)
        .execution_options(synchronize_session=False)
    )
    done = changed.first() is not None
    row = await _get(session, number)
    if not done:
        return Taken(row.author, row.id)
    await _noted(session, number, "edited", by, now, version=row.version)
    return _fact(row)


async def withdraw(session: AsyncSession, number: int, *, by: str, now: datetime) -> bool:
    """Say it no more: its questions wait again, and who has not been told yet is not.

    False if it was not said. Raises `NotFound`.
    """
    row = await _get(session, number, lock=True)
    if row.state != FactState.ACTIVE:
        return False
    row.state, row.changed_at, row.version = FactState.WITHDRAWN, now, row.version + 1
    notices = await session.scalars(
        select(ToldRow.announcement_id).where(ToldRow.fact_id == number)
    )
    recalled = await announcements.recall(session, list(notices))
    await session.execute(delete(ToldRow).where(ToldRow.announcement_id.in_(recalled)))
    if row.cluster_id is not None:
        await _give_back(session, row.cluster_id, number, by, now)
    await _noted(session, number, "withdrawn", by, now, recalled=len(recalled))
    return True


async def _give_back(
    session: AsyncSession, cluster: int, number: int, by: str, now: datetime
) -> None:
    found = await session.get(ClusterRow, cluster, populate_existing=True)
    if found is not None and found.fact_id == number:
        await decide(session, cluster, ClusterState.ANSWERED, ClusterState.OPEN, by=by, now=now)


async def restore(
    session: AsyncSession, number: int, *, by: str, now: datetime
) -> Confirmed | Taken:
    """Undo a withdrawal; the date stays, and nobody is told twice. Raises `NotFound`."""
    row = await _get(session, number, lock=True)
    if row.state != FactState.WITHDRAWN:
        return Confirmed(_fact(row), 0)
    if row.cluster_id is not None:
        mine = await decide(
            session,
            row.cluster_id,
            ClusterState.OPEN,
            ClusterState.ANSWERED,
            by=by,
            now=now,
            fact=number,
        )
        if not mine:
            other = await session.get_one(ClusterRow, row.cluster_id, populate_existing=True)
            return Taken(other.decided_by or "", other.fact_id)
    row.state, row.changed_at, row.version = FactState.ACTIVE, now, row.version + 1
    told = await _tell(session, row, row.cluster_id, now=now) if row.cluster_id else 0
    await _noted(session, number, "restored", by, now, told=told)
    return Confirmed(_fact(row), told)


async def _noted(
    session: AsyncSession, number: int, what: str, by: str, now: datetime, **detail: int
) -> None:
    await session.flush()
    await bump(session, CHANGED)
    await audit.record(
        session, actor=by, action=f"fact.{what}", subject=f"fact:{number}", detail=detail, now=now
    )
