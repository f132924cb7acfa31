"""Events of the town pack: checked before a start, and followed when the pack changes."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from core import events
from core.database import transaction
from core.errors import TownPackError
from core.events import EventState, ReplyState
from core.town import load
from tests.conftest import ROOT
from tests.core.events.world import NOW, STARTS, World, pack_event

EVENT = """
[[events]]
name = "salon"
title = { ja = "サロン(見本)" }
text = { ja = "見本です。" }
starts = 2027-05-15T14:00:00
ends = 2027-05-15T15:30:00
place = { ja = "集会所(見本)" }
"""


def pack(folder: Path, event: str, zone: str = "Asia/Tokyo") -> Path:
    """The sample town with an event in a file of its own."""
    town = folder / "mine"
    (town / "guides").mkdir(parents=True)
    (town / "guides" / "a.md").write_text("# a\n\nb\n", encoding="utf-8")
    source = (ROOT / "towns/mine/town.toml").read_text(encoding="utf-8")
    source = source.replace('"perks.toml"', '"perks.toml", "events.toml"')
    (town / "town.toml").write_text(source.replace("Asia/Tokyo", zone), encoding="utf-8")
    perks = (ROOT / "towns/mine/perks.toml").read_text(encoding="utf-8")
    (town / "perks.toml").write_text(perks, encoding="utf-8")
    (town / "events.toml").write_text(event, encoding="utf-8")
    return town


def test_events_may_stand_in_a_file_of_their_own(tmp_path: Path) -> None:
    event = load(pack(tmp_path, EVENT)).event("salon")
    assert event is not None
    assert (event.reminder_hours, event.companions, event.capacity) == ((24, 1), 0, None)


@pytest.mark.parametrize(
    ("before", "after", "line", "said"),
    [
        ("2027-05-15T15:30:00", "2027-05-15T14:00:00", 2, "ends is not after starts"),
        ("2027-05-15T14:00:00", "2027-05-15T14:00:00+09:00", 6, "without an offset"),
        ('place = { ja = "集会所(見本)" }', "", 2, "say where"),
        ("place", 'online = "http://x.example"\nplace', 8, "use an https address"),
        ("place", 'gate = "nowhere"\nplace', 8, "unknown gate: nowhere"),
        ("place", "capacity = 2\ncompanions = 2\nplace", 9, "too few for so many companions"),
        ("place", "reply_until = 2027-05-15T14:01:00\nplace", 2, "reply_until is after starts"),
        ("place", "reminder_hours = [0]\nplace", 8, "greater than or equal to 1"),
        ("サロン", "サ\\rロン", 4, "take out line breaks"),
        ("見本です", "見\\u0000本です", 5, "take out line breaks"),
        ("ja = ", "en = ", 4, "write the Japanese words too"),
        ("place", "colour = 1\nplace", 8, "Extra inputs are not permitted"),
    ],
)
def test_a_mistake_is_named_with_its_file_its_line_and_what_to_do(
    tmp_path: Path, before: str, after: str, line: int, said: str
) -> None:
    folder = pack(tmp_path, EVENT.replace(before, after, 1))
    with pytest.raises(TownPackError) as error:
        load(folder)
    assert f"events.toml:{line}:" in str(error.value)
    assert said in str(error.value)


def test_a_time_that_the_town_s_clock_skips_is_a_mistake(tmp_path: Path) -> None:
    event = EVENT.replace("2027-05-15T14:00", "2027-03-28T02:30")
    with pytest.raises(TownPackError, match=r"events.toml:6.*skips 02:30 that day"):
        load(pack(tmp_path, event, zone="Europe/Paris"))


def test_two_events_of_one_name_are_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(TownPackError, match="events: salon stands twice"):
        load(pack(tmp_path, EVENT + EVENT))


async def only(world: World) -> events.Event:
    async with transaction(world.sessions) as session:
        (found,) = await events.all_events(session)
    return found


async def test_an_event_of_the_pack_is_there_after_a_start_in_the_town_s_own_time(
    both: World,
) -> None:
    await asyncio.gather(*(both.follow(pack_event()) for _ in range(3)))
    found = await only(both)
    assert (found.pack, found.plan.starts_at) == ("salon", STARTS)
    await both.follow(pack_event())
    assert (await only(both)).sequence == 0
    assert (await both.actions()) == ["event.made"]


async def test_another_time_in_the_pack_is_told_to_those_who_come(both: World) -> None:
    await both.follow(pack_event())
    hana = await both.member("hana")
    event = (await only(both)).id
    await both.come(event, hana)
    await both.follow(pack_event(starts="2026-11-29T12:30:00"))
    await both.events.tell()
    assert await both.told(hana) == ["event-changed"]
    assert await both.state(event, hana) is ReplyState.COMING
    assert (await only(both)).sequence == 1


async def test_an_event_that_disappears_from_the_pack_is_called_off_and_may_come_back(
    both: World,
) -> None:
    await both.follow(pack_event())
    hana = await both.member("hana")
    await both.come((await only(both)).id, hana)
    await both.follow()
    both.at(NOW + timedelta(hours=1))
    await both.events.tell()
    assert (await only(both)).state is EventState.CANCELLED
    await both.follow(pack_event())
    await both.events.tell()
    found = await only(both)
    assert (found.state, found.sequence) == (EventState.OPEN, 2)
    assert await both.told(hana) == ["event-cancelled", "event-changed"]


async def test_a_start_with_an_old_copy_of_the_pack_tells_nobody(world: World) -> None:
    await world.follow(pack_event())
    hana = await world.member("hana")
    await world.come((await only(world)).id, hana)
    await world.follow()
    await world.events.tell()
    world.at(NOW + timedelta(minutes=59))
    await world.follow(pack_event())
    world.at(NOW + timedelta(hours=5))
    await world.events.tell()
    assert (await only(world)).state is EventState.OPEN
    assert await world.told(hana) == []
    assert (await world.actions())[-1] == "event.missing"


async def test_what_is_over_is_neither_called_off_nor_made(world: World) -> None:
    await world.follow(pack_event())
    world.at(STARTS + timedelta(days=1))
    await world.follow()
    assert (await only(world)).state is EventState.OPEN
    await world.follow(pack_event("other"))
    assert (await only(world)).pack == "salon"


async def test_what_staff_changed_stays_until_the_pack_itself_changes(world: World) -> None:
    await world.follow(pack_event())
    event = (await only(world)).id
    await world.change(event, place={"ja": "公民館(見本)"})
    await world.follow(pack_event())
    assert (await only(world)).plan.place["ja"] == "公民館(見本)"
    await world.cancel(event)
    await world.follow(pack_event())
    await world.follow(pack_event(place={"ja": "図書館(見本)"}))
    assert (await only(world)).state is EventState.CANCELLED  # staff called it off
