"""Announcements: confirmed once, delivered once, honest about every recipient."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from core import announcements, identity
from core.announcements import (
    PLATFORMS,
    AnnouncementState,
    Audience,
    Blocked,
    Delivered,
    Failed,
    Flooded,
    InDoubt,
    Kind,
    NotSent,
    Outgoing,
    Pump,
)
from core.announcements.delivery.lanes import DeliveryState
from core.database import Sessions, transaction
from core.errors import BadAnnouncement, NotAllowed
from core.tables import AccountRow, AnnouncementRow, DeliveryRow, LaneRow
from core.testing import FakeMessenger, Killed, SetClock
from core.town import TownPack

TEXTS = {"ja": {"heading": "山焼きのお知らせ", "body": "2月に行います。"}}
ROOM = Audience(Kind.ROOM, gate="residents", places=(("telegram", "-100"), ("web", "residents")))
DIRECT = Audience(Kind.DIRECT)


def render(kind: Kind, texts: Any, language: str, _topic: str | None = None) -> Outgoing:
    if kind is Kind.NOTICE:
        return Outgoing(texts["key"], "", "town", language=language)
    return Outgoing(texts["ja"]["heading"], texts["ja"]["body"], "town", language=language)


class Desk:
    """A staff member at work."""

    def __init__(self, town: TownPack, sessions: Sessions, clock: SetClock) -> None:
        self.town, self.sessions, self.clock = town, sessions, clock

    async def members(self, count: int, *, wanting: bool = True) -> None:
        async with transaction(self.sessions) as session:
            for number in range(count):
                account = await identity.account(
                    session, "telegram", str(number), locale="ja", now=self.clock()
                )
                await identity.set_wants_messages(session, account.member_id, wants=wanting)

    async def draft(self, audience: Audience = DIRECT) -> int:
        async with transaction(self.sessions) as session:
            return await announcements.compose(
                session,
                town=self.town,
                author="staff",
                audience=audience,
                texts=TEXTS,
                now=self.clock(),
                platforms=PLATFORMS,
            )

    async def confirm(self, number: int) -> None:
        async with transaction(self.sessions) as session:
            await announcements.confirm(
                session,
                number,
                town=self.town,
                by="staff",
                now=self.clock(),
                platforms=PLATFORMS,
            )

    async def send(self, audience: Audience = DIRECT) -> int:
        number = await self.draft(audience)
        await self.confirm(number)
        return number

    async def shown(self, number: int) -> announcements.Announcement:
        async with self.sessions() as session:
            return await announcements.progress(session, number)

    def pump(self, messenger: FakeMessenger, worker: str = "w1", rate: float = 1000) -> Pump:
        async def wait(seconds: float) -> None:
            self.clock.advance(timedelta(seconds=seconds))

        return Pump(
            self.sessions, messenger, render, self.clock, rate=rate, worker=worker, pause=wait
        )

    async def drain(self, pump: Pump) -> None:
        """Tick until nothing has been due for a while."""
        quiet = 0
        while quiet < 2:
            quiet = 0 if await pump.tick() else quiet + 1
            self.clock.advance(timedelta(minutes=7 if quiet else 0))


@pytest.fixture
def desk(town: TownPack, sessions: Sessions, clock: SetClock) -> Desk:
    return Desk(town, sessions, clock)


async def test_everybody_who_asked_receives_it_once(desk: Desk) -> None:
    await desk.members(25)
    number = await desk.send()
    messenger = FakeMessenger()
    await desk.drain(desk.pump(messenger))
    assert sorted(target for target, _ in messenger.arrived) == sorted(map(str, range(25)))
    shown = await desk.shown(number)
    assert (shown.state, shown.delivered, shown.waiting) == (AnnouncementState.DONE, 25, 0)


async def test_who_did_not_ask_for_messages_receives_none(desk: Desk) -> None:
    await desk.members(3, wanting=False)
    number = await desk.send()
    assert (await desk.shown(number)).total == 0
    assert (await desk.shown(number)).state is AnnouncementState.DONE


async def test_a_person_with_two_accounts_is_told_once(desk: Desk) -> None:
    await desk.members(1)
    async with transaction(desk.sessions) as session:
        account = await identity.find_account(session, "telegram", "0")
        assert account is not None
        session.add(
            AccountRow(
                member_id=account.member_id,
                platform="discord",
                external_id="9",
                created_at=desk.clock(),
            )
        )
    assert (await desk.shown(await desk.send())).total == 1


async def test_a_room_announcement_is_one_post_a_place(desk: Desk) -> None:
    number = await desk.send(ROOM)
    telegram, web = FakeMessenger("telegram"), FakeMessenger("web")
    await desk.drain(desk.pump(telegram))
    await desk.drain(desk.pump(web))
    assert [target for target, _ in telegram.arrived] == ["-100"]
    assert [target for target, _ in web.arrived] == ["residents"]
    assert (await desk.shown(number)).delivered == 2


async def test_confirming_twice_sends_once(desk: Desk) -> None:
    await desk.members(4)
    number = await desk.draft()
    await asyncio.gather(desk.confirm(number), desk.confirm(number))
    messenger = FakeMessenger()
    await desk.drain(desk.pump(messenger))
    assert len(messenger.arrived) == 4


async def test_the_preview_counts_whom_the_sending_reaches(desk: Desk) -> None:
    await desk.members(7)
    number = await desk.draft()
    async with desk.sessions() as session:
        preview = await announcements.preview(
            session,
            number,
            town=desk.town,
            rates={"telegram": 2},
            now=desk.clock(),
            platforms=PLATFORMS,
        )
    assert preview.recipients == {"telegram": 7}


async def test_nothing_leaves_before_it_is_confirmed(desk: Desk) -> None:
    await desk.members(2)
    await desk.draft()
    messenger = FakeMessenger()
    assert await desk.pump(messenger).tick() == 0


async def test_a_cancelled_draft_cannot_be_sent(desk: Desk) -> None:
    number = await desk.draft()
    async with transaction(desk.sessions) as session:
        await announcements.cancel(session, number, by="staff", now=desk.clock())
    with pytest.raises(NotAllowed):
        await desk.confirm(number)


async def test_pausing_holds_what_has_not_left_and_resuming_sends_it(desk: Desk) -> None:
    await desk.members(3)
    number = await desk.send()
    async with transaction(desk.sessions) as session:
        await announcements.pause(session, number, by="staff", now=desk.clock())
    messenger = FakeMessenger()
    assert await desk.pump(messenger).tick() == 0
    async with transaction(desk.sessions) as session:
        await announcements.resume(session, number, by="staff", now=desk.clock())
    await desk.drain(desk.pump(messenger))
    assert len(messenger.arrived) == 3


@pytest.mark.parametrize(
    ("outcomes", "result", "arrived"),
    [
        pytest.param([Blocked("blocked")], "blocked", 0, id="blocked"),
        pytest.param([Failed("too long")], "failed", 0, id="failed"),
        pytest.param([Flooded(timedelta(seconds=30))], "delivered", 1, id="flooded once"),
        pytest.param([NotSent("no connection")] * 2, "delivered", 1, id="not sent twice"),
        pytest.param([NotSent("no connection")] * 300, "failed", 0, id="a day without connection"),
        pytest.param(
            [NotSent("no connection"), InDoubt("no answer")], "delivered", 1, id="both once"
        ),
        pytest.param([InDoubt("no answer")], "delivered", 1, id="in doubt once"),
        pytest.param([InDoubt("no answer")] * 2, "unsure", 0, id="in doubt twice"),
        pytest.param([RuntimeError("a mistake")], "delivered", 1, id="broken adapter once"),
    ],
)
async def test_each_outcome_is_written_down_for_its_recipient(
    desk: Desk, outcomes: list[Any], result: str, arrived: int
) -> None:
    await desk.members(1)
    number = await desk.send()
    messenger = FakeMessenger()
    messenger.prepared = list(outcomes)
    await desk.drain(desk.pump(messenger))
    async with desk.sessions() as session:
        (row,) = await announcements.recipients(session, number)
    assert (row["result"], len(messenger.arrived)) == (result, arrived)
    assert (await desk.shown(number)).state is AnnouncementState.DONE


async def test_who_blocked_us_is_not_written_to_again(desk: Desk) -> None:
    await desk.members(1)
    await desk.send()
    messenger = FakeMessenger()
    messenger.prepared = [Blocked("blocked by the user")]
    await desk.drain(desk.pump(messenger))
    assert (await desk.shown(await desk.send())).total == 0


async def test_after_a_flood_the_whole_lane_waits(desk: Desk) -> None:
    await desk.members(3)
    await desk.send()
    messenger = FakeMessenger()
    messenger.prepared = [Flooded(timedelta(seconds=30))] * 3
    pump = desk.pump(messenger)
    await pump.tick()
    desk.clock.advance(timedelta(seconds=20))
    assert await pump.tick() == 0
    desk.clock.advance(timedelta(seconds=20))
    await desk.drain(pump)
    assert len(messenger.arrived) == 3


async def test_messages_leave_at_the_rate_that_is_allowed(desk: Desk) -> None:
    await desk.members(60)
    await desk.send()
    messenger, began = FakeMessenger(), desk.clock()
    pump = desk.pump(messenger, rate=30)
    while len(messenger.arrived) < 60:
        if not await pump.tick():
            desk.clock.advance(timedelta(milliseconds=10))
    assert 1.9 <= (desk.clock() - began).total_seconds() <= 3.0


async def test_what_was_in_flight_when_the_process_died_is_sent_again_and_nothing_is_lost(
    desk: Desk,
) -> None:
    await desk.members(5)
    number = await desk.send()
    dying = FakeMessenger()
    dying.prepared = [Killed()] * 5
    with pytest.raises(Killed):
        await desk.pump(dying).tick()
    survivor = FakeMessenger()
    again = desk.pump(survivor)
    await again.void_own_leases()
    await desk.drain(again)
    assert len(survivor.arrived) == 5
    assert (await desk.shown(number)).delivered == 5


async def test_a_retry_and_then_a_crash_still_sends_again_once(desk: Desk) -> None:
    await desk.members(1)
    await desk.send()
    dying = FakeMessenger()
    dying.prepared = [NotSent("no connection"), Killed()]
    pump = desk.pump(dying)
    await pump.tick()
    desk.clock.advance(timedelta(seconds=10))
    with pytest.raises(Killed):
        await pump.tick()
    survivor = FakeMessenger()
    again = desk.pump(survivor)
    await again.void_own_leases()
    await desk.drain(again)
    assert len(survivor.arrived) == 1


async def test_a_clean_end_waits_for_what_is_in_flight_and_repeats_nothing(desk: Desk) -> None:
    await desk.members(4)
    number = await desk.send()
    messenger = FakeMessenger()
    pump = desk.pump(messenger)
    await pump._turn()
    await pump.drain()
    again = desk.pump(messenger)
    await again.void_own_leases()
    await desk.drain(again)
    assert len(messenger.arrived) == 4
    assert (await desk.shown(number)).delivered == 4


async def test_what_landed_during_a_pause_is_done_when_resumed(desk: Desk) -> None:
    await desk.members(1)
    number = await desk.send()
    messenger = FakeMessenger()
    pump = desk.pump(messenger)
    await pump._turn()
    async with transaction(desk.sessions) as session:
        await announcements.pause(session, number, by="staff", now=desk.clock())
    await pump.drain()
    async with transaction(desk.sessions) as session:
        await announcements.resume(session, number, by="staff", now=desk.clock())
    assert (await desk.shown(number)).state is AnnouncementState.DONE


async def test_another_worker_waits_for_the_lease_and_then_takes_over(desk: Desk) -> None:
    await desk.members(1)
    await desk.send()
    dying = FakeMessenger()
    dying.prepared = [Killed()]
    with pytest.raises(Killed):
        await desk.pump(dying, worker="w1").tick()
    other = FakeMessenger()
    pump = desk.pump(other, worker="w2")
    assert await pump.tick() == 0
    desk.clock.advance(timedelta(seconds=31))
    await desk.drain(pump)
    assert len(other.arrived) == 1


async def test_two_workers_send_nothing_twice(desk: Desk) -> None:
    await desk.members(40)
    number = await desk.send()
    first, second = FakeMessenger(), FakeMessenger()
    pumps = [desk.pump(first, "w1"), desk.pump(second, "w2")]
    for _ in range(30):
        await asyncio.gather(*(pump.tick() for pump in pumps))
        desk.clock.advance(timedelta(seconds=1))
    targets = [target for target, _ in first.arrived + second.arrived]
    assert sorted(targets) == sorted(map(str, range(40)))
    assert (await desk.shown(number)).delivered == 40


async def test_a_notice_to_one_person_goes_before_a_broadcast(desk: Desk) -> None:
    await desk.members(3)
    await desk.send()
    async with transaction(desk.sessions) as session:
        account = await identity.find_account(session, "telegram", "2")
        assert account is not None
        await announcements.notify(session, account, "leaving", {}, now=desk.clock())
    messenger = FakeMessenger()
    await desk.drain(desk.pump(messenger, rate=1))
    assert messenger.arrived[0][1].heading == "leaving"


async def test_what_was_planned_long_ahead_keeps_its_results_as_long_as_others(desk: Desk) -> None:
    await desk.members(1)
    planned = await desk.send()
    async with transaction(desk.sessions) as session:
        row = await session.get_one(AnnouncementRow, planned)
        row.created_at = desk.clock() - timedelta(days=300)
    await desk.drain(desk.pump(FakeMessenger()))
    async with transaction(desk.sessions) as session:
        await announcements.forget(session, before=desk.clock() - timedelta(days=90))
    async with desk.sessions() as session:
        assert [each.id for each in await announcements.history(session)] == [planned]
        assert len(list(await session.scalars(select(DeliveryRow)))) == 1


async def test_what_is_over_is_forgotten_after_its_time_and_what_runs_is_kept(desk: Desk) -> None:
    await desk.members(1)
    old = await desk.send()
    await desk.drain(desk.pump(FakeMessenger()))
    running = await desk.send()
    async with transaction(desk.sessions) as session:
        await announcements.forget(session, before=desk.clock() + timedelta(days=1))
    async with desk.sessions() as session:
        kept = await announcements.history(session)
        rows = await session.scalars(select(DeliveryRow))
    assert [each.id for each in kept] == [running]
    assert old not in {row.announcement_id for row in rows}


@pytest.mark.parametrize(
    "texts",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"en": {"heading": "h", "body": "b"}}, id="no Japanese"),
        pytest.param({"ja": {"heading": " ", "body": "b"}}, id="blank heading"),
        pytest.param({"ja": {"heading": "h" * 101, "body": "b"}}, id="long heading"),
        pytest.param({"ja": {"heading": "h", "body": "b" * 3001}}, id="long body"),
    ],
)
async def test_a_text_that_cannot_be_sent_is_refused_before_it_is_kept(
    desk: Desk, texts: dict[str, dict[str, str]]
) -> None:
    async with transaction(desk.sessions) as session:
        with pytest.raises(BadAnnouncement, match=r"words|length"):
            await announcements.compose(
                session,
                town=desk.town,
                author="s",
                audience=DIRECT,
                texts=texts,
                now=desk.clock(),
                platforms=PLATFORMS,
            )
        assert await announcements.history(session) == []


OUTCOMES = st.sampled_from(
    [
        Delivered("1"),
        Blocked("b"),
        Failed("f"),
        Flooded(timedelta(seconds=3)),
        NotSent("n"),
        InDoubt("d"),
    ]
)


@settings(max_examples=25, suppress_health_check=list(HealthCheck), deadline=None)
@given(outcomes=st.lists(OUTCOMES, max_size=40))
async def test_whatever_happens_every_recipient_ends_with_one_result(
    town: TownPack, lite: Sessions, outcomes: list[Any]
) -> None:
    clock = SetClock()
    desk = Desk(town, lite, clock)
    await desk.members(6)
    async with transaction(lite) as session:
        for account in await session.scalars(select(AccountRow)):
            account.reachable = True
        await session.execute(delete(LaneRow))  # each example begins on the same day
    number = await desk.send()
    messenger = FakeMessenger()
    messenger.prepared = list(outcomes)
    await desk.drain(desk.pump(messenger))
    shown = await desk.shown(number)
    assert shown.state is AnnouncementState.DONE
    assert shown.waiting == 0
    async with lite() as session:
        rows = await session.scalars(
            select(DeliveryRow).where(DeliveryRow.announcement_id == number)
        )
        results = [DeliveryState(row.state) for row in rows]
    assert results.count(DeliveryState.DELIVERED) == shown.delivered == len(messenger.arrived)
    assert len(results) == 6
