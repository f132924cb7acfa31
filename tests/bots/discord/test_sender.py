"""A worker's Discord: messages and roles over REST, and no session at the gateway."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, cast

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestServer
from discord.asset import Asset
from discord.gateway import DiscordWebSocket
from discord.http import Route
from sqlalchemy.ext.asyncio import AsyncEngine

from bots.discord.sender import DiscordSender
from core.announcements import Delivered
from core.errors import PlatformRefused, PlatformUnavailable
from tests.bots.discord.server import Server
from tests.bots.discord.stage import StubApp, town_pack
from tests.bots.discord.test_connection import NEWS, pointing_to

if TYPE_CHECKING:
    from bots.app import App


@pytest.fixture(autouse=True)
def library_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Route, "BASE", Route.BASE)
    monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", DiscordWebSocket.DEFAULT_GATEWAY)
    monkeypatch.setattr(Asset, "BASE", Asset.BASE)


def speaking(app: StubApp) -> DiscordSender:
    return DiscordSender(cast("App", app))


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    running = TestServer(server.application())
    await running.start_server()
    server.base = f"{running.host}:{running.port}"
    yield server
    await running.close()


async def test_a_worker_sends_and_gives_roles_without_a_session(
    server: Server, engine: AsyncEngine
) -> None:
    sender = speaking(StubApp(pointing_to(server), town_pack(guild=1, role=5), engine))
    await sender.start()
    sent = await sender.messenger.post("55", NEWS, delivery=17)
    await sender.keeper.admit("1/5", "200")
    await sender.stop()
    assert isinstance(sent, Delivered)
    assert len(server.delivered(17)) == 1
    asked = [(method, path) for method, path, _ in server.requests]
    assert ("PUT", "guilds/1/members/200/roles/5") in [(m, p.lstrip("/")) for m, p in asked]
    assert server.identified == 0
    assert not any("commands" in path for _, path in asked), "the menu is the receiving process's"


async def test_without_a_network_a_worker_tries_again_later(engine: AsyncEngine) -> None:
    server = Server(base="127.0.0.1:9")
    sender = speaking(StubApp(pointing_to(server), town_pack(guild=1), engine))
    with pytest.raises(PlatformUnavailable):
        await sender.start()
    await sender.stop()


async def test_a_refused_token_is_left_to_staff(server: Server, engine: AsyncEngine) -> None:
    server.fail("GET", "/users/@me", 401)
    sender = speaking(StubApp(pointing_to(server), town_pack(guild=1), engine))
    with pytest.raises(PlatformRefused):
        await sender.start()
    await sender.stop()
