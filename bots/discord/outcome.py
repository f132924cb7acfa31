"""What became of a message, read from Discord's status and error codes.

https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
"""

from datetime import timedelta
from enum import IntEnum
from http import HTTPStatus
from typing import Final

import aiohttp
import discord

from core.announcements import Blocked, Failed, Flooded, InDoubt, NotSent, Outcome


class ErrorCode(IntEnum):
    """Discord's JSON error codes that mean something to us."""

    UNKNOWN_CHANNEL = 10003
    UNKNOWN_MESSAGE = 10008
    UNKNOWN_USER = 10013
    SLOW_MODE = 20016
    FLAGGED_AS_SPAM = 20026
    CHANNEL_WRITE_LIMIT = 20028
    SERVER_WRITE_LIMIT = 20029
    DIRECT_MESSAGES_OPENED_TOO_FAST = 40003
    SENDING_SWITCHED_OFF = 40004
    RESOURCE_LIMITED = 40062
    CLOSED_TO_US = 50007
    NO_COMMON_SERVER = 50278
    OVERLOADED = 130000


_NOBODY_THERE: Final = frozenset(
    {ErrorCode.CLOSED_TO_US, ErrorCode.NO_COMMON_SERVER, ErrorCode.UNKNOWN_USER}
)
_NOT_NOW: Final = frozenset(
    {ErrorCode.SLOW_MODE, ErrorCode.SENDING_SWITCHED_OFF, ErrorCode.OVERLOADED}
)
_WRITE_LIMITS: Final = frozenset(
    {ErrorCode.CHANNEL_WRITE_LIMIT, ErrorCode.SERVER_WRITE_LIMIT, ErrorCode.RESOURCE_LIMITED}
)
MESSAGE_GONE: Final = Failed("the message is gone")
_NAMED: Final[dict[int, str]] = {
    ErrorCode.FLAGGED_AS_SPAM: "Discord's anti-spam has flagged the bot: see the developer portal",
    ErrorCode.UNKNOWN_CHANNEL: "the channel is gone",
    ErrorCode.UNKNOWN_MESSAGE: MESSAGE_GONE.reason,
}

OPENING_TOO_FAST: Final = timedelta(minutes=1)
WRITING_TOO_FAST: Final = timedelta(seconds=30)
BANNED_FOR: Final = timedelta(minutes=10)


def before_anything(error: Exception) -> Outcome:
    """What opening a conversation failed with: no message has been written yet."""
    outcome = outcome_of(error)
    return NotSent(outcome.reason) if isinstance(outcome, InDoubt) else outcome


def outcome_of(error: Exception) -> Outcome:
    """What became of a message whose sending ended in `error`."""
    match error:
        case discord.RateLimited():
            return Flooded(timedelta(seconds=error.retry_after))
        case discord.HTTPException():
            return _refused(error)
        case aiohttp.ClientConnectorError():
            return NotSent(type(error).__name__)
        case _:
            return InDoubt(type(error).__name__)


def _refused(error: discord.HTTPException) -> Outcome:
    code, status = error.code, error.status
    if code == ErrorCode.DIRECT_MESSAGES_OPENED_TOO_FAST:
        return Flooded(OPENING_TOO_FAST)
    if code in _WRITE_LIMITS:
        return Flooded(_asked_pause(error, WRITING_TOO_FAST))
    if code in _NOT_NOW:
        return NotSent(f"Discord {code}")
    if code in _NOBODY_THERE:
        return Blocked(f"Discord {code}")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Flooded(_asked_pause(error, BANNED_FOR))
    if status == HTTPStatus.UNAUTHORIZED:
        return NotSent("Discord refused the token")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return InDoubt(f"HTTP {status}")
    return Failed(_NAMED.get(code, f"HTTP {status}, Discord {code}"))


def _asked_pause(error: discord.HTTPException, default: timedelta) -> timedelta:
    """How long a 429 that the library does not wait for asks for; such ones are bans."""
    asked = error.response.headers.get("Retry-After", "")
    return timedelta(seconds=float(asked)) if asked.isdigit() else default
