"""The worlds of the perks' tests."""

import pytest

from core.database import Sessions
from core.town import TownPack
from tests.core.perks.world import World


@pytest.fixture
def world(town: TownPack, lite: Sessions) -> World:
    """One perk, once a year by card."""
    return World(town, lite)
