"""Clauses: what one cell of a table says about opening and closing, or that it cannot be read.

A cell is cut into clauses, and each must be understood as a whole. A clause that speaks of opening
or closing and is not understood makes the cell unread: then nothing is claimed from its row.
"""

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum

from knowledge.computed.days import Closure, Days, Moved, Period
from knowledge.computed.notation import DAY_SYMBOL, MIDNIGHT, alternatives, canonical, days
from knowledge.computed.words import expressions, words


class Topic(StrEnum):
    """What the item of a row announces."""

    ENTRY = "entry"  # the time of admission: its end is the last entry
    OPENING = "opening"  # its end is when the sight closes
    LAST_ENTRY = "last-entry"
    CLOSING_DAYS = "closing-days"
    OTHER = "other"  # something else, whose note may name closing days all the same


@dataclass(frozen=True, slots=True)
class Stretch:
    """Hours on some days, in minutes after midnight; what a cell leaves open is None."""

    days: Days
    opens: int | None
    closes: int | None
    last_entry: int | None


@dataclass(slots=True)
class Said:
    """All that the cells of one row say."""

    stretches: list[Stretch] = field(default_factory=list)
    closures: list[Closure] = field(default_factory=list)
    doubts: list[Days] = field(default_factory=list)  # days on which the rules may not hold
    never_closed: bool = False
    irregular: bool = False  # 不定休
    unread: list[str] = field(default_factory=list)
    last: int | None = None  # last entry
    before: int | None = None  # minutes from last entry to closing
    closes: int | None = None
    moved: Moved | None = None
    never: tuple[Period, ...] = ()

    @property
    def says_anything(self) -> bool:
        return bool(self.stretches or self.closures or self.never_closed or self.irregular)

    def finished(self, topic: Topic) -> "Said":
        """Bring together what stood in several clauses."""
        self.stretches = [self._finish(each, topic) for each in self.stretches]
        if self.moved is not None or self.never:
            if not self.closures:
                self.unread.append("a closing day is moved, but none is named")
            self.closures = [
                replace(each, moved=self.moved or each.moved, never=each.never or self.never)
                if not each.days.periods
                else each
                for each in self.closures
            ]
        if topic is not Topic.OTHER and not self.says_anything:
            self.unread.append("nothing in it could be read")
        if not all(map(_sound, self.stretches)):
            self.unread.append("the times contradict one another")
        return self

    def _finish(self, each: Stretch, topic: Topic) -> Stretch:
        opens, closes, last = each.opens, each.closes, each.last_entry
        if topic in {Topic.ENTRY, Topic.LAST_ENTRY} and last is None:
            closes, last = self.closes, closes
        elif self.closes is not None:
            closes = self.closes
        last = self.last if self.last is not None else last
        if self.before is not None and closes is not None:
            last = closes - self.before
        if opens is not None and closes is not None and closes < opens:
            closes += MIDNIGHT
        return Stretch(each.days, opens, closes, last)


def _sound(each: Stretch) -> bool:
    if each.opens is None:
        return False
    order = [each.opens, each.last_entry, each.closes]
    known = [value for value in order if value is not None]
    return len(known) > 1 and known == sorted(known) and known[0] < known[-1]


_D = rf"(?P<days>{DAY_SYMBOL}(?:,?\s{{0,3}}の?{DAY_SYMBOL})*)"
_RANGE = r"(?P<from><T\d+>)~(?P<to><T\d+>)"
_LAST = words("clause", "last")
_MORE = f"{words('clause', 'more')}*+"
_REST = words("clause", "rest")
_SENSITIVE = re.compile(words("clause", "sensitive"))
_PAST = re.compile(words("clause", "past"))
_UNCONFIRMED = re.compile(
    rf"[(、]?\s{{0,3}}(?:古い\w{{1,20}}、)?{words('clause', 'unconfirmed')}\s{{0,3}}\)?"
)
_IF_HOLIDAY = tuple(re.compile(each) for each in expressions("moved", "patterns"))
_CUT = re.compile(r"[。、,，;；()（）]|\.\s|\s/\s")


def read(topic: Topic, value: str, note: str | None, announced: Days) -> Said:
    """Read the cells of one row; `announced` are the days that its item names."""
    said = Said()
    for number, cell in enumerate((value, note or "")):
        shown = _UNCONFIRMED.sub("、", canonical(cell))
        for clause in _cut(_moved(shown, said)):
            _clause(clause, topic, said, announced, first=number == 0)
    return said.finished(topic)


def _cut(shown: str) -> list[str]:
    """Cut at punctuation, but not at the comma inside a list of days."""
    kept = re.sub(r"(>),(?=<)", r"\1\0", shown)
    return [
        each.replace("\0", ",").strip(" .:・と") for each in _CUT.split(kept) if each.strip(" .:")
    ]


def _moved(shown: str, said: Said) -> str:
    """Take out what is done where a closing day is a public holiday."""

    def note(match: re.Match[str]) -> str:
        said.moved = next(
            (_MOVES[name.partition("_")[0]] for name, part in match.groupdict().items() if part),
            Moved.NEXT,
        )
        return "、"

    for each in _IF_HOLIDAY:
        shown = each.sub(note, shown)
    return re.sub(
        rf"({DAY_SYMBOL})\s{{0,3}}、\s{{0,3}}(?:と|、|,)?\s{{0,3}}(?={DAY_SYMBOL})", r"\1,", shown
    )


_MOVES = {"also": Moved.ALSO, "open": Moved.OPEN, "workday": Moved.WORKDAY}


def _clause(clause: str, topic: Topic, said: Said, announced: Days, *, first: bool) -> None:
    if topic is Topic.OTHER:
        _aside(clause, said)
        return
    understood = (
        (topic is not Topic.CLOSING_DAYS and _times(clause, said, announced, first=first))
        or (topic is not Topic.CLOSING_DAYS and _ends(clause, said))
        or _rests(clause, said, bare=first and topic is Topic.CLOSING_DAYS)
    )
    if understood:
        return
    if _SENSITIVE.search(clause) and (first or not _PAST.search(clause)):
        said.unread.append(clause)


def _times(clause: str, said: Said, announced: Days, *, first: bool) -> bool:
    """Read hours: 3〜11月は8:30〜17:30, 24時間."""
    if re.fullmatch(r"24\s{0,3}(?:時間|hours|시간|小时|小時)(?:営業|開放)?(?: a day)?", clause):
        said.stretches.append(Stretch(announced, 0, MIDNIGHT, None))
        return True
    if found := re.fullmatch(
        rf"(?:{_D}[の:は]?\s{{0,3}})?({_RANGE}{_MORE}(?:と\s{{0,3}})?)+", clause
    ):
        on = _on(found["days"], announced)
        if on is None:
            return False
        for each in re.finditer(_RANGE, clause):
            said.stretches.append(Stretch(on, _value(each["from"]), _value(each["to"]), None))
        return True
    if not first and (found := re.fullmatch(rf"{_D}(?:のみ|だけ|限定| only)?(?:です)?", clause)):
        on = days(found["days"])
        if on is None or any(each.days != Days() for each in said.stretches):
            return False
        said.stretches[:] = [replace(each, days=on) for each in said.stretches]
        return bool(said.stretches)
    if found := re.fullmatch(rf"{_D}[のは:]?\s{{0,3}}(?P<until><T\d+>){_MORE}", clause):
        on = _on(found["days"], announced)
        if on is None or not said.stretches:
            return False
        said.stretches.append(replace(said.stretches[0], days=on, closes=_value(found["until"])))
        return True
    return False


def _on(symbols: str | None, announced: Days) -> Days | None:
    """Return the days that a clause names, within those of its item."""
    if symbols is None:
        return announced
    found = days(symbols)
    return found if announced == Days() or found is None else None


def _ends(clause: str, said: Said) -> bool:
    """Read when the last one is let in, and when the sight closes."""
    if found := re.fullmatch(
        rf"{_LAST}[はの:]?\s{{0,3}}<T(\d+)>{_MORE}|<T(\d+)>{_MORE}に(?:入[りるっ]|受付)\w*", clause
    ):
        said.last = int(found[1] or found[2])
        return True
    if found := re.fullmatch(
        rf"{_LAST}[はの:]?\s{{0,3}}{words('clause', 'before-closing')}?の?<M(\d+)>前{_MORE}"
        r"|last (?:entry|admission)(?: is)? <M(\d+)> before closing(?: time)?",
        clause,
    ):
        said.before = int(found[1] or found[2])
        return True
    if found := re.fullmatch(
        rf"{words('clause', 'close')}[はの:]?\s{{0,3}}<T(\d+)>{_MORE}(?:에 닫음)?"
        rf"|<T(\d+)>(?:に|에|\s)*{words('clause', 'closes-at')}",
        clause,
    ):
        said.closes = int(found[1] or found[2])
        return True
    return False


def _rests(clause: str, said: Said, *, bare: bool = False) -> bool:
    """Read closing days, that there are none, and what may change them.

    `bare`: days alone are closing days, because the item says so.
    """
    if re.fullmatch(rf"{words('clause', 'none')}(?:です)?", clause):
        said.never_closed = True
    elif re.fullmatch(words("clause", "irregular"), clause):
        said.irregular = True
    elif found := re.fullmatch(rf"{_D}\s{{0,3}}(?:を除く|以外|除外)", clause):
        return _excepted(found["days"], said)
    elif re.search(words("clause", "doubt"), clause):
        return _doubted(clause, said)
    elif not re.fullmatch(words("clause", "open-anyway"), clause):
        rest = f"{_REST}?" if bare else _REST
        found = re.fullmatch(
            rf"{_D}(?P<morning>の午前)?[はがに]?\s{{0,3}}{rest}(?:です)?", clause
        ) or re.fullmatch(rf"closed (?:on )?(?P<morning>the morning of (?:the )?)?{_D}", clause)
        return found is not None and _closed(found, said)
    return True


def _excepted(symbols: str, said: Said) -> bool:
    on = days(symbols)
    if on is None or not on.periods:
        return False
    said.never = on.periods
    return True


def _doubted(clause: str, said: Said) -> bool:
    """Read when the rules may not hold: 大型連休やお盆は月曜も開けることがある."""
    held = re.findall(rf"{DAY_SYMBOL},?", clause)
    periods = [each for each in alternatives("".join(held).strip(",")) or () if each.periods]
    said.doubts += periods
    return bool(periods)


def _closed(found: re.Match[str], said: Said) -> bool:
    if "<NY>" in found["days"]:
        # The days round New Year are not stated: nothing is claimed of them.
        said.doubts.append(Days(periods=(Period((12, 27), (1, 5)),)))
    rest = re.sub(r",?<NY>,?", "", found["days"])
    on = alternatives(rest) if rest else ()
    if on is None:
        return False
    said.closures += [Closure(each, morning=bool(found["morning"])) for each in on]
    return True


def _aside(clause: str, said: Said) -> None:
    """Read a remark at another fact of the sight, if it names closing days: 月曜は休み."""
    if re.search(rf"{_REST}|closed", clause) and re.search(DAY_SYMBOL, clause):
        _rests(clause, said)


def _value(symbol: str) -> int:
    return int(symbol[2:-1])
