"""Many reads in one ``eth_call``, all at one block.

* Multicall3 (``aggregate3``) at its usual address, at most 500 calls a request
* where that contract is absent: creation code of our own, which makes the calls and returns their
  results as if they were a contract's code (results at most 24,576 bytes, EIP-170; code and calls
  at most 49,152 bytes, EIP-3860), at most 100 calls a request
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from eth_abi import decode, encode
from eth_abi.exceptions import DecodingError

from core.chain.endpoints import Endpoint
from core.chain.faults import NoAnswer, Refused, Reverted, TooLarge
from core.chain.pool import Pool
from core.chain.values import Call

MULTICALL3: Final = "0xcA11bde05977b3631167028862bE2a173976CA11"
AGGREGATE3: Final = bytes.fromhex("82ad56cb")  # aggregate3((address,bool,bytes)[])
MOST_CALLS, MOST_DEPLOYLESS = 500, 100
FEW = 25
"""A call that failed without a reason is asked again among this few: it may have lacked gas."""

MOST_REFUSALS = 48
"""How many refusals of one request, halved and halved again, are taken before it is given up."""

CONCURRENT_REQUESTS = 4
LOOK_AGAIN_SECONDS = 3_600.0
"""When to look again for Multicall3 on a chain that had none."""

# Reads its calls from behind itself: 20 bytes of address, 4 of length, the call data. Writes for
# each: 1 byte of success, 4 of length, what came back.
_DEPLOYLESS: Final = bytes.fromhex(
    "60598038038091600039806000"  # calls to memory; keep end, out = end, in = 0
    "5b828110601a57"  # while in < end
    "5081900390f3"  # (else) return memory[end:out]
    "5b805160401c8063ffffffff169060201c"  # length and address of this call
    "600060008385601801845afa9050"  # success = staticcall(gas, address, in + 24, length)
    "60f81b3d60d81b178352"  # memory[out] = success, size of what came back
    "3d6000846005013e"  # memory[out + 5:] = what came back
    "01601801903d0160050190600d56"  # in += 24 + length; out += 5 + size
)

Row = tuple[bool, bytes] | None
"""Success and what came back; `None`: the endpoint makes this call in no way."""

Ask = Callable[[Endpoint, Sequence[Call], str], Awaitable[list[Row]]]


class Multicall:
    """Reads in bulk through the endpoints of one chain."""

    def __init__(self, pool: Pool, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._monotonic = monotonic
        self._present_since: int | None = None
        self._absent_until: tuple[int, float] | None = None

    async def read(self, calls: Sequence[Call], block: int) -> tuple[bytes | None, ...]:
        """What each call returned at `block`; `None` where it reverted.

        Raises `ChainUnavailable` if one of the requests has no agreed answer.
        """
        rows = await self.rows(calls, block)
        if None in rows:
            raise self._pool.unavailable(["refuses to make the calls"])
        return tuple(row[1] if row and row[0] else None for row in rows)

    async def rows(self, calls: Sequence[Call], block: int) -> list[Row]:
        """The same, where one call that cannot be made does not spoil the others.

        Raises `ChainUnavailable`.
        """
        if not calls:
            return []
        rows = await self._rows(calls, block, MOST_CALLS)
        unsure = [index for index, row in enumerate(rows) if row == (False, b"")]
        if unsure and len(calls) > 1:
            again = await self._rows([calls[index] for index in unsure], block, FEW)
            for index, row in zip(unsure, again, strict=True):
                rows[index] = row
        return rows

    async def _rows(self, calls: Sequence[Call], block: int, most: int) -> list[Row]:
        deployed = await self._deployed(block)
        size = min(most, MOST_CALLS if deployed else MOST_DEPLOYLESS)
        ask = _by_contract if deployed else _deployless
        slots = asyncio.Semaphore(CONCURRENT_REQUESTS)

        async def one(chunk: Sequence[Call]) -> list[Row]:
            async with slots:
                return await self._pool.agreed(
                    lambda endpoint: _Attempt(endpoint, ask, hex(block)).rows(chunk)
                )

        chunks = [calls[start : start + size] for start in range(0, len(calls), size)]
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(chunk)) for chunk in chunks]
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from errors
        return [row for task in tasks for row in task.result()]

    async def _deployed(self, block: int) -> bool:
        """Whether Multicall3 was there at `block`; code does not go away again."""
        if self._present_since is not None and block >= self._present_since:
            return True
        if self._absent_until is not None:
            at, looked = self._absent_until
            if block <= at or self._monotonic() - looked < LOOK_AGAIN_SECONDS:
                return False
        code = await self._pool.agreed(
            lambda endpoint: endpoint.hex("eth_getCode", [MULTICALL3, hex(block)])
        )
        if code != "0x":
            self._present_since = min(block, self._present_since or block)
            return True
        self._absent_until = (block, self._monotonic())
        return False


class _Attempt:
    """One endpoint's rows of one request; when it refuses the whole, those of each half."""

    def __init__(self, endpoint: Endpoint, ask: Ask, block: str) -> None:
        self._endpoint, self._ask, self._block = endpoint, ask, block
        self._refusals = 0

    async def rows(self, calls: Sequence[Call]) -> list[Row]:
        try:
            return await self._ask(self._endpoint, calls, self._block)
        except (Refused, Reverted, TooLarge) as error:
            self._refusals += 1
            if self._refusals > MOST_REFUSALS:
                raise NoAnswer("refuses to make the calls") from error
        if len(calls) == 1:
            return [await self._alone(calls[0])]
        half = len(calls) // 2
        return await self.rows(calls[:half]) + await self.rows(calls[half:])

    async def _alone(self, call: Call) -> Row:
        """By itself a call may return more, and use all the gas."""
        try:
            return True, await self._endpoint.call(call.to, call.data, self._block)
        except Reverted:
            return False, b""
        except (Refused, TooLarge):
            return None


async def _by_contract(endpoint: Endpoint, calls: Sequence[Call], block: str) -> list[Row]:
    rows = [(call.to, True, call.data) for call in calls]
    data = AGGREGATE3 + encode(["(address,bool,bytes)[]"], [rows])
    answer = await endpoint.call(MULTICALL3, data, block)
    try:
        (results,) = decode(["(bool,bytes)[]"], answer)
    except (DecodingError, OverflowError) as error:
        raise NoAnswer("not a list of results") from error
    if len(results) != len(calls):
        raise NoAnswer("not as many results as calls")
    return [(bool(good), bytes(back)) for good, back in results]


async def _deployless(endpoint: Endpoint, calls: Sequence[Call], block: str) -> list[Row]:
    packed = b"".join(
        bytes.fromhex(call.to[2:]) + len(call.data).to_bytes(4) + call.data for call in calls
    )
    answer = await endpoint.call(None, _DEPLOYLESS + packed, block)
    rows: list[Row] = []
    at = 0
    while at < len(answer):
        size = int.from_bytes(answer[at + 1 : at + 5])
        if answer[at] > 1 or at + 5 + size > len(answer):
            break
        rows.append((answer[at] == 1, answer[at + 5 : at + 5 + size]))
        at += 5 + size
    if at != len(answer) or len(rows) != len(calls):
        raise NoAnswer("not as many results as calls")
    return rows
