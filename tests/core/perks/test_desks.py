"""Ticket windows: a link and a PIN, nothing kept in clear, and many tries wait long."""

import asyncio
from datetime import timedelta

import pytest

from core import audit
from core.database import Sessions, transaction
from core.errors import NotFound
from core.perks import Desk, DeskRefusal, Desks, Shut
from core.tables import DeskRow
from core.town import TownPack
from tests.core.perks.world import World


def wrong(pin: str) -> str:
    return f"{(int(pin) + 1) % 10**6:06}"


async def test_a_window_opens_with_its_link_and_its_pin(world: World) -> None:
    made = await world.desks.make("akiyoshido", "入口", by="staff")
    opened = await world.desks.open(made.token, made.pin)
    assert opened == made.desk
    assert await world.desks.resume(made.desk.id, made.desk.epoch) == made.desk


async def test_neither_link_nor_pin_is_kept(world: World) -> None:
    made = await world.desks.make("akiyoshido", "入口", by="staff")
    async with transaction(world.sessions) as session:
        row = await session.get_one(DeskRow, made.desk.id)
        entries = await audit.search(session, audit.Filter("desk"))
    kept = f"{vars(row)} {[each.detail for each in entries]}"
    assert made.token not in kept
    assert made.pin not in row.pin_hash.replace(row.pin_hash[:32], "")


async def test_a_window_of_an_unknown_facility_is_not_made(world: World) -> None:
    with pytest.raises(NotFound):
        await world.desks.make("nowhere", "入口", by="staff")


@pytest.mark.parametrize("pin", ["", "12345", "1234567", "abcdef", "１２３４５６", "x" * 10_000])
async def test_what_is_no_pin_opens_nothing(world: World, pin: str) -> None:
    made = await world.desks.make("akiyoshido", "入口", by="staff")
    shut = await world.desks.open(made.token, pin)
    assert isinstance(shut, Shut)
    assert (shut.reason, shut.tries_left) == (DeskRefusal.WRONG_PIN, 4)


@pytest.mark.parametrize("token", ["", "guess", "\ud800", "x" * 10_000])
async def test_a_wrong_link_opens_nothing(world: World, token: str) -> None:
    assert await world.desks.open(token, "000000") == Shut(DeskRefusal.NO_SUCH_DESK)
    assert await world.desks.find(token) is None


async def test_wrong_pins_make_the_desk_wait_longer_each_time_also_after_a_restart(
    world: World,
) -> None:
    made = await world.desks.make("akiyoshido", "入口", by="staff")
    for _ in range(5):
        last = await world.desks.open(made.token, wrong(made.pin))
    assert last == Shut(DeskRefusal.WRONG_PIN, world.clock() + timedelta(minutes=1), 0)
    again = Desks(world.town, world.sessions, world.clock)
    locked = await again.open(made.token, made.pin)
    assert isinstance(locked, Shut)
    assert locked.reason is DeskRefusal.LOCKED
    world.pass_by(minutes=1)
    longer = await again.open(made.token, wrong(made.pin))
    assert isinstance(longer, Shut)
    assert longer.until == world.clock() + timedelta(minutes=2)
    world.pass_by(minutes=2)
    assert isinstance(await again.open(made.token, made.pin), Desk)
    assert (await again.all())[0].failures == 0


async def test_many_pins_tried_at_the_same_moment_are_counted_each(
    town: TownPack, sessions: Sessions
) -> None:
    world = World(town, sessions)
    made = await world.desks.make("akiyoshido", "入口", by="staff")
    tries = await asyncio.gather(
        *(world.desks.open(made.token, wrong(made.pin)) for _ in range(12))
    )
    reasons = [each.reason for each in tries if isinstance(each, Shut)]
    assert reasons.count(DeskRefusal.WRONG_PIN) == 5
    assert reasons.count(DeskRefusal.LOCKED) == 7


async def test_a_new_pin_ends_the_sessions_of_the_old_one(world: World) -> None:
    made = await world.desks.make("akiyoshido", "入口", by="staff")
    pin = await world.desks.rotate_pin(made.desk.id, by="staff")
    assert await world.desks.resume(made.desk.id, made.desk.epoch) is None
    if pin != made.pin:
        assert isinstance(await world.desks.open(made.token, made.pin), Shut)
    opened = await world.desks.open(made.token, pin)
    assert isinstance(opened, Desk)
    assert await world.desks.resume(opened.id, opened.epoch) == opened


async def test_a_revoked_window_is_shut_for_good(world: World) -> None:
    made = await world.desks.make("akiyoshido", "入口", by="staff")
    await world.desks.revoke(made.desk.id, by="staff")
    assert await world.desks.open(made.token, made.pin) == Shut(DeskRefusal.NO_SUCH_DESK)
    assert await world.desks.resume(made.desk.id, made.desk.epoch) is None
    with pytest.raises(NotFound):
        await world.desks.revoke(99, by="staff")


async def test_a_window_ends_with_its_time(world: World) -> None:
    made = await world.desks.make("akiyoshido", "入口", by="staff", lifetime=timedelta(days=2))
    world.pass_by(days=2)
    assert await world.desks.open(made.token, made.pin) == Shut(DeskRefusal.NO_SUCH_DESK)
    assert await world.desks.resume(made.desk.id, made.desk.epoch) is None
