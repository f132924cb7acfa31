"""What became of a message, read from Telegram's refusals.

The words of a refusal are the only thing that tells some of them apart; they are those of
``tdlib/telegram-bot-api`` and of the servers behind it, compared without regard to case.
"""

import re
from datetime import timedelta
from typing import Final

from telegram.error import (
    BadRequest,
    Forbidden,
    InvalidToken,
    RetryAfter,
    TelegramError,
)

from bots.telegram import transport
from core.announcements import (
    Blocked,
    Failed,
    Flooded,
    InDoubt,
    NotSent,
    Outcome,
)

UNNAMED_PAUSE: Final = timedelta(seconds=5)
"""A flood whose answer names no pause."""

_NOBODY_THERE: Final = re.compile(
    r"chat not found|user not found|peer_id_invalid|user_id_invalid|deactivated|user_is_blocked",
    re.IGNORECASE,
)
_NOT_NOW: Final = re.compile(r"balance_too_low|slow ?mode", re.IGNORECASE)
_TOO_LARGE: Final = re.compile(r"entity too large", re.IGNORECASE)
_TOO_MANY: Final = re.compile(r"too many requests", re.IGNORECASE)
_AS_ASKED: Final = re.compile(r"message is not modified", re.IGNORECASE)
_GONE: Final = re.compile(
    r"message to (delete|edit) not found|message_id_invalid|message identifier is not specified",
    re.IGNORECASE,
)
_TOO_OLD: Final = re.compile(r"message can't be deleted", re.IGNORECASE)


def reason(error: TelegramError) -> str:
    """Telegram's words without what they quote: a quoted address may be a personal link."""
    bare = re.sub(r"\S*://\S*", "…", error.message)
    return re.sub(r"'[^']*'|\"[^\"]*\"|`[^`]*`", "…", bare)[:200]


def pause(error: RetryAfter) -> timedelta:
    given = error.retry_after
    return given if isinstance(given, timedelta) else timedelta(seconds=given)


def outcome_of(error: TelegramError, *, direct: bool) -> Outcome:
    """What became of a message whose sending ended in `error`.

    A person who cannot be written to is left alone (`Blocked`); a room has `Failed`, since staff
    can mend it. What Telegram refused, it did not do; what it stumbled over itself is in doubt.
    """
    outcome: Outcome
    match error:
        case RetryAfter():
            outcome = Flooded(pause(error))
        case InvalidToken():
            outcome = NotSent("Telegram refused the token")
        case transport.NotSent():
            outcome = NotSent(reason(error))
        case Forbidden() if direct:
            outcome = Blocked(reason(error))
        case BadRequest() if direct and _NOBODY_THERE.search(error.message):
            outcome = Blocked(reason(error))
        case BadRequest() if _NOT_NOW.search(error.message):
            outcome = NotSent(reason(error))
        case Forbidden() | BadRequest():
            outcome = Failed(reason(error))
        case _ if _TOO_LARGE.search(error.message):
            outcome = Failed(reason(error))
        case _ if _TOO_MANY.search(error.message):
            outcome = Flooded(UNNAMED_PAUSE)
        case _:
            outcome = InDoubt(reason(error))
    return outcome


def is_as_asked(error: TelegramError) -> bool:
    """Whether a change was refused because the message reads so already."""
    return isinstance(error, BadRequest) and _AS_ASKED.search(error.message) is not None


def is_gone(error: TelegramError) -> bool:
    """Whether the message that was to be taken away is not there (any more)."""
    return isinstance(error, BadRequest) and _GONE.search(error.message) is not None


def is_too_old(error: TelegramError) -> bool:
    """Whether Telegram no longer lets a bot delete the message: after 48 hours, in every chat.

    https://core.telegram.org/bots/api#deletemessage
    """
    return isinstance(error, BadRequest) and _TOO_OLD.search(error.message) is not None


def holds_other_content(error: TelegramError) -> bool:
    """Whether a message was to be edited as text that is a picture, or the other way round."""
    words = error.message.lower()
    return isinstance(error, BadRequest) and (
        "no text in the message" in words or "no caption in the message" in words
    )
