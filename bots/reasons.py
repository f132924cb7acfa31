"""What opens a room, and what is short, in the reader's language.

A rule becomes a tree of needs: a leaf is a phrase, a branch says how many of its parts will do.
Chats show it as indented lines, pages as lists within lists.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from bots import texts
from core.access import (
    Lack,
    Lacks,
    Opened,
    Refused,
    Room,
    Shortfall,
    Unknown,
    Vouched,
)
from core.access.reasons import unpack_shortfall
from core.town import (
    AllOf,
    AnyOf,
    Everybody,
    KindRule,
    Leaf,
    ProofRule,
    Rule,
    SomeOf,
    TierRule,
    TokenRule,
    TownPack,
)

BULLET = "・"
INDENT = "　"  # a full-width space: chats drop ordinary ones at the start of a line
TWO = 2


@dataclass(frozen=True, slots=True)
class Need:
    """One thing asked for, or so many of several."""

    words: str
    parts: tuple["Need", ...] = ()

    def lines(self, depth: int = 0) -> Iterator[str]:
        """As lines with bullets, parts one step further in."""
        yield f"{INDENT * depth}{BULLET}{self.words}{':' if self.parts else ''}"
        for part in self.parts:
            yield from part.lines(depth + 1)

    def __str__(self) -> str:
        return "\n".join(self.lines())


class Reasons:
    """One town's rules in one language."""

    def __init__(self, town: TownPack, language: str) -> None:
        self._town = town
        self._language = language

    def rule(self, rule: Rule) -> Need:
        """What a rule asks for, whoever it is."""
        match rule:
            case AllOf(all=parts):
                return self._group(len(parts), [self.rule(each) for each in parts])
            case AnyOf(any=parts):
                return self._group(1, [self.rule(each) for each in parts])
            case SomeOf(at_least=at_least, of=parts):
                return self._group(at_least, [self.rule(each) for each in parts])
            case TierRule(tier=name):
                tier = next((each for each in self._town.tiers if each.name == name), None)
                asked = (self.rule(tier.rule),) if tier is not None else ()
                return Need(self.leaf(rule), asked)
            case _:
                return Need(self.leaf(rule))

    def shortfall(self, shortfall: Shortfall | None) -> Need:
        """What somebody lacks. Nothing known to be missing: the room itself is gone."""
        match shortfall:
            case None:
                return Need(self._say("room.gone"))
            case Lacks(at_least=at_least, of=of):
                return self._group(at_least, [self.shortfall(each) for each in of])
            case Lack():
                inside = (self.shortfall(shortfall.inside),) if shortfall.inside else ()
                return Need(self._lack(shortfall), inside)

    def without_counts(self, shortfall: Shortfall | None) -> Need:
        """What many people lack alike, however much each of them has."""
        match shortfall:
            case None:
                return Need(self._say("room.gone"))
            case Lacks(at_least=at_least, of=of):
                return self._group(at_least, [self.without_counts(each) for each in of])
            case Lack():
                inside = (self.without_counts(shortfall.inside),) if shortfall.inside else ()
                return Need(self.leaf(shortfall.leaf), inside)

    def stored(self, shortfall: str) -> str:
        """The lines of a shortfall that a notice carries as JSON."""
        return str(self.shortfall(unpack_shortfall(json.loads(shortfall))))

    def missing(self, room: Room) -> Need | None:
        """What a member would need to have a room opened; `None` if it is open."""
        match room.decision:
            case Refused(shortfall=shortfall) | Unknown(shortfall=shortfall) if shortfall:
                return self.shortfall(shortfall)
            case Refused() | Unknown():
                return self.rule(room.gate.rule)
        return None

    def opened(self, by: tuple[Opened, ...]) -> str:
        """What opened a room, in one line; nothing where it was not kept."""
        named = dict.fromkeys(self.title(each.leaf) for each in by)
        return self._say("need.comma").join(named)

    def leaf(self, leaf: Leaf) -> str:
        """One thing that is asked for."""
        match leaf:
            case TokenRule():
                return self._card(leaf)
            case ProofRule():
                return self._say("need.proof", title=self.title(leaf))
            case KindRule():
                return self._say("need.kind", title=self.title(leaf))
            case TierRule():
                return self._say("need.tier", title=self.title(leaf))
            case Everybody():
                return self._say("need.everybody")

    def title(self, leaf: Leaf | Vouched) -> str:
        """What the pack calls the thing; a name of the pack where it is gone."""
        town = self._town
        match leaf:
            case TokenRule(collection=name):
                found = town.collection(name)
            case ProofRule(proof=name):
                return proof.title.get(self._language) if (proof := town.proof(name)) else name
            case KindRule(kind=name):
                kind = next((each for each in town.kinds if each.name == name), None)
                return kind.title.get(self._language) if kind else name
            case TierRule(tier=name):
                tier = next((each for each in town.tiers if each.name == name), None)
                return tier.title.get(self._language) if tier else name
            case Vouched():
                return self._say("need.vouched")
            case Everybody():
                return self._say("need.everybody")
        return found.title.get(self._language) if found else name

    def _card(self, rule: TokenRule) -> str:
        comma, either = self._say("need.comma"), self._say("need.or")
        details = []
        if rule.tokens:
            details.append(self._say("need.ids", ids=comma.join(rule.tokens)))
        for name, wanted in rule.traits.items():
            details.append(self._say("need.trait", name=name, values=either.join(wanted)))
        title, count = self.title(rule), rule.at_least
        if not details:
            return self._say("need.card", title=title, count=count)
        return self._say("need.card-with", title=title, count=count, details=comma.join(details))

    def _lack(self, lack: Lack) -> str:
        need = self.leaf(lack.leaf)
        if lack.held is None:
            return self._say("held.unread", need=need)
        if isinstance(lack.leaf, TokenRule):
            return self._say("held.count", need=need, held=lack.held)
        return self._say("held.not-yet", need=need)

    def _group(self, at_least: int, parts: list[Need]) -> Need:
        if len(parts) == 1:
            return parts[0]
        if at_least >= len(parts):
            head = self._say("group.all")
        elif at_least == 1:
            head = self._say("group.either" if len(parts) == TWO else "group.any")
        else:
            head = self._say("group.some", total=len(parts), count=at_least)
        return Need(head, tuple(parts))

    def _say(self, key: str, **values: object) -> str:
        return texts.say(f"access.{key}", self._language, **values)
