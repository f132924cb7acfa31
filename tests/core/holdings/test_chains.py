"""The index on real chains: the embedded EVM, and anvil with its late finality."""

from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest
from eth_account import Account

from bots.demo.chain import CHAIN_ID, CONTRACT, EmbeddedChain
from core.chain.client import Chains, JsonRpcChain
from core.clock import system_clock
from core.database import Sessions, transaction
from core.holdings import (
    IndexedHoldings,
    LiveHoldings,
    OwnerIndex,
    Reconciler,
    StoredPages,
    concentration,
    states,
)
from core.town import Chain, Collection
from tests.core.holdings.fake import CARD, TICKET, wallet
from tests.world.chains import Anvil, anvil, call_data

HANA = Account.from_key("0x" + "7" * 64)
ANVIL = 31337


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


class Follower:
    """A town's index of one chain, and what access would ask of it."""

    def __init__(self, chain: JsonRpcChain, sessions: Sessions, *asked: Collection) -> None:
        self.chains = Chains({chain.chain.id: chain})
        self.sessions = sessions
        self.index = OwnerIndex(self.chains, sessions, asked, system_clock)
        live = LiveHoldings(self.chains, asked)
        self.holdings = IndexedHoldings(self.index, self.chains, live, sessions, system_clock)
        self.reconciler = Reconciler(self.index, self.chains, sessions, system_clock)

    async def catch_up(self) -> None:
        while (turn := await self.index.turn()).behind:
            assert not turn.troubles
        assert not turn.troubles

    async def tokens(self, owner: str, finality: str) -> dict[int, int]:
        assert finality in {"latest", "finalized"}
        (held,) = await self.holdings.read([owner], finality=finality)  # type: ignore[arg-type]
        assert held.tokens is not None
        return dict(held.tokens)


def follower(
    url: str, client: aiohttp.ClientSession, sessions: Sessions, *asked: Collection
) -> Follower:
    chain = Chain(id=asked[0].chain_id, name="local")
    return Follower(JsonRpcChain(chain, [url], client), sessions, *asked)


def on(chain: Anvil, make: Callable[[Anvil], str], sample: Collection) -> Collection:
    return sample.model_copy(
        update={"chain_id": ANVIL, "contract": make(chain), "first_block": None}
    )


async def test_the_embedded_chain_is_followed_card_by_card(
    client: aiohttp.ClientSession, lite: Sessions
) -> None:
    evm = EmbeddedChain()
    cards = CARD.model_copy(
        update={"chain_id": CHAIN_ID, "contract": CONTRACT, "first_block": None}
    )
    town = follower(await evm.serve(), client, lite, cards)
    card = evm.mint(HANA.address)
    await town.catch_up()
    assert await town.tokens(HANA.address, "finalized") == {card: 1}
    second = evm.mint(HANA.address)
    assert await town.tokens(HANA.address, "latest") == {card: 1, second: 1}
    evm.transfer("0x" + "7" * 64, wallet(5), card)
    assert await town.tokens(HANA.address, "finalized") == {second: 1}
    found = await town.reconciler.run(cards, [HANA.address], everybody=True)
    assert (found.owners, found.differences) == (2, 0)
    await evm.close()


async def test_finality_is_waited_for_and_a_reorganisation_followed(
    client: aiohttp.ClientSession, lite: Sessions
) -> None:
    with anvil() as chain:
        cards = on(chain, lambda each: each.deploy("collection721", ["bool"], [False]), CARD)
        chain.do(cards.contract, "mint(address,uint256)", HANA.address, 1)
        chain.finalize()
        town = follower(chain.url, client, lite, cards)
        await town.catch_up()
        chain.do(
            cards.contract, "transferFrom(address,address,uint256)", HANA.address, wallet(5), 1
        )
        assert await town.tokens(HANA.address, "latest") == {}
        assert await town.tokens(HANA.address, "finalized") == {1: 1}

        chain.ask("anvil_reorg", 3, [])
        assert await town.tokens(HANA.address, "latest") == {1: 1}

        chain.do(
            cards.contract, "transferFrom(address,address,uint256)", HANA.address, wallet(5), 1
        )
        chain.finalize()
        assert await town.tokens(HANA.address, "finalized") == {}
        assert (await town.index.changes()).owners == {HANA.address, wallet(5)}


async def test_a_finalized_block_that_was_reorganised_after_all_is_rolled_back(
    client: aiohttp.ClientSession, lite: Sessions
) -> None:
    with anvil() as chain:
        cards = on(chain, lambda each: each.deploy("collection721", ["bool"], [False]), CARD)
        chain.finalize()
        town = follower(chain.url, client, lite, cards)
        await town.catch_up()
        chain.do(cards.contract, "mint(address,uint256)", HANA.address, 2)
        chain.finalize()
        await town.catch_up()
        assert await town.tokens(HANA.address, "finalized") == {1: 1, 2: 1}

        chain.ask("anvil_reorg", 70, [])
        chain.mine(20)
        turn = await town.index.turn()
        assert turn.rolled_back == 1
        await town.catch_up()
        assert await town.tokens(HANA.address, "finalized") == {}


async def test_two_thousand_mints_in_three_hundred_and_fifty_hands(
    client: aiohttp.ClientSession, lite: Sessions
) -> None:
    with anvil() as chain:
        for _ in range(30):
            chain.mine(7)
        cards = on(chain, lambda each: each.deploy("collection721", ["bool"], [False]), CARD)
        people = [wallet(0x1000 + number * number % 350) for number in range(2_000)]
        people[:350] = [wallet(0x1000 + number) for number in range(350)]
        calls = [
            call_data("mintEach(address[])", people[start : start + 100])
            for start in range(0, 2_000, 100)
        ]
        chain.batch(cards.contract, calls, blocks=20)
        chain.finalize()
        town = follower(chain.url, client, lite, cards)
        await town.catch_up()
        async with transaction(lite) as session:
            (state,) = await states(session, [cards], now=system_clock())
            found = await concentration(session, [cards])
        assert state.first_block > 200, "its beginning was found"
        assert (state.tokens, state.holders, state.transfers) == (2_000, 350, 2_000)
        assert (found.tokens, found.holders) == (2_000, 350)
        compared = await town.reconciler.run(cards, [], everybody=True)
        assert (compared.owners, compared.differences) == (350, 0)


async def test_batches_of_an_erc1155_are_followed(
    client: aiohttp.ClientSession, lite: Sessions
) -> None:
    with anvil() as chain:
        tickets = on(
            chain,
            lambda each: each.deploy("collection1155", ["string"], ["https://x/{id}"]),
            TICKET,
        )
        move = "moveBatch(address,address,uint256[],uint256[])"
        chain.do(tickets.contract, move, wallet(0), HANA.address, [1, 9], [5, 2])
        chain.finalize()
        town = follower(chain.url, client, lite, tickets)
        await town.catch_up()
        found = await town.reconciler.run(tickets, [wallet(5)], everybody=True)
        assert (found.owners, found.differences) == (2, 0)
        assert await town.tokens(HANA.address, "finalized") == {1: 5, 9: 2}


async def test_what_was_learnt_about_an_endpoint_is_kept_for_the_next_start(
    sessions: Sessions,
) -> None:
    pages = StoredPages(sessions, system_clock)
    pages.set("a" * 64, 2_000)
    await pages.save()
    pages.set("a" * 64, 50)
    await pages.save()
    again = StoredPages(sessions, system_clock)
    await again.load()
    assert (again.get("a" * 64), again.get("b" * 64)) == (50, None)
