"""One visitor on the voice socket, from hello to the end."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Final

from pydantic import ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from bots.conversation import Incoming, Reply
from bots.limits import TooMany
from bots.voice import Voice, VoiceTooLarge, answered_in
from bots.web.chat import MAX_QUESTION, MISHEARD, Transcripts, Turn
from bots.web.pages import Web
from bots.web.session import Visitor
from bots.web.voice.listening import AHEAD, Foresight, Microphone, OpenTurns
from bots.web.voice.messages import (
    IDLE,
    MAX_RECORDING,
    MAX_SECONDS,
    MESSAGES,
    PROTOCOL,
    Aloud,
    Ask,
    Cancel,
    CloseMicrophone,
    End,
    Hello,
    Message,
    OpenMicrophone,
    Patience,
    Reading,
    Start,
    Stop,
)
from bots.web.voice.shares import Shares
from bots.web.voice.speaking import Speaker
from bots.web.voice.wire import Wire
from bots.web.voice.words import QuestionTooLong, Words, is_echo, within_limits
from core.errors import KankeiError
from knowledge.errors import AudioTooLong, NothingHeard, VoiceError
from knowledge.language import Language
from knowledge.voice.hearing import activity
from knowledge.voice.port import Heard

logger = logging.getLogger(__name__)

AT_ONCE: Final = 2
"""Questions of one visitor in work: one that is being answered, one that was said meanwhile."""
SPARE_SECONDS: Final = 5.0
"""That a recording's messages may take longer than the recording."""


Work = Callable[[int], Awaitable[None]]
"""Answers the question of this number."""


class Broken(Exception):
    """The page does not keep to the protocol."""


class Call:
    """Receives in one task; answers in others, one question after the other."""

    def __init__(
        self,
        socket: WebSocket,
        who: Visitor,
        *,
        web: Web,
        voice: Voice,
        transcripts: Transcripts,
        turns: OpenTurns,
        shares: Shares,
        patience: Patience,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._socket, self._who, self._web, self._voice = socket, who, web, voice
        self._transcripts, self._turns, self._shares = transcripts, turns, shares
        self._patience, self._clock = patience, clock
        self.wire = Wire(socket, patience)
        self._words = Words(web, socket, who)
        self._speaker = Speaker(self.wire, voice, (), clock=clock)
        self._aloud = True
        self._wanted = True  # by the member's own settings, which only answers to voices tell
        self._recording: bytearray | None = None
        self._since = 0.0  # when the recording or the open microphone began
        self._microphone: Microphone | None = None
        self._foresight = Foresight(self._foresee)
        self._overheard = ""  # what the mascot was saying when this turn began
        self._last = 0  # the number of the last question
        self._cut = 0  # nothing of this question or an earlier one is to be heard
        self._answers: set[asyncio.Task[None]] = set()
        self._in_turn = asyncio.Lock()

    # The socket

    async def run(self) -> None:
        """Until the page leaves, breaks the rules or falls silent for long."""
        try:
            async with asyncio.timeout(self._patience.life.total_seconds()):
                if not await self._greet():
                    return
                while (message := await self._next()) is not None:
                    await self._take(message)
        except WebSocketDisconnect:
            pass
        except TimeoutError:
            await self._leave(IDLE)
        except (Broken, ValidationError):
            await self._leave(PROTOCOL)
        finally:
            await self._end()

    async def _greet(self) -> bool:
        hello = None
        async with asyncio.timeout(self._patience.hello.total_seconds()):
            first = await self._receive()
            hello = MESSAGES.validate_json(first) if isinstance(first, str) else None
        if not isinstance(hello, Hello) or not self._words.own(hello.csrf):
            raise Broken
        self._aloud = hello.aloud
        self._speaker = Speaker(self.wire, self._voice, hello.plays, clock=self._clock)
        await self.wire.say("ready", seconds=MAX_SECONDS, bytes=MAX_RECORDING)
        return True

    async def _next(self) -> str | bytes | None:
        """The next message; `None` when nobody has said anything for too long."""
        while True:
            try:
                async with asyncio.timeout(self._patience.idle.total_seconds()):
                    return await self._receive()
            except TimeoutError:
                if not self._answers and not self._speaker.speaking:
                    raise

    async def _receive(self) -> str | bytes:
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code") or 1005)
        text, data = message.get("text"), message.get("bytes")
        return text if text is not None else data or b""

    async def _leave(self, code: int) -> None:
        try:
            await self.wire.close(code)
        except (WebSocketDisconnect, RuntimeError):
            logger.debug("voice-page-gone")

    async def _end(self) -> None:
        self._recording = self._microphone = None
        await self._speaker.close()
        for task in self._answers:
            task.cancel()
        await asyncio.gather(*self._answers, return_exceptions=True)

    # What the page says

    async def _take(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            await self._hear(message)
            return
        match MESSAGES.validate_json(message):
            case Start():
                await self._silence()
                self._microphone = None
                self._recording, self._since = bytearray(), self._clock()
            case End():
                await self._recorded()
            case Cancel():
                self._recording = None
            case OpenMicrophone():
                await self._open()
            case CloseMicrophone():
                self._microphone = None
            case other:
                await self._tell(other)

    async def _tell(self, message: Message) -> None:
        match message:
            case Ask(text=text, instead=instead):
                await self._silence()
                await self.wire.say("asked", question=self._last + 1)
                await self._begin(partial(self._asked, text=text, instead=instead))
            case Stop():
                await self._silence()
            case Aloud(on=on):
                self._aloud = on
                if not on:
                    await self._silence()
            case Reading(question=question, on=on):
                self._speaker.reads(question, on=on)
            case _:
                raise Broken

    async def _silence(self, kind: str = "cut") -> None:
        """Nothing that was asked until now is to be heard any more, and the page knows it."""
        self._cut = self._last
        self._speaker.cut()
        await self.wire.say(kind, cut=self._cut)

    async def _hear(self, sound: bytes) -> None:
        if self._microphone is not None:
            await self._listen(self._microphone, sound)
        elif self._recording is not None:
            self._recording += sound
            late = self._clock() - self._since > MAX_SECONDS + SPARE_SECONDS
            if late or len(self._recording) > MAX_RECORDING:
                self._recording = None
                await self._fault(0, AudioTooLong() if late else VoiceTooLarge())

    async def _recorded(self) -> None:
        audio, self._recording = self._recording, None
        if audio is None:  # refused already: the page need not wait for it
            await self.wire.say("nothing", question=0)
            return
        await self._begin(partial(self._said, audio=bytes(audio)))

    # Hands-free

    async def _open(self) -> None:
        self._recording = None
        try:
            self._microphone = Microphone(await self._turns())
        except VoiceError as error:
            await self._fault(0, error, over=True)
            return
        self._since, self._foresight = self._clock(), Foresight(self._foresee)
        await self.wire.say("listening")

    def _foresee(self, sound: bytes) -> asyncio.Task[Heard] | None:
        who = f"web:{self._words.address}"
        return self._voice.foresee(sound, person=who, languages=self._languages)

    async def _listen(self, microphone: Microphone, sound: bytes) -> None:
        for edge in microphone.feed(sound):
            if edge is activity.Turn.BEGAN:
                self._overheard = self._speaker.sounding
                await self._silence("began")
            else:
                await self.wire.say("ended")
                said = partial(self._said, audio=microphone.taken, overheard=self._overheard)
                foreseen = self._foresight.of(microphone.ended)
                await self._begin(partial(said, foreseen=foreseen))
        self._foresight.watch(microphone)
        if microphone.seconds > self._clock() - self._since + AHEAD:
            raise Broken  # faster than sound
        if self._answers or self._speaker.speaking:
            microphone.silence = 0.0
        if microphone.silence > self._patience.silence.total_seconds():
            self._microphone = None
            await self.wire.say("rest", html=self._words.rest())

    @property
    def _languages(self) -> tuple[Language, ...]:
        """What the visitor may be answered in, their own first."""
        offered = (Language(each) for each in self._web.app.town.town.languages)
        return tuple(dict.fromkeys((Language(self._who.language), *offered)))

    # Answers

    async def _begin(self, work: Work) -> None:
        self._last += 1
        if len(self._answers) >= AT_ONCE:
            await self._fault(self._last, TooMany())
            return
        task = asyncio.create_task(self._answered(self._last, work))
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)

    async def _answered(self, number: int, work: Work) -> None:
        """The edge of the voice: whatever goes wrong, the page hears of it."""
        try:
            async with self._in_turn:
                await work(number)
        except WebSocketDisconnect:
            pass
        except (KankeiError, VoiceError) as error:
            logger.info("voice-question-refused", extra={"reason": error.code})
            await self._fault(number, error)
        except Exception as error:
            logger.exception("voice-failed")
            await self._fault(number, error)

    async def _said(
        self,
        number: int,
        audio: bytes,
        *,
        overheard: str | None = None,
        foreseen: asyncio.Task[Heard] | None = None,
    ) -> None:
        """`overheard`: what an open microphone could hear of the mascot; `None`: none was open."""
        self._words.allow_question()

        async def wait(before: int) -> None:
            await self.wire.say("waiting", question=number, html=self._words.waiting(before))

        try:
            with self._shares.one(self._words.address):
                found = await self._voice.question(
                    audio,
                    person=f"web:{self._who.id}",
                    languages=self._languages,
                    tell=wait,
                    foreseen=foreseen,
                )
            heard: Heard | None = within_limits(found)
        except NothingHeard:
            if overheard is None:
                raise
            heard = None  # a door, a dog: an open microphone hears those without a fuss
        if heard is None or (overheard and is_echo(heard.text, overheard)):
            await self.wire.say("nothing", question=number)
            return
        html = self._words.heard(heard)
        await self.wire.say("heard", question=number, text=heard.text, html=html)
        await self._answer(number, heard.text, heard)

    async def _asked(self, number: int, text: str, instead: str) -> None:
        if len(text) > MAX_QUESTION:
            raise QuestionTooLong
        self._words.allow_question()
        if MISHEARD.fullmatch(instead):
            taken_back = replace(self._incoming("", None), action=instead)
            await self._web.app.conversation.handle(taken_back)
        await self._answer(number, text, None)

    async def _answer(self, number: int, text: str, heard: Heard | None) -> None:
        reply = fault = None
        incoming = self._incoming(text, heard)
        try:
            async for piece in self._web.app.conversation.stream(incoming):
                if isinstance(piece, Reply):
                    reply = piece
                else:
                    await self.wire.say("words", question=number, piece=piece)
        except WebSocketDisconnect:
            raise
        except Exception:
            logger.exception("chat-failed")
            reply, fault = None, "failed"
        if reply is None and fault is None:
            fault = "silent"
        turn = self._transcripts.add(self._who.thread, text, reply, fault, heard)
        await self._give(number, turn)

    def _incoming(self, text: str, heard: Heard | None) -> Incoming:
        who = self._who
        language: str = who.language
        if heard is not None:
            offered = self._web.app.town.town.languages
            language = answered_in(heard.language, who.language, offered)
            heard = replace(heard, language=Language(language))
        return Incoming(
            "web",
            who.id,
            name="",
            text=text,
            language=who.language,  # theirs stays theirs, whatever they speak
            thread=who.thread,
            staff=who.staff,
            heard=heard,
        )

    async def _give(self, number: int, turn: Turn) -> None:
        """The written answer, then its voice unless somebody spoke meanwhile."""
        reply, aloud = turn.reply, "none"
        if reply is not None and turn.heard is not None:
            self._wanted = reply.aloud
        wanted = self._aloud and self._wanted
        if reply is not None and reply.spoken and wanted and number > self._cut:
            aloud = "voice" if self._voice.speaks(reply.language) else "browser"
        if reply is not None and aloud == "browser":
            self._speaker.lend(number, reply)
        await self.wire.say(
            "answer",
            question=number,
            turn=turn.number,
            html=self._words.answer(turn),
            instead=turn.instead,
            aloud=aloud,
            language=reply.language if reply is not None else self._who.language,
            text=reply.spoken if reply is not None and aloud == "browser" else "",
        )
        if reply is not None and aloud == "voice" and number > self._cut:
            self._speaker.begin(number, reply)

    async def _fault(self, number: int, error: Exception, *, over: bool = False) -> None:
        try:
            html = self._words.fault(error)
            await self.wire.say("fault", question=number, html=html, over=over)
        except WebSocketDisconnect:
            logger.debug("voice-page-gone")
