"""`kankei pass-keys rotate`: a new key signs, and the old one's passes stay good, or not."""

import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bots.cli import command
from core.clock import system_clock
from core.perks import PASS_KEYS, PassKeys
from core.perks.keys import ANNOUNCED


def rotate(folder: Path, monkeypatch: pytest.MonkeyPatch, *more: str) -> tuple[int, str]:
    monkeypatch.chdir(folder)  # no settings but these
    monkeypatch.setenv("KANKEI_DATA_DIR", str(folder))
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    done = CliRunner().invoke(command, ["pass-keys", "rotate", *more])
    return done.exit_code, done.output


@pytest.mark.parametrize(
    ("more", "kept", "said"),
    [((), 2, "stays good for 7 days"), (("--forget",), 1, "the old ones are void")],
)
def test_a_new_key_signs_and_the_audit_log_says_so(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    more: tuple[str, ...],
    kept: int,
    said: str,
) -> None:
    running = PassKeys.open(tmp_path / PASS_KEYS, now=system_clock())
    old = running.id(system_clock())
    code, output = rotate(tmp_path, monkeypatch, *more)
    assert code == 0, output
    assert said in output
    now = system_clock()  # the running town has noticed
    assert (running.id(now) == old) is (not more), "a key that leaked signs nothing any more"
    assert running.id(now + ANNOUNCED) != old
    assert len(running.public()) == kept
    with sqlite3.connect(tmp_path / "kankei.sqlite3") as records:
        rows = records.execute("select actor, action from audit").fetchall()
    records.close()
    assert rows == [("staff:terminal", "pass-keys.rotated")]


def test_a_damaged_file_of_keys_is_named_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / PASS_KEYS).write_text("{}")
    code, output = rotate(tmp_path, monkeypatch)
    assert code == 1
    assert PASS_KEYS in output
    assert (tmp_path / PASS_KEYS).read_text() == "{}"
