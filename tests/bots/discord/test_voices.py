"""Voice messages on Discord: heard, answered in writing first, then said."""

import base64
import json
from typing import Any

import discord
import pytest
import simcord

from bots import texts
from bots.conversation import Button, ChatKind, Reply
from bots.discord.voices import POINTS, picture_of
from bots.voice import MAX_SECONDS, Voice
from knowledge.errors import NothingHeard, SynthesiserFailed
from knowledge.language import Language
from knowledge.testing import FakeEars, FakeMouth
from knowledge.voice.port import Heard
from tests.bots.discord.stage import World
from tests.world.sounds import tone

VOICE_MESSAGE = ("voice-message.ogg", tone())
ALOUD = Reply("1,600円です。", spoken="千六百円です。", aloud=True, language="ja")


@pytest.fixture
def ears() -> FakeEars:
    return FakeEars()


@pytest.fixture
def mouth() -> FakeMouth:
    return FakeMouth(audio=tone(2))


@pytest.fixture(autouse=True)
def voice(world: World, ears: FakeEars, mouth: FakeMouth) -> Voice:
    world.app.voice = Voice(ears=lambda: ears, mouth=lambda: mouth)
    return world.app.voice


async def speak(world: World, person: simcord.MemberActor, seconds: float = 1.0) -> None:
    """Send a voice message to the bot, as phones make them."""
    [stored] = world.env.backend.store_attachments(1, [VOICE_MESSAGE])
    said = {**stored, "duration_secs": seconds, "waveform": "AAAA"}
    await person.send_dm(attachments=[said])


async def test_a_voice_message_is_heard_answered_in_writing_and_then_said(
    world: World, ears: FakeEars, mouth: FakeMouth
) -> None:
    hana = world.person("hana")
    heard = Heard(ears.says, Language.JA, 0.9, 2.0)
    world.conversation.reply = Reply(
        ALOUD.text, spoken=ALOUD.spoken, aloud=True, heard=heard, language="ja"
    )
    await speak(world, hana)
    [incoming] = world.conversation.heard
    assert incoming.heard == heard
    assert (incoming.text, incoming.command, incoming.chat) == ("", None, ChatKind.PRIVATE)
    assert ears.heard[0][0] == tone()
    written, said = sent_by_us(world)
    assert written["content"] == f"> 「{ears.says}」と聞こえました。\n\n1,600円です。"
    assert mouth.said == [("千六百円です。", Language.JA)]
    assert "content" not in said or said["content"] is None
    flags = discord.MessageFlags._from_value(said["flags"])
    assert (flags.voice, flags.suppress_notifications) == (True, True)
    [attachment] = said["attachments"]
    assert attachment["filename"] == "voice-message.ogg"
    assert attachment["duration_secs"] == pytest.approx(len(ALOUD.spoken) / 8)
    points = base64.b64decode(attachment["waveform"])
    assert len(points) == 20
    assert max(points) == 255


def sent_by_us(world: World) -> list[dict[str, Any]]:
    """What was written since the start, which wrote one message at the reception."""
    posts = (each for each in world.env.http_requests if each.path.endswith("/messages"))
    found = [each.json for each in posts if each.method == "POST" and each.json is not None]
    return found[1:]


async def test_in_a_channel_a_voice_message_that_answers_the_bot_is_heard(
    world: World,
) -> None:
    hana = world.person("hana")
    world.conversation.reply = ALOUD
    await hana.send(world.plaza, f"<@{world.adapter.client.own_id}> いますか")
    answer = world.plaza.history()[-2]  # the last one says it
    assert answer.content == ALOUD.text
    await hana.send(world.plaza, attachments=[VOICE_MESSAGE])
    assert [each.heard for each in world.conversation.heard] == [None]
    await hana.send(world.plaza, reply_to=answer, attachments=[VOICE_MESSAGE])
    assert world.conversation.heard[-1].heard is not None
    assert world.conversation.heard[-1].chat is ChatKind.GROUP


async def test_what_is_too_long_is_refused_before_it_is_fetched(
    world: World, ears: FakeEars
) -> None:
    hana = world.person("hana")
    await speak(world, hana, MAX_SECONDS + 1)
    assert sent_by_us(world)[-1]["content"] == texts.say("errors.audio-too-long", "ja")
    assert (ears.heard, world.conversation.heard) == ([], [])


async def test_a_recording_without_words_gets_a_next_step(world: World, ears: FakeEars) -> None:
    hana = world.person("hana")
    ears.fails = NothingHeard()
    await speak(world, hana)
    assert sent_by_us(world)[-1]["content"] == texts.say("errors.nothing-heard", "ja")
    assert world.conversation.heard == []


async def test_a_written_question_with_an_audio_file_is_answered_as_written(
    world: World, ears: FakeEars
) -> None:
    hana = world.person("hana")
    [stored] = world.env.backend.store_attachments(1, [("march.ogg", tone())])
    march = {**stored, "content_type": "audio/ogg"}
    await hana.send_dm("この曲はどこで聞けますか", attachments=[march])
    [incoming] = world.conversation.heard
    assert (incoming.text, incoming.heard) == ("この曲はどこで聞けますか", None)
    assert ears.heard == []


async def test_an_audio_file_without_a_voice_in_it_is_kindly_refused_as_music(
    world: World, ears: FakeEars
) -> None:
    hana = world.person("hana")
    ears.fails = NothingHeard()
    [stored] = world.env.backend.store_attachments(1, [("march.ogg", tone())])
    await hana.send_dm(attachments=[{**stored, "content_type": "audio/ogg"}])
    assert sent_by_us(world)[-1]["content"] == texts.say("voice.refused.music", "ja")
    assert world.conversation.heard == []


@pytest.mark.parametrize("trouble", ["no wish", "synthesiser"])
async def test_the_written_answer_stands_alone(
    world: World, mouth: FakeMouth, trouble: str
) -> None:
    hana = world.person("hana")
    world.conversation.reply = ALOUD if trouble == "synthesiser" else Reply("はい", spoken="はい")
    mouth.fails = SynthesiserFailed("x")
    await speak(world, hana)
    assert len(sent_by_us(world)) == 1


async def test_where_discord_takes_no_voice_message_the_answer_is_a_file(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    hana = world.person("hana")
    world.conversation.reply = ALOUD
    send = world.adapter.client.http.send_message

    async def refuse(channel: int, *, params: Any) -> Any:
        described = json.loads(params.multipart[0]["value"]) if params.multipart else {}
        if discord.MessageFlags._from_value(described.get("flags", 0)).voice:
            raise forbidden()
        return await send(channel, params=params)

    monkeypatch.setattr(world.adapter.client.http, "send_message", refuse)
    await speak(world, hana)
    _, said = sent_by_us(world)
    [attachment] = said["attachments"]
    assert attachment["filename"] == "answer.ogg"
    assert "waveform" not in attachment


def forbidden() -> discord.Forbidden:
    class Response:
        status, reason = 403, "Forbidden"

    return discord.Forbidden(Response(), {"code": 50013, "message": "Missing Permissions"})  # type: ignore[arg-type]


async def test_a_button_under_what_was_heard_is_answered_by_a_file_for_one_person(
    world: World,
) -> None:
    hana = world.person("hana")
    world.conversation.reply = Reply("はい", buttons=((Button("「秋芳洞」", "heard:0:x"),),))
    shown = await hana.slash(world.plaza, "ask", question="何時まで?")
    assert shown.response is not None
    world.conversation.reply = ALOUD
    pressed = await hana.click(shown.response, label="「秋芳洞」")
    assert world.conversation.heard[-1].action == "heard:0:x"
    said = pressed.followups[-1]
    assert said.attachments[0].filename == "answer.ogg"
    assert pressed.ephemeral


async def test_where_nothing_can_hear_a_voice_message_is_answered_in_writing(world: World) -> None:
    world.app.voice = None
    hana = world.person("hana")
    await speak(world, hana)
    [incoming] = world.conversation.heard
    assert (incoming.heard, incoming.text) == (None, "")


def test_the_picture_of_a_voice_has_a_point_a_tenth_of_a_second() -> None:
    assert len(picture_of(tone(0.05))) == 1
    assert len(picture_of(tone(3))) == 30
    assert len(picture_of(tone(40))) == POINTS
