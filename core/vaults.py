"""Wallets that named a proved one as their delegate (delegate.xyz v2): offered, linked, let go.

A collector keeps tokens in a cold wallet and signs with an everyday one. The registry says that the
everyday wallet may stand for the cold one; the member says that it should. A delegation must reach
all that the town counts on that chain: the whole wallet, or each contract that allows delegates.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from core.chain.values import BlockChoice, Delegation, Finality
from core.clock import Clock
from core.database import Sessions, transaction
from core.errors import ChainUnavailable
from core.identity import Wallet, drop_vault, link_vault, linked_wallets, vaults
from core.town import TownPack

logger = logging.getLogger(__name__)


class Delegations(Protocol):
    """What this module asks of the chains. `core.chain` answers over JSON-RPC."""

    async def block(self, chain_id: int, finality: Finality) -> int:
        """The number of a block. Raises `ChainUnavailable`."""

    async def delegations(
        self, chain_id: int, delegates: Sequence[str], *, block: BlockChoice = "latest"
    ) -> tuple[tuple[Delegation, ...] | None, ...]:
        """For each of `delegates`, what it may stand for; `None` where it is not known.

        Raises `ChainUnavailable`.
        """


@dataclass(frozen=True, slots=True)
class Offer:
    """A wallet that a member may have linked by way of one that they proved."""

    vault: str
    via: str
    chain_id: int


class Vaults:
    """The delegations of one town's members."""

    def __init__(
        self, town: TownPack, sessions: Sessions, chains: Delegations, clock: Clock
    ) -> None:
        self._sessions = sessions
        self._chains = chains
        self._clock = clock
        self._contracts: dict[int, set[str]] = {}
        for each in town.collections:
            if each.delegated:
                self._contracts.setdefault(each.chain_id, set()).add(each.contract)

    @property
    def possible(self) -> bool:
        """Whether any collection of the town lets wallets stand for others."""
        return bool(self._contracts)

    async def offers(self, member_id: int) -> list[Offer]:
        """What could be linked to a member now. Raises `ChainUnavailable`: nobody could tell."""
        async with transaction(self._sessions) as session:
            wallets = await linked_wallets(session, member_id)
        found = []
        for chain_id in sorted(self._contracts):
            hot = [
                each.address for each in wallets if each.via is None and each.counts_on(chain_id)
            ]
            rows = await self._chains.delegations(chain_id, hot) if hot else ()
            for via, delegations in zip(hot, rows, strict=True):
                if delegations is None:
                    raise ChainUnavailable(f"chain {chain_id}: delegations cannot be read")
                found += [
                    Offer(vault, via, chain_id)
                    for vault in self._reached(chain_id, delegations)
                    if not any(
                        each.address == vault and each.counts_on(chain_id) for each in wallets
                    )
                ]
        return list({(each.vault, each.chain_id): each for each in found}.values())

    async def link(self, member_id: int, vault: str) -> bool:
        """Link a vault on every chain where it is on offer at this moment.

        Returns whether it is theirs now on one of them at least.
        """
        offered = [each for each in await self.offers(member_id) if each.vault == vault]
        async with transaction(self._sessions) as session:
            now = self._clock()
            linked = [
                await link_vault(session, member_id, vault, each.chain_id, via=each.via, now=now)
                for each in offered
            ]
        return any(linked)

    async def look_again(self) -> list[int]:
        """Let go of vaults whose delegation is over, by the finalized block too. Returns whose.

        Where no node could tell, everything stays.
        """
        async with transaction(self._sessions) as session:
            linked = await vaults(session)
        over: list[tuple[int, Wallet]] = []
        for chain_id in sorted({each.chain_id for _, each in linked if each.chain_id is not None}):
            here = [each for each in linked if each[1].chain_id == chain_id]
            delegates = sorted({each.via for _, each in here if each.via is not None})
            try:
                reached = await self._still_reached(chain_id, delegates)
            except ChainUnavailable as error:
                logger.warning("delegations-unknown", extra={"chain": chain_id, "why": str(error)})
                continue
            for member_id, each in here:
                still = reached.get(each.via or "")
                if still is not None and each.address not in still:
                    over.append((member_id, each))
        async with transaction(self._sessions) as session:
            for _, each in over:
                await drop_vault(
                    session, each.address, each.chain_id or 0, via=each.via or "", now=self._clock()
                )
        return sorted({member_id for member_id, _ in over})

    async def _still_reached(
        self, chain_id: int, delegates: Sequence[str]
    ) -> dict[str, set[str] | None]:
        """The vaults of each delegate by the finalized block or the newest; `None`: not known.

        A vault is linked by the newest block, and let go only when that is final: one that was
        named a moment ago is not yet in the finalized block.
        """
        final = await self._chains.block(chain_id, "finalized")
        found: dict[str, set[str] | None] = {via: set() for via in delegates}
        choices: tuple[BlockChoice, ...] = (final, "latest")
        for block in choices:
            rows = await self._chains.delegations(chain_id, delegates, block=block)
            for via, row in zip(delegates, rows, strict=True):
                before = found[via]
                if row is None or before is None:
                    found[via] = None
                else:
                    found[via] = before | self._reached(chain_id, row)
        return found

    def _reached(self, chain_id: int, delegations: Iterable[Delegation]) -> set[str]:
        """The vaults of which a delegation reaches all that the town counts on this chain."""
        contracts = self._contracts.get(chain_id, set())
        whole: set[str] = set()
        parts: dict[str, set[str]] = {}
        for each in delegations:
            if each.kind == "ALL":
                whole.add(each.vault)
            elif each.kind == "CONTRACT" and each.contract in contracts:
                parts.setdefault(each.vault, set()).add(str(each.contract))
        return whole | {vault for vault, found in parts.items() if contracts and found >= contracts}
