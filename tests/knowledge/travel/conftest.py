"""The buses of Mizuki: an invented feed (``feed/``), and the guide of the town with it.

* 水城線 新水城駅 – 水城町役場 – 水城洞前, 黒洞線 水城町役場 – 黒洞
* on weekdays, on other days, and on one extra day; not over New Year
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from knowledge.answer import Guide
from knowledge.ingest import read_guides
from knowledge.language import Language
from knowledge.passage import Kind, Passage
from knowledge.places import Place
from knowledge.retrieval.index import Index
from knowledge.testing import FakeEncoder
from knowledge.timetable import Timetable, read_feed
from knowledge.words import Words

GUIDES = Path(__file__).parents[1] / "guides"
FEED = Path(__file__).parent / "feed"

Write = Callable[..., Path]
Town = Callable[..., Guide]


@pytest.fixture
def write_feed(tmp_path: Path) -> Write:
    """Writes the feed to a folder, with tables replaced, or left out where they are None."""

    def write(folder: str = "bus", encoding: str = "utf-8", **changed: str | None) -> Path:
        path = tmp_path / folder
        path.mkdir(exist_ok=True)
        for table in FEED.iterdir():
            shown = changed.get(table.stem, table.read_text("utf-8"))
            if shown is not None:
                (path / table.name).write_text(shown, encoding=encoding)
        return path

    return write


@pytest.fixture
def timetable(write_feed: Write) -> Timetable:
    found, problems = read_feed(write_feed())
    assert problems == ()
    assert found is not None
    return found


def _place(name: str, latitude: float, longitude: float) -> tuple[Place, Passage]:
    text = f"{name}: 緯度{latitude}、経度{longitude}"
    passage = Passage(
        id=f"place-{name}",
        document="facilities",
        title="水城町の施設一覧",
        headings=(),
        text=text,
        kind=Kind.FACT,
        language=Language.JA,
        facility=name,
        item=name,
        value=f"緯度{latitude}、経度{longitude}",
        as_of="2026-04",
    )
    return Place(name, passage.id, latitude=latitude, longitude=longitude), passage


@pytest.fixture(scope="session")
def words() -> Words:
    return Words()


@pytest.fixture
def town(tmp_path: Path, words: Words) -> Town:
    """Makes the guide of Mizuki with timetables, and with places at latitude and longitude."""

    def make(*timetables: Timetable, guides: Path = GUIDES, **places: tuple[float, float]) -> Guide:
        library = read_guides(guides)
        rows = [_place(name, *where) for name, where in places.items()]
        library = replace(
            library,
            passages=(*library.passages, *(passage for _, passage in rows)),
            places=tuple(each for each, _ in rows),
            timetables=timetables,
        )
        cache = tmp_path / "cache"
        index = Index(library, [FakeEncoder()], cache, words)
        index.catch_up()
        return Guide(index)

    return make
