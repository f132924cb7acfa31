"""The janitor: settles what dead workers and other versions left in the engine.

The library takes up only what a process of the same name *and* version had begun. So every worker
looks at what is open: what belongs to nobody alive is settled by its kind. A turn is cancelled and
its job is due again; the life of an announcement is carried on here, or, where its version is
another, forgotten and followed anew. Two janitors at once do no harm.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from bots.jobs.stories import OPEN, Story
from core import turns, workers
from core.database import Sessions, reading, transaction

logger = logging.getLogger(__name__)


class Books(Protocol):
    """What the janitor asks of the engine."""

    version: str

    async def stories(self, states: Sequence[str]) -> list[Story]: ...

    async def resume(self, stories: Sequence[str]) -> None: ...

    async def cancel(self, stories: Sequence[str]) -> None: ...

    async def forget(self, stories: Sequence[str]) -> None: ...


def stranded(story: Story, alive: Mapping[str, str]) -> bool:
    """Whether nobody alive will ever do it. `alive`: the version of each worker, by name."""
    if story.state == "waiting":
        return story.version not in alive.values()
    return alive.get(story.worker) != story.version


async def settle(books: Books, sessions: Sessions, me: workers.Identity, *, now: datetime) -> int:
    """One round; returns how much there was to settle."""
    async with reading(sessions) as session:
        known = await workers.everybody(session)
    alive = {each.who.name: each.who.clock for each in known if not each.gone(now)}
    alive[me.name] = books.version
    left = [each for each in await books.stories(OPEN) if stranded(each, alive)]
    turns_left = [each for each in left if each.kind == "turn"]
    lives = [each for each in left if each.kind != "turn"]
    ours = [each.id for each in lives if each.version == books.version]
    others = [each.id for each in lives if each.version != books.version]
    if turns_left:
        await books.cancel([each.id for each in turns_left])
    if ours:
        await books.resume(ours)
    if others:
        await books.forget(others)
    dead = [each.who.name for each in known if each.gone(now) and each.who.name != me.name]
    async with transaction(sessions) as session:
        if dead:
            await turns.cut_short(session, dead, now=now)
        for each in turns_left:
            await turns.bring_forward(session, each.subject, to=now)
    if left:
        logger.warning(
            "left-behind",
            extra={"turns": len(turns_left), "carried_on": len(ours), "anew": len(others)},
        )
    return len(left)
