"""What is taken in once, and what is tidied away after a while."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core.tables import (
    AccountRow,
    ChallengeRow,
    CredentialRow,
    GrantRow,
    IdentityRequestRow,
    InboxRow,
    LinkRow,
    MemberRow,
    MergeRow,
    QuestionRow,
    ReplyRow,
    RoomPostRow,
    WalletRow,
)


async def first_time(
    session: AsyncSession, platform: str, update_id: str, *, now: datetime
) -> bool:
    """Whether this update is new. The same update delivered twice is handled once."""
    try:
        async with session.begin_nested():
            session.add(InboxRow(platform=platform, update_id=update_id[:64], at=now))
    except IntegrityError:
        return False
    return True


async def take_update(
    session: AsyncSession, platform: str, update_id: str, *, now: datetime
) -> bool | None:
    """Write an update down. True: it is new; None: begun before, not finished; False: done."""
    if await first_time(session, platform, update_id, now=now):
        return True
    row = await session.get_one(InboxRow, (platform, update_id[:64]))
    return False if row.done else None


async def is_finished(session: AsyncSession, platform: str, update_id: str) -> bool:
    """Whether an update was answered before; nothing is written down."""
    row = await session.get(InboxRow, (platform, update_id[:64]))
    return row is not None and row.done


async def finish_update(session: AsyncSession, platform: str, update_id: str) -> None:
    await session.execute(
        update(InboxRow)
        .where(InboxRow.platform == platform, InboxRow.update_id == update_id[:64])
        .values(done=True)
    )


async def idle_browsers(
    session: AsyncSession, *, before: datetime, limit: int
) -> list[tuple[int, int]]:
    """(member, account) of those who only asked something long ago and wait for nothing."""
    waiting = (
        select(AccountRow.member_id)
        .join(QuestionRow, QuestionRow.account_id == AccountRow.id)
        .where(QuestionRow.wants_answer.is_(True))
    )
    rows = await session.execute(
        select(MemberRow.id, AccountRow.id)
        .join(AccountRow, AccountRow.member_id == MemberRow.id)
        .where(MemberRow.created_at < before, ~_belongs(), MemberRow.id.not_in(waiting))
        .order_by(MemberRow.id)
        .limit(limit)
    )
    return [(member, account) for member, account in rows]


async def drop_members(session: AsyncSession, members: Collection[int]) -> None:
    """Delete members of whom nothing else is kept, with their accounts."""
    await session.execute(delete(MemberRow).where(MemberRow.id.in_(members)))


def _belongs() -> ColumnElement[bool]:
    """More than a browser that once asked something."""
    chats = select(AccountRow.member_id).where(AccountRow.platform != "web")
    written = select(RoomPostRow.member_id).where(RoomPostRow.member_id.is_not(None))
    records = (WalletRow, CredentialRow, GrantRow, ReplyRow)
    return or_(
        MemberRow.wants_messages.is_(True),
        *(
            MemberRow.id.in_(each)
            for each in (chats, written, *(select(table.member_id) for table in records))
        ),
    )


async def forget_updates(session: AsyncSession, *, before: datetime) -> None:
    """Delete what was needed only for a while: updates, links, challenges, requests, merges."""
    await session.execute(delete(InboxRow).where(InboxRow.at < before))
    for table in (LinkRow, ChallengeRow, MergeRow, IdentityRequestRow):
        await session.execute(delete(table).where(table.expires_at < before))


async def member_count(session: AsyncSession) -> Mapping[str, int]:
    """How many people and how many of them have proved something, for staff."""
    members = await session.scalar(select(func.count()).select_from(MemberRow).where(_belongs()))
    proved = select(WalletRow.member_id).union(select(CredentialRow.member_id)).subquery()
    count = await session.scalar(select(func.count()).select_from(proved))
    return {"members": members or 0, "proved": count or 0}


async def accounts_by_platform(session: AsyncSession) -> dict[str, int]:
    """How many accounts there are on each platform, of those who belong."""
    rows = await session.execute(
        select(AccountRow.platform, func.count())
        .join(MemberRow, MemberRow.id == AccountRow.member_id)
        .where(_belongs())
        .group_by(AccountRow.platform)
    )
    return {row[0]: row[1] for row in rows}
