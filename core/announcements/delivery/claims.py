"""A claim: one request to the platform, committed before it leaves; and what to do about a row.

Language and address are read when a message is claimed, not when the announcement was confirmed:
who has left, blocked us or no longer wants it since then is not written to.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from core.announcements.delivery.changes import Change, Key, Reckoning
from core.announcements.delivery.lanes import AHEAD, DeliveryState, delivery_number
from core.announcements.delivery.lanes import milliseconds as ms
from core.announcements.delivery.matter import Matter, say_illegible
from core.announcements.delivery.messenger import Outgoing, Render
from core.announcements.delivery.quiet import QuietHours
from core.announcements.nouns import OVER, AnnouncementState, Extras, Kind
from core.tables import AnnouncementRow, AnnouncementRunRow

LEASE: Final = timedelta(seconds=30)
"""After so long without a result another worker may take a message over."""
MAX_IN_DOUBT: Final = 1
"""How often a message is sent again of which nobody knows whether it arrived."""
MAX_AMENDMENTS: Final = 20
"""Tries to change one message that has arrived."""
UNSAID: Final = "cannot be worded"
MAX_UNSAID: Final = 10
UNSAID_FOR: Final = timedelta(minutes=1)
"""How often, and after how long, a notice is tried again for which there were no words."""
ROOM_LANGUAGE: Final = "ja"

Address = tuple[str, str]
"""Of a recipient: the platform's name for the chat, and the language."""


class Deed(Enum):
    """What is asked of the platform."""

    SEND = "send"
    EDIT = "edit"
    RETRACT = "retract"


@dataclass(frozen=True, slots=True)
class Claim:
    """One request to the platform, ours for the length of a lease."""

    announcement_id: int
    recipient: int
    kind: Kind
    deed: Deed
    target: str
    message: Outgoing
    attempt: int
    revision: int  # of the words
    in_doubt: int = 0
    message_id: int | None = None
    holds: bool = False  # staff decide about what is in doubt
    deadline: datetime | None = None  # nothing leaves after

    @property
    def key(self) -> Key:
        return self.announcement_id, self.recipient

    @property
    def number(self) -> int:
        return delivery_number(self.announcement_id, self.recipient)


@dataclass(slots=True)
class Haul:
    """What one look found."""

    claims: list[Claim] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    more: bool = False  # there may be more to find at once
    reckoning: Reckoning = field(default_factory=Reckoning)

    def add(self, other: "Haul") -> None:
        self.claims += other.claims
        self.changes += other.changes
        self.more |= other.more
        self.reckoning.add_all(other.reckoning)


@dataclass(frozen=True, slots=True)
class Run:
    """An announcement on its way through one platform."""

    announcement_id: int
    state: AnnouncementState
    revision: int
    retracted: bool
    late: bool  # its deadline has come
    cursor: int
    last: int
    claimed: int
    amend_cursor: int | None
    holds: bool = False  # staff decide about what is in doubt
    declined: Mapping[int, str] = field(default_factory=dict)  # accounts, and why they do not

    @property
    def sends(self) -> bool:
        return self.state is AnnouncementState.SENDING and not self.late

    @property
    def over(self) -> bool:
        """Nothing more leaves, and nothing that has arrived is to be changed."""
        return (self.late or self.state in OVER) and self.amend_cursor is None


async def runs_on(session: AsyncSession, platform: str, now: datetime) -> list[Run]:
    """What is on its way on a platform, the oldest first; nobody else moves it until the commit.

    The runs are locked first and read after: PostgreSQL would show the state of before the wait.
    """
    of, row = AnnouncementRow, AnnouncementRunRow
    numbers = select(row.announcement_id).where(row.platform == platform, row.active)
    held = list(await session.scalars(numbers.order_by(row.announcement_id).with_for_update()))
    if not held:
        return []
    found = await session.execute(
        select(
            *(of.id, of.state, of.revision, of.retracted_at, of.deadline, of.extras),
            *(row.cursor, row.last, row.claimed, row.amend_cursor),
        )
        .join(of, of.id == row.announcement_id)
        .where(row.platform == platform, row.announcement_id.in_(held))
        .order_by(row.announcement_id)
    )
    return [run for each in found if (run := _run(each, now)) is not None]


def _run(row: Row[Any], now: datetime) -> Run | None:
    """Of a row that nobody can read there is none: it waits, and the others go on."""
    try:
        state, holds = AnnouncementState(row.state), Extras.unpacked(row.extras).policy == "hold"
    except Exception as error:  # noqa: BLE001 — whatever stands there must not stop a platform
        say_illegible(row.id, type(error).__name__)
        return None
    return Run(
        row.id,
        state,
        row.revision,
        row.retracted_at is not None,
        too_late(state, row.deadline, now),
        row.cursor,
        row.last,
        row.claimed,
        row.amend_cursor,
        holds,
    )


async def standing(
    session: AsyncSession, announcements: Collection[int]
) -> dict[int, tuple[str, int]]:
    """The state and the revision of these announcements now, by their numbers."""
    row = AnnouncementRow
    found = await session.execute(
        select(row.id, row.state, row.revision).where(row.id.in_(announcements))
    )
    return {number: (state, revision) for number, state, revision in found}


def too_late(state: AnnouncementState, deadline: datetime | None, now: datetime) -> bool:
    """Whether a deadline has come before the last message could leave."""
    return deadline is not None and state not in OVER and deadline <= now + AHEAD


def put_off(row: Row[Any], now: datetime, *, by: timedelta = LEASE) -> Change:
    """As it is, and looked at again later."""
    return following(row, DeliveryState(row.state), due_at=ms(now + by), worker=row.worker)


class Decider:
    """Decides about single rows, for one worker on one platform."""

    def __init__(
        self, platform: str, worker: str, render: Render, quiet: QuietHours | None
    ) -> None:
        self.platform, self.worker = platform, worker
        self.render, self.quiet = render, quiet

    def decide(
        self,
        haul: Haul,
        row: Row[Any],
        matter: Matter,
        run: Run,
        flying: Collection[Key],
        now: datetime,
    ) -> None:
        """What to do about a row that is due."""
        state = DeliveryState(row.state)
        if (row.announcement_id, row.recipient) in flying:  # the clock was put forward
            haul.changes.append(put_off(row, now))
        elif state is DeliveryState.DELIVERED:
            self.amend(haul, row, matter, run, row.attempts + 1, now)
        elif not run.sends:  # it is over: what nobody answered for will not be asked again
            unanswered = state is DeliveryState.SENDING
            over = settled(row, DeliveryState.UNSURE, "no answer") if unanswered else None
            haul.changes.append(over or following(row, state))
            if matter.kind is Kind.NOTICE:
                haul.reckoning.given_up.add(matter.id)
        else:
            self._send(haul, row, matter, run, now)

    def _send(self, haul: Haul, row: Row[Any], matter: Matter, run: Run, now: datetime) -> None:
        address = self.address(row, matter)
        if address is None:
            haul.changes.append(settled(row, DeliveryState.FAILED, "left the town"))
            return
        in_doubt = row.in_doubt
        if row.state == DeliveryState.SENDING:  # its last try ended without an answer
            if matter.holds or in_doubt >= MAX_IN_DOUBT:
                haul.changes.append(settled(row, DeliveryState.UNSURE, "no answer"))
                return
            in_doubt += 1
        if (refused := run.declined.get(row.recipient)) is not None:
            end = DeliveryState.UNSURE if in_doubt else DeliveryState.BLOCKED
            haul.changes.append(settled(row, end, refused))
            return
        if (rest := self.rest(matter, row.zone, now)) is not None:
            later = following(row, DeliveryState.WAITING, due_at=ms(rest))
            haul.changes.append(replace(later, in_doubt=in_doubt))
            return
        self._take(haul, row, matter, address, Deed.SEND, in_doubt, row.attempts + 1, now)

    def amend(
        self,
        haul: Haul,
        row: Row[Any],
        matter: Matter,
        run: Run,
        attempt: int,
        now: datetime,
    ) -> None:
        """Let what has arrived say what the newest revision says, or take it back."""
        address = self.address(row, matter)
        if row.revision >= matter.revision:
            if row.due_at is not None:
                haul.changes.append(following(row, DeliveryState.DELIVERED))
        elif address is None or row.message_id is None or attempt > MAX_AMENDMENTS:
            given_up = following(row, DeliveryState.DELIVERED)
            given_up = replace(given_up, revision=matter.revision, counted="amend_failed")
            haul.changes.append(given_up)
        else:
            deed = Deed.RETRACT if run.retracted else Deed.EDIT
            self._take(haul, row, matter, address, deed, row.in_doubt, attempt, now)

    def _take(
        self,
        haul: Haul,
        row: Row[Any],
        matter: Matter,
        address: Address,
        deed: Deed,
        in_doubt: int,
        attempt: int,
        now: datetime,
    ) -> None:
        state = DeliveryState.SENDING if deed is Deed.SEND else DeliveryState.DELIVERED
        claim = self.claim(matter, row.recipient, address, deed, attempt=attempt)
        if claim is None:
            haul.changes.append(self._unsaid(row, matter, deed, in_doubt, now))
            return
        taken = following(row, state, due_at=ms(now + LEASE), worker=self.worker)
        haul.changes.append(replace(taken, attempts=attempt, in_doubt=in_doubt))
        haul.claims.append(replace(claim, in_doubt=in_doubt, message_id=row.message_id))

    def claim(
        self, matter: Matter, recipient: int, address: Address, deed: Deed, *, attempt: int
    ) -> Claim | None:
        """One request to the platform; ``None`` if there are no words for it."""
        target, language = address
        message = matter.message(self.render, language)
        if message is None:
            return None
        return Claim(
            matter.id,
            recipient,
            matter.kind,
            deed,
            target,
            message,
            attempt,
            matter.revision,
            holds=matter.holds,
            deadline=matter.deadline,
        )

    def _unsaid(
        self, row: Row[Any], matter: Matter, deed: Deed, in_doubt: int, now: datetime
    ) -> Change:
        """There are no words for it. A notice may be of a version that another worker has."""
        if deed is not Deed.SEND:
            given_up = following(row, DeliveryState.DELIVERED)
            return replace(given_up, revision=matter.revision, counted="amend_failed")
        if matter.kind is Kind.NOTICE and row.attempts < MAX_UNSAID:
            later = following(row, DeliveryState.WAITING, due_at=ms(now + UNSAID_FOR))
            return replace(later, attempts=row.attempts + 1, in_doubt=in_doubt)
        return settled(row, DeliveryState.FAILED, UNSAID)

    def address(self, row: Row[Any], matter: Matter) -> Address | None:
        """Where to, and in which language; ``None`` if that person is no longer here."""
        if row.recipient < 0:
            place = -row.recipient - 1
            places = matter.audience.places
            return (places[place][1], ROOM_LANGUAGE) if place < len(places) else None
        return (row.external_id, row.locale) if row.external_id is not None else None

    def rest(self, matter: Matter, zone: str | None, now: datetime) -> datetime | None:
        """Until when a member should not be disturbed."""
        if self.quiet is None or matter.kind is not Kind.DIRECT or not matter.extras.quiet:
            return None
        return self.quiet.end(now, zone)


def following(
    row: Row[Any],
    state: DeliveryState,
    *,
    due_at: int | None = None,
    worker: str | None = None,
) -> Change:
    """A row's next state, all else as it is."""
    return Change(
        announcement_id=row.announcement_id,
        recipient=row.recipient,
        held_by=row.worker,
        held_at=row.attempts,
        state=state,
        due_at=due_at,
        attempts=row.attempts,
        in_doubt=row.in_doubt,
        message_id=row.message_id,
        revision=row.revision,
        reason=row.reason,
        worker=worker,
    )


def settled(row: Row[Any], state: DeliveryState, reason: str) -> Change:
    """A row's result."""
    return replace(following(row, state), reason=reason, counted=state.word)
