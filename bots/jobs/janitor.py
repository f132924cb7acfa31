"""The janitor: settles what dead workers, other versions and a full disk left in the engine.

The library takes up only what a process of the same name *and* version had begun, and it gives up
a workflow whose end it could not write down. So every worker looks at what is open: what belongs
to nobody alive, or to this worker which does not do it, is settled by its kind. A turn is cancelled
and its job is due again; the life of an announcement is carried on here, or, where its version is
another or nobody knows how far it came, forgotten and followed anew. Two janitors at once do no
harm.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from bots.jobs.stories import OPEN, Story
from core import turns, workers
from core.database import Sessions, reading, transaction

logger = logging.getLogger(__name__)

LOST_AFTER: Final = timedelta(seconds=30)  # longer than the longest pause between two tries


class Books(Protocol):
    """What the janitor asks of the engine."""

    version: str

    def idle(self, subject: str) -> float: ...

    async def stories(self, states: Sequence[str]) -> list[Story]: ...

    async def resume(self, stories: Sequence[str]) -> None: ...

    async def cancel(self, stories: Sequence[str]) -> None: ...

    async def forget(self, stories: Sequence[str]) -> None: ...


def stranded(story: Story, alive: Mapping[str, str]) -> bool:
    """Whether nobody alive will ever do it. `alive`: the version of each worker, by name."""
    if story.state == "waiting":
        return story.version not in alive.values()
    return alive.get(story.worker) != story.version


class Janitor:
    """Of one worker. It remembers what it has seen at each round, by this process's own count."""

    def __init__(
        self,
        books: Books,
        sessions: Sessions,
        me: workers.Identity,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._books = books
        self._sessions = sessions
        self._me = me
        self._monotonic = monotonic
        self._silence = workers.Silence(monotonic)
        self._idle_since: dict[str, float] = {}

    async def settle(self, *, now: datetime) -> int:
        """One round; returns how much there was to settle."""
        books, me = self._books, self._me
        async with reading(self._sessions) as session:
            known = await workers.everybody(session)
        gone = self._silence.look(known) - {me.name}
        alive = {each.who.name: each.who.clock for each in known if each.who.name not in gone}
        alive[me.name] = books.version
        found = await books.stories(OPEN)
        lost = self._lost(found)
        left = [each for each in found if stranded(each, alive) or each.id in lost]
        turns_left = [each for each in left if each.kind == "turn"]
        lives = [each for each in left if each.kind != "turn"]
        ours = [each.id for each in lives if each.version == books.version and each.id not in lost]
        anew = [each.id for each in lives if each.id not in ours]
        if turns_left:
            await books.cancel([each.id for each in turns_left])
        if ours:
            await books.resume(ours)
        if anew:
            await books.forget(anew)
        async with transaction(self._sessions) as session:
            if gone:
                await turns.cut_short(session, sorted(gone), now=now)
            for each in turns_left:
                await turns.bring_forward(session, each.subject, to=now)
        if left:
            logger.warning(
                "left-behind",
                extra={
                    "turns": len(turns_left),
                    "carried_on": len(ours),
                    "anew": len(anew),
                    "lost": len(lost),
                },
            )
        return len(left)

    def _lost(self, found: Sequence[Story]) -> set[str]:
        """What is written down as under way here, and has not been for `LOST_AFTER`."""
        moment, limit = self._monotonic(), LOST_AFTER.total_seconds()
        idle = {
            each.id: self._books.idle(each.subject)
            for each in found
            if (each.state, each.worker, each.version)
            == ("running", self._me.name, self._books.version)
        }
        self._idle_since = {
            story: self._idle_since.get(story, moment) for story, seconds in idle.items() if seconds
        }
        return {
            story
            for story, since in self._idle_since.items()
            if moment - since >= limit and idle[story] >= limit
        }
