"""A decoder with the words of East Asia alone."""

import json
import struct
from pathlib import Path

import pytest

from knowledge.errors import RecogniserFailed
from knowledge.voice.hearing.trimmed import Pieces, east_asian, spelled, trimmed
from knowledge.voice.hearing.weights import whisper_base

TOKENS = 51_865


@pytest.mark.parametrize(
    ("token", "kept"),
    [
        pytest.param("か".encode(), True, id="kana"),
        pytest.param("年前".encode(), True, id="kanji"),
        pytest.param("입니다".encode(), True, id="hangul"),
        pytest.param("。".encode(), True, id="punctuation"),
        pytest.param("ー".encode(), True, id="a long vowel"),
        pytest.param(b"\xe6\xb4", True, id="a part of a character"),
        pytest.param(b"Fi", True, id="a piece of Wi-Fi"),
        pytest.param(b"30", True, id="a figure"),
        pytest.param(b" the", False, id="a word of English"),
        pytest.param(b"performance", False, id="a long word"),
        pytest.param("сотруд".encode(), False, id="Russian"),
        pytest.param("école".encode(), False, id="French"),
    ],
)
def test_what_japanese_chinese_and_korean_are_written_with_is_kept(
    token: bytes, *, kept: bool
) -> None:
    assert east_asian(token) is kept


def test_a_token_is_the_bytes_that_it_stands_for() -> None:
    assert spelled("Ġthat") == b" that"
    assert spelled("çļĦ") == "的".encode()


def test_what_is_left_out_is_spelled_with_what_is_kept() -> None:
    tokens = [b"a", b"b", b"c", b"ab", b"abc", "洞".encode()]
    pieces = Pieces([0, 1, 2, 3, 5], tokens)
    assert pieces.trim([5, 4]) == [4, 3, 2]
    assert pieces.whole(pieces.trim([5, 4])) == [5, 3, 2]
    assert pieces.places([0, 4, 5]) == [0, 4]


def test_a_sixth_of_the_tokens_stays_with_every_mark(weights: Path) -> None:
    with whisper_base(weights) as folder:
        made = trimmed(folder, east_asian)
        whole = (folder / "vocabulary.txt").read_text("utf-8").split("\n")
    told = json.loads(made.files["config.json"])
    kept = made.files["vocabulary.txt"].decode().split("\n")[:-1]
    assert len(kept) == len(made.kept) < TOKENS / 6
    assert [whole[each] for each in made.kept] == kept
    assert len(told["lang_ids"]) == 99
    assert kept[told["lang_ids"][0]] == "<|en|>"
    assert {"<|startofprev|>", "<|nocaptions|>", "<|notimestamps|>", "<|ja|>"} <= set(kept)
    assert len(made.files["model.bin"]) < 90_000_000


def test_every_prompt_can_still_be_told(weights: Path) -> None:
    with whisper_base(weights) as folder:
        made = trimmed(folder, east_asian)
        whole = (folder / "vocabulary.txt").read_text("utf-8").split("\n")
    tokens = [spelled(each) for each in whole[:50_257]]
    pieces = Pieces(made.kept, tokens)
    everything = range(50_257)
    again = pieces.whole(pieces.trim(everything))
    assert b"".join(tokens[each] for each in again) == b"".join(tokens)


def test_a_file_of_another_format_is_not_loaded(tmp_path: Path) -> None:
    (tmp_path / "vocabulary.txt").write_text("a\nb\n", "utf-8")
    (tmp_path / "config.json").write_text("{}", "utf-8")
    (tmp_path / "model.bin").write_bytes(struct.pack("<I", 7) + bytes(100))
    with pytest.raises(RecogniserFailed, match="format"):
        trimmed(tmp_path, east_asian)
