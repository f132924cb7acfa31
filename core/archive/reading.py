"""Reading an archive: everything is checked before anything is believed."""

import gzip
import hashlib
import json
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from pydantic import ValidationError

from core.archive.format import (
    FORMAT,
    MANIFEST,
    MAX_PART_BYTES,
    ArchiveRefused,
    Manifest,
    PartEntry,
)


def check(path: Path, progress: Callable[[int], None] = lambda _: None) -> Manifest:
    """Read a whole archive and compare each part with the manifest; returns the manifest.

    `progress` is told how many parts have been read. Raises `ArchiveRefused` with what is wrong.
    """
    seen: list[PartEntry] = []
    manifest: Manifest | None = None
    for name, content in members(path):
        if manifest is not None:
            raise ArchiveRefused("damaged", f"{name} comes after the manifest")
        if name == MANIFEST:
            manifest = _manifest(content)
            continue
        digest = hashlib.sha256(content).hexdigest()
        lines = content.count(b"\n") if name.endswith(".jsonl") else 0
        seen.append(PartEntry(name=name, bytes=len(content), sha256=digest, rows=lines))
        progress(len(seen))
    if manifest is None:
        raise ArchiveRefused("incomplete", path.name)
    _compare(manifest, seen)
    return manifest


def members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Each file of an archive, in order, with its content."""
    with _named(path), gzip.open(path) as plain:
        with tarfile.open(fileobj=plain, mode="r|") as tar:
            for member in tar:
                yield _content(tar, member, path)
        while plain.read(65_536):  # to its end, where gzip compares its checksum
            continue


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> tuple[str, bytes]:
    name = member.name
    if not member.isreg() or name.startswith("/") or ".." in PurePosixPath(name).parts:
        raise ArchiveRefused("damaged", f"{name[:80]!r} is not a plain file")
    if member.size > MAX_PART_BYTES:
        raise ArchiveRefused("damaged", f"{name[:80]!r} is too large")
    file = tar.extractfile(member)
    content = file.read() if file is not None else b""
    if len(content) != member.size:
        raise ArchiveRefused("incomplete", path.name)
    return name, content


@contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except (tarfile.ReadError, EOFError, zlib.error) as error:
        raise ArchiveRefused("incomplete", path.name) from error
    except OSError as error:  # gzip says a wrong checksum so, and has no number for it
        if error.errno is None:
            raise ArchiveRefused("damaged", str(error)) from error
        raise ArchiveRefused("file", f"{path}: {error.strerror}") from error


def _manifest(content: bytes) -> Manifest:
    try:
        found = json.loads(content)
        number = found["format"]
        if isinstance(number, int) and number > FORMAT:
            raise ArchiveRefused("newer-format", str(number))
        return Manifest.model_validate_json(content)
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise ArchiveRefused("damaged", MANIFEST) from error


def _compare(manifest: Manifest, seen: list[PartEntry]) -> None:
    expected = {each.name: each for each in manifest.parts}
    for each in seen:
        if (wanted := expected.pop(each.name, None)) is None:
            raise ArchiveRefused("damaged", f"{each.name} does not belong to it")
        if (wanted.bytes, wanted.sha256) != (each.bytes, each.sha256):
            raise ArchiveRefused("damaged", f"{each.name} has changed")
    if expected:
        raise ArchiveRefused("incomplete", next(iter(expected)))
    for table in manifest.tables:
        prefix = f"records/{table.name}/"
        rows = sum(each.rows for each in seen if each.name.startswith(prefix))
        if rows != table.rows:
            raise ArchiveRefused("damaged", f"{table.name}: {rows} rows instead of {table.rows}")
