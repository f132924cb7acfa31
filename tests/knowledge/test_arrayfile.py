"""Array files are mapped, checked, and whole or not there at all."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from knowledge.retrieval import arrayfile
from knowledge.retrieval.arrayfile import DamagedFile

ARRAYS: dict[str, NDArray[Any]] = {
    "vectors": np.arange(12, dtype=np.float32).reshape(3, 4),
    "keys": np.arange(5, dtype=np.uint8),
    "empty": np.zeros((0, 7), dtype=np.int64),
}


def test_what_was_written_is_read_back_without_a_copy(tmp_path: Path) -> None:
    path = tmp_path / "a.kix"
    arrayfile.write(path, "model-1", ARRAYS)
    stored = arrayfile.read(path)
    assert stored is not None
    assert stored.identity == "model-1"
    for name, each in ARRAYS.items():
        assert stored.arrays[name].tolist() == each.tolist()
        assert stored.arrays[name].dtype == each.dtype
        assert not stored.arrays[name].flags.owndata
        assert not stored.arrays[name].flags.writeable
    stored.release()
    assert stored.arrays["vectors"][2, 3] == 11


def test_no_file_is_no_fault(tmp_path: Path) -> None:
    assert arrayfile.read(tmp_path / "none.kix") is None


def test_every_damaged_byte_but_padding_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.kix"
    arrayfile.write(path, "model-1", ARRAYS)
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        damaged = bytearray(whole)
        damaged[place] ^= 255
        path.unlink()
        path.write_bytes(damaged)
        try:
            stored = arrayfile.read(path)
        except DamagedFile:
            continue
        assert stored is not None  # padding between the arrays
        assert stored.arrays["vectors"].tolist() == ARRAYS["vectors"].tolist()


@pytest.mark.parametrize("length", [0, 7, 20, 100, 300])
def test_a_cut_file_is_damaged(tmp_path: Path, length: int) -> None:
    path = tmp_path / "a.kix"
    arrayfile.write(path, "model-1", ARRAYS)
    content = path.read_bytes()[:length]
    path.unlink()
    path.write_bytes(content)
    with pytest.raises(DamagedFile):
        arrayfile.read(path)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.kix"
    arrayfile.write(path, "old", ARRAYS)

    def full(_: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        arrayfile.write(path, "new", ARRAYS)
    stored = arrayfile.read(path)
    assert stored is not None
    assert stored.identity == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_mapped_stays_whole_when_the_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.kix"
    arrayfile.write(path, "old", ARRAYS)
    before = arrayfile.read(path)
    arrayfile.write(path, "new", {"vectors": np.zeros((1, 1), dtype=np.float32)})
    assert before is not None
    assert before.arrays["vectors"].tolist() == ARRAYS["vectors"].tolist()


def test_objects_are_never_written(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        arrayfile.write(tmp_path / "a.kix", "x", {"a": np.array([{}])})
