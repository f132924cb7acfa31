"""How many blocks of logs each endpoint gives at once, kept from one start to the next."""

from sqlalchemy import select

from core.clock import Clock
from core.database import Sessions, transaction
from core.tables import PageSizeRow


class StoredPages:
    """Answers `core.chain.PageMemory`: loaded before the first question, saved after a turn."""

    def __init__(self, sessions: Sessions, clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock
        self._sizes: dict[str, int] = {}
        self._changed: set[str] = set()

    def get(self, key: str) -> int | None:
        return self._sizes.get(key)

    def set(self, key: str, blocks: int) -> None:
        self._sizes[key] = blocks
        self._changed.add(key)

    async def load(self) -> None:
        async with transaction(self._sessions) as session:
            rows = await session.scalars(select(PageSizeRow))
            self._sizes = {row.endpoint: row.blocks for row in rows}

    async def save(self) -> None:
        """Write down what was learnt since the last time."""
        changed, self._changed = self._changed, set()
        if not changed:
            return
        async with transaction(self._sessions) as session:
            for key in sorted(changed):
                await session.merge(
                    PageSizeRow(endpoint=key, blocks=self._sizes[key], learned_at=self._clock())
                )
