"""Fees: what admission to a sight costs, by whom the rows name, and what a party pays together.

Only the admission itself counts: a row on the car park or on a tour names something else besides
and is left out. What no row states is missing from the total, and said to be.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from knowledge.computed.rows import Row, kept, rows
from knowledge.computed.words import words
from knowledge.language import Language
from knowledge.names import Name
from knowledge.numerals import arabic
from knowledge.passage import Passage, Status
from knowledge.retrieval.index import Index
from knowledge.text import clean, without_ruby


class Category(StrEnum):
    """Who pays, as Japanese fee tables tell people apart."""

    PRESCHOOL = "preschool"
    PRIMARY = "primary"  # six to twelve years
    JUNIOR = "junior"  # twelve to fifteen
    HIGH = "high"  # fifteen to eighteen
    ADULT = "adult"
    SENIOR = "senior"
    CHILD = "child"  # as some tables say without ages: 小人


BY_AGE = (Category.PRESCHOOL, Category.PRIMARY, Category.JUNIOR, Category.HIGH, Category.ADULT)
ANY_CHILD = (Category.PRIMARY, Category.JUNIOR, Category.PRESCHOOL)


@dataclass(frozen=True, slots=True)
class Guests:
    """Some people of a party who pay alike."""

    count: int
    options: tuple[Category, ...]  # more than one where the question leaves it open
    age: int | None = None
    assumed: bool = False  # adults, because nothing else was said


@dataclass(frozen=True, slots=True)
class Party:
    """Everybody who comes."""

    guests: tuple[Guests, ...]
    claims: frozenset[str] = frozenset()  # reductions that were mentioned: jaf, disabled, group

    @property
    def size(self) -> int:
        return sum(each.count for each in self.guests)


@dataclass(frozen=True, slots=True)
class Rate:
    """One price as one row states it."""

    categories: frozenset[Category]  # empty: the row tells nobody apart
    yen: int
    passage: Passage
    minimum: int = 1  # people; more than one is a group's price


@dataclass(frozen=True, slots=True)
class Line:
    """What some guests pay if they are of one category."""

    guests: Guests
    category: Category
    rate: Rate | None  # None: no row states it

    @property
    def amount(self) -> int | None:
        """Yen for all of them."""
        return None if self.rate is None else self.rate.yen * self.guests.count


@dataclass(frozen=True, slots=True)
class Total:
    """What a party pays at one sight."""

    subject: str
    lines: tuple[tuple[Line, ...], ...]  # by guests: the alternatives that were left open
    offers: tuple[Passage, ...] = ()  # rows on the reductions that were mentioned, not applied

    @property
    def missing(self) -> tuple[Line, ...]:
        """The lines for which no row states a price."""
        return tuple(each for options in self.lines for each in options if each.rate is None)

    @property
    def low(self) -> int:
        """The least that the stated prices come to, in yen."""
        return sum(min(known) for each in self.lines if (known := _amounts(each)))

    @property
    def high(self) -> int:
        """The most that they come to."""
        return sum(max(known) for each in self.lines if (known := _amounts(each)))

    @property
    def complete(self) -> bool:
        """Whether every guest's price is stated."""
        return not self.missing

    @property
    def passages(self) -> tuple[Passage, ...]:
        """The rows that state the prices, and those on reductions."""
        used = (each.rate.passage for options in self.lines for each in options if each.rate)
        return tuple(dict.fromkeys((*used, *self.offers)))

    @property
    def unconfirmed(self) -> bool:
        """Whether any price has to be confirmed."""
        used = (each.rate for options in self.lines for each in options if each.rate)
        return any(each.passage.status is Status.UNCONFIRMED for each in used)


def _amounts(options: Iterable[Line]) -> list[int]:
    return [each.amount for each in options if each.amount is not None]


@dataclass(frozen=True, slots=True)
class Fees:
    """The prices of admission to one sight."""

    subject: str  # as its rows call it
    rates: tuple[Rate, ...]
    offers: tuple[Passage, ...] = ()  # rows on reductions
    doubtful: frozenset[Category] = field(default=frozenset())

    def rate(self, category: Category, size: int) -> Rate | None:
        """Return the price for one person in a party of `size`; None if no row states it."""
        if category in self.doubtful:
            return None
        for confirmed in (True, False):
            rates = [
                each
                for each in self.rates
                if self._means(each, category)
                and each.minimum <= size
                and (each.passage.status is not Status.UNCONFIRMED) is confirmed
            ]
            if rates:
                largest = max(each.minimum for each in rates)
                chosen = [each for each in rates if each.minimum == largest]
                named = [each for each in chosen if category in each.categories] or chosen
                return named[0] if len({each.yen for each in named}) == 1 else None
        return None

    def total(self, party: Party) -> Total:
        """Work out what a party pays."""
        lines = tuple(self._lines(each, party.size) for each in party.guests)
        claimed = tuple(
            each
            for each in self.offers
            if any(re.search(words("claim", name), _plain(each.text)) for name in party.claims)
        )
        return Total(self.subject, lines, claimed)

    def _lines(self, guests: Guests, size: int) -> tuple[Line, ...]:
        if guests.options == ANY_CHILD and (own := self.rate(Category.CHILD, size)) is not None:
            return (Line(guests, Category.CHILD, own),)
        lines = [Line(guests, each, self.rate(each, size)) for each in guests.options]
        alike = {each.rate.yen if each.rate else None for each in lines}
        return (lines[0],) if len(alike) == 1 else tuple(lines)

    @staticmethod
    def _means(rate: Rate, category: Category) -> bool:
        if not rate.categories:
            return rate.yen == 0 or category in {Category.ADULT, Category.SENIOR}
        if category is Category.SENIOR and category not in rate.categories:
            return Category.ADULT in rate.categories
        return category in rate.categories


def fees(index: Index, name: Name, language: Language = Language.JA) -> Fees | None:
    """Return the prices of admission by the rows in one language; None if none is stated."""
    return _fees(index, name, language)


@kept
def _fees(index: Index, name: Name, language: Language) -> Fees | None:
    own = rows(index, name, language)
    readings = [(row, said) for row in own if (said := _read(row)) is not None]
    read = [said for _, said in readings]
    rates = tuple(rate for each in read for rate in each.rates)
    if not rates:
        return None
    doubtful = frozenset[Category]().union(*(each.doubtful for each in read))
    stated = frozenset[Category]().union(*(each.categories for each in rates))
    offers = tuple(
        each.passage
        for each in own
        if re.search(words("fee", "discount"), _plain(each.passage.text))
        or any(re.search(words("claim", name), _plain(each.passage.text)) for name in _CLAIMS)
    )
    return Fees(readings[0][0].subject, rates, offers, doubtful - stated)


LONGEST_CELL = 200
"""Characters of a cell on admission; a longer one is an essay, and its row is not read."""
_CLAIMS = ("jaf", "disabled", "student")


# Rows


@dataclass(frozen=True, slots=True)
class _Said:
    rates: tuple[Rate, ...]
    doubtful: frozenset[Category]


_SINGLE = {
    "adult": {Category.ADULT},
    "high": {Category.HIGH},
    "junior": {Category.JUNIOR},
    "primary": {Category.PRIMARY},
    "preschool": {Category.PRESCHOOL},
    "child": {Category.CHILD},
    "senior": {Category.SENIOR},
    "primary-junior": {Category.PRIMARY, Category.JUNIOR},
    "primary-junior-high": {Category.PRIMARY, Category.JUNIOR, Category.HIGH},
}
_NAMED_FIRST = (
    "primary-junior-high", "primary-junior", "preschool", "junior", "high", "primary", "senior",
    "adult", "child",
)  # fmt: skip
WHO = "|".join(f"(?P<{name.replace('-', '_')}>{words('who', name)})" for name in _NAMED_FIRST)
_WHO = re.compile(
    rf"(?:{WHO})(?P<older>{words('who', 'or-older')})?(?P<younger>{words('who', 'or-younger')})?"
)
_ANYBODY = "|".join(words("who", name) for name in _NAMED_FIRST)
_BOUND = f"(?:{words('who', 'or-older')}|{words('who', 'or-younger')})?"
# Possessive: a list of people that ends in something else is read once, not in every way there is.
_PEOPLE = rf"(?:(?>(?:{_ANYBODY}){_BOUND})(?>[\s()・と、,&]*(?:and|及|和|및)?[\s()]*))++"
_ITEM = re.compile(rf"[\s:・の、,()]*+(?>(?:{words('fee', 'main')}|{_PEOPLE})[\s:・の、,()]*)++")
_MAIN = re.compile(words("fee", "main"))
_MONEY = rf"(?:(?P<yen>\d{{1,9}})\s{{0,3}}{words('fee', 'yen')}|(?P<free>{words('fee', 'free')}))"
_CLAUSE = re.compile(rf"(?:(?P<who>{_PEOPLE})[はがの:]?\s{{0,3}})?{_MONEY}(?:です)?")
_GROUP = re.compile(
    rf"(?:団体\s{{0,3}}[(]?)?(?P<minimum>\d{{1,9}})\s{{0,3}}(?:名|人)様?以上[)]?の?(?:団体)?[はでの:]?\s{{0,3}}(?P<who>{_PEOPLE})?{_MONEY}"
    r"|(?P<minimum_en>\d{1,9}) or more(?: people| persons)?:? "
    rf"(?P<yen_en>\d{{1,9}}) {words('fee', 'yen')}"
)
_SPLIT = re.compile(r"[。、,;；]|・(?=\D+\d)|\band\b(?= infants)")
_UNCONFIRMED = re.compile(
    rf"[(]\s{{0,3}}(?:[^()]*[、,])?\s{{0,3}}{words('clause', 'unconfirmed')}\s{{0,3}}[)]"
)


def _plain(text: str) -> str:
    """Return a text in lower case without readings, its numbers in digits: 千六百円 is 1600円."""
    return arabic(without_ruby(clean(text)).casefold())


def people(text: str) -> frozenset[Category]:
    """Return whom an expression names: 大人(高校生以上) is two categories."""
    found: set[Category] = set()
    for match in _WHO.finditer(text):
        name = next(each for each in _NAMED_FIRST if match[each.replace("-", "_")])
        own = _SINGLE[name]
        found |= own
        at = [BY_AGE.index(each) for each in own if each in BY_AGE]
        if match["older"] and at:
            found |= set(BY_AGE[min(at) :])
        if match["younger"] and at:
            found |= set(BY_AGE[: max(at) + 1])
    return frozenset(found)


def _read(row: Row) -> _Said | None:
    """Read a row on admission; None if it is about something else, or cannot be read."""
    cells = (row.rest, row.passage.value or "", row.passage.note or "")
    if any(len(each) > LONGEST_CELL for each in cells):
        return None
    item, value, note = map(_plain, cells)
    if row.passage.status is Status.TIMELESS or not (_ITEM.fullmatch(item) and _MAIN.search(item)):
        return None
    announced = people(item)
    rates: list[Rate] = []
    doubtful: set[Category] = set()
    for clause in _clauses(_UNCONFIRMED.sub("", value)):
        found = _CLAUSE.fullmatch(clause)
        if found is None:
            return None
        who = people(found["who"] or "") or announced
        rates.append(Rate(who, int(found["yen"] or 0), row.passage))
    for clause in _clauses(_UNCONFIRMED.sub("", note)):
        if found := _GROUP.fullmatch(clause):
            who = people(found["who"] or "") or announced
            amount = found["yen"] or found["yen_en"] or 0
            minimum = int(found["minimum"] or found["minimum_en"])
            rates.append(Rate(who, int(amount), row.passage, minimum))
        elif (found := _CLAUSE.fullmatch(clause)) and found["who"]:
            rates.append(Rate(people(found["who"]), int(found["yen"] or 0), row.passage))
        elif re.search(_MONEY, clause) and not re.search(words("clause", "past"), clause):
            doubtful |= people(clause)
    return _Said(tuple(rates), frozenset(doubtful)) if rates else None


def _clauses(text: str) -> list[str]:
    return [each.strip() for each in _SPLIT.split(text) if each.strip()]
