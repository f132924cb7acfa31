"""A folder of guides becomes passages; what is wrong is reported and stops nothing else."""

from datetime import date
from pathlib import Path

import pytest

from knowledge.errors import GuidesMissing
from knowledge.ingest import LONGEST_PROSE, MAX_FILE_BYTES, MAX_PASSAGES_PER_FILE, read_guides
from knowledge.language import Language
from knowledge.passage import Kind, Status
from knowledge.testing import table, write_guide

GUIDES = Path(__file__).parent / "guides"


def test_each_row_is_a_fact_with_its_own_date_status_and_source() -> None:
    library = read_guides(GUIDES)
    adult = next(each for each in library.passages if each.item == "水城洞 大人の入洞料")
    assert adult.kind is Kind.FACT
    assert (adult.value, adult.note, adult.as_of) == ("1,500円", "高校生以上", "2026-02")
    assert (adult.status, adult.source) == (Status.CURRENT, "https://example.org/adult")
    assert adult.headings == ("水城洞の入洞料はいくら?",)
    assert adult.facility == "水城洞"
    assert adult.text == "水城洞 大人の入洞料: 1,500円 (高校生以上)"
    assert adult.contradiction is not None
    assert adult.contradiction.reason == "新しい資料が一致するため"
    assert library.problems == ()


def test_a_row_without_a_source_has_that_of_its_document_but_no_date_it_leaves_open() -> None:
    library = read_guides(GUIDES)
    length = next(each for each in library.passages if each.item == "黒洞 長さ")
    assert (length.as_of, length.source) == (None, "https://example.org/kurodo")
    assert length.status is Status.TIMELESS


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        pytest.param(("項目", "内容"), ("長さ", "350m"), "2025-09", id="no column of dates"),
        pytest.param(("項目", "内容", "時点"), ("長さ", "350m", "—"), None, id="left open"),
        pytest.param(("項目", "内容", "時点"), ("長さ", "350m", "2024"), "2024", id="its own"),
    ],
)
def test_a_row_has_the_date_of_its_document_only_if_the_table_has_none(
    tmp_path: Path, header: tuple[str, ...], row: tuple[str, ...], expected: str | None
) -> None:
    body = f"# 案内\n\n{table(row, header=header)}"
    write_guide(tmp_path, "a", body=body, as_of='"2025-09"')
    (passage,) = read_guides(tmp_path).passages
    assert passage.as_of == expected


def test_english_tables_read_like_japanese_ones() -> None:
    library = read_guides(GUIDES)
    toilets = next(each for each in library.passages if each.item and "toilets" in each.item)
    assert toilets.language is Language.EN
    assert (toilets.value, toilets.note) == ("none", "Use those at the gate")


def test_the_contradictions_of_a_document_are_kept() -> None:
    (found,) = read_guides(GUIDES).contradictions
    assert (found.document, found.adopted) == ("caves/mizukido-fees", "1,500円")
    assert len(found.found) == 2


def test_documents_past_their_review_date_are_stale() -> None:
    library = read_guides(GUIDES)
    assert library.stale(date(2026, 6, 30)) == ()
    (stale,) = library.stale(date(2026, 7, 1))
    assert stale.name == "caves/mizukido-fees"


def test_an_unchanged_passage_keeps_its_id_and_a_changed_one_does_not(tmp_path: Path) -> None:
    write_guide(tmp_path, "a", body="# 案内\n\n洞窟です。\n\n## 料金\n\n500円です。")
    before = read_guides(tmp_path).passages
    write_guide(tmp_path, "a", body="# 案内\n\n洞窟です。\n\n## 料金\n\n600円です。")
    after = read_guides(tmp_path).passages
    assert [a.id == b.id for a, b in zip(before, after, strict=True)] == [True, False]


def test_a_long_section_is_cut_between_sentences(tmp_path: Path) -> None:
    sentences = [f"{number}番目の見どころは、とても広い部屋です。" for number in range(60)]
    write_guide(tmp_path, "a", body="# 案内\n\n" + "".join(sentences))
    passages = read_guides(tmp_path).passages
    assert len(passages) > 1
    assert all(len(each.text) <= LONGEST_PROSE and each.text.endswith("。") for each in passages)
    assert "".join(each.text for each in passages) == "".join(sentences)


def test_lists_quotations_and_links_are_prose_and_html_is_dropped(tmp_path: Path) -> None:
    body = "# 案内\n\n- 橋[地図](https://example.org)\n- 滝\n\n> 静か\n\n<script>alert(1)</script>"
    write_guide(tmp_path, "a", body=body)
    (passage,) = read_guides(tmp_path).passages
    assert passage.text == "橋地図\n滝\n静か"


def test_a_table_of_other_columns_is_kept_as_text(tmp_path: Path) -> None:
    write_guide(tmp_path, "a", body=table(["橋", "12m"], header=["場所", "長さ"]))
    (passage,) = read_guides(tmp_path).passages
    assert (passage.kind, passage.text) == (Kind.PROSE, "場所: 橋, 長さ: 12m")


@pytest.mark.parametrize(
    ("head", "line", "words"),
    [
        pytest.param("lang: ja", 1, "title", id="no title"),
        pytest.param("title: 案内", 1, "lang", id="no language"),
        pytest.param("title: 案内\nlang: tlh", 3, "lang", id="a language nobody here reads"),
        pytest.param("title: 案内\nlang: ja\nas_of: 去年", 4, "as_of", id="no date"),
        pytest.param("title: 案内\nlang: ja\nas_of: 2026-13", 4, "as_of", id="a 13th month"),
        pytest.param("title: 案内\nlang: ja\nas_of: 2026-02-30", 4, "as_of", id="30 February"),
        pytest.param("title: 案内\nlang: ja\nstatus: maybe", 4, "status", id="unknown status"),
        pytest.param("title: 案内\nlang: ja\nfacilty: 洞", 4, "facilty", id="a misspelt key"),
        pytest.param("title: [案内\nlang: ja", 3, "YAML", id="broken YAML"),
        pytest.param("- 案内", 1, "no keys", id="a list"),
        pytest.param("title: !!python/object:os.system ls", 2, "YAML", id="a YAML object"),
    ],
)
def test_bad_front_matter_is_a_problem_with_its_line(
    tmp_path: Path, head: str, line: int, words: str
) -> None:
    write_guide(tmp_path, "good", body="# 案内\n\n洞窟です。")
    (tmp_path / "bad.md").write_text(f"---\n{head}\n---\n# 案内\n\n文。\n", encoding="utf-8")
    library = read_guides(tmp_path)
    assert [each.name for each in library.documents] == ["good"]
    problem = library.problems[0]
    assert problem.file == "bad.md"
    assert problem.line == line
    assert words in problem.message
    assert problem.remedy


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        pytest.param(b"", 1, "front matter", id="empty"),
        pytest.param(b"# no head\n", 1, "front matter", id="no front matter"),
        pytest.param(b"---\ntitle: x\n", 1, "front matter", id="front matter without end"),
        pytest.param("---\ntitle: 料金\n".encode("shift_jis"), 2, "UTF-8", id="Shift_JIS"),
        pytest.param(b"\x89PNG\r\n\x1a\n\x00\x00", 1, "not text", id="a picture"),
        pytest.param(b"x" * MAX_FILE_BYTES, 1, "bytes", id="a megabyte"),
        pytest.param(b"---\ntitle: x\nlang: ja\n---\n", 1, "nothing", id="no body"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_problem(
    tmp_path: Path, content: bytes, line: int, words: str
) -> None:
    (tmp_path / "bad.md").write_bytes(content)
    library = read_guides(tmp_path)
    assert library.passages == ()
    (problem,) = library.problems
    assert problem.line == line
    assert words in problem.message


def test_a_row_with_an_odd_date_or_status_still_loads_and_is_reported(tmp_path: Path) -> None:
    rows = table(["入洞料", "500円", "去年", "たぶん"], header=["項目", "内容", "時点", "状態"])
    write_guide(tmp_path, "a", body=f"# 案内\n\n{rows}", as_of="2026")
    library = read_guides(tmp_path)
    (fact,) = library.passages
    assert (fact.as_of, fact.status) == ("2026", Status.UNCONFIRMED)
    assert [(each.line, each.message[:5]) for each in library.problems] == [
        (10, "as of"),
        (10, "unkno"),
    ]


def test_too_many_passages_are_cut_off_and_reported(tmp_path: Path) -> None:
    rows = [[f"項目{number}", str(number)] for number in range(MAX_PASSAGES_PER_FILE + 5)]
    write_guide(tmp_path, "a", body=table(*rows))
    library = read_guides(tmp_path)
    assert len(library.passages) == MAX_PASSAGES_PER_FILE
    assert "2,000" in library.problems[0].message


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    outside = write_guide(tmp_path, "secret", body="# 秘密\n\n秘密です。")
    folder = tmp_path / "guides"
    folder.mkdir()
    (folder / "a.md").symlink_to(outside)
    library = read_guides(folder)
    assert library.passages == ()
    assert "outside" in library.problems[0].message


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    text = "\ufeff---\r\ntitle: 案内\r\nlang: ja\r\n---\r\n# 案内\r\n\r\n洞窟です。\r\n"
    (tmp_path / "a.md").write_bytes(text.encode())
    (passage,) = read_guides(tmp_path).passages
    assert passage.text == "洞窟です。"


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(GuidesMissing):
        read_guides(tmp_path / "nowhere")


def test_yaml_without_a_bottom_is_refused_before_it_is_read(tmp_path: Path) -> None:
    head = "title: " + "[" * 30_000 + "]" * 30_000
    (tmp_path / "bad.md").write_text(f"---\n{head}\nlang: ja\n---\n文。\n", encoding="utf-8")
    (problem,) = read_guides(tmp_path).problems
    assert "brackets" in problem.message


def test_a_source_without_address_is_named_and_is_no_link(tmp_path: Path) -> None:
    rows = table(["地図", "ある", "javascript:alert(1)"], header=["項目", "内容", "出典"])
    write_guide(tmp_path, "a", body=f"# 案内\n\n洞窟です。\n\n{rows}", source="窓口の冊子")
    library = read_guides(tmp_path)
    assert library.problems == ()
    assert [(each.source, each.source_title) for each in library.passages] == [
        (None, "窓口の冊子"),
        (None, "javascript:alert(1)"),
    ]
