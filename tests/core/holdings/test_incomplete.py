"""What the contract contradicts is not believed again because something else happened since."""

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
    states,
)
from core.testing import SetClock
from tests.core.holdings.fake import CARD, TICKET, ZERO, FakeChain, FakePage, transfer_log, wallet
from tests.core.holdings.test_reconcile import hidden

ALICE, BOB = wallet(0xA11CE), wallet(0xB0B)


@pytest.fixture
def index(chain: FakeChain, sessions: Sessions, clock: SetClock) -> OwnerIndex:
    return OwnerIndex(chain, sessions, [CARD, TICKET], clock)


@pytest.fixture
def reconciler(
    index: OwnerIndex, chain: FakeChain, sessions: Sessions, clock: SetClock
) -> Reconciler:
    return Reconciler(index, chain, sessions, clock)


@pytest.fixture
def holdings(
    index: OwnerIndex, chain: FakeChain, sessions: Sessions, clock: SetClock
) -> IndexedHoldings:
    return IndexedHoldings(index, chain, LiveHoldings(chain, [CARD]), sessions, clock)


@pytest.fixture
async def stopped(chain: FakeChain, index: OwnerIndex, reconciler: Reconciler) -> None:
    """Alice's card stands in no log, and Bob's does."""
    chain.mine(hidden(transfer_log(CARD.contract, ZERO, ALICE, 77)))
    chain.mine(transfer_log(CARD.contract, ZERO, BOB, 1))
    await index.turn()
    found = await reconciler.run(CARD, [ALICE], everybody=True)
    assert not found.mended


async def refuses(holdings: IndexedHoldings) -> None:
    for _ in range(2):
        with pytest.raises(ChainUnavailable):
            await holdings.read([ALICE], finality="finalized", collections=["card"])


@pytest.mark.usefixtures("stopped")
async def test_an_outage_does_not_make_an_incomplete_index_believed(
    chain: FakeChain,
    index: OwnerIndex,
    holdings: IndexedHoldings,
    sessions: Sessions,
    clock: SetClock,
) -> None:
    chain.away = True
    assert (await index.turn()).troubles["card"] is Trouble.UNREACHABLE
    async with transaction(sessions) as session:
        (state, _) = await states(session, [CARD, TICKET], now=clock())
    assert state.trouble is Trouble.INCOMPLETE, "staff still see what is the matter"
    chain.away = False
    chain.mine()
    await refuses(holdings)
    assert (await index.turn()).troubles == {"card": Trouble.INCOMPLETE}
    assert CARD not in await index.never_compared()


@pytest.mark.usefixtures("stopped")
async def test_a_worker_that_has_not_heard_of_it_does_not_make_it_believed(
    chain: FakeChain,
    holdings: IndexedHoldings,
    sessions: Sessions,
    clock: SetClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = (OwnerIndex(chain, sessions, [CARD, TICKET], clock) for _ in range(2))
    await second.reset()
    await second.turn()
    read = chain.logs

    async def compared_meanwhile(*asked: Any) -> FakePage:
        monkeypatch.undo()
        await Reconciler(second, chain, sessions, clock).run(CARD, [ALICE], everybody=True)
        return await read(*asked)

    monkeypatch.setattr(chain, "logs", compared_meanwhile)
    chain.mine()
    await first.turn()
    await refuses(holdings)


@pytest.mark.usefixtures("stopped")
async def test_a_comparison_of_some_wallets_does_not_make_it_believed(
    chain: FakeChain, index: OwnerIndex, reconciler: Reconciler, holdings: IndexedHoldings
) -> None:
    chain.mine()
    await index.turn()
    assert (await reconciler.run(CARD, [BOB], everybody=False)).differences == 0
    await refuses(holdings)


@pytest.mark.usefixtures("stopped")
async def test_a_comparison_of_everybody_that_differs_no_more_makes_it_believed(
    chain: FakeChain, index: OwnerIndex, reconciler: Reconciler, holdings: IndexedHoldings
) -> None:
    chain.mine(hidden(transfer_log(CARD.contract, ALICE, ZERO, 77)))
    await index.turn()
    assert (await reconciler.run(CARD, [ALICE], everybody=True)).mended
    held = await holdings.read([ALICE, BOB], finality="finalized", collections=["card"])
    assert [each.balance for each in held] == [0, 1]


@pytest.mark.usefixtures("stopped")
async def test_what_was_read_anew_is_believed_once_it_was_compared(
    chain: FakeChain, index: OwnerIndex, reconciler: Reconciler, holdings: IndexedHoldings
) -> None:
    chain.reorganise(100)
    for _ in range(4):
        chain.mine(hidden(transfer_log(CARD.contract, ZERO, ALICE, len(chain.blocks))))
    while (await index.turn()).behind:
        pass
    with pytest.raises(ChainUnavailable, match="differs"):
        await holdings.read([ALICE], finality="finalized", collections=["card"])
    assert CARD in await index.never_compared()
    chain.reorganise(100)
    for _ in range(6):
        chain.mine(transfer_log(CARD.contract, ZERO, ALICE, len(chain.blocks)))
    while (await index.turn()).behind:
        pass
    assert (await reconciler.run(CARD, [ALICE], everybody=True)).differences == 0
    (held,) = await holdings.read([ALICE], finality="finalized", collections=["card"])
    assert held.balance == 6
