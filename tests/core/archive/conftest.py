"""Two towns: one that is backed up, and an empty one that it is opened in again."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from core.archive import Manifest, Restored, restore, write
from core.database import connect
from core.testing import SetClock
from tests.world.records import administer, begin, template

KEY = "0123456789abcdef"


class Place:
    """A data folder and a database."""

    def __init__(self, folder: Path, engine: AsyncEngine, clock: SetClock) -> None:
        self.folder, self.engine, self.clock = folder, engine, clock

    async def back_up(self, file: Path, **more: Any) -> Manifest:
        options: dict[str, Any] = {"pack": None, **more}
        return await write(
            self.engine,
            file,
            town="mine",
            code="0.1.0",
            key=KEY,
            data_dir=self.folder,
            now=self.clock(),
            **options,
        )

    async def restore(self, file: Path, **more: Any) -> Restored:
        options: dict[str, Any] = {"pack": None, "key": None, "replace": False, **more}
        return await restore(
            self.engine,
            file,
            data_dir=self.folder,
            by="staff:terminal",
            now=self.clock(),
            **options,
        )


Places = Callable[..., Awaitable[Place]]


@pytest.fixture
async def places(
    request: pytest.FixtureRequest, tmp_path: Path, clock: SetClock
) -> AsyncIterator[Places]:
    """Makes a place on the database that is asked for; its tables too, unless told otherwise."""
    async with AsyncExitStack() as stack:

        async def place(database: str, *, tables: bool = True) -> Place:
            name = f"place{uuid4().hex}"
            folder = tmp_path / name
            folder.mkdir()
            url = f"sqlite+aiosqlite:///{folder / 'kankei.sqlite3'}"
            if database == "postgresql":
                cluster: str = request.getfixturevalue("postgres")
                begun = f" template {template(cluster)}" if tables else ""
                await administer(cluster, f"create database {name}{begun}")
                stack.push_async_callback(administer, cluster, f"drop database {name} with (force)")
                url = cluster.rpartition("/")[0] + f"/{name}"
            elif tables:
                begin(folder / "kankei.sqlite3")
            engine = connect(url)
            stack.push_async_callback(engine.dispose)
            return Place(folder, engine, clock)

        yield place
