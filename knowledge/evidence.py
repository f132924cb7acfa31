"""Evidence: how likely a passage answers, learnt from labelled questions.

The rules of `knowledge.extract` know when a passage answers for certain. Visitors say much that no
rule foresees, and then what speaks for a passage has to be weighed: likeness of meaning, the topic
and the sight named, the other words held or missing. Two logistic models do this, one between the
passages of a question, and one between questions that the best passage answers and those that
nothing answers. Their weights stand in ``evidence.toml``, written by `scripts/fit_evidence.py` from
the labelled questions of the sample towns; that script also says how they do on towns they have not
seen.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

COMPARED = 15
"""How many of the best ranked passages are weighed against one another."""


@dataclass(frozen=True, slots=True)
class Signs:
    """What speaks for and against one passage, each between about 0 and 1."""

    cosine: float  # of question and passage, raw
    gap: float  # behind the best ranked
    place: float  # 1, 1/2, 1/3 … in the ranking
    concept: float  # share of what was asked that it names
    direct: float  # its item or heading names it
    asks: float  # anything was asked by a known word
    rest: float  # share of the other words that it holds, by rarity
    alone: float  # there are no other words
    weight: float  # how much those words say
    unheard: float  # share of them that no passage holds
    about: float  # it is about the sight named
    named: float  # a sight was named
    fact: float
    own: float  # in a language that the asker reads without help
    same: float  # in just the asker's language
    old: float  # no longer true, and the past was not asked for
    qualified: float  # for whom or when was asked
    main: float  # the main fact of its kind: of prices, the entrance fee
    beside: float  # concepts it names that nobody asked for
    covered: float  # share of all words of the question that it holds
    unknown: float  # the question has a proper name that no passage holds
    japanese: float

    def vector(self) -> Vector:
        """Return the signs with the products that the models know."""
        crossed = (
            self.concept * self.rest,
            self.direct * self.about,
            self.cosine * self.own,
            (1 - self.rest) * self.named * self.direct,
            self.asks * (1 - self.concept),
            self.named * (1 - self.about),
            (1 - self.rest) * self.weight,
            self.cosine * (1 - self.japanese),
            self.named * self.asks,
        )
        return np.array((*astuple(self), *crossed), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Model:
    """One logistic model over standardised values."""

    mean: Vector
    scale: Vector
    weights: Vector
    bias: float

    def likelihood(self, values: Vector) -> Vector:
        """Return the likelihood of each row, shape ``(n,)``, for values of shape ``(n, m)``."""
        sums = (values - self.mean) / self.scale @ self.weights + self.bias
        return np.asarray(1 / (1 + np.exp(-np.clip(sums, -30, 30))))


@dataclass(frozen=True, slots=True)
class Models:
    """Both models, and from where on an answer is given."""

    passage: Model
    question: Model
    threshold: float


@dataclass(frozen=True, slots=True)
class Weighed:
    """The passage most likely to answer, by its place among those compared."""

    place: int
    likelihood: float  # that the guides answer this question at all, with this passage


def weigh(signs: Sequence[Signs]) -> Weighed:
    """Choose between the passages of one question, the best ranked first."""
    values = np.stack([each.vector() for each in signs[:COMPARED]])
    each_alone = models().passage.likelihood(values)
    place = int(each_alone.argmax())
    question = question_vector(values, each_alone, signs[:COMPARED])
    return Weighed(place, float(models().question.likelihood(question[np.newaxis, :])[0]))


def question_vector(values: Vector, likelihoods: Vector, signs: Sequence[Signs]) -> Vector:
    """Return what is known of a question: of its best passage, and how far that stands out."""
    place = int(likelihoods.argmax())
    best = float(np.clip(likelihoods[place], 1e-9, 1 - 1e-9))
    second = float(np.sort(likelihoods)[-2]) if len(likelihoods) > 1 else 0.0
    nearest = max(each.cosine for each in signs)
    added = (
        np.log(best / (1 - best)),
        best - second,
        nearest,
        nearest * signs[place].japanese,
        np.log(float(likelihoods.sum()) + 1e-6),
    )
    return np.concatenate([values[place], added])


@cache
def models() -> Models:
    """Read the weights; the second call returns the first one's."""
    raw = tomllib.loads(files("knowledge").joinpath("evidence.toml").read_text("utf-8"))

    def model(name: str) -> Model:
        table = raw[name]
        mean, scale, weights = (
            np.array(table[key], dtype=np.float64) for key in ("mean", "scale", "weights")
        )
        return Model(mean, scale, weights, float(table["bias"]))

    return Models(model("passage"), model("question"), float(raw["threshold"]))
