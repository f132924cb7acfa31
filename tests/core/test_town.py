"""The town pack: read as a whole, and every fault named by file, line and remedy."""

import shutil
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import TownPackError
from core.town import Localised, Price, TokenRule, load
from core.town.model import municipality_check_digit

TOWNS = Path(__file__).resolve().parents[2] / "towns"


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    shutil.copytree(TOWNS / "mine", folder)
    return folder


def edit(folder: Path, old: str, new: str, file: str = "town.toml") -> None:
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def line_of(folder: Path, words: str, file: str = "town.toml") -> int:
    lines = (folder / file).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, start=1) if words in line)


@pytest.mark.parametrize("slug", ["mine", "nishikawa", "kaga", "kashima", "masuda"])
def test_every_sample_town_passes_the_check(slug: str) -> None:
    town = load(TOWNS / slug)
    assert town.town.slug == slug
    assert town.town.sample


def test_an_included_file_belongs_to_the_pack() -> None:
    assert {perk.name for perk in load(TOWNS / "mine").perks} == {
        "akiyoshido-entry",
        "fossil-museum",
        "museum-coupon",
    }


@pytest.mark.parametrize(
    "code", ["352136", "063223", "172065", "082228", "322041", "131016", "011002"]
)
def test_the_check_digit_of_a_real_municipality_code_fits(code: str) -> None:
    assert municipality_check_digit(code[:5]) == code[5]


def test_a_wrong_municipality_code_is_named_with_its_line(pack: Path) -> None:
    edit(pack, '"352136"', '"352137"')
    with pytest.raises(TownPackError) as caught:
        load(pack)
    assert f"town.toml:{line_of(pack, '352137')}: town.code is not right" in str(caught.value)
    assert "check digit" in str(caught.value)


def test_a_gate_that_asks_for_an_unknown_collection_is_named(pack: Path) -> None:
    edit(pack, '{ collection = "resident-card"', '{ collection = "nothing"')
    with pytest.raises(TownPackError) as caught:
        load(pack)
    place = f"town.toml:{line_of(pack, 'nothing')}"
    assert f"{place}: gate residents asks for an unknown collection: nothing" in str(caught.value)
    assert "use one of: resident-card" in str(caught.value)


def test_a_perk_of_an_unknown_gate_is_named_in_the_included_file(pack: Path) -> None:
    text = (pack / "perks.toml").read_text(encoding="utf-8")
    head, _, tail = text.rpartition('gate = "residents"')
    (pack / "perks.toml").write_text(f'{head}gate = "nobody"{tail}', encoding="utf-8")
    with pytest.raises(TownPackError) as caught:
        load(pack)
    assert f"perks.toml:{line_of(pack, 'nobody', 'perks.toml')}" in str(caught.value)


def test_files_that_include_each_other_are_refused(pack: Path) -> None:
    path = pack / "perks.toml"
    path.write_text(
        'include = ["town.toml"]\n' + path.read_text(encoding="utf-8"), encoding="utf-8"
    )
    with pytest.raises(TownPackError, match=r"include each other: town\.toml → perks\.toml"):
        load(pack)


def test_an_include_outside_the_pack_is_refused(pack: Path) -> None:
    (pack.parent / "secret.toml").write_text("", encoding="utf-8")
    edit(pack, '["perks.toml"]', '["../secret.toml"]')
    with pytest.raises(TownPackError, match="outside the pack"):
        load(pack)


def test_a_missing_include_is_named(pack: Path) -> None:
    (pack / "perks.toml").unlink()
    with pytest.raises(TownPackError, match=r"perks\.toml: the file is missing"):
        load(pack)


def test_a_missing_folder_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(TownPackError, match="kankei new"):
        load(tmp_path / "nowhere")


def test_broken_toml_is_named_with_its_line(pack: Path) -> None:
    edit(pack, 'slug = "mine"', 'slug = "mine')
    with pytest.raises(TownPackError) as caught:
        load(pack)
    assert f"town.toml:{line_of(pack, 'slug =')}: not TOML" in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\xff\xfe\x00binary", id="binary"),
        pytest.param(b"#" * 1_100_000, id="over a megabyte"),
        pytest.param(b"", id="empty"),
    ],
)
def test_a_file_that_is_no_pack_is_refused_with_a_remedy(pack: Path, content: bytes) -> None:
    (pack / "town.toml").write_bytes(content)
    with pytest.raises(TownPackError, match="→"):
        load(pack)


def test_a_misspelt_key_is_named(pack: Path) -> None:
    edit(pack, "sample = true", "smaple = true")
    with pytest.raises(TownPackError) as caught:
        load(pack)
    assert f"town.toml:{line_of(pack, 'smaple')}: town.smaple is not right" in str(caught.value)


@pytest.mark.parametrize(
    ("voice", "remedy"),
    [
        pytest.param('name = "kokoro:jf_nobody"', "kokoro:jf_alpha", id="unknown"),
        pytest.param('name = "kokoro:af_heart"', "kokoro:jf_alpha", id="not Japanese"),
        pytest.param('en = "kokoro:zf_xiaoyi"', "kokoro:af_heart", id="not English"),
        pytest.param('zh = "kokoro:jf_alpha"', "kokoro:zf_xiaoyi", id="not Chinese"),
        pytest.param('zh = "mei"', "Mei speaks Japanese only", id="Mei in Chinese"),
        pytest.param('en = "two words"', "persona.voice.en", id="no name at all"),
    ],
)
def test_a_voice_that_does_not_speak_the_language_is_named_with_those_that_do(
    pack: Path, voice: str, remedy: str
) -> None:
    with (pack / "town.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n[persona.voice]\n{voice}\n")
    with pytest.raises(TownPackError) as caught:
        load(pack)
    assert f"town.toml:{line_of(pack, voice)}: persona.voice." in str(caught.value)
    assert remedy in str(caught.value)


def test_a_town_chooses_a_voice_for_each_language(pack: Path) -> None:
    with (pack / "town.toml").open("a", encoding="utf-8") as file:
        file.write('\n[persona.voice]\nen = "kokoro:jf_alpha"\nzh = "kokoro:zm_yunxi"\n')
    voice = load(pack).persona.voice
    assert (voice.name, voice.en, voice.zh) == ("mei", "kokoro:jf_alpha", "kokoro:zm_yunxi")


def test_an_endpoint_in_the_clear_is_refused(pack: Path) -> None:
    edit(pack, 'name = "見本の台帳"', 'name = "x"\nendpoints = ["http://rpc.example.com"]')
    with pytest.raises(TownPackError, match="not encrypted"):
        load(pack)


def test_a_pack_without_guides_is_refused(pack: Path) -> None:
    shutil.rmtree(pack / "guides")
    with pytest.raises(TownPackError, match="no guide documents"):
        load(pack)


def test_words_fall_back_to_the_nearest_language() -> None:
    words = Localised({"ja": "日", "en": "E", "zh-Hant": "繁"})
    assert [words.get(each) for each in ("ja-easy", "ko", "zh-Hans", "xx")] == [
        "日",
        "E",
        "繁",
        "E",
    ]


def test_words_without_japanese_are_refused() -> None:
    with pytest.raises(ValueError, match="Japanese"):
        Localised({"en": "E"})


@given(st.text(max_size=300))
def test_no_text_makes_the_reader_fail_otherwise(text: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "town.toml").write_text(text, encoding="utf-8", errors="surrogatepass")
        with pytest.raises(TownPackError):
            load(Path(folder))


def test_a_rule_counts_at_least_one_token() -> None:
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        TokenRule(collection="resident-card", at_least=0)


def test_a_rule_names_only_what_the_pack_has(pack: Path) -> None:
    card = '{ collection = "resident-card", at_least = 1 }'
    old = f'rule = {{ any = [{card}, {{ proof = "invitation" }}] }}'
    new = 'rule = { at_least = 1, of = [{ proof = "none" }, { kind = "no" }, { tier = "top" }] }'
    edit(pack, old, new)
    with pytest.raises(TownPackError) as caught:
        load(pack)
    place = f"town.toml:{line_of(pack, 'at_least = 1, of')}: gate residents asks for an unknown"
    for each in ("proof: none", "kind: no", "tier: top"):
        assert f"{place} {each}" in str(caught.value)


def test_a_tier_asks_for_lower_tiers_only(pack: Path) -> None:
    edit(
        pack,
        "[access]",
        '[[tiers]]\nname = "gold"\ntitle = { ja = "金" }\nrule = { tier = "gold" }\n\n[access]',
    )
    with pytest.raises(TownPackError, match="tier gold asks for an unknown tier: gold"):
        load(pack)


def test_a_perk_names_facilities_that_exist(pack: Path) -> None:
    edit(pack, 'facilities = ["akiyoshido"]', 'facilities = ["nowhere"]', "perks.toml")
    with pytest.raises(TownPackError, match="akiyoshido-entry names an unknown facility: nowhere"):
        load(pack)


def test_a_perk_that_counts_by_token_needs_a_gate_that_asks_for_one(pack: Path) -> None:
    edit(pack, 'gate = "residents"\n', "", "perks.toml")
    with pytest.raises(TownPackError, match="counts by token, but its gate asks for none"):
        load(pack)


def test_a_perk_worth_money_without_a_gate_says_who_may_come(pack: Path) -> None:
    line = 'visitors = "anybody" # ブラウザだけの方も。別のブラウザなら、もう一度もらえる\n'
    edit(pack, line, "", "perks.toml")
    with pytest.raises(TownPackError, match="museum-coupon is worth money") as caught:
        load(pack)
    assert 'write visitors = "chat"' in str(caught.value)
    edit(pack, "value_yen = 50", "value_yen = 0", "perks.toml")
    load(pack)


def test_a_perk_of_tokens_that_many_people_hold_alike_counts_persons(pack: Path) -> None:
    edit(pack, 'standard = "ERC-721"', 'standard = "ERC-1155"')
    with pytest.raises(TownPackError, match="ERC-1155") as caught:
        load(pack)
    assert "akiyoshido-entry counts by token" in str(caught.value)
    assert 'write counted_by = "person"' in str(caught.value)
    edit(pack, 'counted_by = "token"', 'counted_by = "person"', "perks.toml")
    load(pack)


def test_a_use_is_worth_the_price_of_its_day() -> None:
    perk = next(each for each in load(TOWNS / "mine").perks if each.name == "akiyoshido-entry")
    dated = perk.model_copy(
        update={"value_yen": 1200, "prices": (Price(since=date(2026, 4, 1), yen=1600),)}
    )
    assert dated.yen_on(date(2026, 3, 31)) == 1200
    assert dated.yen_on(date(2026, 4, 1)) == 1600


@pytest.mark.parametrize(
    ("token_id", "counts"),
    [
        pytest.param(1, True, id="first of the range"),
        pytest.param(100, True, id="last of the range"),
        pytest.param(101, False, id="after it"),
        pytest.param(777, True, id="named alone"),
    ],
)
def test_a_rule_counts_the_token_ids_it_names(token_id: int, counts: bool) -> None:
    assert TokenRule(collection="card", tokens=("1-100", "777")).counts(token_id) is counts
