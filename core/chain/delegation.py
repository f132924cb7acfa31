"""Whose tokens a wallet may stand for, by the delegate.xyz v2 registry.

A collector keeps tokens in a cold wallet (the vault) and names an everyday wallet as its delegate.
``getIncomingDelegations(address)`` 0x42f87c25 lists what was delegated to a wallet. Anybody may
delegate to anybody, so the list is untrusted and bounded; only delegations with empty rights count,
because with named rights the vault meant something narrower than membership.
"""

from typing import Final

from eth_abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_utils import keccak, to_checksum_address

from core.chain.values import Call, Delegation, DelegationKind

REGISTRY: Final = "0x00000000000000447e69651d841bD8D104Bed493"
INCOMING: Final = keccak(text="getIncomingDelegations(address)")[:4]
MOST_DELEGATIONS = 500
"""The oldest ones count: those added later to crowd them out do not."""

_ROWS = "(uint8,address,address,bytes32,address,uint256,uint256)[]"
_KINDS: Final[dict[int, DelegationKind]] = {1: "ALL", 2: "CONTRACT", 3: "ERC721", 5: "ERC1155"}
_NO_RIGHTS = bytes(32)


class NotDelegations(Exception):
    """The registry returned something else."""


def incoming_call(delegate: str) -> Call:
    return Call(REGISTRY, INCOMING + encode(["address"], [delegate]))


def delegations(result: bytes, delegate: str) -> tuple[Delegation, ...]:
    """What counts among the answer of the registry; nothing where there is no registry.

    Raises `NotDelegations`.
    """
    if not result:
        return ()
    try:
        (rows,) = decode([_ROWS], result)
    except (DecodingError, OverflowError) as error:
        raise NotDelegations("not a list of delegations") from error
    found = []
    for kind, to, vault, rights, contract, token_id, amount in rows[:MOST_DELEGATIONS]:
        if to.lower() != delegate.lower():
            raise NotDelegations("a delegation to somebody else")
        if rights != _NO_RIGHTS or kind not in _KINDS:
            continue
        found.append(_delegation(_KINDS[kind], vault, contract, token_id, amount))
    return tuple(found)


def _delegation(
    kind: DelegationKind, vault: str, contract: str, token_id: int, amount: int
) -> Delegation:
    return Delegation(
        vault=str(to_checksum_address(vault)),
        kind=kind,
        contract=None if kind == "ALL" else str(to_checksum_address(contract)),
        token_id=token_id if kind in {"ERC721", "ERC1155"} else None,
        amount=amount if kind == "ERC1155" else None,
    )
