"""Pictures of announcements: read within bounds, encoded anew, gone with their announcement.

What is sent on is never what was uploaded: decoding and encoding again drops Exif (where it was
taken, with what), comments, colour profiles after conversion to sRGB, and whatever else a file may
carry behind its pixels.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer

from core.announcements.nouns import MAX_HEADING, Fault, KeptPicture
from core.errors import BadAnnouncement, BadPicture, NotFound
from core.tables import PictureRow

MAX_PICTURE_BYTES: Final = 10_000_000  # as uploaded
MAX_DESCRIPTION: Final = 4 * MAX_HEADING


async def keep_picture(
    session: AsyncSession,
    content: bytes,
    descriptions: Mapping[str, str],
    *,
    by: str,
    now: datetime,
) -> int:
    """Encode a picture anew and keep it for a draft; returns its number.

    `descriptions` says by language what is to be seen, for who cannot see it; Japanese is needed.
    Raises `BadPicture`: `Fault.FORMAT`, `Fault.SIZE` or `Fault.DESCRIPTION`.
    """
    return await _keep(session, content, _said(descriptions), by=by, now=now)


async def keep_upload(session: AsyncSession, content: bytes, *, by: str, now: datetime) -> int:
    """The same before anybody has described it: no draft can take it until `describe_picture`."""
    return await _keep(session, content, {}, by=by, now=now)


async def describe_picture(
    session: AsyncSession, number: int, descriptions: Mapping[str, str]
) -> None:
    """Say by language what is to be seen. Raises `BadPicture`, also if the picture is gone."""
    said = _said(descriptions)
    described = await session.execute(
        update(PictureRow)
        .where(PictureRow.id == number)
        .values(descriptions=said)
        .returning(PictureRow.id)
        .execution_options(synchronize_session=False)
    )
    if described.first() is None:
        raise BadPicture(Fault.PICTURE, str(number))


def _said(descriptions: Mapping[str, str]) -> dict[str, str]:
    said = {language: words.strip() for language, words in descriptions.items() if words.strip()}
    if "ja" not in said or any(len(words) > MAX_DESCRIPTION for words in said.values()):
        raise BadPicture(Fault.DESCRIPTION)
    return said


async def _keep(
    session: AsyncSession, content: bytes, said: Mapping[str, str], *, by: str, now: datetime
) -> int:
    from core.announcements.encoding import encode  # Pillow, for uploads alone

    if len(content) > MAX_PICTURE_BYTES:
        raise BadPicture(Fault.SIZE)
    encoded = await asyncio.to_thread(encode, content)
    row = PictureRow(
        content=encoded.content,
        media_type=encoded.media_type,
        width=encoded.width,
        height=encoded.height,
        descriptions=dict(said),
        by=by[:80],
        created_at=now,
    )
    session.add(row)
    await session.flush()
    return row.id


async def picture(session: AsyncSession, number: int) -> KeptPicture:
    """The picture with its content. Raises `NotFound`."""
    row = await session.get(PictureRow, number, options=[undefer(PictureRow.content)])
    if row is None:
        raise NotFound(f"picture {number}")
    return KeptPicture(row.id, row.content, row.media_type, row.width, row.height, row.descriptions)


async def attach(session: AsyncSession, number: int, announcement_id: int) -> None:
    """Let a picture go with an announcement. Raises `BadAnnouncement` if it is another's."""
    taken = await session.execute(
        update(PictureRow)
        .where(
            PictureRow.id == number,
            (PictureRow.announcement_id.is_(None))
            | (PictureRow.announcement_id == announcement_id),
        )
        .values(announcement_id=announcement_id)
        .returning(PictureRow.id)
        .execution_options(synchronize_session=False)
    )
    if taken.first() is None:
        raise BadAnnouncement(Fault.PICTURE, str(number))
    if not await session.scalar(select(PictureRow.descriptions).where(PictureRow.id == number)):
        raise BadPicture(Fault.DESCRIPTION)


async def copy(session: AsyncSession, number: int, *, now: datetime) -> int | None:
    """The same picture once more, for another announcement; none if it is gone."""
    row = await session.get(PictureRow, number, options=[undefer(PictureRow.content)])
    if row is None:
        return None
    twin = PictureRow(
        content=row.content,
        media_type=row.media_type,
        width=row.width,
        height=row.height,
        descriptions=row.descriptions,
        by=row.by,
        created_at=now,
    )
    session.add(twin)
    await session.flush()
    return twin.id


async def drop(session: AsyncSession, number: int) -> None:
    await session.execute(delete(PictureRow).where(PictureRow.id == number))


async def forget_pictures(session: AsyncSession, *, before: datetime) -> None:
    """Delete pictures that no draft has taken since a time."""
    unused = select(PictureRow.id).where(
        PictureRow.announcement_id.is_(None), PictureRow.created_at < before
    )
    await session.execute(delete(PictureRow).where(PictureRow.id.in_(unused)))
