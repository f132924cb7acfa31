"""A backup holds everything as of one moment, and a restore gives it back on either database."""

import asyncio
import gzip
import io
import json
import tarfile
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, text

from core import archive, audit, identity, schema
from core.archive import ArchiveRefused
from core.database import remaking, session_factory, transaction
from core.tables import AuditRow, MemberRow, WalletRow, WorkerRow
from core.testing import SetClock
from tests.core.archive.conftest import Place, Places
from tests.core.archive.world import NOW, ROWS, VOID_ELSEWHERE, contents, fill

DATABASES = ("sqlite", "postgresql")
WAYS = [(one, other) for one in DATABASES for other in DATABASES]


async def members(place: Place) -> int:
    async with place.engine.connect() as connection:
        return await connection.scalar(select(func.count()).select_from(MemberRow)) or 0


def left_over(folder: Path) -> list[Path]:
    return list(folder.glob(".*"))


async def join(place: Place, name: str) -> int:
    async with transaction(session_factory(place.engine)) as session:
        account = await identity.account(session, "web", name, locale="ja", now=NOW)
    return account.member_id


@pytest.mark.parametrize(("source", "target"), WAYS, ids=[f"{a} to {b}" for a, b in WAYS])
async def test_everything_comes_back_on_either_database(
    places: Places, tmp_path: Path, source: str, target: str
) -> None:
    town, other = await places(source), await places(target, tables=False)
    await fill(town.engine)
    manifest = await town.back_up(tmp_path / "a.tar.gz")
    assert manifest == archive.check(tmp_path / "a.tar.gz")
    await other.restore(tmp_path / "a.tar.gz")
    before, after = await contents(town.engine), await contents(other.engine)
    assert all(len(rows) >= ROWS for name, rows in before.items() if name != "counter")
    for name in set(before) - VOID_ELSEWHERE:
        assert after[name] == before[name], name
    assert set(before["audit"]) <= set(after["audit"])
    assert set(before["counter"]) <= set(after["counter"])
    assert len(after["announcement"]) == len(before["announcement"])


@pytest.mark.parametrize("database", DATABASES)
async def test_a_backup_of_a_town_at_work_is_one_moment_and_nobody_waits_for_it(
    places: Places, tmp_path: Path, database: str
) -> None:
    """Each step of the town writes three rows that belong together."""
    town, other = await places(database), await places(database, tables=False)
    sessions = session_factory(town.engine)
    done = asyncio.Event()
    written = 0

    async def work() -> None:
        nonlocal written
        while not done.is_set():
            async with asyncio.timeout(3), transaction(sessions) as session:
                account = await identity.account(
                    session, "web", f"b{written}", locale="ja", now=NOW
                )
                await audit.record_of_member(session, account.member_id, "test.joined", now=NOW)
            written += 1
            await asyncio.sleep(0)

    async with transaction(sessions) as session:
        rows = [{"id": 10_000 + n, "locale": "ja", "created_at": NOW} for n in range(20_000)]
        await session.execute(insert(MemberRow), rows)
    working = asyncio.create_task(work())
    while written < 5:  # noqa: ASYNC110 - it is at work
        await asyncio.sleep(0.01)
    begun = written
    manifest = await town.back_up(tmp_path / "a.tar.gz")
    meanwhile = written - begun
    done.set()
    await working
    assert meanwhile > 3, "the town went on"
    rows_in = {table.name: table.rows for table in manifest.tables}
    assert rows_in["member"] - 20_000 == rows_in["account"] == rows_in["audit"]
    assert rows_in["account"] < written

    await other.restore(tmp_path / "a.tar.gz")
    async with transaction(session_factory(other.engine)) as session:
        assert await audit.verify(session) is None
        last = (await audit.search(session, audit.Filter()))[0]
    assert last.action == "archive.restored"


@pytest.mark.parametrize(("source", "target"), WAYS, ids=[f"{a} to {b}" for a, b in WAYS])
async def test_no_number_is_given_away_a_second_time(
    places: Places, tmp_path: Path, source: str, target: str
) -> None:
    """The audit log names members by number, also those who left."""
    town, other = await places(source), await places(target, tables=False)
    for name in "abc":
        last = await join(town, name)
    async with transaction(session_factory(town.engine)) as session:
        await session.delete(await session.get_one(MemberRow, last))
    await town.back_up(tmp_path / "a.tar.gz")
    await other.restore(tmp_path / "a.tar.gz")
    assert await join(other, "d") == last + 1


@pytest.mark.parametrize("database", DATABASES)
async def test_rows_that_point_at_rows_of_their_own_table_come_back_in_any_order(
    places: Places, tmp_path: Path, database: str
) -> None:
    town, other = await places(database), await places(database, tables=False)
    member = await join(town, "a")
    later, earlier = "0x" + "f" * 40, "0x" + "1" * 40
    async with transaction(session_factory(town.engine)) as session:
        session.add(
            WalletRow(address=later, chain_id=0, member_id=member, proved_on=1, proved_at=NOW)
        )
        await session.flush()
        session.add(
            WalletRow(
                address=earlier,
                chain_id=1,
                member_id=member,
                proved_on=1,
                via=later,
                via_chain_id=0,
                proved_at=NOW,
            )
        )
    await town.back_up(tmp_path / "a.tar.gz")
    await other.restore(tmp_path / "a.tar.gz")
    async with transaction(session_factory(other.engine)) as session:
        assert (await session.get_one(WalletRow, (earlier, 1))).via == later
        await session.delete(await session.get_one(WalletRow, (later, 0)))
    async with transaction(session_factory(other.engine)) as session:
        assert await session.get(WalletRow, (earlier, 1)) is None, "the rule is in force again"


async def test_an_archive_of_an_older_schema_is_brought_up_to_date(
    places: Places, tmp_path: Path
) -> None:
    town, other = await places("sqlite", tables=False), await places("postgresql", tables=False)
    async with remaking(town.engine) as connection:
        await connection.run_sync(schema.upgrade, now=NOW, to="0006")
        await connection.execute(
            text("insert into member (locale, wants_messages, created_at) values ('ko', 1, :now)"),
            {"now": "2026-01-02 03:04:05.000006"},
        )
    manifest = await town.back_up(tmp_path / "a.tar.gz")
    assert manifest.schema_revision == "0006"
    await other.restore(tmp_path / "a.tar.gz")
    async with transaction(session_factory(other.engine)) as session:
        (member,) = await session.scalars(select(MemberRow))
        assert (member.locale, member.wants_messages) == ("ko", True)
        assert member.created_at.isoformat() == "2026-01-02T03:04:05.000006+00:00"


async def test_an_archive_of_newer_code_is_refused(places: Places, tmp_path: Path) -> None:
    town = await places("sqlite")
    async with town.engine.begin() as connection:
        await connection.execute(text("update alembic_version set version_num = '9999'"))
    await town.back_up(tmp_path / "a.tar.gz")
    assert await refused(await places("sqlite"), tmp_path / "a.tar.gz") == "newer-schema"


async def refused(place: Place, file: Path, **more: object) -> str:
    with pytest.raises(ArchiveRefused) as found:
        await place.restore(file, **more)
    return found.value.reason


async def test_a_town_that_is_not_empty_is_kept_unless_told(places: Places, tmp_path: Path) -> None:
    town, other = await places("sqlite"), await places("sqlite")
    await join(town, "a")
    await town.back_up(tmp_path / "a.tar.gz")
    for name in ("x", "y"):
        await join(other, name)
    (other.folder / "secret_key").write_text("k" * 40, encoding="ascii")
    assert await refused(other, tmp_path / "a.tar.gz") == "not-empty"
    assert await members(other) == 2
    await other.restore(tmp_path / "a.tar.gz", replace=True)
    assert await members(other) == 1


async def test_a_town_at_work_is_not_replaced_under_its_feet(
    places: Places, tmp_path: Path, clock: SetClock
) -> None:
    town, other = await places("sqlite"), await places("sqlite")
    await town.back_up(tmp_path / "a.tar.gz")
    async with transaction(session_factory(other.engine)) as session:
        session.add(
            WorkerRow(
                name="front",
                token="t",
                host="h",
                pid=1,
                version="0.1.0",
                clock="1",
                schema="1",
                started_at=clock(),
                seen_at=clock(),
            )
        )
    assert await refused(other, tmp_path / "a.tar.gz", replace=True) == "workers"
    clock.advance(timedelta(minutes=1))
    await other.restore(tmp_path / "a.tar.gz", replace=True)


async def test_keys_come_back_readable_to_their_owner_alone(places: Places, tmp_path: Path) -> None:
    town, other = await places("sqlite"), await places("sqlite")
    (town.folder / "secret_key").write_text("s" * 43, encoding="ascii")
    (town.folder / "pass_keys.json").write_text("{}", encoding="ascii")
    (town.folder / "kankei.log").write_text("what need not be kept", encoding="ascii")
    await town.back_up(tmp_path / "a.tar.gz")
    assert (tmp_path / "a.tar.gz").stat().st_mode & 0o777 == 0o600
    assert left_over(tmp_path) == [], "nothing is half written"
    restored = await other.restore(tmp_path / "a.tar.gz")
    assert sorted(restored.files) == ["pass_keys.json", "secret_key"]
    assert (other.folder / "secret_key").read_text(encoding="ascii") == "s" * 43
    for name in restored.files:
        assert (other.folder / name).stat().st_mode & 0o777 == 0o600
    assert not (other.folder / "kankei.log").exists()


async def test_another_signing_key_than_the_towns_is_refused(
    places: Places, tmp_path: Path
) -> None:
    town, other = await places("sqlite"), await places("sqlite")
    await town.back_up(tmp_path / "a.tar.gz")
    assert await refused(other, tmp_path / "a.tar.gz", key="f" * 16) == "other-key"


async def test_the_pack_goes_along_when_asked_for(places: Places, tmp_path: Path) -> None:
    town, other = await places("sqlite"), await places("sqlite")
    pack = tmp_path / "mine"
    (pack / "guides").mkdir(parents=True)
    (pack / "town.toml").write_text("[town]", encoding="utf-8")
    (pack / "guides" / "案内.md").write_text("# 案内", encoding="utf-8")
    (pack / "link").symlink_to("/etc/hostname")
    await town.back_up(tmp_path / "a.tar.gz", pack=pack)
    restored = await other.restore(tmp_path / "a.tar.gz", pack=tmp_path / "again")
    assert restored.pack == 2
    assert (tmp_path / "again" / "guides" / "案内.md").read_text(encoding="utf-8") == "# 案内"
    assert (
        await refused(await places("sqlite"), tmp_path / "a.tar.gz", pack=tmp_path / "again")
        == "not-empty"
    )


@pytest.mark.parametrize("database", DATABASES)
async def test_a_restore_that_fails_halfway_changes_nothing(
    places: Places, tmp_path: Path, database: str
) -> None:
    """Here the keys cannot be written: a folder stands where the file should be."""
    town, other = await places("sqlite"), await places(database)
    await join(town, "a")
    (town.folder / "secret_key").write_text("s" * 43, encoding="ascii")
    await town.back_up(tmp_path / "a.tar.gz")
    for name in ("x", "y", "z"):
        await join(other, name)
    (other.folder / "secret_key").mkdir()
    assert await refused(other, tmp_path / "a.tar.gz", replace=True) == "file"
    assert await members(other) == 3
    assert await join(other, "w") == 4


async def test_a_value_that_the_other_database_does_not_take_stops_the_restore(
    places: Places, tmp_path: Path
) -> None:
    town, other = await places("sqlite"), await places("postgresql")
    async with town.engine.begin() as connection:
        await connection.execute(insert(MemberRow), [{"locale": "x" * 99, "created_at": NOW}])
    await town.back_up(tmp_path / "a.tar.gz")
    assert await refused(other, tmp_path / "a.tar.gz") == "misfit"
    assert await members(other) == 0


async def test_an_empty_database_file_is_not_backed_up_as_a_town(
    places: Places, tmp_path: Path
) -> None:
    nothing = await places("sqlite", tables=False)
    with pytest.raises(ArchiveRefused) as found:
        await nothing.back_up(tmp_path / "a.tar.gz")
    assert found.value.reason == "no-records"
    assert left_over(tmp_path) == []
    assert not (tmp_path / "a.tar.gz").exists()


async def test_when_the_last_backup_was_made_can_be_told(places: Places, tmp_path: Path) -> None:
    town = await places("sqlite")
    manifest = await town.back_up(tmp_path / "a.tar.gz")
    async with transaction(session_factory(town.engine)) as session:
        assert await archive.last(session) is None
        await archive.note(session, manifest, by="staff:terminal")
        await archive.note(session, manifest, by="staff:terminal")
        found = await archive.last(session)
        assert found is not None
        assert manifest.made_at - found < timedelta(minutes=1)
        rows = list(await session.scalars(select(AuditRow.action)))
    assert rows == ["archive.written"] * 2


# What is not an archive of ours


def unpacked(file: Path) -> dict[str, bytes]:
    with tarfile.open(file) as tar:
        return {each.name: tar.extractfile(each).read() for each in tar}  # type: ignore[union-attr]


def packed(file: Path, content: dict[str, bytes]) -> Path:
    with tarfile.open(file, "w:gz") as tar:
        for name, some in content.items():
            member = tarfile.TarInfo(name)
            member.size = len(some)
            tar.addfile(member, io.BytesIO(some))
    return file


def reason(file: Path) -> str:
    with pytest.raises(ArchiveRefused) as found:
        archive.check(file)
    return found.value.reason


@pytest.fixture
async def sound(places: Places, tmp_path: Path) -> Path:
    town = await places("sqlite")
    for name in "abc":
        await join(town, name)
    await town.back_up(tmp_path / "sound.tar.gz")
    return tmp_path / "sound.tar.gz"


@pytest.mark.parametrize("kept", [0, 1, 50, 0.5, 0.9, -9, -1])
def test_a_file_that_was_cut_off_is_incomplete(sound: Path, tmp_path: Path, kept: float) -> None:
    content = sound.read_bytes()
    length = int(len(content) * kept) if isinstance(kept, float) else kept
    (tmp_path / "cut.tar.gz").write_bytes(content[:length])
    assert reason(tmp_path / "cut.tar.gz") in {"incomplete", "damaged"}


def test_every_changed_byte_is_noticed(sound: Path, tmp_path: Path) -> None:
    content = sound.read_bytes()
    for place in range(10, len(content) - 8, max(1, len(content) // 40)):
        changed = bytearray(content)
        changed[place] ^= 0x10
        (tmp_path / "changed.tar.gz").write_bytes(changed)
        assert reason(tmp_path / "changed.tar.gz") in {"incomplete", "damaged"}, place


def test_a_changed_row_in_a_well_made_file_is_noticed(sound: Path, tmp_path: Path) -> None:
    content = unpacked(sound)
    name = "records/member/00001.jsonl"
    content[name] = content[name].replace(b'"ja"', b'"en"')
    assert reason(packed(tmp_path / "x.tar.gz", content)) == "damaged"


def test_a_missing_part_an_added_part_and_a_missing_manifest_are_noticed(
    sound: Path, tmp_path: Path
) -> None:
    content = unpacked(sound)
    without = {name: some for name, some in content.items() if "account" not in name}
    assert reason(packed(tmp_path / "1.tar.gz", without)) == "incomplete"
    assert reason(packed(tmp_path / "2.tar.gz", {"records/x/00001.jsonl": b"", **content})) == (
        "damaged"
    )
    del content["manifest.json"]
    assert reason(packed(tmp_path / "3.tar.gz", content)) == "incomplete"


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "files/../../x"])
def test_a_name_that_leads_outside_is_refused(sound: Path, tmp_path: Path, name: str) -> None:
    assert reason(packed(tmp_path / "x.tar.gz", {name: b"x", **unpacked(sound)})) == "damaged"


def test_a_format_of_the_future_is_refused_as_such(sound: Path, tmp_path: Path) -> None:
    content = unpacked(sound)
    manifest = {**json.loads(content["manifest.json"]), "format": 2, "new": True}
    content["manifest.json"] = json.dumps(manifest).encode()
    assert reason(packed(tmp_path / "x.tar.gz", content)) == "newer-format"


def test_any_other_file_is_no_archive(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"PK\x03\x04 something else")
    assert reason(file) in {"incomplete", "damaged"}
    file.write_bytes(gzip.compress(b"not a tar file" * 100))
    assert reason(file) in {"incomplete", "damaged"}


async def test_a_manifest_that_names_another_table_is_refused_before_anything_is_read(
    sound: Path, places: Places, tmp_path: Path
) -> None:
    content = {
        name: some.replace(b"purchase", b"pg_class") for name, some in unpacked(sound).items()
    }
    file = packed(tmp_path / "x.tar.gz", content)
    other = await places("sqlite")
    assert await refused(other, file) == "damaged"
    assert await members(other) == 0
