"""Staff read every action of the audit log in words."""

import ast
from collections.abc import Iterator
from typing import Final

import pytest

from bots import texts
from tests.conftest import ROOT

ACTIONS: Final = {"record": 2, "record_of_member": 2, "_note": 2}
"""What writes to the log, and which argument is the action, unless it is named."""

STEPS: Final = {
    "step": ("announcement", 2),
    "_audit": ("access", 2),
    "record_change": ("access", 2),
    "store": ("access", 2),
}
"""What writes an action of one area, of which it is told the rest."""


def words(node: ast.AST) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value


def argument(call: ast.Call, place: int) -> ast.AST | None:
    named = [each.value for each in call.keywords if each.arg == "action"]
    if named:
        return named[0]
    return call.args[place] if len(call.args) > place else None


def written(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=str(name)) | ast.Attribute(attr=str(name))):
                area, place = STEPS.get(name, ("", ACTIONS.get(name, -1)))
                found = argument(node, place) if place >= 0 else None
                if found is None or isinstance(found, ast.JoinedStr):
                    continue
                for word in words(found):
                    if area or "." in word:
                        yield word if "." in word else f"{area}.{word}"
            case ast.Assign(targets=[ast.Name(id="action")], value=value):
                yield from (word for word in words(value) if "." in word)
            case _:
                continue


def actions() -> set[str]:
    files = [*(ROOT / "core").rglob("*.py"), *(ROOT / "bots").rglob("*.py")]
    return {each for file in files for each in written(ast.parse(file.read_text(encoding="utf-8")))}


def test_the_actions_are_found_in_the_code() -> None:
    found = actions()
    assert {
        "archive.written",
        "archive.restored",
        "announcement.paused",
        "access.warned",
        "member.joined",
        "event.made",
        "perk.redeemed",
        "job.run",
    } <= found


@pytest.mark.parametrize("language", ["ja", "en"])
def test_every_action_that_the_code_writes_has_its_words(language: str) -> None:
    missing = sorted(
        each
        for each in actions()
        if texts.say(f"audit.action.{each.replace('.', '-')}", language).startswith("audit.action")
    )
    assert missing == []
