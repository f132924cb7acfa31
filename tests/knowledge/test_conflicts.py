"""Documents that disagree are found, and documents that only look different are not."""

from pathlib import Path

import pytest

from knowledge.conflicts import conflicts
from knowledge.ingest import read_guides, read_town
from knowledge.testing import table, write_guide
from tests.conftest import ROOT
from tests.knowledge.documents.making import csv_file

FEE = "大人の入洞料"


def pair(folder: Path, first: list[str], second: list[str]) -> Path:
    """Two documents about one cave, each with one row."""
    for name, row, date in (("a", first, "2025-04"), ("b", second, "2026-02")):
        header = ["項目", "内容", "補足"][: len(row)]
        write_guide(
            folder, name, body=table(row, header=header), facility="水城洞", as_of=f'"{date}"'
        )
    return folder


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param([FEE, "1,300円"], [FEE, "1,500円"], id="a fee"),
        pytest.param([FEE, "無料"], [FEE, "500円"], id="free or not"),
        pytest.param([f"水城洞 {FEE}", "1,300円"], [FEE, "1500円です"], id="the name in the item"),
        pytest.param(["営業時間", "8:30〜17:30"], ["営業時間", "8:30〜16:30"], id="hours"),
        pytest.param(["電話", "0837-62-0000"], ["電話番号", "0837-62-0001"], id="a number"),
        pytest.param(["休館日", "月曜"], ["休館日", "火曜日"], id="a weekday"),
        pytest.param(["駐車場", "あり"], ["駐車場", "なし"], id="yes and no"),
        pytest.param(["長さ", "約350m"], ["長さ", "400m"], id="about"),
    ],
)
def test_two_documents_with_different_values_conflict(
    tmp_path: Path, first: list[str], second: list[str]
) -> None:
    (found,) = conflicts(read_guides(pair(tmp_path, first, second)))
    assert found.facility == "水城洞"
    stated = [(each.document, each.as_of, each.value) for each in found.statements]
    assert stated == [("b", "2026-02", second[1]), ("a", "2025-04", first[1])]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param([FEE, "1,500円"], [FEE, "1500円です"], id="the same otherwise written"),
        pytest.param([FEE, "1,500円"], ["小学生の入洞料", "800円"], id="other items"),
        pytest.param(["時間", "8:30〜17:30"], ["時間", "3〜11月は8:30〜17:30"], id="more exactly"),
        pytest.param(["時間", "夏は9:00"], ["時間", "冬は10:00"], id="other conditions"),
        pytest.param([FEE, "500円", "団体"], [FEE, "600円", "個人"], id="other notes"),
        pytest.param(["名物", "梨"], ["名物", "ごぼう"], id="words that are no answer"),
        pytest.param(["駐車場", "あり"], ["駐車場", "あります、100台"], id="both yes"),
        pytest.param([FEE, "1,500円"], [FEE, "中学生から1,500円、小学生800円"], id="one says more"),
    ],
)
def test_two_documents_that_can_both_be_right_do_not_conflict(
    tmp_path: Path, first: list[str], second: list[str]
) -> None:
    assert conflicts(read_guides(pair(tmp_path, first, second))) == ()


def test_an_old_value_conflicts_with_nothing(tmp_path: Path) -> None:
    write_guide(tmp_path, "a", body=table([FEE, "1,300円"]), facility="水城洞", status="old")
    write_guide(tmp_path, "b", body=table([FEE, "1,500円"]), facility="水城洞")
    assert conflicts(read_guides(tmp_path)) == ()


def test_a_guide_and_an_open_data_table_are_compared(tmp_path: Path) -> None:
    rows = ["名称", "住所", "電話番号"], ["水城洞", "上町", "0837-62-0001"]
    csv_file(tmp_path / "data" / "kanko.csv", *rows)
    write_guide(tmp_path / "guides", "a", body=table(["電話", "0837-62-0000"]), facility="水城洞")
    (found,) = conflicts(read_town(tmp_path / "guides", tmp_path / "data"))
    assert {each.document for each in found.statements} == {"a", "data/kanko.csv"}


@pytest.mark.parametrize("slug", ["mine", "nishikawa", "kaga", "kashima", "masuda"])
def test_the_documents_of_the_sample_towns_agree(slug: str) -> None:
    assert conflicts(read_guides(ROOT / "towns" / slug / "guides")) == ()
