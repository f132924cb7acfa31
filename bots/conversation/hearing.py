"""What was heard of somebody: shown above the answer, and mended by one press.

What is remembered are words, not sound; for half an hour, in memory only.
"""

import secrets
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from bots import texts
from bots.conversation.messages import Button, ChatKind, Incoming, Reply
from core.clock import Clock
from core.identity import Account, Aloud

if TYPE_CHECKING:
    from knowledge.voice.port import Heard

REMEMBERED: Final = 5_000
REMEMBERED_FOR: Final = timedelta(minutes=30)
ALTERNATIVES: Final = 3
LABEL: Final = 60  # characters of a question on a button


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that was said, and whose."""

    heard: "Heard"
    account: int
    at: datetime


class Hearing:
    """The transcripts that may still be mended."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._asked: OrderedDict[str, Asked] = OrderedDict()
        self._to_be_written: OrderedDict[str, datetime] = OrderedDict()

    def shown(self, reply: Reply, heard: "Heard", account: Account) -> Reply:
        """The answer with what was heard, and the buttons that mend it."""
        token = secrets.token_urlsafe(6)
        self._asked[token] = Asked(heard, account.id, self._clock())
        if len(self._asked) > REMEMBERED:
            self._asked.popitem(last=False)
        others = tuple(
            (Button(self._say("instead", account, text=_short(text)), f"heard:{number}:{token}"),)
            for number, text in enumerate(heard.alternatives[:ALTERNATIVES])
        )
        no = Button(self._say("no", account), action=f"heard:no:{token}")
        return replace(reply, heard=heard, buttons=(*others, *reply.buttons, (no,)))

    def pressed(self, action: str, account: Account) -> tuple[Asked, str] | None:
        """What a button stands for: what was heard, and ``no`` or the number of an alternative.

        `None` if it is too old, or another person's.
        """
        _, which, token, *_ = [*action.split(":"), "", ""]
        asked = self._asked.get(token)
        if asked is None or asked.account != account.id:
            return None
        return (asked, which) if self._clock() - asked.at <= REMEMBERED_FOR else None

    def ask_to_write(self, thread: str, incoming: Incoming, account: Account) -> Reply:
        """The next message of this person here is the question that was meant."""
        self._to_be_written.pop(thread, None)  # the newest last
        self._to_be_written[thread] = self._clock()
        if len(self._to_be_written) > REMEMBERED:
            self._to_be_written.popitem(last=False)
        here = incoming.chat is ChatKind.GROUP
        words = self._say("write-here" if here else "write", account)
        return Reply(words, language=account.locale)

    def takes(self, thread: str) -> bool:
        """Whether this message is the one that was asked for; it is asked for once."""
        since = self._to_be_written.pop(thread, None)
        return since is not None and self._clock() - since <= REMEMBERED_FOR

    def _say(self, key: str, account: Account, **values: object) -> str:
        return texts.say(f"voice.heard.{key}", account.locale, **values)


def heard_line(reply: Reply) -> str:
    """What stands above an answer to what was said; empty for one to what was written."""
    if reply.heard is None:
        return ""
    line = texts.say("voice.heard.title", reply.language, text=" ".join(reply.heard.text.split()))
    doubt = texts.say("voice.heard.doubt", reply.language)
    return f"{line}\n{doubt}" if reply.heard.doubtful else line


def wants_it_said(account: Account, *, spoke: bool) -> bool:
    """Whether this person wants the answer aloud, too."""
    return account.aloud is Aloud.ALWAYS or (spoke and account.aloud is not Aloud.NEVER)


def _short(text: str) -> str:
    return text if len(text) <= LABEL else f"{text[: LABEL - 1]}…"
