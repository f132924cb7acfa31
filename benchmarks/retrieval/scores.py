"""Scores: TREC runs and qrels, measured by `ir_measures`, with bootstrap intervals."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import ir_measures
import numpy as np
from ir_measures import RR, R, Success, nDCG

MEASURES = (Success @ 1, R @ 5, R @ 10, RR @ 10, nDCG @ 10)
WITH_INTERVAL = (R @ 5, R @ 10, nDCG @ 10)
RESAMPLES = 2_000

Run = Mapping[str, Mapping[str, float]]
"""Scores by query and document."""


def write_run(path: Path, run: Run, name: str) -> None:
    """Write a run in TREC's format; the tag is the contestant's name."""
    tag = name.replace(" ", "-")
    lines = [
        f"{query} Q0 {document} {place} {score:.6f} {tag}"
        for query, found in run.items()
        for place, (document, score) in enumerate(
            sorted(found.items(), key=lambda each: -each[1]), start=1
        )
    ]
    path.write_text("\n".join((*lines, "")), encoding="utf-8")


def write_qrels(path: Path, qrels: Mapping[str, Mapping[str, int]]) -> None:
    lines = [
        f"{query} 0 {document} {grade}"
        for query, judged in qrels.items()
        for document, grade in judged.items()
    ]
    path.write_text("\n".join((*lines, "")), encoding="utf-8")


def score(
    run: Run, qrels: Mapping[str, Mapping[str, int]], queries: Sequence[str]
) -> dict[str, list[float]]:
    """Return each measure's value for each of `queries`; a query without results counts 0."""
    asked = {query: dict(qrels[query]) for query in queries}
    found = {query: dict(results) for query, results in run.items() if query in asked}
    values: dict[str, dict[str, float]] = {str(each): {} for each in MEASURES}
    for each in ir_measures.iter_calc(MEASURES, asked, found):
        values[str(each.measure)][each.query_id] = each.value
    return {
        name: [by_query.get(query, 0.0) for query in queries] for name, by_query in values.items()
    }


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the middle 95 % of the means of resampled queries (percentile bootstrap)."""
    held = np.asarray(values)
    chosen = np.random.default_rng(0).integers(0, len(held), (RESAMPLES, len(held)))
    low, high = np.percentile(held[chosen].mean(axis=1), (2.5, 97.5))
    return float(low), float(high)
