"""The pace of a lane, who goes first, when it rests, and what it does after floods and outages."""

from datetime import UTC, datetime, time, timedelta

import pytest

from core import announcements
from core.announcements import (
    AnnouncementState,
    Flooded,
    NotSent,
    QuietHours,
)
from core.announcements.delivery.lanes import AHEAD, Lane, delivery_number
from core.database import Sessions, transaction
from core.identity import find_account
from core.tables import AccountRow
from core.testing import FakeMessenger, SetClock
from tests.core.announcements.lanes_world import Lanes, targets

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)  # noon in Japan
GAP = timedelta(milliseconds=33)
NIGHT = QuietHours(time(21), time(8), "Asia/Tokyo")


@pytest.fixture
def lanes(lite: Sessions, clock: SetClock) -> Lanes:
    return Lanes(lite, clock)


def test_one_ban_widens_the_gap_once_however_many_heard_of_it() -> None:
    lane = Lane.fresh(GAP, NOW).flooded(timedelta(seconds=5), NOW)
    again = lane.flooded(timedelta(seconds=3), NOW + timedelta(seconds=1))
    assert again.gap == pytest.approx(GAP * 1.1, abs=timedelta(microseconds=2))
    assert again.free_at == NOW + timedelta(seconds=5)


def test_quiet_narrows_the_gap_slowly_and_never_below_the_settings() -> None:
    lane, now = Lane.fresh(GAP, NOW).flooded(timedelta(seconds=5), NOW), NOW
    gaps = []
    for _ in range(30):
        now += timedelta(minutes=1, seconds=6)
        lane = lane.kept_by(GAP, now)
        gaps.append(lane.gap)
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[0] > GAP * 1.05
    assert gaps[-1] == GAP


def test_another_rate_in_the_settings_forgets_what_was_learned() -> None:
    lane = Lane.fresh(GAP, NOW).flooded(timedelta(0), NOW)
    assert lane.kept_by(GAP / 30, NOW).gap == GAP / 30


def test_no_more_slots_are_reserved_than_a_turn_takes() -> None:
    lane = Lane.fresh(GAP, NOW)
    _, lane = lane.taken(lane.slots(NOW), NOW)
    assert lane.free_at <= NOW + AHEAD + GAP
    assert lane.slots(NOW) == 0


def test_every_delivery_has_a_number_of_its_own_below_two_to_the_63rd() -> None:
    numbers = {delivery_number(a, r) for a in (1, 2, 2**27 - 1) for r in (-2, -1, 1, 2**35)}
    assert len(numbers) == 12
    assert max(numbers) < 2**63


async def test_two_announcements_share_a_lane_by_turns(lanes: Lanes) -> None:
    await lanes.members(40)
    first, second = await lanes.announce(), await lanes.announce()
    messenger = FakeMessenger()
    pump = lanes.pump(messenger, rate=30)
    while len(messenger.arrived) < 40:
        await pump.tick()
        lanes.clock.advance(timedelta(milliseconds=30))
    counts = [(await lanes.shown(each)).delivered for each in (first, second)]
    assert max(counts) - min(counts) <= 4


async def test_a_reply_to_a_person_takes_its_slot_from_the_announcement(lanes: Lanes) -> None:
    await lanes.members(30)
    await lanes.announce()
    messenger = FakeMessenger()
    pump = lanes.pump(messenger, rate=10)
    pump.spent(10)
    assert await pump.tick() == 0
    lanes.clock.advance(timedelta(seconds=1))
    assert await pump.tick() > 0


async def test_no_more_is_in_flight_than_the_window_allows(lanes: Lanes) -> None:
    await lanes.members(5)
    await lanes.announce()
    pump = lanes.pump(FakeMessenger(), window=1)
    assert [await pump.tick() for _ in range(5)] == [1] * 5


async def test_when_the_platform_is_away_one_message_asks_for_all(lanes: Lanes) -> None:
    await lanes.members(200)
    number = await lanes.announce()
    messenger = FakeMessenger()
    messenger.prepared = [NotSent("no connection")] * 400
    pump = lanes.pump(messenger)
    for _ in range(60):
        await pump.tick()
        lanes.clock.advance(timedelta(seconds=1))
    assert pump.outcomes["NotSent"] <= 120 + 30, "a turn's worth, then one now and then"
    messenger.prepared = []
    await lanes.drain(pump)
    assert (await lanes.shown(number)).delivered == 200


async def test_during_a_ban_nothing_is_asked_of_the_platform(lanes: Lanes) -> None:
    await lanes.members(50)
    await lanes.announce()
    messenger = FakeMessenger()
    messenger.prepared = [Flooded(timedelta(seconds=30))]
    pump = lanes.pump(messenger)
    await pump.tick()
    assert messenger.arrived == []
    lanes.clock.advance(timedelta(seconds=29))
    await pump.tick()
    assert messenger.arrived == []
    lanes.clock.advance(timedelta(seconds=2))
    await lanes.drain(pump)
    assert sorted(targets(messenger)) == list(range(1, 51))


async def test_members_in_their_quiet_hours_are_told_when_these_end(
    sessions: Sessions, clock: SetClock
) -> None:
    lanes = Lanes(sessions, clock)
    clock.now = datetime(2026, 11, 21, 13, 0, tzinfo=UTC)  # 22:00 in Japan, 13:00 in London
    await lanes.members(6, zones={2: "Europe/London", 5: "Europe/London"})
    number = await lanes.announce(quiet=True)
    messenger = FakeMessenger()
    pump = lanes.pump(messenger, quiet=NIGHT)
    await lanes.drain(pump, step=timedelta(seconds=1))
    assert sorted(targets(messenger)) == [2, 5]
    clock.now = datetime(2026, 11, 21, 22, 59, tzinfo=UTC)
    assert await pump.tick() == 0
    clock.now = datetime(2026, 11, 21, 23, 0, tzinfo=UTC)
    await lanes.drain(pump, step=timedelta(seconds=1))
    assert sorted(targets(messenger)) == [1, 2, 3, 4, 5, 6]
    assert (await lanes.shown(number)).state is AnnouncementState.DONE


async def test_who_is_quiet_again_when_their_turn_comes_waits_for_the_next_morning(
    lanes: Lanes,
) -> None:
    lanes.clock.now = datetime(2026, 11, 21, 13, 0, tzinfo=UTC)
    await lanes.members(3)
    await lanes.announce(quiet=True)
    messenger = FakeMessenger()
    pump = lanes.pump(messenger, quiet=NIGHT)
    await pump.tick()
    lanes.clock.now = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)  # 21:30 the next evening
    await lanes.drain(pump, step=timedelta(seconds=1))
    assert messenger.arrived == []
    lanes.clock.now = datetime(2026, 11, 22, 23, 0, tzinfo=UTC)
    await lanes.drain(pump, step=timedelta(seconds=1))
    assert sorted(targets(messenger)) == [1, 2, 3]


@pytest.mark.parametrize(
    ("now", "zone", "end"),
    [
        pytest.param("2026-11-21T13:00", "Asia/Tokyo", "2026-11-21T23:00", id="evening"),
        pytest.param("2026-11-21T20:00", "Asia/Tokyo", "2026-11-21T23:00", id="before dawn"),
        pytest.param("2026-11-21T03:00", "Asia/Tokyo", None, id="noon"),
        # Europe puts the clock forward on 29 March 2026, back on 25 October 2026.
        pytest.param("2026-03-28T22:00", "Europe/Paris", "2026-03-29T06:00", id="an hour less"),
        pytest.param("2026-10-24T22:00", "Europe/Paris", "2026-10-25T07:00", id="an hour more"),
        pytest.param("2026-11-21T13:00", "Nowhere/Atall", "2026-11-21T23:00", id="no such zone"),
    ],
)
def test_quiet_hours_stand_on_the_wall_of_the_member(now: str, zone: str, end: str | None) -> None:
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    ends = datetime.fromisoformat(end).replace(tzinfo=UTC) if end else None
    assert NIGHT.end(at, zone) == ends


@pytest.mark.parametrize("minute", range(0, 24 * 60, 97))
def test_what_quiet_hours_put_off_lies_ahead_and_within_a_day(minute: int) -> None:
    odd = QuietHours(time(23), time(2, 30), "Europe/Paris")
    for day in (datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 10, 24, 12, tzinfo=UTC)):
        now = day + timedelta(minutes=minute)
        end = odd.end(now, None)
        if end is not None:
            assert now < end <= now + timedelta(hours=5)


async def test_nothing_leaves_after_the_deadline_and_what_is_left_is_counted(
    sessions: Sessions, clock: SetClock
) -> None:
    lanes = Lanes(sessions, clock)
    await lanes.members(30)
    number = await lanes.announce(deadline=clock() + timedelta(seconds=1))
    messenger = FakeMessenger()
    pump = lanes.pump(messenger, rate=10)
    for _ in range(40):
        await pump.tick()
        clock.advance(timedelta(milliseconds=50))
    left = len(messenger.arrived)
    await lanes.drain(pump)
    shown = await lanes.shown(number)
    assert len(messenger.arrived) == left <= 11
    assert (shown.state, shown.paused_why) == (AnnouncementState.CANCELLED, "deadline")
    assert (shown.delivered, shown.waiting) == (left, 30 - left)


async def test_who_leaves_in_mid_send_is_not_written_to_and_holds_nobody_up(
    sessions: Sessions, clock: SetClock
) -> None:
    lanes = Lanes(sessions, clock)
    await lanes.members(6)
    number = await lanes.announce()
    messenger = FakeMessenger()
    pump = lanes.pump(messenger, window=2)
    await pump.tick()
    async with transaction(sessions) as session:
        for each in ("1", "5"):
            account = await find_account(session, "telegram", each)
            assert account is not None
            await announcements.withdraw(session, [account.id], now=clock())
            await session.delete(await session.get_one(AccountRow, account.id))
    await lanes.drain(pump)
    shown = await lanes.shown(number)
    assert sorted(targets(messenger)) == [1, 2, 3, 4, 6]
    assert (shown.state, shown.delivered, shown.total) == (AnnouncementState.DONE, 5, 5)
    async with transaction(sessions) as session:
        rows = await announcements.recipients(session, number)
    assert sorted(each["recipient"] for each in rows) == [f"member:{n}" for n in (2, 3, 4, 6)]
