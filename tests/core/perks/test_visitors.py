"""A perk without a gate: for anybody with a browser, or for whom a chat knows."""

import pytest
from pydantic import ValidationError

from core.database import Sessions
from core.perks import Closed, Reason, Scan
from core.town import TownPack
from tests.core.perks.world import World, perk


async def test_a_coupon_for_whom_a_chat_knows_is_not_given_to_one_browser_after_another(
    town: TownPack, lite: Sessions
) -> None:
    world = World(town, lite, perk(gate=None, counted_by="person", visitors="chat"))
    desk = await world.desk()
    for each in range(3):
        browser = await world.member(f"browser-{each}", platform="web")
        closed = await world.perks.issue(browser, "cave")
        assert isinstance(closed, Closed)
        assert closed.reason is Reason.CHAT_ONLY
        (offer,) = await world.perks.catalogue(browser)
        assert (offer.open, offer.reason) == (False, Reason.CHAT_ONLY)
    hana = await world.member("hana")
    assert (await world.visit(hana, desk)).ok
    assert (await world.visit(await world.member("ken", platform="discord"), desk)).ok


async def test_a_pass_shown_before_the_pack_asked_for_a_chat_is_refused_at_the_window(
    town: TownPack, lite: Sessions
) -> None:
    world = World(town, lite, perk(gate=None, counted_by="person"))
    browser, desk = await world.member("browser", platform="web"), await world.desk()
    shown, spare = await world.shown(browser), await world.shown(browser)
    world.again(perk(gate=None, counted_by="person", visitors="chat"))
    assert (await world.scan(shown.text, desk)).reason is Reason.CHAT_ONLY
    (synced,) = await world.perks.sync(desk, [Scan("one", world.clock(), spare.text)])
    assert synced.ok  # it was good when it was given out


def test_who_may_come_without_a_gate_is_asked_of_perks_without_one_only() -> None:
    with pytest.raises(ValidationError, match="visitors"):
        perk(visitors="chat")
