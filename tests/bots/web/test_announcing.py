"""Announcements in the console: written without losing a word, and for staff alone."""

import re
from datetime import timedelta
from html import escape
from pathlib import Path

from bots import texts
from core import announcements
from core.announcements import AnnouncementState
from core.database import transaction
from core.tables import AnnouncementRow, PictureRow
from core.testing import SetClock
from tests.bots.web.announcing import (
    BODY,
    ENGLISH,
    HEADING,
    NEW,
    WORDS,
    chat,
    drafted,
    looked,
    members,
    office,
    photo,
    state_of,
    town_office,
    with_file,
)
from tests.bots.web.stage import Seen, Visitor, World
from tests.bots.web.test_console import enter

__all__ = ["town_office"]


# Writing


async def test_an_announcement_is_written_checked_sent_and_stands_once_on_the_home_page(
    town_office: World,
) -> None:
    async with town_office.visitor() as hana, town_office.visitor() as reader:
        await enter(town_office, hana)
        assert "There are no announcements yet." in (await hana.get(NEW)).text
        path = await drafted(hana, reach="room")
        shown = await hana.get(path)
        assert "Post in 1 place(s)" in shown.text
        assert "&lt;b&gt;定員は50名です。" in shown.text
        assert HEADING not in (await reader.get("/")).text
        await hana.post(f"{path}/confirm", when="now")
        await hana.post(f"{path}/confirm", when="now")
        assert await town_office.app.pumps["web"].tick() == 1
        assert await town_office.app.pumps["web"].tick() == 0
        assert (await reader.get("/")).text.count(f'<summary dir="auto">{HEADING}') == 1
        progress = await hana.get(f"{path}/progress")
        assert progress.status == 286  # htmx stops asking
        assert "1 of 1 settled (100%)" in progress.text
        table = (await hana.get(f"{path}/recipients.csv")).text
        assert "Town news (everybody),Web,,Delivered,,1" in table


FAULTS = (
    ({"body-ja": ""}, "body-ja", "Please write a text."),
    ({"heading-ja": "長" * 101}, "heading-ja", "at most 100 characters"),
    ({"body-ja": "長" * 3_001}, "body-ja", "at most 3000 characters"),
    ({"heading-en": "Hello"}, "body-en", "Please write a text."),
    ({"reach": "moon"}, "reach", "Please choose whom it is for."),
    ({"reach": "room:moon"}, "reach", "Please choose whom it is for."),
    ({"link-1": "http://x.example", "label-1-ja": "申込"}, "link-1", "begins with https://"),
    ({"link-1": "https://x.example"}, "label-1-ja", "words on the button"),
    ({"label-2-ja": "申込"}, "link-2", "the address that the button opens"),
    ({"place": "the old oak"}, "place", "The place cannot be read."),
    ({"place": "34.2, 131.3"}, "place-title-ja", "name of the place"),
    ({"reach": "direct", "joined_since": "soon"}, "joined_since", "like 2026-04-01"),
    ({"reach": "direct", "joined_since": "0001-01-01"}, "joined_since", "from the year 2000 on"),
    ({"reach": "direct", "visited_since": "9999-12-31"}, "visited_since", "a day up to today"),
    ({"reach": "direct", "tiers": "moon"}, "audience", "not in the town&#39;s settings"),
    ({"reach": "direct", "missed": "77"}, "audience", "not in the town&#39;s settings"),
)
"""What somebody fills in, the field that is wrong, and what it says beside it."""


async def test_a_fault_stands_beside_its_field_and_nothing_typed_is_lost(
    town_office: World,
) -> None:
    korean = {"heading-ko": "산불 놓기", "body-ko": "오세요", "read-ko": "yes"}
    async with town_office.visitor() as hana:
        await enter(town_office, hana)
        for fields, field, sentence in FAULTS:
            given = {**WORDS, "reach": "room", **korean, **fields}
            seen = await hana.post(NEW, given)
            assert (seen.status, sentence in seen.text) == (422, True), field
            assert f'href="#{field}"' in seen.text
            if field not in {"audience", "reach"}:
                assert f'id="fault-{field}"' in seen.text
                assert re.search(rf'id="{field}"[^>]*aria-invalid="true"', seen.text)
            for name in ("heading-ja", "body-ja", "heading-ko", "body-ko", "place", "link-1"):
                assert escape(given.get(name, "")) in seen.text
    async with transaction(town_office.app.sessions) as session:
        assert await announcements.history(session) == []


async def test_what_people_copy_from_maps_becomes_a_place(town_office: World) -> None:
    async with town_office.visitor() as hana:
        await enter(town_office, hana)
        for text in (
            "34.2306, 131.3031",
            "https://www.google.com/maps/place/X/@34.0,131.0,15z/data=!3d34.2306!4d131.3031",
            "https://www.google.com/maps/@34.2306,131.3031,15z",
            "https://www.openstreetmap.org/?mlat=34.2306&mlon=131.3031#map=16/1.0/1.0",
            "https://maps.gsi.go.jp/#15/34.2306/131.3031/&base=std",
            "https://maps.apple.com/?ll=34.2306,131.3031&q=x",
            "geo:34.2306,131.3031",
            "北緯34度13分50.16秒 東経131度18分11.16秒",
        ):
            seen = await looked(hana, reach="room", place=text)
            assert seen["place"] == "Latitude 34.2306, longitude 131.3031", text
        assert (await looked(hana, reach="room", place="91, 200"))["place"] == ""


async def test_the_preview_is_what_each_platform_sends_in_each_language(
    town_office: World,
) -> None:
    async with town_office.visitor() as hana:
        await enter(town_office, hana)
        links = {"link-1": "https://x.example/?a=1&b=2", "label-1-ja": "申し込む"}
        seen = await looked(hana, reach="room", look="en", **ENGLISH, **links)
        assert "<b>Grassland burning</b>" in seen["looks"]
        assert "申し込む" in seen["looks"]  # no label in English: the Japanese one is sent
        japanese = await looked(hana, reach="direct", **links)
        assert "&lt;b&gt;定員は50名です。" in japanese["looks"]
        assert "/mydata" in japanese["looks"] or "メッセージ" in japanese["looks"]
        falls = await looked(hana, reach="room", look="ko", **ENGLISH)
        assert "they get those in English" in falls["looks"]
        long = await looked(hana, reach="direct", **{"body-ja": "🦕" * 2_500})
        assert "Too long for one message of Telegram" in long["looks"]
        empty = await (await hana.post(f"{NEW}/look", reach="room")).read()
        assert "Write a heading and a text" in empty["looks"]


async def test_who_is_reached_and_when_it_is_done_follow_the_choices(
    tmp_path: Path, clock: SetClock
) -> None:
    async with office(tmp_path, clock, approve_above=2) as world, world.visitor() as hana:
        await members(world, 3)
        await members(world, 2, locale="en")
        chat(world, rate=0.02)
        await enter(world, hana)
        everybody = await looked(hana, reach="direct")
        assert "5 people" in everybody["reach"]
        assert "Telegram 5 people" in everybody["reach"]
        assert "Sending takes about 4 min." in everybody["reach"]
        assert "a second member of staff has to agree" in everybody["reach"]
        assert everybody["said"] == "5 people Sending takes about 4 min."
        few = await looked(hana, reach="direct", languages="en")
        assert few["said"].startswith("2 people")
        assert "second member" not in few["reach"]
        nobody = await looked(hana, reach="direct", languages="ko")
        assert "It would reach nobody" in nobody["reach"]
        later = (clock() + timedelta(days=2)).date().isoformat()
        assert "nobody" in (await looked(hana, reach="direct", joined_since=later))["said"]


# The picture


async def test_a_picture_stays_with_the_form_whatever_else_is_wrong(town_office: World) -> None:
    async with town_office.visitor() as hana:
        await enter(town_office, hana)
        fields = {**WORDS, "body-ja": "", "reach": "direct", "description-ja": "野原"}
        seen = await with_file(hana, NEW, fields, photo())
        assert seen.status == 422
        number = re.search(r'name="picture" value="(\d+)"', seen.text)
        assert number is not None
        shown = await hana.raw("GET", f"{NEW}/pictures/{number[1]}")
        assert (shown.status, shown.answer.content_type) == (200, "image/jpeg")
        path = await drafted(hana, {"picture": number[1], "description-ja": "野原"})
        assert f"pictures/{number[1]}" in (await hana.get(path)).text
        assert 'alt="野原"' in (await hana.get(path)).text


async def test_a_picture_is_described_bounded_and_can_be_taken_off(town_office: World) -> None:
    async with town_office.visitor() as hana:
        await enter(town_office, hana)
        fields = {**WORDS, "reach": "direct"}
        assert "say what the picture shows" in (await with_file(hana, NEW, fields, photo())).text
        words = {**fields, "description-ja": "野原"}
        bad = await with_file(hana, NEW, words, b"<svg/>")
        assert (bad.status, "cannot be used" in bad.text) == (422, True)
        large = await with_file(hana, NEW, words, photo() + b"\0" * 10_000_001)
        assert (large.status, "at most 10 MB" in large.text) == (422, True)
        long = await with_file(hana, NEW, {**words, "body-ja": "長" * 701}, photo())
        assert "at most 700 characters together" in long.text
        kept = re.search(r'name="picture" value="(\d+)"', long.text)
        assert kept is not None
        off = await hana.post(NEW, {**words, "picture": kept[1], "step": "unpicture"})
        assert 'name="picture" value=""' in off.text


async def test_a_script_keeps_the_picture_before_the_form_is_sent(town_office: World) -> None:
    async with town_office.visitor() as hana:
        await enter(town_office, hana)
        kept = await (await with_file(hana, f"{NEW}/pictures", {}, photo((3_000, 2_000)))).read()
        assert kept["said"] == "The picture is there."
        assert f'src="{NEW}/pictures/{kept["number"]}"' in kept["picture"]
        bad = await (await with_file(hana, f"{NEW}/pictures", {}, b"GIF89a")).read()
        assert (bad["number"], "cannot be used" in bad["said"]) == ("", True)
    async with transaction(town_office.app.sessions) as session:
        row = await session.get_one(PictureRow, int(kept["number"]))
        assert max(row.width, row.height) == 1_280


async def test_the_list_is_searched_filtered_and_says_what_is_empty(town_office: World) -> None:
    async with town_office.visitor() as hana:
        await enter(town_office, hana)
        await drafted(hana, {"heading-ja": "花火のお知らせ"}, reach="room")
        sent = await drafted(hana, reach="room")
        await hana.post(f"{sent}/confirm", when="now")
        whole = (await hana.get(NEW)).text
        assert whole.index("Coming up") < whole.index("Drafts")
        found = (await hana.get(f"{NEW}?words=花火")).text
        assert ("花火" in found, HEADING in found) == (True, False)
        assert HEADING not in (await hana.get(f"{NEW}?state=draft")).text
        assert "No announcement fits." in (await hana.get(f"{NEW}?words=moon")).text
        assert BODY.partition("<")[0] not in found


async def test_the_pages_are_for_staff_alone(town_office: World) -> None:
    async with town_office.visitor() as visitor:
        for path in ("", "/new", "/1", "/1/edit", "/1/change", "/1/retract", "/1/recipients"):
            assert (await visitor.get(f"{NEW}{path}")).status == 403
        for path in ("", "/look", "/translate", "/pictures", "/1/edit", "/1/confirm", "/1/test"):
            assert (await visitor.post(f"{NEW}{path}", WORDS)).status == 403
        for path in ("/1/approve", "/1/refuse", "/1/change", "/1/retract", "/1/delete"):
            assert (await visitor.post(f"{NEW}{path}")).status == 403
        assert (await visitor.get(f"{NEW}/pictures/1")).status == 403


async def test_a_form_from_elsewhere_is_refused(town_office: World) -> None:
    async with town_office.visitor() as hana:
        await enter(town_office, hana)
        for path in ("", "/look", "/pictures", "/translate"):
            seen: Seen = await hana.raw("POST", f"{NEW}{path}", data={"csrf": "x", **WORDS})
            assert seen.status == 403


# The overview, and two people at once


async def test_the_overview_stands_whatever_state_an_announcement_is_in(
    tmp_path: Path, clock: SetClock
) -> None:
    async with (
        office(tmp_path, clock, approve_above=1) as world,
        world.visitor() as hana,
        world.visitor() as ken,
    ):
        await enter(world, hana)
        await enter(world, ken, "ken")
        path = await drafted(hana, reach="room")
        number = int(path.rpartition("/")[2])
        for state in AnnouncementState:
            async with transaction(world.app.sessions) as session:
                row = await session.get_one(AnnouncementRow, number)
                row.state, row.asked_by = state, "staff:hana"
            seen = await ken.get("/console")
            assert (seen.status, f"state-{state}" in seen.text) == (200, True), state
            waits = state is AnnouncementState.ASKED
            assert ("Waiting for your approval: 1" in seen.text) is waits
            assert "Waiting for your approval" not in (await hana.get("/console")).text


async def test_the_later_of_two_writers_overwrites_nothing_and_loses_nothing(
    town_office: World,
) -> None:
    async with town_office.visitor() as hana, town_office.visitor() as ken:
        await enter(town_office, hana)
        await enter(town_office, ken, "ken")
        path = await drafted(hana, reach="room")
        opened = await version_of(hana, path)
        first = {**WORDS, "heading-ja": "健の見出し", "reach": "room", "version": opened}
        await ken.post(f"{path}/edit", first)
        late = await hana.post(f"{path}/edit", {**first, "heading-ja": "花の見出し"})
        assert (late.status, "Somebody else has changed" in late.text) == (409, True)
        assert 'value="花の見出し"' in late.text
        assert f'action="{NEW}"' in late.text
        assert "健の見出し" in (await hana.get(path)).text
        whom = {"heading-ja": "健の見出し", "reach": "direct", "languages": "en"}
        opened = await version_of(hana, path)
        await ken.post(f"{path}/edit", {**first, **whom, "version": opened})
        stale = await hana.post(f"{path}/edit", {**first, "version": opened})
        assert stale.status == 409, "another audience is another draft"
        unseen = await hana.post(f"{path}/confirm", when="now", version=opened)
        assert "Somebody changed it in the meantime" in unseen.text
        assert 'class="flash flash-not" role="alert"' in unseen.text
        assert await state_of(town_office, path) is AnnouncementState.DRAFT


async def version_of(staff: Visitor, path: str) -> str:
    found = re.search(r'name="version" value="([^"]+)"', (await staff.get(f"{path}/edit")).text)
    assert found
    return found[1]


async def test_what_is_edited_while_it_waits_for_its_time_says_what_becomes_of_it(
    tmp_path: Path, clock: SetClock
) -> None:
    async with office(tmp_path, clock, approve_above=1) as world, world.visitor() as hana:
        await members(world, 3)
        await members(world, 1, locale="en")
        await enter(world, hana)
        few = {**WORDS, "reach": "direct", "languages": "en"}
        path = await drafted(hana, few)
        later = {"when": "later", "start-day": "2026-11-22", "start-time": "09:00"}
        await hana.post(f"{path}/confirm", later)
        form = (await hana.get(f"{path}/edit")).text
        assert "This announcement is scheduled. It is sent 22 November 2026, 9:00." in form
        assert "Save the draft" not in form
        kept = await hana.post(f"{path}/edit", {**few, "body-ja": "直した。"})
        assert "It is sent 22 November 2026, 9:00." in kept.text
        assert await state_of(world, path) is AnnouncementState.SCHEDULED
        back = await hana.post(f"{path}/edit", {**WORDS, "reach": "direct"})
        assert "it is a draft again" in back.text
        assert await state_of(world, path) is AnnouncementState.DRAFT


async def test_the_preview_ends_as_what_is_sent_ends(town_office: World) -> None:
    topic = town_office.app.town.announcements.topics[0]
    async with town_office.visitor() as hana:
        await enter(town_office, hana)
        everything = (await looked(hana, reach="direct", look="en"))["looks"]
        on_it = (await looked(hana, reach="direct", look="en", topic=topic.name))["looks"]
        path = await drafted(hana, topic=topic.name)
        checked = (await hana.get(path)).text
    stop = escape(texts.say("topics.topic.stop", "en", topic=topic.title.get("en")))
    japanese = escape(texts.say("topics.topic.stop", "ja", topic=topic.title.get("ja")))
    assert stop in on_it
    assert stop not in everything
    assert escape(texts.say("topics.topic.stop-all", "en")) in everything
    assert japanese in checked
