"""The index of owners follows the finalized chain, whatever happens to it or to us."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from core.database import Sessions, transaction
from core.errors import ChainUnavailable
from core.holdings import (
    Holding,
    IndexedHoldings,
    LiveHoldings,
    OwnerIndex,
    Reconciler,
    Trouble,
    states,
    transfers,
)
from core.tables import BalanceRow, ContractRow, TransferRow
from core.testing import SetClock
from core.town import Collection
from tests.core.holdings.fake import (
    CARD,
    TICKET,
    ZERO,
    FakeChain,
    batch_log,
    collection,
    run_log,
    single_log,
    transfer_log,
    wallet,
)

ALICE, BOB, CAROL = wallet(0xA11CE), wallet(0xB0B), wallet(0xCA201)
HUGE = 2**256 - 1


def card(sender: str, receiver: str, token: int) -> dict[str, object]:
    return transfer_log(CARD.contract, sender, receiver, token)


async def owners(sessions: Sessions, asked: Collection = CARD) -> dict[tuple[str, int], int]:
    """What the index has stored, in the form of the model."""
    async with sessions() as session:
        rows = await session.execute(
            select(BalanceRow.owner, BalanceRow.token, BalanceRow.amount)
            .join(ContractRow, ContractRow.id == BalanceRow.contract_id)
            .where(ContractRow.address == bytes.fromhex(asked.contract[2:]))
        )
        return {
            (wallet(int.from_bytes(owner)), int.from_bytes(token)): int.from_bytes(amount)
            for owner, token, amount in rows
        }


@pytest.fixture
def index(chain: FakeChain, sessions: Sessions, clock: SetClock) -> OwnerIndex:
    return OwnerIndex(chain, sessions, [CARD, TICKET], clock)


@pytest.fixture
def holdings(
    index: OwnerIndex, chain: FakeChain, sessions: Sessions, clock: SetClock
) -> IndexedHoldings:
    live = LiveHoldings(chain, index.collections)
    return IndexedHoldings(index, chain, live, sessions, clock)


async def test_minting_handing_on_and_burning_are_followed(
    chain: FakeChain, index: OwnerIndex, sessions: Sessions
) -> None:
    chain.mine(card(ZERO, ALICE, 1), card(ZERO, ALICE, 2), card(ZERO, BOB, 3))
    await index.turn()
    assert await owners(sessions) == {(ALICE, 1): 1, (ALICE, 2): 1, (BOB, 3): 1}

    chain.mine(card(ALICE, BOB, 1), card(BOB, ZERO, 3))
    await index.turn()
    assert await owners(sessions) == {(BOB, 1): 1, (ALICE, 2): 1}


async def test_a_token_that_moves_often_in_one_block_is_its_last_receivers(
    chain: FakeChain, index: OwnerIndex, sessions: Sessions
) -> None:
    chain.mine(
        card(ZERO, ALICE, 1),
        card(ALICE, BOB, 1),
        card(BOB, BOB, 1),
        card(BOB, CAROL, 1),
        card(CAROL, ZERO, 1),
        card(ZERO, BOB, 1),
    )
    await index.turn()
    assert await owners(sessions) == {(BOB, 1): 1}


async def test_amounts_are_exact_to_the_last_of_uint256(
    chain: FakeChain, index: OwnerIndex, sessions: Sessions
) -> None:
    contract = TICKET.contract
    chain.mine(single_log(contract, ZERO, ALICE, HUGE, HUGE))
    await index.turn()
    chain.mine(
        single_log(contract, ALICE, ALICE, HUGE, HUGE),
        batch_log(contract, ALICE, BOB, [HUGE, HUGE], [1, 2**255]),
        single_log(contract, BOB, ZERO, HUGE, 1),
    )
    await index.turn()
    assert await owners(sessions, TICKET) == {
        (ALICE, HUGE): HUGE - 1 - 2**255,
        (BOB, HUGE): 2**255,
    }


async def test_a_consecutive_mint_gives_every_token_of_its_run(
    chain: FakeChain, index: OwnerIndex, sessions: Sessions
) -> None:
    chain.mine(run_log(CARD.contract, ALICE, 10, 13))
    await index.turn()
    assert set(await owners(sessions)) == {(ALICE, token) for token in range(10, 14)}


async def test_batch_mints_beyond_what_one_page_may_hold_are_read_in_shorter_pages(
    chain: FakeChain, index: OwnerIndex, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfers, "MAX_RUNS", 10)
    for start in range(0, 40, 8):
        chain.mine(run_log(CARD.contract, ALICE, start, start + 7))
    turn = await index.turn()
    assert not turn.troubles
    assert turn.pages >= 5
    assert len(await owners(sessions)) == 40


async def test_batch_mints_of_one_block_beyond_that_stop_the_index(
    chain: FakeChain, index: OwnerIndex, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfers, "MAX_RUNS", 10)
    chain.mine(run_log(CARD.contract, ALICE, 0, 7))
    chain.mine(*(run_log(CARD.contract, ALICE, start, start + 7) for start in (8, 16)))
    turn = await index.turn()
    assert turn.troubles == {"card": Trouble.UNREADABLE}
    assert len(await owners(sessions)) == 8


async def test_a_log_given_twice_counts_once(
    chain: FakeChain, index: OwnerIndex, sessions: Sessions
) -> None:
    block = chain.mine(single_log(TICKET.contract, ZERO, ALICE, 1, 5))
    chain.blocks[-1] = type(block)(block.number, block.hash, (*block.logs, *block.logs))
    await index.turn()
    assert await owners(sessions, TICKET) == {(ALICE, 1): 5}


async def test_two_processes_that_read_the_same_page_store_it_once(
    chain: FakeChain, sessions: Sessions, clock: SetClock
) -> None:
    chain.page = 2
    for number in range(9):
        chain.mine(single_log(TICKET.contract, ZERO, ALICE, number % 3, 1))
    first, second = (OwnerIndex(chain, sessions, [CARD, TICKET], clock) for _ in range(2))
    for _ in range(4):
        await first.turn(pages=1)
        await second.turn(pages=1)
        await first.turn()
    assert await owners(sessions, TICKET) == {(ALICE, 0): 3, (ALICE, 1): 3, (ALICE, 2): 3}
    async with sessions() as session:
        assert await session.scalar(select(func.count()).select_from(TransferRow)) == 9


async def test_a_chain_that_was_reorganised_is_followed_back_and_on(
    chain: FakeChain, index: OwnerIndex, sessions: Sessions
) -> None:
    for token in range(1, 6):
        chain.mine(card(ZERO, ALICE, token), single_log(TICKET.contract, ZERO, ALICE, 1, 2))
        await index.turn()
    chain.mine(card(ALICE, BOB, 1), single_log(TICKET.contract, ALICE, BOB, 1, 7))
    await index.turn()
    chain.reorganise(3)
    chain.mine(card(ZERO, CAROL, 4))
    chain.mine()
    chain.mine()
    chain.mine()
    turn = await index.turn()
    assert turn.rolled_back == 2
    assert turn.behind
    await index.turn()
    assert (
        await owners(sessions)
        == chain.owners(CARD)
        == {
            (ALICE, 1): 1,
            (ALICE, 2): 1,
            (ALICE, 3): 1,
            (CAROL, 4): 1,
        }
    )
    assert await owners(sessions, TICKET) == {(ALICE, 1): 6}
    assert (await index.changes()).owners == {ALICE, BOB, CAROL}


@pytest.mark.parametrize("new_blocks", [0, 1])
async def test_an_endpoint_that_does_not_know_a_block_any_more_is_an_outage_and_undoes_nothing(
    chain: FakeChain,
    index: OwnerIndex,
    sessions: Sessions,
    monkeypatch: pytest.MonkeyPatch,
    new_blocks: int,
) -> None:
    for token in range(1, 4):
        chain.mine(card(ZERO, ALICE, token))
        await index.turn()
    chain.lag = 1 - new_blocks  # below the cursor, or above it

    async def knows_none(chain_id: int, number: int) -> None:
        assert (chain_id, number) in {(5, 2), (5, 3)}

    monkeypatch.setattr(chain, "block_hash", knows_none)
    for _ in range(new_blocks):
        chain.mine()
    turn = await index.turn()
    assert turn.troubles["card"] is Trouble.UNREACHABLE
    assert turn.rolled_back == 0
    assert await owners(sessions) == {(ALICE, token): 1 for token in (1, 2, 3)}
    monkeypatch.undo()
    chain.lag = 0
    assert not (await index.turn()).troubles


async def test_a_chain_that_is_altogether_another_is_read_from_the_start(
    chain: FakeChain, index: OwnerIndex, sessions: Sessions
) -> None:
    for token in range(1, 6):
        chain.mine(card(ZERO, ALICE, token))
    await index.turn()
    chain.reorganise(100)
    chain.mine(card(ZERO, BOB, 1))
    for _ in range(5):
        chain.mine()
    await index.turn()
    await index.turn()
    assert await owners(sessions) == {(BOB, 1): 1}


async def test_only_the_finalized_block_is_believed_for_taking_away(
    chain: FakeChain, index: OwnerIndex, holdings: IndexedHoldings
) -> None:
    chain.lag = 3
    chain.mine(card(ZERO, ALICE, 7))
    for _ in range(3):
        chain.mine()
    await index.turn()
    chain.mine(card(ALICE, BOB, 7))

    async def read(finality: str) -> list[Holding]:
        assert finality in {"latest", "finalized"}
        return list(
            await holdings.read([ALICE, BOB], finality=finality, collections=["card"])  # type: ignore[arg-type]
        )

    assert [each.tokens for each in await read("latest")] == [{}, {7: 1}]
    assert [each.tokens for each in await read("finalized")] == [{7: 1}, {}]
    for _ in range(3):
        chain.mine()
    assert [(each.balance, each.block) for each in await read("finalized")] == [(0, 5), (1, 5)]


async def test_the_newest_transfers_are_read_once_for_everybody_who_asks(
    chain: FakeChain, index: OwnerIndex, holdings: IndexedHoldings
) -> None:
    chain.lag = 5
    for number in range(8):
        chain.mine(card(ZERO, wallet(100 + number), number))
    await index.turn()
    chain.asked.clear()
    for number in range(8):
        (holding,) = await holdings.read(
            [wallet(100 + number)], finality="latest", collections=["card"]
        )
        assert holding.tokens == {number: 1}
    assert chain.asked.count("logs") == 1
    chain.mine(card(wallet(100), wallet(101), 0))
    (holding,) = await holdings.read([wallet(101)], finality="latest", collections=["card"])
    assert holding.tokens == {0: 1, 1: 1}
    assert chain.asked.count("logs") == 2


async def test_one_token_id_of_many_counts_where_the_collection_says_so(
    chain: FakeChain, sessions: Sessions, clock: SetClock
) -> None:
    gold = collection("gold", 0xBEEF, standard="ERC-1155", token_id=2)
    index = OwnerIndex(chain, sessions, [TICKET, gold], clock)
    holdings = IndexedHoldings(index, chain, LiveHoldings(chain, []), sessions, clock)
    chain.mine(batch_log(TICKET.contract, ZERO, ALICE, [1, 2, 3], [10, 20, 30]))
    await index.turn()
    chain.mine(single_log(TICKET.contract, ALICE, ZERO, 2, 5))
    read = await holdings.read([ALICE], finality="latest")
    assert [(each.collection, each.balance, each.tokens) for each in read] == [
        ("ticket", 55, {1: 10, 2: 15, 3: 30}),
        ("gold", 15, {2: 15}),
    ]


async def test_an_index_that_has_not_caught_up_says_nothing_that_could_close_a_room(
    chain: FakeChain, index: OwnerIndex, holdings: IndexedHoldings
) -> None:
    chain.page = 1
    for token in range(30):
        chain.mine(card(ZERO, ALICE, token))
    with pytest.raises(ChainUnavailable, match="caught up"):
        await holdings.read([ALICE], finality="finalized")
    while (await index.turn()).behind:
        pass
    (held,) = await holdings.read([ALICE], finality="finalized", collections=["card"])
    assert held.balance == 30


async def test_while_the_chain_is_away_the_index_grows_old_and_says_nothing(
    chain: FakeChain,
    index: OwnerIndex,
    holdings: IndexedHoldings,
    sessions: Sessions,
    clock: SetClock,
) -> None:
    chain.mine(card(ZERO, ALICE, 1))
    await index.turn()
    chain.away = True
    clock.advance(timedelta(hours=1))
    turn = await index.turn()
    assert turn.troubles == {"card": Trouble.UNREACHABLE, "ticket": Trouble.UNREACHABLE}
    with pytest.raises(ChainUnavailable):
        await holdings.read([ALICE], finality="finalized")
    async with transaction(sessions) as session:
        (state, _) = await states(session, index.collections, now=clock())
    assert (state.caught_up, state.trouble, state.tokens) == (False, Trouble.UNREACHABLE, 1)

    chain.away = False
    chain.mine(card(ALICE, BOB, 1))
    held = await holdings.read([ALICE, BOB], finality="finalized", collections=["card"])
    assert [each.balance for each in held] == [0, 1]
    async with transaction(sessions) as session:
        (state, _) = await states(session, index.collections, now=clock())
    assert (state.caught_up, state.trouble, state.behind) == (True, Trouble.NONE, 0)


async def test_logs_of_no_standard_stop_their_collection_and_no_other(
    chain: FakeChain, index: OwnerIndex, holdings: IndexedHoldings, sessions: Sessions
) -> None:
    strange = card(ZERO, ALICE, 1)
    strange["topics"] = strange["topics"][:3]  # type: ignore[index]
    chain.mine(strange, single_log(TICKET.contract, ZERO, BOB, 1, 1))
    turn = await index.turn()
    assert turn.troubles == {"card": Trouble.UNREADABLE}
    assert await owners(sessions, TICKET) == {(BOB, 1): 1}
    with pytest.raises(ChainUnavailable):
        await holdings.read([ALICE], finality="finalized", collections=["card"])
    (held,) = await holdings.read([BOB], finality="latest", collections=["ticket"])
    assert held.balance == 1


async def test_more_handed_on_than_there_was_means_that_logs_are_missing(
    chain: FakeChain, index: OwnerIndex, sessions: Sessions
) -> None:
    chain.mine(single_log(TICKET.contract, ALICE, BOB, 1, 5))
    assert (await index.turn()).troubles == {"ticket": Trouble.OVERDRAWN}
    assert await owners(sessions, TICKET) == {}


@pytest.mark.parametrize(
    "moves",
    [
        pytest.param([[(BOB, CAROL, 1)]], id="not its owner"),
        pytest.param([[(BOB, CAROL, 9)]], id="no such token"),
        pytest.param([[(ALICE, ZERO, 1)], [(ALICE, BOB, 1)]], id="burnt before"),
        pytest.param([[(ALICE, BOB, 1), (ALICE, CAROL, 1)]], id="handed on before"),
        pytest.param([[(ALICE, BOB, 1), (ZERO, CAROL, 1)]], id="made twice in one page"),
        pytest.param([[(ZERO, ALICE, 1)]], id="made twice for one owner"),
    ],
)
async def test_a_card_handed_on_by_somebody_else_means_that_logs_are_missing(
    chain: FakeChain,
    index: OwnerIndex,
    holdings: IndexedHoldings,
    sessions: Sessions,
    moves: list[list[tuple[str, str, int]]],
) -> None:
    chain.mine(card(ZERO, ALICE, 1), card(ZERO, CAROL, 2))
    await index.turn()
    for some in moves:
        before = await owners(sessions)
        chain.mine(*(card(*move) for move in some))
        troubles = (await index.turn()).troubles
    assert troubles == {"card": Trouble.OVERDRAWN}
    assert await owners(sessions) == before
    with pytest.raises(ChainUnavailable):
        await holdings.read([CAROL], finality="finalized", collections=["card"])


async def test_tokens_of_one_contract_are_taken_away_only_after_a_comparison_of_all(
    chain: FakeChain,
    index: OwnerIndex,
    holdings: IndexedHoldings,
    sessions: Sessions,
    clock: SetClock,
) -> None:
    """No single answer can be compared: a contract of ERC-1155 sums up no owner's ids."""
    chain.mine({**single_log(TICKET.contract, ZERO, ALICE, 1, 1), "hidden": True})
    chain.mine(single_log(TICKET.contract, ZERO, BOB, 1, 1))
    await index.turn()
    with pytest.raises(ChainUnavailable, match="not been compared"):
        await holdings.read([ALICE], finality="finalized", collections=["ticket"])
    assert TICKET in await index.never_compared()
    await Reconciler(index, chain, sessions, clock).run(TICKET, [ALICE], everybody=True)
    (held,) = await holdings.read([ALICE], finality="finalized", collections=["ticket"])
    assert held.tokens == {1: 1}


async def test_whose_balances_changed_is_told_until_it_was_acted_upon(
    chain: FakeChain, index: OwnerIndex, sessions: Sessions, clock: SetClock
) -> None:
    chain.mine(card(ZERO, ALICE, 1))
    await index.turn()
    changes = await index.changes()
    assert changes.owners == {ALICE}
    again = OwnerIndex(chain, sessions, [CARD, TICKET], clock)  # after a crash
    assert (await again.changes()).owners == {ALICE}

    chain.mine(card(ALICE, BOB, 1))
    await index.turn()
    await index.acted_upon(changes)
    changes = await index.changes()
    assert changes.owners == {ALICE, BOB}
    await index.acted_upon(changes)
    assert (await index.changes()).owners == set()


async def test_the_beginning_of_a_contract_is_found_by_halving(
    chain: FakeChain, sessions: Sessions, clock: SetClock
) -> None:
    searched = CARD.model_copy(update={"first_block": None})
    for _ in range(700):
        chain.mine()
    begun = chain.mine(card(ZERO, ALICE, 1))
    for _ in range(300):
        chain.mine()
    index = OwnerIndex(chain, sessions, [searched], clock)
    await index.turn()
    async with transaction(sessions) as session:
        (state,) = await states(session, [searched], now=clock())
    assert state.first_block == begun.number
    assert chain.asked.count("code_at") <= 12
    assert await owners(sessions) == {(ALICE, 1): 1}


async def test_an_endpoint_without_old_states_means_reading_from_block_zero(
    chain: FakeChain, sessions: Sessions, clock: SetClock
) -> None:
    chain.history = False
    chain.mine(card(ZERO, ALICE, 1))
    for _ in range(20):
        chain.mine()
    index = OwnerIndex(chain, sessions, [CARD.model_copy(update={"first_block": None})], clock)
    await index.turn()
    assert await owners(sessions) == {(ALICE, 1): 1}


async def test_an_address_without_a_contract_is_named_as_such(
    chain: FakeChain, sessions: Sessions, clock: SetClock
) -> None:
    index = OwnerIndex(chain, sessions, [CARD.model_copy(update={"first_block": None})], clock)
    assert (await index.turn()).troubles == {"card": Trouble.NO_CONTRACT}


async def test_several_collections_at_one_block_share_their_questions(
    chain: FakeChain, index: OwnerIndex
) -> None:
    await index.turn()
    chain.mine(card(ZERO, ALICE, 1), single_log(TICKET.contract, ZERO, ALICE, 1, 1))
    chain.asked.clear()
    await index.turn()
    assert chain.asked == ["head", "logs", "block_hash"]
