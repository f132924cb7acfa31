"""The slash commands of a town's server: their names, their blanks, and what each is handed on as.

Descriptions are keys; Discord shows them in each person's language (`forms.Words`).
"""

from collections.abc import Callable, Coroutine
from typing import Any, Final, Protocol

import discord
from discord import app_commands

from bots.discord.forms import described
from core.errors import NotAllowed

Interaction = discord.Interaction[Any]
Callback = Callable[[discord.Interaction], Coroutine[Any, Any, None]]

PLAIN: Final = ("start", "join", "rooms", "card", "perks", "events", "language", "mydata", "help")
QUESTION_LIMIT: Final = 1000


class Answering(Protocol):
    """Who answers what was typed: `handlers.TownClient`."""

    async def command(
        self, interaction: Interaction, name: str, *, text: str = "", public: bool = False
    ) -> None: ...

    async def pressed(self, interaction: Interaction, action: str) -> None: ...

    async def apologise(self, interaction: Interaction, error: Exception) -> None: ...

    def is_staff(self, interaction: Interaction) -> bool: ...


def add_commands(
    tree: app_commands.CommandTree[Any],
    client: Answering,
) -> None:
    """Put every command into the tree."""
    for name in PLAIN:
        _add(tree, name, _plain(client, name))
    _add(tree, "ask", _ask(client))
    _add(tree, "code", _code(client))
    _add(tree, "settings", _settings(client))
    _add(tree, "announce", _announce(client))
    _add(tree, "answer", _answer_question(client))


def _add(
    tree: app_commands.CommandTree[Any],
    name: str,
    callback: Callable[..., Coroutine[Any, Any, None]],
) -> None:
    command: app_commands.Command[Any, ..., None] = app_commands.Command(
        name=name, description=described(name), callback=callback
    )
    tree.add_command(command)


def _plain(client: Answering, name: str) -> Callback:
    async def callback(interaction: discord.Interaction) -> None:
        await client.command(interaction, name)

    return callback


def _ask(client: Answering) -> Callable[..., Coroutine[Any, Any, None]]:
    @app_commands.describe(question=described("ask_question"))
    async def callback(
        interaction: discord.Interaction,
        question: app_commands.Range[str, 1, QUESTION_LIMIT],
    ) -> None:
        await client.command(interaction, "ask", text=question, public=True)

    return callback


def _code(client: Answering) -> Callable[..., Coroutine[Any, Any, None]]:
    @app_commands.describe(code=described("code_text"))
    async def callback(
        interaction: discord.Interaction, code: app_commands.Range[str, 1, 100] | None = None
    ) -> None:
        await client.command(interaction, "code", text=code or "")

    return callback


def _settings(client: Answering) -> Callable[..., Coroutine[Any, Any, None]]:
    @app_commands.describe(place=described("settings_place"))
    async def callback(
        interaction: discord.Interaction, place: app_commands.Range[str, 1, 80] | None = None
    ) -> None:
        await client.command(interaction, "settings", text=place or "")

    return callback


def _answer_question(client: Answering) -> Callable[..., Coroutine[Any, Any, None]]:
    @app_commands.describe(number=described("answer_number"), text=described("answer_text"))
    async def callback(
        interaction: discord.Interaction,
        number: app_commands.Range[int, 1] | None = None,
        text: app_commands.Range[str, 1, QUESTION_LIMIT] | None = None,
    ) -> None:
        words = " ".join(str(each) for each in (number, text) if each is not None)
        await client.command(interaction, "answer", text=words)

    return callback


def _announce(client: Answering) -> Callable[..., Coroutine[Any, Any, None]]:
    @app_commands.describe(drafts=described("announce_drafts"))
    async def callback(interaction: discord.Interaction, *, drafts: bool = False) -> None:
        """A form for something new, or what was begun and how the last ones go."""
        if not client.is_staff(interaction):
            await client.apologise(interaction, NotAllowed("announce"))
        elif drafts:
            await client.command(interaction, "announce")
        else:
            await client.pressed(interaction, "announce:new")

    return callback
