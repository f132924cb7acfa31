"""What an announcement must be like before anything of it is kept."""

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final, get_args
from urllib.parse import urlsplit

from core.announcements.nouns import (
    MAX_BODY,
    MAX_HEADING,
    MAX_LABEL,
    MAX_LINKS,
    MAX_WITH_PICTURE,
    Audience,
    Extras,
    Fault,
    Kind,
    Link,
    Location,
    Segment,
    Terms,
    Texts,
)
from core.errors import BadAnnouncement
from core.identity import is_area
from core.town import Everybody, TownPack
from core.town.words import Language

LANGUAGES: Final[frozenset[str]] = frozenset(get_args(Language))
MAX_ADDRESS: Final = 500
MAX_LATITUDE: Final = 90
MAX_LONGITUDE: Final = 180
PLATFORMS: Final = ("telegram", "discord", "web")
"""Where a person is told best first: what rings in a pocket before what has to be opened."""

MACHINE: Final = ("unread", "read")

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def checked_texts(texts: Texts, *, picture: bool) -> dict[str, dict[str, str]]:
    """The words without what no platform can show. Raises `BadAnnouncement`."""
    kept = {}
    for language, text in {"ja": texts.get("ja", {}), **texts}.items():
        if language not in LANGUAGES:
            raise BadAnnouncement(Fault.LANGUAGE, language)
        heading, body = (
            _CONTROL.sub("", text.get(part, "").replace("\r\n", "\n")).strip()
            for part in ("heading", "body")
        )
        if not heading or not body:
            raise BadAnnouncement(Fault.WORDS, language)
        if len(heading) > MAX_HEADING or len(body) > MAX_BODY:
            raise BadAnnouncement(Fault.LENGTH, language)
        if picture and len(heading) + len(body) > MAX_WITH_PICTURE:
            raise BadAnnouncement(Fault.CAPTION, language)
        kept[language] = {"heading": heading, "body": body}
        if text.get("machine") in MACHINE:
            kept[language]["machine"] = text["machine"]
    return kept


def unread(texts: Texts) -> str | None:
    """The first language with a machine's words that nobody has read."""
    return next((each for each, text in texts.items() if text.get("machine") == "unread"), None)


def check_read(texts: Texts) -> None:
    """Raises `BadAnnouncement` if a machine's words were not read by anybody."""
    if (language := unread(texts)) is not None:
        raise BadAnnouncement(Fault.UNREAD, language)


def checked_extras(extras: Extras) -> Extras:
    """The same of what goes with the words."""
    if len(extras.links) > MAX_LINKS:
        raise BadAnnouncement(Fault.LINKS)
    links = tuple(_link(each) for each in extras.links)
    return replace(extras, links=links, location=_location(extras.location))


def _link(link: Link) -> Link:
    label = _label(link.label, Fault.LABEL)
    url = link.url.strip()
    parts = urlsplit(url)
    plain = parts.scheme == "https" and parts.hostname and "@" not in parts.netloc
    if not plain or len(url) > MAX_ADDRESS or re.search(r"[\s<>\"\\]", url):
        raise BadAnnouncement(Fault.ADDRESS, label["ja"])
    return Link(label, url)


def _location(place: Location | None) -> Location | None:
    if place is None:
        return None
    if not (abs(place.latitude) <= MAX_LATITUDE and abs(place.longitude) <= MAX_LONGITUDE):
        raise BadAnnouncement(Fault.LOCATION)
    return replace(place, title=_label(place.title, Fault.LOCATION))


def _label(words: Mapping[str, str], fault: Fault) -> dict[str, str]:
    kept = {language: text.strip() for language, text in words.items() if text.strip()}
    if "ja" not in kept or any(len(text) > MAX_LABEL for text in kept.values()):
        raise BadAnnouncement(fault, kept.get("ja", ""))
    if unknown := sorted(set(kept) - LANGUAGES):
        raise BadAnnouncement(Fault.LANGUAGE, unknown[0])
    return kept


def checked_audience(town: TownPack, audience: Audience, *, platforms: Collection[str]) -> Audience:
    """The audience with the pack's terms, if the pack has every name in it.

    Of the platforms only those of `platforms` stay: on one that is not open a message would wait
    for ever.
    """
    rooms = {gate.name for gate in town.gates}
    if audience.gate is not None:
        _known([audience.gate], rooms, Fault.ROOM)
    if audience.kind is not Kind.DIRECT:
        places = tuple(each for each in audience.places if each[0] in platforms)
        if not places:
            raise BadAnnouncement(Fault.PLACES, audience.gate or "")
        terms = terms_of(town, None)
        return replace(audience, places=places, segment=Segment(), topic=None, terms=terms)
    segment = audience.segment
    _known(segment.rooms, rooms, Fault.ROOM)
    _known(segment.tiers, {tier.name for tier in town.tiers}, Fault.TIER)
    _known(segment.proofs, {proof.name for proof in town.proofs}, Fault.PROOF)
    _known(segment.languages, LANGUAGES, Fault.LANGUAGE)
    for area in segment.areas:
        if not is_area(area):
            raise BadAnnouncement(Fault.AREA, area)
    if audience.topic is not None:
        _known([audience.topic], {topic.name for topic in town.announcements.topics}, Fault.TOPIC)
    terms = terms_of(town, audience.topic)
    terms = replace(terms, platforms=tuple(each for each in terms.platforms if each in platforms))
    return replace(audience, places=(), terms=terms)


def _known(names: Collection[str], known: Collection[str], fault: Fault) -> None:
    for name in names:
        if name not in known:
            raise BadAnnouncement(fault, name)


def terms_of(town: TownPack, topic: str | None) -> Terms:
    """What the pack says around an audience."""
    found = town.topic(topic) if topic else None
    discord = town.announcements.direct_on_discord
    return Terms(
        platforms=tuple(each for each in PLATFORMS if each != "discord" or discord),
        timezone=town.town.timezone,
        topic_default=found.default if found else True,
        open_tier=next(
            (each.name for each in reversed(town.tiers) if isinstance(each.rule, Everybody)), None
        ),
        pause_at=town.announcements.pause_at_failures,
        approve_above=town.announcements.approve_above,
    )
