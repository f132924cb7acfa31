"""Small parts of the form: what is chosen first, the open tab, the limits, the spoken figures."""

from collections.abc import Mapping
from typing import Final

from bots import texts
from bots.places import posting_places
from bots.web.console.announcements import words
from bots.web.console.announcements.form import LISTS, Faults, Given
from bots.web.pages import LANGUAGE_NAMES, Web
from core.announcements import (
    MAX_BODY,
    MAX_DESCRIPTION,
    MAX_HEADING,
    MAX_LABEL,
    MAX_LINKS,
    MAX_WITH_PICTURE,
)


def first_reach(web: Web) -> str:
    """What is chosen before anybody chooses: the first room that has a place to post in."""
    app = web.app
    for gate in app.town.gates:
        if posting_places(app.town, app.keepers, gate.name):
            return f"room:{gate.name}"
    return "room"


def open_tab(given: Given, faults: Faults) -> str:
    """The language that is shown first: that of the first fault, or of the look."""
    for name in faults:
        code = name.partition("-")[2]
        if code in LANGUAGE_NAMES:
            return code
    return given.get("look", "ja") or "ja"


_PAGE: Final = (
    *("heading-ja", "body-ja", "heading-", "body-", "translate-", "read-"),
    *("file", "picture", "description-"),
    *(f"{part}-{each}" for each in range(1, MAX_LINKS + 1) for part in ("label", "link")),
    *("place", "place-title", "reach", *LISTS, "joined_since", "visited_since"),
    *("missed", "topic", "audience"),
)
"""How the names of fields begin, from the top of the page to its end."""


def in_order(faults: Faults) -> Faults:
    """As somebody meets them on the page."""

    def at(name: str) -> int:
        fitting = [each for each in _PAGE if name.startswith(each)]
        return _PAGE.index(max(fitting, key=len)) if fitting else len(_PAGE)

    return {name: faults[name] for name in sorted(faults, key=at)}


def names_open(given: Given, code: str) -> bool:
    names = (*(f"label-{each}" for each in range(1, MAX_LINKS + 1)), "place-title", "description")
    return any(given.get(f"{name}-{code}") for name in names)


def limits() -> Mapping[str, int]:
    return {
        "max_heading": MAX_HEADING,
        "max_body": MAX_BODY,
        "max_with_picture": MAX_WITH_PICTURE,
        "max_links": MAX_LINKS,
        "max_label": MAX_LABEL,
        "max_description": MAX_DESCRIPTION,
    }


def said(reach: words.Reached | None, language: str, day_fault: str = "") -> str:
    """The figures in one sentence, for who hears the page."""
    if day_fault:
        return texts.say(f"announcing.fault.{day_fault}", language)
    if reach is None:
        return texts.say("announcing.fault.reach", language)
    if not reach.total:
        return texts.say("announcing.reach.nobody", language)
    total = texts.say("announcing.reach.people", language, count=reach.people)
    if reach.room:
        return f"{total} {texts.say('announcing.reach.at_once', language)}"
    return f"{total} {texts.say('announcing.reach.finishes', language, span=reach.span)}"
