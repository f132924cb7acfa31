"""Many reads at once, with Multicall3 and without it: the same answers, and never a wrong one."""

from collections.abc import Iterator

import aiohttp
import pytest
from eth_abi import encode

from bots.demo.chain import CHAIN_ID, CONTRACT, EmbeddedChain
from core.chain import Call, multicall
from core.chain.client import JsonRpcChain
from core.chain.multicall import MULTICALL3
from core.chain.tokens import balance_call, owner_call, uri_call
from core.errors import ChainUnavailable
from core.town import Chain
from tests.world.chains import Anvil
from tests.world.reading import Reader, Ticks, collection, wallet
from tests.world.rpc import Rpc

HOLDERS = 1_200
NOBODY = "0x" + "0" * 40


@pytest.fixture(scope="module")
def crowd(node: Anvil) -> str:
    """A collection in which wallet n holds n % 3 tokens."""
    contract = node.deploy("collection721", ["bool"], [True])
    receivers = [wallet(n) for n in range(1, HOLDERS + 1) for _ in range(n % 3)]
    for start in range(0, len(receivers), 400):
        node.do(contract, "mintEach(address[])", receivers[start : start + 400])
    return contract


@pytest.fixture(params=["Multicall3", "deployless"])
def way(request: pytest.FixtureRequest, node: Anvil) -> Iterator[str]:
    if request.param == "Multicall3":
        node.place("multicall3", MULTICALL3)
    else:
        node.ask("anvil_setCode", MULTICALL3, "0x")
    yield request.param
    node.ask("anvil_setCode", MULTICALL3, "0x")


async def test_balances_of_many_come_in_the_order_asked(
    way: str, crowd: str, rpcs: list[Rpc], reader: Reader, node: Anvil
) -> None:
    chain = reader(rpcs[:1])
    owners = [wallet(n) for n in range(1, HOLDERS + 1)]
    found = await chain.balances(collection(crowd), owners, block=node.height)
    assert found == tuple(n % 3 for n in range(1, HOLDERS + 1))
    requests = -(-HOLDERS // (500 if way == "Multicall3" else 100))
    assert rpcs[0].counts["eth_call"] == requests
    assert rpcs[0].counts["eth_getCode"] == 1

    await chain.balances(collection(crowd), owners[:5], block=node.height)
    assert rpcs[0].counts["eth_getCode"] == 1, "where it is and where it is not is remembered"


@pytest.mark.usefixtures("way")
async def test_a_token_that_is_none_has_no_owner(
    crowd: str, rpcs: list[Rpc], reader: Reader, node: Anvil
) -> None:
    found = await reader(rpcs[:2]).owners_of(
        collection(crowd), [1, 2, 999_999, 3, 0], block=node.height
    )
    assert found == (wallet(1), wallet(2), None, wallet(2), None)


@pytest.mark.usefixtures("way")
async def test_all_calls_are_read_at_one_block(
    crowd: str, rpcs: list[Rpc], reader: Reader, node: Anvil
) -> None:
    chain, cards, who = reader(rpcs[:2]), collection(crowd), wallet(50_000)
    before = node.height
    node.do(crowd, "mint(address,uint256)", who, 4)
    (held, again) = await chain.balances(cards, [who, who], block=before)
    assert held == again
    assert await chain.balances(cards, [who, who], block=before + 1) == (held + 4, held + 4)
    assert await chain.balances(cards, [who], block="latest") == (held + 4,)


@pytest.mark.usefixtures("way")
async def test_long_answers_and_empty_ones_come_whole(
    crowd: str, rpcs: list[Rpc], reader: Reader, node: Anvil
) -> None:
    chain, cards = reader(rpcs[:1]), collection(crowd)
    long = "data:," + "あ" * 300
    node.do(crowd, "describe(uint256,string)", 101, long)
    assert await chain.token_uris(cards, [101, 102, 10**9], block="latest") == (long, "", None)
    (back,) = await chain.multicall([Call(wallet(77), b"\x01")], block="latest")
    assert back == b"", "an address without code returns nothing, and does not revert"
    assert await chain.multicall([], block="latest") == ()


@pytest.mark.usefixtures("way")
async def test_locks_are_read_where_the_contract_knows_them(
    crowd: str, rpcs: list[Rpc], reader: Reader, node: Anvil
) -> None:
    chain = reader(rpcs[:2])
    node.do(crowd, "lock(uint256,bool)", 2, True)
    assert await chain.locked(collection(crowd), [1, 2, 10**9], block="latest") == (
        False,
        True,
        None,
    )
    plain = node.deploy("collection721", ["bool"], [False])
    node.do(plain, "mint(address,uint256)", wallet(1), 1)
    assert await chain.locked(collection(plain), [1], block="latest") == (None,)
    assert await chain.locked(collection(plain), [], block="latest") == ()


@pytest.mark.usefixtures("way")
async def test_erc1155_balances_are_read_by_token_id(
    rpcs: list[Rpc], reader: Reader, node: Anvil
) -> None:
    tickets = node.deploy("collection1155", ["string"], ["https://town.example/{id}"])
    node.do(
        tickets,
        "moveBatch(address,address,uint256[],uint256[])",
        *(NOBODY, wallet(1), [7, 8], [3, 12]),
    )
    chain, passes = reader(rpcs[:2]), collection(tickets, standard="ERC-1155")
    pairs = [(wallet(1), 7), (wallet(1), 8), (wallet(2), 7)]
    assert await chain.balances_by_id(passes, pairs, block="latest") == (3, 12, 0)
    one = passes.model_copy(update={"token_id": 8})
    assert await chain.balances(one, [wallet(1), wallet(2)], block="latest") == (12, 0)
    assert await chain.balance_of(one, wallet(1), block=node.height) == 12
    with pytest.raises(ValueError, match="token id"):
        await chain.balances(passes, [wallet(1)], block="latest")
    (uri,) = await chain.token_uris(passes, [7], block="latest")
    assert uri == "https://town.example/{id}"


@pytest.mark.usefixtures("way")
async def test_a_balance_that_cannot_be_read_is_an_outage_and_no_zero(
    crowd: str, rpcs: list[Rpc], reader: Reader
) -> None:
    chain = reader(rpcs[:1])
    with pytest.raises(ChainUnavailable, match="one word"):
        await chain.balances(collection(wallet(9)), [wallet(1)], block="latest")
    with pytest.raises(ChainUnavailable, match="one word"):
        await chain.balances(collection(crowd), [NOBODY], block="latest")


@pytest.mark.usefixtures("way")
async def test_a_request_that_is_refused_as_a_whole_is_asked_in_halves(
    crowd: str, rpcs: list[Rpc], reader: Reader
) -> None:
    """As by an endpoint that gives little gas, or reads small requests only."""
    rpcs[0].largest_call = 6_000
    owners = [wallet(n) for n in range(1, 101)]
    found = await reader(rpcs[:1]).balances(collection(crowd), owners, block="latest")
    assert found == tuple(n % 3 for n in range(1, 101))
    rpcs[0].largest_call = 100
    with pytest.raises(ChainUnavailable, match="refuses to make the calls"):
        await reader(rpcs[:1]).balances(collection(crowd), owners, block="latest")
    assert rpcs[0].counts["eth_call"] < 100, (
        "a refusal of everything is not asked for piece by piece"
    )


async def test_answers_too_long_for_a_contract_s_code_are_asked_in_halves(
    crowd: str, rpcs: list[Rpc], reader: Reader, node: Anvil
) -> None:
    """Without Multicall3 the results may fill 24,576 bytes (EIP-170)."""
    long = "data:," + "x" * 1_000
    for token in range(1, 31):
        node.do(crowd, "describe(uint256,string)", token, long)
    uris = await reader(rpcs[:1]).token_uris(collection(crowd), list(range(1, 31)), block="latest")
    assert uris == (long,) * 30
    assert rpcs[0].counts["eth_call"] == 3, "thirty at once are refused, fifteen are not"


async def test_a_call_that_failed_for_want_of_gas_is_asked_again_among_few(
    crowd: str, rpcs: list[Rpc], reader: Reader, node: Anvil
) -> None:
    """A revert without a reason may be hunger: only after a second look it is a revert."""
    node.place("multicall3", MULTICALL3)
    cards = collection(crowd)
    calls = [owner_call(cards, token) for token in range(1, 101)]
    true = await reader(rpcs[:1]).multicall(calls, block="latest")
    hungry = [(index < 50, back if index < 50 else b"") for index, back in enumerate(true)]
    first = [True]

    def answer(question: dict[str, object]) -> object:
        params = question["params"]
        assert isinstance(params, list)
        if first.pop() if first else False:
            return "0x" + encode(["(bool,bytes)[]"], [hungry]).hex()
        return node.ask("eth_call", *params)

    rpcs[0].override["eth_call"] = answer
    asked = rpcs[0].counts["eth_call"]
    assert await reader(rpcs[:1]).multicall(calls, block="latest") == true
    assert rpcs[0].counts["eth_call"] - asked == 1 + 50 // multicall.FEW
    node.ask("anvil_setCode", MULTICALL3, "0x")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param("0x", id="nothing"),
        pytest.param("0x00", id="half a row"),
        pytest.param("0x" + "01" + "ffffffff" + "00" * 32, id="shorter than it says"),
        pytest.param("0x" + "02" + "00000000", id="neither success nor failure"),
        pytest.param("0x" + ("01" + "00000000") * 2, id="one row too many"),
        pytest.param("0x" + "ff" * 3_000, id="noise"),
        pytest.param("0x" + encode(["(bool,bytes)[]"], [[(True, b"")] * 2]).hex(), id="two"),
    ],
)
@pytest.mark.usefixtures("way")
async def test_an_answer_that_does_not_fit_is_an_outage(
    answer: str, crowd: str, rpcs: list[Rpc], reader: Reader
) -> None:
    rpcs[0].override["eth_call"] = answer
    with pytest.raises(ChainUnavailable):
        await reader(rpcs[:1]).balances(collection(crowd), [wallet(1)], block="latest")


@pytest.mark.usefixtures("way")
async def test_one_lie_among_many_results_is_an_outage(
    crowd: str, rpcs: list[Rpc], reader: Reader, node: Anvil
) -> None:
    def lie(question: dict[str, object]) -> object:
        params = question["params"]
        assert isinstance(params, list)
        true = str(node.ask("eth_call", *params))
        return true[:-1] + ("1" if true[-1] == "0" else "0")

    rpcs[1].override["eth_call"] = lie
    owners = [wallet(n) for n in range(1, 30)]
    with pytest.raises(ChainUnavailable):
        await reader(rpcs[:2]).balances(collection(crowd), owners, block="latest")


async def test_multicall3_is_looked_for_again_after_an_hour(
    crowd: str, rpcs: list[Rpc], reader: Reader, node: Anvil, ticks: Ticks
) -> None:
    chain, cards = reader(rpcs[:1]), collection(crowd)
    await chain.balances(cards, [wallet(1)], block="latest")
    node.place("multicall3", MULTICALL3)
    node.mine()
    for seconds, looks in ((0, 1), (3_600, 2), (3_600, 2)):
        ticks.advance(seconds)
        assert await chain.balances(cards, [wallet(1)], block="latest") == (1,)
        assert rpcs[0].counts["eth_getCode"] == looks
    node.ask("anvil_setCode", MULTICALL3, "0x")


async def test_the_embedded_ledger_is_read_without_multicall3(
    client: aiohttp.ClientSession,
) -> None:
    evm = EmbeddedChain()
    for number in range(1, 6):
        evm.mint("0x" + f"{number:040x}")
    await evm.serve()
    try:
        chain = JsonRpcChain(Chain(id=CHAIN_ID, name="demo"), [evm.url], client)
        cards = collection(CONTRACT)
        owners = [wallet(n) for n in range(1, 151)]
        assert await chain.balances(cards, owners, block="latest") == (1,) * 5 + (0,) * 145
        assert await chain.owners_of(cards, [5, 6], block="latest") == (wallet(5), None)
    finally:
        await evm.close()


def test_what_is_asked_of_a_contract_are_the_standards_selectors() -> None:
    cards = collection(CONTRACT)
    assert balance_call(cards, wallet(1)).data[:4].hex() == "70a08231"
    assert owner_call(cards, 1).data[:4].hex() == "6352211e"
    assert uri_call(cards, 1).data[:4].hex() == "c87b56dd"
    tickets = collection(CONTRACT, standard="ERC-1155")
    assert uri_call(tickets, 1).data[:4].hex() == "0e89341c"
