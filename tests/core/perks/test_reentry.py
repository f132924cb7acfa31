"""Out and back in: within the time, at the same place, so many times and no more."""

from datetime import timedelta

from core import audit
from core.database import Sessions, transaction
from core.perks import Closed, Kind, Reason, Scan
from core.town import TownPack
from tests.core.perks.world import World, perk


async def test_a_use_lets_somebody_in_again_so_many_times_and_no_more(
    town: TownPack, lite: Sessions
) -> None:
    world = World(town, lite, perk(reentry_minutes=120, reentries=2))
    hana, desk = await world.member("hana", 1), await world.desk()
    said = [(await world.visit(hana, desk)).reason for _ in range(4)]
    assert said == [Reason.OK, Reason.REENTRY, Reason.REENTRY, Reason.USED_UP]


async def test_after_the_last_time_in_again_the_next_use_is_taken(
    town: TownPack, lite: Sessions
) -> None:
    world = World(town, lite, perk(uses=2, reentry_minutes=120, reentries=1))
    hana, desk = await world.member("hana", 1), await world.desk()
    said = []
    for _ in range(5):
        said.append((await world.visit(hana, desk)).reason)
        world.pass_by(minutes=1)
    assert said == [Reason.OK, Reason.REENTRY, Reason.OK, Reason.REENTRY, Reason.USED_UP]


async def test_scans_without_signal_come_in_again_no_more_often_either(
    town: TownPack, lite: Sessions
) -> None:
    world = World(town, lite, perk(reentry_minutes=120, reentries=1))
    hana, desk = await world.member("hana", 1), await world.desk()
    scans = [
        Scan(
            f"scan-{each}", world.clock() + timedelta(seconds=each), (await world.shown(hana)).text
        )
        for each in range(3)
    ]
    world.pass_by(minutes=1)
    said = [each.reason for each in await world.perks.sync(desk, scans)]
    assert said == [Reason.OK, Reason.REENTRY, Reason.USED_UP]


async def test_a_use_that_is_taken_back_takes_what_came_in_again_on_it_along(
    town: TownPack, lite: Sessions
) -> None:
    world = World(town, lite, perk(uses=2, reentry_minutes=30, reentries=1))
    hana, ken = await world.member("hana", 1), await world.member("ken", 2)
    desk = await world.desk()
    visits = []
    for member in (hana, hana, ken, hana, hana, ken):
        visits.append(await world.visit(member, desk))
        world.pass_by(minutes=1)
    assert visits[0].redemption_id is not None
    await world.perks.undo(visits[0].redemption_id, desk, reason="まちがい")
    undone = [each.undone_at is not None for each in reversed(await world.perks.redemptions())]
    assert undone == [True, True, False, False, False, False]
    async with transaction(world.sessions) as session:
        log = await audit.search(session, audit.Filter("perk"))
    kinds = [each.detail["kind"] for each in log if each.action == "perk.undone"]
    assert kinds == [Kind.REENTRY, Kind.USE]


async def test_a_use_that_is_taken_back_leaves_no_way_in_again(
    town: TownPack, lite: Sessions
) -> None:
    world = World(town, lite, perk(reentry_minutes=120))
    hana, desk = await world.member("hana", 1), await world.desk()
    first = await world.visit(hana, desk)
    assert (await world.visit(hana, desk)).reason is Reason.REENTRY
    assert first.redemption_id is not None
    await world.perks.undo(first.redemption_id, desk, reason="まちがい")
    assert (await world.visit(hana, desk)).reason is Reason.OK
    assert (await world.visit(hana, desk)).reason is Reason.REENTRY
    world.pass_by(minutes=121)
    assert isinstance(await world.perks.issue(hana, "cave"), Closed)
