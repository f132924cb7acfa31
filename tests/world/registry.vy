# pragma version 0.4.3
# SPDX-License-Identifier: Apache-2.0
"""
@title What of the delegate.xyz v2 registry is read, with the same ABI
@notice For tests on a local chain: whoever calls is the vault.
"""

struct Delegation:
    kind: uint8
    to: address
    vault: address
    rights: bytes32
    collection: address
    token_id: uint256
    amount: uint256

incoming: HashMap[address, DynArray[Delegation, 600]]


@external
def delegate(
    kind: uint8,
    to: address,
    vault: address,
    rights: bytes32,
    collection: address,
    token_id: uint256,
    amount: uint256,
):
    self.incoming[to].append(
        Delegation(
            kind=kind,
            to=to,
            vault=vault,
            rights=rights,
            collection=collection,
            token_id=token_id,
            amount=amount,
        )
    )


@external
def revoke(to: address):
    self.incoming[to] = []


@view
@external
def getIncomingDelegations(to: address) -> DynArray[Delegation, 600]:
    return self.incoming[to]
