"""`kankei migrate`: bring the records to the newest revision, or see what that would do."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer

from bots.cli.faults import faults, operations_words
from bots.cli.terminal import read_settings
from core import database, schema
from core.clock import system_clock
from core.database import connect, schema_state
from core.errors import MigrationRefused
from core.schema import SchemaState
from core.settings import Settings


def migrate(
    check: Annotated[
        bool, typer.Option("--check", help="調べるだけ。あれば終了コード1 / only look; 1 if any")
    ] = False,
) -> None:
    """記録を新しい版にします / Bring the records to the newest revision."""
    settings = read_settings()
    with faults():
        if not check:
            done = asyncio.run(_migrate(settings))
            key = "migrate.done" if done else "migrate.nothing"
            typer.echo(operations_words(key, revisions=", ".join(done)))
            return
        state, older = asyncio.run(_look(settings))
        if state.too_new:
            raise MigrationRefused("too-new", state.current or "")
    if state.unknown:
        typer.echo(operations_words("migrate.newer", revision=state.current))
    elif not state.pending:
        typer.echo(operations_words("migrate.nothing"))
    else:
        _say_pending(state, older)
        raise typer.Exit(1)


async def _migrate(settings: Settings) -> tuple[str, ...]:
    engine = connect(settings.database)
    try:
        return await database.migrate(
            engine,
            waiting=lambda holder: typer.echo(operations_words("migrate.waits", holder=holder)),
        )
    finally:
        await engine.dispose()


async def _look(settings: Settings) -> tuple[SchemaState, Sequence[str]]:
    engine = connect(settings.database)
    try:
        state = await schema_state(engine)
        async with engine.connect() as connection:
            older = await connection.run_sync(
                schema.older_workers, than=state.newest, now=system_clock()
            )
    finally:
        await engine.dispose()
    return state, older


def _say_pending(state: SchemaState, older: Sequence[str]) -> None:
    lines = [
        operations_words(
            "migrate.breaking" if each.contract else "migrate.plain",
            id=each.id,
            title=each.title,
            why=each.contract or "",
        )
        for each in state.pending
    ]
    typer.echo(operations_words("migrate.pending", revisions="\n".join(lines)))
    if older:
        typer.echo(operations_words("migrate.older-alive", names=", ".join(older)))
