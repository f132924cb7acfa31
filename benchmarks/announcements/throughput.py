"""Without a limit: messages a second and CPU a message, as ratios to a loop that keeps nothing."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from benchmarks.announcements._report import Report
from benchmarks.announcements._world import DATABASES, Taken, World
from benchmarks.measure import median, table
from tests.world.arrivals import Conduct

COUNT: Final = 5_000
SLOW_COUNT: Final = 1_500  # for stock python-telegram-bot
REPEATS: Final = 3
GOALS: Final = {"sqlite": 0.4, "postgresql": 0.25}
BARE: Final = "bare aiohttp, no records"


async def run(world: World, report: Report) -> None:
    fast = Conduct()
    contestants: dict[str, Callable[[], Awaitable[Taken]]] = {
        f"Kankei on {DATABASES[kind]}": partial(world.ours, kind, COUNT, fast)
        for kind in world.databases
    }
    contestants |= {
        f"the pump on {DATABASES[kind]}, over bare aiohttp": partial(
            world.ours, kind, COUNT, fast, how="bare"
        )
        for kind in world.databases
    }
    contestants["PTB over our transport, no records"] = partial(
        world.ptb_over_our_transport, COUNT, fast
    )
    if world.peers:
        contestants[BARE] = partial(world.peer, "aiohttp", COUNT, fast)
    runs: dict[str, list[Taken]] = {name: [] for name in contestants}
    for _ in range(REPEATS):
        for name, contest in contestants.items():
            runs[name].append(await contest())
    if world.peers:
        runs["PTB, plain gather"] = [await world.peer("ptb-gather", SLOW_COUNT, fast)]
    rates = {name: median([each.log.rate for each in taken]) for name, taken in runs.items()}
    cpu = {name: median([each.cpu_each for each in taken]) for name, taken in runs.items()}
    ceiling = rates.get(BARE, 0.0)
    rows = [
        (
            name,
            f"{rates[name]:,.0f}",
            f"{cpu[name]:.2f}",
            f"{max(each.rss for each in runs[name]) / 2**20:.0f}",
            f"{rates[name] / ceiling:.2f}" if ceiling else "-",
        )
        for name in runs
    ]
    print(f"{COUNT:,} messages, median of {REPEATS} turns")
    table(("what", "messages/s", "CPU ms each", "RSS MiB", "rate / bare"), rows)
    for kind in world.databases if ceiling else ():
        ratio = rates[f"Kankei on {DATABASES[kind]}"] / ceiling
        report.at_least(f"throughput / bare aiohttp, {DATABASES[kind]}", ratio, GOALS[kind])
