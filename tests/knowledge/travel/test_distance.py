"""Distances: from co-ordinates alone, and what the guides state goes before any estimate."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from knowledge.answer import Guide
from knowledge.language import Language
from knowledge.places import Place
from knowledge.testing import table, write_guide
from knowledge.travel.distance import Distance, rounded, straight
from knowledge.travel.ways import Mode

Town = Callable[..., Guide]
NOW = datetime(2026, 11, 24, 10, tzinfo=ZoneInfo("Asia/Tokyo"))


def place(latitude: float, longitude: float) -> Place:
    return Place("所", "passage", latitude=latitude, longitude=longitude)


def test_a_degree_of_latitude_is_a_hundred_and_eleven_kilometres() -> None:
    assert straight(place(34, 131), place(35, 131)) == pytest.approx(111_195, abs=5)


def test_the_great_circle_agrees_with_the_ellipsoid_within_half_a_percent() -> None:
    """A degree of the WGS 84 meridian around 34.5 degrees north is 110,931 m long."""
    assert straight(place(34, 131), place(35, 131)) == pytest.approx(110_931, rel=0.005)


def test_distances_are_rounded_to_what_co_ordinates_bear() -> None:
    assert [rounded(each) for each in (523.4, 999.0, 5_043.0)] == [520, 1000, 5000]


@pytest.mark.parametrize(
    ("language", "question"),
    [
        (Language.JA, "水城洞から黒洞までどのくらい離れていますか?"),
        (Language.EN, "How far is it from Mizuki Cave to Kurodo?"),
        (Language.KO, "미즈키도에서 쿠로도까지 거리가 얼마나 되나요?"),
    ],
)
async def test_two_sights_with_co_ordinates_have_a_distance(
    town: Town, language: Language, question: str
) -> None:
    guide = town(水城洞=(34.2310, 131.3010), 黒洞=(34.2500, 131.3010))
    found = (await guide.ask(question, language=language, now=NOW)).computed
    assert isinstance(found, Distance)
    assert (found.origin, found.destination, found.metres) == ("水城洞", "黒洞", 2_100)
    assert found.walk == 34  # 2,113 m by 1.3 at 80 m a minute
    assert found.link.startswith("https://www.openstreetmap.org/directions?")
    assert found.link.endswith("34.231000%2C131.301000%3B34.250000%2C131.301000")


async def test_what_the_guides_state_goes_before_an_estimate(town: Town, tmp_path: Path) -> None:
    guides = tmp_path / "guides"
    write_guide(guides, "a", facility="水城洞", body="水城洞は洞窟です。")
    body = table(("黒洞 水城洞から", "徒歩約50分"))
    write_guide(guides, "b", title="黒洞の案内", facility="黒洞", body=body)
    guide = town(guides=guides, 水城洞=(34.2310, 131.3010), 黒洞=(34.2500, 131.3010))
    question = "黒洞から水城洞まではどのくらい遠いですか?"
    found = (await guide.ask(question, language=Language.JA, now=NOW)).computed
    assert isinstance(found, Distance)
    assert found.walk is None
    assert [(each.minutes, each.mode, each.turned) for each in found.stated] == [
        (50, Mode.WALK, True)
    ]
    assert found.passages[0].value == "徒歩約50分"


async def test_nobody_is_told_to_walk_for_hours(town: Town) -> None:
    guide = town(水城洞=(34.2310, 131.3010), 黒洞=(34.4000, 131.3010))
    question = "水城洞から黒洞までの距離は?"
    found = (await guide.ask(question, language=Language.JA, now=NOW)).computed
    assert isinstance(found, Distance)
    assert found.walk is None


async def test_without_co_ordinates_the_guides_answer(town: Town) -> None:
    guide = town(水城洞=(34.2310, 131.3010))
    answer = await guide.ask(
        "水城洞から黒洞までどのくらい離れていますか?", language=Language.JA, now=NOW
    )
    assert answer.computed is None
