"""Personal links: they carry the session in themselves, for minutes."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import NewType

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from core.errors import LinkExpired
from core.identity.accounts import Account, account_by_id
from core.tables import (
    LinkRow,
)

LINK_LIFETIME = timedelta(minutes=30)

JOIN = "join"
CARD = "card"
"""What a link is for. One made for one purpose opens nothing else."""

LinkToken = NewType("LinkToken", str)
"""The secret part of a personal link. Shown once, kept only as a hash, never logged."""


async def make_link(
    session: AsyncSession, account_id: int, *, now: datetime, purpose: str = JOIN
) -> LinkToken:
    """A personal link for `LINK_LIFETIME`. It carries the session in itself."""
    token = LinkToken(secrets.token_urlsafe(24))
    session.add(
        LinkRow(
            digest=_digest(token, purpose),
            account_id=account_id,
            created_at=now,
            expires_at=now + LINK_LIFETIME,
        )
    )
    return token


async def use_up_link(session: AsyncSession, token: str) -> None:
    """A link has done its work; it opens nothing more."""
    await session.execute(delete(LinkRow).where(LinkRow.digest == _digest(token, JOIN)))


async def take_link(session: AsyncSession, token: str, *, now: datetime, purpose: str) -> Account:
    """Whose link this is; it opens nothing more. Of two at once one gets it.

    Raises `LinkExpired`.
    """
    taken = await session.scalar(
        delete(LinkRow)
        .where(LinkRow.digest == _digest(token, purpose), LinkRow.expires_at > now)
        .returning(LinkRow.account_id)
    )
    if taken is None:
        raise LinkExpired
    return await account_by_id(session, taken)


async def follow_link(
    session: AsyncSession,
    token: str,
    *,
    now: datetime,
    grace: timedelta = timedelta(0),
    purpose: str = JOIN,
) -> Account:
    """Whose link this is. Raises `LinkExpired`.

    `grace` is for finishing what was begun in time: co-signers of a contract wallet take hours.
    """
    row = await session.get(LinkRow, _digest(token, purpose))
    if row is None or row.expires_at + grace <= now:
        raise LinkExpired
    return await account_by_id(session, row.account_id)


def _digest(token: str, purpose: str) -> str:
    return hashlib.sha256(f"{purpose}:{token}".encode()).hexdigest()
