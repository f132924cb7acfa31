"""Sandbox: run a file's parser in a child process, and keep what it found.

Neither a bomb nor an endless page can stall or kill the town: the child has limits on CPU, memory,
output and time, reaches no network, and writes no file. What it found is kept by the content's
hash and the parsers' versions, so that only a changed file is parsed again.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from knowledge.documents import limits
from knowledge.documents.kinds import Format

Event = list[Any]
_ROOT = Path(__file__).resolve().parents[2]
_OURS = ("convert.py", "pdf.py", "encoding.py", "limits.py", "../markdown.py", "../text.py")
_PARSERS = ("markitdown", "mammoth", "pdfplumber", "pdfminer.six", "openpyxl")
_LONGEST_LINE = 16_000_000
MAX_BYTES_OUT = 6 * limits.MAX_OUTPUT_CHARACTERS
TRANSIENT = frozenset({"timeout", "memory", "killed"})
"""Failures that a quieter machine may not see."""


@cache
def converter_version() -> str:
    """A short name for the parsers that are installed and our use of them; imports none."""
    here = Path(__file__).parent
    found = [hashlib.sha256((here / name).read_bytes()).hexdigest() for name in _OURS]
    for name in _PARSERS:
        try:
            found.append(version(name))
        except PackageNotFoundError:
            found.append("-")
    return hashlib.sha256(" ".join(found).encode()).hexdigest()[:8]


def digest(path: Path) -> str:
    """Return the SHA-256 of a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class Conversions:
    """Parsed files, kept in `folder` if there is one."""

    def __init__(self, folder: Path | None, *, again: bool = False) -> None:
        self._folder = folder
        self._again = again
        self._used: set[str] = set()

    def events(
        self, path: Path, form: Format, progress: Callable[[int, int], None]
    ) -> Iterator[Event]:
        """Yield what a file holds; the last event is ``end`` or ``failed``.

        Raises `OSError` if the file cannot be read.
        """
        name = f"{digest(path)[:40]}-{form}-{converter_version()}.jsonl"
        self._used.add(name)
        kept = self._folder / name if self._folder is not None else None
        if kept is not None and (known := self._kept(kept)) is not None:
            yield from known
            return
        folder = kept.parent if kept is not None else None
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(".part", dir=folder)
        target = Path(temporary)
        try:
            with os.fdopen(handle, "wb") as stream:
                convert(path, form, stream.write, progress)
            if kept is not None:
                target = target.replace(kept)
            yield from _lines(target)
        finally:
            if target != kept:
                target.unlink(missing_ok=True)

    def forget_unused(self) -> None:
        """Remove what no file of the town led to in this reading."""
        if self._folder is None or not self._folder.is_dir():
            return
        for path in self._folder.glob("*.jsonl"):
            if path.name not in self._used:
                path.unlink(missing_ok=True)

    def _kept(self, path: Path) -> list[Event] | None:
        """Return what was found before, if it is whole and need not be tried again."""
        try:
            events = list(_lines(path))
        except (OSError, ValueError):
            return None
        if not events or events[-1][0] not in {"end", "failed"}:
            return None
        last = events[-1]
        again = self._again and last[0] == "failed" and last[1] in TRANSIENT
        return None if again else events


def _lines(path: Path) -> Iterator[Event]:
    with path.open(encoding="utf-8") as stream:
        for line in stream:
            yield json.loads(line)


def convert(
    path: Path, form: Format, write: Callable[[bytes], object], progress: Callable[[int, int], None]
) -> None:
    """Run the child and write its events, one JSON array a line, always with a last one."""
    reader = _Reader(write, progress)
    child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-P", "-m", "knowledge.documents.worker", form, str(path.resolve())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment(),
        cwd=tempfile.gettempdir(),
        close_fds=True,
        start_new_session=True,
    )
    failure = "killed"
    try:
        failure = reader.read(child) or failure
    finally:
        child.kill()
        child.wait()
    if not reader.ended:
        # -SIGXCPU: the kernel's own answer to the limit on CPU time.
        reason = "timeout" if child.returncode in {-24, 152} else failure
        write(json.dumps(["failed", reason]).encode() + b"\n")


def _environment() -> dict[str, str]:
    """Nothing of the town's settings: no key can leak into a parser."""
    return {
        "PATH": os.defpath,
        "PYTHONPATH": str(_ROOT),
        "PYTHONIOENCODING": "utf-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "LC_ALL": "C.UTF-8",
        "HOME": tempfile.gettempdir(),
        **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
        **{name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ},
    }


class _Reader:
    """Takes the child's output, passes progress on and writes the rest."""

    def __init__(
        self, write: Callable[[bytes], object], progress: Callable[[int, int], None]
    ) -> None:
        self._write = write
        self._progress = progress
        self._size = 0
        self.ended = False

    def read(self, child: "subprocess.Popen[bytes]") -> str | None:
        """Read until the child closes its output; the reason if it was cut off."""
        assert child.stdout is not None  # noqa: S101 - it was asked for
        late = threading.Event()

        def stop() -> None:
            late.set()
            child.kill()

        clock = threading.Timer(limits.WALL_SECONDS, stop)
        clock.start()
        try:
            with child.stdout as stream:
                for line in iter(lambda: stream.readline(_LONGEST_LINE), b""):
                    self._size += len(line)
                    if self._size > MAX_BYTES_OUT or not line.endswith(b"\n"):
                        return "too-long" if child.poll() is None else "killed"
                    self._take(line)
        finally:
            clock.cancel()
        return "timeout" if late.is_set() else None

    def _take(self, line: bytes) -> None:
        if line.startswith(b'["progress"'):
            _, done, total = json.loads(line)
            self._progress(done, total)
            return
        self.ended = self.ended or line.startswith((b'["end"', b'["failed"'))
        self._write(line)
