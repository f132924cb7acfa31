"""A town with people and something to tell them: what the senders of the ordeals send."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import insert, select

from core import announcements
from core.announcements import (
    PLATFORMS,
    Announcement,
    AnnouncementState,
    Audience,
    Extras,
    Kind,
    Policy,
)
from core.announcements.delivery.lanes import DeliveryState
from core.clock import system_clock
from core.database import Sessions, reading, transaction
from core.tables import AccountRow, DeliveryRow, MemberRow
from core.town import TownPack, load

TOWN: Final = Path(__file__).resolve().parents[2] / "towns" / "mine"
FIRST_CHAT: Final = 5_000_000_000
TEXTS: Final = {
    "ja": {
        "heading": "秋吉台の山焼きのお知らせ",
        "body": "2月の第3日曜日に山焼きを行います。当日は台地の中の道を通れません。"
        "見学は展望台からお願いします。",
    }
}
DIRECT: Final = Audience(Kind.DIRECT)
OTHER_TEXTS: Final = {
    "ja": {"heading": "秋吉台の山焼きは延期です", "body": "雨のため、次の日曜日に行います。"}
}
AT_ONCE: Final = 20_000


def town() -> TownPack:
    return load(TOWN)


async def settle(sessions: Sessions, people: int, *, now: datetime | None = None) -> None:
    """So many residents who can be reached on Telegram and want messages."""
    now = now or system_clock()
    for first in range(1, people + 1, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, people + 1))
        members = [
            {"id": each, "locale": "ja", "wants_messages": True, "created_at": now}
            for each in numbers
        ]
        accounts = [
            {
                "id": each,
                "member_id": each,
                "platform": "telegram",
                "external_id": str(FIRST_CHAT + each),
                "created_at": now,
            }
            for each in numbers
        ]
        async with transaction(sessions) as session:
            await session.execute(insert(MemberRow), members)
            await session.execute(insert(AccountRow), accounts)


async def announce(
    sessions: Sessions, *, policy: Policy = "resend", now: datetime | None = None
) -> int:
    """Confirm an announcement to all of them, by two members of staff; returns its number."""
    now = now or system_clock()
    asked = town()
    async with transaction(sessions) as session:
        number = await announcements.compose(
            session,
            town=asked,
            author="staff",
            audience=DIRECT,
            texts=TEXTS,
            extras=Extras(policy=policy, quiet=False),
            now=now,
            platforms=PLATFORMS,
        )
    async with reading(sessions) as session:
        counted = await announcements.count_audience(
            session, number, town=asked, now=now, platforms=PLATFORMS
        )
    async with transaction(sessions) as session:
        sent = await announcements.confirm(
            session,
            number,
            town=asked,
            by="staff",
            now=now,
            counted=counted,
            platforms=PLATFORMS,
        )
        if sent.state is AnnouncementState.ASKED:
            await announcements.approve(session, number, by="colleague", now=now, counted=counted)
    return number


async def change(sessions: Sessions, number: int) -> None:
    """Let it say something else, also where it has arrived."""
    async with transaction(sessions) as session:
        await announcements.change_sent(
            session, number, OTHER_TEXTS, by="staff", now=system_clock()
        )


async def retract(sessions: Sessions, number: int) -> None:
    """Take it back from everybody."""
    async with transaction(sessions) as session:
        await announcements.retract(session, number, by="staff", now=system_clock())


async def progress(sessions: Sessions, number: int) -> Announcement:
    async with reading(sessions) as session:
        return await announcements.progress(session, number)


async def finished(sessions: Sessions, number: int) -> bool:
    return (await progress(sessions, number)).state is AnnouncementState.DONE


async def amended(sessions: Sessions, number: int) -> bool:
    """Whether the last change has come to everybody who has the message."""
    shown = await progress(sessions, number)
    return shown.amended + shown.amend_failed >= shown.delivered


async def results(sessions: Sessions, number: int) -> Mapping[int, str]:
    """What became of each person's message, by Telegram chat."""
    async with reading(sessions) as session:
        rows = await session.execute(
            select(AccountRow.external_id, DeliveryRow.state)
            .join(AccountRow, AccountRow.id == DeliveryRow.recipient)
            .where(DeliveryRow.announcement_id == number)
        )
        return {int(chat): DeliveryState(state).word for chat, state in rows.all()}
