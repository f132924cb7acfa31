"""The keeper of Discord's doors: a room is a role, given and taken over REST.

Nothing here reads the library's cache: members are not cached (1 kB each), and roles and rights
are compared with what Discord says at that moment. A place is ``<guild>/<role>``, so that what was
given can be taken back after the town pack names another server or role.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final

import aiohttp
import discord
from discord.abc import GuildChannel

from bots import texts
from core.access import Admission
from core.errors import PlatformRefused, PlatformUnavailable
from core.town import Gate, TownPack

logger = logging.getLogger(__name__)

TIME_OUT: Final = 20.0
PAGE: Final = 1_000  # members of one answer, Discord's most
REASON: Final = "Kankei"  # in the server's audit log; says nothing of the member

_BROKEN: Final = HTTPStatus.INTERNAL_SERVER_ERROR
_UNKNOWN_GUILD: Final = 10004
_UNKNOWN_MEMBER: Final = frozenset({10007, 10013})
_UNKNOWN_ROLE: Final = 10011
_MISSING_ACCESS: Final = 50001

TO_SPEAK: Final = ("view_channel", "send_messages", "embed_links")
TO_KEEP_A_BUTTON: Final = (*TO_SPEAK, "read_message_history")


def speaker_of(town: TownPack) -> str:
    """The language that staff are spoken to in."""
    return town.town.languages[0] if town.town.languages else "ja"


class DiscordKeeper:
    """Gives and takes the roles of the town's rooms."""

    platform = "discord"

    def __init__(self, client: discord.Client, town: TownPack) -> None:
        self._client = client
        self._town = town
        self._language = speaker_of(town)

    def place(self, gate: Gate) -> str | None:
        if self._town.discord is None or gate.discord_role is None:
            return None
        return f"{self._town.discord.guild}/{gate.discord_role}"

    async def admit(self, place: str, account: str) -> Admission:
        guild, role = _ids(place)
        async with self._asking(guild, role):
            await self._client.http.add_role(guild, int(account), role, reason=REASON)
        return Admission(place)

    async def remove(self, place: str, account: str) -> None:
        guild, role = _ids(place)
        async with self._asking(guild, role):
            try:
                await self._client.http.remove_role(guild, int(account), role, reason=REASON)
            except discord.NotFound as error:
                if error.code not in {*_UNKNOWN_MEMBER, _UNKNOWN_ROLE}:
                    raise

    async def standing(self, place: str, accounts: Sequence[str]) -> Mapping[str, bool]:
        """One question an account. Who is not on the server is left out."""
        guild, role = _ids(place)
        found: dict[str, bool] = {}
        for account in accounts:
            async with self._asking(guild, role):
                try:
                    member = await self._client.http.get_member(guild, int(account))
                except discord.NotFound as error:
                    if error.code not in _UNKNOWN_MEMBER:
                        raise
                else:
                    found[account] = str(role) in member["roles"]
        return found

    def holders(self, place: str) -> AsyncIterator[str] | None:
        return self._stream(*_ids(place))

    async def _stream(self, guild: int, role: int) -> AsyncIterator[str]:
        """The whole server by pages, none of it kept: a cached member costs a kilobyte."""
        after: int | None = None
        while True:
            async with self._asking(guild, role):
                page = await self._client.http.get_members(guild, PAGE, after)
            for member in page:
                if str(role) in member["roles"] and not member["user"].get("bot"):
                    yield str(member["user"]["id"])
            if len(page) < PAGE:
                return
            after = int(page[-1]["user"]["id"])

    async def problems(self, gates: Sequence[Gate]) -> list[str]:
        """What is missing on the server, one sentence each.

        Raises `PlatformUnavailable` if Discord does not answer.
        """
        if self._town.discord is None:
            return [self._say("problem.no-server")]
        wanted = self._town.discord.guild
        async with self._asking(wanted, None):
            try:
                guild = await self._client.fetch_guild(wanted, with_counts=False)
                me = await guild.fetch_member(self._client.user.id if self._client.user else 0)
                channels = {each.id: each for each in await guild.fetch_channels()}
            except (discord.Forbidden, discord.NotFound):
                return [self._say("problem.not-in-server", guild=wanted)]
        found: list[str] = []
        rooms = [gate for gate in gates if gate.discord_role is not None]
        if rooms and not me.guild_permissions.manage_roles:
            found.append(self._say("problem.no-manage-roles"))
        for gate in rooms:
            found.extend(self._role_problems(gate, guild, me))
        found.extend(self._channel_problems(gates, me, channels))
        for gate in gates:
            found.extend(self._privacy_problems(gate, guild, channels))
        return found

    def _role_problems(self, gate: Gate, guild: discord.Guild, me: discord.Member) -> list[str]:
        room = gate.title.get(self._language)
        role = guild.get_role(gate.discord_role or 0)
        if role is None:
            return [self._say("problem.role-missing", room=room, role=gate.discord_role)]
        if role.managed or role.is_default():
            return [self._say("problem.role-fixed", room=room, name=role.name)]
        if role >= me.top_role:
            return [self._say("problem.role-above", room=room, name=role.name)]
        return []

    def _channel_problems(
        self, gates: Sequence[Gate], me: discord.Member, channels: Mapping[int, GuildChannel]
    ) -> list[str]:
        town = self._town.discord
        wanted: dict[int, Sequence[str]] = {
            gate.discord_channel: TO_SPEAK for gate in gates if gate.discord_channel is not None
        }
        if town and town.announcement_channel is not None:
            wanted[town.announcement_channel] = TO_SPEAK
        if town and town.join_channel is not None:
            wanted[town.join_channel] = TO_KEEP_A_BUTTON
        found = []
        for number, rights in wanted.items():
            channel = channels.get(number)
            if channel is None:
                found.append(self._say("problem.channel-missing", channel=number))
                continue
            granted = channel.permissions_for(me)
            missing = [self._say(f"right.{each}") for each in rights if not getattr(granted, each)]
            if missing:
                listed = "・".join(missing)
                found.append(self._say("problem.channel-rights", name=channel.name, rights=listed))
        return found

    def _privacy_problems(
        self, gate: Gate, guild: discord.Guild, channels: Mapping[int, GuildChannel]
    ) -> list[str]:
        """A room that everybody sees is none; one that its own role cannot see is none either."""
        channel = channels.get(gate.discord_channel or 0)
        role = guild.get_role(gate.discord_role or 0)
        if channel is None or role is None or role.is_default():
            return []
        room = gate.title.get(self._language)
        if channel.permissions_for(guild.default_role).view_channel:
            return [self._say("problem.room-open", room=room, name=channel.name)]
        if not channel.permissions_for(role).view_channel:
            return [self._say("problem.room-shut", room=room, name=channel.name, role=role.name)]
        return []

    @asynccontextmanager
    async def _asking(self, guild: int, role: int | None) -> AsyncIterator[None]:
        """Translate what Discord or the network answers into core's two ways of saying no."""
        if self._client.user is None or self._client.is_closed():
            raise PlatformUnavailable(self._say("trouble.not-connected"))
        try:
            async with asyncio.timeout(TIME_OUT):
                yield
        except discord.HTTPException as error:
            if error.status < _BROKEN and error.status != HTTPStatus.TOO_MANY_REQUESTS:
                raise PlatformRefused(self._refusal(error, guild, role)) from error
            reason = f"HTTP {error.status}"
            raise PlatformUnavailable(self._say("trouble.no-answer", reason=reason)) from error
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            reason = type(error).__name__
            raise PlatformUnavailable(self._say("trouble.no-answer", reason=reason)) from error

    def _refusal(self, error: discord.HTTPException, guild: int, role: int | None) -> str:
        room = self._room(guild, role)
        if error.code in _UNKNOWN_MEMBER:
            return self._say("trouble.not-a-member")
        if error.code == _UNKNOWN_ROLE:
            return self._say("problem.role-missing", room=room, role=role)
        if error.code in {_UNKNOWN_GUILD, _MISSING_ACCESS}:
            return self._say("problem.not-in-server", guild=guild)
        if error.status == HTTPStatus.FORBIDDEN:
            return self._say("trouble.not-given", room=room)
        reason = f"HTTP {error.status}, Discord {error.code}"
        return self._say("trouble.refused", reason=reason)

    def _room(self, guild: int, role: int | None) -> str:
        for gate in self._town.gates:
            if self.place(gate) == f"{guild}/{role}":
                return gate.title.get(self._language)
        return str(role)

    def _say(self, key: str, **values: object) -> str:
        return texts.say(f"discord.{key}", self._language, **values)


def _ids(place: str) -> tuple[int, int]:
    guild, _, role = place.partition("/")
    return int(guild), int(role)
