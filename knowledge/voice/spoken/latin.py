"""Latin words within Japanese, in kana: Mine Walk is ミネウォーク, Wi-Fi ワイファイ.

Letters alone are spelled by every voice, words are not: they come from a table of what towns
write, from the town's own names in Roman letters, or from `kanalizer`, a model of how Japanese says
English words (in the extra `voice`). Without it a word stays as it is, for the voice to try.
"""

import re
from collections.abc import Callable, Sequence
from functools import cache, lru_cache, partial
from typing import Final

from knowledge.kana import fold_reading, romaji_to_kana
from knowledge.text import hiragana_to_katakana
from knowledge.voice.names import SpokenName

_TABLE: Final = {
    "wi-fi": "ワイファイ", "wifi": "ワイファイ", "e-mail": "イーメール", "email": "イーメール",
    "line": "ライン", "app": "アプリ", "web": "ウェブ", "web3": "ウェブスリー", "ok": "オーケー",
    "google": "グーグル", "paypay": "ペイペイ", "suica": "スイカ", "icoca": "イコカ",
    "pasmo": "パスモ", "iphone": "アイフォーン", "android": "アンドロイド", "x": "エックス",
    "instagram": "インスタグラム", "facebook": "フェイスブック", "youtube": "ユーチューブ",
    "discord": "ディスコード", "telegram": "テレグラム", "mynavi": "マイナビ", "vs": "対",
    "dao": "ダオ", "cafe": "カフェ", "café": "カフェ", "base": "ベース", "kintone": "キントーン",
    "km": "キロメートル", "bbq": "バーベキュー", "no": "ナンバー", "am": "午前", "pm": "午後",
    "jct": "ジャンクション", "sa": "サービスエリア", "pa": "パーキングエリア", "toit": "トワ",
    "ticket": "チケット", "one": "ワン", "day": "デー", "pass": "パス", "bus": "バス",
    "free": "フリー", "city": "シティ", "the": "ザ", "of": "オブ", "and": "アンド", "to": "トゥ",
    "in": "イン", "at": "アット", "for": "フォー", "by": "バイ", "with": "ウィズ",
    "chatgpt": "チャットジーピーティー", "openai": "オープンエーアイ",
    "can": "キャン", "visa": "ビザ", "mastercard": "マスターカード", "pdf": "ピーディーエフ",
}  # fmt: skip
"""Words that are said otherwise than they look; in lower case."""
_KINDS: Final = frozenset(
    fold_reading(hiragana_to_katakana(each))
    for each in (
        *("", "し", "ちょう", "まち", "むら", "けん", "えき", "どう", "だい", "さん", "やま", "こ"),
        *("おんせん", "じんぐう", "じんじゃ", "くうこう", "いけ", "がわ", "たき", "しま", "じま"),
        *("あいしー", "しやくしょ", "こうげん"),
    )
)
"""What a name may add to the word that people write in Roman letters: みねし is Mine City."""
_WORD: Final = re.compile(r"[A-Za-zÀ-ɏ]+(?:[-'’.][A-Za-zÀ-ɏ]+)*")
_SPELLED: Final = 5
"""Letters of a word in capitals that is still spelled."""
_VOWELS: Final = frozenset("AEIOU")
_LETTERS: Final = {
    "A": "エ", "B": "ビ", "C": "シ", "D": "ディ", "E": "イ", "F": "エフ", "G": "ジ", "H": "エチ",
    "I": "アイ", "J": "ジェ", "K": "ケ", "L": "エル", "M": "エム", "N": "エヌ", "O": "オ",
    "P": "ピ", "Q": "キュ", "R": "アル", "S": "エス", "T": "ティ", "U": "ユ", "V": "ブイ",
    "W": "ダブル", "X": "エックス", "Y": "ワイ", "Z": "ゼット",
}  # fmt: skip
"""As letters are spelled, without long vowels."""
_SHORTEST: Final = 2  # kana of a place name
_LONGEST: Final = 30  # letters of a word


def in_kana(text: str, names: Sequence[SpokenName] = ()) -> str:
    """Write the Latin words of a Japanese sentence in katakana; names of the table are left alone.

    The dictionary of the voice knows a name as it is written, with its Latin letters.
    """
    latin = [each.surface for each in names if _WORD.search(each.surface)]
    if not latin:
        return _words(text, names)
    whole = "|".join(map(re.escape, sorted(latin, key=len, reverse=True)))
    pieces = re.split(f"({whole})", text)
    return "".join(
        piece if at % 2 else _words(piece, names) for at, piece in enumerate(pieces) if piece
    )


def _words(text: str, names: Sequence[SpokenName]) -> str:
    if not _WORD.search(text):
        return text
    said = _WORD.sub(lambda found: _said(found.group(), names), text)
    return re.sub(r"(?<=[ァ-ヺー])[ ](?=[ァ-ヺー])", "", said)


def _said(word: str, names: Sequence[SpokenName]) -> str:
    if known := _TABLE.get(word.casefold()):
        return known
    if place := place_kana(word, tuple(names)):
        return place
    parts = re.split(r"[-'’.]", word)
    if len(parts) > 1:
        return "".join(_said(each, names) for each in parts if each)
    if word.isupper() and (len(word) <= _SPELLED or not _VOWELS & set(word)):
        return word
    if len(word) == 1:
        return word.upper()
    return _english(word)


@lru_cache(maxsize=1_000)
def place_kana(word: str, names: tuple[SpokenName, ...]) -> str | None:
    """Read a capitalised word as romaji if a name of the town begins with it: Mine is ミネ."""
    if not word[:1].isupper() or not word.isascii():
        return None
    kana = romaji_to_kana(word)
    if kana is None or len(kana) < _SHORTEST:
        return None
    folded = fold_reading(kana)
    for each in names:
        reading = hiragana_to_katakana(each.reading)
        begins = fold_reading(reading)
        if begins.startswith(folded) and begins[len(folded) :] in _KINDS:
            return _as_long(reading, folded)
    return None


def _as_long(reading: str, folded: str) -> str:
    """Return the beginning of a reading that folds to `folded`, with its long vowels."""
    for end in range(len(reading), 0, -1):
        if fold_reading(reading[:end]) == folded:
            return reading[:end]
    return folded


def can_be_read(word: str, reading: str, names: Sequence[SpokenName] = ()) -> bool:
    """Whether kana end as a Latin word is read: アキヨシダイアイシー as IC; not ゲンキン as ATM."""
    spelled = "".join(_LETTERS.get(each, "") for each in word.upper())
    ways = (spelled, _short(romaji_to_kana(word) or ""), _short(_said(word, names)))
    return _short(reading).endswith(tuple(each for each in ways if each))


def _short(kana: str) -> str:
    """A reading without its long vowels, in katakana."""
    folded = fold_reading(hiragana_to_katakana(kana))
    return re.sub("(?<=[エェケ])イ", "", folded).replace("ー", "")


@lru_cache(maxsize=5_000)
def _english(word: str) -> str:
    convert = _model()
    letters = word.casefold()
    if convert is None or len(word) > _LONGEST or not (letters.isascii() and letters.isalpha()):
        return word
    return convert(letters) or word


def prepare() -> None:
    """Load the model, which holds up every thread of the process for a tenth of a second."""
    _english("kankei")


@cache
def _model() -> Callable[[str], str] | None:
    try:
        import kanalizer
    except ImportError:
        return None
    return partial(kanalizer.convert, on_incomplete="ignore")
