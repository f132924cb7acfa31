"""The nouns of a conversation: what comes in, what is said back."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from core.announcements import Outgoing

if TYPE_CHECKING:  # a process that only sends hears nothing, and needs no numpy
    from knowledge.voice.port import Heard


class ChatKind(StrEnum):
    """Where the message was written: decides what may be shown there."""

    PRIVATE = "private"
    GROUP = "group"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that somebody sent; fetched only where one is wanted."""

    size: int  # bytes, as the platform says
    read: Callable[[], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Incoming:
    """What a person said or pressed, without the platform's types."""

    platform: str  # "telegram", "discord" or "web"
    account: str  # the platform's id of the person, as text
    name: str  # what the platform shows as their name: untrusted
    text: str = ""  # the message, or what follows a command; empty for a pressed button
    command: str | None = None  # "start", "join", "rooms", "ask", "language", "mydata", "announce"
    action: str | None = None  # the `Button.action` that was pressed
    language: str | None = None  # the platform's guess, BCP 47, such as "ja" or "zh-TW"
    chat: ChatKind = ChatKind.PRIVATE
    thread: str = ""  # the conversation's id, so that follow-up questions keep their subject
    update: str | None = None  # the platform's id of this delivery; repeats of it are dropped
    staff: str | None = None  # the name of a staff session, vouched for by the adapter
    presses_unseen: bool = True  # what a pressed button is answered with, only the presser reads
    upload: Upload | None = None  # `text` is then its caption
    has_forms: bool = False  # whether a button of this platform can open a form
    heard: "Heard | None" = None  # the question was said, not written: it is never a command


@dataclass(frozen=True, slots=True)
class Button:
    """A choice under a reply: either an `action` that comes back, or a `url` that opens."""

    label: str
    action: str | None = None  # at most 64 bytes of UTF-8 (Telegram's callback_data)
    url: str | None = None


class Quote(str):
    """Words of a document, with the language (BCP 47) they are written in."""

    __slots__ = ("language",)
    language: str

    def __new__(cls, text: str, language: str = "ja") -> Self:
        quote = super().__new__(cls, text)
        quote.language = language
        return quote


@dataclass(frozen=True, slots=True)
class SourceLink:
    """Where an answer stands, as it is shown to a person."""

    title: str
    url: str | None
    note: str  # such as "2026年2月時点・確認済み"


@dataclass(frozen=True, slots=True)
class Document:
    """A file that goes with a reply."""

    name: str
    content: bytes
    media_type: str

    @property
    def is_picture(self) -> bool:
        """Whether it is to be seen at once rather than saved."""
        return self.media_type in {"image/png", "image/jpeg"}


@dataclass(frozen=True, slots=True)
class Reply:
    """What is said back. Plain text throughout: each adapter escapes for its platform."""

    text: str  # paragraphs separated by an empty line
    quotes: tuple[str, ...] = ()  # shown set off from the text, word for word from a document
    sources: tuple[SourceLink, ...] = ()
    footnote: str = ""  # small print, such as the note that a town is a sample
    buttons: tuple[tuple[Button, ...], ...] = ()  # rows
    private: bool = False  # for the asker's eyes only: Discord ephemeral; not sent into groups
    document: Document | None = None
    language: str = "ja"  # of `text`, for lang attributes and voices
    failed: bool = False  # what was asked for was not done
    menu: tuple[Button, ...] = ()  # choices of one question, before the buttons
    menu_label: str = ""  # what is chosen, where the platform has menus
    preview: Outgoing | None = None  # shown before the text, exactly as it would arrive
    heard: "Heard | None" = None  # what this answers, shown above the text so that it can be mended
    spoken: str = ""  # what is said aloud, in `language`; empty: nothing is
    aloud: bool = False  # whether this person wants it said, where a chat could do either

    @property
    def rows(self) -> tuple[tuple[Button, ...], ...]:
        """Menu and buttons, for a platform without menus."""
        return (*((each,) for each in self.menu), *self.buttons)


@dataclass(frozen=True, slots=True)
class Blank:
    """One line or box of a form."""

    label: str
    limit: int  # characters
    paragraph: bool = False
    required: bool = True


@dataclass(frozen=True, slots=True)
class Form:
    """What a button asks for, where the platform has forms; its lines become one text."""

    title: str
    blanks: tuple[Blank, ...]
    file: str = ""  # the label of a field for a picture, if one is asked for
