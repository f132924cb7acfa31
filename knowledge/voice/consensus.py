"""Consensus: of all that may have been said, what is nearest to the rest of it in sound.

Minimum Bayes risk (Goel & Byrne 2000): not the likeliest hypothesis, but the one whose expected
distance from the others, weighted by their likelihood, is least. Distance is counted in readings,
so that 出来ますか and できますか support one another, and names of the town count in favour: they
are what a recogniser finds hardest and what an answer depends on.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Final

from knowledge.voice.recovery import Recovered

NAMED: Final = 0.5
"""Share of misheard sounds that a transcript made of nothing but names would be forgiven."""


def likeliest(
    guesses: Sequence[tuple[Recovered, float]], reading: Callable[[str], str]
) -> tuple[Recovered, float]:
    """Return the best of some guesses and its risk: the share of sounds that may be wrong.

    `guesses` come with their weights; `reading` says how a text sounds.
    """
    read = [reading(each.text) for each, _ in guesses]
    weights: defaultdict[str, float] = defaultdict(float)
    for sounds, (_, weight) in zip(read, guesses, strict=True):
        weights[sounds] += weight
    whole = sum(weights.values()) or 1.0
    risks = {
        one: sum(weight * distance(one, other) for other, weight in weights.items())
        / (whole * max(len(one), 1))
        for one in weights
    }
    costs = [
        risks[sounds] - NAMED * sum(map(len, each.names)) / max(len(sounds), 1)
        for sounds, (each, _) in zip(read, guesses, strict=True)
    ]
    best = costs.index(min(costs))
    return guesses[best][0], min(risks[read[best]], 1.0)


def distance(one: str, other: str) -> int:
    """Levenshtein's: insertions, deletions and substitutions."""
    row = list(range(len(other) + 1))
    for number, character in enumerate(one, 1):
        corner, row[0] = row[0], number
        for place, against in enumerate(other, 1):
            corner, row[place] = (
                row[place],
                min(row[place] + 1, row[place - 1] + 1, corner + (character != against)),
            )
    return row[-1]
