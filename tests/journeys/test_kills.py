"""kill -9 at random moments: nothing is lost, and only what was in flight comes twice.

The seed of each ordeal is printed; ``KILL_SEED`` repeats it. The number of kills is kept
small here: `python -m benchmarks.announcements kills` does fifty on each database.
"""

import os
import random
import sys

import pytest

from core.database import Sessions
from tests.world.ordeal import Plan, Verdict, endure, endure_amending
from tests.world.records import address

KILLS = 8
SLACK = 0.1
"""Seconds that a busy machine may add to what an answer and its writing down take."""


@pytest.fixture
def seed() -> int:
    return int(os.environ.get("KILL_SEED", random.SystemRandom().randrange(2**32)))


def nothing_lost(verdict: Verdict) -> None:
    plan = verdict.plan
    sys.stdout.write(f"{verdict}\n")
    assert len(verdict.kills) == plan.kills
    assert not verdict.lost, verdict
    assert verdict.missing == 0, verdict
    assert verdict.unexplained() == 0, verdict


def little_came_twice(verdict: Verdict) -> None:
    plan = verdict.plan
    bound = plan.bound + 1.5 * plan.rate * SLACK
    assert sum(verdict.per_kill()) <= bound * plan.kills, verdict


@pytest.mark.parametrize("workers", [1, 2])
async def test_killed_at_random_moments_nobody_is_left_out_and_little_comes_twice(
    sessions: Sessions, seed: int, workers: int
) -> None:
    plan = Plan(KILLS, workers, seed=seed)
    verdict = await endure(plan, sessions, address(sessions))
    nothing_lost(verdict)
    little_came_twice(verdict)


@pytest.mark.parametrize("workers", [1, 2])
async def test_on_hold_nobody_hears_twice_and_staff_see_who_may_have_missed_it(
    sessions: Sessions, seed: int, workers: int
) -> None:
    plan = Plan(KILLS, workers, policy="hold", seed=seed)
    verdict = await endure(plan, sessions, address(sessions))
    nothing_lost(verdict)
    assert sum(verdict.per_kill()) == 0, verdict


@pytest.mark.parametrize("taken_back", [False, True], ids=["changed", "taken back"])
async def test_killed_while_it_is_amended_no_message_keeps_its_old_words(
    sessions: Sessions, seed: int, *, taken_back: bool
) -> None:
    plan = Plan(KILLS, 2, seed=seed)
    verdict = await endure_amending(plan, sessions, address(sessions), taken_back=taken_back)
    nothing_lost(verdict)
    assert verdict.stale == 0, verdict
    assert sum(verdict.log.texts.values()) == (0 if taken_back else plan.people)
    little_came_twice(verdict)
