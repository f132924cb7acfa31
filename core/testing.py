"""Doubles for unit tests: in memory, deterministic, and true to their ports."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from core.access import Admission
from core.access.evidence import Evidence
from core.announcements import Delivered, Outcome, Outgoing
from core.chain.values import Finality
from core.errors import ChainUnavailable
from core.holdings import Holding
from core.town import Gate


class SetClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by

    def monotonic(self) -> float:
        """Seconds that have passed: moving this clock is time that passes."""
        return self.now.timestamp()


class ShiftedClock:
    """The system's clock, put forward: for tests in which real sockets need real seconds."""

    def __init__(self) -> None:
        self._shift = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._shift

    def advance(self, by: timedelta) -> None:
        self._shift += by


class FakeHoldings:
    """Who holds what, at the newest block and at the finalized one; or nobody can tell."""

    def __init__(self, collection: str = "resident-card") -> None:
        self._collection = collection
        self.latest: dict[str, int] = {}  # of `collection`, by owner
        self.finalized: dict[str, int] = {}
        self.outage: set[Finality] = set()
        self.away: set[str] = set()  # collections whose chain gives no answer
        self.asked = 0
        self._others: dict[tuple[str, str], Mapping[int, int]] = {}

    def give(self, owner: str, count: int, *, final: bool = True) -> None:
        """`owner` holds `count` from now on; `final=False`: not yet in the finalized block."""
        self.latest[owner] = count
        if final:
            self.finalized[owner] = count

    def give_tokens(self, owner: str, collection: str, tokens: Mapping[int, int]) -> None:
        """`owner` holds these token ids of any collection, so many of each."""
        self._others[collection, owner] = tokens

    async def read(
        self,
        owners: Sequence[str],
        *,
        finality: Finality,
        collections: Sequence[str] | None = None,
    ) -> tuple[Holding, ...]:
        asked = {self._collection} if collections is None else set(collections)
        if owners:
            self.asked += 1
        if owners and (finality in self.outage or asked & self.away):
            raise ChainUnavailable("the node gives no answer")
        balances = self.latest if finality == "latest" else self.finalized
        plain = [
            Holding(self._collection, each, balances.get(each, 0), 1)
            for each in owners
            if self._collection in asked
        ]
        known = [
            Holding(name, owner, sum(tokens.values()), 1, tokens)
            for (name, owner), tokens in self._others.items()
            if name in asked and owner in owners
        ]
        return (*plain, *known)


class FakeEvidence:
    """Which cards each member holds; or nobody can tell."""

    def __init__(self, collection: str = "resident-card") -> None:
        self.collection = collection
        self.cards: dict[int, set[int]] = {}
        self.away = False
        self.asked = 0

    def give(self, member_id: int, *token_ids: int) -> None:
        """These cards are the member's from now on, and nobody else's."""
        for held in self.cards.values():
            held.difference_update(token_ids)
        self.cards.setdefault(member_id, set()).update(token_ids)

    async def of(self, member_id: int, *, finality: Finality) -> Evidence:  # noqa: ARG002
        self.asked += 1
        if self.away:
            return Evidence(missing={self.collection: "the node gives no answer"})
        held = dict.fromkeys(sorted(self.cards.get(member_id, ())), 1)
        return Evidence((Holding(self.collection, f"0x{member_id}", len(held), 1, held),))


class FakeKeeper:
    """A platform with one place a gate."""

    def __init__(self, platform: str = "telegram", *, lists: bool = False) -> None:
        self.platform = platform
        self.lists = lists  # whether it can say who is inside, as Discord does
        self.inside: dict[str, set[str]] = {}
        self.error: Exception | None = None

    def place(self, gate: Gate) -> str | None:
        return f"place-of-{gate.name}"

    async def admit(self, place: str, account: str) -> Admission:
        if self.error:
            raise self.error
        self.inside.setdefault(place, set()).add(account)
        return Admission(place, link=f"https://door.example/{account}")

    async def remove(self, place: str, account: str) -> None:
        if self.error:
            raise self.error
        self.inside.setdefault(place, set()).discard(account)

    async def standing(self, place: str, accounts: Sequence[str]) -> Mapping[str, bool]:
        if self.error:
            raise self.error
        inside = self.inside.get(place, set())
        return {each: each in inside for each in accounts}

    def holders(self, place: str) -> AsyncIterator[str] | None:
        return self._stream(place) if self.lists else None

    async def _stream(self, place: str) -> AsyncIterator[str]:
        if self.error:
            raise self.error
        for each in sorted(self.inside.get(place, set())):
            yield each

    async def problems(self, gates: Sequence[Gate]) -> list[str]:  # noqa: ARG002
        return []


class Killed(BaseException):
    """The process died here."""


class FakeMessenger:
    """A platform that takes every message, unless an outcome was prepared for it."""

    def __init__(self, platform: str = "telegram") -> None:
        self.platform = platform
        self.arrived: list[tuple[str, Outgoing]] = []
        self.amended: list[tuple[str, str, Outgoing | None]] = []  # None: taken back
        self.prepared: list[Outcome | BaseException] = []

    async def send_direct(self, account: str, message: Outgoing, *, delivery: int) -> Outcome:
        return self._take(account, message, delivery)

    async def post(self, place: str, message: Outgoing, *, delivery: int) -> Outcome:
        return self._take(place, message, delivery)

    async def edit(
        self,
        target: str,
        message_id: str,
        message: Outgoing,
        *,
        direct: bool,  # noqa: ARG002
    ) -> Outcome:
        self.amended.append((target, message_id, message))
        return self._prepared() or Delivered(message_id)

    async def retract(self, target: str, message_id: str, *, direct: bool) -> Outcome:  # noqa: ARG002
        self.amended.append((target, message_id, None))
        return self._prepared() or Delivered(message_id)

    def _take(self, target: str, message: Outgoing, delivery: int) -> Outcome:
        outcome = self._prepared() or Delivered(str(delivery))
        if isinstance(outcome, Delivered):
            self.arrived.append((target, message))
        return outcome

    def _prepared(self) -> Outcome | None:
        outcome = self.prepared.pop(0) if self.prepared else None
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome
