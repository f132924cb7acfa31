"""Fact rows in the languages of visitors: by the glossary alone, and never another figure."""

from dataclasses import replace
from pathlib import Path

import pytest

from knowledge.easy import said_easily
from knowledge.figures import figures
from knowledge.glossary import FOREIGN, Glossary, glossary, stated
from knowledge.ingest import read_guides
from knowledge.language import Language
from knowledge.lexicon import lexicon
from knowledge.passage import Kind, Passage
from knowledge.rendering import Renderer, bare, with_particles
from knowledge.ruby import Part, Ruby
from knowledge.words import Words

TOWNS = Path(__file__).parents[2] / "towns"
SLUGS = ("kaga", "kashima", "masuda", "mine", "nishikawa")
KEY = {"price", "hours", "holiday", "phone", "address", "parking", "access", "bus", "train", "car"}
COVERED = 0.9


def rows(slug: str) -> list[Passage]:
    passages = read_guides(TOWNS / slug / "guides").passages
    return [e for e in passages if e.kind is Kind.FACT and e.language is Language.JA]


def row(item: str, value: str, note: str | None = None) -> Passage:
    text = f"{item}: {value}"
    return Passage(
        "1", "d", "t", (), text, Kind.FACT, Language.JA, item=item, value=value, note=note
    )


def town(folder: Path, text: str) -> Glossary:
    (folder / "glossary.toml").write_text(text, encoding="utf-8")
    return glossary(folder)


HARBOUR = """
[names]
"青潮水族館" = { en = "Aoshio Aquarium", zh-Hant = "青潮水族館", zh-Hans = "青潮水族馆", ko = "아오시오 수족관", reading = "あおしおすいぞくかん" }
"""  # noqa: E501


@pytest.fixture
def harbour(tmp_path: Path) -> Renderer:
    return Renderer(town(tmp_path, HARBOUR))


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize("language", FOREIGN)
def test_nine_of_ten_key_rows_of_every_town_read_in_every_language(
    slug: str, language: Language
) -> None:
    renderer = Renderer(glossary(TOWNS / slug))
    asked = [each for each in rows(slug) if lexicon().named(each.item or "") & KEY]
    whole = [each for each in asked if renderer.row(each, language, set()).whole]
    assert len(asked) >= 10
    assert len(whole) >= COVERED * len(asked)


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize("language", FOREIGN)
def test_no_rendering_adds_drops_or_changes_a_figure(slug: str, language: Language) -> None:
    renderer = Renderer(glossary(TOWNS / slug))
    changed = []
    for passage in rows(slug):
        for cell in (passage.item, passage.value, passage.note):
            rendered = renderer.cell(cell or "", language)
            if rendered is not None and stated(bare(rendered)) != stated(cell or ""):
                changed.append((cell, bare(rendered)))
    assert changed == []


@pytest.mark.parametrize("slug", SLUGS)
def test_the_glossaries_of_the_sample_towns_have_no_problems(slug: str) -> None:
    assert glossary(TOWNS / slug).problems == ()


def test_money_times_and_phone_numbers_are_the_same_figures_to_the_reader_of_answers(
    harbour: Renderer,
) -> None:
    for value in ("1,600円", "8:30〜17:30", "0837-52-1110", "約40分", "無料"):
        for language in FOREIGN:
            rendered = harbour.cell(value, language)
            assert rendered is not None
            assert figures(rendered) == figures(value)


def test_a_name_has_the_japanese_beside_it_the_first_time(harbour: Renderer) -> None:
    seen: set[str] = set()
    first = harbour.row(row("青潮水族館の入館料", "2,400円"), Language.EN, seen)
    second = harbour.row(row("青潮水族館の休館日", "水曜"), Language.EN, seen)
    assert first.item == "Aoshio Aquarium (青潮水族館) – admission"
    assert second.item == "Aoshio Aquarium – closing days"
    assert second.value == "Wednesday"


def test_a_name_that_is_written_alike_is_not_repeated(harbour: Renderer) -> None:
    rendered = harbour.row(row("青潮水族館の電話", "0837-52-1110"), Language.ZH_HANT, set())
    assert rendered.item == "青潮水族館 電話"


def test_a_cell_with_an_unknown_word_stays_japanese(harbour: Renderer) -> None:
    rendered = harbour.row(
        row("青潮水族館の入館料", "2,400円", "ペンギンは昼寝中"), Language.EN, set()
    )
    assert rendered.value == "2,400 yen"
    assert rendered.note is None
    assert not rendered.whole


def test_months_are_named_in_english_and_ranges_read_as_each_language_writes_them(
    harbour: Renderer,
) -> None:
    assert harbour.cell("3〜11月", Language.EN) == "March to November"
    assert harbour.cell("3〜11月", Language.ZH_HANT) == "3月至11月"
    assert harbour.cell("3〜11月", Language.KO) == "3~11월"


def test_korean_particles_follow_the_sound_before_them() -> None:
    assert with_particles("역와(과) 버스") == "역과 버스"
    assert with_particles("버스와(과) 역") == "버스와 역"
    assert with_particles("10분(이)라고") == "10분이라고"


@pytest.mark.parametrize(
    ("entry", "message", "remedy"),
    [
        pytest.param(
            '"青潮" = { en = "Aoshio" }', "zh-Hant is missing", 'write "青潮" =', id="a language"
        ),
        pytest.param(
            '"500円" = { en = "600 yen", zh-Hant = "500日圓", zh-Hans = "500日元", ko = "500엔" }',
            "en states other figures",
            "write the same figures",
            id="another figure",
        ),
        pytest.param(
            '"青潮" = { en = "アオ", zh-Hant = "青", zh-Hans = "青", ko = "아오" }',
            "en holds kana",
            "write it in the letters",
            id="kana",
        ),
        pytest.param(
            '"約{n}分" = { en = "soon", zh-Hant = "{n}", zh-Hans = "{n}", ko = "{n}" }',
            "en has other slots",
            "use each {slot}",
            id="a forgotten slot",
        ),
        pytest.param('"青潮" = "Aoshio"', "no translations", "write", id="no table"),
        pytest.param(
            '"青" = { en = "A", zh-Hant = "青", zh-Hans = "青", ko = "아", reading = "ao" }',
            "the reading is not kana",
            "write it in hiragana",
            id="a reading in Latin letters",
        ),
    ],
)
def test_a_wrong_entry_is_named_with_its_line_and_remedy(
    tmp_path: Path, entry: str, message: str, remedy: str
) -> None:
    found = town(tmp_path, f"# names\n[terms]\n{entry}\n")
    (problem,) = found.problems
    assert (problem.file, problem.line) == ("glossary.toml", 3)
    assert message in problem.message
    assert remedy in problem.remedy


def test_a_file_that_is_no_toml_leaves_the_shared_terms(tmp_path: Path) -> None:
    found = town(tmp_path, "[terms]\n青潮 = \n")
    assert found.problems[0].line == 2
    assert found.terms["大人"][0] == "adults"


def test_a_town_overrides_a_shared_term(tmp_path: Path) -> None:
    entry = '"大人" = { en = "grown-ups", zh-Hant = "大人", zh-Hans = "大人", ko = "어른" }'
    assert town(tmp_path, f"[terms]\n{entry}\n").terms["大人"][0] == "grown-ups"


def test_a_long_or_deeply_nested_cell_is_left_alone(harbour: Renderer) -> None:
    assert harbour.cell("あ" * 5_000, Language.EN) is None
    assert harbour.cell("(" * 140 + ")" * 140, Language.EN) is not None
    assert harbour.cell("大人の" * 90 + "謎", Language.EN) is None


# Easy Japanese


@pytest.fixture(scope="module")
def words() -> Words:
    return Words()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("食べる", "食(た)べる"),
        ("青潮水族館の入館料", "青潮水族館(あおしおすいぞくかん)の入館料(にゅうかんりょう)"),
        ("西川町(にしかわまち)の山", "西川町(にしかわまち)の山(やま)"),
        ("約40分", "約(やく)40分(ぷん)"),
        ("3月から", "3月(がつ)から"),
        ("バス", "バス"),
    ],
)
def test_every_kanji_gets_its_reading_once(words: Words, text: str, shown: str) -> None:
    assert Ruby({"青潮水族館": "あおしおすいぞくかん"}, words).bracketed(text) == shown


def test_readings_change_no_figure_and_no_markup(words: Words) -> None:
    text = "<b>大人</b>は 1,600円、8:30から"
    parts = Ruby({}, words).parts(text)
    assert "".join(each.text for each in parts) == text
    assert Part("大人", "おとな") in parts


@pytest.mark.parametrize(
    ("passage", "said"),
    [
        (row("青潮水族館の入館料", "2,400円"), "青潮水族館の入館料は 2,400円です。"),
        (row("駐車場", "なし"), "駐車場は ありません。"),
        (
            row("受付", "8:30〜17:30", "月曜は休み"),
            "受付は 8:30から 17:30までです。 月曜は休みです。",
        ),
        (row("再入場", "できる"), "再入場は できます。"),
        (row("運賃", "1,170円(要確認)"), "運賃は 1,170円です。 要確認です。"),
    ],
)
def test_a_row_is_said_in_short_polite_sentences(words: Words, passage: Passage, said: str) -> None:
    assert said_easily(passage, words) == said


@pytest.mark.parametrize("slug", SLUGS)
def test_easy_sentences_state_the_figures_of_their_row(words: Words, slug: str) -> None:
    for passage in rows(slug):
        plain = replace(passage, note=None)
        original = f"{plain.item} {plain.value}"
        assert stated(original) <= stated(said_easily(plain, words)), original
