"""What a town pack may say, table by table."""

from datetime import time
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from eth_utils import is_address, to_checksum_address
from pydantic import (
    AfterValidator,
    Field,
    HttpUrl,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from core.town.events import Event
from core.town.perks import Facility, Perk
from core.town.rules import Access, Gate, Kind, Proof, Tier
from core.town.words import Language, Line, Localised, Slug, Table


def _address(text: str) -> str:
    if not is_address(text):
        raise ValueError("a contract address is 0x and 40 hex digits; copy it from the explorer")
    return str(to_checksum_address(text))


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError("write a time zone such as Asia/Tokyo") from error
    return name


def municipality_check_digit(five: str) -> str:
    """The sixth digit of a 全国地方公共団体コード (総務省, weights 6 5 4 3 2, modulo 11)."""
    total = sum(int(digit) * weight for digit, weight in zip(five, (6, 5, 4, 3, 2), strict=True))
    return str((11 - total % 11) % 10)


class Head(Table):
    """``[town]``: which town this is."""

    slug: Slug
    name: Localised
    code: Annotated[str, StringConstraints(pattern=r"^\d{6}$")]
    sample: bool = False
    official_url: HttpUrl
    timezone: Annotated[str, AfterValidator(_zone)] = "Asia/Tokyo"
    languages: tuple[Language, ...] = ("ja", "ja-easy", "en", "zh-Hant", "zh-Hans", "ko")

    @field_validator("code")
    @classmethod
    def _check_digit(cls, value: str) -> str:
        if municipality_check_digit(value[:5]) != value[5]:
            raise ValueError(
                "the check digit is wrong; copy the six digits from 総務省's 全国地方公共団体コード"
            )
        return value


KOKORO_VOICES: Final = {
    "name": ("jf_alpha", "jf_gongitsune", "jf_nezumi", "jf_tebukuro", "jm_kumo"),
    "en": ("af_heart", "jf_alpha", "jf_gongitsune", "jf_nezumi", "jf_tebukuro", "jm_kumo"),
    "zh": ("zf_xiaoyi", "zm_yunxi"),
}
"""Kokoro's voices by the key of `VoiceTable` that may choose them, the usual one first."""

VoiceName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$")]
"""``mei``, ``kokoro:`` and one of its voices, or the name that a speech endpoint knows."""


class VoiceTable(Table):
    """``[persona.voice]``: which voices the mascot has, where it speaks."""

    name: VoiceName = "mei"
    """For Japanese, and for whatever a service speaks."""
    speed: Annotated[float, Field(ge=0.5, le=2.0)] = 1.0
    en: VoiceName | None = None
    """For English; none: a native voice."""
    zh: VoiceName | None = None
    """For Chinese in both scripts; none: a native voice."""

    @field_validator("name", "en", "zh")
    @classmethod
    def _kokoro_has_it(cls, value: str | None, info: ValidationInfo) -> str | None:
        engine, _, voice = (value or "").partition(":")
        known = KOKORO_VOICES[info.field_name or "name"]
        if engine == "kokoro" and voice and voice not in known:
            named = ", ".join(f"kokoro:{each}" for each in known)
            raise ValueError(f"Kokoro has no voice {voice} for this; write one of {named}")
        if value == "mei" and info.field_name != "name":
            raise ValueError("Mei speaks Japanese only; leave this out, or choose another voice")
        return value


class PersonaTable(Table):
    """``[persona]``: the mascot, and how it speaks around what the documents say."""

    name: Localised
    greeting: Localised
    opening: Localised
    closing: Localised
    unknown: Localised
    examples: Annotated[tuple[Localised, ...], Field(max_length=6)] = ()
    """Questions that the guides answer, offered as buttons; the first three in chats."""
    manner: Annotated[str, StringConstraints(max_length=2000)] = ""
    """For a configured generator, in Japanese: how the mascot speaks."""
    voice: VoiceTable = VoiceTable()


class Contact(Table):
    """A desk that answers what the guide cannot."""

    title: Localised
    phone: Annotated[str, StringConstraints(pattern=r"^[0-9#-]{3,16}$")] | None = None
    url: HttpUrl | None = None
    hours: Localised | None = None


class Chain(Table):
    """A chain that a collection lives on."""

    id: Annotated[int, Field(gt=0)]
    name: Line
    endpoints: tuple[HttpUrl, ...] = ()
    finalized_within_minutes: Annotated[int, Field(ge=0)] = 60
    """How old the finalized block may be before we call it an outage; 0: any age."""
    latest_within_minutes: Annotated[int, Field(ge=0)] = 5
    """The same of the newest block, on which letting in stands."""


class Collection(Table):
    """``[[collections]]``: the tokens that make a digital resident."""

    name: Slug
    title: Localised
    chain_id: int
    contract: Annotated[str, AfterValidator(_address)]
    standard: Literal["ERC-721", "ERC-1155"] = "ERC-721"
    token_id: Annotated[int, Field(ge=0)] | None = None
    """With ERC-1155: the one token id that counts; none: all of the contract's."""
    locked: bool = False
    """Whether cards cannot be handed on (ERC-5192)."""
    delegated: bool = True
    """Whether a wallet may stand for another that named it at delegate.xyz (v2)."""
    first_block: Annotated[int, Field(ge=0)] | None = None
    """Where the contract begins; none: it is looked for."""
    legal_note: Localised

    @model_validator(mode="after")
    def _token_id_for_erc1155(self) -> Self:
        if self.standard != "ERC-1155" and self.token_id is not None:
            raise ValueError("token_id goes with standard = 'ERC-1155', and only with it")
        return self


class Discord(Table):
    """``[discord]``: the town's server, and where the join button stands."""

    guild: int
    join_channel: int | None = None
    announcement_channel: int | None = None


class Telegram(Table):
    """``[telegram]``: the town's open channel or group, if there is one."""

    announcement_chat: int | None = None


class Retention(Table):
    """``[retention]``: how long what is kept is kept."""

    delivery_days: Annotated[int, Field(ge=1)] = 365
    room_post_days: Annotated[int, Field(ge=1)] = 365
    question_days: Annotated[int, Field(ge=1)] = 365
    redemption_days: Annotated[int, Field(ge=1)] = 365
    """How long a used perk says whose it was; after that only what, where, when and its value."""
    event_days: Annotated[int, Field(ge=1)] = 365
    """How long after an event it is known who said that they come, and who came."""
    purpose: Localised


Clock = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
"""A time of day, such as ``21:00``."""


class Quiet(Table):
    """``[announcements.quiet]``: hours in which no announcement disturbs a member."""

    from_: Annotated[Clock, Field(alias="from")]
    until: Clock

    @property
    def hours(self) -> tuple[time, time]:
        """From when until when; over midnight where the second is the earlier."""
        return time.fromisoformat(self.from_), time.fromisoformat(self.until)

    @model_validator(mode="after")
    def _not_all_day(self) -> Self:
        if self.from_ == self.until:
            raise ValueError("from and until are the same; leave quiet out to have none")
        return self


class Topic(Table):
    """``[[announcements.topics]]``: something that members may want to hear of, or not."""

    name: Slug
    title: Localised
    default: bool = True
    """For members who have not chosen."""


class Announcements(Table):
    """``[announcements]``: who speaks, as members read it, and how gently."""

    sender: Localised
    quiet: Quiet | None = None
    """In each member's own zone; none: announcements go out at any hour."""
    approve_above: Annotated[int, Field(ge=0, le=100_000_000)] = 500
    """What reaches more people than this waits for a second member of staff; 0: nothing does."""
    pause_at_failures: Annotated[int, Field(ge=0, le=100)] = 20
    """Pause when more than so many percent of the last 50 failed; 0: never."""
    direct_on_discord: bool = False
    """Whether announcements go out as direct messages there; Discord locks bots that do much."""
    topics: Annotated[tuple[Topic, ...], Field(max_length=20)] = ()


class TownPack(Table):
    """A whole town."""

    folder: Path
    town: Head
    persona: PersonaTable
    contacts: Annotated[tuple[Contact, ...], Field(min_length=1)]
    chains: tuple[Chain, ...] = ()
    collections: tuple[Collection, ...] = ()
    gates: tuple[Gate, ...] = ()
    kinds: tuple[Kind, ...] = ()
    proofs: tuple[Proof, ...] = ()
    tiers: tuple[Tier, ...] = ()
    facilities: tuple[Facility, ...] = ()
    perks: tuple[Perk, ...] = ()
    events: Annotated[tuple[Event, ...], Field(max_length=200)] = ()
    discord: Discord | None = None
    telegram: Telegram = Telegram()
    access: Access = Access()
    announcements: Announcements
    retention: Retention

    @property
    def guides(self) -> Path:
        return self.folder / "guides"

    @property
    def data(self) -> Path:
        """Open-data tables and timetables, as published."""
        return self.folder / "data"

    @property
    def gazetteer(self) -> Path:
        """What people call the town's places; the file may be missing."""
        return self.folder / "gazetteer.toml"

    def gate(self, name: str) -> Gate | None:
        return next((gate for gate in self.gates if gate.name == name), None)

    def collection(self, name: str) -> Collection | None:
        return next((each for each in self.collections if each.name == name), None)

    def proof(self, name: str) -> Proof | None:
        return next((each for each in self.proofs if each.name == name), None)

    def facility(self, name: str) -> Facility | None:
        return next((each for each in self.facilities if each.name == name), None)

    def perk(self, name: str) -> Perk | None:
        return next((each for each in self.perks if each.name == name), None)

    def topic(self, name: str) -> Topic | None:
        return next((each for each in self.announcements.topics if each.name == name), None)

    def event(self, name: str) -> Event | None:
        return next((each for each in self.events if each.name == name), None)

    def chain(self, chain_id: int) -> Chain | None:
        return next((each for each in self.chains if each.id == chain_id), None)


def is_insecure(url: HttpUrl) -> bool:
    """Whether an endpoint would carry questions about members' wallets in the clear."""
    parts = urlsplit(str(url))
    return parts.scheme == "http" and not _is_loopback(parts.hostname or "")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
