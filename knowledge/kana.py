"""Kana: romaji to katakana, and the folding under which spellings of one reading meet.

The table accepts Hepburn and Kunrei spellings (shi and si, tsu and tu).
"""

import re

from knowledge.text import hiragana_to_katakana, is_kana

_ROWS = {
    "": "アイウエオ", "k": "カキクケコ", "s": "サシスセソ", "t": "タチツテト", "n": "ナニヌネノ",
    "h": "ハヒフヘホ", "m": "マミムメモ", "r": "ラリルレロ", "g": "ガギグゲゴ", "z": "ザジズゼゾ",
    "d": "ダヂヅデド", "b": "バビブベボ", "p": "パピプペポ",
}  # fmt: skip
_SYLLABLES = {
    consonant + vowel: kana
    for consonant, row in _ROWS.items()
    for vowel, kana in zip("aiueo", row, strict=True)
}
_SYLLABLES |= {
    f"{consonant}y{vowel}": row[1] + small
    for consonant, row in _ROWS.items()
    if consonant
    for vowel, small in zip("auo", "ャュョ", strict=True)
}
_SYLLABLES |= {
    "ya": "ヤ", "yu": "ユ", "yo": "ヨ", "wa": "ワ", "wo": "ヲ", "fu": "フ", "shi": "シ",
    "chi": "チ", "tsu": "ツ", "ji": "ジ", "sha": "シャ", "shu": "シュ", "sho": "ショ",
    "cha": "チャ", "chu": "チュ", "cho": "チョ", "ja": "ジャ", "ju": "ジュ", "jo": "ジョ",
    "fa": "ファ", "fi": "フィ", "fe": "フェ", "fo": "フォ", "che": "チェ", "she": "シェ",
    "je": "ジェ", "ti": "ティ", "di": "ディ", "va": "ヴァ",
}  # fmt: skip
_MACRONS = str.maketrans({"ā": "aa", "ī": "ii", "ū": "uu", "ē": "ee", "ō": "ou"})
_LONG_VOWEL = re.compile(
    r"(?<=[オコソトノホモヨロヲゴゾドボポョウクスツヌフムユルグズヅブプュ])ウ|ー"
)


def romaji_to_kana(word: str) -> str | None:
    """Read a Latin word as romaji; None if it is not romaji from end to end."""
    kana = ""
    for part in re.split("[-']", word.casefold().translate(_MACRONS)):
        read = _read(part)
        if read is None:
            return None
        kana += read
    return kana or None


def spelled(text: str) -> str | None:
    """Return the folded reading of kana or romaji, spaces aside; None of anything else."""
    joined = re.sub(r"\s+", "", text)
    if joined and all(map(is_kana, joined)):
        return fold_reading(hiragana_to_katakana(joined))
    kana = romaji_to_kana(joined) if joined.isascii() and joined.isalpha() else None
    return fold_reading(kana) if kana else None


def romaji(text: str) -> str | None:
    """Read a text as Japanese in Latin letters; None if it is none.

    Every word must be romaji, one of them such as only Japanese has: English "to no one" is none.
    """
    words = re.findall(r"[a-zāīūēō]+(?:[-'][a-zāīūēō]+)*", text.casefold())
    if len(words) == 1 or max(map(len, words), default=0) < _LONG or not _JAPANESE & set(words):
        return None
    read = [romaji_to_kana(each) for each in words]
    return " ".join(each for each in read if each) if all(read) else None


_LONG = 5  # letters, of one word at least
_SAID_IN_JAPANESE = """
no wa wo desu desuka ka nani nan nanji doko dokodesu itsu ikura masu arimasu arimasuka
kara kudasai oshiete ryokin ryoukin ryōkin eki onsen basu chushajo chuushajou
"""
_JAPANESE = frozenset(_SAID_IN_JAPANESE.split())


def _read(rest: str) -> str | None:
    kana = ""
    while rest:
        if rest.startswith("tch") or (rest[:1] == rest[1:2] and rest[0] not in "aiueon"):
            kana, rest = kana + "ッ", rest[1:]
        for length in (3, 2, 1):
            if syllable := _SYLLABLES.get(rest[:length]):
                kana, rest = kana + syllable, rest[length:]
                break
        else:
            if rest[0] not in "nm":
                return None
            kana, rest = kana + "ン", rest[1:]
    return kana


def fold_reading(katakana: str) -> str:
    """Drop what spellings of one reading differ in: the long-vowel mark, and ウ after o and u."""
    folded = _LONG_VOWEL.sub("", katakana)
    return folded.translate(str.maketrans("ヂヅヲ", "ジズオ"))
