"""Recovery: a town's names put back into what was heard, by their exact reading.

A recogniser that has never seen 景清洞 writes what it heard with other characters: 加劇予動. Each
of them has readings in the dictionary; where one row of readings is exactly that of a name, the
name was said. Of similar sounds only one that differs is forgiven, in a name of five or more, with
what was heard offered beside it: 秋芳洞 and 秋吉台 are two sounds apart, and a visitor who asks for
one must not hear of the other.

Readings are the same whatever the length of their vowels, which neither speakers nor spellings keep
apart (オオ, オウ, オー), and between ヂ and ジ, ヅ and ズ.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from knowledge.kana import fold_reading
from knowledge.text import hiragana_to_katakana, is_han, is_kana
from knowledge.voice.names import SpokenName
from knowledge.words import Words

SHORTEST: Final = 4
"""Sounds of a name that may be put back without asking; ナガト is half the words of a language."""
SHORTEST_ASKED: Final = 3
LONG: Final = 5
"""Sounds of a name that may be put back although one of them was misheard."""
LONGEST: Final = 500
"""Characters of a transcript."""
ALTERNATIVES: Final = 2

_WORD: Final = 6  # characters of the longest dictionary word that is looked up within a name
_LENGTH: Final = re.compile(
    "(?<=[アカサタナハマヤラワガザダバパャ])ア|(?<=[イキシチニヒミリギジビピ])イ"
    "|(?<=[ウクスツヌフムユルグズブプュ])ウ|(?<=[エケセテネヘメレゲゼデベペ])[エイ]"
    "|(?<=[オコソトノホモヨロゴゾドボポョ])[オウ]|ー"
)
_SOUND: Final = re.compile("[ァ-ヺ][ァィゥェォャュョヮ]?")
_UNSAID: Final = re.compile(r"[、。,.・「」『』?!？！\s]+")
_SILENT: Final = frozenset("、。,. ・「」『』()-‐")


@dataclass(frozen=True, slots=True)
class Recovered:
    """A transcript with the town's spelling of its names."""

    text: str
    names: tuple[str, ...] = ()  # that it holds, in order
    alternatives: tuple[str, ...] = ()  # the same with other names of the same reading


@dataclass(frozen=True, slots=True)
class _Match:
    start: int
    end: int
    surfaces: tuple[str, ...]
    sounds: int
    certain: bool
    spelled: bool = False  # as the town does


class Recovery:
    """The names of one town, and words that its visitors use, by reading.

    `words` are those that guides write in one way (入洞料, 駐車場); they are put back only where
    what was heard is no word of its own.
    """

    def __init__(
        self, names: Sequence[SpokenName], words: Iterable[str] = (), *, reader: Words | None = None
    ) -> None:
        self._reader = reader or Words()
        self._names = frozenset(each.surface for each in names)
        self._known = {each.surface: hiragana_to_katakana(each.reading) for each in names}
        read = {each: self._read(each) for each in words if any(map(is_han, each))}
        read |= self._known
        self._targets: dict[str, tuple[str, ...]] = {}
        self._spelled: dict[str, list[tuple[str, str]]] = {}
        for surface in (*(each.surface for each in names), *read):
            folded = fold(read[surface])
            known = self._targets.get(folded, ())
            least = SHORTEST_ASKED if surface in self._names else SHORTEST
            if len(folded) >= least and surface not in known:
                self._targets[folded] = (*known, surface)
                self._spelled.setdefault(surface[0], []).append((surface, read[surface]))
        self._long: dict[int, list[tuple[tuple[str, ...], tuple[str, ...]]]] = {}
        for folded, surfaces in self._targets.items():
            sounds = tuple(_SOUND.findall(folded))
            if len(sounds) >= LONG and surfaces[0] in self._names:
                self._long.setdefault(len(sounds), []).append((sounds, surfaces))
        self._longest = max(self._long, default=0)
        self._begun = frozenset(
            each[:size] for each in self._targets for size in range(len(each) + 1)
        )

    def recover(self, text: str) -> Recovered:
        """Put the names back into a Japanese transcript."""
        if len(text) > LONGEST:
            return Recovered(text)
        matches = self._matches(text)
        chosen = [(each, each.surfaces[0]) for each in matches if each.certain]
        whole = _replaced(text, chosen)
        names = tuple(surface for _, surface in chosen if surface in self._names)
        others = (
            _replaced(text, [*(pair for pair in chosen if pair[0] != match), (match, surface)])
            for match in matches
            for surface in (match.surfaces[1:] if match.certain else match.surfaces)
            if surface in self._names
        )
        different = dict.fromkeys(each for each in others if each != whole)
        return Recovered(whole, names, tuple(different)[:ALTERNATIVES])

    def mend(self, heard: Recovered) -> Recovered:
        """Put back names of which one sound is misheard: ナガノボリドウチャン is 長登銅山.

        Only where no other name is as near, for names of `LONG` sounds, where whole words make up
        the place and do not hold another name; what was heard is then an alternative.
        """
        text = heard.text
        if len(text) > LONGEST:
            return heard
        chosen = [(each, each.surfaces[0]) for each in self._nearly(text)]
        if not chosen:
            return heard
        mended = _replaced(text, chosen)
        names = (*heard.names, *(surface for _, surface in chosen))
        others = (text, *(each for each in heard.alternatives if each != mended))
        return Recovered(mended, names, others[:ALTERNATIVES])

    def reading(self, text: str) -> str:
        """Return how a text sounds, by the town's readings; punctuation has no sound."""
        return fold(self._reader.reading(_UNSAID.sub("", text), self._known))

    def _read(self, word: str) -> str:
        return "".join(reading for _, reading, _ in self._reader.readings(word))

    def _matches(self, text: str) -> list[_Match]:
        """Return the names that are read in a text, longest first and none within another."""
        words = [(begin, begin + len(surface)) for surface, _, begin in self._reader.readings(text)]
        spelled = self._occurrences(text)
        borders = {place for span in (*words, *spelled) for place in span} | {
            place
            for place in range(1, len(text))
            if is_han(text[place - 1]) and is_han(text[place])
        }
        lattice = _Lattice(text, self._reader, self._begun, spelled)
        found = [
            self._match(text, start, end, folded, frozenset(words))
            for start in sorted(borders)
            for end, folded in lattice.ends(start)
            if folded in self._targets and end in borders
        ]
        taken: list[_Match] = []
        for each in sorted(found, key=lambda it: (-it.sounds, not it.spelled, it.start - it.end)):
            if all(each.end <= other.start or other.end <= each.start for other in taken):
                taken.append(each)
        return sorted(taken, key=lambda each: each.start)

    def _nearly(self, text: str) -> list[_Match]:
        known = [
            (each.start, each.end)
            for each in self._matches(text)
            if each.certain and self._names.intersection(each.surfaces)
        ]
        found = sorted(self._places(text), key=lambda each: (-each.sounds, each.start))
        taken: list[_Match] = []
        for each in found:
            inside = [span for span in known if each.start < span[1] and span[0] < each.end]
            apart = len(inside) < 2 and all(  # noqa: PLR2004 - 秋芳洞や秋吉台 are two places
                each.start <= start and end <= each.end and end - start < each.end - each.start
                for start, end in inside
            )
            rivals = (
                other for other in found if _meet(each, other) and other.sounds == each.sounds
            )
            alone = all(other.surfaces == each.surfaces for other in rivals)
            if apart and alone and not any(_meet(each, other) for other in taken):
                taken.append(each)
        return taken

    def _places(self, text: str) -> Iterator[_Match]:
        """Yield where some words together sound like a name but for one sound.

        Neither the first nor the last of them is a particle: 月山の is no 月山湖.
        """
        words = list(self._words(text))
        for first, (begun, _, start) in enumerate(words):
            read = ""
            for count, (surface, reading, begin) in enumerate(words[first:], 1):
                if surface in _SILENT or surface.isspace() or len(read) > 2 * self._longest:
                    break
                read += hiragana_to_katakana(surface) if all(map(is_kana, surface)) else reading
                own_word = count == 1 and any(map(is_han, surface))
                if own_word or _is_particle(begun) or _is_particle(surface):
                    continue
                end = begin + len(surface)
                for surfaces, sounds in self._like(fold(read)):
                    yield _Match(start, end, surfaces, sounds, certain=True)

    def _words(self, text: str) -> Iterator[tuple[str, str, int]]:
        """Yield words with their readings and places; names are words of their own."""
        place = 0
        for (start, end), reading in sorted(
            self._occurrences(text).items(), key=lambda each: (each[0][0], -each[0][1])
        ):
            if start >= place:
                for surface, read, begin in self._reader.readings(text[place:start]):
                    yield surface, read, place + begin
                yield text[start:end], reading, start
                place = end
        for surface, read, begin in self._reader.readings(text[place:]):
            yield surface, read, place + begin

    def _like(self, folded: str) -> Iterator[tuple[tuple[str, ...], int]]:
        """Yield the long names of which one sound is another here, and how many they have."""
        sounds = tuple(_SOUND.findall(folded))
        for name, surfaces in self._long.get(len(sounds), ()):
            if sum(one != other for one, other in zip(sounds, name, strict=True)) == 1:
                yield surfaces, len(sounds)

    def _occurrences(self, text: str) -> dict[tuple[int, int], str]:
        """Return where a text already spells a name as the town does, with its reading."""
        return {
            (place, place + len(surface)): reading
            for place, character in enumerate(text)
            for surface, reading in self._spelled.get(character, ())
            if text.startswith(surface, place)
        }

    def _match(
        self, text: str, start: int, end: int, folded: str, words: frozenset[tuple[int, int]]
    ) -> _Match:
        heard = text[start:end]
        surfaces = self._targets[folded]
        if heard in surfaces:
            others = tuple(each for each in surfaces if each != heard)
            return _Match(start, end, (heard, *others), len(folded), certain=True, spelled=True)
        own_word = (start, end) in words and any(map(is_han, heard))
        certain = len(folded) >= SHORTEST and not own_word
        return _Match(start, end, surfaces, len(folded), certain)


class _Lattice:
    """All that the characters of a text can be read as, as far as a name may begin so."""

    def __init__(
        self,
        text: str,
        reader: Words,
        begun: frozenset[str],
        spelled: Mapping[tuple[int, int], str],
    ) -> None:
        self._text = text
        self._spelled = spelled
        self._reader = reader
        self._begun = begun
        self._steps: dict[int, tuple[tuple[int, str], ...]] = {}

    def ends(self, start: int) -> Iterator[tuple[int, str]]:
        """Yield where a reading from `start` may end, with the reading, folded."""
        if start == len(self._text) or self._text[start] in _SILENT:
            return
        paths = {(start, "")}
        seen: set[tuple[int, str]] = set()
        while paths:
            place, read = paths.pop()
            for end, piece in self._from(place):
                longer = (end, read + piece)
                if longer not in seen and fold(longer[1]) in self._begun:
                    seen.add(longer)
                    paths.add(longer)
                    if piece:
                        yield end, fold(longer[1])

    def _from(self, place: int) -> tuple[tuple[int, str], ...]:
        if place not in self._steps:
            self._steps[place] = tuple(dict.fromkeys(self._read(place)))
        return self._steps[place]

    def _read(self, place: int) -> Iterator[tuple[int, str]]:
        if place == len(self._text):
            return
        for (start, end), reading in self._spelled.items():
            if start == place:
                yield end, reading
        character = self._text[place]
        if character in _SILENT:
            yield place + 1, ""
        elif is_kana(character):
            yield place + 1, hiragana_to_katakana(character)
        elif is_han(character):
            for end in range(place + 1, min(place + _WORD, len(self._text)) + 1):
                for reading in self._reader.all_readings(self._text[place:end]):
                    if all(map(is_kana, reading)):
                        yield end, reading


def fold(katakana: str) -> str:
    """Drop what one reading may differ in: the length of vowels, and ヂ, ヅ, ヲ."""
    return _LENGTH.sub("", fold_reading(katakana))


def _is_particle(word: str) -> bool:
    return len(word) == 1 and "ぁ" <= word <= "ん"


def _meet(one: _Match, other: _Match) -> bool:
    return one.start < other.end and other.start < one.end


def _replaced(text: str, matches: Iterable[tuple[_Match, str]]) -> str:
    for match, surface in sorted(matches, key=lambda pair: -pair[0].start):
        text = text[: match.start] + surface + text[match.end :]
    return text
