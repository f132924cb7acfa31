"""Traits of tokens, read from their metadata and kept: metadata hosts are slow, and often away.

What was read once is used until it is `FRESH` no more, and longer while it cannot be read again:
a host that is away changes nobody's rooms. Traits that were known are gone only when a second look
a day later finds none either: hosts have been seen to serve emptied documents for hours.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from core.clock import Clock
from core.database import Sessions, transaction
from core.tables import TraitsRow
from core.town import Collection

FRESH: Final = timedelta(hours=24)
TRY_AGAIN: Final = timedelta(minutes=10)
"""How soon metadata that could not be read is asked for again."""
AT_ONCE: Final = 8
AT_MOST: Final = 100
"""Tokens of one collection asked for in one reading; the others are undecided until the next."""
MAX_TRAITS: Final = 64
MAX_WORDS: Final = 200


class Traits(Protocol):
    """What this module asks of whoever reads metadata."""

    async def traits(self, collection: Collection, token_id: int) -> Mapping[str, str] | None:
        """The traits that a token's metadata names; `None` if it could not be read now."""


class KeptTraits:
    """Traits with their age."""

    def __init__(self, sessions: Sessions, source: Traits | None, clock: Clock) -> None:
        self._sessions = sessions
        self._source = source
        self._clock = clock

    async def of(
        self, collection: Collection, token_ids: Sequence[int]
    ) -> dict[int, Mapping[str, str] | None]:
        """The traits of each token; `None` where they were never read."""
        if not token_ids:
            return {}
        kept = await self._kept(collection, token_ids)
        now = self._clock()
        due = [each for each in token_ids if each not in kept or _is_due(*kept[each], now)]
        result = {each: kept[each][0] if each in kept else None for each in token_ids}
        if self._source is None or not due:
            return result
        turns = asyncio.Semaphore(AT_ONCE)
        read = await asyncio.gather(
            *(self._read(self._source, collection, each, turns) for each in due[:AT_MOST])
        )
        for token_id, traits in zip(due, read, strict=False):
            result[token_id] = await self._keep(collection, token_id, traits)
        return result

    async def _kept(
        self, collection: Collection, token_ids: Sequence[int]
    ) -> dict[int, tuple[Mapping[str, str] | None, datetime]]:
        found: dict[int, tuple[Mapping[str, str] | None, datetime]] = {}
        for start in range(0, len(token_ids), 500):  # databases bound the values of a statement
            some = [str(each) for each in token_ids[start : start + 500]]
            async with transaction(self._sessions) as session:
                rows = await session.scalars(
                    select(TraitsRow).where(
                        TraitsRow.chain_id == collection.chain_id,
                        TraitsRow.contract == collection.contract,
                        TraitsRow.token_id.in_(some),
                    )
                )
                found.update({int(row.token_id): (row.traits, row.read_at) for row in rows})
        return found

    async def _read(
        self, source: Traits, collection: Collection, token_id: int, turns: asyncio.Semaphore
    ) -> Mapping[str, str] | None:
        async with turns:
            traits = await source.traits(collection, token_id)
        if traits is None:
            return None
        return {
            name[:MAX_WORDS]: value[:MAX_WORDS] for name, value in list(traits.items())[:MAX_TRAITS]
        }

    async def _keep(
        self, collection: Collection, token_id: int, traits: Mapping[str, str] | None
    ) -> Mapping[str, str] | None:
        """Write down what was read; returns what is believed from now on."""
        key = (collection.chain_id, collection.contract, str(token_id))
        async with transaction(self._sessions) as session:
            row = await session.get(TraitsRow, key)
            if row is None:
                row = TraitsRow(
                    chain_id=key[0], contract=key[1], token_id=key[2], read_at=self._clock()
                )
                row.traits = dict(traits) if traits is not None else None
                try:
                    async with session.begin_nested():
                        session.add(row)
                except IntegrityError:
                    pass  # another process has just read the same
                return traits
            row.read_at = self._clock()
            if traits is not None and not _may_be_a_slip(row, traits):
                row.traits, row.emptied_at = dict(traits), None
            return row.traits


def _may_be_a_slip(row: TraitsRow, traits: Mapping[str, str]) -> bool:
    """Whether known traits were missing for the first time, or are for less than a day."""
    if traits or not row.traits:
        return False
    row.emptied_at = row.emptied_at or row.read_at
    return row.read_at - row.emptied_at < FRESH


def _is_due(traits: Mapping[str, str] | None, read_at: datetime, now: datetime) -> bool:
    return now - read_at >= (TRY_AGAIN if traits is None else FRESH)
