"""The mascot's chat: a form that works by itself, and the same answer piece by piece.

What was said is kept in memory for a while, so that the page can be opened again.
"""

import json
import logging
import re
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response, StreamingResponse

from bots.conversation import Incoming, Reply
from bots.event_words import EventWords
from bots.web.pages import LANGUAGE_NAMES, Number, Web, go
from bots.web.session import Visitor, member_account
from bots.web.words import is_blank
from core import board
from core.database import transaction
from core.identity import set_locale
from knowledge.voice.port import Heard

logger = logging.getLogger(__name__)

MAX_QUESTION: Final = 500
MAX_EVENTS: Final = 3  # on the front page
MAX_THREADS: Final = 500
MAX_TURNS: Final = 20
VOICE_SCRIPTS: Final = (
    *("line", "recorder", "microphone", "player", "reader", "panel"),
    *("press", "call", "talk", "handsfree", "answers", "kept"),
)
"""The parts of `voice.js`; `frames.js` is the audio worklet's."""
VOICE_WORDS: Final = (
    *("talk", "send", "written"),
    *(
        f"state.{each}"
        for each in (
            *("idle", "opening", "ready", "listening", "open", "hearing", "thinking"),
            *("speaking", "browser", "browser-open", "stopped", "cancelled"),
        )
    ),
    *(f"rest.{each}" for each in ("left", "off")),
    *(
        f"fault.{each}"
        for each in (
            *("insecure", "denied", "none", "in-use", "unsupported", "offline", "elsewhere"),
            *("too-many", "mute"),
        )
    ),
)
"""What the voice's script says by itself."""
MICROPHONE: Final = "camera=(), microphone=(self), geolocation=(), payment=()"
"""Permissions-Policy of the page with the microphone; no other page can ask for it."""
MISHEARD: Final = re.compile(r"heard:no:[\w-]{1,20}")
"""The action of "that is not what I said"; what is written next is the question."""
_COMMAND: Final = re.compile(
    r"/(start|join|rooms|card|perks|events|ask|language|mydata|settings|answer)(?:\s+(.*))?",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Turn:
    """What was asked and what was said; a fault's key instead of a reply if none could be given."""

    number: int
    question: str
    reply: Reply | None
    fault: str | None = None
    heard: Heard | None = None  # the question was said

    @property
    def instead(self) -> str:
        """The action that takes this question back, where it was misheard."""
        rows = self.reply.rows if self.reply is not None else ()
        actions = (each.action or "" for row in rows for each in row)
        return next((each for each in actions if MISHEARD.fullmatch(each)), "")


class Transcripts:
    """The last turns of the last threads, in memory only."""

    def __init__(self) -> None:
        self._threads: OrderedDict[str, list[Turn]] = OrderedDict()

    def of(self, thread: str) -> list[Turn]:
        return list(self._threads.get(thread, ()))

    def add(
        self,
        thread: str,
        question: str,
        reply: Reply | None,
        fault: str | None,
        heard: Heard | None = None,
    ) -> Turn:
        turns = self._threads.setdefault(thread, [])
        turn = Turn(turns[-1].number + 1 if turns else 1, question, reply, fault, heard)
        turns.append(turn)
        del turns[:-MAX_TURNS]
        self._threads.move_to_end(thread)
        while len(self._threads) > MAX_THREADS:
            self._threads.popitem(last=False)
        return turn

    def clear(self, thread: str) -> None:
        self._threads.pop(thread, None)


class Chat:
    """The home page and its conversation."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self.transcripts = Transcripts()
        self.words = EventWords(web.app.town)

    def router(self) -> APIRouter:
        router = APIRouter()
        router.add_api_route("/", self.home, methods=["GET", "HEAD"])
        router.add_api_route("/chat", self.ask, methods=["POST"])
        router.add_api_route("/chat/stream", self.stream, methods=["POST"])
        router.add_api_route("/chat/clear", self.clear, methods=["POST"])
        router.add_api_route("/chat/documents/{number}", self.document, methods=["GET"])
        router.add_api_route("/language", self.language, methods=["POST"])
        return router

    async def home(self, request: Request) -> Response:
        web = self.web
        async with transaction(web.app.sessions) as session:
            news = await board.posts(session, board.BOARD, limit=5)
        coming = await web.app.events.upcoming()
        turns = self.transcripts.of(web.visitor(request).thread)
        hears = web.app.voice is not None and web.app.voice.hears
        response = web.render(
            request,
            "home.html",
            turns=turns,
            news=news,
            limit=MAX_QUESTION,
            coming=coming[:MAX_EVENTS],
            words=self.words,
            hears=hears,
            elsewhere=web.app.settings.transcription_base_url,
            voice_scripts=VOICE_SCRIPTS,
            voice_words=VOICE_WORDS,
        )
        if hears:
            response.headers["Permissions-Policy"] = MICROPHONE
        return response

    async def ask(self, request: Request) -> Response:
        """Without a script: the answer stands on the page that opens next."""
        who, incoming, question, fault = await self._read(request)
        reply = None
        if incoming is not None:
            try:
                reply = await self.web.app.conversation.handle(incoming)
            except Exception:
                logger.exception("chat-failed")
                fault = "failed"
            if reply is None and fault is None:
                fault = "silent"
        turn = self.transcripts.add(who.thread, question, reply, fault)
        return go(f"/#turn-{turn.number}")

    async def stream(self, request: Request) -> Response:
        """One JSON object a line: ``{"piece": …}`` as it is written, then ``{"html": …}``."""
        who, incoming, question, fault = await self._read(request)
        lines = self._lines(request, who, incoming, question, fault)
        return StreamingResponse(lines, media_type="application/x-ndjson")

    async def _lines(
        self,
        request: Request,
        who: Visitor,
        incoming: Incoming | None,
        question: str,
        fault: str | None,
    ) -> AsyncIterator[str]:
        reply: Reply | None = None
        if incoming is not None:
            try:
                async for piece in self.web.app.conversation.stream(incoming):
                    if isinstance(piece, Reply):
                        reply = piece
                    else:
                        yield json.dumps({"piece": piece}) + "\n"
            except Exception:
                logger.exception("chat-failed")
                reply, fault = None, "failed"
            if reply is None and fault is None:
                fault = "silent"
        turn = self.transcripts.add(who.thread, question, reply, fault)
        html = self.web.fragment(request, "_answer.html", turn=turn)
        yield json.dumps({"html": html}) + "\n"

    async def _read(self, request: Request) -> tuple[Visitor, Incoming | None, str, str | None]:
        """The visitor, what they said, how it is shown, and what was wrong with it."""
        fields = await self.web.form(request, "chat")
        who = self.web.visitor(request)
        text, action = fields.get("text", ""), fields.get("action", "")
        if len(text) > MAX_QUESTION:
            return who, None, f"{text[:MAX_QUESTION]}…", "too-long"
        if action:
            label = fields.get("label", "")[:100] or action[:64]
            kind, _, chosen = action.partition(":")
            if kind == "lang" and chosen in self.web.app.town.town.languages:
                request.session["language"] = chosen
            return who, self._incoming(who, action=action[:64]), label, None
        if is_blank(text):
            return who, None, "", "empty"
        if MISHEARD.fullmatch(instead := fields.get("instead", "")):
            await self.web.app.conversation.handle(self._incoming(who, action=instead))
        if found := _COMMAND.fullmatch(text):
            return who, self._incoming(who, text=found[2] or "", command=found[1]), text, None
        return who, self._incoming(who, text=text), text, None

    def _incoming(
        self, who: Visitor, *, text: str = "", command: str | None = None, action: str | None = None
    ) -> Incoming:
        return Incoming(
            "web",
            who.id,
            name="",
            text=text,
            command=command,
            action=action,
            language=who.language,
            thread=who.thread,
            staff=who.staff,
        )

    async def clear(self, request: Request) -> Response:
        await self.web.form(request, "form")
        self.transcripts.clear(self.web.visitor(request).thread)
        del request.session["thread"]
        return go("/")

    async def document(self, request: Request, number: Number) -> Response:
        """A file that came with an answer of this conversation."""
        for turn in self.transcripts.of(self.web.visitor(request).thread):
            if turn.number == number and turn.reply and turn.reply.document:
                document = turn.reply.document
                name = "".join(each for each in document.name if each.isalnum() or each in "._-")
                headers = {"Content-Disposition": f'attachment; filename="{name}"'}
                ascii_only = name.isascii()
                return Response(
                    document.content,
                    media_type=document.media_type,
                    headers=headers if ascii_only else {"Content-Disposition": "attachment"},
                )
        raise HTTPException(404)

    async def language(self, request: Request) -> Response:
        """Speak another language from now on, also in messages if this is a resident."""
        fields = await self.web.form(request, "form")
        chosen = fields.get("language", "")
        if chosen in LANGUAGE_NAMES and chosen in self.web.app.town.town.languages:
            request.session["language"] = chosen
            async with transaction(self.web.app.sessions) as session:
                account = await member_account(session, self.web.visitor(request))
                if account is not None:
                    await set_locale(session, account.member_id, chosen)
        back = fields.get("back", "/")
        own = back.startswith("/") and not back.startswith(("//", "/\\"))
        return go(back if own else "/")
