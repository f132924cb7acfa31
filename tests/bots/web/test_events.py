"""Events over HTTP: what everybody reads, how members reply, calendars, and what staff do."""

import re
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Calendar
from sqlalchemy import select

from bots import texts
from bots.demo.evening import plan_evening
from bots.jobs import remind, tidy
from bots.notices import render_for
from bots.spreadsheet import MARK
from core import events
from core.announcements import Kind
from core.database import transaction
from core.events import EventState, Plan, ReplyState, records
from core.identity import account
from core.tables import AccountRow, AnnouncementRow
from tests.bots.web.stage import Seen, World
from tests.bots.web.test_perk_pages import enter
from tests.bots.web.test_rooms import enter as become_member
from tests.conftest import ROOT
from tests.core.events.world import pack_event

LINK = "https://meet.example/mayor"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
FORM = {
    "title-ja": "町長と話す夕べ(見本)",
    "title-en": "An evening with the mayor (sample)",
    "text-ja": "町長と話します。\n見本です。",
    "starts": "2026-11-28T14:00",
    "ends": "2026-11-28T15:30",
    "place-ja": "集会所(見本)",
    "online": LINK,
    "gate": "residents",
    "capacity": "3",
    "companions": "1",
    "reminder-24": "yes",
    "reminder-1": "yes",
}


async def make(world: World, **more: Any) -> int:
    starts = world.clock() + 7 * DAY
    given: dict[str, Any] = {
        "title": {"ja": "町長と話す夕べ(見本)", "en": "An evening with the mayor (sample)"},
        "text": {"ja": "町長と話します。"},
        "place": {"ja": "集会所(見本)"},
        "starts_at": starts,
        "ends_at": starts + HOUR,
        **more,
    }
    async with transaction(world.app.sessions) as session:
        return await events.make(session, Plan(**given), by="staff:hana", now=world.clock())


async def guest(world: World, event: int, name: str, people: int = 1) -> int:
    """Somebody on Telegram who comes. The member's number."""
    async with transaction(world.app.sessions) as session:
        theirs = await account(session, "telegram", name, locale="ja", now=world.clock())
    await world.app.events.come(event, theirs, people - 1)
    return theirs.member_id


async def test_a_town_without_events_has_a_page_that_says_so_and_no_way_to_it(
    world: World,
) -> None:
    async with world.visitor("ja") as reader:
        assert 'href="/events"' not in (await reader.get("/")).text
        assert "予定されているイベントはありません" in (await reader.get("/events")).text
        assert (await reader.get("/events/1")).status == 404


async def test_everybody_reads_what_is_to_come_and_nobody_sees_the_link(world: World) -> None:
    event = await make(world, gate="residents", online=LINK)
    async with world.visitor("en") as reader:
        home = (await reader.get("/")).text
        assert 'href="/events"' in home
        assert f'href="/events/{event}"' in home
        for path in ("/events", f"/events/{event}", f"/events/{event}/event.ics"):
            text = (await reader.get(path)).text.replace("\r\n ", "")
            assert "An evening with the mayor (sample)" in text
            assert LINK not in text
        page = (await reader.get(f"/events/{event}")).text
        assert "Saturday, 28 November 2026, 12:00–13:00" in page
        assert "Digital residents" in page
        assert 'href="/join"' in page
        seen = await reader.post(f"/events/{event}/reply", do="come", people="1")
        assert seen.answer.url.path == "/join"


async def test_a_member_comes_with_a_companion_sees_the_link_and_gives_the_seats_back(
    world: World,
) -> None:
    event = await make(world, gate="residents", online=LINK, capacity=3, companions=1)
    async with world.visitor("ja") as hana:
        await become_member(world, hana)
        assert LINK not in (await hana.get(f"/events/{event}")).text
        seen = await hana.post(f"/events/{event}/reply", do="come", people="2")
        assert "2人で参加します。受付番号は1番です。" in seen.text
        assert LINK in seen.text
        assert "残り1人" in seen.text
        assert "2人で参加します" in (await hana.get("/events")).text
        assert LINK in (await hana.get(f"/events/{event}/event.ics")).text.replace("\r\n ", "")
        too_many = await hana.post(f"/events/{event}/reply", do="come", people="3")
        assert (too_many.status, "その人数では申し込めません" in too_many.text) == (409, True)
        for people in ("", "x", "-1", "１"):
            seen = await hana.post(f"/events/{event}/reply", do="come", people=people)
            assert seen.status == 400
        gone = await hana.post(f"/events/{event}/reply", do="no")
        assert "参加しません" in gone.text
        assert LINK not in gone.text


async def test_while_the_chain_is_away_a_reply_is_asked_for_later_and_a_seat_keeps_its_link(
    world: World,
) -> None:
    first = await make(world, gate="residents", online=LINK)
    second = await make(world, gate="residents")
    async with world.visitor("ja") as hana:
        await become_member(world, hana)
        await hana.post(f"/events/{first}/reply", do="come")
        world.holdings.outage = {"latest", "finalized"}
        assert LINK in (await hana.get(f"/events/{first}")).text
        unclear = await hana.post(f"/events/{second}/reply", do="come")
        assert unclear.status == 409
        assert "いまは、参加できる方かどうかを確かめられません" in unclear.text


async def test_an_event_for_everybody_makes_a_browser_somebody(world: World) -> None:
    event = await make(world, capacity=1)
    async with world.visitor("ja") as one, world.visitor("ja") as other:
        assert "受付番号は1番" in (await one.post(f"/events/{event}/reply", do="come")).text
        assert "キャンセル待ちに入る" in (await other.get(f"/events/{event}")).text
        waiting = await other.post(f"/events/{event}/reply", do="come")
        assert "キャンセル待ちの1番目" in waiting.text
        await one.post(f"/events/{event}/reply", do="no")
        assert "空いた席に参加する" in (await other.get(f"/events/{event}")).text
        seen = await other.post(f"/events/{event}/reply", do="come")
        assert "受付番号は2番" in seen.text


async def test_a_personal_calendar_needs_its_address_alone_and_can_be_withdrawn(
    world: World,
) -> None:
    event = await make(world, gate="residents", online=LINK)
    async with world.visitor("ja") as hana, world.visitor("en") as app:
        assert (await hana.post("/calendar")).status == 403
        await become_member(world, hana)
        await hana.post(f"/events/{event}/reply", do="come")
        shown = (await hana.post("/calendar")).text
        path = re.search(r"(/calendar/[\w-]+\.ics)", shown)
        assert path is not None
        read = await app.get(path[1])
        assert read.answer.headers["Content-Type"].startswith("text/calendar")
        assert "Set-Cookie" not in read.answer.headers
        (found,) = Calendar.from_ical(read.text).walk("VEVENT")
        assert str(found["CONFERENCE"]) == LINK
        assert str(found["SUMMARY"]) == "町長と話す夕べ(見本)"
        assert path[1] not in (await hana.get("/events")).text  # it is seen once
        assert "使えなくしました" in (await hana.post("/calendar/withdraw")).text
        assert (await app.get(path[1])).status == 404
        assert (await app.get("/calendar/guessed.ics")).status == 404


async def test_readers_of_calendars_are_bounded(world: World) -> None:
    async with world.visitor("en") as app:
        path = f"/calendar/{'a' * 32}.ics"
        statuses = {(await app.get(path)).status for _ in range(12)}
    assert statuses == {404, 429}


# Staff


async def number_of(seen: Seen) -> int:
    return int(seen.answer.url.path.rpartition("/")[2])


async def plan_of(world: World, number: int) -> events.Event:
    async with transaction(world.app.sessions) as session:
        return await events.get(session, number)


async def test_staff_make_move_and_call_off_an_event_and_everybody_hears_of_it_once(
    world: World,
) -> None:
    async with world.visitor("ja") as staff:
        assert (await staff.get("/console/events")).status == 403
        await enter(world, staff)
        assert "これからのイベントはありません" in (await staff.get("/console/events")).text
        number = await number_of(await staff.post("/console/events", FORM))
        event = await plan_of(world, number)
        assert f"{event.plan.starts_at:%H:%M}" == "05:00"  # 14:00 in the town
        assert (event.plan.capacity, event.plan.companions) == (3, 1)
        await world.app.events.open()
        form = (await staff.get(f"/console/events/{number}/edit")).text
        assert 'value="2026-11-28T14:00"' in form
        assert form.count('name="reminder-24" value="yes" checked') == 1
        moved = {**FORM, "starts": "2026-11-29T14:00", "ends": "2026-11-29T15:30", "gate": ""}
        member = await guest(world, number, "5")
        assert member
        seen = await staff.post(f"/console/events/{number}", moved)
        assert "変更を保存しました" in seen.text
        assert (await plan_of(world, number)).sequence == 1
        unsure = await staff.post(f"/console/events/{number}/cancel")
        assert "中止していません" in unsure.text
        await staff.post(f"/console/events/{number}/cancel", sure="yes")
        assert (await plan_of(world, number)).state is EventState.CANCELLED
        late = await staff.post(f"/console/events/{number}", moved)
        assert "もう変えられません" in late.text
        log = (await staff.get("/console/audit?area=event")).text
        assert "イベントを中止した" in log
        assert "変えたところ: 日時" in log


async def test_a_form_with_a_mistake_comes_back_with_what_was_written(world: World) -> None:
    wrong = {
        "title-ja": ("", "ほかの言語だけでは"),
        "text-ja": (" ", "説明を日本語で"),
        "starts": ("", "始まりと終わり"),
        "ends": ("2026-11-28T13:00", "終わりが始まりより前"),
        " starts": ("0001-01-01T00:00", "2000年から2100年"),
        " ends": ("9999-12-31T23:59", "2000年から2100年"),
        " reply_until": ("2026-11-20T14:00", "もう過ぎています"),
        "online": ("javascript:alert(1)", "https で始まる"),
        "gate": ("nowhere", "その部屋は"),
        "capacity": ("0", "定員は"),
        "companions": ("3", "連れて来られる人数は"),
        "reply_until": ("2026-11-28T14:01", "申込の締切が"),
        "title-en": ("x" * 101, "長すぎる"),
    }
    async with world.visitor("ja") as staff:
        await enter(world, staff)
        for name, (value, said) in wrong.items():
            seen = await staff.post("/console/events", {**FORM, name.strip(): value})
            assert (seen.status, said in seen.text) == (422, True), name
            assert "集会所(見本)" in seen.text
        past = {**FORM, "starts": "2026-11-20T14:00"}
        assert "過去" in (await staff.post("/console/events", past)).text
        several = {**FORM, "title-ja": "", "title-en": "", "starts": "", "capacity": "0"}
        seen = await staff.post("/console/events", several)
        assert "直すところが3か所あります" in seen.text
        for name in ("title-ja", "starts", "capacity"):
            assert f'href="#{name}"' in seen.text
            assert f'id="fault-{name}"' in seen.text
        nowhere = {**FORM, "place-ja": "", "online": ""}
        assert "どちらかを書いて" in (await staff.post("/console/events", nowhere)).text
    async with transaction(world.app.sessions) as session:
        assert await events.all_events(session) == []


async def test_the_reception_ticks_off_who_came_by_number_and_takes_it_back(
    world: World,
) -> None:
    event = await make(world, companions=2, capacity=4)
    first, second = await guest(world, event, "5", 3), await guest(world, event, "6", 2)
    world.clock.advance(7 * DAY)
    async with world.visitor("ja") as staff:
        await enter(world, staff)
        page = (await staff.get(f"/console/events/{event}")).text
        assert "来た人 0組 / 1組" in page
        assert "キャンセル待ち" in page
        door = f"/console/events/{event}/door"
        assert "来た人 1組 / 1組" in (await staff.post(door, member=str(first), came="yes")).text
        assert "来た人 0組 / 1組" in (await staff.post(door, member=str(first), came="no")).text
        await staff.post(door, member=str(second), came="yes")  # a place had come free at the door
        assert (await staff.post(door, member="99", came="yes")).status == 404
        assert (await staff.post(door, member="x", came="yes")).status == 400
        table = (await staff.get(f"/console/events/{event}/replies.csv")).text
        assert table.startswith(MARK + "受付番号,会員番号,返事,人数,返事の日時,来た日時")
        assert f"2,{second},キャンセル待ち,2,2026-11-21 12:00,2026-11-28 12:00" in table


async def test_staff_write_to_those_who_come_and_put_up_notes_afterwards(world: World) -> None:
    event = await make(world)
    async with world.visitor("ja") as hana, world.visitor("ja") as staff:
        await hana.post(f"/events/{event}/reply", do="come")
        await enter(world, staff)
        words = {"message-ja": "上ばきをお持ちください。"}
        nobody = await make(world)
        refused = await staff.post(f"/console/events/{nobody}/message", words)
        assert "送る相手がいません" in refused.text
        assert 'class="flash flash-not"' in refused.text
        assert "1人の会員に送ります" in (await staff.get(f"/console/events/{event}")).text
        empty = await staff.post(f"/console/events/{event}/message", {"message-en": "Hi"})
        assert (empty.status, "日本語の文を" in empty.text) == (422, True)
        sent = await staff.post(f"/console/events/{event}/message", words)
        assert "1人に知らせました" in sent.text
        notes = {"notes-ja": "次回は春に。", "link": "https://video.example/1", "for": "came"}
        early = await staff.post(f"/console/events/{event}/notes", notes)
        assert "まだ始まっていない" in early.text
        world.clock.advance(7 * DAY + HOUR)
        await enter(world, staff)
        await staff.post(f"/console/events/{event}/notes", notes)
        seen = (await hana.get(f"/events/{event}")).text
        assert "次回は春に。" in seen
        assert "https://video.example/1" in seen
        assert "次回は春に。" not in (await staff.get(f"/events/{event}")).text


async def test_staff_see_when_an_event_that_is_gone_from_the_pack_is_called_off(
    world: World,
) -> None:
    town, now = world.app.town, world.clock()
    named = town.model_copy(update={"events": (pack_event(),)})
    async with transaction(world.app.sessions) as session:
        await records.follow_pack(session, named, now=now)
        (event,) = await records.upcoming(session, now=now)
    page = f"/console/events/{event.id}"
    async with world.visitor("ja") as staff:
        await enter(world, staff)
        assert "町の設定（town.toml）から消えています" not in (await staff.get(page)).text
        async with transaction(world.app.sessions) as session:
            await records.follow_pack(session, town, now=now)
        (said,) = re.findall(
            r"から消えています。(.+?) までにもどらないと", (await staff.get(page)).text
        )
        at = now.astimezone(ZoneInfo(town.town.timezone)) + HOUR
        assert f"{at:%H:%M}" in said
        world.clock.advance(HOUR)
        await world.app.events.tell()
        assert "から消えています" not in (await staff.get(page)).text


async def test_who_waited_reads_that_there_was_no_seat_once_it_has_begun(world: World) -> None:
    event = await make(world, capacity=1)
    await guest(world, event, "5")
    async with world.visitor("ja") as hana:
        await hana.post(f"/events/{event}/reply", do="come")
        assert "キャンセル待ちの1番目" in (await hana.get(f"/events/{event}")).text
        world.clock.advance(7 * DAY + 2 * HOUR)
        seen = (await hana.get(f"/events/{event}")).text
        assert "席は取れませんでした。" in seen
        assert "席が空いたらお知らせします" not in seen


async def test_what_a_member_said_is_in_their_data_and_goes_when_the_pack_says(
    world: World,
) -> None:
    event = await make(world)
    async with world.visitor("ja") as hana:
        await hana.post(f"/events/{event}/reply", do="come")
        assert "イベントへの返事" in (await hana.get("/mydata")).text
        kept = (await hana.post("/mydata/export")).text
        assert '"reply": "coming"' in kept
        world.clock.advance(7 * DAY + 366 * DAY)
        await tidy(world.app)
    async with transaction(world.app.sessions) as session:
        assert await events.replies_of(session, event) == []


async def test_a_reminder_on_the_web_leads_to_the_event_s_page(world: World) -> None:
    event = await make(world)
    async with world.visitor("ja") as hana:
        await hana.post(f"/events/{event}/reply", do="come")
        world.clock.advance(6 * DAY)
        await remind(world.app)
        async with transaction(world.app.sessions) as session:
            row = await session.scalar(select(AnnouncementRow).order_by(AnnouncementRow.id.desc()))
            mine = await session.scalar(select(AccountRow.external_id))
        assert row is not None
        outgoing = render_for(world.app.town)(Kind.NOTICE, row.texts, "ja")
        await world.app.messengers["web"].send_direct(str(mine), outgoing, delivery=1)
        assert "もうすぐです：町長と話す夕べ(見本)" in (await hana.get("/rooms")).text
        seen = await hana.post("/rooms/messages/1", choice="0")
        assert seen.answer.url.path == f"/events/{event}"


def test_every_entry_of_the_audit_log_on_events_has_its_words() -> None:
    source = "".join(
        file.read_text(encoding="utf-8") for file in (ROOT / "core/events").glob("*.py")
    )
    actions = set(re.findall(r'"event\.([a-z-]+)"', source))
    actions |= {ReplyState.COMING, ReplyState.WAITING, ReplyState.DECLINED}
    assert len(actions) >= 15
    for language in ("ja", "en"):
        words = texts.catalogue(language)
        assert {f"audit.action.event-{each}" for each in actions} <= set(words)


async def test_the_demo_has_a_sample_event_ahead_at_every_start(world: World) -> None:
    for _ in range(2):
        await plan_evening(world.app)
        (view,) = await world.app.events.upcoming()
        assert "見本" in view.event.plan.title["ja"]
        assert set(view.event.plan.title) == set(texts.LANGUAGES)
        await plan_evening(world.app)
        assert len(await world.app.events.upcoming()) == 1
        world.clock.advance(5 * DAY)


async def test_the_clock_reminds_and_wakes_the_senders(world: World) -> None:
    event = await make(world)
    await guest(world, event, "5")
    world.clock.advance(7 * DAY - HOUR)
    await remind(world.app)
    assert "1人" in world.app.happenings.recent[-1]
