"""What calculators are given and what they return."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from knowledge.passage import Passage
from knowledge.question import Asked
from knowledge.retrieval.index import Index


@dataclass(frozen=True, slots=True)
class Computed:
    """A result. Each kind of result is a subclass with values of its own."""

    passages: tuple[Passage, ...]  # what it was worked out from: cited, and all figures stand there


@dataclass(frozen=True, slots=True)
class Situation:
    """A question in its circumstances."""

    asked: Asked  # with the subject of the conversation
    now: datetime  # aware, in the town's zone
    index: Index


class Calculator(Protocol):
    """Answers one kind of question."""

    def answer(self, situation: Situation) -> Computed | None:
        """Return the result; None if something else is asked, or if facts are missing."""
        ...
