"""The books: what is owed, at the price of its day; what was used, and who came again."""

from datetime import UTC, date, datetime

from core import audit
from core.database import Sessions, transaction
from core.perks import Cohort, Reason
from core.town import TownPack
from tests.core.perks.world import World, perk

PRICES = [{"since": date(2026, 1, 1), "yen": 1300}, {"since": date(2026, 11, 16), "yen": 1600}]


def tokyo(day: int, hour: int = 12, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour - 9, tzinfo=UTC)


async def test_every_use_stands_at_the_price_of_its_day(town: TownPack, lite: Sessions) -> None:
    world = World(town, lite, perk(per="day", prices=PRICES, value_yen=None))
    hana, desk = await world.member("hana", 1), await world.desk()
    for day in (14, 15, 16, 17):
        world.clock.now = tokyo(day)
        await world.visit(hana, desk)
    settled = await world.perks.settlement(date(2026, 11, 30), "akiyoshido")
    assert [row.value_yen for row in settled.rows] == [1300, 1300, 1600, 1600]
    assert (settled.month, settled.count, settled.total_yen) == (date(2026, 11, 1), 4, 5800)
    assert [row.at.hour for row in settled.rows] == [12] * 4  # the town's time


async def test_a_month_is_the_towns_and_a_facility_sees_its_own(
    town: TownPack, lite: Sessions
) -> None:
    world = World(town, lite, perk(per="day", facilities=["akiyoshido", "museum"]))
    hana, desk, museum = (
        await world.member("hana", 1),
        await world.desk(),
        await world.desk("museum"),
    )
    world.clock.now = datetime(2026, 10, 31, 15, tzinfo=UTC)  # the first of November in Tokyo
    await world.visit(hana, desk)
    world.clock.now = datetime(2026, 11, 30, 15, tzinfo=UTC)
    await world.visit(hana, desk)
    world.clock.now = tokyo(20)
    await world.visit(hana, museum)
    november = await world.perks.settlement(date(2026, 11, 1), "akiyoshido")
    assert [row.at.date() for row in november.rows] == [date(2026, 11, 1)]
    assert (await world.perks.settlement(date(2026, 11, 1), "museum")).count == 1


async def test_a_use_taken_back_is_listed_with_its_reason_and_not_summed(world: World) -> None:
    hana, desk = await world.member("hana", 1), await world.desk()
    taken = await world.visit(hana, desk)
    assert taken.redemption_id is not None
    await world.perks.undo(taken.redemption_id, desk, reason="人数の間違い")
    await world.visit(hana, desk)
    settled = await world.perks.settlement(world.clock().date(), "akiyoshido")
    assert (settled.count, settled.total_yen) == (1, 1300)
    assert [row.undo_reason for row in settled.undone] == ["人数の間違い"]


async def test_the_sums_of_the_settlement_are_those_of_the_audit_log(
    town: TownPack, lite: Sessions
) -> None:
    world = World(town, lite, perk(uses=5, per="day", prices=PRICES, reentry_minutes=5))
    members = [await world.member(f"m{each}", each) for each in range(1, 4)]
    desk = await world.desk()
    for day in (15, 16):
        world.clock.now = tokyo(day)
        for member in members:
            await world.visit(member, desk)
            await world.visit(member, desk)  # in again
        world.pass_by(minutes=10)
        last = await world.visit(members[0], desk)
        assert last.redemption_id is not None
        await world.perks.undo(last.redemption_id, "staff", reason="間違い")
    settled = await world.perks.settlement(date(2026, 11, 1), "akiyoshido")
    async with transaction(lite) as session:
        log = await audit.search(session, audit.Filter("perk"), limit=1000)
        assert await audit.verify(session) is None

    def total(action: str) -> int:
        return sum(each.detail["yen"] or 0 for each in log if each.action == action)

    assert settled.total_yen == total("perk.redeemed") - total("perk.undone") == 8700


async def test_figures_show_use_what_was_not_used_and_who_came_again(
    town: TownPack, lite: Sessions
) -> None:
    monthly = perk(per="month", counted_by="person", cost_yen=500)
    world = World(town, lite, monthly, perk("coupon", gate=None, counted_by="person"))
    hana, ken = await world.member("hana", 1), await world.member("ken", 2)
    await world.member("nobody")
    desk = await world.desk()
    world.clock.now = tokyo(3, month=10)
    await world.visit(hana, desk)
    world.clock.now = tokyo(20)
    await world.visit(hana, desk)
    await world.visit(ken, desk)
    figures = {
        each.perk: each for each in await world.perks.figures(date(2026, 10, 1), date(2026, 11, 30))
    }
    cave = figures["cave"]
    assert (cave.uses, cave.people, cave.tokens) == (3, 2, 0)  # it counts no cards
    assert (cave.cost_yen, cave.value_yen) == (1500, 3900)
    assert (cave.entitled, cave.unused_share) == (4, 0.25)  # 2 people, 2 months
    assert list(cave.cohorts) == [
        Cohort(date(2026, 10, 1), people=1, returned=1),
        Cohort(date(2026, 11, 1), people=1, returned=0),
    ]
    assert (figures["coupon"].uses, figures["coupon"].entitled) == (0, None)


async def test_what_is_entitled_is_not_said_while_nobody_can_tell(world: World) -> None:
    await world.member("hana", 1)
    world.chain.away = True
    (figures,) = await world.perks.figures(date(2026, 11, 1), date(2026, 11, 30))
    assert (figures.entitled, figures.unused_share) == (None, None)


async def test_a_buyer_sees_what_is_left_of_a_card_and_nobodys_name(
    town: TownPack, lite: Sessions
) -> None:
    world = World(
        town, lite, perk(uses=3), perk("own", counted_by="person"), perk("open", unlimited=True)
    )
    hana, desk = await world.member("hana", 7), await world.desk()
    await world.visit(hana, desk)
    world.chain.away = True
    status = {
        each.perk.name: each for each in await world.perks.status_of_token("resident-card", 7)
    }
    assert set(status) == {"cave", "open"}
    cave = status["cave"]
    assert (cave.uses, cave.left, cave.last_on) == (3, 2, date(2026, 11, 22))
    assert status["open"].left is None
    (fresh, _) = await world.perks.status_of_token("resident-card", 8)
    assert (fresh.left, fresh.last_on) == (3, None)


async def test_the_catalogue_for_anybody_says_which_perks_run(
    town: TownPack, lite: Sessions
) -> None:
    world = World(town, lite, perk(), perk("old", valid_until=date(2026, 1, 1)))
    cave, old = await world.perks.catalogue(None)
    assert (cave.open, cave.left) == (True, None)
    assert (old.open, old.reason) == (False, Reason.ENDED)


async def test_the_catalogue_of_a_member_counts_what_is_left(
    town: TownPack, lite: Sessions
) -> None:
    world = World(town, lite, perk(uses=2), perk("mine", counted_by="person"))
    hana, ken = await world.member("hana", 1, 2), await world.member("ken")
    desk = await world.desk()
    await world.visit(hana, desk)
    cave, mine = await world.perks.catalogue(hana)
    assert cave.left is not None
    assert mine.left is not None
    assert (cave.left.left, sorted(cave.left.tokens.values()), cave.left.person) == (
        3,
        [1, 2],
        None,
    )
    assert (mine.left.left, mine.left.person) == (1, 1)
    assert {each.reason for each in await world.perks.catalogue(ken)} == {Reason.NOT_ENTITLED}
