"""That this process is at work, under a name that no other has."""

import asyncio
import logging
import os
import secrets
import socket
import time
from collections.abc import Awaitable, Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from core import workers
from core.clock import Clock
from core.database import Sessions, transaction
from core.errors import KankeiError, RecordsUnavailable

logger = logging.getLogger(__name__)

LEAVE_WITHIN: Final = 2.0  # seconds
LOOK_EVERY: Final = 1.0  # seconds, at a holder of our name on another machine
_HERE: Final[set[str]] = set()
"""The tokens that are at work in this process."""


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
        host=_host(),
        pid=os.getpid(),
        born=_born(os.getpid()),
        version=code_version(),
        clock=clock,
    )


def _host() -> str:
    """The machine and what counts its processes: each container counts its own."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{socket.gethostname()[:60]}/{Path('/proc/self/ns/pid').readlink()}/{boot}"
    except OSError:
        return socket.gethostname()


def same_machine(one: workers.Identity, other: workers.Identity) -> bool:
    """Containers of one machine share its boot."""
    return one.host.rpartition("/")[2] == other.host.rpartition("/")[2]


def _born(pid: int) -> str:
    """When the system started the process (proc(5), field 22), or ``""`` where it does not say."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def certainly_dead(holder: workers.Identity) -> bool:
    """Whether a process of this machine is no more. Of another machine nobody can tell."""
    if holder.host != _host():
        return False
    if holder.pid == os.getpid():
        return holder.token not in _HERE
    try:
        os.kill(holder.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return _born(holder.pid) != holder.born  # it lives; is it the same?
    return _born(holder.pid) != holder.born


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
                _HERE.add(self.me.token)
                return
            if certainly_dead(holder.who):
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
        _HERE.discard(self.me.token)

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
