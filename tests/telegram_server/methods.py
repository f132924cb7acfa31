"""The Bot API's methods: a table of them by name, and those about the bot itself.

Every method is a function of the world and the parameters; what it returns is the `result`.
Names are matched without regard to case, as the Bot API does.
"""

import json
import re
from collections.abc import Callable
from typing import Any

from tests.telegram_server.api import ApiError, Json, Params, bad_request, forbidden
from tests.telegram_server.nouns import (
    Account,
    CallbackAnswer,
    Chat,
    ChatKind,
    Status,
)
from tests.telegram_server.world import World

Method = Callable[[World, Params], Any]
METHODS: dict[str, Method] = {}
CALLBACK_LIFETIME_SECONDS = 15 * 60

_KIND_NAMES = {
    ChatKind.GROUP: "group chat",
    ChatKind.SUPERGROUP: "supergroup chat",
    ChatKind.CHANNEL: "channel chat",
}


def method(*names: str) -> Callable[[Method], Method]:
    """Enter a function into the table under the Bot API's names for it."""

    def enter(function: Method) -> Method:
        for name in names:
            METHODS[name.lower()] = function
        return function

    return enter


def call(world: World, name: str, params: Params) -> Any:
    """Carry out one method. Raises `ApiError`: 404 for a name there is none of."""
    function = METHODS.get(name.lower())
    if function is None:
        raise ApiError(404, "Not Found")
    return function(world, params)


def find_chat(world: World, params: Params, name: str = "chat_id") -> Chat:
    """Return the chat a request names by number or @username. Raises 400, 403."""
    text = params.text(name)
    if not text:
        raise bad_request(f"{name} is empty")
    if text.startswith("@"):
        wanted = text[1:].lower()
        named = (each for each in world.chats.values() if (each.username or "").lower() == wanted)
        chat = next(named, None)
    elif not re.fullmatch(r"-?\d{1,19}", text):
        raise bad_request("chat not found")
    else:
        chat = world.chats.get(int(text))
        if chat is None and int(text) in world.accounts:
            chat = world.private_chat(world.accounts[int(text)])
    if chat is None:
        raise bad_request("chat not found")
    if chat.migrated_to is not None:
        raise bad_request(
            "group chat was upgraded to a supergroup chat", migrate_to_chat_id=chat.migrated_to
        )
    return chat


def find_joined_chat(world: World, params: Params) -> Chat:
    """Return a group or channel the bot is in. Raises 403 when it is not."""
    chat = find_chat(world, params)
    if chat.kind is ChatKind.PRIVATE:
        raise bad_request("method is available for supergroup and channel chats only")
    require_joined(world, chat)
    return chat


def require_joined(world: World, chat: Chat) -> None:
    standing = world.standing(chat, world.bot)
    if not standing.inside:
        was = "was kicked from" if standing.status is Status.KICKED else "is not a member of"
        raise forbidden(f"bot {was} the {_KIND_NAMES[chat.kind]}")


def require_right(world: World, chat: Chat, right: str, refusal: str) -> None:
    if not world.standing(chat, world.bot).can(right):
        raise bad_request(refusal)


def find_account(world: World, params: Params, unknown: str) -> Account:
    """Return the account a request names; `unknown` is how its absence is worded."""
    number = params.integer("user_id")
    if not number:
        raise bad_request("invalid user_id specified")
    if number not in world.accounts:
        raise bad_request(unknown)
    return world.accounts[number]


@method("getMe")
def get_me(world: World, _: Params) -> Json:
    return {
        **world.bot.json(),
        "can_join_groups": True,
        "can_read_all_group_messages": not world.privacy_mode,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
        "has_topics_enabled": False,
        "allows_users_to_create_topics": False,
        "can_manage_bots": False,
        "supports_guest_queries": False,
    }


@method("logOut", "close")
def leave_server(_: World, __: Params) -> bool:
    return True


@method("answerCallbackQuery")
def answer_callback_query(world: World, params: Params) -> bool:
    callback = world.callbacks.get(params.text("callback_query_id"))
    if callback is None or callback.date + CALLBACK_LIFETIME_SECONDS < world.now():
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    text = params.text("text")
    if len(text) > 200:
        raise bad_request("MESSAGE_TOO_LONG")
    callback.answer = CallbackAnswer(text, params.boolean("show_alert"), params.text("url"))
    return True


@method("setMyCommands")
def set_my_commands(world: World, params: Params) -> bool:
    commands = params.array("commands", "commands")
    if commands is None:
        raise bad_request("commands is empty")
    if len(commands) > 100:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    kept = [_checked_command(each) for each in commands]
    world.commands[_command_place(world, params)] = kept
    return True


def _checked_command(command: Any) -> Json:
    if not isinstance(command, dict):
        raise bad_request("expected an Array of BotCommand")
    name = str(command.get("command", "")).removeprefix("/")
    description = str(command.get("description", ""))
    if not re.fullmatch(r"[a-z0-9_]{1,32}", name):
        raise bad_request("BOT_COMMAND_INVALID")
    if not 1 <= len(description) <= 256:
        raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    return {"command": name, "description": description}


@method("getMyCommands")
def get_my_commands(world: World, params: Params) -> list[Json]:
    return world.commands.get(_command_place(world, params), [])


@method("deleteMyCommands")
def delete_my_commands(world: World, params: Params) -> bool:
    world.commands.pop(_command_place(world, params), None)
    return True


_SCOPES: dict[str, tuple[str, ...]] = {
    "default": (),
    "all_private_chats": (),
    "all_group_chats": (),
    "all_chat_administrators": (),
    "chat": ("chat_id",),
    "chat_administrators": ("chat_id",),
    "chat_member": ("chat_id", "user_id"),
}


def _command_place(world: World, params: Params) -> tuple[str, str]:
    """Return the scope, written in one way only, and the language."""
    scope = params.object("scope", "BotCommandScope") or {"type": "default"}
    kind = str(scope.get("type", ""))
    if kind not in _SCOPES:
        raise bad_request("can't parse BotCommandScope: Unsupported type specified")
    language = params.text("language_code")
    if language and not re.fullmatch(r"[a-z]{2}", language):
        raise bad_request("invalid language code specified")
    place: Json = {"type": kind}
    for name in _SCOPES[kind]:
        if name == "chat_id":
            place[name] = find_chat(world, Params(scope)).id
        else:
            place[name] = Params(scope).integer(name)
    return scope_key(**place), language


def scope_key(**scope: Any) -> str:
    return json.dumps(scope, sort_keys=True)


@method("setMyName", "setMyDescription", "setMyShortDescription", "setChatMenuButton",
        "setMyDefaultAdministratorRights")  # fmt: skip
def accept_profile(world: World, params: Params) -> bool:
    for name in ("name", "description", "short_description"):
        if name in params.values:
            world.profile[name, params.text("language_code")] = params.text(name)
    return True


def _profile_reader(name: str) -> Method:
    def read(world: World, params: Params) -> Json:
        language = params.text("language_code")
        general = world.profile.get((name, ""), "")
        return {name: world.profile.get((name, language), general)}

    return read


METHODS["getmyname"] = _profile_reader("name")
METHODS["getmydescription"] = _profile_reader("description")
METHODS["getmyshortdescription"] = _profile_reader("short_description")
METHODS["getchatmenubutton"] = lambda _, __: {"type": "default"}
