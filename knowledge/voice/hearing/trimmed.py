"""Trimmed: Whisper's decoder with no more words than a script needs.

At each step the decoder weighs 51,865 pieces of the words of a hundred languages, which is more
than half of its work. Texts of Japanese, Chinese and Korean are made of 8,400 of them: characters,
parts of characters, and short pieces of Latin words. The others' rows are left out of the matrix
when it is loaded; what remains is computed as before, in two thirds of the time, and nothing else
can be heard. All pieces of one byte stay, so that any text can still be told it in a prompt.

The file is CTranslate2's (binary version 6): a header, then each variable with its name, its shape,
its type and its bytes, then aliases.
"""

import io
import json
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np

from knowledge.errors import RecogniserFailed
from knowledge.text import is_han, is_kana

VERSION: Final = 6
_EMBEDDINGS: Final = "decoder/embeddings/weight"
_NOT_NEEDED: Final = tuple(f"encoder/layer_{number}/" for number in range(1, 6))
"""It does not listen: what it writes down has been encoded by the whole model."""
_TEXT: Final = 50_257  # tokens; those after them are marks
_MARKS: Final = 50_364  # the marks of time after them are not needed
_LATIN: Final = 3  # characters of a piece of a Latin word; longer ones are English's


@dataclass(frozen=True, slots=True)
class Trimmed:
    """A smaller model: its files, and which tokens of the whole one its tokens are."""

    files: dict[str, bytes]
    kept: tuple[int, ...]


def trimmed(folder: Path, wanted: Callable[[bytes], bool]) -> Trimmed:
    """Leave out the tokens that are not `wanted`, which is asked for the bytes of each.

    Raises `RecogniserFailed` for a file of another version.
    """
    tokens = (folder / "vocabulary.txt").read_text("utf-8").split("\n")[:_MARKS]
    kept = tuple(
        number
        for number, token in enumerate(tokens)
        if number >= _TEXT or len(raw := spelled(token)) < 2 or wanted(raw)  # noqa: PLR2004
    )
    with (folder / "model.bin").open("rb") as file:
        model = _model(file, kept)
    told = json.loads((folder / "config.json").read_text("utf-8"))
    places = {number: place for place, number in enumerate(kept)}
    for name in ("lang_ids", "suppress_ids", "suppress_ids_begin"):
        told[name] = [places[each] for each in told[name] if each in places]
    vocabulary = "".join(f"{tokens[each]}\n" for each in kept)
    files = {
        "model.bin": model,
        "config.json": json.dumps(told).encode(),
        "vocabulary.txt": vocabulary.encode(),
    }
    return Trimmed(files, kept)


def east_asian(token: bytes) -> bool:
    """Whether texts of Japanese, Chinese or Korean may hold this piece."""
    try:
        text = token.decode()
    except UnicodeDecodeError:
        return True  # parts of characters
    if text.isascii():
        return len(text) <= _LATIN and not text.startswith(" ")
    return all(map(_east_asian, text.strip()))


def spelled(token: str) -> bytes:
    """Return the bytes of a token, each of which GPT-2's vocabulary writes as one character."""
    return bytes(_BYTES.get(each, 0) for each in token)


class Pieces:
    """Tokens of the whole model as those of a trimmed one, and back."""

    def __init__(self, kept: Sequence[int], tokens: Sequence[bytes]) -> None:
        """`tokens` are the bytes of all text tokens of the whole model."""
        self._kept = kept
        self._tokens = tokens
        self._places = {number: place for place, number in enumerate(kept)}
        self._spelled = {
            tokens[number]: place for place, number in enumerate(kept) if number < len(tokens)
        }
        self._longest = max(map(len, self._spelled))

    def trim(self, tokens: Iterable[int]) -> list[int]:
        """Spell what is left out with smaller pieces."""
        return [
            piece
            for each in tokens
            for piece in (
                (self._places[each],)
                if each in self._places
                else self._spell(self._tokens[each] if each < len(self._tokens) else b"")
            )
        ]

    def places(self, tokens: Iterable[int]) -> list[int]:
        """Return those that are not left out."""
        return [self._places[each] for each in tokens if each in self._places]

    def whole(self, pieces: Iterable[int]) -> list[int]:
        """Return the tokens of the whole model."""
        return [self._kept[each] for each in pieces]

    def _spell(self, raw: bytes) -> Iterator[int]:
        while raw:
            size = next(each for each in range(self._longest, 0, -1) if raw[:each] in self._spelled)
            yield self._spelled[raw[:size]]
            raw = raw[size:]


def _east_asian(character: str) -> bool:
    return (
        is_han(character)
        or is_kana(character)
        or "\uac00" <= character <= "\ud7a3"  # Hangul
        or "\u3131" <= character <= "\u318e"
        or "\u2000" <= character <= "\u303f"  # punctuation, also that of Chinese and Japanese
        or "\uff00" <= character <= "\uffef"  # its wide and narrow forms
        or character == "ー"
    )


def _model(file: BinaryIO, kept: Sequence[int]) -> bytes:
    out = io.BytesIO()
    header = file.read(4)
    if header != struct.pack("<I", VERSION):
        raise RecogniserFailed("the weights have another format")
    out.write(header + _string(file) + file.read(4))
    count_at = out.tell()
    count = 0
    out.write(bytes(4))
    for _ in range(_number(file)):
        name = _string(file)
        shape = [_number(file) for _ in range(file.read(1)[0])]
        kind, size = file.read(1), _number(file)
        label = name[2:-1].decode()
        if label.startswith(_NOT_NEEDED):
            file.seek(size, io.SEEK_CUR)
            continue
        data = file.read(size)
        if label == _EMBEDDINGS:
            rows = np.frombuffer(data, np.uint8).reshape(shape[0], -1)
            data, shape[0] = rows[list(kept)].tobytes(), len(kept)
        out.write(name + bytes([len(shape)]) + struct.pack(f"<{len(shape)}I", *shape))
        out.write(kind + struct.pack("<I", len(data)) + data)
        count += 1
    out.write(file.read())  # aliases
    out.seek(count_at)
    out.write(struct.pack("<I", count))
    return out.getvalue()


def _string(file: BinaryIO) -> bytes:
    """Read a string with its length before it."""
    length = file.read(2)
    return length + file.read(struct.unpack("<H", length)[0])


def _number(file: BinaryIO) -> int:
    return int(struct.unpack("<I", file.read(4))[0])


def _bytes() -> dict[str, int]:
    """GPT-2's table: printable bytes are themselves, the others follow from U+0100 on."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = [each for each in range(0x100) if each not in printable]
    return {chr(each): each for each in printable} | {
        chr(0x100 + place): each for place, each in enumerate(others)
    }


_BYTES: Final = _bytes()
