# pragma version 0.4.3
# SPDX-License-Identifier: Apache-2.0
"""
@title An ERC-1155 collection for tests: single and batch transfers
@notice Anybody may mint, hand over and burn: it is for a local chain.
"""

event TransferSingle:
    operator: indexed(address)
    sender: indexed(address)
    receiver: indexed(address)
    id: uint256
    amount: uint256

event TransferBatch:
    operator: indexed(address)
    sender: indexed(address)
    receiver: indexed(address)
    ids: DynArray[uint256, 100]
    amounts: DynArray[uint256, 100]

balances: HashMap[address, HashMap[uint256, uint256]]
base: String[256]


@deploy
def __init__(base: String[256]):
    self.base = base


@view
@external
def supportsInterface(wanted: bytes4) -> bool:
    return wanted in [0x01ffc9a7, 0xd9b67a26, 0x0e89341c]


@view
@external
def uri(id: uint256) -> String[256]:
    return self.base


@view
@external
def balanceOf(owner: address, id: uint256) -> uint256:
    return self.balances[owner][id]


@internal
def _move(sender: address, receiver: address, id: uint256, amount: uint256):
    if sender != empty(address):
        self.balances[sender][id] -= amount
    if receiver != empty(address):
        self.balances[receiver][id] += amount


@external
def move(sender: address, receiver: address, id: uint256, amount: uint256):
    """
    @notice From the zero address: mint; to it: burn.
    """
    self._move(sender, receiver, id, amount)
    log TransferSingle(
        operator=msg.sender, sender=sender, receiver=receiver, id=id, amount=amount
    )


@external
def moveBatch(
    sender: address,
    receiver: address,
    ids: DynArray[uint256, 100],
    amounts: DynArray[uint256, 100],
):
    assert len(ids) == len(amounts), "lengths"
    for place: uint256 in range(len(ids), bound=100):
        self._move(sender, receiver, ids[place], amounts[place])
    log TransferBatch(
        operator=msg.sender, sender=sender, receiver=receiver, ids=ids, amounts=amounts
    )
