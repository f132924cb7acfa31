"""Which scan is the same scan: its number and its pass, at one desk, with and without signal."""

from datetime import timedelta

import pytest

from core.access.evidence import Evidence
from core.chain.values import Finality
from core.database import Sessions
from core.errors import NotAllowed
from core.perks import Reason, Scan, Source
from core.town import TownPack
from tests.core.perks.world import World, perk


@pytest.fixture
def world(town: TownPack, lite: Sessions) -> World:
    return World(town, lite, perk(uses=5))


async def test_one_pass_at_two_phones_of_one_desk_without_signal_is_one_use_and_a_conflict(
    world: World,
) -> None:
    hana, desk = await world.member("hana", 1), await world.desk()
    shown = await world.shown(hana, lifetime=timedelta(minutes=5))
    (first,) = await world.perks.sync(desk, [Scan("one-phone", world.clock(), shown.text)])
    world.pass_by(minutes=1)
    (second,) = await world.perks.sync(desk, [Scan("other-phone", world.clock(), shown.text)])
    assert (first.ok, second.ok, second.reason) == (True, False, Reason.PASS_USED)
    (conflict,) = await world.perks.conflicts()
    assert conflict.against is not None
    assert conflict.against.id == first.redemption_id


async def test_a_scan_whose_answer_was_lost_is_one_use_under_its_own_number(world: World) -> None:
    hana, desk = await world.member("hana", 1), await world.desk()
    shown = await world.shown(hana)
    booked = await world.scan(shown.text, desk, "lost")
    (synced,) = await world.perks.sync(desk, [Scan("lost", world.clock(), shown.text)])
    assert (synced.ok, synced.redemption_id) == (True, booked.redemption_id)
    assert await world.perks.conflicts() == []


async def test_a_pass_whose_use_was_taken_back_is_no_yes_when_it_is_sent_again(
    world: World,
) -> None:
    hana, desk = await world.member("hana", 1), await world.desk()
    scan = Scan("sent", world.clock(), (await world.shown(hana)).text)
    (taken,) = await world.perks.sync(desk, [scan])
    assert taken.redemption_id is not None
    await world.perks.undo(taken.redemption_id, desk, reason="まちがい")
    flagged = await world.perks.sync(desk, [scan])
    assert [(each.ok, each.reason) for each in flagged] == [(False, Reason.PASS_USED)]
    assert await world.perks.sync(desk, [scan]) == flagged
    (conflict,) = await world.perks.conflicts()
    await world.perks.resolve(conflict.id, by="staff", accept=True, reason="来ていました")
    rows = await world.perks.redemptions()
    assert [row.source for row in rows if row.undone_at is None] == [Source.GOODWILL]


async def test_a_second_pass_under_a_used_number_is_a_scan_of_its_own(world: World) -> None:
    hana, desk = await world.member("hana", 1), await world.desk()
    scans = [Scan("same", world.clock(), (await world.shown(hana)).text) for _ in range(2)]
    together = await world.perks.sync(desk, scans)
    assert [(each.client_id, each.ok) for each in together] == [("same", True)] * 2
    assert len({each.redemption_id for each in together}) == 2
    assert await world.perks.sync(desk, scans) == together
    assert len(await world.perks.redemptions()) == 2


async def test_a_second_pass_under_the_number_of_a_conflict_is_not_swallowed(
    world: World,
) -> None:
    hana, desk = await world.member("hana", 1), await world.desk()
    shown = await world.shown(hana)
    (flagged,) = await world.perks.sync(desk, [Scan("same", world.clock(), "K1.FORGED")])
    (taken,) = await world.perks.sync(desk, [Scan("same", world.clock(), shown.text)])
    assert (flagged.reason, taken.reason) == (Reason.UNREADABLE, Reason.OK)


@pytest.mark.parametrize("presented", ["K1.FORGED", "12345678", "garbage"])
async def test_what_staff_let_count_is_no_yes_for_another_text(
    world: World, presented: str
) -> None:
    hana, desk, other = (await world.member("hana", 1), await world.desk(), await world.desk())
    shown = await world.shown(hana)
    assert (await world.scan(shown.text, other)).ok
    (flagged,) = await world.perks.sync(desk, [Scan("flagged", world.clock(), shown.text)])
    assert flagged.conflict_id is not None
    await world.perks.resolve(flagged.conflict_id, by="staff", accept=True, reason="来ていました")
    assert not (await world.scan(presented, desk, "flagged")).ok


async def test_a_number_that_two_passes_have_at_the_same_moment_is_the_first_s(
    world: World,
) -> None:
    hana, desk = await world.member("hana", 1), await world.desk()
    first, second = await world.shown(hana), await world.shown(hana)
    read = world.chain.of

    async def overtaken(member_id: int, *, finality: Finality) -> Evidence:
        world.chain.of = read  # type: ignore[method-assign]
        assert (await world.scan(first.text, desk, "same")).ok
        return await read(member_id, finality=finality)

    world.chain.of = overtaken  # type: ignore[method-assign]
    with pytest.raises(NotAllowed):
        await world.scan(second.text, desk, "same")
    assert len(await world.perks.redemptions()) == 1


async def test_a_number_of_a_booked_scan_answers_for_no_other_text(world: World) -> None:
    hana, desk = await world.member("hana", 1), await world.desk()
    assert (await world.scan((await world.shown(hana)).text, desk, "mine")).ok
    with pytest.raises(NotAllowed):
        await world.scan("garbage", desk, "mine")
