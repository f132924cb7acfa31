"""A facility that only an open-data table lists is asked for by name like a sight of the guides."""

import shutil
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from knowledge.answer import Answer, AnswerKind, Guide
from knowledge.computed.opened import Open
from knowledge.language import Language
from knowledge.testing import FakeEncoder
from knowledge.travel.distance import Distance
from tests.knowledge.conftest import GUIDES

TABLE = """\
名称,名称_カナ,名称_英語,緯度,経度,電話番号,利用可能曜日,開始時間,終了時間,料金(基本)
水城歴史館,ミズキレキシカン,Mizuki History Hall,34.2,131,0999-62-0200,火水木金土日,9:00,17:00,300円
水城展望台,ミズキテンボウダイ,Mizuki Lookout,34.25,131.32,0999-62-0201,月火水木金土日,,,無料
トイレ,トイレ,Toilet,34.25,131.32,,,,,
"""
TUESDAY = datetime(2026, 11, 24, 10, tzinfo=ZoneInfo("Asia/Tokyo"))


@pytest.fixture(scope="module")
def mizuki(tmp_path_factory: pytest.TempPathFactory) -> Guide:
    town = tmp_path_factory.mktemp("mizuki")
    shutil.copytree(GUIDES, town / "guides")
    (town / "data").mkdir()
    (town / "data" / "tourism.csv").write_text(TABLE, encoding="utf-8")
    return Guide.open(
        town / "guides", data=town / "data", cache=town / "cache", models=[FakeEncoder()]
    )


async def ask(guide: Guide, question: str, language: Language = Language.JA) -> Answer:
    return await guide.ask(question, language=language, now=TUESDAY)


@pytest.mark.parametrize(
    ("question", "language", "stated"),
    [
        pytest.param("水城歴史館は何時まで?", Language.JA, "9:00〜17:00", id="hours, not the fee"),
        pytest.param("水城歴史館の料金は?", Language.JA, "300円", id="the fee"),
        pytest.param("みずきれきしかんの電話", Language.JA, "0999-62-0200", id="in kana"),
        pytest.param(
            "When does Mizuki History Hall open?", Language.EN, "9:00〜17:00", id="in English"
        ),
    ],
)
async def test_it_answers_what_was_asked(
    mizuki: Guide, question: str, language: Language, stated: str
) -> None:
    answer = await ask(mizuki, question, language)
    assert stated in "\n".join(each.text for each in answer.extracts)


async def test_its_opening_is_worked_out(mizuki: Guide) -> None:
    assert isinstance((await ask(mizuki, "水城歴史館は今開いていますか?")).computed, Open)


async def test_the_way_between_two_of_them_is_worked_out(mizuki: Guide) -> None:
    answer = await ask(mizuki, "水城歴史館から水城展望台までの距離は?")
    assert isinstance(answer.computed, Distance)


async def test_what_there_is_to_see_is_still_told(mizuki: Guide) -> None:
    for question, language in (("見どころは?", Language.JA), ("What should I see?", Language.EN)):
        assert (await ask(mizuki, question, language)).kind is AnswerKind.ANSWERED


async def test_one_called_after_a_topic_does_not_hide_the_question(mizuki: Guide) -> None:
    answer = await ask(mizuki, "水城洞にトイレはありますか?")
    assert all(each.passage.facility == "水城洞" for each in answer.extracts)
