"""The chain reader and wallet proofs on a real EVM, honest and otherwise."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from eth_account import Account
from eth_account.messages import encode_defunct

from bots.demo.chain import ALLOWANCE, CHAIN_ID, CONTRACT, TOWN_KEY, EmbeddedChain
from core.chain import Finality, provider
from core.chain.client import Chains, JsonRpcChain
from core.errors import ChainUnavailable
from core.holdings import LiveHoldings
from core.proof import verify_signature
from core.proof.signature import digest_of
from core.testing import SetClock
from core.town import Chain, Collection, Localised
from scripts.compile_contract import DEMO, compiled
from tests.world.chains import anvil, future_wallet, wallet_code
from tests.world.rpc import Rpc

OWNER, OTHER = Account.from_key("0x" + "7" * 64), Account.from_key("0x" + "8" * 64)
CARDS = Collection(
    name="resident-card",
    title=Localised({"ja": "会員証"}),
    chain_id=CHAIN_ID,
    contract=CONTRACT,
    legal_note=Localised({"ja": "法律上の住民票ではありません。"}),
)
SAMPLE = Chain(id=CHAIN_ID, name="sample")


def sign(text: str, key: bytes = OWNER.key) -> bytes:
    return bytes(Account.from_key(key).sign_message(encode_defunct(text=text)).signature)


@pytest.fixture
async def evm() -> AsyncIterator[EmbeddedChain]:
    chain = EmbeddedChain()
    await chain.serve()
    yield chain
    await chain.close()


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def rpc(evm: EmbeddedChain) -> AsyncIterator[Rpc]:
    async with Rpc(evm.url) as server:
        yield server


@pytest.fixture
def reader(evm: EmbeddedChain, client: aiohttp.ClientSession) -> JsonRpcChain:
    return JsonRpcChain(SAMPLE, [evm.url], client)


def test_the_shipped_bytecode_is_what_the_source_compiles_to() -> None:
    shipped = json.loads((DEMO / "resident_card.json").read_text(encoding="utf-8"))
    assert shipped == compiled()


def test_the_card_says_that_it_is_an_erc721_with_erc5192() -> None:
    chain = EmbeddedChain()
    token = chain.mint(OWNER.address)
    for interface in ("0x01ffc9a7", "0x80ac58cd", "0x5b5e139f", "0xb45a3c0e"):
        assert chain.contract.functions.supportsInterface(interface).call()
    assert not chain.contract.functions.supportsInterface("0xffffffff").call()
    assert chain.contract.functions.ownerOf(token).call() == OWNER.address
    assert chain.contract.functions.locked(token).call() is False


def test_only_the_town_gives_cards() -> None:
    chain = EmbeddedChain()
    chain._send(TOWN_KEY, to=OTHER.address, data="0x", value=ALLOWANCE)
    forged = chain.contract.encode_abi("mint", [OTHER.address])
    receipt = chain._send(OTHER.key.hex(), to=CONTRACT, data=forged)
    assert receipt["status"] == 0
    assert chain.balance_of(OTHER.address) == 0


def test_the_chain_keeps_its_state_between_starts(tmp_path: Path) -> None:
    first = EmbeddedChain(tmp_path / "chain.txt")
    token = first.mint(OWNER.address)
    first.transfer(OWNER.key.hex(), OTHER.address, token)
    second = EmbeddedChain(tmp_path / "chain.txt")
    assert (second.balance_of(OWNER.address), second.balance_of(OTHER.address)) == (0, 1)


async def test_a_balance_is_read_at_one_block(reader: JsonRpcChain, evm: EmbeddedChain) -> None:
    before = await reader.block("latest")
    evm.mint(OWNER.address)
    after = await reader.block("latest")
    assert await reader.balance_of(CARDS, OWNER.address, block=before) == 0
    assert await reader.balance_of(CARDS, OWNER.address, block=after) == 1


async def test_holdings_name_every_wallet_and_collection_zero_included(
    reader: JsonRpcChain, evm: EmbeddedChain
) -> None:
    evm.mint(OWNER.address)
    holdings = LiveHoldings(Chains({CHAIN_ID: reader}), [CARDS])
    read = await holdings.read([OWNER.address, OTHER.address], finality="finalized")
    assert [(each.owner, each.balance) for each in read] == [
        (OWNER.address, 1),
        (OTHER.address, 0),
    ]


async def test_nobody_without_wallets_is_asked_about() -> None:
    assert await LiveHoldings(Chains({}), [CARDS]).read([], finality="latest") == ()


@pytest.mark.parametrize(
    "misbehave",
    [
        pytest.param(lambda rpc: setattr(rpc, "status", 503), id="server error"),
        pytest.param(lambda rpc: setattr(rpc, "status", 429), id="rate limit"),
        pytest.param(lambda rpc: setattr(rpc, "body", b"<html>"), id="HTML"),
        pytest.param(lambda rpc: setattr(rpc, "body", b"[]"), id="a list"),
        pytest.param(lambda rpc: setattr(rpc, "body", b"[" * 100_000), id="deep nesting"),
        pytest.param(lambda rpc: setattr(rpc, "body", b"\xff\xfe"), id="binary"),
        pytest.param(lambda rpc: rpc.override.update(eth_chainId="0x1"), id="another chain"),
        pytest.param(lambda rpc: rpc.override.update(eth_call="0x"), id="no contract"),
        pytest.param(lambda rpc: rpc.override.update(eth_call="0x01"), id="half a word"),
        pytest.param(lambda rpc: rpc.override.update(eth_call=7), id="a number"),
        pytest.param(lambda rpc: rpc.override.update(eth_call=None), id="null"),
        pytest.param(lambda rpc: rpc.override.update(eth_call="0x" + "zz" * 32), id="not hex"),
        pytest.param(lambda rpc: rpc.override.update(eth_getBlockByNumber={}), id="no block"),
        pytest.param(lambda rpc: setattr(rpc, "flood", 10**9), id="a gigabyte"),
        pytest.param(lambda rpc: setattr(rpc, "stalled", True), id="silence"),
    ],
)
async def test_an_answer_that_is_none_is_an_outage_and_never_a_zero(
    rpc: Rpc,
    client: aiohttp.ClientSession,
    misbehave: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(provider, "TIMEOUT", timedelta(seconds=0.3))
    assert callable(misbehave)
    misbehave(rpc)
    holdings = LiveHoldings(Chains({CHAIN_ID: JsonRpcChain(SAMPLE, [rpc.url], client)}), [CARDS])
    with pytest.raises(ChainUnavailable):
        await holdings.read([OWNER.address], finality="finalized")


async def test_the_next_endpoint_answers_when_the_first_is_away(
    rpc: Rpc, evm: EmbeddedChain, client: aiohttp.ClientSession
) -> None:
    rpc.status = 503
    chain = JsonRpcChain(SAMPLE, [rpc.url, evm.url], client)
    evm.mint(OWNER.address)
    assert await chain.balance_of(CARDS, OWNER.address, block=await chain.block("latest")) == 1


async def test_endpoints_that_contradict_each_other_are_an_outage(
    rpc: Rpc, evm: EmbeddedChain, client: aiohttp.ClientSession
) -> None:
    evm.mint(OWNER.address)
    rpc.override["eth_call"] = "0x" + "0" * 64  # says that nobody holds anything
    chain = JsonRpcChain(SAMPLE, [evm.url, rpc.url], client)
    with pytest.raises(ChainUnavailable, match="contradict"):
        await chain.balance_of(CARDS, OWNER.address, block=await chain.block("latest"))


async def test_a_finalized_block_that_stands_still_is_an_outage(
    evm: EmbeddedChain, client: aiohttp.ClientSession
) -> None:
    clock = SetClock()
    chain = Chain(id=CHAIN_ID, name="sample", finalized_within_minutes=30)
    reader = JsonRpcChain(chain, [evm.url], client, now=clock)
    written = evm.web3.eth.get_block("finalized")["timestamp"]
    clock.now = clock.now.fromtimestamp(written, clock.now.tzinfo) + timedelta(minutes=31)
    with pytest.raises(ChainUnavailable, match="finalized block stands still"):
        await reader.block("finalized")


async def test_no_endpoint_at_all_is_an_outage(client: aiohttp.ClientSession) -> None:
    with pytest.raises(ChainUnavailable, match="no endpoint"):
        await JsonRpcChain(SAMPLE, [], client).block("latest")


# Contract wallets


async def valid(reader: JsonRpcChain, address: str, signature: bytes, text: str = "hello") -> bool:
    return await verify_signature(
        text,
        signature,
        expected_address=address,
        chain_id=CHAIN_ID,
        contracts=Chains({CHAIN_ID: reader}),
    )


async def test_a_key_needs_no_node(client: aiohttp.ClientSession) -> None:
    away = JsonRpcChain(SAMPLE, ["http://127.0.0.1:9/"], client)
    assert await valid(away, OWNER.address, sign("hello"))


async def test_a_contract_wallet_that_cannot_be_asked_is_an_outage_not_a_no(
    client: aiohttp.ClientSession,
) -> None:
    away = JsonRpcChain(SAMPLE, ["http://127.0.0.1:9/"], client)
    with pytest.raises(ChainUnavailable):
        await valid(away, OTHER.address, sign("hello"))


async def test_a_deployed_contract_wallet_signs_through_its_owner(
    reader: JsonRpcChain, evm: EmbeddedChain
) -> None:
    wallet = evm.deploy(wallet_code(OWNER.address))
    assert await valid(reader, wallet, sign("hello"))
    assert not await valid(reader, wallet, sign("hello", OTHER.key))
    assert not await valid(reader, wallet, b"\x00" * 500)


async def test_a_contract_wallet_that_is_not_deployed_yet_signs_with_a_wrapper(
    reader: JsonRpcChain, evm: EmbeddedChain
) -> None:
    wallet = future_wallet(evm, OWNER.address)
    assert await valid(reader, wallet.address, wallet.wrap(sign("hello")))
    assert not await valid(reader, wallet.address, wallet.wrap(sign("hello", OTHER.key)))
    assert not await valid(reader, wallet.address, sign("hello"))


@pytest.mark.parametrize("size", [1, 64, 65, 66, 500, 5000])
async def test_junk_is_a_clean_no_on_the_chain_too(reader: JsonRpcChain, size: int) -> None:
    assert not await valid(reader, OTHER.address, b"\xab" * size)


async def test_an_account_delegated_by_eip_7702_still_signs_as_itself(
    client: aiohttp.ClientSession,
) -> None:
    with anvil() as chain:
        rich = Account.from_key(
            "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
        )
        key = "0x" + "9" * 64
        someone = Account.from_key(key)
        code = chain.send(wallet_code(OTHER.address))["contractAddress"]
        authorization = someone.sign_authorization({"chainId": 31337, "address": code, "nonce": 0})
        transaction = {
            "type": 4,
            "chainId": 31337,
            "nonce": int(chain.ask("eth_getTransactionCount", rich.address, "latest"), 16),
            "to": someone.address,
            "value": 0,
            "gas": 200_000,
            "maxFeePerGas": 10**10,
            "maxPriorityFeePerGas": 1,
            "authorizationList": [authorization],
        }
        raw = rich.sign_transaction(transaction).raw_transaction.to_0x_hex()
        chain.receipt(chain.ask("eth_sendRawTransaction", raw))
        assert chain.ask("eth_getCode", someone.address, "latest").startswith("0xef0100")

        reader = JsonRpcChain(Chain(id=31337, name="anvil"), [chain.url], client)
        signature = sign("hello", someone.key)
        assert not await reader.is_valid_signature(
            someone.address, digest_of("hello"), signature
        ), "its contract does not know this key; only the offline check does"
        assert await verify_signature(
            "hello",
            signature,
            expected_address=someone.address,
            chain_id=31337,
            contracts=Chains({31337: reader}),
        )


async def test_the_finalized_reading_lags_and_a_reorganisation_is_followed(
    client: aiohttp.ClientSession,
) -> None:
    artifact = json.loads((DEMO / "resident_card.json").read_text(encoding="utf-8"))
    evm = EmbeddedChain()
    with anvil() as chain:
        receipt = chain.send(artifact["bytecode"] + "1".zfill(64))
        cards = CARDS.model_copy(update={"chain_id": 31337, "contract": receipt["contractAddress"]})
        chain.mine(100)
        data = evm.contract.encode_abi("mint", [OWNER.address])
        chain.send(data, to=cards.contract)
        reader = JsonRpcChain(Chain(id=31337, name="anvil"), [chain.url], client)
        holdings = LiveHoldings(Chains({31337: reader}), [cards])

        async def held(finality: Finality) -> int:
            (holding,) = await holdings.read([OWNER.address], finality=finality)
            return holding.balance

        assert (await held("latest"), await held("finalized")) == (1, 0)
        chain.ask("anvil_reorg", 3, [])
        assert await held("latest") == 0
