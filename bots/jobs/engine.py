"""The engine: DBOS, embedded, which remembers what was begun and what waits.

It runs two kinds of workflow: a *turn* of a job, and the *life* of an announcement. It keeps its
own tables: on SQLite a file beside the records (write-ahead log, waits for a lock, no flush to the
disk at each step: nothing about a message depends on it), on PostgreSQL the schema ``clock`` of the
same database. The role needs ``CREATE`` on the database, or that schema as its own; never
superuser.

Everything of the library happens on threads of its own; what we do in a turn happens on the loop of
the town. Its functions for coroutines are not used outside a workflow: they would put the library's
thread pool under the town's loop.

Facts of DBOS 3.4 that this module is built around:

* Its schedules fire every tick that a clock set forward has jumped over, none for as long as a
  clock was set back, and start a turn whose predecessor still runs. So `bots.jobs.clockwork` says
  when, and a turn carries its job's name as deduplication id: queued or running, it is there once.
* Only a process of the same executor id *and* version takes up what was begun before it died.
  `bots.jobs.janitor` settles the rest.
* Values are pickled by default: who can write its tables could run code. Here they are JSON.
* It lists the errors of steps in its log and its tables. What leaves a step here is a bare code.
"""

import asyncio
import logging
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy import URL, create_engine, event, make_url
from sqlalchemy import Engine as SyncEngine

from bots.jobs.relay import listen, relay_logs
from bots.jobs.stories import FAILED, OPEN, Story, story_of

logger = logging.getLogger(__name__)

VERSION: Final = "1"
"""Of the workflows. Raise it when a workflow that was begun by the code before could not be carried
on by this one: its steps have another order, number, name or value. Workers of both versions may
work side by side; each does its own, and what a version leaves behind the janitor settles."""

SCHEMA: Final = "clock"
TURNS: Final = "turns"
LIVES: Final = "lives"
AT_ONCE: Final = {TURNS: 8, LIVES: 64}  # of one process
THREADS: Final = 16
TRIES: Final = 4
FIRST_PAUSE: Final = timedelta(seconds=5)  # then 10, 20
STOP_WITHIN: Final = timedelta(seconds=5)
MAX_RECOVERIES: Final = 5  # of a workflow that takes its process down with it
SILENCE: Final = {"tcp_user_timeout": 30000, "keepalives_idle": 15, "keepalives_interval": 5}
"""Of libpq: a server behind a network that is cut counts as away after half a minute."""
CLOUD: Final = "DBOS__"  # variables by which the library would speak to its makers' service

Answer = TypeVar("Answer")

_left_behind: Final = threading.Event()


def end_of_process(code: int = 0) -> None:
    """The last call of a command that ran the engine; `code` is its exit code.

    The library's threads wait for a database that is away without end, and the interpreter waits
    for them. Everything of ours is closed by then.
    """
    waiting = any(each.name.startswith("dbos-executor") for each in threading.enumerate())
    if waiting or _left_behind.is_set():
        logging.shutdown()
        sys.stdout.flush()
        os._exit(code)


class Broken(Exception):
    """A step that failed; its text is a code, never what it was about."""


class TooLong(Broken):
    """A turn that was ended at its limit: another try would take as long."""


def engine_url(records: str) -> URL:
    """Where the engine keeps its tables, from the URL of the records."""
    url = make_url(records)
    if url.get_backend_name() == "sqlite":
        path = Path(url.database or "")
        return URL.create("sqlite", database=str(path.with_name(f"{path.stem}-clock.sqlite3")))
    query = {("sslmode" if key == "ssl" else key): value for key, value in url.query.items()}
    return url.set(drivername="postgresql+psycopg", query=query)


def connect_engine(records: str) -> SyncEngine:
    """A connection pool of the engine's own, for threads."""
    url = engine_url(records)
    if url.get_backend_name() != "sqlite":
        return create_engine(
            url,
            pool_size=5,
            max_overflow=5,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={"application_name": "kankei-clock", "connect_timeout": 10, **SILENCE},
        )
    engine = create_engine(
        url, hide_parameters=True, connect_args={"timeout": 10, "check_same_thread": False}
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: object) -> None:
        connection.isolation_level = "IMMEDIATE"
        for pragma in (
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "busy_timeout=10000",
            "foreign_keys=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    return engine


async def in_thread(work: Callable[[], Answer]) -> Answer:
    """Run `work` on a daemon thread: the library waits for its database without end."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Answer] = loop.create_future()

    def settle(answer: Answer | None, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(answer)  # type: ignore[arg-type]

    def run() -> None:
        answer, error = None, None
        try:
            answer = work()
        except BaseException as raised:  # noqa: BLE001 - it belongs to who waits
            error = raised
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, answer, error)

    threading.Thread(target=run, name="clock-call", daemon=True).start()
    return await done


Turn = Callable[[str, int], Awaitable[str]]  # the job, and the number of the try, from 1
Steps = Mapping[str, Callable[[int], Awaitable[Any]]]


class AtWork(Protocol):
    """What others see of a process that does its share of the jobs (`bots.jobs.clockwork`)."""

    runs: bool | None  # None: not yet
    engine: "Engine"

    async def follow(self, announcement: int, story: str) -> None:
        """See to it that one process follows this announcement to its end."""


class Engine:
    """DBOS for one process. There can be one at a time."""

    def __init__(
        self,
        records: str,
        *,
        worker: str,
        turn: Turn,
        steps: Steps,
        version: str = VERSION,
        tries: int = TRIES,
        first_pause: timedelta = FIRST_PAUSE,
    ) -> None:
        self._records = records
        self._worker = worker
        self._turn = turn
        self._steps = steps
        self.version = version
        self._tries = tries
        self._first_pause = first_pause
        self._pool: SyncEngine | None = None
        self._workflows: dict[str, Callable[..., Coroutine[Any, Any, str]]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting: asyncio.Task[None] | None = None
        self._at_hand: Counter[str] = Counter()
        self._left: dict[str, float] = {}

    @property
    def open(self) -> bool:
        return self._pool is not None

    async def start(self) -> None:
        """Open the tables, take up what this worker had begun, look for work from now on."""
        self._loop = asyncio.get_running_loop()
        # Shielded: a thread cannot be cancelled, and `stop` must know what it has opened.
        self._starting = asyncio.create_task(in_thread(self._start))
        await asyncio.shield(self._starting)

    def _start(self) -> None:
        for name in [each for each in os.environ if each.startswith(CLOUD)]:
            del os.environ[name]
        relay = relay_logs()
        from dbos import DBOS, DBOSConfig

        from bots.jobs.values import JsonValues

        pool = connect_engine(self._records)
        listen(relay, pool)
        try:
            DBOS(
                config=DBOSConfig(
                    name="kankei",
                    system_database_url=pool.url.render_as_string(hide_password=False),
                    system_database_engine=pool,
                    dbos_system_schema=SCHEMA,
                    application_version=self.version,
                    executor_id=self._worker,
                    serializer=JsonValues(),
                    enable_otlp=False,
                    use_listen_notify=False,  # nothing here waits for its messages
                    scheduler_polling_interval_sec=3600,  # nothing is on its schedules
                    max_executor_threads=THREADS,
                    log_level="WARNING",
                )
            )
            self._register()
            DBOS.launch()
            for name, limit in AT_ONCE.items():
                DBOS.register_queue(name, worker_concurrency=limit)
        except BaseException:
            DBOS.destroy(destroy_registry=True)
            pool.dispose()
            raise
        self._pool = pool

    async def stop(self) -> None:
        """End; what is under way is taken up at the next start."""
        if self._starting is not None:
            await asyncio.wait({self._starting}, timeout=STOP_WITHIN.total_seconds())
            if not self._starting.done():
                logger.warning("engine-left-behind")
                _left_behind.set()
                return
        if self._pool is None:
            return
        pool, self._pool = self._pool, None

        def end() -> None:
            from dbos import DBOS

            DBOS.destroy(destroy_registry=True)
            pool.dispose()

        ending = asyncio.create_task(in_thread(end))
        await asyncio.wait({ending}, timeout=STOP_WITHIN.total_seconds())
        if not ending.done():
            logger.warning("engine-left-behind")
            _left_behind.set()

    def _register(self) -> None:
        from dbos import DBOS, StepOptions

        retried = StepOptions(
            name="turn",
            retries_allowed=self._tries > 1,
            max_attempts=self._tries,
            interval_seconds=self._first_pause.total_seconds(),
            backoff_rate=2.0,
            should_retry=lambda error: not isinstance(error, TooLong),
        )

        async def here(job: str) -> str:
            status = DBOS.step_status
            attempt = (status.current_attempt or 0) + 1 if status is not None else 1
            return str(await self._here(job, lambda: self._turn(job, attempt)))

        async def turn(job: str) -> str:
            return await DBOS.run_step_async(retried, here, job)

        async def announcement(number: int) -> str:
            async def step(name: str) -> Any:
                async def here() -> Any:
                    return await self._here(str(number), lambda: self._steps[name](number))

                return await DBOS.run_step_async(StepOptions(name=name), here)

            # The library's own sleep would not hear of a cancellation.
            became = str(await step("follow"))
            await step("report")
            return became

        # Every start of a process counts as a recovery, and an announcement waits through many.
        for name, workflow, recoveries in (
            ("turn", turn, MAX_RECOVERIES),
            ("announcement", announcement, None),
        ):
            self._workflows[name] = DBOS.workflow(name=name, max_recovery_attempts=recoveries)(
                workflow
            )

    async def _here(self, subject: str, work: Callable[[], Awaitable[Any]]) -> Any:
        """Do a step on the town's loop."""
        if self._loop is None:
            raise Broken("not started")

        async def whole() -> Any:
            self._at_hand[subject] += 1
            try:
                return await work()
            finally:
                self._at_hand[subject] -= 1
                self._left[subject] = time.monotonic()

        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(whole(), self._loop))

    def idle(self, subject: str) -> float:
        """For how many seconds no step of it has been under way in this process."""
        if self._at_hand[subject]:
            return 0.0
        return time.monotonic() - self._left.get(subject, float("-inf"))

    async def begin_turn(self, job: str, story: str) -> bool:
        """Queue a turn. ``False``: the one before is queued or under way."""
        return await in_thread(lambda: self._begin(TURNS, "turn", story, job, job))

    async def begin_life(self, announcement: int, story: str) -> None:
        """Follow an announcement, once for all processes."""
        await in_thread(lambda: self._begin(LIVES, "announcement", story, announcement, story))

    def _begin(self, queue: str, workflow: str, story: str, subject: object, once: str) -> bool:
        from dbos import DBOS, SetEnqueueOptions, SetWorkflowID, error

        try:
            with SetWorkflowID(story), SetEnqueueOptions(deduplication_id=once):
                DBOS.enqueue_workflow(queue, self._workflows[workflow], subject)
        except error.DBOSQueueDeduplicatedError:
            return False
        return True

    async def stories(self, states: Sequence[str] = (*OPEN, *FAILED)) -> list[Story]:
        """What the engine remembers in these states of the library's, oldest first."""
        from dbos import DBOS

        return await in_thread(
            lambda: [
                story_of(each)
                for each in DBOS.list_workflows(
                    status=list(states), load_input=False, load_output=False, limit=500
                )
            ]
        )

    async def resume(self, stories: Sequence[str]) -> None:
        """Carry these lives on, here or in another process of this version."""
        from dbos import DBOS

        await in_thread(lambda: DBOS.resume_workflows(list(stories), queue_name=LIVES))

    async def cancel(self, stories: Sequence[str]) -> None:
        from dbos import DBOS

        await in_thread(lambda: DBOS.cancel_workflows(list(stories)))

    async def forget(self, stories: Sequence[str]) -> None:
        from dbos import DBOS

        await in_thread(lambda: DBOS.delete_workflows(list(stories)))

    async def forget_old(self, states: Sequence[str], *, before: datetime) -> int:
        """Remove what ended before then, a thousand at a time; returns how many."""
        from dbos import DBOS

        def batch() -> int:
            found = DBOS.list_workflows(
                status=list(states),
                completed_before=before.astimezone(UTC).isoformat(),
                limit=1000,
                load_input=False,
                load_output=False,
            )
            if found:
                DBOS.delete_workflows([each.workflow_id for each in found])
            return len(found)

        removed = 0
        while taken := await in_thread(batch):
            removed += taken
        return removed
