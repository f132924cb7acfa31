"""The block in which a contract came to be: where its index begins."""

import logging

from core.errors import ChainUnavailable
from core.holdings.ports import LogSource
from core.town import Collection

logger = logging.getLogger(__name__)


class NoContract(Exception):
    """Nothing stands at the address in the finalized block."""


async def first_block(chain: LogSource, collection: Collection, head: int) -> int:
    """The first block with code at the contract's address, by halving the chain.

    Some endpoints keep the states of the last blocks alone. Then it is 0, which costs time and
    nothing else; ``first_block`` in the town pack says it better.

    Raises `NoContract` if there is no code at `head`, `ChainUnavailable` if nobody answers.
    """
    if collection.first_block is not None:
        return collection.first_block
    if not await chain.code_at(collection.chain_id, collection.contract, head):
        raise NoContract(collection.name)
    before, there = -1, head
    while there - before > 1:
        middle = (before + there) // 2
        try:
            code = await chain.code_at(collection.chain_id, collection.contract, middle)
        except ChainUnavailable:
            await chain.code_at(collection.chain_id, collection.contract, head)  # or it is away
            logger.warning("no-history", extra={"collection": collection.name})
            return 0
        before, there = (before, middle) if code else (middle, there)
    return there
