"""Retrieval, ours and that of popular frameworks as they install, on any labelled set.

::

    python -m benchmarks.retrieval FOLDER...                 # in BEIR's format
    python -m benchmarks.retrieval --jsquad FOLDER --sample 600
    python -m benchmarks.retrieval --bulletin FOLDER --town towns/mine

Each contestant runs in a process of its own, which indexes the whole set, asks all queries once and
says what memory and CPU that took. Runs and qrels stay in ``--out`` in TREC's format.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.measure import heading, lap, load_after, percentile, table
from benchmarks.retrieval import scores
from benchmarks.retrieval.contestants import OURS, PEERS, Contestant, installed
from benchmarks.retrieval.forms import forms
from benchmarks.retrieval.sets import (
    Collection,
    UnreadableSet,
    beir,
    bulletin,
    jsquad,
    sampled,
    town,
)
from knowledge.language import Language

ROOT = Path(__file__).resolve().parents[2]
KEPT = Path(tempfile.gettempdir()) / "kankei-benchmarks" / "retrieval"
QUESTIONS = (
    ROOT / "tests" / "knowledge" / "mine_questions.jsonl",
    ROOT / "benchmarks" / "answers_questions.jsonl",
)
K = 10
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "OMP", "MKL")}
"""As the product sets it: a second thread of a numerical library only spins at this size."""


def main() -> None:
    options = _options()
    try:
        collections = list(_collections(options))
    except UnreadableSet as error:
        sys.exit(f"{error}\nThe format: https://github.com/beir-cellar/beir/wiki")
    if not collections:
        sys.exit("name a folder in BEIR's format, or --jsquad, --bulletin or --town; see --help")
    if options.contestant:
        json.dump(_measured(collections[options.set], options), sys.stdout)
        return
    heading("Retrieval", "numpy", "ir_measures")
    for number, collection in enumerate(collections):
        for form in options.forms:
            _compare(collection, number, form, options)
    load_after()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0] if __doc__ else "")
    parser.add_argument("beir", nargs="*", type=Path, help="folders in BEIR's format")
    parser.add_argument("--jsquad", type=Path, help="folder of JSQuAD's validation set")
    parser.add_argument("--bulletin", type=Path, help="folder of city bulletins as CSV")
    parser.add_argument("--city", help="ask only this city's headlines")
    parser.add_argument("--town", type=Path, help="folder of a town, for our labelled questions")
    parser.add_argument("--questions", type=Path, nargs="*", default=QUESTIONS)
    parser.add_argument("--lang", default="ja", help="language of a BEIR folder (default: ja)")
    parser.add_argument(
        "--sample", type=int, default=0, help="at most so many queries (default: all)"
    )
    parser.add_argument(
        "--forms", nargs="+", default=["typed"], choices=list(forms()), help="as people type"
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these contestants alone")
    parser.add_argument("--out", type=Path, default=KEPT / "runs", help="where runs are written")
    parser.add_argument("--contestant", help=argparse.SUPPRESS)
    parser.add_argument("--set", type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args()


def _collections(options: argparse.Namespace) -> Iterator[Collection]:
    every = [beir(folder, Language(options.lang)) for folder in options.beir]
    if options.jsquad:
        every.append(jsquad(options.jsquad))
    if options.bulletin:
        every.append(bulletin(options.bulletin, options.city))
    if options.town:
        every += [town(options.town, each) for each in options.questions if each.is_file()]
    return (sampled(each, options.sample) for each in every)


def _compare(collection: Collection, number: int, form: str, options: argparse.Namespace) -> None:
    out: Path = options.out / f"{collection.name.replace(' ', '-')}-{form}"
    out.mkdir(parents=True, exist_ok=True)
    scores.write_qrels(out / "qrels.txt", collection.qrels)
    asked = [each.id for each in collection.queries]
    print(
        f"{collection.name}, {form}: {len(collection.texts()):,} documents, {len(asked):,} queries"
    )
    rows, notes = [], []
    for name in _chosen(options):
        if name in PEERS and not installed(PEERS[name][1]):
            notes.append(f"{name}: not installed (pip install {' '.join(PEERS[name][2])})")
            continue
        result = _in_a_process(name, number, form)
        if "failed" in result:
            notes.append(f"{name}: failed: {result['failed']}")
            continue
        scores.write_run(out / f"{name.replace(' ', '-')}.txt", result["run"], name)
        values = scores.score(result["run"], collection.qrels, asked)
        rows.append((name, *_cells(values), *_costs(result)))
    measures = tuple(str(each) for each in scores.MEASURES)
    table(("contestant", *measures, "index s", "CPU ms p50", "p95", "RSS MiB"), rows)
    for note in notes:
        print(f"- {note}")


def _chosen(options: argparse.Namespace) -> list[str]:
    every = [*OURS, *PEERS]
    unknown = set(options.only or ()) - set(every)
    if unknown:
        sys.exit(f"no contestant {', '.join(sorted(unknown))}; there are {', '.join(every)}")
    return [each for each in every if not options.only or each in options.only]


def _cells(values: dict[str, list[float]]) -> Iterator[str]:
    wide = set(map(str, scores.WITH_INTERVAL))
    for name, each in values.items():
        mean = f"{sum(each) / len(each):.3f}"
        low, high = scores.interval(each) if name in wide else (0, 0)
        yield f"{mean} [{low:.3f}, {high:.3f}]" if name in wide else mean


def _costs(result: dict[str, Any]) -> Iterator[str]:
    yield f"{result['index']:.1f}"
    yield f"{percentile(result['cpu'], 0.5) * 1e3:.1f}"
    yield f"{percentile(result['cpu'], 0.95) * 1e3:.1f}"
    yield f"{result['rss']:.0f}"


def _in_a_process(name: str, number: int, form: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.retrieval", *sys.argv[1:]]
    command += ["--contestant", name, "--set", str(number), "--forms", form]
    ended = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | ONE_THREAD,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        said = ended.stderr.strip().splitlines()
        return {"failed": said[-1] if said else f"exit code {ended.returncode}"}
    result: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return result


def _measured(collection: Collection, options: argparse.Namespace) -> dict[str, Any]:
    """Index and ask, in this process."""
    contestants: dict[str, Contestant] = OURS | {name: each[0] for name, each in PEERS.items()}
    as_typed = forms()[options.forms[0]]
    queries = [replace(each, text=as_typed(each.text)) for each in collection.queries]
    before = _rss()
    started = time.process_time()
    cache = KEPT / "index" / collection.name.replace(" ", "-")
    search = contestants[options.contestant](collection, cache, K)
    index = time.process_time() - started
    for query in queries[:3]:  # models are loaded, as in a town that runs
        search(query)
    run, cpu = {}, []
    for query in queries:
        with lap() as taken:
            run[query.id] = search(query)
        cpu.append(taken.cpu)
    return {"run": run, "cpu": cpu, "index": index, "rss": _rss(), "before": before}


def _rss() -> float:
    """Resident memory in MiB, pages of mapped files included."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    main()
