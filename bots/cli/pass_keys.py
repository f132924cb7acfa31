"""`kankei pass-keys`: the keys that sign the passes on members' cards."""

import asyncio
from typing import Annotated

import typer

from bots.cli.faults import faults
from bots.cli.terminal import fail, read_settings, say
from core import audit
from core.clock import system_clock
from core.database import connect, ready_to_read, session_factory, transaction
from core.errors import DamagedKeys
from core.perks import PASS_KEYS, PassKeys
from core.settings import Settings

pass_keys = typer.Typer(no_args_is_help=True, help="会員証の署名の鍵 / The keys of passes.")

BY = "staff:terminal"


@pass_keys.callback()
def _group() -> None:
    """会員証の署名の鍵 / The keys of passes."""


@pass_keys.command()
def rotate(
    forget: Annotated[
        bool, typer.Option(help="前の鍵をすぐ無効にする / void the old keys at once: one leaked")
    ] = False,
) -> None:
    """新しい鍵に替えます / Publish a new key, which signs three days later."""
    settings = read_settings()
    try:
        with faults():
            asyncio.run(_rotate(settings, forget=forget))
    except DamagedKeys as error:
        raise fail("damaged-keys", file=error) from error
    say("pass-keys.forgotten" if forget else "pass-keys.rotated")


async def _rotate(settings: Settings, *, forget: bool) -> None:
    """No key is changed where the audit log could not say so."""
    engine = connect(settings.database)
    try:
        await ready_to_read(engine)
        PassKeys.rotate(settings.data_dir / PASS_KEYS, now=system_clock(), forget=forget)
        async with transaction(session_factory(engine)) as session:
            await audit.record(
                session,
                actor=BY,
                action="pass-keys.rotated",
                detail={"forgot": forget},
                now=system_clock(),
            )
    finally:
        await engine.dispose()
