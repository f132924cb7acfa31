"""A town whose clock the tests turn, on each database that we promise."""

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from bots.app import App, running
from bots.jobs.engine import engine_url
from core.settings import Settings
from core.testing import FakeHoldings, SetClock
from knowledge.answer import Guide
from tests.conftest import ROOT
from tests.world.records import begin, template


@pytest.fixture(params=["sqlite", "postgresql"])
def records(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database of this test alone."""
    if request.param == "sqlite":
        yield begin(tmp_path / "kankei.sqlite3")
        return
    server = str(request.getfixturevalue("postgres"))
    name, begun = f"town_{uuid.uuid4().hex[:12]}", template(server)
    admin = create_engine(engine_url(server), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {begun}"))
    try:
        yield server.rpartition("/")[0] + f"/{name}"
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()


@pytest.fixture
async def app(
    records: str, tmp_path: Path, clock: SetClock, holdings: FakeHoldings, mine_guide: Guide
) -> AsyncIterator[App]:
    settings = Settings(
        _env_file=None,
        town=ROOT / "towns" / "mine",
        data_dir=tmp_path,
        database_url=records,
        staff=dict.fromkeys(["telegram:900"], ""),
    )
    async with running(settings, clock=clock, holdings=holdings, guide=mine_guide) as app:
        yield app
