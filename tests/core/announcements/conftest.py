"""The office of these tests, on each database."""

import pytest

from core.database import Sessions
from core.testing import SetClock
from core.town import TownPack
from tests.core.announcements.office import Office, told


@pytest.fixture
def office(town: TownPack, sessions: Sessions, clock: SetClock) -> Office:
    return Office(told(town), sessions, clock)
