"""One message in, one reply out, the same for every platform.

An adapter translates what its platform delivers into an `Incoming`, hands it to
`Conversation.handle` (`bots.conversation.core`), and renders the `Reply`. Neither knows a
platform's types. This module is the nouns alone: who only sends needs nothing more.
"""

from bots.conversation.messages import (
    Blank,
    Button,
    ChatKind,
    Document,
    Form,
    Incoming,
    Reply,
    SourceLink,
    Upload,
)

__all__ = [
    "Blank",
    "Button",
    "ChatKind",
    "Document",
    "Form",
    "Incoming",
    "Reply",
    "SourceLink",
    "Upload",
]
