"""What is written on the web: posts in rooms, messages to one person, and their pictures.

A picture is kept once, under the SHA-256 of its content, which is also its address: nobody guesses
it who has not seen the picture or the page that shows it.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, exists, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer

from core.announcements import Outgoing, Picture
from core.tables import RoomPostRow, WebMessageRow, WebPictureRow

Written = RoomPostRow | WebMessageRow

BOARD: Final = "board"
"""The place of what is for everybody; the home page shows it."""

MAX_POST: Final = 500
MAX_NICKNAME: Final = 24


async def posts(session: AsyncSession, place: str, *, limit: int = 100) -> Sequence[RoomPostRow]:
    """The newest posts of a room or of the board, newest first."""
    rows = await session.scalars(
        select(RoomPostRow)
        .where(RoomPostRow.gate == place)
        .order_by(RoomPostRow.id.desc())
        .limit(limit)
    )
    return rows.all()


async def write(
    session: AsyncSession, place: str, *, member_id: int, author: str, body: str, now: datetime
) -> None:
    session.add(
        RoomPostRow(
            gate=place,
            member_id=member_id,
            author=author[:MAX_NICKNAME],
            body=body[:MAX_POST],
            created_at=now,
        )
    )
    await session.flush()


async def post_official(
    session: AsyncSession, place: str, message: Outgoing, *, delivery: int, now: datetime
) -> int:
    """Put an announcement up once; the same delivery again changes nothing. Returns its number."""
    row = RoomPostRow(
        gate=place,
        author=message.sender[:64],
        official=True,
        heading=message.heading[:200],
        body=message.body,
        delivery_id=delivery,
        created_at=now,
        **await _shown(session, message, now),
    )
    return await _once(session, row)


async def messages(session: AsyncSession, account_id: int) -> Sequence[WebMessageRow]:
    """What was sent to one person, newest first."""
    rows = await session.scalars(
        select(WebMessageRow)
        .where(WebMessageRow.account_id == account_id)
        .order_by(WebMessageRow.id.desc())
        .limit(50)
    )
    return rows.all()


async def opened(session: AsyncSession, account_id: int, *, now: datetime) -> None:
    """Its person has all their messages before them; of each the first time counts."""
    await session.execute(
        update(WebMessageRow)
        .where(WebMessageRow.account_id == account_id, WebMessageRow.opened_at.is_(None))
        .values(opened_at=now)
        # What was read for the page goes on to say that it is new.
        .execution_options(synchronize_session=False)
    )


async def message(session: AsyncSession, account_id: int, number: int) -> WebMessageRow | None:
    row = await session.get(WebMessageRow, number)
    return row if row is not None and row.account_id == account_id else None


async def answered(session: AsyncSession, account_id: int, number: int) -> None:
    """The button under a message has done its work."""
    if (row := await message(session, account_id, number)) is not None:
        row.action, row.choices = None, []


async def send(
    session: AsyncSession, account_id: int, outgoing: Outgoing, *, delivery: int, now: datetime
) -> int:
    """Keep a message for one person once. Returns its number."""
    row = WebMessageRow(
        account_id=account_id,
        heading=outgoing.heading[:200],
        body=_letter(outgoing),
        choices=[list(each) for each in outgoing.action],
        delivery_id=delivery,
        created_at=now,
        **await _shown(session, outgoing, now),
    )
    return await _once(session, row)


def _letter(message: Outgoing) -> str:
    return "\n\n".join(part for part in (message.body, message.footnote) if part)


async def forget_messages(session: AsyncSession, *, before: datetime) -> None:
    """Delete messages to single persons from before a day."""
    await session.execute(delete(WebMessageRow).where(WebMessageRow.created_at < before))


async def amend(
    session: AsyncSession, number: int, message: Outgoing | None, *, direct: bool, now: datetime
) -> bool:
    """Let a post or a message say something else, or nothing any more; whether it is (still) there.

    What says so already keeps the time at which it began to.
    """
    row: Written | None = await session.get(WebMessageRow if direct else RoomPostRow, number)
    if row is None or (row.withdrawn_at is not None and message is not None):
        return False
    if message is None:
        if row.withdrawn_at is None:
            row.heading, row.body, row.links, row.picture = "", "", [], None
            row.withdrawn_at = now
            if isinstance(row, WebMessageRow):
                row.action, row.choices = None, []
        return True
    heading, body = message.heading[:200], _letter(message) if direct else message.body
    shown = await _shown(session, message, now)
    if (row.heading, row.body, row.links) == (heading, body, shown["links"]):
        return True
    row.heading, row.body, row.links, row.edited_at = heading, body, shown["links"], now
    row.language = shown["language"]
    await session.flush()
    return True


async def _shown(session: AsyncSession, message: Outgoing, now: datetime) -> dict[str, Any]:
    """What goes with the words on a page."""
    links = [list(each) for each in message.links]
    found: dict[str, Any] = {"links": links, "language": message.language}
    if message.picture is None:
        return found
    words, digest = message.picture.description, await _keep(session, message.picture, now)
    return {**found, "picture": digest, "picture_words": words}


async def _keep(session: AsyncSession, picture: Picture, now: datetime) -> str:
    digest = hashlib.sha256(picture.content).hexdigest()
    if await session.get(WebPictureRow, digest) is None:
        row = WebPictureRow(
            digest=digest, content=picture.content, media_type=picture.media_type, at=now
        )
        try:
            async with session.begin_nested():
                session.add(row)
        except IntegrityError:
            session.expire_all()  # another delivery was quicker with the same picture
    return digest


async def picture(session: AsyncSession, digest: str) -> WebPictureRow | None:
    """A picture with its content."""
    content = undefer(WebPictureRow.content)
    return await session.get(WebPictureRow, digest, options=[content])


async def forget_pictures(session: AsyncSession, *, before: datetime) -> None:
    """Delete pictures that no page shows, unless they came after a time."""
    await session.execute(
        delete(WebPictureRow).where(
            WebPictureRow.at < before,
            ~exists().where(RoomPostRow.picture == WebPictureRow.digest),
            ~exists().where(WebMessageRow.picture == WebPictureRow.digest),
        )
    )


async def forget_posts(session: AsyncSession, *, before: datetime) -> None:
    """Delete what is older than the town keeps it (``[retention] room_post_days``)."""
    await session.execute(delete(RoomPostRow).where(RoomPostRow.created_at < before))


async def _once(session: AsyncSession, row: Written) -> int:
    """Add a row unless its delivery is there already; the unique constraint decides."""
    table = type(row)
    try:
        async with session.begin_nested():
            session.add(row)
    except IntegrityError:
        found = select(table.id).where(table.delivery_id == row.delivery_id)
        return (await session.scalars(found)).one()
    return row.id
