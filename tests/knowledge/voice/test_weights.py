"""The weights: joined once, checked always."""

import multiprocessing
from pathlib import Path

import pytest

from knowledge.errors import RecogniserFailed, VoiceMissing
from knowledge.voice.hearing import weights as module
from knowledge.voice.hearing.weights import whisper_base


def test_the_halves_are_joined_once_and_kept(weights: Path) -> None:
    with whisper_base(weights) as first:
        made = (first / "model.bin").stat()
    with whisper_base(weights) as second:
        assert second == first
        assert (second / "model.bin").stat().st_mtime_ns == made.st_mtime_ns
    assert made.st_size == 145_217_532
    assert [each.name for each in weights.iterdir()] == [first.name]


def test_what_was_damaged_is_joined_anew(weights: Path) -> None:
    with whisper_base(weights) as folder:
        (folder / "config.json").write_text("{}")
    with whisper_base(weights) as again:
        assert (again / "config.json").stat().st_size > 2
    assert [each.name for each in weights.iterdir()] == [again.name]


def test_what_a_killed_process_left_behind_is_removed(weights: Path) -> None:
    with whisper_base(weights) as folder:
        (folder / "config.json").unlink()
    left = weights / f".{folder.name}-dead"
    left.mkdir()
    (left / "model.bin").write_bytes(bytes(1000))
    with whisper_base(weights) as again:
        assert [each.name for each in weights.iterdir()] == [again.name]


def joined(weights: Path) -> int:
    """Return which file another process came to load."""
    with whisper_base(weights) as folder:
        return (folder / "model.bin").stat().st_ino


def test_two_processes_join_them_once(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        first, second = pool.map(joined, [tmp_path, tmp_path])
    assert first == second
    assert len(list(tmp_path.iterdir())) == 1


def test_without_a_place_to_keep_them_they_are_gone_afterwards() -> None:
    with whisper_base(None) as folder:
        assert (folder / "model.bin").exists()
    assert not folder.exists()


def test_other_weights_than_those_measured_are_not_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "other_whisper" / "data"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").touch()
    (package / "model.bin.part1").write_bytes(b"other")
    (package / "model.bin.part2").write_bytes(b"weights")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(module, "_PARTS", ("other_whisper", "other_whisper"))
    with pytest.raises(RecogniserFailed, match="differs"), whisper_base(tmp_path / "cache"):
        pass
    assert not [each for each in (tmp_path / "cache").iterdir() if each.is_dir()]


def test_a_missing_package_is_named_with_its_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PARTS", ("not_installed_here", "not_installed_here"))
    with (
        pytest.raises(VoiceMissing, match=r"not-installed-here.*pip install 'kankei\[voice\]'"),
        whisper_base(tmp_path),
    ):
        pass
