"""Kana: romaji to katakana, and the folding under which spellings of one reading meet.

The table accepts Hepburn and Kunrei spellings (shi and si, tsu and tu).
"""

import re

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
