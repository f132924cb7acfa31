"""A town with its pages on a real socket."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.testing import SetClock
from tests.bots.web.stage import World, open_town


@pytest.fixture
async def world(tmp_path: Path, clock: SetClock) -> AsyncIterator[World]:
    async with open_town(tmp_path, clock, demo=False) as opened:
        yield opened
