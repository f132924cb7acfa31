"""What people write and what they read: text from forms made safe to keep, times made readable."""

import re
import unicodedata
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

# Marks that turn the direction of what follows, which a name could use to reach beyond itself.
_DIRECTION: Final = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_INVISIBLE: Final = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]")
_READING: Final = re.compile(r"([\u3400-\u9fff々〆]+)[（(]([\u3041-\u3096ー]+)[）)]")
_JAPANESE_RUN: Final = re.compile(
    r"[\u3400-\u9fff々〆\u3041-\u30ff]+(?:[・ ][\u3400-\u9fff々\u3041-\u30ff]+)*"
)
_KANA_RUN: Final = re.compile(
    r"[\u3400-\u9fff々]*[\u3041-\u3096\u30a1-\u30fa][\u3400-\u9fff々〆\u3041-\u30ff]*"
)
_SHAPES: Final = {
    "ja": "{0.year}年{0.month}月{0.day}日 {0.hour}:{0.minute:02}",
    "ja-easy": "{0.year}年{0.month}月{0.day}日 {0.hour}:{0.minute:02}",
    "zh-Hant": "{0.year}年{0.month}月{0.day}日 {0.hour}:{0.minute:02}",
    "zh-Hans": "{0.year}年{0.month}月{0.day}日 {0.hour}:{0.minute:02}",
    "ko": "{0.year}년 {0.month}월 {0.day}일 {0.hour}:{0.minute:02}",
    "en": "{0.day} {0:%B %Y}, {0.hour}:{0.minute:02}",
}


_DAYS: Final = {name: shape.split(" {0.hour}")[0].rstrip(",") for name, shape in _SHAPES.items()}


def clean(text: str) -> str:
    """Text in NFC without control characters and lone surrogates; a line ends with one newline."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = (
        each for each in lines if each in "\n\t" or unicodedata.category(each) not in {"Cc", "Cs"}
    )
    return unicodedata.normalize("NFC", "".join(kept)).strip()


def one_line(text: str) -> str:
    """A name or heading: one line, nothing invisible, no change of direction."""
    return " ".join(_INVISIBLE.sub("", _DIRECTION.sub("", clean(text))).split())


def is_blank(text: str) -> bool:
    """Whether nothing of it could be seen."""
    return not _INVISIBLE.sub("", _DIRECTION.sub("", text)).strip()


def with_ruby(text: str, language: str) -> str:
    """In easy Japanese 秋芳洞（あきよしどう） becomes a reading above the characters, as HTML."""
    if language != "ja-easy":
        return text
    # Escaped first; what is added around it is ours.
    return Markup(  # noqa: S704
        _READING.sub(r"<ruby>\1<rp>（</rp><rt>\2</rt><rp>）</rp></ruby>", str(escape(text)))
    )


def marked(text: str, language: str) -> str:
    """With readings in easy Japanese; elsewhere Japanese inside other words says that it is."""
    if language in {"ja", "ja-easy"}:
        return with_ruby(text, language)
    runs = _KANA_RUN if language.startswith("zh") else _JAPANESE_RUN
    # Escaped first; what is added around it is ours.
    return Markup(  # noqa: S704
        runs.sub(r'<span lang="ja">\g<0></span>', str(escape(text)))
    )


def without_ruby(text: str, language: str) -> str:
    """The same without readings, for titles and attributes, which hold no HTML."""
    return _READING.sub(r"\1", text) if language == "ja-easy" else text


def when(moment: datetime, language: str, zone: str) -> str:
    """A point in time on the town's clock, as the language writes it."""
    return _SHAPES[language].format(moment.astimezone(ZoneInfo(zone)))


def on(day: date, language: str) -> str:
    """A day, as the language writes it: 2026年4月1日, 1 April 2026."""
    return _DAYS[language].format(day)


def lang(language: str) -> str:
    """The BCP 47 tag for a ``lang`` attribute."""
    return "ja" if language == "ja-easy" else language
