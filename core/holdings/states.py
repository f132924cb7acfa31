"""How far each collection's index is, in figures that staff can be told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.holdings.transfers import packed, word
from core.tables import BalanceRow, ContractRow, TransferRow
from core.town import Collection

FRESH_FOR: Final = timedelta(minutes=2)
"""Older than this, what was read of the chain is no longer called its present state."""


class Trouble(StrEnum):
    """Why a collection's index does not go on."""

    NONE = ""
    UNREACHABLE = "unreachable"  # no complete answer from any endpoint
    NO_CONTRACT = "no-contract"  # nothing stands at the address, as of the finalized block
    UNREADABLE = "unreadable"  # its logs follow no standard that we read
    OVERDRAWN = "overdrawn"  # somebody handed on more than they had: logs are missing
    INCOMPLETE = "incomplete"  # the contract says something else, and it could not be mended


STOPPED: Final = frozenset({Trouble.UNREADABLE, Trouble.OVERDRAWN})
"""Reading on is of no use: other logs are needed."""


@dataclass(frozen=True, slots=True)
class IndexState:
    """One collection's index."""

    collection: str
    first_block: int
    block: int  # read up to here
    head: int  # the finalized block when it was last asked for
    behind: int  # blocks between them
    caught_up: bool  # at the head, and lately enough
    last_ok: datetime | None  # when the chain last answered
    trouble: Trouble
    detail: str = ""
    transfers: int = 0
    tokens: int = 0  # of ERC-1155: ids
    holders: int = 0
    reconciled_at: datetime | None = None
    reconciled_owners: int = 0
    differences: int = 0


def is_stopped(row: ContractRow) -> bool:
    """Whether what was read must be read anew before it is believed."""
    return row.incomplete or row.trouble in STOPPED


def is_caught_up(row: ContractRow, *, now: datetime, fresh_for: timedelta = FRESH_FOR) -> bool:
    """Whether the index says what is so at a recent finalized block."""
    return (
        bool(row.block_hash)
        and not is_stopped(row)
        and row.block >= row.head
        and row.read_at is not None
        and now - row.read_at <= fresh_for
    )


async def contract_of(session: AsyncSession, collection: Collection) -> ContractRow | None:
    """The contract of a collection, once its index has begun."""
    found: ContractRow | None = await session.scalar(
        select(ContractRow).where(
            ContractRow.chain_id == collection.chain_id,
            ContractRow.address == packed(collection.contract),
            ContractRow.standard == collection.standard,
        )
    )
    return found


async def states(
    session: AsyncSession, collections: Sequence[Collection], *, now: datetime
) -> tuple[IndexState, ...]:
    """How the index of each collection stands, in the order given."""
    found = []
    for collection in collections:
        row = await contract_of(session, collection)
        found.append(
            _begun(collection) if row is None else await _state(session, collection, row, now)
        )
    return tuple(found)


def _begun(collection: Collection) -> IndexState:
    """Nothing has been read yet."""
    first = collection.first_block or 0
    return IndexState(collection.name, first, first - 1, 0, 0, False, None, Trouble.NONE)


async def _state(
    session: AsyncSession, collection: Collection, row: ContractRow, now: datetime
) -> IndexState:
    mine = [BalanceRow.contract_id == row.id]
    if collection.token_id is not None:
        mine.append(BalanceRow.token == word(collection.token_id))
    transfers = select(func.count()).where(TransferRow.contract_id == row.id)
    # A token of ERC-721 has one owner, so its rows are the tokens.
    single = collection.standard == "ERC-721"
    what = func.count() if single else func.count(BalanceRow.token.distinct())
    tokens = select(what).select_from(BalanceRow).where(*mine)
    holders = select(func.count(BalanceRow.owner.distinct())).where(*mine)
    return IndexState(
        collection.name,
        row.first_block,
        row.block,
        row.head,
        max(row.head - row.block, 0),
        is_caught_up(row, now=now),
        row.read_at,
        Trouble.INCOMPLETE if row.incomplete else Trouble(row.trouble),
        row.detail,
        await session.scalar(transfers) or 0,
        await session.scalar(tokens) or 0,
        await session.scalar(holders) or 0,
        row.reconciled_at,
        row.reconciled_owners,
        row.differences,
    )
