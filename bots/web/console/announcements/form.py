"""The form in which an announcement is written: read without losing a word, judged by field."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

from fastapi import Request
from starlette.datastructures import UploadFile

from bots.maps import read_place
from bots.places import posting_places
from bots.web.pages import LANGUAGE_NAMES, Web
from bots.web.session import check_csrf
from bots.web.words import clean, one_line
from core.access import ChannelKeeper
from core.announcements import (
    MAX_BODY,
    MAX_HEADING,
    MAX_LINKS,
    MAX_WITH_PICTURE,
    Announcement,
    Audience,
    Extras,
    Kind,
    Link,
    Location,
    Segment,
    Terms,
)
from core.announcements.pictures import MAX_PICTURE_BYTES
from core.town import TownPack

MAX_UPLOAD: Final = MAX_PICTURE_BYTES
MAX_FIELDS: Final = 600
FIRST_DAY: Final = date(2000, 1, 1)
"""Before any town had digital residents."""
LISTS: Final = ("rooms", "tiers", "proofs", "languages", "areas")
"""Conditions of which any number may be ticked; named as in `Segment`."""
DIRECT: Final = "direct"


@dataclass(frozen=True, slots=True)
class Given:
    """What was filled in, as it was filled in."""

    fields: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def get(self, name: str, default: str = "") -> str:
        return self.fields.get(name, default)

    def all(self, name: str) -> tuple[str, ...]:
        return self.lists.get(name, ())

    def having(self, **fields: str) -> "Given":
        """The same with other values."""
        return replace(self, fields={**self.fields, **fields})

    @property
    def languages(self) -> tuple[str, ...]:
        """In which something is written; Japanese always."""
        return tuple(
            language
            for language in LANGUAGE_NAMES
            if language == "ja" or self.get(f"heading-{language}") or self.get(f"body-{language}")
        )


@dataclass(frozen=True, slots=True)
class Upload:
    """A picture as it came."""

    content: bytes = b""
    name: str = ""

    @property
    def too_large(self) -> bool:
        return len(self.content) > MAX_UPLOAD


@dataclass(frozen=True, slots=True)
class Composed:
    """What the form says, ready to be kept."""

    texts: Mapping[str, Mapping[str, str]]
    audience: Audience
    extras: Extras


Faults = dict[str, tuple[str, Mapping[str, object]]]
"""By field: a key under ``announcing.fault`` and the values of its sentence."""


async def received(web: Web, request: Request, rate: str = "form") -> tuple[Given, Upload]:
    """The form and its picture. Raises like `Web.form`."""
    who = web.visitor(request)
    web.limits.check(rate, request, who.id, web.app.settings.trusted_proxies)
    async with request.form(max_files=1, max_fields=MAX_FIELDS) as form:
        named = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
        token = next((value for name, value in named if name == "csrf"), "")
        check_csrf(request, token or request.headers.get("x-csrf-token", ""))
        file = form.get("file")
        upload = Upload()
        if isinstance(file, UploadFile) and file.filename:
            upload = Upload(await file.read(MAX_UPLOAD + 1), file.filename[:200])
    fields = {name: clean(value) for name, value in named if name not in LISTS}
    lists = {
        each: tuple(dict.fromkeys(clean(value) for name, value in named if name == each))
        for each in LISTS
    }
    return Given(fields, lists), upload


def composed(
    given: Given, town: TownPack, keepers: Mapping[str, ChannelKeeper], *, today: date
) -> tuple[Composed, Faults]:
    """Read the form. With a fault under a field's name, that field reads as if it were empty.

    `today` is the town's day: nobody joined after it.
    """
    faults: Faults = {}
    audience = _audience(given, town, keepers, today, faults)
    number = given.get("picture")
    extras = Extras(
        links=tuple(_links(given, faults)),
        location=_location(given, faults),
        picture=int(number) if number.isdecimal() and len(number) < 16 else None,  # noqa: PLR2004
        policy="hold" if given.get("policy") == "hold" else "resend",
        quiet=given.get("quiet", "wait") != "now",
    )
    return Composed(_texts(given, faults), audience, extras), faults


def _texts(given: Given, faults: Faults) -> Mapping[str, Mapping[str, str]]:
    texts = {}
    for language in given.languages:
        heading, body = one_line(given.get(f"heading-{language}")), given.get(f"body-{language}")
        faults |= words_faults(language, heading, body, picture=bool(given.get("picture")))
        texts[language] = {"heading": heading, "body": body}
        if given.get(f"machine-{language}") == "yes":
            read = given.get(f"read-{language}") == "yes"
            texts[language]["machine"] = "read" if read else "unread"
    return texts


def words_faults(language: str, heading: str, body: str, *, picture: bool) -> Faults:
    """What is missing or too long in one language."""
    faults: Faults = {}
    for part, text, most in (("heading", heading, MAX_HEADING), ("body", body, MAX_BODY)):
        if not text:
            faults[f"{part}-{language}"] = (f"no-{part}", {})
        elif len(text) > most:
            faults[f"{part}-{language}"] = (f"{part}-long", {"limit": most})
    if not faults and picture and len(heading) + len(body) > MAX_WITH_PICTURE:
        values = {"limit": MAX_WITH_PICTURE, "other": MAX_BODY}
        faults[f"body-{language}"] = ("caption", values)
    return faults


def _audience(
    given: Given,
    town: TownPack,
    keepers: Mapping[str, ChannelKeeper],
    today: date,
    faults: Faults,
) -> Audience:
    kind, _, gate = given.get("reach").partition(":")
    if kind == Kind.ROOM and (not gate or town.gate(gate) is not None):
        return Audience(Kind.ROOM, gate or None, posting_places(town, keepers, gate or None))
    if kind != DIRECT:
        faults["reach"] = ("reach", {})
    missed = given.get("missed")
    segment = Segment(
        joined_since=_day(given, "joined_since", today, faults),
        visited_since=_day(given, "visited_since", today, faults),
        missed=int(missed) if missed.isdecimal() and len(missed) < 16 else None,  # noqa: PLR2004
        **{name: given.all(name) for name in LISTS},
    )
    return Audience(Kind.DIRECT, segment=segment, topic=given.get("topic") or None)


def _day(given: Given, name: str, today: date, faults: Faults) -> date | None:
    text = given.get(name)
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        faults[name] = ("day", {})
        return None
    if day < FIRST_DAY:
        faults[name] = ("day-early", {})
    elif day > today:
        faults[name] = ("day-future", {})
    else:
        return day
    return None


def _links(given: Given, faults: Faults) -> Iterable[Link]:
    for number in range(1, MAX_LINKS + 1):
        url = given.get(f"link-{number}")
        label = _by_language(given, f"label-{number}")
        if not url and "ja" not in label:
            continue
        if not url:
            faults[f"link-{number}"] = ("no-address", {})
        elif not url.startswith("https://"):
            faults[f"link-{number}"] = ("address", {})
        elif "@" in url.removeprefix("https://").partition("/")[0]:
            faults[f"link-{number}"] = ("address-password", {})
        elif "ja" not in label:
            faults[f"label-{number}-ja"] = ("no-label", {})
        else:
            yield Link(label, url)


def _location(given: Given, faults: Faults) -> Location | None:
    text, title = given.get("place"), _by_language(given, "place-title")
    if not text:
        if "ja" in title:
            faults["place"] = ("no-place", {})
        return None
    found = read_place(text)
    if found is None:
        faults["place"] = ("place", {})
    elif "ja" not in title:
        faults["place-title-ja"] = ("no-title", {})
    else:
        return Location(*found, title)
    return None


def _by_language(given: Given, name: str) -> dict[str, str]:
    return {
        language: words
        for language in LANGUAGE_NAMES
        if (words := one_line(given.get(f"{name}-{language}")))
    }


def version(found: Announcement) -> str:
    """A mark of everything that can be edited: another one, and somebody has edited it."""
    whom = repr(replace(found.audience, terms=Terms()))
    return f"{found.revision}-{hashlib.sha256(whom.encode()).hexdigest()[:12]}"


def given_of(found: Announcement) -> Given:
    """The form filled in with an announcement, to go on writing."""
    fields = {
        "version": version(found),
        "quiet": "wait" if found.extras.quiet else "now",
        "policy": found.extras.policy,
    }
    for language, text in found.texts.items():
        fields[f"heading-{language}"], fields[f"body-{language}"] = text["heading"], text["body"]
        if machine := text.get("machine"):
            fields[f"machine-{language}"] = "yes"
            fields[f"read-{language}"] = "yes" if machine == "read" else ""
    for number, link in enumerate(found.extras.links, 1):
        fields[f"link-{number}"] = link.url
        fields |= {f"label-{number}-{each}": words for each, words in link.label.items()}
    if place := found.extras.location:
        fields["place"] = f"{place.latitude}, {place.longitude}"
        fields |= {f"place-title-{each}": words for each, words in place.title.items()}
    if found.extras.picture is not None:
        fields["picture"] = str(found.extras.picture)
    segment = found.audience.segment
    for name, value in (
        ("joined_since", segment.joined_since),
        ("visited_since", segment.visited_since),
        ("missed", segment.missed),
        ("topic", found.audience.topic),
    ):
        fields[name] = str(value) if value is not None else ""
    room = f"room:{found.audience.gate}" if found.audience.gate else "room"
    fields["reach"] = room if found.kind is Kind.ROOM else DIRECT
    return Given(fields, {name: tuple(getattr(segment, name)) for name in LISTS})
