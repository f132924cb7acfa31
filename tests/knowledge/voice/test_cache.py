"""Answers said often, on a real disk."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from knowledge.voice.speaking.cache import Cache, Kept, key
from tests.conftest import ROOT

SAID = Kept(b"OggS" + bytes(96), 2.5)


def test_what_is_said_twice_is_kept_and_outlives_the_process(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put("a" * 64, SAID)
    assert cache.get("a" * 64) is None
    assert not list(tmp_path.iterdir())
    cache.put("a" * 64, SAID)
    assert cache.get("a" * 64) == SAID
    assert Cache(tmp_path).get("a" * 64) == SAID


def test_every_part_of_a_key_matters_and_so_do_their_borders() -> None:
    assert key("ab", "c") != key("a", "bc")
    assert key("mei", 1.0, "はい") != key("mei", 1.1, "はい")
    assert key("mei", 1.0, "はい") == key("mei", 1.0, "はい")


def test_a_damaged_file_is_forgotten(tmp_path: Path) -> None:
    cache = Cache(tmp_path, from_time=1)
    cache.put("b", SAID)
    file = tmp_path / "b.voice"
    file.write_bytes(file.read_bytes()[:-10])
    assert cache.get("b") is None
    assert not file.exists()
    file.write_bytes(b"")
    assert cache.get("b") is None


def test_the_least_recently_used_make_room(tmp_path: Path) -> None:
    cache = Cache(tmp_path, most_bytes=600, from_time=1)
    for at, each in enumerate("cdefg"):
        cache.put(each, SAID)
        os.utime(tmp_path / f"{each}.voice", ns=(at * 10**9, at * 10**9))
    assert cache.get("c") == SAID  # used just now
    cache.put("h", SAID)
    kept = {file.stem for file in tmp_path.iterdir()}
    assert "c" in kept
    assert "h" in kept
    assert "d" not in kept
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 600


def test_a_disk_that_takes_nothing_costs_nothing_but_time(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"no folder")
    cache = Cache(blocked, from_time=1)
    cache.put("i", SAID)
    assert cache.get("i") is None
    nowhere = Cache(None, from_time=1)
    nowhere.put("i", SAID)
    assert nowhere.get("i") is None


def test_a_damaged_file_that_cannot_be_deleted_is_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "j.voice").write_bytes(b"damaged" * 9)

    def refuse(*_: object, **__: object) -> None:  # a folder that may only be read
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refuse)
    assert Cache(tmp_path).get("j") is None


def test_what_may_only_be_read_is_still_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Cache(tmp_path, from_time=1).put("k", SAID)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "utime", refuse)
    assert Cache(tmp_path).get("k") == SAID


def test_halves_that_a_killed_process_left_are_swept_but_not_those_being_written(
    tmp_path: Path,
) -> None:
    old, new = tmp_path / ".old.part", tmp_path / ".new.part"
    for each in (old, new):
        each.write_bytes(b"half")
    yesterday = time.time() - 86_400
    os.utime(old, (yesterday, yesterday))
    Cache(tmp_path, from_time=1).put("l", SAID)
    assert not old.exists()
    assert new.exists()


_WRITER = """
import sys
from pathlib import Path
from knowledge.voice.speaking.cache import Cache, Kept
cache = Cache(Path(sys.argv[1]), most_bytes=5_000, from_time=1)
for turn in range(200):
    name = f"m{turn % 40}"
    audio = b"OggS" + name.encode() * 40
    cache.put(name, Kept(audio, 1.0))
    kept = cache.get(name)
    assert kept is None or kept.audio == audio, name
"""


def test_two_processes_share_a_folder(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITER, str(tmp_path)], cwd=ROOT) for _ in range(2)
    ]
    assert [each.wait(60) for each in writers] == [0, 0]
    files = list(tmp_path.iterdir())
    assert files
    assert {each.suffix for each in files} == {".voice"}
    cache = Cache(tmp_path)
    assert all(cache.get(each.stem) for each in files)
