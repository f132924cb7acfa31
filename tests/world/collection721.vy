# pragma version 0.4.3
# SPDX-License-Identifier: Apache-2.0
"""
@title An ERC-721 collection for tests: batches, burning, locks and descriptions by token
@notice Anybody may mint, hand over, burn and describe: it is for a local chain.
"""

event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    token_id: indexed(uint256)

totalSupply: public(uint256)
balances: HashMap[address, uint256]
owners: HashMap[uint256, address]
uris: HashMap[uint256, String[1024]]
locks: HashMap[uint256, bool]
lockable: public(bool)


@deploy
def __init__(lockable: bool):
    self.lockable = lockable


@view
@external
def supportsInterface(wanted: bytes4) -> bool:
    if wanted == 0xb45a3c0e:
        return self.lockable
    return wanted in [0x01ffc9a7, 0x80ac58cd, 0x5b5e139f]


@view
@external
def balanceOf(owner: address) -> uint256:
    assert owner != empty(address), "nobody"
    return self.balances[owner]


@view
@external
def ownerOf(token_id: uint256) -> address:
    assert self.owners[token_id] != empty(address), "no such token"
    return self.owners[token_id]


@view
@external
def tokenURI(token_id: uint256) -> String[1024]:
    assert self.owners[token_id] != empty(address), "no such token"
    return self.uris[token_id]


@view
@external
def locked(token_id: uint256) -> bool:
    assert self.lockable and self.owners[token_id] != empty(address), "no such token"
    return self.locks[token_id]


@internal
def _mint(receiver: address):
    self.totalSupply += 1
    self.owners[self.totalSupply] = receiver
    self.balances[receiver] += 1
    log Transfer(sender=empty(address), receiver=receiver, token_id=self.totalSupply)


@external
def mint(receiver: address, count: uint256):
    for _: uint256 in range(count, bound=1000):
        self._mint(receiver)


@external
def mintEach(receivers: DynArray[address, 500]):
    for receiver: address in receivers:
        self._mint(receiver)


@external
def transferFrom(sender: address, receiver: address, token_id: uint256):
    assert self.owners[token_id] == sender, "not the owner"
    self.owners[token_id] = receiver
    self.balances[sender] -= 1
    if receiver != empty(address):
        self.balances[receiver] += 1
    log Transfer(sender=sender, receiver=receiver, token_id=token_id)


@external
def describe(token_id: uint256, uri: String[1024]):
    self.uris[token_id] = uri


@external
def lock(token_id: uint256, locked: bool):
    self.locks[token_id] = locked
