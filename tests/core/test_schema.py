"""Migrations: one at a time, whole or not at all, and never under a worker they would break."""

import asyncio
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect, text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from core import database, processes, schema
from core.database import (
    Sessions,
    connect,
    migrate,
    remaking,
    schema_state,
    session_factory,
    transaction,
)
from core.errors import MigrationRefused
from core.tables import AccountRow, CounterRow, MemberRow, WorkerRow
from core.testing import SetClock
from core.workers import GONE_AFTER
from tests.conftest import ROOT
from tests.world.records import administer

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without a table."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'new.sqlite3'}"
        return
    url: str = request.getfixturevalue("postgres")
    name = f"schema{abs(hash(str(tmp_path))):x}"
    asyncio.run(administer(url, f"create database {name}"))
    try:
        yield url.rpartition("/")[0] + f"/{name}"
    finally:
        asyncio.run(administer(url, f"drop database {name} with (force)"))


def the_future(folder: Path, *, contract: bool) -> ScriptDirectory:
    """The migrations with one more, as the next release has them."""
    shutil.copytree(schema.MIGRATIONS, folder / "migrations")
    number = int(schema.newest()) + 1
    says = 'contract = "the next release writes it elsewhere"\n' if contract else ""
    (folder / "migrations" / "versions" / f"{number:04}_next.py").write_text(
        f'"""Next"""\n\nfrom alembic import op\nimport sqlalchemy as sa\n\n'
        f'revision = "{number:04}"\ndown_revision = "{schema.newest()}"\n{says}\n\n'
        "def upgrade() -> None:\n"
        '    op.add_column("member", sa.Column("next", sa.Integer(), nullable=True))\n',
        encoding="utf-8",
    )
    return ScriptDirectory(str(folder / "migrations"))


@pytest.fixture
def next_release(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """For `become_next_release`; afterwards the code is this release's again."""
    yield monkeypatch
    monkeypatch.undo()
    schema.revisions.cache_clear()


def become_next_release(folder: Path, patch: pytest.MonkeyPatch, *, contract: bool) -> None:
    the_future(folder, contract=contract)
    patch.setattr(schema, "MIGRATIONS", folder / "migrations")
    schema.revisions.cache_clear()


def become_this_release(patch: pytest.MonkeyPatch) -> None:
    patch.undo()
    schema.revisions.cache_clear()


async def test_a_migration_says_what_it_did_and_a_second_one_finds_nothing_to_do(
    empty: str,
) -> None:
    engine = connect(empty)
    try:
        assert (await schema_state(engine)).current is None
        assert await migrate(engine) == tuple(each.id for each in schema.revisions())
        assert await migrate(engine) == ()
        assert (await schema_state(engine)).pending == ()
    finally:
        await engine.dispose()


async def test_of_many_starts_at_once_one_migrates_and_the_others_wait(empty: str) -> None:
    engines = [connect(empty) for _ in range(5)]
    try:
        done = await asyncio.gather(*(migrate(engine) for engine in engines))
    finally:
        for engine in engines:
            await engine.dispose()
    assert sorted(map(len, done)) == [0, 0, 0, 0, len(schema.revisions())]


def test_processes_that_start_together_do_not_migrate_twice(empty: str) -> None:
    code = (
        "import asyncio, sys\n"
        "from core.database import connect, migrate\n"
        "async def main():\n"
        "    engine = connect(sys.argv[1])\n"
        "    print(len(await migrate(engine)))\n"
        "    await engine.dispose()\n"
        "asyncio.run(main())\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, empty], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    said = sorted(int(process.communicate(timeout=120)[0]) for process in processes)
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert said == [0, 0, len(schema.revisions())]


async def test_a_migration_that_fails_leaves_the_records_as_they_were(
    empty: str, tmp_path: Path, next_release: pytest.MonkeyPatch
) -> None:
    engine = connect(empty)
    await migrate(engine)
    become_next_release(tmp_path / "next", next_release, contract=False)
    (file,) = (schema.MIGRATIONS / "versions").glob("*_next.py")
    broken = file.read_text(encoding="utf-8") + '    op.execute("select nothing from nowhere")\n'
    file.write_text(broken, encoding="utf-8")
    with pytest.raises(Exception, match="nowhere"):
        await migrate(engine)
    become_this_release(next_release)
    assert (await schema_state(engine)).current == schema.newest()
    async with engine.connect() as connection:
        columns = await connection.run_sync(lambda plain: inspect(plain).get_columns("member"))
    assert "next" not in {each["name"] for each in columns}
    await engine.dispose()


async def test_a_table_that_is_made_anew_keeps_what_points_at_its_rows(sessions: Sessions) -> None:
    async with transaction(sessions) as session:
        member = MemberRow(locale="ja", created_at=NOW)
        session.add(member)
        await session.flush()
        session.add(
            AccountRow(member_id=member.id, platform="web", external_id="1", created_at=NOW)
        )
    engine = sessions.kw["bind"]

    def remake(connection: Connection) -> None:
        from alembic.migration import MigrationContext
        from alembic.operations import Operations

        context = MigrationContext.configure(connection, opts={"render_as_batch": True})
        recreate: Literal["always", "never"] = (
            "always" if connection.dialect.name == "sqlite" else "never"
        )
        with Operations(context).batch_alter_table("member", recreate=recreate) as member:
            member.alter_column("locale", nullable=False)

    async with remaking(engine) as connection:
        await connection.run_sync(remake)
    async with transaction(sessions) as session:
        assert (await session.execute(text("select count(*) from account"))).scalar_one() == 1
        if engine.dialect.name == "sqlite":
            assert (await session.execute(text("pragma foreign_keys"))).scalar_one() == 1


async def at_work(engine: AsyncEngine, name: str, revision: str, seen_at: datetime) -> None:
    async with transaction(session_factory(engine)) as session:
        session.add(
            WorkerRow(
                name=name,
                token=name,
                host="h",
                pid=1,
                version="0.1.0",
                clock="1",
                schema=revision,
                started_at=seen_at,
                seen_at=seen_at,
            )
        )


async def test_a_change_that_breaks_older_code_waits_until_its_workers_are_gone(
    empty: str, tmp_path: Path, next_release: pytest.MonkeyPatch, clock: SetClock
) -> None:
    engine = connect(empty)
    await migrate(engine)
    await at_work(engine, "front", schema.newest(), clock() - timedelta(seconds=5))
    await at_work(engine, "b", schema.newest(), clock() - timedelta(minutes=5))
    become_next_release(tmp_path / "next", next_release, contract=True)
    next_release.setattr(database, "LOOK_FOR", 0.0)
    with pytest.raises(MigrationRefused) as refused:
        await migrate(engine, clock=clock)
    assert (refused.value.reason, refused.value.detail) == ("older-workers", "front")
    assert (await schema_state(engine)).pending, "nothing was changed"
    clock.advance(GONE_AFTER)
    assert len(await migrate(engine, clock=clock)) == 1
    await engine.dispose()


async def test_what_only_adds_does_not_wait_for_older_workers(
    empty: str, tmp_path: Path, next_release: pytest.MonkeyPatch, clock: SetClock
) -> None:
    engine = connect(empty)
    await migrate(engine)
    await at_work(engine, "front", schema.newest(), clock())
    become_next_release(tmp_path / "next", next_release, contract=False)
    assert len(await migrate(engine, clock=clock)) == 1
    await engine.dispose()


async def test_what_only_adds_runs_under_workers_of_older_code_and_they_go_on(
    empty: str, tmp_path: Path, next_release: pytest.MonkeyPatch
) -> None:
    engine = connect(empty)
    await migrate(engine)
    become_next_release(tmp_path / "next", next_release, contract=False)
    assert len(await migrate(engine)) == 1
    become_this_release(next_release)
    state = await schema_state(engine)
    assert state.unknown
    assert not state.too_new
    assert await migrate(engine) == (), "an older start leaves it as it is"
    async with transaction(session_factory(engine)) as session:
        session.add(MemberRow(locale="ja", created_at=NOW))
    await engine.dispose()


async def test_code_that_cannot_read_the_records_any_more_does_not_start(
    empty: str, tmp_path: Path, next_release: pytest.MonkeyPatch
) -> None:
    engine = connect(empty)
    await migrate(engine)
    become_next_release(tmp_path / "next", next_release, contract=True)
    await migrate(engine)
    become_this_release(next_release)
    assert (await schema_state(engine)).too_new
    with pytest.raises(MigrationRefused) as refused:
        await migrate(engine)
    assert refused.value.reason == "too-new"
    async with transaction(session_factory(engine)) as session:
        row = await session.get_one(CounterRow, schema.OLDEST_CODE)
    assert row.value == int(schema.newest()) + 1
    await engine.dispose()


def dropped(before: Connection, after: Connection) -> list[str]:
    """What code that was written for `before` misses in `after`."""
    old, new = inspect(before), inspect(after)
    missing = []
    for name in old.get_table_names():
        if not new.has_table(name):
            missing.append(name)
            continue
        columns = {each["name"]: each for each in new.get_columns(name)}
        known = {each["name"]: each for each in old.get_columns(name)}
        missing += [f"{name}.{each}" for each in known if each not in columns]
        missing += [
            f"{name}.{each} without a default"
            for each, what in columns.items()
            if not what["nullable"]
            and what["default"] is None
            and (each not in known or known[each]["nullable"])
        ]
        if (
            old.get_pk_constraint(name)["constrained_columns"]
            != (new.get_pk_constraint(name)["constrained_columns"])
        ):
            missing.append(f"{name}: its key")
    return missing


def test_every_migration_keeps_what_the_code_before_it_reads_or_says_why_not(
    tmp_path: Path,
) -> None:
    """The rule of expanding first: see `core.schema`."""
    silent = {}
    engines = []
    for each in (None, *schema.revisions()):
        engine = create_engine(f"sqlite:///{tmp_path / (each.id if each else 'empty')}")
        engines.append(engine)
        if each is None:
            continue
        with engine.begin() as connection:
            schema.upgrade(connection, now=NOW, to=each.id)
        with engines[-2].connect() as before, engine.connect() as after:
            lost = dropped(before, after)
        if lost and not each.contract:
            silent[each.id] = lost
    for engine in engines:
        engine.dispose()
    assert silent == {}


def test_a_reason_of_a_contract_is_a_sentence() -> None:
    for each in schema.revisions():
        assert each.contract is None or len(each.contract.split()) > 3, each.id


def test_the_migrations_are_numbered_without_a_gap() -> None:
    numbers = [int(each.id) for each in schema.revisions()]
    assert numbers == list(range(1, len(numbers) + 1))


def test_no_migration_reads_the_rows_of_the_code() -> None:
    """What the code knows changes; what a migration meets is what its predecessor left."""
    for file in sorted((schema.MIGRATIONS / "versions").glob("*.py")):
        assert not re.search(r"\b[A-Z]\w+Row\b", file.read_text(encoding="utf-8")), file.name


async def test_an_upgrade_after_a_crash_waits_for_no_process_that_is_no_more(
    empty: str, tmp_path: Path, next_release: pytest.MonkeyPatch, clock: SetClock
) -> None:
    sleeper = await asyncio.create_subprocess_exec("sleep", "60")
    me = (processes.host(), sleeper.pid, processes.born(sleeper.pid))
    engine = connect(empty)
    await migrate(engine)
    await at_work(engine, "front", schema.newest(), clock())
    async with transaction(session_factory(engine)) as session:
        await session.execute(
            update(WorkerRow).values(dict(zip(("host", "pid", "born"), me, strict=True)))
        )
    become_next_release(tmp_path / "next", next_release, contract=True)
    next_release.setattr(database, "LOOK_FOR", 0.0)
    with pytest.raises(MigrationRefused):
        await migrate(engine, clock=clock)
    sleeper.kill()
    await sleeper.wait()
    assert len(await migrate(engine, clock=clock)) == 1
    await engine.dispose()
