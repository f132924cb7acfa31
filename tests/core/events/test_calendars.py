"""Calendar files and personal calendars, read back with the library that reads them elsewhere."""

from datetime import UTC, timedelta

import pytest
from icalendar import Calendar

from core import events, identity
from core.database import transaction
from core.events import Entry, calendar
from core.events.nouns import Event
from tests.core.events.world import GATE, LINK, NOW, STARTS, World

ORGANIZER = ("青山町", "https://www.town.aoyama.example/")


def entry(event: Event, link: str | None = None) -> Entry:
    return Entry(
        uid=event.uid,
        sequence=event.sequence,
        starts_at=event.plan.starts_at,
        ends_at=event.plan.ends_at,
        changed_at=event.changed_at,
        status="CONFIRMED" if event.is_open else "CANCELLED",
        summary=event.plan.title["ja"],
        description="長い説明、" * 40 + "改行\nと;記号,",
        location="集会所(見本)",
        page="https://town.example/events/1",
        link=link,
    )


def file(*entries: Entry, cancel: bool = False, feed: bool = False) -> bytes:
    return calendar(
        entries,
        method="CANCEL" if cancel else "PUBLISH",
        name="青山町の催し",
        organizer=ORGANIZER,
        now=NOW,
        feed=feed,
    )


async def view(world: World, event: int) -> Event:
    return (await world.events.view(event)).event


async def test_a_calendar_file_says_the_same_after_it_was_read_by_another_program(
    world: World,
) -> None:
    event = await view(world, await world.event())
    content = file(entry(event, LINK), feed=True)
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    read = Calendar.from_ical(content)
    (found,) = read.walk("VEVENT")
    assert (str(read["METHOD"]), str(read["VERSION"])) == ("PUBLISH", "2.0")
    assert str(found["SUMMARY"]) == "町長と話す夕べ(見本)"
    assert str(found["DESCRIPTION"]).endswith("改行\nと;記号,")
    assert found.decoded("DTSTART") == STARTS
    assert found.decoded("DTSTART").tzinfo is UTC or content.count(b"Z\r\n") >= 4
    assert str(found["CONFERENCE"]) == LINK
    assert str(found["ORGANIZER"]) == ORGANIZER[1]
    assert found["ORGANIZER"].params["CN"] == ORGANIZER[0]


async def test_without_the_right_to_it_the_link_is_nowhere_in_the_file(world: World) -> None:
    event = await view(world, await world.event(online=LINK))
    assert LINK.encode() not in file(entry(event)).replace(b"\r\n ", b"")


async def test_uid_stays_and_sequence_rises_with_every_change(world: World) -> None:
    number = await world.event()
    seen = [await view(world, number)]
    await world.change(number, starts_at=STARTS + timedelta(hours=1))
    seen.append(await view(world, number))
    await world.change(number, starts_at=STARTS + timedelta(hours=1))  # the same: no change
    seen.append(await view(world, number))
    await world.cancel(number)
    seen.append(await view(world, number))
    assert len({each.uid for each in seen}) == 1
    assert [each.sequence for each in seen] == [0, 1, 1, 2]
    read = Calendar.from_ical(file(entry(seen[-1]), cancel=True))
    (found,) = read.walk("VEVENT")
    assert (str(read["METHOD"]), str(found["STATUS"])) == ("CANCEL", "CANCELLED")


async def test_a_personal_calendar_has_what_somebody_comes_to_until_it_is_withdrawn(
    world: World,
) -> None:
    hana = await world.member("hana", 1)
    first, second = await world.event(gate=GATE, online=LINK), await world.event()
    await world.event()
    await world.come(first, hana)
    await world.come(second, hana)
    await world.cancel(second)
    async with transaction(world.sessions) as session:
        old = await events.make_feed(session, hana.member_id, now=world.clock())
        new = await events.make_feed(session, hana.member_id, now=world.clock())
    async with transaction(world.sessions) as session:
        assert await events.follow_feed(session, old) is None
        assert await events.follow_feed(session, new) == hana.member_id
    entries = await world.events.in_calendar(hana.member_id)
    assert [(event.id, event.is_open, link) for event, _, link in entries] == [
        (first, True, LINK),
        (second, False, None),
    ]
    async with transaction(world.sessions) as session:
        assert await events.withdraw_feed(session, hana.member_id, now=world.clock())
        assert not await events.withdraw_feed(session, hana.member_id, now=world.clock())
        assert await events.follow_feed(session, new) is None


async def test_a_calendar_ends_with_its_member(world: World) -> None:
    hana = await world.member("hana")
    async with transaction(world.sessions) as session:
        secret = await events.make_feed(session, hana.member_id, now=world.clock())
        await identity.forget(session, hana.member_id, now=world.clock())
        assert await events.follow_feed(session, secret) is None


@pytest.mark.parametrize("bad", ["a\rATTENDEE:mailto:x@evil.example", "a\nX:1\r\nY", "a\x00b\x85c"])
def test_words_cannot_begin_a_line_of_the_calendar(bad: str) -> None:
    entry = Entry(
        "u", 0, NOW, STARTS, NOW, "CONFIRMED", bad, bad, bad, "https://town.example/events/1"
    )
    file = calendar(
        [entry],
        method="PUBLISH",
        name=bad,
        organizer=(bad, "https://town.example"),
        now=NOW,
        feed=True,
    )
    lines = file.decode().split("\r\n")
    assert not [each for each in lines if set(each) & set("\r\n\x00\x85")]
    assert not [each for each in lines if each.startswith(("ATTENDEE", "X:", "Y"))]
