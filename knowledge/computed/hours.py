"""Hours: when a sight is open, as its rows and the open-data tables state it.

`opening` reads all rows about one sight; `Opening.on` says of one day what they mean. Nothing is
guessed: a row about the sight's hours that cannot be read makes the whole sight unreadable, days
that no row covers are unsure, and a closing day that may be moved is unsure as well.

Times are whole minutes after midnight of the day; 1440 and more are in the night after it.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, time
from enum import StrEnum

from knowledge.computed.clauses import Said, Topic, read
from knowledge.computed.days import EVERY_DAY, Closure, Days
from knowledge.computed.days import Answer as Rule
from knowledge.computed.notation import DAY_SYMBOL, canonical, days
from knowledge.computed.rows import Row, kept, rows
from knowledge.computed.words import words
from knowledge.language import Language
from knowledge.names import Name, squeeze
from knowledge.passage import Passage, Status
from knowledge.places import Place
from knowledge.retrieval.index import Index

_MAIN_GATE = words("item", "main-gate")
_GATE = re.compile(words("item", "gate"))
_GLUE = r"(?:[\s:・の、,()/]|\b(?:on|in|from)\b)"
_ITEMS = tuple(
    (
        topic,
        re.compile(
            rf"{_GLUE}*+(?:(?:{announcing}|(?P<days>(?:{DAY_SYMBOL},?)++)|{_MAIN_GATE}){_GLUE}*+){{1,8}}"
        ),
        re.compile(announcing),
    )
    for topic, announcing in (
        (Topic.CLOSING_DAYS, words("item", "closing-days")),
        (Topic.LAST_ENTRY, words("item", "last-entry")),
        (Topic.ENTRY, words("item", "entry")),
        (Topic.OPENING, words("item", "opening")),
    )
)
_ABOUT_HOURS = re.compile(words("item", "about-hours"))
_SEASONAL = re.compile(words("item", "seasonal"))
_BESIDE = re.compile(words("item", "beside"))
_TIMES = re.compile("|".join(words("item", each) for each in ("last-entry", "entry", "opening")))


class State(StrEnum):
    """What is known of one day."""

    OPEN = "open"
    CLOSED = "closed"
    UNSURE = "unsure"  # no row covers it, or a rule may be moved


@dataclass(frozen=True, slots=True)
class Span:
    """One stretch of opening on one day, in minutes after midnight of that day."""

    opens: int
    last_entry: int | None  # None: the rows do not state it apart from closing
    closes: int | None  # None: the rows state only the last entry
    passages: tuple[Passage, ...]

    @property
    def admits_until(self) -> int:
        """The last minute at which somebody is let in, as far as the rows say."""
        return self.last_entry if self.last_entry is not None else self.ends

    @property
    def ends(self) -> int:
        """When the visit is over at the latest."""
        if self.closes is not None:
            return self.closes
        assert self.last_entry is not None  # noqa: S101 - `clauses` refuses rows without either
        return self.last_entry


@dataclass(frozen=True, slots=True)
class Hours:
    """Hours as one row states them."""

    days: Days
    opens: int
    last_entry: int | None
    closes: int | None
    passages: tuple[Passage, ...]

    @property
    def times(self) -> tuple[int, int | None, int | None]:
        return self.opens, self.last_entry, self.closes


@dataclass(frozen=True, slots=True)
class Closing:
    """A rule of closing days with the row that states it."""

    rule: Closure
    passage: Passage


@dataclass(frozen=True, slots=True)
class Opening:
    """When one sight is open."""

    subject: str  # as its rows call it
    hours: tuple[Hours, ...]  # empty: the rows state closing days only
    closings: tuple[Closing, ...]
    never_closed: tuple[Passage, ...]  # rows that say so: 年中無休
    irregular: tuple[Passage, ...]  # rows that say that days off are not fixed: 不定休
    doubts: tuple[tuple[Days, Passage], ...]  # days on which a row says its rules may not hold
    gates: tuple[Passage, ...]  # rows on other entrances, which may close earlier

    @property
    def closings_known(self) -> bool:
        """Whether any row says on which days the sight is closed, or that there are none."""
        return bool(self.closings or self.never_closed)

    def on(self, day: date) -> tuple[Span, ...]:
        """Return the spans of a day, the earliest first; empty if it is closed, or not stated.

        `state` tells the two apart, and whether the spans can be relied on.
        """
        if self._closed(day) is Rule.CLOSED:
            return ()
        return self._spans(day)

    def state(self, day: date) -> State:
        """Say whether the sight is open on a day at all."""
        closed = self._closed(day)
        if closed is Rule.UNSURE or any(day in each for each, _ in self.doubts):
            return State.UNSURE
        if closed is Rule.CLOSED:
            return State.CLOSED
        return State.OPEN if self._spans(day) and not self.irregular else State.UNSURE

    def closed_by(self, day: date) -> tuple[Passage, ...]:
        """Return the rows whose rules close a day, or may."""
        ruling = [
            each for each in self.closings if each.rule.on(day) not in {Rule.OPEN, Rule.MOVED}
        ]
        return tuple(
            dict.fromkeys(
                [
                    *(each.passage for each in ruling),
                    *(passage for held, passage in self.doubts if day in held),
                ]
            )
        )

    def next_open(self, day: date, within: int = 60) -> date | None:
        """Return the first day after `day` that is surely open; None if there is none soon."""
        later = (date.fromordinal(day.toordinal() + ahead) for ahead in range(1, within + 1))
        return next((each for each in later if self.state(each) is State.OPEN), None)

    def unconfirmed(self, passages: Iterable[Passage]) -> bool:
        """Whether any of the rows that decided has to be confirmed."""
        return any(each.status is Status.UNCONFIRMED for each in passages)

    def _closed(self, day: date) -> Rule:
        said = [(each.rule.weekly, each.rule.on(day)) for each in self.closings]
        rules = {rule for _, rule in said}
        if Rule.CLOSED in rules:
            contradicted = Rule.MOVED in rules and (False, Rule.CLOSED) not in said
            return Rule.UNSURE if self.never_closed or contradicted else Rule.CLOSED
        return Rule.UNSURE if Rule.UNSURE in rules else Rule.OPEN

    def _spans(self, day: date) -> tuple[Span, ...]:
        """Take the narrowest rows that hold on the day: winter hours before those of the year.

        Rows that are equally narrow and disagree leave nothing to be said.
        """
        holding = [each for each in self.hours if day in each.days]
        narrowest = max((each.days.narrow for each in holding), default=0)
        chosen = [each for each in holding if each.days.narrow == narrowest]
        by_row: defaultdict[object, set[object]] = defaultdict(set)
        for each in chosen:
            by_row[each.days, each.passages].add(each.times)
        if any(each != next(iter(by_row.values())) for each in by_row.values()):
            return ()
        spans: dict[tuple[int, int | None, int | None], Span] = {}
        for each in sorted(chosen, key=lambda each: each.opens):
            spans.setdefault(each.times, Span(*each.times, each.passages))
        return tuple(spans.values())


def opening(index: Index, name: Name, language: Language = Language.JA) -> Opening | None:
    """Return when a sight is open, by its rows in one language, else by open data.

    None if its hours are not stated there, or not in a way that can be read for certain.
    """
    found = stated(index, name, language)
    return found if found is not None and found.hours else None


def stated(index: Index, name: Name, language: Language = Language.JA) -> Opening | None:
    """Return what is stated of a sight's hours or closing days, even if only the latter."""
    return _stated(index, name, language)


@kept
def _stated(index: Index, name: Name, language: Language) -> Opening | None:
    own, readings = _readings(index, name, language)
    if any(said.unread for _, _, said in readings):
        return None
    places = _places(index, name) if language is Language.JA else ()
    if not any(topic is not Topic.OTHER for _, topic, _ in readings):
        return _of_place(places[0], index) if len(places) == 1 else None
    return _whole(list(readings), own, name)


def unread(index: Index, name: Name, language: Language) -> bool:
    """Whether rows in a language speak of a sight's hours in a way that cannot be read."""
    return any(said.unread for _, _, said in _readings(index, name, language)[1])


_Reading = tuple[Row, Topic, Said]


@kept
def _readings(
    index: Index, name: Name, language: Language
) -> tuple[tuple[Row, ...], tuple[_Reading, ...]]:
    """Return the rows about a sight, and what those on its hours say."""
    own = rows(index, name, language)
    read_rows = ((each, reading_of(each)) for each in own)
    return own, tuple((row, *reading) for row, reading in read_rows if reading is not None)


def reading_of(row: Row) -> tuple[Topic, Said] | None:
    """Read one row about a sight; None if it has nothing to do with when that is open."""
    if row.passage.status is Status.TIMELESS:
        return None  # when it was opened, not when it opens
    value = row.passage.value or ""
    for topic, whole, announcing in _ITEMS:
        for rest in dict.fromkeys((row.rest.casefold(), canonical(row.rest))):
            if (found := whole.fullmatch(rest)) and announcing.search(rest):
                announced = _announced(rest, found)
                if announced is None:
                    return topic, Said(unread=[row.rest])
                return topic, read(topic, value, row.passage.note, announced)
    if _beside(row):
        said = read(Topic.OTHER, value, row.passage.note, Days())
        return (Topic.OTHER, said) if said.closures else None
    return Topic.OPENING, Said(unread=[row.rest])


def _announced(rest: str, found: re.Match[str]) -> Days | None:
    symbols = "".join(re.findall(DAY_SYMBOL, rest)) if found["days"] else ""
    return days(symbols) if symbols else Days()


def _beside(row: Row) -> bool:
    """Whether an item is about something else at the sight and not about when that is open.

    「レストランの時間」 is; 「冬の営業」 is about the sight itself, though nothing here reads it.
    """
    rest = canonical(row.rest)
    if not _ABOUT_HOURS.search(rest) or _BESIDE.search(rest) or _GATE.search(rest):
        return True
    left = _ABOUT_HOURS.sub("", re.sub(DAY_SYMBOL, "", rest))
    if _SEASONAL.search(left):
        return False
    return bool(re.sub(r"[\s:・の、,()はをが]", "", left))


def _whole(readings: list[_Reading], own: tuple[Row, ...], name: Name) -> Opening | None:
    """Bring the rows together; what has to be confirmed counts only where nothing else does."""
    hours = _settled([each for each in readings if each[2].stretches])
    closing = [
        each
        for each in readings
        if each[2].closures or each[2].never_closed or each[2].irregular or each[2].doubts
    ]
    closing = [each for each in closing if each[1] is not Topic.OTHER] or closing
    if name.surface and (asked := [e for e in hours if squeeze(e[0].subject) == name.surface]):
        hours = asked
    closing = _settled(closing)
    if not (hours or closing):
        return None
    first = (hours or closing)[0][0]
    return Opening(
        subject=first.subject,
        hours=tuple(
            Hours(each.days, each.opens, each.last_entry, each.closes, (row.passage,))
            for row, _, said in hours
            for each in said.stretches
            if each.opens is not None
        ),
        closings=tuple(
            Closing(each, row.passage) for row, _, said in closing for each in said.closures
        ),
        never_closed=tuple(row.passage for row, _, said in closing if said.never_closed),
        irregular=tuple(row.passage for row, _, said in closing if said.irregular),
        doubts=tuple((each, row.passage) for row, _, said in closing for each in said.doubts),
        gates=tuple(each.passage for each in own if _other_gate(each)),
    )


def _settled(readings: list[_Reading]) -> list[_Reading]:
    """Leave out the rows to be confirmed where confirmed ones say something."""
    return [each for each in readings if not each[0].unconfirmed] or readings


def _other_gate(row: Row) -> bool:
    rest = canonical(row.rest)
    return bool(_GATE.search(rest) and _TIMES.search(rest)) and reading_of(row) is None


# Open data


_OPEN_DAYS = re.compile(r"[月火水木金土日]+")


def _places(index: Index, name: Name) -> tuple[Place, ...]:
    wanted = {squeeze(name.facility), name.surface}
    return tuple(
        each
        for each in index.library.places
        if squeeze(each.name) in wanted and each.opens is not None and each.closes is not None
    )


def _of_place(place: Place, index: Index) -> Opening | None:
    """Read 利用可能曜日, 開始時間 and 終了時間; a remark that is no plain sentence is not read."""
    passage = next((each for each in index.library.passages if each.id == place.passage), None)
    if passage is None or place.opens is None or place.closes is None:
        return None
    said = read(Topic.OPENING, _written(place.opens, place.closes), place.hours_note, Days())
    on = _open_days(place.days)
    if said.unread or len(said.stretches) != 1 or on is None:
        return None
    stretch = said.stretches[0]
    return Opening(
        subject=place.name,
        hours=(Hours(on, stretch.opens or 0, stretch.last_entry, stretch.closes, (passage,)),),
        closings=(
            *(
                Closing(Closure(Days(frozenset({each}))), passage)
                for each in EVERY_DAY - on.weekdays
            ),
            *(Closing(each, passage) for each in said.closures),
        ),
        never_closed=(passage,) if said.never_closed else (),
        irregular=(passage,) if said.irregular else (),
        doubts=tuple((each, passage) for each in said.doubts),
        gates=(),
    )


def _written(opens: time, closes: time) -> str:
    return f"{opens:%H:%M}~{closes:%H:%M}"


def _open_days(published: str | None) -> Days | None:
    """Read 月火水木金; None if it says more than weekdays."""
    shown = re.sub(r"[・、,\s]|曜日?", "", published or "")
    if not _OPEN_DAYS.fullmatch(shown):
        return None
    return Days(frozenset("月火水木金土日".index(each) for each in shown))
