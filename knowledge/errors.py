"""What `knowledge` raises on purpose; each class is something a caller does differently.

::

    KnowledgeError
    ├── GuidesMissing          the guide folder is not there: staff correct the town pack
    ├── EncoderMissing         the tier asked for needs a package that is not installed
    ├── GeneratorError         no usable text from the endpoint: send the extract instead
    │   └── GeneratorTimeout   the endpoint was too slow: the same, and worth telling staff
    ├── QuestionsUnreadable    a file of labelled questions has lines to mend: show them all
    └── BaselineUnreadable     an earlier run cannot be read: name another, or none

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
