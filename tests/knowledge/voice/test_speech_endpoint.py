"""Speech by a service elsewhere, over real HTTP."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest

from knowledge.errors import SynthesiserFailed, VoiceMissing
from knowledge.language import Language
from knowledge.voice.bare import bare
from knowledge.voice.choice import SpeechEndpoint, VoiceChoice
from knowledge.voice.codec import AvCodec
from knowledge.voice.names import SpokenName
from knowledge.voice.port import SPEAKING_RATE, Container
from knowledge.voice.speaking import mouth as speaking
from knowledge.voice.speaking.mouth import SpokenMouth, open_mouth
from knowledge.voice.speaking.speech_endpoint import SpeechService, Tuning
from knowledge.voice.speaking.voices import PAUSE
from knowledge.voice.spoken import latin
from tests.knowledge.voice.speech_server import SpeechServer, serving
from tests.world.voices import need

NAMES = (SpokenName("秋芳洞", "あきよしどう"),)


@pytest.fixture
def server() -> Iterator[SpeechServer]:
    with serving(SpeechServer()) as running:
        yield running


def mouth_of(server: SpeechServer, *, seconds: float = 10.0, voice: str = "mei") -> SpokenMouth:
    endpoint = SpeechEndpoint(server.url, "tts-1", "secret", timedelta(seconds=seconds))
    mouth = open_mouth(names=NAMES, voice=VoiceChoice(voice, 1.2), endpoint=endpoint)
    assert isinstance(mouth, SpokenMouth)
    return mouth


@pytest.fixture
async def mouth(server: SpeechServer) -> AsyncIterator[SpokenMouth]:
    opened = mouth_of(server)
    yield opened
    await opened.close()


@pytest.fixture
def _no_codec(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speaking, "mei_installed", lambda: False)
    monkeypatch.setattr(speaking, "codec_installed", lambda: False)


async def test_each_sentence_is_asked_for_with_its_names_in_kana(
    server: SpeechServer, mouth: SpokenMouth
) -> None:
    text = "秋芳洞は8:30に開きます。無料です。"
    pieces = [each async for each in mouth.pieces(text, language=Language.JA)]
    assert server.said == ["あきよしどうは8時30分に開きます。", "無料です。"]
    assert [each.text for each in pieces] == ["秋芳洞は8:30に開きます。", "無料です。"]
    assert [each.container for each in pieces] == [Container.OGG_OPUS] * 2
    assert pieces[0].seconds == pytest.approx(1.0 + PAUSE, abs=0.1)
    assert server.asked[0]["voice"] == "alloy"
    assert server.asked[0]["speed"] == 1.2
    assert server.keys[0] == "Bearer secret"
    assert mouth.name == "endpoint tts-1"
    assert all(mouth.speaks(each) for each in Language)


@pytest.mark.parametrize(
    ("choice", "voices"),
    [
        pytest.param(VoiceChoice(), ["alloy", "alloy"], id="none chosen"),
        pytest.param(VoiceChoice("nova", en="onyx"), ["onyx", "nova"], id="the service's own"),
        pytest.param(
            VoiceChoice("nova", en="kokoro:af_heart", zh="kokoro:zm_yunxi"),
            ["nova", "nova"],
            id="Kokoro's are for this machine",
        ),
        pytest.param(
            VoiceChoice("kokoro:jf_alpha", zh="kokoro:zm_yunxi"),
            ["jf_alpha", "zm_yunxi"],
            id="the service is a Kokoro",
        ),
    ],
)
async def test_a_service_is_asked_for_the_voice_of_the_language(
    server: SpeechServer, choice: VoiceChoice, voices: list[str]
) -> None:
    endpoint = SpeechEndpoint(server.url, "tts-1", "secret", timedelta(seconds=10))
    mouth = open_mouth(names=NAMES, voice=choice, endpoint=endpoint)
    await mouth.whole("Yes.", language=Language.EN, container=Container.OGG_OPUS)
    await mouth.whole("是的。", language=Language.ZH_HANT, container=Container.OGG_OPUS)
    assert [each["voice"] for each in server.asked] == voices
    await mouth.close()


async def test_the_whole_answer_is_one_file_of_the_container_asked_for(
    server: SpeechServer, mouth: SpokenMouth
) -> None:
    piece = await mouth.whole(
        "무료입니다. 8:30부터.", language=Language.KO, container=Container.MP4_AAC
    )
    assert server.said == ["무료입니다.", "8시 30분부터."]
    clip = AvCodec().decode(piece.audio, rate=SPEAKING_RATE, limit=10)
    assert clip.seconds == pytest.approx(2 * (1.0 + PAUSE), abs=0.15)
    assert piece.text == "무료입니다. 8:30부터."


async def test_a_server_that_knows_no_opus_is_asked_for_wav_from_then_on(
    server: SpeechServer, mouth: SpokenMouth
) -> None:
    server.refuses["opus"] = 422
    await mouth.whole("はい。", language=Language.JA, container=Container.OGG_OPUS)
    await mouth.whole("いいえ。", language=Language.JA, container=Container.OGG_OPUS)
    assert [each["response_format"] for each in server.asked] == ["opus", "wav", "wav"]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b'{"error": "no"}', id="an error with status 200"),
        pytest.param(b"<html>busy</html>", id="a page"),
        pytest.param(b"OggS" + bytes(400), id="damaged sound"),
        pytest.param(b"RIFF" + b"\xff" * 9_000_000, id="far too much"),
    ],
)
async def test_what_is_no_sound_gives_the_written_answer_alone(
    server: SpeechServer, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.body = body
    mouth = mouth_of(server)
    monkeypatch.setattr(mouth, "_voices", None)  # nobody else speaks
    with pytest.raises(SynthesiserFailed) as raised:
        await mouth.whole("秘密の文です。", language=Language.JA, container=Container.OGG_OPUS)
    assert "秘密" not in str(raised.value)
    await mouth.close()


async def test_a_server_in_trouble_is_rested_and_the_voice_here_says_the_answer(
    server: SpeechServer, mouth: SpokenMouth, caplog: pytest.LogCaptureFixture
) -> None:
    server.refuses = {"opus": 401}
    spoken = [each async for each in mouth.pieces("はい。そうです。", language=Language.JA)]
    assert [each.text for each in spoken] == ["はい。", "そうです。"]
    assert len(server.asked) == 1
    await mouth.whole("次の答えです。", language=Language.JA, container=Container.OGG_OPUS)
    assert len(server.asked) == 1
    with pytest.raises(SynthesiserFailed):  # nobody here speaks Korean
        await mouth.whole("네.", language=Language.KO, container=Container.OGG_OPUS)
    assert "はい" not in caplog.text


async def test_a_sound_that_breaks_off_is_said_by_the_voice_here(
    server: SpeechServer, mouth: SpokenMouth
) -> None:
    server.breaks = True
    spoken = [each async for each in mouth.pieces("はい。そうです。", language=Language.JA)]
    assert [each.text for each in spoken] == ["はい。", "そうです。"]
    await mouth.whole("次の答えです。", language=Language.JA, container=Container.OGG_OPUS)
    assert len(server.asked) == 1  # it is rested


@pytest.mark.parametrize("how", ["stalls", "drips"])
async def test_a_sound_that_does_not_end_in_time_is_said_by_the_voice_here(
    server: SpeechServer, how: str
) -> None:
    released = Event()
    if how == "stalls":
        server.stalls = released
    else:
        server.drips = 0.05
    mouth = mouth_of(server, seconds=0.4)
    piece = await mouth.whole("はい。", language=Language.JA, container=Container.OGG_OPUS)
    released.set()
    server.drips = None
    assert piece.seconds > 0
    await mouth.whole("次の答えです。", language=Language.JA, container=Container.OGG_OPUS)
    assert len(server.asked) == 1
    await mouth.close()


async def test_two_sentences_at_once_find_that_a_server_knows_no_opus(server: SpeechServer) -> None:
    server.refuses["opus"] = 400
    endpoint = SpeechEndpoint(server.url, "tts-1", None, timedelta(seconds=10))
    service = SpeechService(endpoint, Tuning("alloy", 1.0))
    said = await asyncio.gather(*(service.say(f"{each}です。", "ja") for each in "一二三"))
    assert all(each.startswith(b"RIFF") for each in said)
    await service.close()


async def test_one_refusal_of_both_formats_changes_nothing(server: SpeechServer) -> None:
    server.refuses = {"opus": 400, "wav": 400}
    endpoint = SpeechEndpoint(server.url, "tts-1", None, timedelta(seconds=10))
    service = SpeechService(endpoint, Tuning("alloy", 1.0))
    with pytest.raises(SynthesiserFailed, match="400"):
        await service.say("はい。", "ja")
    server.refuses = {}
    assert (await service.say("はい。", "ja")).startswith(b"OggS")
    assert [each["response_format"] for each in server.asked] == ["opus", "wav", "opus"]
    await service.close()


async def test_a_slow_server_is_given_up_after_its_time(
    server: SpeechServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.closing = Event()
    mouth = mouth_of(server, seconds=0.3)
    monkeypatch.setattr(mouth, "_voices", None)
    with pytest.raises(SynthesiserFailed):
        await mouth.whole("はい。", language=Language.JA, container=Container.OGG_OPUS)
    server.closing.set()
    await mouth.close()


async def test_sound_of_a_service_is_made_anew_also_where_no_voice_is_installed(
    server: SpeechServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speaking, "mei_installed", lambda: False)
    mouth = mouth_of(server)
    server.refuses["opus"] = 400  # it sends WAV, which nobody gets as it came
    piece = await mouth.whole("はい。", language=Language.JA, container=Container.OGG_OPUS)
    assert piece.container is Container.OGG_OPUS
    assert piece.audio.startswith(b"OggS")
    await mouth.close()


@pytest.mark.usefixtures("_no_codec")
async def test_without_the_extra_sound_is_handed_on_as_it_came(server: SpeechServer) -> None:
    mouth = mouth_of(server, voice="kokoro:jf_alpha")
    spoken = [each async for each in mouth.pieces("はい。", language=Language.JA)]
    assert spoken[0].container is Container.OGG_OPUS
    assert spoken[0].seconds == pytest.approx(1.0, abs=0.03)
    assert server.asked[0]["voice"] == "jf_alpha"
    server.refuses["opus"] = 400
    whole = await mouth.whole("はい。いいえ。", language=Language.JA, container=Container.MP4_AAC)
    assert whole.container is Container.WAV
    assert whole.seconds == pytest.approx(1.0, abs=0.01)
    assert server.said[-1] == "はい。\nいいえ。"
    assert await mouth.warm() is None
    await mouth.close()


@pytest.mark.usefixtures("_no_codec")
async def test_what_says_latin_words_is_loaded_before_the_first_answer(
    server: SpeechServer,
) -> None:
    need("kanalizer")
    latin._model.cache_clear()
    latin._english.cache_clear()
    mouth = mouth_of(server)
    await mouth.warm()
    assert latin._model.cache_info().currsize == 1
    assert latin._english.cache_info().currsize == 1
    await mouth.close()


@pytest.mark.parametrize("audio", [b"ID3", b"OggS", b"RIFF1234WAVE", b"OggS" + b"\xff" * 99])
def test_bare_sound_that_cannot_be_measured_is_refused(audio: bytes) -> None:
    with pytest.raises(SynthesiserFailed):
        bare(audio)


@pytest.mark.usefixtures("_no_codec")
def test_without_extra_and_endpoint_the_command_to_install_is_said(tmp_path: Path) -> None:
    with pytest.raises(VoiceMissing, match=r"pip install 'kankei\[voice\]'"):
        open_mouth(folder_for_cache=tmp_path)
