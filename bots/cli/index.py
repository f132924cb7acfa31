"""`kankei index`: read who owns what from the chains, from the first block to the newest final one.

It may run beside a running town: each page is stored once, whoever reads it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Final

import aiohttp
import typer

from bots import texts
from bots.cli.faults import faults
from bots.cli.terminal import fail, language, read_settings
from core import identity
from core import town as town_pack
from core.clock import system_clock
from core.database import Sessions, connect, reading, ready_to_read, session_factory
from core.errors import ChainUnavailable, TownPackError
from core.holdings import (
    IndexState,
    OwnerIndex,
    Reconciler,
    Reconciliation,
    Step,
    StoredPages,
    Trouble,
    states,
)
from core.settings import Settings
from core.town import TownPack

ATTEMPTS: Final = 6
"""So often a chain that does not answer is asked again, after 1, 2, 4 … seconds."""

Show = Callable[[Step], Awaitable[None]]


def index(
    town: Annotated[Path | None, typer.Option(help="町のフォルダ / the town's folder")] = None,
    reset: Annotated[
        bool, typer.Option(help="初めから読み直す / forget what was read and begin anew")
    ] = False,
    reconcile: Annotated[
        bool, typer.Option(help="読んだあと、全員分を照合する / compare every owner afterwards")
    ] = False,
) -> None:
    """会員証の持ち主をチェーンから読みます / Read the cards' owners from the chains."""
    settings = read_settings() if town is None else read_settings(town=town)
    try:
        pack = town_pack.load(settings.town)
    except TownPackError as error:
        raise fail("pack-wrong", problems=error) from error
    if not pack.collections:
        _say("none")
        return
    with faults():
        good = asyncio.run(_run(settings, pack, reset=reset, reconcile=reconcile))
    if not good:
        raise typer.Exit(1)


async def _run(settings: Settings, pack: TownPack, *, reset: bool, reconcile: bool) -> bool:
    """Whether every collection is read to the end, and compared if that was asked for."""
    from bots.chains import chains_of

    async with AsyncExitStack() as stack:
        engine = connect(settings.database)
        stack.push_async_callback(engine.dispose)
        await ready_to_read(engine)
        sessions = session_factory(engine)
        pages = StoredPages(sessions, system_clock)
        await pages.load()
        client = await stack.enter_async_context(aiohttp.ClientSession())
        chains = chains_of(settings, pack, client, system_clock, pages)
        owners = OwnerIndex(chains, sessions, pack.collections, system_clock)
        if reset:
            await owners.reset()
            _say("reset")
        with _bars(pack) as show:
            await _read(owners, pages, show)
        good = await _report(sessions, pack)
        if reconcile:
            reconciler = Reconciler(owners, chains, sessions, system_clock)
            good = await _compare(reconciler, sessions, pack) and good
    return good


async def _read(owners: OwnerIndex, pages: StoredPages, show: Show) -> None:
    silent = 0
    while True:
        turn = await owners.turn(progress=show)
        await pages.save()
        if turn.pages or turn.rolled_back:
            silent = 0
        elif Trouble.UNREACHABLE in turn.troubles.values():
            silent += 1
            if silent > ATTEMPTS:
                return
            if silent == 1:
                _say("waiting")
            await asyncio.sleep(2 ** (silent - 1))
            continue
        if not turn.behind:
            return


async def _report(sessions: Sessions, pack: TownPack) -> bool:
    async with reading(sessions) as session:
        found = await states(session, pack.collections, now=system_clock())
    for state in found:
        _report_one(pack, state)
    return all(state.caught_up for state in found)


def _report_one(pack: TownPack, state: IndexState) -> None:
    title = _title(pack, state.collection)
    if state.trouble:
        print(texts.say(f"index.trouble.{state.trouble}", language(), collection=title, count=""))
    key = "done" if state.caught_up else "partly"
    _say(
        key,
        collection=title,
        block=f"{state.block:,}",
        head=f"{state.head:,}",
        tokens=f"{state.tokens:,}",
        holders=f"{state.holders:,}",
        transfers=f"{state.transfers:,}",
    )
    collection = pack.collection(state.collection)
    if collection is not None and collection.first_block is None:
        _say("first-block", block=state.first_block)


async def _compare(reconciler: Reconciler, sessions: Sessions, pack: TownPack) -> bool:
    good = True
    for collection in pack.collections:
        title = _title(pack, collection.name)
        async with reading(sessions) as session:
            linked = await identity.all_wallets(session, chain_id=collection.chain_id)
        try:
            found = await reconciler.run(collection, sorted(linked), everybody=True)
        except ChainUnavailable:
            _say("not-compared", collection=title)
            good = False
            continue
        _say_compared(found, title)
        good = good and found.mended
    return good


def _say_compared(found: Reconciliation, title: str) -> None:
    key = "same" if not found.differences else "mended" if found.mended else "differs"
    _say(key, collection=title, owners=f"{found.owners:,}", count=f"{found.differences:,}")


def _title(pack: TownPack, name: str) -> str:
    collection = pack.collection(name)
    return collection.title.get(language()) if collection is not None else name


def _say(key: str, **values: object) -> None:
    print(texts.say(f"index.cli.{key}", language(), **values), flush=True)


@contextmanager
def _bars(pack: TownPack) -> Iterator[Show]:
    """A bar for each contract on a terminal; nothing where nobody looks."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    console = Console(stderr=True)
    words = TextColumn(texts.say("index.cli.bar", language(), transfers="{task.fields[count]:,}"))
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        words,
        Remaining(),
    )
    titles: dict[str, list[str]] = {}
    for each in pack.collections:
        titles.setdefault(each.contract, []).append(each.title.get(language()))
    tasks: dict[tuple[int, str], TaskID] = {}
    counts: dict[tuple[int, str], int] = {}
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:

        async def show(step: Step) -> None:
            # Contracts that stand at one block share a page; the first one's bar stands for all.
            key = step.chain_id, step.contracts[0]
            if key not in tasks:
                names = " / ".join(
                    name for address in step.contracts for name in titles.get(address, [])
                )
                tasks[key] = bar.add_task(names, total=None, count=0)
            counts[key] = counts.get(key, 0) + step.transfers
            bar.update(
                tasks[key],
                total=step.head - step.first_block + 1,
                completed=step.block - step.first_block + 1,
                count=counts[key],
            )
            await asyncio.sleep(0)

        yield show
