"""Run the parts of this package one after the other, and say which goals were met."""

import argparse
import asyncio
import importlib
import pkgutil
import sys
import time

import benchmarks.announcements
from benchmarks.announcements._report import Report
from benchmarks.announcements._world import world
from benchmarks.measure import heading, load_after


def parts() -> list[str]:
    """The modules of this package that measure something."""
    found = (each.name for each in pkgutil.iter_modules(benchmarks.announcements.__path__))
    return sorted(name for name in found if not name.startswith("_"))


async def run(asked: list[str]) -> None:
    packages = ("python-telegram-bot", "aiohttp", "sqlalchemy", "aiosqlite", "asyncpg")
    heading("Announcements", *packages)
    report = Report()
    async with world() as made:
        if not made.peers:
            print("peers left out: see benchmarks/announcements/requirements.txt")
        for name in asked:
            began = time.monotonic()
            print(f"\n## {name}\n", flush=True)
            await importlib.import_module(f"benchmarks.announcements.{name}").run(made, report)
            print(f"({name} took {time.monotonic() - began:.0f} s)", flush=True)
    report.show()
    load_after()


def main() -> int:
    parser = argparse.ArgumentParser(description=benchmarks.announcements.__doc__)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(parts())}; default: all")
    asked = parser.parse_args().parts or parts()
    if unknown := set(asked) - set(parts()):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    asyncio.run(run(asked))
    return 0


if __name__ == "__main__":
    sys.exit(main())
