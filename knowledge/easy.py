"""Easy Japanese: a fact row said again in short polite sentences.

After the guideline on easy Japanese of 出入国在留管理庁 and 文化庁: 「item は value です。」,
one thing a sentence, no sign that is read aloud differently (〜). Nothing is left out, no figure
is changed.
"""

import re

from knowledge.passage import Passage
from knowledge.words import Words

_POLITE = {
    "なし": "ありません",
    "あり": "あります",
    "ある": "あります",
    "できる": "できます",
    "可": "いいです",
    "不可": "できません",
}
_ADDRESS = re.compile(r"https?://\S+$")
_TIMES = re.compile(r"(\d{1,2}:\d{2})\s*[〜~～-]\s*(翌)?(\d{1,2}:\d{2})")
_UNITS = re.compile(r"(\d[\d,.]*)\s*[〜~～]\s*(\d[\d,.]*)(月|時間|時|分|円|年|km|m)")
_BRACKET = re.compile(r"\(([^()]*)\)\s*\Z")
_PREDICATES = frozenset({"動詞", "助動詞", "形容詞"})


def said_easily(passage: Passage, words: Words) -> str:
    """Say a fact row in short sentences; kanji are still without readings."""
    item, value, aside = passage.item or "", passage.value or "", ""
    if found := _BRACKET.search(value):
        value, aside = value[: found.start()].rstrip(), found[1]
    sentences = [f"{_spoken(item)}は {polite(_spoken(value), words)}。"]
    more = (each.strip() for each in (aside, *(passage.note or "").split("。")))
    sentences += [f"{polite(_spoken(each), words)}。" for each in more if each]
    return " ".join(sentences)


def _spoken(text: str) -> str:
    """Say 8:30〜17:30 as 8:30から 17:30まで."""
    times = _TIMES.sub(lambda each: f"{each[1]}から {each[2] or ''}{each[3]}まで", text)
    return _UNITS.sub(r"\1\3から \2\3まで", times)


def polite(text: str, words: Words) -> str:
    """Close a value as a polite sentence, without its full stop: 無料です, ありません."""
    if text in _POLITE:
        return _POLITE[text]
    morphemes = words.morphemes(text)
    if morphemes and morphemes[-1].part_of_speech[0] in _PREDICATES:
        return text
    # A web address ends at a space, not at the word after it.
    return f"{text} です" if _ADDRESS.search(text) else f"{text}です"
