"""The voice socket at its limits: nothing a visitor said is lost without a word."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from bots import texts
from bots.limits import TooMany
from bots.web.chat import MAX_QUESTION
from bots.web.guard import Limits
from bots.web.voice.door import VoiceDoor
from bots.web.voice.messages import ELSEWHERE
from bots.web.voice.wire import Wire
from core.testing import SetClock
from knowledge.language import Language
from knowledge.testing import FakeEars, FakeMouth
from knowledge.voice.port import Container, Piece
from tests.bots.web.calling import Town, opened, pcm, stream
from tests.bots.web.stage import Seen
from tests.world.voices import need, said

LANGUAGES = ("ja", "ja-easy", "en", "zh-Hant", "zh-Hans", "ko")
CLARIFY = "どちらのことでしょうか。道の駅おふく。道の駅みとう。"


@dataclass
class ShortMouth(FakeMouth):
    """Says sentences of a hundredth of a second."""

    async def whole(self, text: str, *, language: Language, container: Container) -> Piece:
        piece = await super().whole(text, language=language, container=container)
        return Piece(piece.text, piece.audio, piece.container, 0.01)


@pytest.fixture
async def town(tmp_path: Path, clock: SetClock) -> AsyncIterator[Town]:
    async with opened(tmp_path, clock, FakeEars(), FakeMouth()) as made:
        yield made


async def test_an_answer_in_the_mascots_own_words_is_heard_once_the_mascot_is_silent(
    tmp_path: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    need("faster_whisper", "av")
    monkeypatch.setattr("bots.web.voice.speaking.ECHO_SECONDS", 0.0)
    async with (
        opened(tmp_path, clock, FakeEars(), ShortMouth()) as town,
        town.world.visitor("ja") as visitor,
        town.page(visitor) as page,
    ):
        town.world.talk.spoken = CLARIFY
        await page.record()
        await page.until("spoken")
        await page.say("open")
        await page.until("listening")
        town.ears.says = "道の駅おふく"
        await stream(page, pcm(0.5, said("道の駅おふく"), 1.0))
        await page.until("began")
        assert (await page.until("answer"))["question"] == 2
    assert town.world.talk.heard[-1].text == "道の駅おふく"


async def test_what_was_heard_is_never_longer_than_what_can_be_corrected(town: Town) -> None:
    long = "How much is the cave? " * 40
    town.ears.says, town.ears.alternatives = long, (f"{long}!", "How much?")
    async with town.world.visitor("en") as visitor, town.page(visitor) as page:
        await page.record()
        heard = await page.until("heard")
        assert heard["text"] == long[:MAX_QUESTION]
        assert long[: MAX_QUESTION + 1] not in heard["html"]
        assert texts.say("voice.heard.cut", "ja", limit=MAX_QUESTION) in heard["html"]
        await page.until("spoken")
        await page.say("ask", text=heard["text"])
        assert (await page.until("answer"))["question"] == 2
    incoming = town.world.talk.heard[0]
    assert incoming.heard is not None
    assert (incoming.text, incoming.heard.text) == (long[:MAX_QUESTION],) * 2
    assert incoming.heard.alternatives == ("How much?",)


async def test_a_correction_that_is_too_long_is_refused_and_the_line_stays(town: Town) -> None:
    async with town.world.visitor("ja") as visitor, town.page(visitor) as page:
        await page.say("ask", text="あ" * (MAX_QUESTION + 1))
        fault = await page.until("fault")
        assert fault["question"] == 1
        assert texts.say("errors.question-too-long", "ja", limit=MAX_QUESTION) in fault["html"]
        await page.say("ask", text="秋吉台の料金は")
        assert (await page.until("answer"))["question"] == 2


async def test_the_end_of_a_recording_that_was_refused_is_answered(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bots.web.voice.call.MAX_RECORDING", 1000)
    async with town.world.visitor("ja") as visitor, town.page(visitor) as page:
        await page.record(b"x" * 1001)
        assert (await page.until("fault"))["question"] == 0
        assert (await page.until("nothing"))["question"] == 0


async def test_spoken_questions_count_as_questions_of_their_address(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []
    take = Limits.take

    def counted(limits: Limits, name: str, visitor: str, address: str) -> None:
        asked.append((name, address))
        if asked.count(("chat", address)) > 2:
            raise TooMany
        take(limits, name, visitor, address)

    monkeypatch.setattr(Limits, "take", counted)
    async with town.world.visitor("ja") as hana, town.world.visitor("ja") as sora:
        for visitor in (hana, sora):
            async with town.page(visitor) as page:
                await page.record()
                await page.until("spoken")
        async with town.page(sora) as page:
            await page.record()
            assert texts.say("errors.too-many", "ja") in (await page.until("fault"))["html"]
    assert len(town.ears.heard) == 2


async def test_one_address_has_only_a_share_of_the_line(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bots.web.voice.shares.A_SHARE", 2)
    town.ears.hold.clear()
    async with AsyncExitStack() as stack:
        pages = []
        for _ in range(3):
            visitor = await stack.enter_async_context(town.world.visitor("ja"))
            pages.append(await stack.enter_async_context(town.page(visitor)))
        await pages[0].record()
        await pages[1].record()
        await pages[1].until("waiting")
        await pages[2].record()
        busy = texts.say("errors.voice-busy", "ja", before=2)
        assert busy in (await pages[2].until("fault"))["html"]
        town.ears.hold.set()
        for page in pages[:2]:
            await page.until("spoken")
        await pages[2].record()
        await pages[2].until("spoken")


def plain(seen: Seen) -> str:
    """The page without its tags: readings stand in brackets."""
    return re.sub(r"<[^>]+>", "", seen.text)


async def test_who_sends_recordings_elsewhere_says_so_on_the_page(town: Town) -> None:
    settings = town.world.app.settings
    for language in LANGUAGES:
        async with town.world.visitor(language) as visitor:
            sentence = texts.say("voice-web.elsewhere", language)
            for path in ("/", "/about"):
                assert sentence not in plain(await visitor.get(path))
            update = {"transcription_base_url": "https://speech.example/v1"}
            town.world.app.settings = settings.model_copy(update=update)
            for path in ("/", "/about"):
                assert sentence in plain(await visitor.get(path))
            town.world.app.settings = settings


async def test_mei_is_named_also_where_a_service_speaks_first(town: Town) -> None:
    update = {"speech_base_url": "https://speech.example/v1"}
    town.world.app.settings = town.world.app.settings.model_copy(update=update)
    async with town.world.visitor("ja") as visitor:
        assert "CC BY 3.0" in (await visitor.get("/about")).text


async def test_a_page_that_is_gone_while_it_takes_the_line_over_leaves_no_place_taken(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    doors: list[VoiceDoor] = []
    real_talk, real_close = VoiceDoor._admits, Wire.close

    def admits(door: VoiceDoor, visitor: str, address: str) -> bool:
        doors.append(door)
        return real_talk(door, visitor, address)

    async def close(wire: Wire, code: int) -> None:
        if code == ELSEWHERE:
            raise asyncio.CancelledError
        await real_close(wire, code)

    monkeypatch.setattr(VoiceDoor, "_admits", admits)
    monkeypatch.setattr(Wire, "close", close)
    async with town.world.visitor() as visitor:
        async with town.page(visitor), town.connect(await town.cookie(visitor)) as second:
            await second.wait_closed()
        async with town.page(visitor) as third:  # which waits for the two that are leaving
            await third.say("stop")
            await third.until("cut")
            assert list(doors[0]._addresses.values()) == [1]
            assert len(doors[0]._calls) == 1
