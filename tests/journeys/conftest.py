"""One town with all its doors: Telegram over HTTP, Discord, the web over sockets, a real EVM."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import discord
import pytest
import simcord
import uvicorn
from aiohttp import ClientSession, CookieJar
from eth_account import Account
from eth_account.messages import encode_defunct
from pydantic import SecretStr
from sqlalchemy import select

from bots import jobs
from bots.app import App, running
from bots.demo.chain import CHAIN_ID, EmbeddedChain
from bots.demo.shop import Shop
from bots.discord.adapter import DiscordAdapter
from bots.listening import Server, listen
from bots.telegram.adapter import TelegramAdapter
from bots.web.app import create_web
from core.settings import Settings
from core.tables import AnnouncementRow, GrantRow
from core.testing import ShiftedClock
from knowledge.answer import Guide
from knowledge.encoders import Tier
from tests.bots.discord.stage import rights_of_a_room
from tests.conftest import ROOT
from tests.telegram_server import TelegramServer
from tests.world.records import begin
from tests.world.rpc import Rpc


@pytest.fixture
def simcord_bot() -> discord.Client:
    """Holds the place while the server is built; the town pack needs the server's ids."""
    return discord.Client(intents=discord.Intents.none())


@pytest.fixture(scope="session")
def mine_guide(tmp_path_factory: pytest.TempPathFactory) -> Guide:
    cache = tmp_path_factory.mktemp("index")
    return Guide.open(ROOT / "towns" / "mine" / "guides", cache=cache, tier=Tier.WORDS)


@dataclass
class Holder:
    """A person with a wallet of their own."""

    key: str

    @property
    def address(self) -> str:
        return str(Account.from_key(self.key).address)

    def sign(self, text: str) -> str:
        signed = Account.from_key(self.key).sign_message(encode_defunct(text=text))
        return str(signed.signature.to_0x_hex())


@dataclass
class City:
    """The running town and the people's ways to it."""

    app: App
    clock: ShiftedClock
    telegram: TelegramServer
    telegram_adapter: TelegramAdapter
    room: Any  # the residents' Telegram group
    discord: simcord.Env
    guild: simcord.GuildHandle
    role: simcord.RoleHandle
    plaza: simcord.ChannelHandle
    lounge: simcord.ChannelHandle
    evm: EmbeddedChain
    rpc: Rpc
    url: str
    browser: ClientSession
    said: list[str] = field(default_factory=list)

    def has_role(self, person: simcord.MemberActor) -> bool:
        members = self.discord.backend.get_guild(self.guild.id).members
        return person.id in members and self.role.id in members[person.id].role_ids

    def in_telegram_room(self, person: Any) -> bool:
        return self.telegram.world.standing(self.room, person.account).inside

    async def sign_in(self, link: str, holder: Holder) -> str:
        """What the verify page does in a browser; returns the fragment that it shows."""
        token = link.rpartition("/")[2]
        async with self.browser.get(f"{self.url}/verify/{token}") as page:
            found = re.search(r'name="csrf" content="([^"]+)"', await page.text())
        assert found is not None
        headers = {"X-CSRF-Token": found[1]}
        asked = {"address": holder.address, "chain_id": CHAIN_ID}
        where = f"{self.url}/verify/{token}"
        async with self.browser.post(f"{where}/challenge", json=asked, headers=headers) as answer:
            message = (await answer.json())["message"]
        proof = {"message": message, "signature": holder.sign(message)}
        async with self.browser.post(f"{where}/proof", json=proof, headers=headers) as answer:
            return str((await answer.json())["html"])

    async def sell(self, holder: Holder) -> None:
        (token,) = await self.evm.call(self.evm.tokens_of, holder.address)
        stranger = str(Account.create().address)
        await self.evm.call(self.evm.transfer, holder.key, stranger, token)

    async def look(self) -> None:
        """The clock's turn to re-check everybody."""
        await jobs.recheck_everybody(self.app)

    async def grants(self) -> set[tuple[str, str]]:
        async with self.app.sessions() as session:
            rows = await session.scalars(select(GrantRow))
            return {(row.platform, row.state) for row in rows}

    async def notices(self) -> list[str]:
        async with self.app.sessions() as session:
            rows = await session.scalars(
                select(AnnouncementRow)
                .where(AnnouncementRow.kind == "notice")
                .order_by(AnnouncementRow.id)
            )
            return [row.texts["key"] for row in rows]


def pack_with(folder: Path, **ids: int) -> Path:
    """Mine's pack with the ids of this world's rooms."""
    town = folder / "mine"
    shutil.copytree(ROOT / "towns" / "mine", town)
    path = town / "town.toml"
    text = path.read_text(encoding="utf-8")
    card, code = '{ collection = "resident-card", at_least = 1 }', '{ proof = "invitation" }'
    rule = f"rule = {{ any = [{card}, {code}] }}\n"
    assert rule in text
    rooms = "".join(f"{key} = {value}\n" for key, value in ids.items() if key != "guild")
    text = text.replace(rule, rule + rooms) + f"\n[discord]\nguild = {ids['guild']}\n"
    path.write_text(text, encoding="utf-8")
    return town


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that happens on another connection, ten seconds at most."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the servers of this world offer no event for all
            await asyncio.sleep(0.02)


@pytest.fixture
async def city(tmp_path: Path, simcord_env: simcord.Env, mine_guide: Guide) -> AsyncIterator[City]:
    guild = simcord_env.create_guild("美祢")
    role = guild.create_role("デジタル住民")
    for each in simcord_env.backend.get_guild(guild.id).roles.values():
        if each.managed:
            each.position = 10  # the bot's own role, dragged to the top
    plaza = guild.create_text_channel("広場")
    lounge = guild.create_text_channel(
        "住民の部屋", overwrites=rights_of_a_room(simcord_env, guild, role)
    )
    clock, evm = ShiftedClock(), EmbeddedChain()
    begin(tmp_path / "kankei.sqlite3")
    async with TelegramServer() as telegram, Rpc(await evm.serve()) as rpc:
        room = telegram.supergroup("住民ラウンジ", owner=telegram.user("職員"))
        with listen("127.0.0.1", 0) as listener:
            settings = Settings(
                _env_file=None,
                town=pack_with(
                    tmp_path,
                    guild=guild.id,
                    discord_role=role.id,
                    discord_channel=lounge.id,
                    telegram_chat=room.id,
                ),
                data_dir=tmp_path,
                port=listener.getsockname()[1],
                telegram_token=SecretStr(telegram.token),
                telegram_api_url=telegram.base_url,
                telegram_file_url=telegram.base_file_url,
                discord_token=SecretStr("not-a-real-token"),
                discord_rate=50,
                chain_endpoints={CHAIN_ID: (rpc.url,)},
            )
            async with running(settings, clock=clock, guide=mine_guide) as app:
                telegram_adapter = TelegramAdapter(app, webhook_secret="hook")
                discord_adapter = DiscordAdapter(app)
                app.add_platform(telegram_adapter.keeper, telegram_adapter.messenger, rate=30)
                app.add_platform(discord_adapter.keeper, discord_adapter.messenger, rate=50)
                await telegram_adapter.start()
                await simcord_env.restart_bot(discord_adapter.client)
                await discord_adapter.settle_in()
                pumps = [asyncio.create_task(pump.run()) for pump in app.pumps.values()]
                web = create_web(app, secret=app.secret, demo=Shop(evm, app.secret))
                config = uvicorn.Config(web, log_config=None, lifespan="off", access_log=False)
                server = Server(config)
                serving = asyncio.create_task(server.serve(sockets=[listener]))
                async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as browser:
                    yield City(
                        app,
                        clock,
                        telegram,
                        telegram_adapter,
                        room,
                        simcord_env,
                        guild,
                        role,
                        plaza,
                        lounge,
                        evm,
                        rpc,
                        settings.address,
                        browser,
                    )
                server.should_exit = True
                await serving
                for task in pumps:
                    task.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
                await telegram_adapter.stop()
    await evm.close()
