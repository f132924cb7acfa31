"""The worker process: what becomes of jobs, of a worker that dies, and of what was said."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing import active_children
from pathlib import Path

import pytest

from knowledge.errors import Busy, NothingHeard, RecogniserFailed, VoiceMissing
from knowledge.voice.process import Process

LONG = 30.0  # seconds; a job never takes that long here
SECRET = "秋芳洞の料金"


class Counter:
    """An engine that remembers what it was asked."""

    def __init__(self) -> None:
        self.jobs = 0

    def count(self) -> tuple[int, int]:
        self.jobs += 1
        return self.jobs, os.getpid()

    def priority(self) -> int:
        return os.nice(0)

    def work(self, begun: Path, go: Path) -> None:
        """Both are pipes: opening one waits for whoever opens its other end."""
        begun.write_bytes(b"!")
        go.read_bytes()

    def crash(self) -> None:
        os._exit(9)

    def fail(self, heard: str) -> None:
        logging.getLogger("engine").error("heard %s", heard)
        raise ValueError(heard)

    def refuse(self) -> None:
        raise NothingHeard("silence")


def missing() -> Counter:
    raise VoiceMissing("pip install 'kankei[voice]'")


def broken() -> Counter:
    raise KeyError("no weights")


@pytest.fixture
async def process() -> AsyncIterator[Process[Counter]]:
    process = Process(Counter, failed=RecogniserFailed, most_waiting=2)
    yield process
    await process.close()


@dataclass
class Job:
    """A job that ends when it is told to."""

    begun: Path
    go: Path
    task: asyncio.Task[None]

    async def seen(self) -> None:
        await asyncio.wait_for(asyncio.to_thread(self.begun.read_bytes), LONG)

    async def end(self) -> None:
        await asyncio.wait_for(asyncio.to_thread(self.go.write_bytes, b"!"), LONG)


@pytest.fixture
def long_job(process: Process[Counter], tmp_path: Path) -> Callable[..., Job]:
    def begin(timeout: float = LONG) -> Job:
        begun, go = tmp_path / "begun", tmp_path / "go"
        os.mkfifo(begun)
        os.mkfifo(go)
        call = process.call(Counter.work, begun, go, timeout=timeout)
        return Job(begun, go, asyncio.create_task(call))

    return begin


async def test_the_engine_is_loaded_once_in_a_process_of_its_own(
    process: Process[Counter],
) -> None:
    cost = await process.warm()
    first, pid = await process.call(Counter.count, timeout=LONG)
    second, again = await process.call(Counter.count, timeout=LONG)
    assert (first, second) == (1, 2)
    assert pid == again == process.pid != os.getpid()
    assert cost.megabytes > 0
    assert cost.seconds >= 0


async def test_the_worker_gives_way_to_the_process_that_chats(process: Process[Counter]) -> None:
    assert await process.call(Counter.priority, timeout=LONG) == os.nice(0) + 5


async def test_a_job_that_hangs_is_killed_and_the_next_one_done(
    process: Process[Counter], long_job: Callable[..., Job]
) -> None:
    _, before = await process.call(Counter.count, timeout=LONG)
    job = long_job(timeout=0.5)
    await job.seen()
    with pytest.raises(RecogniserFailed, match=r"longer than 0\.5 seconds"):
        await job.task
    jobs, after = await process.call(Counter.count, timeout=LONG)
    assert jobs == 1
    assert after != before


async def test_a_worker_that_dies_at_work_fails_the_job_and_is_replaced(
    process: Process[Counter],
) -> None:
    with pytest.raises(RecogniserFailed, match="ended by itself"):
        await process.call(Counter.crash, timeout=LONG)
    assert (await process.call(Counter.count, timeout=LONG))[0] == 1


async def test_a_worker_that_died_while_it_waited_costs_nobody_an_answer(
    process: Process[Counter],
) -> None:
    await process.warm()
    worker = next(each for each in active_children() if each.pid == process.pid)
    worker.kill()
    worker.join()
    assert (await process.call(Counter.count, timeout=LONG))[0] == 1


async def test_nothing_that_was_heard_reaches_a_log_or_an_error(
    process: Process[Counter], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(RecogniserFailed, match="ValueError") as raised:
        await process.call(Counter.fail, SECRET, timeout=LONG)
    await process.close()
    told = [str(raised.value), repr(raised.value.__cause__), caplog.text, *capfd.readouterr()]
    assert not any(SECRET in each for each in told)


async def test_what_the_engine_says_on_purpose_is_passed_on(process: Process[Counter]) -> None:
    with pytest.raises(NothingHeard):
        await process.call(Counter.refuse, timeout=LONG)
    assert (await process.call(Counter.count, timeout=LONG))[0] == 1


async def test_more_than_may_wait_are_told_how_many_do(
    process: Process[Counter], long_job: Callable[..., Job]
) -> None:
    job = long_job()
    waiting = [asyncio.create_task(process.call(Counter.count, timeout=LONG)) for _ in range(2)]
    await job.seen()
    with pytest.raises(Busy) as raised:
        await process.call(Counter.count, timeout=LONG)
    assert raised.value.waiting == 2
    await job.end()
    assert [count for count, _ in await asyncio.gather(*waiting)] == [1, 2]
    assert process.waiting == 0


async def test_nobody_waits_in_the_line_without_end(tmp_path: Path) -> None:
    process = Process(Counter, failed=RecogniserFailed, patience=0.2)
    await process.warm()
    begun, go = tmp_path / "begun", tmp_path / "go"
    os.mkfifo(begun)
    os.mkfifo(go)
    call = process.call(Counter.work, begun, go, timeout=LONG)
    job = Job(begun, go, asyncio.create_task(call))
    await job.seen()
    with pytest.raises(Busy) as raised:
        await asyncio.wait_for(process.call(Counter.count, timeout=LONG), LONG)
    assert (raised.value.waiting, process.waiting) == (0, 0)
    await job.end()
    await job.task
    assert (await process.call(Counter.count, timeout=LONG))[0] == 1
    await process.close()


async def test_who_leaves_the_queue_frees_the_place(
    process: Process[Counter], long_job: Callable[..., Job]
) -> None:
    job = long_job()
    waiting = asyncio.create_task(process.call(Counter.count, timeout=LONG))
    await job.seen()
    waiting.cancel()
    await asyncio.wait([waiting])
    assert process.waiting == 0
    await job.end()
    assert (await process.call(Counter.count, timeout=LONG))[0] == 1


async def test_who_leaves_a_running_job_disturbs_nobody(
    process: Process[Counter], long_job: Callable[..., Job]
) -> None:
    _, pid = await process.call(Counter.count, timeout=LONG)
    job = long_job()
    await job.seen()
    job.task.cancel()
    await asyncio.wait([job.task])
    await job.end()
    assert await process.call(Counter.count, timeout=LONG) == (2, pid)


async def test_closing_ends_a_job_at_once(
    process: Process[Counter], long_job: Callable[..., Job]
) -> None:
    job = long_job()
    await job.seen()
    pid = process.pid
    assert pid is not None
    await process.close()
    with pytest.raises(RecogniserFailed):
        await job.task
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(RecogniserFailed, match="closed"):
        await process.call(Counter.count, timeout=LONG)


async def test_closing_what_never_began_is_quiet() -> None:
    process = Process(Counter, failed=RecogniserFailed)
    await process.close()
    await process.close()
    assert process.pid is None
    with pytest.raises(RecogniserFailed, match="closed"):
        await process.call(Counter.count, timeout=LONG)


async def test_a_missing_extra_is_told_in_its_own_words() -> None:
    process = Process(missing, failed=RecogniserFailed)
    with pytest.raises(VoiceMissing, match="pip install"):
        await process.warm()
    await process.close()


def counted(tries: Path) -> Counter:
    """Fail to load, and leave a mark of each try."""
    with tries.open("a") as file:
        file.write("!")
    raise KeyError("no weights")


async def test_an_engine_that_did_not_load_is_left_alone_for_a_minute(tmp_path: Path) -> None:
    now, tries = [100.0], tmp_path / "tries"
    process = Process(partial(counted, tries), failed=RecogniserFailed, clock=lambda: now[0])
    for _ in range(2):
        with pytest.raises(RecogniserFailed, match="KeyError"):
            await process.call(Counter.count, timeout=LONG)
    assert tries.read_text() == "!"
    now[0] += 61.0
    with pytest.raises(RecogniserFailed, match="KeyError"):
        await process.call(Counter.count, timeout=LONG)
    assert tries.read_text() == "!!"
    await process.close()


async def test_an_engine_that_does_not_load_fails_each_call_and_leaves_no_process() -> None:
    process = Process(broken, failed=RecogniserFailed)
    with pytest.raises(RecogniserFailed, match="KeyError"):
        await process.call(Counter.count, timeout=LONG)
    assert process.pid is None
    await process.close()
