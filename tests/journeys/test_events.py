"""An evening with the mayor, on Telegram and Discord at once, through the real adapters."""

from datetime import timedelta
from typing import Any

import simcord
from icalendar import Calendar

from bots.jobs import remind
from core import events
from core.database import transaction
from core.events import Plan, ReplyState
from tests.journeys.conftest import City
from tests.journeys.test_residents import ask

LINK = "https://meet.example/mayor"
TITLE = "町長と話す夕べ(見本)"
WEEK, HOUR = timedelta(days=7), timedelta(hours=1)


async def planned(city: City) -> int:
    """An event with one seat, a week from now."""
    starts = city.clock() + WEEK
    plan = Plan(
        title={"ja": TITLE, "en": "An evening with the mayor (sample)"},
        text={"ja": "町長とオンラインで話します。"},
        starts_at=starts,
        ends_at=starts + HOUR,
        online=LINK,
        capacity=1,
    )
    async with transaction(city.app.sessions) as session:
        return await events.make(session, plan, by="staff:hana", now=city.clock())


async def presses(person: simcord.MemberActor, result: Any, label: str) -> Any:
    """What is answered to the button of an answer."""
    pressed = await person.click(result.response.message, label=label)
    assert pressed.ephemeral
    assert pressed.response is not None
    return pressed


async def hears(person: Any, words: str) -> Any:
    """Read until a message says this."""
    while True:
        message = await person.next_message(timeout=10)
        if words in (message.text or ""):
            return message


async def test_the_last_seat_goes_from_telegram_to_discord_and_each_hears_of_it(
    city: City,
) -> None:
    event = await planned(city)
    hana = city.telegram.user("花子", language="ja")
    ken: simcord.MemberActor = city.guild.add_member(city.discord.create_user("ken"))

    # On Telegram: the list, the event, the seat with the link, the file for the calendar …
    listed = await ask(hana, "/events", buttons=True)
    assert TITLE in listed.text
    await hana.presses(TITLE, listed)
    shown = await hears(hana, "オンラインで話します")
    assert LINK not in shown.text
    await hana.presses("参加する", shown)
    coming = await hears(hana, "受付番号は1番です")
    assert LINK in coming.text
    await hana.presses("カレンダーに入れる", coming)
    sent = await hears(hana, "")
    while sent.file is None:
        sent = await hana.next_message(timeout=10)
    (found,) = Calendar.from_ical(sent.file.content).walk("VEVENT")
    assert str(found["CONFERENCE"]) == LINK

    # … on Discord only the waiting list is left …
    shown = await ken.slash(city.plaza, "events")
    event_shown = await presses(ken, shown, "An evening with the mayor (sample)")
    assert "waiting list" in event_shown.response.content
    waiting = await presses(ken, event_shown, "Join the waiting list")
    assert "number 1 on the waiting list" in waiting.response.content

    # … until she gives her seat back: it is kept for him, and he takes it …
    await hana.presses("参加をやめる", coming)
    await hears(hana, "参加しません")
    shown = await ken.slash(city.plaza, "events")
    event_shown = await presses(ken, shown, "An evening with the mayor (sample)")
    taken = await presses(ken, event_shown, "Take the free seat")
    assert LINK in taken.response.content

    # … and he alone is reminded, once.
    city.clock.advance(WEEK - HOUR)
    await remind(city.app)
    await remind(city.app)
    assert (await city.notices()).count("event-reminder") == 1
    view = await city.app.events.view(event)
    assert view.taken == 1
    async with transaction(city.app.sessions) as session:
        states = {each.state for each in await events.replies_of(session, event)}
    assert states == {ReplyState.COMING, ReplyState.DECLINED}
