"""What people asked: recorded once a person, taken back, shown to them, forgotten."""

import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core.questions.redact import redact
from core.tables import AccountRow, ClusterRow, CounterRow, FactRow, QuestionRow

MAX_TEXT: Final = 500
PER_DAY: Final = 50
"""New questions that one account may put into the queue in 24 hours; more are not kept."""
MAX_OPEN: Final = 10_000
"""Questions kept at once; beyond it a new one is only counted."""

CHANGED: Final = "questions.version"
"""The counter that is raised whenever clusters or facts change, so that other workers reload."""
OVERFLOW: Final = "questions.overflow"


class Kind(StrEnum):
    """Why a question is in the queue."""

    UNKNOWN = "unknown"  # the guides do not say
    OFF_TOPIC = "off-topic"  # refused as not about the town
    UNHELPFUL = "unhelpful"  # answered, and the person said: wrong, or not enough


@dataclass(frozen=True, slots=True)
class Question:
    """One question of one person, as staff see it: never who asked."""

    id: int
    cluster: int
    text: str
    language: str
    kind: Kind
    platform: str
    wants_answer: bool
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Recorded:
    """Where a question went. `cluster` may be another than was proposed."""

    id: int
    cluster: int
    new: bool  # this person had not asked it before


def question_of(row: QuestionRow) -> Question:
    return Question(
        row.id,
        row.cluster_id,
        row.text,
        row.language,
        Kind(row.kind),
        row.platform,
        row.wants_answer,
        row.asked_at,
    )


async def record(
    session: AsyncSession,
    account_id: int,
    *,
    text: str,
    language: str,
    kind: Kind,
    platform: str,
    cluster: int | None,
    now: datetime,
) -> Recorded | None:
    """Put a question into the queue, in `cluster` if that can still take it, else in a new one.

    The same question of the same person is there once. `None`: nothing of it can be kept, or this
    account or the queue is full.
    """
    kept = redact(text).strip()[:MAX_TEXT]
    mark = fingerprint(kept)
    found = await _known(session, account_id, mark, kind)
    if found is None:
        if not kept or await _full(session, account_id, now):
            return None
        row = QuestionRow(
            cluster_id=await _room_in(session, cluster),
            account_id=account_id,
            text=kept,
            fingerprint=mark,
            language=language,
            kind=kind,
            platform=platform,
            asked_at=now,
        )
        try:
            async with session.begin_nested():
                session.add(row)
        except IntegrityError:  # pressed twice at once
            found = await _known(session, account_id, mark, kind)
        else:
            return Recorded(row.id, row.cluster_id, new=True)
    if found is None:
        return None
    found.asked_at = now
    group = await session.get(ClusterRow, found.cluster_id)
    if group is None or group.state == "answered":  # its answer did not help: it waits again
        found.cluster_id = await _room_in(session, cluster)
    return Recorded(found.id, found.cluster_id, new=False)


async def _known(
    session: AsyncSession, account_id: int, mark: str, kind: Kind
) -> QuestionRow | None:
    return (
        await session.scalars(
            select(QuestionRow).where(
                QuestionRow.account_id == account_id,
                QuestionRow.fingerprint == mark,
                QuestionRow.kind == kind,
            )
        )
    ).one_or_none()


async def _full(session: AsyncSession, account_id: int, now: datetime) -> bool:
    today = await session.scalar(
        select(func.count())
        .select_from(QuestionRow)
        .where(
            QuestionRow.account_id == account_id, QuestionRow.asked_at > now - timedelta(hours=24)
        )
    )
    if (today or 0) >= PER_DAY:
        return True
    everything = await session.scalar(select(func.count()).select_from(QuestionRow))
    if (everything or 0) >= MAX_OPEN:
        await bump(session, OVERFLOW)
        return True
    return False


async def _room_in(session: AsyncSession, cluster: int | None) -> int:
    """The proposed cluster, unless it is gone or answered meanwhile; else a new one."""
    if cluster is not None:
        row = await session.get(ClusterRow, cluster, with_for_update=True)
        if row is not None and row.state != "answered":
            return row.id
    return await new_cluster(session)


async def new_cluster(session: AsyncSession) -> int:
    row = ClusterRow(state="open")
    session.add(row)
    await session.flush()
    return row.id


def fingerprint(text: str) -> str:
    """What is the same however it is typed: width, case, spaces and punctuation left aside."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = "".join(each for each in folded if unicodedata.category(each)[0] in "LNSM")
    return hashlib.sha256(kept.encode("utf-8", "replace")).hexdigest()


async def count_refused(session: AsyncSession, kind: str, *, now: datetime) -> None:
    """Count a question of which nothing may be kept: it asked for somebody's data, or for harm."""
    await bump(session, f"refused.{kind[:20]}.{now:%Y-%m}")


async def refused(session: AsyncSession, *, now: datetime) -> Mapping[str, int]:
    """How often each kind was refused this month."""
    rows = await session.scalars(select(CounterRow).where(CounterRow.name.like("refused.%")))
    parts = ((row.name.split("."), row.value) for row in rows)
    return {name[1]: value for name, value in parts if name[-1] == f"{now:%Y-%m}"}


async def want(
    session: AsyncSession, question_id: int, account_id: int, *, wants: bool
) -> Question | None:
    """Remember whether the asker wants to be told. `None` if it is not (any more) theirs."""
    row = await session.get(QuestionRow, question_id)
    if row is None or row.account_id != account_id:
        return None
    row.wants_answer = wants
    return question_of(row)


async def retract(session: AsyncSession, question_id: int, account_id: int) -> bool:
    """Take one's own question out of the queue again."""
    row = await session.get(QuestionRow, question_id)
    if row is None or row.account_id != account_id:
        return False
    await session.delete(row)
    await session.flush()
    await clear_empty(session)
    await bump(session, CHANGED)
    return True


async def stop_telling(session: AsyncSession, account_ids: Sequence[int]) -> None:
    """Who wants no messages is told no answers either."""
    await session.execute(
        update(QuestionRow)
        .where(QuestionRow.account_id.in_(account_ids))
        .values(wants_answer=False)
    )


async def export(session: AsyncSession, account_ids: Sequence[int]) -> list[Mapping[str, Any]]:
    """The questions kept of these accounts, for the person whose accounts they are."""
    rows = await session.execute(
        select(QuestionRow, ClusterRow.state)
        .join(ClusterRow, ClusterRow.id == QuestionRow.cluster_id)
        .where(QuestionRow.account_id.in_(account_ids))
        .order_by(QuestionRow.id)
    )
    return [
        {
            "at": row.asked_at.isoformat(),
            "platform": row.platform,
            "language": row.language,
            "text": row.text,
            "kind": row.kind,
            "state": state,
            "wants_answer": row.wants_answer,
        }
        for row, state in rows
    ]


async def forget(session: AsyncSession, *, before: datetime, drafts_before: datetime) -> None:
    """Delete what is older than the town keeps it, and drafts that nobody confirmed."""
    old = delete(QuestionRow).where(QuestionRow.asked_at < before).returning(QuestionRow.id)
    gone = (await session.execute(old)).all()
    await session.execute(
        delete(FactRow).where(FactRow.state == "draft", FactRow.changed_at < drafts_before)
    )
    if await clear_empty(session) or gone:
        await bump(session, CHANGED)


async def left(session: AsyncSession, account_ids: Sequence[int]) -> None:
    """Delete what somebody who leaves has asked, and have every worker read the rest anew.

    A draft in their words goes too: nobody has yet made it the town's.
    """
    theirs = select(QuestionRow.text).where(QuestionRow.account_id.in_(account_ids))
    await session.execute(
        delete(FactRow).where(FactRow.state == "draft", FactRow.question.in_(theirs))
    )
    gone = await session.execute(
        delete(QuestionRow).where(QuestionRow.account_id.in_(account_ids)).returning(QuestionRow.id)
    )
    if gone.all():
        await clear_empty(session)
        await bump(session, CHANGED)


async def clear_empty(session: AsyncSession) -> bool:
    """Delete clusters without a question. Their facts are the town's and stay."""
    held = select(QuestionRow.cluster_id)
    gone = await session.execute(
        delete(ClusterRow).where(ClusterRow.id.not_in(held)).returning(ClusterRow.id)
    )
    return bool(gone.all())


async def comparable(session: AsyncSession, *, after: int = 0) -> list[tuple[int, int, str, str]]:
    """What a new question may join, as (question, cluster, text, language), the oldest first.

    Answered clusters are closed: who asks the same again was not helped by the answer.
    """
    rows = await session.execute(
        select(QuestionRow.id, QuestionRow.cluster_id, QuestionRow.text, QuestionRow.language)
        .join(ClusterRow, ClusterRow.id == QuestionRow.cluster_id)
        .where(ClusterRow.state != "answered", QuestionRow.id > after)
        .order_by(QuestionRow.id)
        .limit(MAX_OPEN)
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows]


async def version(session: AsyncSession) -> int:
    """Raised by every change of clusters or facts, whichever worker made it."""
    row = await session.get(CounterRow, CHANGED, populate_existing=True)
    return row.value if row is not None else 0


async def bump(session: AsyncSession, name: str) -> None:
    """Raise a counter by one."""
    raised = (
        update(CounterRow)
        .where(CounterRow.name == name)
        .values(value=CounterRow.value + 1)
        .returning(CounterRow.value)
    )
    if (await session.execute(raised)).first() is not None:
        return
    try:
        async with session.begin_nested():
            session.add(CounterRow(name=name, value=1))
    except IntegrityError:
        await session.execute(raised)


async def askers(session: AsyncSession, cluster: int) -> list[int]:
    """Whom to tell: for each member the first of their questions in a cluster, by its number."""
    rows = await session.execute(
        select(func.min(QuestionRow.id), AccountRow.member_id)
        .join(AccountRow, AccountRow.id == QuestionRow.account_id)
        .where(QuestionRow.cluster_id == cluster, QuestionRow.wants_answer.is_(True))
        .group_by(AccountRow.member_id)
        .order_by(func.min(QuestionRow.id))
    )
    return [row[0] for row in rows]
