from collections.abc import AsyncIterator
from pathlib import Path

import discord
import pytest
import pytest_asyncio
import simcord
from sqlalchemy.ext.asyncio import AsyncEngine

from core.database import connect
from core.tables import Base
from tests.bots.discord.stage import (
    StubApp,
    World,
    rights_of_a_room,
    settings,
    town_pack,
)


@pytest_asyncio.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    engine = connect(f"sqlite+aiosqlite:///{tmp_path / 'town.sqlite3'}")
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield engine
    await engine.dispose()


@pytest.fixture
def simcord_bot() -> discord.Client:
    """Holds the place while the server is built; the town pack needs the server's ids."""
    return discord.Client(intents=discord.Intents.none())


@pytest_asyncio.fixture
async def world(simcord_env: simcord.Env, engine: AsyncEngine) -> World:
    guild = simcord_env.create_guild("見本町")
    role = guild.create_role("住民")
    for each in simcord_env.backend.get_guild(guild.id).roles.values():
        if each.managed:
            each.position = 10  # the bot's own role, dragged to the top
    plaza = guild.create_text_channel("広場")
    reception = guild.create_text_channel("受付")
    overwrites = rights_of_a_room(simcord_env, guild, role)
    room = guild.create_text_channel("住民の部屋", overwrites=overwrites)
    town = town_pack(
        guild=guild.id,
        role=role.id,
        room=room.id,
        join_channel=reception.id,
        announcement_channel=plaza.id,
    )
    app = StubApp(settings(), town, engine)
    world = World(simcord_env, guild, role, plaza, room, reception, app, app.adapter())
    await simcord_env.restart_bot(world.adapter.client)
    await world.adapter.settle_in()
    return world
