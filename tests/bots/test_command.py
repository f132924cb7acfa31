"""The `kankei` command as an administrator types it: real processes, real exit codes."""

import re
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy import make_url

from tests.conftest import ROOT, free_port
from tests.world.demo import PLAIN, Demo

MINE = str(ROOT / "towns" / "mine")


def kankei(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bots", *words],
        cwd=ROOT,
        env={**PLAIN, "PYTHONPATH": str(ROOT), "LANG": "ja_JP.UTF-8", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("slug", ["mine", "nishikawa", "kaga", "kashima", "masuda"])
def test_every_sample_town_passes_kankei_check(slug: str) -> None:
    done = kankei("check", f"towns/{slug}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "直すところ 0" in done.stdout


def test_a_broken_pack_is_named_by_file_line_and_remedy(tmp_path: Path) -> None:
    assert kankei("new", "nagi", "--towns", str(tmp_path)).returncode == 0
    path = tmp_path / "nagi" / "town.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r'"\d{6}"', '"123456"', text), encoding="utf-8")
    done = kankei("check", str(path.parent))
    assert done.returncode == 1
    assert re.search(r"town\.toml:\d+: town\.code is not right → .*check digit", done.stderr)


def test_a_new_town_passes_the_check_and_is_never_overwritten(tmp_path: Path) -> None:
    assert kankei("new", "nagi", "--towns", str(tmp_path)).returncode == 0
    checked = kankei("check", str(tmp_path / "nagi"))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    again = kankei("new", "nagi", "--towns", str(tmp_path))
    assert again.returncode == 1
    assert "上書きはしません" in again.stderr


@pytest.mark.parametrize("slug", ["Nagi", "../evil", "", "奈義", "a" * 60])
def test_a_name_that_makes_no_folder_is_refused(tmp_path: Path, slug: str) -> None:
    done = kankei("new", slug, "--towns", str(tmp_path))
    assert done.returncode == 1
    assert list(tmp_path.iterdir()) == []


def test_a_misspelt_setting_stops_the_start_with_its_name() -> None:
    done = kankei("run", KANKEI_TELEGRAM_TOKN="secret-value")
    assert done.returncode == 1
    assert "KANKEI_TELEGRAM_TOKN" in done.stderr
    assert "secret-value" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_setting_is_named_without_its_value() -> None:
    done = kankei("run", KANKEI_STAFF="telegram:secret-name")
    assert done.returncode == 1
    assert "KANKEI_STAFF：telegram:123=hana,discord:456 のように" in done.stderr
    assert "secret-name" not in done.stderr


def test_a_taken_port_is_a_clear_sentence_with_the_remedy(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        done = kankei("demo", "--port", str(port), "--data", str(tmp_path / "d"))
    assert done.returncode == 1
    assert f"{port}番のポートは、ほかのプログラムが使っています" in done.stderr
    assert "make demo PORT=" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        pytest.param("nonsense", "の形で書いてください", id="no URL"),
        pytest.param("mysql+nothing://x", "の形で書いてください", id="unknown database"),
        pytest.param("postgresql://x@127.0.0.1:9/x", "動いていません", id="no server there"),
        pytest.param("postgresql+asyncpg://x@a.invalid/x", "ホストが見つかりません", id="no host"),
        pytest.param("postgresql+asyncpg://x@a:b/x", "の形で書いてください", id="no port"),
        pytest.param("sqlite+aiosqlite:////proc/nothing/x.sqlite3", "", id="no folder"),
    ],
)
def test_records_that_cannot_be_opened_are_named_with_what_to_mend(
    url: str, hint: str, tmp_path: Path
) -> None:
    done = kankei("audit", "verify", KANKEI_DATABASE_URL=url, KANKEI_DATA_DIR=str(tmp_path))
    assert done.returncode == 1
    assert "記録（データベース）を開けません" in done.stderr
    assert hint in done.stderr
    assert "Traceback" not in done.stderr


def test_a_damaged_sample_ledger_says_how_to_begin_again(tmp_path: Path) -> None:
    (tmp_path / "chain.txt").write_text("not a transaction\n", encoding="ascii")
    done = kankei("demo", "--port", str(free_port()), "--data", str(tmp_path))
    assert done.returncode == 1
    assert "RESET=1" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_the_town_writes_is_for_its_own_account_alone(tmp_path: Path) -> None:
    kankei("audit", "verify", KANKEI_DATA_DIR=str(tmp_path))
    assert (tmp_path / "kankei.sqlite3").stat().st_mode & 0o077 == 0


def test_the_audit_log_is_checked_and_a_forged_row_is_named(tmp_path: Path) -> None:
    environment = {"KANKEI_DATA_DIR": str(tmp_path)}
    assert "すべてつながっています" in kankei("audit", "verify", **environment).stdout
    with sqlite3.connect(tmp_path / "kankei.sqlite3") as records:
        records.execute(
            "insert into audit (at, actor, action, subject, detail, previous, digest)"
            " values ('2026-11-21 00:00:00', 'x', 'y', 'z', '{}', ?, ?)",
            ("0" * 64, "f" * 64),
        )
    records.close()
    done = kankei("audit", "verify", **environment)
    assert done.returncode == 1
    assert "1 行目" in done.stderr


def test_a_staff_link_leads_to_the_console_and_its_key_is_kept_to_us_alone(tmp_path: Path) -> None:
    done = kankei("staff-link", "山田", KANKEI_DATA_DIR=str(tmp_path))
    assert re.search(r"http://127\.0\.0\.1:8080/console/enter\?key=\S+", done.stdout)
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0


def test_the_terminal_speaks_english_where_the_locale_does(tmp_path: Path) -> None:
    done = kankei("new", "nagi", "--towns", str(tmp_path), LANG="en_GB.UTF-8")
    assert "Made " in done.stdout


async def test_the_demo_starts_answers_ends_cleanly_and_keeps_its_state(tmp_path: Path) -> None:
    data = tmp_path / "demo"
    async with Demo(data, "nishikawa") as demo, aiohttp.ClientSession() as client:
        async with client.get(f"http://127.0.0.1:{demo.port}/") as page:
            assert page.status == 200
            text = await page.text()
        assert "西川町" in text
        assert "見本" in text
    assert demo.process.returncode == 0
    assert "終わりました。記録は残してあります。" in "".join(demo.lines)
    assert any("[4/4]" in line for line in demo.lines)

    key = (data / "secret_key").read_text(encoding="ascii")
    journal = (data / "chain.txt").read_text(encoding="ascii")
    async with Demo(data, "nishikawa") as again:
        pass
    assert again.process.returncode == 0
    assert (data / "secret_key").read_text(encoding="ascii") == key
    assert (data / "chain.txt").read_text(encoding="ascii") == journal


@pytest.mark.parametrize(
    "words",
    [
        *(["jobs"], ["audit", "verify"], ["plan", MINE], ["index", "--town", MINE]),
        *(["codes", "list"], ["pass-keys", "rotate"]),
    ],
    ids=lambda words: words[0],
)
def test_a_command_that_only_looks_leaves_older_records_as_they_are_and_says_what_to_do(
    tmp_path: Path, words: list[str]
) -> None:
    kankei("migrate", KANKEI_DATA_DIR=str(tmp_path))
    with sqlite3.connect(tmp_path / "kankei.sqlite3") as file:
        file.execute("UPDATE alembic_version SET version_num = '0009'")
    file.close()
    done = kankei(*words, KANKEI_DATA_DIR=str(tmp_path))
    assert done.returncode == 1
    assert "kankei migrate" in done.stderr
    assert "Traceback" not in done.stderr
    with sqlite3.connect(tmp_path / "kankei.sqlite3") as file:
        assert file.execute("SELECT version_num FROM alembic_version").fetchone() == ("0009",)
    file.close()


@pytest.mark.parametrize("words", [["jobs"], ["plan", MINE], ["codes", "list"]], ids=" ".join)
def test_where_there_is_no_town_that_is_said_and_none_is_made(
    tmp_path: Path, words: list[str]
) -> None:
    done = kankei(*words, KANKEI_DATA_DIR=str(tmp_path))
    assert done.returncode == 1
    assert "まだ町の記録がありません" in done.stderr
    assert "Traceback" not in done.stderr
    with sqlite3.connect(tmp_path / "kankei.sqlite3") as file:
        assert file.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    file.close()


@pytest.mark.parametrize(
    ("changed", "hint"),
    [({"username": "nobody"}, "利用者と合言葉"), ({"database": "nowhere"}, "createdb")],
)
def test_a_postgresql_that_lets_nobody_in_says_what_to_mend(
    postgres: str, changed: dict[str, str], hint: str
) -> None:
    url = make_url(postgres).set(**changed)  # type: ignore[arg-type]
    done = kankei("jobs", KANKEI_DATABASE_URL=url.render_as_string(hide_password=False))
    assert done.returncode == 1
    assert hint in done.stderr
    assert "Traceback" not in done.stderr
