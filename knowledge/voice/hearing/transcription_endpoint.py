"""Transcription by any service that speaks OpenAI's interface: ``POST /v1/audio/transcriptions``.

Services differ in what they understand beyond ``file`` and ``model``, so little is asked for:

* never ``stream``: some send an empty list of events and no error;
* ``response_format`` ``verbose_json``, which tells the language and how sure the service is; one
  that refuses it and gives ``json`` is asked for that from then on, and the language told by the
  script;
* ``language`` only where one is certain; a language that nobody offered is asked for once more in
  the asker's own;
* ``model`` is ignored by servers that were started with one, which is no error.

What comes back is believed only as far as it was checked: of each reply, an error too, no more is
read than `MOST_BYTES`, uncompressed, and for no longer than the endpoint's timeout in all.
"""

import asyncio
import json
import logging
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

import httpx2
import openai
from openai.types import AudioResponseFormat
from pydantic import BaseModel, Field

from knowledge.errors import NothingHeard, RecogniserFailed
from knowledge.language import Language, detect
from knowledge.voice.choice import SpeechEndpoint
from knowledge.voice.hearing.guards import invented, loops, recites, worded
from knowledge.voice.port import Transcript

logger = logging.getLogger(__name__)

LONGEST: Final = 2_000
"""Characters of a transcript: a minute of fast speech is half of it."""
MOST_BYTES: Final = 500_000
"""Of one reply; with the details of a minute's every segment it has a tenth of them."""
UNTOLD: Final = 0.75
"""The confidence of a transcript whose service says nothing of it: it is asked about by nobody."""

_REFUSED: Final = frozenset({400, 415, 422})
_NO_SPEECH: Final = 0.6
_NO_WORDS: Final = -1.0
_CODES: Final = {
    "japanese": "ja", "english": "en", "chinese": "zh", "mandarin": "zh", "korean": "ko",
}  # fmt: skip
_KINDS: Final = {b"OggS": "ogg", b"RIFF": "wav", b"\x1aE\xdf\xa3": "webm", b"ID3": "mp3"}


class _Segment(BaseModel):
    avg_logprob: float | None = None
    no_speech_prob: float | None = None
    start: float = 0.0
    end: float = 0.0


class _Reply(BaseModel):
    text: str = Field(max_length=LONGEST)
    language: str | None = None
    segments: list[_Segment] | None = None


class TranscriptionEndpoint:
    """A recogniser elsewhere."""

    def __init__(self, endpoint: SpeechEndpoint) -> None:
        self.name = endpoint.model
        self._model = endpoint.model
        self._format: AudioResponseFormat = "verbose_json"
        self._seconds = endpoint.timeout.total_seconds()
        # The client insists on a key; servers on one's own machine want none.
        self._client = openai.AsyncOpenAI(
            base_url=endpoint.base_url,
            api_key=endpoint.api_key or "none",
            timeout=self._seconds,
            max_retries=0,  # somebody is waiting for an answer
            default_headers={"Accept-Encoding": "identity"},
            http_client=openai.DefaultAsyncHttpxClient(event_hooks={"response": [_capped]}),
        )

    async def transcribe(
        self,
        audio: bytes,
        *,
        seconds: float,
        languages: Sequence[str],
        prompts: Mapping[str, str],
    ) -> Transcript:
        """Have a recording written down. `seconds` of it are speech; 0: that is not known.

        Raises `RecogniserFailed`, `NothingHeard`.
        """
        own = languages[0]
        known = own if len(languages) == 1 else None
        prompt = prompts.get(own, "")
        heard = await self._asked(audio, known, prompt, languages)
        if heard.language not in languages:
            heard = await self._asked(audio, own, prompt, languages)
        if _wrong(heard, seconds, prompt) and prompt:
            prompt = ""
            heard = await self._asked(audio, known, prompt, languages)
        if _wrong(heard, seconds, prompt):
            raise NothingHeard("nothing that could be words")
        return heard

    async def close(self) -> None:
        await self._client.close()

    async def _asked(
        self, audio: bytes, language: str | None, prompt: str, languages: Sequence[str]
    ) -> Transcript:
        try:
            body = await self._details(audio, language, prompt)
        except TimeoutError:
            raise RecogniserFailed("the transcription service was too slow") from None
        except (openai.OpenAIError, httpx2.HTTPError, UnicodeDecodeError) as error:
            raise RecogniserFailed(_said(error)) from None
        reply = _read(body)
        return Transcript(worded(reply.text), _language(reply, language, languages), _sure(reply))

    async def _details(self, audio: bytes, language: str | None, prompt: str) -> str:
        """Ask for details, and for text alone if they are refused, as a wrong recording is too."""
        try:
            return await self._sent(audio, language, prompt, self._format)
        except openai.APIStatusError as error:
            if error.status_code not in _REFUSED or self._format == "json":
                raise
            status = error.status_code
        body = await self._sent(audio, language, prompt, "json")
        logger.info("voice.transcription_without_details", extra={"status": status})
        self._format = "json"
        return body

    async def _sent(
        self, audio: bytes, language: str | None, prompt: str, wanted: AudioResponseFormat
    ) -> str:
        kind = _KINDS.get(audio[:4], _KINDS.get(audio[:3], "m4a"))
        async with asyncio.timeout(self._seconds):
            response = await self._client.audio.transcriptions.with_raw_response.create(
                file=(f"question.{kind}", audio),
                model=self._model,
                response_format=wanted,
                language=openai.omit if language is None else language,
                prompt=prompt or openai.omit,
            )
        return response.text


class _Capped(httpx2.AsyncByteStream):
    """The body of a reply, as far as it may go."""

    def __init__(self, body: httpx2.AsyncByteStream) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        count = 0
        async for each in self._body:
            if (count := count + len(each)) > MOST_BYTES:
                raise httpx2.ReadError("the reply is too long")
            yield each

    async def aclose(self) -> None:
        await self._body.aclose()


async def _capped(response: httpx2.Response) -> None:
    """Before the body is read: refuse one that may grow, and cut one that does not end."""
    if response.headers.get("Content-Encoding", "identity").casefold() != "identity":
        raise httpx2.DecodingError("the reply is compressed, which was not asked for")
    if isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _Capped(response.stream)


def _read(body: str) -> _Reply:
    try:
        return _Reply.model_validate(json.loads(body))
    except (ValueError, RecursionError):  # a ValidationError is a ValueError, and shows the text
        raise RecogniserFailed("the service sent what cannot be read") from None


def _language(reply: _Reply, asked: str | None, languages: Sequence[str]) -> str:
    if asked is not None:
        return asked
    if reply.language:
        told = reply.language.strip().casefold()
        return _CODES.get(told, told.split("-")[0].split("_")[0])
    own = {"ja": Language.JA, "en": Language.EN, "zh": Language.ZH_HANT, "ko": Language.KO}
    default = own.get(languages[0], Language.JA)
    return iso(detect(reply.text, default))


def iso(language: Language) -> str:
    """Return the ISO 639-1 code under which a language is spoken."""
    return str(language).split("-", maxsplit=1)[0]


def _sure(reply: _Reply) -> float:
    told = [each.avg_logprob for each in reply.segments or () if each.avg_logprob is not None]
    if not told:
        return UNTOLD
    mean = sum(told) / len(told)
    silent = all((each.no_speech_prob or 0.0) > _NO_SPEECH for each in reply.segments or ())
    if silent and mean < _NO_WORDS:
        return 0.0
    return math.exp(min(mean, 0.0)) if math.isfinite(mean) else UNTOLD


def _wrong(heard: Transcript, seconds: float, prompt: str) -> bool:
    return (
        heard.confidence == 0.0
        or invented(heard.text)
        or (seconds > 0 and loops(heard.text, seconds=seconds, language=heard.language))
        or recites(heard.text, prompt)
    )


def _said(error: Exception) -> str:
    """What went wrong, without what was said or the key."""
    if isinstance(error, openai.APIStatusError):
        return f"the transcription service replied with status {error.status_code}"
    if isinstance(error, openai.APITimeoutError):
        return "the transcription service was too slow"
    if isinstance(error, openai.APIConnectionError):
        return "the transcription service cannot be reached"
    return f"the transcription service sent what cannot be read ({type(error).__name__})"
