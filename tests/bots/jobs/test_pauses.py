"""Staff hear of an announcement that paused by itself: a notice once, a line until it goes on."""

from sqlalchemy import select, update

from bots.app import App
from bots.jobs import lives
from core import announcements, identity
from core.announcements import PLATFORMS, AnnouncementState, Audience, Kind
from core.database import reading, transaction
from core.tables import AnnouncementRow


async def paused(app: App) -> int:
    """An announcement of which too much failed."""
    async with transaction(app.sessions) as session:
        number = await announcements.compose(
            session,
            town=app.town,
            author="staff:hana",
            audience=Audience(Kind.DIRECT),
            texts={"ja": {"heading": "山焼き", "body": "2月に行います。"}},
            now=app.clock(),
            platforms=PLATFORMS,
        )
        await session.execute(
            update(AnnouncementRow)
            .where(AnnouncementRow.id == number)
            .values(state=AnnouncementState.PAUSED, paused_why="failures")
        )
    return number


async def notices(app: App) -> list[str]:
    async with reading(app.sessions) as session:
        rows = await session.scalars(
            select(AnnouncementRow).where(AnnouncementRow.kind == Kind.NOTICE)
        )
        return [row.texts["key"] for row in rows]


async def test_staff_hear_of_a_pause_once_and_see_it_until_it_goes_on(app: App) -> None:
    staff, _, account = min(app.settings.staff).partition(":")
    async with transaction(app.sessions) as session:
        await identity.account(session, staff, account, locale="en", now=app.clock())
    number = await paused(app)
    for _ in range(2):
        await lives.tell_of_pauses(app)
        await lives.tell_news(app)
        assert await notices(app) == ["announcement-paused"]
        assert any(f"{number}番" in each for each in app.problems())
    async with transaction(app.sessions) as session:
        await announcements.resume(session, number, by="staff:hana", now=app.clock())
    await lives.tell_of_pauses(app)
    assert app.troubles["announcements"] == []


async def test_who_never_wrote_to_the_bot_is_told_by_the_console_alone(app: App) -> None:
    await paused(app)
    await lives.tell_of_pauses(app)
    await lives.tell_news(app)
    assert await notices(app) == []
    assert len(app.troubles["announcements"]) == 1
