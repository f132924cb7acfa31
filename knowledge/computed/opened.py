"""Open or not: whether a sight is open now, on a day, or at a time, and until when one gets in.

The Japanese rows decide, because they are the fullest. Rows in the asker's language are cited in
their place where they say the same of the days asked about; where they say the opposite, nothing
is claimed.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from knowledge.computed.hours import Opening, Span, State, stated, unread
from knowledge.computed.notation import canonical
from knowledge.computed.nouns import Computed, Situation
from knowledge.computed.weekdays import Weekly, weekly
from knowledge.computed.when import When, asked_when
from knowledge.computed.words import expressions, words
from knowledge.hanzi import in_japanese_forms
from knowledge.language import Language
from knowledge.names import Name
from knowledge.passage import Passage, Status
from knowledge.question import Asked, understand
from knowledge.retrieval.index import Index
from knowledge.retrieval.retrieve import READABLE

SOON = 30
"""Minutes before the last entry from which a visitor is told to hurry."""
OUTSTANDING = 2
"""So many times as much as of any other sight the guides say of a town's main sight."""
_BESIDES = frozenset({"hours", "holiday", "season"})


class Verdict(StrEnum):
    """What the answer is, in one word."""

    OPEN = "open"  # one gets in at that time
    LATE = "late"  # still open, but nobody is let in any more
    BEFORE = "before"  # opens later that day
    OVER = "over"  # was open that day
    CLOSED = "closed"  # all day
    UNSURE = "unsure"  # the rows do not say for certain
    DAY = "day"  # open that day, of no time in particular
    NOT_CLOSED = "not-closed"  # no closing day; the rows state no hours


@dataclass(frozen=True, slots=True)
class DayOpen:
    """What holds on some days in a row."""

    first: date
    last: date
    state: State
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Open(Computed):
    """Whether a sight is open."""

    subject: str  # as the rows call it
    verdict: Verdict
    when: When
    days: tuple[DayOpen, ...]
    span: Span | None = None  # the one that the verdict is about
    next_open: tuple[date, Span] | None = None
    irregular: bool = False  # 不定休: days off are not fixed
    closings_known: bool = True
    unconfirmed: bool = False
    gates: tuple[Passage, ...] = ()  # other entrances, which may close earlier
    weekly: Weekly | None = None  # the rule, where a weekday as such was asked about

    @property
    def left(self) -> int | None:
        """Minutes until the last entry, if it is open at the time asked about."""
        if self.span is None or self.when.minute is None or self.verdict is not Verdict.OPEN:
            return None
        return self.span.admits_until - self.when.minute

    @property
    def soon(self) -> bool:
        """Whether there is little time left."""
        return self.left is not None and self.left <= SOON


class OpenOrNot:
    """Answers 今開いてる?, 明日は?, 16時でも入れる?; leaves plain opening hours to the guides."""

    def answer(self, situation: Situation) -> Open | None:
        asked = situation.asked
        if asked.past or not _asks(asked):
            return None
        if not asked.names and re.search(words("ask", "which"), asked.text.casefold()):
            return None  # 今日はどこが開いてる? asks for a list
        when = asked_when(asked.text, situation.now)
        if when is None or not _nothing_else(asked, when, situation.index):
            return None
        name = subject(asked, situation.index)
        return None if name is None else answer(situation.index, name, when, asked.language)


def answer(index: Index, name: Name, when: When, language: Language) -> Open | None:
    """Work out whether a sight is open; None if its rows do not tell, or contradict one another."""
    languages = dict.fromkeys((Language.JA, *READABLE[language]))
    if any(unread(index, name, each) for each in languages):
        return None
    found = {each: one for each in languages if (one := stated(index, name, each)) is not None}
    if not found:
        return None
    base = found.get(Language.JA) or next(iter(found.values()))
    own = next((found[each] for each in READABLE[language] if each in found), base)
    if any(_disputed(base, own, each) for each in when.days):
        return None
    if when.weekday is None:
        return _told(base, own, when)
    rule, said = weekly(base, when.days[0]), weekly(own, when.days[0])
    if rule is None or (said is not None and said.closed is not rule.closed):
        return None
    cited = said if said is not None and said.moved is rule.moved else rule
    result = _told(base, own, when)
    passages = tuple(dict.fromkeys((*cited.passages, *result.passages)))
    return replace(result, weekly=cited, passages=passages)


def _told(base: Opening, own: Opening, when: When) -> Open:
    """Work the answer out from the first rows, in the words of the others where they agree."""
    result = _result(base, when, own.subject)
    last = when.days[-1] if result.next_open is None else result.next_open[0]
    ahead = ((last - when.days[0]).days + 1) if last >= when.days[0] else 1
    if all(_same(base, own, when.days[0] + timedelta(each)) for each in range(ahead)):
        return replace(_result(own, when, own.subject), next_open=result.next_open)
    return result


def _disputed(one: Opening, other: Opening, day: date) -> bool:
    """Whether only the other rows close the sight. A stricter first reading is believed."""
    return one.state(day) is State.OPEN and other.state(day) is State.CLOSED


def _same(one: Opening, other: Opening, day: date) -> bool:
    def said(opening: Opening) -> object:
        return (
            opening.state(day),
            opening.closings_known,
            [(each.opens, each.last_entry, each.closes) for each in opening.on(day)],
        )

    return said(one) == said(other)


def subject(asked: Asked, index: Index) -> Name | None:
    """Return the one sight a question is about: the named one, or else the town's main sight.

    A main sight is one of which the guides say more than twice as much as of any other.
    """
    sights = [each for each in asked.names if index.names.town not in each.others]
    if len(sights) == 1:
        return sights[0]
    if asked.names or not asked.about_a_sight:
        return None
    first, second = (*index.sights.items(), ("", 0), ("", 0))[:2]
    return (
        index.names.of(first[0]) if first[1] > 0 and first[1] >= OUTSTANDING * second[1] else None
    )


def _asks(asked: Asked) -> bool:
    text = asked.text.casefold()
    if asked.all_concepts - _BESIDES or re.search(words("ask", "weather"), text):
        return False
    if re.search(words("ask", "open"), text):
        return True
    return bool(asked.names and asked.all_concepts & {"hours", "holiday"})


def _nothing_else(asked: Asked, when: When, index: Index) -> bool:
    """Whether a question asks of the sight itself and not of its shop."""
    rest = when.rest
    if not asked.language.japanese:
        rest = re.sub(words("ask", "open"), " ", rest)
    readings = {rest, in_japanese_forms(rest)} if asked.language.chinese else {rest}
    return any(_empty(understand(each, asked.language, index)) for each in readings)


def _empty(left: Asked) -> bool:
    fillers = expressions("ask", "filler")
    return not left.unknown and not [each for each in left.rest if each not in fillers]


def _result(opening: Opening, when: When, called: str) -> Open:
    days = _days(opening, when.days)
    first = when.days[0]
    verdict, span = _verdict(opening, when)
    later = _next(opening, when) if verdict in _LATER else None
    deciding = list(_deciding(opening, when.days))
    if later is not None:
        deciding += later[1].passages
    passages = tuple(dict.fromkeys(deciding))
    gates = _earlier(opening.gates, span) if verdict in {Verdict.OPEN, Verdict.DAY} else ()
    return Open(
        passages=(*passages, *gates),
        subject=called,
        verdict=verdict,
        when=when,
        days=days,
        span=span,
        next_open=later,
        irregular=bool(opening.irregular),
        closings_known=opening.closings_known or opening.state(first) is State.CLOSED,
        unconfirmed=any(each.status is Status.UNCONFIRMED for each in passages),
        gates=gates,
    )


_LATER = frozenset({Verdict.LATE, Verdict.OVER, Verdict.CLOSED})


def _earlier(gates: Sequence[Passage], span: Span | None) -> tuple[Passage, ...]:
    """Return the rows on other entrances, unless they close when the main one does."""
    ends = "" if span is None else f"<T{span.admits_until}>"
    return tuple(
        each for each in gates if set(re.findall(r"<T\d+>", canonical(each.value or ""))) != {ends}
    )


def _days(opening: Opening, asked: Sequence[date]) -> tuple[DayOpen, ...]:
    """Return what holds on each day, days in a row that are alike together."""
    found: list[DayOpen] = []
    for day in asked:
        state, spans = opening.state(day), opening.on(day)
        before = found[-1] if found else None
        if (
            before is not None
            and (before.state, before.spans) == (state, spans)
            and day - before.last == timedelta(1)
        ):
            found[-1] = DayOpen(before.first, day, state, spans)
        else:
            found.append(DayOpen(day, day, state, spans))
    return tuple(found)


def _verdict(opening: Opening, when: When) -> tuple[Verdict, Span | None]:
    day = when.days[0]
    state, spans = opening.state(day), opening.on(day)
    if state is State.CLOSED:
        return Verdict.CLOSED, None
    if not opening.hours:
        doubtful = bool(opening.closed_by(day)) or bool(opening.irregular)
        return (Verdict.UNSURE if doubtful else Verdict.NOT_CLOSED), None
    if not spans or (state is State.UNSURE and not opening.irregular):
        return Verdict.UNSURE, spans[0] if spans else None
    if when.minute is None:
        return Verdict.DAY, spans[0]
    return _at(spans, when.minute)


def _at(spans: Sequence[Span], minute: int) -> tuple[Verdict, Span]:
    """Compare a time with the spans of its day. At the last entry itself one still gets in."""
    for each in spans:
        if minute < each.opens:
            return Verdict.BEFORE, each
        if minute <= each.admits_until and minute < max(each.ends, each.admits_until + 1):
            if each.last_entry is None and minute == each.ends:
                continue
            return Verdict.OPEN, each
    last = spans[-1]
    return (Verdict.LATE if minute < last.ends else Verdict.OVER), last


def _next(opening: Opening, when: When) -> tuple[date, Span] | None:
    if opening.irregular or not opening.hours:
        return None
    day = opening.next_open(when.days[-1])
    return None if day is None else (day, opening.on(day)[0])


def _deciding(opening: Opening, days: Sequence[date]) -> tuple[Passage, ...]:
    """Return the rows that decided, those on hours first."""
    spans = (passage for day in days for span in opening.on(day) for passage in span.passages)
    closed = (passage for day in days for passage in opening.closed_by(day))
    rules = (
        *(each.passage for each in opening.closings),
        *opening.never_closed,
        *opening.irregular,
    )
    return tuple(dict.fromkeys((*spans, *closed, *rules)))


def at(now: datetime) -> When:
    """Return the question whether it is open now."""
    return When((now.date(),), now.hour * 60 + now.minute, now=True, today=now.date())
