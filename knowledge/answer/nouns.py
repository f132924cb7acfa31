"""The nouns of an answer."""

from dataclasses import dataclass
from enum import StrEnum

from knowledge.computed import Computed
from knowledge.emergency import EmergencyKind
from knowledge.extract import Extract
from knowledge.language import Language


class AnswerKind(StrEnum):
    """What kind of reply a question gets."""

    ANSWERED = "answered"
    CLARIFY = "clarify"  # several sights fit: which one is meant?
    UNKNOWN = "unknown"  # the guides do not say
    OFF_TOPIC = "off_topic"  # not a question about the town
    EMERGENCY = "emergency"
    PERSONAL = "personal"  # other people's data, or secrets: refused
    HARMFUL = "harmful"  # would help to hurt somebody or break the law: refused
    EMPTY = "empty"  # nothing that could be a word
    TOO_LONG = "too_long"
    GREETING = "greeting"
    FAREWELL = "farewell"  # thanks, or goodbye


REFUSALS = frozenset(
    {AnswerKind.UNKNOWN, AnswerKind.OFF_TOPIC, AnswerKind.PERSONAL, AnswerKind.HARMFUL}
)
"""What counts as a refusal. A greeting, an alarm or a question back is none."""


class Fallback(StrEnum):
    """Why the generator's text was not used."""

    UNSUPPORTED_FIGURE = "unsupported-figure"
    UNSUPPORTED_NAME = "unsupported-name"
    TIMEOUT = "timeout"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply without its frame: the caller words greeting, dates, remarks and sources."""

    kind: AnswerKind
    language: Language
    question: str  # as cleaned
    extracts: tuple[Extract, ...] = ()
    written: str | None = None
    emergency: EmergencyKind | None = None
    fallback: Fallback | None = None
    computed: Computed | None = None  # worked out from the extracts; never phrased by a generator
    options: tuple[str, ...] = ()  # facilities that could be meant as well, or are to choose from


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier question with its answer."""

    question: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a generated answer whose figures and names are all supported."""

    text: str
