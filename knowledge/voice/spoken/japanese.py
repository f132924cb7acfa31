"""Japanese as it is said: 8:30〜17:30 is 8時30分から17時30分まで."""

import re
from collections.abc import Sequence
from typing import Final

from knowledge.text import clean, katakana_to_hiragana
from knowledge.voice.names import SpokenName
from knowledge.voice.spoken.latin import can_be_read, in_kana
from knowledge.voice.spoken.steps import full_dates, short_dates, step, taken

# Katakana in brackets are words (バス), hiragana after kanji their reading.
_RUBY: Final = re.compile(
    r"(?<=[㐀-鿿々])(?<!\d円)(?<!\d時)[（(][ぁ-ゖー]+[)）]|(?<=\d円)[（(]えん[)）]"
    r"|(?<=\d時)[（(]じ[)）]"
)
_RUBY_OF_OTHERS: Final = re.compile(
    r"(?P<word>[A-Za-z]+(?:[-'][A-Za-z]+)*|\d+)[（(](?P<kana>[ぁ-ゖ][ぁ-ヺー]*)[)）]"
)
_FIGURES: Final = (
    *(
        ("じゅう", "ひゃく", "びゃく", "ぴゃく", "せん", "ぜん", "まん", "ぜろ", "れい"),
        ("いち", "いっ", "ひと"),
    ),
    *(
        ("に", "ふた"),
        ("さん", "みっ"),
        ("よん", "し", "よ", "よっ"),
        ("ご", "いつ"),
        ("ろく", "ろっ", "むっ"),
    ),
    *(("なな", "しち"), ("はち", "はっ", "やっ"), ("きゅう", "く", "ここの")),
)
"""How a number's last figure may be read."""
_WIDE_COLON: Final = re.compile(r"：(?!\d)|(?<!\d)：")
_DAYS: Final = {
    "月": "月曜", "火": "火曜", "水": "水曜", "木": "木曜", "金": "金曜", "土": "土曜",
    "日": "日曜", "祝": "祝日", "休": "休日",
}  # fmt: skip
_DAY: Final = "[月火水木金土日]"
_ANY_DAY: Final = "[月火水木金土日祝休]"
_COUNTED: Final = "[年月日時分円人名歳台泊枚個つ週階本]"
_PARTICLES: Final = (
    "は|が|を|に|の|で|と|も|や|へ|から|まで|より|による|という|として|です|でした|だ|など"
)
_TO: Final = "[〜~～∼–—―−-]"
_SOME_DAYS: Final = rf"{_ANY_DAY}(?:(?:[・、,/･]|{_TO})?{_ANY_DAY})*"
_LAST_MINUTE: Final = 59
_LAST_HOUR: Final = 29
_MONTHS: Final = 12
_MOST_DAYS: Final = 31

_UNITS: Final = {
    "km2": "平方キロメートル", "m2": "平方メートル", "cm2": "平方センチ", "m3": "立方メートル",
    "km/h": "キロメートル毎時", "km": "キロメートル", "cm": "センチメートル", "mm": "ミリメートル",
    "m": "メートル", "kg": "キログラム", "mg": "ミリグラム", "g": "グラム", "t": "トン",
    "ha": "ヘクタール", "ml": "ミリリットル", "mL": "ミリリットル", "L": "リットル",
    "l": "リットル",
    "°C": "度", "°F": "度エフ", "°": "度", "%": "パーセント", "kWh": "キロワット時",
    "kW": "キロワット", "W": "ワット", "GB": "ギガバイト", "MB": "メガバイト", "cc": "シーシー",
}  # fmt: skip
_UNIT: Final = "|".join(map(re.escape, sorted(_UNITS, key=len, reverse=True)))
_COUNTERS: Final = "人|名|台|泊|日|回|時間|個|枚|組|月|年|室|棟|匹|頭|本|杯|区画|張"
_ENDS_RANGE: Final = "年|月|日|時|分|曜|祝日"
_CURRENCIES: Final = {"¥": "円", "$": "ドル", "€": "ユーロ", "£": "ポンド", "₩": "ウォン"}
_NUMBER: Final = r"\d+(?:\.\d+)?"


def spoken_form(text: str, names: Sequence[SpokenName] = ()) -> str:
    """Write one sentence of Japanese as it is said."""
    plain = without_readings(text.replace("，", "、"), names)
    said = clean(_WIDE_COLON.sub("、", plain))
    said = taken(said, _STEPS)
    said = in_kana(said, names)
    said = taken(said, _LAST)
    return said.strip(" 、")


def without_readings(text: str, names: Sequence[SpokenName] = ()) -> str:
    """Leave out the readings in brackets; words in brackets stay: 500円(おとな)."""
    return _RUBY_OF_OTHERS.sub(
        lambda found: found["word"] if _is_read(found, names) else found[0], _RUBY.sub("", text)
    )


def _is_read(found: re.Match[str], names: Sequence[SpokenName]) -> bool:
    """Whether a bracket is how what stands before it is read: 第4(だいよん); not 500(おとな)."""
    word, kana = found["word"], found["kana"]
    if word.isdecimal():
        return katakana_to_hiragana(kana).endswith(_FIGURES[int(word[-1])])
    return can_be_read(word, kana, names)


def _weekdays(found: re.Match[str]) -> str:
    return f"、{_named_days(found['days'])}、"


def _named_days(inside: str) -> str:
    """土・日・祝 as 土曜、日曜、祝日; a single day in full: 日曜日."""
    if len(inside) == 1:
        return _DAYS[inside] + ("日" if inside in "月火水木金土日" else "")
    said = re.sub(_TO, "から", inside)
    said = re.sub("[・、,/･]", "、", said)
    said = re.sub("(?<=[月火水木金土日祝休])(?=[月火水木金土日祝休])", "、", said)
    return "".join(_DAYS.get(each, each) for each in said)


def _dated_range(found: re.Match[str]) -> str:
    """4月29日(水・祝)〜5月6日(水) as 4月29日水曜、祝日から、5月6日水曜日まで."""
    first, last = found["first"], found["last"]
    if not first and not last:
        return found[0]
    until = f"{found['date']}{_named_days(last) if last else ''}まで"
    return f"{_named_days(first) if first else ''}から、{until}"


def _listed_days(found: re.Match[str]) -> str:
    return "、".join(_DAYS.get(each, each) for each in re.findall("[月火水木金土日祝]", found[0]))


def _day_range(found: re.Match[str]) -> str:
    return f"{_DAYS[found[1]]}から{_DAYS[found[2]]}"


def _year_month(found: re.Match[str]) -> str:
    year, month = int(found[1]), int(found[2])
    return f"{year}年{month}月" if 1 <= month <= _MONTHS else found[0]


def _clock(found: re.Match[str]) -> str:
    hour, minute = int(found["hour"]), int(found["minute"])
    if hour > _LAST_HOUR or minute > _LAST_MINUTE:
        return found[0]
    half = (found["before"] or found["after"] or "").replace(".", "").strip().casefold()
    said = {"am": "午前", "pm": "午後"}.get(half, "")
    return f"{said}{hour}時" + (f"{minute}分" if minute else "")


def _currency(found: re.Match[str]) -> str:
    sign = _CURRENCIES[found["sign"]]
    upper = f"〜{found['to']}{found['more'] or ''}{sign}" if found["to"] else ""
    return f"{found['from']}{found['many'] or ''}{sign}{upper}"


def _many(found: re.Match[str]) -> str:
    """$1.5M as 150万ドル."""
    number = round(float(found[2]) * {"K": 1_000, "M": 1_000_000, "B": 1_000_000_000}[found[3]])
    return f"{_in_myriads(number)}{_CURRENCIES[found[1]]}"


def _in_myriads(number: int) -> str:
    hundreds, rest = divmod(number, 100_000_000)
    myriads, ones = divmod(rest, 10_000)
    parts = ((hundreds, "億"), (myriads, "万"), (ones, ""))
    return "".join(f"{each}{name}" for each, name in parts if each) or "0"


_CLOSING: Final = re.compile(r"\s*(?:$|[。、,)(」』・;])")


def _until(found: re.Match[str]) -> str:
    """A〜B, with まで where nothing else follows a time or a date."""
    timed = found["unit"] and (found["unit"] != "分" or "時" in found["to"])
    closing = timed and _CLOSING.match(found.string, found.end())
    return f"{found['from']}から{found['to']}" + ("まで" if closing else "")


_STEPS: Final = (
    # abbreviations
    step(r"(?<![A-Za-z])L\.?O\.?\s?(?=\d{1,2}[:時])", "ラストオーダー"),
    step(r"(?<![\d/])24/7(?![\d/])", "24時間年中無休"),
    step(r"(?<![A-Za-z0-9])B(\d{1,2})F(?![A-Za-z0-9])", r"地下\1階"),
    step(r"(?<![A-Za-z0-9])(\d{1,2})F(?![A-Za-z0-9])", r"\1階"),
    step(r"(?<![A-Za-z])GW(?![A-Za-z])", "ゴールデンウィーク"),
    step(r"(?<![A-Za-z])[Nn][Oo]\.\s?(?=\d)", "ナンバー"),
    step(r"(?<![^\s、。(])@\s?(?=[¥\d])", ""),
    # figures
    step(r"(?<=\d),(?=\d{3}(?!\d))", ""),
    step(rf"(?<=\d[KMB])\s?{_TO}\s?(?=[¥$€£₩]\s?\d)", "〜"),
    step(r"([¥$€£₩])\s?(\d+(?:\.\d+)?)([KMB])(?![A-Za-z]|\s?&)", _many),
    step(r"(?P<sign>[¥$€£₩])\s?(?P<from>\d+(?:\.\d+)?)(?P<many>[万億千])?"
          rf"(?:\s?{_TO}\s?[¥$€£₩]?\s?(?P<to>\d+(?:\.\d+)?)(?P<more>[万億千])?)?", _currency),
    step(r"(?<![A-Za-z])JPY\s?(\d+)|(\d+)\s?(?:JPY|yen|Yen)(?![A-Za-z])",
          lambda found: f"{found[1] or found[2]}円"),
    step(rf"円/(\d*)({_COUNTERS}|1)",
          lambda found: f"円、{found[1] or '1'}{found[2]}につき"),
    # telephones keep their hyphens, which are no ranges
    step(r"(?<![\d.])(0\d{1,4})(?:-|\s?\()(\d{1,4})(?:-|\)\s?)(\d{3,4})(?!\d)", r"\1ｰ\2ｰ\3"),
    step(r"〒\s?(\d{3})-?(\d{4})", r"郵便番号\1ｰ\2、"),
    step(r"\b(?:TEL|Tel|tel|電話)\s?[:.]?\s?(?=[\d+])", "電話、"),
    # days and times
    full_dates(r"(?<![\d/])(\d{4})[/.-](\d{1,2})[/.-](\d{1,2})(?![\d/])", "{}年{}月{}日"),
    step(r"(?<![\d/.])((?:19|20)\d{2})[/-](\d{1,2})(?![\d/-])", _year_month),
    short_dates(after=rf"\({_DAY}|から|まで|より|{_TO}|に|開催|開始|締切|現在|時点",
                before=rf"{_TO}|から", date="{}月{}日", fraction="{1}分の{0}"),
    step(r"(?:(?P<before>[AaPp]\.?[Mm]\.?)\s?)?(?<!\d)(?<!\d:)(?P<hour>\d{1,2}):(?P<minute>\d{2})"
          r"(?::\d{2})?(?![\d:])(?:\s?(?P<after>[AaPp]\.?[Mm]\b\.?))?", _clock),
    step(r"(\d時)0{1,2}分", r"\1"),
    step(r"(?<=[時月年])0(?=\d[分日月])", ""),
    step(rf"(?<=日)(?:\((?P<first>{_SOME_DAYS})\))?\s?{_TO}\s?"
          r"(?P<date>(?:\d{1,4}年)?(?:\d{1,2}月)?\d{1,2}日)"
          rf"(?:\((?P<last>{_SOME_DAYS})\))?(?:まで)?", _dated_range),
    step(rf"(?<=日)\((?P<days>{_SOME_DAYS})\)\s?[〜~～∼]\s?(?=$|[\s、。)」])",
          lambda found: f"{_named_days(found['days'])}から"),
    step(rf"\((?P<days>{_SOME_DAYS})\)", _weekdays),
    step(rf"(?<![一-鿿])({_DAY})\s?{_TO}\s?({_DAY})(?![一-鿿])", _day_range),
    step(rf"(?<![一-鿿・]){_DAY}(?:[・、･]{_ANY_DAY})+(?![一-鿿])", _listed_days),
    step("土日祝日?", "土日、祝日"),
    step(r"(?<=\d)\s?[・·]\s?(?=\d)", "、"),
    # from and to
    step(rf"(?<![\d.])(\d{{1,2}})\s?{_TO}\s?(\d{{1,2}})月(?!\d)", r"\1月〜\2月"),
    step(rf"(?<=[\d時分日月年円])\s?[−–—―-]\s?(?={_NUMBER}\s?(?:{_UNIT}|{_COUNTED}))", "〜"),
    step(rf"(?P<from>[^\s、。()〜~]*[^\s、。()〜~])\s?[〜~～∼]\s?(?P<to>(?:午[前後])?{_NUMBER}\s?"
          rf"(?:(?P<unit>{_ENDS_RANGE})(?:{_NUMBER}(?:月|日|分))*)?)"
          r"(?!\s?(?:まで|の間|頃|ごろ))", _until),
    step(r"(?P<from>\S)\s?[〜~～∼]\s?(?P<to>[^\s、。()〜~]+?まで)", r"\g<from>から\g<to>"),
    step(r"(?:^|(?<=[\s、。(「]))[〜~～∼]\s?([^\s、。()〜~]+)", r"\1まで"),
    step(r"(?<=[^\s、。(])\s?[〜~～∼]\s?(?=$|[\s、。)」])", "から"),
    step(r"(?<=[^\s、。()])\s?[〜~～∼]\s?(?=[^\s、。()])", "から"),
    step(r"からから", "から"),
    step(r"[〜~～∼]", "、"),
    # units
    step(rf"(?<=[\d万億千])\s?({_UNIT})(?![A-Za-z0-9])", lambda found: _UNITS[found[1]]),
    step(r"(?<=\d)\s?[×xX✕]\s?(?=\d)|(?<=[ルチ])\s?×\s?(?=\d)", "かける"),
    step(rf"(?<![\w.-])[-−](?=\d)|(?<![A-Za-z0-9.-])[-−](?={_NUMBER}(?:度|パーセント))",
          "マイナス"),
    step(r"\+(?=\d)", "プラス"),
)  # fmt: skip

_LAST: Final = (
    step("ｰ", "-"),
    step(r"[→⇒➡➔▶]", "から"),
    step(r"[⇔↔]", "と"),
    step(r"\s*/\s*", "、"),
    step(r"&", "と"),
    step(r"[#*_`^|\\<>=\[\]{}「」『』【】〔〕“”‘’\"※★☆●○◎◆◇■□▲△▼▽♪♨†‡§¶©®™]+", " "),
    step(r"\s*[()]+\s*", "、"),
    step(r"\s*[:;]+\s*", "、"),
    step(r"(?:\.\.\.|…|‥)+", "、"),
    step(r"(?<=[^\x00-\x7f])\s+|\s+(?=[^\x00-\x7f])", ""),
    step(r"、(?:\s*[、,・])+|・、", "、"),
    step(r"[、,]+(?=[。！？!?]|$)", ""),
    step(rf"、(?=(?:{_PARTICLES})[はもの]?(?:[^ぁ-ん]|です|、|$))", ""),
    step(r"(?<=[。！？!?])、", ""),
)  # fmt: skip
