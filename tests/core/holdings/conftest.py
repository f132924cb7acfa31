"""A chain of made-up blocks and the index that reads it."""

import pytest

from tests.core.holdings.fake import FakeChain


@pytest.fixture
def chain() -> FakeChain:
    return FakeChain()
