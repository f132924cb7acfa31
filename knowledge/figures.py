"""Figures: every amount, time, date, number and address that a text states, in one comparable form.

Promise 3 of the design stands on this module: a sentence that states a figure which no cited
passage holds is not sent. So that 17:30, 17時30分, 午後5時30分 and 5:30 pm are one figure, and
1,600円, ¥1600, 千六百円 and 1,600 yen another, texts are read after Unicode NFKC, and each figure
becomes a kind and a canonical value.

The reading is strict where it matters: 5:30 without "pm" is not 17:30, and 1,600 people are not
1,600 yen. What is refused wrongly costs a wording; what is let through wrongly costs a promise.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from knowledge.forms import Figure, FigureKind, read
from knowledge.passage import Passage
from knowledge.text import without_ruby

__all__ = ["Differences", "Figure", "FigureKind", "differences", "figures", "unsupported"]


def figures(text: str) -> frozenset[Figure]:
    """Return every figure that a text states."""
    return frozenset(figure for figure, _ in read(text))


def unsupported(answer: str, passages: Iterable[Passage]) -> tuple[str, ...]:
    """Return the figures of an answer, as written there, that none of the passages states.

    Each passage counts with its title, headings, source address and as-of date. A full date is
    also supported by a passage that states its year and its day apart from one another.
    """
    stated = [frozenset(_with_parts(_stated(_whole(passage)))) for passage in passages]
    everything = frozenset[Figure]().union(*stated)
    missing = (
        written
        for figure, written in read(_without_markers(answer))
        if not _supported(figure, everything)
        and not any(_date_in_parts(figure, each) for each in stated)
    )
    return tuple(dict.fromkeys(missing))


@dataclass(frozen=True, slots=True)
class Differences:
    """Figures that stand in only one of two texts, as written there, in reading order."""

    missing: tuple[str, ...] = ()  # in the original, not in the translation
    added: tuple[str, ...] = ()  # in the translation, not in the original

    def __bool__(self) -> bool:
        return bool(self.missing or self.added)


def differences(original: str, translation: str) -> Differences:
    """Compare the figures of a text with those of its translation, in both directions.

    A figure is there when the other text states it, whole or with its unit or year left to what
    stands around it: "3 October" for 2026年10月3日 is the same, "5:30" for 午後5時30分 is not.
    """
    return Differences(
        missing=_only_in(original, translation), added=_only_in(translation, original)
    )


_ONE = frozenset({Figure(FigureKind.QUANTITY, "person 1"), Figure(FigureKind.COUNT, "1")})
"""一人500円 is 500 yen "per person" in English: the one is a word, not a figure."""


def _only_in(text: str, other: str) -> tuple[str, ...]:
    stated = _stated(other)
    known = frozenset(_with_parts(stated))
    bare = without_ruby(text)
    return tuple(
        dict.fromkeys(
            written
            for figure, written in read(bare)
            if figure not in _ONE
            and not _supported(figure, known)
            and not _date_in_parts(figure, known)
            and not any(_supported(each, frozenset({figure})) for each in stated)
        )
    )


def _stated(text: str) -> frozenset[Figure]:
    """Read a text with and without readings in brackets: 1時間(じかん)30分 is one figure."""
    return figures(text) | figures(without_ruby(text))


def _whole(passage: Passage) -> str:
    fields = (
        passage.title,
        *passage.headings,
        passage.text,
        passage.as_of,
        passage.source,
        passage.place,
    )
    return "\n".join(each for each in fields if each)


_MARKER = re.compile(r"\[[1-6]\]|［[1-6]］|^[^\S\n]*[1-6][.)]\s+", re.MULTILINE)


def _without_markers(answer: str) -> str:
    """Take out list numbers and ``[1]`` citation marks: they state nothing about the town.

    A generator is given six passages and asked for four sentences; a higher number is a figure.
    """
    return _MARKER.sub(" ", answer)


def _supported(figure: Figure, stated: frozenset[Figure]) -> bool:
    if figure in stated:
        return True
    kind, value = figure.kind, figure.value
    amount = value.rpartition(" ")[2]
    if kind in _BARE and len(amount) == _YEAR and Figure(FigureKind.DATE, amount) in stated:
        return True  # "the price of 2016", "from 2020 to May 2025" for 2016年の額, 2020年から
    if kind in {FigureKind.MONEY, FigureKind.COUNT}:
        # A table whose header names the unit holds bare numbers.
        return Figure(FigureKind.NUMBER, amount) in stated or (
            kind is FigureKind.COUNT and Figure(FigureKind.QUANTITY, f"person {amount}") in stated
        )
    if kind is FigureKind.NUMBER:
        return any(
            each.kind in _BARE_MAY_MEAN and each.value.rpartition(" ")[2] == amount
            for each in stated
        )
    return False


_YEAR = 4  # digits
_BARE = frozenset({FigureKind.NUMBER, FigureKind.COUNT})
_BARE_MAY_MEAN = frozenset({FigureKind.MONEY, FigureKind.COUNT, FigureKind.QUANTITY})


def _with_parts(stated: frozenset[Figure]) -> Iterator[Figure]:
    """Add what a date also says: 2026-02-11 states 2026-02, 2026, --02-11 and --02."""
    for figure in stated:
        yield figure
        if figure.kind is FigureKind.DATE and not figure.value.startswith("--"):
            year, *rest = figure.value.split("-")
            yield Figure(FigureKind.DATE, year)
            for length in range(1, len(rest) + 1):
                tail = "-".join(rest[:length])
                yield Figure(FigureKind.DATE, f"{year}-{tail}")
                yield Figure(FigureKind.DATE, f"--{tail}")
        elif figure.kind is FigureKind.DATE and figure.value.count("-") == _MONTH_AND_DAY:
            yield Figure(FigureKind.DATE, figure.value.rpartition("-")[0])


_MONTH_AND_DAY = 3  # hyphens in "--02-11"


def _date_in_parts(figure: Figure, stated: frozenset[Figure]) -> bool:
    if figure.kind is not FigureKind.DATE or figure.value.startswith("--"):
        return False
    year, hyphen, rest = figure.value.partition("-")
    return (
        bool(hyphen)
        and {
            Figure(FigureKind.DATE, year),
            Figure(FigureKind.DATE, f"--{rest}"),
        }
        <= stated
    )
