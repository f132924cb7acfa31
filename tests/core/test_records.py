"""The records: schema, members, links, merging, the audit log. On SQLite and PostgreSQL alike."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select, text, update

from core import audit, browsers, identity
from core.database import Sessions, connect, migrate, session_factory, transaction
from core.errors import LinkExpired, NotAllowed, RecordsUnavailable, WalletTaken
from core.identity import Aloud
from core.tables import AuditRow, Base, MemberRow
from core.testing import SetClock

ALICE = "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"
NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


async def join(
    sessions: Sessions, external_id: str, platform: str = "telegram"
) -> identity.Account:
    async with transaction(sessions) as session:
        return await identity.account(session, platform, external_id, locale="ja", now=NOW)


async def test_the_migrations_make_the_tables_that_the_code_knows(sessions: Sessions) -> None:
    async with sessions() as session:
        connection = await session.connection()
        differences = await connection.run_sync(
            lambda plain: compare_metadata(MigrationContext.configure(plain), Base.metadata)
        )
    assert differences == []


async def test_migrating_twice_changes_nothing(tmp_path: Path) -> None:
    engine = connect(f"sqlite+aiosqlite:///{tmp_path / 'x.sqlite3'}")
    await migrate(engine)
    await migrate(engine)
    async with engine.connect() as connection:
        assert (await connection.execute(text("select * from alembic_version"))).all() == [
            ("0014",)
        ]
    await engine.dispose()


async def test_sqlite_keeps_foreign_keys_and_writes_ahead(lite: Sessions) -> None:
    async with lite() as session:
        values = [
            (await session.execute(text(f"pragma {name}"))).scalar_one()
            for name in ("journal_mode", "foreign_keys", "busy_timeout", "synchronous")
        ]
    assert values == ["wal", 1, 5000, 2]


async def test_the_same_account_is_the_same_member(sessions: Sessions) -> None:
    assert (await join(sessions, "1")).member_id == (await join(sessions, "1")).member_id
    assert (await join(sessions, "1")).member_id != (await join(sessions, "2")).member_id


async def test_an_account_that_writes_twice_at_once_is_one_member(sessions: Sessions) -> None:
    accounts = await asyncio.gather(*(join(sessions, "1") for _ in range(8)))
    assert len({account.member_id for account in accounts}) == 1


async def test_an_update_delivered_twice_is_new_once(sessions: Sessions) -> None:
    async def take() -> bool:
        async with transaction(sessions) as session:
            return await identity.first_time(session, "telegram", "77", now=NOW)

    assert [await take(), await take()] == [True, False]


async def test_a_link_leads_to_its_account_until_it_expires(sessions: Sessions) -> None:
    account = await join(sessions, "1")
    async with transaction(sessions) as session:
        token = await identity.make_link(session, account.id, now=NOW)
    async with transaction(sessions) as session:
        assert (await identity.follow_link(session, token, now=NOW)).id == account.id
    with pytest.raises(LinkExpired):
        async with transaction(sessions) as session:
            await identity.follow_link(session, token, now=NOW + identity.LINK_LIFETIME)
    with pytest.raises(LinkExpired):
        async with transaction(sessions) as session:
            await identity.follow_link(session, "guessed", now=NOW)


async def test_the_secret_of_a_link_is_not_kept(sessions: Sessions) -> None:
    account = await join(sessions, "1")
    async with transaction(sessions) as session:
        token = await identity.make_link(session, account.id, now=NOW)
    async with sessions() as session:
        digest = (await session.execute(text("select digest from link"))).scalar_one()
    assert token not in digest


async def test_a_wallet_stands_for_one_member(sessions: Sessions) -> None:
    first, second = await join(sessions, "1"), await join(sessions, "2")
    async with transaction(sessions) as session:
        await identity.link_wallet(session, first.member_id, ALICE, 1, now=NOW)
        await identity.link_wallet(session, first.member_id, ALICE, 1, now=NOW)
    with pytest.raises(WalletTaken):
        async with transaction(sessions) as session:
            await identity.link_wallet(session, second.member_id, ALICE, 1, now=NOW)


async def test_of_two_people_who_prove_one_wallet_at_once_exactly_one_gets_it(
    sessions: Sessions,
) -> None:
    members = [(await join(sessions, str(number))).member_id for number in range(6)]

    async def prove(member_id: int) -> bool:
        try:
            async with transaction(sessions) as session:
                await identity.link_wallet(session, member_id, ALICE, 1, now=NOW)
        except WalletTaken:
            return False
        return True

    outcomes = await asyncio.gather(*(prove(member) for member in members))
    assert sum(outcomes) == 1
    async with sessions() as session:
        assert await identity.members_at(session, ALICE) == [members[outcomes.index(True)]]


async def test_two_accounts_become_one_person_at_the_word_of_the_first(sessions: Sessions) -> None:
    first, second = await join(sessions, "1"), await join(sessions, "9", "discord")
    async with transaction(sessions) as session:
        await identity.link_wallet(session, first.member_id, ALICE, 1, now=NOW)
        code = await identity.propose_merge(
            session, member_id=second.member_id, other_id=first.member_id, now=NOW
        )
    with pytest.raises(NotAllowed):
        async with transaction(sessions) as session:
            await identity.merge(session, code, by_member=second.member_id, now=NOW)
    async with transaction(sessions) as session:
        await identity.merge(session, code, by_member=first.member_id, now=NOW)
    async with sessions() as session:
        accounts = await identity.accounts_of(session, first.member_id)
    assert {account.platform for account in accounts} == {"telegram", "discord"}
    with pytest.raises(LinkExpired):
        async with transaction(sessions) as session:
            await identity.merge(session, code, by_member=first.member_id, now=NOW)


async def test_of_several_who_asked_to_join_one_person_only_the_first_of_a_platform_does(
    sessions: Sessions,
) -> None:
    holder = await join(sessions, "9", "discord")
    first, second = await join(sessions, "1"), await join(sessions, "2")
    async with transaction(sessions) as session:
        codes = [
            await identity.propose_merge(
                session, member_id=each.member_id, other_id=holder.member_id, now=NOW
            )
            for each in (first, second)
        ]
        await identity.merge(session, codes[0], by_member=holder.member_id, now=NOW)
    with pytest.raises(WalletTaken):
        async with transaction(sessions) as session:
            await identity.merge(session, codes[1], by_member=holder.member_id, now=NOW)


async def test_a_browser_that_only_asked_long_ago_is_forgotten_and_nobody_else(
    sessions: Sessions,
) -> None:
    for external_id, platform in (("1", "telegram"), ("b1", "web"), ("b2", "web")):
        account = await join(sessions, external_id, platform)
    async with transaction(sessions) as session:
        await identity.link_wallet(session, account.member_id, ALICE, 1, now=NOW)
        await browsers.forget_browsers(session, before=NOW + timedelta(days=1), now=NOW)
    async with sessions() as session:
        left = [
            external_id
            for external_id, platform in (("1", "telegram"), ("b1", "web"), ("b2", "web"))
            if await identity.find_account(session, platform, external_id)
        ]
    assert left == ["1", "b2"]


async def test_two_accounts_on_one_platform_are_not_one_person(sessions: Sessions) -> None:
    first, second = await join(sessions, "1"), await join(sessions, "2")
    with pytest.raises(WalletTaken):
        async with transaction(sessions) as session:
            await identity.propose_merge(
                session, member_id=second.member_id, other_id=first.member_id, now=NOW
            )


async def test_a_person_can_take_and_delete_all_that_is_kept_of_them(sessions: Sessions) -> None:
    account = await join(sessions, "4711")
    async with transaction(sessions) as session:
        await identity.link_wallet(session, account.member_id, ALICE, 1, now=NOW)
        kept = await identity.export(session, account.member_id)
    assert kept["accounts"] == [{"platform": "telegram", "id": "4711"}]
    assert kept["wallets"][0]["address"] == ALICE
    async with transaction(sessions) as session:
        await identity.forget(session, account.member_id, now=NOW)
    async with sessions() as session:
        assert await identity.find_account(session, "telegram", "4711") is None
        assert await identity.members_at(session, ALICE) == []


async def test_the_audit_log_notices_a_changed_row(sessions: Sessions) -> None:
    for number in range(3):
        async with transaction(sessions) as session:
            await audit.record(
                session, actor="staff", action="test", detail={"number": number}, now=NOW
            )
    async with transaction(sessions) as session:
        assert await audit.verify(session) is None
        middle = (await audit.search(session, audit.Filter()))[1].id
        await session.execute(update(AuditRow).where(AuditRow.id == middle).values(action="forged"))
    async with sessions() as session:
        assert await audit.verify(session) == middle


async def test_many_writers_make_one_unbroken_audit_log(sessions: Sessions) -> None:
    async def write(number: int) -> None:
        async with transaction(sessions) as session:
            await audit.record(session, actor=f"s{number}", action="test", now=NOW)

    await asyncio.gather(*(write(number) for number in range(6)))
    async with sessions() as session:
        assert await audit.verify(session) is None
        assert len(await audit.search(session, audit.Filter())) == 6


async def test_a_locked_database_is_an_outage_with_a_name(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'x.sqlite3'}"
    holder, other = connect(url), connect(url)
    await migrate(holder)
    async with other.connect() as connection:
        await connection.rollback()

    async with session_factory(holder).begin() as session:
        await session.execute(text("select 1"))  # takes the writer's place
        with pytest.raises(RecordsUnavailable):
            async with transaction(session_factory(other)) as waiting:
                await waiting.execute(text("pragma busy_timeout=10"))
    await holder.dispose()
    await other.dispose()


async def test_a_full_disk_is_an_outage_and_nothing_is_half_stored(lite: Sessions) -> None:
    async with lite() as session:
        pages = (await session.execute(text("pragma page_count"))).scalar_one()
        await session.execute(text(f"pragma max_page_count={pages}"))
        await session.rollback()

    async def fill() -> None:
        async with transaction(lite) as session:
            await session.execute(text(f"pragma max_page_count={pages}"))
            for number in range(3000):
                await identity.account(session, "web", f"{number}" * 8, locale="ja", now=NOW)

    with pytest.raises(RecordsUnavailable):
        await fill()
    async with lite() as session:
        assert (await session.execute(text("select count(*) from member"))).scalar_one() == 0


async def test_times_come_back_in_utc_and_naive_ones_are_refused(sessions: Sessions) -> None:
    await join(sessions, "1")
    async with sessions() as session:
        row = await session.scalar(select(MemberRow))
    assert row is not None
    assert row.created_at == NOW
    with pytest.raises(Exception, match="without a zone"):
        async with transaction(sessions) as session:
            await identity.forget_updates(session, before=datetime(2026, 1, 1))  # noqa: DTZ001


def test_the_clock_of_the_tests_moves_only_when_told(clock: SetClock) -> None:
    before = clock()
    clock.advance(timedelta(days=1))
    assert clock() - before == timedelta(days=1)


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        (None, None, Aloud.WHEN_SPOKEN_TO),
        (None, Aloud.ALWAYS, Aloud.ALWAYS),
        (Aloud.ALWAYS, Aloud.NEVER, Aloud.NEVER),
        (Aloud.WHEN_SPOKEN_TO, Aloud.ALWAYS, Aloud.WHEN_SPOKEN_TO),
    ],
)
async def test_of_two_wishes_for_answers_aloud_the_quieter_stays(
    sessions: Sessions, first: Aloud | None, second: Aloud | None, together: Aloud
) -> None:
    old, new = await join(sessions, "1"), await join(sessions, "2", "discord")
    async with transaction(sessions) as session:
        for account, aloud in ((old, first), (new, second)):
            if aloud is not None:
                await identity.set_aloud(session, account.member_id, aloud)
        code = await identity.propose_merge(
            session, member_id=new.member_id, other_id=old.member_id, now=NOW
        )
        stays = await identity.merge(session, code, by_member=old.member_id, now=NOW)
        kept = await identity.export(session, stays)
        account = await identity.account_by_id(session, new.id)
    assert account.aloud is together
    assert kept["answers_aloud"] == (together if first or second else None)
