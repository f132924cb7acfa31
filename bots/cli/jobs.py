"""`kankei jobs`: what the clock does, what waits, what failed, and trying again."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

import typer

from bots import texts
from bots.cli.faults import faults
from bots.cli.terminal import fail, language, read_settings, say
from bots.jobs.clockwork import title
from bots.jobs.view import ClosedBooks, Line, View, retry, run_now, view
from core import town as town_pack
from core.clock import system_clock
from core.database import Sessions, connect, ready_to_read, session_factory
from core.errors import NotFound, TownPackError
from core.settings import Settings

jobs = typer.Typer(
    invoke_without_command=True, help="時計の仕事を見る・やり直す / The jobs of the clock."
)
ACTOR = "terminal"

Answer = TypeVar("Answer")


@jobs.callback()
def show(context: typer.Context) -> None:
    """時計の仕事を見ます / What runs, what waits, and what failed."""
    if context.invoked_subcommand is None:
        settings = read_settings()
        zone = _zone(settings)
        found = _with_records(settings, _view)
        _print(found, zone)


@jobs.command(name="run")
def run_command(
    name: Annotated[str, typer.Argument(help="仕事の名前 / the job's name")],
) -> None:
    """仕事を今すぐ行います / Do a job at once."""

    async def ask(sessions: Sessions, _: ClosedBooks) -> None:
        await run_now(sessions, name, by=ACTOR, now=system_clock())

    try:
        _with_records(read_settings(), ask)
    except NotFound as error:
        raise fail("jobs.unknown", name=name) from error
    say("jobs.asked", job=title(name, language()))


@jobs.command(name="retry")
def retry_command(
    number: Annotated[str, typer.Argument(help="失敗したものの番号 / what failed, by its number")],
) -> None:
    """失敗したものをやり直します / Try again what failed."""

    async def ask(sessions: Sessions, books: ClosedBooks) -> None:
        await retry(sessions, books, number, by=ACTOR, now=system_clock())

    try:
        _with_records(read_settings(), ask)
    except NotFound as error:
        raise fail("jobs.nothing", number=number) from error
    say("jobs.again", number=number)


async def _view(sessions: Sessions, books: ClosedBooks) -> View:
    return await view(sessions, books, now=system_clock())


def _with_records(
    settings: Settings, ask: Callable[[Sessions, ClosedBooks], Awaitable[Answer]]
) -> Answer:
    async def whole() -> Answer:
        engine = connect(settings.database)
        try:
            await ready_to_read(engine, begin=False)
            async with ClosedBooks(settings.database) as books:
                return await ask(session_factory(engine), books)
        finally:
            await engine.dispose()

    with faults():
        return asyncio.run(whole())


def _zone(settings: Settings) -> ZoneInfo:
    try:
        return ZoneInfo(town_pack.load(settings.town).town.timezone)
    except TownPackError as error:
        raise fail("pack-wrong", problems=error) from error


def _print(found: View, zone: ZoneInfo) -> None:
    spoken = language()

    def when(at: datetime | None) -> str:
        return at.astimezone(zone).strftime("%m-%d %H:%M:%S") if at is not None else "–"

    say("jobs.workers" if found.workers else "jobs.nobody")
    for each, there in found.workers.items():
        key = "cli.jobs.worker" if there else "cli.jobs.gone"
        values = {
            "name": each.who.name,
            "version": each.who.version,
            "since": when(each.started_at),
            "seen": when(each.seen_at),
            "doing": each.doing or "–",
        }
        print(texts.say(key, spoken, **values))
    say("jobs.lines" if found.lines else "jobs.none")
    for line in found.lines:
        print(_line(line, spoken, when))
    if found.lives:
        say("jobs.lives")
    for life in found.lives:
        state = texts.say(f"jobs.state.{life.state}", spoken)
        print(f"  ・{life.id}: {state} {life.worker}".rstrip())
    say("jobs.failed" if found.failed else "jobs.nothing-failed")
    for story in found.failed:
        job = title(story.subject, spoken) if story.kind == "turn" else story.subject
        print(f"  ・{story.id}: {job} {when(story.ended_at)} {story.worker}")


def _line(line: Line, spoken: str, when: Callable[[datetime | None], str]) -> str:
    turn = line.turn
    return texts.say(
        "cli.jobs.line",
        spoken,
        job=title(turn.name, spoken),
        name=turn.name,
        state=texts.say(f"jobs.state.{line.state}", spoken),
        last=when(turn.ended_at or turn.started_at),
        next=when(turn.due_at),
        worker=turn.worker or "–",
        reason=f" [{turn.reason}]" if turn.reason else "",
    )
