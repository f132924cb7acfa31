"""`kankei plan`: whom the rules of a town's folder would take a room from, before they are run.

Reads the records and the chains as a running town does, and moves nothing.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, Any

import aiohttp
import typer

from bots import texts
from bots.cli.faults import faults
from bots.cli.terminal import fail, language, read_settings
from bots.reasons import INDENT, Reasons
from core import town as town_pack
from core.access import Doorkeeper, KeptTraits, MemberEvidence
from core.access.changes import Losses, Rehearsal
from core.access.reasons import unpack_shortfall
from core.chain.metadata import TokenMetadata
from core.clock import system_clock
from core.database import connect, ready_to_read, session_factory
from core.errors import TownPackError
from core.holdings import IndexedHoldings, LiveHoldings, OwnerIndex, StoredPages, one_look
from core.settings import Settings
from core.town import TownPack


def plan(
    town: Annotated[Path | None, typer.Argument(help="町のフォルダ / the town's folder")] = None,
) -> None:
    """部屋の決まりを変えると、だれが部屋を失うかを、動かさずに調べます / Plan a change of rules."""
    settings = read_settings(**({"town": town} if town is not None else {}))
    try:
        pack = town_pack.load(settings.town)
    except TownPackError as error:
        raise fail("pack-wrong", problems=error) from error
    with faults():
        found = asyncio.run(rehearse(settings, pack))
    for line in lines(pack, found, language()):
        print(line)


async def rehearse(settings: Settings, town: TownPack) -> Rehearsal:
    """What the next sweep would do with this pack."""
    async with AsyncExitStack() as stack:
        from bots.chains import chains_of

        engine = connect(settings.database)
        stack.push_async_callback(engine.dispose)
        await ready_to_read(engine, begin=False)
        sessions = session_factory(engine)
        client = await stack.enter_async_context(aiohttp.ClientSession())
        pages = StoredPages(sessions, system_clock)
        await pages.load()
        chains = chains_of(settings, town, client, system_clock, pages)
        holdings = IndexedHoldings(
            OwnerIndex(chains, sessions, town.collections, system_clock),
            chains,
            LiveHoldings(chains, town.collections),
            sessions,
            system_clock,
        )
        metadata = TokenMetadata(chains, gateway=settings.ipfs_gateway)
        source = await stack.enter_async_context(metadata)
        traits = KeptTraits(sessions, source, system_clock)
        evidence = MemberEvidence(town, sessions, holdings, traits, system_clock)
        await stack.enter_async_context(one_look())
        return await Doorkeeper(town, sessions, evidence, {}, system_clock).rehearse()


def lines(town: TownPack, found: Rehearsal, language: str) -> Iterator[str]:
    """The plan in words."""

    def say(key: str, **values: object) -> str:
        return texts.say(f"members.plan.{key}", language, **values)

    yield say("town", town=town.town.name.get(language))
    yield say("changed" if found.changed else "same")
    yield say("losing", count=found.by_rules.people)
    yield from _losses(town, found.by_rules, language)
    if found.newcomers:
        yield say("gaining")
        yield from _rooms(town, found.newcomers, language)
    if found.undecided:
        yield say("undecided", count=found.undecided)
    if found.ordinary.people:
        yield say("ordinary", count=found.ordinary.people)
        yield from _losses(town, found.ordinary, language)
    if found.changed:
        yield say("waits" if found.waits else "applies", limit=found.limit)


def _rooms(town: TownPack, rooms: Mapping[str, int], language: str) -> Iterator[str]:
    for name, count in rooms.items():
        gate = town.gate(name)
        title = gate.title.get(language) if gate else name
        yield texts.say("members.plan.room", language, room=title, count=count)


def _losses(town: TownPack, losses: Losses, language: str) -> Iterator[str]:
    for name, count in losses.rooms.items():
        yield from _rooms(town, {name: count}, language)
        for each in losses.reasons:
            if each["gate"] == name:
                yield from _reason(town, each, language)


def _reason(town: TownPack, found: Mapping[str, Any], language: str) -> Iterator[str]:
    need = Reasons(town, language).without_counts(unpack_shortfall(found["reason"]))
    yield f"{INDENT}{texts.say('members.plan.reason', language, count=found['people'])}"
    yield from need.lines(2)
