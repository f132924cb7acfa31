"""Who held what at a block, and in how many hands the tokens lie."""

import pytest

from core import identity
from core.database import Sessions, transaction
from core.errors import ChainUnavailable
from core.holdings import Band, OwnerIndex, concentration, owners_at
from core.testing import SetClock
from tests.core.holdings.fake import (
    CARD,
    CHAIN,
    TICKET,
    ZERO,
    FakeChain,
    collection,
    single_log,
    transfer_log,
    wallet,
)

ALICE, BOB = wallet(0xA11CE), wallet(0xB0B)
GOLD = collection("gold", 0xBEEF, standard="ERC-1155", token_id=2)


async def test_owners_at_a_block_are_those_of_that_block(
    chain: FakeChain, sessions: Sessions, clock: SetClock
) -> None:
    chain.mine(transfer_log(CARD.contract, ZERO, ALICE, 1))  # block 1
    chain.mine(transfer_log(CARD.contract, ALICE, BOB, 1))
    chain.mine(
        single_log(TICKET.contract, ZERO, BOB, 1, 3), single_log(TICKET.contract, ZERO, BOB, 2, 9)
    )
    await OwnerIndex(chain, sessions, [CARD, TICKET, GOLD], clock).turn()
    async with transaction(sessions) as session:
        assert await owners_at(session, CARD, 0) == {}
        assert await owners_at(session, CARD, 1) == {ALICE: {1: 1}}
        assert await owners_at(session, CARD, 2) == {BOB: {1: 1}}
        assert await owners_at(session, TICKET, 3) == {BOB: {1: 3, 2: 9}}
        assert await owners_at(session, GOLD, 3) == {BOB: {2: 9}}
        with pytest.raises(ChainUnavailable):
            await owners_at(session, CARD, 4)


def hands(tokens: int, people: int) -> list[int]:
    """How many each of `people` holds: most have few, some have many."""
    counts = [1] * people
    for place in range(tokens - people):
        counts[(place * place) % 37 * 3 % people] += 1
    return counts


async def test_two_thousand_tokens_in_three_hundred_and_fifty_hands_show_exactly_that(
    chain: FakeChain, sessions: Sessions, clock: SetClock
) -> None:
    counts, token = hands(2_000, 350), 0
    for person, count in enumerate(counts):
        logs = []
        for _ in range(count):
            token += 1
            logs.append(transfer_log(CARD.contract, ZERO, wallet(0x1000 + person), token))
        chain.mine(*logs)
    await OwnerIndex(chain, sessions, [CARD], clock).turn()
    async with transaction(sessions) as session:
        found = await concentration(session, [CARD], bands=((1, 1), (2, 4), (5, 9), (10, None)))
    assert (found.tokens, found.wallets, found.holders, found.members) == (2_000, 350, 350, 0)
    assert found.bands == tuple(
        Band(
            least,
            most,
            sum(least <= count <= (most or 2_000) for count in counts),
            sum(count for count in counts if least <= count <= (most or 2_000)),
        )
        for least, most in ((1, 1), (2, 4), (5, 9), (10, None))
    )
    assert sum(band.tokens for band in found.bands) == 2_000
    assert (found.top, found.top_tokens) == (35, sum(sorted(counts)[-35:]))
    assert found.largest == max(counts)


async def test_a_member_with_several_wallets_is_one_holder(
    chain: FakeChain, sessions: Sessions, clock: SetClock
) -> None:
    for token, owner in enumerate((ALICE, BOB, BOB, wallet(7))):
        chain.mine(transfer_log(CARD.contract, ZERO, owner, token))
    await OwnerIndex(chain, sessions, [CARD], clock).turn()
    async with transaction(sessions) as session:
        account = await identity.account(session, "telegram", "1", locale="ja", now=clock())
        for address in (ALICE, BOB):
            await identity.link_wallet(session, account.member_id, address, CHAIN, now=clock())
        members = {CHAIN: await identity.all_wallets(session, chain_id=CHAIN)}
        found = await concentration(session, [CARD], members=members)
    assert (found.tokens, found.wallets, found.holders, found.members) == (4, 3, 2, 1)
    assert found.largest == 3
    assert found.top_share == 0.75


async def test_what_was_never_read_has_no_figures(sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        with pytest.raises(ChainUnavailable):
            await concentration(session, [CARD])
