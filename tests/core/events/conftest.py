"""The worlds of the events' tests."""

import pytest

from core.database import Sessions
from core.town import TownPack
from tests.core.events.world import World


@pytest.fixture
def world(town: TownPack, lite: Sessions) -> World:
    """A town without events, on SQLite."""
    return World(town, lite)


@pytest.fixture
def both(town: TownPack, sessions: Sessions) -> World:
    """The same on each database that we promise."""
    return World(town, sessions)
