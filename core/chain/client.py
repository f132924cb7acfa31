"""The chains of a town: every question that core puts to them."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import aiohttp
from eth_abi import encode

from core.chain import delegation, tokens
from core.chain.budget import Budget
from core.chain.endpoints import Endpoint
from core.chain.faults import Reverted
from core.chain.heads import Heads
from core.chain.logs import LogReader, query_of
from core.chain.multicall import Multicall
from core.chain.pool import Pool
from core.chain.values import (
    BlockChoice,
    BlockRef,
    Call,
    Delegation,
    EndpointHealth,
    Finality,
    ForgetfulPages,
    LogPage,
    PageMemory,
)
from core.errors import ChainUnavailable
from core.town import Chain, Collection

_VALIDATOR = bytes.fromhex(
    (Path(__file__).parent / "erc6492_validator.hex").read_text(encoding="ascii").strip()
)

Given = TypeVar("Given")
Read = TypeVar("Read")


class JsonRpcChain:
    """One chain behind one or several endpoints."""

    def __init__(
        self,
        chain: Chain,
        endpoints: Sequence[str],
        session: aiohttp.ClientSession,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
        requests_per_second: float | None = None,
        requests_a_day: int | None = None,
        pages: PageMemory | None = None,
    ) -> None:
        self.chain = chain
        self._pool = Pool(
            chain.id,
            [
                Endpoint(
                    url,
                    chain.id,
                    session,
                    budget=Budget(
                        requests_per_second, requests_a_day, now=now, monotonic=monotonic
                    ),
                    now=now,
                    monotonic=monotonic,
                )
                for url in dict.fromkeys(endpoints)
            ],
        )
        self._heads = Heads(chain, self._pool, now=now)
        self._logs = LogReader(self._pool, pages or ForgetfulPages())
        self._multicall = Multicall(self._pool, monotonic=monotonic)

    # Blocks and logs

    async def head(self, finality: Finality) -> BlockRef:
        """The newest block of that finality.

        Raises `ChainUnavailable` if none is known, or if it stands still.
        """
        return await self._heads.head(finality)

    async def block(self, finality: Finality) -> int:
        """The number of the `head`."""
        return (await self.head(finality)).number

    async def block_hash(self, number: int) -> str | None:
        """The hash of a block as the endpoints agree; `None` if none of them knows it."""
        return await self._heads.hash_of(number)

    async def logs(
        self,
        contracts: Sequence[str],
        topics: Sequence[Sequence[str] | None],
        first: int,
        last: int,
    ) -> LogPage:
        """The logs of `contracts` from block `first` on, up to `last` or as far as one page goes.

        `topics`: for each position the values that match; `None`: any.

        Raises `ChainUnavailable` when no endpoint gives a page that enough others confirm.
        """
        return await self._logs.read(query_of(contracts, topics), first, last)

    # Contracts

    async def code_at(self, contract: str, block: int) -> bytes:
        """The code at an address; empty before it was there.

        Raises `ChainUnavailable`, also where the endpoints keep no state of that block.
        """
        code = await self._pool.agreed(
            lambda endpoint: endpoint.hex("eth_getCode", [contract, hex(block)])
        )
        return bytes.fromhex(code[2:])

    async def multicall(
        self, calls: Sequence[Call], *, block: BlockChoice
    ) -> tuple[bytes | None, ...]:
        """What every call returned, all at one block; `None`: that call reverted."""
        if not calls:
            return ()
        number = await self.block("latest") if block == "latest" else block
        return await self._multicall.read(calls, number)

    async def balance_of(self, collection: Collection, owner: str, *, block: int) -> int:
        """How many tokens `owner` held at `block`, as every endpoint agrees."""
        call = tokens.balance_call(collection, owner)

        async def ask(endpoint: Endpoint) -> bytes:
            return await endpoint.call(call.to, call.data, hex(block))

        (balance,) = self._numbers([await self._pool.agreed(ask)])
        return balance

    async def balances(
        self, collection: Collection, owners: Sequence[str], *, block: BlockChoice
    ) -> tuple[int, ...]:
        """How many tokens each of `owners` held."""
        calls = [tokens.balance_call(collection, owner) for owner in owners]
        return self._numbers(await self.multicall(calls, block=block))

    async def balances_by_id(
        self, collection: Collection, pairs: Sequence[tuple[str, int]], *, block: BlockChoice
    ) -> tuple[int, ...]:
        """ERC-1155: how many of a token id each owner held, for pairs of owner and token id."""
        calls = [tokens.balance_by_id_call(collection, *pair) for pair in pairs]
        return self._numbers(await self.multicall(calls, block=block))

    async def owners_of(
        self, collection: Collection, token_ids: Sequence[int], *, block: BlockChoice
    ) -> tuple[str | None, ...]:
        """ERC-721: who held each token (EIP-55); `None`: there is no such token."""
        calls = [tokens.owner_call(collection, each) for each in token_ids]
        results = await self.multicall(calls, block=block)
        return tuple(self._read(tokens.owner, each) for each in results)

    async def locked(
        self, collection: Collection, token_ids: Sequence[int], *, block: BlockChoice
    ) -> tuple[bool | None, ...]:
        """ERC-5192: whether each token is bound to its holder; `None`: its contract cannot say."""
        if not token_ids:
            return ()
        calls = [tokens.supports_locked_call(collection)]
        calls += [tokens.locked_call(collection, each) for each in token_ids]
        supported, *results = await self.multicall(calls, block=block)
        if not self._read(tokens.flag, supported):
            return (None,) * len(token_ids)
        return tuple(self._read(tokens.flag, each) for each in results)

    async def token_uris(
        self, collection: Collection, token_ids: Sequence[int], *, block: BlockChoice
    ) -> tuple[str | None, ...]:
        """Where each token is described, as its contract says; `None`: it does not."""
        calls = [tokens.uri_call(collection, each) for each in token_ids]
        return tuple(map(tokens.text, await self.multicall(calls, block=block)))

    async def delegations(
        self, delegates: Sequence[str], *, block: BlockChoice = "latest"
    ) -> tuple[tuple[Delegation, ...] | None, ...]:
        """For each of `delegates`, what others let it stand for.

        `None`: its list cannot be read, which a stranger can bring about with thousands of
        delegations. Then nobody knows, and nobody may lose anything for it.
        """
        number = await self.block("latest") if block == "latest" else block
        calls = [delegation.incoming_call(each) for each in delegates]
        rows = await self._multicall.rows(calls, number)
        try:
            return tuple(
                delegation.delegations(row[1], each) if row and row[0] else None
                for row, each in zip(rows, delegates, strict=True)
            )
        except delegation.NotDelegations as error:
            raise self._pool.unavailable([str(error)]) from error

    async def is_valid_signature(self, address: str, digest: bytes, signature: bytes) -> bool:
        """One ``eth_call`` of the ERC-6492 validator at a recent block; a revert means no.

        The contract is whoever's wallet it says it is: one that burns gas until the endpoint falls
        silent does not get the endpoint a rest.
        """
        data = _VALIDATOR + encode(["address", "bytes32", "bytes"], [address, digest, signature])

        async def ask(endpoint: Endpoint) -> bool:
            await self._heads.seen(endpoint, "latest")
            try:
                answer = await endpoint.call(None, data, "latest", forgiving=True)
                return int.from_bytes(answer) == 1
            except Reverted:
                return False

        return await self._pool.agreed(ask, live=True)

    def health(self) -> tuple[EndpointHealth, ...]:
        """How each endpoint does, for staff."""
        return tuple(
            EndpointHealth(
                chain_id=self.chain.id,
                host=each.host,
                resting_seconds=each.resting_seconds,
                last_success=each.last_success,
                consecutive_failures=each.failures,
                last_failure=each.last_failure,
                last_reason=each.last_reason,
                requests_today=each.budget.used_today,
                requests_a_day=each.budget.a_day,
                finalized=each.finalized,
                log_page=self._logs.page_of(each),
                requests=each.requests,
                request_seconds=each.request_seconds,
                faults=dict(each.faults),
            )
            for each in self._pool.endpoints
        )

    def _numbers(self, results: Sequence[bytes | None]) -> tuple[int, ...]:
        return self._read(tokens.numbers, results)

    def _read(self, reading: Callable[[Given], Read], result: Given) -> Read:
        try:
            return reading(result)
        except tokens.Unreadable as error:
            raise self._pool.unavailable([str(error)]) from error


class Chains:
    """Every chain of a town, by chain id. See `JsonRpcChain` for what each question means."""

    def __init__(self, chains: Mapping[int, JsonRpcChain]) -> None:
        self._chains = dict(chains)

    def of(self, chain_id: int) -> JsonRpcChain:
        """Raises `ChainUnavailable` for a chain that is not configured."""
        try:
            return self._chains[chain_id]
        except KeyError as error:
            raise ChainUnavailable(f"chain {chain_id} is not configured") from error

    def health(self) -> tuple[EndpointHealth, ...]:
        return tuple(health for chain in self._chains.values() for health in chain.health())

    async def head(self, chain_id: int, finality: Finality) -> BlockRef:
        return await self.of(chain_id).head(finality)

    async def block(self, chain_id: int, finality: Finality) -> int:
        return await self.of(chain_id).block(finality)

    async def block_hash(self, chain_id: int, number: int) -> str | None:
        return await self.of(chain_id).block_hash(number)

    async def logs(
        self,
        chain_id: int,
        contracts: Sequence[str],
        topics: Sequence[Sequence[str] | None],
        first: int,
        last: int,
    ) -> LogPage:
        return await self.of(chain_id).logs(contracts, topics, first, last)

    async def code_at(self, chain_id: int, contract: str, block: int) -> bytes:
        return await self.of(chain_id).code_at(contract, block)

    async def multicall(
        self, chain_id: int, calls: Sequence[Call], *, block: BlockChoice
    ) -> tuple[bytes | None, ...]:
        return await self.of(chain_id).multicall(calls, block=block)

    async def balance_of(self, collection: Collection, owner: str, *, block: int) -> int:
        return await self.of(collection.chain_id).balance_of(collection, owner, block=block)

    async def balances(
        self, collection: Collection, owners: Sequence[str], *, block: BlockChoice
    ) -> tuple[int, ...]:
        return await self.of(collection.chain_id).balances(collection, owners, block=block)

    async def balances_by_id(
        self, collection: Collection, pairs: Sequence[tuple[str, int]], *, block: BlockChoice
    ) -> tuple[int, ...]:
        return await self.of(collection.chain_id).balances_by_id(collection, pairs, block=block)

    async def owners_of(
        self, collection: Collection, token_ids: Sequence[int], *, block: BlockChoice
    ) -> tuple[str | None, ...]:
        return await self.of(collection.chain_id).owners_of(collection, token_ids, block=block)

    async def locked(
        self, collection: Collection, token_ids: Sequence[int], *, block: BlockChoice
    ) -> tuple[bool | None, ...]:
        return await self.of(collection.chain_id).locked(collection, token_ids, block=block)

    async def token_uris(
        self, collection: Collection, token_ids: Sequence[int], *, block: BlockChoice
    ) -> tuple[str | None, ...]:
        return await self.of(collection.chain_id).token_uris(collection, token_ids, block=block)

    async def delegations(
        self, chain_id: int, delegates: Sequence[str], *, block: BlockChoice = "latest"
    ) -> tuple[tuple[Delegation, ...] | None, ...]:
        """What others let each of `delegates` stand for on this chain, in one request for 500.

        Nothing where no registry is; `None` where a list cannot be read.
        """
        return await self.of(chain_id).delegations(delegates, block=block)

    async def is_valid_signature(
        self, chain_id: int, address: str, digest: bytes, signature: bytes
    ) -> bool:
        return await self.of(chain_id).is_valid_signature(address, digest, signature)
