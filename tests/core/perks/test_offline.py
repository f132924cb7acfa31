"""Without signal: verified by the page, taken in later, and nothing lost on the way."""

from datetime import date, timedelta

import pytest

from core import audit, identity
from core.database import Sessions, transaction
from core.errors import NotAllowed, NotFound
from core.perks import ConflictState, Kind, Reason, Scan, Source, passes
from core.town import TownPack
from tests.core.perks.world import KEYS, World, perk


async def scanned(world: World, member: int, number: int = 1, name: str = "cave") -> Scan:
    """A pass that a desk scans now, without signal."""
    shown = await world.shown(member, name)
    return Scan(f"scan-{number}", world.clock(), shown.text)


async def test_what_a_desk_took_without_signal_is_booked_when_it_was_taken(world: World) -> None:
    hana, desk = await world.member("hana", 1), await world.desk()
    scan = await scanned(world, hana)
    world.pass_by(hours=5)
    (synced,) = await world.perks.sync(desk, [scan])
    assert (synced.ok, synced.reason) == (True, Reason.OK)
    (row,) = await world.perks.redemptions(desk=desk)
    assert (row.at, row.source, row.value_yen) == (scan.scanned_at, Source.OFFLINE, 1300)


async def test_sending_again_books_nothing_again(world: World) -> None:
    hana, desk = await world.member("hana", 1), await world.desk()
    scan = await scanned(world, hana)
    first = await world.perks.sync(desk, [scan])
    assert await world.perks.sync(desk, [scan, scan]) == (first[0], first[0])
    assert len(await world.perks.redemptions()) == 1


async def test_two_scanners_without_signal_then_one_is_taken_and_one_flagged(
    town: TownPack, sessions: Sessions
) -> None:
    world = World(town, sessions)
    hana = await world.member("hana", 1)
    one, other = await world.desk(), await world.desk()
    early = await scanned(world, hana, 1)
    world.pass_by(minutes=20)
    late = await scanned(world, hana, 2)
    world.pass_by(hours=1)
    (second,) = await world.perks.sync(other, [late])
    (first,) = await world.perks.sync(one, [early])
    assert (second.ok, first.ok, first.reason) == (True, False, Reason.USED_UP)
    (conflict,) = await world.perks.conflicts()
    assert conflict.id == first.conflict_id
    assert (conflict.scanned_at, conflict.member) == (early.scanned_at, hana)
    assert conflict.against is not None
    assert (conflict.against.id, conflict.against.at) == (second.redemption_id, late.scanned_at)
    assert await world.perks.sync(one, [early]) == (first,)
    assert len(await world.perks.conflicts()) == 1


async def test_a_pass_taken_online_and_shown_to_a_desk_without_signal_is_flagged(
    world: World,
) -> None:
    hana, online, offline = (
        await world.member("hana", 1),
        await world.desk(),
        await world.desk(),
    )
    scan = await scanned(world, hana)
    assert (await world.scan(scan.text, online)).ok
    (synced,) = await world.perks.sync(offline, [scan])
    assert (synced.ok, synced.reason) == (False, Reason.PASS_USED)


async def test_a_card_sold_after_the_scan_was_still_the_sellers_when_scanned(
    world: World,
) -> None:
    hana, ken = await world.member("hana", 1), await world.member("ken")
    desk = await world.desk()
    scan = await scanned(world, hana)
    world.chain.give(ken, 1)
    (synced,) = await world.perks.sync(desk, [scan])
    assert synced.ok
    world.pass_by(minutes=5)
    closed = await world.perks.issue(ken, "cave")
    assert getattr(closed, "reason", None) is Reason.USED_UP


async def test_a_pass_given_out_in_an_outage_is_read_again_when_it_is_taken_in(
    world: World,
) -> None:
    hana, ken = await world.member("hana", 1), await world.member("ken")
    desk = await world.desk()
    await world.perks.catalogue(hana)
    world.pass_by(minutes=5)
    world.chain.away = True
    scan = await scanned(world, hana)
    world.chain.away = False
    world.chain.give(ken, 1)
    (synced,) = await world.perks.sync(desk, [scan])
    assert (synced.ok, synced.reason) == (False, Reason.NOT_ENTITLED)
    (conflict,) = await world.perks.conflicts()
    assert conflict.member == hana


@pytest.mark.parametrize(
    ("shift", "wait", "reason"),
    [
        pytest.param(-200, 0, Reason.NOT_ISSUED_THEN, id="before it was given out"),
        pytest.param(200, 0, Reason.NOT_ISSUED_THEN, id="after it had ended"),
        pytest.param(0, 73 * 3600, Reason.TOO_OLD, id="more than 72 hours ago"),
    ],
)
async def test_a_scan_whose_time_cannot_be_is_flagged(
    world: World, shift: int, wait: int, reason: Reason
) -> None:
    hana, desk = await world.member("hana", 1), await world.desk()
    shown = await world.shown(hana)
    scan = Scan("one", world.clock() + timedelta(seconds=shift), shown.text)
    world.pass_by(seconds=wait)
    (synced,) = await world.perks.sync(desk, [scan])
    assert (synced.ok, synced.reason) == (False, reason)
    assert [each.reason for each in await world.perks.conflicts()] == [reason]


async def test_a_desks_clock_may_be_two_minutes_off(world: World) -> None:
    hana, desk = await world.member("hana", 1), await world.desk()
    shown = await world.shown(hana)
    (synced,) = await world.perks.sync(
        desk, [Scan("one", world.clock() + timedelta(minutes=2), shown.text)]
    )
    assert synced.ok
    (row,) = await world.perks.redemptions()
    assert row.at == world.clock()  # no use lies in the future


async def test_a_text_that_is_no_pass_is_kept_for_staff_too(world: World) -> None:
    desk = await world.desk()
    synced = await world.perks.sync(
        desk, [Scan("a", world.clock(), "K1.FORGED"), Scan("b", world.clock(), "x" * 100_000)]
    )
    assert [each.reason for each in synced] == [Reason.UNREADABLE] * 2
    conflicts = await world.perks.conflicts()
    assert [(each.perk, each.member) for each in conflicts] == [(None, None)] * 2
    with pytest.raises(NotAllowed):
        await world.perks.resolve(conflicts[0].id, by="staff", accept=True, reason="はい")
    done = await world.perks.resolve(conflicts[0].id, by="staff", accept=False, reason="偽物")
    assert done.state is ConflictState.REJECTED


async def test_a_pass_of_somebody_who_left_since_is_flagged_with_its_perk(world: World) -> None:
    hana, desk = await world.member("hana", 1), await world.desk()
    scan = await scanned(world, hana)
    async with transaction(world.sessions) as session:
        await identity.forget(session, hana, now=world.clock())
    (synced,) = await world.perks.sync(desk, [scan])
    assert (synced.reason, synced.perk) == (Reason.UNKNOWN_PASS, "cave")


async def test_coming_in_again_without_signal_takes_no_use(town: TownPack, lite: Sessions) -> None:
    world = World(town, lite, perk(reentry_minutes=60))
    hana, desk = await world.member("hana", 1), await world.desk()
    first, again = await scanned(world, hana, 1), await scanned(world, hana, 2)
    synced = await world.perks.sync(desk, [again, first])
    assert [each.reason for each in synced] in (
        [Reason.REENTRY, Reason.OK],
        [Reason.OK, Reason.REENTRY],
    )
    assert {each.kind for each in await world.perks.redemptions()} == {Kind.USE, Kind.REENTRY}


async def test_too_many_scans_at_once_are_refused_whole(world: World) -> None:
    desk = await world.desk()
    scans = [Scan(f"s{each}", world.clock(), "x") for each in range(501)]
    with pytest.raises(NotAllowed):
        await world.perks.sync(desk, scans)
    with pytest.raises(NotAllowed):
        await world.perks.sync(desk, [Scan("", world.clock(), "x")])
    assert await world.perks.conflicts() == []


@pytest.mark.parametrize("accept", [True, False])
async def test_staff_decide_a_conflict_once_and_goodwill_is_paid(
    world: World, accept: bool
) -> None:
    hana, desk = await world.member("hana", 1), await world.desk()
    assert (await world.visit(hana, desk)).ok
    other = await world.desk()
    world.again(perk(uses=2))
    scan = await scanned(world, hana)
    world.again(perk(uses=1))
    (synced,) = await world.perks.sync(other, [scan])
    assert synced.conflict_id is not None
    settled = await world.perks.settlement(world.clock().date(), "akiyoshido")
    assert (settled.total_yen, settled.open_conflicts) == (1300, 1)
    with pytest.raises(NotAllowed):
        await world.perks.resolve(synced.conflict_id, by="staff", accept=accept, reason=" ")
    with pytest.raises(NotFound):
        await world.perks.resolve(99, by="staff", accept=accept, reason="はい")
    for say in (accept, not accept):
        done = await world.perks.resolve(
            synced.conflict_id, by="staff", accept=say, reason="電波がなかった"
        )
    assert done.state is (ConflictState.ACCEPTED if accept else ConflictState.REJECTED)
    settled = await world.perks.settlement(world.clock().date(), "akiyoshido")
    assert (settled.total_yen, settled.open_conflicts) == (2600 if accept else 1300, 0)
    assert await world.perks.sync(other, [scan]) == (synced,)
    async with transaction(world.sessions) as session:
        log = await audit.search(session, audit.Filter("perk"))
    decided = [each for each in log if each.action.startswith("perk.conflict-")]
    assert len(decided) == 1
    assert decided[0].detail["words"] == "電波がなかった"


async def test_the_kit_has_what_a_page_needs_and_no_secret(town: TownPack, lite: Sessions) -> None:
    closed = perk("bath", facilities=["museum"])
    world = World(town, lite, perk(valid_until=date(2027, 3, 31)), closed)
    hana, desk = await world.member("hana", 1), await world.desk()
    shown = await world.shown(hana)
    await world.scan(shown.text, desk)
    kit = await world.perks.offline_kit(desk)
    assert [each.name for each in kit.perks] == ["cave"]
    content = passes.read(shown.text, KEYS, expected_town=kit.town)
    assert isinstance(content, passes.Content)
    assert kit.perks[0].mark == content.mark.hex()
    assert kit.taken == (content.nonce.hex(),)
    assert all("d" not in key for key in kit.keys.values())
    assert (kit.skew_seconds, kit.max_age_hours) == (120, 72)
