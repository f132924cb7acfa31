"""What staff are told of the chains: sentences with a next step, in figures that are so."""

from datetime import timedelta

from core.database import transaction
from core.holdings import OwnerIndex, Reconciler
from core.tables import ContractRow
from tests.bots.web.stage import World
from tests.bots.web.test_console import enter
from tests.core.holdings.fake import ZERO, FakeChain, transfer_log, wallet

PAGE = "/console/chain"


async def read(world: World, chain: FakeChain) -> OwnerIndex:
    index = OwnerIndex(chain, world.app.sessions, world.app.town.collections, world.clock)
    await index.turn(pages=1)
    return index


def minted(world: World, count: int) -> FakeChain:
    (card,) = world.app.town.collections
    chain = FakeChain()
    for token in range(count):
        chain.mine(transfer_log(card.contract, ZERO, wallet(0x100 + token % 7), token))
    return chain


async def test_only_staff_see_the_page(world: World) -> None:
    async with world.visitor() as visitor:
        assert (await visitor.get(PAGE)).status == 403


async def test_before_anything_is_read_the_page_says_so_and_what_is_missing(world: World) -> None:
    async with world.visitor() as hana:
        await enter(world, hana)
        seen = await hana.get(PAGE)
        assert "Reading has not begun." in seen.text
        assert "has no endpoint. Write one in KANKEI_CHAIN_ENDPOINTS" in seen.text


async def test_an_index_at_the_head_shows_tokens_owners_and_the_comparison(world: World) -> None:
    chain = minted(world, 1_234)
    index = await read(world, chain)
    await index.turn()
    (card,) = world.app.town.collections
    reconciler = Reconciler(index, chain, world.app.sessions, world.clock)
    await reconciler.run(card, [], everybody=True)
    async with world.visitor() as hana:
        await enter(world, hana)
        seen = await hana.get(PAGE)
    assert "Up to date" in seen.text
    assert seen.text.count("<dd>1,234</dd>") == 2, "tokens and transfers"
    assert "<dd>7</dd>" in seen.text
    assert "7 owners, no difference." in seen.text


async def test_an_index_on_its_way_shows_how_far_it_is(world: World) -> None:
    chain = minted(world, 90)
    chain.page = 30
    await read(world, chain)
    async with world.visitor() as hana:
        await enter(world, hana)
        seen = await hana.get(PAGE)
    assert "Until then rooms open by balances" in seen.text
    assert '<progress max="' in seen.text


async def test_an_outage_and_a_fault_are_told_with_what_to_do(world: World) -> None:
    chain = minted(world, 3)
    index = await read(world, chain)
    chain.away = True
    await index.turn()
    world.clock.advance(timedelta(hours=1))
    async with world.visitor() as hana:
        await enter(world, hana)
        assert "All rooms stay as they are." in (await hana.get(PAGE)).text
        async with transaction(world.app.sessions) as session:
            row = await session.get_one(ContractRow, 1)
            row.trouble, row.detail = "overdrawn", "<b>more was handed on"
        seen = await hana.get(PAGE)
        assert "choose another endpoint, then read anew with kankei index --reset" in seen.text
        assert "&lt;b&gt;more was handed on" in seen.text
