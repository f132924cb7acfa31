"""Announcements and notices in the reader's words and language."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from bots import texts
from bots.event_words import NOTICE, EventWords
from bots.reasons import Reasons
from core.announcements import Kind, Outgoing, Render
from core.town import TownPack
from core.town.words import FALLBACKS

_KEYS: Final = ("chat.notice", "access.notice", "announce-chat.notice")
"""Where the words of notices stand."""


def render_for(town: TownPack) -> Render:
    """What the pump asks for the words."""

    def render(
        kind: Kind, stored: Mapping[str, Any], language: str, topic: str | None = None
    ) -> Outgoing:
        if kind is Kind.NOTICE and str(stored["key"]).startswith(NOTICE):
            return EventWords(town).notice(stored, language)
        if kind is Kind.NOTICE:
            return _notice(town, stored, language)
        return _announcement(town, kind, stored, language, topic)

    return render


def _announcement(
    town: TownPack, kind: Kind, stored: Mapping[str, Any], language: str, topic: str | None
) -> Outgoing:
    """In the reader's language if staff wrote it, else in the nearest that they wrote.

    What goes to one person carries the button that ends it: its topic, or all direct messages.
    """
    candidates = (language, *FALLBACKS.get(language, ()), "ja")
    chosen = next((each for each in candidates if each in stored), next(iter(stored)))
    footnote = ""
    action: tuple[tuple[str, str], ...] = ()
    if kind is Kind.DIRECT:
        footnote, action = _way_out(town, topic, language)
    return Outgoing(
        heading=stored[chosen]["heading"],
        body=stored[chosen]["body"],
        sender=town.announcements.sender.get(language),
        footnote=footnote,
        language=chosen,
        action=action,
    )


def _way_out(
    town: TownPack, topic: str | None, language: str
) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Why somebody is written to, and the button that ends it."""
    known = town.topic(topic) if topic else None
    if known is None:
        stop = texts.say("topics.topic.stop-all", language)
        return texts.say("chat.notice.opt-out", language), ((stop, "messages:off"),)
    title = known.title.get(language)
    stop = texts.say("topics.topic.stop", language, topic=title)
    footnote = texts.say("topics.topic.footnote", language, topic=title)
    return footnote, ((stop, f"topic:{known.name}:off"),)


def _notice(town: TownPack, stored: Mapping[str, Any], language: str) -> Outgoing:
    key = next(
        (each for each in _KEYS if texts.knows(f"{each}.{stored['key']}.body")), "chat.notice"
    )
    key = f"{key}.{stored['key']}"
    values = dict(stored["values"])
    if gate := town.gate(values.get("room", "")):
        values["room"] = gate.title.get(language)
    if values.get("room"):
        # A notice that waited since before the reasons has none: then what the room asks for.
        reasons = Reasons(town, language)
        asked = str(reasons.rule(gate.rule)) if gate else texts.say("access.room.gone", language)
        values["reason"] = reasons.stored(values["why"]) if "why" in values else asked
    if "leave_at" in values:
        local = datetime.fromisoformat(values["leave_at"]).astimezone(ZoneInfo(town.town.timezone))
        values["date"] = texts.say(
            "chat.date", language, year=local.year, month=local.month, day=local.day
        )
    if "as_of" in values:
        day = date.fromisoformat(values["as_of"])
        values["date"] = texts.say(
            "chat.date", language, year=day.year, month=day.month, day=day.day
        )
    if "answer_language" in values:
        values["note"] = _unread(values["answer_language"], language)
    if "platform" in values:
        values["platform"] = texts.say(f"chat.platform.{values['platform']}", language)
    action = stored.get("action")
    buttons: list[tuple[str, str]] = []
    if action:
        buttons.append((texts.say(f"{key}.yes", language), action))
        if texts.knows(f"{key}.no"):
            buttons.append((texts.say(f"{key}.no", language), f"{action}:no"))
    return Outgoing(
        heading=texts.say(f"{key}.heading", language, **values),
        body=texts.say(f"{key}.body", language, **values),
        sender=town.announcements.sender.get(language),
        footnote=texts.say("chat.notice.footnote", language, town=town.town.name.get(language)),
        language=language,
        action=tuple(buttons),
    )


def _unread(written: str, language: str) -> str:
    """A line that says what an answer is written in, where the reader's language is another."""
    if written == language or {written, language} == {"ja", "ja-easy"}:
        return ""
    return texts.say("queue.tell.foreign", language) + "\n"
