"""What there is in the world: accounts, members, chats, messages, files, links, requests."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tests.telegram_server import markup
from tests.telegram_server.api import Json
from tests.telegram_server.markup import Button


class ChatKind(StrEnum):
    PRIVATE = "private"
    GROUP = "group"
    SUPERGROUP = "supergroup"
    CHANNEL = "channel"


class Status(StrEnum):
    CREATOR = "creator"
    ADMINISTRATOR = "administrator"
    MEMBER = "member"
    RESTRICTED = "restricted"
    LEFT = "left"
    KICKED = "kicked"


COMMON_RIGHTS = frozenset(
    {
        "can_manage_chat", "can_delete_messages", "can_manage_video_chats",
        "can_restrict_members", "can_promote_members", "can_change_info", "can_invite_users",
        "can_post_stories", "can_edit_stories", "can_delete_stories",
    }
)  # fmt: skip
GROUP_RIGHTS = frozenset({"can_pin_messages", "can_manage_topics", "can_manage_tags"})
CHANNEL_RIGHTS = frozenset({"can_post_messages", "can_edit_messages", "can_manage_direct_messages"})
PERMISSIONS = frozenset(
    {
        "can_send_messages", "can_send_audios", "can_send_documents", "can_send_photos",
        "can_send_videos", "can_send_video_notes", "can_send_voice_notes", "can_send_polls",
        "can_send_other_messages", "can_add_web_page_previews", "can_react_to_messages",
        "can_change_info", "can_invite_users", "can_pin_messages", "can_manage_topics",
        "can_edit_tag",
    }
)  # fmt: skip


def rights_in(kind: ChatKind) -> frozenset[str]:
    """Return every right an administrator of such a chat can have."""
    return COMMON_RIGHTS | (CHANNEL_RIGHTS if kind is ChatKind.CHANNEL else GROUP_RIGHTS)


@dataclass(eq=False, slots=True)
class Account:
    """A person or a bot."""

    id: int
    first_name: str
    username: str | None = None
    language: str | None = None
    is_bot: bool = False
    started: bool = False  # has written to the bot
    blocks_bot: bool = False
    deactivated: bool = False

    def json(self) -> Json:
        given = {"username": self.username, "language_code": self.language}
        known = {name: value for name, value in given.items() if value}
        return {"id": self.id, "is_bot": self.is_bot, "first_name": self.first_name, **known}


@dataclass(frozen=True, slots=True)
class Member:
    """How one account stands in one chat."""

    account: Account
    status: Status = Status.MEMBER
    rights: frozenset[str] = frozenset()  # of an administrator
    permissions: frozenset[str] = PERMISSIONS  # of a restricted member
    until: int = 0  # when a ban or restriction ends; 0 never
    is_member: bool = True  # of a restricted one

    @property
    def inside(self) -> bool:
        if self.status is Status.RESTRICTED:
            return self.is_member
        return self.status in {Status.CREATOR, Status.ADMINISTRATOR, Status.MEMBER}

    @property
    def manages(self) -> bool:
        return self.status in {Status.CREATOR, Status.ADMINISTRATOR}

    def can(self, right: str) -> bool:
        return self.status is Status.CREATOR or (
            self.status is Status.ADMINISTRATOR and right in self.rights
        )

    def json(self, kind: ChatKind) -> Json:
        shown: Json = {"user": self.account.json(), "status": self.status.value}
        if self.status is Status.CREATOR:
            shown |= {"is_anonymous": False}
        elif self.status is Status.ADMINISTRATOR:
            shown |= {right: right in self.rights for right in sorted(rights_in(kind))}
            shown |= {"can_be_edited": False, "is_anonymous": False}
        elif self.status is Status.RESTRICTED:
            shown |= {each: each in self.permissions for each in sorted(PERMISSIONS)}
            shown |= {"is_member": self.is_member, "until_date": self.until}
        elif self.status is Status.KICKED:
            shown |= {"until_date": self.until}
        return shown


@dataclass(eq=False, slots=True)
class InviteLink:
    """https://core.telegram.org/bots/api#chatinvitelink."""

    url: str
    chat: "Chat"
    creator: Account
    name: str = ""
    expires: int = 0  # 0 never
    member_limit: int = 0  # 0 none
    creates_join_request: bool = False
    is_primary: bool = False
    is_revoked: bool = False
    joined: set[int] = field(default_factory=set)

    def json(self) -> Json:
        pending = sum(1 for each in self.chat.join_requests.values() if each.link is self)
        given: Json = {
            "name": self.name,
            "expire_date": self.expires,
            "member_limit": self.member_limit,
            "pending_join_request_count": pending,
        }
        return {
            "invite_link": self.url,
            "creator": self.creator.json(),
            "creates_join_request": self.creates_join_request,
            "is_primary": self.is_primary,
            "is_revoked": self.is_revoked,
            **{name: value for name, value in given.items() if value},
        }


@dataclass(frozen=True, slots=True)
class JoinRequest:
    account: Account
    date: float
    link: InviteLink | None


@dataclass(frozen=True, slots=True)
class File:
    """A file on Telegram's servers."""

    id: str
    kind: str  # "document", "photo", "voice", "audio" or "video_note"
    name: str
    content: bytes = field(repr=False)
    media_type: str
    path: str
    more: Json = field(default_factory=dict)  # what the message says of it, such as its duration

    def json(self) -> Json:
        size = self.more.get("file_size", len(self.content))
        return {"file_id": self.id, "file_unique_id": self.id[-8:], "file_size": size}

    def shown(self) -> Any:
        """Return the value of the message's field named `kind`."""
        if self.kind == "photo":
            return [{**self.json(), "width": 640, "height": 480}]
        named = {**self.json(), "mime_type": self.media_type}
        if self.kind == "document":
            return {**named, "file_name": self.name}
        return {**named, "duration": 1, **self.more}


@dataclass(eq=False, slots=True)
class Message:
    """One message, alive: editing and deleting it is seen by whoever holds it."""

    chat: "Chat"
    id: int
    date: int
    sender: Account  # whoever wrote it; a channel does not tell
    text: str = ""  # or the caption of a file
    entities: list[Json] = field(default_factory=list)
    file: File | None = None
    reply_markup: Json | None = None
    reply_to: "Message | None" = None
    thread: int | None = None
    service: Json = field(default_factory=dict)
    shown: Json = field(default_factory=dict)  # further fields, such as link_preview_options
    edited: int = 0
    deleted: bool = False

    @property
    def html(self) -> str:
        return markup.to_html(self.text, self.entities)

    @property
    def buttons(self) -> tuple[tuple[Button, ...], ...]:
        return markup.buttons_of(self.reply_markup)

    def button(self, label: str) -> Button:
        """Return the button of this label. Raises LookupError, naming those there are."""
        buttons = [each for row in self.buttons for each in row]
        for each in buttons:
            if each.label == label:
                return each
        raise LookupError(f"no button {label!r} among {[each.label for each in buttons]}")

    def json(self, *, with_reply: bool = True) -> Json:
        shown: Json = {"message_id": self.id, "date": self.date, "chat": self.chat.json()}
        if self.chat.kind is ChatKind.CHANNEL:
            shown["sender_chat"] = self.chat.json()
        else:
            shown["from"] = self.sender.json()
        shown |= self._content()
        if self.thread is not None:
            shown |= {"message_thread_id": self.thread, "is_topic_message": True}
        if self.edited:
            shown["edit_date"] = self.edited
        if self.reply_markup and "inline_keyboard" in self.reply_markup:
            shown["reply_markup"] = self.reply_markup
        if with_reply and self.reply_to is not None and not self.reply_to.deleted:
            shown["reply_to_message"] = self.reply_to.json(with_reply=False)
        return {**shown, **self.shown, **self.service}

    def _content(self) -> Json:
        text, entities = "text", "entities"
        content: Json = {}
        if self.file is not None:
            text, entities = "caption", "caption_entities"
            content[self.file.kind] = self.file.shown()
        if self.text:
            content[text] = self.text
        if self.entities:
            content[entities] = self.entities
        return content


@dataclass(eq=False, slots=True)
class Chat:
    id: int
    kind: ChatKind
    title: str = ""
    username: str | None = None
    description: str = ""
    topics: dict[int, str] = field(default_factory=dict)  # of a forum: thread to title
    is_forum: bool = False
    joins_by_request: bool = False
    permissions: frozenset[str] = PERMISSIONS  # of ordinary members
    members: dict[int, Member] = field(default_factory=dict)
    messages: dict[int, Message] = field(default_factory=dict)
    links: dict[str, InviteLink] = field(default_factory=dict)
    join_requests: dict[int, JoinRequest] = field(default_factory=dict)
    migrated_to: int | None = None
    person: Account | None = None  # of a private chat

    def json(self) -> Json:
        if self.person is not None:
            given = {"first_name": self.person.first_name, "username": self.person.username}
        else:
            given = {"title": self.title, "username": self.username}
        known: Json = {name: value for name, value in given.items() if value}
        if self.is_forum:
            known["is_forum"] = True
        return {"id": self.id, "type": self.kind.value, **known}


@dataclass(frozen=True, slots=True)
class CallbackAnswer:
    """What the bot shows to someone who pressed a button; both may be empty."""

    text: str = ""
    show_alert: bool = False
    url: str = ""


@dataclass(eq=False, slots=True)
class Callback:
    """A pressed button that waits for the bot's answer."""

    id: str
    account: Account
    date: float
    answer: CallbackAnswer | None = None
