"""The rate that is allowed, kept: by one worker and by two, and CPU a message at 1,000 a second."""

from typing import Final

from benchmarks.announcements._report import Report
from benchmarks.announcements._world import DATABASES, Taken, World
from benchmarks.measure import table
from tests.world.arrivals import Conduct

SLOW, FAST = 30.0, 1_000.0
COUNTS: Final = {SLOW: 300, FAST: 5_000}
LATENCY: Final = Conduct(latency=0.05)
PEERS: Final = {
    SLOW: {
        "PTB, AIORateLimiter, gather": "ptb-limiter-gather",
        "PTB, AIORateLimiter, loop": "ptb-limiter-loop",
        "aiogram's idiom": "aiogram",
    },
    FAST: {"PTB, AIORateLimiter, gather": "ptb-limiter-gather"},
}
PEER_COUNTS: Final = {SLOW: 150, FAST: 1_500}


async def run(world: World, report: Report) -> None:
    for rate in (SLOW, FAST):
        rows = []
        for kind in world.databases:
            for workers in (1, 2):
                taken = await world.ours(kind, COUNTS[rate], LATENCY, rate=rate, workers=workers)
                name = f"{DATABASES[kind]}, {workers} worker{'s' * (workers > 1)}"
                rows.append(_row(f"Kankei, {name}", taken, rate))
                _judge(report, f"{rate:,.0f}/s, {name}", taken, rate)
                if rate == FAST and workers == 1:
                    goal = f"CPU a message at {rate:,.0f}/s, {DATABASES[kind]}"
                    report.at_most(goal, taken.cpu_each, 0.7, "ms")
        if world.peers:
            for name, peer in PEERS[rate].items():
                taken = await world.peer(peer, PEER_COUNTS[rate], LATENCY, rate=rate)
                rows.append(_row(name, taken, rate))
        print(f"\n{rate:,.0f} a second allowed, answers in 50 ms")
        head = ("what", "messages/s", "/ allowed", "most in 1 s", "CPU ms each", "given up")
        table(head, rows)


def _row(name: str, taken: Taken, rate: float) -> tuple[str, ...]:
    log = taken.log
    return (
        name,
        f"{log.rate:,.1f}",
        f"{log.rate / rate:.3f}",
        f"{log.most_in_a_second():,}",
        f"{taken.cpu_each:.2f}",
        str(taken.failed),
    )


def _judge(report: Report, what: str, taken: Taken, rate: float) -> None:
    report.at_least(f"rate / allowed, {what}", taken.log.rate / rate, 0.99)
    # 30 slots a second and the one at which the second begins are 31: the most of any limiter.
    report.at_most(f"most in 1 s, {what}", taken.log.most_in_a_second(), int(rate * 1.05))
