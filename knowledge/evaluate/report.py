"""Reports: how many answers were right, by language and kind, and what changed since last time.

Shares come with the 95 % interval of Wilson (1927), which stays inside 0 and 1 and is honest with
twenty questions. Two runs are compared by the questions' ids, and only over those that both asked.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import sqrt
from pathlib import Path
from typing import Any, Final

from knowledge.errors import BaselineUnreadable
from knowledge.evaluate.judge import Fault, Verdict

FORMAT: Final = 1
_Z: Final = 1.959964  # of the normal distribution: 95 % between -z and z


def interval(right: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of Wilson for a share; (0, 1) of nothing."""
    if n == 0:
        return (0.0, 1.0)
    share, square = right / n, _Z * _Z
    middle = share + square / (2 * n)
    half = _Z * sqrt(share * (1 - share) / n + square / (4 * n * n))
    low, high = (middle - half) / (1 + square / n), (middle + half) / (1 + square / n)
    return (max(0.0, low), min(1.0, high))


@dataclass(frozen=True, slots=True)
class Score:
    """How many of some questions were answered rightly."""

    name: str
    n: int
    right: int

    @property
    def share(self) -> float:
        """Between 0 and 1; 0 of nothing."""
        return self.right / self.n if self.n else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Where the share would lie if many more such questions were asked: 95 %."""
        return interval(self.right, self.n)


@dataclass(frozen=True, slots=True)
class Change:
    """What differs from an earlier run, over the questions that both asked."""

    fixed: tuple[str, ...]
    broken: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One run over one file of questions."""

    town: str
    tier: str
    at: datetime
    verdicts: tuple[Verdict, ...]
    change: Change | None = field(default=None)

    @property
    def total(self) -> Score:
        """All questions."""
        return _score("", self.verdicts)

    @property
    def answerable(self) -> Score:
        """The questions that the guides answer."""
        return _score("", [each for each in self.verdicts if not each.question.refused])

    @property
    def refusals(self) -> Score:
        """The questions that a refusal is right for."""
        return _score("", [each for each in self.verdicts if each.question.refused])

    def by_language(self) -> tuple[tuple[Score, Score], ...]:
        """For each language, the answerable questions and those to be refused."""
        groups = _grouped(self.verdicts, lambda each: str(each.question.language))
        return tuple(
            (
                _score(name, [each for each in group if not each.question.refused]),
                _score(name, [each for each in group if each.question.refused]),
            )
            for name, group in groups.items()
        )

    def by_kind(self) -> tuple[Score, ...]:
        """For each label, the most frequent first."""
        groups = _grouped(self.verdicts, lambda each: each.question.kind or "—")
        scores = [_score(name, group) for name, group in groups.items()]
        return tuple(sorted(scores, key=lambda each: (-each.n, each.name)))

    @property
    def failures(self) -> tuple[Verdict, ...]:
        """What was not right, in the order of the file."""
        return tuple(each for each in self.verdicts if not each.right)

    def count(self, fault: Fault) -> int:
        """How many answers have this fault."""
        return sum(bool(each.of(fault)) for each in self.verdicts)

    @property
    def cpu_ms(self) -> float:
        """CPU time of one question, the mean, in milliseconds."""
        times = [each.said.cpu_ms for each in self.verdicts]
        return sum(times) / len(times) if times else 0.0

    def as_json(self) -> dict[str, Any]:
        """Return everything, for a file that `compare` reads back."""
        return {
            "format": FORMAT,
            "town": self.town,
            "tier": self.tier,
            "at": self.at.isoformat(timespec="seconds"),
            "total": _figures(self.total),
            "answerable": _figures(self.answerable),
            "refusals": _figures(self.refusals),
            "unsupported_figures": self.count(Fault.UNSUPPORTED),
            "without_source": self.count(Fault.NO_SOURCE),
            "wrong_language": self.count(Fault.LANGUAGE),
            "cpu_ms": round(self.cpu_ms, 2),
            "by_language": {
                facts.name: {"answerable": _figures(facts), "refusals": _figures(refused)}
                for facts, refused in self.by_language()
            },
            "by_kind": {each.name: _figures(each) for each in self.by_kind()},
            "change": None
            if self.change is None
            else {
                "fixed": list(self.change.fixed),
                "broken": list(self.change.broken),
                "added": list(self.change.added),
                "removed": list(self.change.removed),
            },
            "questions": [_row(each) for each in self.verdicts],
        }


def evaluation(
    town: str,
    tier: str,
    at: datetime,
    verdicts: Sequence[Verdict],
    *,
    earlier: Mapping[str, bool] | None = None,
) -> Evaluation:
    """Put a run together; `earlier` tells which ids an earlier run answered rightly."""
    change = None if earlier is None else compare(earlier, verdicts)
    return Evaluation(town, tier, at, tuple(verdicts), change)


def compare(earlier: Mapping[str, bool], verdicts: Iterable[Verdict]) -> Change:
    """Tell which questions were fixed, broken, added or removed since an earlier run."""
    now = {each.question.id: each.right for each in verdicts}
    both = [each for each in now if each in earlier]
    return Change(
        fixed=tuple(each for each in both if now[each] and not earlier[each]),
        broken=tuple(each for each in both if earlier[each] and not now[each]),
        added=tuple(each for each in now if each not in earlier),
        removed=tuple(each for each in earlier if each not in now),
    )


def read_baseline(path: Path) -> dict[str, bool]:
    """Read which questions an earlier run, written by `Evaluation.as_json`, answered rightly.

    Raises `BaselineUnreadable` if the file is none.
    """
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        if stored["format"] != FORMAT:
            raise BaselineUnreadable(f"{path}: format {stored['format']!r}, expected {FORMAT}")
        return {str(each["id"]): bool(each["right"]) for each in stored["questions"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BaselineUnreadable(f"{path}: {type(error).__name__}") from error


def _grouped(verdicts: Iterable[Verdict], name: Any) -> dict[str, list[Verdict]]:
    groups: dict[str, list[Verdict]] = {}
    for each in verdicts:
        groups.setdefault(name(each), []).append(each)
    return groups


def _score(name: str, verdicts: Sequence[Verdict]) -> Score:
    return Score(name, len(verdicts), sum(each.right for each in verdicts))


def _figures(score: Score) -> dict[str, Any]:
    low, high = score.interval
    return {
        "n": score.n,
        "right": score.right,
        "share": round(score.share, 4),
        "low": round(low, 4),
        "high": round(high, 4),
    }


def _row(verdict: Verdict) -> dict[str, Any]:
    question, said = verdict.question, verdict.said
    return {
        "id": question.id,
        "lang": str(question.language),
        "kind": question.kind,
        "question": question.question,
        "before": list(question.before),
        "expected": "REFUSE" if question.refused else ["|".join(e) for e in question.expected],
        "right": verdict.right,
        "faults": [[str(fault), detail] for fault, detail in verdict.faults],
        "answer": str(said.kind),
        "said": said.text,
        "sources": list(said.sources),
        "cpu_ms": round(said.cpu_ms, 2),
    }
