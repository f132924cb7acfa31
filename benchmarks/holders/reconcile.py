"""20,000 holders re-read on anvil: how many requests, counted where they arrive.

A collection of 20,000 tokens in 20,000 hands; then every balance, and every owner, is read at the
finalized block through a proxy that counts. Goal: at most 40 ``eth_call`` for all holders.
"""

import asyncio
import time

import aiohttp

from benchmarks.measure import heading, lap, load_after, table
from core.chain.client import JsonRpcChain
from core.chain.multicall import MULTICALL3
from tests.world.chains import Anvil, anvil, call_data
from tests.world.reading import CHAIN, collection, wallet
from tests.world.rpc import Rpc

HOLDERS, GOAL, A_BATCH = 20_000, 40, 400


def run() -> None:
    with anvil() as node:
        asyncio.run(measure(node))


def minted(node: Anvil) -> tuple[str, float]:
    """A collection in which wallet n holds token n; and the seconds that took."""
    began = time.perf_counter()
    contract = node.deploy("collection721", ["bool"], [False])
    for start in range(1, HOLDERS + 1, A_BATCH):
        receivers = [wallet(number) for number in range(start, start + A_BATCH)]
        node.send(call_data("mintEach(address[])", receivers), to=contract)
    return contract, time.perf_counter() - began


async def measure(node: Anvil) -> None:
    contract, seconds = minted(node)
    rows = []
    heading(f"{HOLDERS:,} holders re-read at the finalized block", "aiohttp", "eth_abi")
    async with Rpc(node.url) as rpc, aiohttp.ClientSession() as client:
        for way in ("Multicall3", "deployless"):
            if way == "Multicall3":
                node.place("multicall3", MULTICALL3)
            else:
                node.ask("anvil_setCode", MULTICALL3, "0x")
            node.finalize()
            for what in ("balances", "owners"):
                chain = JsonRpcChain(CHAIN, [rpc.url], client)
                block = await chain.block("finalized")
                rpc.asked.clear()
                with lap() as taken:
                    right = await is_right(chain, what, contract, block)
                if not right:
                    raise SystemExit(f"{way}: the {what} are wrong")
                calls = rpc.counts["eth_call"]
                rows.append(
                    (f"{what}, {way}", f"{calls}", f"{len(rpc.asked)}", f"{taken.wall:.2f}")
                )
                if way == "Multicall3" and calls > GOAL:
                    raise SystemExit(f"goal of {GOAL} eth_call missed: {calls}")
    table(("what", "eth_call", "all requests", "seconds (proxy included)"), rows)
    print(f"goal at most {GOAL} eth_call with Multicall3: met; minting took {seconds:.1f} s")
    load_after()


async def is_right(chain: JsonRpcChain, what: str, contract: str, block: int) -> bool:
    """Read the balance of every holder, or the owner of every token, and compare."""
    cards, owners = collection(contract), [wallet(number) for number in range(1, HOLDERS + 1)]
    if what == "balances":
        return await chain.balances(cards, owners, block=block) == (1,) * HOLDERS
    held = await chain.owners_of(cards, range(1, HOLDERS + 1), block=block)
    return [str(each).lower() for each in held] == owners


if __name__ == "__main__":
    run()
