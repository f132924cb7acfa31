"""The clock as staff see it, in the terminal and in the console, and what they may do about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol, Self

from sqlalchemy import delete, inspect, table
from sqlalchemy.exc import DBAPIError

from bots.jobs.engine import SCHEMA, TRIES, connect_engine, in_thread
from bots.jobs.relay import relay_logs
from bots.jobs.stories import CLOSED, FAILED, OPEN, Story, story_of
from core import audit, turns, workers
from core.database import Sessions, reading, transaction
from core.errors import NotFound
from core.turns import Outcome, Turn
from core.workers import Worker

if TYPE_CHECKING:
    from dbos import DBOSClient

SHOWN: Final = 200


class Books(Protocol):
    """What the engine remembers: `bots.jobs.engine.Engine` here, `ClosedBooks` from outside."""

    async def stories(self, states: Sequence[str]) -> list[Story]: ...

    async def forget(self, stories: Sequence[str]) -> None: ...


class ClosedBooks:
    """The engine's tables, opened by a command while the town may run or not."""

    def __init__(self, records: str) -> None:
        self._pool = connect_engine(records)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.dispose()

    async def stories(self, states: Sequence[str]) -> list[Story]:
        return await in_thread(lambda: self._stories(list(states)))

    async def forget(self, stories: Sequence[str]) -> None:
        await in_thread(lambda: self._forget(list(stories)))

    async def clear(self) -> None:
        """Forget all: of a town whose records were replaced, none of it is true."""
        await in_thread(self._clear)

    def _clear(self) -> None:
        schema = None if self._pool.dialect.name == "sqlite" else SCHEMA
        if inspect(self._pool).has_table("workflow_status", schema=schema):
            with self._pool.begin() as connection:  # the steps go with it
                connection.execute(delete(table("workflow_status", schema=schema)))

    def _stories(self, states: list[str]) -> list[Story]:
        schema = None if self._pool.dialect.name == "sqlite" else SCHEMA
        if not inspect(self._pool).has_table("workflow_status", schema=schema):
            return []  # the clock has never run
        client = self._client()
        try:
            found = client.list_workflows(
                status=states, load_input=False, load_output=False, limit=SHOWN, sort_desc=True
            )
            return [story_of(each) for each in found]
        except DBAPIError as error:
            if not _unmade(error):
                raise
            return []  # the engine is just making its tables
        finally:
            client.destroy()

    def _forget(self, stories: list[str]) -> None:
        client = self._client()
        try:
            client.delete_workflows(stories)
        finally:
            client.destroy()

    def _client(self) -> "DBOSClient":
        relay_logs()
        from dbos import DBOSClient

        from bots.jobs.values import JsonValues

        return DBOSClient(
            system_database_engine=self._pool,
            dbos_system_schema=SCHEMA,
            serializer=JsonValues(),
            application_name="kankei",
            retry_connection_errors=False,
        )


def _unmade(error: DBAPIError) -> bool:
    """Whether a table or column is not there (SQLSTATE 42P01, 42703)."""
    state = getattr(error.orig, "sqlstate", None)
    return state in {"42P01", "42703"} or str(error.orig).startswith("no such ")


@dataclass(frozen=True, slots=True)
class Line:
    """One job, in one of the states that the locale files name under ``jobs.state``."""

    turn: Turn
    state: str


@dataclass(frozen=True, slots=True)
class View:
    """All that staff are shown, as of one moment."""

    lines: Sequence[Line]
    workers: Mapping[Worker, bool]  # whether each is at work
    lives: Sequence[Story]  # announcements that are waited for or followed
    failed: Sequence[Story]


def state_of(turn: Turn, alive: Mapping[str, bool], now: datetime) -> str:
    if turn.under_way:
        return "running" if alive.get(turn.worker) else "interrupted"
    if turn.outcome is Outcome.FAILED or turn.failures >= TRIES:
        return "failed"
    if turn.outcome is Outcome.RETRYING:
        return "retrying"
    if turn.due_at <= now:
        return "due"
    return "postponed" if turn.outcome is Outcome.POSTPONED else "waiting"


async def view(sessions: Sessions, books: Books | None, *, now: datetime) -> View:
    """`books` is ``None`` while the engine cannot be opened: the rest is shown all the same."""
    async with reading(sessions) as session:
        jobs = await turns.every(session)
        known = await workers.everybody(session)
    at_work = {each: not each.gone(now) for each in known}
    alive = {each.who.name: there for each, there in at_work.items()}
    stories = await books.stories((*OPEN, *FAILED)) if books is not None else []
    return View(
        [Line(each, state_of(each, alive, now)) for each in jobs],
        at_work,
        [each for each in stories if each.kind != "turn" and each.state != "failed"],
        [each for each in stories if each.state == "failed"],
    )


async def run_now(sessions: Sessions, job: str, *, by: str, now: datetime) -> None:
    """Make a job due at once; a running town does it within seconds. Raises `NotFound`."""
    async with transaction(sessions) as session:
        await turns.run_now(session, job, now=now)
        await audit.record(session, actor=by, action="job.run", subject=f"job:{job}"[:80], now=now)


async def retry(sessions: Sessions, books: Books, story: str, *, by: str, now: datetime) -> Story:
    """Do again what failed or was cancelled. Raises `NotFound` if there is no such story.

    A turn's job is due at once; an announcement is followed anew from where it stands.
    """
    found = next(
        (each for each in await books.stories((*FAILED, *CLOSED)) if each.id == story), None
    )
    if found is None:
        raise NotFound(story)
    await books.forget([story])
    job = found.subject if found.kind == "turn" else "announcements"
    async with transaction(sessions) as session:
        await turns.run_now(session, job, now=now)
        await audit.record(
            session, actor=by, action="job.retried", subject=f"job:{found.id}"[:80], now=now
        )
    return found
