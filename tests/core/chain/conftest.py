"""One anvil for the tests of a file; endpoints, honest and otherwise, in front of it."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack

import aiohttp
import pytest

from core.chain import PageMemory
from core.chain.client import JsonRpcChain
from tests.world.chains import Anvil, anvil
from tests.world.reading import CHAIN, Reader, Ticks
from tests.world.rpc import Rpc


@pytest.fixture(scope="module")
def node() -> Iterator[Anvil]:
    with anvil() as chain:
        yield chain


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
async def rpcs(node: Anvil) -> AsyncIterator[list[Rpc]]:
    """Three endpoints of the same node; a test uses as many as it needs."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(Rpc(node.url)) for _ in range(3)]


@pytest.fixture
def reader(client: aiohttp.ClientSession, ticks: Ticks) -> Reader:
    """Makes a reader of some endpoints."""

    def make(
        endpoints: Sequence[Rpc],
        *,
        pages: PageMemory | None = None,
        requests_per_second: float | None = None,
        requests_a_day: int | None = None,
    ) -> JsonRpcChain:
        return JsonRpcChain(
            CHAIN,
            [each.url for each in endpoints],
            client,
            monotonic=ticks,
            pages=pages,
            requests_per_second=requests_per_second,
            requests_a_day=requests_a_day,
        )

    return make
