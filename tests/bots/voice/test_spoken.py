"""What is said of an answer: shorter than what is written, and nothing that only eyes can use."""

import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from bots import texts
from bots.conversation import Reply
from bots.conversation.quoting import Quoting
from bots.conversation.spoken import Spoken, said_plainly
from bots.conversation.wording import Wording
from core import town as town_pack
from knowledge.answer import Answer, AnswerKind, Guide
from knowledge.extract import Extract
from knowledge.language import Language
from knowledge.passage import Contradiction, Kind, Passage, Status
from tests.conftest import ROOT

Ask = Callable[..., Awaitable[Reply]]
FRIDAY_MORNING = datetime(2026, 11, 20, 10, 0, tzinfo=ZoneInfo("Asia/Tokyo"))
FEE = "秋芳洞の入洞料はいくらですか"

QUESTIONS = {
    "ja": (
        FEE,
        "秋芳洞は何時まで入れますか",
        "大人2人と小学生1人でいくら",
        "新山口駅から秋芳洞へはどう行きますか",
        "半日の過ごし方を教えて",
        "デジタル住民票とは何ですか",
        "明日は秋芳洞は開いていますか",
        "秋芳洞の長さは",
        "料金",
        "助けて!友だちが倒れた",
        "爆弾の作り方",
        "ありがとう",
    ),
    "ja-easy": (FEE, "秋芳洞は何時まで入れますか", "秋芳洞を設計した会社の資本金は"),
    "en": ("How much is Akiyoshido Cave?", "Is Akiyoshido open tomorrow?", "who made the lamps"),
    "zh-Hant": ("秋芳洞的門票多少錢", "秋芳洞幾點前可以入場"),
    "zh-Hans": ("秋芳洞的门票多少钱", "从新山口站怎么去秋芳洞"),
    "ko": ("아키요시도 동굴 입장료는 얼마인가요?", "아키요시도 동굴은 몇 시까지 들어갈 수 있나요?"),
}


@pytest.fixture(scope="module")
def wording() -> Wording:
    return Wording(town_pack.load(ROOT / "towns" / "mine"))


@pytest.fixture
def ask(mine_guide: Guide, wording: Wording) -> Ask:
    async def asked(question: str, language: str = "ja") -> Reply:
        answer = await mine_guide.ask(
            question, language=Language(language), turns=(), now=FRIDAY_MORNING
        )
        return wording.word(answer, language)

    return asked


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("무료로 들어갈 수 있습니다.", "수 있습니다."),
        ("없어요", "없어요."),
        ("1,600엔", "1,600엔입니다."),
    ],
)
async def test_a_value_that_is_a_sentence_ends_once(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, value: str, said: str
) -> None:
    monkeypatch.setattr(Quoting, "row_aloud", lambda *_: ("입장", value))
    spoken = (await ask(QUESTIONS["ko"][0], "ko")).spoken
    assert said in spoken
    assert "다입니다" not in spoken.replace(".", "")
    assert "요입니다" not in spoken.replace(".", "")


async def test_a_fee_is_said_with_its_source_and_date_once(ask: Ask) -> None:
    reply = await ask(FEE)
    assert reply.spoken == (
        "はい、お答えしますね。秋芳洞、大人(高校生以上)の入洞料は、1,600円です。"
        "中学生は、1,300円です。"
        "資料によって値が分かれています。ほかは、画面をご覧ください。"
        "「ライブドアニュースの記事」、2026年2月時点の資料です。"
    )


async def test_in_easy_japanese_no_reading_is_said_twice(ask: Ask) -> None:
    reply = await ask(FEE, "ja-easy")
    assert reply.spoken == (
        "こたえます。秋芳洞、大人・高校生の入るお金は、1,600円です。"
        "中学生は、1,300円です。小学生は、850円です。"
        "「美祢市の大切なこと」、2026年2月の情報です。"
    )


async def test_in_english_the_japanese_names_are_left_to_the_screen(ask: Ask) -> None:
    reply = await ask("How much is Akiyoshido Cave?", "en")
    assert reply.spoken == (
        "Here is what I know. "
        "Akiyoshido Cave: admission, adults and high school students: 1,600 yen. "
        "Admission, junior high school students: 1,300 yen. "
        "Admission, elementary school pupils: 850 yen. You can read more on your screen. "
        "This is from “Mine City key facts for visitors”, as of February 2026."
    )


async def test_what_is_not_known_is_said_with_one_desk(ask: Ask) -> None:
    reply = await ask("秋芳洞の照明を設計した会社の資本金は?")
    assert reply.spoken == (
        "ごめんなさい、ぼくの手もとの資料には見つかりませんでした。"
        "美祢市観光協会におたずねください。電話は0837-62-0115です。"
    )


@pytest.mark.parametrize(
    ("language", "question"), [(each, one) for each, some in QUESTIONS.items() for one in some]
)
async def test_every_answer_is_said_shortly_and_without_what_only_eyes_can_use(
    ask: Ask, language: str, question: str
) -> None:
    reply = await ask(question, language)
    assert reply.spoken
    assert len(reply.spoken) <= (400 if language == "en" else 230)
    assert len(reply.spoken) <= max(len(reply.text) + len("".join(reply.quotes)) + 80, 60)
    assert not re.search(r"https?:|www\.|[・•] |【|\n", reply.spoken)
    if language == "ja-easy":
        assert not re.search(r"[(（][ぁ-ゖ]+[)）]", reply.spoken)
        assert " " not in reply.spoken
    if language in {"en", "ko"}:
        assert not re.search(r"[ぁ-ヿ㐀-鿿]", reply.spoken)
    said = texts.say("voice.spoken.more", language)
    assert reply.spoken.count(said) <= 1


@pytest.mark.parametrize(
    ("language", "question"), [(each, one) for each, some in QUESTIONS.items() for one in some]
)
async def test_every_figure_that_is_said_is_also_written(
    ask: Ask, language: str, question: str
) -> None:
    reply = await ask(question, language)
    cited = "".join(f"{each.title}{each.note}" for each in reply.sources)
    written = f"{reply.text}{''.join(reply.quotes)}{cited}"
    figures = re.findall(r"\d[\d,.:]*\d|\d", reply.spoken)
    assert [each for each in figures if each not in written] == []


@pytest.mark.parametrize(
    ("text", "language", "said"),
    [
        pytest.param("秋芳洞(あきよしどう)は", "ja", "秋芳洞は", id="a reading"),
        pytest.param("第4(だいよん)、300円(えん)", "ja-easy", "第4、300円", id="of a figure"),
        pytest.param("500円(おとな)、8:00(あさ)", "ja", "500円(おとな)、8:00(あさ)", id="word"),
        pytest.param("入(はい)る お金(かね)", "ja-easy", "入るお金", id="easy Japanese"),
        pytest.param("大人(高校生以上)", "ja", "大人(高校生以上)", id="a condition"),
        pytest.param("午後5時30分（17:30）まで", "ja-easy", "午後5時30分まで", id="a time twice"),
        pytest.param("Akiyoshido Cave (秋芳洞): free", "en", "Akiyoshido Cave: free", id="name"),
        pytest.param("黑谷口(黒谷口)和", "zh-Hant", "黑谷口和", id="its own Japanese form"),
        pytest.param("成人(高中生以上)", "zh-Hant", "成人(高中生以上)", id="a Chinese condition"),
        pytest.param("公式（https://a.example/x）へ", "ja", "公式へ", id="an address"),
        pytest.param("【要確認】8:30", "ja", "8:30", id="a mark"),
    ],
)
def test_what_is_left_out(text: str, language: str, said: str) -> None:
    assert said_plainly(text, language) == said


def told(answer: tuple[Passage, ...]) -> str:
    """What is said of some rows, in English."""
    town = town_pack.load(ROOT / "towns" / "mine")
    extracts = tuple(Extract(each.text, each) for each in answer)
    asked = Answer(AnswerKind.ANSWERED, Language.EN, "How much?", extracts)
    return Spoken(town, Quoting(town.folder)).of(asked, "en")


def row(
    item: str, value: str, status: Status = Status.CURRENT, *, disputed: bool = False
) -> Passage:
    return Passage(
        id=item,
        document="fees",
        title="Fees",
        headings=(),
        text=f"{item}: {value}",
        kind=Kind.FACT,
        language=Language.EN,
        item=item,
        value=value,
        status=status,
        contradiction=Contradiction("fees", item, ("1", "2"), "1", "newer") if disputed else None,
    )


LONG = "600 yen from the first of April until the last day of November"
UNCONFIRMED = texts.say("voice.spoken.unconfirmed", "en")
DISPUTED = texts.say("voice.spoken.contradiction", "en")


def test_only_rows_that_are_said_are_cautioned() -> None:
    said = told(
        (
            row("Cave", LONG),
            row("Museum", LONG),
            row("Tower", LONG + " (to be confirmed)", Status.UNCONFIRMED, disputed=True),
        )
    )
    assert "Cave" in said
    assert "Tower" not in said
    assert UNCONFIRMED not in said
    assert DISPUTED not in said


def test_a_row_that_is_said_is_cautioned_once() -> None:
    said = told((row("Cave", "600 yen (to be confirmed)", Status.UNCONFIRMED), row("Tower", LONG)))
    assert said.count(UNCONFIRMED) == 1
    assert "to be confirmed" not in said
