"""That this process is at work, under a name that no other has."""

import asyncio
import logging
import os
import secrets
import time
from collections.abc import Awaitable, Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from core import processes, workers
from core.clock import Clock
from core.database import Sessions, transaction
from core.errors import KankeiError, RecordsUnavailable

logger = logging.getLogger(__name__)

LEAVE_WITHIN: Final = 2.0  # seconds
LOOK_EVERY: Final = 1.0  # seconds, at a holder of our name on another machine


class NameTaken(KankeiError):
    """Another process is at work under this worker's name; the text is the name."""

    code = "worker-taken"


class Elsewhere(KankeiError):
    """The records are a SQLite file, and a process of another machine works on it."""

    code = "worker-elsewhere"


def code_version() -> str:
    try:
        return version("kankei")
    except PackageNotFoundError:
        return "unknown"


def identify(name: str, *, clock: str) -> workers.Identity:
    """This process, with a token for this start. `clock` is the version of the workflows."""
    return workers.Identity(
        name=name,
        token=secrets.token_hex(8),
        host=processes.host(),
        pid=os.getpid(),
        born=processes.born(os.getpid()),
        version=code_version(),
        clock=clock,
    )


def same_machine(one: workers.Identity, other: workers.Identity) -> bool:
    """Containers of one machine share its boot."""
    return one.host.rpartition("/")[2] == other.host.rpartition("/")[2]


class Presence:
    """Takes a name, and says every few seconds that it is still held."""

    def __init__(
        self,
        sessions: Sessions,
        me: workers.Identity,
        clock: Clock,
        *,
        duties: str,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._sessions = sessions
        self.me = me
        self._clock = clock
        self._duties = duties
        self._pause = pause

    async def enter(self) -> None:
        """Take the name. Raises `NameTaken` if another process is at work under it.

        A holder on this machine is looked for among its processes. One on another machine is
        watched: if it gives no sign for `workers.GONE_AFTER`, it is gone.
        """
        replacing: str | None = None
        seen: workers.Worker | None = None
        since = time.monotonic()
        while True:
            async with transaction(self._sessions) as session:
                holder = await workers.enter(
                    session,
                    self.me,
                    duties=self._duties,
                    replacing=replacing,
                    now=self._clock(),
                )
            if holder is None:
                processes.HERE.add(self.me.token)
                return
            if holder.who.certainly_dead():
                replacing = holder.who.token
                continue
            if holder.who.host == self.me.host:
                raise NameTaken(self.me.name)
            if seen is not None and (seen.who, seen.seen_at) != (holder.who, holder.seen_at):
                raise NameTaken(self.me.name)
            seen = holder
            if time.monotonic() - since > workers.GONE_AFTER.total_seconds():
                replacing = holder.who.token
                continue
            await self._pause(LOOK_EVERY)

    async def beat(self, doing: str) -> None:
        """One sign. Raises `NameTaken` if the name is another's by now."""
        async with transaction(self._sessions) as session:
            held = await workers.beat(session, self.me, doing=doing, now=self._clock())
        if not held:  # the row was removed, or a machine that was frozen has been replaced
            await self.enter()

    async def leave(self) -> None:
        """Free the name, so that the next start takes it at once."""
        processes.HERE.discard(self.me.token)

        async def sign_off() -> None:
            async with transaction(self._sessions) as session:
                await workers.leave(session, self.me)

        # Not cancelled but left: a driver waits for the server even then.
        leaving = asyncio.create_task(sign_off())
        await asyncio.wait({leaving}, timeout=LEAVE_WITHIN)
        reason = "TimeoutError"
        if leaving.done():
            if not isinstance(error := leaving.exception(), RecordsUnavailable):
                return leaving.result()
            reason = str(error)
        logger.warning("worker-not-signed-off", extra={"reason": reason})
        leaving.cancel()
        return None
