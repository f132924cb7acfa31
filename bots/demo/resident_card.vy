# pragma version 0.4.3
# SPDX-License-Identifier: Apache-2.0
"""
@title The resident card of a sample town
@notice ERC-721 with ERC-5192: a card is locked while `transferable` is off. Only the town mints.
        For demonstration and tests on a local chain; it has not been audited.
"""

event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    token_id: indexed(uint256)

event Approval:
    owner: indexed(address)
    approved: indexed(address)
    token_id: indexed(uint256)

event ApprovalForAll:
    owner: indexed(address)
    operator: indexed(address)
    approved: bool

event Locked:
    token_id: uint256

event Unlocked:
    token_id: uint256

interface Receiver:
    def onERC721Received(
        operator: address, sender: address, token_id: uint256, data: Bytes[1024]
    ) -> bytes4: nonpayable

town: public(immutable(address))
transferable: public(bool)
totalSupply: public(uint256)

balances: HashMap[address, uint256]
owners: HashMap[uint256, address]
approvals: HashMap[uint256, address]
operators: HashMap[address, HashMap[address, bool]]


@deploy
def __init__(transferable: bool):
    town = msg.sender
    self.transferable = transferable


@view
@external
def name() -> String[32]:
    return "Kankei sample resident card"


@view
@external
def symbol() -> String[8]:
    return "RESIDENT"


@view
@external
def tokenURI(token_id: uint256) -> String[89]:
    assert self.owners[token_id] != empty(address), "no such card"
    return concat("data:,card-", uint2str(token_id))


@view
@external
def supportsInterface(interface_id: bytes4) -> bool:
    return interface_id in [
        0x01ffc9a7,  # ERC-165
        0x80ac58cd,  # ERC-721
        0x5b5e139f,  # ERC-721 Metadata
        0xb45a3c0e,  # ERC-5192
    ]


@view
@external
def balanceOf(owner: address) -> uint256:
    assert owner != empty(address), "no owner"
    return self.balances[owner]


@view
@external
def ownerOf(token_id: uint256) -> address:
    owner: address = self.owners[token_id]
    assert owner != empty(address), "no such card"
    return owner


@view
@external
def locked(token_id: uint256) -> bool:
    assert self.owners[token_id] != empty(address), "no such card"
    return not self.transferable


@view
@external
def getApproved(token_id: uint256) -> address:
    assert self.owners[token_id] != empty(address), "no such card"
    return self.approvals[token_id]


@view
@external
def isApprovedForAll(owner: address, operator: address) -> bool:
    return self.operators[owner][operator]


@external
def approve(approved: address, token_id: uint256):
    owner: address = self.owners[token_id]
    assert msg.sender == owner or self.operators[owner][msg.sender], "not yours"
    self.approvals[token_id] = approved
    log Approval(owner=owner, approved=approved, token_id=token_id)


@external
def setApprovalForAll(operator: address, approved: bool):
    self.operators[msg.sender][operator] = approved
    log ApprovalForAll(owner=msg.sender, operator=operator, approved=approved)


@external
def transferFrom(sender: address, receiver: address, token_id: uint256):
    self._transfer(sender, receiver, token_id)


@external
def safeTransferFrom(
    sender: address, receiver: address, token_id: uint256, data: Bytes[1024] = b""
):
    self._transfer(sender, receiver, token_id)
    if receiver.is_contract:
        answer: bytes4 = extcall Receiver(receiver).onERC721Received(
            msg.sender, sender, token_id, data
        )
        assert answer == 0x150b7a02, "the receiver takes no cards"


@external
def mint(receiver: address) -> uint256:
    assert msg.sender == town, "only the town mints"
    assert receiver != empty(address), "no receiver"
    self.totalSupply += 1
    token_id: uint256 = self.totalSupply
    self.owners[token_id] = receiver
    self.balances[receiver] += 1
    log Transfer(sender=empty(address), receiver=receiver, token_id=token_id)
    if not self.transferable:
        log Locked(token_id=token_id)
    return token_id


@external
def set_transferable(transferable: bool):
    assert msg.sender == town, "only the town decides"
    self.transferable = transferable


@internal
def _transfer(sender: address, receiver: address, token_id: uint256):
    owner: address = self.owners[token_id]
    assert owner == sender and owner != empty(address), "not the owner"
    assert receiver != empty(address), "no receiver"
    assert self.transferable, "the card is locked"
    assert (
        msg.sender == owner
        or msg.sender == self.approvals[token_id]
        or self.operators[owner][msg.sender]
    ), "not yours"
    self.approvals[token_id] = empty(address)
    self.balances[sender] -= 1
    self.balances[receiver] += 1
    self.owners[token_id] = receiver
    log Transfer(sender=sender, receiver=receiver, token_id=token_id)
