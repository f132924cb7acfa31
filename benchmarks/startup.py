"""Start-up and memory of a whole town beside a bare FastAPI, each in a fresh process.

* import: `import` alone in a new interpreter, less what the interpreter itself takes
* cold: `kankei demo` with an empty data folder, until the home page has been answered
* warm: the same folder again, vectors of both models kept
* run: `kankei run` on the kept folder, without the demo's embedded chain

CPU is user and system time of that process until then. RSS is the resident memory of the process,
once the page is there and after 100 questions. At the end every process gets SIGINT.

A cold start answers at once while E5 still encodes in the background; what comes after that start
(the first questions, the stop) is measured in that state.
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from benchmarks.answers import CACHE, OURS
from benchmarks.measure import heading, load_after, median, percentile, table
from knowledge.answer import Guide

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
BIN = Path(sys.executable).parent
TICK = os.sysconf("SC_CLK_TCK")
A_VISITOR = 10  # questions; a visitor may ask 12 at once
URL = re.compile(r"http://127\.0\.0\.1:\d+")
TOKEN = re.compile(r'name="csrf" value="([^"]+)"')

BARE = (sys.executable, "-m", "benchmarks.hello")
DEMO = (str(BIN / "kankei"), "demo", "--port", "0", "--data")
RUN = (str(BIN / "kankei"), "run")


@dataclass(slots=True)
class Start:
    """One process from its start to its end. Times in seconds, memory in MiB."""

    said: float = 0.0  # until it printed its address
    page: float = 0.0  # until the home page was answered
    cpu: float = 0.0  # its own, until then
    rss: float = 0.0
    rss_later: float = 0.0
    waits: list[float] = field(default_factory=list)  # of each question
    failures: int = 0
    stop: float = 0.0
    code: int | None = None


def memory(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024


def cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


@contextmanager
def process(
    command: Sequence[str], environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("KANKEI_")}
    started = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**clean, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield started
    finally:
        if started.poll() is None:
            started.kill()
            started.wait()


def address(started: subprocess.Popen[str]) -> str:
    """Read what the process prints until its address comes."""
    if started.stdout is None:
        raise RuntimeError("no pipe")
    said = []
    for line in started.stdout:
        said.append(line)
        if found := URL.search(line):
            return found.group()
    raise RuntimeError("it ended before it was ready:\n" + "".join(said))


def until_answered(url: str) -> None:
    """Ask for the page until it comes: the address may be printed just before."""
    while True:
        try:
            httpx.get(f"{url}/", timeout=30).raise_for_status()
        except httpx.ConnectError:
            time.sleep(0.005)
        else:
            return


def ask(url: str, questions: Sequence[str], start: Start) -> None:
    """Put every question, ten a visitor, as a browser without script would."""
    for first in range(0, len(questions), A_VISITOR):
        with httpx.Client(base_url=url, timeout=30) as browser:
            token = TOKEN.search(browser.get("/").text)
            for question in questions[first : first + A_VISITOR]:
                form = {"text": question, "csrf": token[1] if token else ""}
                began = time.perf_counter()
                answer = browser.post("/chat/stream", data=form)
                start.waits.append(time.perf_counter() - began)
                start.failures += answer.status_code != httpx.codes.OK


def started(
    command: Sequence[str],
    questions: Sequence[str],
    environment: Mapping[str, str] | None = None,
) -> Start:
    start = Start()
    began = time.perf_counter()
    with process(command, environment) as running:
        url = address(running)
        start.said = time.perf_counter() - began
        until_answered(url)
        start.page = time.perf_counter() - began
        start.cpu = cpu_of(running.pid)
        start.rss = memory(running.pid)
        ask(url, questions, start)
        start.rss_later = memory(running.pid)
        began = time.perf_counter()
        running.send_signal(signal.SIGINT)
        try:
            start.code = running.wait(30)
        except subprocess.TimeoutExpired:
            start.code = None
        start.stop = time.perf_counter() - began
    return start


def imports(module: str, repeats: int) -> tuple[float, float]:
    """CPU and wall seconds of a new interpreter that imports `module`, medians."""
    cpus, walls = [], []
    for _ in range(repeats):
        before, began = os.times(), time.perf_counter()
        subprocess.run((sys.executable, "-c", f"import {module}"), cwd=ROOT, check=True)
        after = os.times()
        walls.append(time.perf_counter() - began)
        cpus.append(
            after.children_user
            + after.children_system
            - before.children_user
            - before.children_system
        )
    return median(cpus), median(walls)


def show_imports(repeats: int) -> None:
    nothing = imports("sys", repeats)
    modules = ("fastapi, uvicorn", "core.settings", "knowledge.answer", "bots.app", "bots.serve")
    taken = {each: imports(each, repeats) for each in modules}
    bare = taken["fastapi, uvicorn"][0] - nothing[0]
    table(
        ("import", "CPU s", "wall s", "CPU / bare"),
        [
            (
                each,
                f"{cpu - nothing[0]:.2f}",
                f"{wall - nothing[1]:.2f}",
                f"{(cpu - nothing[0]) / bare:.1f}",
            )
            for each, (cpu, wall) in taken.items()
        ],
    )


def prepared(folder: Path) -> Path:
    """Return the vectors of both models, encoded once and kept between runs."""
    guide = Guide.open(ROOT / "towns" / "mine" / "guides", cache=CACHE)
    guide.catch_up()
    kept = folder / "index" / "mine"
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(CACHE, kept)
    return folder


def show_starts(starts: dict[str, list[Start]]) -> None:
    def of(name: str, value: str) -> float:
        return median([getattr(each, value) for each in starts[name]])

    bare = next(iter(starts))
    table(
        (
            *("process", "address s", "page s", "CPU s", "page / bare", "CPU / bare"),
            *("RSS MiB", "after 100", "RSS / bare"),
        ),
        [
            (
                name,
                f"{of(name, 'said'):.2f}",
                f"{of(name, 'page'):.2f}",
                f"{of(name, 'cpu'):.2f}",
                f"{of(name, 'page') / of(bare, 'page'):.1f}",
                f"{of(name, 'cpu') / of(bare, 'cpu'):.1f}",
                f"{of(name, 'rss'):.0f}",
                f"{of(name, 'rss_later'):.0f}",
                f"{of(name, 'rss_later') / of(bare, 'rss_later'):.1f}",
            )
            for name in starts
        ],
    )
    table(
        ("process", "question ms p50", "p95", "worst", "failed", "stop s", "exit codes"),
        [
            (
                name,
                f"{median(waits := [w for each in runs for w in each.waits]) * 1e3:.0f}",
                f"{percentile(waits, 0.95) * 1e3:.0f}",
                f"{max(waits) * 1e3:.0f}",
                str(sum(each.failures for each in runs)),
                f"{max(each.stop for each in runs):.2f}",
                ", ".join(str(each.code) for each in runs),
            )
            for name, runs in starts.items()
        ],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    questions = [
        json.loads(line)["question"] for line in OURS.read_text(encoding="utf-8").splitlines()
    ][:100]
    heading("Start-up and memory", "fastapi", "uvicorn", "web3", "eth-tester")
    show_imports(options.repeats)
    starts: dict[str, list[Start]] = {"bare FastAPI": [], "cold": [], "warm": [], "run": []}
    with tempfile.TemporaryDirectory() as folder:
        kept = prepared(Path(folder) / "kept")
        settings = {"KANKEI_DATA_DIR": str(kept), "KANKEI_PORT": "0"}
        started((*DEMO, str(kept)), ())  # makes the records and the chain that a warm start finds
        for number in range(options.repeats):
            starts["bare FastAPI"].append(started(BARE, questions))
            fresh = Path(folder) / f"fresh-{number}"
            starts["cold"].append(started((*DEMO, str(fresh)), questions))
            starts["warm"].append(started((*DEMO, str(kept)), questions))
            starts["run"].append(started(RUN, questions, settings))
    show_starts(starts)
    print(f"median of {options.repeats} starts in turns; stop is the slowest of them")
    load_after()


if __name__ == "__main__":
    main()
