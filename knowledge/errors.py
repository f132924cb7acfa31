"""What `knowledge` raises on purpose; each class is something a caller does differently.

::

    KnowledgeError
    ├── GuidesMissing          the guide folder is not there: staff correct the town pack
    ├── EncoderMissing         the tier asked for needs a package that is not installed
    ├── EncoderUnavailable     the embeddings endpoint gives no usable vectors: go on without it
    ├── GeneratorError         no usable text from the endpoint: send the extract instead
    │   └── GeneratorTimeout   the endpoint was too slow: the same, and worth telling staff
    ├── QuestionsUnreadable    a file of labelled questions has lines to mend: show them all
    ├── BaselineUnreadable     an earlier run cannot be read: name another, or none
    └── VoiceError
        ├── AudioUnreadable    no sound in a form that we know: ask for another recording, or words
        ├── AudioTooLong       more than is heard at once: ask for a shorter question
        ├── NothingHeard       nobody speaks in it: ask to come closer, or to write
        ├── Busy               too many speak at once: say how many wait, ask to try again or write
        ├── VoiceMissing       the packages are not installed: go on in writing, tell staff which
        ├── RecogniserFailed   the engine or endpoint gave nothing usable: ask to write
        └── SynthesiserFailed  the same for speaking: the written answer stands alone

A document that cannot be used is not an error but a `knowledge.passage.Problem`: the others still
answer.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from knowledge.passage import Problem


class KnowledgeError(Exception):
    """The root of all that this package raises on purpose."""

    code: ClassVar[str] = "knowledge"


class GuidesMissing(KnowledgeError):
    """The guide folder does not exist or is not a folder."""

    code = "guides_missing"


class EncoderMissing(KnowledgeError):
    """A tier was asked for by name and one of its models is not installed."""

    code = "encoder_missing"


class EncoderUnavailable(KnowledgeError):
    """The embeddings endpoint did not answer, refused, or sent what cannot be used."""

    code = "encoder_unavailable"


class GeneratorError(KnowledgeError):
    """The endpoint refused, broke off, or said nothing that can be read."""

    code = "generator_error"


class GeneratorTimeout(GeneratorError):
    """The endpoint did not answer in the time it was given."""

    code = "generator_timeout"


class QuestionsUnreadable(KnowledgeError):
    """A file of labelled questions is wrong in the lines that `problems` names."""

    code = "questions_unreadable"

    def __init__(self, problems: "Sequence[Problem]") -> None:
        super().__init__("; ".join(f"line {each.line}: {each.message}" for each in problems))
        self.problems = tuple(problems)


class BaselineUnreadable(KnowledgeError):
    """The file of an earlier run is missing, damaged or of another format."""

    code = "baseline_unreadable"


class VoiceError(KnowledgeError):
    """Hearing or speaking did not work; writing always does."""

    code = "voice"


class AudioUnreadable(VoiceError):
    """The bytes are no recording in a form that we know, or a damaged one."""

    code = "audio_unreadable"


class AudioTooLong(VoiceError):
    """The recording is longer than one question may be."""

    code = "audio_too_long"


class NothingHeard(VoiceError):
    """Nobody speaks in the recording, or nothing that could be words."""

    code = "nothing_heard"


class Busy(VoiceError):
    """The worker has as many jobs as it may have; `waiting` of them have not begun."""

    code = "voice_busy"

    def __init__(self, waiting: int) -> None:
        super().__init__(f"{waiting} jobs are waiting")
        self.waiting = waiting


class VoiceMissing(VoiceError):
    """A package of the extra `voice` is not installed; the message names it and the command."""

    code = "voice_missing"


class RecogniserFailed(VoiceError):
    """The recogniser broke, was too slow, or sent what cannot be used."""

    code = "recogniser_failed"


class SynthesiserFailed(VoiceError):
    """The synthesiser broke, was too slow, or sent what cannot be used."""

    code = "synthesiser_failed"
