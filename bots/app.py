"""The composition root: settings and a town pack become a running app.

The only place that chooses real parts. Tests pass fakes through the same door.
"""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
from sqlalchemy.ext.asyncio import AsyncEngine

from bots.chains import chains_of
from bots.conversation.core import Conversation
from bots.conversation.desk import Desk
from bots.conversation.learning import Learning
from bots.doors import Platform
from bots.guiding import in_daemon, open_guide, translator_of
from bots.happenings import Happenings
from bots.marks import Mark, mark_of
from bots.notices import render_for
from bots.operations.meters import Meters
from bots.places import posting_places
from bots.signing import derived, existing_secret, secret_of
from bots.voice import Voice, open_voice
from bots.web.keeper import WebKeeper
from bots.web.messenger import WebMessenger
from core import town as town_pack
from core import workers
from core.access import (
    ChannelKeeper,
    Doorkeeper,
    EvidenceReader,
    KeptTraits,
    MemberEvidence,
    decide,
)
from core.access.drift import Drift
from core.access.guests import Guests
from core.announcements import Delivered, Messenger, Outgoing, Pump, QuietHours
from core.chain.client import Chains
from core.chain.metadata import TokenMetadata
from core.clock import Clock, system_clock
from core.credentials.proving import Proving
from core.database import Sessions, close, connect, migrate, session_factory
from core.enrolment import Enrolment
from core.events import Events
from core.holdings import Holdings, IndexedHoldings, LiveHoldings, OwnerIndex, StoredPages
from core.perks import PASS_KEYS, Desks, PassKeys, Perks
from core.settings import Settings
from core.town import TownPack
from core.vaults import Vaults
from knowledge.answer import Guide
from knowledge.translation import Translator

if TYPE_CHECKING:  # the clock runs on the app
    from bots.jobs.engine import AtWork

WEB_RATE = 200.0
"""Messages a second into our own pages: a bound, not a platform's limit."""

Progress = Callable[[str], None]
"""Told the name of each step that is done: chain, pack, records, guide."""


@dataclass(slots=True)
class App:
    """One town, running. Adapters are given this and nothing else."""

    settings: Settings
    town: TownPack
    secret: str
    engine: AsyncEngine
    sessions: Sessions
    clock: Clock
    guide: Guide
    evidence: EvidenceReader
    doorkeeper: Doorkeeper
    drift: Drift
    guests: Guests
    enrolment: Enrolment
    proving: Proving
    vaults: Vaults
    perks: Perks
    events: Events
    desks: Desks
    conversation: Conversation
    happenings: Happenings
    learning: Learning
    mark: Mark
    worker: str
    chains: Chains
    index: OwnerIndex
    pages: StoredPages
    keepers: dict[str, ChannelKeeper] = field(default_factory=dict)
    messengers: dict[str, Messenger] = field(default_factory=dict)
    pumps: dict[str, Pump] = field(default_factory=dict)
    rates: dict[str, float] = field(default_factory=dict)  # messages a second, by platform
    translator: Translator | None = None  # none without a language service
    voice: Voice | None = None  # none where nothing can hear or speak
    names: dict[str, str] = field(default_factory=dict)  # what our bot is called, by platform
    troubles: dict[str, list[str]] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)  # which of our jobs the chains do not answer
    compared_at: datetime | None = None  # when all owners were, with the contracts
    unsettled: dict[int, int] = field(
        default_factory=dict
    )  # members nobody could tell about → tries
    adapters: list[Platform] = field(default_factory=list)
    start_pump: Callable[[Pump], object] | None = None  # once the jobs run
    meters: Meters = field(default_factory=Meters)
    answers: bool = True  # questions; a process that only sends never reads the guide
    draining: bool = False  # asked to stop: what is in flight ends, nothing begins
    clockwork: "AtWork | None" = None  # while this process is at work
    telegram_receive: Callable[[str, bytes], Awaitable[object]] | None = None

    @property
    def clock_state(self) -> str:
        """ok, starting (or its tables cannot be opened: the town runs on), or stopped."""
        if self.clockwork is not None and self.clockwork.runs is False and not self.draining:
            return "stopped"
        well = self.clockwork is not None and self.clockwork.engine.open
        return "ok" if well else "starting"

    def staff(self, platform: str, account: str) -> bool:
        """Whether this account speaks for the town office."""
        return f"{platform}:{account}" in self.settings.staff

    def derived(self, purpose: str) -> str:
        """A secret of its own for one purpose, from the signing key (HMAC-SHA-256)."""
        return derived(self.secret, purpose)

    def problems(self) -> list[str]:
        """What staff should mend, one sentence each."""
        own = (sentence for each in self.troubles.values() for sentence in each)
        doors = (sentence for adapter in self.adapters for sentence in adapter.problems)
        return list(dict.fromkeys((*own, *doors)))

    @property
    def platforms(self) -> frozenset[str]:
        """Where people can be written to: our pages, and where a bot is set up.

        One that is away for a while is among them: what is for it waits in the outbox. One without
        a token is not: it would wait for ever.
        """
        given = {
            "telegram": self.settings.telegram_token,
            "discord": self.settings.discord_token,
        }
        named = (each for each, token in given.items() if token is not None)
        return frozenset((*self.messengers, *named))

    def add_platform(self, keeper: ChannelKeeper, messenger: Messenger, *, rate: float) -> None:
        """A door of the town: its rooms can be kept and its messages sent."""
        self.keepers[keeper.platform] = keeper
        self.messengers[messenger.platform] = messenger
        self.rates[messenger.platform] = rate
        if (pump := self.pumps.get(messenger.platform)) is not None:
            pump.messenger = messenger  # the door was opened anew; its lane goes on
            return
        pump = self.pumps[messenger.platform] = Pump(
            self.sessions,
            messenger,
            render_for(self.town),
            self.clock,
            rate=rate,
            worker=self.worker,
            quiet=quiet_hours(self.town),
            gone=workers.Silence().gone,
        )
        if self.start_pump is not None:
            self.start_pump(pump)

    def answered(self, platform: str) -> None:
        """Somebody was answered there: it counts for the bot's rate, and goes first."""
        if (pump := self.pumps.get(platform)) is not None:
            pump.spent()

    async def try_out(self, platform: str, account: str, message: Outgoing) -> bool:
        """Send one message to one account, past the outbox; whether it arrived."""
        messenger = self.messengers.get(platform)
        if messenger is None:
            return False
        self.answered(platform)
        # No delivery has a negative number, and no other test this one.
        number = -secrets.randbits(62)
        outcome = await messenger.send_direct(account, message, delivery=number)
        return isinstance(outcome, Delivered)

    async def read_guide(self) -> None:
        """Read the guide, and teach it what staff answered. Raises what stands in the way.

        In a daemon thread: leaving must not wait for it. What it stores is stored whole.
        """
        await in_daemon(self.guide.read)
        await self.learning.teach()

    def wake(self) -> None:
        """Something new waits in the outbox."""
        for pump in self.pumps.values():
            pump.wake.set()


def _pass_keys(file: Path, now: datetime, *, joins: bool) -> PassKeys:
    """The town's; who joins it shows no passes, and must not leave keys of its own behind."""
    if joins and not file.exists():
        return PassKeys.in_memory(now=now)
    return PassKeys.open(file, now=now)


def quiet_hours(town: TownPack) -> QuietHours | None:
    """When no announcement disturbs a member."""
    if (quiet := town.announcements.quiet) is None:
        return None
    start, until = quiet.hours
    return QuietHours(start, until, zone=town.town.timezone)


@asynccontextmanager
async def running(
    settings: Settings,
    *,
    clock: Clock = system_clock,
    holdings: Holdings | None = None,
    guide: Guide | None = None,
    town: TownPack | None = None,
    progress: Progress = lambda _: None,
    language: str = "ja",
    worker: str = "kankei",
    joins: bool = False,
    voice: Voice | None = None,
) -> AsyncIterator[App]:
    """Everything but the platforms, opened in order and closed in reverse.

    The guide is not read yet unless it is given: `App.read_guide` does. `joins`: this process
    comes beside a town that has its keys; it makes none, and answers nobody.

    Raises `TownPackError`, or a `WeakKey`, before anything is opened if the pack or the key is
    wrong.
    """
    town = town or town_pack.load(settings.town)
    secret = existing_secret(settings) if joins else secret_of(settings)
    progress("pack")
    async with AsyncExitStack() as stack:
        engine = connect(settings.database)
        stack.push_async_callback(close, engine)
        await migrate(engine, clock=clock)
        meters = Meters()
        meters.watch(engine)
        sessions = session_factory(engine)
        progress("records")
        client = await stack.enter_async_context(aiohttp.ClientSession())
        pages = StoredPages(sessions, clock)
        await pages.load()
        chains = chains_of(settings, town, client, clock, pages)
        index = OwnerIndex(chains, sessions, town.collections, clock)
        if guide is None:
            guide = open_guide(settings, town)
            stack.push_async_callback(guide.close)
        happenings = Happenings(language)
        keepers: dict[str, ChannelKeeper] = {}
        if holdings is None:
            live = LiveHoldings(chains, town.collections)
            holdings = IndexedHoldings(index, chains, live, sessions, clock)
        metadata = TokenMetadata(chains, gateway=settings.ipfs_gateway)
        traits = KeptTraits(sessions, await stack.enter_async_context(metadata), clock)
        evidence = MemberEvidence(town, sessions, holdings, traits, clock)
        doorkeeper = Doorkeeper(town, sessions, evidence, keepers, clock)
        enrolment = Enrolment(town, sessions, chains, clock, address=settings.address)
        proving = Proving(
            town,
            sessions,
            clock,
            partial(derived, secret),
            client=client,
            key_file=settings.data_dir / "oidc_key.json",
            address=settings.address,
        )
        vaults = Vaults(town, sessions, chains, clock)
        perks = Perks(
            town,
            sessions,
            evidence,
            partial(decide, town=town),
            _pass_keys(settings.data_dir / PASS_KEYS, clock(), joins=joins),
            clock,
            secret=derived(secret, "perks"),
        )
        events = Events(town, sessions, evidence, partial(decide, town=town), clock)
        mark = partial(mark_of, derived(secret, "wallet-marks"))
        app: App

        def is_staff(platform: str, account: str) -> bool:
            return app.staff(platform, account)

        def wake() -> None:
            app.wake()

        async def try_out(platform: str, account: str, message: Outgoing) -> bool:
            return await app.try_out(platform, account, message)

        learning = Learning(
            town=town,
            sessions=sessions,
            clock=clock,
            guide=guide,
            wake=wake,
            tell=happenings.tell,
        )
        desk = Desk(
            town=town,
            sessions=sessions,
            clock=clock,
            guide=guide,
            doorkeeper=doorkeeper,
            enrolment=enrolment,
            proving=proving,
            perks=perks,
            events=events,
            vaults=vaults,
            address=settings.address,
            is_staff=is_staff,
            staff_name=settings.staff_name,
            places=lambda gate: posting_places(town, keepers, gate),
            wake=wake,
            tell=happenings.tell,
            learning=learning,
            rates=lambda: app.rates,
            platforms=lambda: app.platforms,
            try_out=try_out,
            mark=mark,
            meters=meters,
            speaks=lambda: app.voice is not None,
            speaks_in=lambda language: app.voice is not None and app.voice.speaks(language),
        )
        app = App(
            settings=settings,
            town=town,
            secret=secret,
            engine=engine,
            sessions=sessions,
            clock=clock,
            guide=guide,
            evidence=evidence,
            doorkeeper=doorkeeper,
            drift=Drift(town, sessions, evidence, keepers, clock),
            guests=Guests(town, sessions, doorkeeper, keepers, clock),
            enrolment=enrolment,
            proving=proving,
            vaults=vaults,
            perks=perks,
            events=events,
            desks=Desks(town, sessions, clock),
            conversation=Conversation(desk),
            meters=meters,
            happenings=happenings,
            learning=learning,
            mark=mark,
            worker=worker,
            answers=not joins,
            chains=chains,
            index=index,
            pages=pages,
            keepers=keepers,
        )
        app.voice = voice
        _services(app, stack)
        app.add_platform(WebKeeper(settings.address), WebMessenger(sessions, clock), rate=WEB_RATE)
        await learning.teach()
        yield app


def _services(app: App, stack: AsyncExitStack) -> None:
    """What translates, hears and speaks, as the settings say. A worker is deaf and mute."""
    app.translator = translator_of(app.settings)
    if app.translator is not None:
        stack.push_async_callback(app.translator.aclose)
    if app.voice is None and app.answers:
        app.voice = open_voice(app.settings, app.town, app.meters)
    if app.voice is not None:
        stack.push_async_callback(app.voice.close)
