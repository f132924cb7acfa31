"""The migration to wallets by address and chain, with the records of a town in it."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from core import identity, schema
from core.database import connect, migrate, remaking, session_factory, transaction
from core.identity import Wallet
from core.schema import MIGRATIONS
from core.testing import SetClock

KEY, SAFE, VAULT, DEEP = ("0x" + digit * 40 for digit in "1234")
AMOY, POLYGON = 80002, 137

MEMBER = "INSERT INTO member (id, locale, wants_messages, created_at) VALUES (:id, 'ja', :no, :at)"
WALLET = (
    "INSERT INTO wallet (address, member_id, chain_id, contract_wallet, via, proved_at)"
    " VALUES (:address, :member, :chain, :contract, :via, :at)"
)
NOW = SetClock()()


@pytest.fixture(params=["sqlite", "postgresql"])
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """A database of its own without any records."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'old.sqlite3'}"
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres")
        name = f"old_{tmp_path.name.replace('-', '_')}"[:60].lower()
        admin = connect(server)
        async with admin.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            await connection.execute(text(f'CREATE DATABASE "{name}"'))
        await admin.dispose()
        url = server.rpartition("/")[0] + f"/{name}"
    made = connect(url)
    yield made
    await made.dispose()


async def old_town(engine: AsyncEngine) -> None:
    """A key, a contract and a vault behind each, of two members."""
    sqlite = engine.dialect.name == "sqlite"
    at: object = "2026-11-01 00:00:00.000000" if sqlite else NOW
    async with remaking(engine) as connection:
        await connection.run_sync(partial(schema.upgrade, now=NOW, to="0013"))
        for number in (1, 2):
            await connection.execute(text(MEMBER), {"id": number, "no": False, "at": at})
        for address, member, chain, contract, via in (
            (KEY, 1, AMOY, False, None),
            (SAFE, 2, POLYGON, True, None),
            (VAULT, 1, POLYGON, False, KEY),
            (DEEP, 2, POLYGON, False, SAFE),
        ):
            row = {"address": address, "member": member, "chain": chain, "via": via, "at": at}
            await connection.execute(text(WALLET), {**row, "contract": contract})


def _to(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.downgrade(config, revision)


async def test_what_was_linked_before_counts_where_it_did_and_no_chain_is_lost(
    engine: AsyncEngine,
) -> None:
    await old_town(engine)
    await migrate(engine)
    async with transaction(session_factory(engine)) as session:
        assert await identity.linked_wallets(session, 1) == [
            Wallet(KEY, None, None),
            Wallet(VAULT, POLYGON, KEY),
        ]
        assert await identity.linked_wallets(session, 2) == [
            Wallet(SAFE, POLYGON, None),
            Wallet(DEEP, POLYGON, SAFE),
        ]
        proved = await session.execute(text("SELECT address, proved_on FROM wallet"))
        assert (KEY, AMOY) in [tuple(each) for each in proved]
        await identity.link_wallet(session, 1, SAFE, AMOY, now=NOW, contract_wallet=True)
        assert Wallet(SAFE, AMOY, None) in await identity.linked_wallets(session, 1)


async def test_a_vault_still_goes_with_its_delegate(engine: AsyncEngine) -> None:
    await old_town(engine)
    await migrate(engine)
    async with transaction(session_factory(engine)) as session:
        assert await identity.unlink_wallet(session, 1, KEY, by="member:1", now=NOW)
        assert await identity.unlink_wallet(
            session, 2, SAFE, chain_id=POLYGON, by="member:2", now=NOW
        )
        assert await session.scalar(text("SELECT count(*) FROM wallet")) == 0


async def test_going_back_keeps_one_row_an_address_and_no_vault_without_its_delegate(
    engine: AsyncEngine,
) -> None:
    await old_town(engine)
    await migrate(engine)
    async with transaction(session_factory(engine)) as session:
        await identity.link_wallet(session, 1, SAFE, 1, now=NOW, contract_wallet=True)
    async with remaking(engine) as connection:
        await connection.run_sync(_to, "0013")
        rows = await connection.execute(
            text(
                "SELECT address, member_id, chain_id, contract_wallet FROM wallet ORDER BY address"
            )
        )
        assert [tuple(each) for each in rows] == [
            (KEY, 1, AMOY, False),
            (SAFE, 1, 1, True),
            (VAULT, 1, POLYGON, False),
        ]
