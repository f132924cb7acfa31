"""Staff announce from chat, step by step: write, dress, choose the audience, look, send, follow.

`desk` reads what was pressed or written and asks one use case of core; `steps` and `following` say
how things stand; `reading` understands what staff write. The draft is an announcement in the
records from its first words on; `core.unfinished` remembers what the next message means.
"""

from bots.conversation.announcing.desk import Announcing
from bots.conversation.announcing.forms import form_of

__all__ = ["Announcing", "form_of"]
