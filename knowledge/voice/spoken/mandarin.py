"""Chinese as it is said: 8:30〜17:30 is 8点30分到17点30分."""

import re
from typing import Final

from knowledge.hanzi import in_japanese_forms
from knowledge.text import clean
from knowledge.voice.spoken.steps import clocks, full_dates, short_dates, step, taken

_TO: Final = "[〜~～–—―−-]"
_COUNTED: Final = "[年月日分人名歲岁天晚週周台]"
_UNITS: Final = {  # simplified, traditional
    "km2": ("平方公里", "平方公里"), "m2": ("平方米", "平方公尺"), "m3": ("立方米", "立方公尺"),
    "km/h": ("公里每小时", "公里每小時"), "km": ("公里", "公里"), "cm": ("厘米", "公分"),
    "mm": ("毫米", "公釐"), "m": ("米", "公尺"), "kg": ("公斤", "公斤"), "g": ("克", "公克"),
    "ha": ("公顷", "公頃"), "°C": ("摄氏度", "度"), "°": ("度", "度"), "L": ("升", "公升"),
    "ml": ("毫升", "毫升"), "min": ("分钟", "分鐘"), "h": ("小时", "小時"),
}  # fmt: skip
_UNIT: Final = "|".join(map(re.escape, sorted(_UNITS, key=len, reverse=True)))
_CURRENCIES: Final = {"¥": "日元", "$": "美元", "€": "欧元", "£": "英镑", "₩": "韩元"}
_TRADITIONAL: Final = str.maketrans("点镑欧韩负时", "點鎊歐韓負時")


def spoken_form(text: str, *, traditional: bool) -> str:
    """Write one sentence of Chinese as it is said."""
    said = clean(_WIDE_COLON.sub("、", _JAPANESE.sub(_once, text).replace("，", "、")))
    said = taken(said, _STEPS)
    said = re.sub(
        rf"(?<=[\d万萬亿億千])\s?({_UNIT})(?![A-Za-z0-9])",
        lambda found: _UNITS[found[1]][traditional],
        said,
    )
    if traditional:
        said = said.replace("日元", "日圓").translate(_TRADITIONAL)
    said = taken(said, _LAST)
    return said.replace("、", "，").strip(" ，")


_JAPANESE: Final = re.compile(r"[（(]([^()（）]*)[)）]")
_WIDE_COLON: Final = re.compile(r"：(?!\d)|(?<!\d)：")


def _once(found: re.Match[str]) -> str:
    """Leave out a bracket that repeats a name in its Japanese form: 黑谷口(黒谷口)."""
    inside = found[1].strip()
    before = found.string[: found.start()][-len(inside) :]
    if re.search("[ぁ-ゖァ-ヺ]", inside) or in_japanese_forms(before) == in_japanese_forms(inside):
        return ""
    return found[0]


def _currency(found: re.Match[str]) -> str:
    upper = f"到{found['to']}{found['more'] or ''}" if found["to"] else ""
    return f"{found['from']}{found['many'] or ''}{upper}{_CURRENCIES[found['sign']]}"


def _weekdays(found: re.Match[str]) -> str:
    said = re.sub(_TO, "到", re.sub("[・、,/]", "、", found[1]))
    said = re.sub("(?<=[一二三四五六日])(?=[一二三四五六日])", "、", said)
    return "，" + re.sub("[一二三四五六日]", r"星期\g<0>", said) + "，"


_MANY: Final = "[十百千]?[万萬亿億]|[千百]"
_NUMBER: Final = r"\d+(?:\.\d+)?"
_STEPS: Final = (
    step(r"(?<=\d),(?=\d{3}(?!\d))", ""),
    step(r"(?<=[一-鿿A-Za-z0-9])\s?・\s?(?=[一-鿿A-Za-z0-9])|(?<=\d)\s?·\s?(?=\d)", "、"),
    step(r"[぀-ゟ゠-・ヽ-ヿ]+", ""),
    step(r"(?<![\d/])24/7(?![\d/])", "每天24小时"),
    step(rf"(?P<sign>[¥$€£₩])\s?(?P<from>{_NUMBER})(?P<many>{_MANY})?"
          rf"(?:\s?{_TO}\s?[¥$€£₩]?\s?(?P<to>{_NUMBER})(?P<more>{_MANY})?)?", _currency),
    step(rf"\bJPY\s?({_NUMBER})", r"\1日元"),
    step(rf"({_NUMBER})\s?JPY\b", r"\1日元"),
    full_dates(r"(?<![\d/])(\d{4})[/.-](\d{1,2})[/.-](\d{1,2})(?![\d/])", "{}年{}月{}日"),
    step(r"(?<![\d/.-])((?:19|20)\d{2})-(0[1-9]|1[0-2])(?![\d/-])",
          lambda found: f"{found[1]}年{int(found[2])}月"),
    short_dates(after=rf"\([一二三四五六日]|{_TO}|[到至起前止休开開举舉截]",
                before=rf"{_TO}|[从從自到至于於在]", date="{}月{}日", fraction="{1}分之{0}"),
    clocks("{}点", minutes="{}分"),
    step(rf"\(([一二三四五六日](?:(?:[・、,/]|{_TO})?[一二三四五六日])*)\)", _weekdays),
    step(r"，\s?[〜~～–—―−]\s?(?=\d)", "到"),
    step(r"(?<=[\d点分年月日號号])\s?[〜~～–—―−]\s?(?=\d)", "到"),
    step(rf"(?<![\d-])(\d{{1,5}})-(?=\d{{1,5}}\s?(?:{_UNIT}|{_COUNTED}))", r"\1到"),
    step(r"(?<=[点分日])-(?=\d)", "到"),
    step(r"(?<=[^\s，。、])\s?[〜~～]\s?(?=[^\s，。、])", "到"),
    step(r"[〜~～]", "，"),
    step(rf"({_NUMBER})\s?%", r"百分之\1"),
    step(r"(?<=\d)\s?[×xX✕]\s?(?=\d)", "乘"),
    step(rf"(?<![\w.-])[-−](?=\d)|(?<![A-Za-z0-9.-])[-−](?={_NUMBER}\s?°)", "负"),
    step(r"\s?&\s?", "和"),
    step(r"\s?[→⇒➡]\s?", "到"),
)  # fmt: skip
_LAST: Final = (
    step(r"\s*/\s*", "、"),
    step(r"[#*_`^|\\<>=\[\]{}「」『』“”‘’\"《》〈〉【】※★☆●○◎◆◇■□▲△▼▽♪♨†‡§¶©®™]+", " "),
    step(r"\s*[()]+\s*", "，"),
    step(r"\s*[:;]\s*", "，"),
    step(r"(?<=[^\d\s]),\s*|,\s+", "，"),
    step(r"(?:\.\.\.|…)+", "，"),
    step(r"(?<=[^\x00-\x7f])\s+|\s+(?=[^\x00-\x7f])", ""),
    step(r"[，、](?:\s*[，、])+", "，"),
    step(r"[，、]+(?=[。！？!?]|$)", ""),
    step(r"(?<=[。！？!?])[，、]", ""),
)  # fmt: skip
