"""Perks on the real reader of evidence: wallets, cards by number, other proofs, and gaps."""

from functools import partial

from core import identity
from core.access import KeptTraits, MemberEvidence, decide
from core.database import Sessions, transaction
from core.perks import Closed, Perks, Reason, Source
from core.testing import FakeHoldings
from core.town import TownPack
from tests.core.perks.world import CARD, KEYS, World, perk

HANA = "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"
KEN = "0x2B5AD5c4795c026514f8317c7a215E218DcCD6cF"


def on_real_evidence(world: World) -> FakeHoldings:
    """The world's perks, reading wallets and holdings as a running town does."""
    holdings = FakeHoldings("nothing-here")
    traits = KeptTraits(world.sessions, None, world.clock)
    world.perks = Perks(
        world.town,
        world.sessions,
        MemberEvidence(world.town, world.sessions, holdings, traits, world.clock),
        partial(decide, town=world.town),
        KEYS,
        world.clock,
        secret="a secret of the tests",
    )
    return holdings


async def holder(world: World, name: str, wallet: str) -> int:
    member = await world.member(name)
    async with transaction(world.sessions) as session:
        await identity.link_wallet(session, member, wallet, 1, now=world.clock())
    return member


async def test_a_card_in_a_linked_wallet_is_used_sold_and_used_up(
    town: TownPack, lite: Sessions
) -> None:
    world = World(town, lite, perk(uses=2))
    holdings = on_real_evidence(world)
    hana, ken = await holder(world, "hana", HANA), await holder(world, "ken", KEN)
    desk = await world.desk()
    holdings.give_tokens(HANA, CARD, {7: 1})
    spare = await world.shown(hana)
    assert (await world.visit(hana, desk)).ok
    holdings.give_tokens(HANA, CARD, {})
    holdings.give_tokens(KEN, CARD, {7: 1})
    assert (await world.scan(spare.text, desk)).reason is Reason.NOT_ENTITLED
    assert (await world.visit(ken, desk)).left == 0
    world.pass_by(minutes=5)
    closed = await world.perks.issue(ken, "cave")
    assert isinstance(closed, Closed)
    assert closed.reason is Reason.USED_UP


async def test_an_outage_of_the_chain_goes_by_the_last_reading(
    town: TownPack, lite: Sessions
) -> None:
    world = World(town, lite)
    holdings = on_real_evidence(world)
    hana, desk = await holder(world, "hana", HANA), await world.desk()
    holdings.give_tokens(HANA, CARD, {7: 1})
    shown = await world.shown(hana)
    holdings.away = {CARD}
    taken = await world.scan(shown.text, desk)
    assert (taken.ok, taken.source, taken.left) == (True, Source.LAST_KNOWN, 0)
    (row,) = await world.perks.redemptions()
    assert row.token == f"{CARD}:7"


async def test_who_has_no_wallet_and_no_proof_is_refused_even_in_an_outage(
    town: TownPack, lite: Sessions
) -> None:
    world = World(town, lite)
    holdings = on_real_evidence(world)
    holdings.away = {CARD}
    stranger = await world.member("stranger")
    closed = await world.perks.issue(stranger, "cave")
    assert isinstance(closed, Closed)
    assert closed.reason is Reason.NOT_ENTITLED
