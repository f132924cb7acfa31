"""Reminders and news: each person is told once, in time, and never late."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from core import events
from core.database import transaction
from core.errors import NotAllowed
from core.events import ReplyState, Standing, service, telling
from core.identity import Account, web_account
from core.tables import AnnouncementRow, MemberRow, ReplyRow
from core.testing import Killed
from core.town import moment_of
from tests.core.events.world import GATE, LINK, NOW, STARTS, World

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


async def coming(world: World, **more: object) -> tuple[int, Account]:
    event = await world.event(**more)
    hana = await world.member("hana", 1)
    await world.come(event, hana)
    return event, hana


async def test_whoever_comes_is_reminded_a_day_and_an_hour_before_once_each(both: World) -> None:
    _, hana = await coming(both)
    ken = await both.member("ken")
    for moment, told in (
        (STARTS - DAY - MINUTE, 0),
        (STARTS - DAY, 1),
        (STARTS - DAY + MINUTE, 1),
        (STARTS - HOUR - MINUTE, 1),
        (STARTS - HOUR, 2),
        (STARTS - MINUTE, 2),
        (STARTS, 2),
    ):
        both.at(moment)
        await asyncio.gather(both.events.tell(), both.events.tell())
        assert await both.told(hana) == ["event-reminder"] * told
    assert [each["values"]["minutes"] for each in await both.notices(hana)] == ["1440", "60"]
    assert await both.told(ken) == []


async def test_after_an_outage_a_reminder_is_made_up_for_within_its_window(world: World) -> None:
    _, hana = await coming(world)
    world.at(STARTS - 5 * HOUR)
    await world.events.tell()
    assert [each["values"]["minutes"] for each in await world.notices(hana)] == ["1440"]
    world.at(STARTS - 2 * MINUTE)
    await world.events.tell()
    assert [each["values"]["minutes"] for each in await world.notices(hana)] == ["1440", "60"]


async def test_of_two_reminders_that_an_outage_kept_only_the_last_is_sent(world: World) -> None:
    _, hana = await coming(world)
    world.at(STARTS - 10 * MINUTE)
    await world.events.tell()
    assert [each["values"]["minutes"] for each in await world.notices(hana)] == ["60"]


async def test_an_event_that_has_begun_reminds_nobody(world: World) -> None:
    _, hana = await coming(world)
    for moment in (STARTS, STARTS + MINUTE, STARTS + DAY):
        world.at(moment)
        assert await world.events.tell() == 0
    assert await world.told(hana) == []


async def test_nobody_is_reminded_of_what_they_have_just_said(world: World) -> None:
    event = await world.event()
    world.at(STARTS - 3 * HOUR)
    hana = await world.member("hana")
    await world.come(event, hana)
    await world.events.tell()
    assert await world.told(hana) == []
    world.at(STARTS - HOUR)
    await world.events.tell()
    assert await world.told(hana) == ["event-reminder"]


async def test_those_who_wait_or_do_not_come_are_not_reminded(world: World) -> None:
    event = await world.event(capacity=1)
    hana, ken, mio = [await world.member(each) for each in ("hana", "ken", "mio")]
    await world.come(event, hana)
    await world.come(event, ken)
    await world.decline(event, mio)
    world.at(STARTS - DAY)
    assert await world.events.tell() == 1


async def test_the_reminder_has_the_link_only_for_those_who_may_come(world: World) -> None:
    event, hana = await coming(world, gate=GATE, online=LINK)
    ken = await world.member("ken", 2)
    await world.come(event, ken)
    world.chain.cards[ken.member_id] = set()
    world.at(STARTS - HOUR)
    await world.events.tell()
    assert (await world.notices(hana))[-1]["values"]["link"] == LINK
    assert "link" not in (await world.notices(ken))[-1]["values"]


async def test_the_town_s_own_reminder_times_are_kept(world: World) -> None:
    _, hana = await coming(world, reminders=(timedelta(hours=2), timedelta(days=3)))
    for moment in (STARTS - 3 * DAY, STARTS - DAY, STARTS - 2 * HOUR, STARTS - HOUR):
        world.at(moment)
        await world.events.tell()
    minutes = [each["values"]["minutes"] for each in await world.notices(hana)]
    assert minutes == [str(3 * 24 * 60), "120"]


async def test_a_reminder_knows_the_reader_s_own_zone(world: World) -> None:
    _, hana = await coming(world)
    async with transaction(world.sessions) as session:
        await session.execute(
            update(MemberRow).where(MemberRow.id == hana.member_id).values(zone="Europe/Paris")
        )
    world.at(STARTS - DAY)
    await world.events.tell()
    assert (await world.notices(hana))[0]["values"]["zone"] == "Europe/Paris"


async def test_a_death_between_two_people_loses_nobody_and_tells_nobody_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = await world.event()
    people = [await world.member(str(number)) for number in range(5)]
    for each in people:
        await world.come(event, each)
    world.at(STARTS - DAY)
    monkeypatch.setattr(service, "TOGETHER", 2)
    remind, count = telling.remind, 0

    async def dies(*args: Any, **how: Any) -> int:
        nonlocal count
        count += 1
        done = await remind(*args, **how)
        if count == 2:
            raise Killed
        return done

    monkeypatch.setattr(telling, "remind", dies)
    with pytest.raises(Killed):
        await world.events.tell()
    monkeypatch.undo()
    await world.events.tell()
    assert [await world.told(each) for each in people] == [["event-reminder"]] * 5


# The clock is put forward or back


@pytest.mark.parametrize(
    ("wall", "day_before"),
    [
        pytest.param("2027-03-28T12:00", "2027-03-27T10:00", id="put forward"),
        pytest.param("2026-10-25T12:00", "2026-10-24T12:00", id="put back"),
    ],
)
async def test_a_day_before_is_24_hours_whatever_the_clock_does(
    world: World, wall: str, day_before: str
) -> None:
    """Put forward: 24 hours before noon in Paris the clock showed 11; put back: 13."""
    paris = ZoneInfo("Europe/Paris")
    starts = moment_of(datetime.fromisoformat(wall), paris)
    assert starts is not None
    world.at(starts.astimezone(UTC) - 7 * DAY)
    _, hana = await coming(world, starts_at=starts, ends_at=starts + HOUR)
    shown = datetime.fromisoformat(day_before).replace(tzinfo=paris)
    world.at(shown.astimezone(UTC))
    assert await world.events.tell() == 0
    world.at(shown.astimezone(UTC) + HOUR)
    assert await world.events.tell() == 1
    assert await world.told(hana) == ["event-reminder"]


def test_a_time_that_the_clock_skips_is_no_moment_and_one_shown_twice_is_the_first() -> None:
    paris = ZoneInfo("Europe/Paris")
    assert moment_of(datetime.fromisoformat("2027-03-28T02:30"), paris) is None
    twice = moment_of(datetime.fromisoformat("2026-10-25T02:30"), paris)
    assert twice is not None
    assert twice.astimezone(UTC) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


# News


async def test_another_time_is_told_once_to_all_who_come_and_wait(both: World) -> None:
    event = await both.event(capacity=1)
    hana, ken, mio = [await both.member(each) for each in ("hana", "ken", "mio")]
    await both.come(event, hana)
    await both.come(event, ken)
    await both.decline(event, mio)
    moved = STARTS + DAY
    await both.change(event, capacity=1, starts_at=moved, ends_at=moved + HOUR)
    await asyncio.gather(both.events.tell(), both.events.tell())
    await both.events.tell()
    assert await both.told(hana) == await both.told(ken) == ["event-changed"]
    assert await both.told(mio) == []
    assert (await both.notices(hana))[0]["values"]["starts"] == moved.isoformat()
    assert await both.news() == 0


async def test_other_words_alone_are_not_worth_a_message(world: World) -> None:
    event, hana = await coming(world)
    await world.change(event, text={"ja": "くわしくなりました。"})
    await world.events.tell()
    assert await world.told(hana) == []
    assert (await world.events.view(event)).event.sequence == 1


async def test_of_two_changes_in_a_row_only_the_last_is_told(world: World) -> None:
    event, hana = await coming(world)
    await world.change(event, place={"ja": "公民館(見本)"})
    await world.change(event, place={"ja": "図書館(見本)"})
    await world.events.tell()
    assert [each["values"]["place.ja"] for each in await world.notices(hana)] == ["図書館(見本)"]


async def test_an_event_moved_closer_does_not_remind_of_what_was_just_told(world: World) -> None:
    event, hana = await coming(world)
    soon = world.clock() + 5 * HOUR
    await world.change(event, starts_at=soon, ends_at=soon + HOUR)
    await world.events.tell()
    assert await world.told(hana) == ["event-changed"]
    world.at(soon - HOUR)
    await world.events.tell()
    assert await world.told(hana) == ["event-changed", "event-reminder"]


async def test_an_event_that_is_moved_away_reminds_again_for_its_new_time(world: World) -> None:
    event, hana = await coming(world)
    world.at(STARTS - DAY)
    await world.events.tell()
    moved = STARTS + 7 * DAY
    await world.change(event, starts_at=moved, ends_at=moved + HOUR)
    world.at(moved - DAY)
    await world.events.tell()
    assert await world.told(hana) == ["event-reminder", "event-changed", "event-reminder"]


async def test_calling_off_is_told_once_and_nobody_is_reminded_any_more(world: World) -> None:
    event, hana = await coming(world, online=LINK)
    await world.cancel(event)
    await world.cancel(event)
    await world.events.tell()
    world.at(STARTS - HOUR)
    await world.events.tell()
    assert await world.told(hana) == ["event-cancelled"]
    assert await world.link(event, hana) is None
    assert (await world.actions()).count("event.cancelled") == 1
    with pytest.raises(NotAllowed):
        await world.change(event)


async def test_a_message_of_staff_reaches_those_who_come(world: World) -> None:
    event, hana = await coming(world, capacity=1)
    ken = await world.member("ken")
    await world.come(event, ken)
    async with transaction(world.sessions) as session:
        words = {"ja": "上ばきをお持ちください。", "en": "Please bring indoor shoes."}
        await events.message(session, event, words, by="staff:hana", now=world.clock())
    await world.events.tell()
    assert await world.told(ken) == []
    values = (await world.notices(hana))[0]["values"]
    assert values["words.en"] == "Please bring indoor shoes."


async def test_many_are_told_in_parts_each_once(world: World) -> None:
    event = await world.event()
    async with transaction(world.sessions) as session:
        for number in range(1, 251):
            session.add(MemberRow(id=number, locale="ja", created_at=NOW))
            await session.flush()
            session.add(
                ReplyRow(
                    event_id=event,
                    member_id=number,
                    number=number,
                    state=ReplyState.COMING,
                    since=NOW,
                )
            )
    async with transaction(world.sessions) as session:
        for number in range(1, 251):
            await web_account(session, number, now=NOW)
    await world.cancel(event)
    assert await world.events.tell() == 250
    assert await world.events.tell() == 0
    async with transaction(world.sessions) as session:
        assert len((await session.scalars(select(AnnouncementRow.id))).all()) == 250


# Afterwards


async def post(world: World, event: int, *, for_gate: bool = False) -> None:
    async with transaction(world.sessions) as session:
        words, link = {"ja": "次回は春に。"}, "https://video.example/1"
        await events.post_notes(
            session, event, words, link, for_gate=for_gate, by="staff:hana", now=world.clock()
        )


async def test_the_notes_are_for_those_who_came_and_they_are_told_once(world: World) -> None:
    event, hana = await coming(world, gate=GATE)
    ken, mio = await world.member("ken", 2), await world.member("mio", 3)
    await world.come(event, ken)
    with pytest.raises(NotAllowed):
        await post(world, event)
    world.at(STARTS + HOUR)
    async with transaction(world.sessions) as session:
        for _ in range(2):
            await events.mark(
                session, event, hana.member_id, came=True, by="staff:hana", now=world.clock()
            )
    await post(world, event)
    await world.events.tell()
    await post(world, event)
    await world.events.tell()
    assert await world.told(hana) == ["event-notes"]
    assert await world.told(ken) == await world.told(mio) == []
    may = [(await world.events.view(event, each.member_id)).notes for each in (hana, ken, mio)]
    assert may == [True, False, False]
    assert (await world.actions()).count("event.came") == 1
    await post(world, event, for_gate=True)
    may = [(await world.events.view(event, each.member_id)).notes for each in (hana, ken, mio)]
    assert may == [True, True, True]
    assert not (await world.events.view(event)).notes


async def test_where_nobody_was_marked_the_notes_are_for_who_said_that_they_come(
    world: World,
) -> None:
    event, hana = await coming(world)
    world.at(STARTS + HOUR)
    await post(world, event)
    await world.events.tell()
    assert await world.told(hana) == ["event-notes"]
    assert (await world.events.view(event, hana.member_id)).notes


async def test_who_came_is_forgotten_when_the_town_pack_says(world: World) -> None:
    event, hana = await coming(world)
    await world.events.tell()
    async with transaction(world.sessions) as session:
        await events.forget(session, before=STARTS)
        assert len(await events.replies_of(session, event)) == 1
        await events.forget(session, before=STARTS + DAY)
        assert await events.replies_of(session, event) == []
        kept = await events.export(session, hana.member_id)
    assert kept["replies"] == []


async def test_an_event_moved_after_the_look_reminds_of_its_new_time_alone(both: World) -> None:
    event, hana = await coming(both)
    both.at(STARTS - DAY)
    async with transaction(both.sessions) as session:
        (due,) = await telling.due(session, now=both.clock())
    later = STARTS + 7 * DAY
    await both.change(event, starts_at=later, ends_at=later + HOUR)
    async with transaction(both.sessions) as session:
        assert await telling.remind(session, {due: Standing.YES}, now=both.clock()) == 0
    both.at(later - DAY)
    await both.events.tell()
    assert await both.told(hana) == ["event-changed", "event-reminder"]


async def test_news_of_what_is_over_is_told_to_nobody(world: World) -> None:
    event, hana = await coming(world)
    await world.change(event, place={"ja": "別の所"})
    world.at(STARTS + 3 * DAY)
    await world.events.tell()
    assert (await world.told(hana), await world.news()) == ([], 0)


async def test_news_that_waits_to_be_sent_ends_with_the_event(world: World) -> None:
    event, hana = await coming(world)
    await world.change(event, place={"ja": "別の所"})
    await world.events.tell()
    async with transaction(world.sessions) as session:
        (deadline,) = await session.scalars(select(AnnouncementRow.deadline))
    assert await world.told(hana) == ["event-changed"]
    assert deadline == STARTS + HOUR


async def test_a_message_to_those_who_come_does_not_reach_who_declined_and_is_in_the_log(
    world: World,
) -> None:
    event, hana = await coming(world)
    ken = await world.member("ken")
    await world.come(event, ken)
    await world.decline(event, ken)
    async with transaction(world.sessions) as session:
        words = {"ja": "少し遅れて始めます。"}
        await events.message(session, event, words, by="staff:hana", now=world.clock())
    await world.events.tell()
    assert await world.told(hana) == ["event-message"]
    assert await world.told(ken) == []
    assert "event.message" in await world.actions()
