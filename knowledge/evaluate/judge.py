"""Judging: one answer against its label, and against promises that hold for every answer.

What counts is what the person reads: the worded reply with its quotations and sources. An expected
fact is met when it stands there after Unicode NFKC, without case, spaces, readings in brackets and
thousands separators; one that is a figure alone (``1,600円``, ``17:30``) is compared by its value,
so 1,600 yen, ¥1,600 and 千六百円 meet. A number is never met by part of another: 600円 is not in
1,600円.
"""

import dataclasses
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum

from knowledge.answer import REFUSALS, AnswerKind
from knowledge.evaluate.questions import Labelled
from knowledge.figures import Figure, figures, unsupported
from knowledge.forms import FigureKind, read
from knowledge.language import Language, detect
from knowledge.passage import Kind, Passage
from knowledge.text import clean, is_han, is_kana, without_ruby

_MOST_KANA = 0.25  # of the Chinese answer's characters: names in brackets beside the Chinese ones
_LEAST_OWN = 0.5  # of the letters of an English or Korean answer
_DASHES = re.compile(r"[~〜–—―−‐‑]")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3})")
_BESIDE_FIGURES = re.compile(
    r"約|およそ|ほど|くらい|about|around|大约|大約|约|약|[\W_]", re.IGNORECASE
)


class Fault(StrEnum):
    """What can be wrong with an answer. Those after `NO_SOURCE` are counted on every answer."""

    MISSING = "missing"  # an expected fact is not there
    FORBIDDEN = "forbidden"  # something that must not be there is
    REFUSED = "refused"  # the guides know it
    NOT_REFUSED = "not-refused"  # the guides do not, or should not say it
    NO_SOURCE = "no-source"
    UNSUPPORTED = "unsupported-figure"  # a figure that no cited passage holds
    LANGUAGE = "wrong-language"
    CRASHED = "crashed"  # no answer at all, but an error of the program


@dataclass(frozen=True, slots=True)
class Said:
    """An answer as the person read it."""

    kind: AnswerKind
    text: str  # the reply with its quotations, without sources and small print
    sources: tuple[str, ...] = ()  # as shown
    passages: tuple[Passage, ...] = ()  # cited
    values: frozenset[str] = frozenset()  # of a computed answer: see `values_of`
    cpu_ms: float = 0.0
    crashed: str = ""  # the error that came instead of an answer

    @property
    def all(self) -> str:
        """Everything to be read."""
        return "\n".join((self.text, *self.sources))


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an answer was right, and if not, why."""

    question: Labelled
    said: Said
    faults: tuple[tuple[Fault, str], ...] = ()

    @property
    def right(self) -> bool:
        """Whether the label is met. A wrong language or a missing source is counted apart."""
        return not any(fault in _WRONG for fault, _ in self.faults)

    def of(self, fault: Fault) -> tuple[str, ...]:
        """Return the details of all faults of one sort."""
        return tuple(detail for each, detail in self.faults if each is fault)


_WRONG = frozenset(
    {
        Fault.MISSING,
        Fault.FORBIDDEN,
        Fault.REFUSED,
        Fault.NOT_REFUSED,
        Fault.UNSUPPORTED,
        Fault.CRASHED,
    }
)


def judge(question: Labelled, said: Said) -> Verdict:
    """Compare an answer with its label."""
    return Verdict(question, said, tuple(_faults(question, said)))


def _faults(question: Labelled, said: Said) -> Iterator[tuple[Fault, str]]:
    if said.crashed:
        yield Fault.CRASHED, said.crashed
        return
    whole = said.all
    refused = said.kind in REFUSALS
    if question.refused and not refused:
        yield Fault.NOT_REFUSED, said.kind
    if not question.may_refuse and refused:
        yield Fault.REFUSED, said.kind
    if not refused:
        for entry in question.expected:
            if not any(holds(whole, each) for each in entry):
                yield Fault.MISSING, "|".join(entry)
    for entry in question.must_not:
        for each in entry:
            if holds(whole, each):
                yield Fault.FORBIDDEN, each
    yield from _promises(question.language, said, question.question)


def _promises(language: Language, said: Said, asked: str) -> Iterator[tuple[Fault, str]]:
    if said.kind is AnswerKind.ANSWERED:
        if not said.sources or not said.passages:
            yield Fault.NO_SOURCE, ""
        for figure in _unsupported(said, asked):
            yield Fault.UNSUPPORTED, figure
    if not in_language(said.text, language):
        yield Fault.LANGUAGE, language


def _unsupported(said: Said, asked: str) -> Iterator[str]:
    """Yield the figures that neither a cited passage nor its disagreeing sources hold.

    A computed answer may also state its own values and those of the question. Its durations follow
    from its times; counts of one or two digits are of people, days and stops.
    """
    disputed = (_disagreement(each) for each in said.passages)
    cited = (*said.passages, *(each for each in disputed if each is not None))
    missing = unsupported(_apart(without_ruby(said.text)), cited)
    if not said.values:
        yield from missing
        return
    own = said.values | {_amount(each) for each in figures(asked)}
    for written in missing:
        strict = [each for each in figures(written) if not _follows(each)]
        if not {_amount(each) for each in strict} <= own:
            yield written


def _disagreement(passage: Passage) -> Passage | None:
    """Return what the document says that sources say of the same value."""
    if (found := passage.contradiction) is None:
        return None
    text = "\n".join((*found.found, found.adopted, found.reason))
    return replace(passage, text=text, kind=Kind.PROSE, item=None, value=None, note=None)


def _amount(figure: Figure) -> str:
    return figure.value.rpartition(" ")[2]


def _follows(figure: Figure) -> bool:
    small = len(_amount(figure)) <= _SMALL
    return figure.kind is FigureKind.DURATION or (
        figure.kind in {FigureKind.NUMBER, FigureKind.COUNT} and small
    )


_SMALL = 2  # digits


def values_of(computed: object) -> frozenset[str]:
    """Return every amount among a result's own values, as figures write them.

    Works on any dataclass and its properties: numbers, times (minutes since midnight), dates,
    durations (minutes) and the figures of its texts. Its passages are left out: they are cited, not
    worked out.
    """
    return frozenset(_amounts(computed))


def _amounts(value: object) -> Iterator[str]:
    if isinstance(value, Passage | bool) or value is None:
        return
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        worked_out = (name for name, of in vars(type(value)).items() if isinstance(of, property))
        for name in (*(each.name for each in dataclasses.fields(value)), *worked_out):
            yield from _amounts(getattr(value, name))
    elif isinstance(value, int | float | Decimal):
        yield from _number(float(value))
    elif isinstance(value, str):
        yield from map(_amount, figures(value))
    elif isinstance(value, timedelta):
        yield from _number(value.total_seconds() / 60)
    elif isinstance(value, date | time):
        yield from _when(value)
    elif isinstance(value, dict):
        for pair in value.items():
            yield from _amounts(pair)
    elif isinstance(value, tuple | list | frozenset | set):
        for each in value:
            yield from _amounts(each)


def _number(value: float) -> Iterator[str]:
    yield f"{value:g}" if value != int(value) else str(int(value))
    yield str(round(value))


def _when(value: date | time) -> Iterator[str]:
    if isinstance(value, datetime | time):
        yield str(value.hour * 60 + value.minute)
    if isinstance(value, date):
        day = value.date() if isinstance(value, datetime) else value
        yield from (day.isoformat(), f"--{day:%m-%d}", f"{day:%Y-%m}", f"--{day:%m}", f"{day:%Y}")
        yield str(day.day)


# Matching


def holds(text: str, wanted: str) -> bool:
    """Whether a text states what is wanted; see the module's docstring for what is equal."""
    if (values := _figures_alone(wanted)) and values <= figures(_apart(text)):
        return True
    needle, hay = _comparable(wanted), _comparable(text)
    before = r"(?<!\d)(?<!\d[.:])" if needle[:1].isdigit() else ""
    after = r"(?!\d|[.:]\d)" if needle[-1:].isdigit() else ""
    if re.match(r"[a-z]", needle) and len(needle) <= _SHORT_WORD:
        before, after = r"(?<![a-z])", r"(?![a-z])"
        hay = _comparable(text, spaces=True)
    return re.search(before + re.escape(needle) + after, hay) is not None


_SHORT_WORD = 4  # "no", "free", "none": a word by itself, not part of another


def _comparable(text: str, *, spaces: bool = False) -> str:
    folded = without_ruby(clean(text)).casefold()
    folded = _DASHES.sub("-", _THOUSANDS.sub("", folded))
    return folded if spaces else folded.replace(" ", "")


def _apart(text: str) -> str:
    """Part a label from its value: in 標高:180〜420m the colon is no part of the figure."""
    return _LABEL.sub(": ", text)


_LABEL = re.compile(r"[:：](?!//)(?!\d\d)|：")


def _figures_alone(wanted: str) -> frozenset[Figure]:
    """Return the figures of a text that says nothing else."""
    rest = _THOUSANDS.sub("", clean(wanted))
    found = list(read(rest))
    for _, written in found:
        rest = rest.replace(clean(written), "", 1)
    return frozenset(figure for figure, _ in found) if not _BESIDE_FIGURES.sub("", rest) else _NONE


_NONE: frozenset[Figure] = frozenset()


def in_language(text: str, language: Language) -> bool:
    """Whether a text is written, for the greater part, in the reader's language and script.

    Names in their Japanese form stand beside the reader's, so a part may always be Japanese.
    """
    han = [each for each in text if is_han(each)]
    kana = sum(map(is_kana, text))
    hangul = sum("가" <= each <= "힣" for each in text)
    latin = sum(each.isascii() and each.isalpha() for each in text)
    letters = len(han) + kana + hangul + latin
    if not letters:
        return True
    match language:
        case Language.EN:
            return latin >= _LEAST_OWN * letters
        case Language.KO:
            return hangul >= _LEAST_OWN * (letters - latin)
        case Language.JA | Language.JA_EASY:
            return kana > 0 and hangul <= letters * _MOST_KANA
        case _:
            own = detect("".join(han), language) is language
            return bool(han) and own and kana <= _MOST_KANA * (len(han) + kana)
