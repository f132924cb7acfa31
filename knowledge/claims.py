"""Claims: what a generated sentence says that no cited passage does, figures and names alike.

A generator invents names as readily as prices. Names are recognised by what each script gives away:
the town's own gazetteer in every language, the dictionary's proper nouns in Japanese, capitals
within an English sentence, and whatever stands in quotation marks. As with figures, what is refused
wrongly costs a wording, because the extract is sent instead.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from knowledge.language import Language
from knowledge.names import squeeze
from knowledge.passage import Passage
from knowledge.retrieval.index import Index
from knowledge.text import clean, without_ruby

_QUOTED = re.compile(r"[「『“\"]([^「」『』“”\"]{2,60})[」』”\"]")
_CAPITAL = re.compile(r"(?<![.!?:\"“'’\n] )(?<!^)\b[A-Z][A-Za-z'’-]{2,}")
_SHOP = re.compile(
    r"[一-鿿]{2,6}(?:酒店|饭店|飯店|餐厅|餐廳|旅馆|旅館|拉面店|拉麵店|咖啡店|屋(?![内內外顶頂]))"
    r"|[가-힣]{2,8} (?:식당|호텔|카페|여관|온천|가게)"
)
"""Chinese and Korean give names no capital; what is named like a business is taken for one."""
_CALENDAR = """
january february march april may june july august september october november december monday
tuesday wednesday thursday friday saturday sunday mondays tuesdays wednesdays thursdays fridays
saturdays sundays
"""
_COMMON = "japan japanese english chinese korean yen please golden week new year obon"
_ANYWHERE = frozenset((*_CALENDAR.split(), *_COMMON.split()))
"""Capitalised words of English that name nothing of the town."""


def unsupported_names(
    sentence: str,
    passages: Sequence[Passage],
    *,
    index: Index,
    language: Language,
    known: str = "",
) -> tuple[str, ...]:
    """Return the names in a sentence that neither the passages nor `known` hold.

    `known` is what may be said besides: the question, and who the mascot is.
    """
    shown = without_ruby(clean(sentence))
    said = squeeze("\n".join((known, *map(_whole, passages))))
    cited = {each.document for each in passages}
    missing = [
        name.facility
        for name in index.names.find(shown)
        if not name.documents & cited and not any(each in said for each in name.others)
    ]
    missing += [each for each in _names(shown, language, index) if squeeze(each) not in said]
    return tuple(dict.fromkeys(missing))


def _names(shown: str, language: Language, index: Index) -> Iterator[str]:
    yield from _QUOTED.findall(shown)
    yield from (each.group() for each in _SHOP.finditer(shown))
    if language.japanese:
        for word in index.words.morphemes(shown, long=True):
            if word.proper and len(word.surface) > 1:
                yield word.surface
    elif language is Language.EN:
        for found in _CAPITAL.finditer(shown):
            if found.group().casefold() not in _ANYWHERE:
                yield found.group()


_WEEK = (
    ("月", "一", "월", "mon"),
    ("火", "二", "화", "tues"),
    ("水", "三", "수", "wednes"),
    ("木", "四", "목", "thurs"),
    ("金", "五", "금", "fri"),
    ("土", "六", "토", "satur"),
    ("日", "[日天]", "일", "sun"),
)
_CLAIMS = {
    "free": r"無料|タダで|ただで|免費|免费|무료|no charge|(?<![a-z-])free(?![a-z-])",
    "always": r"年中無休|無休|休みなし|休[業館]日[:は]?\s*なし|毎日|24時間|24小[时時]|全年|全天|"
    r"around the clock|24 hours|every day|year[- ]round|all year|연중무휴|매일",
    "half": r"半額|半分の|half[- ]price|half the price|半价|半價|반값|[一二三四五六七八九]折|割引|"
    r"discount|優惠|优惠|할인",
    **{
        f"day {number}": rf"{ja}曜|週{zh}|周{zh}|星期{zh}|礼拜{zh}|{ko}요일|(?<![a-z]){en}days?"
        for number, (ja, zh, ko, en) in enumerate(_WEEK)
    },
}
_CLAIM_OF = {name: re.compile(words, re.IGNORECASE) for name, words in _CLAIMS.items()}
_NUMBER_WORD = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|noon|midnight"
_SPOKEN = re.compile(
    rf"\b(?:at|past|to|from|until|till|by|before|after)\s+(?:{_NUMBER_WORD})\b"
    rf"|\b(?:(?:zero|{_NUMBER_WORD})[\s-]+){{2,}}(?:zero|{_NUMBER_WORD})\b",
    re.IGNORECASE,
)
"""Figures in words, which `knowledge.figures` does not read: half past six, one one nine."""


def unsupported_claims(sentence: str, passages: Sequence[Passage]) -> tuple[str, ...]:
    """Return what a sentence claims without a digit and no passage says: free, Tuesdays, always.

    A claim is known by its words in any of the languages, on both sides.
    """
    shown = without_ruby(clean(sentence))
    said = clean("\n".join(map(_whole, passages)))
    missing = [
        name for name, words in _CLAIM_OF.items() if words.search(shown) and not words.search(said)
    ]
    missing += [each for each in _SPOKEN.findall(shown) if each.casefold() not in said.casefold()]
    return tuple(missing)


def _whole(passage: Passage) -> str:
    fields: Iterable[str | None] = (
        passage.title,
        *passage.headings,
        passage.text,
        passage.facility,
        passage.place,
        *passage.aliases,
        passage.source_title,
    )
    return without_ruby("\n".join(each for each in fields if each))
