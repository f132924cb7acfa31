"""What a command reads of an engine that another process is just opening."""

import pytest
from sqlalchemy import text

from bots.jobs.engine import SCHEMA, connect_engine, in_thread
from bots.jobs.stories import OPEN
from bots.jobs.view import ClosedBooks


@pytest.mark.parametrize("records", ["sqlite", "postgresql"], indirect=True)
async def test_an_engine_that_is_still_making_its_tables_has_nothing_to_tell(records: str) -> None:
    def begin() -> None:
        engine = connect_engine(records)
        with engine.begin() as connection:
            schema = ""
            if engine.dialect.name == "postgresql":
                schema = f"{SCHEMA}."
                connection.execute(text(f"CREATE SCHEMA {SCHEMA}"))
            connection.execute(text(f"CREATE TABLE {schema}workflow_status (workflow_uuid TEXT)"))
        engine.dispose()

    await in_thread(begin)
    async with ClosedBooks(records) as books:
        assert await books.stories(OPEN) == []
