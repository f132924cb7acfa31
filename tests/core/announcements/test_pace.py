"""No second holds more than is allowed, wherever it begins: what is late is not made up for."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from core.announcements import Flooded, Outcome, Outgoing
from core.announcements.delivery.lanes import late_by
from core.database import Sessions
from core.testing import FakeMessenger, SetClock
from tests.core.announcements.lanes_world import Lanes, targets

RATE = 30


class Stopwatch(FakeMessenger):
    """Notes when each message began."""

    def __init__(self, clock: SetClock) -> None:
        super().__init__()
        self.clock = clock
        self.times: list[float] = []

    async def send_direct(self, account: str, message: Outgoing, *, delivery: int) -> Outcome:
        self.times.append(self.clock.monotonic())
        return await super().send_direct(account, message, delivery=delivery)


def most_in_a_second(times: Sequence[float]) -> int:
    return max(sum(first <= each < first + 1 for each in times) for first in times)


@pytest.fixture
def lanes(lite: Sessions, clock: SetClock) -> Lanes:
    return Lanes(lite, clock)


@pytest.mark.parametrize("rate", [0.5, 5, 20, 30, 100, 1000])
def test_what_may_be_late_keeps_every_second_within_a_twentieth_or_one_message(rate: float) -> None:
    gap = timedelta(seconds=1 / rate)
    most = (timedelta(seconds=1) + late_by(gap)) / gap + 1
    assert most < max(rate * 1.05, rate + 1) + 1


async def test_who_was_held_up_does_not_leave_all_at_once(lanes: Lanes) -> None:
    await lanes.members(120)
    await lanes.announce()
    messenger = Stopwatch(lanes.clock)
    pump = lanes.pump(messenger, rate=RATE)
    usual, naps = pump.flights.pause, 0

    async def sometimes_oversleeps(seconds: float) -> None:
        nonlocal naps
        naps += 1
        await usual(seconds + (0.3 if naps % 20 == 0 else 0))

    pump.flights.pause = sometimes_oversleeps
    while len(messenger.times) < 120:
        await pump.tick()
        lanes.clock.advance(timedelta(milliseconds=10))
    assert most_in_a_second(messenger.times) <= RATE + 1
    assert sorted(targets(messenger)) == list(range(1, 121))


async def test_two_workers_that_are_held_up_keep_the_rate_together(lanes: Lanes) -> None:
    await lanes.members(120)
    await lanes.announce()
    messenger = Stopwatch(lanes.clock)
    pumps = [lanes.pump(messenger, each, rate=RATE) for each in ("w1", "w2")]
    usual, naps = pumps[0].flights.pause, 0

    async def sometimes_oversleeps(seconds: float) -> None:
        nonlocal naps
        naps += 1
        await usual(seconds + (0.2 if naps % 15 == 0 else 0))

    for pump in pumps:
        pump.flights.pause = sometimes_oversleeps
    while len(messenger.times) < 120:
        for pump in pumps:
            await pump.tick()
        lanes.clock.advance(timedelta(milliseconds=10))
    assert most_in_a_second(messenger.times) <= RATE + 1
    assert sorted(targets(messenger)) == list(range(1, 121))


async def test_a_slow_first_turn_is_followed_by_no_burst(
    lanes: Lanes, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lanes.members(60)
    await lanes.announce()
    messenger = Stopwatch(lanes.clock)
    pump = lanes.pump(messenger, rate=RATE)
    usual, slow = pump.turns.take, [0.15]

    async def take(*given: object) -> object:
        found = await usual(*given)  # type: ignore[arg-type]
        lanes.clock.advance(timedelta(seconds=slow.pop() if slow else 0))
        return found

    monkeypatch.setattr(pump.turns, "take", take)
    while len(messenger.times) < 60:
        await pump.tick()
        lanes.clock.advance(timedelta(milliseconds=5))
    assert most_in_a_second(messenger.times) <= RATE + 1


async def test_a_database_that_always_takes_its_time_keeps_nobody_from_sending(
    lanes: Lanes, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lanes.members(40)
    number = await lanes.announce()
    messenger = Stopwatch(lanes.clock)
    pump = lanes.pump(messenger, rate=RATE)
    usual = pump.turns.take

    async def take(*given: object) -> object:
        found = await usual(*given)  # type: ignore[arg-type]
        lanes.clock.advance(timedelta(seconds=0.12))
        return found

    monkeypatch.setattr(pump.turns, "take", take)
    for _ in range(200):
        await pump.tick()
    assert (await lanes.shown(number)).delivered == 40
    assert sorted(targets(messenger)) == list(range(1, 41))
    assert most_in_a_second(messenger.times) <= RATE + 1


async def test_who_waits_for_another_slot_when_a_ban_comes_waits_for_its_end(lanes: Lanes) -> None:
    await lanes.members(12)
    number = await lanes.announce()
    messenger = Stopwatch(lanes.clock)
    messenger.prepared = [Flooded(timedelta(seconds=30))]
    pump = lanes.pump(messenger, rate=RATE)
    usual = pump.flights.pause

    async def oversleeps(seconds: float) -> None:
        await usual(seconds + 0.2)

    pump.flights.pause = oversleeps
    await pump.tick()
    assert messenger.arrived == []
    pump.flights.pause = usual
    lanes.clock.advance(timedelta(seconds=29))
    assert await pump.tick() == 0
    lanes.clock.advance(timedelta(seconds=2))
    await lanes.drain(pump)
    assert (await lanes.shown(number)).delivered == 12
    assert sorted(targets(messenger)) == list(range(1, 13))


async def test_a_pump_that_ends_leaves_who_waits_for_another_slot_to_the_next(lanes: Lanes) -> None:
    await lanes.members(12)
    number = await lanes.announce()
    messenger = Stopwatch(lanes.clock)
    pump = lanes.pump(messenger, rate=RATE)
    usual = pump.flights.pause

    async def oversleeps(seconds: float) -> None:
        await usual(seconds + 0.2)

    pump.flights.pause = oversleeps
    await pump._turn()
    await pump.drain()
    assert pump.in_flight == 0
    assert len(messenger.arrived) < 12
    await lanes.drain(lanes.pump(messenger, "w2", rate=RATE))
    shown = await lanes.shown(number)
    assert (shown.delivered, shown.unsure) == (12, 0)
    assert sorted(targets(messenger)) == list(range(1, 13))
