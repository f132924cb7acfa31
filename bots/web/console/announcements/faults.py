"""Where in the form a fault of core belongs, and the sentence that says what to do."""

from collections.abc import Iterable, Mapping
from typing import Final

from bots.fitting import TooLong
from bots.web.console.announcements.form import Faults, Given
from core.announcements import MAX_BODY, MAX_HEADING, MAX_LABEL, MAX_WITH_PICTURE, Fault
from core.errors import BadAnnouncement

_FIXED: Final[Mapping[str, tuple[str, str]]] = {
    Fault.PLACES: ("reach", "places"),
    Fault.START: ("start", "start"),
    Fault.DEADLINE: ("deadline", "deadline"),
    Fault.FORMAT: ("picture", "picture"),
    Fault.SIZE: ("picture", "picture-pixels"),
    Fault.PICTURE: ("picture", "picture-gone"),
    Fault.DESCRIPTION: ("description-ja", "no-description"),
}
_AUDIENCE: Final = frozenset(
    {Fault.ROOM, Fault.TIER, Fault.PROOF, Fault.AREA, Fault.TOPIC, Fault.MISSED, Fault.LANGUAGE}
)


def located(error: BadAnnouncement, given: Given) -> Faults:
    """The fault under the name of the field where it can be mended."""
    reason, where = error.reason, error.where
    if reason in _FIXED:
        name, key = _FIXED[reason]
        return {name: (key, {})}
    if reason in _AUDIENCE:
        return {"audience": ("unknown", {})}
    match reason:
        case Fault.WORDS:
            part = "body" if given.get(f"heading-{where}") else "heading"
            return {f"{part}-{where}": (f"no-{part}", {})}
        case Fault.LENGTH:
            if len(given.get(f"heading-{where}")) > MAX_HEADING:
                return {f"heading-{where}": ("heading-long", {"limit": MAX_HEADING})}
            return {f"body-{where}": ("body-long", {"limit": MAX_BODY})}
        case Fault.CAPTION:
            values = {"limit": MAX_WITH_PICTURE, "other": MAX_BODY}
            return {f"body-{where}": ("caption", values)}
        case Fault.ADDRESS:
            return {_link_with(given, where): ("address", {})}
        case Fault.LABEL:
            return {f"label-{_label_too_long(given)}": ("label-long", {"limit": MAX_LABEL})}
        case Fault.LOCATION:
            return {"place-title-ja": ("label-long", {"limit": MAX_LABEL})}
        case _:
            return {"form": ("other", {"words": where})}


def long_faults(found: Iterable[TooLong]) -> Faults:
    """The words that are more than one message, by their language; the first platform is named."""
    faults: Faults = {}
    for each in found:
        faults.setdefault(f"body-{each.language}", ("long", {"platform": each.platform.title()}))
    return faults


def _link_with(given: Given, label: str) -> str:
    """The address of the button with this label."""
    numbers = (each for each in "123" if given.get(f"label-{each}-ja") == label)
    return f"link-{next(numbers, '1')}"


def _label_too_long(given: Given) -> str:
    """Number and language of the label that is too long."""
    return next(
        (
            name.removeprefix("label-")
            for name, words in given.fields.items()
            if name.startswith("label-") and len(words) > MAX_LABEL
        ),
        "1-ja",
    )
