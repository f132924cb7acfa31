"""What is said of real lines of the sample towns' guides, and of what people write besides."""

import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.language import Language
from knowledge.text import clean
from knowledge.voice.names import SpokenName, names_of_town
from knowledge.voice.spoken import Sentence, sentences, spoken_form
from tests.world.voices import need

TOWNS = Path(__file__).resolve().parents[3] / "towns"
NAMES = names_of_town(TOWNS / "mine")

JAPANESE = [
    ("営業時間は8:30〜17:30です。", "営業時間は8時30分から17時30分です。"),
    ("受付 8:30～17:30（最終入場16:45）", "受付8時30分から17時30分まで、最終入場16時45分"),
    ("8:30〜17:30まで", "8時30分から17時30分まで"),
    ("受付時間：8:30-16:30", "受付時間、8時30分から16時30分まで"),
    ("9時00分から9時05分", "9時から9時5分"),
    ("AM9:00〜PM5:00", "午前9時から午後5時まで"),
    ("〜17時、18:00〜", "17時まで、18時から"),
    ("大人¥1,300、子ども￥500〜1,000", "大人1300円、子ども500円から1000円"),
    ("NFTを1枚1,000JPYで買う", "NFTを1枚1000円で買う"),
    ("1,250円/人、3,000円／泊", "1250円、1人につき、3000円、1泊につき"),
    ("2026/12/20（日）に開催", "2026年12月20日、日曜日に開催"),
    ("12月20日（日）、23日（祝）", "12月20日、日曜日、23日、祝日"),
    ("2026-02時点", "2026年2月時点"),
    ("年末年始（12/29〜1/3）", "年末年始、12月29日から1月3日まで"),
    ("4/1から、1/2の確率で", "4月1日から、2分の1の確率で"),
    ("7〜8月と3～11月は17:30に閉まる", "7月から8月と3月から11月は17時30分に閉まる"),
    ("（土・日・祝）は休み。", "土曜、日曜、祝日は休み。"),
    ("土・日・祝は運休、月〜金は運行", "土曜、日曜、祝日は運休、月曜から金曜は運行"),
    ("10~15分歩く", "10から15分歩く"),
    ("小学生〜高校生 500円", "小学生から高校生500円"),
    ("面積は4,502㎡、気温17℃、勾配10%", "面積は4502平方メートル、気温17度、勾配10パーセント"),
    ("長さ11.2km、高さ約100mの洞窟", "長さ11.2キロメートル、高さ約100メートルの洞窟"),
    ("約3億5000万年前の石灰岩", "約3億5000万年前の石灰岩"),
    ("電話：0837-62-0018", "電話、0837-62-0018"),
    ("TEL 0837(62)0018", "電話、0837-62-0018"),
    ("〒754-0511 美祢市秋芳町", "郵便番号754-0511、美祢市秋芳町"),
    ("詳しくは https://karusuto.com/a をご覧ください。", "詳しくはホームページをご覧ください。"),
    ("ホームページ（https://www.city.mine.lg.jp/）へ。", "ホームページへ。"),
    ("お問い合わせ: info@example.jp まで", "お問い合わせ、メールまで"),
    ("Wi-Fiは無料😊です！", "ワイファイは無料です!"),
    ("新山口駅→秋芳洞", "新山口駅から秋芳洞"),
    ("大人 1,300 円 / 子ども 650 円", "大人1300円、子ども650円"),
    ("秋芳洞(あきよしどう)は 朝(あさ) 8時(じ)に", "秋芳洞は朝8時に"),
    ("新山口駅〜秋芳洞（バス）", "新山口駅から秋芳洞、バス"),
    ("無料です（2026年2月時点）。", "無料です、2026年2月時点。"),
    ("「Mine秋吉台ジオパーク」", "Mine秋吉台ジオパーク"),
    ("JR山口線・新山口駅", "JR山口線・新山口駅"),
    ("※詳細は下記のとおり…", "詳細は下記のとおり"),
    ("-5℃〜10℃", "マイナス5度から10度"),
    ("冬の気温−5℃です", "冬の気温マイナス5度です"),
    ("¥1万〜2万", "1万円から2万円"),
    ("料金は500(おとな)、300(こども)です", "料金は500、おとな、300、こどもです"),
    ("500円(おとな)、8時(あさ)から", "500円、おとな、8時、あさから"),
    ("8:00(あさ)から", "8時、あさから"),
    ("ATM(げんきん)", "ATM、げんきん"),
    ("JR(じぇいあーる)、第4(だいよん)、300円(えん)、8時(じ)", "JR、第4、300円、8時"),
    ("Wi-Fi(わいふぁい)とDAO(だお)", "ワイファイとダオ"),
    ("第2・4水曜、5・6・7月", "第2、4水曜、5、6、7月"),
    ("12・13日休み、2・3階", "12、13日休み、2、3階"),
    ("¥1.5Mと¥500K〜¥1M", "150万円と50万円から100万円"),
    ("¥500 Bセット", "500円Bセット"),
    ("4月29日(水・祝)〜5月6日(水)", "4月29日水曜、祝日から、5月6日水曜日まで"),
    ("4月29日〜5月6日(水・休)です", "4月29日から、5月6日水曜、休日までです"),
    ("10月1日(木)〜", "10月1日木曜日から"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "said"), JAPANESE)
def test_japanese_is_said_as_people_say_it(written: str, said: str) -> None:
    assert spoken_form(written, Language.JA, NAMES) == said


@pytest.mark.parametrize(("written", "said"), JAPANESE)
def test_what_is_said_stays_as_it_is_when_it_is_prepared_again(written: str, said: str) -> None:
    assert spoken_form(said, Language.JA, NAMES) == spoken_form(
        spoken_form(written, Language.JA, NAMES), Language.JA, NAMES
    )


def test_a_town_in_roman_letters_is_said_as_its_people_say_it() -> None:
    need("kanalizer")
    assert spoken_form("Mine Walkに参加", Language.JA, NAMES) == "ミネウォークに参加"
    kaga = [SpokenName("加賀市", "かがし")]
    assert spoken_form("Kaga Cityのバス", Language.JA, kaga) == "カガシティのバス"
    assert spoken_form("Mineのバス", Language.JA, kaga) == "マインのバス"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Last entry is at 17:30.", "Last entry is at 5:30 p.m."),
        ("Open 8:30–17:00, closed Mon.", "Open 8:30 a.m. to 5 p.m., closed Monday."),
        ("16:30 from Dec. to Feb.", "4:30 p.m. from December to February."),
        ("From 8:30 a.m. to 5 pm", "From 8:30 a.m. to 5 p.m."),
        ("¥300-500 B&B", "300 to 500 yen B and B"),
        ("A ¥5M B&B, ¥900 B course", "A 5 million yen B and B, 900 yen B course"),
        ("Closed Mon (Tue if Mon is a holiday).", "Closed Monday, Tuesday if Monday is a holiday."),
        ("(Open daily)", "Open daily"),
        ("Shops on 1F-3F, baths on 2F/3F", "Shops on floors 1 to 3, baths on floors 2 and 3"),
        ("1F, 3F・4F, B1F-2F", "floor 1, floors 3 and 4, basement floor 1 to floor 2"),
        ("Bus 7-9 times a day", "Bus 7 to 9 times a day"),
        ("¥500 / person, 2,000 yen / night", "500 yen per person, 2,000 yen per night"),
        ("adults and / or children", "adults or children"),
        ("the 2・4 weeks, 5・6・7 May", "the 2, 4 weeks, 5, 6, 7 May"),
        ("¥1,300 or JPY 2,000", "1,300 yen or 2,000 yen"),
        ("¥500–1,000 per night", "500 to 1,000 yen per night"),
        ("Akiyoshido Cave (秋芳洞) is cool", "Akiyoshido Cave is cool"),
        ("Mine City (美祢市, Mine-shi) is inland", "Mine City, Mine-shi, is inland"),
        ("100 m below, at 17°C", "100 meters below, at 17 degrees Celsius"),
        ("10-15 minutes, approx. 40 min.", "10 to 15 minutes, approximately 40 minutes."),
        ("2026-12-20 and 2026/04/29", "December 20, 2026 and April 29, 2026"),
        ("See https://karusuto.com for details.", "See the website for details."),
        ("Sat/Sun & holidays", "Saturday, Sunday, holidays"),
        ("Mt. Gassan, No. 5 bus stop", "Mount Gassan, number 5 bus stop"),
        ("1 km to walk", "1 kilometer to walk"),
        ("7-9 return trips a day", "7 to 9 return trips a day"),
        ("On 14-15 February", "On 14 to 15 February"),
        ("It costs 1,000-1,500 yen.", "It costs 1,000 to 1,500 yen."),
        ("9-11 a.m.", "9 to 11 a.m."),
        ("1.5-2.5 km", "1.5 to 2.5 kilometers"),
        ("Call 62-0018 for details", "Call 62-0018 for details"),
        ("at 4-29 Somebacho", "at 4-29 Somebacho"),
        ("-5 to 10°C", "minus 5 to 10 degrees Celsius"),
        ("+81-837-62-0018", "plus 81-837-62-0018"),
        ("$1.5 million", "1.5 million dollars"),
        ("¥3 billion–5 billion", "3 billion to 5 billion yen"),
        ("Sun protection is needed.", "Sun protection is needed."),
        ("Mon ami, the Sun is hot", "Mon ami, the Sun is hot"),
        ("Closed on Sun and holidays", "Closed on Sunday and holidays"),
        ("Mon–Fri, Dec 20 (Sun)", "Monday to Friday, December 20, Sunday"),
        ("Closed Dec 29–Jan 3", "Closed December 29 to January 3"),
        ("Mar-Nov only", "March to November only"),
        ("Apr 29-30", "April 29 to 30"),
        ("10-20% off except Mon", "10 to 20 percent off except Monday"),
        ("closed on Wed from Dec to Feb", "closed on Wednesday from December to February"),
        ("Edo IC (絵堂IC) exit", "Edo IC exit"),
        ("4-29 Somebacho (益田市染羽町4-29)", "4-29 Somebacho"),
        ("Edo IC (絵堂インター, Edo Interchange)", "Edo IC, Edo Interchange"),
    ],
)  # fmt: skip
def test_english_is_said_as_people_say_it(written: str, said: str) -> None:
    assert spoken_form(written, Language.EN) == said


@pytest.mark.parametrize(
    ("language", "written", "said"),
    [
        (Language.ZH_HANS, "门票1,600日元，8:30〜17:30开放", "门票1600日元，8点30分到17点30分开放"),
        (
            Language.ZH_HANS,
            "全长11.2km，气温17℃，坡度10%",
            "全长11.2公里，气温17摄氏度，坡度百分之10",
        ),
        (Language.ZH_HANS, "时间：8:30-17:30", "时间，8点30分到17点30分"),
        (Language.ZH_HANS, "2026/12/20(日)休息", "2026年12月20日，星期日，休息"),
        (Language.ZH_HANS, "黑谷口(黒谷口)免费", "黑谷口免费"),
        (Language.ZH_HANT, "¥1,300，9:00～17:00，100m", "1300日圓，9點到17點，100公尺"),
        (Language.ZH_HANT, "詳見 https://karusuto.com 。", "詳見。"),
        (Language.KO, "아키요시도(秋芳洞)는 1,600엔", "아키요시도는 1600엔"),
        (Language.KO, "8:30~17:30, 3~11월", "8시 30분부터 17시 30분까지, 3월부터 11월"),
        (Language.KO, "11.2km, 17℃, ¥1,300, 10%", "11.2킬로미터, 17도, 1300엔, 10퍼센트"),
        (Language.KO, "2026. 12. 20.(일)", "2026년 12월 20일, 일요일"),
        (Language.ZH_HANS, "第2・4周的周三，12・13日休息", "第2，4周的周三，12，13日休息"),
        (Language.ZH_HANS, "5・6・7月，2·3楼", "5，6，7月，2，3楼"),
        (Language.KO, "제2・4수요일, 5・6・7월", "제2, 4수요일, 5, 6, 7월"),
        (Language.KO, "둘째・넷째 주, 2·3층", "둘째, 넷째 주, 2, 3층"),
        (Language.ZH_HANS, "12/29〜1/3休馆", "12月29日到1月3日休馆"),
        (Language.ZH_HANS, "打1/2折，4/29开始", "打2分之1折，4月29日开始"),
        (Language.ZH_HANS, "12/29-1/3休馆", "12月29日到1月3日休馆"),
        (Language.ZH_HANS, "约¥1.5万", "约1.5万日元"),
        (Language.ZH_HANT, "¥1萬～2萬，氣溫-5℃", "1萬到2萬日圓，氣溫負5度"),
        (Language.KO, "12/29~1/3 휴관", "12월 29일부터 1월 3일까지 휴관"),
        (Language.KO, "12/31(수)~1/3(토)", "12월 31일, 수요일부터 1월 3일, 토요일"),
        (Language.ZH_HANS, "12/31(三)〜1/3(六)", "12月31日，星期三到1月3日，星期六"),
        (Language.KO, "확률은 1/2", "확률은 2분의 1"),
        (
            Language.KO,
            "월~금 운행, 토·일·공휴일 휴무",
            "월요일부터 금요일 운행, 토요일, 일요일, 공휴일 휴무",
        ),
        (Language.KO, "월~금은 무료", "월요일부터 금요일은 무료"),
        (Language.KO, "¥1.5만, ¥1만~2만", "1.5만엔, 1만엔에서 2만엔"),
        (Language.KO, "기온 -5~10℃", "기온 마이너스 5에서 10도"),
    ],
)
def test_chinese_and_korean_are_said_as_people_say_them(
    language: Language, written: str, said: str
) -> None:
    assert spoken_form(written, language) == said


def test_a_table_of_fees_is_said_row_by_row() -> None:
    table = "## 料金\n| 区分 | 個人 | 団体 |\n| --- | --- | --- |\n| 大人 | 1,600円 | 1,300円 |\n"
    assert [each.said for each in sentences(table, Language.JA)] == [
        "料金",
        "大人、個人は1600円、団体は1300円。",
    ]


def test_marks_lists_and_pictures_are_not_said() -> None:
    text = (
        "- **駐車場**：[無料](https://example.jp/a) 🚗\n1. `予約`する\n\n---\n![地図](map.png)\n😊"
    )
    assert [each.said for each in sentences(text, Language.JA)] == [
        "駐車場、無料",
        "予約する",
        "地図",
    ]


@pytest.mark.parametrize(
    ("language", "text", "said"),
    [
        (Language.JA, "-5℃〜10℃", "マイナス5度から10度"),
        (Language.EN, "-5 to 10°C", "minus 5 to 10 degrees Celsius"),
        (Language.EN, "+81-837-62-0018", "plus 81-837-62-0018"),
        (Language.ZH_HANS, "-5℃以下", "负5摄氏度以下"),
        (Language.KO, "-5℃ 이하", "마이너스 5도 이하"),
        (Language.JA, "-駐車場", "駐車場"),
        (Language.JA, "- 5台", "5台"),
    ],
)
def test_a_minus_at_the_beginning_of_a_line_is_no_mark_of_a_list(
    language: Language, text: str, said: str
) -> None:
    assert [each.said for each in sentences(text, language)] == [said]


def test_captions_are_what_is_written() -> None:
    assert sentences("受付は8:30です。無料（要予約）！", Language.JA) == (
        Sentence("受付は8:30です。", "受付は8時30分です。"),
        Sentence("無料（要予約）！", "無料、要予約!"),
    )


@pytest.mark.parametrize(
    ("language", "text", "count"),
    [
        pytest.param(
            Language.JA, "休み（祝日。ただし例外あり。）です。次は？はい。", 3, id="brackets"
        ),
        pytest.param(Language.EN, "Open from 8:30 a.m. to 5 p.m. daily.", 1, id="clock"),
        pytest.param(Language.EN, "It opens at 8:30 a.m. The cave is cool.", 2, id="after clock"),
        pytest.param(Language.EN, "Take bus No. 5 to Mt. Akiyoshi. It is 1.5 km.", 2, id="short"),
        pytest.param(
            Language.EN, "Hours: 9:00-17:00, Tue–Sun. Last entry is at 16:30.", 2, id="days"
        ),
        pytest.param(Language.EN, "Open Mar–Nov. Closed in winter.", 2, id="months"),
        pytest.param(Language.EN, "Open Mon–Fri. Closed Sat.", 2, id="weekdays"),
        pytest.param(Language.EN, "Closed Dec. 31-Jan. 2.", 1, id="days of months"),
        pytest.param(Language.EN, "Closed Mon-Tue. National holidays too.", 1, id="holidays"),
        pytest.param(Language.EN, 'He said "Come in." Then he left.', 2, id="quotation"),
        pytest.param(Language.KO, "2026. 12. 20. 까지입니다. 무료입니다.", 2, id="Korean dates"),
        pytest.param(Language.ZH_HANS, "免费。欢迎！请进？", 3, id="Chinese"),
        pytest.param(
            Language.JA, "開いた括弧（が忘れられた。" + "長い文。" * 60, 56, id="forgotten"
        ),
    ],
)
def test_a_full_stop_that_is_none_cuts_nothing(language: Language, text: str, count: int) -> None:
    found = len(sentences(text, language))
    assert found == count if count < 10 else found > 20


def test_a_sentence_too_long_for_one_breath_is_cut_at_a_comma() -> None:
    text = "秋芳洞は涼しく、" * 30 + "終わります。"
    said = sentences(text, Language.JA)
    assert len(said) > 2
    assert all(len(each.said) <= 110 for each in said)
    assert "".join(each.text for each in said) == text


@pytest.mark.parametrize(
    ("language", "text", "said"),
    [
        (Language.JA, "2026年2月1日(日)〜3月31日(火)です。",
         "2026年2月1日日曜日から、3月31日火曜日までです。"),
        (Language.JA, "$1.5Mと$2K", "150万ドルと2000ドル"),
        (Language.JA, "24/7対応", "24時間年中無休対応"),
        (Language.JA, "11:00〜15:00（L.O.14:30）", "11時から15時まで、ラストオーダー14時30分"),
        (Language.JA, "2FとB1F", "2階と地下1階"),
        (Language.JA, "証(NFT)・専用の場所", "証、NFT、専用の場所"),
        (Language.JA, "ChatGPTを使う", "チャットジーピーティーを使う"),
        (Language.JA_EASY, "秋吉台IC（あきよしだいアイシー）から", "秋吉台ICから"),
        (Language.EN, "Open 24/7.", "Open 24 hours a day, 7 days a week."),
        (Language.EN, "A grant of $1.5M.", "A grant of 1.5 million dollars."),
        (Language.EN, "From $5M-$10M, or ¥1.2bn.",
         "From 5 million to 10 million dollars, or 1.2 billion yen."),
        (Language.EN, "Take Route 9-11 for 9-11 minutes.", "Take Route 9-11 for 9 to 11 minutes."),
        (Language.EN, "Closed from Dec. 31-Jan. 2.", "Closed from December 31 to January 2."),
        (Language.EN, "Apr.-Nov. 8:30-17:30", "April to November 8:30 a.m. to 5:30 p.m."),
        (Language.EN, "Closed on the 2nd and 4th Mon. of the month.",
         "Closed on the 2nd and 4th Monday of the month."),
        (Language.EN, "Hours: 9:00-17:00, Tue–Sun. Last entry is at 16:30.",
         "Hours, 9 a.m. to 5 p.m., Tuesday to Sunday. Last entry is at 4:30 p.m."),
        (Language.EN, "It covers 4,502 m².", "It covers 4,502 square meters."),
        (Language.EN, "Groups of 30+: adults 900 yen / children 500 yen",
         "Groups of 30 or more, adults 900 yen, children 500 yen"),
        (Language.EN, "Last entry 17:30 (The cave closes at 18:30)",
         "Last entry 5:30 p.m. The cave closes at 6:30 p.m."),
        (Language.ZH_HANS, "24/7开放，星期六・星期日除外", "每天24小时开放，星期六，星期日除外"),
        (Language.ZH_HANT, "24/7開放", "每天24小時開放"),
        (Language.KO, "24/7 운영", "하루 24시간 연중무휴 운영"),
        (Language.KO, "1~2명, 8:30~17:30", "1에서 2명, 8시 30분부터 17시 30분까지"),
        (Language.KO, "주민표가 아니며, 이 견본(단체)은", "주민표가 아니며, 이 견본, 단체은"),
    ],
)  # fmt: skip
def test_short_forms_are_said_as_an_announcer_says_them(
    language: Language, text: str, said: str
) -> None:
    assert " ".join(each.said for each in sentences(text, language)) == said


TEXTS = st.text(
    st.sampled_from("0123456789:〜~-/.,、。（）()年月日時分円¥%km℃ 土日祝のはをaAbM\n|*#→・！")
    | st.characters(max_codepoint=0x3FFFF, exclude_categories=["Cs"]),
    max_size=80,
)


@given(TEXTS, st.sampled_from(list(Language)))
def test_any_text_can_be_prepared_and_nothing_but_words_is_left(
    text: str, language: Language
) -> None:
    for each in sentences(text, language):
        assert each.said.strip()
        assert not re.search(r"[*#|`<>\[\]{}\n\t]", each.said)
        assert each.text.strip()


_FIGURES = st.integers(0, 99_999).map(lambda number: f"{number:,}")
_BETWEEN = st.sampled_from(
    [
        "円",
        "円、",
        "〜",
        "年",
        "月",
        "日",
        "人（",
        "）",
        "km ",
        "m、",
        "℃。",
        "％",
        "名/",
        "歳以上",
        "・",
        "→",
    ]
)


@given(st.lists(st.tuples(_FIGURES, _BETWEEN), min_size=1, max_size=6))
def test_no_figure_is_lost_in_japanese(parts: list[tuple[str, str]]) -> None:
    text = "料金は" + "".join(figure + between for figure, between in parts) + "です"
    said = "".join(each.said for each in sentences(text, Language.JA))
    assert sorted(digits(said)) == sorted(digits(text))


def digits(text: str) -> list[str]:
    return re.findall(r"\d", unicodedata.normalize("NFKC", text))


def guides(language: Language) -> list[tuple[str, str]]:
    """Each line of the prose of all towns' guides with its town."""
    prefix = {"en": "en-", "ko": "ko-", "zh-Hans": "zh-hans", "zh-Hant": "zh-hant"}.get(language)
    lines = []
    for file in sorted(TOWNS.glob("*/guides/*.md")):
        foreign = file.name.startswith(("en-", "ko-", "zh-", "ja-easy"))
        if file.name.startswith(prefix) if prefix else not foreign:
            body = file.read_text("utf-8").split("\n---\n", 1)[1]
            lines += [
                (file.parts[-3], each)
                for each in body.splitlines()
                if each and "http" not in each and "(20" not in each
            ]
    return lines


@pytest.mark.parametrize(
    ("language", "allowed"),
    [
        (Language.JA, r"[ぁ-ゖァ-ヺー一-鿿々〇A-Za-z0-9、。!?・. -]+"),
        (Language.EN, r"[A-Za-zÀ-ž0-9 ,.!?':-]+"),
        (Language.ZH_HANS, r"[一-鿿A-Za-z0-9，。!?·. -]+"),
        (Language.ZH_HANT, r"[一-鿿A-Za-z0-9，。!?·. -]+"),
        (Language.KO, r"[가-힣A-Za-z0-9 ,.!?-]+"),
    ],
)
def test_every_line_of_the_guides_becomes_words_and_keeps_its_figures(
    language: Language, allowed: str
) -> None:
    lines = guides(language)
    assert len(lines) > 60
    for _, line in lines:
        said = " ".join(each.said for each in sentences(line, language, NAMES))
        assert not said or re.fullmatch(allowed, said), (line, said)
        if language is not Language.EN and not line.startswith("|"):
            kept = [each for each in digits(clean(re.sub("[²³]|m2", "", line))) if each != "0"]
            assert sorted(each for each in digits(said) if each != "0") == sorted(kept), line
