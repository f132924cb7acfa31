"""Commands, buttons and messages of one town's Discord server, bound to one running app.

Each is read, handed to the conversation once, and its reply is laid out. An interaction is deferred
at once, because Discord waits three seconds and a guide may take longer. What is personal is
ephemeral; only ``/ask`` and mentions are answered before everybody, where they were asked: a thread
stays a thread.

Intents: *guilds*; *guild messages* and *direct messages*, to be spoken to (Discord delivers the
text of direct messages and of mentions without the message content intent, which we do not ask
for); *members*, which is privileged and has to be switched on in the developer portal, because
somebody who leaves the server loses their roles, and only this event tells us that they came back.
"""

import asyncio
import logging
import re
import sys
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import discord
from discord import app_commands

from bots import texts
from bots.conversation import ChatKind, Incoming, Reply, Upload
from bots.conversation.announcing import form_of
from bots.discord.channel import BUTTONS, Places, VoiceCommands, can_speak
from bots.discord.commands import Interaction, add_commands
from bots.discord.forms import ActionForm, JoinView, Words
from bots.discord.layout import ActionButton, ActionMenu, lay_out
from bots.discord.messenger import PATIENCE
from bots.discord.voices import Voices, file_of
from core.database import transaction
from core.errors import KankeiError
from core.identity import find_account

if TYPE_CHECKING:  # the app builds its adapters, so they cannot import it
    from bots.app import App

logger = logging.getLogger(__name__)

_TOO_LATE: Final = frozenset({10062, 40060})  # the deadline has passed, or another worker answered


class TownClient(discord.Client):
    """discord.py's client with our commands in its tree and our handlers at its events."""

    def __init__(self, app: "App") -> None:
        intents = discord.Intents.none()
        intents.guilds = intents.members = True
        intents.guild_messages = intents.dm_messages = True
        aloud = intents.voice_states = can_speak(app)
        # Who calls the mascot into a voice channel is told which parts for it are missing.
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
        super().__init__(
            intents=intents,
            # A cached member costs a kilobyte, and nothing here reads one.
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_messages=None,
            guild_ready_timeout=0.1,  # no more is waited for cached guilds than for members
            allowed_mentions=discord.AllowedMentions.none(),
        )
        # The constructor's own option has a floor of 30 s, three times our pump's cut-off.
        self.http.max_ratelimit_timeout = PATIENCE
        self.app = app
        self.voices = Voices(app)
        self.opened = asyncio.Event()
        self.trouble_with_commands: str | None = None
        self._answering: set[asyncio.Task[Any]] = set()
        self.tree = app_commands.CommandTree(
            self,
            allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True),
            allowed_installs=app_commands.AppInstallationType(guild=True),
        )
        self.tree.error(self._command_failed)
        add_commands(self.tree, self)
        self.places = Places(app, self)
        self.voice_commands = VoiceCommands(app, self.places)
        if aloud:
            self.tree.add_command(self.voice_commands)

    @property
    def own_id(self) -> int:
        return self.user.id if self.user else 0

    async def setup_hook(self) -> None:
        self.add_dynamic_items(ActionButton, ActionMenu)
        self.add_view(JoinView(texts.say("discord.join.button", "ja")))
        await self.tree.set_translator(Words())
        try:
            await self.tree.sync()
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            logger.warning("discord-commands-refused", extra={"reason": type(error).__name__})
            self.trouble_with_commands = type(error).__name__

    async def on_ready(self) -> None:
        self.opened.set()

    async def drain(self, within: float) -> None:
        """Wait, for so many seconds at most, until everybody who asked has an answer."""
        if self._answering:
            await asyncio.wait(self._answering, timeout=within)

    def _note_current_task(self) -> None:
        if (task := asyncio.current_task()) is not None:
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)

    # --- interactions -------------------------------------------------------------------------

    def is_staff(self, interaction: Interaction) -> bool:
        """Whether whoever typed or pressed this speaks for the town office."""
        return self.app.staff("discord", str(interaction.user.id))

    async def command(
        self, interaction: Interaction, name: str, *, text: str = "", public: bool = False
    ) -> None:
        """Answer one command; `public` where everybody may read the answer."""
        incoming = self._incoming(interaction, text=text, command=name)
        await self._answer(interaction, incoming, public=public)

    async def pressed(self, interaction: Interaction, action: str) -> None:
        """Answer a pressed button, for the eyes of who pressed it: by a form, if it opens one."""
        if action in BUTTONS:
            await self.voice_commands.pressed(interaction, action)
            return
        if action.startswith("heard:"):  # what was said is an answer to something else
            self.places.asked(interaction.guild_id, interaction.user.id)
        form = form_of(action, texts.nearest(str(interaction.locale)))
        if form is not None and self.is_staff(interaction):
            await interaction.response.send_modal(ActionForm(form, action))
            return
        await self._answer(interaction, self._incoming(interaction, action=action), public=False)

    async def filled_in(
        self, interaction: Interaction, action: str, text: str, upload: Upload | None
    ) -> None:
        """Answer a form."""
        incoming = self._incoming(interaction, text=text, action=action)
        await self._answer(interaction, replace(incoming, upload=upload), public=False)

    def _incoming(
        self,
        interaction: Interaction,
        *,
        text: str = "",
        command: str | None = None,
        action: str | None = None,
    ) -> Incoming:
        return Incoming(
            platform="discord",
            account=str(interaction.user.id),
            name=interaction.user.display_name,
            text=text,
            command=command,
            action=action,
            language=str(interaction.locale),
            chat=ChatKind.PRIVATE if interaction.guild_id is None else ChatKind.GROUP,
            thread=f"{interaction.channel_id}:{interaction.user.id}",
            update=str(interaction.id),
            has_forms=True,
        )

    async def _answer(self, interaction: Interaction, incoming: Incoming, *, public: bool) -> None:
        hidden = incoming.chat is ChatKind.GROUP and not public
        self._note_current_task()
        asked = self.places.asked(interaction.guild_id, interaction.user.id) if public else None
        try:
            await interaction.response.defer(ephemeral=hidden, thinking=True)
            reply = await self.app.conversation.handle(incoming)
            if reply is None:
                await interaction.delete_original_response()
            else:
                reply = self.places.answered(asked, interaction.channel, reply)
                await self._follow_up(interaction, incoming, reply, hidden=hidden)
        except Exception as error:  # noqa: BLE001  the edge: everything becomes words
            await self.apologise(interaction, error)

    async def _follow_up(
        self, interaction: Interaction, incoming: Incoming, reply: Reply, *, hidden: bool
    ) -> None:
        alone = reply.private and incoming.chat is ChatKind.GROUP and not hidden
        if alone:
            # What was deferred in public stays public and swallows the first follow-up, so it is
            # completed with something harmless, and goes when the private reply is there.
            await interaction.edit_original_response(
                content=texts.say("discord.private.here", reply.language)
            )
        for page in lay_out(reply):
            await interaction.followup.send(**page.arguments(), ephemeral=hidden or alone)
        if (note := await self.voices.note(reply)) is not None:
            await interaction.followup.send(file=file_of(note), ephemeral=hidden or alone)
        if alone:
            await interaction.delete_original_response()

    async def _command_failed(
        self, interaction: Interaction, error: app_commands.AppCommandError
    ) -> None:
        cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
        await self.apologise(interaction, cause)

    async def apologise(self, interaction: Interaction, error: Exception) -> None:
        """Say what went wrong, to the eyes of whoever asked."""
        if isinstance(error, discord.HTTPException) and error.code in _TOO_LATE:
            logger.warning("discord-interaction-too-late", extra={"discord_code": error.code})
            return
        words = _words_for(error, str(interaction.locale))
        hidden = interaction.guild_id is not None
        with suppress(discord.DiscordException, aiohttp.ClientError, OSError):
            if interaction.response.is_done():
                await interaction.followup.send(words, ephemeral=hidden)
            else:
                await interaction.response.send_message(words, ephemeral=hidden)

    # --- messages -----------------------------------------------------------------------------

    async def on_message(self, message: discord.Message) -> None:
        """Direct messages, and mentions of the bot or replies to it, are questions."""
        if message.author.id == self.own_id and message.guild is not None:
            await self.places.read(message)
        if message.author.bot or message.webhook_id or message.is_system():
            return
        direct = message.guild is None
        if not direct and self.user not in message.mentions and not self._answers_us(message):
            return
        text = re.sub(rf"<@!?{self.own_id}>", "", message.content).strip()
        recording = self.voices.recording(message)
        if not direct and not message.content and recording is None:
            return  # a reply that does not mention us comes without its text and its files
        incoming = Incoming(
            platform="discord",
            account=str(message.author.id),
            name=message.author.display_name,
            text=text,
            command=None if text or direct else "help",
            chat=ChatKind.PRIVATE if direct else ChatKind.GROUP,
            thread=f"{message.channel.id}:{message.author.id}",
            update=str(message.id),
        )
        self._note_current_task()
        asked = None
        if message.guild is not None:
            asked = self.places.asked(message.guild.id, message.author.id)
        try:
            with suppress(discord.DiscordException, aiohttp.ClientError, OSError):
                await message.channel.typing()
            if recording is not None:
                heard = await self.voices.hear(message, recording)
                if heard is None:
                    return
                incoming = replace(incoming, heard=heard, text="", command=None)
            reply = await self.app.conversation.handle(incoming)
            if reply is not None:
                reply = self.places.answered(asked, message.channel, reply)
                await self._reply_to(message, reply)
        except Exception as error:  # noqa: BLE001  the edge: everything becomes words
            with suppress(discord.DiscordException, aiohttp.ClientError, OSError):
                await _answer_under(message, content=_words_for(error, None))

    def _answers_us(self, message: discord.Message) -> bool:
        answered = message.reference.resolved if message.reference else None
        return isinstance(answered, discord.Message) and answered.author.id == self.own_id

    async def _reply_to(self, message: discord.Message, reply: Reply) -> None:
        if not reply.private or message.guild is None:
            first, *rest = lay_out(reply)
            await _answer_under(message, **first.arguments())
            for page in rest:
                await message.channel.send(**page.arguments())
            await self.voices.say(message.channel, reply)
            return
        try:
            opened = await self.http.start_private_message(message.author.id)
            target = self.get_partial_messageable(int(opened["id"]))
            for page in lay_out(reply):
                await target.send(**page.arguments())
            told = "sent"
        except discord.Forbidden:
            told = "closed"
        await _answer_under(message, content=texts.say(f"discord.private.{told}", reply.language))

    # --- voice channels -----------------------------------------------------------------------

    async def on_voice_state_update(
        self, member: discord.Member, before: discord.VoiceState, after: discord.VoiceState
    ) -> None:
        """Somebody came into a voice channel, left it or was moved; perhaps the mascot itself."""
        if before.channel != after.channel:
            self.places.look(member.guild.id)

    async def close(self) -> None:
        """Leave the voice channels, and hang up."""
        await self.places.close()
        await super().close()

    # --- members ------------------------------------------------------------------------------

    async def on_member_join(self, member: discord.Member) -> None:
        """Somebody we know came (back): their rooms are opened again on this server."""
        town = self.app.town.discord
        if town is None or member.guild.id != town.guild or member.bot:
            return
        try:
            async with transaction(self.app.sessions) as session:
                account = await find_account(session, "discord", str(member.id))
            if account is not None:
                await self.app.doorkeeper.recheck(account.member_id)
                self.app.happenings.tell("discord.happening.returned")
        except KankeiError as error:  # the next sweep, or /rooms, opens them
            logger.warning("discord-recheck-failed", extra={"code": error.code})

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        del args, kwargs  # they hold people's messages
        failure = sys.exc_info()[1]
        logger.error(
            "discord-event-failed", extra={"discord_event": event_method}, exc_info=failure
        )


async def _answer_under(message: discord.Message, **arguments: Any) -> None:
    """Reply to a message, or just write if it has been deleted meanwhile. Nobody is pinged."""
    reference = message.to_reference(fail_if_not_exists=False)
    await message.channel.send(reference=reference, mention_author=False, **arguments)


def _words_for(error: Exception, locale: str | None) -> str:
    """What a person reads when something went wrong. The log gets no message and no name."""
    code = error.code if isinstance(error, KankeiError) else KankeiError.code
    if isinstance(error, KankeiError):
        logger.warning("discord-answer-failed", extra={"code": code})
    else:
        logger.error("discord-answer-failed", extra={"code": code}, exc_info=error)
    key = f"errors.{code}" if texts.knows(f"errors.{code}") else f"errors.{KankeiError.code}"
    return texts.say(key, texts.nearest(locale))
