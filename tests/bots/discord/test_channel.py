"""The mascot in a voice channel, over real sockets: what people there do, and what they hear."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import discord
import numpy as np
import pytest
import pytest_asyncio
from aiohttp.test_utils import TestServer
from discord.asset import Asset
from discord.gateway import DiscordWebSocket
from discord.http import Route
from sqlalchemy.ext.asyncio import AsyncEngine

from bots.conversation import Reply
from bots.discord.channel import speech
from bots.discord.channel.speech import SILENCE, Speech
from bots.voice import Voice
from core import audit
from core.announcements import Kind
from core.announcements.delivery.lanes import delivery_number
from core.clock import system_clock
from core.database import transaction
from core.tables import AnnouncementRow
from knowledge.errors import SynthesiserFailed
from knowledge.language import Language
from knowledge.testing import FakeMouth
from knowledge.voice.codec import AvCodec
from knowledge.voice.port import Container, Mouth, Piece, Samples
from tests.bots.discord.hall import (
    HANA,
    LOUNGE,
    MASCOT,
    OFFICE,
    PLAZA,
    ROOM,
    STAGE,
    TARO,
    TERRACE,
    Hall,
    Visit,
    Whistling,
    connector,
    gapless,
    pitches,
)
from tests.bots.discord.server import until
from tests.bots.discord.stage import StubApp, settings, town_pack
from tests.world.voices import need, said

LOW, HIGH, HIGHEST = 440, 880, 1320
TONES = (LOW, HIGH, HIGHEST)
A_SECOND = 50  # packets


@pytest.fixture(autouse=True)
def library_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library's class attributes are put back after each test."""
    need("av", "nacl", "davey")
    monkeypatch.setattr(Route, "BASE", Route.BASE)
    monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", DiscordWebSocket.DEFAULT_GATEWAY)
    monkeypatch.setattr(Asset, "BASE", Asset.BASE)


@pytest_asyncio.fixture
async def hall() -> AsyncIterator[Hall]:
    hall = Hall()
    await hall.voice.start()
    running = TestServer(hall.application())
    await running.start_server()
    hall.base = f"{running.host}:{running.port}"
    yield hall
    await running.close()
    await hall.voice.close()


@pytest_asyncio.fixture
async def visit(hall: Hall, engine: AsyncEngine) -> AsyncIterator[Visit]:
    mouth = Whistling(pitches={"低い。": LOW, "高い。": HIGH, "もっと高い。": HIGHEST})

    def opened() -> Mouth:
        return mouth.instead or mouth

    values = {"discord_api_url": hall.api, "discord_gateway_url": hall.gateway}
    app = StubApp(settings(**values), town_pack(guild=1), engine)
    app.voice = Voice(ears=None, mouth=opened)
    adapter = app.adapter()
    adapter.client.http.connector = connector(hall.voice)
    await adapter.start()
    hall.messages.clear()  # what staff were told
    yield Visit(hall, app, adapter, mouth)
    await adapter.stop()


def says(visit: Visit, spoken: str, *, private: bool = False) -> None:
    """What the next question is answered with."""
    visit.app.conversation.reply = Reply(f"「{spoken}」", spoken=spoken, private=private)


# --- coming -----------------------------------------------------------------------------------


async def test_who_is_in_a_voice_channel_calls_the_mascot_there_and_it_does_not_listen(
    visit: Visit,
) -> None:
    await visit.hall.moves(HANA, LOUNGE)
    seen = await visit.hall.command(HANA, "join")
    assert "談話室" in seen["content"]
    assert "聞いていません" in seen["content"]
    [state] = visit.hall.bot_states
    assert (state["channel_id"], state["self_deaf"]) == (LOUNGE, True)
    [identity] = visit.hall.voice.identified
    assert (identity["server_id"], identity["token"]) == ("1", "t")


async def test_what_an_answer_says_is_heard_in_the_channel_and_stands_in_writing(
    visit: Visit,
) -> None:
    await visit.arrive(HANA)
    says(visit, "低い。高い。")
    await visit.hall.writes(HANA, "何時から？")
    await until(lambda: visit.hall.messages)
    await visit.quiet()

    [written] = visit.hall.messages
    assert "低い" in written["content"]
    heard = pitches(visit.hall.voice.sound(), TONES)
    assert list(heard) == [LOW, HIGH]
    assert all(0.2 <= seconds <= 0.4 for seconds in heard.values())
    assert gapless(visit.hall.voice.heard)
    assert [each.opus for each in visit.hall.voice.heard[-5:]] == [SILENCE] * 5


async def test_the_answer_to_an_ask_is_heard_too(visit: Visit) -> None:
    await visit.arrive(HANA)
    says(visit, "低い。")
    seen = await visit.hall.asks(HANA, "何時から？")
    assert "低い" in seen["content"]
    await until(visit.hall.voice.words)
    await visit.quiet()
    assert list(pitches(visit.hall.voice.sound(), TONES)) == [LOW]


async def test_the_command_stands_in_the_menu_in_everybodys_language(visit: Visit) -> None:
    [menu] = [body for method, _, body in visit.hall.requests if method == "PUT"]
    [voice] = [each for each in menu if each["name"] == "voice"]
    parts = {each["name"]: each for each in voice["options"]}
    assert set(parts) == {"join", "leave", "stop", "announcements"}
    assert parts["stop"]["description_localizations"]["ja"] == "話すのを止める"
    choices = parts["announcements"]["options"][0]["choices"]
    assert [each["value"] for each in choices] == ["on", "off"]


async def test_staff_call_the_mascot_away_and_others_do_not(visit: Visit) -> None:
    await visit.arrive(HANA)
    await visit.hall.moves(TARO, TERRACE)
    refused = await visit.hall.command(TARO, "join")
    assert "談話室" in refused["content"]
    assert "そちらに" in refused["content"]

    await visit.hall.moves(OFFICE, TERRACE)
    await visit.hall.command(OFFICE, "join")
    assert visit.speaker is not None
    assert visit.speaker.line.channel.id == TERRACE


@pytest.mark.parametrize(
    ("where", "words"),
    [(None, "先にボイスチャンネルに入って"), (STAGE, "ふつうのボイスチャンネルに入って")],
)
async def test_where_the_mascot_cannot_come_it_says_what_to_do_next(
    visit: Visit, where: int | None, words: str
) -> None:
    if where is not None:
        await visit.hall.moves(HANA, where)
    seen = await visit.hall.command(HANA, "join")
    assert words in seen["content"]
    assert visit.hall.bot_states == []


async def test_a_missing_part_is_named_with_what_installs_it(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(speech.PARTS, "no_such_davey", "davey")
    await visit.hall.moves(HANA, LOUNGE)
    seen = await visit.hall.command(HANA, "join")
    assert "davey" in seen["content"]
    assert "pip install 'kankei[voice]'" in seen["content"].replace("\\", "")


async def test_a_right_that_is_missing_is_named_as_discord_names_it(visit: Visit) -> None:
    await visit.hall.moves(HANA, LOUNGE)
    denied = discord.Permissions(speak=True)
    await visit.hall.changes_lounge(denied=denied.value)
    seen = await visit.hall.command(HANA, "join")
    assert "発言" in seen["content"]
    assert "接続" not in seen["content"]


async def test_a_full_channel_is_said_to_be_full(visit: Visit) -> None:
    await visit.hall.changes_lounge(user_limit=1)
    await visit.hall.moves(HANA, LOUNGE)
    assert "満員" in (await visit.hall.command(HANA, "join"))["content"]


# --- one after another ------------------------------------------------------------------------


async def test_two_who_ask_at_once_are_answered_one_after_the_other(visit: Visit) -> None:
    await visit.arrive(HANA, TARO)
    says(visit, "低い。")
    await visit.hall.writes(HANA, "一つ目")
    await until(lambda: visit.mouth.said)
    says(visit, "高い。")
    await visit.hall.writes(TARO, "二つ目")
    await until(lambda: len(visit.mouth.said) > 1)
    await visit.quiet()
    assert list(pitches(visit.hall.voice.sound(), TONES)) == [LOW, HIGH]


async def test_a_new_question_of_the_same_person_cuts_the_answer_to_the_old_one_for_good(
    visit: Visit,
) -> None:
    visit.mouth.seconds = 5.0
    await visit.arrive(HANA)
    says(visit, "低い。もっと高い。")
    await visit.hall.writes(HANA, "一つ目")
    await until(lambda: len(visit.hall.voice.words()) > A_SECOND)

    visit.mouth.seconds = 0.3
    says(visit, "高い。")
    await visit.hall.writes(HANA, "二つ目")
    await until(lambda: len(visit.hall.messages) > 1)
    await visit.quiet()
    heard = pitches(visit.hall.voice.sound(), TONES)
    assert list(heard) == [LOW, HIGH]
    assert heard[LOW] < 4.0


async def test_an_answer_that_comes_after_a_newer_question_is_not_said(visit: Visit) -> None:
    await visit.arrive(HANA)
    speaker = visit.speaker
    assert speaker is not None
    old = visit.places.asked(1, HANA)
    visit.places.asked(1, HANA)
    reply = Reply("遅い", spoken="低い。")
    assert visit.places.answered(old, speaker.line.channel, reply) is reply
    assert not speaker.speaking


async def test_who_was_misheard_is_not_told_the_rest(visit: Visit) -> None:
    visit.mouth.seconds = 5.0
    await visit.arrive(HANA)
    says(visit, "低い。")
    await visit.hall.writes(HANA, "聞き違い")
    await until(lambda: len(visit.hall.voice.words()) > A_SECOND)
    await visit.hall.presses(HANA, "heard:no")
    await visit.quiet()
    assert pitches(visit.hall.voice.sound(), TONES)[LOW] < 4.0


@pytest.mark.parametrize("by", ["button", "command"])
async def test_who_says_stop_hears_nothing_more(visit: Visit, by: str) -> None:
    visit.mouth.seconds = 5.0
    await visit.arrive(HANA, TARO)
    says(visit, "低い。")
    await visit.hall.writes(HANA, "一つ目")
    await until(lambda: len(visit.hall.voice.words()) > A_SECOND)
    says(visit, "高い。")
    await visit.hall.writes(TARO, "二つ目")
    await until(lambda: len(visit.hall.messages) > 1)

    if by == "button":
        [stop] = [each for each in buttons(visit.hall.messages[0]) if "stop" in each]
        seen = await visit.hall.presses(HANA, stop.removeprefix("kankei:a:"))
    else:
        seen = await visit.hall.command(HANA, "stop")
    assert "止めました" in seen["content"]
    await visit.quiet()
    heard = pitches(visit.hall.voice.sound(), TONES)
    assert list(heard) == [LOW]
    assert heard[LOW] < 4.0
    assert "何も話していません" in (await visit.hall.command(HANA, "stop"))["content"]


async def test_who_does_not_hear_it_stops_nothing(visit: Visit) -> None:
    await visit.arrive(HANA)
    assert "談話室" in (await visit.hall.command(TARO, "stop"))["content"]
    assert "談話室" in (await visit.hall.command(TARO, "leave"))["content"]
    assert visit.speaker is not None


# --- what is not said aloud -------------------------------------------------------------------


async def test_only_those_in_the_channel_are_answered_aloud(visit: Visit) -> None:
    await visit.arrive(HANA)
    says(visit, "低い。")
    await visit.hall.writes(TARO, "外から")
    await until(lambda: visit.hall.messages)
    assert visit.mouth.said == []
    assert not any("stop" in each for each in buttons(visit.hall.messages[0]))


async def test_what_was_asked_in_a_room_that_not_all_who_hear_may_read_is_not_said(
    visit: Visit,
) -> None:
    await visit.arrive(HANA)
    says(visit, "低い。")
    await visit.hall.writes(HANA, "内緒で", channel=ROOM)
    await until(lambda: visit.hall.messages)
    assert visit.mouth.said == []


async def test_what_is_for_one_person_is_not_said(visit: Visit) -> None:
    await visit.arrive(HANA)
    says(visit, "低い。", private=True)
    await visit.hall.writes(HANA, "わたしの会員証")
    await until(lambda: len(visit.hall.messages) > 1)
    assert visit.mouth.said == []


# --- going ------------------------------------------------------------------------------------


async def test_the_mascot_goes_when_nobody_is_left(visit: Visit) -> None:
    visit.places.alone = 0.05
    await visit.arrive(HANA, TARO)
    await visit.hall.moves(TARO, TERRACE)
    await visit.hall.moves(HANA, None)
    await until(lambda: visit.hall.bot_states[-1]["channel_id"] is None)
    await until(lambda: visit.speaker is None)
    assert "いません" in (await visit.hall.command(HANA, "stop"))["content"]


async def test_who_comes_back_at_once_finds_the_mascot_there(visit: Visit) -> None:
    await visit.arrive(HANA)
    await visit.hall.moves(HANA, None)
    await visit.hall.moves(HANA, LOUNGE)
    says(visit, "低い。")
    await visit.hall.writes(HANA, "まだいる？")
    await until(visit.hall.voice.words)
    assert len(visit.hall.bot_states) == 1


async def test_the_mascot_goes_after_a_long_silence(visit: Visit) -> None:
    visit.places.idle = 0.05
    await visit.hall.moves(HANA, LOUNGE)
    await visit.hall.command(HANA, "join")
    await until(lambda: visit.hall.bot_states[-1]["channel_id"] is None)


async def test_sent_away_it_stops_in_the_middle_of_a_sentence(visit: Visit) -> None:
    visit.mouth.seconds = 5.0
    await visit.arrive(HANA)
    says(visit, "低い。")
    await visit.hall.writes(HANA, "長い話")
    await until(visit.hall.voice.words)
    seen = await visit.hall.command(HANA, "leave")
    assert "出ました" in seen["content"]
    assert visit.speaker is None
    assert pitches(visit.hall.voice.sound(), TONES).get(LOW, 0.0) < 4.0


async def test_put_out_by_a_moderator_it_can_be_called_again(visit: Visit) -> None:
    await visit.arrive(HANA)
    await visit.hall.moves(MASCOT, None)
    await until(lambda: visit.speaker is None)
    await visit.hall.command(HANA, "join")
    says(visit, "高い。")
    await visit.hall.writes(HANA, "もう一度")
    await until(visit.hall.voice.words)


async def test_a_town_that_closes_leaves_the_channel(visit: Visit) -> None:
    await visit.arrive(HANA)
    await visit.adapter.stop()
    assert visit.hall.bot_states[-1]["channel_id"] is None


async def test_a_voice_that_fails_leaves_the_written_answer_and_the_next_one_is_said(
    visit: Visit,
) -> None:
    await visit.arrive(HANA)
    visit.mouth.fails = SynthesiserFailed("no")
    says(visit, "低い。")
    await visit.hall.writes(HANA, "一つ目")
    await until(lambda: visit.hall.messages)
    await visit.quiet()
    visit.mouth.fails = None
    says(visit, "高い。")
    await visit.hall.writes(HANA, "二つ目")
    await until(visit.hall.voice.words)
    await visit.quiet()
    assert list(pitches(visit.hall.voice.sound(), TONES)) == [HIGH]


# --- announcements ----------------------------------------------------------------------------


async def announced(visit: Visit, *, channel: int = PLAZA) -> int:
    """The number of a delivery into a channel."""
    async with transaction(visit.app.sessions) as session:
        row = AnnouncementRow(
            kind=Kind.ROOM,
            state="sending",
            author="office",
            places=[["discord", str(channel)]],
            texts={"ja": {"heading": "山焼き", "body": "2月15日です。https://example.jp/ 低い。"}},
            created_at=system_clock(),
        )
        session.add(row)
        await session.flush()
        return delivery_number(row.id, -1)


async def test_announcements_are_read_aloud_once_staff_say_so_the_sender_first(
    visit: Visit,
) -> None:
    await visit.arrive(HANA)
    number = await announced(visit)
    await visit.hall.posts(number)
    await visit.hall.moves(OFFICE, LOUNGE)
    assert (
        "読み上げます"
        in (await visit.hall.command(OFFICE, "announcements", switch="on"))["content"]
    )
    assert visit.mouth.said == []

    await visit.hall.posts(number)
    await until(visit.hall.voice.words)
    await visit.quiet()
    words = "".join(text for text, _ in visit.mouth.said)
    assert words == "見本町役場からのお知らせです。山焼き。2月15日です。 低い。"


async def test_a_post_that_is_no_announcement_or_in_a_hidden_room_is_not_read(
    visit: Visit,
) -> None:
    await visit.arrive(OFFICE)
    await visit.hall.command(OFFICE, "announcements", switch="on")
    await visit.hall.posts(2**63 + 5)
    await visit.hall.posts(await announced(visit, channel=ROOM), channel=ROOM)
    await visit.hall.posts(await announced(visit, channel=ROOM), channel=PLAZA)
    says(visit, "低い。")
    await visit.hall.writes(OFFICE, "それだけ？")
    await until(lambda: visit.mouth.said)
    await visit.quiet()
    assert [text for text, _ in visit.mouth.said] == ["低い。"]


async def test_only_staff_switch_it_and_each_change_is_in_the_audit_log(visit: Visit) -> None:
    await visit.arrive(HANA)
    assert "職員だけ" in (await visit.hall.command(HANA, "announcements", switch="on"))["content"]
    for switch in ("on", "on", "off"):
        await visit.hall.command(OFFICE, "announcements", switch=switch)
    async with transaction(visit.app.sessions) as session:
        rows = await audit.search(session, audit.Filter(area="staff"))
    assert [(each.actor, each.action) for each in reversed(rows)] == [
        ("discord:7001", "staff.read-aloud-on"),
        ("discord:7001", "staff.read-aloud-off"),
    ]


@dataclass
class Mei(FakeMouth):
    """Says one recorded sentence."""

    async def whole(self, text: str, *, language: Language, container: Container) -> Piece:
        self.said.append((text, language))
        clip = said(text)
        return Piece(text, AvCodec().encode(clip, container), container, clip.seconds)


async def test_listeners_hear_the_voice_as_it_was_made(visit: Visit) -> None:
    need("pyopenjtalk")
    sentence = "秋芳洞は、八時三十分からです。"
    visit.mouth.instead = Mei()
    await visit.arrive(HANA)
    says(visit, sentence)
    await visit.hall.writes(HANA, "何時から？")
    await until(visit.hall.voice.words)
    await visit.quiet()

    made, heard = said(sentence), visit.hall.voice.sound()
    assert made.rate == heard.rate
    assert abs(heard.seconds - made.seconds) < 0.2
    assert likeness(made.samples, heard.samples) > 0.9


def likeness(one: Samples, other: Samples) -> float:
    """How far one sound is the other, wherever that begins: the largest correlation, up to 1."""
    size = 1 << (len(one) + len(other)).bit_length()
    both = np.fft.irfft(np.fft.rfft(one, size) * np.conj(np.fft.rfft(other, size)), size)
    return float(both.max() / (np.linalg.norm(one) * np.linalg.norm(other)))


# --- the sound --------------------------------------------------------------------------------


def test_a_speech_is_silent_while_the_next_sentence_is_made_and_ends_after_the_last() -> None:
    talk = Speech()
    talk.feed([b"a"])
    assert [talk.read(), talk.read()] == [b"a", SILENCE]
    talk.feed([b"b", b"c"])
    talk.end()
    assert [talk.read(), talk.read(), talk.read()] == [b"b", b"c", b""]
    assert talk.is_opus()


def test_of_a_speech_that_was_cut_nothing_is_left() -> None:
    talk = Speech()
    talk.feed([b"a", b"b"])
    talk.cut()
    assert talk.read() == b""


def buttons(message: dict[str, Any]) -> list[str]:
    """What the buttons under a message do."""
    rows = message.get("components", [])
    return [each.get("custom_id", "") for row in rows for each in row.get("components", ())]
