"""web3 over the town's own provider: the same limits, whoever asks."""

import aiohttp
import pytest
from web3 import AsyncWeb3

from bots.demo.chain import CHAIN_ID, EmbeddedChain
from core.chain.faults import MAX_ANSWER_BYTES, RateLimited, TooLarge
from core.chain.provider import BoundedProvider
from tests.world.rpc import Rpc


async def test_web3_works_over_the_provider_and_within_its_limits() -> None:
    chain = EmbeddedChain()
    try:
        async with Rpc(await chain.serve()) as rpc, aiohttp.ClientSession() as session:
            web3 = AsyncWeb3(BoundedProvider(rpc.url, session))
            assert await web3.eth.chain_id == CHAIN_ID
            assert await web3.eth.block_number == chain.web3.eth.block_number
            rpc.flood = MAX_ANSWER_BYTES * 2
            with pytest.raises(TooLarge):
                await web3.eth.get_block("latest")
            rpc.flood, rpc.status = 0, 429
            with pytest.raises(RateLimited):
                await web3.eth.get_block("latest")
    finally:
        await chain.close()
