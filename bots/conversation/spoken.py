"""Answers as they are said aloud: shorter than as written, and without what only eyes can use.

At most three rows or two sentences, as many as fit in fifteen seconds; the source once, with its
date; no address. Readings that stand in brackets, and Japanese names beside those of the reader's
language, are left out: they would be said twice. What is kept back is on the screen, and that is
said. How figures, times and names are pronounced is the voice's own matter (`knowledge.voice`).
"""

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Final

from bots import texts
from bots.conversation import computed
from bots.conversation.quoting import Quoting
from core.town import TownPack
from knowledge.answer import REFUSALS, Answer, AnswerKind
from knowledge.computed import Computed
from knowledge.extract import Extract
from knowledge.language import Language
from knowledge.passage import Kind, Passage, Status
from knowledge.travel.plan import Plan, StepKind
from knowledge.voice.spoken.clauses import SOUNDS_A_SECOND, sounds
from knowledge.voice.spoken.japanese import without_readings

ROWS: Final = 3
SENTENCES: Final = 2
LONGEST: Final = {
    **dict.fromkeys(Language, 130),
    Language.EN: 260,
    Language.KO: 160,
}
"""Characters of prose: some fifteen seconds of speech."""

SECONDS: Final = 15.0
"""That an answer takes to say before its source, unless one fact of it is longer."""
_PAUSE: Final = 0.4  # seconds after a sentence

_ADDRESS: Final = re.compile(r"[(（]?(?:https?://|www\.)[^\s()（）。、]+[)）]?")
_READING: Final = re.compile(
    r"(?<=[㐀-鿿々〆ヶァ-ヺー])(?<!\d[円時])[(（][ぁ-ゖー\s]+[)）]"  # not 500円(おとな)
)
_BRACKETED: Final = re.compile(r"\s*[(（]([^()（）]*[ぁ-ヿ㐀-鿿][^()（）]*)[)）]")
_ASIDE: Final = re.compile(r"[【\[][^】\]]*[】\]]")
_PHRASES: Final = re.compile(r"(?<=[^\x00-\x7f])[ \u3000]+(?=\S)|(?<=\S)[ \u3000]+(?=[^\x00-\x7f])")
_SENTENCE: Final = re.compile(r"[^。！？!?\n]+?(?:[。！？!?]+[」』）)”]*|\.(?=\s|$)|(?=\n|$))")
_UNCONFIRMED: Final = re.compile(
    r"\s*[(（](?:要確認|確認してください|to be confirmed|待確認|待确认|확인 필요)[)）]"
)
_TITLE: Final = re.compile(r"^[^。;；,，]+")
_BULLET: Final = re.compile(r"^[・•\-*]\s*")
_KOREAN_SENTENCE: Final = re.compile(r"[다요][.]?$")
_TIME_AGAIN: Final = re.compile(r"(?<=[時分])[(（]\d{1,2}:\d{2}[)）]")


class Spoken:
    """What one town's mascot says, in the listener's language."""

    def __init__(self, town: TownPack, quoting: Quoting) -> None:
        self._town = town
        self._quoting = quoting

    def of(self, answer: Answer, language: str) -> str:
        """An answer as it is said; for every kind of answer there is something to say."""
        sentences = (said_plainly(each, language) for each in self._sentences(answer, language))
        between = "" if Language(language).japanese or Language(language).chinese else " "
        return between.join(each for each in sentences if each)

    def _sentences(self, answer: Answer, language: str) -> Iterator[str]:
        persona = self._town.persona
        match answer.kind:
            case AnswerKind.ANSWERED:
                yield from self._answered(answer, language)
            case AnswerKind.CLARIFY:
                yield self._which(answer.options, language)
            case AnswerKind.EMERGENCY:
                kind = answer.emergency.value.replace("_", "-") if answer.emergency else "both"
                yield texts.say(f"chat.emergency.{kind}", language)
            case AnswerKind.GREETING:
                yield persona.greeting.get(language)
            case AnswerKind.FAREWELL:
                yield persona.closing.get(language)
            case AnswerKind.UNKNOWN:
                yield persona.unknown.get(language)
            case AnswerKind.HARMFUL:
                yield _first(texts.say("asking.harmful", language))
            case kind:
                words = texts.say(f"chat.answer.{kind.value.replace('_', '-')}", language)
                yield _first(words) if answer.kind in REFUSALS else words
        if answer.kind in REFUSALS:
            yield self._desk(language)

    def _answered(self, answer: Answer, language: str) -> Iterator[str]:
        opening = self._town.persona.opening.get(language)
        passage = answer.extracts[0].passage if answer.extracts else None
        source = self._source(passage, language) if passage else ""
        left = SECONDS - seconds(opening, language)
        yield opening
        if answer.written is not None:
            kept, cut = _shortened(answer.written, language, left)
            yield from kept
            if cut:
                yield _say("spoken.more", language)
        elif answer.computed is not None:
            yield from self._computed(answer.computed, language, left)
        else:
            yield from self._extracts(answer.extracts, language, left)
        yield source

    def _computed(self, result: Computed, language: str, left: float) -> Iterator[str]:
        if isinstance(result, Plan):
            visits = [each for each in result.steps if each.kind is StepKind.VISIT]
            names = [each.local or each.name for each in visits[: 2 * ROWS]]
            yield _say("spoken.plan", language, names=_listed(names, language))
            return
        lines = [each for each in computed.word(result, language).splitlines() if each.strip()]
        said = [each for each in lines if not _BULLET.match(each)] or lines
        closed = [_closed(_BULLET.sub("", each), language) for each in said[:ROWS]]
        kept = list(_fitting(closed, language, left, least=2))
        yield from kept
        if len(kept) < len(lines):
            yield _say("spoken.more", language)

    # Extracts

    def _extracts(self, extracts: Sequence[Extract], language: str, left: float) -> Iterator[str]:
        reader = Language(language)
        facts = [each.passage for each in extracts if each.passage.kind is Kind.FACT]
        known = [(each, row) for each in facts if (row := self._quoting.row_aloud(each, reader))]
        rows = [row for _, row in known]
        prose = [each for each in extracts if each.passage.kind is Kind.PROSE]
        readable = [each.text for each in prose if _reads(each.passage, reader)]
        if not rows and not readable:
            yield _say("spoken.original-only", language)
            return
        told = [self._row(*each, language) for each in _without_subject(rows[:ROWS], reader)]
        kept, cautions = self._with_cautions([each for each, _ in known], told, language, left)
        left -= sum(seconds(each, language) for each in cautions)
        yield from kept
        more = len(rows) > len(kept) or len(rows) < len(facts)
        if readable and (not kept or len(rows) < ROWS):
            left -= sum(seconds(each, language) for each in kept)
            sentences, cut = _shortened("\n".join(readable), language, left, told=bool(kept))
            yield from sentences
            more = more or cut
        yield from cautions
        if more:
            yield _say("spoken.more", language)

    def _row(self, item: str, value: str, language: str) -> str:
        closed = language == Language.KO and _KOREAN_SENTENCE.search(value) is not None
        key = "fact-sentence" if closed else "fact"
        return _say(f"spoken.{key}", language, item=item, value=value.rstrip("。."))

    def _with_cautions(
        self, facts: Sequence[Passage], told: Sequence[str], language: str, left: float
    ) -> tuple[list[str], list[str]]:
        """The first rows for which there is time, with the cautions they need and no others."""
        kept: list[str] = []
        cautions: list[str] = []
        for number in range(len(told), 0, -1):
            said = facts[:number]
            kept, cautions = list(told[:number]), list(self._cautions(said, language))
            if any(each.status is Status.UNCONFIRMED for each in said):
                kept = [_UNCONFIRMED.sub("", each) for each in kept]  # is said once, of them all
            if sum(seconds(each, language) for each in (*kept, *cautions)) <= left:
                break
        return kept, cautions

    def _cautions(self, facts: Sequence[Passage], language: str) -> Iterator[str]:
        statuses = {each.status for each in facts}
        for status in (Status.OLD, Status.UNCONFIRMED):
            if status in statuses:
                yield _say(f"spoken.{status.value}", language)
        if any(each.contradiction and len(each.contradiction.found) > 1 for each in facts):
            yield _say("spoken.contradiction", language)

    def _source(self, passage: Passage, language: str) -> str:
        title = said_plainly(passage.source_title or passage.title, language)
        shorter = _TITLE.search(title)
        title = shorter[0].strip() if shorter else title
        if not passage.as_of:
            return _say("spoken.source-undated", language, title=title)
        year, *rest = passage.as_of.split("-")
        month, day = (*(str(int(each)) for each in rest), "", "")[:2]
        name = texts.say(f"computed.month.{month}", language) if month else ""
        key = ("year", "month", "day")[len(rest)]
        date = _say(f"date.{key}", language, year=year, month=name, day=day)
        return _say("spoken.source", language, title=title, date=date)

    # Others

    def _which(self, options: Sequence[str], language: str) -> str:
        names = [self._quoting.name(each, language) for each in options]
        if not names:
            return texts.say("asking.which", language)
        key = "which" if len(names) <= ROWS else "which-more"
        return _say(f"spoken.{key}", language, names=_listed(names[:ROWS], language))

    def _desk(self, language: str) -> str:
        contact = self._town.contacts[0]
        desk = contact.title.get(language)
        if contact.phone is None:
            return _say("spoken.desk", language, desk=desk)
        return _say("spoken.desk-phone", language, desk=desk, phone=contact.phone)


def said_plainly(text: str, language: str, *, phrases: bool = True) -> str:
    """A text without addresses, and without what stands in brackets only for who reads.

    `phrases`: take out the spaces of easy Japanese, too.
    """
    reader = Language(language)
    text = _ASIDE.sub("", _ADDRESS.sub("", text))
    if reader.japanese:
        text = _TIME_AGAIN.sub("", _READING.sub("", without_readings(text)))
        return (_PHRASES.sub("", text) if phrases and reader is Language.JA_EASY else text).strip()
    if reader.chinese:
        return _BRACKETED.sub(_unless_same, text).strip()
    return _BRACKETED.sub("", text).strip()


def _unless_same(found: re.Match[str]) -> str:
    """黑谷口(黒谷口): the Japanese name beside its own Chinese form is not said again."""
    inside = found[1]
    before = found.string[: found.start()][-len(inside) :]
    same = sum(a == b for a, b in zip(before, inside, strict=False))
    return "" if len(before) == len(inside) and 2 * same >= len(inside) else found[0]


def _without_subject(
    rows: Sequence[tuple[str, str]], reader: Language
) -> Iterator[tuple[str, str]]:
    """What all rows are about is said with the first one only."""
    items = [said_plainly(item, reader, phrases=False) for item, _ in rows]
    cut = _subject(items, reader)
    asked = _asked(items) if reader.japanese else ""
    for number, (item, (_, value)) in enumerate(zip(items, rows, strict=True)):
        shown = item[cut:].removesuffix(asked) if number else item
        if reader.japanese:  # a name and what is asked of it, as two breaths
            shown = said_plainly(shown.replace(" ", "、", 1), reader)
        elif reader is Language.EN:
            shown = shown[:1].upper() + shown[1:]
        yield shown, said_plainly(value, reader)


def _subject(items: Sequence[str], reader: Language) -> int:
    """How many characters name what every one of several rows is about."""
    columns = takewhile(lambda each: len(set(each)) == 1, zip(*items, strict=False))
    shared = "".join(each[0] for each in columns) if len(items) > 1 else ""
    if reader is Language.EN:
        return shared.rfind(": ") + 2 if ": " in shared else 0
    if " " in shared:
        return shared.index(" ") + 1
    ends = (at for at, each in enumerate(shared, 1) if each == "の" and _balanced(shared[:at]))
    return next(ends, 0) if reader.japanese else 0


def _asked(items: Sequence[str]) -> str:
    """What is asked of every one of several things: の入洞料 of 大人の入洞料 and 小学生の入洞料."""
    columns = zip(*(reversed(each) for each in items), strict=False)
    shared = "".join(each[0] for each in takewhile(lambda each: len(set(each)) == 1, columns))[::-1]
    at = shared.find("の")
    told = shared[at:] if len(items) > 1 and at >= 0 and _balanced(shared[at:]) else ""
    return told if all(len(each) > len(told) + 1 for each in items) else ""


def _balanced(text: str) -> bool:
    """Whether a cut after a text lies in no bracket."""
    return len(re.findall("[(（]", text)) == len(re.findall("[)）]", text))


def seconds(text: str, language: str) -> float:
    """Estimate how long a sentence takes to say, with the pause after it."""
    return sounds(text, Language(language)) / SOUNDS_A_SECOND + _PAUSE if text else 0.0


def _fitting(
    sentences: Sequence[str], language: str, left: float, *, least: int = 1
) -> Iterator[str]:
    """The first sentences, and those after them for which there is time."""
    for number, each in enumerate(sentences):
        left -= seconds(each, language)
        if number >= least and left < 0:
            return
        yield each


def _shortened(
    text: str, language: str, time: float, *, told: bool = False
) -> tuple[list[str], bool]:
    """The first sentences, as many as somebody listens to; and whether there are more.

    `told`: something was said already, so that there need not be a first one.
    """
    found = [each for match in _SENTENCE.finditer(text) if (each := match[0].strip())]
    said: list[str] = []
    left = LONGEST[Language(language)]
    for each in found[:SENTENCES]:
        plain = said_plainly(_BULLET.sub("", each), language)
        time -= seconds(plain, language)
        if (said or told) and (len(plain) > left or time < 0):
            break
        left -= len(plain)
        said.append(_closed(plain, language))
    return said, len(said) < len(found)


def _closed(sentence: str, language: str) -> str:
    """A line as a sentence."""
    if re.search(r"[。！？.!?][」』）)”]*$", sentence):
        return sentence
    reader = Language(language)
    return sentence + ("。" if reader.japanese or reader.chinese else ".")


def _first(text: str) -> str:
    found = _SENTENCE.search(text)
    return found[0].strip() if found else text


def _reads(passage: Passage, reader: Language) -> bool:
    own = passage.language
    same = own is reader or (own.chinese and reader.chinese)
    return same or (own.japanese and reader.japanese)


def _listed(names: Sequence[str], language: str) -> str:
    return _say("spoken.listed", language).join(names)


def _say(key: str, language: str, **values: object) -> str:
    return texts.say(f"voice.{key}", language, **values)
