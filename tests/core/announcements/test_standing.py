"""The pump stands: no row, no answer and no colleague stops it, and staff's word holds."""

import asyncio
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from core import announcements, identity
from core.announcements import (
    AnnouncementState,
    Failed,
    Flooded,
    Kind,
    NotSent,
    Outcome,
    Outgoing,
    QuietHours,
)
from core.announcements.counters import through
from core.announcements.delivery import outbox
from core.announcements.delivery.flights import SICK_AFTER
from core.announcements.delivery.lanes import AHEAD, DeliveryState
from core.announcements.delivery.reckoning import reckon
from core.announcements.nouns import Terms
from core.database import Sessions, reading, transaction
from core.tables import AccountRow, AnnouncementRow, AnnouncementRunRow, DeliveryRow
from core.testing import FakeMessenger, SetClock
from tests.core.announcements.lanes_world import OTHER, TEXTS, Lanes, plain


@pytest.fixture
def lanes(sessions: Sessions, clock: SetClock) -> Lanes:
    return Lanes(sessions, clock)


def on_sqlite(sessions: Sessions) -> bool:
    return bool(sessions.kw["bind"].dialect.name == "sqlite")


class Slow(FakeMessenger):
    """Answers when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.gate = asyncio.Event(), asyncio.Event()

    async def send_direct(self, account: str, message: Outgoing, *, delivery: int) -> Outcome:
        self.asked.set()
        await self.gate.wait()
        return self._take(account, message, delivery)


async def notice(lanes: Lanes, key: str, *, lasts: timedelta | None = None) -> int:
    async with transaction(lanes.sessions) as session:
        account = await identity.account_by_id(session, 1)
        assert account is not None
        deadline = lanes.clock() + lasts if lasts else None
        return await announcements.notify(
            session, account, key, {}, now=lanes.clock(), deadline=deadline
        )


async def test_a_retraction_during_a_turn_reaches_everybody(lanes: Lanes) -> None:
    if on_sqlite(lanes.sessions):
        return  # there is one writer at a time
    await lanes.members(50)
    number = await lanes.announce()
    messenger = FakeMessenger()
    pump = lanes.pump(messenger, window=5)
    await pump.tick()
    advance = pump.turns.looker.advance
    staff: list[asyncio.Task[None]] = []

    async def retract() -> None:
        async with transaction(lanes.sessions) as session:
            await announcements.retract(session, number, by="staff:a", now=lanes.clock())

    async def meanwhile(*given: Any) -> Any:
        if not staff:
            staff.append(asyncio.create_task(retract()))
            await asyncio.sleep(0.2)
        return await advance(*given)

    pump.turns.looker.advance = meanwhile  # type: ignore[method-assign,assignment]
    await pump.tick()
    await staff[0]
    await lanes.drain(pump)
    taken_back = {target for target, _, message in messenger.amended if message is None}
    assert taken_back == {target for target, _ in messenger.arrived}
    shown = await lanes.shown(number)
    assert (shown.state, shown.amended) == (AnnouncementState.CANCELLED, len(messenger.arrived))


async def test_a_change_at_the_end_of_an_audience_waits_for_the_turn(
    lanes: Lanes, monkeypatch: pytest.MonkeyPatch
) -> None:
    if on_sqlite(lanes.sessions):
        return
    await lanes.members(5)
    number = await lanes.announce()
    messenger = FakeMessenger()
    pump = lanes.pump(messenger)
    staff: list[asyncio.Task[None]] = []

    async def change() -> None:
        async with transaction(lanes.sessions) as session:
            await announcements.change_sent(session, number, OTHER, by="staff:a", now=lanes.clock())

    async def meanwhile(*given: Any, **named: Any) -> None:
        if not staff:
            staff.append(asyncio.create_task(change()))
            await asyncio.sleep(0.2)
        await reckon(*given, **named)

    monkeypatch.setattr("core.announcements.delivery.turns.reckon", meanwhile)
    await pump.tick()
    await staff[0]
    await lanes.drain(pump)
    said = dict(messenger.arrived) | {to: words for to, _, words in messenger.amended if words}
    assert {each.body for each in said.values()} == {OTHER["ja"]["body"]}


async def test_two_platforms_that_end_together_finish_the_announcement(
    lanes: Lanes, monkeypatch: pytest.MonkeyPatch
) -> None:
    if on_sqlite(lanes.sessions):
        return
    await lanes.members(6)
    async with transaction(lanes.sessions) as session:
        await session.execute(update(AccountRow).where(AccountRow.id > 3).values(platform="web"))
        row = AnnouncementRow(
            kind=Kind.DIRECT,
            state=AnnouncementState.SENDING,
            author="staff",
            texts=TEXTS,
            extras={"quiet": False},
            created_at=lanes.clock(),
        )
        session.add(row)
        await session.flush()
        await outbox.begin(session, row.id, ("telegram", "web"), lanes.clock())
    async with transaction(lanes.sessions) as session:
        await identity.set_wants_messages(session, 1, wants=False)
    pumps = [lanes.pump(FakeMessenger(each)) for each in ("telegram", "web")]
    together = asyncio.Barrier(2)

    async def at_once(*given: Any, **named: Any) -> None:
        await together.wait()
        await through(*given, **named)

    monkeypatch.setattr("core.announcements.delivery.reckoning.through", at_once)
    await asyncio.gather(*(each._turn() for each in pumps))
    monkeypatch.undo()
    await lanes.drain(*pumps)
    shown = await lanes.shown(row.id)
    assert (shown.state, shown.total, shown.delivered) == (AnnouncementState.DONE, 5, 5)


async def test_a_total_that_nobody_corrected_is_corrected_later(lanes: Lanes) -> None:
    await lanes.members(3)
    number = await lanes.announce()
    pump = lanes.pump(FakeMessenger())
    await lanes.put(number, total=9)
    async with transaction(lanes.sessions) as session:
        await session.execute(update(AnnouncementRunRow).values(cursor=3, last=3))
    await lanes.drain(pump)
    assert (await lanes.shown(number)).state is AnnouncementState.DONE


async def test_a_notice_without_words_stops_nobody_else(lanes: Lanes) -> None:
    await lanes.members(20)
    number = await lanes.announce()
    await notice(lanes, "of-the-next-version")

    def render(kind: Kind, texts: Any, language: str, topic: str | None = None, /) -> Outgoing:
        if kind is Kind.NOTICE:
            raise KeyError(texts["key"])
        return plain(kind, texts, language, topic)

    messenger = FakeMessenger()
    pump = lanes.pump(messenger)
    pump.turns.looker._decider.render = render
    await lanes.drain(pump)
    assert len(messenger.arrived) == 20
    assert (await lanes.shown(number)).state is AnnouncementState.DONE


async def test_an_announcement_without_words_fails_for_each_recipient(lanes: Lanes) -> None:
    await lanes.members(3)
    number = await lanes.announce()

    def render(kind: Kind, texts: Any, language: str, topic: str | None = None, /) -> Outgoing:
        raise KeyError(kind, texts, language, topic)

    pump = lanes.pump(FakeMessenger())
    pump.turns.looker._decider.render = render
    await lanes.drain(pump)
    shown = await lanes.shown(number)
    assert (shown.state, shown.failed) == (AnnouncementState.DONE, 3)


@pytest.mark.parametrize(
    "answer", [Flooded(timedelta(days=4_000_000)), Failed("bad \0 reason \ud800")]
)
async def test_no_answer_of_a_platform_stops_the_pump(lanes: Lanes, answer: Outcome) -> None:
    await lanes.members(3)
    number = await lanes.announce()
    messenger = FakeMessenger()
    messenger.prepared = [answer]
    pump = lanes.pump(messenger)
    await pump.tick()
    lanes.clock.advance(timedelta(days=1, minutes=1))
    await lanes.drain(pump)
    shown = await lanes.shown(number)
    assert shown.state is AnnouncementState.DONE
    assert len(messenger.arrived) == (3 if isinstance(answer, Flooded) else 2)


async def test_a_row_that_the_database_refuses_keeps_back_no_other(lanes: Lanes) -> None:
    if on_sqlite(lanes.sessions):
        return  # which takes anything
    await lanes.members(3)
    number = await lanes.announce()
    pump = lanes.pump(FakeMessenger())
    await pump._turn()
    await asyncio.gather(*pump.flights.flying.values())
    claim, _ = pump.flights.landed[0]
    poison = NotSent("later", retry_after=timedelta(days=1))
    object.__setattr__(claim, "in_doubt", 2**20)  # of no smallint
    pump.flights.landed[0] = claim, poison
    await pump._turn()
    states = await lanes.states(number)
    assert sorted(states.values()) == [
        DeliveryState.SENDING,
        DeliveryState.DELIVERED,
        DeliveryState.DELIVERED,
    ]


async def test_what_had_not_begun_when_the_pump_stops_waits_in_no_doubt(lanes: Lanes) -> None:
    await lanes.members(20)
    number = await lanes.announce(policy="resend")
    slow = Slow()
    pump = lanes.pump(slow, rate=30)
    waiting, never = asyncio.Event(), asyncio.Event()

    async def until_the_slot(_seconds: float) -> None:
        waiting.set()
        await never.wait()

    pump.flights.pause = until_the_slot
    running = asyncio.create_task(pump.run())
    await waiting.wait()
    reserved = len(pump.flights.reserved)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert (reserved > 0, pump.in_flight) == (True, 0)
    async with reading(lanes.sessions) as session:
        rows = await session.scalars(
            select(DeliveryRow).where(DeliveryRow.state == DeliveryState.WAITING)
        )
        assert {(each.attempts, each.in_doubt) for each in rows} == {(0, 0)}
    slow.gate.set()
    await lanes.drain(lanes.pump(slow, "w2"))
    assert (await lanes.shown(number)).delivered == 20


async def test_a_request_that_was_broken_off_is_not_in_flight_for_ever(lanes: Lanes) -> None:
    await lanes.members(4)
    await lanes.announce()
    slow = Slow()
    pump = lanes.pump(slow)
    running = asyncio.create_task(pump.run())
    await slow.asked.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert pump.in_flight == 0


async def test_who_says_no_at_night_is_not_written_to_in_the_morning(lanes: Lanes) -> None:
    await lanes.members(5)
    number = await lanes.announce(quiet=True)
    local = lanes.clock()
    quiet = QuietHours(
        (local - timedelta(hours=1)).time(), (local + timedelta(hours=8)).time(), "UTC"
    )
    messenger = FakeMessenger()
    pump = lanes.pump(messenger, quiet=quiet)
    await pump.tick()
    await lanes.put(number, topic="events", segment={"terms": Terms(topic_default=True).packed()})
    async with transaction(lanes.sessions) as session:
        await identity.set_wants_messages(session, 1, wants=False)
        await identity.set_unreachable(session, [2])
        await identity.keep_wish(session, 3, "events", wants=False)
    pump = lanes.pump(messenger, quiet=quiet)
    lanes.clock.advance(timedelta(hours=9))
    await lanes.drain(pump)
    assert sorted(target for target, _ in messenger.arrived) == ["4", "5"]
    shown = await lanes.shown(number)
    assert (shown.state, shown.blocked) == (AnnouncementState.DONE, 3)


async def test_a_notice_past_its_deadline_is_over(lanes: Lanes) -> None:
    await lanes.members(1)
    number = await notice(lanes, "event-reminder", lasts=timedelta(hours=1))
    lanes.clock.advance(timedelta(hours=2))
    messenger = FakeMessenger()
    await lanes.drain(lanes.pump(messenger))
    async with reading(lanes.sessions) as session:
        row = await session.get_one(AnnouncementRow, number)
        assert (row.state, row.finished_at is not None) == (AnnouncementState.CANCELLED, True)
    assert not messenger.arrived


async def test_an_idle_pump_sees_the_changes_of_a_paused_announcement(lanes: Lanes) -> None:
    await lanes.members(2)
    number = await lanes.announce()
    messenger = FakeMessenger()
    pump = lanes.pump(messenger)
    await pump.tick()
    await lanes.put(number, state=AnnouncementState.PAUSED, finished_at=None)
    await lanes.change(number)
    messenger.prepared = [NotSent("away")] * 2
    await pump.tick()
    lanes.clock.advance(timedelta(minutes=10))
    assert await pump._anything()


async def test_a_claim_whose_deadline_comes_before_its_slot_does_not_leave(lanes: Lanes) -> None:
    await lanes.members(8)
    number = await lanes.announce(deadline=lanes.clock() + 1.2 * AHEAD)
    messenger = FakeMessenger()
    pump = lanes.pump(messenger, rate=30)

    async def late(_seconds: float) -> None:
        lanes.clock.advance(timedelta(seconds=1))

    pump.flights.pause = late
    await lanes.drain(pump)
    assert len(messenger.arrived) == 1  # the first had to wait for nothing
    assert (await lanes.shown(number)).state is AnnouncementState.CANCELLED


async def test_a_full_group_is_no_sign_that_the_platform_is_away(lanes: Lanes) -> None:
    await lanes.members(SICK_AFTER + 4)
    await lanes.announce()
    messenger = FakeMessenger()
    messenger.prepared = [NotSent("20 a minute", retry_after=timedelta(seconds=30))] * SICK_AFTER
    pump = lanes.pump(messenger)
    await pump.tick()
    assert pump.flights.sick == 0
    lanes.clock.advance(timedelta(seconds=31))
    await lanes.drain(pump)
    assert len(messenger.arrived) == SICK_AFTER + 4


async def test_where_staff_decide_about_doubts_one_slot_is_reserved(lanes: Lanes) -> None:
    await lanes.members(30)
    await lanes.announce(policy="hold")
    pump = lanes.pump(Slow(), rate=30)
    await pump._turn()
    assert len(pump.flights.flying) == 1
    await pump._stop()


async def test_what_is_over_is_changed_at_the_pace_of_the_lane(lanes: Lanes) -> None:
    await lanes.members(30)
    number = await lanes.announce()
    slow = Slow()
    pump = lanes.pump(slow, rate=1000, window=30)
    await pump._turn()
    await lanes.change(number, retract=True)
    await lanes.put(number, state=AnnouncementState.CANCELLED)
    await pump._turn()
    slow.gate.set()
    await asyncio.gather(*pump.flights.flying.values())
    pump.turns.window = 3
    lanes.clock.advance(timedelta(seconds=1))
    pump.wake.set()
    await pump._turn()
    assert len(pump.flights.flying) <= 3
    await lanes.drain(pump)
    assert len(slow.amended) == 30


def test_a_left_out_end_of_the_quiet_is_when_the_clock_has_jumped() -> None:
    quiet = QuietHours(time(21), time(2, 30), "America/New_York")
    jump = datetime(2026, 3, 8, 7, 0, tzinfo=UTC)
    assert quiet.end(jump - timedelta(minutes=10), None) == jump
    assert quiet.end(jump, None) is None
