"""What the benchmarks share: a stopwatch for CPU and wall time, medians, and a plain table.

CPU time is `time.process_time`: all threads of this process, and of no other. On a shared machine
it is the figure to compare; wall time is an upper bound.
"""

import os
import platform
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version


@dataclass(slots=True)
class Lap:
    """What a block took, in seconds; zero until it has ended."""

    cpu: float = 0.0
    wall: float = 0.0


@contextmanager
def lap() -> Iterator[Lap]:
    """Time a block."""
    taken = Lap()
    cpu, wall = time.process_time(), time.perf_counter()
    try:
        yield taken
    finally:
        taken.cpu = time.process_time() - cpu
        taken.wall = time.perf_counter() - wall


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of all values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1)]


def heading(title: str, *packages: str) -> None:
    """Say what is measured, when, on what, and how busy the machine is."""
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    load = "/".join(f"{each:.1f}" for each in os.getloadavg())
    now = datetime.now(UTC)
    print(f"{title}\n{now:%Y-%m-%d %H:%M} UTC, Python {platform.python_version()}, {versions}")
    print(f"{os.cpu_count()} shared cores, load average {load}")


def load_after() -> None:
    print("load average at the end " + "/".join(f"{each:.1f}" for each in os.getloadavg()))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table, the first column to the left and the others to the right."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    print()
    for row in (head, rule, *rows):
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        print(f"| {' | '.join(cells)} |")
    print()
