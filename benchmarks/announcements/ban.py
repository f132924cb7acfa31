"""A platform that answers 429 beyond 30 in any second, to everything until its pause is over."""

import time
from typing import Final

from benchmarks.announcements._report import Report
from benchmarks.announcements._world import DATABASES, Taken, World
from benchmarks.measure import table
from tests.world.arrivals import Conduct

ALLOWED: Final = 30
COUNT: Final = 300
FLOOD: Final = Conduct(latency=0.05, per_second=ALLOWED + 1, retry_after=3)
PEERS: Final = {
    "PTB, plain gather": "ptb-gather",
    "PTB, AIORateLimiter, gather": "ptb-limiter-gather",
    "PTB, AIORateLimiter, loop": "ptb-limiter-loop",
    "aiogram's idiom": "aiogram",
}


async def run(world: World, report: Report) -> None:
    rows = []
    for kind in world.databases:
        for rate in (ALLOWED, 2 * ALLOWED):
            began = time.monotonic()
            taken = await world.ours(kind, COUNT, FLOOD, rate=rate)
            wrongly = "" if rate == ALLOWED else ", lane wrongly at 60/s"
            rows.append(_row(f"Kankei on {DATABASES[kind]}{wrongly}", taken, began))
            name = f"{DATABASES[kind]}, lane at {rate}/s"
            report.at_most(f"requests in a ban, {name}", taken.log.while_banned, 0)
            report.at_most(f"lost in floods, {name}", COUNT - len(taken.log.sent), 0)
    for name, peer in PEERS.items() if world.peers else ():
        began = time.monotonic()
        taken = await world.peer(peer, COUNT // 2, FLOOD, rate=float(2 * ALLOWED))
        rows.append(_row(name, taken, began))
    print("\nthe peers are told 60/s and send half as many")
    table(("what", "reached", "twice", "429", "of them in a ban", "seconds"), rows)


def _row(name: str, taken: Taken, began: float) -> tuple[str, ...]:
    log = taken.log
    return (
        name,
        str(len(log.sent)),
        str(log.twice),
        str(log.refused),
        str(log.while_banned),
        f"{time.monotonic() - began:.1f}",
    )
