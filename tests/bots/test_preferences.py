"""/settings: what a member hears of, where they live and by which time."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bots import texts
from bots.app import App
from bots.conversation import Incoming, Reply
from bots.zones import ABROAD, REGIONS, area_named, zones_of
from core import announcements
from core.announcements import PLATFORMS, Audience, Kind
from core.announcements.audience import people
from core.database import transaction
from core.identity import PREFECTURES, Account, find_account

HANA = Incoming(platform="telegram", account="1", name="花子", language="ja")
WINTER = datetime(2026, 1, 15, tzinfo=UTC)


async def say(app: App, who: Incoming = HANA, **what: object) -> Reply:
    reply = await app.conversation.handle(replace(who, **what))  # type: ignore[arg-type]
    assert reply is not None
    return reply


async def hana(app: App) -> Account:
    async with transaction(app.sessions) as session:
        found = await find_account(session, "telegram", "1")
    assert found is not None
    return found


async def told(app: App, topic: str) -> int:
    """How many would hear of a topic."""
    async with transaction(app.sessions) as session:
        number = await announcements.compose(
            session,
            town=app.town,
            author="t",
            audience=Audience(Kind.DIRECT, topic=topic),
            texts={"ja": {"heading": "題", "body": "文"}},
            now=app.clock(),
            platforms=PLATFORMS,
        )
        audience = (await announcements.progress(session, number)).audience
        return await people(session, audience, now=app.clock())


def labels(reply: Reply) -> list[str]:
    return [button.label for row in reply.buttons for button in row]


def actions(reply: Reply) -> list[str]:
    return [button.action for row in reply.buttons for button in row if button.action]


async def test_one_press_under_an_announcement_ends_its_topic_and_offers_the_way_back(
    app: App,
) -> None:
    await say(app, action="messages:on")
    assert await told(app, "events") == 1
    stopped = await say(app, action="topic:events:off")
    assert stopped.text == (
        "「催しもの」のお知らせを止めました。ほかのお知らせは、これまでどおりお届けします。"
    )
    assert (await told(app, "events"), await told(app, "perks")) == (0, 1)
    again = next(each for each in actions(stopped) if each.startswith("topic:"))
    assert (await say(app, action=again)).text == "「催しもの」のお知らせをお届けします。"
    assert await told(app, "events") == 1


async def test_who_wanted_nothing_and_chooses_one_topic_gets_this_one_alone(app: App) -> None:
    shown = await say(app, action="topics")
    assert "止めてあります" in shown.text
    assert labels(shown)[0] == "催しもの：受け取らない"
    shown = await say(app, action=actions(shown)[0])
    assert labels(shown)[:2] == ["✓ 催しもの：受け取る", "会員の特典：受け取らない"]
    assert (await hana(app)).wants_messages
    assert [await told(app, each) for each in ("events", "perks", "seasons")] == [1, 0, 0]


async def test_the_settings_say_how_everything_stands_and_why_it_is_asked(app: App) -> None:
    await say(app, action="messages:on")
    await say(app, action="area:JP-35")
    shown = await say(app, command="settings")
    assert shown.text == (
        "お知らせと、お住まいの設定です。\n"
        "・直接のお知らせ：受け取る\n"
        "・お知らせの種類：催しもの、会員の特典\n"
        "・お住まい：山口県\n"
        "・時間帯：東京（いま 12:00）"
    )
    assert "任意" in shown.footnote


async def test_a_prefecture_is_chosen_by_its_region_and_brings_its_time(app: App) -> None:
    regions = await say(app, action="area")
    assert "中国・四国" in labels(regions)
    prefectures = await say(app, action="area:in:chugoku-shikoku")
    press = {b.label: b.action for row in prefectures.buttons for b in row}
    reply = await say(app, action=press["山口県"])
    assert reply.text == (
        "お住まいを「山口県」に設定しました。\n時間帯を「東京」に設定しました（いま 12:00）。"
    )
    member = await hana(app)
    assert (member.area, member.zone) == ("JP-35", "Asia/Tokyo")


async def test_in_a_country_of_several_times_the_time_is_asked(app: App) -> None:
    asked = await say(app, action="area:US")
    assert "アメリカ" in asked.text
    assert "ニューヨーク（いま 22:00）" in labels(asked)
    await say(app, action="zone:America/New_York")
    member = await hana(app)
    assert (member.area, member.zone) == ("US", "America/New_York")


@pytest.mark.parametrize(
    ("written", "area"),
    [
        ("Italy", "IT"),
        ("イタリア", "IT"),
        ("mongolia", "MN"),
        ("South Korea", "KR"),
        ("山口", "JP-35"),
        ("英國", "GB"),
        ("fr", "FR"),
    ],
)
async def test_any_country_is_found_by_its_name(app: App, written: str, area: str) -> None:
    await say(app, command="settings", text=written)
    assert (await hana(app)).area == area


@pytest.mark.parametrize("written", ["Atlantis", "C", "🦇", "x" * 5_000])
async def test_a_place_that_is_none_is_asked_for_again(app: App, written: str) -> None:
    reply = await say(app, command="settings", text=written)
    assert "/settings イタリア" in reply.text
    assert len(reply.text) < 300
    assert (await hana(app)).area is None


async def test_what_was_told_can_be_deleted(app: App) -> None:
    await say(app, action="area:KR")
    assert "area:none" in actions(await say(app, action="area"))
    await say(app, action="area:none")
    member = await hana(app)
    assert (member.area, member.zone) == (None, None)


@pytest.mark.parametrize(
    "action",
    ["topic:nothing:on", "topic:events:perhaps", "topic", "area:XX", "area:in:mars", "zone:Mars/A"],
)
async def test_a_button_of_yesterday_changes_nothing(app: App, action: str) -> None:
    reply = await say(app, action=action)
    assert reply.text
    assert not reply.failed
    member = await hana(app)
    assert (member.area, member.zone, member.wants_messages) == (None, None, False)


@pytest.mark.parametrize("language", texts.LANGUAGES)
async def test_every_step_is_said_in_every_language_and_fits_every_platform(
    app: App, language: str
) -> None:
    who = replace(HANA, account=language)
    await say(app, who, action=f"lang:{language}")
    for action in (
        *("settings", "topics", "topic:events:on", "topic:events:off", "area", "area:other"),
        *("area:in:kyushu-okinawa", "area:in:abroad", "area:CA", "area:JP-13", "zone", "area:none"),
    ):
        reply = await say(app, who, action=action)
        assert reply.language == language
        assert "{" not in reply.text + reply.footnote
        buttons = [each for row in reply.buttons for each in row]
        assert len(buttons) <= 25  # what Discord takes
        assert all(len(each.label) <= 80 for each in buttons)
        assert all(len((each.action or "").encode()) <= 64 for each in buttons)


def test_every_prefecture_stands_in_one_region_and_has_its_name() -> None:
    listed = [each for areas in REGIONS.values() for each in areas]
    assert sorted(listed) == sorted(PREFECTURES)
    for area in (*PREFECTURES, *ABROAD):
        assert all(f"areas.area.{area}" in texts.catalogue(each) for each in texts.LANGUAGES)


def test_zones_whose_clocks_agree_are_one_choice() -> None:
    assert zones_of("JP-35", WINTER) == ("Asia/Tokyo",)
    assert zones_of("US", WINTER)[0] == "America/New_York"
    assert len(zones_of("US", WINTER)) == 8
    assert "Australia/Sydney" in zones_of("AU", WINTER)


def test_a_name_that_begins_many_countries_names_none() -> None:
    assert area_named("United") is None
