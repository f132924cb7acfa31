"""Cards of which several are alike (ERC-1155): one number is many people's, so persons count."""

import pytest

from core.access.evidence import Evidence
from core.chain.values import Finality
from core.database import Sessions
from core.errors import NotFound
from core.holdings import Holding
from core.perks import Closed, Reason
from core.town import TownPack
from tests.core.perks.world import CARD, World, perk


class Editions:
    """Everybody holds one of the edition with number 1, and some a card of their own."""

    def __init__(self) -> None:
        self.listed = True
        self.own: dict[int, int] = {}

    async def of(self, member_id: int, *, finality: Finality) -> Evidence:  # noqa: ARG002
        edition = Holding(CARD, f"0x{member_id}", 1, 1, {1: 1} if self.listed else None)
        own = self.own.get(member_id)
        cards = (Holding("own", f"0x{member_id}", 1, 1, {own: 1}),) if own else ()
        return Evidence((edition, *cards))


def world_of(town: TownPack, lite: Sessions, counted_by: str) -> tuple[World, Editions]:
    card = town.collection(CARD)
    assert card is not None
    edition = card.model_copy(update={"standard": "ERC-1155"})
    town = town.model_copy(update={"collections": (edition,)})
    world = World(town, lite, perk(counted_by=counted_by))
    world.chain = Editions()  # type: ignore[assignment]
    world.again()
    return world, world.chain  # type: ignore[return-value]


@pytest.mark.parametrize("counted_by", ["token", "both", "person"])
@pytest.mark.parametrize("listed", [True, False])
async def test_holders_of_one_edition_each_have_their_own_uses(
    town: TownPack, lite: Sessions, counted_by: str, listed: bool
) -> None:
    world, chain = world_of(town, lite, counted_by)
    chain.listed = listed
    hana, ken, desk = await world.member("hana"), await world.member("ken"), await world.desk()
    assert (await world.visit(hana, desk)).ok
    closed = await world.perks.issue(hana, "cave")
    assert isinstance(closed, Closed)
    assert closed.reason is Reason.USED_UP
    assert (await world.visit(ken, desk)).ok
    assert {row.token for row in await world.perks.redemptions()} == {None}


async def test_an_editions_page_shows_no_count_that_it_does_not_have(
    town: TownPack, lite: Sessions
) -> None:
    world, _ = world_of(town, lite, "token")
    assert await world.perks.status_of_token(CARD, 1) == ()
    with pytest.raises(NotFound):
        await world.perks.status_of_token("unknown", 1)
