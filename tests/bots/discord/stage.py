"""The stage of these tests: a town, an app with a conversation that plays prepared replies."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import discord
import simcord
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from bots.conversation import Incoming, Reply
from bots.discord.adapter import DiscordAdapter
from bots.happenings import Happenings
from bots.voice import Voice
from core.clock import Clock, system_clock
from core.database import Sessions, session_factory
from core.settings import Settings
from core.town import TownPack

if TYPE_CHECKING:
    from bots.app import App

STAFF = "discord:7001"


def settings(**values: Any) -> Settings:
    return Settings(
        _env_file=None,
        **{"staff": STAFF, "discord_token": SecretStr("not-a-real-token"), **values},
    )


def town_pack(
    *,
    guild: int = 1,
    role: int | None = None,
    room: int | None = None,
    join_channel: int | None = None,
    announcement_channel: int | None = None,
    on_discord: bool = True,
) -> TownPack:
    pack: dict[str, Any] = {
        "folder": Path("towns/stage"),
        "town": {
            "slug": "stage",
            "name": {"ja": "見本町", "en": "Sample Town"},
            "code": "352136",
            "sample": True,
            "official_url": "https://www.example.jp/",
        },
        "persona": {
            key: {"ja": "ミネドン"} for key in ("name", "greeting", "opening", "closing", "unknown")
        },
        "contacts": [{"title": {"ja": "観光課"}}],
        "gates": [
            {
                "name": "lounge",
                "title": {"ja": "住民の部屋", "en": "Residents' lounge"},
                "rule": {"collection": "pass"},
                "discord_role": role,
                "discord_channel": room,
            }
        ],
        "announcements": {"sender": {"ja": "見本町役場"}},
        "retention": {"purpose": {"ja": "連絡のため"}},
    }
    if on_discord:
        pack["discord"] = {
            "guild": guild,
            "join_channel": join_channel,
            "announcement_channel": announcement_channel,
        }
    return TownPack.model_validate(pack)


class StubConversation:
    """Records what comes in and says back what was prepared."""

    def __init__(self) -> None:
        self.heard: list[Incoming] = []
        self.reply: Reply | None = Reply("はい。")
        self.failure: Exception | None = None
        self.meanwhile: Callable[[], None] | None = None
        self.pause: asyncio.Event | None = None

    async def handle(self, incoming: Incoming) -> Reply | None:
        self.heard.append(incoming)
        if self.meanwhile is not None:
            self.meanwhile()
        if self.pause is not None:
            await self.pause.wait()
        if self.failure is not None:
            raise self.failure
        return self.reply


class StubDoorkeeper:
    """Remembers whose holdings were to be read again."""

    def __init__(self) -> None:
        self.rechecked: list[int] = []

    async def recheck(self, member_id: int) -> tuple[()]:
        self.rechecked.append(member_id)
        return ()


@dataclass
class StubApp:
    """As much of the app as the adapter asks for."""

    settings: Settings
    town: TownPack
    engine: AsyncEngine
    conversation: StubConversation = field(default_factory=StubConversation)
    doorkeeper: StubDoorkeeper = field(default_factory=StubDoorkeeper)
    happenings: Happenings = field(default_factory=Happenings)
    voice: Voice | None = None
    clock: Clock = system_clock

    @property
    def sessions(self) -> Sessions:
        return session_factory(self.engine)

    def staff(self, platform: str, account: str) -> bool:
        return f"{platform}:{account}" in self.settings.staff

    def adapter(self) -> DiscordAdapter:
        return DiscordAdapter(cast("App", self))


@dataclass
class World:
    """A Discord server with the town's rooms, and our adapter connected to it."""

    env: simcord.Env
    guild: simcord.GuildHandle
    role: simcord.RoleHandle
    plaza: simcord.ChannelHandle
    room: simcord.ChannelHandle
    reception: simcord.ChannelHandle
    app: StubApp
    adapter: DiscordAdapter

    @property
    def conversation(self) -> StubConversation:
        return self.app.conversation

    @property
    def place(self) -> str:
        return f"{self.guild.id}/{self.role.id}"

    def person(self, name: str) -> simcord.MemberActor:
        return self.guild.add_member(self.env.create_user(name))

    def has_role(self, person: simcord.MemberActor) -> bool:
        members = self.env.backend.get_guild(self.guild.id).members
        return person.id in members and self.role.id in members[person.id].role_ids

    def posts(self, channel: simcord.ChannelHandle) -> list[dict[str, Any]]:
        """The bodies of the messages that we posted into a channel."""
        path = f"/channels/{channel.id}/messages"
        sent = [each for each in self.env.http_requests if each.path == path]
        return [each.json for each in sent if each.method == "POST" and each.json is not None]

    def bot_role(self) -> Any:
        roles = self.env.backend.get_guild(self.guild.id).roles
        return next(role for role in roles.values() if role.managed)

    async def restart(self) -> DiscordAdapter:
        """A new process on the same server."""
        self.adapter = self.app.adapter()
        await self.env.restart_bot(self.adapter.client)
        await self.adapter.settle_in()
        return self.adapter


def bot_of(env: simcord.Env) -> discord.ClientUser:
    assert env.bot.user is not None
    return env.bot.user


Rights = dict[
    simcord.RoleHandle
    | simcord.MemberActor
    | simcord.UserHandle
    | discord.Role
    | discord.Member
    | discord.User
    | discord.ClientUser,
    discord.PermissionOverwrite,
]


def rights_of_a_room(
    env: simcord.Env, guild: simcord.GuildHandle, role: simcord.RoleHandle
) -> Rights:
    """Hidden from everybody but the holders of its role and the bot."""
    return {
        guild.default_role: discord.PermissionOverwrite(view_channel=False),
        role: discord.PermissionOverwrite(view_channel=True),
        bot_of(env): discord.PermissionOverwrite(view_channel=True),
    }
