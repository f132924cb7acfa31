"""What happened after the index: transfers between its cursors and the newest block of a chain."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import ChainUnavailable
from core.holdings.ports import Block, LogSource
from core.holdings.reading import read_page
from core.holdings.transfers import Contract, Transfer
from core.tables import ContractRow


@dataclass(slots=True)
class _Known:
    contracts: dict[str, Contract]
    first: int
    last: int
    last_hash: str
    transfers: list[Transfer]


class Tail:
    """The newest transfers of one chain, read once for everybody who asks about the same block."""

    def __init__(self, chain: LogSource, chain_id: int) -> None:
        self._chain = chain
        self._chain_id = chain_id
        self._known: _Known | None = None
        self._lock = asyncio.Lock()

    async def read(self, rows: Sequence[ContractRow], head: Block) -> tuple[int, list[Transfer]]:
        """All transfers of `rows` after the lowest of their cursors, and the first block read.

        Raises `ChainUnavailable`; `UnreadableLog` for a log that no standard knows.
        """
        contracts = {f"0x{each.address.hex()}": Contract(each.id, each.standard) for each in rows}
        first = min(each.block for each in rows) + 1
        if head.number < first:  # this endpoint is behind the index, which is final
            return first, []
        async with self._lock:
            known = self._known
            fits = known is not None and known.contracts == contracts and known.first <= first
            if known is None or not fits or not await self._leads_to(known, head):
                known = await self._anew(rows, contracts, first)
            await self._read_on(known, head)
            known.transfers = [each for each in known.transfers if each[1] >= first]
            known.first, self._known = first, known
            return first, list(known.transfers)

    async def _anew(
        self, rows: Sequence[ContractRow], contracts: dict[str, Contract], first: int
    ) -> _Known:
        """Nothing after the cursors is known yet; they must themselves be on the chain."""
        for block, block_hash in {(each.block, each.block_hash) for each in rows}:
            if block_hash and await self._chain.block_hash(self._chain_id, block) != block_hash:
                raise ChainUnavailable(f"chain {self._chain_id}: reorganised; the index goes back")
        return _Known(contracts, first, first - 1, "", [])

    async def _leads_to(self, known: _Known, head: Block) -> bool:
        """Whether what is known ends in `head`, or is still on the chain below it."""
        if known.last >= head.number:
            return known.last_hash == head.hash
        there = await self._chain.block_hash(self._chain_id, known.last)
        return there == known.last_hash

    async def _read_on(self, known: _Known, head: Block) -> None:
        while known.last < head.number:
            first = known.last + 1
            page, transfers = await read_page(
                self._chain, self._chain_id, known.contracts, first, head.number
            )
            known.transfers += transfers
            known.last, known.last_hash = page.last, page.last_hash
