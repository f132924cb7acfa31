"""An ordeal: senders are killed at random moments while an announcement is on its way.

What is counted afterwards is what arrived, not what the records say; then both are compared.
"""

import asyncio
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from core.announcements import Policy
from core.database import Sessions
from tests.world import news
from tests.world.arrivals import Arrival, Conduct, CountingTelegram, Log
from tests.world.sender import Senders, Sending, senders

LONGEST_LIFE: Final = 0.6
"""Seconds: so long at most does a process send before it is killed."""
READ_WITHIN: Final = 0.02
"""Seconds in which the platform has read what the dead had written."""
SWIFTLY: Final = 2_000.0
"""Messages a second, where only the change that follows is of interest."""
DIES_STARTING: Final = 0.2
"""The share of deaths that may come before the first message, in the first half second."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to happen."""

    kills: int
    workers: int = 1
    rate: float = 30.0
    latency: float = 0.05  # seconds; what the platform has been set to
    policy: Policy = "resend"
    seed: int = 0

    @property
    def people(self) -> int:
        """So many that the announcement outlives the kills."""
        return int(self.rate * self.kills * LONGEST_LIFE * 0.7) + 30

    @property
    def bound(self) -> float:
        """How many may come twice for each kill: one and a half times what is in flight, and 1."""
        return 1.5 * self.rate * self.latency + 1


class Kill(NamedTuple):
    """When a process was killed and when its last request can have been read, monotonic."""

    at: float
    over: float


@dataclass(slots=True)
class Verdict:
    """What came of it."""

    plan: Plan
    log: Log
    results: Mapping[int, str]
    kills: list[Kill] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)
    seconds: float = 0.0
    kind: str = "sent"  # what is counted: sent, edited or deleted
    stale: int = 0  # messages that still say what was changed or taken back

    @property
    def lost(self) -> set[int]:
        """Who received nothing although the records do not say so."""
        silent = {chat for chat, state in self.results.items() if state != "unsure"}
        return silent - {each.chat for each in self.log.of(self.kind)}

    @property
    def missing(self) -> int:
        """People nothing was written down about."""
        return self.plan.people - len(self.results)

    @property
    def unsure(self) -> int:
        return sum(state == "unsure" for state in self.results.values())

    @property
    def unsure_and_silent(self) -> int:
        """Of those, whom nothing has reached: what staff are asked to decide about."""
        heard = {each.chat for each in self.log.of(self.kind)}
        return sum(state == "unsure" and chat not in heard for chat, state in self.results.items())

    def repeats(self) -> list[tuple[Arrival, Arrival]]:
        """Each message that came again, with the one before it to the same person."""
        last: dict[int, Arrival] = {}
        found = []
        for arrival in self.log.of(self.kind):
            if (before := last.get(arrival.chat)) is not None:
                found.append((before, arrival))
            last[arrival.chat] = arrival
        return found

    def per_kill(self) -> list[int]:
        """How many came twice because of each kill: the first one after their first arrival."""
        counts = [0] * len(self.kills)
        for before, again in self.repeats():
            guilty = self._guilty(before, again)
            if guilty is not None:
                counts[guilty] += 1
        return counts

    def unexplained(self) -> int:
        """What came twice although nothing was killed in between."""
        return sum(self._guilty(*each) is None for each in self.repeats())

    def strange(self) -> list[str]:
        """The unexplained ones, for who looks into them."""
        start = self.kills[0].at if self.kills else 0.0
        return [
            f"  {before.at - start:7.3f} s and {again.at - start:7.3f} s: chat {again.chat}"
            for before, again in self.repeats()
            if self._guilty(before, again) is None
        ]

    def _guilty(self, before: Arrival, again: Arrival) -> int | None:
        return next(
            (
                i
                for i, each in enumerate(self.kills)
                if before.at <= each.over and each.at <= again.at
            ),
            None,
        )

    def __str__(self) -> str:
        counts = self.per_kill()
        return (
            f"seed {self.plan.seed}, {self.plan.workers} worker(s), {self.plan.policy}: "
            f"{self.kind}, {len(self.kills)} kills, {self.plan.people} people, "
            f"lost {len(self.lost)}, not settled {self.missing}, twice {sum(counts)} "
            f"(worst {max(counts, default=0)}, unexplained {self.unexplained()}), "
            f"unsure {self.unsure} (nothing reached {self.unsure_and_silent}), "
            f"stale {self.stale}, {self.seconds:.1f} s\n"
            + "\n".join([*self.trace, *self.strange()])
        )


async def endure(plan: Plan, sessions: Sessions, database: str) -> Verdict:
    """Announce, kill, and wait until all is settled. The records must be empty before."""
    await news.settle(sessions, plan.people)
    number = await news.announce(sessions, policy=plan.policy)
    began = time.monotonic()
    async with CountingTelegram(Conduct(latency=plan.latency)) as telegram:
        with senders() as alive:
            verdict = Verdict(plan, telegram.log, {})
            await _kill(verdict, alive, database, telegram)
            await until_finished(sessions, number, timeout=60 + plan.people / plan.rate)
            await alive.stop()
        verdict.log = telegram.seen()
    verdict.results = await news.results(sessions, number)
    verdict.seconds = time.monotonic() - began
    return verdict


async def endure_amending(
    plan: Plan, sessions: Sessions, database: str, *, taken_back: bool = False
) -> Verdict:
    """The same while what has arrived is changed, or taken back, at everybody's."""
    await news.settle(sessions, plan.people)
    number = await news.announce(sessions, policy=plan.policy)
    async with CountingTelegram() as telegram:
        with senders() as alive:
            alive.start(Sending(database, telegram.base_url, "first", SWIFTLY))
            await until_finished(sessions, number, timeout=60)
            await alive.stop()
            telegram.seen()
            before = set(telegram.log.texts)
            await (news.retract if taken_back else news.change)(sessions, number)
            began = time.monotonic()
            telegram.behave(Conduct(latency=plan.latency))
            verdict = Verdict(plan, telegram.log, {}, kind="deleted" if taken_back else "edited")
            await _kill(verdict, alive, database, telegram)
            async with asyncio.timeout(60 + plan.people / plan.rate):
                while not await news.amended(sessions, number):  # noqa: ASYNC110 - others write it
                    await asyncio.sleep(0.1)
            await alive.stop()
        verdict.log = telegram.seen()
    verdict.stale = sum(verdict.log.texts[words] for words in before)
    verdict.results = await news.results(sessions, number)
    verdict.seconds = time.monotonic() - began
    return verdict


async def _kill(
    verdict: Verdict, alive: Senders, database: str, telegram: CountingTelegram
) -> None:
    plan = verdict.plan
    chance = random.Random(plan.seed)
    names = [chr(ord("a") + each) for each in range(plan.workers)]

    def start(name: str) -> None:
        alive.start(Sending(database, telegram.base_url, name, plan.rate))

    for name in names:
        start(name)
    await telegram.until(len(telegram.log.times) + 1)
    for _ in range(plan.kills):
        if chance.random() > DIES_STARTING:
            await telegram.until(len(telegram.log.times) + 1, timeout=60)
        await asyncio.sleep(chance.uniform(0, LONGEST_LIFE))
        doomed = chance.sample(names, chance.randint(1, len(names)))
        at = time.monotonic()
        await alive.kill(*doomed)
        await asyncio.sleep(READ_WITHIN)
        verdict.kills.append(Kill(at, time.monotonic()))
        verdict.trace.append(
            f"  {at - verdict.kills[0].at:7.3f} s killed {'+'.join(doomed)} "
            f"after {len(telegram.log.times)} arrivals"
        )
        for name in doomed:
            start(name)


async def until_finished(sessions: Sessions, number: int, *, timeout: float) -> None:  # noqa: ASYNC109
    """Raises `TimeoutError` if the announcement is not done in time."""
    async with asyncio.timeout(timeout):
        while not await news.finished(sessions, number):  # noqa: ASYNC110 - others write it
            await asyncio.sleep(0.1)
