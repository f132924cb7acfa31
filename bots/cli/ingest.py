"""`kankei ingest`: read a town's documents and report what staff should mend."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bots.cli.terminal import fail, language, read_settings
from core import town as town_pack
from core.errors import TownPackError


def ingest(
    town: Annotated[Path, typer.Argument(help="町のフォルダ / the town's folder")],
    report: Annotated[
        Path | None, typer.Option(help="報告を書くファイル（.csv か .md） / file for the report")
    ] = None,
) -> None:
    """町の文書とデータを読み、直すところを知らせます / Read a town's documents and data."""
    from bots.cli.reporting import Report
    from knowledge.ingest import read_town

    if report is not None and report.suffix.lower() not in {".csv", ".md"}:
        raise fail_ingest("report-suffix", file=report)
    try:
        pack = town_pack.load(town)
    except TownPackError as error:
        raise fail("pack-wrong", problems=error) from error
    settings = read_settings(town=town)
    with _progress() as progress:
        library = read_town(
            pack.guides,
            pack.data,
            cache=settings.data_dir / "index" / pack.town.slug,
            again=True,
            progress=progress,
        )
    told = Report(library, datetime.now(UTC).date(), language())
    for line in told.lines(pack.town.name.get(language())):
        print(line)
    if report is not None:
        try:
            told.write(report)
        except OSError as error:
            raise fail_ingest("report-unwritable", file=report, reason=error.strerror) from error
        print(told.say("written", file=report))
    if told.to_mend:
        raise typer.Exit(1)


def fail_ingest(key: str, **values: object) -> typer.Exit:
    """Say on the error stream why there is no report."""
    from bots import texts

    print(texts.say(f"ingest.{key}", language(), **values), file=sys.stderr)
    return typer.Exit(2)


@contextmanager
def _progress() -> "Iterator[Callable[[object], None]]":
    """A bar on a terminal; nothing where nobody looks."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from knowledge.ingest import Progress as Step

    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("", total=None)

        def show(step: object) -> None:
            assert isinstance(step, Step)  # noqa: S101 - the only caller is `read_town`
            part = f" {step.done:,}/{step.total:,}" if step.total else ""
            part = part or (f" {step.done:,}" if step.done else "")
            # A file's name is text of somebody else: its brackets are no markup.
            name = step.file.replace("[", r"\[")
            bar.update(
                task, completed=step.number - 1, total=step.files, description=f"{name}{part}"
            )

        yield show
