"""Workers as processes: killed, joined by others, of other versions of the code, and stopped."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from bots.jobs.view import ClosedBooks
from core import announcements, identity, turns, workers
from core.announcements import PLATFORMS, Announcement, AnnouncementState, Audience, Kind
from core.clock import system_clock
from core.database import Sessions, connect, migrate, reading, session_factory, transaction
from core.town import TownPack
from core.turns import Outcome
from tests.conftest import ROOT
from tests.telegram_server import TelegramServer
from tests.world.records import Proxy

PATIENCE = 120  # seconds; a start takes five where nothing else runs

CLOUD = {
    "DBOS__CLOUD": "true",
    "DBOS__CONDUCTOR_KEY": "key",
    "DBOS__CONDUCTOR_URL": "wss://cloud.example/conductor",
    "DBOS__CONDUCTOR_APP_NAME": "kankei",
    "DBOS__VMID": "somebody-else",
    "DBOS__APPVERSION": "other",
}
"""By which the library would speak to its makers' service."""


@dataclass
class Process:
    """A worker, and what it has said so far."""

    process: asyncio.subprocess.Process
    said: list[str] = field(default_factory=list)

    async def until(self, words: str, times: int = 1) -> None:
        """Wait until a line begins so, for so many times in all."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            while sum(line.startswith(words) for line in self.said) < times:
                line = await self.process.stdout.readline()
                assert line, f"it ended after {self.said}"
                self.said.append(line.decode().strip())

    async def kill(self) -> None:
        self.process.kill()
        await self.rest()

    async def rest(self) -> int:
        """Its exit code, once it has ended; nothing was connected to outside this machine."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            left = await self.process.stdout.read()
            code = await self.process.wait()
        self.said += left.decode().splitlines()
        assert [line for line in self.said if line.startswith("outside")] == []
        return code


@dataclass
class Yard:
    """Where workers of one town are started."""

    folder: Path
    records: str
    sessions: Sessions
    started: list[Process] = field(default_factory=list)

    async def start(self, name: str = "a", version: str = "1", *telegram: str) -> Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *(str(ROOT / "tests" / "bots" / "jobs" / "work_me.py"), str(self.folder)),
            *(self.records, name, version, *telegram),
            cwd=ROOT,
            env={**os.environ, **CLOUD, "PYTHONPATH": str(ROOT), "PTB_TIMEDELTA": "true"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        worker = Process(process)
        self.started.append(worker)
        return worker

    def let_go(self) -> None:
        """The slow job's turns may end."""
        (self.folder / "go").touch()

    async def slow_turn(self, right: Callable[[turns.Turn], bool]) -> turns.Turn:
        found: list[turns.Turn] = []

        async def look() -> bool:
            async with reading(self.sessions) as session:
                found[:] = [each for each in await turns.every(session) if each.name == "slow"]
            return bool(found) and right(found[0])

        await eventually(look)
        return found[0]

    async def announce(
        self, town: TownPack, *, start: timedelta, deadline: timedelta | None = None
    ) -> int:
        """An announcement on the town's board, planned."""
        now = system_clock()
        async with transaction(self.sessions) as session:
            draft = await announcements.compose(
                session,
                town=town,
                author="staff",
                audience=Audience(Kind.ROOM, places=(("web", "board"),)),
                texts={"ja": {"heading": "山焼き", "body": "2月に行います。"}},
                now=now,
                platforms=PLATFORMS,
            )
            await announcements.confirm(
                session,
                draft,
                town=town,
                by="staff",
                now=now,
                start_at=now + start,
                deadline=now + deadline if deadline is not None else None,
                platforms=PLATFORMS,
            )
        return draft

    async def becomes(self, announcement: int, state: AnnouncementState) -> Announcement:
        found: list[Announcement] = []

        async def look() -> bool:
            async with reading(self.sessions) as session:
                found[:] = [await announcements.progress(session, announcement)]
            return found[0].state is state

        await eventually(look)
        return found[0]

    async def followed_by(self, right: Callable[[list[str]], bool]) -> None:
        async def look() -> bool:
            async with ClosedBooks(self.records) as books:
                stories = await books.stories(["PENDING"])
            return right([each.worker for each in stories if each.kind == "announcement"])

        await eventually(look)


async def eventually(look: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await look():  # noqa: ASYNC110 - it happens in another process
            await asyncio.sleep(0.1)


@asynccontextmanager
async def open_yard(folder: Path, records: str) -> AsyncIterator[Yard]:
    engine = connect(records)
    await migrate(engine)
    yard = Yard(folder, records, session_factory(engine))
    try:
        yield yard
    finally:
        for each in yard.started:
            if each.process.returncode is None:
                each.process.kill()
                await each.process.communicate()
        await engine.dispose()


@pytest.fixture
async def yard(tmp_path: Path, records: str) -> AsyncIterator[Yard]:
    async with open_yard(tmp_path, records) as opened:
        yield opened


async def test_a_turn_cut_short_by_a_kill_is_done_after_the_restart(yard: Yard) -> None:
    first = await yard.start()
    await first.until("begun")
    await first.kill()
    again = await yard.start()
    await again.until("begun")
    yard.let_go()
    await again.until("done")
    turn = await yard.slow_turn(lambda turn: turn.outcome is Outcome.DONE)
    assert turn.worker == "a"
    again.process.send_signal(signal.SIGTERM)
    assert await again.rest() == 0
    assert again.said.count("begun") == 1, "once for the restart, not once more for the clock"


@pytest.mark.parametrize("version", ["1", "2"], ids=["same version", "newer version"])
async def test_what_a_dead_worker_left_is_done_by_another_of_any_version(
    yard: Yard, town: TownPack, version: str
) -> None:
    first = await yard.start("a", "1")
    await first.until("begun")
    number = await yard.announce(town, start=timedelta(minutes=10))
    await yard.followed_by(lambda workers: workers == ["a"])
    other = await yard.start("b", version)
    await other.until("ready")
    assert "begun" not in other.said, "the turn is under way elsewhere"
    await first.kill()
    yard.let_go()
    await other.until("done")
    assert (await yard.slow_turn(lambda turn: turn.outcome is Outcome.DONE)).worker == "b"
    await yard.followed_by(lambda workers: workers == ["b"])
    now = system_clock()
    async with transaction(yard.sessions) as session:
        await announcements.cancel(session, number, by="staff", now=now)
    await other.until("told")
    assert f"Announcement {number} was cancelled" in other.said[-1]


async def test_an_announcement_whose_wait_was_killed_starts_on_time_after_the_restart(
    yard: Yard, town: TownPack
) -> None:
    yard.let_go()
    first = await yard.start()
    await first.until("ready")
    number = await yard.announce(town, start=timedelta(seconds=30))
    await yard.followed_by(lambda workers: workers == ["a"])
    await first.kill()
    again = await yard.start()
    await again.until("ready")
    done = await yard.becomes(number, AnnouncementState.DONE)
    assert done.delivered == 1
    assert done.start_at is not None
    assert done.finished_at is not None
    late = done.finished_at - done.start_at
    assert timedelta(0) <= late < timedelta(seconds=15), late
    await again.until("told")


async def test_an_announcement_whose_deadline_passed_while_nobody_was_at_work_is_not_sent(
    yard: Yard, town: TownPack
) -> None:
    yard.let_go()
    first = await yard.start()
    await first.until("ready")
    number = await yard.announce(town, start=timedelta(seconds=1.5), deadline=timedelta(seconds=2))
    await first.kill()
    await asyncio.sleep(2)  # the only way past a deadline of other processes' clocks
    again = await yard.start()
    await again.until("ready")
    given_up = await yard.becomes(number, AnnouncementState.CANCELLED)
    assert (given_up.delivered, given_up.paused_why) == (0, "deadline")


async def test_two_under_one_name_are_refused_until_the_first_has_ended(yard: Yard) -> None:
    yard.let_go()
    first = await yard.start()
    await first.until("ready")
    second = await yard.start()
    assert await second.rest() != 0
    assert "ready" not in second.said
    await first.kill()
    third = await yard.start()
    await third.until("ready")


async def test_a_stop_waits_for_what_is_in_flight_and_a_second_signal_does_not(
    tmp_path: Path,
) -> None:
    async with open_yard(tmp_path, f"sqlite+aiosqlite:///{tmp_path / 'k.sqlite3'}") as yard:
        patient = await yard.start()
        await patient.until("begun")
        patient.process.send_signal(signal.SIGTERM)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(patient.process.wait(), 1)
        yard.let_go()
        await patient.until("ended")
        assert await patient.rest() == 0
        async with reading(yard.sessions) as session:
            assert await workers.everybody(session) == [], "it signed off"
        (tmp_path / "go").unlink()
        hasty = await yard.start("b")
        async with transaction(yard.sessions) as session:
            await turns.run_now(session, "slow", now=system_clock())
        await hasty.until("begun")
        loop = asyncio.get_running_loop()
        began = loop.time()
        hasty.process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.2)  # two signals at once are one
        hasty.process.send_signal(signal.SIGTERM)
        assert await hasty.rest() == 0
        assert loop.time() - began < 6, "it did not wait for ten seconds"


async def test_a_worker_sends_by_telegram_and_receives_nothing(
    tmp_path: Path, town: TownPack
) -> None:
    records = f"sqlite+aiosqlite:///{tmp_path / 'k.sqlite3'}"
    async with TelegramServer() as server, open_yard(tmp_path, records) as yard:
        user, now = server.user("花子", started=True), system_clock()
        async with transaction(yard.sessions) as session:
            account = await identity.account(
                session, "telegram", str(user.id), locale="ja", now=now
            )
            await identity.set_wants_messages(session, account.member_id, wants=True)
            draft = await announcements.compose(
                session,
                town=town,
                author="staff",
                audience=Audience(Kind.DIRECT),
                texts={"ja": {"heading": "山焼き", "body": "2月に行います。"}},
                now=now,
                platforms=PLATFORMS,
            )
            await announcements.confirm(
                session, draft, town=town, by="staff", now=now, platforms=PLATFORMS
            )
        await yard.start("b", "1", server.url, server.token)
        await server.until(lambda: bool(server.calls("sendMessage")), PATIENCE)
        await yard.becomes(draft, AnnouncementState.DONE)
        methods = {each.method.lower() for each in server.sent}
        assert server.polls == 0
        assert methods <= {"getme", "sendmessage"}, methods


@pytest.mark.parametrize("records", ["postgresql"], indirect=True)
async def test_a_stop_does_not_wait_for_a_database_that_is_away(
    tmp_path: Path, records: str
) -> None:
    async with open_yard(tmp_path, records) as yard, Proxy(records) as line:
        yard.records = line.database
        worker = await yard.start()
        await worker.until("begun")
        yard.let_go()
        await worker.until("done")
        line.shut()
        loop = asyncio.get_running_loop()
        began = loop.time()
        worker.process.send_signal(signal.SIGTERM)
        assert await worker.rest() == 0
        assert loop.time() - began < 30
