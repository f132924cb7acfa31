"""Analysis: what words, readings and concepts each passage of a library holds.

Reading a thousand passages with the dictionary takes seconds on a small machine, so the outcome is
kept in the cache. The file names everything that it depends on (the guides, the lexicon, the code,
the dictionary); if any of that changed, or the file is damaged, it is worked out again. No pickle:
arrays and text only. A file is written beside its final place and moved there.
"""

import hashlib
import importlib.metadata
import logging
import os
import tempfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from knowledge.bm25 import Bm25
from knowledge.lexicon import lexicon
from knowledge.names import Names
from knowledge.passage import Library, Passage
from knowledge.text import without_ruby
from knowledge.words import Words, grams

logger = logging.getLogger(__name__)

FORMAT = 1
_SETS = ("held", "own", "concepts", "mentioned", "main", "headed", "labels", "bodies")

Sets = tuple[frozenset[str], ...]
"""One set of terms, concepts or names a passage, in the order of the library."""
Arrays = Mapping[str, NDArray[np.generic]]


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


def analyse(library: Library, words: Words, names: Names) -> Analysis:
    """Read every passage."""
    passages = library.passages
    own = [words.terms(without_ruby(each.text), each.language) for each in passages]
    above = [words.terms(_above(each), each.language) for each in passages]
    terms = [[*upper, *lower] for upper, lower in zip(above, own, strict=True)]
    spoken = [_spoken(each) for each in passages]
    known = lexicon()
    return Analysis(
        held=tuple(map(frozenset, terms)),
        own=tuple(map(frozenset, own)),
        concepts=tuple(known.named(_topic(each)) for each in passages),
        mentioned=tuple(known.named(each) for each in spoken),
        main=tuple(known.main(_topic(each)) for each in passages),
        headed=tuple(known.asked(_heading(each)) for each in passages),
        labels=tuple(_naming(each, names) for each in passages),
        bodies=tuple(names.held(each) for each in spoken),
        words=Bm25(terms),
        readings=Bm25([grams(words.reading(each, names.readings)) for each in spoken]),
    )


def opened(library: Library, words: Words, names: Names, folder: Path) -> Analysis:
    """Return the analysis from the cache, or make it and keep it there."""
    path = folder / f"analysis-{FORMAT}.npz"
    fingerprint = _fingerprint(library)
    if (kept := _load(path, fingerprint)) is not None:
        return kept
    made = analyse(library, words, names)
    try:
        _save(path, fingerprint, made)
    except OSError as error:
        # Without room on the disk the town still answers; the next start takes longer.
        logger.warning("analysis.not_saved", extra={"path": str(path), "error": str(error)})
    return made


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


@cache
def _code() -> bytes:
    """A digest of this package and of the dictionary: whatever may change an analysis."""
    digest = hashlib.sha256()
    for package in ("sudachipy", "sudachidict-core"):
        digest.update(importlib.metadata.version(package).encode())
    for each in sorted(files("knowledge").iterdir(), key=lambda entry: entry.name):
        if each.name.endswith((".py", ".toml")):
            digest.update(each.read_bytes())
    return digest.digest()


def _fingerprint(library: Library) -> str:
    digest = hashlib.sha256(_code())
    for document in library.documents:
        named = (document.name, document.facility or "", *document.aliases)
        digest.update("\0".join((*named, document.language)).encode())
    for passage in library.passages:
        digest.update(f"{passage.id}\0{passage.item or ''}\0".encode())
    return digest.hexdigest()


def _save(path: Path, fingerprint: str, analysis: Analysis) -> None:
    arrays = {"fingerprint": np.array(fingerprint)}
    for name in _SETS:
        arrays |= {f"{name}.{part}": each for part, each in _packed(getattr(analysis, name))}
    for name in ("words", "readings"):
        index: Bm25 = getattr(analysis, name)
        arrays |= {f"{name}.{part}": np.asarray(each) for part, each in index.stored().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _load(path: Path, fingerprint: str) -> Analysis | None:
    """Read a kept analysis; None if there is none for these guides."""
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            if str(stored["fingerprint"]) != fingerprint:
                return None
            arrays = {name: stored[name] for name in stored.files}
        sets = {name: _unpacked(_below(arrays, name)) for name in _SETS}
        return Analysis(
            **sets,
            words=Bm25.restored(_below(arrays, "words")),
            readings=Bm25.restored(_below(arrays, "readings")),
        )
    except (ValueError, KeyError, IndexError, EOFError, OSError, zipfile.BadZipFile) as error:
        logger.warning("analysis.damaged", extra={"path": str(path), "error": repr(error)})
        return None


def _below(arrays: Arrays, name: str) -> Arrays:
    start = f"{name}."
    return {key.removeprefix(start): each for key, each in arrays.items() if key.startswith(start)}


def _packed(sets: Sequence[frozenset[str]]) -> Iterable[tuple[str, NDArray[np.generic]]]:
    """Write sets as one list of strings, the places in it, and where each set ends."""
    ordered = [sorted(each) for each in sets]
    place = {text: at for at, text in enumerate(dict.fromkeys(chain(*ordered)))}
    yield "strings", np.frombuffer("\n".join(place).encode(), dtype=np.uint8)
    yield "places", np.array([place[text] for each in ordered for text in each], dtype=np.int32)
    yield "ends", np.cumsum([len(each) for each in ordered], dtype=np.int64)


def _unpacked(arrays: Arrays) -> Sets:
    strings = arrays["strings"].tobytes().decode().split("\n")
    held = [strings[at] for at in arrays["places"].tolist()]
    ends = arrays["ends"].tolist()
    return tuple(
        frozenset(held[start:end]) for start, end in zip([0, *ends[:-1]], ends, strict=False)
    )
