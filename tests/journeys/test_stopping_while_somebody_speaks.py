"""`kankei run` is asked to stop while it hears or speaks: it ends in time, and nothing is left.

A worker that stands still (SIGSTOP) is in the middle of its work for as long as a test needs.
"""

import asyncio
import json
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bots.serve import CANCEL_SECONDS, DRAIN_SECONDS
from bots.voice.service import CLOSE_SECONDS
from tests.conftest import ROOT, free_port
from tests.world.demo import PLAIN
from tests.world.voices import need, spoken

GRACE = DRAIN_SECONDS + CANCEL_SECONDS + CLOSE_SECONDS
"""Seconds in which a process ends, whatever is in flight."""
PATIENCE = 180  # seconds; a start takes ten where nothing else runs
QUESTION = "役場の電話番号は何番ですか"
pytestmark = [
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc"),
    pytest.mark.filterwarnings("ignore:Dictionary.create:DeprecationWarning:pyopenjtalk"),
]


def state(pid: int) -> tuple[str, int, int]:
    """A process's state, its parent, and the ticks that it has worked; ``gone`` if there is none.

    proc(5): what stands behind the name in brackets.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return "gone", 0, 0
    return fields[0], int(fields[1]), int(fields[11]) + int(fields[12])


def children_of(pid: int) -> list[int]:
    """The processes that it has started."""
    every = [int(each.name) for each in Path("/proc").iterdir() if each.name.isdecimal()]
    return [each for each in every if state(each)[1] == pid]


def works(pid: int) -> bool:
    """Whether it is a worker, not what multiprocessing starts to tidy up after them."""
    return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()


def alive(pid: int) -> bool:
    return state(pid)[0] not in {"gone", "Z", "X"}


@dataclass
class Town:
    """`kankei run` with a voice of this machine."""

    process: asyncio.subprocess.Process
    url: str
    said: list[str] = field(default_factory=list)
    known: set[int] = field(default_factory=set)  # workers that were seen

    async def until(self, words: str) -> None:
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            while not any(words in line for line in self.said):
                line = await self.process.stdout.readline()
                assert line, "".join(self.said)
                self.said.append(line.decode())

    @property
    def workers(self) -> list[int]:
        found = [each for each in children_of(self.process.pid) if works(each)]
        self.known.update(found)
        return found

    async def stopped(self) -> float:
        """Seconds until it has ended by itself after SIGTERM."""
        assert self.process.stdout is not None
        asked = time.monotonic()
        async with asyncio.timeout(2 * GRACE):
            await self.process.wait()
        seconds = time.monotonic() - asked
        async with asyncio.timeout(GRACE):  # a process that is left behind keeps it open
            self.said.append((await self.process.stdout.read()).decode())
        return seconds


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Town]:
    port = free_port()
    environment = {
        **PLAIN,
        "PYTHONPATH": str(ROOT),
        "LANG": "ja_JP.UTF-8",
        "KANKEI_TOWN": str(folder / "nagi"),
        "KANKEI_DATA_DIR": str(folder / "var"),
        "KANKEI_PORT": str(port),
        "KANKEI_VOICE": "on",
    }
    command = (sys.executable, "-m", "bots")
    made = await asyncio.create_subprocess_exec(
        *(*command, "new", "nagi", "--towns", str(folder)),
        cwd=ROOT,
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
    )
    assert await made.wait() == 0
    process = await asyncio.create_subprocess_exec(
        *(*command, "run"),
        cwd=ROOT,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    town = Town(process, f"http://127.0.0.1:{port}")
    try:
        await town.until("声の用意ができました")
        yield town
    finally:
        for each in (*town.workers, *town.known, process.pid):
            if alive(each):
                os.kill(each, signal.SIGKILL)
        await process.wait()


@asynccontextmanager
async def page(town: Town) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """The page of a visitor who has pressed the button."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as visitor:
        home = await (await visitor.get(town.url)).text()
        csrf = re.search(r'name="csrf" content="([^"]+)"', home)
        assert csrf is not None
        async with visitor.ws_connect(f"{town.url}/voice", origin=town.url) as socket:
            await socket.send_json({"type": "hello", "csrf": csrf[1], "plays": ["audio/ogg"]})
            await told(socket, "ready")
            yield socket


async def told(socket: aiohttp.ClientWebSocketResponse, kind: str) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE):
        async for message in socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                found: dict[str, Any] = json.loads(message.data)
                if found["type"] == kind:
                    return found
    raise AssertionError(f"closed before {kind}")


async def say(socket: aiohttp.ClientWebSocketResponse, sound: bytes) -> None:
    await socket.send_json({"type": "start", "media": "audio/wav"})
    for at in range(0, len(sound), 48 * 1024):
        await socket.send_bytes(sound[at : at + 48 * 1024])
    await socket.send_json({"type": "end"})


async def in_the_middle_of_a_question(town: Town, socket: aiohttp.ClientWebSocketResponse) -> None:
    _stand_still(town)
    await say(socket, spoken(QUESTION))
    await socket.send_json({"type": "stop"})
    await told(socket, "cut")  # the server has taken all of it


async def in_the_middle_of_an_answer(town: Town, socket: aiohttp.ClientWebSocketResponse) -> None:
    _stand_still(town)
    await socket.send_json({"type": "ask", "text": QUESTION})
    assert (await told(socket, "answer"))["aloud"] == "voice"


async def while_nothing_is_said(_: Town, socket: aiohttp.ClientWebSocketResponse) -> None:
    await say(socket, spoken(QUESTION))
    await told(socket, "spoken")


def _stand_still(town: Town) -> None:
    for each in town.workers:
        os.kill(each, signal.SIGSTOP)


Middle = Callable[[Town, aiohttp.ClientWebSocketResponse], Awaitable[None]]


@pytest.mark.parametrize(
    "middle",
    [in_the_middle_of_a_question, in_the_middle_of_an_answer, while_nothing_is_said],
    ids=["hearing", "speaking", "idle"],
)
async def test_a_town_that_is_asked_to_stop_ends_in_time_and_leaves_no_worker(
    tmp_path: Path, middle: Middle
) -> None:
    need("faster_whisper", "av", "pyopenjtalk")
    async with running(tmp_path) as town, page(town) as socket:
        workers = town.workers
        assert len(workers) >= 2, "one hears, one speaks"
        await middle(town, socket)
        town.process.send_signal(signal.SIGTERM)
        seconds = await town.stopped()
        _ended_well(town, seconds, workers)


async def test_a_service_manager_that_signals_every_process_gets_the_same_end(
    tmp_path: Path,
) -> None:
    """systemd.kill(5): ``KillMode=control-group`` is what it does unless told otherwise."""
    need("faster_whisper", "av", "pyopenjtalk")
    async with running(tmp_path) as town, page(town) as socket:
        workers = town.workers
        worked = sum(state(each)[2] for each in workers)
        await say(socket, spoken(QUESTION))
        async with asyncio.timeout(PATIENCE):  # until one of them is at work
            while sum(state(each)[2] for each in workers) == worked:  # noqa: ASYNC110 - no event
                await asyncio.sleep(0)
        os.killpg(town.process.pid, signal.SIGTERM)
        seconds = await town.stopped()
        _ended_well(town, seconds, workers)


def _ended_well(town: Town, seconds: float, workers: list[int]) -> None:
    output = "".join(town.said)
    assert town.process.returncode == 0, output
    assert seconds < GRACE
    assert "Traceback" not in output
    assert "cut-short" not in output
    assert [each for each in workers if alive(each)] == []
