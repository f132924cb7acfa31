"""The documentation says what is true: commands, settings, keys, words, links and licences."""

import importlib
import importlib.metadata
import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

import bots.cli
import core.errors
from bots import texts
from core.proof import Refusal
from core.settings import PREFIX, Settings
from core.town import events as town_events
from core.town import load, model, perks, rules
from knowledge.frontmatter import Disagreement, FrontMatter
from knowledge.ingest import read_guides

ROOT = Path(__file__).resolve().parents[1]
READMES = ("README.md", "README.ja.md")
PAGES = (*READMES, "CHANGELOG.md", *(f"docs/{each.name}" for each in (ROOT / "docs").glob("*.md")))

EVERY_LANGUAGE = (
    "about",
    "access",
    "areas",
    "asking",
    "chat",
    "computed",
    "desk",
    "discord",
    "errors",
    "events",
    "perks",
    "proofs",
    "queue",
    "telegram",
    "topics",
    "travel",
    "voice",
    "voice-channel",
    "voice-web",
    "web",
)
STAFF_ONLY = (
    *(
        "announce-chat",
        "announcing",
        "audit",
        "cli",
        "console",
        "evaluate",
        "events-desk",
        "index",
        "ingest",
    ),
    *("jobs", "members", "operations"),
    *("proofs-desk", "report", "settings", "windows"),
)
"""Files for staff and administrators: Japanese and English."""
TERMINAL = "happening."
"""What the terminal tells: Japanese and English, whatever file it stands in."""

TABLES: Mapping[str, type[BaseModel]] = {
    "town": model.Head,
    "persona": model.PersonaTable,
    "contacts": model.Contact,
    "chains": model.Chain,
    "collections": model.Collection,
    "gates": rules.Gate,
    "kinds": rules.Kind,
    "proofs": rules.Proof,
    "tiers": rules.Tier,
    "facilities": perks.Facility,
    "perks": perks.Perk,
    "events": town_events.Event,
    "discord": model.Discord,
    "telegram": model.Telegram,
    "access": rules.Access,
    "announcements": model.Announcements,
    "retention": model.Retention,
}
"""The tables of a town pack as docs/town.md heads them."""


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def prose(page: str) -> str:
    """The page without its code blocks."""
    return re.sub(r"^ *```.*?^ *```$", "", read(page), flags=re.MULTILINE | re.DOTALL)


def rows(text: str) -> list[list[str]]:
    """The cells of every table row, without heads and rulers."""
    found = [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]
        for line in text.splitlines()
        if line.strip().startswith("|")
    ]
    rulers = {number for number, cells in enumerate(found) if set("".join(cells)) <= set("-: ")}
    return [
        cells
        for number, cells in enumerate(found)
        if number not in rulers and number + 1 not in rulers
    ]


def section(page: str, heading: str) -> str:
    """What stands below a heading, up to the next one of any level."""
    for part in re.split(r"^#+ +", prose(page), flags=re.MULTILINE):
        title, _, body = part.partition("\n")
        if title.strip() == heading:
            return body
    raise AssertionError(f"{page} has no heading {heading!r}")


def headings(page: str) -> list[tuple[int, str]]:
    found = re.findall(r"^(#+) +(.+?) *$", prose(page), flags=re.MULTILINE)
    return [(len(marks), title) for marks, title in found]


# Commands


def commands(text: str, program: str) -> set[tuple[str, ...]]:
    """Every `program word [word]` in code, without options and arguments."""
    code = chain(
        re.findall(r"`([^`\n]+)`", text),
        *(b.splitlines() for b in re.findall(r"```.*?```", text, re.DOTALL)),
    )
    called = (
        re.findall(rf"(?:^|(?<!codes)[\s/]){program} +([a-z][a-z-]*)(?: +([a-z]+)(?= |$))?", line)
        for line in code
    )
    return {tuple(word for word in words if word) for line in called for words in line}


@pytest.mark.parametrize("page", PAGES)
def test_every_make_command_of_a_page_is_a_target(page: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), flags=re.MULTILINE))
    assert {words[0] for words in commands(read(page), "make")} <= targets


@pytest.mark.parametrize("page", PAGES)
def test_every_kankei_command_of_a_page_exists(page: str) -> None:
    groups = {group.name: group.typer_instance for group in bots.cli.command.registered_groups}
    known = {_name(each) for each in bots.cli.command.registered_commands}
    for first, *rest in commands(read(page), "kankei"):
        if first in groups:
            instance = groups[first]
            assert instance is not None
            assert set(rest) <= {_name(each) for each in instance.registered_commands}
        else:
            assert first in known


def _name(command: Any) -> str:
    return str(command.name or command.callback.__name__)


def test_both_readmes_name_every_command() -> None:
    single = {_name(each) for each in bots.cli.command.registered_commands}
    expected = single | {str(each.name) for each in bots.cli.command.registered_groups}
    for page in READMES:
        assert {words[0] for words in commands(read(page), "kankei")} == expected


# Settings


def settings_rows() -> list[list[str]]:
    """The settings table as the README has it."""
    return [
        [f"`{PREFIX}{name.upper()}`", _shown(field), field.description or ""]
        for name, field in Settings.model_fields.items()
    ]


def _shown(field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True, validated_data={})
    if isinstance(default, SecretStr):
        default = default.get_secret_value()
    match default:
        case bool():
            return f"`{str(default).lower()}`"
        case timedelta():
            return f"`{str(default).zfill(8)}`"  # hh:mm:ss, as it may be written
        case Path():
            return f"`{default.as_posix()}`"
        case None | "" | () | {}:
            return "—"
        case frozenset() if not default:
            return "—"
        case _:
            return f"`{default}`"


def test_the_settings_table_is_what_the_code_says() -> None:
    assert rows(section("README.md", "Settings")) == settings_rows()


def test_the_japanese_settings_table_has_the_same_names_and_defaults() -> None:
    found = rows(section("README.ja.md", "設定"))
    assert [cells[:2] for cells in found] == [cells[:2] for cells in settings_rows()]
    assert all(cells[2] for cells in found)


@pytest.mark.parametrize("page", PAGES)
def test_every_setting_a_page_names_exists(page: str) -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(rf"\b{PREFIX}[A-Z_]+\b", read(page))) <= known


# The town pack


@pytest.mark.parametrize("name", TABLES)
def test_every_key_of_a_table_is_explained_with_its_default(name: str) -> None:
    found = {cells[0]: cells[2] for cells in rows(section("docs/town.md", f"`{name}`"))}
    expected = {f"`{key}`" for key in TABLES[name].model_fields}
    assert set(found) == expected
    for key, field in TABLES[name].model_fields.items():
        assert (found[f"`{key}`"] == "required") == field.is_required(), key


def test_every_table_of_the_model_is_explained() -> None:
    assert set(TABLES) == set(model.TownPack.model_fields) - {"folder"}


@pytest.mark.parametrize(
    "rule",
    [
        rules.TokenRule,
        rules.ProofRule,
        rules.KindRule,
        rules.TierRule,
        rules.Everybody,
        rules.AllOf,
        rules.AnyOf,
        rules.SomeOf,
    ],
)
def test_every_form_of_a_rule_is_explained(rule: type[BaseModel]) -> None:
    text = section("docs/town.md", "Rules")
    assert all(f"`{key}`" in text for key in rule.model_fields)


def test_every_key_of_the_front_matter_is_explained() -> None:
    found = {cells[0]: cells[2] for cells in rows(section("docs/town.md", "Front matter"))}
    assert set(found) == {f"`{key}`" for key in FrontMatter.model_fields}
    for key, field in FrontMatter.model_fields.items():
        assert (found[f"`{key}`"] == "required") == field.is_required(), key
    text = section("docs/town.md", "Contradictions")
    assert all(f"`{key}`" in text for key in Disagreement.model_fields)


def test_the_examples_of_a_town_make_a_town(tmp_path: Path) -> None:
    """All TOML examples of docs/town.md in one file, and its guide beside it, pass the check."""
    page = read("docs/town.md")
    folder = tmp_path / "aoyama"
    (folder / "guides").mkdir(parents=True)
    examples = re.findall(r"^```toml\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    (folder / "town.toml").write_text("\n".join(examples), encoding="utf-8")
    guide = re.findall(r"^```text\n(---.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    (folder / "guides" / "onsen.md").write_text("".join(guide), encoding="utf-8")
    assert load(folder).town.slug == "aoyama"
    library = read_guides(folder / "guides")
    assert library.problems == ()
    assert [each.value for each in library.passages if each.item] == ["500円", "450円"]


# Words


def _family(error: type[core.errors.KankeiError]) -> Iterator[type[core.errors.KankeiError]]:
    yield error
    for each in error.__subclasses__():
        yield from _family(each)


def _errors(package: str) -> list[type[core.errors.KankeiError]]:
    for module in ("bots.app", "bots.limits", "bots.serve"):
        importlib.import_module(module)
    everything = _family(core.errors.KankeiError)
    return [each for each in everything if each.__module__.split(".")[0] == package]


@pytest.mark.parametrize("language", texts.LANGUAGES)
@pytest.mark.parametrize("error", _errors("core"), ids=lambda error: error.__name__)
def test_every_error_of_core_has_its_words_in_every_language(
    error: type[core.errors.KankeiError], language: str
) -> None:
    assert f"errors.{error.code}" in texts.catalogue(language)


@pytest.mark.parametrize("error", _errors("bots"), ids=lambda error: error.__name__)
def test_every_error_of_the_bots_has_its_words(error: type[core.errors.KankeiError]) -> None:
    in_chat = all(f"errors.{error.code}" in texts.catalogue(each) for each in texts.LANGUAGES)
    in_terminal = all(f"cli.{error.code}" in texts.catalogue(each) for each in ("ja", "en"))
    assert in_chat or in_terminal


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_every_refusal_of_a_proof_has_its_words_and_a_next_step(language: str) -> None:
    words = texts.catalogue(language)
    assert {
        f"web.fault.{refusal.value}.{part}" for refusal in Refusal for part in ("text", "next")
    } <= set(words)


def _words(language: str, file: str) -> Mapping[str, str]:
    prefix = f"{file}."
    return {
        key.removeprefix(prefix): text
        for key, text in texts.catalogue(language).items()
        if key.startswith(prefix)
    }


@pytest.mark.parametrize(
    ("file", "language"),
    [
        *((file, each) for file in EVERY_LANGUAGE for each in texts.LANGUAGES if each != "ja"),
        *((file, "en") for file in STAFF_ONLY),
    ],
)
def test_every_language_has_the_words_of_japanese(file: str, language: str) -> None:
    japanese, other = _words("ja", file), _words(language, file)
    expected = set(japanese)
    if language != "en":
        optional = {key for key in expected if key.startswith(TERMINAL)}
        expected -= optional - set(other)
    assert set(other) == expected
    assert all(text.strip() for text in other.values())
    for key, text in other.items():
        assert _places(text) == _places(japanese[key]), key


def _places(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def test_staff_words_stand_in_two_languages_and_people_s_words_in_six() -> None:
    for language in texts.LANGUAGES:
        files = {file.stem for file in (texts.LOCALES / language).glob("*.toml")}
        staff = set(STAFF_ONLY) if language in {"ja", "en"} else set()
        assert files == set(EVERY_LANGUAGE) | staff


# Links


def _slug(title: str) -> str:
    """The anchor that is made of a heading: letters, digits, hyphens."""
    kept = (
        each
        for each in title.lower().replace("`", "")
        if each in " -_" or unicodedata.category(each)[0] in "LNM"
    )
    return "".join(kept).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES)
def test_every_link_inside_the_project_leads_somewhere(page: str) -> None:
    text = re.sub(r"`[^`\n]*`", "", prose(page))
    targets = re.findall(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"", text)
    for target in (first or second for first, second in targets):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (ROOT / page).parent / path if path else ROOT / page
        assert file.exists(), target
        if anchor:
            titles = headings(file.resolve().relative_to(ROOT).as_posix())
            assert anchor in {_slug(title) for _, title in titles}, target


def test_both_readmes_have_the_same_shape() -> None:
    english, japanese = (headings(page) for page in READMES)
    assert [level for level, _ in english] == [level for level, _ in japanese]
    images = [set(re.findall(r"docs/screenshots/[\w-]+\.png", read(page))) for page in READMES]
    assert images[0] == images[1]
    for program in ("make", "kankei"):
        assert commands(read("README.md"), program) == commands(read("README.ja.md"), program)


@pytest.mark.parametrize("page", PAGES)
def test_no_page_holds_a_path_of_somebody_s_machine(page: str) -> None:
    assert not re.search(r"/(?:home|root|Users|work|tmp)/", read(page))


def test_the_changelog_speaks_of_this_version() -> None:
    version = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    assert any(title.startswith(f"[{version}]") for _, title in headings("CHANGELOG.md"))


# Licences


def dependencies() -> list[str]:
    """Every direct dependency of `pyproject.toml`, its extras included, but not ourselves."""
    project = tomllib.loads(read("pyproject.toml"))["project"]
    wanted = chain(project["dependencies"], *project["optional-dependencies"].values())
    names = {re.split(r"[\[<>=!~; ]", each, maxsplit=1)[0] for each in wanted}
    return sorted(names - {"kankei"})


def test_every_dependency_has_its_licence_listed() -> None:
    listed = {cells[0].strip("`") for cells in rows(read("docs/licences.md"))}
    assert set(dependencies()) <= listed


@pytest.mark.parametrize("name", dependencies())
def test_no_dependency_is_under_the_gpl(name: str) -> None:
    try:
        metadata = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return  # for another system
    expression = metadata.get_all("License-Expression") or ()
    classifiers = [each for each in metadata.get_all("Classifier") or () if "License" in each]
    text = [each[:100] for each in metadata.get_all("License") or ()]
    words = " ".join((*expression, *classifiers, *text))
    assert words
    assert not re.search(r"(?<!L)\bA?GPL|GNU (?:Affero )?General Public", words)
    if "LGPL" in words:
        assert name == "python-telegram-bot"  # used as a library, unchanged
