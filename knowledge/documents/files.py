"""Files: what lies in a town's folders, told by content, each with the sidecar that describes it.

Links out of the folder are not followed, pipes and devices not opened.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from knowledge.documents.kinds import SUFFIXES, Format, is_feed
from knowledge.passage import Problem

MAX_FILES = 2_000
_SIDECARS = (".yaml", ".yml")
_IGNORED = (".", "~$")  # hidden files, and the locks of opened Office files
_IGNORED_NAMES = frozenset({"thumbs.db", "desktop.ini"})


@dataclass(frozen=True, slots=True)
class Found:
    """One file, or the folder of a timetable."""

    path: Path
    folder: Path  # links must stay inside
    shown: str  # as staff know it: "data/aed.csv"
    name: str  # of the document: "caves/akiyoshido", "data/aed.csv"
    form: Format | None  # by its name
    sidecar: Path | None = None
    sidecar_shown: str = ""


class Walk:
    """The files of one town, in the order of their paths."""

    def __init__(self, guides: Path, data: Path | None = None, *, base: Path | None = None) -> None:
        self.guides = guides
        self._data = data if data is not None and data.is_dir() else None
        self._base = base
        self.problems: list[Problem] = []

    def files(self) -> list[Found]:
        """List what can be read; what cannot be told is reported by its reading."""
        found = list(self._below(self.guides, self._base or self.guides, ""))
        if self._data is not None:
            prefix = f"{self._data.name}/"
            found += self._below(self._data, self._base or self._data.parent, prefix)
        if len(found) > MAX_FILES:
            what = f"more than {MAX_FILES:,} files; {len(found) - MAX_FILES:,} are left out"
            shown = found[MAX_FILES].shown
            values = (f"{MAX_FILES:,}", f"{len(found) - MAX_FILES:,}")
            self.problems.append(
                Problem(shown, 1, what, "join or remove some", "too-many-files", values)
            )
        return found[:MAX_FILES]

    def _below(self, folder: Path, base: Path, prefix: str) -> Iterator[Found]:
        """Walk one folder; a document's name is its path in the folder, without .md."""
        paths = sorted(self._paths(folder))
        names = {path.name for path in paths}
        for path in paths:
            shown = _relative(path, base)
            if path.suffix.lower() in _SIDECARS and path.stem in names:
                continue  # read with the document that it describes
            inside = path.relative_to(folder).as_posix()
            sidecar = next(
                (each for end in _SIDECARS if (each := path.with_name(path.name + end)) in paths),
                None,
            )
            form = Format.TIMETABLE if path.is_dir() else SUFFIXES.get(path.suffix.lower())
            yield Found(
                path=path,
                folder=folder,
                shown=shown,
                name=prefix + inside.removesuffix(".md"),
                form=form,
                sidecar=sidecar,
                sidecar_shown=_relative(sidecar, base) if sidecar else "",
            )

    def _paths(self, folder: Path) -> Iterator[Path]:
        for place, folders, files in os.walk(folder):
            here = Path(place)
            if is_feed(set(files)):
                folders.clear()
                yield here
                continue
            for name in list(folders):
                if name.startswith(_IGNORED):
                    folders.remove(name)
                elif (here / name).is_symlink():
                    folders.remove(name)
                    yield here / name
            for name in files:
                if not name.startswith(_IGNORED) and name.lower() not in _IGNORED_NAMES:
                    yield here / name


def _relative(path: Path, base: Path) -> str:
    return path.relative_to(base).as_posix()


def leads_outside(path: Path, folder: Path) -> bool:
    """Whether a link leads out of the folder. A link that leads in a circle does not end inside."""
    real, root = Path(os.path.realpath(path)), Path(os.path.realpath(folder))
    return not real.is_relative_to(root)
