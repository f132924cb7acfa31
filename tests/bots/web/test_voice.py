"""The voice socket without a browser: who may talk, how much, and what is never said again."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from bots.conversation import Button
from bots.web.voice.messages import MAX_MESSAGE, Patience
from bots.web.voice.words import is_echo
from core.testing import SetClock
from knowledge.errors import NothingHeard
from knowledge.language import Language
from knowledge.testing import FakeEars, FakeMouth
from knowledge.voice.codec import AvCodec
from knowledge.voice.port import HEARING_RATE, Clip
from tests.bots.web.calling import Page, SlowMouth, Town, opened, pcm, stream
from tests.bots.web.stage import open_town
from tests.world.voices import need, said

QUESTION = "秋芳洞の料金はいくらですか"


@pytest.fixture
async def town(tmp_path: Path, clock: SetClock) -> AsyncIterator[Town]:
    async with opened(tmp_path, clock, FakeEars(), FakeMouth()) as made:
        yield made


async def test_a_question_said_is_shown_answered_with_sources_and_spoken(town: Town) -> None:
    async with town.world.visitor("ja") as visitor, town.page(visitor) as page:
        await page.record(b"sound")
        heard = await page.until("heard")
        assert heard["text"] == QUESTION
        assert f">{QUESTION}</textarea>" in heard["html"]
        answer = await page.until("answer")
        assert (answer["question"], answer["aloud"]) == (1, "voice")
        assert "美祢市観光協会" in answer["html"]
        assert (await page.until("spoken"))["pieces"] == 2
        assert [(question, index) for question, index, _ in page.sounds] == [(1, 0), (1, 1)]
        again = await visitor.get("/")
        assert f">{QUESTION}</textarea>" in again.text
        assert f'id="turn-{answer["turn"]}"' in again.text
    assert town.ears.heard[0][0] == b"sound"
    assert town.ears.heard[0][1][0] is Language.JA
    incoming = town.world.talk.heard[-1]
    assert incoming.heard is not None
    assert (incoming.text, incoming.command) == (QUESTION, None)


async def test_who_speaks_another_language_at_first_keeps_their_own(
    tmp_path: Path, clock: SetClock
) -> None:
    ears = FakeEars(says="How much is it?", language=Language.EN)
    async with (
        opened(tmp_path, clock, ears, FakeMouth()) as town,
        town.world.visitor("ja") as visitor,
        town.page(visitor) as page,
    ):
        await page.record()
        await page.until("answer")
        incoming = town.world.talk.heard[-1]
        assert incoming.heard is not None
        assert (incoming.heard.language, incoming.language) == (Language.EN, "ja")


async def test_only_a_page_of_ours_with_its_cookie_may_open_the_socket(town: Town) -> None:
    async with town.world.visitor() as visitor:
        cookie = await town.cookie(visitor)
        for headers, origin in (
            (cookie, "https://elsewhere.example"),
            (cookie, None),
            (cookie, "null"),
            ({**cookie, "Sec-Fetch-Site": "cross-site"}, "own"),
            ({}, "own"),
        ):
            with pytest.raises(InvalidStatus) as refused:
                async with town.connect(headers, origin):
                    pass
            assert refused.value.response.status_code == 403
        async with town.connect(cookie) as socket:
            page = Page(socket)
            await page.say("hello", csrf="a guess")
            assert await page.closed() == 1008


async def test_a_recording_that_is_too_large_or_too_long_is_refused_and_the_next_one_heard(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bots.web.voice.call.MAX_RECORDING", 1000)
    async with town.world.visitor("ja") as visitor, town.page(visitor) as page:
        await page.record(b"x" * 1001)
        assert "録音が大きすぎます" in (await page.until("fault"))["html"]
        with monkeypatch.context() as patch:
            patch.setattr("bots.web.voice.call.SPARE_SECONDS", -60.0)
            await page.record(b"late")
            assert "録音が長すぎます" in (await page.until("fault"))["html"]
        assert town.ears.heard == []
        await page.record(b"short")
        await page.until("answer")
    assert [audio for audio, _ in town.ears.heard] == [b"short"]


async def test_what_breaks_the_protocol_ends_the_line(town: Town) -> None:
    async with town.world.visitor() as visitor:
        for message, code in (
            (b"x" * (MAX_MESSAGE + 1), 1009),
            ("no JSON", 1008),
            (json.dumps({"type": "hello", "csrf": "", "more": 1}), 1008),
            (json.dumps({"type": "ask", "text": ""}), 1008),
        ):
            async with town.page(visitor) as page:
                await page.socket.send(message)
                assert await page.closed() == code


async def test_the_page_opened_last_has_the_line_and_an_address_has_only_so_many(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bots.web.voice.door.AN_ADDRESS", 2)
    async with (
        town.world.visitor() as visitor,
        town.world.visitor() as other,
        town.world.visitor() as more,
        town.page(visitor) as first,
        town.page(visitor) as second,
    ):
        assert await first.closed() == 4001
        async with town.page(other) as third:
            async with town.connect(await town.cookie(more)) as socket:
                assert await Page(socket).closed() == 4003
            for page in (second, third):
                await page.record()
                await page.until("answer")


async def test_nothing_of_an_answer_that_was_cut_is_said_later(
    tmp_path: Path, clock: SetClock
) -> None:
    mouth = SlowMouth()
    async with (
        opened(tmp_path, clock, FakeEars(), mouth) as town,
        town.world.visitor("ja") as visitor,
        town.page(visitor) as page,
    ):
        await page.record()
        await page.until("piece")
        await page.say("stop")
        assert (await page.until("cut"))["cut"] == 1
        async with asyncio.timeout(5):
            await mouth.closed_early.wait()
        for _ in range(5):
            mouth.may.release()
        await page.record()
        await page.until("spoken")
        assert {question for question, _, _ in page.sounds[1:]} == {2}


async def test_who_speaks_before_the_answer_hears_only_the_next_one(town: Town) -> None:
    town.ears.hold.clear()
    async with town.world.visitor("ja") as visitor, town.page(visitor) as page:
        await page.record(b"first")
        await page.record(b"second")
        assert (await page.until("cut"))["cut"] == 0
        assert (await page.until("cut"))["cut"] == 1
        town.ears.hold.set()
        first, second = await page.until("answer"), await page.until("answer")
        assert [each["aloud"] for each in (first, second)] == ["none", "voice"]
        await page.until("spoken")
    assert {question for question, _, _ in page.sounds} == {2}


async def test_a_correction_is_answered_aloud_and_counts_as_a_question(town: Town) -> None:
    async with town.world.visitor("ja") as visitor, town.page(visitor) as page:
        await page.record()
        await page.until("spoken")
        await page.say("ask", text="秋吉台の料金はいくらですか")
        answer = await page.until("answer")
        assert (answer["question"], answer["aloud"]) == (2, "voice")
        assert "秋吉台の料金はいくらですか" in answer["html"]
        for number in range(13):
            await page.say("ask", text=f"質問{number}")
            message = await page.next()
            while message["type"] not in {"fault", "spoken"}:
                message = await page.next()
        assert message["type"] == "fault"


async def test_what_was_not_heard_is_said_with_a_next_step(tmp_path: Path, clock: SetClock) -> None:
    ears = FakeEars(fails=NothingHeard())
    async with (
        opened(tmp_path, clock, ears, FakeMouth()) as town,
        town.world.visitor("ja") as visitor,
        town.page(visitor) as page,
    ):
        await page.record()
        assert "お声を聞き取れませんでした" in (await page.until("fault"))["html"]
        ears.fails = RuntimeError("a broken engine")
        await page.record()
        assert "もう一度お試しください" in (await page.until("fault"))["html"]
        ears.fails = None
        await page.record()
        await page.until("answer")


async def test_who_wants_no_voice_gets_the_written_answer_alone(town: Town) -> None:
    async with town.world.visitor("ja") as visitor, town.page(visitor, aloud=False) as page:
        await page.record()
        assert (await page.until("answer"))["aloud"] == "none"
        await page.say("aloud", on=True)
        await page.record()
        assert (await page.until("answer"))["aloud"] == "voice"
        await page.until("spoken")
    assert {question for question, _, _ in page.sounds} == {2}


async def test_a_language_without_a_voice_is_left_to_the_device(town: Town) -> None:
    town.ears.says, town.ears.language = "동굴 요금은 얼마인가요?", Language.KO
    town.world.talk.spoken = "어른은 1600엔입니다."
    async with town.world.visitor("ko") as visitor, town.page(visitor) as page:
        # Before the voices are loaded nobody knows that Korean is not among them.
        await page.record()
        first = await page.until("spoken")
        await page.record()
        second = await page.until("answer")
    assert second["aloud"] == "browser"
    for told in (first, second):
        assert (told["language"], told["text"]) == ("ko", "어른은 1600엔입니다.")
    assert town.mouth.said == []


async def test_a_browser_that_plays_no_ogg_gets_mp4_or_wav(town: Town) -> None:
    async with town.world.visitor("ja") as visitor:
        for plays, media in (
            (["audio/ogg", "audio/wav"], "audio/ogg"),
            (["audio/mp4", "audio/wav"], "audio/mp4"),
            (["audio/strange"], "audio/wav"),
        ):
            async with town.page(visitor, plays=plays) as page:
                await page.record()
                assert (await page.until("piece"))["media"] == media
                await page.until("spoken")


async def test_a_question_that_was_misheard_is_taken_back_when_it_is_corrected(
    town: Town,
) -> None:
    async with town.world.visitor("ja") as visitor, town.page(visitor) as page:
        no = Button("ちがいます", action="heard:no:abc-_1")
        town.world.talk.buttons = ((no,),)
        await page.record()
        answer = await page.until("answer")
        assert answer["instead"] == no.action
        assert "ちがいます" not in answer["html"]
        await page.until("spoken")
        assert f'value="{no.action}"' in (await visitor.get("/")).text
        await page.say("ask", text="秋吉台の料金は", instead=answer["instead"])
        await page.until("spoken")
        taken_back, asked = town.world.talk.heard[-2:]
        assert (taken_back.action, asked.text) == (no.action, "秋吉台の料金は")
        seen = await visitor.post("/chat", text="やはり別府弁天池", instead=answer["instead"])
        assert "You asked: やはり別府弁天池" in seen.text
        assert town.world.talk.heard[-2].action == no.action


# Hands-free


def words_in(clip: Clip) -> float:
    """Seconds from the first sound to the last."""
    loud = np.flatnonzero(np.abs(clip.samples) > 0.02)
    return float(loud[-1] - loud[0]) / clip.rate


async def test_the_end_of_a_turn_is_found_and_its_beginning_is_whole(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    need("faster_whisper", "av")
    monkeypatch.setattr("bots.web.voice.call.AHEAD", 60.0)
    voice = said(QUESTION)
    async with town.world.visitor("ja") as visitor, town.page(visitor) as page:
        await page.say("open")
        await page.until("listening")
        await stream(page, pcm(1.0, voice, 1.0), frame=1000)
        await page.until("began")
        await page.until("ended")
        await page.until("spoken")
        await stream(page, pcm(voice, 1.0))
        assert (await page.until("began"))["cut"] == 1
    clip = AvCodec().decode(town.ears.heard[0][0], rate=HEARING_RATE, limit=60)
    assert words_in(clip) == pytest.approx(words_in(voice), abs=0.1)
    assert clip.seconds < words_in(voice) + 2


async def test_what_was_heard_before_the_microphone_was_closed_is_not_answered_again(
    tmp_path: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    need("faster_whisper", "av")
    monkeypatch.setattr("bots.web.voice.call.AHEAD", 60.0)
    sound = pcm(1.0, said(QUESTION), 1.0)
    ears = FakeEars(says="最初の質問")
    async with (
        opened(tmp_path, clock, ears, FakeMouth(), foresees=True) as town,
        town.world.visitor("ja") as visitor,
        town.page(visitor, aloud=False) as page,
    ):
        await page.record()  # ears that are open hear ahead
        await page.until("answer")
        for question in ("秋芳洞の料金は", "大正洞の料金は"):
            ears.says = question
            await page.say("open")
            await stream(page, sound)
            assert (await page.until("heard"))["text"] == question
            await page.until("answer")
            await page.say("close")
    assert all(audio != ears.heard[0][0] for audio, _ in ears.heard[1:])


async def test_an_open_microphone_closes_after_silence_and_says_so(
    tmp_path: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    need("faster_whisper")
    patience = partial(Patience, silence=timedelta(seconds=1))
    monkeypatch.setattr("bots.web.voice.door.Patience", patience)
    async with (
        opened(tmp_path, clock, FakeEars(), FakeMouth()) as town,
        town.world.visitor("ja") as visitor,
        town.page(visitor) as page,
    ):
        await page.say("open")
        await stream(page, pcm(1.2))
        assert "マイクを閉じました" in (await page.until("rest"))["html"]
        await stream(page, pcm(1.2))  # what was on its way is no error
        await page.record()
        await page.until("answer")


async def test_sound_that_comes_faster_than_anybody_speaks_ends_the_line(town: Town) -> None:
    need("faster_whisper")
    async with town.world.visitor() as visitor, town.page(visitor) as page:
        await page.say("open")
        with suppress(ConnectionClosed):
            await stream(page, pcm(60.0), frame=MAX_MESSAGE)
        assert await page.closed() == 1008


async def test_the_mascots_own_voice_in_the_microphone_is_no_question(town: Town) -> None:
    need("faster_whisper", "av")
    town.ears.says = "おとなは1600円です"
    async with town.world.visitor("ja") as visitor, town.page(visitor) as page:
        await page.record()
        await page.until("spoken")
        await page.say("open")
        await stream(page, pcm(said(QUESTION), 1.0))
        await page.until("nothing")
    assert len(town.world.talk.heard) == 1


@pytest.mark.parametrize(
    ("reads", "told"),
    [
        pytest.param([True], "nothing", id="while it reads"),
        pytest.param([True, False], "nothing", id="its last words"),
        pytest.param([], "heard", id="a voice that was silent"),
    ],
)
async def test_what_the_devices_own_voice_reads_is_no_question(
    town: Town, reads: list[bool], told: str
) -> None:
    need("faster_whisper", "av")
    town.ears.says, town.ears.language = "어른은 1600엔입니다", Language.KO
    town.world.talk.spoken = "어른은 1600엔입니다. 어린이는 1000엔입니다."
    async with town.world.visitor("ko") as visitor, town.page(visitor) as page:
        await page.record()
        assert (await page.until("spoken"))["text"] == town.world.talk.spoken
        await page.say("open")
        for on in (True, False):
            await page.say("reading", question=7, on=on)  # of an answer that it was not given
        for on in reads:
            await page.say("reading", question=1, on=on)
        await stream(page, pcm(said(QUESTION), 1.0))
        await page.until("ended")
        assert (await page.next())["type"] == told


def test_an_echo_is_the_mascots_own_words_and_no_short_word() -> None:
    spoken = "秋芳洞の入洞料は、おとな1600円です。市の資料、2026年2月時点です。"
    assert is_echo("入洞料は大人1600円です", spoken)
    assert is_echo("秋芳洞の入洞料は、おとな", spoken)
    assert not is_echo("秋芳洞の駐車場はどこですか", spoken)
    assert not is_echo("はい", spoken)
    assert not is_echo("秋芳洞の入洞料は", "")


# The page


async def test_only_the_page_with_the_button_may_ask_for_the_microphone(town: Town) -> None:
    async with town.world.visitor("ja") as visitor:
        home, about = await visitor.get("/"), await visitor.get("/about")
        assert "data-voice" in home.text
        assert "microphone=(self)" in home.answer.headers["Permissions-Policy"]
        assert "microphone=()" in about.answer.headers["Permissions-Policy"]
        own = town.world.url.replace("http", "ws")
        assert f"connect-src 'self' {own}" in home.answer.headers["Content-Security-Policy"]


async def test_a_town_without_a_voice_has_no_button_and_no_socket(
    tmp_path: Path, clock: SetClock
) -> None:
    async with open_town(tmp_path, clock, demo=False) as world, world.visitor("ja") as visitor:
        world.app.voice = None
        seen = await visitor.get("/")
        assert "data-voice" not in seen.text
        assert "microphone=()" in seen.answer.headers["Permissions-Policy"]
        town = Town(world, FakeEars(), FakeMouth())
        with pytest.raises(InvalidStatus):
            async with town.connect(await town.cookie(visitor)):
                pass
