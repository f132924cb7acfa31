"""Methods that send, edit and delete messages and files.

https://core.telegram.org/bots/api#available-methods and #updating-messages. Lengths are counted in
characters after the entities were parsed.
"""

from typing import Any

from tests.telegram_server.api import (
    MAX_CAPTION,
    MAX_DOWNLOAD_BYTES,
    MAX_PHOTO_BYTES,
    MAX_TEXT,
    MAX_UPLOAD_BYTES,
    ApiError,
    Json,
    Params,
    Upload,
    bad_request,
    forbidden,
)
from tests.telegram_server.markup import checked_markup, parse_html, trimmed, with_detected
from tests.telegram_server.methods import find_chat, method, require_joined
from tests.telegram_server.nouns import (
    Account,
    Chat,
    ChatKind,
    File,
    Message,
    Status,
)
from tests.telegram_server.world import World

_ACTIONS = {
    "typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice",
    "upload_document", "choose_sticker", "find_location", "record_video_note",
    "upload_video_note",
}  # fmt: skip
DELETABLE_SECONDS = 48 * 3600
_IMAGE_STARTS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"RIFF", b"BM")


def writable_chat(world: World, params: Params, permission: str) -> Chat:
    """Return the chat a message goes to. Raises 400 or 403 where the bot may not write."""
    chat = find_chat(world, params)
    if chat.person is not None:
        _require_reachable(world, chat.person)
        return chat
    require_joined(world, chat)
    standing = world.standing(chat, world.bot)
    if chat.kind is ChatKind.CHANNEL:
        if not standing.can("can_post_messages"):
            raise bad_request("need administrator rights in the channel chat")
        return chat
    allowed = chat.permissions
    if standing.status is Status.RESTRICTED:
        allowed &= standing.permissions
    if not standing.manages and permission not in allowed:
        what = permission.removeprefix("can_send_").replace("messages", "text messages")
        raise bad_request(f"not enough rights to send {what} to the chat")
    return chat


def _require_reachable(world: World, person: Account) -> None:
    if person.is_bot:
        raise forbidden("bot can't send messages to bots")
    if person.deactivated:
        raise forbidden("user is deactivated")
    if person.blocks_bot:
        raise forbidden("bot was blocked by the user")
    if not world.may_contact(person):
        raise forbidden("bot can't initiate conversation with a user")


def _read_text(params: Params, name: str, limit: int) -> tuple[str, list[Json]]:
    """Return plain text and entities of a text or caption, as they will be shown."""
    is_text = name == "text"
    raw, mode = params.text(name), params.text("parse_mode").lower()
    if is_text and not raw:
        raise bad_request("message text is empty")
    if mode == "html":
        text, entities = parse_html(raw)
    elif mode in {"markdown", "markdownv2"}:
        raise bad_request("the test server does not cover Markdown: use HTML or entities")
    elif mode:
        raise bad_request("unsupported parse_mode")
    else:
        given = params.array("entities" if is_text else "caption_entities", "MessageEntity")
        text, entities = raw, [dict(each) for each in given or []]
    text, entities = trimmed(text, entities)
    if is_text and not text:
        raise bad_request("text must be non-empty")
    if len(text) > limit:
        raise bad_request("message is too long" if is_text else "message caption is too long")
    return text, with_detected(text, entities)


def _read_options(world: World, params: Params, chat: Chat) -> Json:
    """Return what all messages have in common: reply, topic, keyboard, further fields."""
    thread = params.integer("message_thread_id") or None
    if thread is not None and thread not in chat.topics:
        raise bad_request("message thread not found")
    markup = params.object("reply_markup", "reply keyboard markup")
    shown: Json = {}
    if params.boolean("protect_content"):
        shown["has_protected_content"] = True
    preview = params.object("link_preview_options", "link preview options")
    if preview is not None:
        shown["link_preview_options"] = preview
    return {
        "thread": thread,
        "reply_markup": checked_markup(markup, private=chat.kind is ChatKind.PRIVATE),
        "reply_to": _read_reply(world, params, chat),
        "shown": shown,
    }


def _read_reply(world: World, params: Params, chat: Chat) -> Message | None:
    reply = params.object("reply_parameters", "reply parameters")
    if reply is None:
        if not params.has("reply_to_message_id"):
            return None
        reply = {"message_id": params.integer("reply_to_message_id")}
        reply["allow_sending_without_reply"] = params.boolean("allow_sending_without_reply")
    place = find_chat(world, Params(reply)) if "chat_id" in reply else chat
    message = place.messages.get(Params(reply).integer("message_id"))
    if message is not None and not message.deleted:
        return message
    if Params(reply).boolean("allow_sending_without_reply"):
        return None
    raise bad_request("message to be replied not found")


@method("sendMessage")
def send_message(world: World, params: Params) -> Json:
    chat = writable_chat(world, params, "can_send_messages")
    text, entities = _read_text(params, "text", MAX_TEXT)
    options = _read_options(world, params, chat)
    sent = world.post(chat, world.bot, text=text, entities=entities, **options)
    return sent.json()


@method("sendDocument")
def send_document(world: World, params: Params) -> Json:
    return _send_file(world, params, "document")


@method("sendPhoto")
def send_photo(world: World, params: Params) -> Json:
    return _send_file(world, params, "photo")


@method("sendVoice")
def send_voice(world: World, params: Params) -> Json:
    return _send_file(world, params, "voice")


@method("sendAudio")
def send_audio(world: World, params: Params) -> Json:
    return _send_file(world, params, "audio")


def _send_file(world: World, params: Params, kind: str) -> Json:
    permission = "can_send_voice_notes" if kind == "voice" else f"can_send_{kind}s"
    chat = writable_chat(world, params, permission)
    text, entities = _read_text(params, "caption", MAX_CAPTION)
    options = _read_options(world, params, chat)
    file = _read_file(world, params, kind)
    return world.post(chat, world.bot, text=text, entities=entities, file=file, **options).json()


def _read_file(world: World, params: Params, kind: str) -> File:
    """Return an uploaded file, or one that is on the server already."""
    value = params.text(kind)
    name = value.removeprefix("attach://") if value.startswith("attach://") else kind
    upload = params.uploads.get(name)
    if upload is None:
        if not value:
            raise bad_request(f"there is no {kind} in the request")
        if value not in world.files:
            raise bad_request("wrong file identifier/HTTP URL specified")
        return world.files[value]
    if not upload.content:
        raise bad_request("file must be non-empty")
    if len(upload.content) > MAX_UPLOAD_BYTES:
        raise ApiError(413, "Request Entity Too Large")
    if kind == "photo":
        if len(upload.content) > MAX_PHOTO_BYTES:
            raise bad_request("file is too big")
        if not upload.content.startswith(_IMAGE_STARTS):
            raise bad_request("IMAGE_PROCESS_FAILED")
    if kind == "voice":
        return _store_voice(world, params, upload)
    return world.store(kind, upload.name, upload.content, upload.media_type)


def _store_voice(world: World, params: Params, upload: Upload) -> File:
    """Only Ogg with Opus (or MP3, M4A) is shown as a voice message, the rest as a file."""
    length = params.integer("duration")
    if not (upload.content.startswith(b"OggS") and b"OpusHead" in upload.content[:100]):
        return world.store("document", upload.name, upload.content, upload.media_type)
    return world.store("voice", upload.name, upload.content, "audio/ogg", duration=length)


@method("getFile")
def get_file(world: World, params: Params) -> Json:
    file = world.files.get(params.text("file_id"))
    if file is None:
        raise bad_request("invalid file_id")
    if len(file.content) > MAX_DOWNLOAD_BYTES:
        raise bad_request("file is too big")
    return {**file.json(), "file_path": file.path}


@method("sendChatAction")
def send_chat_action(world: World, params: Params) -> bool:
    if params.text("action") not in _ACTIONS:
        raise bad_request("wrong parameter action in request")
    writable_chat(world, params, "can_send_messages")
    return True


@method("editMessageText")
def edit_message_text(world: World, params: Params) -> Json:
    message = _find_own(world, params)
    if message.file is not None:
        raise bad_request("there is no text in the message to edit")
    text, entities = _read_text(params, "text", MAX_TEXT)
    return _edit(world, message, text, entities, _read_markup(message, params))


@method("editMessageCaption")
def edit_message_caption(world: World, params: Params) -> Json:
    message = _find_own(world, params)
    if message.file is None:
        raise bad_request("there is no caption in the message to edit")
    text, entities = _read_text(params, "caption", MAX_CAPTION)
    return _edit(world, message, text, entities, _read_markup(message, params))


@method("editMessageReplyMarkup")
def edit_message_reply_markup(world: World, params: Params) -> Json:
    message = _find_own(world, params)
    return _edit(world, message, message.text, message.entities, _read_markup(message, params))


def _read_markup(message: Message, params: Params) -> Json | None:
    markup = params.object("reply_markup", "reply keyboard markup")
    return checked_markup(markup, private=message.chat.kind is ChatKind.PRIVATE)


def _find_own(world: World, params: Params) -> Message:
    if params.has("inline_message_id"):
        raise bad_request("MESSAGE_ID_INVALID")
    chat = find_chat(world, params)
    if chat.person is None:
        require_joined(world, chat)
    message = chat.messages.get(params.integer("message_id"))
    if message is None or message.deleted:
        raise bad_request("message to edit not found")
    of_channel = chat.kind is ChatKind.CHANNEL
    may = of_channel and world.standing(chat, world.bot).can("can_edit_messages")
    if message.sender is not world.bot and not may:
        raise bad_request("message can't be edited")
    return message


def _edit(
    world: World, message: Message, text: str, entities: list[Json], markup: Json | None
) -> Json:
    before: tuple[Any, ...] = (message.text, message.entities, message.reply_markup)
    if before == (text, entities, markup):
        raise bad_request(
            "message is not modified: specified new message content and reply markup are exactly "
            "the same as a current content and reply markup of the message"
        )
    message.text, message.entities, message.reply_markup = text, entities, markup
    message.edited = int(world.now())
    return message.json()


@method("deleteMessage")
def delete_message(world: World, params: Params) -> bool:
    """https://core.telegram.org/bots/api#deletemessage: within 48 hours, in every kind of chat."""
    chat = find_chat(world, params)
    message = chat.messages.get(params.integer("message_id"))
    if message is None or message.deleted:
        raise bad_request("message to delete not found")
    _delete(world, message)
    return True


@method("deleteMessages")
def delete_messages(world: World, params: Params) -> bool:
    """Delete several; those that cannot be found are skipped."""
    chat = find_chat(world, params)
    numbers = params.array("message_ids", "message_ids") or []
    if not 1 <= len(numbers) <= 100:
        raise bad_request("MESSAGE_IDS_INVALID")
    found = [chat.messages[each] for each in numbers if each in chat.messages]
    for message in found:
        _delete(world, message)
    return True


def _delete(world: World, message: Message) -> None:
    chat = message.chat
    if chat.person is None:
        require_joined(world, chat)
    if message.date + DELETABLE_SECONDS <= world.now():
        raise bad_request("message can't be deleted for everyone")
    own = message.sender is world.bot
    may = world.standing(chat, world.bot).can("can_delete_messages")
    if chat.person is None and not own and not may:
        raise bad_request("message can't be deleted")
    message.deleted = True
