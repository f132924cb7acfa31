"""Encoders: texts to sentence vectors.

Two small models come inside Python packages, each optional: USE multilingual v3 (fast, strong
across languages) and multilingual E5 small (better, ten times the work). An endpoint that speaks
OpenAI's embeddings interface can take E5's place (`knowledge.encoders.endpoint`). What is installed
decides the `Tier`, unless a town asks for a lower one.
"""

import importlib.util
from collections.abc import Sequence
from enum import StrEnum

from knowledge.encoders.embedded import E5Encoder, UseEncoder
from knowledge.encoders.port import ENDPOINT, Encoder, Scores, Vectors
from knowledge.errors import EncoderMissing

__all__ = [
    "E5Encoder",
    "Encoder",
    "Scores",
    "Tier",
    "UseEncoder",
    "Vectors",
    "encoders",
    "tier_of",
]


class Tier(StrEnum):
    """Which parts of the retrieval run."""

    WORDS = "words"
    WORDS_USE = "words+use"
    WORDS_USE_E5 = "words+use+e5"
    WORDS_USE_ENDPOINT = "words+use+endpoint"


_EMBEDDED: dict[Tier, tuple[type[UseEncoder | E5Encoder], ...]] = {
    Tier.WORDS: (),
    Tier.WORDS_USE: (UseEncoder,),
    Tier.WORDS_USE_E5: (UseEncoder, E5Encoder),
    Tier.WORDS_USE_ENDPOINT: (UseEncoder,),
}


def encoders(tier: Tier | None = None, *, endpoint: Encoder | None = None) -> tuple[Encoder, ...]:
    """Return the encoders of a tier, or all that are installed if none is asked for.

    With an `endpoint`, that one takes E5's place; USE answers while the endpoint does not.

    Raises `EncoderMissing` if the tier was asked for and cannot run here.
    """
    best = Tier.WORDS_USE_ENDPOINT if endpoint is not None else Tier.WORDS_USE_E5
    if tier is Tier.WORDS_USE_ENDPOINT and endpoint is None:
        raise EncoderMissing(f"tier {tier} needs an endpoint")
    wanted = _EMBEDDED[tier or best]
    missing = [each.package for each in wanted if importlib.util.find_spec(each.module) is None]
    if missing and tier is not None:
        raise EncoderMissing(f"tier {tier} needs {', '.join(missing)}")
    running: list[Encoder] = [each() for each in wanted if each.package not in missing]
    if endpoint is not None and tier in {None, Tier.WORDS_USE_ENDPOINT}:
        running.append(endpoint)
    return tuple(running)


def tier_of(running: Sequence[Encoder]) -> Tier:
    """Name the tier that a set of encoders makes."""
    names = {each.name for each in running}
    if ENDPOINT in names:
        return Tier.WORDS_USE_ENDPOINT
    if "e5" in names:
        return Tier.WORDS_USE_E5
    return Tier.WORDS_USE if names else Tier.WORDS
