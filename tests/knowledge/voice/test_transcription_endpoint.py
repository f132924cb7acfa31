"""Transcription by services that others wrote, with the traps that they were seen to have."""

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta

import pytest

from knowledge.errors import NothingHeard, RecogniserFailed
from knowledge.voice.choice import SpeechEndpoint
from knowledge.voice.hearing.transcription_endpoint import TranscriptionEndpoint
from knowledge.voice.port import DOUBT, Transcript
from tests.conftest import free_port
from tests.knowledge.voice.transcription_server import (
    Form,
    Reply,
    TranscriptionServer,
    only_json,
    says,
    slow,
    transcription_server,
)

KEY = "sk-secret-of-the-town"
OGG = b"OggS" + bytes(40)
PROMPTS = {"ja": "入洞料。秋芳洞、秋吉台。", "zh": "以下是普通话的句子。"}
EVERY = ("ja", "en", "zh", "ko")

Ask = Callable[..., AbstractAsyncContextManager[TranscriptionEndpoint]]


@pytest.fixture
def server() -> Iterator[TranscriptionServer]:
    with transcription_server() as played:
        yield played


@asynccontextmanager
async def asking(url: str, *, seconds: float = 5.0) -> AsyncIterator[TranscriptionEndpoint]:
    endpoint = TranscriptionEndpoint(
        SpeechEndpoint(url, "whisper-large", KEY, timedelta(seconds=seconds))
    )
    try:
        yield endpoint
    finally:
        await endpoint.close()


async def heard(
    server: TranscriptionServer, *languages: str, seconds: float = 2.5, patience: float = 5.0
) -> Transcript:
    async with asking(server.url, seconds=patience) as endpoint:
        return await endpoint.transcribe(
            OGG, seconds=seconds, languages=languages or EVERY, prompts=PROMPTS
        )


async def test_a_service_writes_the_question_down(server: TranscriptionServer) -> None:
    transcript = await heard(server)
    assert transcript.text == "秋芳洞の入洞料はいくらですか"
    assert transcript.language == "ja"
    assert transcript.confidence > DOUBT
    (asked,) = server.requests
    assert asked["file"] == OGG
    assert asked["filename"] == "question.ogg"
    assert asked["model"] == "whisper-large"
    assert asked["prompt"] == PROMPTS["ja"]
    assert "stream" not in asked
    assert "language" not in asked


async def test_a_language_that_is_certain_is_told(server: TranscriptionServer) -> None:
    await heard(server, "ja")
    assert server.requests[0]["language"] == "ja"


@pytest.mark.parametrize("told", ["english", "en", "EN", "en-US", "English "])
async def test_languages_are_told_by_name_or_code(server: TranscriptionServer, told: str) -> None:
    server.text, server.language = "Where is the cave?", told
    assert (await heard(server)).language == "en"


async def test_a_service_without_details_is_asked_for_text_alone_from_then_on(
    server: TranscriptionServer,
) -> None:
    server.traps = [only_json] * 3
    async with asking(server.url) as endpoint:
        for _ in range(2):
            transcript = await endpoint.transcribe(
                OGG, seconds=2.0, languages=EVERY, prompts=PROMPTS
            )
    assert transcript.text == "Where is the cave?"
    assert transcript.language == "en"
    assert transcript.confidence > DOUBT
    assert [each["response_format"] for each in server.requests] == ["verbose_json", "json", "json"]


async def test_a_language_that_nobody_speaks_here_is_asked_for_again(
    server: TranscriptionServer,
) -> None:
    server.traps = [says({"text": "¿Dónde está la cueva?", "language": "spanish"})]
    transcript = await heard(server, "ja", "en")
    assert transcript.text == "秋芳洞の入洞料はいくらですか"
    assert [each.get("language") for each in server.requests] == [None, "ja"]


@pytest.mark.parametrize(
    "trap",
    [
        pytest.param(says(b""), id="an empty body, as of a stream"),
        pytest.param(says(b"data: {}\n\n"), id="a stream of events"),
        pytest.param(says(["text"]), id="a list"),
        pytest.param(says({"transcript": "…"}), id="no text"),
        pytest.param(says({"text": None}), id="text that is null"),
        pytest.param(says({"text": "あ" * 5_000}), id="a book"),
        pytest.param(says({"text": "a", "segments": [{"avg_logprob": "x"}]}), id="no number"),
        pytest.param(says(b"\xff\xfe\x00"), id="no text encoding"),
        pytest.param(says(b"[" * 5_000), id="a deep list"),
        pytest.param(says({"error": "no"}, status=401), id="a wrong key"),
        pytest.param(says({"error": "no"}, status=500), id="a broken service"),
        pytest.param(says({"error": "no"}, status=429), id="a busy service"),
    ],
)
async def test_what_cannot_be_used_is_an_error_that_says_nothing_of_it(
    server: TranscriptionServer, trap: Callable[[Form], Reply]
) -> None:
    server.traps = [trap]
    with pytest.raises(RecogniserFailed) as raised:
        await heard(server)
    told = f"{raised.value!r} {raised.value.__cause__!r}"
    assert KEY not in told
    assert "あ" not in told


async def test_a_slow_service_is_not_waited_for(server: TranscriptionServer) -> None:
    server.traps = [slow]
    with pytest.raises(RecogniserFailed, match="too slow"):
        await heard(server, patience=0.1)


async def test_a_service_that_drips_is_not_waited_for(server: TranscriptionServer) -> None:
    def drips(_: Form) -> Reply:
        def drops() -> Iterator[bytes]:
            for _ in range(100):
                yield b" "
                time.sleep(0.05)

        return 200, "application/json", drops()

    server.traps = [drips]
    with pytest.raises(RecogniserFailed, match="too slow"):
        await heard(server, patience=0.4)


@pytest.mark.parametrize("status", [200, 400, 500])
async def test_no_more_of_a_reply_is_read_than_one_can_hold(
    server: TranscriptionServer, status: int
) -> None:
    sent = []

    def endless(_: Form) -> Reply:
        def blocks() -> Iterator[bytes]:
            for _ in range(1_000):
                sent.append(65_536)
                yield b" " * 65_536

        return status, "application/json", blocks()

    server.traps = [endless]
    with pytest.raises(RecogniserFailed):
        await heard(server)
    assert sum(sent) < 20_000_000  # what lies in buffers of both sides


async def test_a_reply_that_breaks_off_is_an_error(server: TranscriptionServer) -> None:
    server.traps = [lambda _: (200, "application/json", iter([b'{"text": "']))]
    with pytest.raises(RecogniserFailed):
        await heard(server)


async def test_one_refusal_does_not_cost_the_details_of_all_that_follow(
    server: TranscriptionServer,
) -> None:
    server.traps = [says({"error": "damaged"}, status=400)] * 2
    async with asking(server.url) as endpoint:
        with pytest.raises(RecogniserFailed, match="400"):
            await endpoint.transcribe(OGG, seconds=2.0, languages=EVERY, prompts=PROMPTS)
        await endpoint.transcribe(OGG, seconds=2.0, languages=EVERY, prompts=PROMPTS)
    wanted = [each["response_format"] for each in server.requests]
    assert wanted == ["verbose_json", "json", "verbose_json"]


async def test_who_says_the_names_alone_is_heard_without_them_as_a_prompt(
    server: TranscriptionServer,
) -> None:
    server.text = "秋芳洞、秋吉台"
    assert (await heard(server)).text == "秋芳洞、秋吉台"
    assert ["prompt" in each for each in server.requests] == [True, False]


async def test_a_service_that_is_not_there_is_an_error() -> None:
    async with asking(f"http://127.0.0.1:{free_port()}/v1") as endpoint:
        with pytest.raises(RecogniserFailed, match="cannot be reached"):
            await endpoint.transcribe(OGG, seconds=2.0, languages=EVERY, prompts={})


async def test_a_recited_prompt_is_asked_again_without_it(server: TranscriptionServer) -> None:
    server.traps = [says({"text": "秋芳洞、秋吉台。", "language": "ja"})]
    transcript = await heard(server)
    assert transcript.text == "秋芳洞の入洞料はいくらですか"
    assert "prompt" not in server.requests[1]


@pytest.mark.parametrize("text", ["", "ご視聴ありがとうございました", "はい" * 90])
async def test_what_nobody_said_is_nothing_heard(server: TranscriptionServer, text: str) -> None:
    server.text = text
    with pytest.raises(NothingHeard):
        await heard(server)


async def test_silence_that_a_service_admits_is_nothing_heard(
    server: TranscriptionServer,
) -> None:
    silent = {"avg_logprob": -1.4, "no_speech_prob": 0.9}
    server.traps = [says({"text": "the", "language": "en", "segments": [silent]})] * 2
    with pytest.raises(NothingHeard):
        await heard(server)
