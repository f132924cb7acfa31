"""How Mandarin words are read: pinyin with the tones that are spoken.

jieba's words (rjieba) tell 长大 from 长 700 米 and 重要 from 重新, pypinyin's phrases read them;
what both leave open stands in `readings.toml`.
"""

import importlib.resources
import re
import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Final

from knowledge.voice.extras import VOICE_PLUS, missing
from knowledge.voice.speaking.mandarin.sandhi import Word, spoken_tones

_COUNT: Final = re.compile("[一二两三四五六七八九十几百千万多数每]+只")
_MANNERS: Final = frozenset({"a", "ad", "b", "d", "i", "l", "z"})
"""jieba's parts of speech of what 地 makes an adverb of."""
_FIRST: Final = frozenset({"先", "再", "提前", "另"})
"""What stands before a verb that has to be done."""
_OFTEN: Final = 10_000  # how often a name is met, as jieba's dictionary counts


class Readings:
    """Reads Mandarin in simplified characters, figures already in words."""

    def __init__(self, names: Sequence[str] = ()) -> None:
        """Load the dictionaries: 0.6 s. `names` are words of their own. Raises `VoiceMissing`."""
        _teach_pypinyin()
        try:
            import rjieba
        except ImportError as error:
            raise missing("rjieba", VOICE_PLUS) from error
        table = _table()
        self._alone: dict[str, str] = table["alone"]
        self._light = frozenset(table["light"]["words"])
        self._people = frozenset(table["people"]["words"])
        self._jieba = rjieba.Jieba()
        for each in names:
            self._jieba.add_word(each, _OFTEN, "ns")

    def read(self, phrase: str) -> list[Word]:
        """Return the words of a run of characters without pauses, with the tones they are said in.

        A character that nobody can read is left out.
        """
        words = [Word(text, syllables) for text, syllables in self._words(phrase) if syllables]
        return spoken_tones(words, self._known)

    def _known(self, word: str) -> bool:
        return self._jieba.has_word(word)

    def _words(self, phrase: str) -> Iterator[tuple[str, list[str]]]:
        words: list[tuple[str, str]] = self._jieba.tag(phrase, hmm=False)
        around = [("", ""), *words, ("", "")]
        for (_, before), (word, _), after in zip(around, words, around[2:], strict=False):
            said = _pinyin(word)
            if word == "地" and before in _MANNERS and after[0]:
                said = ["de5"]  # 慢慢地走; not 温泉地
            elif word == "为" and (after[1] == "r" or after[0] in self._people):
                said = ["wei4"]  # 为您介绍; not 票价为1300日元
            elif word == "得" and self._obliges(before, after):
                said = ["dei3"]  # 您得买票; not 走得快
            elif word in self._alone:
                said = [self._alone[word]]
            elif _COUNT.fullmatch(word):
                said[-1] = "zhi1"
            elif word in self._light:
                said[-1] = said[-1][:-1] + "5"
            yield word, said

    def _obliges(self, before: str, after: tuple[str, str]) -> bool:
        """Whether 得 is to have to: after who has to, and before what is to be done."""
        word, kind = after
        if before[:1] in {"v", "a"} or before in {"i", "l"} or not word:
            return False
        begins = self._jieba.tag(word[0], hmm=False)[0][1] if kind == "n" else kind
        return begins[:1] in {"v", "p"} or word in _FIRST


def _pinyin(word: str) -> list[str]:
    from pypinyin import Style, lazy_pinyin

    return lazy_pinyin(
        word, style=Style.TONE3, neutral_tone_with_five=True, errors="ignore", v_to_u=True
    )


@cache
def _table() -> dict[str, Any]:
    file = importlib.resources.files(__package__) / "readings.toml"
    return tomllib.loads(file.read_text("utf-8"))


@cache
def _teach_pypinyin() -> None:
    try:
        from pypinyin import load_phrases_dict, load_single_dict
    except ImportError as error:
        raise missing("pypinyin", VOICE_PLUS) from error
    table = _table()
    load_single_dict({ord(each): said for each, said in table["usual"].items()})
    load_phrases_dict(
        {word: [[each] for each in said.split()] for word, said in table["phrases"].items()}
    )
