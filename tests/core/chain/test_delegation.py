"""delegate.xyz v2: whose tokens a wallet may stand for."""

import pytest
from eth_utils import to_checksum_address

from core.chain import Delegation
from core.chain.client import Chains
from core.chain.delegation import INCOMING, MOST_DELEGATIONS, REGISTRY, incoming_call
from core.errors import ChainUnavailable
from tests.world.chains import Anvil, call_data
from tests.world.reading import CHAIN, Reader, wallet
from tests.world.rpc import Rpc

HOT, VAULT, CARDS = wallet(0xA1), wallet(0xB2), wallet(0xC3)
NONE, ALL, CONTRACT, ERC721, ERC20, ERC1155 = range(6)


@pytest.fixture
def registry(node: Anvil) -> Anvil:
    node.place("registry", REGISTRY)
    node.do(REGISTRY, "revoke(address)", HOT)
    return node


def delegate(
    node: Anvil,
    kind: int,
    *,
    vault: str = VAULT,
    rights: bytes = bytes(32),
    token_id: int = 0,
    amount: int = 0,
) -> None:
    contract = wallet(0) if kind == ALL else CARDS
    node.do(
        REGISTRY,
        "delegate(uint8,address,address,bytes32,address,uint256,uint256)",
        *(kind, HOT, vault, rights, contract, token_id, amount),
    )


async def test_every_kind_that_concerns_tokens_is_read(
    registry: Anvil, rpcs: list[Rpc], reader: Reader
) -> None:
    delegate(registry, ALL)
    delegate(registry, CONTRACT)
    delegate(registry, ERC721, token_id=7)
    delegate(registry, ERC1155, token_id=8, amount=3)
    delegate(registry, ERC20, amount=5)
    delegate(registry, NONE)
    chains = Chains({CHAIN.id: reader(rpcs[:2])})
    vault, contract = "0x" + "0" * 38 + "b2", "0x" + "0" * 38 + "C3"
    found, others = await chains.delegations(CHAIN.id, [HOT, VAULT])
    assert found is not None
    assert [(each.kind, each.vault.lower(), each.token_id, each.amount) for each in found] == [
        ("ALL", vault, None, None),
        ("CONTRACT", vault, None, None),
        ("ERC721", vault, 7, None),
        ("ERC1155", vault, 8, 3),
    ]
    assert [(each.contract or "").lower() for each in found] == ["", *[contract.lower()] * 3]
    assert others == ()


async def test_narrower_rights_are_no_membership(
    registry: Anvil, rpcs: list[Rpc], reader: Reader
) -> None:
    delegate(registry, ALL, rights=b"claim airdrops".ljust(32, b"\0"))
    assert await reader(rpcs[:1]).delegations([HOT]) == ((),)


async def test_a_delegation_that_was_taken_back_counts_no_longer(
    registry: Anvil, rpcs: list[Rpc], reader: Reader
) -> None:
    chain = reader(rpcs[:1])
    delegate(registry, ALL)
    before = registry.height
    registry.do(REGISTRY, "revoke(address)", HOT)
    assert await chain.delegations([HOT], block="latest") == ((),)
    (still,) = await chain.delegations([HOT], block=before)
    assert still == (Delegation(to_checksum_address(VAULT), "ALL"),)


async def test_a_chain_without_the_registry_has_no_delegations(
    node: Anvil, rpcs: list[Rpc], reader: Reader
) -> None:
    node.ask("anvil_setCode", REGISTRY, "0x")
    assert await reader(rpcs[:1]).delegations([HOT, VAULT]) == ((), ())


async def test_many_wallets_are_asked_about_at_once(
    registry: Anvil, rpcs: list[Rpc], reader: Reader
) -> None:
    delegate(registry, ALL)
    found = await reader(rpcs[:1]).delegations(
        [wallet(n) for n in range(1, 90)] + [HOT], block="latest"
    )
    assert [len(each or ()) for each in found] == [0] * 89 + [1]
    assert rpcs[0].counts["eth_call"] == 1


async def test_later_delegations_do_not_crowd_out_the_oldest(
    registry: Anvil, rpcs: list[Rpc], reader: Reader
) -> None:
    delegate(registry, ALL, vault=wallet(1))
    registry.batch(
        REGISTRY,
        [
            call_data(
                "delegate(uint8,address,address,bytes32,address,uint256,uint256)",
                *(ALL, HOT, wallet(2), bytes(32), wallet(0), 0, 0),
            )
        ]
        * (MOST_DELEGATIONS + 20),
        blocks=10,
    )
    (found,) = await reader(rpcs[:1]).delegations([HOT])
    assert found is not None
    assert len(found) == MOST_DELEGATIONS
    assert found[0].vault == wallet(1)


async def test_a_list_that_nobody_can_read_spoils_no_other(
    registry: Anvil, rpcs: list[Rpc], reader: Reader
) -> None:
    """A stranger can delegate to a member so often that the registry runs out of gas."""
    delegate(registry, ALL)
    chains = Chains({CHAIN.id: reader(rpcs[:1])})
    asked_for = [wallet(n) for n in range(1, 60)] + [HOT]
    flooded = INCOMING.hex() + wallet(33)[2:].zfill(64)

    def answer(question: dict[str, object]) -> object:
        params = question["params"]
        assert isinstance(params, list)
        if flooded in params[0]["data"] or flooded[8:] in params[0]["data"]:
            return "0x" + "00" * 1_100_000
        return registry.ask("eth_call", *params)

    rpcs[0].override["eth_call"] = answer
    found = await chains.delegations(CHAIN.id, asked_for)
    assert found[32] is None
    assert [len(each) for each in found if each is not None] == [0] * 58 + [1]


@pytest.mark.parametrize("answer", ["0x12", "0x" + "ff" * 64, "0x" + "00" * 31 + "20"])
async def test_a_registry_that_answers_nonsense_is_an_outage(
    registry: Anvil, rpcs: list[Rpc], reader: Reader, answer: str
) -> None:
    registry.ask("anvil_setCode", REGISTRY, returning(answer))
    with pytest.raises(ChainUnavailable):
        await reader(rpcs[:1]).delegations([HOT])


async def test_a_delegation_to_somebody_else_is_an_outage(
    registry: Anvil, rpcs: list[Rpc], reader: Reader
) -> None:
    delegate(registry, ALL)
    true = registry.ask(
        "eth_call", {"to": REGISTRY, "data": "0x" + incoming_call(HOT).data.hex()}, "latest"
    )
    registry.ask("anvil_setCode", REGISTRY, returning(true.replace("a1", "a2")))
    with pytest.raises(ChainUnavailable, match="somebody else"):
        await reader(rpcs[:1]).delegations([HOT])


def returning(answer: str) -> str:
    """Code that returns these bytes, whatever it is asked."""
    body = bytes.fromhex(answer[2:])
    copy = bytes.fromhex("61") + len(body).to_bytes(2) + bytes.fromhex("600f600039")
    give = bytes.fromhex("61") + len(body).to_bytes(2) + bytes.fromhex("6000f3")
    return "0x" + (copy + give + b"\0" + body).hex()
