"""What collections are asked: balances, owners, locks and where a token is described.

* ERC-721: ``balanceOf(address)`` 0x70a08231, ``ownerOf(uint256)`` 0x6352211e, ``tokenURI(uint256)``
  0xc87b56dd
* ERC-1155: ``balanceOf(address,uint256)`` 0x00fdd58e, ``uri(uint256)`` 0x0e89341c
* ERC-5192: ``locked(uint256)`` 0xb45a3c0e, which is its interface id for ERC-165 as well
"""

from collections.abc import Sequence
from typing import Final

from eth_abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_utils import to_checksum_address

from core.chain.values import Call
from core.town import Collection

BALANCE_OF: Final = bytes.fromhex("70a08231")
BALANCE_OF_ID: Final = bytes.fromhex("00fdd58e")
OWNER_OF: Final = bytes.fromhex("6352211e")
TOKEN_URI: Final = bytes.fromhex("c87b56dd")
URI: Final = bytes.fromhex("0e89341c")
LOCKED: Final = bytes.fromhex("b45a3c0e")
SUPPORTS_INTERFACE: Final = bytes.fromhex("01ffc9a7")

WORD = 32
MAX_URI_BYTES = 262_144


class Unreadable(Exception):
    """A contract returned what its standard does not."""


def balance_call(collection: Collection, owner: str) -> Call:
    """The balance that counts: of the whole collection, or of its one token id."""
    if collection.token_id is not None:
        return balance_by_id_call(collection, owner, collection.token_id)
    if collection.standard == "ERC-1155":
        raise ValueError("ERC-1155 has no balance without a token id")
    return Call(collection.contract, BALANCE_OF + encode(["address"], [owner]))


def balance_by_id_call(collection: Collection, owner: str, token_id: int) -> Call:
    """ERC-1155's balance of one token id."""
    data = BALANCE_OF_ID + encode(["address", "uint256"], [owner, token_id])
    return Call(collection.contract, data)


def owner_call(collection: Collection, token_id: int) -> Call:
    return Call(collection.contract, OWNER_OF + encode(["uint256"], [token_id]))


def locked_call(collection: Collection, token_id: int) -> Call:
    return Call(collection.contract, LOCKED + encode(["uint256"], [token_id]))


def supports_locked_call(collection: Collection) -> Call:
    return Call(collection.contract, SUPPORTS_INTERFACE + LOCKED.ljust(WORD, b"\0"))


def uri_call(collection: Collection, token_id: int) -> Call:
    selector = URI if collection.standard == "ERC-1155" else TOKEN_URI
    return Call(collection.contract, selector + encode(["uint256"], [token_id]))


def numbers(results: Sequence[bytes | None]) -> tuple[int, ...]:
    """Balances. Raises `Unreadable`: a balance never reverts, so a revert is no zero either."""
    return tuple(_word(result) for result in results)


def owner(result: bytes | None) -> str | None:
    """EIP-55; `None`: there is no such token (any more). Raises `Unreadable`."""
    if result is None:
        return None
    number = _word(result)
    if number >> 160:
        raise Unreadable("not an address")
    return str(to_checksum_address(number.to_bytes(20))) if number else None


def flag(result: bytes | None) -> bool | None:
    """`None`: reverted, or nothing came. Raises `Unreadable`."""
    if not result:
        return None
    number = _word(result)
    if number > 1:
        raise Unreadable("neither yes nor no")
    return number == 1


def text(result: bytes | None) -> str | None:
    """A string; `None` if there is none that can be read."""
    if not result or len(result) > MAX_URI_BYTES:
        return None
    try:
        (found,) = decode(["string"], result)
    except (DecodingError, OverflowError, UnicodeDecodeError):
        return None
    return str(found)


def _word(result: bytes | None) -> int:
    if result is None or len(result) != WORD:
        raise Unreadable("not one word: is the contract on this chain?")
    return int.from_bytes(result)
