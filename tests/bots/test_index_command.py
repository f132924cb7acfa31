"""`kankei index`: reads a town's cards to the end, beside a running town if need be."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from eth_account import Account

import bots.cli
from bots.demo.chain import CHAIN_ID, EmbeddedChain
from core.settings import Settings
from core.town import TownPack
from tests.conftest import ROOT

command = sys.modules[f"{bots.cli.__name__}.index"]  # in its package the function has this name


@pytest.fixture
async def evm() -> AsyncIterator[EmbeddedChain]:
    chain = EmbeddedChain()
    await chain.serve()
    yield chain
    await chain.close()


def settings(folder: Path, url: str) -> Settings:
    return Settings(
        _env_file=None,
        town=ROOT / "towns" / "mine",
        data_dir=folder,
        chain_endpoints={CHAIN_ID: (url,)},
    )


async def test_it_reads_compares_and_says_what_it_found(
    town: TownPack,
    evm: EmbeddedChain,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    for _ in range(3):
        evm.mint(Account.create().address)
    here = settings(tmp_path, evm.url)
    assert await command._run(here, town, reset=False, reconcile=True)
    said = capsys.readouterr().out
    assert "3 cards in 3 hands (3 transfers)." in said
    assert "3 owners compared, no difference." in said

    evm.mint(Account.create().address)
    assert await command._run(here, town, reset=True, reconcile=False)
    said = capsys.readouterr().out
    assert "Reading from the first block." in said
    assert "4 cards in 4 hands (4 transfers)." in said


async def test_a_chain_that_stays_away_is_told_and_ends_with_a_fault(
    town: TownPack,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    monkeypatch.setattr(command, "ATTEMPTS", 1)
    here = settings(tmp_path, "http://127.0.0.1:9/")
    assert not await command._run(here, town, reset=False, reconcile=False)
    assert "The chain's endpoints do not answer." in capsys.readouterr().out
