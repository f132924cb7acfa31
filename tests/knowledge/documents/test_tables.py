"""Tables as towns publish them: every repair and every row left out is reported with its line."""

from datetime import time
from pathlib import Path

import pytest

from knowledge.documents import limits
from knowledge.ingest import read_town
from knowledge.language import Language
from knowledge.library import Library
from knowledge.passage import Kind, RemarkKind
from tests.knowledge.documents.making import csv_file

OLD = [
    "都道府県コード又は市区町村コード",
    "NO",
    "都道府県名",
    "市区町村名",
    "名称",
    "名称_カナ",
    *("名称_英語", "住所", "方書", "緯度", "経度", "電話番号", "利用可能曜日", "開始時間"),
    *("終了時間", "利用可能日時特記事項", "料金（基本）", "説明", "URL", "備考"),
]
NEW = [
    "全国地方公共団体コード",
    "ID",
    "地方公共団体名",
    "名称",
    "名称_カナ",
    "名称_英字",
    *("所在地_連結表記", "建物名等(方書)", "緯度", "経度", "電話番号", "利用可能曜日", "開始時間"),
    *("終了時間", "利用可能日時特記事項", "料金(基本)", "説明", "URL", "備考"),
]
ADDRESS = "水城町上町1番地"


def ingest(folder: Path) -> Library:
    (folder / "guides").mkdir(exist_ok=True)
    return read_town(folder / "guides", folder / "data")


def said(library: Library, kind: RemarkKind | None = None) -> list[tuple[str, int, str, str]]:
    """Code, line, what was there and what was made of it."""
    return [
        (each.code, each.line, each.before, each.after)
        for file in library.files
        for each in file.remarks
        if kind is None or each.kind is kind
    ]


def old_row(**cells: str) -> list[str]:
    usual = {"名称": "水城洞", "住所": ADDRESS, "利用可能曜日": "月火水木金"}
    return [{**usual, **cells}.get(name, "") for name in OLD]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932", "utf-16", "euc_jp"])
@pytest.mark.parametrize("edition", ["old", "new"])
def test_both_editions_become_facts_and_places_in_every_encoding(
    tmp_path: Path, edition: str, encoding: str
) -> None:
    values = {
        **dict.fromkeys(("名称", "名称_カナ"), "水城洞"),
        "名称_カナ": "ミズキドウ",
        "名称_英語": "Mizuki Cave",
        "名称_英字": "Mizuki Cave",
        "住所": ADDRESS,
        "所在地_連結表記": ADDRESS,
        "緯度": "34.25",
        "経度": "131.30",
        "電話番号": "0837-62-0000",
        "利用可能曜日": "月火水木金",
        "開始時間": "8:30",
        "終了時間": "17:30",
        "利用可能日時特記事項": "12月29日から休み",
        "料金（基本）": "1,500円",
        "料金(基本)": "1,500円",
        "説明": "町の北にある鍾乳洞、\n長さ2km。",
    }
    header = OLD if edition == "old" else NEW
    row = [values.get(name, "") for name in header]
    file = tmp_path / "data" / "kanko.csv"
    csv_file(file, header, row, encoding=encoding, tab=encoding == "utf-16")
    library = ingest(tmp_path)
    (place,) = library.places
    assert (place.latitude, place.longitude) == (34.25, 131.3)
    assert (place.opens, place.closes) == (time(8, 30), time(17, 30))
    assert (place.days, place.kana) == ("月火水木金", "ミズキドウ")
    assert place.names == {Language.EN: "Mizuki Cave"}
    facts = {each.item: each for each in library.passages}
    main = facts["水城洞 所在地・利用時間・電話番号"]
    assert main.id == place.passage
    assert main.kind is Kind.FACT
    assert main.value is not None
    assert "8:30〜17:30 (月火水木金)" in main.value
    assert "0837-62-0000" in main.value
    assert main.note == "12月29日から休み"
    assert main.facility == "水城洞"
    assert set(main.aliases) == {"ミズキドウ", "Mizuki Cave"}
    assert facts["水城洞 料金"].value == "1,500円"
    assert facts["水城洞 説明"].value == "町の北にある鍾乳洞、 長さ2km。"
    assert said(library) == []


def test_every_repair_is_told_with_line_column_and_both_values(tmp_path: Path) -> None:
    csv_file(
        tmp_path / "data" / "kanko.csv",
        OLD,
        old_row(緯度="131.30", 経度="34.25", 電話番号="837620000", 開始時間="0.375"),
        encoding="cp932",
    )
    library = ingest(tmp_path)
    repaired = [
        (each.line, each.column, each.before, each.after)
        for each in library.files[0].remarks
        if each.kind is RemarkKind.REPAIRED
    ]
    assert repaired == [
        (2, "緯度/経度", "131.30, 34.25", "34.250000, 131.300000"),
        (2, "開始時間", "0.375", "9:00"),
        (2, "電話番号", "837620000", "0837620000"),
    ]
    assert library.places[0].phone == "0837620000"


def test_what_cannot_be_proven_stays_as_it_was_and_is_doubted(tmp_path: Path) -> None:
    csv_file(
        tmp_path / "data" / "kanko.csv",
        OLD,
        old_row(緯度="51.5", 経度="-0.1", 電話番号="62-0000", 開始時間="日の出"),
    )
    library = ingest(tmp_path)
    (place,) = library.places
    assert (place.latitude, place.phone, place.opens) == (None, "62-0000", None)
    assert "日の出" in library.passages[0].text
    codes = [code for code, *_ in said(library, RemarkKind.DOUBTFUL)]
    assert sorted(codes) == ["coordinates-abroad", "phone-short", "time-form"]


def test_rows_that_say_nothing_are_skipped_and_each_is_told(tmp_path: Path) -> None:
    csv_file(
        tmp_path / "data" / "kanko.csv",
        ["観光施設一覧（令和6年4月1日現在）"],
        OLD,
        old_row(NO="1"),
        old_row(NO="1"),
        old_row(NO="1", 名称="大正の滝", 住所="水城町下町"),
        old_row(名称="", 備考="名前は未定"),
        ["合計", "3"],
        [""] * len(OLD),
        [""] * len(OLD),
    )
    library = ingest(tmp_path)
    assert [each.name for each in library.places] == ["水城洞", "大正の滝"]
    assert library.documents[0].title == "観光施設一覧(令和6年4月1日現在)"
    told = {(code, line) for code, line, *_ in said(library)}
    assert told == {
        ("duplicate-row", 4),
        ("duplicate-id", 5),
        ("no-name", 6),
        ("totals-row", 7),
        ("empty-rows", 8),
    }


def test_a_header_of_two_rows_with_merged_cells_is_joined(tmp_path: Path) -> None:
    csv_file(
        tmp_path / "data" / "hinan.csv",
        ["指定緊急避難場所"],
        [],
        ["名称", "住所", "災害種別", "", "", "備考"],
        ["", "", "洪水", "津波", "地震", ""],
        ["一中", "上町1", "1", "0", "1", ""],
        ["二中", "上町2", "1", "1", "△", ""],
    )
    library = ingest(tmp_path)
    first, second = library.places
    assert first.features == {"災害種別_洪水", "災害種別_地震"}
    assert first.lacks == {"災害種別_津波"}
    assert "災害種別_地震" not in second.features | second.lacks
    assert first.category == "指定緊急避難場所"
    texts = [each.text for each in library.passages]
    assert "一中 対象の災害: 洪水: 対象、津波: 対象外、地震: 対象" in texts
    assert ("flag-odd", 6, "△", "") in said(library)
    assert ("merged-header", 4, "", "") in said(library)


@pytest.mark.parametrize(
    ("yes", "no"), [("○", "×"), ("有", "無"), ("1", "0"), ("あり", "なし"), ("TRUE", "FALSE")]
)
def test_flags_are_read_however_they_are_written(tmp_path: Path, yes: str, no: str) -> None:
    header = ["名称", "住所", "車椅子使用者用トイレ有無", "男性トイレ総数"]
    rows = [["広場", "上町", yes, "1"], ["港", "下町", no, "0"]]
    csv_file(tmp_path / "data" / "wc.csv", header, *rows)
    square, harbour = ingest(tmp_path).places
    assert square.features == {"車椅子使用者用トイレ有無"}
    assert harbour.lacks == {"車椅子使用者用トイレ有無"}


def test_a_count_of_one_is_no_flag(tmp_path: Path) -> None:
    header = ["名称", "住所", "男性トイレ総数", "女性トイレ総数"]
    csv_file(tmp_path / "data" / "wc.csv", header, ["広場", "上町", "1", "0"])
    library = ingest(tmp_path)
    assert library.places[0].features == frozenset()
    assert "広場 男性トイレ総数: 1" in [each.text for each in library.passages]


def test_events_are_facts_with_their_days_and_no_places(tmp_path: Path) -> None:
    header = ["イベント名", "開始日", "終了日", "場所名称", "住所"]
    rows = [["花祭り", "46113", "令和8年4月5日", "広場", "上町"]]
    csv_file(tmp_path / "data" / "event.csv", header, *rows)
    library = ingest(tmp_path)
    assert library.places == ()
    assert "2026年4月1日〜2026年4月5日" in library.passages[0].text
    assert [code for code, *_ in said(library)] == ["date-serial", "date-era"]


def test_a_place_far_from_all_others_is_doubted_and_kept(tmp_path: Path) -> None:
    spots = [("34.25", "131.30"), ("34.26", "131.31"), ("34.24", "131.29"), ("43.25", "141.30")]
    rows = [old_row(名称=f"施設{n}", 緯度=a, 経度=b) for n, (a, b) in enumerate(spots)]
    csv_file(tmp_path / "data" / "kanko.csv", OLD, *rows)
    library = ingest(tmp_path)
    assert len(library.places) == 4
    assert [(code, line) for code, line, *_ in said(library)] == [("coordinates-far", 5)]


def test_any_other_table_becomes_its_headers_and_values(tmp_path: Path) -> None:
    header = ["番号", "品名", "産地", "出荷日", "数"]
    rows = [["1", "梨", "上町", "45894", "45894"], ["2", "栗", "下町", "", "3"]]
    csv_file(tmp_path / "data" / "produce.csv", header, *rows)
    library = ingest(tmp_path)
    pear = library.passages[0]
    assert (pear.item, pear.kind) == ("梨", Kind.FACT)
    assert pear.value == "番号: 1、産地: 上町、出荷日: 2025年8月25日、数: 45894"
    assert said(library) == [("date-serial", 2, "45894", "2025年8月25日")]


def test_a_table_of_facts_is_read_like_one_in_a_guide(tmp_path: Path) -> None:
    header = ["項目", "内容", "補足", "時点", "出典"]
    row = ["大人の入洞料", "1,500円", "高校生以上", "2026-02", "https://example.org/a"]
    csv_file(tmp_path / "data" / "facts.csv", header, row)
    (fact,) = ingest(tmp_path).passages
    assert (fact.item, fact.value, fact.note) == ("大人の入洞料", "1,500円", "高校生以上")
    assert (fact.as_of, fact.source) == ("2026-02", "https://example.org/a")


def test_articles_of_a_bulletin_become_prose_below_their_headings(tmp_path: Path) -> None:
    header = ["自治体名", "公開年月", "発行号タイトル", "記事タイトル", "カテゴリ", "記事本文"]
    body = "春の催しです。\n■苔玉づくり\n日時：5月11日 10時?12時\n費用：500円"
    row = ["水城町", "2024.04.15", "広報みずき 第1号", "緑の教室", "イベント", body]
    csv_file(tmp_path / "data" / "koho.csv", header, row, row[:5])
    library = ingest(tmp_path)
    assert library.documents[0].title == "広報みずき 第1号"
    assert [each.headings for each in library.passages] == [
        ("イベント", "緑の教室"),
        ("イベント", "緑の教室", "苔玉づくり"),
    ]
    assert {each.as_of for each in library.passages} == {"2024-04-15"}
    assert [code for code, *_ in said(library)] == ["lost-character", "no-text"]
    assert not library.files[0].undated


def test_a_table_without_a_date_is_undated_and_a_sidecar_gives_it_one(tmp_path: Path) -> None:
    csv_file(tmp_path / "data" / "kanko.csv", OLD, old_row())
    before = ingest(tmp_path)
    assert before.files[0].undated
    assert before.passages[0].as_of is None
    sidecar = "title: 町の観光施設\nas_of: 2026-04\nsource: https://example.org/open\n"
    (tmp_path / "data" / "kanko.csv.yaml").write_text(sidecar, encoding="utf-8")
    after = ingest(tmp_path)
    assert not after.files[0].undated
    assert (after.documents[0].title, after.passages[0].as_of) == ("町の観光施設", "2026-04")
    assert after.passages[0].source == "https://example.org/open"
    assert len(after.files) == 1


def test_a_wrong_sidecar_is_a_problem_with_its_own_file_and_line(tmp_path: Path) -> None:
    csv_file(tmp_path / "data" / "kanko.csv", OLD, old_row())
    (tmp_path / "data" / "kanko.csv.yaml").write_text("title: a\nasof: 2026\n", encoding="utf-8")
    (problem,) = ingest(tmp_path).problems
    assert (problem.file, problem.line) == ("data/kanko.csv.yaml", 2)


def test_of_a_million_rows_the_first_are_read_and_the_rest_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_ROWS", 100)
    file = csv_file(tmp_path / "data" / "big.csv", ["名称", "住所", "電話番号"])
    with file.open("a", encoding="utf-8") as stream:
        stream.writelines(f"第{n}集会所,上町{n},0837-62-{n:04}\n" for n in range(20_000))
    library = ingest(tmp_path)
    assert len(library.places) == 100
    assert library.files[0].rows == 20_000
    assert said(library) == [("more-rows", 102, "19,900", "100")]
    assert library.problems[0].values == ("19,900", "100")


def test_a_cell_of_ten_thousand_characters_is_cut_into_passages_and_loses_nothing(
    tmp_path: Path,
) -> None:
    text = "".join(f"{n}番の洞窟は広いです。" for n in range(1_000))
    csv_file(tmp_path / "data" / "long.csv", ["品名", "話"], ["洞窟", text])
    library = ingest(tmp_path)
    assert "".join(each.text for each in library.passages) == text
    assert {each.headings for each in library.passages} == {("洞窟", "話")}


def test_a_quotation_mark_that_stays_open_is_a_problem(tmp_path: Path) -> None:
    file = tmp_path / "data" / "open.csv"
    file.parent.mkdir()
    file.write_text('名称,住所\n広場,上町\n港,"下町\n滝,山町\n', encoding="utf-8")
    library = ingest(tmp_path)
    (problem,) = library.problems
    assert (problem.code, problem.line) == ("open-quote", 3)
    assert library.places[0].name == "広場"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param(b"", "empty", id="empty"),
        pytest.param(
            "名称,住所\n広場,上町".encode("cp932") + b"\xff\xfe\n", "no-encoding", id="two"
        ),
        pytest.param(bytes(range(256)) * 20, "no-encoding", id="rubbish"),
        pytest.param("広場\n港\n".encode(), "no-header", id="one column"),
        pytest.param("名称,住所\n".encode(), "nothing", id="only a header"),
    ],
)
def test_a_table_that_cannot_be_read_is_a_problem(
    tmp_path: Path, content: bytes, code: str
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "bad.csv").write_bytes(content)
    library = ingest(tmp_path)
    assert [(each.file, each.code) for each in library.problems] == [("data/bad.csv", code)]
    assert library.passages == ()
