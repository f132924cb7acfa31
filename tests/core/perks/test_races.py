"""Races that PostgreSQL's READ COMMITTED lets happen, each in the one order that does harm.

The first scan has counted and is about to take its slot when the second one comes: it runs as far
as it can, until it is through or waits for the first.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from core.database import Sessions, transaction
from core.perks import Desk, Pass, Reason, Scan, counters
from core.town import TownPack
from tests.core.perks.world import World, perk

pytestmark = pytest.mark.parametrize("sessions", ["postgresql"], indirect=True)

Scanning = Callable[[], Awaitable[bool]]


async def waits_for_a_lock(sessions: Sessions) -> None:
    """Returns once some transaction waits for another."""
    blocked = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    while True:
        async with transaction(sessions) as session:
            if await session.scalar(blocked):
                return


async def one_in_the_other(
    world: World, monkeypatch: pytest.MonkeyPatch, first: Scanning, second: Scanning
) -> int:
    """How many of two scans are let in, the second coming between the first's count and slot."""
    take = counters.take
    rivals: list[asyncio.Task[bool]] = []

    async def interrupted(*args: Any, **how: Any) -> None:
        if not rivals:
            rivals.append(asyncio.ensure_future(second()))
            waiting = asyncio.create_task(waits_for_a_lock(world.sessions))
            async with asyncio.timeout(30):
                await asyncio.wait({rivals[0], waiting}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        await take(*args, **how)

    monkeypatch.setattr(counters, "take", interrupted)
    let_in = [await first(), *await asyncio.gather(*rivals)]
    assert len(let_in) == 2
    return sum(let_in)


def at_the_window(world: World, shown: Pass, desk: Desk) -> Scanning:
    async def scan() -> bool:
        verdict = await world.scan(shown.text, desk)
        assert verdict.reason in {Reason.OK, Reason.USED_UP}
        return verdict.ok

    return scan


def without_signal(world: World, shown: Pass, desk: Desk) -> Scanning:
    async def scan() -> bool:
        (synced,) = await world.perks.sync(desk, [Scan("one", world.clock(), shown.text)])
        assert synced.reason in {Reason.OK, Reason.USED_UP}
        return synced.ok

    return scan


@pytest.mark.parametrize(
    ("rules", "away", "scanning"),
    [
        pytest.param({}, False, at_the_window, id="by card"),
        pytest.param({"counted_by": "both"}, False, at_the_window, id="by both"),
        pytest.param({"gate": None, "counted_by": "person"}, False, at_the_window, id="no gate"),
        pytest.param({}, True, at_the_window, id="last known"),
        pytest.param({}, False, without_signal, id="without signal"),
    ],
)
async def test_a_scan_between_another_ones_count_and_slot_takes_no_use_too_many(
    town: TownPack,
    sessions: Sessions,
    monkeypatch: pytest.MonkeyPatch,
    rules: dict[str, Any],
    away: bool,
    scanning: Callable[[World, Pass, Desk], Scanning],
) -> None:
    world = World(town, sessions, perk(**rules))
    hana = await world.member("hana", 1)
    shown = [await world.shown(hana), await world.shown(hana)]
    desks = [await world.desk(), await world.desk()]
    world.chain.away = away
    first, second = (scanning(world, *each) for each in zip(shown, desks, strict=True))
    assert await one_in_the_other(world, monkeypatch, first, second) == 1


async def test_two_cards_at_once_do_not_both_forget_what_their_holder_used_without_one(
    town: TownPack, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each card has its own slots; what is taken off both of them for the person has none."""
    world = World(town, sessions, perk(counted_by="person"))
    hana, ken = await world.member("hana", 2, 3), await world.member("ken")
    desks = [await world.desk(), await world.desk()]
    assert (await world.visit(hana, desks[0])).ok  # as a person
    world.again(perk(counted_by="token"))
    by_two = await world.shown(hana, lifetime=timedelta(hours=1))
    world.chain.give(ken, 3)
    world.chain.give(hana, 1)
    world.pass_by(minutes=5)
    by_one = await world.shown(hana)
    first, second = (
        at_the_window(world, *each) for each in zip([by_one, by_two], desks, strict=True)
    )
    assert await one_in_the_other(world, monkeypatch, first, second) == 1


async def test_a_card_bought_in_this_moment_adds_no_use_to_one_made_without_it(
    town: TownPack, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One scan counts the person, the other their new card; the two share no slot."""
    world = World(town, sessions, perk(gate=None, counted_by="token"))
    hana = await world.member("hana", 1)
    desks = [await world.desk(), await world.desk()]
    before = await world.shown(hana)
    person = world.perks
    world.again(perk(counted_by="token"))
    card = await world.shown(hana)
    town_now = world.perks

    async def as_a_person() -> bool:
        return (await person.redeem(before.text, desks[0], request_id="person")).ok

    async def by_card() -> bool:
        return (await town_now.redeem(card.text, desks[1], request_id="card")).ok

    assert await one_in_the_other(world, monkeypatch, as_a_person, by_card) == 1
