"""The voice service: limits, the line, and what opens when."""

import asyncio
import threading
from collections.abc import Sequence

import pytest

from bots.conversation import Reply
from bots.operations.meters import Meters
from bots.voice import (
    MAX_BYTES,
    QUESTIONS_A_MINUTE,
    TooOften,
    Voice,
    VoiceBusy,
    VoiceOff,
    VoiceTooLarge,
    answered_in,
    sentence,
)
from bots.voice.service import (
    CLOSE_SECONDS,
    FORESEEN_A_MINUTE,
    FORESEEN_AT_ONCE,
    LONGEST_LINE,
)
from knowledge.errors import NothingHeard, RecogniserFailed, VoiceMissing
from knowledge.language import Language
from knowledge.testing import FakeEars, FakeMouth
from knowledge.voice.port import Container, Ears, Heard, Mouth
from knowledge.voice.process import Process

JAPANESE = (Language.JA, Language.EN)


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def made(ears: FakeEars | None = None, mouth: FakeMouth | None = None, *, clock: Time) -> Voice:
    ears, mouth = ears or FakeEars(), mouth or FakeMouth()

    def open_ears() -> Ears:
        return ears

    def open_mouth() -> Mouth:
        return mouth

    return Voice(ears=open_ears, mouth=open_mouth, clock=clock)


async def test_a_recording_becomes_the_question_that_was_asked() -> None:
    ears = FakeEars(says="秋芳洞の料金は")
    voice = made(ears, clock=Time())
    heard = await voice.question(b"sound", person="telegram:1", languages=JAPANESE)
    assert heard == Heard("秋芳洞の料金は", Language.JA, 0.9, 2.0)
    assert ears.heard == [(b"sound", JAPANESE)]


async def test_the_seventh_question_of_a_minute_has_to_wait() -> None:
    clock = Time()
    voice = made(clock=clock)
    for _ in range(QUESTIONS_A_MINUTE):
        await voice.question(b"sound", person="telegram:1", languages=JAPANESE)
    with pytest.raises(TooOften):
        await voice.question(b"sound", person="telegram:1", languages=JAPANESE)
    assert await voice.question(b"sound", person="telegram:2", languages=JAPANESE)
    clock.now += 10
    assert await voice.question(b"sound", person="telegram:1", languages=JAPANESE)


async def test_what_is_too_large_is_not_heard_and_not_counted() -> None:
    ears = FakeEars()
    voice = made(ears, clock=Time())
    for _ in range(QUESTIONS_A_MINUTE + 1):
        with pytest.raises(VoiceTooLarge):
            await voice.question(bytes(MAX_BYTES + 1), person="web:1", languages=JAPANESE)
    assert ears.heard == []
    assert await voice.question(b"sound", person="web:1", languages=JAPANESE)


async def test_who_has_to_wait_is_told_how_many_speak_before() -> None:
    ears = FakeEars()
    ears.hold.clear()
    voice = made(ears, clock=Time())
    told: dict[int, int] = {}
    all_told = asyncio.Event()

    async def ask(person: int) -> Heard:
        async def tell(before: int) -> None:
            told[person] = before
            if len(told) == LONGEST_LINE:
                all_told.set()

        return await voice.question(
            b"sound", person=f"telegram:{person}", languages=JAPANESE, tell=tell
        )

    asking = [asyncio.create_task(ask(person)) for person in range(LONGEST_LINE + 1)]
    await all_told.wait()
    with pytest.raises(VoiceBusy) as full:
        await ask(99)
    assert sentence(full.value, "en").startswith(f"People speaking before you: {LONGEST_LINE + 1}.")
    ears.hold.set()
    assert len(await asyncio.gather(*asking)) == LONGEST_LINE + 1
    assert told == {person: person for person in range(1, LONGEST_LINE + 1)}
    assert await ask(99)  # the line is empty again


async def test_one_who_gives_up_waiting_frees_the_place() -> None:
    ears = FakeEars()
    ears.hold.clear()
    voice = made(ears, clock=Time())
    waits = asyncio.Event()

    async def tell(_: int) -> None:
        waits.set()

    first, second = (
        asyncio.create_task(
            voice.question(b"s", person=f"web:{each}", languages=JAPANESE, tell=tell)
        )
        for each in (1, 2)
    )
    await waits.wait()
    assert voice.waiting == 1
    second.cancel()
    await asyncio.wait({second})
    assert voice.waiting == 0
    ears.hold.set()
    assert await first


async def test_a_courtesy_that_cannot_be_delivered_costs_nobody_their_question(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ears = FakeEars()
    ears.hold.clear()
    voice = made(ears, clock=Time())
    tried = asyncio.Event()

    async def tell(_: int) -> None:
        tried.set()
        raise ConnectionResetError("said to 花子")

    asking = [
        asyncio.create_task(
            voice.question(b"s", person=f"web:{each}", languages=JAPANESE, tell=tell)
        )
        for each in (1, 2)
    ]
    await tried.wait()
    ears.hold.set()
    first, second = await asyncio.gather(*asking)
    assert first.text == second.text == ears.says
    assert [each.__dict__["reason"] for each in caplog.records] == ["ConnectionResetError"]
    assert "花子" not in caplog.text


async def test_who_gives_up_does_not_wait_for_the_courtesy_to_arrive() -> None:
    ears = FakeEars()
    ears.hold.clear()
    voice = made(ears, clock=Time())
    begun, ended = asyncio.Event(), asyncio.Event()

    async def tell(_: int) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()  # a platform that does not answer
        finally:
            ended.set()

    first, second = (
        asyncio.create_task(
            voice.question(b"s", person=f"web:{each}", languages=JAPANESE, tell=tell)
        )
        for each in (1, 2)
    )
    await begun.wait()
    second.cancel()
    await asyncio.wait_for(asyncio.wait({second}), 5)
    await asyncio.wait_for(ended.wait(), 5)
    ears.hold.set()
    assert await first


class Sleeper:
    """Ears whose worker hears nothing for an hour."""

    name = "sleeper"

    def __init__(self) -> None:
        self.process: Process[object] = Process(object, failed=RecogniserFailed)

    async def hear(self, audio: bytes, *, languages: Sequence[Language]) -> Heard:
        del audio, languages
        await self.process.call(an_hour, timeout=3600)
        raise AssertionError

    async def close(self) -> None:
        await self.process.close()


def an_hour(_: object) -> None:
    threading.Event().wait(3600)


async def foreseeing(ears: FakeEars, clock: Time | None = None) -> Voice:
    voice = Voice(ears=lambda: ears, mouth=None, foresees=True, clock=clock or Time())
    await voice.warm_up()
    return voice


async def test_what_was_heard_ahead_is_the_question_if_only_silence_followed() -> None:
    ears = FakeEars(says="秋芳洞の料金は")
    voice = await foreseeing(ears)
    begun = voice.foresee(b"so far", person="web:1", languages=JAPANESE)
    heard = await voice.question(
        b"so far and silence", person="web:1", languages=JAPANESE, foreseen=begun
    )
    assert heard.text == "秋芳洞の料金は"
    assert ears.heard == [(b"so far", JAPANESE)]


async def test_only_one_is_heard_ahead_and_none_while_somebody_is_being_heard() -> None:
    ears = FakeEars()
    ears.hold.clear()
    voice = await foreseeing(ears)
    first = voice.foresee(b"first", person="web:1", languages=JAPANESE)
    assert first is not None
    assert voice.foresee(b"second", person="web:1", languages=JAPANESE) is None
    ears.hold.set()
    await first
    ears.hold.clear()
    asking = asyncio.create_task(voice.question(b"s", person="web:1", languages=JAPANESE))
    await asyncio.wait([asking], timeout=0.05)
    assert len(ears.heard) == 2
    assert voice.foresee(b"third", person="web:1", languages=JAPANESE) is None
    ears.hold.set()
    await asking
    assert [sound for sound, _ in ears.heard] == [b"first", b"s"]


async def test_what_could_not_be_heard_ahead_is_heard_again() -> None:
    ears = FakeEars(fails=RecogniserFailed("lost"))
    voice = await foreseeing(ears)
    begun = voice.foresee(b"so far", person="web:1", languages=JAPANESE)
    assert begun is not None
    await asyncio.wait([begun])
    ears.fails = None
    assert await voice.question(b"all", person="web:1", languages=JAPANESE, foreseen=begun)


async def test_a_radio_is_not_heard_ahead_without_end_and_takes_nothing_from_others() -> None:
    clock = Time()
    voice = await foreseeing(FakeEars(), clock)

    async def begun(person: str) -> bool:
        task = voice.foresee(b"so far", person=person, languages=JAPANESE)
        if task is not None:
            await task
            await asyncio.sleep(0)  # its end is told to the voice
        return task is not None

    assert [await begun("radio") for _ in range(60)] == [True] * FORESEEN_AT_ONCE + [False] * (
        60 - FORESEEN_AT_ONCE
    )
    assert await begun("somebody")
    assert await voice.question(b"all", person="radio", languages=JAPANESE)  # not counted there
    clock.now += 60 / FORESEEN_A_MINUTE
    assert [await begun("radio") for _ in range(2)] == [True, False]


async def test_a_town_with_a_service_elsewhere_hears_nothing_ahead() -> None:
    voice = Voice(ears=FakeEars, mouth=None)
    await voice.warm_up()
    assert voice.foresee(b"so far", person="web:1", languages=JAPANESE) is None


async def test_the_end_does_not_wait_for_a_recording_that_is_being_heard() -> None:
    ears = Sleeper()
    voice = Voice(ears=lambda: ears, mouth=FakeMouth)
    asking = asyncio.create_task(voice.question(b"s", person="web:1", languages=JAPANESE))
    await ears.process.warm()
    loop = asyncio.get_running_loop()
    began = loop.time()
    await voice.close()
    assert loop.time() - began < CLOSE_SECONDS
    with pytest.raises(RecogniserFailed):
        await asking
    with pytest.raises(VoiceOff):
        await voice.question(b"s", person="web:1", languages=JAPANESE)


async def test_the_end_does_not_wait_for_an_engine_that_is_being_opened() -> None:
    opening, may = threading.Event(), threading.Event()
    ears = FakeEars()

    def open_ears() -> Ears:
        opening.set()
        may.wait(60)
        return ears

    voice = Voice(ears=open_ears, mouth=None)
    asking = asyncio.create_task(voice.question(b"s", person="web:1", languages=JAPANESE))
    await asyncio.to_thread(opening.wait, 10)
    await asyncio.wait_for(voice.close(), 1)
    may.set()
    with pytest.raises(VoiceMissing):
        await asking
    assert ears.closed


async def test_without_the_packages_the_town_is_deaf_and_says_so() -> None:
    def open_ears() -> Ears:
        raise VoiceMissing("faster-whisper")

    voice = Voice(ears=open_ears, mouth=None)
    assert voice.hears  # nobody has looked yet
    with pytest.raises(VoiceMissing):
        await voice.question(b"sound", person="web:1", languages=JAPANESE)
    assert not voice.hears
    with pytest.raises(VoiceOff) as off:
        await voice.question(b"sound", person="web:1", languages=JAPANESE)
    assert "Please write" in sentence(off.value, "en")


async def test_an_answer_is_said_in_one_file_or_sentence_by_sentence() -> None:
    mouth = FakeMouth()
    voice = made(mouth=mouth, clock=Time())
    reply = Reply("長い文章", spoken="千三百円です。二月の資料です。", language="ja")
    note = await voice.note(reply)
    assert note is not None
    assert (note.text, note.container) == (reply.spoken, Container.OGG_OPUS)
    assert [each.text async for each in voice.pieces(reply)] == [
        "千三百円です。",
        "二月の資料です。",
    ]


@pytest.mark.parametrize(
    "reply",
    [Reply("書くだけ"), Reply("글", spoken="말", language="ko")],
    ids=["silent", "no voice"],
)
async def test_what_is_not_to_be_spoken_or_has_no_voice_stays_silent(reply: Reply) -> None:
    mouth = FakeMouth()
    voice = made(mouth=mouth, clock=Time())
    assert await voice.note(reply) is None
    assert [each async for each in voice.pieces(reply)] == []
    assert mouth.said == []


async def test_who_stops_listening_hears_nothing_more_and_it_counts_as_cut() -> None:
    meters, mouth = Meters(), FakeMouth()
    voice = Voice(ears=FakeEars, mouth=lambda: mouth, meters=meters)
    pieces = voice.pieces(Reply("a", spoken="一。二。三。", language="ja"))
    assert (await anext(pieces)).text == "一。"
    await pieces.aclose()
    assert [text for text, _ in mouth.said] == ["一。"]
    assert figure(meters, "kankei_voice_answers_total", outcome="cut") == 1


async def test_what_became_of_recordings_is_counted() -> None:
    meters, ears = Meters(), FakeEars()
    voice = Voice(ears=lambda: ears, mouth=None, meters=meters)
    await voice.question(b"s", person="web:1", languages=JAPANESE)
    ears.alternatives = ("秋吉台",)
    await voice.question(b"s", person="web:1", languages=JAPANESE)
    ears.fails = NothingHeard()
    with pytest.raises(NothingHeard):
        await voice.question(b"s", person="web:1", languages=JAPANESE)
    for outcome in ("heard", "doubtful", "nothing-heard"):
        assert figure(meters, "kankei_voice_recognitions_total", outcome=outcome) == 1
    assert figure(meters, "kankei_voice_recognition_seconds_count") == 3
    assert figure(meters, "kankei_voice_waiting") == 0


async def test_what_was_said_before_is_counted() -> None:
    class Remembering(FakeMouth):
        recalled = (3, 1)

    meters = Meters()
    voice = Voice(ears=None, mouth=Remembering, meters=meters)
    assert figure(meters, "kankei_voice_cache", outcome="found") == 0
    await voice.note(Reply("a", spoken="a", language="en"))
    assert figure(meters, "kankei_voice_cache", outcome="found") == 3
    assert figure(meters, "kankei_voice_cache", outcome="missed") == 1


def figure(meters: Meters, name: str, **labels: str) -> float | None:
    return meters.registry.get_sample_value(name, labels)


async def test_closing_lets_the_engines_go() -> None:
    ears, mouth = FakeEars(), FakeMouth()
    voice = made(ears, mouth, clock=Time())
    await voice.question(b"sound", person="web:1", languages=JAPANESE)
    await voice.note(Reply("a", spoken="a", language="en"))
    await voice.close()
    assert (ears.closed, mouth.closed) == (True, True)
    with pytest.raises(VoiceOff):
        await voice.question(b"sound", person="web:1", languages=JAPANESE)


@pytest.mark.parametrize(
    ("heard", "own", "offered", "answered"),
    [
        pytest.param("ja", "ja-easy", ("ja", "ja-easy", "en"), "ja-easy", id="easy stays easy"),
        pytest.param("zh-Hans", "zh-Hant", ("ja", "zh-Hant"), "zh-Hant", id="the reader's script"),
        pytest.param("en", "ja", ("ja", "en"), "en", id="what was spoken"),
        pytest.param("ko", "ja", ("ja", "en"), "ja", id="not offered"),
        pytest.param(
            "zh-Hans", "en", ("en", "zh-Hant"), "zh-Hant", id="the script that is offered"
        ),
    ],
)
def test_the_language_of_an_answer(
    heard: str, own: str, offered: tuple[str, ...], answered: str
) -> None:
    assert answered_in(heard, own, offered) == answered


def test_every_fault_of_a_voice_has_words() -> None:
    assert sentence(NothingHeard(), "en") == (
        "I could not hear any words. Please come closer and speak slowly, or write instead."
    )
    assert sentence(RuntimeError("x"), "en") == (
        "That did not work. Please try again in a little while."
    )
