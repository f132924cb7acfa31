"""Sending: one announcement to many, laid out once, and of each answer only the numbers read.

`Bot.send_message` makes a message of every answer, with its chat, author and entities, and turns
the same buttons into JSON for every person: a third of what sending costs. `Bot.do_api_request` is
the library's way past that. It warns where the library has a method of the same name, so the names
here are in lower case, which is all the same to Telegram.

https://core.telegram.org/bots/api#making-requests (methods are case-insensitive)
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from telegram import Bot, InlineKeyboardMarkup, InputFile
from telegram.constants import ParseMode
from telegram.error import EndPointNotFound, InvalidToken, NetworkError

from bots.telegram.layout import lay_out_outgoing, outgoing_keyboard
from core.announcements import Outgoing

NO_PREVIEW: Final = '{"is_disabled": true}'  # LinkPreviewOptions
MOST_KEPT: Final = 16  # a picture has up to 500 kB


@dataclass(frozen=True, slots=True)
class Laid:
    """An announcement as Telegram shows it. More than one part is too long to be sent."""

    parts: tuple[str, ...]  # in the HTML style
    keyboard: InlineKeyboardMarkup | None
    buttons: str | None  # the keyboard as JSON


@dataclass(frozen=True, slots=True)
class Sent:
    """What arrived where."""

    chat: int
    number: int
    file_id: str | None = None  # of the picture, in its largest size


@lru_cache(MOST_KEPT)
def laid_out(message: Outgoing) -> Laid:
    """The same for everybody who reads the same language."""
    keyboard = outgoing_keyboard(message)
    buttons = keyboard.to_json() if keyboard is not None else None
    return Laid(tuple(lay_out_outgoing(message)), keyboard, buttons)


async def send_words(bot: Bot, chat: int, message: Outgoing, *, paid: bool | None) -> Sent:
    """Raises what Telegram refused."""
    return await _send(
        bot, "sendmessage", chat, message, "text", link_preview_options=NO_PREVIEW, paid=paid
    )


async def send_picture(
    bot: Bot, chat: int, photo: InputFile | str, message: Outgoing, *, paid: bool | None
) -> Sent:
    """A picture with the words as its caption. Raises what Telegram refused."""
    return await _send(bot, "sendphoto", chat, message, "caption", photo=photo, paid=paid)


async def _send(
    bot: Bot,
    method: str,
    chat: int,
    message: Outgoing,
    words: str,
    *,
    paid: bool | None,
    **more: object,
) -> Sent:
    laid = laid_out(message)
    asked = {
        "chat_id": chat,
        words: laid.parts[0],
        "parse_mode": ParseMode.HTML,
        "reply_markup": laid.buttons,
        "allow_paid_broadcast": paid,
        **more,
    }
    try:
        answer = await bot.do_api_request(method, asked)
    except EndPointNotFound as error:  # the method is there: it is the token that is not
        raise InvalidToken(error.message) from error
    return _read(answer)


def _read(answer: Any) -> Sent:
    try:
        photo = answer.get("photo")
        file_id = str(photo[-1]["file_id"]) if photo else None
        return Sent(int(answer["chat"]["id"]), int(answer["message_id"]), file_id)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise NetworkError("Telegram's answer is no message; it may have arrived") from error
