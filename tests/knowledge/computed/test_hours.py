"""Opening hours are read from the guides' own rows, or not at all."""

from datetime import date
from pathlib import Path

import pytest

from knowledge.answer import Guide
from knowledge.computed.hours import Opening, State, opening
from knowledge.index import Index
from knowledge.testing import FakeEncoder

TOWNS = Path(__file__).parents[3] / "towns"


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Index:
    cache = tmp_path_factory.mktemp("mine")
    return Guide.open(TOWNS / "mine" / "guides", cache=cache, models=[FakeEncoder()]).index


def of(index: Index, facility: str) -> Opening:
    found = opening(index, index.names.of(facility))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2026, 11, 30), (510, 1050, 1110)),
        (date(2026, 12, 1), (510, 990, 1050)),
        (date(2028, 2, 29), (510, 990, 1050)),
        (date(2026, 3, 1), (510, 1050, 1110)),
        (date(2027, 1, 1), (510, 990, 1050)),
    ],
)
def test_the_seasons_of_the_main_cave_change_on_their_first_day(
    mine: Index, day: date, expected: tuple[int, int, int]
) -> None:
    (span,) = of(mine, "秋芳洞").on(day)
    assert (span.opens, span.last_entry, span.closes) == expected


def test_a_museum_is_closed_on_mondays_on_holidays_and_after_a_holiday_monday(mine: Index) -> None:
    museum = of(mine, "美祢市化石館")
    assert museum.state(date(2026, 11, 16)) is State.CLOSED  # a Monday
    assert museum.state(date(2026, 11, 23)) is State.CLOSED  # a Monday and a holiday
    assert museum.state(date(2026, 11, 24)) is State.CLOSED  # the day after it
    assert museum.state(date(2026, 11, 3)) is State.CLOSED  # a holiday on a Tuesday
    assert museum.state(date(2026, 11, 4)) is State.OPEN
    assert museum.on(date(2026, 11, 23)) == ()
