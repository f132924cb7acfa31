"""Answers in words: what the mascot says, in the reader's language."""

from dataclasses import replace

from bots import texts
from bots.conversation import computed
from bots.conversation.messages import Button, Quote, Reply
from bots.conversation.quoting import MAX_SOURCES, Quoting
from bots.conversation.spoken import Spoken
from core.town import TownPack
from knowledge.answer import REFUSALS, Answer, AnswerKind


class Wording:
    """The mascot's manner in one town."""

    def __init__(self, town: TownPack) -> None:
        self._town = town
        self._quoting = Quoting(town.folder)
        self._spoken = Spoken(town, self._quoting)

    def word(self, answer: Answer, language: str) -> Reply:
        """An answer as people read and hear it, in their language."""
        return replace(self._written(answer, language), spoken=self._spoken.of(answer, language))

    def _written(self, answer: Answer, language: str) -> Reply:
        persona = self._town.persona
        match answer.kind:
            case AnswerKind.ANSWERED:
                return self._answered(answer, language)
            case AnswerKind.CLARIFY:
                return self._clarify(answer, language)
            case AnswerKind.EMERGENCY:
                return self._emergency(answer, language)
            case AnswerKind.GREETING:
                return Reply(text=persona.greeting.get(language))
            case AnswerKind.FAREWELL:
                return Reply(text=persona.closing.get(language))
            case AnswerKind.HARMFUL:
                text = texts.say("asking.harmful", language)
            case kind:
                text = texts.say(f"chat.answer.{kind.value.replace('_', '-')}", language)
        if answer.kind is AnswerKind.UNKNOWN:
            text = persona.unknown.get(language) + "\n\n" + text
        if answer.kind in REFUSALS:
            text += "\n" + "\n".join(self._contacts(language))
        return Reply(text=text, footnote=sample_note(self._town, language))

    def _answered(self, answer: Answer, language: str) -> Reply:
        opening = self._town.persona.opening.get(language)
        quotes: tuple[Quote, ...] = ()
        heading: str | None = None
        if answer.written is not None:
            paragraphs = [answer.written]
        elif answer.computed is not None:
            paragraphs = [opening, computed.word(answer.computed, language)]
        else:
            quoted = self._quoting.extracts(answer.extracts, language)
            paragraphs = [opening, *quoted.paragraphs]
            quotes, heading = quoted.quotes, quoted.heading
        if answer.options:
            paragraphs.append(texts.say("asking.also", language))
        if heading is not None:
            paragraphs.append(heading)
        limit = None if answer.computed is not None else MAX_SOURCES
        return Reply(
            text="\n\n".join(paragraphs),
            quotes=quotes,
            sources=self._quoting.sources(answer.extracts, language, limit),
            footnote=sample_note(self._town, language),
            buttons=self._choices(answer, language),
        )

    def _clarify(self, answer: Answer, language: str) -> Reply:
        return Reply(
            text=texts.say("asking.which", language),
            footnote=sample_note(self._town, language),
            buttons=self._choices(answer, language),
        )

    def _choices(self, answer: Answer, language: str) -> tuple[tuple[Button, ...], ...]:
        """Return a button a sight: its place among the choices comes back."""
        return tuple(
            (Button(self._quoting.name(facility, language), action=f"about:{number}"),)
            for number, facility in enumerate(answer.options)
        )

    def _emergency(self, answer: Answer, language: str) -> Reply:
        kind = answer.emergency.value.replace("_", "-") if answer.emergency else "both"
        parts = [texts.say(f"chat.emergency.{kind}", language)]
        if answer.extracts:
            parts.append(texts.say("chat.emergency.places", language))
            parts.extend(self._quoting.facts(answer.extracts, language))
        return Reply(
            text="\n".join(parts), sources=self._quoting.sources(answer.extracts, language)
        )

    def _contacts(self, language: str) -> list[str]:
        lines = []
        for contact in self._town.contacts:
            details = [contact.phone, contact.hours.get(language) if contact.hours else None]
            shown = " ".join(each for each in details if each)
            lines.append(f"・{contact.title.get(language)} {shown}".rstrip())
        return lines


def sample_note(town: TownPack, language: str) -> str:
    """On every surface of a sample town; nothing for a real one."""
    if not town.town.sample:
        return ""
    return texts.say(
        "chat.sample", language, town=town.town.name.get(language), url=town.town.official_url
    )
