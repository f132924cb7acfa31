"""Before it leaves: tried out, timed, agreed to by a second person, edited meanwhile."""

import re
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from core.announcements import AnnouncementState, Blocked, Failed
from core.database import transaction
from core.tables import AuditRow
from core.testing import SetClock
from tests.bots.web.announcing import (
    ENGLISH,
    NEW,
    WORDS,
    drafted,
    members,
    office,
    pumped,
    state_of,
    telegram,
    town_office,
)
from tests.bots.web.stage import World
from tests.bots.web.test_console import enter

__all__ = ["town_office"]


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
