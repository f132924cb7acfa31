"""A town running with everything real but the platforms."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bots.app import App, running
from core.settings import Settings
from core.testing import FakeHoldings, SetClock
from knowledge.answer import Guide
from knowledge.encoders import Tier
from tests.conftest import ROOT
from tests.world.records import begin


@pytest.fixture(scope="session")
def mine_guide(tmp_path_factory: pytest.TempPathFactory) -> Guide:
    """Mine's own guides on the lightest tier: words alone."""
    cache = tmp_path_factory.mktemp("index")
    return Guide.open(ROOT / "towns" / "mine" / "guides", cache=cache, tier=Tier.WORDS)


@pytest.fixture
def holdings() -> FakeHoldings:
    return FakeHoldings()


@pytest.fixture
async def app(
    tmp_path: Path, clock: SetClock, holdings: FakeHoldings, mine_guide: Guide
) -> AsyncIterator[App]:
    begin(tmp_path / "kankei.sqlite3")
    settings = Settings(
        town=ROOT / "towns" / "mine",
        data_dir=tmp_path,
        staff=dict.fromkeys(["telegram:900"], ""),
        port=8080,
        voice="off",  # the voice has its own tests
    )
    async with running(settings, clock=clock, holdings=holdings, guide=mine_guide) as app:
        yield app
