"""The sample towns, indexed once without models, and small towns made of a few rows."""

from collections.abc import Callable, Sequence
from copy import copy
from pathlib import Path

import pytest

from knowledge.answer import Guide
from knowledge.ingest import read_guides
from knowledge.retrieval.index import Index
from knowledge.testing import FakeEncoder, table, write_guide

TOWNS = Path(__file__).parents[3] / "towns"
SLUGS = ("mine", "nishikawa", "masuda", "kaga", "kashima")
Row = tuple[str, str, str]  # item, value, note
Town = Callable[..., Index]


@pytest.fixture(scope="session")
def towns(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Index]:
    return {
        slug: Guide.open(
            TOWNS / slug / "guides",
            cache=tmp_path_factory.mktemp(slug),
            models=[FakeEncoder()],
        ).index
        for slug in SLUGS
    }


@pytest.fixture(scope="session")
def mine(towns: dict[str, Index]) -> Index:
    return towns["mine"]


@pytest.fixture(scope="session")
def _empty(tmp_path_factory: pytest.TempPathFactory) -> Index:
    folder = tmp_path_factory.mktemp("empty")
    _write(folder, ())
    return Guide.open(folder, cache=folder / "cache", models=[FakeEncoder()]).index


def _write(folder: Path, rows: Sequence[Row], lang: str = "ja", **head: str) -> None:
    body = table(*rows, header=("項目", "内容", "備考"))
    write_guide(
        folder,
        "cave",
        body=f"# 水城洞\n\n{body}",
        lang=lang,
        facility="水城洞",
        place="水城町",
        aliases="[みずきどう, Mizukido]",
        **head,
    )


@pytest.fixture
def town(tmp_path: Path, _empty: Index) -> Town:
    """Makes a town of one sight, 水城洞, of rows of item, value and note.

    Its index is only good for looking up rows: names are known, but nothing can be searched.
    """

    def make(*rows: Row, lang: str = "ja", **head: str) -> Index:
        guides = tmp_path / "guides"
        _write(guides, rows, lang, **head)
        index = copy(_empty)
        index.library = read_guides(guides)
        return index

    return make
