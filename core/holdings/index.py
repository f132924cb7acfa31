"""The index of owners: reads transfers up to the finalized block, a page at a time.

What it costs grows with transfers, not with members: at its head, one turn asks each chain for its
finalized block, the logs since, and whether the block that was read last is still on the chain.
Where it is not, the chain was reorganised, and the index goes back to the newest page that is.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Final

from eth_utils import to_checksum_address
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from core.clock import Clock
from core.database import Sessions, transaction
from core.errors import ChainUnavailable
from core.holdings import ledger
from core.holdings.beginning import NoContract, first_block
from core.holdings.changed import changed
from core.holdings.ports import Block, LogSource
from core.holdings.reading import read_page
from core.holdings.states import Trouble
from core.holdings.transfers import (
    Contract,
    UnreadableLog,
    packed,
)
from core.holdings.turns import Changes, Progress, Step, Turn
from core.tables import CheckpointRow, ContractRow, MentionRow
from core.town import Collection

logger = logging.getLogger(__name__)

PAGES: Final = 20
"""Pages of one contract in one turn: a new collection's past must not hold up the others."""

TOUCH_EVERY: Final = timedelta(seconds=10)
"""So often at most it is written down that nothing was new."""


class OwnerIndex:
    """The owners of every collection of a town."""

    def __init__(
        self, chain: LogSource, sessions: Sessions, collections: Sequence[Collection], clock: Clock
    ) -> None:
        self.collections = tuple(collections)
        self._chain = chain
        self._sessions = sessions
        self._clock = clock
        self._locks = {each.chain_id: asyncio.Lock() for each in collections}

    async def turn(self, *, pages: int = PAGES, progress: Progress | None = None) -> Turn:
        """Read on, on every chain at once. An outage of one is noted and holds up no other."""
        turn = Turn()
        try:
            async with asyncio.TaskGroup() as group:
                for chain_id in self._locks:
                    group.create_task(self.turn_of(chain_id, turn, pages=pages, progress=progress))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from errors
        return turn

    async def turn_of(
        self, chain_id: int, turn: Turn, *, pages: int = PAGES, progress: Progress | None = None
    ) -> None:
        """Read on, on one chain."""
        mine = [each for each in self.collections if each.chain_id == chain_id]
        async with self._locks[chain_id]:
            try:
                head = await self._chain.head(chain_id, "finalized")
                rows = await self._contracts(mine, head, turn)
                self._note_incomplete(rows, turn)
                for group in _together(rows):
                    reading = _Reading(self, turn, head, pages, progress)
                    await reading.read(group)
            except ChainUnavailable as error:
                await self._note(chain_id, turn, Trouble.UNREACHABLE, str(error))

    async def _contracts(
        self, collections: Sequence[Collection], head: Block, turn: Turn
    ) -> list[ContractRow]:
        """The contracts of `collections`, begun if they are new."""
        rows: dict[bytes, ContractRow] = {}
        for collection in collections:
            address = packed(collection.contract)
            if address in rows:
                continue
            async with transaction(self._sessions) as session:
                row = await _found(session, collection)
            if row is None:
                try:
                    row = await self._begin(collection, head)
                except NoContract:
                    turn.troubles[collection.name] = Trouble.NO_CONTRACT
                    continue
            rows[address] = row
        return list(rows.values())

    async def _begin(self, collection: Collection, head: Block) -> ContractRow:
        first = await first_block(self._chain, collection, head.number)
        async with transaction(self._sessions) as session:
            row = ContractRow(
                chain_id=collection.chain_id,
                address=packed(collection.contract),
                standard=collection.standard,
                first_block=first,
                block=first - 1,
                block_hash="",
                head=head.number,
                told_block=first - 1,
            )
            try:
                async with session.begin_nested():
                    session.add(row)
            except IntegrityError:  # another process was quicker
                found = await _found(session, collection)
                if found is None:
                    raise
                return found
        return row

    async def _note(self, chain_id: int, turn: Turn, kind: Trouble, detail: str) -> None:
        logger.warning("index-waits", extra={"chain": chain_id, "reason": detail})
        mine = [each for each in self.collections if each.chain_id == chain_id]
        turn.troubles |= {each.name: kind for each in mine}
        async with transaction(self._sessions) as session:
            found = await session.scalars(
                select(ContractRow.id).where(ContractRow.chain_id == chain_id)
            )
            await ledger.note_trouble(session, list(found), kind, detail)

    def _note_incomplete(self, rows: Iterable[ContractRow], turn: Turn) -> None:
        for row in rows:
            if row.incomplete:
                turn.troubles |= dict.fromkeys(self.names_of(row), Trouble.INCOMPLETE)

    def names_of(self, row: ContractRow) -> list[str]:
        """The collections whose contract this is."""
        return [
            each.name
            for each in self.collections
            if each.chain_id == row.chain_id and packed(each.contract) == row.address
        ]

    @asynccontextmanager
    async def standing_still(self, chain_id: int) -> AsyncIterator[None]:
        """Within it no turn of this process moves the index of that chain."""
        async with self._locks[chain_id]:
            yield

    async def never_compared(self) -> tuple[Collection, ...]:
        """Collections that stand at the head and were never compared with their contract."""
        async with transaction(self._sessions) as session:
            rows = await session.scalars(
                select(ContractRow).where(
                    ContractRow.reconciled_block.is_(None),
                    ContractRow.block_hash != "",
                    ContractRow.block >= ContractRow.head,
                    ContractRow.trouble == "",
                    ContractRow.incomplete.is_(False),
                )
            )
            names = {name for row in rows for name in self.names_of(row)}
        return tuple(each for each in self.collections if each.name in names)

    # Who changed

    async def changes(self) -> Changes:
        """Whose balances changed up to the cursors since `acted_upon` was last told."""
        async with transaction(self._sessions) as session:
            return await changed(session)

    async def acted_upon(self, changes: Changes) -> None:
        """`changes` need not be told again. After a crash before this they are."""
        async with transaction(self._sessions) as session:
            for some in ledger.chunks(changes.mentions, ledger.CHUNK):
                await session.execute(delete(MentionRow).where(MentionRow.id.in_(some)))
            for contract_id, (told, block) in changes.until.items():
                await session.execute(
                    update(ContractRow)
                    .where(ContractRow.id == contract_id, ContractRow.told_block == told)
                    .values(told_block=block)
                )

    async def reset(self) -> None:
        """Forget every transfer and balance; the next turn begins anew."""
        async with transaction(self._sessions) as session:
            for number in list(await session.scalars(select(ContractRow.id))):
                await ledger.forget(session, number)


async def _found(session: AsyncSession, collection: Collection) -> ContractRow | None:
    row: ContractRow | None = await session.scalar(
        select(ContractRow).where(
            ContractRow.chain_id == collection.chain_id,
            ContractRow.address == packed(collection.contract),
        )
    )
    if row is not None and row.standard != collection.standard:
        # The town pack was mended: what was read by the other standard means nothing.
        await ledger.forget(session, row.id)
        return None
    return row


def _is_old(row: ContractRow, head: int, now: datetime) -> bool:
    """Whether it is worth writing down that the chain was asked."""
    asked_lately = row.read_at is not None and timedelta(0) <= now - row.read_at < TOUCH_EVERY
    return not asked_lately or row.head != head or bool(row.trouble)


def _together(rows: Iterable[ContractRow]) -> list[list[ContractRow]]:
    """Contracts that were read up to the same block share a question; the newest come first."""
    by_place = attrgetter("block", "block_hash")
    ordered = sorted(rows, key=by_place, reverse=True)
    return [list(group) for _, group in groupby(ordered, by_place)]


class _Reading:
    """One turn of contracts that stand at the same block."""

    def __init__(
        self, index: OwnerIndex, turn: Turn, head: Block, pages: int, progress: Progress | None
    ) -> None:
        self._index = index
        self._turn = turn
        self._head = head
        self._pages = pages
        self._progress = progress
        self._chain = index._chain  # noqa: SLF001 - a part of the index in a class of its own
        self._sessions = index._sessions  # noqa: SLF001
        self._clock = index._clock  # noqa: SLF001

    async def read(self, rows: list[ContractRow]) -> None:
        """Read on from where `rows` stand. One whose logs cannot be read holds up no other."""
        try:
            await self._read(rows)
        except ledger.Overtaken:
            self._turn.behind = True  # another process reads too; go on from where it stands
        except (UnreadableLog, ledger.Overdrawn) as error:
            if len(rows) > 1:
                for row in rows:
                    await self.read([row])
            else:
                await self._refuse(rows[0], error)

    async def _refuse(self, row: ContractRow, error: ValueError) -> None:
        kind = Trouble.OVERDRAWN if isinstance(error, ledger.Overdrawn) else Trouble.UNREADABLE
        names = self._index.names_of(row)
        logger.warning("index-stops", extra={"collection": names, "reason": str(error)})
        self._turn.troubles |= dict.fromkeys(names, kind)
        async with transaction(self._sessions) as session:
            await ledger.note_trouble(session, [row.id], kind, str(error))

    async def _read(self, rows: list[ContractRow]) -> None:
        if rows[0].block >= self._head.number:
            await self._stand(rows)
        for _ in range(self._pages):
            if rows[0].block < self._head.number and not await self._page(rows):
                await self._go_back(rows)
                return
        self._turn.behind |= rows[0].block < self._head.number

    async def _stand(self, rows: list[ContractRow]) -> None:
        """Nothing new, or an endpoint that is behind what another has shown."""
        (row, *_), head = rows, self._head
        if row.block == head.number:
            agreed = row.block_hash in {"", head.hash}
        else:
            known = await self._checkpoint(row, head.number)
            if known is None:
                raise ChainUnavailable(f"chain {row.chain_id}: the finalized block went far back")
            agreed = await self._chain_has(row, *known)
        now = self._clock()
        if not agreed:
            await self._go_back(rows)
        elif any(_is_old(each, head.number, now) for each in rows):
            async with transaction(self._sessions) as session:
                await ledger.touch(session, rows, head=head.number, now=now)

    async def _page(self, rows: list[ContractRow]) -> bool:
        """Read and store one page; `False`: what it would follow is no longer on the chain."""
        (row, *_), head = rows, self._head
        contracts = {f"0x{each.address.hex()}": Contract(each.id, each.standard) for each in rows}
        addresses = [str(to_checksum_address(each)) for each in contracts]
        first = row.block + 1
        page, transfers = await read_page(self._chain, row.chain_id, contracts, first, head.number)
        # After the logs: had the chain been reorganised in between, this would tell.
        if row.block_hash and not await self._chain_has(row, row.block, row.block_hash):
            return False
        async with transaction(self._sessions) as session:
            await ledger.store_page(
                session,
                rows,
                transfers,
                last=page.last,
                last_hash=page.last_hash,
                head=head.number,
                now=self._clock(),
            )
        for each in rows:
            each.block, each.block_hash, each.head = page.last, page.last_hash, head.number
        self._turn.pages += 1
        self._turn.transfers += len(transfers)
        if self._progress is not None:
            await self._progress(
                Step(
                    row.chain_id,
                    tuple(addresses),
                    min(each.first_block for each in rows),
                    page.last,
                    head.number,
                    len(transfers),
                )
            )
        return True

    async def _chain_has(self, row: ContractRow, block: int, block_hash: str) -> bool:
        """Only another hash is a reorganisation: every block asked about is below the head."""
        there = await self._chain.block_hash(row.chain_id, block)
        if there is None:
            raise ChainUnavailable(f"chain {row.chain_id}: block {block} cannot be had any more")
        return there == block_hash

    async def _checkpoint(self, row: ContractRow, at_most: int) -> tuple[int, str] | None:
        async with transaction(self._sessions) as session:
            known = await session.scalar(
                select(CheckpointRow)
                .where(CheckpointRow.contract_id == row.id, CheckpointRow.block <= at_most)
                .order_by(CheckpointRow.block.desc())
                .limit(1)
            )
        return (known.block, known.hash) if known is not None else None

    async def _go_back(self, rows: list[ContractRow]) -> None:
        """To the newest page that is still on the chain; to before the first if none is."""
        for row in rows:
            async with transaction(self._sessions) as session:
                found = await session.scalars(
                    select(CheckpointRow)
                    .where(
                        CheckpointRow.contract_id == row.id,
                        CheckpointRow.block <= self._head.number,
                    )
                    .order_by(CheckpointRow.block)
                )
                known = [(each.block, each.hash) for each in found]
            block, block_hash = await self._newest_on_chain(row, known) or (row.first_block - 1, "")
            logger.warning("reorganised", extra={"chain": row.chain_id, "back_to": block})
            async with transaction(self._sessions) as session:
                await ledger.roll_back(session, row, block, block_hash, now=self._clock())
            self._turn.rolled_back += 1
        self._turn.behind = True

    async def _newest_on_chain(
        self, row: ContractRow, known: Sequence[tuple[int, str]]
    ) -> tuple[int, str] | None:
        """By halving: once a page has left the chain, so have all that came after it."""
        good, bad = -1, len(known)
        while bad - good > 1:
            middle = (good + bad) // 2
            there = await self._chain_has(row, *known[middle])
            good, bad = (middle, bad) if there else (good, middle)
        return known[good] if good >= 0 else None
