"""Answers: a question and the turns before it, to a structured answer. The words are the caller's.

Order: what is no question; distress; what is refused; greetings; what staff taught; what can be
worked out; then the guides. An answer is always extracts, verbatim, or computed from them; a
configured generator may phrase extracts, and its text is released sentence by sentence, each only
once all its figures and names stand in the passages that the answer cites. Otherwise the extract
is the answer.
"""

from knowledge.answer.finder import LONGEST_QUESTION
from knowledge.answer.guide import Guide
from knowledge.answer.nouns import REFUSALS, Answer, AnswerKind, Fallback, Piece, Turn
from knowledge.taught import Taught

__all__ = [
    "LONGEST_QUESTION",
    "REFUSALS",
    "Answer",
    "AnswerKind",
    "Fallback",
    "Guide",
    "Piece",
    "Taught",
    "Turn",
]
