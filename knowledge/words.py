"""Words: the terms and the reading of a text, by Sudachi's dictionary.

Retrieval compares *terms*: normalised forms of content words, split finely (mode A). For questions
typed in kana or romaji it compares *readings*: all of あきよしどう, ｱｷﾖｼﾄﾞｳ and akiyoshido read
アキヨシド once long vowels, which Hepburn romaji leaves out, are dropped.
"""

import re
import threading
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from sudachipy import Dictionary, Morpheme, SplitMode  # type: ignore[import-untyped]

from knowledge.hanzi import in_japanese_forms
from knowledge.kana import fold_reading, romaji_to_kana
from knowledge.language import Language
from knowledge.text import clean, hiragana_to_katakana, is_kana

_CONTENT = frozenset({"名詞", "動詞", "形容詞", "形状詞", "接尾辞", "接頭辞", "副詞"})
_FUNCTION = frozenset({"数詞", "助数詞", "非自立可能", "助動詞語幹"})


@cache
def _stop(language: str) -> frozenset[str]:
    """Return the stop words of a language, from ``stopwords.toml``."""
    lists = tomllib.loads(files("knowledge").joinpath("stopwords.toml").read_text("utf-8"))
    return frozenset(lists[language].split())


_LATIN = re.compile(r"[a-z0-9][a-z0-9']*")
_RUN = re.compile(r"[a-z0-9][a-z0-9']*|[가-힣]+|[一-鿿㐀-䶿々]+")


@dataclass(frozen=True, slots=True)
class Word:
    """One morpheme as the answerer needs it."""

    surface: str
    term: str  # normalised form
    part_of_speech: tuple[str, ...]
    begin: int
    end: int

    @property
    def content(self) -> bool:
        """Whether the word carries meaning on its own."""
        kind, detail = self.part_of_speech[0], self.part_of_speech[1]
        return kind in _CONTENT and detail not in _FUNCTION and self.term not in _stop("ja")

    @property
    def noun(self) -> bool:
        """Whether it names a thing (number words and bound nouns do not)."""
        return self.content and self.part_of_speech[0] == "名詞"

    @property
    def proper(self) -> bool:
        """Whether it is a name."""
        return self.part_of_speech[1] == "固有名詞"


@cache
def _dictionary() -> Dictionary:
    """All share one: it takes a tenth of a second to open."""
    return Dictionary()


class Words:
    """One dictionary, safe to use from several threads."""

    def __init__(self) -> None:
        # A Sudachi tokenizer refuses a second caller while it works, so each thread has its own.
        self._dictionary = _dictionary()
        self._local = threading.local()

    def morphemes(self, text: str, *, long: bool = False) -> tuple[Word, ...]:
        """Split a text finely (mode A), or into names as people know them (`long`, mode C)."""
        return tuple(
            Word(
                each.surface(),
                each.normalized_form().casefold(),
                each.part_of_speech(),
                each.begin(),
                each.end(),
            )
            for each in self._tokenize(text, SplitMode.C if long else SplitMode.A)
        )

    def terms(self, text: str, language: Language) -> list[str]:
        """Return the content terms of a text, repeated as often as they occur."""
        shown = clean(text).casefold()
        if language.chinese:
            japanese = in_japanese_forms(shown)
            return [*_runs(shown), *self._japanese(japanese)]
        if language is Language.KO:
            return [*_runs(shown)]
        if language is Language.EN:
            return [*_latin(shown), *self._japanese(_LATIN.sub(" ", shown))]
        return self._japanese(shown)

    def _japanese(self, text: str) -> list[str]:
        terms = []
        for word in self.morphemes(text):
            if word.content and any(each.isalnum() for each in word.term):
                latin = word.term.isascii()
                if latin and word.term in _stop("en"):
                    continue
                terms.append(stem(word.term) if latin else word.term)
        return terms

    @staticmethod
    def pairs(run: str) -> list[str]:
        """Return the index terms of one run of hangul or Han characters."""
        return list(_runs(run))

    def reading(self, text: str, names: Mapping[str, str]) -> str:
        """Return the folded katakana reading of a text, without spaces or punctuation.

        `names` gives the reading of local names, which dictionaries often get wrong
        (秋芳洞 is read シュウホウドウ by rule, アキヨシドウ by those who live there).
        """
        shown = clean(text)
        for name, kana in names.items():
            shown = shown.replace(name, f" {kana} ")
        return fold_reading("".join(self._kana(shown)))

    def readings(self, text: str) -> tuple[tuple[str, str, int], ...]:
        """Return each word of a text as written, its katakana reading, and where it begins."""
        return tuple(
            (each.surface(), each.reading_form(), each.begin())
            for each in self._tokenize(text, SplitMode.C)
        )

    def all_readings(self, surface: str) -> frozenset[str]:
        """Return every katakana reading that the dictionary has of exactly these characters."""
        return frozenset(each.reading_form() for each in self._dictionary.lookup(surface))

    def _kana(self, text: str) -> Iterator[str]:
        for each in self._tokenize(text, SplitMode.A):
            surface = each.surface().casefold()
            if all(is_kana(character) for character in surface):
                yield hiragana_to_katakana(surface)
            elif surface.isascii():
                yield romaji_to_kana(surface) or (surface if surface.isalnum() else "")
            elif any(character.isalnum() for character in surface):
                yield each.reading_form()

    def _tokenize(self, text: str, mode: SplitMode) -> Iterable[Morpheme]:
        tokenizer = getattr(self._local, "tokenizer", None)
        if tokenizer is None:
            tokenizer = self._local.tokenizer = self._dictionary.tokenizer()
        # The tokenizer takes at most 49,149 bytes at once.
        return (
            each
            for start in range(0, len(text), 10_000)
            for each in tokenizer.tokenize(text[start : start + 10_000], mode)
        )


def grams(reading: str) -> list[str]:
    """Return the two- and three-character pieces of a reading."""
    return [
        reading[start : start + size] for size in (2, 3) for start in range(len(reading) - size + 1)
    ]


def stem(word: str) -> str:
    """Take the commonest English endings off, so that fees and fee, parking and park meet."""
    for ending, rest in (("'s", ""), ("ies", "y"), ("sses", "ss"), ("ing", ""), ("s", "")):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):  # noqa: PLR2004
            return word[: -len(ending)] + rest
    return word


def _latin(text: str) -> Iterator[str]:
    return (stem(word) for word in _LATIN.findall(text) if word not in _stop("en"))


def _runs(text: str) -> Iterator[str]:
    """Yield Latin words, and the character pairs of hangul and Han runs."""
    for run in _RUN.findall(text):
        if run[0].isascii():
            yield from _latin(run)
        elif len(run) == 1:
            yield run
        elif run not in _stop("ko"):
            yield from (run[start : start + 2] for start in range(len(run) - 1))
