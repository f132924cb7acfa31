"""One message in, one reply out, the same for every platform.

An adapter translates what its platform delivers into an `Incoming`, hands it to
`Conversation.handle`, and renders the `Reply`. Neither knows a platform's types.
"""

from bots.conversation.announcing import form_of
from bots.conversation.core import STAFF_COMMANDS, Conversation
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
    "STAFF_COMMANDS",
    "Blank",
    "Button",
    "ChatKind",
    "Conversation",
    "Document",
    "Form",
    "Incoming",
    "Reply",
    "SourceLink",
    "Upload",
    "form_of",
]
