"""How an evaluation is shown: tables on the terminal, the same in Markdown, failures readable."""

from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table

from bots import texts
from knowledge.evaluate import Evaluation, Fault, Score, Verdict

_LONGEST_SAID: Final = 400  # characters of an answer on the terminal
_COUNTED: Final = (Fault.UNSUPPORTED, Fault.NO_SOURCE, Fault.LANGUAGE, Fault.CRASHED)
Row = tuple[str, ...]


def terminal(run: Evaluation, language: str, *, failures: int) -> None:
    """Print the tables, the changes, and the first failures."""
    console = Console(highlight=False, markup=False)
    for title, header, rows in _tables(run, language):
        table = Table(title=title, title_justify="left", header_style="")
        for number, name in enumerate(header):
            table.add_column(name, justify="right" if number else "left", no_wrap=True)
        for row in rows:
            table.add_row(*row)
        console.print(table)
    for line in _summary(run, language):
        console.print(line, soft_wrap=True)
    for each in run.failures[:failures]:
        console.print()
        for line in _failure(each, language, longest=_LONGEST_SAID):
            console.print(line, soft_wrap=True)
    if len(run.failures) > failures:
        console.print()
        console.print(_say("more", language, n=len(run.failures) - failures))


def markdown(run: Evaluation, language: str) -> str:
    """Return the whole run as a Markdown page, every failure included."""
    lines = [f"# {_say('title', language, town=run.town)}", ""]
    lines += [f"{run.at:%Y-%m-%d %H:%M} · {run.tier}", ""]
    for title, header, rows in _tables(run, language):
        lines += [f"## {title}", "", _row(header), _row(["---"] * len(header))]
        lines += [*map(_row, rows), ""]
    lines += [f"- {each}" for each in _summary(run, language)]
    lines += ["", f"## {_say('failures', language, n=len(run.failures))}", ""]
    for each in run.failures:
        title, *rest = _failure(each, language, longest=None)
        lines += [f"### {_escaped(title)}", "", *(f"- {_escaped(line)}" for line in rest), ""]
    return "\n".join(lines)


def _tables(run: Evaluation, language: str) -> Iterator[tuple[str, Row, list[Row]]]:
    header = tuple(
        _say(f"column.{each}", language) for each in ("name", "n", "right", "share", "interval")
    )
    refused = tuple(_say(f"column.{each}", language) for each in ("refuse-n", "refuse-share"))
    rows = [
        (*_cells(facts), str(no.n), f"{no.share:.0%}" if no.n else "—")
        for facts, no in run.by_language()
    ]
    total = Score(_say("total", language), run.answerable.n, run.answerable.right)
    no = run.refusals
    rows.append((*_cells(total), str(no.n), f"{no.share:.0%}" if no.n else "—"))
    yield _say("by-language", language), (*header, *refused), rows
    yield _say("by-kind", language), header, [_cells(each) for each in run.by_kind()]


def _cells(score: Score) -> Row:
    low, high = score.interval
    if not score.n:
        return (score.name, "0", "0", "—", "—")
    return (
        score.name,
        str(score.n),
        str(score.right),
        f"{score.share:.0%}",
        f"{low:.0%}–{high:.0%}",
    )


def _summary(run: Evaluation, language: str) -> Iterator[str]:
    total, low, high = run.total, *run.total.interval
    yield _say(
        "all",
        language,
        n=total.n,
        right=total.right,
        share=f"{total.share:.1%}",
        low=f"{low:.1%}",
        high=f"{high:.1%}",
    )
    for fault in _COUNTED:
        yield _say(f"count.{fault}", language, n=run.count(fault))
    yield _say("cpu", language, ms=f"{run.cpu_ms:.1f}", tier=run.tier)
    if run.change is None:
        yield _say("no-earlier", language)
        return
    for name, ids in (
        ("fixed", run.change.fixed),
        ("broken", run.change.broken),
        ("added", run.change.added),
        ("removed", run.change.removed),
    ):
        if ids:
            yield _say(f"change.{name}", language, n=len(ids), ids=" ".join(ids))
    if not run.change.fixed and not run.change.broken:
        yield _say("change.none", language)


def _failure(verdict: Verdict, language: str, *, longest: int | None) -> Iterator[str]:
    question, said = verdict.question, verdict.said
    before = "".join(f"{each} → " for each in question.before)
    yield f"{question.id} [{question.language} {question.kind}] {before}{question.question}"
    expected = " + ".join("|".join(each) for each in question.expected)
    yield _say("expected", language, facts=expected or _say("a-refusal", language))
    text = " / ".join(said.text.split("\n"))
    shown = text if longest is None or len(text) <= longest else text[:longest] + "…"
    yield _say("said", language, kind=said.kind, text=shown)
    if said.sources:
        yield _say("sources", language, sources=" / ".join(said.sources))
    yield _say("why", language, why=_why(verdict, language))


def _why(verdict: Verdict, language: str) -> str:
    named = ((_say(f"fault.{fault}", language), detail) for fault, detail in verdict.faults)
    reasons = (
        _say("fault-detail", language, fault=fault, detail=detail) if detail else fault
        for fault, detail in named
    )
    return _say("and", language).join(reasons)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_escaped(each) for each in cells)} |"


def _escaped(text: str) -> str:
    """What people and documents wrote is text, never Markdown or HTML of its own."""
    for character in "\\`*_[]<>|#":
        text = text.replace(character, "\\" + character)
    return " ".join(text.split())


def _say(key: str, language: str, **values: object) -> str:
    return texts.say(f"evaluate.{key}", language, **values)
