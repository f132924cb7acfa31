"""Consensus: of all that may have been said, what is nearest to the rest of it in sound.

Minimum Bayes risk (Goel & Byrne 2000): not the likeliest hypothesis, but the one whose expected
distance from the others, weighted by their likelihood, is least. Distance is counted in readings,
so that 出来ますか and できますか support one another, and names of the town count in favour: they
are what a recogniser finds hardest and what an answer depends on. But one that a prompt suggested
counts only as far as something like it was heard without the prompt: 九谷焼 is no 鶴仙渓.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from typing import Final

from knowledge.voice.hearing.recovery import Recovered

NAMED: Final = 0.8
"""Share of misheard sounds that a transcript made of nothing but names would be forgiven."""


def likeliest(
    guesses: Sequence[tuple[Recovered, float]],
    reading: Callable[[str], str],
    *,
    untold: Sequence[str] = (),
) -> tuple[Recovered, float]:
    """Return the best of some guesses and its risk: the share of sounds that may be wrong.

    `guesses` come with their weights; `reading` says how a text sounds; `untold` are the texts of
    those guesses that were made without a prompt, if others had one.
    """
    read = [reading(each.text) for each, _ in guesses]
    weights: defaultdict[str, float] = defaultdict(float)
    for sounds, (_, weight) in zip(read, guesses, strict=True):
        weights[sounds] += weight
    whole = sum(weights.values()) or 1.0
    expected = dict.fromkeys(weights, 0.0)
    for one, other in combinations(weights, 2):
        apart = distance(one, other)
        expected[one] += weights[other] * apart
        expected[other] += weights[one] * apart
    risks = {one: sounds / (whole * max(len(one), 1)) for one, sounds in expected.items()}
    heard = frozenset(map(reading, untold))
    worth = {
        name: _worth(name, reading(name), heard)
        for name in {n for g, _ in guesses for n in g.names}
    }
    costs = [
        risks[sounds] - NAMED * sum(worth[name] for name in each.names) / max(len(sounds), 1)
        for sounds, (each, _) in zip(read, guesses, strict=True)
    ]
    best = costs.index(min(costs))
    return guesses[best][0], min(risks[read[best]], 1.0)


def _worth(name: str, sounds: str, heard: frozenset[str]) -> float:
    """Return for how many characters a name counts, by what is most like it in what was heard."""
    if not heard or not sounds:
        return len(name)
    unlike = min(nearest(sounds, each) for each in heard) / len(sounds)
    return len(name) * (1.0 - unlike)


def distance(one: str, other: str) -> int:
    """Levenshtein's: insertions, deletions and substitutions."""
    if not one or not other:
        return len(one) + len(other)
    *_, edits = _columns(one, other, 1)
    return edits


def nearest(one: str, other: str) -> int:
    """Levenshtein's distance to the part of `other` that is most like `one` (Sellers 1980)."""
    return min([len(one), *_columns(one, other, 0)]) if one else 0


def _columns(one: str, other: str, begun: int) -> Iterator[int]:
    """Yield the distance of `one` to each beginning of `other`.

    A whole column at once, as bits of one integer (Hyyrö 2003, after Myers 1999): it holds the
    interpreter a tenth as long as cell by cell. `begun` is what leaving out a character of `other`
    before `one` begins costs.
    """
    places: defaultdict[str, int] = defaultdict(int)
    for place, character in enumerate(one):
        places[character] |= 1 << place
    every, last = (1 << len(one)) - 1, 1 << (len(one) - 1)
    more, less = every, 0  # where a cell is one more, or one less, than the one above it
    edits = len(one)
    for character in other:
        same = places.get(character, 0)
        diagonal = (((same & more) + more) ^ more) | same | less
        up = less | ~(diagonal | more) & every
        down = more & diagonal
        edits += bool(up & last) - bool(down & last)
        up, down = (up << 1 | begun) & every, (down << 1) & every
        more, less = down | ~(diagonal | up) & every, up & diagonal
        yield edits
