"""How far each chain's index is behind, without counting what is in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.tables import ContractRow


@dataclass(frozen=True, slots=True)
class Lag:
    """Of the collection of a chain that is furthest behind."""

    blocks: int  # between what was read and the finalized block
    silence: timedelta | None  # since the chain last answered; None: it never did


async def lags(session: AsyncSession, *, now: datetime) -> Mapping[int, Lag]:
    """By chain id, of the chains whose index has begun."""
    row = ContractRow
    rows = await session.execute(
        select(row.chain_id, func.max(row.head - row.block), func.min(row.read_at)).group_by(
            row.chain_id
        )
    )
    return {
        chain: Lag(max(blocks, 0), max(now - read_at, timedelta()) if read_at else None)
        for chain, blocks, read_at in rows
    }
