"""Holdings read from the chain at every question."""

import asyncio
from collections.abc import Sequence

from core.chain.values import Finality
from core.errors import ChainUnavailable
from core.holdings.ports import Chain, Holding
from core.town import Collection


class LiveHoldings:
    """Asks the chain each time: one call a wallet and collection, all at one block a chain."""

    def __init__(self, chain: Chain, collections: Sequence[Collection]) -> None:
        self._chain = chain
        self._collections = tuple(collections)

    async def read(
        self,
        owners: Sequence[str],
        *,
        finality: Finality,
        collections: Sequence[str] | None = None,
    ) -> tuple[Holding, ...]:
        """See `Holdings.read`."""
        asked = [
            each for each in self._collections if collections is None or each.name in collections
        ]
        if not owners:
            return ()
        for collection in asked:
            if collection.standard == "ERC-1155" and collection.token_id is None:
                # Its contract answers for one token id at a time; only the index knows which.
                raise ChainUnavailable(f"{collection.name}: its index has not caught up")
        chain_ids = {collection.chain_id for collection in asked}
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
                    for collection in asked
                ]
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from errors
        return tuple(task.result() for task in tasks)
