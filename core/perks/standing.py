"""Who is entitled to a perk, by a reading of now or, while the chain is away, by the last one.

Every complete reading is remembered: a yes with the cards it rests on, a no by forgetting the yes.
An incomplete reading is no reading: the perk's `when_unreachable` says what a desk does then.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from core.access.decision import Admitted, Refused
from core.access.evidence import Evidence, EvidenceReader
from core.clock import Clock
from core.perks.model import Judge, Reason, Source, Token
from core.perks.people import has_chat
from core.tables import StandingRow
from core.town import Gate, Perk, Rule, TierRule, TokenRule, TownPack, leaves

PATIENCE: Final = timedelta(seconds=1.5)
"""So long a reading may take at the window; after that nobody could tell."""

RECENT: Final = timedelta(minutes=2)
"""So old may be the reading that a new pass rests on; the window reads again."""

WRITTEN_EVERY: Final = timedelta(minutes=5)
"""A yes that is known already is written again after so long: a card shows a pass every 30 s."""

MOST_KEPT: Final = 10_000
MOST_CARDS: Final = 500
"""So many cards of one person are counted, those with the lowest numbers."""
WITHOUT_CARD: Final = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether somebody is entitled to a perk, by which cards, and how that is known."""

    reason: Reason  # `OK`, `NOT_ENTITLED`, `CHAT_ONLY`, `UNREACHABLE`
    tokens: tuple[Token, ...] = ()
    source: Source = Source.ONLINE
    known_at: datetime | None = None

    @property
    def ok(self) -> bool:
        return self.reason is Reason.OK


@dataclass(frozen=True, slots=True)
class Reading:
    """What was found out about a member, and when."""

    evidence: Evidence | None  # `None`: nobody could tell in time
    at: datetime


class Readings:
    """Reads what speaks for members, and keeps the newest readings for a moment."""

    def __init__(
        self, reader: EvidenceReader, clock: Clock, *, patience: timedelta = PATIENCE
    ) -> None:
        self._reader = reader
        self._clock = clock
        self._patience = patience
        self._kept: dict[int, Reading] = {}

    async def live(self, member_id: int) -> Reading:
        """Read at the newest block, now."""
        at = self._clock()
        try:
            async with asyncio.timeout(self._patience.total_seconds()):
                evidence = await self._reader.of(member_id, finality="latest")
        except TimeoutError:
            return Reading(None, at)
        reading = Reading(evidence, at)
        self._kept.pop(member_id, None)
        self._kept[member_id] = reading
        if len(self._kept) > MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        return reading

    async def recent(self, member_id: int) -> Reading:
        """The last complete reading if it is new enough, or a new one."""
        kept = self._kept.get(member_id)
        if (
            kept is not None
            and kept.evidence is not None
            and not kept.evidence.missing
            and self._clock() - kept.at < RECENT
        ):
            return kept
        return await self.live(member_id)

    async def finalized(self, member_id: int) -> Evidence:
        """What the finalized block says, for figures."""
        return await self._reader.of(member_id, finality="finalized")


async def standing(
    session: AsyncSession,
    town: TownPack,
    judge: Judge,
    perk: Perk,
    member_id: int,
    reading: Reading,
    *,
    now: datetime,
) -> Standing:
    """Whether the member is entitled to the perk; a complete reading is remembered."""
    if perk.gate is None:
        known = perk.visitors == "anybody" or await has_chat(session, member_id)
        return Standing(Reason.OK if known else Reason.CHAT_ONLY)
    gate = town.gate(perk.gate)
    if gate is None:
        return Standing(Reason.NOT_ENTITLED)
    if reading.evidence is not None:
        decision = judge(gate, reading.evidence)
        if isinstance(decision, Refused):
            await _forget(session, member_id, gate.name)
            return Standing(Reason.NOT_ENTITLED)
        if isinstance(decision, Admitted):
            yes = await _yes(session, town, perk, gate, member_id, reading)
            if yes is not None:
                return yes
    if perk.when_unreachable == "refuse":
        return Standing(Reason.UNREACHABLE)
    return await _last_known(session, perk, member_id, gate.name, now=now)


async def _yes(
    session: AsyncSession,
    town: TownPack,
    perk: Perk,
    gate: Gate,
    member_id: int,
    reading: Reading,
) -> Standing | None:
    """How somebody stands whom the gate admits. `None`: nobody could say which card is theirs."""
    evidence = reading.evidence or Evidence()
    asked = {rule.collection for rule in token_rules(town, gate.rule)}
    tokens = tokens_for(town, gate, evidence)
    counts_cards = perk.counted_by != "person" and not perk.unlimited
    one_of_a_kind = {rule.collection for rule in card_rules(town, gate.rule)}
    if counts_cards and any(
        holding.collection in one_of_a_kind and holding.balance > 0 and holding.tokens is None
        for holding in evidence.holdings
    ):
        return None
    if not asked & evidence.missing.keys():
        await _remember(session, town, member_id, gate.name, tokens, reading.at)
    elif counts_cards and not tokens and perk.when_unreachable == "last-known":
        # Something else than a card admits them; the card they had goes first all the same.
        known = await _last_known(session, perk, member_id, gate.name, now=reading.at)
        if known.tokens:
            return known
    return Standing(Reason.OK, tokens)


def tokens_for(town: TownPack, gate: Gate, evidence: Evidence) -> tuple[Token, ...]:
    """The cards that count for a gate, in the order of their numbers."""
    found = {
        Token(rule.collection, token_id)
        for rule in card_rules(town, gate.rule)
        for holding in evidence.holdings
        if holding.collection == rule.collection
        for token_id, count in (holding.tokens or {}).items()
        if count > 0 and rule.counts(token_id) and _has_traits(rule, token_id, evidence)
    }
    return tuple(sorted(found, key=lambda each: (each.collection, each.token_id))[:MOST_CARDS])


def card_rules(town: TownPack, rule: Rule) -> Iterator[TokenRule]:
    """The parts that ask for cards with a count of their own: each has one holder (ERC-721).

    Of an ERC-1155 number many people may hold one; a count by it would be all of theirs.
    """
    for each in token_rules(town, rule):
        collection = town.collection(each.collection)
        if collection is not None and collection.standard == "ERC-721":
            yield each


def token_rules(town: TownPack, rule: Rule) -> Iterator[TokenRule]:
    """Every part of a rule that asks for cards, those of its tiers and of higher ones included."""
    for leaf in leaves(rule):
        if isinstance(leaf, TokenRule):
            yield leaf
        elif isinstance(leaf, TierRule):
            names = [tier.name for tier in town.tiers]
            for tier in town.tiers[names.index(leaf.tier) :]:
                yield from token_rules(town, tier.rule)


def _has_traits(rule: TokenRule, token_id: int, evidence: Evidence) -> bool:
    if not rule.traits:
        return True
    traits: Mapping[str, str] = evidence.traits.get((rule.collection, token_id)) or {}
    return all(traits.get(name) in values for name, values in rule.traits.items())


async def _last_known(
    session: AsyncSession, perk: Perk, member_id: int, gate: str, *, now: datetime
) -> Standing:
    rows = list(
        await session.scalars(
            select(StandingRow).where(
                StandingRow.member_id == member_id,
                StandingRow.gate == gate,
                StandingRow.at >= now - timedelta(hours=perk.last_known_hours),
            )
        )
    )
    if not rows:
        return Standing(Reason.UNREACHABLE)
    tokens = [each for row in rows for each in token_of(row.token)]
    tokens.sort(key=lambda each: (each.collection, each.token_id))
    return Standing(
        Reason.OK, tuple(tokens), Source.LAST_KNOWN, known_at=max(row.at for row in rows)
    )


def token_of(key: str | None) -> tuple[Token, ...]:
    """The card that a row names; none, if it names none."""
    if not key:
        return ()
    collection, _, token_id = key.rpartition(":")
    return (Token(collection, int(token_id)),)


async def _remember(
    session: AsyncSession,
    town: TownPack,
    member_id: int,
    gate: str,
    tokens: Sequence[Token],
    at: datetime,
) -> None:
    keys = sorted(each.key for each in tokens) or [WITHOUT_CARD]
    # A card that is one of a kind has one holder: whoever was known with it has handed it on.
    single = {each.name for each in town.collections if each.standard == "ERC-721"}
    moved = [each.key for each in tokens if each.collection in single]
    mine = (StandingRow.member_id == member_id) & (StandingRow.gate == gate)
    theirs = StandingRow.token.in_(moved) & (StandingRow.member_id != member_id)
    asked = select(StandingRow.member_id, StandingRow.gate, StandingRow.token, StandingRow.at)
    found = await session.execute(asked.where(or_(mine, theirs)))
    known: dict[str, datetime] = {}
    over: list[tuple[int, str, str]] = []
    for owner, room, token, read_at in found:
        if owner == member_id and token in keys:
            known[token] = read_at
        else:
            over.append((owner, room, token))
    for owner, room, token in over:
        await session.execute(
            delete(StandingRow).where(
                StandingRow.member_id == owner,
                StandingRow.gate == room,
                StandingRow.token == token,
            )
        )
    rows = [
        {"member_id": member_id, "gate": gate, "token": key, "at": at}
        for key in keys
        if key not in known or at - known[key] >= WRITTEN_EVERY
    ]
    if not rows:
        return
    kind = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    upsert = kind.insert(StandingRow).values(rows)
    await session.execute(
        upsert.on_conflict_do_update(
            index_elements=["member_id", "gate", "token"], set_={"at": upsert.excluded.at}
        )
    )


async def _forget(session: AsyncSession, member_id: int, gate: str) -> None:
    await session.execute(
        delete(StandingRow).where(StandingRow.member_id == member_id, StandingRow.gate == gate)
    )
