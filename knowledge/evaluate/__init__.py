"""Evaluation: labelled questions, what was said to each, and how much of it was right.

Three parts: `questions` reads a file of labelled questions, `judge` compares one answer with its
label, `report` counts, draws intervals, and tells what changed since an earlier run. None of them
knows how an answer is worded: the caller brings a function from a question to a `Said`.
"""

from knowledge.evaluate.judge import Fault, Said, Verdict, holds, judge, values_of
from knowledge.evaluate.questions import (
    Labelled,
    QuestionFile,
    read_questions,
)
from knowledge.evaluate.report import (
    Change,
    Evaluation,
    Score,
    compare,
    evaluation,
    interval,
    read_baseline,
)

__all__ = [
    "Change",
    "Evaluation",
    "Fault",
    "Labelled",
    "QuestionFile",
    "Said",
    "Score",
    "Verdict",
    "compare",
    "evaluation",
    "holds",
    "interval",
    "judge",
    "read_baseline",
    "read_questions",
    "values_of",
]
