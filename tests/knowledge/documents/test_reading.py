"""A document becomes passages: what a table states is a fact of bounded length."""

from pathlib import Path

from knowledge.documents.reading import LONGEST_CELL
from knowledge.ingest import read_guides
from knowledge.passage import Kind
from knowledge.testing import table, write_guide


def test_a_fact_is_cut_to_a_length_that_can_be_read_and_the_cut_is_reported(tmp_path: Path) -> None:
    long = "あ" * 20_000
    header = ("項目", "内容", "備考")
    rows = ((f"入洞料{long}", f"500円{long}", f"団体{long}"), ("休み", "なし", ""))
    write_guide(tmp_path, "cave", body=f"# 洞\n\n{table(*rows, header=header)}", lang="ja")
    library = read_guides(tmp_path)
    cut, whole = (each for each in library.passages if each.kind is Kind.FACT)
    fields = (cut.item or "", cut.value or "", cut.note or "")
    assert [len(each) for each in fields] == [LONGEST_CELL] * 3
    assert [each[:3] for each in fields] == ["入洞料", "500", "団体あ"]
    assert cut.text == f"{cut.item}: {cut.value} ({cut.note})"
    assert (whole.item, whole.value) == ("休み", "なし")
    assert [each.code for each in library.problems] == ["row-long"] * 3
    assert all(f"{LONGEST_CELL:,}" in each.message for each in library.problems)
