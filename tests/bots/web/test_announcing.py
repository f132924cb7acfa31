"""Announcements in the console: written without losing a word, checked, sent once, followed."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from html import escape
from pathlib import Path

import pytest
from aiohttp import web
from sqlalchemy import select

from bots import texts
from bots.guiding import translator_of
from core import announcements
from core.announcements import AnnouncementState, Blocked, Failed
from core.database import transaction
from core.tables import AnnouncementRow, AuditRow, PictureRow
from core.testing import SetClock
from knowledge.errors import GeneratorError, GeneratorTimeout
from knowledge.testing import FakeGenerator
from knowledge.translation import Translator
from tests.bots.web.announcing import (
    BODY,
    ENGLISH,
    HEADING,
    NEW,
    WORDS,
    chat,
    drafted,
    members,
    office,
    photo,
    pumped,
    telegram,
    with_file,
)
from tests.bots.web.stage import Seen, Visitor, World
from tests.bots.web.test_console import enter
from tests.knowledge.test_generate import Handler, broken, chunk, endpoint, events, html, says


@pytest.fixture
async def town_office(tmp_path: Path, clock: SetClock) -> AsyncIterator[World]:
    async with office(tmp_path, clock, approve_above=0) as opened:
        yield opened


async def state_of(world: World, path: str) -> AnnouncementState:
    async with transaction(world.app.sessions) as session:
        return (await announcements.progress(session, int(path.rpartition("/")[2]))).state


async def looked(staff: Visitor, **fields: str) -> dict[str, str]:
    return await (await staff.post(f"{NEW}/look", {**WORDS, **fields})).read()


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


# Translation


def translating(world: World, says: str = "", fails: Exception | None = None) -> None:
    world.app.translator = Translator(FakeGenerator(says, fails), timeout=5)


SAID = f"{ENGLISH['heading-en']}\n\n{ENGLISH['body-en']}"


async def test_without_a_language_service_the_button_is_not_there_and_a_sentence_says_why(
    town_office: World,
) -> None:
    async with town_office.visitor() as hana:
        await enter(town_office, hana)
        seen = await hana.get(f"{NEW}/new")
        assert "No language service is set up" in seen.text
        assert "data-translate" not in seen.text
        assert (await hana.post(f"{NEW}/translate", WORDS, language="en")).status == 404


async def test_a_machine_draft_is_marked_and_not_sent_before_a_person_has_read_it(
    town_office: World,
) -> None:
    translating(town_office, SAID)
    await members(town_office, 1)
    async with town_office.visitor() as hana:
        await enter(town_office, hana)
        drawn = await (await hana.post(f"{NEW}/translate", WORDS, language="en")).read()
        assert (drawn["heading"], drawn["body"]) == tuple(ENGLISH.values())
        by_hand = await hana.post(NEW, {**WORDS, "reach": "direct", "step": "translate-en"})
        assert ENGLISH["body-en"] in by_hand.text  # the same without scripts
        assert "A machine wrote this draft" in by_hand.text
        machine = {**ENGLISH, "machine-en": "yes"}
        unread = await hana.post(NEW, {**WORDS, "reach": "direct", **machine})
        assert (unread.status, "Read it and tick the box" in unread.text) == (422, True)
        kept = await hana.post(NEW, {**WORDS, "reach": "direct", **machine, "step": "keep"})
        assert "The draft was saved." in kept.text
        path = f"{NEW}/1"
        assert "still unread, so it cannot be sent" in (await hana.get(path)).text
        await hana.post(f"{path}/confirm", when="now")  # past the page
        assert await state_of(town_office, path) is AnnouncementState.DRAFT
        read = {**WORDS, "reach": "direct", **machine, "read-en": "yes"}
        await hana.post(f"{path}/edit", read)
        await hana.post(f"{path}/confirm", when="now")
        assert await state_of(town_office, path) is AnnouncementState.SENDING


async def test_figures_that_a_translation_changed_are_a_fault_that_names_them(
    town_office: World,
) -> None:
    wrong = SAID.replace("50 people", "15 people")
    translating(town_office, wrong)
    async with town_office.visitor() as hana:
        await enter(town_office, hana)
        seen = await hana.post(NEW, {**WORDS, "reach": "direct", "step": "translate-en"})
        assert "Figures or dates differ from the Japanese." in seen.text
        assert "<b>50名</b>" in seen.text
        assert "<b>15 people</b>" in seen.text
        english = {"heading-en": "Grassland burning", "body-en": wrong.partition("\n\n")[2]}
        own = await hana.post(NEW, {**WORDS, **english, "reach": "direct"})
        assert (own.status, "Mend them, or tick" in own.text) == (422, True)
        drawn = await looked(hana, reach="direct", **english)
        assert drawn["marks"]["en"] == "check the figures"  # type: ignore[index]
        ticked = await hana.post(NEW, {**WORDS, **english, "reach": "direct", "read-en": "yes"})
        assert ticked.status == 200
        assert "Figures or dates differ from the Japanese." in ticked.text


@pytest.mark.parametrize(
    ("says", "fails", "sentence"),
    [
        ("", GeneratorTimeout("slow"), "The translation took too long."),
        ("", GeneratorError("broken"), "No usable translation came back."),
        ("I cannot do that.", None, "No usable translation came back."),
    ],
)
async def test_a_translation_that_fails_is_a_sentence_and_leaves_the_form_as_it_was(
    town_office: World, says: str, fails: Exception | None, sentence: str
) -> None:
    translating(town_office, says, fails)
    async with town_office.visitor() as hana:
        await enter(town_office, hana)
        fields = {**WORDS, "heading-en": "mine", "body-en": "mine too", "reach": "direct"}
        seen = await hana.post(NEW, {**fields, "step": "translate-en"})
        assert sentence in seen.text
        assert 'value="mine"' in seen.text
        drawn = await (await hana.post(f"{NEW}/translate", WORDS, language="en")).read()
        assert sentence in drawn["said"]
        assert "body" not in drawn


async def stalls(request: web.Request) -> web.StreamResponse:
    response = await events(request, chunk("Grass"))
    await asyncio.Event().wait()
    return response


@pytest.mark.parametrize(
    ("handler", "sentence"),
    [
        (says(SAID[:30], SAID[30:]), "The draft in English is there."),
        (says(SAID.replace("9 a.m.", "9 p.m.")), "The draft in English is there."),
        (stalls, "The translation took too long."),
        (broken, "No usable translation came back."),
        (html, "No usable translation came back."),
        (says("草原を焼きます。"), "No usable translation came back."),
    ],
    ids=["faithful", "another time of day", "stalls", "broken", "a login page", "nonsense"],
)
async def test_the_settings_language_service_writes_the_draft_or_the_page_says_what_happened(
    town_office: World, handler: Handler, sentence: str
) -> None:
    async with endpoint(handler) as address, town_office.visitor() as hana:
        settings = town_office.app.settings.model_copy(
            update={"openai_base_url": address, "openai_timeout": timedelta(seconds=0.5)}
        )
        translator = town_office.app.translator = translator_of(settings)
        assert translator is not None
        await enter(town_office, hana)
        drawn = await (await hana.post(f"{NEW}/translate", WORDS, language="en")).read()
        assert sentence in drawn["said"]
        if "body" in drawn:
            fields = {"heading-en": drawn["heading"], "body-en": drawn["body"]}
            seen = await looked(hana, reach="direct", **fields, **{"machine-en": "yes"})
            assert "A machine wrote this draft" in seen["checks"]["en"]  # type: ignore[index]
            differs = "Figures or dates differ" in seen["checks"]["en"]  # type: ignore[index]
            assert differs == ("p.m." in drawn["body"])
        await translator.aclose()


# Before it is sent


async def test_a_test_goes_to_one_member_of_staff_and_is_no_delivery(town_office: World) -> None:
    settings = town_office.app.settings
    town_office.app.settings = settings.model_copy(
        update={"staff": dict.fromkeys(["telegram:42"], "")}
    )
    async with town_office.visitor() as hana:
        await enter(town_office, hana)
        path = await drafted(hana, ENGLISH)
        assert "Telegram 42" in (await hana.get(path)).text
        seen = await hana.post(f"{path}/test", to="telegram:42", language="en")
        assert "The test was sent." in seen.text
        [(target, message)] = telegram(town_office).arrived
        assert (target, message.heading) == ("42", "Grassland burning")
        assert (await hana.post(f"{path}/test", to="telegram:43")).status == 404
        telegram(town_office).prepared = [Blocked("gone"), Failed("odd")]
        assert "Write to the town" in (await hana.post(f"{path}/test", to="telegram:42")).text
        assert "could not be sent" in (await hana.post(f"{path}/test", to="telegram:42")).text
        assert "belongs to no member yet" in (await hana.post(f"{path}/test", to="web")).text
        assert await state_of(town_office, path) is AnnouncementState.DRAFT


async def test_a_time_is_the_towns_and_lies_ahead(town_office: World) -> None:
    await members(town_office, 1)
    async with town_office.visitor() as hana:
        await enter(town_office, hana)
        path = await drafted(hana)
        for fields, sentence in (
            ({"start-day": "2026-11-20", "start-time": "09:00"}, "has to lie in the future"),
            ({"start-day": "2026-11-22"}, "both the date and the time"),
            ({"start-day": "2026-11-22", "start-time": "9"}, "both the date and the time"),
            ({"start-day": "9999-12-31", "start-time": "09:00"}, "two years ahead"),
            ({"start-day": "0001-01-01", "start-time": "00:00"}, "both the date and the time"),
            (
                {"start-day": "2026-11-22", "start-time": "09:00", "deadline-time": "12:00"},
                "both the date and the time",
            ),
            (
                {
                    "start-day": "2026-11-22",
                    "start-time": "09:00",
                    "deadline-day": "2026-11-22",
                    "deadline-time": "08:00",
                },
                "after the start",
            ),
        ):
            seen = await hana.post(f"{path}/confirm", {"when": "later", **fields})
            assert (seen.status, sentence in seen.text) == (422, True)
            assert f'value="{fields["start-day"]}"' in seen.text
        booked = await hana.post(
            f"{path}/confirm", {"when": "later", "start-day": "2026-11-22", "start-time": "09:00"}
        )
        assert "It is scheduled." in booked.text
        assert "Sending starts 22 November 2026, 9:00." in booked.text
        assert await state_of(town_office, path) is AnnouncementState.SCHEDULED
        assert "Coming up" in (await hana.get(NEW)).text
        asked = await hana.post(f"{path}/cancel")
        assert (asked.status, "This cannot be undone" in asked.text) == (422, True)
        assert await state_of(town_office, path) is AnnouncementState.SCHEDULED
        cancelled = await hana.post(f"{path}/cancel", sure="yes")
        assert "Cancelled" in cancelled.text


async def test_above_the_threshold_a_second_person_sees_what_changed_and_decides(
    tmp_path: Path, clock: SetClock
) -> None:
    async with (
        office(tmp_path, clock, approve_above=2) as world,
        world.visitor() as hana,
        world.visitor() as ken,
    ):
        await members(world, 3)
        await enter(world, hana)
        await enter(world, ken, "ken")
        path = await drafted(hana)
        asked = await hana.post(f"{path}/confirm", when="now")
        assert "Another member of staff has to agree." in asked.text
        assert "Approve and send" not in asked.text
        own = await hana.post(f"{path}/approve", revision="1")
        assert "cannot approve what you asked for yourself" in own.text
        assert "Waiting for your approval: 1" in (await ken.get(NEW)).text
        seen = await ken.get(path)
        assert "hana wants to send this." in seen.text
        assert "checked for the first time" in seen.text
        blank = await ken.post(f"{path}/refuse", reason="")
        assert (blank.status, "Please give a reason" in blank.text) == (422, True)
        clock.advance(timedelta(minutes=1))
        await ken.post(f"{path}/refuse", reason="定員がちがいます")
        assert "定員がちがいます" in (await hana.get(path)).text
        await hana.post(f"{path}/edit", {**WORDS, "body-ja": "定員は30名です。", "reach": "direct"})
        await hana.post(f"{path}/confirm", when="now")
        again = (await ken.get(path)).text
        assert "What changed since it was last checked" in again
        assert "定員は<del>50</del>名です。" in again
        assert "定員は<ins>30</ins>名です。" in again
        assert "<del>&lt;b&gt;</del>" in again or "&lt;b&gt;</del>" in again
        stale = await ken.post(f"{path}/approve", revision="1")
        assert "Somebody changed it" in stale.text
        await ken.post(f"{path}/approve", revision="2")
        assert await pumped(world) == 3
        assert await state_of(world, path) is AnnouncementState.DONE
        other = await hana.post(f"{path}/change", {**WORDS, "body-ja": "延期。"}, revision="2")
        assert "Another member of staff is asked to agree." in other.text
        assert "Agree and replace" not in other.text
        waiting = (await ken.get(path)).text
        assert "hana wants to replace what has arrived." in waiting
        asked_at = waiting.partition('name="asked" value="')[2].partition('"')[0]
        own = await hana.post(f"{path}/change/approve", asked=asked_at)
        assert "cannot approve what you asked for yourself" in own.text
        agreed = await ken.post(f"{path}/change/approve", asked=asked_at)
        assert "The change is on its way." in agreed.text
        async with transaction(world.app.sessions) as session:
            rows = await session.scalars(select(AuditRow.action).order_by(AuditRow.id))
        steps = [each for each in rows if each.startswith("announcement.")]
        assert [each.partition(".")[2] for each in steps] == [
            *("drafted", "asked", "refused", "revised", "asked", "approved"),
            *("change-asked", "change-approved", "changed"),
        ]


async def test_who_asked_may_take_the_question_back(tmp_path: Path, clock: SetClock) -> None:
    async with (
        office(tmp_path, clock, approve_above=2) as world,
        world.visitor() as hana,
        world.visitor() as ken,
    ):
        await members(world, 3)
        await enter(world, hana)
        await enter(world, ken, "ken")
        path = await drafted(hana)
        await hana.post(f"{path}/confirm", when="now")
        assert "Nothing was changed." in (await ken.post(f"{path}/withdraw")).text
        assert "It is a draft again." in (await hana.post(f"{path}/withdraw")).text


async def test_drafts_are_edited_copied_and_deleted(town_office: World) -> None:
    async with town_office.visitor() as hana:
        await enter(town_office, hana)
        place = {"place": "34.2306, 131.3031", "place-title-ja": "秋吉台", "place-title-en": "Hill"}
        link = {"link-2": "https://x.example/", "label-2-ja": "申込", "label-2-en": "Apply"}
        path = await drafted(hana, {**ENGLISH, **place, **link, "languages": "en", "quiet": "now"})
        form = (await hana.get(f"{path}/edit")).text
        for value in (*ENGLISH.values(), "秋吉台", "Hill", "申込", "Apply", "34.2306, 131.3031"):
            assert value in form
        assert re.search(r'name="languages" value="en" checked', form)
        await hana.post(f"{path}/edit", {**WORDS, "heading-ja": "ほかの見出し", "reach": "room"})
        assert "ほかの見出し" in (await hana.get(path)).text
        copied = await hana.post(f"{path}/copy")
        twin = str(copied.answer.url.path)
        assert twin != path
        assert "Copied." in copied.text
        assert "Its words, its picture" in (await hana.get(f"{path}/delete")).text
        assert (await hana.post(f"{path}/delete")).status == 422
        assert "The draft was deleted." in (await hana.post(f"{path}/delete", sure="yes")).text
        assert (await hana.get(path)).status == 404
        await hana.post(f"{twin}/confirm", when="now")
        assert "Nothing was changed." in (await hana.post(f"{twin}/delete", sure="yes")).text


async def test_what_was_sent_meanwhile_keeps_what_somebody_writes_on_the_page(
    town_office: World,
) -> None:
    async with town_office.visitor() as hana:
        await enter(town_office, hana)
        path = await drafted(hana, reach="room")
        await hana.post(f"{path}/confirm", when="now")
        late = await hana.post(f"{path}/edit", {**WORDS, "heading-ja": "書き直し", "reach": "room"})
        assert (late.status, "no longer a draft" in late.text) == (409, True)
        assert 'value="書き直し"' in late.text
        assert f'action="{NEW}"' in late.text


async def test_what_somebody_else_changed_is_not_sent_unseen(town_office: World) -> None:
    async with town_office.visitor() as hana, town_office.visitor() as ken:
        await enter(town_office, hana)
        await enter(town_office, ken, "ken")
        path = await drafted(hana, reach="room")
        await ken.post(f"{path}/edit", {**WORDS, "heading-ja": "別の見出し", "reach": "room"})
        seen = await hana.post(f"{path}/confirm", when="now", revision="1")
        assert "Somebody changed it in the meantime" in seen.text
        assert await state_of(town_office, path) is AnnouncementState.DRAFT


# While it is sent, and after


async def test_sending_can_be_paused_resumed_and_cancelled(town_office: World) -> None:
    async with town_office.visitor() as hana:
        await enter(town_office, hana)
        path = await drafted(hana, reach="room")
        assert "Pause" in (await hana.post(f"{path}/confirm", when="now")).text
        paused = await hana.post(f"{path}/pause")
        assert "nobody gets it twice" in paused.text
        assert await town_office.app.pumps["web"].tick() == 0
        assert "Nothing was changed." in (await hana.post(f"{path}/pause")).text
        await hana.post(f"{path}/resume")
        assert "What had arrived stays." in (await hana.post(f"{path}/cancel", sure="yes")).text
        assert await town_office.app.pumps["web"].tick() == 0


async def test_the_result_for_each_is_filtered_and_saved_with_heads_in_the_language_of_staff(
    town_office: World,
) -> None:
    await members(town_office, 3)
    telegram(town_office).prepared = [Blocked("=blocked by the user")]
    async with town_office.visitor() as hana, town_office.visitor("ja") as ken:
        await enter(town_office, hana)
        await enter(town_office, ken, "ken")
        path = await drafted(hana)
        await hana.post(f"{path}/confirm", when="now")
        await pumped(town_office)
        everybody = (await hana.get(f"{path}/recipients")).text
        assert "All (3)" in everybody
        assert everybody.count("Member ") == 3
        blocked = (await hana.get(f"{path}/recipients?result=blocked")).text
        assert blocked.count('<th scope="row">Member ') == 1
        table = (await hana.get(f"{path}/recipients.csv")).text
        assert table.startswith("\ufeffRecipient,By,Language,Result,Reason,Tries")
        assert "'=blocked by the user" in table
        japanese = (await ken.get(f"{path}/recipients.csv?result=blocked")).text
        assert japanese.startswith("\ufeff送り先,手段,ことば,結果,理由,回数")
        assert len(japanese.splitlines()) == 2
        assert "ja-0" not in table  # nobody's chat account


async def test_the_result_says_how_many_nothing_was_sent_to(town_office: World) -> None:
    await members(town_office, 3)
    async with town_office.visitor("ja") as hana:
        await enter(town_office, hana)
        path = await drafted(hana)
        await hana.post(f"{path}/confirm", when="now")
        waiting = "3人にはまだ送っていません"
        assert waiting in (await hana.get(f"{path}/recipients")).text
        assert waiting in (await hana.get(f"{path}/recipients.csv")).text.splitlines()[-1]
        await hana.post(f"{path}/cancel", sure="yes")
        assert "3人には送りませんでした" in (await hana.get(f"{path}/recipients")).text
        progress = (await hana.get(path)).text
        assert "<dt>送らなかった</dt>" in progress
        assert "0%" not in progress


async def test_those_whom_it_missed_get_a_draft_of_their_own(town_office: World) -> None:
    await members(town_office, 3)
    telegram(town_office).prepared = [Failed("HTTP 400")]
    async with town_office.visitor() as hana:
        await enter(town_office, hana)
        path = await drafted(hana)
        await hana.post(f"{path}/confirm", when="now")
        await pumped(town_office)
        assert "Send to those it missed (1)" in (await hana.get(path)).text
        draft = await hana.post(f"{path}/missed")
        assert "Send to 1 people" in draft.text
        assert "Whom announcement #1 did not reach" in draft.text
        twin = str(draft.answer.url.path)
        await hana.post(f"{twin}/confirm", when="now")
        assert await pumped(town_office) == 1


async def test_what_arrived_is_changed_and_taken_back_only_on_purpose(town_office: World) -> None:
    await members(town_office, 2)
    async with town_office.visitor() as hana:
        await enter(town_office, hana)
        path = await drafted(hana)
        early = await hana.get(f"{path}/change")
        assert "Nothing was changed." in early.text
        await hana.post(f"{path}/confirm", when="now")
        await pumped(town_office)
        form = await hana.get(f"{path}/change")
        assert "Can be changed: 2" in form.text
        same = await hana.post(f"{path}/change", WORDS, revision="1")
        assert (same.status, "Nothing has changed." in same.text) == (422, True)
        empty = await hana.post(f"{path}/change", {**WORDS, "body-ja": ""}, revision="1")
        assert (empty.status, "Please write a text." in empty.text) == (422, True)
        done = await hana.post(f"{path}/change", {**WORDS, "body-ja": "延期します。"}, revision="1")
        assert "The change is on its way." in done.text
        unsure = await hana.post(f"{path}/retract")
        assert (unsure.status, "It cannot be undone." in unsure.text) == (422, True)
        gone = await hana.post(f"{path}/retract", sure="yes")
        assert "It is being taken back." in gone.text
        assert "Taken back 21 November 2026" in gone.text
        again = await hana.post(f"{path}/retract", sure="yes")
        assert again.status == 200


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
