"""One message in, one reply out, the same for every platform.

An adapter translates what its platform delivers into an `Incoming`, hands it to
`Conversation.handle`, and renders the `Reply`. Neither knows a platform's types.
"""

from bots.conversation.core import STAFF_COMMANDS, Conversation
from bots.conversation.messages import (
    Button,
    ChatKind,
    Document,
    Incoming,
    Reply,
    SourceLink,
)

__all__ = [
    "STAFF_COMMANDS",
    "Button",
    "ChatKind",
    "Conversation",
    "Document",
    "Incoming",
    "Reply",
    "SourceLink",
]
