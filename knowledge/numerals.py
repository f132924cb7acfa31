"""Numerals: kanji, hangul and English number words, and thousands separators, to Arabic digits.

Only numerals that count something are rewritten. 百枚皿, 一番 and 千畳敷 are names; 千六百円 and
五十台 are figures. So a numeral is read where a unit follows it, and left alone elsewhere.
"""

import re

ERAS = {"明治": 1867, "大正": 1911, "昭和": 1925, "平成": 1988, "令和": 2018}
"""Year before the first of each Japanese era, so that 昭和35年 is 1925 + 35."""

_MONTH_NAMES = """
january february march april may june july august september october november december
""".split()  # noqa: SIM905 - a list of words reads as words
MONTHS = {
    name: position
    for position, full in enumerate(_MONTH_NAMES, start=1)
    for name in (full, full[:3], full[:4] if full == "september" else full)
}

_DIGITS = {each: value for value, each in enumerate("〇一二三四五六七八九")}
_DIGITS |= {
    "零": 0,
    "两": 2,
    "兩": 2,
    "영": 0,
    "일": 1,
    "이": 2,
    "삼": 3,
    "사": 4,
    "오": 5,
    "육": 6,
}
_DIGITS |= {"칠": 7, "팔": 8, "구": 9}
_TENS = {"十": 10, "百": 100, "千": 1000, "십": 10, "백": 100, "천": 1000}
_MYRIADS = {
    "万": 10**4, "萬": 10**4, "만": 10**4, "億": 10**8, "亿": 10**8, "억": 10**8, "兆": 10**12,
}  # fmt: skip
_KANJI = "〇零一二三四五六七八九两兩十百千"
_HANGUL = "영일이삼사오육칠팔구십백천"
_LARGE = "万萬億亿"
_UNIT_JA = (
    "円|日元|日圆|日圓|年|[かヶカケ個箇个]月|月|日|時|时|點|点|分|秒|人|名|度|割|台|本|枚(?!皿)|個|回|種|頭|匹|歳|才|"
    "階|キロ|メートル|センチ|ヘクタール|リットル|パーセント|平方|公里|公尺|米|小时|小時|天|元|か所|ヶ所|カ所|箇所"
)
_KANJI_NUMBER = re.compile(rf"[{_KANJI}][{_KANJI}{_LARGE}]*(?=\s*(?:{_UNIT_JA}))")
_KANJI_POSITIONAL = re.compile(r"[〇零一二三四五六七八九]{2,}")
_HANGUL_NUMBER = re.compile(
    rf"(?<![가-힣])[{_HANGUL}][{_HANGUL}만억]*(?=\s*(?:원|엔|년|월|분|시간|명|개월|도(?!착)|킬로|미터|퍼센트))"
)
_MIXED = re.compile(r"(?:\d+(?:\.\d+)?\s*[千百万萬億亿천백만억]+)+(?:\d+(?:\.\d+)?)?")
_MIXED_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([千百万萬億亿천백만억]*)")
_SEPARATED = re.compile(r"(?<![\d.])\d{1,3}(?:[,，']\d{3})+(?!\d)")
_NATIVE_HOURS = {
    "열두": 12, "열한": 11, "열": 10, "아홉": 9, "여덟": 8, "일곱": 7, "여섯": 6, "다섯": 5,
    "네": 4, "세": 3, "두": 2, "한": 1,
}  # fmt: skip
_NATIVE = re.compile(rf"(?<![가-힣])({'|'.join(_NATIVE_HOURS)})(?=\s*(?:시|명|개|번|곳|가지))")

_ENGLISH_ONES = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
sixteen seventeen eighteen nineteen
""".split()  # noqa: SIM905
_ENGLISH = {word: value for value, word in enumerate(_ENGLISH_ONES)}
_ENGLISH_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()  # noqa: SIM905
_ENGLISH |= {word: tens * 10 for tens, word in enumerate(_ENGLISH_TENS, start=2)}
_ENGLISH_SCALES = {"hundred": 100, "thousand": 1_000, "million": 10**6, "billion": 10**9}
_ENGLISH_WORD = "|".join(sorted([*_ENGLISH, *_ENGLISH_SCALES], key=len, reverse=True))
_ENGLISH_NUMBER = re.compile(
    rf"\b(?:\d+(?:\.\d+)?\s+(?:{'|'.join(_ENGLISH_SCALES)})|"
    rf"(?:{_ENGLISH_WORD})(?:[\s-]+(?:and\s+)?(?:{_ENGLISH_WORD}))*)\b"
    r"(?=[\s-]*(?:yen|dollars?|hours?|minutes?|mins?|seconds?|days?|weeks?|months?|years?|people|"
    r"persons?|degrees?|percent|per cent|kilomet|met(?:er|re)|hectares?|lit(?:er|re)|o'clock))",
    re.IGNORECASE,
)


def arabic(text: str) -> str:
    """Rewrite the numerals of a text that count something in Arabic digits without separators."""
    text = _SEPARATED.sub(lambda match: re.sub(r"\D", "", match.group()), text)
    text = _KANJI_POSITIONAL.sub(_positional, text)
    text = _MIXED.sub(lambda match: number(_mixed(match.group())), text)
    text = _KANJI_NUMBER.sub(lambda match: number(cjk_value(match.group())), text)
    text = _HANGUL_NUMBER.sub(lambda match: number(cjk_value(match.group())), text)
    text = _NATIVE.sub(lambda match: str(_NATIVE_HOURS[match[1]]), text)
    return _ENGLISH_NUMBER.sub(lambda match: number(_english(match.group())), text)


def number(value: str | float) -> str:
    """Write a number without trailing zeros: 850.0 and 0850 are 850, 11.20 is 11.2."""
    amount = float(value)
    return str(int(amount)) if amount.is_integer() else f"{amount:.6f}".rstrip("0")


def cjk_value(text: str) -> float:
    """Return the value of a numeral such as 千六百, 三億五千万 or 천오백."""
    total = section = digit = 0
    for character in text:
        if character in _DIGITS:
            digit = digit * 10 + _DIGITS[character]
        elif character in _TENS:
            section += (digit or 1) * _TENS[character]
            digit = 0
        elif character in _MYRIADS:
            total += (section + digit or 1) * _MYRIADS[character]
            section = digit = 0
    return float(total + section + digit)


def _positional(match: re.Match[str]) -> str:
    """二〇二六 is 2026; 二三 before a counter may mean "two or three" and is left alone."""
    text = match.group()
    if len(text) < 3 and not set(text) & {"〇", "零"}:  # noqa: PLR2004
        return text
    return "".join(str(_DIGITS[each]) for each in text)


def _mixed(text: str) -> float:
    """3億5千万 is three hundred and fifty million: a scale applies to what stands before it."""
    total = section = 0.0
    for amount, scales in _MIXED_PART.findall(text):
        value = float(amount)
        for scale in scales:
            if scale in _TENS:
                value *= _TENS[scale]
                section += value
                value = 0.0
            else:
                total += (section + value) * _MYRIADS[scale]
                section = value = 0.0
        section += value
    return total + section


def _english(text: str) -> float:
    total = section = 0.0
    for word in re.findall(r"[a-z]+|[\d.]+", text.casefold()):
        if word in _ENGLISH:
            section += _ENGLISH[word]
        elif word == "hundred":
            section = (section or 1) * 100
        elif word in _ENGLISH_SCALES:
            total += (section or 1) * _ENGLISH_SCALES[word]
            section = 0
        elif word != "and":
            section += float(word)
    return total + section
