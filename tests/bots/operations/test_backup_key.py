"""A backup holds the town's signing key, and is not where one is made."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bots.cli import command
from core import archive
from core.database import connect, migrate


@pytest.fixture
async def records(tmp_path: Path) -> str:
    url = f"sqlite+aiosqlite:///{tmp_path / 'town.sqlite3'}"
    engine = connect(url)
    await migrate(engine)
    await engine.dispose()
    return url


def back_up(tmp_path: Path, url: str, *more: str) -> Result:
    """With a data folder that is not the town's, as when started in another folder."""
    settings = {
        "KANKEI_DATABASE_URL": url,
        "KANKEI_DATA_DIR": str(tmp_path / "elsewhere"),
        "KANKEI_TOWN": "towns/mine",
        "KANKEI_SECRET_KEY": "",
        "LANG": "en_US.UTF-8",
    }
    return CliRunner().invoke(command, ["backup", str(tmp_path / "a.tar.gz"), *more], env=settings)


def test_without_the_key_no_backup_is_made_and_no_key_either(tmp_path: Path, records: str) -> None:
    done = back_up(tmp_path, records)
    assert done.exit_code == 1
    assert "--without-key" in done.output
    assert not (tmp_path / "a.tar.gz").exists()
    assert not (tmp_path / "elsewhere" / "secret_key").exists()


def test_a_backup_without_the_key_is_made_on_request_and_says_so(
    tmp_path: Path, records: str
) -> None:
    done = back_up(tmp_path, records, "--without-key")
    assert done.exit_code == 0, done.output
    assert "signing key is not in the backup" in done.output
    manifest = archive.check(tmp_path / "a.tar.gz")
    assert (manifest.key, manifest.files("files/")) == ("", ())
