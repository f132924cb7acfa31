"""The mascot in a voice channel, over real sockets: what people there do, and what they hear."""

from typing import Any

import discord
import pytest

from bots.conversation import Reply
from bots.discord.channel import speech
from bots.discord.channel.speech import SILENCE
from tests.bots.discord.hall import (
    A_SECOND,
    HANA,
    HIGH,
    LOUNGE,
    LOW,
    OFFICE,
    ROOM,
    STAGE,
    TARO,
    TERRACE,
    TONES,
    Visit,
    gapless,
    pitches,
    says,
)
from tests.bots.discord.server import until

KEY_PACKAGE = 26  # the operation of DAVE by which a member offers its key

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


async def test_where_the_call_is_encrypted_end_to_end_the_mascot_offers_its_key(
    visit: Visit,
) -> None:
    visit.hall.voice.dave = 1
    await visit.arrive(HANA)
    await until(lambda: visit.hall.voice.keys)
    assert visit.hall.voice.keys[0][0] == KEY_PACKAGE
    assert visit.hall.voice.identified[0]["max_dave_protocol_version"] >= 1


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


def buttons(message: dict[str, Any]) -> list[str]:
    """What the buttons under a message do."""
    rows = message.get("components", [])
    return [each.get("custom_id", "") for row in rows for each in row.get("components", ())]
