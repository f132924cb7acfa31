"""What a town pack may say, table by table."""

from datetime import date, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from eth_utils import is_address, to_checksum_address
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    RootModel,
    StringConstraints,
    field_validator,
    model_validator,
)

FALLBACKS: dict[str, tuple["Language", ...]] = {
    "ja-easy": ("ja",),
    "zh-Hant": ("zh-Hans", "en", "ja"),
    "zh-Hans": ("zh-Hant", "en", "ja"),
    "ko": ("en", "ja"),
    "en": ("ja",),
}

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,40}$")]
Line = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
Language = Literal["ja", "ja-easy", "en", "zh-Hant", "zh-Hans", "ko"]


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


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Localised(RootModel[dict[Language, Line]]):
    """The same words by language; Japanese is always there."""

    model_config = ConfigDict(frozen=True)

    @field_validator("root")
    @classmethod
    def _japanese_first(cls, value: dict[Language, str]) -> dict[Language, str]:
        if "ja" not in value:
            raise ValueError("write the Japanese words too (ja = …)")
        return value

    def get(self, language: str) -> str:
        """The words in `language`, or in the nearest language that there is."""
        words: dict[str, str] = {str(key): text for key, text in self.root.items()}
        candidates = (language, *FALLBACKS.get(language, ("en",)))
        return next((words[each] for each in candidates if each in words), words["ja"])


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


class Collection(Table):
    """``[[collections]]``: the tokens that make a digital resident."""

    name: Slug
    title: Localised
    chain_id: int
    contract: Annotated[str, AfterValidator(_address)]
    standard: Literal["ERC-721", "ERC-1155"] = "ERC-721"
    token_id: Annotated[int, Field(ge=0)] | None = None
    locked: bool = False
    legal_note: Localised

    @model_validator(mode="after")
    def _token_id_for_erc1155(self) -> Self:
        if (self.standard == "ERC-1155") != (self.token_id is not None):
            raise ValueError("token_id goes with standard = 'ERC-1155', and only with it")
        return self


class TokenRule(Table):
    """At least so many tokens of one collection, over all wallets of a member."""

    collection: Slug
    at_least: Annotated[int, Field(ge=1, le=10_000)] = 1


class AllOf(Table):
    all: Annotated[tuple["Rule", ...], Field(min_length=1, max_length=20)]


class AnyOf(Table):
    any: Annotated[tuple["Rule", ...], Field(min_length=1, max_length=20)]


Rule = TokenRule | AllOf | AnyOf


def collections_of(rule: Rule) -> frozenset[str]:
    match rule:
        case TokenRule():
            return frozenset((rule.collection,))
        case AllOf():
            return frozenset().union(*(collections_of(part) for part in rule.all))
        case AnyOf():
            return frozenset().union(*(collections_of(part) for part in rule.any))


class Gate(Table):
    """``[[gates]]``: a rule, and the places that it opens."""

    name: Slug
    title: Localised
    rule: Rule
    web_room: bool = True
    telegram_chat: int | None = None
    discord_role: int | None = None
    discord_channel: int | None = None


class Perk(Table):
    """``[[perks]]``: what a digital resident may use, and how often."""

    name: Slug
    title: Localised
    gate: Slug
    facility: Localised
    uses: Annotated[int, Field(ge=1)] = 1
    per: Literal["day", "month", "year", "token"] = "year"
    counted_by: Literal["token", "person"] = "token"
    value_yen: Annotated[int, Field(ge=0)] | None = None
    valid_from: date | None = None
    valid_until: date | None = None
    legal_note: Localised

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise ValueError("valid_until is before valid_from; swap them")
        return self


class Discord(Table):
    """``[discord]``: the town's server, and where the join button stands."""

    guild: int
    join_channel: int | None = None
    announcement_channel: int | None = None


class Telegram(Table):
    """``[telegram]``: the town's open channel or group, if there is one."""

    announcement_chat: int | None = None


class Access(Table):
    """``[access]``: how gently doors close."""

    grace_days: Annotated[int, Field(ge=0, le=365)] = 7
    protected: tuple[
        Annotated[str, StringConstraints(pattern=r"^(telegram|discord|web):\w+$")], ...
    ] = ()

    @property
    def grace(self) -> timedelta:
        return timedelta(days=self.grace_days)


class Retention(Table):
    """``[retention]``: how long what is kept is kept."""

    delivery_days: Annotated[int, Field(ge=1)] = 365
    room_post_days: Annotated[int, Field(ge=1)] = 365
    question_days: Annotated[int, Field(ge=1)] = 365
    purpose: Localised


class Announcements(Table):
    """``[announcements]``: who speaks, as members read it."""

    sender: Localised


class TownPack(Table):
    """A whole town."""

    folder: Path
    town: Head
    persona: PersonaTable
    contacts: Annotated[tuple[Contact, ...], Field(min_length=1)]
    chains: tuple[Chain, ...] = ()
    collections: tuple[Collection, ...] = ()
    gates: tuple[Gate, ...] = ()
    perks: tuple[Perk, ...] = ()
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
