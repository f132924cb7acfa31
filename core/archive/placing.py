"""The files of an archive on their way into their places: all of them prepared, then renamed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from core.archive.format import KEPT_FILES, PACK, ArchiveRefused, file_faults
from core.archive.reading import members

NEW: Final = ".restored"
OLD: Final = ".before-restore"


class Placing:
    """Files that lie on disk under another name until the records are committed."""

    def __init__(self) -> None:
        self.keys: list[str] = []  # names in the data folder
        self.packed = 0
        self._new: dict[Path, Path] = {}  # place: where it lies now
        self._old: list[Path] = []  # copies of what was there

    def prepare(self, archive: Path, data_dir: Path, pack: Path | None) -> None:
        """Write the keys, readable to us alone, and the pack, and a copy of what they replace."""
        for name, content in members(archive):
            if name.startswith(KEPT_FILES):
                self.keys.append(name.removeprefix(KEPT_FILES))
                self._add(data_dir / self.keys[-1], content)
            elif name.startswith(PACK) and pack is not None:
                self._add(pack / name.removeprefix(PACK), content)
                self.packed += 1

    def place(self) -> None:
        """Give every file its name. Raises `ArchiveRefused` ("rename") with those that have none.

        Each rename is atomic, so there is at no time a place without a file.
        """
        missed = []
        for place, lies in self._new.items():
            try:
                lies.replace(place)
                _sync_folder(place.parent)
            except OSError:
                missed.append(str(lies))
        if missed:
            raise ArchiveRefused("rename", ", ".join(missed))

    def drop(self) -> None:
        """Leave everything as it was."""
        for each in (*self._new.values(), *self._old):
            each.unlink(missing_ok=True)

    def _add(self, place: Path, content: bytes) -> None:
        with file_faults(place):
            if place.exists() and (old := place.read_bytes()) != content:  # a folder is no place
                kept = _free(place)
                self._old.append(kept)
                _write(kept, old)
            self._new[place] = place.with_name(place.name + NEW)
            _write(self._new[place], content)


@contextmanager
def prepared(archive: Path, data_dir: Path, pack: Path | None) -> Iterator[Placing]:
    """Files that are dropped again unless the block ends well; call `place` after the commit."""
    files = Placing()
    try:
        files.prepare(archive, data_dir, pack)
        yield files
    except BaseException:
        files.drop()
        raise


def _free(place: Path) -> Path:
    """A name for what was there; what an earlier restore kept stays."""
    number, name = 1, place.with_name(place.name + OLD)
    while name.exists():
        number += 1
        name = place.with_name(f"{place.name}{OLD}-{number}")
    return name


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)  # of a restore that was killed
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """A new name is on disk only when its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
