"""What was asked, from what was recorded: real engines on real files."""

import asyncio
import io
import logging
import os
import re
import struct
import wave
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from knowledge.errors import (
    AudioTooLong,
    AudioUnreadable,
    NothingHeard,
    RecogniserFailed,
    VoiceMissing,
)
from knowledge.language import Language
from knowledge.voice.choice import SpeechEndpoint
from knowledge.voice.codec import AvCodec
from knowledge.voice.hearing import ears as module
from knowledge.voice.hearing.consensus import distance
from knowledge.voice.hearing.ears import UNTOLD, Hearing, open_ears
from knowledge.voice.hearing.guards import recites
from knowledge.voice.hearing.recovery import Recovery
from knowledge.voice.hearing.whisper import Whisper
from knowledge.voice.names import SpokenName, names_of_town
from knowledge.voice.port import HEARING_RATE, LARGEST, Clip, Container
from knowledge.voice.speaking.mandarin.characters import simplified
from knowledge.voice.speaking.mandarin.numerals import in_words
from tests.knowledge.voice.conftest import MINE
from tests.knowledge.voice.sounds import NOT_SPEECH
from tests.knowledge.voice.transcription_server import transcription_server
from tests.world.voices import as_opus, spoken

pytestmark = pytest.mark.asyncio(loop_scope="module")

OFFERED = (Language.JA, Language.EN, Language.ZH_HANT, Language.ZH_HANS, Language.KO)
NAMES = names_of_town(MINE)
TOWN = Recovery(NAMES)
QUESTIONS = (
    "秋吉台の展望台には何時まで入れますか",
    "大正洞は何時に閉まりますか",
    "長登銅山の見学はできますか",
    "道の駅おふくに温泉はありますか",
    "雨の日に子どもと行ける場所を教えてください",
    "犬を連れて入ることはできますか",
)
MORE = (
    "クレジットカードは使えますか",
    "近くにコンビニはありますか",
    "市役所の電話番号を教えてください",
    "次のバスは何時に来ますか",
    "お土産はどこで買えますか",
)
ENGLISH = ("How much does it cost to enter the cave?", "Where can I rent a bicycle?")

CHINESE = {
    "附近有什么好吃的东西？": "zf_xiaoyi",
    "大人1300日元，小學生700日元。": "zf_xiaoyi",
    "雨天也可以和孩子一起参观。": "zm_yunxi",
}


@pytest.fixture(scope="module")
def town_ears(weights: Path) -> Callable[[], Hearing]:
    texts = [each.read_text("utf-8") for each in sorted((MINE / "guides").rglob("*.md"))]
    return lambda: open_ears(names=NAMES, texts=texts, cache=weights)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ears(town_ears: Callable[[], Hearing]) -> AsyncIterator[Hearing]:
    opened = town_ears()
    await opened.warm()
    yield opened
    await opened.close()


async def errors_in_readings(ears: Hearing, **line: float) -> tuple[float, str]:
    """Return the share of sounds that were misheard in all questions, and all that was heard."""
    wrong = sounds = 0
    heard = []
    for text in QUESTIONS:
        found = await ears.hear(spoken(text, **line), languages=OFFERED)  # type: ignore[arg-type]
        wrong += distance(TOWN.reading(text), TOWN.reading(found.text))
        sounds += len(TOWN.reading(text))
        heard.append(found.text)
    return wrong / sounds, "\n".join(heard)


@pytest.mark.parametrize(
    ("line", "most"),
    [
        pytest.param({}, 0.03, id="a quiet room"),
        pytest.param({"noise": 20.0}, 0.10, id="noise"),
        pytest.param({"opus_kbps": 24}, 0.03, id="a voice message"),
        pytest.param({"opus_kbps": 12}, 0.03, id="a bad line"),
    ],
)
async def test_questions_are_heard(ears: Hearing, line: dict[str, float], most: float) -> None:
    share, heard = await errors_in_readings(ears, **line)
    assert share <= most
    names = ("秋吉台", "大正洞", "長登銅山", "道の駅おふく")
    assert sum(each in heard for each in names) >= 3


async def test_english_is_told_from_japanese_and_heard(ears: Hearing) -> None:
    wrong = words = 0
    for text in ENGLISH:
        found = await ears.hear(spoken(text, "en"), languages=OFFERED)
        assert found.language is Language.EN
        said, got = (re.sub(r"[^a-z ]", "", each.casefold()).split() for each in (text, found.text))
        wrong += sum(each not in got for each in said)
        words += len(said)
    assert wrong / words <= 0.07


async def test_the_english_voice_is_understood(ears: Hearing) -> None:
    text = "It takes twenty minutes by bus, and the path is easy to walk."
    found = await ears.hear(spoken(text, "en", voice="af_heart"), languages=OFFERED)
    assert found.language is Language.EN
    assert {"minutes", "bus", "path", "easy", "walk"} <= set(re.findall("[a-z]+", found.text))


async def test_the_chinese_voices_are_understood_syllable_by_syllable(ears: Hearing) -> None:
    from pypinyin import lazy_pinyin

    wrong = syllables = 0
    for text, voice in CHINESE.items():
        found = await ears.hear(spoken(text, "zh", voice=voice), languages=OFFERED)
        assert found.language is Language.ZH_HANT  # which of the two is theirs tells the asker
        said, heard = (
            lazy_pinyin(re.sub(r"\W", "", in_words(simplified(each))))
            for each in (text, found.text)
        )
        numbers = {each: chr(at) for at, each in enumerate({*said, *heard})}
        wrong += distance(*("".join(map(numbers.__getitem__, each)) for each in (said, heard)))
        syllables += len(said)
    assert wrong / syllables <= 0.1


@pytest.mark.parametrize("name", ["大正洞", "景清洞", "弁天池", "秋吉台", "美祢市役所"])
async def test_a_place_name_alone_is_japanese(ears: Hearing, name: str) -> None:
    found = await ears.hear(spoken(name, opus_kbps=24), languages=OFFERED)
    assert found.language is Language.JA


async def test_the_answer_is_in_the_asker_s_own_kind_of_japanese(ears: Hearing) -> None:
    audio = spoken(QUESTIONS[1])
    easy = await ears.hear(audio, languages=[Language.JA_EASY, Language.JA, Language.EN])
    assert easy.language is Language.JA_EASY


async def test_only_languages_that_are_offered_are_heard(ears: Hearing) -> None:
    found = await ears.hear(spoken(ENGLISH[0], "en"), languages=[Language.EN])
    assert found.language is Language.EN


@pytest.mark.parametrize("sound", NOT_SPEECH, ids=lambda each: each.__name__)
async def test_nothing_is_heard_where_nobody_speaks(
    ears: Hearing, sound: Callable[[], Clip]
) -> None:
    audio = AvCodec().encode(sound(), Container.OGG_OPUS)
    with pytest.raises(NothingHeard):
        await ears.hear(audio, languages=OFFERED)


async def test_silence_before_and_after_costs_no_words(ears: Hearing) -> None:
    clip = AvCodec().decode(spoken(QUESTIONS[1]), rate=HEARING_RATE, limit=60)
    rest = np.zeros(8 * HEARING_RATE, np.float32)
    long = Clip(np.concatenate([rest, clip.samples, rest]), HEARING_RATE)
    found = await ears.hear(AvCodec().encode(long, Container.OGG_OPUS), languages=OFFERED)
    assert "大正洞" in found.text
    assert found.seconds == pytest.approx(long.seconds, abs=0.2)


async def test_more_than_one_window_is_heard_to_its_end(ears: Hearing) -> None:
    codec = AvCodec()
    last = QUESTIONS[1]
    said = [QUESTIONS[0], *QUESTIONS[2:], *MORE, last]
    clips = [codec.decode(spoken(each), rate=HEARING_RATE, limit=60).samples for each in said]
    long = Clip(np.concatenate(clips), HEARING_RATE)
    assert long.seconds > 30
    found = await ears.hear(codec.encode(long, Container.OGG_OPUS), languages=OFFERED)
    assert "道の駅おふく" in found.text
    assert "大正洞" in found.text


async def test_limits_are_told_apart(ears: Hearing) -> None:
    minute = Clip(np.zeros(62 * HEARING_RATE, np.float32), HEARING_RATE)
    with pytest.raises(AudioTooLong, match="60 seconds"):
        await ears.hear(AvCodec().encode(minute, Container.OGG_OPUS), languages=OFFERED)
    with pytest.raises(AudioTooLong, match="5,000,000 bytes"):
        await ears.hear(bytes(LARGEST + 1), languages=OFFERED)
    with pytest.raises(AudioUnreadable):
        await ears.hear(b"OggS" + bytes(400), languages=OFFERED)


async def test_one_after_the_other_is_heard(ears: Hearing) -> None:
    audio = spoken(QUESTIONS[1])
    found = await asyncio.gather(*(ears.hear(audio, languages=OFFERED) for _ in range(3)))
    assert len({each.text for each in found}) == 1


async def test_nothing_of_a_question_is_logged(
    ears: Hearing, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    found = await ears.hear(spoken(QUESTIONS[1]), languages=OFFERED)
    told = [caplog.text, *capfd.readouterr()]
    assert not any(found.text[:4] in each for each in told)


async def test_what_runs_and_what_it_costs_is_known(ears: Hearing) -> None:
    facts = ears.facts
    assert (facts.engine, facts.local, facts.gated) == ("whisper-base", True, True)
    assert facts.cost is not None
    assert 100 < facts.cost.megabytes < 700
    assert ears.worker_pid not in {None, os.getpid()}


async def test_a_missing_extra_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ENGINE", {"whisper_not_here": "faster-whisper"})
    with pytest.raises(VoiceMissing, match=r"faster-whisper.*pip install 'kankei\[voice\]'"):
        open_ears()


async def test_silence_is_never_sent_to_a_service() -> None:
    with transcription_server() as server:
        ears = open_ears(names=NAMES, endpoint=SpeechEndpoint(server.url, "large"))
        with pytest.raises(NothingHeard):
            await ears.hear(AvCodec().encode(NOT_SPEECH[1](), Container.WAV), languages=OFFERED)
        assert server.requests == []
        found = await ears.hear(spoken(QUESTIONS[1]), languages=OFFERED)
        await ears.close()
    assert found.text == server.text
    sent = server.requests[0]["file"]
    assert isinstance(sent, bytes)
    speech = AvCodec().decode(sent, rate=HEARING_RATE, limit=60)
    assert speech.seconds <= found.seconds
    assert (ears.facts.local, ears.facts.gated) == (False, True)


async def test_names_are_put_back_in_what_a_service_heard() -> None:
    with transcription_server() as server:
        server.text = "加劇予動の入道料は"
        ears = open_ears(
            names=NAMES, texts=["入洞料はこちら"], endpoint=SpeechEndpoint(server.url, "large")
        )
        found = await ears.hear(spoken(QUESTIONS[1]), languages=OFFERED)
        await ears.close()
    assert found.text == "景清洞の入洞料は"


async def test_a_service_hears_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_GATE", {"not_here": "av"})
    audio = spoken(QUESTIONS[1], opus_kbps=24)
    with transcription_server() as server:
        ears = open_ears(endpoint=SpeechEndpoint(server.url, "large"))
        found = await ears.hear(audio, languages=OFFERED)
        await ears.close()
    assert found.text == server.text
    assert server.requests[0]["file"] == audio
    assert ears.facts.gated is False
    assert found.seconds == pytest.approx(
        AvCodec().decode(audio, rate=HEARING_RATE, limit=60).seconds, abs=0.1
    )


def minute_and_more() -> Clip:
    return Clip(np.zeros(62 * HEARING_RATE, np.float32), HEARING_RATE)


@pytest.mark.parametrize(
    "audio",
    [
        pytest.param(
            lambda: AvCodec().encode(minute_and_more(), Container.OGG_OPUS), id="Ogg/Opus"
        ),
        pytest.param(lambda: as_opus(minute_and_more(), 12), id="a bad line"),
        pytest.param(lambda: wav(minute_and_more()), id="WAV"),
        pytest.param(lambda: wav(minute_and_more(), claimed=400), id="WAV that claims less"),
        pytest.param(lambda: b"\x1aE\xdf\xa3" + bytes(UNTOLD), id="WebM of unknown length"),
        pytest.param(lambda: b"OggS" + bytes(UNTOLD), id="Ogg without an end"),
    ],
)
async def test_what_is_too_long_is_not_sent_to_a_service(
    monkeypatch: pytest.MonkeyPatch, audio: Callable[[], bytes]
) -> None:
    monkeypatch.setattr(module, "_GATE", {"not_here": "av"})
    with transcription_server() as server:
        ears = open_ears(endpoint=SpeechEndpoint(server.url, "large"))
        with pytest.raises(AudioTooLong):
            await ears.hear(audio(), languages=OFFERED)
        await ears.close()
    assert server.requests == []


def wav(clip: Clip, *, claimed: int | None = None) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(clip.rate)
        file.writeframes((clip.samples * 32_767).astype("<i2").tobytes())
    audio = bytearray(out.getvalue())
    if claimed is not None:
        struct.pack_into("<I", audio, audio.index(b"data") + 4, claimed)
    return bytes(audio)


async def test_who_says_no_more_than_the_prompt_holds_is_heard(weights: Path) -> None:
    clip = AvCodec().decode(spoken("温泉、駐車場、食堂"), rate=HEARING_RATE, limit=60)
    whisper = Whisper(weights)
    said = whisper.recognise(clip, languages=["ja"], prompts={}).text
    prompts = {"ja": "、".join(re.split("[、。 ]", said)) + "。"}
    assert recites(said, prompts["ja"])
    assert whisper.recognise(clip, languages=["ja"], prompts=prompts).text == said


async def test_chinese_is_written_as_its_reader_writes_it() -> None:
    with transcription_server() as server:
        server.text, server.language = "请问秋芳洞的门票多少钱", "chinese"
        ears = open_ears(endpoint=SpeechEndpoint(server.url, "large"))
        audio = spoken(QUESTIONS[1])
        found = await ears.hear(audio, languages=[Language.ZH_HANT, Language.JA])
        await ears.close()
    assert found.language is Language.ZH_HANT
    assert found.text == "請問秋芳洞的門票多少錢"


async def test_what_else_it_may_have_been_is_offered() -> None:
    names = [SpokenName("大田原", "おおたわら"), SpokenName("太田原", "おおたわら")]
    with transcription_server() as server:
        server.text = "おおたわらのお店"
        ears = open_ears(names=names, endpoint=SpeechEndpoint(server.url, "large"))
        found = await ears.hear(spoken(QUESTIONS[1]), languages=OFFERED)
        await ears.close()
    assert found.text == "大田原のお店"
    assert found.alternatives == ("太田原のお店",)
    assert found.doubtful


async def test_a_closed_ear_hears_nothing(town_ears: Callable[[], Hearing]) -> None:
    ears = town_ears()
    await ears.close()
    with pytest.raises(RecogniserFailed, match="closed"):
        await ears.hear(spoken(QUESTIONS[1]), languages=OFFERED)
