"""Answers said often, on a real disk."""

import os
from pathlib import Path

from knowledge.voice.cache import Cache, Kept, key

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
