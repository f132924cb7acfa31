"""A worker process: one engine, loaded once, outside the process that keeps the chats alive.

Engines hold the interpreter for tenths of a second and a core for whole ones; in a process of its
own, at a lower priority, an engine delays nobody's chat. The worker is started by *spawn* on first
use, does one job at a time, and is started anew after a crash or a time-out. What it heard or said
appears in no log and no exception: a failure carries the name of an exception's class at most.
"""

import asyncio
import logging
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any, Final, Generic, TypeVar, TypeVarTuple

from knowledge.errors import Busy, VoiceError

logger = logging.getLogger(__name__)

Engine = TypeVar("Engine")
Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")

LOAD_SECONDS: Final = 60.0  # that an engine may take to load on a busy machine
NICENESS: Final = 5  # below the process that chats
PATIENCE: Final = 20.0  # seconds that a job waits for those before it
UNLOADABLE: Final = 60.0  # seconds before an engine that did not load is tried again
_GOODBYE: Final = 2.0  # seconds for an idle worker to leave by itself


@dataclass(frozen=True, slots=True)
class Cost:
    """What loading the engine took."""

    seconds: float
    megabytes: int  # resident, of the whole worker


class Process(Generic[Engine]):
    """One worker with the engine that `start` loads.

    `start`, the functions called, their arguments and results are pickled: `start` is a function of
    a module or a `functools.partial` of one, and a call names an engine's method or a function of a
    module whose first parameter is the engine::

        ears = Process(partial(load, folder), failed=RecogniserFailed)
        transcript = await ears.call(Recognition.recognise, clip, "ja", timeout=20.0)
    """

    def __init__(
        self,
        start: Callable[[], Engine],
        *,
        failed: type[VoiceError],
        most_waiting: int = 6,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._start = start
        self._failed = failed
        self._most_waiting = most_waiting
        self._patience = patience
        self._clock = clock
        self._refused: tuple[float, VoiceError] | None = None  # until when, and why
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._jobs: set[asyncio.Task[Any]] = set()
        self._child: _Child | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="voice")
        self._closed = False
        self.cost: Cost | None = None
        """Known once the engine has been loaded."""

    @property
    def waiting(self) -> int:
        """How many jobs have not begun."""
        return self._waiting

    @property
    def pid(self) -> int | None:
        """The worker's process id while there is one."""
        return self._child.pid if self._child else None

    async def warm(self) -> Cost:
        """Load the engine if it is not loaded. Raises as `call` does."""
        await self.call(_nothing, timeout=LOAD_SECONDS)
        assert self.cost is not None  # noqa: S101 - a call has loaded it
        return self.cost

    async def call(
        self,
        function: Callable[[Engine, *Arguments], Result],
        *arguments: *Arguments,
        timeout: float,  # noqa: ASYNC109 - the worker is killed, not only left
    ) -> Result:
        """Have the worker do one job, after those that came before it.

        `timeout` is in seconds from when the job begins; a worker that is still at it is killed.
        A caller that is cancelled leaves the running job to its end, and nobody gets its result.

        Raises `Busy` if too many are waiting or one has waited for `PATIENCE`, the `VoiceError`
        that the function raised, and `failed` for anything else. An engine that did not load is not
        tried again for `UNLOADABLE` seconds.
        """
        if self._closed:
            raise self._failed("the worker has been closed")
        if self._turn.locked() and self._waiting >= self._most_waiting:
            raise Busy(self._waiting)
        self._waiting += 1
        try:
            async with asyncio.timeout(self._patience):
                await self._turn.acquire()
        except TimeoutError:
            raise Busy(self._waiting - 1) from None
        finally:
            self._waiting -= 1
        job: asyncio.Task[Result] = asyncio.create_task(self._do((function, arguments), timeout))
        self._jobs.add(job)
        job.add_done_callback(self._done)
        return await asyncio.shield(job)

    async def close(self) -> None:
        """End the worker, also in the middle of a job. Calls after this one fail."""
        if self._closed:
            return
        self._closed = True
        if self._child and self._jobs:
            self._child.kill()
        await asyncio.gather(*self._jobs, return_exceptions=True)
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._end)
        self._thread.shutdown()

    def _done(self, job: asyncio.Task[Any]) -> None:
        self._jobs.discard(job)
        self._turn.release()
        if not job.cancelled():
            job.exception()  # asked for, so that one whose caller has left is not reported as lost

    async def _do(self, job: tuple[Any, ...], timeout: float) -> Any:  # noqa: ASYNC109
        if self._closed:
            raise self._failed("the worker has been closed")
        await self._loaded()
        kind, said = await self._in_time(lambda: self._exchange(job), timeout, "for a job")
        if kind == "done":
            return said
        if kind == "raised":
            raise said
        raise self._failed(f"the engine failed with {said}")

    async def _loaded(self) -> None:
        if self._refused and self._clock() < self._refused[0]:
            raise self._refused[1].with_traceback(None)
        try:
            await self._in_time(self._begin, LOAD_SECONDS, "to load")
        except VoiceError as error:
            self._refused = (self._clock() + UNLOADABLE, error)
            raise
        self._refused = None

    async def _in_time(self, work: Callable[[], Result], seconds: float, what: str) -> Result:
        running = asyncio.get_running_loop().run_in_executor(self._thread, work)
        late = False
        try:
            return await asyncio.wait_for(asyncio.shield(running), seconds)
        except TimeoutError:
            late = True
        except (EOFError, OSError):
            pass
        if self._child:
            self._child.kill()
        await asyncio.wait([running])
        await asyncio.get_running_loop().run_in_executor(self._thread, self._end)
        reason = f"took longer than {seconds:g} seconds {what}" if late else "ended by itself"
        if not self._closed:
            logger.warning("voice.worker_lost", extra={"late": late})
        raise self._failed(f"the worker {reason}")

    # What follows runs in the thread and may block there.

    def _begin(self) -> None:
        if self._child and self._child.alive:
            return
        self._end()
        self._child = _Child(self._start)
        if self._closed:  # too early for `close` to see the worker
            raise EOFError
        kind, said = self._child.receive()
        if kind == "done":
            self.cost = said
            return
        self._end()
        if kind == "raised":
            raise said
        raise self._failed(f"the engine could not be loaded: {said}")

    def _exchange(self, job: tuple[Any, ...]) -> tuple[str, Any]:
        if self._child is None:
            raise EOFError
        self._child.send(job)
        return self._child.receive()

    def _end(self) -> None:
        if self._child:
            self._child.end()
            self._child = None


class _Child:
    """The worker as its parent sees it."""

    def __init__(self, start: Callable[[], Any]) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process: SpawnProcess = context.Process(
            target=_serve, args=(theirs, start), name="voice", daemon=True
        )
        try:
            self._process.start()
        finally:
            theirs.close()  # so that the end of the worker is the end of the pipe

    @property
    def alive(self) -> bool:
        return self._process.is_alive()

    @property
    def pid(self) -> int | None:
        return self._process.pid

    def send(self, job: tuple[Any, ...]) -> None:
        self._pipe.send(job)

    def receive(self) -> tuple[str, Any]:
        kind, said = self._pipe.recv()
        return kind, said

    def kill(self) -> None:
        self._process.kill()

    def end(self) -> None:
        self._pipe.close()
        self._process.join(_GOODBYE)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process.close()


def _serve(pipe: Connection, start: Callable[[], Any]) -> None:
    """Load the engine, then do one job after another until the pipe ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which closes us
    logging.disable()  # engines log what they heard
    if sys.platform != "win32":
        os.nice(NICENESS)
    began = time.perf_counter()
    loaded = _attempt(start)
    engine = loaded[1]
    if loaded[0] == "done":
        loaded = ("done", Cost(time.perf_counter() - began, _resident()))
    try:
        pipe.send(loaded)
        while loaded[0] == "done":
            function, arguments = pipe.recv()
            pipe.send(_attempt(function, engine, *arguments))
    except (EOFError, OSError):
        return  # the parent has gone, or wants no more


def _attempt(function: Callable[..., Any], *arguments: Any) -> tuple[str, Any]:
    try:
        return "done", function(*arguments)
    except VoiceError as error:
        error.__cause__ = error.__context__ = None
        return "raised", error
    except Exception as error:  # noqa: BLE001 - whatever an engine raises is its failure
        return "failed", type(error).__name__


def _nothing(_: object) -> None:
    """What a worker does when it is only to be loaded."""


def _resident() -> int:
    """Megabytes of memory that this process has in use."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text("ascii", "replace").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) // 1024
    return 0
