"""What people read in six languages: real answers without any language service."""

import re
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bots import texts
from bots.conversation.messages import Quote
from bots.conversation.quoting import Quoted, Quoting
from bots.web.words import marked
from core.town import load
from knowledge.answer import AnswerKind, Guide
from knowledge.encoders import Tier
from knowledge.extract import Extract
from knowledge.language import Language
from knowledge.passage import Contradiction, Kind, Passage, Status

TOWNS = Path(__file__).parents[2] / "towns"
SLUGS = ("kaga", "kashima", "masuda", "mine", "nishikawa")
NOW = datetime(2026, 11, 22, 10, 0, tzinfo=ZoneInfo("Asia/Tokyo"))

QUESTIONS = [
    ("mine", "en", "How much is the entry to Akiyoshido Cave?", "1,600 yen"),
    ("mine", "zh-Hant", "秋芳洞幾點前可以入場？", "17:30"),
    ("mine", "zh-Hans", "景清洞有停车场吗?", "免费"),
    ("mine", "ko", "화석관 입장료는 얼마예요?", "100엔"),
    ("mine", "ja-easy", "秋芳洞は いくらですか?", "1,600円"),
    ("nishikawa", "en", "What are the hours of the Gassan Lake Fountain?", "10:00–16:00"),
    ("nishikawa", "zh-Hant", "月山銘水館餐廳的營業時間?", "11:00~16:00"),
    ("nishikawa", "zh-Hans", "西川町是什么地方?", "30km"),
    ("nishikawa", "ko", "사가에 댐에 주차장이 있나요?", "30대"),
    ("nishikawa", "ja-easy", "月山湖大噴水は 何時に 見られますか?", "10時"),
    ("kaga", "en", "How much is the Yamashiro Onsen Kosoyu?", "500 yen"),
    ("kaga", "zh-Hant", "古總湯多少錢?", "500日圓"),
    ("kaga", "zh-Hans", "山中座的开馆时间?", "8:30~22:00"),
    ("kaga", "ko", "고마쓰 공항에서 가가시까지 얼마나 걸려요?", "20분"),
    ("kaga", "ja-easy", "山中座は 何時から 開いて いますか?", "8:30から 22:00まで"),
    ("kashima", "en", "How much is the bus fare from Tokyo Station?", "2,000 yen"),
    ("kashima", "zh-Hant", "鹿島神宮在哪裡?", "2306-1"),
    ("kashima", "zh-Hans", "鹿岛神宫的电话?", "0299-82-1209"),
    ("kashima", "ko", "축구 박물관 입장료는 얼마예요?", "300엔"),
    ("kashima", "ja-easy", "サッカーミュージアムの お金は いくらですか?", "300円"),
    ("masuda", "en", "How much is the entry to Ikoji Temple?", "500 yen"),
    ("masuda", "zh-Hant", "醫光寺幾點開放?", "8:30~17:30"),
    ("masuda", "zh-Hans", "医光寺门票多少钱?", "500日元"),
    ("masuda", "ko", "이코지 전화번호는?", "0856-22-1668"),
    ("masuda", "ja-easy", "医光寺の お金は いくらですか?", "500円"),
]
"""Fee, hours, way, telephone and what-is, in every language of every town."""

OWN_LETTERS = {
    "en": re.compile("[A-Za-z]{3}"),
    "zh-Hant": re.compile("[時費開門這資位點]"),
    "zh-Hans": re.compile("[时费开门这资位点电]"),
    "ko": re.compile("[가-힣]{2}"),
    "ja-easy": re.compile("[ぁ-ん]"),
}


@pytest.fixture(scope="module")
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("index")


@cache
def guide(slug: str, folder: Path) -> Guide:
    return Guide.open(TOWNS / slug / "guides", cache=folder / slug, tier=Tier.WORDS_USE)


@cache
def quoting(slug: str) -> Quoting:
    return Quoting(TOWNS / slug)


async def said(slug: str, language: str, question: str, folder: Path) -> tuple[AnswerKind, str]:
    answer = await guide(slug, folder).ask(question, language=Language(language), now=NOW)
    quoted = quoting(slug).extracts(answer.extracts, language)
    own = [each for each in quoted.quotes if each.language == language]
    return answer.kind, "\n".join([*quoted.paragraphs, *own])


@pytest.mark.parametrize(("slug", "language", "question", "figure"), QUESTIONS)
async def test_a_visitor_gets_the_figures_in_their_own_language(
    slug: str, language: str, question: str, figure: str, cache_folder: Path
) -> None:
    kind, text = await said(slug, language, question, cache_folder)
    assert kind is AnswerKind.ANSWERED
    assert figure in re.sub(r"\([ぁ-んー]+\)", "", text)
    assert OWN_LETTERS[language].search(text)


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize("language", texts.LANGUAGES)
async def test_every_ready_question_is_answered_in_its_language(
    slug: str, language: str, cache_folder: Path
) -> None:
    examples = load(TOWNS / slug).persona.examples
    unanswered = [
        each.get(language)
        for each in examples
        if (await said(slug, language, each.get(language), cache_folder))[0]
        is not AnswerKind.ANSWERED
    ]
    assert len(examples) >= 3
    assert unanswered == []


@pytest.mark.parametrize("slug", SLUGS)
def test_every_ready_question_is_written_in_every_language(slug: str) -> None:
    for each in load(TOWNS / slug).persona.examples:
        assert set(each.root) == set(texts.LANGUAGES)


# A row in words


def fact(item: str, value: str, note: str | None = None) -> Extract:
    text = f"{item}: {value}"
    passage = Passage(
        "1", "d", "t", (), text, Kind.FACT, Language.JA, item=item, value=value, note=note
    )
    return Extract(text, passage)


def worded(language: str, *extracts: Extract) -> Quoted:
    return quoting("mine").extracts(extracts, language)


def test_a_row_in_english_has_its_japanese_original_below() -> None:
    quoted = worded("en", fact("秋芳洞 中学生の入洞料", "1,300円"))
    (line,) = quoted.paragraphs
    assert line == (
        "• Akiyoshido Cave (秋芳洞) – admission for junior high school students: 1,300 yen"
    )
    assert quoted.heading == "The original text in Japanese:"
    assert quoted.quotes == (Quote("秋芳洞 中学生の入洞料：1,300円", "ja"),)
    assert quoted.quotes[0].language == "ja"


def test_a_row_that_the_glossary_does_not_cover_is_quoted_under_its_topic() -> None:
    quoted = worded("en", fact("秋芳洞 謎の料金", "3,141円 謎のまま"))
    (line,) = quoted.paragraphs
    assert line == "• Price (in Japanese): 「秋芳洞 謎の料金：3,141円 謎のまま」"
    assert quoted.heading == "Quoted word for word from documents in Japanese:"


def test_a_note_that_is_not_covered_is_pointed_out() -> None:
    quoted = worded("ko", fact("秋芳洞 中学生の入洞料", "1,300円", "謎のまま"))
    assert "아래 일본어 원문" in quoted.paragraphs[0]
    assert "謎のまま" in quoted.quotes[0]


def test_japanese_answers_keep_the_row_as_it_is() -> None:
    quoted = worded("ja", fact("秋芳洞 中学生の入洞料", "1,300円", "同じ日なら何度でも入れる"))
    assert quoted.paragraphs == ("・秋芳洞 中学生の入洞料：1,300円（同じ日なら何度でも入れる）",)
    assert quoted.quotes == ()


def test_easy_japanese_says_the_row_with_readings() -> None:
    quoted = worded("ja-easy", fact("秋芳洞の駐車場", "なし"))
    assert quoted.paragraphs == ("・秋芳洞(あきよしどう)の駐車場(ちゅうしゃじょう)は ありません。",)


# On the page


def test_readings_stand_above_the_kanji_and_markup_is_only_text() -> None:
    shown = marked("秋芳洞(あきよしどう)の <script>", "ja-easy")
    assert (
        shown == "<ruby>秋芳洞<rp>（</rp><rt>あきよしどう</rt><rp>）</rp></ruby>の &lt;script&gt;"
    )


def test_japanese_inside_other_languages_says_that_it_is() -> None:
    assert '(<span lang="ja">秋芳洞</span>)' in marked("Akiyoshido Cave (秋芳洞)", "en")
    assert '<span lang="ja">月山スキー場</span>' in marked("滑雪場（月山スキー場）", "zh-Hant")
    assert "span" not in marked("秋芳洞的門票", "zh-Hant")


# Fixed phrases

HALF_WIDTH = re.compile("[一-鿿][,:;?!]|[,;?!](?=[一-鿿])")
DOUBLE_NEGATIVE = re.compile(
    "ないことは ?ない|ないわけ|なければ ?なりません|ないと ?いけません|なくは ?ありません|"
    "ないでは|ざるを|しか .{0,12}ません"
)
LONGEST_SENTENCE = 50  # characters without readings; the guideline's examples are about 30
PLACE = re.compile(r"\{\w+\}")
READING = re.compile(r"(?<=[㐀-鿿々])[（(][ぁ-ゖー]+[）)]")
FOR_STAFF = re.compile(r"\.(problem|right|trouble|start|happening)\.|^console|^cli")


@pytest.mark.parametrize("language", ["zh-Hant", "zh-Hans"])
def test_chinese_phrases_use_full_width_punctuation(language: str) -> None:
    phrases = texts.catalogue(language).items()
    assert [key for key, text in phrases if HALF_WIDTH.search(text)] == []


def easy() -> dict[str, str]:
    return {
        key: text for key, text in texts.catalogue("ja-easy").items() if not FOR_STAFF.search(key)
    }


def test_easy_japanese_has_no_double_negatives() -> None:
    assert [key for key, text in easy().items() if DOUBLE_NEGATIVE.search(text)] == []


def spoken(text: str) -> str:
    return PLACE.sub("○", READING.sub("", text)).replace(" ", "")


def test_easy_japanese_sentences_are_short() -> None:
    long = [
        sentence
        for text in easy().values()
        for sentence in re.split(
            r"[。!?？\n]", PLACE.sub("○", READING.sub("", text)).replace(" ", "")
        )
        if len(sentence) > LONGEST_SENTENCE
    ]
    assert long == []


def test_easy_japanese_compounds_have_readings() -> None:
    """Two kanji in a row that begin no reading would be read by few learners."""
    bare = re.compile(r"[㐀-鿿々]{2,}(?![㐀-鿿々]|[（(][ぁ-ゖー]+[）)])")
    name = re.compile("日本語|言語")
    missing = [
        (key, found.group())
        for key, text in easy().items()
        for found in bare.finditer(text)
        if not name.search(found.group())
    ]
    assert missing == []


# What a careful clerk adds


FOUND = ("1,200円(2019年まで)", "1,600円(2025年12月〜2026年2月)")


def disputed(*found: str) -> Extract:
    row = fact("大人の入洞料", "1,600円")
    disagreement = Contradiction("d", "入洞料(大人)", found, "1,600円", "二つの記事が一致するため")
    return replace(row, passage=replace(row.passage, contradiction=disagreement))


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("ja", "1,200円(2019年まで)、1,600円(2025年12月〜2026年2月)と分かれています"),
        ("en", "1,200 yen (until 2019), 1,600 yen (December 2025 to February 2026)"),
        ("ko", "1,200엔(2019년까지), 1,600엔(2025년 12월~2026년 2월)"),
    ],
)
def test_sources_that_disagree_are_named_with_what_each_says(language: str, words: str) -> None:
    said = "\n".join(worded(language, disputed(*FOUND)).paragraphs)
    assert words in said
    assert ("二つの記事が一致するため" in said) is (language == "ja")


def test_one_source_alone_is_no_disagreement() -> None:
    assert len(worded("ja", disputed(FOUND[0])).paragraphs) == 1


def test_prose_without_a_mark_is_not_said_to_have_one() -> None:
    row = fact("大人の入洞料", "1,600円").passage
    prose = replace(row, kind=Kind.PROSE, status=Status.UNCONFIRMED, item=None, value=None)
    marked = replace(row, status=Status.UNCONFIRMED)
    said = worded("en", Extract(prose.text, prose)).paragraphs
    assert texts.say("chat.answer.unconfirmed-document", "en") in said
    assert texts.say("chat.answer.unconfirmed", "en") not in said
    assert (
        texts.say("chat.answer.unconfirmed", "en") in worded("en", Extract("", marked)).paragraphs
    )


def test_chinese_rows_are_read_in_the_script_of_the_asker() -> None:
    row = fact("門票", "600日圓", "車站內免費（カルスト展望台）").passage
    traditional = replace(row, language=Language.ZH_HANT)
    (said,) = worded("zh-Hans", Extract(row.text, traditional)).paragraphs
    assert "门票" in said
    assert "车站内免费（カルスト展望台）" in said
