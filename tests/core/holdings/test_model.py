"""Whatever happens to the chain and to us, the index ends as a plain dict that replays the logs."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from core.database import Sessions
from core.holdings import IndexedHoldings, LiveHoldings, OwnerIndex, Reconciler, ledger
from core.tables import TransferRow
from core.testing import Killed, SetClock
from tests.core.holdings.fake import (
    CARD,
    TICKET,
    ZERO,
    FakeChain,
    batch_log,
    collection,
    moves,
    replay,
    single_log,
    transfer_log,
    wallet,
)
from tests.core.holdings.test_index import owners

PEOPLE = [wallet(0xAA00 + number) for number in range(4)]
GOLD = collection("gold", 0xBEEF, standard="ERC-1155", token_id=1)

number = st.integers(min_value=0, max_value=2**16)
event = st.tuples(st.sampled_from(["mint", "hand on", "burn", "same", "single", "batch"]), number)
blocks = st.lists(st.lists(event, max_size=4), min_size=1, max_size=4)
happening = st.one_of(
    st.tuples(st.just("mine"), st.just(0), blocks),
    st.tuples(st.just("reorganise"), st.integers(1, 8), blocks),
    st.tuples(st.just("page"), st.integers(1, 5), blocks),
    st.tuples(st.just("crash"), st.integers(0, 5), blocks),
    st.tuples(st.just("act"), st.just(0), blocks),
)
step = st.tuples(happening, st.integers(0, 4))
"""Something happens, blocks are mined, and the index reads so many pages."""


class World:
    """A chain, the index that reads it, and a hand that can stop our process anywhere."""

    def __init__(self, sessions: Sessions, lag: int) -> None:
        self.chain = FakeChain(lag=lag)
        self.sessions = sessions
        self.index = self.started()
        self.dies_at: int | None = None
        self.highest = 0

    def started(self) -> OwnerIndex:
        return OwnerIndex(self.chain, self.sessions, [CARD, TICKET, GOLD], SetClock())

    def log(self, kind: str, n: int, earlier: list[dict[str, Any]]) -> dict[str, Any] | None:
        """An event that the contracts would allow after `earlier` ones of the same block."""
        person, other = PEOPLE[n % 4], PEOPLE[n // 4 % 4]
        last = self.chain.blocks[-1]
        block = type(last)(last.number + 1, "", tuple(earlier))
        if kind in {"single", "batch"}:
            had = replay([*self.chain.blocks, block], TICKET)
            give = [(t, a) for (owner, t), a in had.items() if owner == person]
            if not give or n % 3 == 0:
                tokens = [n % 3, n % 2, n % 3] if kind == "batch" else [n % 3]
                amounts = [1 + n % 5, 2**255 if n % 7 == 0 and not had else 1, 2][: len(tokens)]
                if kind == "single":
                    return single_log(TICKET.contract, ZERO, person, tokens[0], amounts[0])
                return batch_log(TICKET.contract, ZERO, person, tokens, amounts)
            token, amount = give[n % len(give)]
            to = ZERO if n % 5 == 0 else other
            if kind == "single":
                return single_log(TICKET.contract, person, to, token, amount - n % 2 * (amount > 1))
            return batch_log(TICKET.contract, person, to, [t for t, _ in give], [1] * len(give))
        had = replay([*self.chain.blocks, block], CARD)
        if kind == "mint" or not had:
            free = next(t for t in range(100_000) if t not in {token for _, token in had})
            return transfer_log(CARD.contract, ZERO, person, free)
        owner, token = sorted(had)[n % len(had)]
        receiver = {"burn": ZERO, "same": owner}.get(kind, other)
        return transfer_log(CARD.contract, owner, receiver, token)

    def mine(self, events: list[tuple[str, int]]) -> None:
        logs: list[dict[str, Any]] = []
        for kind, n in events:
            found = self.log(kind, n, [dict(each) for each in logs])
            if found is not None:
                logs.append(found)
        self.chain.mine(*logs)
        self.highest = max(self.highest, len(self.chain.blocks))

    def breathe(self) -> None:
        """Called at places where a process may die."""
        if self.dies_at is not None:
            self.dies_at -= 1
            if self.dies_at < 0:
                raise Killed

    async def turn(self, pages: int) -> bool:
        try:
            return (await self.index.turn(pages=pages)).behind
        except* Killed:
            self.dies_at = None
            self.index = self.started()
        return True

    async def check(self) -> None:
        while len(self.chain.blocks) < self.highest + self.chain.lag + 1:
            self.chain.mine()
        while await self.turn(3):
            pass
        for asked in (CARD, TICKET):
            assert await owners(self.sessions, asked) == self.chain.owners(asked)
        final = self.chain.blocks[: len(self.chain.blocks) - self.chain.lag]
        async with self.sessions() as session:
            stored = await session.scalar(select(func.count()).select_from(TransferRow))
        assert stored == sum(len(moves(log)) for block in final for log in block.logs)
        await self.check_readings()

    async def check_readings(self) -> None:
        live = LiveHoldings(self.chain, self.index.collections)
        holdings = IndexedHoldings(self.index, self.chain, live, self.sessions, SetClock())
        reconciler = Reconciler(self.index, self.chain, self.sessions, SetClock())
        assert (await reconciler.run(TICKET, PEOPLE, everybody=True)).differences == 0
        for finality in ("latest", "finalized"):
            for held in await holdings.read(PEOPLE, finality=finality):
                asked = next(each for each in (CARD, TICKET, GOLD) if each.name == held.collection)
                owned = self.chain.owners(asked, finality=finality)
                expected = {t: a for (owner, t), a in owned.items() if owner == held.owner}
                if asked.token_id is not None:
                    expected = {t: a for t, a in expected.items() if t == asked.token_id}
                assert held.tokens == expected


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(step, min_size=2, max_size=12), lag=st.integers(0, 3))
async def test_the_index_ends_as_a_dict_that_replays_the_logs(
    sessions: Sessions, steps: list[tuple[Any, int]], lag: int
) -> None:
    world = World(sessions, lag)
    await world.index.reset()
    remember = ledger._remember
    advance = ledger._advance

    async def remembering(*values: Any) -> None:
        world.breathe()  # in the middle of the transaction
        await remember(*values)
        world.breathe()

    async def advancing(*values: Any) -> None:
        await advance(*values)
        world.breathe()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger, "_remember", remembering)
        patch.setattr(ledger, "_advance", advancing)
        for (kind, value, mined), pages in steps:
            match kind:
                case "reorganise":
                    world.chain.reorganise(value)
                case "page":
                    world.chain.page = value
                case "crash":
                    world.dies_at = value
                case "act":
                    await world.index.acted_upon(await world.index.changes())
            for events in mined:
                world.mine(events)
            if pages:
                await world.turn(pages)
        world.dies_at = None
        async with asyncio.timeout(30):
            await world.check()
