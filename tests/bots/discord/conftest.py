from collections.abc import AsyncIterator
from pathlib import Path

import discord
import pytest
import pytest_asyncio
import simcord
from aiohttp.test_utils import TestServer
from discord.asset import Asset
from discord.gateway import DiscordWebSocket
from discord.http import Route
from sqlalchemy.ext.asyncio import AsyncEngine

from bots.voice import Voice
from knowledge.voice.port import Mouth
from tests.bots.discord.hall import HIGH, HIGHEST, LOW, Hall, Visit, Whistling, connector
from tests.bots.discord.stage import (
    StubApp,
    World,
    rights_of_a_room,
    settings,
    town_pack,
)
from tests.world.records import begin, opened
from tests.world.voices import need


@pytest_asyncio.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    engine = await opened(begin(tmp_path / "town.sqlite3"))
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


# --- voice channels, over real sockets ----------------------------------------------------------


@pytest.fixture
def voice_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """What speaking in channels needs; the library's class attributes are put back after it."""
    need("av", "nacl", "davey")
    monkeypatch.setattr(Route, "BASE", Route.BASE)
    monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", DiscordWebSocket.DEFAULT_GATEWAY)
    monkeypatch.setattr(Asset, "BASE", Asset.BASE)


@pytest_asyncio.fixture
async def hall(voice_library: None) -> AsyncIterator[Hall]:
    del voice_library
    hall = Hall()
    await hall.voice.start()
    running = TestServer(hall.application())
    await running.start_server()
    hall.base = f"{running.host}:{running.port}"
    yield hall
    await running.close()
    await hall.voice.close()


@pytest_asyncio.fixture
async def visit(hall: Hall, engine: AsyncEngine) -> AsyncIterator[Visit]:
    mouth = Whistling(pitches={"低い。": LOW, "高い。": HIGH, "もっと高い。": HIGHEST})

    def opened() -> Mouth:
        return mouth.instead or mouth

    values = {"discord_api_url": hall.api, "discord_gateway_url": hall.gateway}
    app = StubApp(settings(**values), town_pack(guild=1), engine)
    app.voice = Voice(ears=None, mouth=opened)
    adapter = app.adapter()
    adapter.client.http.connector = connector(hall.voice)
    await adapter.start()
    hall.messages.clear()  # what staff were told
    yield Visit(hall, app, adapter, mouth)
    await adapter.stop()
