"""What somebody is in the middle of writing in chat: what their next message will mean.

It stands in the records, so that a restart, or another process, does not take the text of an
announcement for a question.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from core.tables import UnfinishedRow


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What is being waited for from one account."""

    step: str
    announcement_id: int | None  # the draft it belongs to, once there is one


async def unfinished(session: AsyncSession, account_id: int) -> Unfinished | None:
    """What this account is in the middle of, if anything."""
    row = await session.get(UnfinishedRow, account_id)
    return Unfinished(row.step, row.announcement_id) if row is not None else None


async def await_next(
    session: AsyncSession, account_id: int, step: str, *, draft: int | None, now: datetime
) -> None:
    """From now on the next message of this account is this step's."""
    await session.merge(
        UnfinishedRow(account_id=account_id, step=step[:32], announcement_id=draft, at=now)
    )
    await session.flush()


async def settle(session: AsyncSession, account_id: int) -> None:
    """Nothing is waited for any more: what this account writes is a question again."""
    await session.execute(delete(UnfinishedRow).where(UnfinishedRow.account_id == account_id))


async def forget(session: AsyncSession, *, before: datetime) -> None:
    """Wait no longer for what was begun before a time; drafts stay."""
    await session.execute(delete(UnfinishedRow).where(UnfinishedRow.at < before))
