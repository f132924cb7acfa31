"""English phonemes for Kokoro, by the word lists of misaki (Apache-2.0) alone.

Its program needs spaCy and, for words not in its lists, espeak (GPL): neither is used. What the
lists do not know is a name of the town in Roman letters, read as Japanese, an ending on a known
word, or letters that are spelled.
"""

import importlib.resources
import json
import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final

from knowledge.kana import romaji_to_kana
from knowledge.voice.extras import VOICE_PLUS, missing
from knowledge.voice.names import SpokenName
from knowledge.voice.speaking.numerals import in_words
from knowledge.voice.spoken.latin import place_kana

_TOKEN: Final = re.compile(
    r"\d[\d,.:-]*\d(?:st|nd|rd|th)?|\d(?:st|nd|rd|th)?|[ap]\.m\.?"
    r"|[^\W\d_]+(?:['’.-][^\W\d_]+)*|[,.!?]"
)
_LISTS: Final = ("us_gold.json", "us_silver.json")
_VOWELS: Final = "AIOQWYaeiouɑɐɒæɔəɚɛɜɪʊʌᵻ"
_SPOKEN_WEAKLY: Final = {
    "a": "ɐ", "an": "ɐn", "i": "ˌI", "a.m.": "ˌAˈɛm", "p.m.": "pˌiˈɛm", "a.m": "ˌAˈɛm",
    "p.m": "pˌiˈɛm",
}  # fmt: skip
_IPA: Final = {
    "ア": "ɑ", "イ": "i", "ウ": "u", "エ": "ɛ", "オ": "O", "ン": "n", "ー": "", "ッ": "",
}  # fmt: skip
_ROWS: Final = {
    "k": "カキクケコ", "s": "サ スセソ", "t": "タ  テト", "n": "ナニヌネノ", "h": "ハヒ ヘホ",
    "m": "マミムメモ", "ɹ": "ラリルレロ", "ɡ": "ガギグゲゴ", "z": "ザ ズゼゾ", "d": "ダ  デド",
    "b": "バビブベボ", "p": "パピプペポ", "j": "ヤ ユ ヨ", "w": "ワ    ",
}  # fmt: skip
_SYLLABLES: Final = {
    kana: consonant + vowel
    for consonant, row in _ROWS.items()
    for kana, vowel in zip(row, ("ɑ", "i", "u", "A", "O"), strict=True)
    if kana != " "
} | {"シ": "ʃi", "チ": "ʧi", "ツ": "tsu", "フ": "fu", "ジ": "ʤi", "ヲ": "O", "ヂ": "ʤi", "ヅ": "zu"}
_SMALL: Final = {"ャ": "ɑ", "ュ": "u", "ョ": "O", "ァ": "ɑ", "ィ": "i", "ェ": "ɛ", "ォ": "O"}
_SHORTEST_STEM: Final = 3


def english_phonemes(text: str, names: Sequence[SpokenName] = ()) -> str:
    """Return what Kokoro says for English in spoken form. Raises `VoiceMissing` without misaki.

    A capitalised word with which a name of the town begins is read as Japanese: Mine is mee-neh.
    """
    said: list[str] = []
    own = tuple(names)
    tokens = [found.group() for found in _TOKEN.finditer(text)]
    for at, token in enumerate(tokens):
        if token in set(",.!?"):
            if said:
                said[-1] += token
            continue
        following = next((each for each in tokens[at + 1 :] if each[0].isalnum()), "")
        parts = re.split("[-’']", token)
        if place_kana(parts[0], own):
            said.extend(_japanese(each) or _word(each) for each in parts if each)
            continue
        said.extend(_said(token, following))
    return " ".join(filter(None, said))


def _said(token: str, following: str) -> Iterator[str]:
    if token[0].isdigit():
        for each in in_words(token).split():
            yield _word(each.rstrip(",")) + ("," if each.endswith(",") else "")
        return
    folded = token.casefold().replace("’", "'")
    if folded in {"the", "to"}:
        open_vowel = _opens_with_vowel(following)
        weak = ("ði", "tʊ") if open_vowel else ("ðə", "tə")
        yield weak[0] if folded == "the" else weak[1]
    elif folded in _SPOKEN_WEAKLY and not (token.isupper() and following.isupper()):
        yield _SPOKEN_WEAKLY[folded]
    elif found := _known(token):
        yield found
    else:
        yield from (_word(each) for each in re.split(r"[-.]", token) if each)


def _opens_with_vowel(word: str) -> bool:
    found = _known(in_words(word).split()[0] if word[:1].isdigit() else word) if word else None
    return (found or word.casefold()).lstrip("ˈˌ")[:1] in _VOWELS if word else False


def _word(word: str) -> str:
    if found := _known(word):
        return found
    if word.isupper():
        return "".join(_known(letter) or "" for letter in word)
    return _inflected(word.casefold()) or _japanese(word) or _spelled(word)


def _known(word: str) -> str | None:
    for words in _lists():
        for written in (word, word.casefold(), word.capitalize()):
            if found := words.get(written):
                return found if isinstance(found, str) else found["DEFAULT"]
    return None


def _inflected(word: str) -> str | None:
    """Say a plural, past tense or -ing form of a word that the lists know."""
    for ending, stems in (
        ("'s", (word[:-2],)),
        ("ies", (word[:-3] + "y",)),
        ("es", (word[:-1], word[:-2])),
        ("s", (word[:-1],)),
        ("ed", (word[:-1], word[:-2], word[:-3])),
        ("ing", (word[:-3], word[:-3] + "e", word[:-4])),
    ):
        if not word.endswith(ending):
            continue
        for stem in stems:
            if len(stem) >= _SHORTEST_STEM and (found := _known(stem)):
                return found + _ending(found, ending)
    return None


def _ending(stem: str, ending: str) -> str:
    last = stem[-1]
    if ending == "ing":
        return "ɪŋ"
    if ending == "ed":
        return "ᵻd" if last in "td" else "t" if last in "pkfθʃsʧ" else "d"
    return "ᵻz" if last in "szʃʒʧʤ" else "s" if last in "ptkfθ" else "z"


def _japanese(word: str) -> str | None:
    """Say a Japanese name as English speakers do, the stress on the last syllable but one."""
    kana = romaji_to_kana(word)
    if kana is None:
        return None
    syllables: list[str] = []
    for each in kana:
        if each in _SMALL and syllables:
            glide = "j" if syllables[-1][0] not in "ʃʧʤ" and each in "ャュョ" else ""
            syllables[-1] = syllables[-1][:-1] + glide + _SMALL[each]
        elif each == "ン" and syllables:
            syllables[-1] += "n"
        elif sound := _SYLLABLES.get(each, _IPA.get(each, "")):
            syllables.append(sound)
    stressed = max(len(syllables) - 2, 0)
    if syllables:
        syllables[stressed] = re.sub(f"(?=[{_VOWELS}])", "ˈ", syllables[stressed], count=1)
    return "".join(syllables)


def _spelled(word: str) -> str:
    return " ".join(filter(None, (_known(each.upper()) for each in word if each.isalpha())))


@cache
def _lists() -> tuple[dict[str, "str | dict[str, str]"], ...]:
    try:
        folder = importlib.resources.files("misaki") / "data"
    except ModuleNotFoundError as error:
        raise missing("misaki", VOICE_PLUS) from error
    return tuple(json.loads((folder / each).read_text("utf-8")) for each in _LISTS)
