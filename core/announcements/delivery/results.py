"""The results: who may read them, one by one, and when they go."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, delete, exists, func, select, true, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from core.announcements.delivery.changes import DELIVERY, count
from core.announcements.delivery.lanes import SETTLED, DeliveryState, platform_of
from core.announcements.nouns import OVER, AnnouncementState, Kind
from core.announcements.records import audience, get
from core.tables import AccountRow, AnnouncementRow, AnnouncementRunRow, DeliveryRow, MemberRow

PAGE: Final = 1_000
AT_ONCE: Final = 50_000
"""Results that one call of `forget` deletes at most."""


async def recipients(
    session: AsyncSession, announcement_id: int, *, limit: int = 100_000
) -> Sequence[Mapping[str, Any]]:
    """The first of `each_recipient`, at once."""
    found = []
    async for each in each_recipient(session, announcement_id):
        found.append(each)
        if len(found) >= limit:
            break
    return found


async def each_recipient(
    session: AsyncSession, announcement_id: int
) -> AsyncIterator[Mapping[str, Any]]:
    """The result for each recipient, for the CSV: members by number, rooms by place.

    A page at a time, so that a million rows need no more memory than a few. Whose turn has not
    come yet is not among them. Open the session with `core.database.reading`.
    """
    row = await get(session, announcement_id)
    places, over, after = audience(row).places, row.state in OVER, -(2**40)
    while True:
        found = (await session.execute(_page(announcement_id, after))).all()
        for each in found:
            yield _shown(each, places, over=over)
        if len(found) < PAGE:
            return
        after = found[-1].recipient


async def reasons(
    session: AsyncSession, announcement_id: int, *, most: int = 5
) -> list[tuple[str, int]]:
    """Why it did not arrive, the commonest first, and with how many."""
    row = DELIVERY.c
    number = func.count().label("number")
    found = await session.execute(
        select(row.reason, number)
        .where(row.announcement_id == announcement_id, row.reason.is_not(None))
        .group_by(row.reason)
        .order_by(number.desc(), row.reason)
        .limit(most)
    )
    return [(each.reason, each.number) for each in found]


def _page(announcement_id: int, after: int) -> Select[Any]:
    row = DELIVERY.c
    return (
        select(DELIVERY, AccountRow.member_id, MemberRow.locale)
        .outerjoin(AccountRow, AccountRow.id == row.recipient)
        .outerjoin(MemberRow, MemberRow.id == AccountRow.member_id)
        .where(row.announcement_id == announcement_id, row.recipient > after)
        .order_by(row.recipient)
        .limit(PAGE)
    )


def _shown(row: Any, places: Sequence[tuple[str, str]], *, over: bool) -> Mapping[str, Any]:
    state = DeliveryState(row.state)
    if over and state is DeliveryState.SENDING:
        state = DeliveryState.UNSURE  # it is over, and nobody answered for this one
    if row.recipient < 0:
        place = -row.recipient - 1
        recipient = places[place][1] if place < len(places) else ""
    else:
        recipient = f"member:{row.member_id}" if row.member_id is not None else ""
    return {
        "recipient": recipient,
        "platform": platform_of(row.lane),
        "language": row.locale or "",
        "result": state.word,
        "reason": row.reason or "",
        "attempts": row.attempts,
    }


async def received(session: AsyncSession, account_ids: Sequence[int]) -> list[Mapping[str, Any]]:
    """What was sent to these accounts, for the person whose accounts they are."""
    found: list[Mapping[str, Any]] = []
    for announcement_id, recipient in await _theirs(session, account_ids):
        row = await session.get_one(DeliveryRow, (announcement_id, recipient))
        about = await session.get_one(AnnouncementRow, announcement_id)
        found.append(
            {
                "announcement": about.id,
                "kind": about.kind,
                "at": about.created_at.isoformat(),
                "platform": platform_of(row.lane),
                "result": DeliveryState(row.state).word,
            }
        )
    return found


async def withdraw(session: AsyncSession, account_ids: Sequence[int], *, now: datetime) -> None:
    """Take a person out of the outbox and the results, and the words out of their notices.

    What had not arrived counts as failed; the other counts stay. A notice may quote what they
    asked.
    """
    key, theirs = DELIVERY.c, await _theirs(session, account_ids)
    unsettled: Counter[int] = Counter()
    for announcement_id, recipient in theirs:
        state = await session.scalar(
            delete(DELIVERY)
            .where(key.announcement_id == announcement_id, key.recipient == recipient)
            .returning(key.state)
        )
        if state is not None and state not in SETTLED:
            unsettled[announcement_id] += 1
    for announcement_id in sorted({number for number, _ in theirs}):  # after all deliveries
        if lost := unsettled[announcement_id]:
            failed = {DeliveryState.FAILED.word: lost}
            await count(session, announcement_id, failed, now=now)
        await session.execute(
            update(AnnouncementRow)
            .where(AnnouncementRow.id == announcement_id, AnnouncementRow.kind == Kind.NOTICE)
            .values(texts={"key": "left", "values": {}})
            .execution_options(synchronize_session=False)
        )


async def _theirs(session: AsyncSession, account_ids: Sequence[int]) -> list[tuple[int, int]]:
    """The keys of what these accounts were sent, in order.

    Notices, which are many, have one recipient each; of the others each is asked for each account.
    Both by the primary key, which begins with the announcement: a planner that is left to choose
    reads the rows of everybody. A scalar subquery is never made into a join.
    """
    row, notice = DELIVERY.c, AnnouncementRow.kind == Kind.NOTICE
    same = row.announcement_id == AnnouncementRow.id
    its_own = select(func.min(row.recipient)).where(same).scalar_subquery()
    state = select(row.state).where(same, row.recipient == AccountRow.id).scalar_subquery()
    notices = select(AnnouncementRow.id, its_own).where(notice, its_own.in_(account_ids))
    others = (
        select(AnnouncementRow.id, AccountRow.id)
        .join(AccountRow, true())
        .where(AnnouncementRow.kind == Kind.DIRECT, AccountRow.id.in_(account_ids), state >= 0)
    )
    found = [*(await session.execute(notices)), *(await session.execute(others))]
    return sorted((announcement_id, recipient) for announcement_id, recipient in found)


async def forget(session: AsyncSession, *, before: datetime, limit: int = AT_ONCE) -> bool:
    """Delete what was finished, cancelled or left a draft before a day, with every result.

    Its time begins at its end: what was written long ahead keeps its results as long as others.
    At most `limit` results a call; returns whether there are more. Rows are locked in the order
    that `Reckoning` tells, for a pump may still change what arrived of such an announcement.
    """
    over = (*OVER, AnnouncementState.DRAFT)
    old = select(AnnouncementRow.id).where(
        AnnouncementRow.state.in_(over),
        func.coalesce(AnnouncementRow.finished_at, AnnouncementRow.created_at) < before,
    )
    row, run = DELIVERY.c, AnnouncementRunRow
    runs = select(run.platform).where(run.announcement_id.in_(old))
    await session.execute(runs.order_by(run.announcement_id, run.platform).with_for_update())
    key = row.announcement_id, row.recipient
    some = select(*key).where(row.announcement_id.in_(old)).order_by(*key).limit(limit)
    some = select(some.with_for_update().cte("some"))
    gone = await session.execute(delete(DELIVERY).where(tuple_(*key).in_(some)))
    empty = old.where(~exists().where(row.announcement_id == AnnouncementRow.id))
    empty = empty.order_by(AnnouncementRow.id).with_for_update()
    await session.execute(
        delete(AnnouncementRow)
        .where(AnnouncementRow.id.in_(select(empty.cte("empty"))))
        .execution_options(synchronize_session=False)
    )
    return int(getattr(gone, "rowcount", 0)) >= limit
