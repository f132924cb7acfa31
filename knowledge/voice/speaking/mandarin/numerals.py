"""Figures as Mandarin says them: 1300 is 一千三百, 2026年 二零二六年, 2点 两点."""

import re
from typing import Final

_DIGITS: Final = "零一二三四五六七八九"
_PLACES: Final = ("", "十", "百", "千")
_GROUPS: Final = ("", "万", "亿", "兆")
_GROUP: Final = 10_000
_LARGEST: Final = _GROUP ** len(_GROUPS)
_TEN: Final = 10
_TEENS: Final = 20
_PAIR: Final = 2
_HUNDREDS: Final = 2  # the place from which 2 is 两
_COUNTED: Final = (
    "(?:点|个|位|名|人|天|晚|年|周|星期|小时|分钟|秒|公里|千米|米|公顷|平方|公斤|克|吨|升|次|张|条|种|处|座|"
    "间|趟|班|辆|台|只|杯|瓶|碗|份|盒|块|片|家|户|倍|层|岁|日元|美元|欧元|元|万|亿|千|百|本|件|场|所|"
    "棵|栋|株|站|步|段|口|套|组|对|项|顿|支|首|部|匹|头)"
)
"""What is counted with 两 and not with 二."""

_SPAN_OF_YEARS: Final = r"年(?=多?(?:前|间|以|后|来|之|的历史|历史))"
_TELEPHONE: Final = re.compile(r"(?:(?P<named>电话|致电|拨打|拨|号码)|打|联系)[是为：:，、\s]*$")
_LASTS: Final = re.compile("分钟|小时|[个天折次]")
_SHORTEST: Final = 3  # figures of a telephone number that only 打 or 联系 announces
_FIGURES: Final = re.compile(
    r"(?P<chain>\d+(?:[-‐‑–]\d+)+)"
    r"|(?P<year>(?<!\d)[12]\d{3})(?=年)"
    r"|(?P<number>\d+)(?:\.(?P<part>\d+))?"
)


def in_words(text: str) -> str:
    """Write the figures of a simplified Chinese sentence in characters."""
    return _FIGURES.sub(_said, text)


def _said(found: re.Match[str]) -> str:
    before, after = found.string[: found.start()], found.string[found.end() :]
    if chain := found["chain"]:
        return "，".join(_one_by_one(each, yao=True) for each in re.split(r"\D", chain))
    if year := found["year"]:
        return _whole(int(year)) if _lasts(year, before, after) else _one_by_one(year)
    number, part = found["number"], found["part"]
    if part:
        return f"{_whole(int(number))}点{_one_by_one(part)}"
    if _is_telephone(number, before, after):
        return _one_by_one(number, yao=True)
    if int(number) >= _LARGEST or (number.startswith("0") and len(number) > 1):
        return _one_by_one(number)
    if (
        number == "2"
        and re.match(rf"{_COUNTED}|多?[到至]\d+{_COUNTED}", after)
        and before[-1:] != "第"
    ):
        return "两"
    minute = "零" if before.endswith("点") and len(number) == 1 and after[:1] == "分" else ""
    return minute + _whole(int(number))


def _is_telephone(number: str, before: str, after: str) -> bool:
    """Tell 请打119 from 打10分钟."""
    found = _TELEPHONE.search(before)
    if not found or _LASTS.match(after):
        return False
    return found["named"] is not None or len(number) >= _SHORTEST


def _lasts(year: str, before: str, after: str) -> bool:
    """Tell 约1200年前, a time that passed, from the year 1200."""
    about = re.search(r"(?:约|近|超过|经过|历时|长达|有)$", before)
    return bool(re.match(_SPAN_OF_YEARS, after) or about) and year.endswith("00")


def _one_by_one(figures: str, *, yao: bool = False) -> str:
    """Say each figure; in telephone numbers 1 is 幺, which is not taken for 七."""
    said = "".join(_DIGITS[int(each)] for each in figures)
    return said.replace("一", "幺") if yao else said


def _whole(number: int) -> str:
    if number == 0:
        return _DIGITS[0]
    said, group = "", 0
    rest, gap = number, False
    while rest:
        rest, four = divmod(rest, _GROUP)
        if four:
            words = "两" if group and four == _PAIR else _four(four, first=not rest)
            words += _GROUPS[group]
            said = words + (_DIGITS[0] if gap and said else "") + said
            gap = four < _GROUP // _TEN
        else:
            gap = bool(said)
        group += 1
    return said


def _four(number: int, *, first: bool) -> str:
    """Return the words of 1 to 9999; `first` is whether nothing was said before them."""
    if first and _TEN <= number < _TEENS:
        return _PLACES[1] + (_DIGITS[number - _TEN] if number > _TEN else "")
    said, gap = "", False
    for place in range(3, -1, -1):
        digit = number // _TEN**place % _TEN
        if not digit:
            gap = bool(said)
            continue
        word = "两" if digit == _PAIR and place >= _HUNDREDS else _DIGITS[digit]
        said += ("零" if gap else "") + word + _PLACES[place]
        gap = False
    return said
