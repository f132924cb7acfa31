"""From a transfer on the chain to the closed door, on anvil with a block a second.

The town's own loop (`bots.following.follow`, every `POLL` seconds) follows anvil, whose finalized
block lies 64 behind its head. A card is handed on; timed are finality (until the transfer lies in
the finalized block) and the door after it. Then the endpoint dies, an hour passes on the town's
clock, the card moves on meanwhile, and nobody is removed; after it is back, all is caught up.
Goals: the door closes at most one poll after finality; no removal during the outage.
"""

import asyncio
import shutil
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from eth_account import Account

from benchmarks.measure import heading, load_after, table
from bots.app import App, running
from bots.following import follow
from core import identity
from core.database import transaction
from core.settings import Settings
from core.testing import FakeKeeper, FakeMessenger, ShiftedClock
from knowledge.answer import Guide
from knowledge.encoders import Tier
from tests.conftest import ROOT
from tests.world.chains import FINALITY_DEPTH, Anvil, anvil
from tests.world.rpc import Rpc

CHAIN, POLL, SLACK, PLACE = 31337, 2.0, 1.0, "place-of-residents"
HANA, TARO = (Account.from_key("0x" + digit * 64) for digit in "78")
MOVE = "transferFrom(address,address,uint256)"


def pack(folder: Path, contract: str) -> Path:
    """Mine's pack with its card on anvil, and no days of grace."""
    town = folder / "mine"
    shutil.copytree(ROOT / "towns" / "mine", town)
    path = town / "town.toml"
    text = path.read_text(encoding="utf-8")
    for old, new in (
        ("131277322940537", str(CHAIN)),
        ("0xF2E246BB76DF876Cef8b38ae84130F4F55De395b", contract),
        ("\ngrace_days = 7", "\ngrace_days = 0"),
    ):
        if old not in text:
            raise SystemExit(f"the pack has no {old.strip()}")
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    return town


async def join(app: App, number: str, address: str) -> None:
    async with transaction(app.sessions) as session:
        now = app.clock()
        account = await identity.account(session, "telegram", number, locale="ja", now=now)
        await identity.link_wallet(session, account.member_id, address, CHAIN, now=now)


async def until_inside(app: App, keeper: FakeKeeper, wanted: set[str]) -> float:
    """Follow as the town does; when exactly these are inside, as `time.monotonic`."""
    while True:
        began = time.monotonic()
        await follow(app)
        if keeper.inside.get(PLACE, set()) == wanted:
            return time.monotonic()
        await asyncio.sleep(max(0.0, POLL - (time.monotonic() - began)))


async def final_since(node: Anvil, block: int) -> float:
    while True:
        found = await asyncio.to_thread(node.ask, "eth_getBlockByNumber", "finalized", False)
        if int(found["number"], 16) >= block:
            return time.monotonic()
        await asyncio.sleep(0.05)


async def hand_on(node: Anvil, contract: str, sender: str, receiver: str) -> int:
    receipt = await asyncio.to_thread(node.do, contract, MOVE, sender, receiver, 1)
    return int(receipt["blockNumber"], 16)


async def measure(node: Anvil, folder: Path) -> None:
    contract = node.deploy("collection721", ["bool"], [False])
    node.do(contract, "mint(address,uint256)", HANA.address, 1)
    node.finalize()
    node.ask("evm_setIntervalMining", 1)
    town, keeper, clock = pack(folder, contract), FakeKeeper(), ShiftedClock()
    guide = Guide.open(town / "guides", cache=folder / "index", tier=Tier.WORDS)
    async with Rpc(node.url) as rpc:
        settings = Settings(
            _env_file=None, town=town, data_dir=folder, chain_endpoints={CHAIN: (rpc.url,)}
        )
        async with running(settings, clock=clock, guide=guide) as app:
            app.add_platform(keeper, FakeMessenger(), rate=100)
            await join(app, "1", HANA.address)
            await join(app, "2", TARO.address)
            await until_inside(app, keeper, {"1"})

            moved = time.monotonic()
            block = await hand_on(node, contract, HANA.address, TARO.address)
            final, closed = await asyncio.gather(
                final_since(node, block), until_inside(app, keeper, {"2"})
            )
            report(final - moved, closed - final)

            rpc.status = 404
            await hand_on(node, contract, TARO.address, HANA.address)
            node.mine(FINALITY_DEPTH + 1)
            removed = await an_hour(app, keeper, clock)
            rpc.status = 200
            back = time.monotonic()
            caught_up = await until_inside(app, keeper, {"1"}) - back
    print(f"an hour without the chain: {removed} removals; caught up {caught_up:.1f} s after it")
    if closed - final > POLL + SLACK or removed:
        raise SystemExit("goal missed")
    print(
        f"goals: closed within a poll of {POLL:.0f} s (+ {SLACK:.0f}) of finality, 0 removals: met"
    )


async def an_hour(app: App, keeper: FakeKeeper, clock: ShiftedClock) -> int:
    """Six turns and sweeps, ten minutes of the town's clock apart; how many were put out."""
    before = set(keeper.inside[PLACE])
    for _ in range(6):
        clock.advance(timedelta(minutes=10))
        await follow(app)
        await app.doorkeeper.sweep()
    return len(before - keeper.inside[PLACE])


def report(finality: float, door: float) -> None:
    table(
        ("from", "seconds"),
        [
            ("transfer to finality (64 blocks of a second)", f"{finality:.1f}"),
            ("finality to closed door and opened other one", f"{door:.1f}"),
        ],
    )


def run() -> None:
    heading("From a transfer to the door, and an hour without the chain", "aiohttp", "sqlalchemy")
    with tempfile.TemporaryDirectory() as name, anvil() as node:
        asyncio.run(measure(node, Path(name)))
    load_after()


if __name__ == "__main__":
    run()
