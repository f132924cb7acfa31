"""Events in a chat: list, event, seat, waiting list, file; the same on every platform."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from icalendar import Calendar
from sqlalchemy import select, update

from bots import texts
from bots.app import App
from bots.conversation import Button, Incoming, Reply
from bots.jobs import look_at_seats, remind
from bots.notices import render_for
from core import events
from core.announcements import Kind, Outgoing
from core.database import transaction
from core.events import Plan
from core.identity import account, link_wallet
from core.tables import AnnouncementRow, MemberRow
from core.testing import FakeHoldings, SetClock

HANA = Incoming(platform="telegram", account="1", name="花子", language="ja")
KEN = replace(HANA, account="2")
ADDRESS = "0x" + "1" * 40
CHAIN = 131277322940537
LINK = "https://meet.example/mayor"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


async def say(app: App, who: Incoming = HANA, **what: Any) -> Reply:
    reply = await app.conversation.handle(replace(who, **what))
    assert reply is not None
    return reply


async def make(app: App, **more: Any) -> int:
    starts = app.clock() + 7 * DAY
    given: dict[str, Any] = {
        "title": {"ja": "町長と話す夕べ(見本)", "en": "An evening with the mayor (sample)"},
        "text": {"ja": "町長とオンラインで話します。"},
        "starts_at": starts,
        "ends_at": starts + HOUR,
        "online": LINK,
        **more,
    }
    async with transaction(app.sessions) as session:
        return await events.make(session, Plan(**given), by="staff:hana", now=app.clock())


async def take_card(app: App, holdings: FakeHoldings) -> int:
    async with transaction(app.sessions) as session:
        mine = await account(session, "telegram", "1", locale="ja", now=app.clock())
        await link_wallet(session, mine.member_id, ADDRESS, CHAIN, now=app.clock())
    holdings.give(ADDRESS, 1)
    return mine.member_id


def buttons(reply: Reply) -> list[Button]:
    return [button for row in reply.buttons for button in row]


def actions(reply: Reply) -> list[str]:
    return [button.action for button in buttons(reply) if button.action]


async def notices(app: App, language: str = "ja") -> list[Outgoing]:
    async with transaction(app.sessions) as session:
        rows = await session.scalars(
            select(AnnouncementRow.texts)
            .where(AnnouncementRow.kind == Kind.NOTICE)
            .order_by(AnnouncementRow.id)
        )
        found = [each for each in rows if each["key"].startswith("event-")]
    return [render_for(app.town)(Kind.NOTICE, each, language) for each in found]


async def test_menus_name_events_only_while_there_are_some(app: App) -> None:
    assert "events" not in actions(await say(app, command="start"))
    assert "/events" not in (await say(app, command="help")).text
    assert "予定されているイベントはありません" in (await say(app, command="events")).text
    await make(app)
    assert "events" in actions(await say(app, command="start"))
    assert "/events" in (await say(app, command="help")).text


async def test_from_the_list_to_a_seat_and_the_file_for_the_calendar(
    app: App, holdings: FakeHoldings
) -> None:
    await take_card(app, holdings)
    number = await make(app, gate="residents")
    listed = await say(app, command="events")
    assert "町長と話す夕べ(見本)" in listed.text
    assert "2026年11月28日（土） 12:00〜13:00" in listed.text
    assert LINK not in listed.text
    seen = await say(app, action=f"event:{number}")
    assert seen.private
    assert "参加できる人：デジタル住民の広場" in seen.text
    assert LINK not in seen.text
    assert actions(seen)[:2] == [f"event:{number}:come:0", f"event:{number}:no"]
    coming = await say(app, action=f"event:{number}:come:0")
    assert "受付番号は1番です" in coming.text
    assert LINK in coming.text
    sent = await say(app, action=f"event:{number}:file")
    assert sent.document is not None
    assert sent.document.media_type == "text/calendar"
    (found,) = Calendar.from_ical(sent.document.content).walk("VEVENT")
    assert str(found["CONFERENCE"]) == LINK
    assert f"/events/{number}" in str(found["URL"])
    assert "やめる" in buttons(coming)[0].label
    gone = await say(app, action=f"event:{number}:no")
    assert "参加しません" in gone.text
    assert LINK not in gone.text


async def test_a_personal_calendar_is_made_and_withdrawn_in_chat(app: App) -> None:
    await make(app)
    assert "events:feed" in actions(await say(app, command="events"))
    assert actions(await say(app, action="events:feed"))[0] == "events:feed:new"
    made = await say(app, action="events:feed:new")
    assert made.private
    secret = made.text.partition("/calendar/")[2].partition(".ics")[0]
    async with transaction(app.sessions) as session:
        assert await events.follow_feed(session, secret) is not None
    assert "events:feed:off" in actions(made)
    assert "使えなくしました" in (await say(app, action="events:feed:off")).text
    async with transaction(app.sessions) as session:
        assert await events.follow_feed(session, secret) is None


async def test_a_stranger_hears_whom_the_event_is_for_and_how_to_join(app: App) -> None:
    number = await make(app, gate="residents")
    refused = await say(app, KEN, action=f"event:{number}:come:0")
    assert refused.failed
    assert "「デジタル住民の広場」の方のため" in refused.text
    assert "join" in actions(refused)
    assert LINK not in refused.text


async def test_while_nobody_can_tell_nobody_is_turned_away_for_good(
    app: App, holdings: FakeHoldings
) -> None:
    await take_card(app, holdings)
    number = await make(app, gate="residents")
    holdings.outage = {"latest", "finalized"}
    unclear = await say(app, action=f"event:{number}:come:0")
    assert "いまは、参加できる方かどうかを確かめられません" in unclear.text
    holdings.outage = set()
    assert "受付番号" in (await say(app, action=f"event:{number}:come:0")).text


async def test_companions_the_waiting_list_and_moving_up_in_chat(app: App) -> None:
    number = await make(app, capacity=2, companions=1)
    labels = [each.label for each in buttons(await say(app, action=f"event:{number}"))]
    assert labels[:2] == ["参加する", "2人で参加する"]
    assert "2人で参加します" in (await say(app, action=f"event:{number}:come:1")).text
    full = await say(app, KEN, action=f"event:{number}")
    assert "満席です" in full.text
    assert buttons(full)[0].label == "キャンセル待ちに入る"
    waiting = await say(app, KEN, action=f"event:{number}:come:0")
    assert "キャンセル待ちの1番目" in waiting.text
    assert LINK not in waiting.text
    await say(app, action=f"event:{number}:no")
    (notice,) = await notices(app)
    assert notice.heading == "席が空きました：町長と話す夕べ(見本)"
    assert notice.action == (("イベントを見る", f"event:{number}"),)
    offered = await say(app, KEN, action=f"event:{number}")
    assert buttons(offered)[0].label == "空いた席に参加する"
    assert LINK in (await say(app, KEN, action=f"event:{number}:come:0")).text


async def test_the_reminder_says_both_clocks_where_the_reader_s_is_another(
    app: App, clock: SetClock, holdings: FakeHoldings
) -> None:
    member = await take_card(app, holdings)
    number = await make(app, gate="residents")
    await say(app, action=f"event:{number}:come:0")
    clock.advance(6 * DAY)
    await remind(app)
    async with transaction(app.sessions) as session:
        await session.execute(
            update(MemberRow).where(MemberRow.id == member).values(zone="Europe/Paris")
        )
    clock.advance(DAY - HOUR)
    await remind(app)
    first, last = await notices(app)
    assert "24時間前になりました" in first.body
    assert "2026年11月28日（土） 12:00〜13:00" in first.body
    assert "ヨーロッパ" not in first.body
    assert "あなたの時間（中央ヨーロッパ時間）：2026年11月28日（土） 4:00〜5:00" in last.body
    assert "町の時間（日本時間）：2026年11月28日（土） 12:00〜13:00" in last.body
    assert f"オンライン会場：{LINK}" in last.body
    await remind(app)
    assert len(await notices(app)) == 2


async def test_whoever_sold_the_card_is_told_in_time(app: App, holdings: FakeHoldings) -> None:
    await take_card(app, holdings)
    number = await make(app, gate="residents")
    await say(app, action=f"event:{number}:come:0")
    holdings.give(ADDRESS, 0)
    await look_at_seats(app)
    (notice,) = await notices(app)
    assert "参加の条件を確かめてください" in notice.heading
    assert "2026年11月28日（土） 12:00までに" in notice.body
    seen = await say(app, action=f"event:{number}")
    assert LINK not in seen.text
    assert "いまは満たされていません" in seen.text


@pytest.mark.parametrize(
    "action", ["event:99", "event:x", "event:1:come:9", "event:99999999999999999"]
)
async def test_an_old_or_forged_button_leads_to_a_sentence_and_a_next_step(
    app: App, action: str
) -> None:
    await make(app)
    reply = await say(app, action=action)
    assert reply.text
    assert reply.buttons


@pytest.mark.parametrize("language", texts.LANGUAGES)
async def test_events_speak_every_language(
    app: App, clock: SetClock, holdings: FakeHoldings, language: str
) -> None:
    await take_card(app, holdings)
    number = await make(app, gate="residents", capacity=1, contact={"ja": "見本の係"})
    await say(app, action=f"lang:{language}")
    replies = [
        await say(app, command="events"),
        await say(app, action=f"event:{number}"),
        await say(app, action=f"event:{number}:come:0"),
        await say(app, action=f"event:{number}:file"),
        await say(app, action=f"event:{number}:no"),
        await say(app, KEN, language=language, action=f"event:{number}:come:0"),
    ]
    await say(app, action=f"event:{number}:come:0")
    clock.advance(6 * DAY)
    await remind(app)
    async with transaction(app.sessions) as session:
        await events.cancel(session, number, by="staff:hana", now=app.clock())
    await remind(app)
    replies.append(await say(app, action=f"event:{number}"))
    for reply in replies:
        assert reply.text
        assert "{" not in reply.text + reply.footnote
    said = await notices(app, language)
    assert len(said) == 2
    assert all("{" not in each.heading + each.body + each.footnote for each in said)
