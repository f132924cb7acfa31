"""The guides of a small invented town, with real models once a session and without them else."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from knowledge.answer import Guide
from knowledge.generate import Generator
from knowledge.testing import FakeEncoder

GUIDES = Path(__file__).parent / "guides"
NOW = datetime(2026, 11, 21, 10, tzinfo=ZoneInfo("Asia/Tokyo"))


@pytest.fixture(scope="session")
def guide(tmp_path_factory: pytest.TempPathFactory) -> Guide:
    """The guide of Mizuki, on every model that is installed."""
    opened = Guide.open(GUIDES, cache=tmp_path_factory.mktemp("vectors"))
    opened.catch_up()
    return opened


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Guide]:
    """Makes guides of Mizuki on an encoder without weights, with any generator."""
    cache = tmp_path_factory.mktemp("plain")
    index = Guide.open(GUIDES, cache=cache, models=[FakeEncoder()]).index

    def make(generator: Generator | None = None, persona: str = "") -> Guide:
        return Guide(index, generator=generator, persona=persona)

    return make
