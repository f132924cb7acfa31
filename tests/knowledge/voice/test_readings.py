"""Every name that a sample town gives a reading is said so, whatever stands around it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from knowledge.gazetteer import Entry, Gazetteer
from knowledge.text import hiragana_to_katakana
from knowledge.voice.names import SpokenName, names_of_town, spoken_names
from knowledge.voice.speaking.accent import accented
from knowledge.voice.speaking.dictionary import Dictionary, pronounced
from tests.world.voices import need

TOWNS = Path(__file__).resolve().parents[3] / "towns"
SLUGS = sorted(each.parent.name for each in TOWNS.glob("*/town.toml"))
AROUND = ["{}", "次は{}です。", "今日の{}はどこですか?", "「{}」へ", "{}と駅の料金は1600円"]
_VOWELS = {
    kana: row[0]
    for row in (
        "アカサタナハマヤラワガザダバパャァ", "イキシチニヒミリギジヂビピィ",
        "ウクスツヌフムユルグズヅブプヴュゥ", "エケセテネヘメレゲゼデベペェ",
        "オコソトノホモヨロヲゴゾドボポョォ",
    )
    for kana in row
}  # fmt: skip


def sounds(kana: str) -> str:
    """Fold what sounds alike: オウ, オオ and オー; エイ and エー; ヂ and ジ."""
    folded = ""
    for each in kana.translate(str.maketrans("ヂヅヲ", "ジズオ")):
        vowel = _VOWELS.get(folded[-1:], "")
        alike = each == "ー" or vowel + each in {"オウ", "エイ"}
        folded += vowel if alike else each
    return folded


def heard(text: str) -> str:
    """What the front end of both Japanese voices makes of a text."""
    import pyopenjtalk

    kana = str(pyopenjtalk.g2p(text, kana=True))
    return sounds("".join(each for each in kana if each.isalpha() or each == "ー"))


@pytest.fixture(autouse=True)
def _engine(tmp_path: Path) -> Iterator[None]:
    need("pyopenjtalk")
    yield
    Dictionary(()).load(tmp_path)  # the engine keeps one dictionary a process


@pytest.mark.parametrize("slug", SLUGS)
def test_every_name_of_a_town_is_read_as_its_gazetteer_says(slug: str, tmp_path: Path) -> None:
    names = names_of_town(TOWNS / slug)
    assert len(names) > 20
    Dictionary(names).load(tmp_path)
    for name in names:
        expected = sounds(hiragana_to_katakana(name.reading))
        for sentence in AROUND:
            assert expected in heard(sentence.format(name.surface)), name


def test_without_the_dictionary_names_are_read_by_the_rules_of_kanji(tmp_path: Path) -> None:
    Dictionary(()).load(tmp_path)
    assert "アキヨシ" not in heard("秋芳洞")
    Dictionary((SpokenName("秋芳洞", "あきよしどう"),)).load(tmp_path)
    assert heard("秋芳洞") == sounds("アキヨシドウ")
    assert heard("秋芳町") != sounds("アキヨシチョウ")  # its own name, with its own reading


def test_the_longest_name_wins_and_a_name_is_compiled_once(tmp_path: Path) -> None:
    names = (SpokenName("秋芳洞", "あきよしどう"), SpokenName("秋芳洞案内所", "ためしよみ"))
    Dictionary(names).load(tmp_path)
    first = list(tmp_path.glob("*.dic"))
    assert heard("秋芳洞案内所") == "タメシヨミ"
    Dictionary(names).load(tmp_path)
    assert list(tmp_path.glob("*")) == first


@pytest.mark.parametrize(
    "surface", ["e-テスト市民", "Mine Walk", "A,B店", '"引用"堂', "100年蔵", "総湯 別館"]
)
def test_names_with_letters_signs_and_spaces_are_found(surface: str, tmp_path: Path) -> None:
    Dictionary((SpokenName(surface, "ためしよみ"),)).load(tmp_path)
    assert "タメシヨミ" in heard(f"次は{surface}です")


def test_a_voice_elsewhere_gets_the_names_in_kana() -> None:
    names = (
        SpokenName("秋芳洞", "あきよしどう"),
        SpokenName("秋芳洞案内所", "あきよしどうあんないじょ"),
    )
    said = Dictionary(names).in_kana("秋芳洞と秋芳洞案内所は1600円")
    assert said == "あきよしどうとあきよしどうあんないじょは1600円"
    assert Dictionary(()).in_kana("秋芳洞") == "秋芳洞"


def test_another_reading_is_another_version() -> None:
    one = Dictionary((SpokenName("秋芳洞", "あきよしどう"),))
    assert one.version == Dictionary(one.names).version
    assert one.version != Dictionary((SpokenName("秋芳洞", "しゅうほうどう"),)).version


def test_names_come_from_gazetteer_glossary_and_brackets() -> None:
    gazetteer = Gazetteer(
        (
            Entry("秋芳洞", "アキヨシドウ", ()),
            Entry("石見空港", None, ()),
            Entry("武甕槌大神(たけみかづちのおおかみ)", None, ()),
            Entry("名無し", None, ()),
        )
    )
    readings = {"石見空港": "いわみくうこう", "秋芳洞": "しゅうほうどう"}
    assert spoken_names(gazetteer, readings) == (
        SpokenName("武甕槌大神", "たけみかづちのおおかみ"),
        SpokenName("石見空港", "いわみくうこう"),
        SpokenName("秋芳洞", "あきよしどう"),
    )


@pytest.mark.parametrize(
    ("surface", "reading", "fall"),
    [
        ("美祢市", "みねし", 2),
        ("加賀温泉駅", "かがおんせんえき", 5),
        ("元乃隅神社", "もとのすみじんじゃ", 6),
        ("月山", "がっさん", 1),
        ("美祢市化石館", "みねしかせきかん", 6),
        ("秋芳洞", "あきよしどう", 0),
        ("池", "いけ", 0),
    ],
)
def test_a_name_is_stressed_as_its_last_part_asks(surface: str, reading: str, fall: int) -> None:
    assert accented(surface, pronounced(reading)) == fall


@pytest.mark.parametrize("left", [pytest.param(0, id="empty"), pytest.param(200, id="cut")])
def test_a_damaged_dictionary_is_made_anew(tmp_path: Path, left: int) -> None:
    need("pyopenjtalk")
    names = (SpokenName("秋芳洞", "あきよしどう"),)
    Dictionary(names).load(tmp_path)
    (compiled,) = tmp_path.glob("names-*.dic")
    whole = compiled.read_bytes()
    Dictionary(()).load(tmp_path)
    compiled.unlink()  # the engine may still have it mapped
    compiled.write_bytes(whole[:left])
    Dictionary(names).load(tmp_path)
    assert heard("秋芳洞") == sounds("アキヨシドー")
    assert compiled.stat().st_size == len(whole)
    Dictionary(()).load(tmp_path)


def test_the_version_of_a_dictionary_is_worked_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    table = Dictionary.table

    def counted(dictionary: Dictionary) -> str:
        made.append(table(dictionary))
        return made[-1]

    monkeypatch.setattr(Dictionary, "table", counted)
    once = Dictionary((SpokenName("試験洞", "しけんどう"),))
    again = Dictionary((SpokenName("試験洞", "しけんどう"),))
    assert once.version == again.version
    assert len(made) == 1
    assert once.version != Dictionary((SpokenName("試験洞", "ためしどう"),)).version
