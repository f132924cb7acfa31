"""What is wrong with the settings, as sentences that name the variable and never its value."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import ValidationError
from pydantic_settings import SettingsError

from bots import texts
from core.settings import PREFIX

SENTENCES: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("int_parsing", "int_type", "int_from_float", "int_parsing_size"),
        "whole",
    ),
    **dict.fromkeys(("float_parsing", "float_type", "finite_number"), "number"),
    **dict.fromkeys(("bool_parsing", "bool_type"), "switch"),
    **dict.fromkeys(("time_delta_parsing", "time_delta_type"), "duration"),
    **dict.fromkeys(("dict_type", "mapping_type", "tuple_type", "list_type"), "endpoints"),
    **dict.fromkeys(("string_type", "string_unicode"), "text"),
    **dict.fromkeys(("path_type", "path_not_directory"), "path"),
    "literal_error": "choice",
}
"""The sentence of a kind of error: pydantic's, and those of `core.settings`. Other kinds have a
sentence of their own name, or the one for whatever is left."""

ENVIRONMENT: Final = "unknown_setting"
LIMITS: Final = ("gt", "ge", "lt", "le", "limit")


def wrong_settings(error: ValidationError, language: str) -> str:
    """All that is wrong, a line each."""
    lines = [
        texts.say("settings.line", language, setting=setting, fault=fault)
        for each in error.errors(include_input=False, include_url=False)
        for setting, fault in _faults(each, language)
    ]
    return texts.say("settings.wrong", language, problems="\n".join(lines))


def no_json(error: SettingsError, language: str) -> str:
    """A value that should be JSON is none; the library's sentence names its field."""
    named = re.search(r'field "(\w+)"', str(error))
    setting = f"{PREFIX}{named[1].upper()}" if named else PREFIX
    line = texts.say(
        "settings.line", language, setting=setting, fault=texts.say("settings.fault.json", language)
    )
    return texts.say("settings.wrong", language, problems=line)


def _faults(each: Mapping[str, Any], language: str) -> Iterator[tuple[str, str]]:
    """(variable, sentence) of one of pydantic's errors."""
    kind, context = str(each["type"]), each.get("ctx", {})
    if kind == ENVIRONMENT:
        sentence = texts.say(f"settings.fault.{kind}", language)
        yield from ((name, sentence) for name in context["names"])
        return
    key = f"settings.fault.{_sentence(each)}"
    yield (
        context.get("setting") or _variable(each["loc"], kind, language),
        texts.say(
            key if texts.knows(key) else "settings.fault.other",
            language,
            kind=kind,
            limit=_limit(context, language),
            choices=_choices(str(context.get("expected", "")), language),
        ),
    )


def _sentence(each: Mapping[str, Any]) -> str:
    """A part of `chain_endpoints` is shown whole: a bare number would not say where it goes."""
    kind = str(each["type"])
    inside = len(each["loc"]) > 1 and kind != "string_type"
    return "endpoints" if inside else SENTENCES.get(kind, kind)


def _variable(where: tuple[int | str, ...], kind: str, language: str) -> str:
    """As it is written outside. In it, only numbers are named: other parts may be somebody's."""
    if not where:
        return PREFIX.rstrip("_")
    name, *parts = where
    outside = str(name).upper()
    if kind != "extra_forbidden":  # pydantic-settings says those as they stand in .env
        outside = f"{PREFIX}{outside}"
    part = next((str(each) for each in parts if str(each).isdecimal()), "")
    if not part:
        return outside
    return texts.say("settings.within", language, setting=outside, part=part)


def _limit(context: Mapping[str, Any], language: str) -> str:
    """A bound as a number, or a length of time, which pydantic says in English."""
    found = next((context[each] for each in LIMITS if each in context), "")
    if isinstance(found, float):
        found = f"{found:g}"
    count, unit, _ = str(found).partition(" seconds")
    return texts.say(f"settings.unit.{'seconds' if unit else 'none'}", language, count=count)


def _choices(expected: str, language: str) -> str:
    names = re.findall(r"'([^']+)'", expected)
    return ("、" if language == "ja" else ", ").join(names)
