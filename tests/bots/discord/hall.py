"""The hall: a server with voice channels over real sockets, people in them, and our mascot.

The small Discord of `server` with one guild; who enters a voice channel is sent on to a voice
server of this machine (`tests.world.voice_gateway`), which hears what is said.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

import aiohttp
import discord
import numpy as np
from aiohttp import web

from bots.conversation import Reply
from bots.discord.adapter import DiscordAdapter
from bots.discord.channel.places import Places
from bots.discord.channel.speaker import Speaker
from knowledge.language import Language
from knowledge.testing import FakeMouth
from knowledge.voice.codec import AvCodec
from knowledge.voice.port import SPEAKING_RATE, Clip, Container, Piece
from tests.bots.discord.server import BOT, Server, answer, message_payload, read_body, until
from tests.bots.discord.stage import StubApp
from tests.world.voice_gateway import Packet, VoiceGateway

GUILD: Final = 1
PLAZA, ROOM, LOUNGE, TERRACE, STAGE = 55, 56, 77, 78, 79
MASCOT, HANA, TARO, OFFICE = 100, 200, 201, 7001
VOICE_STATE: Final = 4

_RIGHTS = discord.Permissions(
    view_channel=True, send_messages=True, read_message_history=True, connect=True, speak=True
)


@dataclass
class Hall(Server):
    """Discord with one guild. `shown` is what people who used a command got to see."""

    voice: VoiceGateway = field(default_factory=VoiceGateway)
    shown: list[dict[str, Any]] = field(default_factory=list)
    bot_states: list[dict[str, Any]] = field(default_factory=list)  # what the mascot asked for
    _numbers: Any = field(default_factory=lambda: itertools.count(5000))

    # --- the guild ----------------------------------------------------------------------------

    async def _ready(self, socket: web.WebSocketResponse) -> None:
        await super()._ready(socket)
        hidden = discord.Permissions(view_channel=True).value
        room = [{"id": str(GUILD), "type": 0, "allow": "0", "deny": str(hidden)}]
        await self.dispatch(
            "GUILD_CREATE",
            {
                "id": str(GUILD),
                "name": "見本町",
                "owner_id": "900",
                "roles": [_role(GUILD, "@everyone", _RIGHTS.value)],
                "members": [_member(MASCOT)],
                "member_count": 4,
                "channels": [
                    _channel(PLAZA, 0, "広場"),
                    _channel(ROOM, 0, "住民の部屋", room),
                    _channel(LOUNGE, 2, "談話室"),
                    _channel(TERRACE, 2, "テラス"),
                    _channel(STAGE, 13, "舞台"),
                ],
                **{key: [] for key in ("voice_states", "threads", "emojis", "stickers")},
                **{key: [] for key in ("presences", "features")},
            },
        )

    async def _hear(self, socket: web.WebSocketResponse, said: dict[str, Any]) -> None:
        if said["op"] != VOICE_STATE:
            await super()._hear(socket, said)
            return
        self.bot_states.append(said["d"])
        channel = said["d"]["channel_id"]
        await self.moves(MASCOT, int(channel) if channel else None)
        if channel:
            entrance = {"token": "t", "guild_id": str(GUILD), "endpoint": self.voice.endpoint}
            await self.dispatch("VOICE_SERVER_UPDATE", entrance)

    async def changes_lounge(self, *, denied: int = 0, user_limit: int = 0) -> None:
        """A moderator takes rights from the mascot there, or room from everybody."""
        ours = [{"id": BOT["id"], "type": 1, "allow": "0", "deny": str(denied)}]
        lounge = _channel(LOUNGE, 2, "談話室", ours, user_limit=user_limit)
        await self.dispatch("CHANNEL_UPDATE", lounge)

    async def moves(self, person: int, channel: int | None) -> None:
        """Somebody enters a voice channel, or leaves."""
        flags = ("deaf", "mute", "self_deaf", "self_mute", "self_video", "suppress")
        state = {
            "guild_id": str(GUILD),
            "channel_id": str(channel) if channel else None,
            "user_id": str(person),
            "member": _member(person),
            "session_id": f"voice-{person}",
            **dict.fromkeys(flags, False),
        }
        await self.dispatch("VOICE_STATE_UPDATE", state)

    async def writes(self, person: int, text: str, *, channel: int = PLAZA) -> None:
        """Somebody mentions the mascot."""
        payload = message_payload(
            next(self._numbers),
            channel=channel,
            text=f"<@{BOT['id']}> {text}",
            author=_user(person),
        )
        payload |= {"guild_id": str(GUILD), "member": _member(person), "mentions": [BOT]}
        await self.dispatch("MESSAGE_CREATE", payload)

    async def posts(self, nonce: int, *, channel: int = PLAZA) -> None:
        """The mascot's own post is seen, whichever process sent it."""
        payload = message_payload(next(self._numbers), channel=channel, text="", author=BOT)
        payload |= {"guild_id": str(GUILD), "member": _member(MASCOT), "nonce": str(nonce)}
        await self.dispatch("MESSAGE_CREATE", payload)

    # --- commands -----------------------------------------------------------------------------

    async def command(self, person: int, part: str, *, switch: str = "") -> dict[str, Any]:
        """Somebody uses ``/voice``; what they then see."""
        inner = [{"name": "switch", "type": 3, "value": switch}] if switch else []
        data = {
            "id": "1",
            "name": "voice",
            "type": 1,
            "options": [{"name": part, "type": 1, "options": inner}],
        }
        return await self._interaction(person, 2, data)

    async def asks(self, person: int, question: str) -> dict[str, Any]:
        """Somebody uses ``/ask``; what everybody then sees."""
        option = {"name": "question", "type": 3, "value": question}
        return await self._interaction(
            person, 2, {"id": "2", "name": "ask", "type": 1, "options": [option]}
        )

    async def presses(self, person: int, action: str) -> dict[str, Any]:
        """Somebody presses a button under a message of ours; what they then see."""
        data = {"custom_id": f"kankei:a:{action}", "component_type": 2}
        message = message_payload(next(self._numbers), channel=PLAZA, text="答え", author=BOT)
        button = {"type": 2, "style": 2, "label": "…", "custom_id": data["custom_id"]}
        message["components"] = [{"type": 1, "components": [button]}]
        return await self._interaction(person, 3, data, message=message)

    async def _interaction(
        self, person: int, kind: int, data: dict[str, Any], **more: Any
    ) -> dict[str, Any]:
        before = len(self.shown)
        payload = {
            "id": str(next(self._numbers)),
            "application_id": BOT["id"],
            "type": kind,
            "token": "once",
            "version": 1,
            "guild_id": str(GUILD),
            "channel_id": str(PLAZA),
            "channel": _channel(PLAZA, 0, "広場"),
            "member": {**_member(person), "permissions": str(_RIGHTS.value)},
            "data": data,
            "locale": "ja",
            "attachment_size_limit": 1000,
            "app_permissions": str(_RIGHTS.value),
            **more,
        }
        await self.dispatch("INTERACTION_CREATE", payload)
        await until(lambda: len(self.shown) > before)
        return self.shown[before]

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        parts = request.match_info["path"].split("/")
        if parts[0] == "interactions":
            body = await read_body(request)
            if body["type"] == 4:
                self.shown.append(body["data"])
            given = {"id": parts[1], "type": 2}
            return answer({"interaction": given})
        if parts[0] == "webhooks":
            body = await read_body(request)
            self.shown.append(body)
            text = body.get("content", "")
            return answer(
                message_payload(next(self._numbers), channel=PLAZA, text=text, author=BOT)
            )
        return await super()._rest(request)


@dataclass
class Visit:
    """The mascot, connected to the hall."""

    hall: Hall
    app: StubApp
    adapter: DiscordAdapter
    mouth: "Whistling"

    @property
    def places(self) -> Places:
        return self.adapter.client.places

    @property
    def speaker(self) -> Speaker | None:
        return self.places.speaker(GUILD)

    async def arrive(self, *people: int) -> None:
        """People are in the lounge, and the first calls the mascot."""
        for each in people:
            await self.hall.moves(each, LOUNGE)
        await self.hall.command(people[0], "join")
        assert self.speaker is not None

    async def quiet(self) -> None:
        """Everything that was to be said has been said."""
        await until(lambda: self.speaker is None or not self.speaker.speaking)


def says(visit: "Visit", spoken: str, *, private: bool = False) -> None:
    """What the next question is answered with."""
    visit.app.conversation.reply = Reply(f"「{spoken}」", spoken=spoken, private=private)


@dataclass
class Whistling(FakeMouth):
    """Says each sentence as a tone of its own, so that one hears which was said."""

    pitches: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.3
    instead: FakeMouth | None = None  # who speaks, if that is decided before the first word

    async def whole(self, text: str, *, language: Language, container: Container) -> Piece:
        if self.fails is not None:
            raise self.fails
        self.said.append((text, language))
        audio = whistle(self.pitches.get(text, 300), self.seconds)
        return Piece(text, audio, container, self.seconds)


@cache
def whistle(pitch: int, seconds: float) -> bytes:
    """A tone, as an Ogg/Opus file."""
    times = np.arange(int(seconds * SPEAKING_RATE)) / SPEAKING_RATE
    tone = (np.sin(2 * np.pi * pitch * times) / 3).astype(np.float32)
    return AvCodec().encode(Clip(tone, SPEAKING_RATE), Container.OGG_OPUS)


def pitches(clip: Clip, known: Sequence[int]) -> dict[int, float]:
    """Which of these tones are heard, in the order of their beginning, each with its seconds."""
    size = SPEAKING_RATE // 20
    found: dict[int, float] = {}
    for start in range(0, len(clip.samples) - size, size):
        part = clip.samples[start : start + size]
        if float(np.sqrt(np.mean(part**2))) < 0.02:
            continue
        loudest = int(np.argmax(np.abs(np.fft.rfft(part)))) * SPEAKING_RATE / size
        nearest = min(known, key=lambda each: abs(each - loudest))
        found[nearest] = found.get(nearest, 0.0) + size / SPEAKING_RATE
    return found


def gapless(packets: Sequence[Packet]) -> bool:
    """Whether one number follows the other, and 960 samples each."""
    steps = itertools.pairwise(packets)
    return all((b.sequence - a.sequence, b.timestamp - a.timestamp) == (1, 960) for a, b in steps)


LOW, HIGH, HIGHEST = 440, 880, 1320
TONES = (LOW, HIGH, HIGHEST)
A_SECOND = 50  # packets


def connector(voice: VoiceGateway) -> aiohttp.TCPConnector:
    """For a client that trusts the voice server's certificate."""
    return aiohttp.TCPConnector(limit=0, ssl=voice.trust)


def _user(number: int) -> dict[str, Any]:
    if str(number) == BOT["id"]:
        return BOT
    return {"id": str(number), "username": f"u{number}", "discriminator": "0", "avatar": None}


def _member(number: int) -> dict[str, Any]:
    joined = "2026-01-01T00:00:00+00:00"
    return {
        "user": _user(number),
        "roles": [],
        "joined_at": joined,
        "flags": 0,
        "deaf": False,
        "mute": False,
    }


def _role(number: int, name: str, rights: int) -> dict[str, Any]:
    plain = dict.fromkeys(("hoist", "managed", "mentionable"), False)
    return {
        "id": str(number),
        "name": name,
        "permissions": str(rights),
        "position": 0,
        "flags": 0,
        "color": 0,
        "colors": {"primary_color": 0},
        **plain,
    }


def _channel(
    number: int,
    kind: int,
    name: str,
    overwrites: list[dict[str, Any]] | None = None,
    *,
    user_limit: int = 0,
) -> dict[str, Any]:
    return {
        "id": str(number),
        "type": kind,
        "guild_id": str(GUILD),
        "name": name,
        "position": 0,
        "permission_overwrites": overwrites or [],
        "bitrate": 64000,
        "user_limit": user_limit,
    }
