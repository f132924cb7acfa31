"""What dead workers and other versions left behind, settled by its kind."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from bots.jobs.janitor import LOST_AFTER, Janitor, stranded
from bots.jobs.stories import Story
from core import turns, workers
from core.database import Sessions, reading, transaction
from core.testing import SetClock
from core.turns import Outcome

WHEN = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def story(
    state: str = "running", worker: str = "a", version: str = "1", kind: str = "turn"
) -> Story:
    subject = "sweep" if kind == "turn" else "7"
    return Story(
        f"{kind}-{subject}-{worker}-{version}", kind, subject, state, worker, version, WHEN, None
    )


class Count:
    """The seconds that a process counts, whatever the clock on the wall shows."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Round:
    """The janitor of a worker, who looks every few seconds."""

    def __init__(self, shelf: "Shelf", sessions: Sessions, clock: SetClock) -> None:
        self.count = Count()
        self.clock = clock
        self.janitor = Janitor(shelf, sessions, who("me"), monotonic=self.count)

    async def __call__(self, seconds: float = 0) -> int:
        """A look after so many seconds."""
        self.count.seconds += seconds
        return await self.janitor.settle(now=self.clock())


class Shelf:
    """The engine's books, in memory."""

    def __init__(self, *stories: Story, version: str = "1") -> None:
        self.version = version
        self.kept = list(stories)
        self.resumed: list[str] = []
        self.cancelled: list[str] = []
        self.forgotten: list[str] = []
        self.idle_for = 0.0

    def idle(self, subject: str) -> float:  # noqa: ARG002
        return self.idle_for

    async def stories(self, states: Sequence[str]) -> list[Story]:  # noqa: ARG002
        return self.kept

    async def resume(self, stories: Sequence[str]) -> None:
        self.resumed += stories

    async def cancel(self, stories: Sequence[str]) -> None:
        self.cancelled += stories

    async def forget(self, stories: Sequence[str]) -> None:
        self.forgotten += stories


def who(name: str, version: str = "1") -> workers.Identity:
    return workers.Identity(name, f"token-{name}", "host", 1, "", "0.1.0", version)


async def arrive(sessions: Sessions, clock: SetClock, name: str, version: str = "1") -> None:
    async with transaction(sessions) as session:
        await workers.enter(session, who(name, version), duties="jobs", replacing=None, now=clock())


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        pytest.param(story(), False, id="its worker lives"),
        pytest.param(story(worker="dead"), True, id="its worker is gone"),
        pytest.param(story(worker="b"), True, id="its worker came back with another version"),
        pytest.param(story("waiting", worker=""), False, id="waits for a version that lives"),
        pytest.param(story("waiting", version="0"), True, id="waits for a version that is gone"),
    ],
)
def test_what_nobody_alive_will_do_is_stranded(one: Story, expected: bool) -> None:
    assert stranded(one, {"a": "1", "b": "2"}) is expected


async def test_a_silent_worker_s_turn_is_cancelled_and_its_job_due_again(
    sessions: Sessions, clock: SetClock
) -> None:
    await arrive(sessions, clock, "dead")
    async with transaction(sessions) as session:
        await turns.put_on(session, {"sweep": clock() + timedelta(hours=1)})
        await turns.begin(session, "sweep", worker="dead", now=clock())
    shelf = Shelf(story(worker="dead"))
    round_ = Round(shelf, sessions, clock)
    assert [await round_(seconds) for seconds in (0, 4, 4, 4)] == [0, 0, 0, 1]
    assert shelf.cancelled == ["turn-sweep-dead-1"]
    async with reading(sessions) as session:
        (turn,) = await turns.every(session)
    assert (turn.due_at, turn.outcome, turn.under_way) == (clock(), Outcome.CUT_SHORT, False)


async def test_announcements_of_the_dead_are_carried_on_or_where_versions_differ_begun_anew(
    sessions: Sessions, clock: SetClock
) -> None:
    await arrive(sessions, clock, "me")
    ours = story(worker="dead", kind="announcement")
    older = story(worker="dead", version="0", kind="announcement")
    shelf = Shelf(ours, older, story(worker="me", kind="announcement"))
    assert await Round(shelf, sessions, clock)() == 2
    assert (shelf.resumed, shelf.forgotten, shelf.cancelled) == ([ours.id], [older.id], [])


async def test_the_work_of_a_living_worker_of_another_version_is_left_alone(
    sessions: Sessions, clock: SetClock
) -> None:
    await arrive(sessions, clock, "other", "2")
    shelf = Shelf(story(worker="other", version="2"), story("waiting", worker="", version="2"))
    assert await Round(shelf, sessions, clock)() == 0


@pytest.mark.parametrize("jump", [timedelta(days=1), timedelta(days=-1)], ids=["ahead", "back"])
async def test_a_clock_that_jumps_makes_no_worker_dead_and_keeps_no_dead_one_alive(
    sessions: Sessions, clock: SetClock, jump: timedelta
) -> None:
    await arrive(sessions, clock, "other")
    shelf = Shelf(story(worker="other"))
    look = Round(shelf, sessions, clock)
    await look()
    clock.advance(jump)
    for _ in range(5):
        async with transaction(sessions) as session:
            assert await workers.beat(session, who("other"), doing="", now=clock())
        assert await look(4) == 0
        clock.advance(timedelta(seconds=1))
    assert [await look(5) for _ in range(2)] == [0, 1], "silent for ten seconds from here on"


async def test_nobody_is_dead_at_one_look_after_an_outage(
    sessions: Sessions, clock: SetClock
) -> None:
    await arrive(sessions, clock, "other")
    shelf = Shelf(story(worker="other"))
    look = Round(shelf, sessions, clock)
    await look()
    clock.advance(timedelta(minutes=5))
    assert await look(300) == 0
    async with transaction(sessions) as session:
        await workers.beat(session, who("other"), doing="", now=clock())
    assert [await look(5) for _ in range(2)] == [0, 0]


async def test_a_turn_whose_end_could_not_be_written_down_is_settled_by_its_own_worker(
    sessions: Sessions, clock: SetClock
) -> None:
    """As after a full disk: the engine believes it under way here for good."""
    await arrive(sessions, clock, "me")
    async with transaction(sessions) as session:
        await turns.put_on(session, {"sweep": clock() + timedelta(hours=1)})
    life = story(worker="me", kind="announcement")
    shelf = Shelf(story(worker="me"), life)
    look = Round(shelf, sessions, clock)
    long = LOST_AFTER.total_seconds()
    assert await look(long) == 0, "under way"
    shelf.idle_for = 2 * long
    assert await look(long) == 0, "just taken, or between two tries"
    shelf.idle_for = 1
    assert await look(long) == 0, "between two tries"
    shelf.idle_for = 2 * long
    assert await look(1) == 2
    assert (shelf.cancelled, shelf.forgotten) == (["turn-sweep-me-1"], [life.id])
    async with reading(sessions) as session:
        (turn,) = await turns.every(session)
    assert turn.due_at == clock()
