"""The JSON-RPC reader."""

import asyncio
import json
import logging
import re
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

import aiohttp
from eth_abi import encode
from web3.providers.async_base import AsyncJSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from core.errors import ChainUnavailable
from core.town import Chain, Collection

logger = logging.getLogger(__name__)

# Where py-evm is installed, importing web3 raises this to 100,000, and then nested brackets from
# outside (an endpoint's answer, a visitor's JSON) overflow the C stack and end the process.
sys.setrecursionlimit(min(sys.getrecursionlimit(), 3_000))

Finality = Literal["latest", "finalized"]

MAX_ANSWER_BYTES = 2_000_000
TIMEOUT = timedelta(seconds=10)
CONCURRENT_QUESTIONS = 16

BALANCE_OF = bytes.fromhex("70a08231")  # balanceOf(address)
BALANCE_OF_ID = bytes.fromhex("00fdd58e")  # balanceOf(address,uint256)

_HEX = re.compile(r"0x[0-9a-fA-F]*")

_VALIDATOR = bytes.fromhex(
    (Path(__file__).parent / "erc6492_validator.hex").read_text(encoding="ascii").strip()
)

Answer = TypeVar("Answer")


class _NoAnswer(Exception):
    """One endpoint gave nothing that can be used; its text says what, without any secret."""


class _Reverted(_NoAnswer):
    """The endpoint executed the call and it reverted: an answer of a kind."""


class BoundedProvider(AsyncJSONBaseProvider):
    """web3's provider with a limit on the size and the time of every answer."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        super().__init__()
        self.url = url
        self._session = session

    async def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Ask once. Raises `_NoAnswer` when the endpoint stalls, refuses or says too much."""
        try:
            async with self._session.post(
                self.url,
                data=self.encode_rpc_request(method, params),
                headers={"Content-Type": "application/json"},
                timeout=aiohttp.ClientTimeout(total=TIMEOUT.total_seconds()),
                allow_redirects=False,
            ) as response:
                if response.status != 200:  # noqa: PLR2004
                    raise _NoAnswer(f"HTTP {response.status}")
                body = bytearray()
                async for chunk in response.content.iter_chunked(65_536):
                    body += chunk
                    if len(body) > MAX_ANSWER_BYTES:
                        raise _NoAnswer("the answer is too large")
            answer = json.loads(body)
        except (aiohttp.ClientError, TimeoutError, ValueError, RecursionError) as error:
            raise _NoAnswer(type(error).__name__) from error
        if not isinstance(answer, dict):
            raise _NoAnswer("not a JSON-RPC answer")
        return cast("RPCResponse", answer)


class JsonRpcChain:
    """One chain behind one or several endpoints."""

    def __init__(
        self,
        chain: Chain,
        endpoints: Sequence[str],
        session: aiohttp.ClientSession,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.chain = chain
        self._providers = [BoundedProvider(url, session) for url in endpoints]
        self._served: set[str] = set()
        self._finalized = 0  # the highest that any endpoint has shown
        self._slots = asyncio.Semaphore(CONCURRENT_QUESTIONS)
        self._now = now

    async def block(self, finality: Finality) -> int:
        """The number of the newest block of that finality.

        Raises `ChainUnavailable` if none is known, or if the finalized block stands still.
        """
        return await self._first(lambda provider: self._block(provider, finality))

    async def balance_of(self, collection: Collection, owner: str, *, block: int) -> int:
        """How many tokens `owner` held at `block`, as every endpoint agrees."""
        if collection.token_id is None:
            data = BALANCE_OF + encode(["address"], [owner])
        else:
            data = BALANCE_OF_ID + encode(["address", "uint256"], [owner, collection.token_id])
        call = {"to": collection.contract, "data": "0x" + data.hex()}
        return await self._agreed(lambda provider: self._word(provider, call, hex(block)))

    async def is_valid_signature(self, address: str, digest: bytes, signature: bytes) -> bool:
        """One ``eth_call`` of the ERC-6492 validator; a revert means no."""
        data = _VALIDATOR + encode(["address", "bytes32", "bytes"], [address, digest, signature])
        call = {"data": "0x" + data.hex()}

        async def ask(provider: BoundedProvider) -> bool:
            try:
                return int(await self._hex(provider, "eth_call", [call, "latest"]), 16) == 1
            except (_Reverted, ValueError):
                return False

        return await self._agreed(ask)

    async def _block(self, provider: BoundedProvider, finality: Finality) -> int:
        answer = await self._ask(provider, "eth_getBlockByNumber", [finality, False])
        try:
            number, timestamp = int(answer["number"], 16), int(answer["timestamp"], 16)
        except (TypeError, KeyError, ValueError) as error:
            raise _NoAnswer("not a block") from error
        if finality == "finalized":
            self._check_finalized(number, timestamp)
        return number

    def _check_finalized(self, number: int, timestamp: int) -> None:
        """What is final neither stands still for long nor goes back."""
        age = self._now().timestamp() - timestamp
        minutes = self.chain.finalized_within_minutes
        if minutes and age > minutes * 60:
            raise _NoAnswer(f"the finalized block stands still since {int(age)} seconds")
        if number < self._finalized:
            raise _NoAnswer("the finalized block goes back")
        self._finalized = number

    async def _word(self, provider: BoundedProvider, call: Mapping[str, str], block: str) -> int:
        answer = await self._hex(provider, "eth_call", [call, block])
        if len(answer) != 66:  # noqa: PLR2004
            raise _NoAnswer("not one word: is the contract on this chain?")
        return int(answer, 16)

    async def _hex(self, provider: BoundedProvider, method: str, params: list[Any]) -> str:
        answer = await self._ask(provider, method, params)
        if not isinstance(answer, str) or not _HEX.fullmatch(answer):
            raise _NoAnswer("not a hex answer")
        return answer

    async def _ask(self, provider: BoundedProvider, method: str, params: list[Any]) -> Any:
        async with self._slots:
            if provider.url not in self._served:
                await self._check_chain(provider)
            return _result(await provider.make_request(RPCEndpoint(method), params))

    async def _check_chain(self, provider: BoundedProvider) -> None:
        answer = _result(await provider.make_request(RPCEndpoint("eth_chainId"), []))
        try:
            served = int(answer, 16)
        except (TypeError, ValueError) as error:
            raise _NoAnswer("no chain id") from error
        if served != self.chain.id:
            raise _NoAnswer(f"serves chain {served}, not {self.chain.id}")
        self._served.add(provider.url)

    async def _first(self, ask: Callable[[BoundedProvider], Awaitable[Answer]]) -> Answer:
        """The answer of the first endpoint that gives one."""
        faults = []
        for provider in self._providers:
            try:
                return await ask(provider)
            except _NoAnswer as error:
                faults.append(str(error))
        raise self._unavailable(faults)

    async def _agreed(self, ask: Callable[[BoundedProvider], Awaitable[Answer]]) -> Answer:
        """The one answer that every endpoint which answers gives; at least half must answer."""
        answers: list[Answer] = []
        faults = []
        for provider in self._providers:
            try:
                answers.append(await ask(provider))
            except _NoAnswer as error:
                faults.append(str(error))
        if not answers or len(answers) * 2 < len(self._providers):
            raise self._unavailable(faults)
        if any(answer != answers[0] for answer in answers):
            raise self._unavailable(["the endpoints contradict each other"])
        return answers[0]

    def _unavailable(self, faults: Sequence[str]) -> ChainUnavailable:
        reason = "; ".join(faults) or "no endpoint is configured"
        logger.warning("chain-unavailable", extra={"chain": self.chain.id, "reason": reason})
        return ChainUnavailable(f"chain {self.chain.id}: {reason}")


def _result(answer: RPCResponse) -> Any:
    error = answer.get("error")
    if error is not None:
        message = str(error.get("message", "")) if isinstance(error, dict) else str(error)
        if "revert" in message.lower() or (isinstance(error, dict) and error.get("code") == 3):  # noqa: PLR2004
            raise _Reverted("the call reverted")
        raise _NoAnswer("the endpoint answered with an error")
    if answer.get("result") is None:
        raise _NoAnswer("an empty answer")
    return answer["result"]


class Chains:
    """Every chain of a town, by chain id."""

    def __init__(self, chains: Mapping[int, JsonRpcChain]) -> None:
        self._chains = dict(chains)

    async def block(self, chain_id: int, finality: Finality) -> int:
        return await self._of(chain_id).block(finality)

    async def balance_of(self, collection: Collection, owner: str, *, block: int) -> int:
        return await self._of(collection.chain_id).balance_of(collection, owner, block=block)

    async def is_valid_signature(
        self, chain_id: int, address: str, digest: bytes, signature: bytes
    ) -> bool:
        return await self._of(chain_id).is_valid_signature(address, digest, signature)

    def _of(self, chain_id: int) -> JsonRpcChain:
        try:
            return self._chains[chain_id]
        except KeyError as error:
            raise ChainUnavailable(f"chain {chain_id} is not configured") from error
