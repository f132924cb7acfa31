"""The nouns of perks: offers, passes, verdicts, redemptions, conflicts, figures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from core.access.decision import Decision
from core.access.evidence import Evidence
from core.town import Gate, Localised, Perk

Judge = Callable[[Gate, Evidence], Decision]
"""Whether a gate is open to somebody of whom this is known. Pure."""


class Reason(StrEnum):
    """Why a pass is taken, or why not. One sentence in the clerk's language each."""

    OK = "ok"
    REENTRY = "reentry"  # taken, and no new use: they were in a moment ago
    # the text or the code itself
    UNREADABLE = "unreadable"  # no pass of ours, forged, or damaged
    OTHER_TOWN = "other-town"
    EXPIRED = "expired"  # a screenshot, or shown too late
    NOT_YET = "not-yet"  # made in the future: a clock is wrong
    PASS_USED = "pass-used"  # this very pass was taken before  # noqa: S105
    WRONG_CODE = "wrong-code"  # mistyped, expired or never given out
    TOO_MANY_TRIES = "too-many-tries"  # codes, at this desk; `Verdict.next_at` says until when
    # the perk
    OTHER_FACILITY = "other-facility"
    NOT_BEGUN = "not-begun"
    ENDED = "ended"
    NO_SUCH_PERK = "no-such-perk"
    # the person and their card
    UNKNOWN_PASS = "unknown-pass"  # rightly signed, but its owner has left  # noqa: S105
    NOT_A_MEMBER = "not-a-member"
    NOT_ENTITLED = "not-entitled"  # the gate is not open, or the card was handed on
    CHAT_ONLY = "chat-only"  # for whom a chat knows; this is only a browser
    USED_UP = "used-up"
    UNREACHABLE = "unreachable"  # nobody can tell who holds the card, and the perk says refuse
    # scans that were taken without signal
    TOO_OLD = "too-old"
    NOT_ISSUED_THEN = "not-issued-then"  # the scan's time does not fit the pass


class Source(StrEnum):
    """What a redemption rests on."""

    ONLINE = "online"  # ownership was read live
    LAST_KNOWN = "last-known"  # the chain was away; the last complete reading said yes
    OFFLINE = "offline"  # the desk had no signal and verified the signature
    GOODWILL = "goodwill"  # a conflict that staff let count


class Kind(StrEnum):
    USE = "use"
    REENTRY = "reentry"


@dataclass(frozen=True, slots=True)
class Token:
    """One card on a chain."""

    collection: str  # the town pack's name for it
    token_id: int

    @property
    def key(self) -> str:
        return f"{self.collection}:{self.token_id}"


@dataclass(frozen=True, slots=True)
class Use:
    """A use that was made, as the person, the clerk or a buyer may read it."""

    at: datetime
    facility: str


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of a perk in the period that runs now."""

    uses: int | None  # in the whole period; `None`: any number
    left: int | None  # `None`: any number
    tokens: Mapping[Token, int] = field(default_factory=dict)  # uses left of each card held
    person: int | None = None  # uses left of the person, where persons are counted
    ends: datetime | None = None  # when the next period begins; `None`: never
    last: Use | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """One perk of the catalogue, as it stands for one member (or for nobody in particular)."""

    perk: Perk
    open: bool
    reason: Reason  # `OK` when open
    left: Left | None = None  # `None` when nobody in particular asks, or the gate is closed
    next_at: datetime | None = None  # when it opens (again), if that is known
    source: Source = Source.ONLINE  # `LAST_KNOWN`: the chain could not be asked just now
    known_at: datetime | None = None  # when the last complete reading was, for `LAST_KNOWN`


@dataclass(frozen=True, slots=True)
class Pass:
    """What the card shows for seconds. `text` goes into a QR of version 7 at level M."""

    text: str
    perk: str
    issued_at: datetime
    expires_at: datetime
    left: int | None  # at issue; `None`: any number
    code: str | None = None  # eight digits, for a desk whose camera is broken
    code_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Closed:
    """No pass, and why."""

    perk: str
    reason: Reason
    next_at: datetime | None = None
    last: Use | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """A ticket window that opened its link with its PIN. It acts for one facility only."""

    id: int
    facility: str
    label: str
    epoch: int  # changes with the PIN: older sessions of the desk are void

    @property
    def actor(self) -> str:
        return f"desk:{self.id}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Yes or no at the window, with what the sentence needs."""

    ok: bool
    reason: Reason
    perk: str | None = None
    title: Localised | None = None
    facility: str | None = None
    at: datetime | None = None
    redemption_id: int | None = None  # to undo it; `None` where nothing was booked
    left: int | None = None  # after this use; `None`: any number, or not known
    uses: int | None = None  # in a period; `None`: any number
    before: Use | None = None  # the use that stands in the way, or that this re-enters after
    source: Source = Source.ONLINE
    known_at: datetime | None = None  # with `LAST_KNOWN`: when the last complete reading was
    next_at: datetime | None = None  # when it may be tried again, if that is known
    undo_until: datetime | None = None  # until when the desk itself may undo it
    value_yen: int | None = None


@dataclass(frozen=True, slots=True)
class Redemption:
    """One row of the desk's list, or of the staff's."""

    id: int
    perk: str
    facility: str
    desk: str  # its label
    at: datetime
    kind: Kind
    source: Source
    value_yen: int | None
    member: int | None  # `None` once the person has left
    token: str | None  # "collection:id"
    undone_at: datetime | None = None
    undo_reason: str = ""


@dataclass(frozen=True, slots=True)
class TokenStatus:
    """What a buyer of a card gets of one perk. Says nothing of who holds it."""

    perk: Perk
    uses: int | None  # `None`: any number
    left: int | None
    ends: datetime | None
    last_on: date | None  # the day of the last use in this period, in the town


@dataclass(frozen=True, slots=True)
class Scan:
    """One pass that a desk took without signal."""

    client_id: str  # UUID made by the page: the same scan sent twice is one
    scanned_at: datetime  # by the desk's clock, corrected by the kit's offset
    text: str


@dataclass(frozen=True, slots=True)
class Synced:
    """What became of one scan."""

    client_id: str
    ok: bool
    reason: Reason
    redemption_id: int | None = None
    conflict_id: int | None = None  # staff look at it; nothing is lost
    perk: str | None = None


class ConflictState(StrEnum):
    OPEN = "open"
    ACCEPTED = "accepted"  # as goodwill: counts in the settlement, takes no use
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Conflict:
    """A scan that a desk let in without signal and that the records say no to."""

    id: int
    state: ConflictState
    reason: Reason
    perk: str | None
    facility: str
    desk: str
    scanned_at: datetime
    synced_at: datetime
    member: int | None
    against: Redemption | None  # the use that had the place
    decided_by: str = ""
    decided_at: datetime | None = None
    words: str = ""  # why it was decided so


@dataclass(frozen=True, slots=True)
class KitPerk:
    """What the page needs to know of one perk to say yes or no without signal."""

    mark: str  # 8 hex digits: the perk's field in a pass
    name: str
    title: Localised
    legal_note: Localised
    uses: int | None
    reentry_minutes: int
    reentries: int  # so many times a use
    valid_from: date | None
    valid_until: date | None


@dataclass(frozen=True, slots=True)
class OfflineKit:
    """What a desk needs to verify passes by itself. Good until `until`.

    The offline yes: the signature is right by one of `keys`; version, town and perk fit; the
    pass has begun and not ended by the desk's clock plus the offset to `now`, give or take
    `skew_seconds`; `left` at issue is 1 or more (0xFFFF: any number); its nonce is neither in
    `taken` nor scanned on this device; its handle was not scanned here as often as `left` said.
    """

    now: datetime
    until: datetime
    town: str  # 全国地方公共団体コード
    facility: str
    keys: Mapping[str, Mapping[str, str]]  # key id in hex → JWK (RFC 7517)
    perks: Sequence[KitPerk]
    taken: Sequence[str]  # nonces (hex) redeemed lately, the newest first, at most 2,000
    skew_seconds: int
    max_age_hours: int


@dataclass(frozen=True, slots=True)
class SettlementRow:
    """One use, as the town pays it."""

    at: datetime  # in the town's time zone
    perk: str
    title: str  # Japanese
    value_yen: int | None
    source: Source
    desk: str
    redemption_id: int
    undone_at: datetime | None = None
    undo_reason: str = ""


@dataclass(frozen=True, slots=True)
class Settlement:
    """A facility's month. Undone uses and re-entries are listed or left out, never summed."""

    facility: str
    month: date  # its first day
    rows: Sequence[SettlementRow]
    undone: Sequence[SettlementRow]
    count: int
    total_yen: int
    open_conflicts: int  # scans of this month that staff have not decided yet


@dataclass(frozen=True, slots=True)
class Cohort:
    """Who used a perk first in one month, and who of them came again."""

    month: date
    people: int
    returned: int


@dataclass(frozen=True, slots=True)
class PerkFigures:
    """One perk over some days, for the office and the council."""

    perk: str
    uses: int
    people: int
    tokens: int
    entitled: int | None  # uses that were there to be made; `None`: any number, or not known
    unused_share: float | None  # of `entitled`; between 0 and 1
    cost_yen: int
    value_yen: int
    undone: int
    cohorts: Sequence[Cohort]
