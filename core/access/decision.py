"""A gate compared with what speaks for a member. Pure: no database, no chain, no platform.

Rules are decided with Kleene's three values. What nobody could read is *undecided*: it spoils
neither an "or" that another part meets nor an "and" that another part fails, and a whole rule that
stays undecided is `Unknown`, on which nothing is opened and nothing is closed.

* S. C. Kleene, *Introduction to Metamathematics* (1952), § 64: strong three-valued connectives
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.access.evidence import Evidence
from core.access.reasons import Lack, Lacks, Opened, Shortfall, Vouched
from core.holdings import Holding
from core.town import (
    AllOf,
    AnyOf,
    Everybody,
    Gate,
    KindRule,
    ProofRule,
    Rule,
    SomeOf,
    Tier,
    TierRule,
    TokenRule,
    TownPack,
)


@dataclass(frozen=True, slots=True)
class Admitted:
    gate: str
    by: tuple[Opened, ...] = ()
    """What opens the room: the parts of the rule that are met, as many as it asks for."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The member may not be in the room; the numbers let an adapter say why."""

    gate: str
    held: int  # of the first thing that is short
    needed: int
    shortfall: Shortfall | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody could tell. Nothing is opened and nothing is closed on it."""

    gate: str
    why: str
    shortfall: Shortfall | None = None
    """What would open the room; what could not be read is in it with `held` unknown."""


Decision = Admitted | Refused | Unknown


@dataclass(frozen=True, slots=True)
class Met:
    by: tuple[Opened, ...]


@dataclass(frozen=True, slots=True)
class Short:
    shortfall: Shortfall


@dataclass(frozen=True, slots=True)
class Undecided:
    why: str
    shortfall: Shortfall


Verdict = Met | Short | Undecided


def decide(gate: Gate, evidence: Evidence, town: TownPack) -> Decision:
    """Compare one gate with what speaks for a member. What staff vouch for is admitted."""
    if gate.name in evidence.vouched:
        return Admitted(gate.name, (Opened(Vouched()),))
    match judge(gate.rule, evidence, town):
        case Met(by=by):
            return Admitted(gate.name, by)
        case Undecided(why=why, shortfall=shortfall):
            return Unknown(gate.name, why, shortfall)
        case Short(shortfall=shortfall):
            first = _first(shortfall)
            return Refused(gate.name, first.held or 0, first.needed, shortfall)


def judge(rule: Rule, evidence: Evidence, town: TownPack) -> Verdict:
    """Whether a rule of `town` is met, not met, or undecided."""
    return _Judge(evidence, town).rule(rule)


def tier_of(town: TownPack, evidence: Evidence) -> Tier | None:
    """The highest tier that is certainly reached; what nobody could read lifts nobody."""
    verdicts = _Judge(evidence, town).tiers
    reached = [
        tier for tier, each in zip(town.tiers, verdicts, strict=True) if isinstance(each, Met)
    ]
    return reached[-1] if reached else None


@dataclass(frozen=True, slots=True)
class Reached:
    """The highest tier of a member, for certain; none: no tier at all."""

    tier: str | None


def reached(town: TownPack, evidence: Evidence) -> Reached | None:
    """What a complete reading says of the tier; `None` while a higher one may yet be reached."""
    names = [each.name for each in town.tiers]
    for name, verdict in zip(reversed(names), reversed(_Judge(evidence, town).tiers), strict=True):
        if isinstance(verdict, Met):
            return Reached(name)
        if isinstance(verdict, Undecided):
            return None
    return Reached(None)


def _first(shortfall: Shortfall) -> Lack:
    """The first thing known to be short; behind a tier, what that tier asks for."""
    if isinstance(shortfall, Lack):
        return shortfall if shortfall.inside is None else _first(shortfall.inside)
    firsts = [_first(each) for each in shortfall.of]
    return next((each for each in firsts if each.held is not None), firsts[0])


class _Judge:
    """One member's evidence, asked rule by rule."""

    def __init__(self, evidence: Evidence, town: TownPack) -> None:
        self._evidence = evidence
        self._names = [each.name for each in town.tiers]
        proofs = {each.proof for each in evidence.credentials}
        self._proofs = proofs
        self._kinds = {each.kind for each in town.proofs if each.name in proofs}
        # Lowest first. A tier asks for lower ones only, so each finds its own decided. A tier
        # above that is reached by other means settles every lower one with itself.
        self.tiers: list[Verdict] = []
        for tier in town.tiers:
            self.tiers.append(self.rule(tier.rule))

    def rule(self, rule: Rule) -> Verdict:
        match rule:
            case AllOf(all=parts):
                return self._so_many(len(parts), parts)
            case AnyOf(any=parts):
                return self._so_many(1, parts)
            case SomeOf(at_least=at_least, of=parts):
                return self._so_many(at_least, parts)
            case TokenRule():
                return self._tokens(rule)
            case TierRule():
                return self._tier(rule)
            case ProofRule(proof=name):
                return self._plain(rule, met=name in self._proofs)
            case KindRule(kind=name):
                return self._plain(rule, met=name in self._kinds)
            case Everybody():
                return self._plain(rule, met=True)

    def _plain(self, leaf: ProofRule | KindRule | Everybody, *, met: bool) -> Verdict:
        return Met((Opened(leaf),)) if met else Short(Lack(leaf, 0, 1))

    def _so_many(self, at_least: int, parts: Sequence[Rule]) -> Verdict:
        verdicts = [self.rule(part) for part in parts]
        met = [each for each in verdicts if isinstance(each, Met)]
        if len(met) >= at_least:
            return Met(tuple(one for each in met[:at_least] for one in each.by))
        open_ones = [each for each in verdicts if not isinstance(each, Met)]
        shortfall = _together(at_least - len(met), [each.shortfall for each in open_ones])
        undecided = [each for each in open_ones if isinstance(each, Undecided)]
        if len(met) + len(undecided) >= at_least:
            return Undecided(undecided[0].why, shortfall)
        if at_least == len(parts):  # an "and" fails by what is short, whatever else there is
            known = [each.shortfall for each in open_ones if isinstance(each, Short)]
            shortfall = _together(len(known), known)
        return Short(shortfall)

    def _tier(self, rule: TierRule) -> Verdict:
        """That tier or a higher one, of those decided so far."""
        index = self._names.index(rule.tier)
        for each in self.tiers[index:]:
            if isinstance(each, Met):
                return Met((Opened(rule), *each.by))
        for each in self.tiers[index:]:
            if isinstance(each, Undecided):
                return Undecided(each.why, Lack(rule, None, 1, each.shortfall))
        asked = self.tiers[index]
        return Short(Lack(rule, 0, 1, asked.shortfall if isinstance(asked, Short) else None))

    def _tokens(self, rule: TokenRule) -> Verdict:
        """Between how many surely count and how many may count."""
        surely = perhaps = 0
        for holding in self._evidence.holdings:
            if holding.collection == rule.collection:
                low, high = self._counting(rule, holding)
                surely, perhaps = surely + low, perhaps + high
        if surely >= rule.at_least:
            return Met((Opened(rule, surely),))
        if (why := self._evidence.missing.get(rule.collection)) is not None:
            return Undecided(why, Lack(rule, None, rule.at_least))
        if perhaps >= rule.at_least:
            why = f"{rule.collection}: which tokens, or what they are, could not be read"
            return Undecided(why, Lack(rule, None, rule.at_least))
        return Short(Lack(rule, surely, rule.at_least))

    def _counting(self, rule: TokenRule, holding: Holding) -> tuple[int, int]:
        if not rule.tokens and not rule.traits:
            return holding.balance, holding.balance
        if holding.tokens is None:
            return 0, holding.balance
        low = high = 0
        for token_id, amount in holding.tokens.items():
            if not rule.counts(token_id):
                continue
            traits = self._evidence.traits.get((rule.collection, token_id))
            if rule.traits and traits is None:
                high += amount
            elif not rule.traits or _has(rule, traits or {}):
                low, high = low + amount, high + amount
        return low, high


def _has(rule: TokenRule, traits: Mapping[str, str]) -> bool:
    return all(traits.get(name) in values for name, values in rule.traits.items())


def _together(at_least: int, of: Sequence[Shortfall]) -> Shortfall:
    return of[0] if len(of) == 1 else Lacks(at_least, tuple(of))
