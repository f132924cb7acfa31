"""Voice messages on Telegram: heard, answered in writing first, then said."""

import asyncio
from typing import Any

import pytest

from bots import texts
from bots.conversation import Button, ChatKind, Reply
from bots.voice import MAX_BYTES, MAX_SECONDS, Voice
from knowledge.errors import NothingHeard, SynthesiserFailed
from knowledge.language import Language
from knowledge.testing import FakeEars, FakeMouth
from knowledge.voice.port import Heard
from tests.bots.telegram.conftest import Hall
from tests.telegram_server import TelegramServer
from tests.world.sounds import tone

ALOUD = Reply("1,600円です。", spoken="千六百円です。", aloud=True, language="ja")


@pytest.fixture
def ears() -> FakeEars:
    return FakeEars()


@pytest.fixture
def mouth() -> FakeMouth:
    return FakeMouth(audio=tone(2))


@pytest.fixture(autouse=True)
def voice(hall: Hall, ears: FakeEars, mouth: FakeMouth) -> Voice:
    hall.voice = Voice(ears=lambda: ears, mouth=lambda: mouth)
    return hall.voice


async def test_a_voice_message_is_heard_answered_in_writing_and_then_said(
    server: TelegramServer, hall: Hall, ears: FakeEars, mouth: FakeMouth
) -> None:
    hana = server.user("花子", language="ja")
    heard = Heard(ears.says, Language.JA, 0.9, 2.0)
    hall.conversation.says = Reply(
        ALOUD.text, spoken=ALOUD.spoken, aloud=True, heard=heard, language="ja"
    )
    async with hall.open():
        await hana.sends_voice(tone(2), duration=2)
        written, said = await hana.next_message(), await hana.next_message()
    (incoming,) = hall.conversation.heard
    assert incoming.heard == heard
    assert (incoming.text, incoming.command, incoming.chat) == ("", None, ChatKind.PRIVATE)
    assert ears.heard[0][0] == tone(2)  # the very bytes
    assert ears.heard[0][1][0] is Language.JA
    assert (
        written.html == f"<blockquote>「{ears.says}」と聞こえました。</blockquote>\n\n1,600円です。"
    )
    assert said.file is not None
    assert (said.file.kind, said.text) == ("voice", "")
    assert said.file.content == tone(2)
    assert said.file.more["duration"] == 1  # of what the mouth said, rounded up
    assert mouth.said == [("千六百円です。", Language.JA)]
    (sent,) = server.calls("sendVoice")
    assert sent.params.boolean("disable_notification")


async def test_while_it_listens_it_shows_that_it_records(
    server: TelegramServer, hall: Hall, ears: FakeEars
) -> None:
    hana = server.user("花子")
    ears.hold.clear()
    async with hall.open():
        await hana.sends_voice(tone())
        await server.until(lambda: bool(server.calls("sendChatAction")))
        ears.hold.set()
        await hana.next_message()
    assert server.calls("sendChatAction")[0].params.text("action") == "record_voice"


@pytest.mark.parametrize("name", ["no wish", "no voice of the language"])
async def test_what_is_not_to_be_said_or_cannot_be_is_only_written(
    server: TelegramServer, hall: Hall, name: str
) -> None:
    hana = server.user("花子")
    silent = Reply("はい", spoken="はい", aloud=False)
    korean = Reply("네", spoken="네", aloud=True, language="ko")
    hall.conversation.says = silent if name == "no wish" else korean
    async with hall.open():
        await hana.sends_voice(tone())
        await hana.next_message()
    assert server.calls("sendVoice") == []


@pytest.mark.parametrize("trouble", ["synthesiser", "forbidden"])
async def test_without_a_voice_the_written_answer_stands_alone(
    server: TelegramServer, hall: Hall, mouth: FakeMouth, trouble: str
) -> None:
    hana = server.user("花子")
    hall.conversation.says = ALOUD
    if trouble == "synthesiser":
        mouth.fails = SynthesiserFailed("x")
    else:
        server.fail_next("sendVoice", 400, "Bad Request: VOICE_MESSAGES_FORBIDDEN")
    async with hall.open():
        await hana.sends_voice(tone())
        assert (await hana.next_message()).text == ALOUD.text
        await hana.sends("まだいますか")
        assert (await hana.next_message()).text == ALOUD.text
    assert len(hall.conversation.heard) == 2


@pytest.mark.parametrize(
    ("more", "key"),
    [
        pytest.param({"duration": MAX_SECONDS + 1}, "audio-too-long", id="too long"),
        pytest.param({"file_size": MAX_BYTES + 1}, "voice-too-large", id="too large"),
    ],
)
async def test_what_is_too_much_is_refused_before_it_is_fetched(
    server: TelegramServer, hall: Hall, more: dict[str, Any], key: str
) -> None:
    hana = server.user("花子", language="en")
    async with hall.open():
        await hana.sends_voice(tone(), **more)
        assert (await hana.next_message()).text == texts.say(f"errors.{key}", "en")
    assert server.calls("getFile") == []
    assert hall.conversation.heard == []


async def test_a_recording_without_words_gets_a_next_step(
    server: TelegramServer, hall: Hall, ears: FakeEars
) -> None:
    hana = server.user("花子", language="ko")
    ears.fails = NothingHeard()
    async with hall.open():
        await hana.sends_voice(tone())
        assert (await hana.next_message()).text == texts.say("errors.nothing-heard", "ko")
    assert hall.conversation.heard == []


async def test_who_has_to_wait_is_told_how_many_are_before(
    server: TelegramServer, hall: Hall, ears: FakeEars
) -> None:
    hana, ken = server.user("花子"), server.user("健", language="en")
    ears.hold.clear()
    async with hall.open():
        await hana.sends_voice(tone())
        await server.until(lambda: bool(ears.heard))
        await ken.sends_voice(tone())
        told = await ken.next_message()
        assert told.text == texts.say("voice.wait.before", "en", before=1)
        ears.hold.set()
        assert (await hana.next_message()).text == "はい"
        assert (await ken.next_message()).text == "はい"


async def test_a_recording_sent_as_a_file_is_heard_too_and_music_is_not(
    server: TelegramServer, hall: Hall
) -> None:
    hana = server.user("花子")
    async with hall.open():
        await hana.sends_audio(tone(), duration=3)
        assert (await hana.next_message()).text == "はい"
        await hana.sends_document("memo.m4a", tone(), media_type="audio/mp4")
        assert (await hana.next_message()).text == "はい"
        await hana.sends_audio(tone(), performer="町のブラスバンド", title="行進曲")
        assert (await hana.next_message()).text == texts.say("voice.refused.music", "ja")
        await hana.sends_video_note(b"mp4")
        assert (await hana.next_message()).text == texts.say("voice.refused.video", "ja")
    assert len(hall.conversation.heard) == 2


async def test_a_button_of_what_was_heard_is_answered_aloud(
    server: TelegramServer, hall: Hall
) -> None:
    hana = server.user("花子")
    hall.conversation.says = Reply("はい", buttons=((Button("「秋芳洞」", action="heard:0:x"),),))
    async with hall.open():
        await hana.sends_voice(tone())
        asked = await hana.next_message()
        hall.conversation.says = ALOUD
        await (await hana.presses("「秋芳洞」", asked)).answer()
        await hana.next_message()
        said = await hana.next_message()
    assert said.file is not None
    assert said.file.kind == "voice"


async def test_in_a_group_only_a_voice_message_that_answers_the_bot_is_meant_for_it(
    server: TelegramServer, hall: Hall
) -> None:
    hana = server.user("花子")
    group = server.supergroup("広場", members=(hana,))
    async with hall.open():
        await hana.sends_voice(tone(), group)
        await hana.mentions("いますか", group)
        answer = await hana.next_message(chat=group)
        hall.conversation.says = ALOUD
        await hana.sends_voice(tone(), reply_to=answer)
        await server.until(lambda: bool(server.calls("sendVoice")))
    spoken = [each for each in hall.conversation.heard if each.heard is not None]
    assert [each.chat for each in spoken] == [ChatKind.GROUP]
    (sent,) = server.calls("sendVoice")
    assert sent.chat_id == group.id


async def test_where_nothing_can_hear_people_are_asked_to_write(
    server: TelegramServer, hall: Hall
) -> None:
    hall.voice = None
    hana = server.user("花子")
    async with hall.open():
        await hana.sends_voice(tone())
        assert (await hana.next_message()).text == texts.say("telegram.message.words-please", "ja")


@pytest.mark.parametrize("hears", [True, False])
async def test_words_under_a_video_or_music_are_the_question(
    server: TelegramServer, hall: Hall, ears: FakeEars, *, hears: bool
) -> None:
    if not hears:
        hall.voice = None
    hana = server.user("花子")
    group = server.supergroup("広場", members=(hana,))
    async with hall.open():
        await hana.sends_video(b"mp4", caption="何時まで？")
        assert (await hana.next_message()).text == "はい"
        await hana.sends_audio(tone(), caption="この曲は？", performer="町のブラスバンド")
        assert (await hana.next_message()).text == "はい"
        await hana.sends_video(b"mp4", group, caption=f"@{server.bot.username} いつまで？")
        assert (await hana.next_message(chat=group)).text == "はい"
        await hana.sends_video(b"mp4", group, caption="ただの動画")
        await hana.sends("終わり")
        assert (await hana.next_message()).text == "はい"
    asked = [(each.text, each.heard) for each in hall.conversation.heard]
    assert asked == [
        ("何時まで？", None),
        ("この曲は？", None),
        ("いつまで？", None),
        ("終わり", None),
    ]
    assert ears.heard == []


async def test_words_beside_a_recording_are_the_question_where_nothing_can_hear(
    server: TelegramServer, hall: Hall
) -> None:
    hall.voice = None
    hana = server.user("花子")
    async with hall.open():
        await hana.sends_audio(tone(), caption="これは何？")
        assert (await hana.next_message()).text == "はい"
    assert [each.text for each in hall.conversation.heard] == ["これは何？"]


async def test_where_something_can_hear_a_picture_is_asked_for_in_words_or_by_voice(
    server: TelegramServer, hall: Hall
) -> None:
    hana = server.user("花子")
    async with hall.open():
        await hana.sends_photo(b"\xff\xd8\xff")
        assert (await hana.next_message()).text == texts.say(
            "telegram.message.words-or-voice", "ja"
        )


async def test_a_voice_stalls_nobody_else(
    server: TelegramServer, hall: Hall, ears: FakeEars
) -> None:
    hana, ken = server.user("花子"), server.user("健")
    ears.hold.clear()
    async with hall.open():
        await hana.sends_voice(tone())
        await server.until(lambda: bool(ears.heard))
        await asyncio.wait_for(ken.sends("秋芳洞は?"), 5)
        assert (await ken.next_message()).text == "はい"
        ears.hold.set()
        await hana.next_message()
