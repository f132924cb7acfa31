"""What a deployment or a town may choose of a voice."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class VoiceChoice:
    """Which voice speaks, as the town's persona says."""

    name: str = "mei"  # or "kokoro:jf_alpha" …, or the endpoint's own name
    speed: float = 1.0  # of the voice's own
    en: str = ""  # as `name`, for English; none: the usual voice
    zh: str = ""  # and for Chinese

    def named(self, language: str) -> str:
        """Return the voice that was chosen for a language (ISO 639-1), or nothing."""
        return {"ja": self.name, "en": self.en, "zh": self.zh}.get(language, "")


@dataclass(frozen=True, slots=True)
class SpeechEndpoint:
    """An OpenAI-compatible service for transcriptions or speech."""

    base_url: str
    model: str
    api_key: str | None = None
    timeout: timedelta = timedelta(seconds=20)
