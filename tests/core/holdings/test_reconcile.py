"""The index is compared with the contracts, mended, or not believed."""

from typing import Any

import pytest

from core.database import Sessions, transaction
from core.errors import ChainUnavailable
from core.holdings import (
    IndexedHoldings,
    LiveHoldings,
    OwnerIndex,
    Reconciler,
    Trouble,
    owners_at,
    states,
)
from core.testing import SetClock
from tests.core.holdings.fake import (
    CARD,
    TICKET,
    ZERO,
    FakeChain,
    single_log,
    transfer_log,
    wallet,
)
from tests.core.holdings.test_index import owners

ALICE, BOB, CAROL = wallet(0xA11CE), wallet(0xB0B), wallet(0xCA201)


def hidden(log: dict[str, Any]) -> dict[str, Any]:
    """It happened, and the endpoint leaves it out of its answers."""
    return {**log, "hidden": True}


@pytest.fixture
def index(chain: FakeChain, sessions: Sessions, clock: SetClock) -> OwnerIndex:
    return OwnerIndex(chain, sessions, [CARD, TICKET], clock)


@pytest.fixture
def reconciler(
    index: OwnerIndex, chain: FakeChain, sessions: Sessions, clock: SetClock
) -> Reconciler:
    return Reconciler(index, chain, sessions, clock)


async def test_where_nothing_differs_nothing_changes(
    chain: FakeChain, index: OwnerIndex, reconciler: Reconciler, sessions: Sessions
) -> None:
    chain.mine(transfer_log(CARD.contract, ZERO, ALICE, 1))
    await index.turn()
    found = await reconciler.run(CARD, [BOB], everybody=True)
    assert (found.owners, found.differences, found.mended) == (2, 0, True)
    assert await owners(sessions) == {(ALICE, 1): 1}
    assert await index.never_compared() == (TICKET,)


async def test_a_transfer_that_the_endpoint_left_out_is_mended_and_told(
    chain: FakeChain, index: OwnerIndex, reconciler: Reconciler, sessions: Sessions
) -> None:
    chain.mine(*(transfer_log(CARD.contract, ZERO, ALICE, token) for token in (1, 2, 3)))
    chain.mine(hidden(transfer_log(CARD.contract, ALICE, BOB, 1)))
    chain.mine(hidden(transfer_log(CARD.contract, ALICE, ZERO, 2)))
    await index.turn()
    await index.acted_upon(await index.changes())
    found = await reconciler.run(CARD, [], everybody=True)
    assert (found.differences, found.mended) == (2, True)
    assert await owners(sessions) == {(BOB, 1): 1, (ALICE, 3): 1}
    assert (await index.changes()).owners == {ALICE, BOB}
    after_a_crash = OwnerIndex(chain, sessions, [CARD, TICKET], SetClock())
    assert (await after_a_crash.changes()).owners == {ALICE, BOB}
    async with transaction(sessions) as session:
        assert await owners_at(session, CARD, found.block) == {BOB: {1: 1}, ALICE: {3: 1}}
    again = await reconciler.run(CARD, [], everybody=True)
    assert again.differences == 0


async def test_amounts_that_differ_are_mended_and_the_index_goes_on_from_them(
    chain: FakeChain, index: OwnerIndex, reconciler: Reconciler, sessions: Sessions
) -> None:
    chain.mine(single_log(TICKET.contract, ZERO, ALICE, 1, 10))
    chain.mine(hidden(single_log(TICKET.contract, ALICE, BOB, 1, 4)))
    await index.turn()
    found = await reconciler.run(TICKET, [BOB], everybody=True)
    assert found.differences == 2
    chain.mine(single_log(TICKET.contract, BOB, CAROL, 1, 4))
    await index.turn()
    assert await owners(sessions, TICKET) == {(ALICE, 1): 6, (CAROL, 1): 4}


async def test_what_reading_cannot_mend_closes_no_room_until_it_is_read_anew(
    chain: FakeChain,
    index: OwnerIndex,
    reconciler: Reconciler,
    sessions: Sessions,
    clock: SetClock,
) -> None:
    chain.mine(hidden(transfer_log(CARD.contract, ZERO, ALICE, 77)))
    await index.turn()
    holdings = IndexedHoldings(index, chain, LiveHoldings(chain, [CARD]), sessions, clock)
    with pytest.raises(ChainUnavailable, match="differs"):  # never compared, so looked at once more
        await holdings.read([ALICE], finality="finalized", collections=["card"])
    found = await reconciler.run(CARD, [ALICE], everybody=False)
    assert (found.differences, found.mended) == (1, False)
    chain.mine()
    assert (await index.turn()).troubles == {"card": Trouble.INCOMPLETE}
    with pytest.raises(ChainUnavailable):
        await holdings.read([ALICE], finality="finalized", collections=["card"])
    (held,) = await holdings.read([ALICE], finality="latest", collections=["card"])
    assert (held.balance, held.tokens) == (1, None), "the door still opens, by a live balance"

    chain.blocks[1].logs[0]["hidden"] = False
    await index.reset()
    await index.turn()
    (held,) = await holdings.read([ALICE], finality="finalized", collections=["card"])
    assert held.tokens == {77: 1}


async def test_a_reorganisation_takes_a_correction_back_with_its_block(
    chain: FakeChain, index: OwnerIndex, reconciler: Reconciler, sessions: Sessions
) -> None:
    chain.mine(transfer_log(CARD.contract, ZERO, ALICE, 1))
    await index.turn()
    chain.mine(hidden(transfer_log(CARD.contract, ALICE, BOB, 1)))
    await index.turn()
    await reconciler.run(CARD, [], everybody=True)
    assert await owners(sessions) == {(BOB, 1): 1}
    chain.reorganise(1)
    chain.mine()
    chain.mine()
    while (await index.turn()).behind:
        pass
    assert await owners(sessions) == {(ALICE, 1): 1}


async def test_twenty_thousand_holders_are_compared_in_forty_calls(
    chain: FakeChain, index: OwnerIndex, reconciler: Reconciler
) -> None:
    chain.mine(
        *(
            transfer_log(CARD.contract, ZERO, wallet(0x10000 + number), number)
            for number in range(20_000)
        )
    )
    await index.turn()
    found = await reconciler.run(CARD, [], everybody=True)
    assert (found.owners, found.differences) == (20_000, 0)
    assert chain.calls <= 40


async def test_an_index_that_is_behind_is_not_compared(
    chain: FakeChain, index: OwnerIndex, reconciler: Reconciler
) -> None:
    chain.page = 1
    for _ in range(30):
        chain.mine()
    await index.turn(pages=1)
    with pytest.raises(ChainUnavailable):
        await reconciler.run(CARD, [], everybody=True)


async def test_the_state_says_when_it_was_compared(
    index: OwnerIndex,
    reconciler: Reconciler,
    sessions: Sessions,
    clock: SetClock,
) -> None:
    await index.turn()
    await reconciler.run(CARD, [ALICE], everybody=True)
    async with transaction(sessions) as session:
        (state, other) = await states(session, [CARD, TICKET], now=clock())
    assert (state.reconciled_at, state.reconciled_owners, state.differences) == (clock(), 1, 0)
    assert other.reconciled_at is None
