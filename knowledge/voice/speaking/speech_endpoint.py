"""Any service with the OpenAI interface ``/v1/audio/speech`` as a voice.

Servers differ: some know no ``opus``, some answer an unknown format with 4xx, some with sound that
is not what was asked for, some with an empty body or an error as JSON and status 200. So WAV is
asked for if Opus is refused, what comes is told by its first bytes, and nothing is believed that
cannot be decoded. They know no local names: a sentence is sent with its names in kana.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import httpx2
import openai

from knowledge.errors import SynthesiserFailed
from knowledge.voice.choice import SpeechEndpoint

logger = logging.getLogger(__name__)

MOST_BYTES: Final = 8_000_000
"""Of one sentence: 40 s of 48 kHz stereo WAV."""
FORMATS: Final = ("opus", "wav")
_REFUSED: Final = frozenset({400, 404, 415, 422})
_SLOWEST, _FASTEST = 0.25, 4.0
_LONGEST: Final = 4_000  # characters of one request, as the interface has it


@dataclass(frozen=True, slots=True)
class Tuning:
    """How the service shall sound; `voice` is its own name for it."""

    voice: str
    speed: float
    others: Mapping[str, str] = field(default_factory=dict)  # the voice of another language


class SpeechService:
    """A speech endpoint, asked one sentence at a time."""

    def __init__(self, endpoint: SpeechEndpoint, tuning: Tuning) -> None:
        self._endpoint = endpoint
        self._tuning = tuning
        self._formats = FORMATS  # the one that was last given first
        # The client insists on a key; servers on one's own machine want none.
        self._client = openai.AsyncOpenAI(
            base_url=endpoint.base_url,
            api_key=endpoint.api_key or "none",
            max_retries=1,
            timeout=endpoint.timeout.total_seconds(),
        )

    def identity(self, language: str) -> str:
        """What changes the sound: part of the key of the cache."""
        each = self._endpoint
        parts = (each.base_url.rstrip("/"), each.model, self._voice(language))
        return "|".join(parts)

    def _voice(self, language: str) -> str:
        return self._tuning.others.get(language, self._tuning.voice)

    async def say(self, sentence: str, language: str) -> bytes:
        """Return a file with the sentence, in whatever container the service sent.

        All of it takes no longer than the endpoint's timeout. Raises `SynthesiserFailed`.
        """
        try:
            async with asyncio.timeout(self._endpoint.timeout.total_seconds()):
                return await self._in_some_format(sentence[:_LONGEST], self._voice(language))
        except openai.APIStatusError as error:
            logger.warning("voice.speech_refused", extra={"status": error.status_code})
            raise SynthesiserFailed(f"the speech endpoint answered {error.status_code}") from None
        except (TimeoutError, openai.APITimeoutError, httpx2.TimeoutException):
            raise SynthesiserFailed("the speech endpoint was too slow") from None
        except (openai.OpenAIError, httpx2.HTTPError) as error:
            # The client words only what fails before the body. Its own words may hold the sentence.
            raise SynthesiserFailed(
                f"the speech endpoint failed with {type(error).__name__}"
            ) from None

    async def _in_some_format(self, sentence: str, voice: str) -> bytes:
        """Ask for each format until one is not refused; only one that was given comes first."""
        first, second = self._formats
        try:
            return await self._asked(sentence, voice, first)
        except openai.APIStatusError as error:
            if error.status_code not in _REFUSED:
                raise
        received = await self._asked(sentence, voice, second)
        self._formats = (second, first)
        return received

    async def close(self) -> None:
        await self._client.close()

    async def _asked(self, sentence: str, voice: str, wanted: str) -> bytes:
        speed = min(max(self._tuning.speed, _SLOWEST), _FASTEST)
        asked = self._client.audio.speech.with_streaming_response.create(
            input=sentence,
            model=self._endpoint.model,
            voice=voice,
            response_format="opus" if wanted == "opus" else "wav",
            speed=speed,
        )
        received = bytearray()
        async with asked as response:
            async for chunk in response.iter_bytes():
                received += chunk
                if len(received) > MOST_BYTES:
                    raise SynthesiserFailed("the speech endpoint sent too much for one sentence")
        if not received or received.startswith((b"{", b"[")):
            raise SynthesiserFailed("the speech endpoint sent no sound")
        return bytes(received)
