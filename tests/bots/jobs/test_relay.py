"""What the engine's library complains of is told at growing intervals, and never in its words."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from bots.jobs.relay import Relay, listen

COMPLAINT = "Database connection failed: password of hana. Retrying in 1.00s (attempt 1)"


class Seconds:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class World:
    """A library that complains, and what we say of it."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self.clock = Seconds()
        self.relay = Relay(self.clock)
        self._caplog = caplog

    def complains(self, words: str = COMPLAINT, *, line: int = 1, error: object = None) -> None:
        kind = (type(error), error, None) if isinstance(error, BaseException) else None
        self.relay.handle(
            logging.LogRecord("dbos", logging.WARNING, "_sys_db.py", line, words, (), kind)
        )

    def complains_for(self, seconds: int, *, a_second: int) -> None:
        for _ in range(seconds * a_second):
            self.complains()
            self.clock.now += 1 / a_second

    def told(self) -> list[tuple[str, int]]:
        """(what, how many were left out before)."""
        return [(each.message, vars(each)["left_out"]) for each in self._caplog.records]


@pytest.fixture
def world(caplog: pytest.LogCaptureFixture) -> Iterator[World]:
    with caplog.at_level(logging.WARNING, "bots.jobs.relay"):
        yield World(caplog)


def test_a_database_that_is_away_is_told_at_growing_intervals_with_the_number_left_out(
    world: World,
) -> None:
    world.complains_for(16, a_second=8)
    assert world.told() == [
        ("engine-database-away", left_out) for left_out in (0, 7, 15, 31, 63)
    ]  # after 0, 1, 3, 7 and 15 seconds


def test_a_database_that_is_away_for_hours_is_told_once_a_minute(world: World) -> None:
    world.complains_for(600, a_second=4)
    before = len(world.told())
    world.complains_for(600, a_second=4)
    assert world.told()[before:] == [("engine-database-away", 239)] * 10


def test_that_it_is_back_is_told_once_with_what_was_left_out(world: World) -> None:
    world.complains_for(4, a_second=4)
    world.relay.answered()
    assert len(world.told()) == 3  # somebody complained a moment ago
    world.clock.now += 5
    world.relay.answered()
    world.relay.answered()
    assert world.told()[3:] == [("engine-database-back", 3)]
    world.complains()
    assert world.told()[4:] == [("engine-database-away", 0)]


def test_another_complaint_is_told_while_the_database_is_away(world: World) -> None:
    world.complains()
    world.complains("No function of this name", line=7)
    world.complains("No function of this name", line=7)
    assert world.told() == [("engine-database-away", 0), ("engine", 0)]
    world.clock.now += 61
    world.complains("No function of this name", line=7)
    assert world.told()[2:] == [("engine", 1)]


def test_the_words_of_the_library_are_not_told(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.complains("hana", line=3, error=OperationalError("select 'hana'", {}, OSError("hana")))
    assert "hana" not in str([vars(each) for each in caplog.records if each.name != "dbos"])
    assert vars(caplog.records[0])["error"] == "OperationalError"
    assert caplog.records[0].message == "engine-database-away"


def test_an_answer_of_the_database_is_heard(world: World, tmp_path: Path) -> None:
    pool = create_engine(f"sqlite:///{tmp_path / 'records.sqlite3'}")
    listen(world.relay, pool)
    world.complains()
    world.clock.now += 10
    with pool.connect() as connection:
        connection.execute(text("SELECT 1"))
    pool.dispose()
    assert world.told()[1:] == [("engine-database-back", 0)]
