"""kill -9 at fifty random moments, on each database, with one worker and with two."""

import asyncio
import os
import random
from typing import Final

from benchmarks.announcements._report import Report
from benchmarks.announcements._world import DATABASES, World
from benchmarks.measure import table
from core.announcements import Policy
from tests.world.ordeal import Plan, Verdict, endure, endure_amending

WAYS: Final[tuple[tuple[Policy, bool], ...]] = (
    ("resend", False),
    ("hold", False),
    ("resend", True),
)
"""The policy, and whether it is the change of what has arrived that is killed."""
KILLS: Final = int(os.environ.get("KILLS", "50"))


async def run(world: World, report: Report) -> None:
    rows = []
    for policy, amending in WAYS:
        for workers in (1, 2):
            plan = Plan(KILLS, workers, policy=policy, seed=random.SystemRandom().getrandbits(32))
            # Both databases at once: the senders wait most of the time.
            verdicts = await asyncio.gather(
                *(_one(world, kind, plan, amending=amending) for kind in world.databases)
            )
            for kind, verdict in zip(world.databases, verdicts, strict=True):
                name = f"{DATABASES[kind]}, {workers} worker{'s' * (workers > 1)}, {policy}"
                name += ", changed" * amending
                rows.append(_row(name, verdict))
                _judge(report, name, verdict)
    print("\n30 a second, answers in 50 ms, a life of 0 to 0.6 s; the seed repeats a run")
    head = (
        *("what", "seed", "kills", "people", "lost", "twice a kill", "worst"),
        *("unsure", "of them unreached", "s"),
    )
    table(head, rows)


async def _one(world: World, kind: str, plan: Plan, *, amending: bool) -> Verdict:
    async with world.records(kind) as records:
        if amending:
            return await endure_amending(plan, records.sessions, records.database)
        return await endure(plan, records.sessions, records.database)


def _row(name: str, verdict: Verdict) -> tuple[str, ...]:
    counts = verdict.per_kill()
    return (
        name,
        str(verdict.plan.seed),
        str(len(verdict.kills)),
        str(verdict.plan.people),
        str(len(verdict.lost) + verdict.missing),
        f"{sum(counts) / len(counts):.2f}",
        str(max(counts)),
        str(verdict.unsure),
        str(verdict.unsure_and_silent),
        f"{verdict.seconds:.0f}",
    )


def _judge(report: Report, name: str, verdict: Verdict) -> None:
    counts, plan = verdict.per_kill(), verdict.plan
    if verdict.lost or verdict.missing or verdict.unexplained() or verdict.stale:
        print(verdict)
    report.at_most(f"lost, {name}", len(verdict.lost) + verdict.missing, 0)
    report.at_most(f"twice without a kill, {name}", verdict.unexplained(), 0)
    report.at_most(f"with old words, {name}", verdict.stale, 0)
    if plan.policy == "hold":
        report.at_most(f"twice, {name}", sum(counts), 0)
    else:
        report.at_most(f"twice a kill, {name}", sum(counts) / len(counts), plan.bound)
