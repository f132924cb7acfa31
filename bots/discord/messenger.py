"""Messenger: what leaves for Discord, and honestly what became of it.

One recipient, one message. A delivery carries its number as ``nonce`` with ``enforce_nonce``: a
message that is sent again within some minutes, because nobody knows whether the first one arrived,
is absorbed by Discord.

https://discord.com/developers/docs/resources/message#create-message
"""

from collections.abc import Awaitable
from typing import Any, Final

import aiohttp
import discord
from discord.http import handle_message_parameters

from bots.discord.layout import attachment, choices, letter_of, poster_of
from bots.discord.outcome import MESSAGE_GONE, before_anything, outcome_of
from core.announcements import Delivered, Failed, NotSent, Outcome, Outgoing
from core.town import TownPack

PATIENCE: Final = 8.0
"""Seconds that a rate limit is waited for inside the library; a longer one is our lane's affair.
Shorter than the pump's cut-off, after which nobody could tell a wait from a lost answer."""

Refusal = (discord.DiscordException, aiohttp.ClientError, OSError)


class DiscordMessenger:
    """Sends one message, changes it, takes it back, and says what became of it."""

    platform = "discord"

    def __init__(self, client: discord.Client, town: TownPack) -> None:
        self._client = client
        self._town = town

    async def send_direct(self, account: str, message: Outgoing, *, delivery: int) -> Outcome:
        """To one person, as text in their direct messages with the bot."""
        opened = await self._place(account, direct=True)
        if not isinstance(opened, int):
            return opened
        return await self._send(opened, letter_of(message), message, delivery)

    async def post(self, place: str, message: Outgoing, *, delivery: int) -> Outcome:
        """Into a channel, as an embed. `place` is a channel's id or a room's ``guild/role``."""
        channel = await self._place(place, direct=False)
        if not isinstance(channel, int):
            return channel
        return await self._send(channel, poster_of(message), message, delivery)

    async def edit(
        self, target: str, message_id: str, message: Outgoing, *, direct: bool
    ) -> Outcome:
        """Let a message say something else. Its picture stays."""
        channel = await self._place(target, direct=direct)
        if not isinstance(channel, int):
            return channel
        content = letter_of(message) if direct else poster_of(message)
        if content is None:
            return Failed("longer than one message of Discord can be")
        flags = discord.MessageFlags(suppress_embeds="embeds" not in content)
        with handle_message_parameters(
            content=content.get("content"),
            embeds=content.get("embeds", []),
            view=choices(message),
            flags=flags,
            allowed_mentions=discord.AllowedMentions.none(),
        ) as parameters:
            return await self._amend(
                message_id,
                self._client.http.edit_message(channel, int(message_id), params=parameters),
            )

    async def retract(self, target: str, message_id: str, *, direct: bool) -> Outcome:
        """Take a message away, however old it is."""
        channel = await self._place(target, direct=direct)
        if not isinstance(channel, int):
            return channel
        gone = self._client.http.delete_message(channel, int(message_id))
        outcome = await self._amend(message_id, gone)
        return Delivered(message_id) if outcome == MESSAGE_GONE else outcome

    async def _amend(self, message_id: str, request: Awaitable[object]) -> Outcome:
        try:
            await request
        except Refusal as error:
            return outcome_of(error)
        return Delivered(message_id)

    async def _place(self, target: str, *, direct: bool) -> int | Outcome:
        """The channel behind a person or a place, or what became of asking for it."""
        if self._client.user is None or self._client.is_closed():
            return NotSent("not connected")
        if not direct:
            channel = self._channel(target)
            return channel or Failed(f"no channel of this town stands for {target}")
        try:
            opened = await self._client.http.start_private_message(int(target))
        except Refusal as error:
            return before_anything(error)
        return int(opened["id"])

    def _channel(self, place: str) -> int | None:
        if place.isdigit():
            return int(place)
        for gate in self._town.gates:
            if self._town.discord and place == f"{self._town.discord.guild}/{gate.discord_role}":
                return gate.discord_channel
        return None

    async def _send(
        self, channel: int, content: dict[str, Any] | None, message: Outgoing, delivery: int
    ) -> Outcome:
        if content is None:
            return Failed("longer than one message of Discord can be")
        if message.picture is not None:
            content["file"] = attachment(message.picture)
        if (view := choices(message)) is not None:
            content["view"] = view
        target = self._client.get_partial_messageable(channel)
        try:
            sent = await target.send(**content, nonce=str(delivery))
        except Refusal as error:
            return outcome_of(error)
        return Delivered(str(sent.id))
