"""Holdings: how many of a town's tokens a member's wallets own, and at which block we looked.

A balance is read, never assumed: every holding carries its block number, and a node that gives no
answer is an error, never a zero. `Holdings` is the port that access stands on: `LiveHoldings` asks
the chain at every question; an index of owners fed by transfer logs can take its place.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from core.chain.client import Finality
from core.town import Collection


@dataclass(frozen=True, slots=True)
class Holding:
    """What one wallet had of one collection, as of one block."""

    collection: str  # the town pack's name for it
    owner: str  # EIP-55
    balance: int  # whole tokens
    block: int


class Chain(Protocol):
    """What this module asks of the chains. `core.chain` answers over JSON-RPC."""

    async def block(self, chain_id: int, finality: Finality) -> int: ...

    async def balance_of(self, collection: Collection, owner: str, *, block: int) -> int: ...


class Holdings(Protocol):
    """Who holds what."""

    async def read(self, owners: Sequence[str], *, finality: Finality) -> tuple[Holding, ...]:
        """What `owners` hold of every collection, zero balances included.

        ``latest`` is for letting people in, ``finalized`` for asking them to leave.

        Raises `ChainUnavailable` if any balance cannot be read: acting on half an answer would
        close rooms that should stay open.
        """


class LiveHoldings:
    """Asks the chain each time: one call a wallet and collection, all at one block a chain."""

    def __init__(self, chain: Chain, collections: Sequence[Collection]) -> None:
        self._chain = chain
        self._collections = tuple(collections)

    async def read(self, owners: Sequence[str], *, finality: Finality) -> tuple[Holding, ...]:
        """See `Holdings.read`."""
        if not owners:
            return ()
        chain_ids = {collection.chain_id for collection in self._collections}
        blocks = {each: await self._chain.block(each, finality) for each in sorted(chain_ids)}

        async def one(collection: Collection, owner: str) -> Holding:
            block = blocks[collection.chain_id]
            balance = await self._chain.balance_of(collection, owner, block=block)
            return Holding(collection.name, owner, balance, block)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(one(collection, owner))
                    for owner in owners
                    for collection in self._collections
                ]
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from errors
        return tuple(task.result() for task in tasks)
