"""What the voice socket shows: parts of the page, in the visitor's language."""

import hmac
import re
from dataclasses import replace
from difflib import SequenceMatcher
from typing import Any, Final

from starlette.websockets import WebSocket

from bots import texts
from bots.voice import sentence
from bots.web.chat import MAX_QUESTION, Turn
from bots.web.guard import address_of
from bots.web.pages import Web
from bots.web.session import Visitor
from core.errors import KankeiError
from knowledge.voice.port import Heard

_SILENT: Final = re.compile(r"[\W_]+")
_ECHO: Final = 0.8
"""Share of what was heard that the mascot was just saying."""
_SHORT: Final = 6
"""Characters under which everything could be an echo: はい."""


class QuestionTooLong(KankeiError):
    """A correction of more than `MAX_QUESTION` characters: ask for a shorter one."""

    code = "question-too-long"


def within_limits(heard: Heard) -> Heard:
    """What was heard, no longer than what its field takes, so that it can be corrected."""
    text = heard.text[:MAX_QUESTION]
    cut = heard.cut or text != heard.text
    others = dict.fromkeys(each[:MAX_QUESTION] for each in heard.alternatives)
    different = tuple(each for each in others if each != text)
    return replace(heard, text=text, alternatives=different, cut=cut)


def is_echo(heard: str, spoken: str) -> bool:
    """Whether the microphone heard the mascot rather than a visitor: the words are its own.

    Echo cancellation is the browser's; on loudspeakers it is not always enough.
    """
    said, ours = (_SILENT.sub("", each).casefold() for each in (heard, spoken))
    if len(said) < _SHORT or not ours:
        return False
    blocks = SequenceMatcher(None, said, ours, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks if block.size > 1) >= _ECHO * len(said)


class Words:
    """The fragments for one visitor."""

    def __init__(self, web: Web, socket: WebSocket, who: Visitor) -> None:
        self._web, self._socket, self._who = web, socket, who

    @property
    def address(self) -> str:
        """Where the visitor calls from."""
        return address_of(self._socket, self._web.app.settings.trusted_proxies)

    def own(self, csrf: str) -> bool:
        """Whether the page has the token of our forms."""
        return hmac.compare_digest(self._who.csrf.encode(), csrf.encode())

    def allow_question(self) -> None:
        """Count a question, said or corrected, like any written one. Raises `TooMany`."""
        self._web.limits.take("chat", self._who.id, self.address)

    def heard(self, heard: Heard) -> str:
        return self._part("voice/_heard.html", heard=heard)

    def answer(self, turn: Turn) -> str:
        return self._part("_answer.html", turn=turn)

    def waiting(self, before: int) -> str:
        return self._part("voice/_said.html", key="voice-web.waiting", values={"before": before})

    def rest(self) -> str:
        return self._part("voice/_said.html", key="voice-web.rest.silence", values={})

    def fault(self, error: Exception) -> str:
        return self._part("voice/_fault.html", sentence=self._sentence(error))

    def _sentence(self, error: Exception) -> str:
        if isinstance(error, QuestionTooLong):
            return texts.say(f"errors.{error.code}", self._who.language, limit=MAX_QUESTION)
        return sentence(error, self._who.language)

    def _part(self, name: str, **values: Any) -> str:
        return self._web.fragment(self._socket, name, **values)
