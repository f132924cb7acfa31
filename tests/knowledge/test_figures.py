"""Promise 3: every figure the guide says stands in a cited passage."""

from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.figures import Figure, FigureKind, figures, unsupported
from knowledge.language import Language
from knowledge.passage import Kind, Passage


def passage(text: str, *, title: str = "案内", as_of: str | None = None) -> Passage:
    return Passage("id", "doc", title, (), text, Kind.PROSE, Language.JA, as_of=as_of)


SAME = [
    pytest.param(
        FigureKind.TIME,
        "1050",
        ["17:30", "17時30分", "17時半", "午後5時30分", "午後5時半", "5:30 pm", "5:30 p.m.",
         "5:30PM", "오후 5시 30분", "오후 다섯시 반", "下午5点30分", "下午5點半", "１７：３０",
         "十七時三十分"],
        id="half past five in the afternoon",
    ),
    pytest.param(FigureKind.TIME, "1020", ["17:00", "17時", "5pm", "5 p.m.", "午後5時", "下午五点"],
                 id="five in the afternoon"),
    pytest.param(FigureKind.TIME, "0", ["0:00", "12 am", "午前0時"], id="midnight"),
    pytest.param(
        FigureKind.MONEY,
        "JPY 1600",
        ["1,600円", "1600円", "¥1,600", "￥1600", "１，６００円", "千六百円", "1,600 yen",
         "JPY 1600", "1,600엔", "천육백 엔", "1,600日圓", "1600日元",
         "one thousand six hundred yen"],
        id="sixteen hundred yen",
    ),
    pytest.param(FigureKind.MONEY, "JPY 15000", ["1万5千円", "15,000円", "1.5万円", "一万五千円"],
                 id="myriads"),
    pytest.param(
        FigureKind.DATE,
        "2026-02-11",
        ["2026年2月11日", "2026-02-11", "2026/2/11", "2026.2.11", "Feb 11, 2026",
         "11 February 2026", "February 11th, 2026", "2026년 2월 11일", "令和8年2月11日"],
        id="a day",
    ),
    pytest.param(FigureKind.DATE, "1926", ["1926年", "大正15年", "1926년"], id="a year of an era"),
    pytest.param(FigureKind.DATE, "--02-11", ["2月11日", "2/11", "February 11", "2월 11일"],
                 id="a day of any year"),
    pytest.param(
        FigureKind.PHONE,
        "0837620115",
        ["0837-62-0115", "0837 62 0115", "(0837)62-0115", "+81 837-62-0115", "0837620115",
         "０８３７－６２－０１１５"],
        id="a telephone number",
    ),
    pytest.param(FigureKind.LENGTH, "mm 11200000", ["11.2km", "11.2キロ", "11,200 m", "11.2公里",
                                                    "11.2 kilometres", "11.2㎞"], id="a distance"),
    pytest.param(FigureKind.DURATION, "minute 90", ["90分", "1時間30分", "1.5時間", "一時間半",
                                                    "90 minutes", "1 hour and 30 minutes",
                                                    "ninety minutes", "90분"], id="a duration"),
    pytest.param(FigureKind.QUANTITY, "percent 50", ["50%", "５０％", "5割", "50パーセント",
                                                     "fifty percent"], id="a share"),
    pytest.param(FigureKind.QUANTITY, "degree 17", ["17℃", "17度", "17°C", "17 degrees"],
                 id="a temperature"),
    pytest.param(FigureKind.DURATION, "year 350000000", ["3億5千万年前", "350 million years ago",
                                                         "三億五千万年前"], id="a large number"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value", "spellings"), SAME)
def test_spellings_of_one_figure_are_equal(
    kind: FigureKind, value: str, spellings: list[str]
) -> None:
    wanted = Figure(kind, value)
    assert [each for each in spellings if figures(each) != {wanted}] == []


@pytest.mark.parametrize(
    ("answer", "source"),
    [
        pytest.param("1,500円です。", "大人は1,600円", id="another amount"),
        pytest.param("160円です。", "大人は1,600円", id="a tenth of it"),
        pytest.param("5:30に閉まります。", "17:30に閉まる", id="morning for afternoon"),
        pytest.param("18時までです。", "8:30〜17:30", id="another hour"),
        pytest.param("1,600円です。", "1,600人が訪れた", id="people are not yen"),
        pytest.param("1,600円です。", "花火は1,600〜2,000発", id="fireworks are not yen"),
        pytest.param("16円です。", "受付は16:30まで", id="hours are not yen"),
        pytest.param("0837-62-0116です。", "0837-62-0115", id="one digit of a number"),
        pytest.param("2月12日です。", "2026年2月11日", id="another day"),
        pytest.param("2025年2月11日です。", "2026年2月11日", id="another year"),
        pytest.param("約12kmです。", "約12mです", id="another unit"),
        pytest.param("It costs fifty yen.", "大人は1,600円", id="an amount in words"),
        pytest.param("徒歩15分です。", "徒歩5分", id="another duration"),
        pytest.param("See https://evil.example/ for more.", "https://example.org/", id="a link"),
    ],
)
def test_a_figure_that_no_passage_holds_is_found(answer: str, source: str) -> None:
    assert unsupported(answer, [passage(source)])


@pytest.mark.parametrize(
    ("answer", "source"),
    [
        pytest.param("It closes at 5:30 pm.", "17:30に閉まる", id="across languages"),
        pytest.param("7月も8月も開いています。", "7〜8月は毎日", id="both ends of a range"),
        pytest.param("60分ほどです。", "60〜70分", id="the first of a range takes its unit"),
        pytest.param("10時から16時です。", "10〜12時と14〜16時", id="ranges of hours"),
        pytest.param("2026年に行われました。", "2026年2月11日", id="part of a date"),
        pytest.param("2026年2月11日です。", "2026年の山焼きは2月11日", id="year and day apart"),
        pytest.param("1,600円です。", "料金(円): 1,600", id="a bare number in a table"),
        pytest.param("6 species live here.", "6種類のコウモリ", id="a counter in any language"),
        pytest.param("百枚皿と千畳敷が有名です。", "見どころが多い", id="numerals in names"),
        pytest.param("1. 洞窟です。[2]", "洞窟です", id="list numbers and citation marks"),
        pytest.param("秋吉台は広い。", "台地", id="no figure at all"),
    ],
)
def test_a_figure_that_a_passage_holds_is_supported(answer: str, source: str) -> None:
    assert unsupported(answer, [passage(source)]) == ()


def test_the_title_and_the_date_of_a_passage_count() -> None:
    held = passage("大人は1,600円", title="2024年の料金", as_of="2026-02")
    assert unsupported("2026年2月時点で1,600円、2024年も。", [held]) == ()


def test_a_year_of_one_passage_and_a_day_of_another_do_not_make_a_date() -> None:
    apart = [passage("2025年に改装"), passage("2月11日に行う")]
    assert unsupported("2025年2月11日です。", apart) == ("2025年2月11日",)


def test_without_passages_nothing_is_supported() -> None:
    assert unsupported("1,600円で17:30までです。", []) == ("1600円", "17:30")


@given(st.integers(0, 10**9))
def test_any_amount_survives_its_spellings(amount: int) -> None:
    spellings = (f"{amount}円", f"{amount:,}円", f"¥{amount:,}", f"{amount:,} yen", f"{amount}엔")
    assert {figures(each) for each in spellings} == {
        frozenset({Figure(FigureKind.MONEY, f"JPY {amount}")})
    }


@given(st.times())
def test_any_time_survives_its_spellings(moment: time) -> None:
    half = "午後" if moment.hour >= 12 else "午前"
    english = "pm" if moment.hour >= 12 else "am"
    spellings = (
        f"{moment.hour}:{moment.minute:02d}",
        f"{moment.hour}時{moment.minute}分",
        f"{half}{moment.hour % 12}時{moment.minute:02d}分",
        f"{moment.hour % 12 or 12}:{moment.minute:02d} {english}",
    )
    wanted = Figure(FigureKind.TIME, str(moment.hour * 60 + moment.minute))
    assert [each for each in spellings if figures(each) != {wanted}] == []


@given(st.dates())
def test_any_date_survives_its_spellings(day: object) -> None:
    iso = str(day)
    year, month, date = (int(part) for part in iso.split("-"))
    if year < 1000:
        return
    spellings = (iso, f"{year}年{month}月{date}日", f"{year}/{month:02d}/{date:02d}")
    assert {figures(each) for each in spellings} == {frozenset({Figure(FigureKind.DATE, iso)})}


@given(st.text(max_size=300))
def test_any_text_can_be_read_and_supports_itself(text: str) -> None:
    assert unsupported(text, [passage(text)]) == ()


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_no_amount_stands_for_another(said: int, held: int) -> None:
    missing = unsupported(f"料金は{said:,}円です。", [passage(f"大人{held:,}円")])
    assert bool(missing) is (said != held)


def test_readings_in_brackets_part_no_figure() -> None:
    easy = passage("飛行機(ひこうき)で 約(やく)1時間(じかん)30分(ぷん)")
    assert unsupported("1時間30分かかります。", [easy]) == ()
    assert unsupported("1時間40分かかります。", [easy]) == ("1時間40分",)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("1" * 20_000, id="digits"),
        pytest.param("1-" + "1" * 20_000 + "円", id="digits after a hyphen"),
        pytest.param("1." + "1" * 20_000 + "円", id="digits after a point"),
        pytest.param("午後" + " " * 5_000 + "1", id="spaces"),
    ],
)
def test_a_text_without_an_end_is_read_at_once_and_supports_itself(text: str) -> None:
    assert figures(text)
    assert unsupported(text, [passage(text)]) == ()


def test_numbers_of_more_digits_than_can_be_reckoned_with_are_compared_digit_by_digit() -> None:
    long = "1" * 400
    assert unsupported(f"{long}2", [passage(f"{long}3")]) == (f"{long}2",)
    assert figures("0" * 10 + "1" * 20) == figures("1" * 20)
