"""The evidence for a member, read: holdings chain by chain, other proofs, traits where asked for.

Chains fail one by one: while one is away only its own collections are missing, and a member who
belongs by another proof, or by a card on another chain, still does.
"""

import asyncio
from collections.abc import Collection as Names
from collections.abc import Iterator, Mapping, Sequence

from core.access.evidence import Evidence
from core.access.overrides import Effect, overrides_of
from core.access.traits import KeptTraits
from core.chain.values import Finality
from core.clock import Clock
from core.credentials import credentials_of
from core.database import Sessions, glance
from core.errors import ChainUnavailable
from core.holdings import Holding, Holdings
from core.identity import Wallet, linked_wallets
from core.town import TokenRule, TownPack, leaves


class MemberEvidence:
    """Reads what speaks for a member. The `EvidenceReader` of a running town."""

    def __init__(
        self,
        town: TownPack,
        sessions: Sessions,
        holdings: Holdings,
        traits: KeptTraits,
        clock: Clock,
    ) -> None:
        self._town = town
        self._sessions = sessions
        self._holdings = holdings
        self._traits = traits
        self._clock = clock
        self._chains: dict[tuple[int, bool], list[str]] = {}
        for each in town.collections:
            self._chains.setdefault((each.chain_id, each.delegated), []).append(each.name)
        self._by_trait = list(_trait_rules(town))

    async def of(
        self, member_id: int, *, finality: Finality, away: Names[str] = frozenset()
    ) -> Evidence:
        """See `EvidenceReader.of`. Collections of `away` are not asked for: nobody can tell."""
        now = self._clock()
        async with glance(self._sessions) as session:
            wallets = await linked_wallets(session, member_id)
            credentials = await credentials_of(session, member_id, now=now)
            overrides = await overrides_of(session, member_id, now=now)
        holdings, missing = await self._holdings_of(wallets, finality, away)
        return Evidence(
            holdings=holdings,
            credentials=tuple(credentials),
            missing=missing,
            traits=await self._traits_of(holdings),
            vouched=frozenset(each.gate for each in overrides if each.effect is Effect.ADMIT),
        )

    async def _holdings_of(
        self, wallets: Sequence[Wallet], finality: Finality, away: Names[str]
    ) -> tuple[tuple[Holding, ...], Mapping[str, str]]:
        found: dict[tuple[str, str], Holding] = {}
        missing: dict[str, str] = {}

        async def one(chain_id: int, delegated: bool, names: Sequence[str]) -> None:
            owners = [
                each.address
                for each in wallets
                if each.counts_on(chain_id) and (delegated or each.via is None)
            ]
            if not owners:
                return
            try:
                if any(name in away for name in names):
                    raise ChainUnavailable("no answer a moment ago")
                read = await self._holdings.read(owners, finality=finality, collections=names)
            except ChainUnavailable as error:
                missing.update(dict.fromkeys(names, str(error)))
                return
            # A wallet that stands for another (delegate.xyz) and that other, linked as well.
            found.update({(each.collection, each.owner): each for each in read})

        await asyncio.gather(*(one(*each, names) for each, names in self._chains.items()))
        return tuple(found.values()), missing

    async def _traits_of(
        self, holdings: Sequence[Holding]
    ) -> dict[tuple[str, int], Mapping[str, str] | None]:
        wanted: dict[str, dict[int, None]] = {}
        for rule in self._by_trait:
            for holding in holdings:
                if holding.collection == rule.collection:
                    wanted.setdefault(rule.collection, {}).update(
                        dict.fromkeys(each for each in holding.tokens or {} if rule.counts(each))
                    )
        found: dict[tuple[str, int], Mapping[str, str] | None] = {}
        for name, token_ids in wanted.items():
            collection = self._town.collection(name)
            if collection is not None:
                read = await self._traits.of(collection, list(token_ids))
                found.update({(name, token_id): each for token_id, each in read.items()})
        return found


def _trait_rules(town: TownPack) -> Iterator[TokenRule]:
    for rule in (*(each.rule for each in town.tiers), *(each.rule for each in town.gates)):
        for leaf in leaves(rule):
            if isinstance(leaf, TokenRule) and leaf.traits:
                yield leaf
