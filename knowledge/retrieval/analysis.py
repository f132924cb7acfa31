"""Analysis: what words, readings and concepts each passage of a library holds.

Reading a passage with the dictionary takes a millisecond, so the outcome is kept in the cache, by
the content of the passage: when one document changes, the others are not read again. What was kept
by another version of the code or of the dictionary is worked out anew, and so is a damaged file.
"""

import hashlib
import importlib.metadata
import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from knowledge.lexicon import lexicon
from knowledge.library import Library
from knowledge.names import Names
from knowledge.passage import Passage
from knowledge.retrieval import arrayfile
from knowledge.retrieval.arrayfile import Arrays, DamagedFile
from knowledge.retrieval.bm25 import Bm25
from knowledge.retrieval.ragged import Ragged, Strings, TermSets, packed, unpacked
from knowledge.text import without_ruby
from knowledge.words import Words, grams

logger = logging.getLogger(__name__)

FILE = "analysis.kix"
_KEY = 16  # bytes of a BLAKE2b
_SETS = ("concepts", "mentioned", "main", "headed")
_NAMED = ("labels", "bodies")  # these depend on the names of the whole library
_ROWS = ("own", "above", "grams", *_SETS, *_NAMED)

Sets = Sequence[frozenset[str]]
"""One set of terms, concepts or names a passage, in the order of the library."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """The words of one library."""

    held: Sets  # terms, with those of the headings
    own: Sets  # terms of the text alone
    concepts: Sets  # named by the item, or else by the innermost heading
    mentioned: Sets  # concepts that anything in or above the passage names
    main: Sets  # concepts of which the passage states the main fact
    headed: Sets  # concepts that the innermost heading names or asks for
    labels: Sets  # names that say what the passage is about
    bodies: Sets  # all names in and above the passage
    words: Bm25
    readings: Bm25
    read: int = 0  # passages that were read anew
    damaged: bool = False  # whether what was kept could not be used


def opened(
    library: Library,
    words: Words,
    names: Names,
    folder: Path,
    progress: Callable[[str], None] = lambda _: None,
) -> Analysis:
    """Return the analysis and keep it, reading only passages that the cache does not hold."""
    path = folder / FILE
    made_with = json.dumps({"code": _code(), "names": names.fingerprint})
    keys = [_key(each, names) for each in library.passages]
    kept, damaged = _load(path)
    if kept is not None and kept.holds(keys, made_with):
        return kept.analysis()
    if damaged:
        progress("the kept words of the guides were damaged and are worked out again")
    tables, read = _renewed(library, words, names, keys, kept or _Tables.empty())
    tables = _Tables(made_with, tables.arrays)
    try:
        arrayfile.write(path, made_with, tables.arrays)
        stored, _ = _load(path)
        tables = stored or tables  # mapped, the same takes no memory
    except OSError as error:
        # Without room on the disk the town still answers; the next start takes longer.
        logger.warning("analysis.not_saved", extra={"path": str(path), "error": str(error)})
    return tables.analysis(read=read, damaged=damaged)


def label(passage: Passage) -> str:
    """Return what a passage is about: its subject, innermost heading and item."""
    subject = passage.facility or passage.title
    parts = (passage.headings[-1] if passage.headings else passage.title, passage.item or "")
    return without_ruby(" ".join(dict.fromkeys((subject, *(each for each in parts if each)))))


def _heading(passage: Passage) -> str:
    return without_ruby(passage.headings[-1] if passage.headings else passage.title)


def _topic(passage: Passage) -> str:
    """The words that say which question a passage answers."""
    return without_ruby(passage.item) if passage.item else _heading(passage)


def _naming(passage: Passage, names: Names) -> frozenset[str]:
    """A row that names a sight is about that one, whatever its heading says."""
    return names.held(without_ruby(passage.item or "")) or names.held(label(passage))


def _above(passage: Passage) -> str:
    return without_ruby(f"{passage.title}\n{label(passage)}")


def _spoken(passage: Passage) -> str:
    """What words and readings are taken from; headings and item count twice."""
    return f"{_above(passage)}\n{without_ruby(passage.text)}"


def _key(passage: Passage, names: Names) -> bytes:
    """Digest all that the reading of one passage depends on, the names in it included."""
    parts = (
        *(passage.title, passage.facility, passage.item, passage.text, passage.language),
        *passage.headings,
    )
    written = "\0".join(each or "" for each in parts)
    spelled = "".join(
        f"\0{name}\0{kana}" for name, kana in names.readings.items() if name in written
    )
    return hashlib.blake2b((written + spelled).encode(), digest_size=_KEY).digest()


@cache
def _code() -> str:
    """A digest of this package and of the dictionary: whatever may change an analysis."""
    digest = hashlib.sha256()
    for package in ("sudachipy", "sudachidict-core"):
        digest.update(importlib.metadata.version(package).encode())
    for name, content in sorted(_sources(files("knowledge"), "")):
        digest.update(name.encode() + content)
    return digest.hexdigest()


def _sources(folder: Traversable, above: str) -> Iterable[tuple[str, bytes]]:
    for each in folder.iterdir():
        name = f"{above}/{each.name}"
        if each.is_dir():
            yield from _sources(each, name)
        elif each.name.endswith((".py", ".toml")):
            yield name, each.read_bytes()


@dataclass(frozen=True, slots=True)
class _Tables:
    """The analysis as arrays: what each passage holds, and in which passages each term stands."""

    made_with: str
    arrays: Arrays

    @classmethod
    def empty(cls) -> "_Tables":
        none = Ragged.of(())
        arrays: dict[str, NDArray[np.generic]] = {"keys": np.zeros((0, _KEY), np.uint8)}
        for name in _ROWS:
            arrays |= {f"{name}.values": none.values, f"{name}.ends": none.ends}
        arrays |= {f"strings.{name}": packed(()) for name in ("terms", "grams", "tags")}
        return cls("", arrays)

    def holds(self, keys: Sequence[bytes], made_with: str) -> bool:
        return self.made_with == made_with and self.arrays["keys"].tobytes() == b"".join(keys)

    def same(self, part: str, made_with: str) -> bool:
        """Whether the code, or the names, were the same when this was made."""
        if not self.made_with:
            return False
        before: Mapping[str, str] = json.loads(self.made_with)
        now: Mapping[str, str] = json.loads(made_with)
        return before.get(part) == now.get(part)

    def rows(self, name: str) -> Ragged:
        return Ragged(
            np.asarray(self.arrays[f"{name}.values"], dtype=np.int32),
            np.asarray(self.arrays[f"{name}.ends"], dtype=np.int64),
        )

    def strings(self, name: str) -> list[str]:
        return unpacked(self.arrays[f"strings.{name}"])

    def analysis(self, *, read: int = 0, damaged: bool = False) -> Analysis:
        terms, tags = self.strings("terms"), self.strings("tags")
        size = len(self.arrays["keys"])

        def index(name: str, strings: Iterable[str]) -> Bm25:
            stored = {
                part: self.arrays[f"{name}.{part}"] for part in ("ends", "numbers", "weights")
            }
            return Bm25.restored(stored, Strings(strings).place, size)

        own, above = self.rows("own"), self.rows("above")
        return Analysis(
            held=TermSets(terms, own, above),
            own=TermSets(terms, own),
            **{name: self.rows(name).interned(tags) for name in (*_SETS, *_NAMED)},
            words=index("words", terms),
            readings=index("readings", self.strings("grams")),
            read=read,
            damaged=damaged,
        )


def _renewed(
    library: Library, words: Words, names: Names, keys: Sequence[bytes], kept: _Tables
) -> tuple[_Tables, int]:
    """Take from what is kept all that still holds, and read the rest."""
    made_with = json.dumps({"code": _code(), "names": names.fingerprint})
    if not kept.same("code", made_with):
        kept = _Tables.empty()
    before = kept.arrays["keys"].tobytes()
    place = {before[at : at + _KEY]: at // _KEY for at in range(0, len(before), _KEY)}
    strings = {name: Strings(kept.strings(name)) for name in ("terms", "grams", "tags")}
    fresh: dict[bytes, int] = {}
    read: list[dict[str, list[int]]] = []
    for key, passage in zip(keys, library.passages, strict=True):
        if key not in place and key not in fresh:
            fresh[key] = len(place) + len(read)
            read.append(_read(passage, words, names, strings))
    place |= fresh
    chosen = np.array([place[key] for key in keys], dtype=np.int64)
    rows = {
        name: (kept.rows(name) + Ragged.of(each[name] for each in read)).take(chosen)
        for name in _ROWS
    }
    if not kept.same("names", made_with):
        tags = strings["tags"]
        for name, naming in (("labels", _naming), ("bodies", _named)):
            rows[name] = Ragged.of(
                tags.numbers(sorted(naming(each, names))) for each in library.passages
            )
    return _tabled(keys, rows, strings), len(read)


def _named(passage: Passage, names: Names) -> frozenset[str]:
    return names.held(_spoken(passage))


def _read(
    passage: Passage, words: Words, names: Names, strings: Mapping[str, Strings]
) -> dict[str, list[int]]:
    """Read one passage: its rows, as numbers of strings."""
    terms, tags, known = strings["terms"], strings["tags"], lexicon()
    spoken, topic = _spoken(passage), _topic(passage)
    sets = {
        "concepts": known.named(topic),
        "mentioned": known.named(spoken),
        "main": known.main(topic),
        "headed": known.asked(_heading(passage)),
        "labels": _naming(passage, names),
        "bodies": names.held(spoken),
    }
    return {
        "own": terms.numbers(words.terms(without_ruby(passage.text), passage.language)),
        "above": terms.numbers(words.terms(_above(passage), passage.language)),
        "grams": strings["grams"].numbers(grams(words.reading(spoken, names.readings))),
        **{name: tags.numbers(sorted(each)) for name, each in sets.items()},
    }


def _tabled(
    keys: Sequence[bytes], rows: Mapping[str, Ragged], strings: Mapping[str, Strings]
) -> _Tables:
    """Put the rows into arrays, without strings that no passage holds any more, and invert them."""
    of = {"own": "terms", "above": "terms", "grams": "grams"}
    arrays: dict[str, NDArray[np.generic]] = {
        "keys": np.frombuffer(b"".join(keys), dtype=np.uint8).reshape(len(keys), _KEY)
    }
    renumbered: dict[str, Ragged] = {}
    places: dict[str, dict[str, int]] = {}
    for group, known in strings.items():
        names = [name for name in _ROWS if of.get(name, "tags") == group]
        every = list(known.place)
        counts = sum(np.bincount(rows[name].values, minlength=len(every)) for name in names)
        used = np.flatnonzero(counts)
        left = [every[number] for number in used.tolist()]
        places[group] = {each: number for number, each in enumerate(left)}
        arrays[f"strings.{group}"] = packed(left)
        new = np.zeros(max(len(every), 1), dtype=np.int32)
        new[used] = np.arange(len(used), dtype=np.int32)
        for name in names:
            renumbered[name] = Ragged(new[rows[name].values], rows[name].ends)
    for name, each in renumbered.items():
        arrays |= {f"{name}.values": each.values, f"{name}.ends": each.ends}
    for name, inverted in (
        ("words", Bm25.inverted(_joined(renumbered["above"], renumbered["own"]), places["terms"])),
        ("readings", Bm25.inverted(renumbered["grams"], places["grams"])),
    ):
        arrays |= {f"{name}.{part}": each for part, each in inverted.stored().items()}
    return _Tables("", arrays)


def _joined(left: Ragged, right: Ragged) -> Ragged:
    """Return rows that hold what the same rows of both hold."""
    both = left + right
    size = len(left)
    order = np.array(list(chain.from_iterable((n, size + n) for n in range(size))), dtype=np.int64)
    taken = both.take(order)
    return Ragged(taken.values, taken.ends[1::2])


def _load(path: Path) -> tuple[_Tables | None, bool]:
    """Read what was kept, and say whether it was damaged; None if there is nothing to be used."""
    try:
        stored = arrayfile.read(path)
        if stored is None:
            return None, False
        tables = _Tables(stored.identity, stored.arrays)
        tables.same("code", stored.identity)
        if any(f"{name}.ends" not in stored.arrays for name in (*_ROWS, "words", "readings")):
            raise DamagedFile("arrays are missing")
    except NotADirectoryError:
        return None, False
    except (ValueError, KeyError, OSError) as error:
        logger.warning("analysis.damaged", extra={"path": str(path), "error": repr(error)})
        return None, True
    return tables, False
