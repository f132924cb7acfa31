"""Menus, the join button and forms: what people see of the bot before it says anything."""

from typing import Any, Final

import discord
from discord import app_commands

from bots import texts
from bots.conversation import Form, Upload

JOIN_BUTTON: Final = "kankei:join"
TITLE_LIMIT: Final = 45  # of a form and of each label in it
BODY_LIMIT: Final = 4000  # Discord's own for a text input

Interaction = discord.Interaction[Any]

_LOCALES: Final = {
    discord.Locale.japanese: "ja",
    discord.Locale.american_english: "en",
    discord.Locale.british_english: "en",
    discord.Locale.taiwan_chinese: "zh-Hant",
    discord.Locale.chinese: "zh-Hans",
    discord.Locale.korean: "ko",
}


class Words(app_commands.Translator):
    """Discord's menus in the words of our locale files."""

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        del context
        key, language = string.extras.get("key"), _LOCALES.get(locale)
        return texts.say(key, language) if key and language else None


def described(name: str) -> app_commands.locale_str:
    """What the menu says of a command or of one of its blanks."""
    key = f"discord.command.{name}"
    return app_commands.locale_str(texts.say(key, "en"), key=key)


class JoinView(discord.ui.View):
    """The permanent button under which people become residents."""

    def __init__(self, label: str) -> None:
        super().__init__(timeout=None)
        self.add_item(_JoinButton(label))


class _JoinButton(discord.ui.Button[JoinView]):
    def __init__(self, label: str) -> None:
        super().__init__(label=label, style=discord.ButtonStyle.primary, custom_id=JOIN_BUTTON)

    async def callback(self, interaction: Interaction) -> None:
        await interaction.client.command(interaction, "join")


class ActionForm(discord.ui.Modal):
    """A form of the conversation; what is filled in goes back with its action."""

    def __init__(self, form: Form, action: str) -> None:
        super().__init__(title=form.title[:TITLE_LIMIT], timeout=3600)
        self.action = action
        self.blanks: list[discord.ui.TextInput[ActionForm]] = []
        self.file: discord.ui.FileUpload[ActionForm] | None = None
        if form.file:
            self.file = discord.ui.FileUpload(custom_id="file", max_values=1)
            self.add_item(discord.ui.Label(text=form.file[:TITLE_LIMIT], component=self.file))
        for number, blank in enumerate(form.blanks):
            style = discord.TextStyle.paragraph if blank.paragraph else discord.TextStyle.short
            box: discord.ui.TextInput[ActionForm] = discord.ui.TextInput(
                custom_id=f"blank{number}",
                style=style,
                max_length=min(blank.limit, BODY_LIMIT),
                required=blank.required,
            )
            self.blanks.append(box)
            self.add_item(discord.ui.Label(text=blank.label[:TITLE_LIMIT], component=box))

    async def on_submit(self, interaction: Interaction) -> None:
        *lines, last = [box.value for box in self.blanks]
        text = "\n".join([*(" ".join(each.split()) for each in lines), last])
        upload = _upload(self.file.values[0]) if self.file and self.file.values else None
        await interaction.client.filled_in(interaction, self.action, text, upload)


def _upload(attachment: discord.Attachment) -> Upload:
    return Upload(attachment.size, attachment.read)
