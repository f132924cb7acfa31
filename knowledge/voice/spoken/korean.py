"""Korean as it is said: 8:30~17:30 is 8시 30분부터 17시 30분까지."""

import re
from typing import Final

from knowledge.text import clean
from knowledge.voice.spoken.steps import clocks, full_dates, short_dates, step, taken

_TO: Final = "[〜~～–—―−-]"
_DAY: Final = "[월화수목금토일]"
_COUNTED: Final = "[년월일분명인세박엔원대]"
_PARTICLES: Final = "은|는|이|가|을|를|에|의|로|와|과|도|입니다|이며|이고|부터|까지"
_UNITS: Final = {
    "km2": "제곱킬로미터", "m2": "제곱미터", "m3": "세제곱미터", "km/h": "킬로미터 매시",
    "km": "킬로미터", "cm": "센티미터", "mm": "밀리미터", "m": "미터", "kg": "킬로그램",
    "g": "그램",
    "ha": "헥타르", "°C": "도", "°": "도", "%": "퍼센트", "L": "리터", "ml": "밀리리터",
}  # fmt: skip
_UNIT: Final = "|".join(map(re.escape, sorted(_UNITS, key=len, reverse=True)))
_CURRENCIES: Final = {"¥": "엔", "$": "달러", "€": "유로", "£": "파운드", "₩": "원"}


def spoken_form(text: str) -> str:
    """Write one sentence of Korean as it is said."""
    said = clean(text)
    said = taken(said, _STEPS)
    return said.strip(" ,")


def _currency(found: re.Match[str]) -> str:
    sign = _CURRENCIES[found["sign"]]
    upper = f"에서 {found['to']}{found['more'] or ''}{sign}" if found["to"] else ""
    return f"{found['from']}{found['many'] or ''}{sign}{upper}"


def _weekdays(found: re.Match[str]) -> str:
    said = re.sub(_TO, "부터 ", re.sub("[・·、,/]", ", ", found[1]))
    said = re.sub(f"(?<={_DAY})(?={_DAY})", ", ", said)
    return ", " + re.sub(_DAY, r"\g<0>요일", said) + ", "


def _listed_days(found: re.Match[str]) -> str:
    return ", ".join(f"{each}요일" for each in re.findall(_DAY, found[0]))


_MANY: Final = "[십백천]?[만억조]|[천백]"
_NUMBER: Final = r"\d+(?:\.\d+)?"
_STEPS: Final = (
    step(r"(?<=[가-힣A-Za-z0-9])\s?・\s?(?=[가-힣A-Za-z0-9])", "·"),
    step(r"\s*\([^()]*[぀-ヿ一-鿿][^()]*\)", ""),
    step(r"[぀-ヿ一-鿿々ー]+", " "),
    step(r"(?<=\d),(?=\d{3}(?!\d))", ""),
    step(rf"(?P<sign>[¥$€£₩])\s?(?P<from>{_NUMBER})(?P<many>{_MANY})?"
          rf"(?:\s?{_TO}\s?[¥$€£₩]?\s?(?P<to>{_NUMBER})(?P<more>{_MANY})?)?", _currency),
    step(r"(?<![\d/])24/7(?![\d/])", "하루 24시간 연중무휴"),
    step(rf"\bJPY\s?({_NUMBER})", r"\1엔"),
    step(rf"({_NUMBER})\s?JPY\b", r"\1엔"),
    full_dates(r"(?<![\d/])(\d{4})[/.-]\s?(\d{1,2})[/.-]\s?(\d{1,2})(?![\d/])\.?",
               "{}년 {}월 {}일"),
    step(r"(?<![\d/.-])((?:19|20)\d{2})-(0[1-9]|1[0-2])(?![\d/-])",
          lambda found: f"{found[1]}년 {int(found[2])}월"),
    short_dates(after=rf"\({_DAY}|{_TO}|부터|까지|에|휴|개|시작|마감",
                before=rf"{_TO}|부터", date="{}월 {}일", fraction="{1}분의 {0}"),
    clocks("{}시", minutes=" {}분"),
    step(rf"\(({_DAY}(?:(?:[・·、,/]|{_TO})?{_DAY})*)\)", _weekdays),
    step(rf"(?<![가-힣\d])({_DAY})\s?{_TO}\s?({_DAY})(?:요일)?(?![가-힣])", r"\1요일부터 \2요일"),
    step(rf"(?<![가-힣\d])({_DAY})\s?{_TO}\s?({_DAY})(?:요일)?(?=(?:{_PARTICLES}|만)(?![가-힣]))",
          r"\1요일부터 \2요일"),
    step(rf"(?<![가-힣\d]){_DAY}(?:[·・,/]\s?{_DAY})+(?![가-힣])", _listed_days),
    step(rf"(\d일)\s?{_TO}\s?(\d+월 \d+일)(?:까지)?", r"\1부터 \2까지"),
    step(rf"(\d시(?: \d+분)?)\s?{_TO}\s?(\d+시(?: \d+분)?)(?:까지)?", r"\1부터 \2까지"),
    step(rf"(?<![\d-])(\d{{1,2}})\s?{_TO}\s?(\d{{1,2}})월", r"\1월부터 \2월"),
    step(rf"(?<![\d.])({_NUMBER})\s?[〜~～]\s?(?={_NUMBER}\s?(?:{_UNIT}|명|인|개|대|번|회|층|배))",
          r"\1에서 "),
    step(r",\s?[〜~～–—―−]\s?(?=\d)", "부터 "),
    step(r"(?<=[\d년월일])\s?[〜~～–—―−]\s?(?=\d)", "부터 "),
    step(rf"(?<![\d-])(\d{{1,5}})-(?=\d{{1,5}}\s?(?:{_UNIT}|{_COUNTED}))", r"\1에서 "),
    step(r"(?<=\S)\s?[〜~～]\s?(?=\S)", "부터 "),
    step(r"[〜~～]", " "),
    step(rf"(?<=[\d만억천])\s?({_UNIT})(?![A-Za-z0-9])", lambda found: _UNITS[found[1]]),
    step(r"(?<=\d)\s?[×xX✕]\s?(?=\d)", " 곱하기 "),
    step(rf"(?<![\w.-])[-−](?=\d)|(?<![A-Za-z0-9.-])[-−](?={_NUMBER}도)", "마이너스 "),
    step(r"\s?&\s?", " 그리고 "),
    step(r"\s?[→⇒➡]\s?", "에서 "),
    step(r"[#*_`^|\\<>=\[\]{}“”\"'「」『』《》【】‘’※★☆●○◎◆◇■□▲△▼▽♪♨†‡§¶©®™]+", " "),
    step(r"\s*[·・/]\s*", ", "),
    step(rf"\)(?=(?:{_PARTICLES})(?:[\s.,]|$))", ""),
    step(r"\s*[()]+\s*", ", "),
    step(r"\s*[:;](?!\d)\s*", ", "),
    step(r"(?:\.\.\.|…)+", ","),
    step(r"\s+", " "),
    step(r"\s+(?=[,.!?])", ""),
    step(r",(?:\s*,)+", ","),
    step(r",\s*(?=[.!?]|$)", ""),
    step(r"(?<=[.!?])\s*,\s*", " "),
)  # fmt: skip
