"""A delivery's life against a plain model, whatever platforms, workers and staff do to it."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from core.announcements import (
    Blocked,
    Delivered,
    Failed,
    Flooded,
    InDoubt,
    NotSent,
    Outcome,
    Outgoing,
    Pump,
)
from core.announcements.delivery.lanes import DeliveryState
from core.database import connect, migrate, session_factory
from core.testing import FakeMessenger, Killed, SetClock
from tests.core.announcements.lanes_world import Lanes

PEOPLE = 5
WORKERS = ("a", "b")

OUTCOMES = st.sampled_from(
    [
        *[Delivered("1")] * 3,
        *(Blocked("b"), Failed("f"), Flooded(timedelta(seconds=2)), NotSent("n"), InDoubt("d")),
        Killed(),
    ]
)


@dataclass
class Person:
    """What the model knows of one recipient."""

    copies: int = 0  # that arrived
    doubts: int = 0  # tries whose answer nobody knows
    refused: bool = False  # the platform said no for ever


class Ledger(FakeMessenger):
    """A platform that counts, whatever the sender lives to hear of it."""

    def __init__(self, people: dict[str, Person]) -> None:
        super().__init__()
        self.people = people

    async def send_direct(self, account: str, message: Outgoing, *, delivery: int) -> Outcome:
        person = self.people[account]
        assert delivery % 2**36 == int(account), "its own number at every try"
        assert not person.refused, "who said no is asked no more"
        outcome = self.prepared.pop(0) if self.prepared else Delivered("1")
        if isinstance(outcome, Killed):
            person.copies += 1  # it arrived, and nobody was left to write that down
            person.doubts += 1
            raise outcome
        assert not isinstance(outcome, BaseException)
        if isinstance(outcome, InDoubt):
            person.doubts += 1
        if isinstance(outcome, Delivered):
            person.copies += 1
            self.arrived.append((account, message))
        person.refused = isinstance(outcome, Blocked | Failed)
        return outcome


@dataclass
class World:
    """One announcement, two workers, and the model."""

    lanes: Lanes
    number: int
    policy: str
    people: dict[str, Person]
    messenger: Ledger
    pumps: dict[str, Pump] = field(default_factory=dict)
    state: str = "sending"


class Life(RuleBasedStateMachine):
    """Rules are what may happen; invariants are what always holds."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = TemporaryDirectory()
        self.engine = connect(f"sqlite+aiosqlite:///{Path(self.folder.name) / 'life.sqlite3'}")
        self.world: World

    def do(self, step: Any) -> Any:
        return self.loop.run_until_complete(step)

    @initialize(policy=st.sampled_from(["resend", "hold"]))
    def begin(self, policy: str) -> None:
        self.do(migrate(self.engine))
        lanes = Lanes(session_factory(self.engine), SetClock())
        people = {str(each): Person() for each in range(1, PEOPLE + 1)}
        self.do(lanes.members(PEOPLE))
        number = self.do(lanes.announce(policy=policy))
        self.world = World(lanes, number, policy, people, Ledger(people))
        for name in WORKERS:
            self.start(name)

    def start(self, name: str) -> None:
        pump = self.world.lanes.pump(self.world.messenger, name, rate=20, window=3)
        self.do(pump.void_own_leases())
        self.world.pumps[name] = pump

    @rule(outcomes=st.lists(OUTCOMES, min_size=1, max_size=4))
    def the_platform_will_answer(self, outcomes: list[Outcome | BaseException]) -> None:
        self.world.messenger.prepared = list(outcomes)

    @rule(name=st.sampled_from(WORKERS))
    def a_worker_turns(self, name: str) -> None:
        try:
            self.do(self.world.pumps[name].tick())
        except Killed:
            flying = self.world.pumps[name].flights.flying.values()
            for task in [*flying]:
                task.cancel()
            with suppress(Killed):
                self.do(asyncio.wait([*flying])) if flying else None
            self.start(name)

    @rule(seconds=st.sampled_from([0.05, 1, 40, 500]))
    def time_passes(self, seconds: float) -> None:
        self.world.lanes.clock.advance(timedelta(seconds=seconds))

    @rule(state=st.sampled_from(["paused", "sending", "sending", "cancelled"]))
    def staff_decide(self, state: str) -> None:
        shown = self.do(self.world.lanes.shown(self.world.number)).state
        if shown in {"sending", "paused"}:
            self.do(self.world.lanes.put(self.world.number, state=state))

    @rule()
    def staff_change_the_words(self) -> None:
        self.do(self.world.lanes.change(self.world.number))

    @invariant()
    def nobody_is_told_more_often_than_doubts_allow(self) -> None:
        if not hasattr(self, "world"):
            return
        most = 1 if self.world.policy == "hold" else 2
        for person in self.world.people.values():
            assert person.copies <= min(1 + person.doubts, most)

    @invariant()
    def counters_are_the_rows(self) -> None:
        if not hasattr(self, "world"):
            return
        states = list(self.do(self.world.lanes.states(self.world.number)).values())
        shown = self.do(self.world.lanes.shown(self.world.number))
        for state in (DeliveryState.DELIVERED, DeliveryState.BLOCKED, DeliveryState.FAILED):
            assert states.count(state) == getattr(shown, state.word)
        assert len(states) <= PEOPLE
        assert shown.waiting >= 0

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.do(self.finish())
        self.do(self.engine.dispose())
        self.loop.close()
        self.folder.cleanup()

    async def finish(self) -> None:
        """With a platform that answers again, everybody ends with one result."""
        world = self.world
        world.messenger.prepared = []
        if (await world.lanes.shown(world.number)).state == "paused":
            await world.lanes.put(world.number, state="sending")
        await world.lanes.drain(*world.pumps.values())
        shown = await world.lanes.shown(world.number)
        assert shown.state in {"done", "cancelled"}
        if shown.state == "done":
            assert shown.waiting == 0
            unsure = sum(each.doubts > 0 for each in world.people.values())
            assert shown.unsure <= unsure
            assert shown.delivered <= sum(each.copies > 0 for each in world.people.values())
            missed = [each for each in world.people.values() if not each.copies]
            assert all(each.refused or each.doubts for each in missed), "nobody is left out"


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=12,
    stateful_step_count=20,
    suppress_health_check=list(HealthCheck),
    deadline=None,
)
