"""At the ticket window: who is let in, who is not, and why."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from core import audit, identity
from core.database import Sessions, transaction
from core.errors import NotAllowed, NotFound
from core.perks import Closed, Kind, PassKeys, Reason, Source, Use
from core.town import TownPack
from tests.core.perks.world import CARD, NOON, World, perk


async def test_a_card_lets_its_holder_in_once(world: World) -> None:
    hana, desk = await world.member("hana", 1), await world.desk()
    first = await world.visit(hana, desk)
    assert first.ok
    assert (first.reason, first.left, first.value_yen) == (Reason.OK, 0, 1300)
    closed = await world.perks.issue(hana, "cave")
    assert isinstance(closed, Closed)
    assert closed.reason is Reason.USED_UP
    assert closed.last == Use(NOON, "akiyoshido")


async def test_two_passes_of_one_use_are_taken_once(world: World) -> None:
    hana, desk = await world.member("hana", 1), await world.desk()
    one, other = await world.shown(hana), await world.shown(hana)
    assert (await world.scan(one.text, desk)).ok
    refused = await world.scan(other.text, desk)
    assert refused.reason is Reason.USED_UP
    assert refused.before == Use(NOON, "akiyoshido")
    assert refused.next_at == datetime(2026, 12, 31, 15, tzinfo=UTC)  # the new year in Tokyo


async def test_the_same_pass_is_taken_once_however_often_it_may_be_used(
    town: TownPack, lite: Sessions
) -> None:
    world = World(town, lite, perk(unlimited=True))
    hana, desk = await world.member("hana", 1), await world.desk()
    shown = await world.shown(hana)
    assert (await world.scan(shown.text, desk)).ok
    again = await world.scan(shown.text, desk)
    assert (again.ok, again.reason) == (False, Reason.PASS_USED)
    assert (await world.visit(hana, desk)).ok


async def test_a_double_tap_is_one_request_and_hears_the_same(world: World) -> None:
    hana, desk = await world.member("hana", 1), await world.desk()
    shown = await world.shown(hana)
    first = await world.scan(shown.text, desk, "tap")
    world.pass_by(minutes=3)
    assert await world.scan(shown.text, desk, "tap") == first
    assert len(await world.perks.redemptions()) == 1


async def test_a_request_without_an_id_is_refused(world: World) -> None:
    desk = await world.desk()
    for request in ("", "x" * 65):
        with pytest.raises(NotAllowed):
            await world.perks.redeem("12345678", desk, request_id=request)


async def test_a_screenshot_after_its_minute_is_refused(world: World) -> None:
    hana, desk = await world.member("hana", 1), await world.desk()
    shown = await world.shown(hana)
    world.pass_by(seconds=61)
    assert (await world.scan(shown.text, desk)).reason is Reason.EXPIRED
    assert (await world.visit(hana, desk)).ok


async def test_a_pass_in_a_chat_lives_for_five_minutes(world: World) -> None:
    hana, desk = await world.member("hana", 1), await world.desk()
    shown = await world.shown(hana, lifetime=timedelta(minutes=5))
    world.pass_by(minutes=4)
    assert (await world.scan(shown.text, desk)).ok


async def test_looking_books_nothing(world: World) -> None:
    hana, desk = await world.member("hana", 1), await world.desk()
    shown = await world.shown(hana)
    looked = await world.perks.check(shown.text, desk)
    assert (looked.ok, looked.left, looked.redemption_id) == (True, 1, None)
    assert await world.perks.redemptions() == []
    assert (await world.scan(shown.text, desk)).ok


async def test_a_card_sold_after_its_use_brings_the_buyer_the_rest_only(
    town: TownPack, lite: Sessions
) -> None:
    world = World(town, lite, perk(uses=2))
    hana, ken = await world.member("hana", 1), await world.member("ken")
    desk = await world.desk()
    assert (await world.visit(hana, desk)).ok
    world.chain.give(ken, 1)
    first = await world.visit(ken, desk)
    assert (first.ok, first.left) == (True, 0)
    assert isinstance(await world.perks.issue(ken, "cave"), Closed)


async def test_a_pass_of_a_card_that_was_sold_a_moment_ago_is_refused(world: World) -> None:
    hana, ken = await world.member("hana", 1), await world.member("ken")
    desk = await world.desk()
    shown = await world.shown(hana)
    world.chain.give(ken, 1)
    assert (await world.scan(shown.text, desk)).reason is Reason.NOT_ENTITLED
    assert (await world.visit(ken, desk)).ok


async def test_who_has_two_cards_uses_one_after_the_other(world: World) -> None:
    hana, desk = await world.member("hana", 7, 3), await world.desk()
    assert [(await world.visit(hana, desk)).left for _ in range(2)] == [1, 0]
    used = [each.token for each in await world.perks.redemptions()]
    assert used == [f"{CARD}:7", f"{CARD}:3"]


async def test_a_perk_counted_by_person_ignores_how_many_cards_they_hold(
    town: TownPack, lite: Sessions
) -> None:
    world = World(town, lite, perk(counted_by="person"))
    hana, desk = await world.member("hana", 1, 2), await world.desk()
    shown = await world.shown(hana)
    assert (await world.visit(hana, desk)).ok
    assert (await world.scan(shown.text, desk)).reason is Reason.USED_UP


async def test_counted_by_both_ends_with_either(town: TownPack, lite: Sessions) -> None:
    world = World(town, lite, perk(counted_by="both"))
    hana, ken = await world.member("hana", 1, 2), await world.member("ken")
    desk = await world.desk()
    spare = await world.shown(hana)
    assert (await world.visit(hana, desk)).ok
    assert (await world.scan(spare.text, desk)).reason is Reason.USED_UP  # the person's
    world.chain.give(ken, 1)
    assert isinstance(await world.perks.issue(ken, "cave"), Closed)  # the card's
    world.chain.give(ken, 2)
    world.pass_by(seconds=1)
    assert (await world.visit(ken, desk)).ok


async def test_a_ticket_of_twelve_counts_down_and_the_thirteenth_is_refused(
    town: TownPack, lite: Sessions
) -> None:
    world = World(town, lite, perk(uses=12, per="ever", valid_until=date(2027, 3, 31)))
    hana, desk = await world.member("hana", 1), await world.desk()
    lefts = []
    for _ in range(12):
        lefts.append((await world.visit(hana, desk)).left)
        world.pass_by(days=1)
    assert lefts == list(range(11, -1, -1))
    closed = await world.perks.issue(hana, "cave")
    assert isinstance(closed, Closed)
    assert (closed.reason, closed.next_at) == (Reason.USED_UP, None)


async def test_a_perk_begins_and_ends_with_its_days_in_the_town(
    town: TownPack, lite: Sessions
) -> None:
    world = World(town, lite, perk(valid_from=date(2026, 11, 23), valid_until=date(2026, 11, 23)))
    hana, desk = await world.member("hana", 1), await world.desk()
    early = await world.perks.issue(hana, "cave")
    assert isinstance(early, Closed)
    assert early.reason is Reason.NOT_BEGUN
    assert early.next_at == datetime(2026, 11, 22, 15, tzinfo=UTC)
    world.clock.now = datetime(2026, 11, 22, 15, tzinfo=UTC)  # midnight in Tokyo
    shown = await world.shown(hana)
    assert (await world.perks.check(shown.text, desk)).ok
    world.clock.now = datetime(2026, 11, 23, 14, 59, 30, tzinfo=UTC)
    shown = await world.shown(hana)
    world.pass_by(seconds=40)
    assert (await world.scan(shown.text, desk)).reason is Reason.ENDED


async def test_a_desk_takes_only_what_its_facility_takes(world: World) -> None:
    hana, museum = await world.member("hana", 1), await world.desk("museum")
    shown = await world.shown(hana)
    refused = await world.scan(shown.text, museum)
    assert refused.reason is Reason.OTHER_FACILITY
    assert refused.title is not None
    assert (await world.scan(shown.text, await world.desk())).ok


async def test_coming_back_in_within_the_time_takes_no_new_use(
    town: TownPack, lite: Sessions
) -> None:
    cave = perk(reentry_minutes=60, facilities=["akiyoshido", "museum"])
    world = World(town, lite, cave)
    hana, desk = await world.member("hana", 1), await world.desk()
    assert (await world.visit(hana, desk)).ok
    world.pass_by(minutes=59)
    shown, other = await world.shown(hana), await world.shown(hana)
    again = await world.scan(shown.text, desk)
    assert (again.ok, again.reason, again.before) == (True, Reason.REENTRY, Use(NOON, "akiyoshido"))
    elsewhere = await world.scan(other.text, await world.desk("museum"))
    assert elsewhere.reason is Reason.USED_UP
    world.pass_by(minutes=2)
    assert isinstance(await world.perks.issue(hana, "cave"), Closed)
    kinds = [(each.kind, each.value_yen) for each in await world.perks.redemptions()]
    assert kinds == [(Kind.REENTRY, None), (Kind.USE, 1300)]


async def test_a_coupon_needs_no_card_and_is_counted_by_person(
    town: TownPack, lite: Sessions
) -> None:
    coupon = perk("coupon", gate=None, counted_by="person")
    world = World(town, lite, coupon)
    visitor, desk = await world.member("visitor"), await world.desk()
    world.chain.away = True
    shown = await world.shown(visitor, "coupon")
    taken = await world.scan(shown.text, desk)
    assert (taken.ok, taken.source) == (True, Source.ONLINE)
    assert isinstance(await world.perks.issue(visitor, "coupon"), Closed)


async def test_an_entitlement_check_is_a_perk_without_an_end(
    town: TownPack, lite: Sessions
) -> None:
    world = World(town, lite, perk("taxi", unlimited=True, per="day"))
    hana, stranger = await world.member("hana", 1), await world.member("stranger")
    desk = await world.desk()
    for _ in range(3):
        ride = await world.visit(hana, desk, "taxi")
        assert (ride.ok, ride.left, ride.uses) == (True, None, None)
    refused = await world.perks.issue(stranger, "taxi")
    assert isinstance(refused, Closed)
    assert refused.reason is Reason.NOT_ENTITLED
    assert len(await world.perks.redemptions()) == 3


async def test_a_use_taken_back_can_be_made_again_and_says_why(world: World) -> None:
    hana, desk = await world.member("hana", 1), await world.desk()
    first = await world.visit(hana, desk)
    assert first.redemption_id is not None
    undone = await world.perks.undo(first.redemption_id, desk, reason="人数の間違い")
    assert undone.undo_reason == "人数の間違い"
    assert (await world.visit(hana, desk)).ok
    async with transaction(world.sessions) as session:
        entries = await audit.search(session, audit.Filter("perk"))
    undo = next(each for each in entries if each.action == "perk.undone")
    assert (undo.subject, undo.detail["reason"]) == (f"member:{hana}", "人数の間違い")


async def test_a_desk_takes_back_for_a_quarter_of_an_hour_and_the_office_later(
    world: World,
) -> None:
    hana, desk, museum = (
        await world.member("hana", 1),
        await world.desk(),
        await world.desk("museum"),
    )
    taken = (await world.visit(hana, desk)).redemption_id
    assert taken is not None
    with pytest.raises(NotAllowed):
        await world.perks.undo(taken, desk, reason="  ")
    with pytest.raises(NotAllowed):
        await world.perks.undo(taken, museum, reason="別の窓口")
    with pytest.raises(NotFound):
        await world.perks.undo(taken + 1, desk, reason="ない")
    world.pass_by(minutes=16)
    with pytest.raises(NotAllowed):
        await world.perks.undo(taken, desk, reason="遅すぎる")
    done = await world.perks.undo(taken, "staff", reason="申し出")
    assert done.undone_at == world.clock()
    again = await world.perks.undo(taken, "staff", reason="二度目")
    assert (again.undone_at, again.undo_reason) == (done.undone_at, "申し出")


async def test_a_request_repeated_after_it_was_taken_back_lets_nobody_in(world: World) -> None:
    hana, desk = await world.member("hana", 1), await world.desk()
    shown = await world.shown(hana)
    taken = (await world.scan(shown.text, desk, "one")).redemption_id
    assert taken is not None
    await world.perks.undo(taken, desk, reason="間違い")
    assert (await world.scan(shown.text, desk, "one")).reason is Reason.PASS_USED


async def test_a_pass_of_somebody_who_left_is_refused(world: World) -> None:
    hana, desk = await world.member("hana", 1), await world.desk()
    shown = await world.shown(hana)
    async with transaction(world.sessions) as session:
        await identity.forget(session, hana, now=world.clock())
    assert (await world.scan(shown.text, desk)).reason is Reason.UNKNOWN_PASS


async def test_a_pass_signed_before_the_keys_changed_is_still_good(
    world: World, tmp_path: Path
) -> None:
    file = tmp_path / "keys.json"
    world.again(keys=PassKeys.open(file, now=world.clock()))
    hana, desk = await world.member("hana", 1), await world.desk()
    shown = await world.shown(hana)
    world.again(keys=PassKeys.rotate(file, now=world.clock()))
    assert (await world.scan(shown.text, desk)).ok


async def test_a_request_id_of_another_pass_lets_nobody_in(world: World) -> None:
    hana, ken = await world.member("hana", 1), await world.member("ken", 2)
    desk = await world.desk()
    assert (await world.scan((await world.shown(hana)).text, desk, "one")).ok
    with pytest.raises(NotAllowed):
        await world.scan((await world.shown(ken)).text, desk, "one")
    assert len(await world.perks.redemptions()) == 1


async def test_who_asks_for_passes_without_end_gets_no_more_for_a_minute(world: World) -> None:
    hana = await world.member("hana", 1)
    for _ in range(100):
        await world.shown(hana)
    closed = await world.perks.issue(hana, "cave")
    assert isinstance(closed, Closed)
    assert closed.reason is Reason.TOO_MANY_TRIES
    world.pass_by(minutes=1)
    await world.shown(hana)
