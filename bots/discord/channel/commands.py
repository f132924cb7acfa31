"""``/voice``: bring the mascot into a voice channel, stop it, send it away."""

import logging
from typing import TYPE_CHECKING, Any, Final, Literal

import discord
from discord import app_commands

from bots import texts
from bots.conversation import Button
from bots.discord.channel.places import LEAVE, STOP, CannotEnter, Places
from bots.discord.channel.speaker import Speaker
from bots.discord.layout import buttons, escape
from core import audit
from core.database import transaction
from core.errors import NotAllowed

if TYPE_CHECKING:  # the app builds its adapters, so they cannot import it
    from bots.app import App

logger = logging.getLogger(__name__)

Interaction = discord.Interaction[Any]

BUTTONS: Final = frozenset({STOP, LEAVE})
"""Actions of buttons that are answered here and not by the conversation."""


class VoiceCommands(app_commands.Group):
    """The command with its parts, for servers only."""

    def __init__(self, app: "App", places: Places) -> None:
        super().__init__(name="voice", description=_described("voice"), guild_only=True)
        self._app = app
        self._places = places
        for name, callback in (
            ("join", self._join),
            ("leave", self._leave),
            ("stop", self._stop),
            ("announcements", self._announcements),
        ):
            self.add_command(_command(name, callback))

    async def pressed(self, interaction: Interaction, action: str) -> None:
        """Answer one of our buttons."""
        await (self._stop if action == STOP else self._leave)(interaction)

    # --- what each does -----------------------------------------------------------------------

    async def _join(self, interaction: Interaction) -> None:
        channel = _channel_of(interaction)
        if not isinstance(channel, discord.VoiceChannel):
            await _say(interaction, "cannot.stage" if channel is not None else "cannot.nowhere")
            return
        staff = self._is_staff(interaction)
        try:
            self._places.check(channel, staff=staff)
            await interaction.response.defer(thinking=True)
            await self._places.enter(channel, staff=staff)
        except CannotEnter as error:
            await _say(interaction, f"cannot.{error.key}", **_worded(error, interaction))
            return
        language = _language(interaction)
        rows = [
            (Button(texts.say("voice-channel.stop.button", language), action=STOP),),
            (Button(texts.say("voice-channel.leave.button", language), action=LEAVE),),
        ]
        await interaction.followup.send(
            _words(interaction, "join.done", channel=channel.name),
            view=buttons(rows) or discord.utils.MISSING,
        )

    async def _leave(self, interaction: Interaction) -> None:
        if await self._here(interaction) is None or interaction.guild_id is None:
            return
        await interaction.response.defer(ephemeral=True, thinking=True)
        await self._places.leave(interaction.guild_id)
        await _say(interaction, "leave.done")

    async def _stop(self, interaction: Interaction) -> None:
        if (speaker := await self._here(interaction)) is not None:
            await _say(interaction, "stop.done" if speaker.stop() else "stop.nothing")

    async def _announcements(self, interaction: Interaction, switch: Literal["on", "off"]) -> None:
        if not self._is_staff(interaction):
            raise NotAllowed("voice announcements")
        if (speaker := await self._here(interaction)) is None:
            return
        on = switch == "on"
        if speaker.reads_announcements != on:
            speaker.reads_announcements = on
            await self._note(interaction, on=on)
        await _say(interaction, f"announcement.{switch}", channel=speaker.line.channel.name)

    async def _here(self, interaction: Interaction) -> Speaker | None:
        """Who speaks, for those who hear it and for staff; the others are told why not."""
        speaker = self._places.speaker(interaction.guild_id)
        if speaker is None:
            await _say(interaction, "cannot.not-there")
            return None
        if interaction.user.id in speaker.line.channel.voice_states or self._is_staff(interaction):
            return speaker
        await _say(interaction, "cannot.not-yours", channel=speaker.line.channel.name)
        return None

    def _is_staff(self, interaction: Interaction) -> bool:
        return self._app.staff("discord", str(interaction.user.id))

    async def _note(self, interaction: Interaction, *, on: bool) -> None:
        action = "staff.read-aloud-on" if on else "staff.read-aloud-off"
        async with transaction(self._app.sessions) as session:
            await audit.record(
                session,
                actor=self._app.settings.staff_name("discord", str(interaction.user.id)),
                action=action,
                now=self._app.clock(),
            )


def _described(name: str) -> app_commands.locale_str:
    key = f"voice-channel.command.{name}"
    return app_commands.locale_str(texts.say(key, "en"), key=key)


def _command(name: str, callback: Any) -> app_commands.Command[Any, ..., None]:
    command: app_commands.Command[Any, ..., None]
    if name == "announcements":

        @app_commands.describe(switch=_described("switch"))
        async def switched(interaction: discord.Interaction, switch: Literal["on", "off"]) -> None:
            await callback(interaction, switch)

        command = app_commands.Command(name=name, description=_described(name), callback=switched)
        return command

    async def plain(interaction: discord.Interaction) -> None:
        await callback(interaction)

    return app_commands.Command(name=name, description=_described(name), callback=plain)


def _channel_of(interaction: Interaction) -> discord.abc.GuildChannel | None:
    """Where somebody is listening."""
    state = interaction.user.voice if isinstance(interaction.user, discord.Member) else None
    return state.channel if state is not None else None


def _language(interaction: Interaction) -> str:
    return texts.nearest(str(interaction.locale))


def _words(interaction: Interaction, key: str, **values: object) -> str:
    shown = {name: escape(str(each)) for name, each in values.items()}
    return texts.say(f"voice-channel.{key}", _language(interaction), **shown)


def _worded(error: CannotEnter, interaction: Interaction) -> dict[str, object]:
    """The values of a refusal; rights as Discord's own menus call them."""
    values = dict(error.values)
    if isinstance(lacking := values.pop("lacking", None), list):
        language = _language(interaction)
        names = (texts.say(f"voice-channel.right.{each}", language) for each in lacking)
        values["rights"] = texts.say("voice-channel.right.between", language).join(names)
    return values


async def _say(interaction: Interaction, key: str, **values: object) -> None:
    """To who asked alone, unless it was begun before everybody."""
    words = _words(interaction, key, **values)
    if interaction.response.is_done():
        await interaction.followup.send(words, ephemeral=True)
    else:
        await interaction.response.send_message(words, ephemeral=True)
