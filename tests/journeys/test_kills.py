"""kill -9 at random moments: nothing is lost, and only what was in flight comes twice.

The seed of each ordeal is printed; ``KILL_SEED`` repeats it. The number of kills is kept
small here: `python -m benchmarks.announcements kills` does fifty on each database.
"""

import os
import random
import sys

import pytest

from core.database import Sessions
from tests.world.ordeal import Plan, Verdict, endure

KILLS = 8


@pytest.fixture
def seed() -> int:
    return int(os.environ.get("KILL_SEED", random.SystemRandom().randrange(2**32)))


def database(sessions: Sessions) -> str:
    """Where the records are, for other processes."""
    engine = sessions.kw["bind"]
    return str(engine.url.render_as_string(hide_password=False))


def nothing_lost(verdict: Verdict) -> None:
    plan = verdict.plan
    sys.stdout.write(f"{verdict}\n")
    assert len(verdict.kills) == plan.kills
    assert not verdict.lost, verdict
    assert verdict.missing == 0, verdict
    assert verdict.unexplained() == 0, verdict


@pytest.mark.parametrize("workers", [1, 2])
async def test_killed_at_random_moments_nobody_is_left_out_and_little_comes_twice(
    sessions: Sessions, seed: int, workers: int
) -> None:
    plan = Plan(KILLS, workers, seed=seed)
    verdict = await endure(plan, sessions, database(sessions))
    nothing_lost(verdict)
    assert sum(verdict.per_kill()) <= plan.bound * plan.kills, verdict
