"""Learn the weights of `knowledge.evidence` from the labelled questions of the sample towns.

    python scripts/fit_evidence.py

Every question that no rule decides is looked up as the guide does. A passage is right if it states
one of the expected facts. How well the models do is measured on questions that they have not seen:
one sample town at a time is left out, and of the largest a fifth of the needs at a time, in all
languages at once. Then they are learnt from everything and written to knowledge/evidence.toml.
"""

import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from knowledge.answer import Guide
from knowledge.answer.finder import Finder
from knowledge.encoders import Tier
from knowledge.evaluate import Labelled, holds, read_questions
from knowledge.evidence import COMPARED, Model, Signs, Vector, question_vector
from knowledge.text import clean

ROOT = Path(__file__).parents[1]
TOWNS = ("mine", "kaga", "kashima", "masuda", "nishikawa")
LARGEST = "mine"
FOLDS = 5
NOW = datetime(2026, 11, 21, 10, tzinfo=ZoneInfo("Asia/Tokyo"))
REFUSED_WEIGHT = 3.0  # a wrong answer costs more than a missing one
DIGITS = 4


@dataclass(frozen=True, slots=True)
class Sample:
    """One question with what was found for it."""

    fold: int
    refused: bool
    decided: bool  # by a rule, so that the models are not asked
    right: tuple[bool, ...]  # for each passage
    signs: tuple[Signs, ...]

    @property
    def values(self) -> Vector:
        return np.stack([each.vector() for each in self.signs])


def samples(town: str, folder: Path) -> Iterator[Sample]:
    """Look up every labelled question of a town."""
    guide = Guide.open(ROOT / "towns" / town / "guides", cache=folder / town, tier=Tier.WORDS_USE)
    finder = Finder(guide.index)
    for labelled in read_questions(ROOT / "towns" / town / "questions.jsonl").questions:
        if (sample := _sample(finder, labelled, _fold(town, labelled.id))) is not None:
            yield sample


def _fold(town: str, name: str) -> int:
    if town != LARGEST:
        return FOLDS + TOWNS.index(town)
    number = re.search(r"(\d+)$", name)
    return int(number[1]) % FOLDS if number else 0


def _sample(finder: Finder, labelled: Labelled, fold: int) -> Sample | None:
    reading = finder.read(clean(labelled.question), labelled.language, labelled.before)
    ranked = finder.search(reading) if reading else ()
    if reading is None or not ranked:
        return None
    now = labelled.now or NOW
    decided = finder.certain(reading, ranked, now.replace(tzinfo=NOW.tzinfo)) is not None
    ranked = ranked[:COMPARED]
    return Sample(
        fold=fold,
        refused=labelled.refused,
        decided=decided,
        right=tuple(
            not labelled.refused and _right(one.passage.text, labelled.expected) for one in ranked
        ),
        signs=tuple(finder.signs(reading.asked, ranked)),
    )


def _right(text: str, expected: Sequence[Sequence[str]]) -> bool:
    return any(holds(text, each) for entry in expected for each in entry)


def logistic(values: Vector, labels: Vector, weights: Vector, penalty: float) -> Model:
    """Fit a logistic model with L2 penalty by L-BFGS."""
    mean, scale = values.mean(0), values.std(0) + 1e-6
    rows = np.c_[(values - mean) / scale, np.ones(len(values))]

    def loss(sums: Vector) -> tuple[float, Vector]:
        likely = expit(rows @ sums)
        log = labels * np.log(likely + 1e-9) + (1 - labels) * np.log(1 - likely + 1e-9)
        slope = rows.T @ (weights * (likely - labels)) / len(labels)
        slope[:-1] += 2 * penalty * sums[:-1]
        return float(-(weights * log).mean() + penalty * (sums[:-1] @ sums[:-1])), slope

    found = minimize(loss, np.zeros(rows.shape[1]), jac=True, method="L-BFGS-B").x
    return Model(mean, scale, found[:-1], float(found[-1]))


def passage_model(learn: Sequence[Sample]) -> Model:
    """Tell the right passages of answerable questions from the others."""
    seen = [each for each in learn if any(each.right)]
    values = np.concatenate([each.values for each in seen])
    labels = np.array([float(right) for each in seen for right in each.right])
    return logistic(values, labels, np.ones(len(labels)), 1e-3)


def question_model(learn: Sequence[Sample], passage: Model) -> Model:
    """Tell questions whose chosen passage is right from those that nothing answers."""
    rows, labels = [], []
    for each in learn:
        likelihoods = passage.likelihood(each.values)
        right = each.right[int(likelihoods.argmax())]
        if right or each.refused:
            rows.append(question_vector(each.values, likelihoods, each.signs))
            labels.append(float(right))
    truth = np.array(labels)
    return logistic(np.stack(rows), truth, np.where(truth == 0, REFUSED_WEIGHT, 1.0), 5e-3)


def judged(sample: Sample, passage: Model, question: Model) -> tuple[float, bool]:
    """Return how likely an answer was held to be, and whether it would have been right."""
    likelihoods = passage.likelihood(sample.values)
    vector = question_vector(sample.values, likelihoods, sample.signs)
    likelihood = float(question.likelihood(vector[np.newaxis, :])[0])
    return likelihood, sample.right[int(likelihoods.argmax())]


def held_out(every: Sequence[Sample]) -> list[tuple[Sample, float, bool]]:
    """Judge each undecided question by models that have not seen its fold."""
    found = []
    for fold in sorted({each.fold for each in every}):
        learn = [each for each in every if each.fold != fold]
        passage = passage_model(learn)
        question = question_model(learn, passage)
        found += [
            (each, *judged(each, passage, question))
            for each in every
            if each.fold == fold and not each.decided
        ]
    return found


def shares(found: Sequence[tuple[Sample, float, bool]], threshold: float) -> tuple[float, float]:
    """Return the shares of undecided questions rightly answered, and rightly refused."""
    known = [(likely, right) for each, likely, right in found if not each.refused]
    unknown = [likely for each, likely, _ in found if each.refused]
    answered = sum(right and likely >= threshold for likely, right in known)
    refused = sum(likely < threshold for likely in unknown)
    return answered / max(len(known), 1), refused / max(len(unknown), 1)


def _array(name: str, values: Vector) -> str:
    return f"{name} = [{', '.join(f'{each:.{DIGITS}g}' for each in values)}]"


def written(passage: Model, question: Model, threshold: float) -> str:
    """Return the data file."""
    lines = [
        "# Written by scripts/fit_evidence.py; see knowledge/evidence.py for what the values mean.",
        f"threshold = {threshold}",
    ]
    for name, model in (("passage", passage), ("question", question)):
        lines += ["", f"[{name}]", f"bias = {model.bias:.{DIGITS}g}"]
        for key in ("mean", "scale", "weights"):
            lines.append(_array(key, getattr(model, key)))
    return "\n".join(lines) + "\n"


def main() -> None:
    """Fit, report and write."""
    threshold = float(sys.argv[1]) if len(sys.argv) > 1 else 0.8
    folder = Path(os.environ.get("KANKEI_FIT_CACHE") or tempfile.mkdtemp())
    every = [sample for town in TOWNS for sample in samples(town, folder)]
    found = held_out(every)
    print(f"{len(every)} questions, {len(found)} that no rule decides, judged unseen:")
    print("threshold  rightly answered  rightly refused")
    for each in (0.5, 0.6, 0.7, 0.8, 0.85, 0.9):
        answered, refused = shares(found, each)
        print(f"{each:9.2f}  {answered:16.1%}  {refused:15.1%}")
    passage = passage_model(every)
    text = written(passage, question_model(every, passage), threshold)
    (ROOT / "knowledge" / "evidence.toml").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
