"""A restore takes nothing that is not the town's, and either all of it is done or nothing."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, event, text

from core import schema
from core.archive import ArchiveRefused
from core.database import connect, remaking
from core.errors import RecordsUnavailable
from core.tables import Base
from tests.core.archive.conftest import Place, Places
from tests.core.archive.test_archive import DATABASES, WAYS, join, members
from tests.core.archive.world import NOW

OLD_KEY, NEW_KEY = "o" * 43, "n" * 43


async def run(place: Place, *statements: str) -> None:
    async with place.engine.begin() as connection:
        for each in statements:
            await connection.execute(text(each))


async def ask(place: Place, query: str) -> list[object]:
    async with place.engine.connect() as connection:
        return list(await connection.scalars(text(query)))


async def refused(place: Place, file: Path, **more: object) -> ArchiveRefused:
    with pytest.raises(ArchiveRefused) as found:
        await place.restore(file, **more)
    return found.value


# What belongs to others


@pytest.mark.parametrize("database", DATABASES)
async def test_another_programs_table_stops_a_restore_and_survives_one_that_replaces(
    places: Places, tmp_path: Path, database: str
) -> None:
    town, other = await places("sqlite"), await places(database)
    await join(town, "a")
    await town.back_up(tmp_path / "a.tar.gz")
    await run(other, "create table precious (x integer)", "insert into precious values (7)")
    error = await refused(other, tmp_path / "a.tar.gz")
    assert (error.reason, error.detail) == ("shared", "precious")
    assert await members(other) == 0
    await other.restore(tmp_path / "a.tar.gz", replace=True)
    assert await ask(other, "select x from precious") == [7]
    assert await members(other) == 1


@pytest.mark.parametrize("database", DATABASES)
async def test_a_backup_of_a_database_that_is_shared_holds_the_town_alone(
    places: Places, tmp_path: Path, database: str
) -> None:
    town, other = await places(database), await places(database, tables=False)
    await run(town, "create table precious (x integer)")
    manifest = await town.back_up(tmp_path / "a.tar.gz")
    assert "precious" not in {each.name for each in manifest.tables}
    await other.restore(tmp_path / "a.tar.gz")


async def test_another_programs_rows_that_point_at_ours_stop_the_restore(
    places: Places, tmp_path: Path
) -> None:
    town, other = await places("sqlite"), await places("postgresql")
    await join(other, "x")
    await town.back_up(tmp_path / "a.tar.gz")
    await run(other, "create table theirs (member integer references member (id))")
    assert (await refused(other, tmp_path / "a.tar.gz", replace=True)).reason == "shared"
    assert await members(other) == 1


async def test_records_of_newer_code_are_not_replaced_by_older(
    places: Places, tmp_path: Path
) -> None:
    """Which tables it has added, only the newer code knows."""
    town, other = await places("sqlite"), await places("sqlite")
    await town.back_up(tmp_path / "a.tar.gz")
    await run(other, "update alembic_version set version_num = '9999'", "create table later (x)")
    assert (await refused(other, tmp_path / "a.tar.gz", replace=True)).reason == "newer-there"
    assert await ask(other, "select version_num from alembic_version") == ["9999"]


async def test_every_table_that_a_revision_ever_made_is_known(places: Places) -> None:
    place = await places("sqlite", tables=False)
    seen: set[str] = set()
    for each in schema.revisions():
        async with remaking(place.engine) as connection:
            await connection.run_sync(schema.upgrade, now=NOW, to=each.id)
        seen |= {
            str(name)
            for name in await ask(place, "select name from sqlite_master where type = 'table'")
        }
    ours = {name for name in seen if not name.startswith("sqlite_")}
    assert ours <= schema.tables()
    assert set(Base.metadata.tables) <= schema.tables()


# All or nothing


async def two_keys(places: Places, file: Path, database: str) -> Place:
    town, other = await places("sqlite"), await places(database)
    (town.folder / "secret_key").write_text(NEW_KEY, encoding="ascii")
    await town.back_up(file)
    await join(other, "x")
    (other.folder / "secret_key").write_text(OLD_KEY, encoding="ascii")
    return other


def files(place: Place) -> dict[str, str]:
    return {
        each.name: each.read_text(encoding="ascii")
        for each in place.folder.iterdir()
        if "sqlite3" not in each.name
    }


@pytest.mark.parametrize("database", DATABASES)
async def test_a_commit_that_fails_leaves_the_old_records_with_their_old_key(
    places: Places, tmp_path: Path, database: str
) -> None:
    other = await two_keys(places, tmp_path / "a.tar.gz", database)

    def full(_: Connection) -> None:
        raise OSError(28, "No space left on device")

    event.listen(Engine, "commit", full)  # a restore has an engine of its own
    with pytest.raises(RecordsUnavailable):
        await other.restore(tmp_path / "a.tar.gz", replace=True)
    event.remove(Engine, "commit", full)
    assert files(other) == {"secret_key": OLD_KEY}
    assert await members(other) == 1


async def test_the_key_that_was_there_is_kept_beside_the_new_one(
    places: Places, tmp_path: Path
) -> None:
    other = await two_keys(places, tmp_path / "a.tar.gz", "sqlite")
    for _ in range(2):  # a second time changes nothing
        await other.restore(tmp_path / "a.tar.gz", replace=True)
        assert files(other) == {"secret_key": NEW_KEY, "secret_key.before-restore": OLD_KEY}
    assert (other.folder / "secret_key.before-restore").stat().st_mode & 0o777 == 0o600


async def test_the_same_key_is_no_reason_to_refuse(places: Places, tmp_path: Path) -> None:
    """So it is when a town moves to another database and keeps its data folder."""
    town, other = await places("sqlite"), await places("postgresql", tables=False)
    for place in (town, other):
        (place.folder / "secret_key").write_text(NEW_KEY, encoding="ascii")
    await town.back_up(tmp_path / "a.tar.gz")
    await other.restore(tmp_path / "a.tar.gz")
    assert files(other) == {"secret_key": NEW_KEY}


async def test_a_name_that_cannot_be_changed_after_the_commit_is_told(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = await two_keys(places, tmp_path / "a.tar.gz", "sqlite")
    with monkeypatch.context() as patch:

        def forbidden(*_: object) -> None:
            raise OSError(1, "Operation not permitted")

        patch.setattr(Path, "replace", forbidden)
        error = await refused(other, tmp_path / "a.tar.gz", replace=True)
    assert error.reason == "rename"
    assert "secret_key.restored" in error.detail
    assert await members(other) == 0, "the records are those of the archive"
    assert files(other)["secret_key.restored"] == NEW_KEY
    assert files(other)["secret_key"] == OLD_KEY


@pytest.mark.parametrize("database", DATABASES)
async def test_rows_that_point_nowhere_are_refused_in_words(
    places: Places, tmp_path: Path, database: str
) -> None:
    town, other = await places("sqlite"), await places(database)
    await join(town, "a")
    file = tmp_path / "town.sqlite3"
    for part in town.folder.glob("kankei.sqlite3*"):
        (tmp_path / part.name.replace("kankei", "town")).write_bytes(part.read_bytes())
    plain = sqlite3.connect(file)
    plain.execute("delete from member")
    plain.commit()
    plain.close()
    torn = Place(town.folder, connect(f"sqlite+aiosqlite:///{file}"), town.clock)
    await torn.back_up(tmp_path / "a.tar.gz")
    await torn.engine.dispose()
    error = await refused(other, tmp_path / "a.tar.gz")
    assert error.reason == "torn"
    assert "account" in error.detail
    assert await ask(other, "select count(*) from account") == [0]


# As good as before


@pytest.mark.parametrize(("source", "target"), WAYS, ids=[f"{a} to {b}" for a, b in WAYS])
async def test_a_number_of_a_table_that_is_empty_now_is_not_given_away_again(
    places: Places, tmp_path: Path, source: str, target: str
) -> None:
    town, other = await places(source), await places(target, tables=False)
    last = [await join(town, name) for name in "abc"][-1]
    await run(town, "delete from member")
    await town.back_up(tmp_path / "a.tar.gz")
    await other.restore(tmp_path / "a.tar.gz")
    assert await join(other, "d") == last + 1


@pytest.mark.parametrize("database", DATABASES)
async def test_the_planner_knows_the_restored_rows(
    places: Places, tmp_path: Path, database: str
) -> None:
    town, other = await places("sqlite"), await places(database, tables=False)
    for name in "abc":
        await join(town, name)
    await town.back_up(tmp_path / "a.tar.gz")
    await other.restore(tmp_path / "a.tar.gz")
    query = "select stat from sqlite_stat1 where tbl = 'account'"
    if database == "postgresql":
        query = "select reltuples from pg_class where relname = 'account'"
    assert str((await ask(other, query))[0]).startswith("3")


async def test_a_restore_that_somebody_keeps_waiting_says_who(
    places: Places, tmp_path: Path
) -> None:
    town, other = await places("sqlite"), await places("postgresql")
    await town.back_up(tmp_path / "a.tar.gz")
    async with other.engine.connect() as reader:
        await reader.execute(text("select count(*) from member"))
        async with asyncio.timeout(20):
            error = await refused(other, tmp_path / "a.tar.gz", replace=True)
    assert error.reason == "locked"
