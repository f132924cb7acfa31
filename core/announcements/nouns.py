"""What is announced, to whom, with what, and how far it has gone."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Literal, Self

Texts = Mapping[str, Mapping[str, str]]
"""``{language: {"heading": …, "body": …}}``, Japanese always there.

What a machine drafted says so under ``machine``: ``unread`` until a person has read it, then
``read``. Nothing is sent while one is unread.
"""


def heading_of(texts: Texts) -> str:
    """The heading by which staff know it: the Japanese, or the first that there is."""
    text = texts.get("ja") or next(iter(texts.values()), {})
    return text.get("heading", "")


Policy = Literal["resend", "hold"]
"""What is done about a message of which nobody knows whether it arrived: send it once more, or
leave it to staff."""

MAX_HEADING: Final = 100
MAX_BODY: Final = 3_000
MAX_WITH_PICTURE: Final = 700  # heading and body: a caption must hold them with all around
MAX_LINKS: Final = 3
MAX_LABEL: Final = 40


class Fault(StrEnum):
    """What may be wrong with an announcement; `BadAnnouncement` carries it."""

    WORDS = "words"  # heading or body missing in a language
    LENGTH = "length"  # heading or body too long
    CAPTION = "caption"  # heading and body too long for a picture's caption
    LANGUAGE = "language"
    LINKS = "links"  # more than three
    LABEL = "label"  # a button without words, or with too many
    ADDRESS = "address"  # a button that does not open an https page
    LOCATION = "location"  # not a place on the earth, or without a title
    PICTURE = "picture"  # no such picture, or another announcement's
    PLACES = "places"  # a room post without a place to post in
    ROOM = "room"  # the pack has no such room
    TIER = "tier"
    PROOF = "proof"
    AREA = "area"  # neither a prefecture nor a country
    TOPIC = "topic"
    MISSED = "missed"  # no such announcement, or nobody was missed
    UNREAD = "unread"  # a machine's draft in some language that nobody has read
    START = "start"  # in the past, or too far ahead
    DEADLINE = "deadline"  # not after the start
    # of pictures
    FORMAT = "format"  # not a picture that we read
    SIZE = "size"  # too many bytes or pixels
    DESCRIPTION = "description"  # no words for who cannot see it


class Kind(StrEnum):
    ROOM = "room"  # one post in each place of a room: reaches all who are in it at once
    DIRECT = "direct"  # to each member who asked for messages
    NOTICE = "notice"  # to one person, about their own membership


class AnnouncementState(StrEnum):
    DRAFT = "draft"
    ASKED = "asked"  # waits for a second member of staff
    SCHEDULED = "scheduled"
    SENDING = "sending"
    PAUSED = "paused"
    DONE = "done"
    CANCELLED = "cancelled"


OVER: Final = frozenset({AnnouncementState.DONE, AnnouncementState.CANCELLED})
OPEN: Final = frozenset(
    {AnnouncementState.DRAFT, AnnouncementState.ASKED, AnnouncementState.SCHEDULED}
)
"""Nothing has left yet."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Which members: every condition that is set must hold; inside a tuple any one is enough."""

    rooms: tuple[str, ...] = ()  # inside one of these rooms
    tiers: tuple[str, ...] = ()  # as the last complete reading said
    proofs: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()  # ISO 3166: "JP-35", or a whole country, "KR"
    joined_since: date | None = None  # days of the town
    visited_since: date | None = None
    missed: int | None = None  # whom that announcement did not reach

    @property
    def everybody(self) -> bool:
        return self == Segment()

    def packed(self) -> dict[str, Any]:
        """As plain data, without what is not set."""
        words = {
            name: list(value)
            for name in ("rooms", "tiers", "proofs", "languages", "areas")
            if (value := getattr(self, name))
        }
        days = {
            name: value.isoformat()
            for name in ("joined_since", "visited_since")
            if (value := getattr(self, name)) is not None
        }
        return {**words, **days, **({"missed": self.missed} if self.missed is not None else {})}

    @classmethod
    def unpacked(cls, stored: Mapping[str, Any]) -> Self:
        def words(name: str) -> tuple[str, ...]:
            return tuple(stored.get(name, ()))

        def day(name: str) -> date | None:
            return date.fromisoformat(stored[name]) if name in stored else None

        return cls(
            rooms=words("rooms"),
            tiers=words("tiers"),
            proofs=words("proofs"),
            languages=words("languages"),
            areas=words("areas"),
            joined_since=day("joined_since"),
            visited_since=day("visited_since"),
            missed=stored.get("missed"),
        )


@dataclass(frozen=True, slots=True)
class Terms:
    """What the town pack says around an audience; kept with it, so that a worker needs no pack."""

    platforms: tuple[str, ...] = ("telegram", "web")  # of direct messages, the best first
    timezone: str = "Asia/Tokyo"  # in which the segment's days begin
    topic_default: bool = True  # for members who have not chosen
    open_tier: str | None = None  # the tier of who has shown nothing
    pause_at: int = 0  # percent of failures that pauses; 0: none does
    approve_above: int = 0  # people above whom a second member of staff agrees; 0: nobody asks

    @classmethod
    def unpacked(cls, stored: Mapping[str, Any]) -> Self:
        return cls(**{**stored, "platforms": tuple(stored["platforms"])}) if stored else cls()

    def packed(self) -> dict[str, Any]:
        return {**asdict(self), "platforms": list(self.platforms)}


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom an announcement is for."""

    kind: Kind
    gate: str | None = None  # for DIRECT: only members inside this room
    places: tuple[tuple[str, str], ...] = ()  # for ROOM: (platform, place)
    segment: Segment = Segment()  # for DIRECT
    topic: str | None = None  # for DIRECT: only who wants to hear of it
    terms: Terms = Terms()  # set by `compose` from the pack


@dataclass(frozen=True, slots=True)
class Link:
    """A button that opens a page."""

    label: Mapping[str, str]  # by language, Japanese always there
    url: str  # https


@dataclass(frozen=True, slots=True)
class Location:
    """A place on the map (WGS 84, degrees); sent as a link: one message stays one message."""

    latitude: float
    longitude: float
    title: Mapping[str, str]  # by language, Japanese always there


@dataclass(frozen=True, slots=True)
class Extras:
    """What goes with the words, and how they are sent."""

    links: tuple[Link, ...] = ()
    location: Location | None = None
    picture: int | None = None  # the number that `keep_picture` gave
    policy: Policy = "resend"
    quiet: bool = True  # whether direct messages wait for the end of the quiet hours

    def packed(self) -> dict[str, Any]:
        """As plain data."""
        place = self.location
        return {
            "links": [{"label": dict(each.label), "url": each.url} for each in self.links],
            "location": {
                "latitude": place.latitude,
                "longitude": place.longitude,
                "title": dict(place.title),
            }
            if place
            else None,
            "picture": self.picture,
            "policy": self.policy,
            "quiet": self.quiet,
        }

    @classmethod
    def unpacked(cls, stored: Mapping[str, Any]) -> Self:
        place = stored.get("location")
        return cls(
            links=tuple(Link(each["label"], each["url"]) for each in stored.get("links", ())),
            location=Location(place["latitude"], place["longitude"], place["title"])
            if place
            else None,
            picture=stored.get("picture"),
            policy=stored.get("policy", "resend"),
            quiet=stored.get("quiet", True),
        )


PLAIN: Final = Extras()
"""Words alone."""


@dataclass(frozen=True, slots=True)
class Change:
    """Other words for what has been sent, which a second member of staff has to agree to."""

    texts: Texts
    by: str
    at: datetime

    def packed(self) -> dict[str, Any]:
        """As plain data."""
        return {"texts": self.texts, "by": self.by, "at": self.at.isoformat()}

    @classmethod
    def unpacked(cls, stored: Mapping[str, Any]) -> Self:
        return cls(stored["texts"], stored["by"], datetime.fromisoformat(stored["at"]))


@dataclass(frozen=True, slots=True)
class Counted:
    """How many an audience was just now: counted while nobody was kept from writing."""

    audience: Audience
    recipients: Mapping[str, int]  # messages by platform
    people: int


@dataclass(frozen=True, slots=True)
class Announcement:
    """An announcement as staff see it."""

    id: int
    kind: Kind
    state: AnnouncementState
    author: str
    audience: Audience
    texts: Texts
    extras: Extras
    total: int
    delivered: int
    blocked: int
    failed: int
    unsure: int
    created_at: datetime
    confirmed_at: datetime | None = None
    start_at: datetime | None = None
    deadline: datetime | None = None
    finished_at: datetime | None = None
    asked_by: str | None = None
    approved_by: str | None = None
    people: int = 0  # whom it reaches, as counted when it was confirmed or begun
    change: Change | None = None  # words for what has arrived, until a second person agrees
    paused_why: str | None = None  # "staff", "failures"; of a cancelled one "deadline", "refused" …
    revision: int = 1
    retracted_at: datetime | None = None
    amended: int = 0  # messages that say what the newest revision says, or are gone
    amend_failed: int = 0  # messages that the platform no longer lets us change
    reads: Mapping[str, int] = field(default_factory=dict)
    """How many opened it, by platform; of one that is not there it is not known. `history` leaves
    it out."""

    @property
    def gate(self) -> str | None:
        return self.audience.gate

    @property
    def settled(self) -> int:
        """Recipients whose result is known, whatever it is."""
        return self.delivered + self.blocked + self.failed + self.unsure

    @property
    def heading(self) -> str:
        return heading_of(self.texts)

    @property
    def waiting(self) -> int:
        return self.total - self.settled


@dataclass(frozen=True, slots=True)
class Reach:
    """Whom an audience has in it now, and how long sending to them takes."""

    recipients: Mapping[str, int]  # messages by platform
    finishes_in: timedelta  # from the start to the last message
    needs_second: bool  # whether a second member of staff has to agree
    people: int  # of a room post, who is inside
    unreachable: Mapping[str, int] = field(default_factory=dict)
    """Who is only on platforms that are not open, by the best of them; nobody of `people`."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What confirming would do."""

    announcement: Announcement
    recipients: Mapping[str, int]  # by platform
    finishes_in: timedelta  # from the start to the last message
    needs_second: bool  # whether a second member of staff has to agree
    people: int  # whom it reaches; of a room post, who is inside
    unreachable: Mapping[str, int] = field(default_factory=dict)  # as in `Reach`


@dataclass(frozen=True, slots=True)
class Revision:
    """What an announcement said from some moment on."""

    number: int  # from 1
    by: str
    at: datetime
    texts: Texts
    extras: Extras


@dataclass(frozen=True, slots=True)
class KeptPicture:
    """A picture as it was re-encoded."""

    id: int
    content: bytes
    media_type: str
    width: int  # pixels
    height: int
    descriptions: Mapping[str, str]  # by language, Japanese always there
