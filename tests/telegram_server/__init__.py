"""A stateful Telegram Bot API server for tests, spoken to over real HTTP by an unmodified client.

async with TelegramServer() as server:
    hana = server.user("花子", language="ja")
    await hana.sends("/start")
    welcome = await hana.next_message()
    press = await hana.presses("参加する", welcome)
    assert (await press.answer()).text == ""
"""

from tests.telegram_server.actors import Press, RefusedError, User
from tests.telegram_server.desk import Request
from tests.telegram_server.markup import Button
from tests.telegram_server.nouns import (
    CallbackAnswer,
    Chat,
    ChatKind,
    File,
    Member,
    Message,
    Status,
    rights_in,
)
from tests.telegram_server.server import TelegramServer
from tests.telegram_server.troubles import Limits
from tests.telegram_server.updates import Backoff

__all__ = [
    "Backoff",
    "Button",
    "CallbackAnswer",
    "Chat",
    "ChatKind",
    "File",
    "Limits",
    "Member",
    "Message",
    "Press",
    "RefusedError",
    "Request",
    "Status",
    "TelegramServer",
    "User",
    "rights_in",
]
