"""Following the chain: doors open and close by what moved, and by nothing when it is away."""

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from eth_account import Account
from sqlalchemy import update

from bots import texts
from bots.app import App, running
from bots.demo.chain import CHAIN_ID, EmbeddedChain
from bots.following import act, compare_all, follow
from core import audit, identity
from core.access import Admission
from core.database import transaction
from core.settings import Settings
from core.tables import BalanceRow
from core.testing import FakeKeeper, FakeMessenger, ShiftedClock
from knowledge.answer import Guide
from tests.conftest import ROOT
from tests.world.records import begin
from tests.world.rpc import Rpc

HANA = Account.from_key("0x" + "7" * 64)
TARO = Account.from_key("0x" + "8" * 64)
PLACE = "place-of-residents"


@dataclass
class Followed:
    """A running town whose cards lie on a chain in this process."""

    app: App
    evm: EmbeddedChain
    rpc: Rpc
    clock: ShiftedClock
    keeper: FakeKeeper = field(default_factory=FakeKeeper)
    heard: list[str] = field(default_factory=list)

    async def join(self, number: str, address: str) -> int:
        async with transaction(self.app.sessions) as session:
            now = self.clock()
            account = await identity.account(session, "telegram", number, locale="ja", now=now)
            await identity.link_wallet(session, account.member_id, address, CHAIN_ID, now=now)
        return account.member_id

    def inside(self) -> set[str]:
        return self.keeper.inside.get(PLACE, set())

    async def hand_on(self, card: int, key: str, to: str) -> None:
        await self.evm.call(self.evm.transfer, key, to, card)


@pytest.fixture
async def town(tmp_path: Path, mine_guide: Guide) -> AsyncIterator[Followed]:
    pack = tmp_path / "mine"
    shutil.copytree(ROOT / "towns" / "mine", pack)
    text = (pack / "town.toml").read_text(encoding="utf-8")
    assert "\ngrace_days = 7" in text
    (pack / "town.toml").write_text(
        text.replace("\ngrace_days = 7", "\ngrace_days = 0"), encoding="utf-8"
    )
    evm, clock = EmbeddedChain(), ShiftedClock()
    begin(tmp_path / "kankei.sqlite3")
    async with Rpc(await evm.serve()) as rpc:
        settings = Settings(
            _env_file=None,
            town=pack,
            data_dir=tmp_path,
            chain_endpoints={CHAIN_ID: (rpc.url,)},
        )
        async with running(settings, clock=clock, guide=mine_guide) as app:
            town = Followed(app, evm, rpc, clock)
            app.add_platform(town.keeper, FakeMessenger(), rate=100)
            app.happenings.listen(town.heard.append)
            yield town
    await evm.close()


async def test_a_card_that_changes_hands_closes_one_door_and_opens_another(
    town: Followed,
) -> None:
    await town.join("1", HANA.address)
    await town.join("2", TARO.address)
    card = await town.evm.call(town.evm.mint, HANA.address)
    await follow(town.app)
    assert town.inside() == {"1"}

    await town.hand_on(card, "0x" + "7" * 64, TARO.address)
    await follow(town.app)
    assert town.inside() == {"2"}


async def test_what_nobody_moved_costs_no_look_at_any_member(town: Followed) -> None:
    await town.join("1", HANA.address)
    await town.evm.call(town.evm.mint, HANA.address)
    await follow(town.app)
    await town.evm.call(town.evm.mint, str(Account.create().address))
    town.rpc.asked.clear()
    await follow(town.app)
    assert "eth_call" not in town.rpc.asked
    assert len(town.rpc.asked) <= 5, "a head, a page with its last block, and the cursor's block"


async def test_an_hour_without_the_chain_removes_nobody_and_is_caught_up_afterwards(
    town: Followed,
) -> None:
    await town.join("1", HANA.address)
    await town.join("2", TARO.address)
    card = await town.evm.call(town.evm.mint, HANA.address)
    await follow(town.app)
    town.rpc.status = 404
    await town.hand_on(card, "0x" + "7" * 64, TARO.address)
    for _ in range(6):
        town.clock.advance(timedelta(minutes=10))
        await follow(town.app)
        await town.app.doorkeeper.sweep()
    assert town.inside() == {"1"}
    assert town.heard == [texts.say("chat.happening.unreachable", "ja")]
    assert town.app.problems() == town.heard

    town.rpc.status = 200
    while town.app.silent:  # the endpoint is left alone for moments after each failure
        await follow(town.app)
    assert town.inside() == {"2"}
    assert town.heard[1:] == [texts.say("chat.happening.reachable", "ja")]
    assert town.app.problems() == []


async def test_a_member_whose_look_broke_is_looked_at_again_by_the_next_turn(
    town: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    await town.join("1", HANA.address)
    await town.evm.call(town.evm.mint, HANA.address)
    with monkeypatch.context() as patch:

        async def broken(place: str, account: str) -> Admission:
            raise RuntimeError(place + account)

        patch.setattr(town.keeper, "admit", broken)
        await follow(town.app)
    assert town.inside() == set()
    await follow(town.app)
    assert town.inside() == {"1"}


async def test_who_waits_since_an_outage_still_waits_after_others_were_looked_at(
    town: Followed,
) -> None:
    await town.join("1", HANA.address)
    waits = await town.join("2", TARO.address)
    await town.evm.call(town.evm.mint, HANA.address)
    await town.app.index.turn()
    town.app.unsettled = {waits: 1}
    await act(town.app, settle=False)
    assert town.inside() == {"1"}
    assert town.app.unsettled == {waits: 1}


async def test_a_difference_with_the_contract_is_mended_told_and_written_down(
    town: Followed,
) -> None:
    await town.join("1", HANA.address)
    await town.evm.call(town.evm.mint, HANA.address)
    await follow(town.app)
    async with transaction(town.app.sessions) as session:
        await session.execute(update(BalanceRow).values(owner=bytes(19) + b"\x05"))
    await compare_all(town.app)
    said = texts.say("index.mended", "ja", collection="resident-card", count=2)
    assert any(said in words for words in town.heard)
    async with transaction(town.app.sessions) as session:
        (row, *_) = await audit.search(session, audit.Filter(area="index"))
    assert (row.action, row.detail["wallets"]) == ("index.mended", 2)
    await follow(town.app)
    assert town.inside() == {"1"}
