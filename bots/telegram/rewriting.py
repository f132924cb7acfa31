"""Rewriting: other words in a message that is there already.

Telegram edits a text and the caption of a picture by two methods, and refuses the wrong one. It
sets no time limit for what a bot itself has written.

https://core.telegram.org/bots/api#editmessagetext, #editmessagecaption
"""

from dataclasses import dataclass

from telegram import Bot, InlineKeyboardMarkup, LinkPreviewOptions
from telegram.constants import ParseMode
from telegram.error import BadRequest

from bots.telegram.outcome import holds_other_content, is_as_asked


@dataclass(frozen=True, slots=True)
class Rewriting:
    """What a message is to say from now on."""

    words: str  # in the HTML style
    buttons: InlineKeyboardMarkup | None = None
    captioned: bool = False  # whether it is thought to be a picture

    async def apply(self, bot: Bot, number: int, chat: int) -> bool:
        """Replace the words; returns whether they were a caption. What reads so already is done.

        Raises what Telegram refused.
        """
        try:
            await self._replace(bot, number, chat, captioned=self.captioned)
        except BadRequest as error:
            if not holds_other_content(error):
                return self._settled(error, captioned=self.captioned)
        else:
            return self.captioned
        try:
            await self._replace(bot, number, chat, captioned=not self.captioned)
        except BadRequest as error:
            return self._settled(error, captioned=not self.captioned)
        return not self.captioned

    def _settled(self, error: BadRequest, *, captioned: bool) -> bool:
        if not is_as_asked(error):
            raise error
        return captioned

    async def _replace(self, bot: Bot, number: int, chat: int, *, captioned: bool) -> None:
        if captioned:
            await bot.edit_message_caption(
                chat,
                number,
                caption=self.words,
                parse_mode=ParseMode.HTML,
                reply_markup=self.buttons,
            )
            return
        await bot.edit_message_text(
            self.words,
            chat,
            number,
            parse_mode=ParseMode.HTML,
            link_preview_options=LinkPreviewOptions(is_disabled=True),
            reply_markup=self.buttons,
        )
