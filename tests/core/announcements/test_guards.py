"""What the pump guards against: rows nobody can read, claims grown old, circles of locks."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from core import announcements, identity
from core.announcements import AnnouncementState, Kind, Outcome, Outgoing
from core.announcements.delivery import leases
from core.announcements.delivery.claims import UNSAID_FOR
from core.announcements.delivery.lanes import DeliveryState, lane_code, milliseconds
from core.announcements.delivery.reckoning import reckon
from core.announcements.delivery.results import withdraw
from core.database import Sessions, transaction
from core.tables import AnnouncementRow, DeliveryRow
from core.testing import FakeMessenger, SetClock
from tests.core.announcements.lanes_world import OTHER, Lanes
from tests.core.announcements.test_cost import engine_of, plan, statements

ILLEGIBLE: dict[str, dict[str, Any]] = {
    "extras": {"extras": {"links": [{}]}},
    "terms": {"segment": {"terms": {"of_the_next_version": 1}}},
    "zone": {"segment": {"terms": {"platforms": ["telegram"], "timezone": "Nowhere/Town"}}},
    "places": {"places": [1]},
    "picture": {"extras": {"picture": "no number"}},
}
RESTING = 3_000


@pytest.fixture
def lanes(sessions: Sessions, clock: SetClock) -> Lanes:
    return Lanes(sessions, clock)


@pytest.mark.parametrize("which", ILLEGIBLE)
async def test_an_announcement_that_nobody_can_read_stops_no_other(
    lanes: Lanes, which: str
) -> None:
    await lanes.members(6)
    broken = await lanes.announce()
    whole = await lanes.announce()
    kept = ILLEGIBLE[which]
    before = {name: getattr(await row_of(lanes, broken), name) for name in kept}
    await lanes.put(broken, **kept)
    messenger = FakeMessenger()
    pump = lanes.pump(messenger)
    await lanes.drain(pump)
    assert len(messenger.arrived) == 6
    assert (await lanes.shown(whole)).state is AnnouncementState.DONE
    await lanes.put(broken, **before)  # somebody has mended it: nothing is lost
    await lanes.drain(pump)
    assert len(messenger.arrived) == 12
    assert (await lanes.shown(broken)).state is AnnouncementState.DONE


async def row_of(lanes: Lanes, number: int) -> AnnouncementRow:
    async with lanes.sessions() as session:
        return await session.get_one(AnnouncementRow, number)


async def test_a_notice_that_nobody_can_read_waits_and_keeps_no_other_back(lanes: Lanes) -> None:
    await lanes.members(3)
    async with transaction(lanes.sessions) as session:
        account = await identity.account_by_id(session, 1)
        assert account is not None
        broken, _ = [
            await announcements.notify(session, account, "event-reminder", {}, now=lanes.clock())
            for _ in range(2)
        ]
    await lanes.put(broken, extras={"links": [{}]})
    messenger = FakeMessenger()
    pump = lanes.pump(messenger, window=1)
    await pump.tick()
    await pump.tick()
    assert len(messenger.arrived) == 1
    await lanes.put(broken, extras={})
    lanes.clock.advance(UNSAID_FOR)
    await lanes.drain(pump)
    assert len(messenger.arrived) == 2


@pytest.mark.parametrize("word", ["pause", "cancel", "change"])
async def test_a_process_that_stood_still_asks_before_it_sends_what_it_had_claimed(
    lanes: Lanes, word: str
) -> None:
    await lanes.members(8)
    number = await lanes.announce()
    messenger = FakeMessenger()
    pump = lanes.pump(messenger, rate=30)
    usual, stood = pump.flights.pause, asyncio.Lock()
    decided: list[str] = []

    async def stand_still(_seconds: float) -> None:
        async with stood:
            if decided:
                return
            decided.append(word)
            if word == "change":
                await lanes.change(number)
            else:
                state = {"pause": AnnouncementState.PAUSED, "cancel": AnnouncementState.CANCELLED}
                await lanes.put(number, state=state[word])
            lanes.clock.advance(timedelta(seconds=1))

    pump.flights.pause = stand_still
    assert await pump.tick() > 1
    assert len(messenger.arrived) == 1  # the first had to wait for nothing
    pump.flights.pause = usual
    await lanes.put(number, state=AnnouncementState.SENDING)
    await lanes.drain(pump)
    assert len({target for target, _ in messenger.arrived}) == len(messenger.arrived) == 8
    if word == "change":
        assert [each.body for _, each in messenger.arrived[1:]] == [OTHER["ja"]["body"]] * 7


async def test_a_process_that_was_only_slow_sends_what_it_had_claimed(lanes: Lanes) -> None:
    await lanes.members(8)
    await lanes.announce()
    messenger = FakeMessenger()
    pump = lanes.pump(messenger, rate=30)

    async def slow(_seconds: float) -> None:
        lanes.clock.advance(timedelta(seconds=0.5))

    pump.flights.pause = slow
    tried = await pump.tick()
    assert tried == len(messenger.arrived) > 1


class Partly(FakeMessenger):
    """Leaves one delivery unanswered."""

    def __init__(self) -> None:
        super().__init__()
        self.silent, self.never = 0, asyncio.Event()

    async def send_direct(self, account: str, message: Outgoing, *, delivery: int) -> Outcome:
        if delivery >> 36 == self.silent and account == "1":
            await self.never.wait()
        return self._take(account, message, delivery)


async def test_who_leaves_during_a_turn_and_the_pump_wait_for_each_other_in_no_circle(
    lanes: Lanes, monkeypatch: pytest.MonkeyPatch
) -> None:
    if engine_of(lanes.sessions).dialect.name == "sqlite":
        return  # there is one writer at a time
    await lanes.members(2)
    messenger = Partly()
    messenger.silent, second = await lanes.announce(), await lanes.announce()
    pump = lanes.pump(messenger)
    await pump._turn()
    leaving: list[asyncio.Task[None]] = []

    async def leave() -> None:
        async with transaction(lanes.sessions) as session:
            await withdraw(session, [1], now=lanes.clock())

    async def meanwhile(*given: Any, **named: Any) -> None:
        if not leaving:
            leaving.append(asyncio.create_task(leave()))
            await asyncio.sleep(0.2)
        await reckon(*given, **named)

    answered = [task for key, task in pump.flights.flying.items() if key != (messenger.silent, 1)]
    await asyncio.gather(*answered)
    monkeypatch.setattr("core.announcements.delivery.turns.reckon", meanwhile)
    await pump._turn(claiming=False)
    await leaving[0]
    messenger.never.set()
    await lanes.drain(pump)
    first, last = await lanes.shown(messenger.silent), await lanes.shown(second)
    assert (first.delivered, first.failed, first.state) == (1, 1, AnnouncementState.DONE)
    assert (last.delivered, last.state) == (2, AnnouncementState.DONE)


async def test_a_start_looks_only_at_what_was_tried(lanes: Lanes) -> None:
    """However many rest until the end of their quiet hours; also after the clock was put back."""
    number = await resting(lanes)
    await lanes.members(3)
    engine = engine_of(lanes.sessions)
    with statements(engine) as asked:
        async with transaction(lanes.sessions) as session:
            await leases.void(session, "telegram", ["w1"], now=lanes.clock())
            await leases.mend(session, "telegram", lanes.clock())
    assert len(asked) == 2
    for statement, values in asked:
        lines = await plan(engine, statement, values)
        assert any("ix_delivery_due_at" in line for line in lines), lines
        assert not any("SCAN" in line or "Seq Scan" in line for line in lines), lines
    async with lanes.sessions() as session:
        rows = {each: await session.get_one(DeliveryRow, (number, each)) for each in (1, 2, 3)}
    now = milliseconds(lanes.clock())
    assert rows[1].due_at == now  # held by this worker before it started anew
    assert rows[2].due_at == now + 30_000  # another try, put off by a clock that ran ahead
    assert rows[3].due_at == now + 24 * 3_600_000  # rests


async def resting(lanes: Lanes) -> int:
    """An announcement of which all but two rows rest."""
    number = await lanes.announce()
    tomorrow = milliseconds(lanes.clock() + timedelta(days=1))
    row = {
        "announcement_id": number,
        "lane": lane_code("telegram", Kind.DIRECT),
        "state": DeliveryState.WAITING,
        "attempts": 0,
        "in_doubt": 0,
        "revision": 1,
        "due_at": tomorrow,
    }
    async with transaction(lanes.sessions) as session:
        session.add_all(DeliveryRow(**row, recipient=each) for each in range(1, RESTING))
        await session.flush()
        which = DeliveryRow.announcement_id == number
        held = {"state": DeliveryState.SENDING, "worker": "w1", "attempts": 1}
        await session.execute(
            update(DeliveryRow).where(which, DeliveryRow.recipient == 1).values(held)
        )
        await session.execute(
            update(DeliveryRow).where(which, DeliveryRow.recipient == 2).values(attempts=1)
        )
    return number


async def test_no_more_may_come_twice_than_the_window_says(lanes: Lanes) -> None:
    """An answer that lands during a turn makes no room before it is written down."""
    await lanes.members(5)
    number = await lanes.announce()
    messenger = FakeMessenger()
    pump = lanes.pump(messenger, window=1)
    await pump._turn()
    found = pump.turns.looker.urgent

    async def meanwhile(*given: Any) -> Any:
        await asyncio.gather(*pump.flights.flying.values())
        return await found(*given)

    pump.turns.looker.urgent = meanwhile  # type: ignore[method-assign,assignment]
    pump.wake.set()
    await pump._turn()
    open_rows = [each for each in (await lanes.states(number)).values() if each == 1]
    assert len(open_rows) == pump.in_flight == 1
    await lanes.drain(pump)
    assert (await lanes.shown(number)).state is AnnouncementState.DONE
