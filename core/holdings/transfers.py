"""Logs as ``eth_getLogs`` gives them become transfers, without web3's decoding.

Web3's ``process_log`` takes some 300 µs a log; what is read here are fixed places in fixed-width
hexadecimal text.

* ERC-721 ``Transfer(address,address,uint256)``, all three indexed
* ERC-2309 ``ConsecutiveTransfer(uint256,uint256,address,address)``, the batch mint of ERC-721
* ERC-1155 ``TransferSingle`` and ``TransferBatch``
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

TRANSFER: Final = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
CONSECUTIVE: Final = "0xdeaa91b6123d068f5821d0fb0678463d1a8a6079fe8af5de3ce5e896dcf9133d"
SINGLE: Final = "0xc3d58168c5ae7397731d063d5bbf3d657854427343f4c083240f7aacaa2d0f62"
BATCH: Final = "0x4a39dc06d4c0dbc64b70af90fd698a233a518aa5d07e595d983b8c0526c8f7fb"

TOPICS: Final = (TRANSFER, CONSECUTIVE, SINGLE, BATCH)

ZERO: Final = bytes(20)
ONE: Final = b"\x01"
MAX_RUN: Final = 100_000
"""Most tokens of one ERC-2309 log: a false one must not fill the disk."""

MAX_RUNS: Final = 300_000
"""Most tokens of all ERC-2309 logs of one page: a page of many is read in shorter ones."""

WORD: Final = 32


def word(number: int) -> bytes:
    """A ``uint256`` as it is stored: big-endian, without leading zeros; zero is empty."""
    return number.to_bytes(WORD).lstrip(b"\0")


class UnreadableLog(ValueError):
    """A log that no standard knows: what it did to the owners cannot be told."""


class TooManyTokens(UnreadableLog):
    """More tokens than are read at once."""


Transfer = tuple[int, int, int, int, bytes, bytes, bytes, bytes]
"""One row of ``token_transfer``, in the order of its columns: contract, block, index of the log,
part of a batch, token, sender, receiver, amount. A plain tuple: Python's collector of garbage walks
over every named one, which costs more than reading it did."""


class Contract(NamedTuple):
    """What the reader of logs must know of a contract."""

    id: int
    standard: str


def read_logs(
    logs: Iterable[Mapping[str, object]],
    contracts: Mapping[str, Contract],
    *,
    first: int,
    last: int,
) -> list[Transfer]:
    """The transfers of `logs` in the chain's order, each once, however often it was given.

    `contracts` is by address in lower case. Raises `UnreadableLog` for a log of another block or
    contract than those asked for, and for one that follows no standard; `TooManyTokens`.
    """
    found: list[Transfer] = []
    seen: dict[int, object] = {}
    unhex = bytes.fromhex
    made = 0
    try:
        for log in logs:
            block = int(log["blockNumber"], 16)  # type: ignore[call-overload]
            index = int(log["logIndex"], 16)  # type: ignore[call-overload]
            if not first <= block <= last or log.get("removed"):
                raise UnreadableLog("a log of another block than was asked for")
            place = block << 32 | index
            if place in seen:
                if seen[place] != log:
                    raise UnreadableLog("two logs in one place")
                continue
            seen[place] = log
            contract, standard = contracts[log["address"].lower()]  # type: ignore[attr-defined]
            topics: list[str] = log["topics"]  # type: ignore[assignment]
            event = topics[0]
            if event == TRANSFER and standard == "ERC-721":
                _, sender, receiver, token = topics
                found.append(
                    (
                        contract,
                        block,
                        index,
                        0,
                        unhex(token[2:]).lstrip(b"\0"),
                        unhex(sender[26:]),
                        unhex(receiver[26:]),
                        ONE,
                    )
                )
            else:
                before = len(found)
                found += _others(contract, standard, block, index, topics, str(log["data"]))
                made += len(found) - before if event == CONSECUTIVE else 0
                if made > MAX_RUNS:
                    raise TooManyTokens("too many tokens at once")
    except TooManyTokens:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise UnreadableLog(str(error) or type(error).__name__) from error
    found.sort(key=_place)
    return found


def _place(transfer: Transfer) -> tuple[int, int, int]:
    return transfer[1:4]


def _others(
    contract: int, standard: str, block: int, index: int, topics: list[str], data: str
) -> Iterable[Transfer]:
    body = bytes.fromhex(data.removeprefix("0x"))
    words: Iterable[tuple[bytes, bytes]]
    if standard == "ERC-1155" and topics[0] in {SINGLE, BATCH}:
        _, _, sender, receiver = topics
        words = _single(body) if topics[0] == SINGLE else _batch(body)
    elif standard == "ERC-721" and topics[0] == CONSECUTIVE:
        _, start, sender, receiver = topics
        words = _run(int(start, 16), int.from_bytes(body))
    else:
        return  # the other standard's event: it says nothing about these tokens
    for part, (token, amount) in enumerate(words):
        yield (
            contract,
            block,
            index,
            part,
            token.lstrip(b"\0"),
            bytes.fromhex(sender[26:]),
            bytes.fromhex(receiver[26:]),
            amount.lstrip(b"\0"),
        )


def _single(body: bytes) -> list[tuple[bytes, bytes]]:
    if len(body) != 2 * WORD:
        raise UnreadableLog("not a TransferSingle")
    return [(body[:WORD], body[WORD:])]


def _batch(body: bytes) -> list[tuple[bytes, bytes]]:
    """``uint256[] ids, uint256[] values``, ABI-encoded."""
    tokens, amounts = _array(body, 0), _array(body, WORD)
    return list(zip(tokens, amounts, strict=True))


def _array(body: bytes, place: int) -> list[bytes]:
    start = int.from_bytes(body[place : place + WORD])
    length = int.from_bytes(body[start : start + WORD])
    start += WORD
    if len(body) < 2 * WORD or start + length * WORD > len(body):
        raise UnreadableLog("not a TransferBatch")
    return [body[at : at + WORD] for at in range(start, start + length * WORD, WORD)]


def _run(start: int, end: int) -> Iterable[tuple[bytes, bytes]]:
    if not 0 <= end - start < MAX_RUN:
        raise UnreadableLog("not a ConsecutiveTransfer")
    return ((token.to_bytes(WORD), ONE) for token in range(start, end + 1))


def packed(address: str) -> bytes:
    """An address as its 20 bytes, whatever the case of its text."""
    return bytes.fromhex(address.removeprefix("0x"))
