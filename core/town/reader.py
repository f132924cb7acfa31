"""From a folder to a `TownPack`, with every problem named by file, line and remedy."""

import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from core.errors import TownPackError
from core.town.events import moment_of
from core.town.model import TownPack, is_insecure
from core.town.rules import KindRule, ProofRule, Rule, TierRule, TokenRule, leaves

MAX_BYTES = 1_000_000
MAX_INCLUDES = 20


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a pack. `line` counts from 1; 0 where no line can be named."""

    file: Path
    line: int
    what: str
    remedy: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else str(self.file)
        return f"{place}: {self.what} → {self.remedy}"


@dataclass(frozen=True, slots=True)
class _Source:
    file: Path
    text: str
    tables: Mapping[str, Any]
    offsets: Mapping[str, int]  # how many entries of a list came from files before this one


def load(folder: Path) -> TownPack:
    """Read and check the pack in `folder`.

    Raises `TownPackError` with every problem found, one a line.
    """
    problems: list[Problem] = []
    sources = list(_read(folder / "town.toml", [], problems, {}))
    if problems:
        raise _error(problems)
    merged = _merge(sources, problems)
    pack: TownPack | None = None
    try:
        pack = TownPack.model_validate({**merged, "folder": folder})
    except ValidationError as error:
        for each in error.errors():
            file, line = _locate(sources, each["loc"])
            problems.append(Problem(file, line, _describe(each["loc"], each["type"]), each["msg"]))
    if pack is not None:
        problems.extend(_cross_checks(pack, sources))
    if problems or pack is None:
        raise _error(problems)
    return pack


def _error(problems: Sequence[Problem]) -> TownPackError:
    return TownPackError("\n".join(str(problem) for problem in problems))


def _read(
    file: Path, parents: list[Path], problems: list[Problem], counts: dict[str, int]
) -> Iterator[_Source]:
    """The file and all that it includes, depth first."""
    if file.resolve() in parents:
        chain = " → ".join(path.name for path in [*parents, file.resolve()])
        problems.append(
            Problem(parents[-1], 0, f"files include each other: {chain}", "remove one include")
        )
        return
    if len(parents) > MAX_INCLUDES:
        problems.append(Problem(file, 0, "too many includes", f"keep to {MAX_INCLUDES}"))
        return
    parsed = _parse(file)
    if isinstance(parsed, Problem):
        problems.append(parsed)
        return
    text, tables = parsed
    includes = tables.pop("include", [])
    if not isinstance(includes, list) or not all(isinstance(each, str) for each in includes):
        problems.append(Problem(file, 1, "include is not a list", 'write include = ["perks.toml"]'))
        return
    yield _Source(file, text, tables, dict(counts))
    for key, value in tables.items():
        if isinstance(value, list):
            counts[key] = counts.get(key, 0) + len(value)
    for each in includes:
        target = file.parent / each
        if not target.resolve().is_relative_to((parents or [file.resolve()])[0].parent):
            problems.append(
                Problem(file, 1, f"{each} lies outside the pack", "keep every file in the folder")
            )
            continue
        yield from _read(target, [*parents, file.resolve()], problems, counts)


def _parse(file: Path) -> tuple[str, dict[str, Any]] | Problem:
    try:
        if file.stat().st_size > MAX_BYTES:
            return Problem(file, 0, "larger than 1 MB", "split it or move texts to guides/")
        text = file.read_text(encoding="utf-8-sig")
        return text, tomllib.loads(text)
    except FileNotFoundError:
        return Problem(
            file, 0, "the file is missing", "create it, or start with `kankei new <slug>`"
        )
    except UnicodeDecodeError:
        return Problem(file, 0, "the file is not UTF-8", "save it as UTF-8")
    except OSError as error:
        return Problem(file, 0, f"cannot be read ({error.strerror})", "check its rights")
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        line = int(found.group(1)) if found else len(text.splitlines())
        return Problem(file, line, f"not TOML: {error}", "compare with docs/town.md")


def _merge(sources: Iterable[_Source], problems: list[Problem]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for source in sources:
        for key, value in source.tables.items():
            if key not in merged:
                merged[key] = list(value) if isinstance(value, list) else value
            elif isinstance(value, list) and isinstance(merged[key], list):
                merged[key].extend(value)
            else:
                line = _line_of(source.text, (key,))
                problems.append(
                    Problem(source.file, line, f"[{key}] stands in two files", "keep one of them")
                )
    return merged


Place = Callable[[tuple[str | int, ...]], tuple[Path, int]]


def _cross_checks(pack: TownPack, sources: Sequence[_Source]) -> Iterator[Problem]:
    """What no single table can know: names that other tables must have."""

    def place(loc: tuple[str | int, ...]) -> tuple[Path, int]:
        return _locate(sources, loc)

    yield from _folder_checks(pack, place)
    yield from _twice(pack, place)
    yield from _gate_checks(pack, place)
    yield from _chain_checks(pack, place)
    yield from _event_checks(pack, place)


def _folder_checks(pack: TownPack, place: Place) -> Iterator[Problem]:
    folder = pack.folder.resolve().name
    if pack.town.slug != folder:
        yield Problem(
            *place(("town", "slug")),
            f"slug is {pack.town.slug} but the folder is {folder}",
            "give both the same name",
        )
    if not pack.guides.is_dir() or not any(each.is_file() for each in pack.guides.rglob("[!.]*")):
        yield Problem(
            pack.guides, 0, "there are no guide documents", "put at least one into guides/"
        )


def _twice(pack: TownPack, place: Place) -> Iterator[Problem]:
    for table in (
        "kinds",
        "proofs",
        "collections",
        "tiers",
        "gates",
        "facilities",
        "perks",
        "events",
    ):
        names = [each.name for each in getattr(pack, table)]
        for index, name in enumerate(names):
            if name in names[:index]:
                yield Problem(
                    *place((table, index, "name")),
                    f"{table}: {name} stands twice",
                    "rename or remove one",
                )


def _gate_checks(pack: TownPack, place: Place) -> Iterator[Problem]:
    for index, proof in enumerate(pack.proofs):
        if proof.kind is not None and proof.kind not in {each.name for each in pack.kinds}:
            what = f"proof {proof.name} makes an unknown kind of member: {proof.kind}"
            known = _one_of([each.name for each in pack.kinds], "kinds")
            yield Problem(*place(("proofs", index, "kind")), what, known)
    for index, tier in enumerate(pack.tiers):
        lower = [each.name for each in pack.tiers[:index]]
        loc = ("tiers", index, "rule")
        yield from _rule_checks(pack, f"tier {tier.name}", tier.rule, lower, place(loc))
    for index, gate in enumerate(pack.gates):
        tiers = [each.name for each in pack.tiers]
        loc = ("gates", index, "rule")
        yield from _rule_checks(pack, f"gate {gate.name}", gate.rule, tiers, place(loc))
        if gate.discord_role is not None and pack.discord is None:
            yield Problem(
                *place(("gates", index, "discord_role")),
                f"gate {gate.name} names a Discord role, but the pack names no server",
                "add [discord] with guild = <server id>",
            )
    yield from _perk_checks(pack, place)


def _rule_checks(
    pack: TownPack, whose: str, rule: Rule, tiers: Sequence[str], at: tuple[Path, int]
) -> Iterator[Problem]:
    """Every name that a rule asks for stands in the pack; a tier asks for lower ones only."""
    known = {
        "collection": ("collections", [each.name for each in pack.collections]),
        "proof": ("proofs", [each.name for each in pack.proofs]),
        "kind": ("kinds", [each.name for each in pack.kinds]),
        "tier": ("tiers", list(tiers)),
    }
    for leaf in leaves(rule):
        match leaf:
            case TokenRule(collection=name):
                what = "collection"
            case ProofRule(proof=name):
                what = "proof"
            case KindRule(kind=name):
                what = "kind"
            case TierRule(tier=name):
                what = "tier"
            case _:
                continue
        table, names = known[what]
        if name not in names:
            yield Problem(*at, f"{whose} asks for an unknown {what}: {name}", _one_of(names, table))


def _one_of(names: Sequence[str], table: str) -> str:
    return f"use one of: {', '.join(sorted(names)) or f'(add [[{table}]])'}"


def _perk_checks(pack: TownPack, place: Place) -> Iterator[Problem]:
    gates = [gate.name for gate in pack.gates]
    facilities = [each.name for each in pack.facilities]
    for index, perk in enumerate(pack.perks):
        if perk.gate is not None and perk.gate not in gates:
            what = f"perk {perk.name} names an unknown gate: {perk.gate}"
            yield Problem(*place(("perks", index, "gate")), what, _one_of(gates, "gates"))
        for missing in sorted(set(perk.facilities) - set(facilities)):
            what = f"perk {perk.name} names an unknown facility: {missing}"
            remedy = _one_of(facilities, "facilities")
            yield Problem(*place(("perks", index, "facilities")), what, remedy)
        if perk.gate is None and perk.worth_money and "visitors" not in perk.model_fields_set:
            yield Problem(
                *place(("perks", index, "name")),
                f"perk {perk.name} is worth money and has no gate: another browser, another use",
                'name a gate, or write visitors = "chat"; visitors = "anybody" if that is meant',
            )
        if perk.counted_by != "person" and not _standards(pack, perk.gate):
            yield Problem(
                *place(("perks", index, "counted_by")),
                f"perk {perk.name} counts by token, but its gate asks for none",
                'write counted_by = "person"',
            )
        elif perk.counted_by != "person" and "ERC-1155" in _standards(pack, perk.gate):
            yield Problem(
                *place(("perks", index, "counted_by")),
                f"perk {perk.name} counts by token, but many people may hold one ERC-1155 token",
                'write counted_by = "person"',
            )


def _event_checks(pack: TownPack, place: Place) -> Iterator[Problem]:
    gates, zone = [gate.name for gate in pack.gates], ZoneInfo(pack.town.timezone)
    for index, event in enumerate(pack.events):
        if event.gate is not None and event.gate not in gates:
            what = f"event {event.name} names an unknown gate: {event.gate}"
            yield Problem(*place(("events", index, "gate")), what, _one_of(gates, "gates"))
        if event.capacity is not None and event.capacity <= event.companions:
            yield Problem(
                *place(("events", index, "companions")),
                f"event {event.name} has {event.capacity} seats: too few for so many companions",
                "raise capacity or lower companions",
            )
        for key in ("starts", "ends", "reply_until"):
            wall = getattr(event, key)
            if wall is not None and moment_of(wall, zone) is None:
                yield Problem(
                    *place(("events", index, key)),
                    f"event {event.name}: the clock of {zone.key} skips {wall:%H:%M} that day",
                    "choose a time before or after the clock is put forward",
                )


def _standards(pack: TownPack, gate_name: str | None) -> set[str]:
    """The standards of the tokens by which somebody may come through this gate."""
    gate = pack.gate(gate_name) if gate_name is not None else None
    rules = [gate.rule] if gate is not None else []
    for tier in reversed(pack.tiers):
        named = {leaf.tier for rule in rules for leaf in leaves(rule) if isinstance(leaf, TierRule)}
        if tier.name in named:
            rules.append(tier.rule)
    asked = [leaf for rule in rules for leaf in leaves(rule) if isinstance(leaf, TokenRule)]
    known = {each.name: each.standard for each in pack.collections}
    return {known.get(leaf.collection, "unknown") for leaf in asked}


def _chain_checks(pack: TownPack, place: Place) -> Iterator[Problem]:
    chains = {chain.id for chain in pack.chains}
    for index, collection in enumerate(pack.collections):
        if collection.chain_id not in chains:
            yield Problem(
                *place(("collections", index, "chain_id")),
                f"collection {collection.name} lives on an unknown chain: {collection.chain_id}",
                "add it as [[chains]]",
            )
    for index, chain in enumerate(pack.chains):
        if any(is_insecure(url) for url in chain.endpoints):
            yield Problem(
                *place(("chains", index, "endpoints")),
                f"an endpoint of chain {chain.id} is not encrypted",
                "use an https address",
            )


def _describe(loc: Sequence[str | int], kind: str) -> str:
    place = ".".join(str(part) for part in loc)
    return f"{place} is missing" if kind == "missing" else f"{place} is not right"


def _locate(sources: Sequence[_Source], loc: Sequence[str | int]) -> tuple[Path, int]:
    """File and line of the deepest part of `loc` that stands in a file."""
    top = loc[0] if loc else ""
    holders = [source for source in sources if top in source.tables]
    if not holders:
        return sources[0].file, 0
    source, rest = holders[0], list(loc)
    if len(loc) > 1 and isinstance(loc[1], int):
        for holder in holders:
            offset = holder.offsets.get(str(top), 0)
            if loc[1] >= offset:
                source, rest = holder, [top, loc[1] - offset, *loc[2:]]
    return source.file, _line_of(source.text, rest)


_HEADER = re.compile(r"^\s*(\[\[?)\s*([\w.\-\"' ]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"^\s*([\w.\-\"' ]+?)\s*=")


def _line_of(text: str, loc: Sequence[str | int]) -> int:
    """The line (from 1) of `loc`, or of its nearest parent, in TOML `text`; 0 if nowhere."""
    counters: Counter[tuple[str | int, ...]] = Counter()
    table: tuple[str | int, ...] = ()
    best_depth, best_line = 0, 0
    for number, line in enumerate(text.splitlines(), start=1):
        path: tuple[str | int, ...]
        if header := _HEADER.match(line):
            names = _split(header.group(2))
            if header.group(1) == "[[":
                parent = (*_current(names[:-1], counters), names[-1])
                table = (*parent, counters[parent])
                counters[parent] += 1
            else:
                table = _current(names, counters)
            path = table
        elif key := _KEY.match(line):
            path = table + _split(key.group(1))
        else:
            continue
        depth = 0
        for mine, asked in zip(path, loc, strict=False):
            if mine != asked:
                break
            depth += 1
        if depth == min(len(path), len(loc)) and depth > best_depth:
            best_depth, best_line = depth, number
    return best_line


def _split(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


def _current(
    names: Sequence[str], counters: Mapping[tuple[str | int, ...], int]
) -> tuple[str | int, ...]:
    """`names` with the index of the newest entry wherever a list of tables is meant."""
    path: tuple[str | int, ...] = ()
    for name in names:
        path = (*path, name)
        if counters.get(path):
            path = (*path, counters[path] - 1)
    return path
