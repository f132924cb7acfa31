"""Eight digits for a broken camera: typed as people type, bound to one pass, hard to guess."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.database import Sessions, transaction
from core.perks import Reason, codes
from core.tables import PassRow
from core.town import TownPack
from tests.core.perks.world import World, perk


@given(st.integers(0, 7), st.integers(1, 9))
def test_one_wrong_digit_is_noticed(place: int, by: int) -> None:
    code = codes.new_code()
    wrong = code[:place] + str((int(code[place]) + by) % 10) + code[place + 1 :]
    assert codes.normalise(code) == code
    assert codes.normalise(wrong) is None


@given(st.integers(0, 6))
def test_two_neighbours_swapped_are_noticed(place: int) -> None:
    code = codes.new_code()
    swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    assert codes.normalise(swapped) == (code if swapped == code else None)


@pytest.mark.parametrize("how", ["{0}-{1}", "{0} {1}", "{0}ー{1}", " {0}{1} "])
def test_a_code_is_read_as_clerks_type_it(how: str) -> None:
    code = codes.new_code()
    wide = code.translate(str.maketrans("0123456789", "０１２３４５６７８９"))
    for each in (code, wide):
        assert codes.normalise(how.format(each[:4], each[4:])) == code


async def test_a_code_stands_for_its_pass_for_two_minutes(world: World) -> None:
    hana, desk = await world.member("hana", 1), await world.desk()
    shown = await world.shown(hana, code=True)
    assert shown.code is not None
    world.pass_by(seconds=119)
    taken = await world.scan(shown.code, desk)
    assert (taken.ok, taken.reason) == (True, Reason.OK)
    again = await world.scan(shown.code, desk)
    assert again.reason is Reason.PASS_USED


async def test_a_code_after_its_time_is_wrong(world: World) -> None:
    hana, desk = await world.member("hana", 1), await world.desk()
    shown = await world.shown(hana, code=True)
    assert shown.code is not None
    world.pass_by(seconds=121)
    assert (await world.scan(shown.code, desk)).reason is Reason.WRONG_CODE


async def test_a_pass_shown_without_a_code_has_none_and_no_code_is_kept(world: World) -> None:
    hana = await world.member("hana", 1)
    assert (await world.shown(hana)).code is None
    shown = await world.shown(hana, code=True)
    async with transaction(world.sessions) as session:
        kept = (await session.scalars(PassRow.__table__.select())).all()
        digests = [
            row.code_digest for row in [await session.get(PassRow, nonce) for nonce in kept] if row
        ]
    assert len(digests) == 2
    assert shown.code is not None
    assert not any(shown.code in each for each in digests if each)


async def test_wrong_codes_make_the_desk_wait_also_after_a_restart(world: World) -> None:
    hana, desk = await world.member("hana", 1), await world.desk()
    for _ in range(5):
        assert (await world.scan(codes.new_code(), desk)).reason is Reason.WRONG_CODE
    shown = await world.shown(hana, code=True)
    assert shown.code is not None
    world.again()
    locked = await world.scan(shown.code, desk)
    assert locked.reason is Reason.TOO_MANY_TRIES
    assert locked.next_at == world.clock() + timedelta(minutes=1)
    assert (await world.scan(shown.text, desk)).ok  # the camera goes on


async def test_after_the_wait_a_right_code_is_taken_and_the_next_wrong_one_waits_longer(
    world: World,
) -> None:
    hana, desk = await world.member("hana", 1), await world.desk()
    for _ in range(5):
        await world.scan(codes.new_code(), desk)
    world.pass_by(seconds=61)
    shown = await world.shown(hana, code=True)
    assert shown.code is not None
    assert (await world.scan(shown.code, desk)).ok
    assert (await world.scan(codes.new_code(), desk)).reason is Reason.WRONG_CODE
    locked = await world.scan(codes.new_code(), desk)
    assert locked.reason is Reason.TOO_MANY_TRIES
    assert locked.next_at == world.clock() + timedelta(minutes=2)


@pytest.mark.parametrize("hit", ["check", "redeem"])
async def test_right_codes_between_wrong_ones_buy_no_more_tries(
    town: TownPack, lite: Sessions, hit: str
) -> None:
    world = World(town, lite, perk(unlimited=True))
    hana, desk = await world.member("hana", 1), await world.desk()
    said: list[Reason] = []
    for _ in range(3):
        said += [(await world.perks.check(codes.new_code(), desk)).reason for _ in range(4)]
        code = (await world.shown(hana, code=True)).code or ""
        if hit == "check":
            await world.perks.check(code, desk)
        else:
            await world.scan(code, desk)
    assert said == [Reason.WRONG_CODE] * 5 + [Reason.TOO_MANY_TRIES] * 7


async def test_a_clerk_who_mistypes_now_and_then_never_waits(world: World) -> None:
    desk = await world.desk()
    for _ in range(30):
        assert (await world.scan(codes.new_code(), desk)).reason is Reason.WRONG_CODE
        world.pass_by(minutes=12)


async def test_somebody_who_guesses_for_hours_gets_a_dozen_codes_an_hour_at_most(
    world: World,
) -> None:
    desk = await world.desk()
    guessed = 0
    for _ in range(6 * 60):
        guessed += (await world.scan(codes.new_code(), desk)).reason is Reason.WRONG_CODE
        world.pass_by(minutes=1)
    assert guessed <= 6 * 12
