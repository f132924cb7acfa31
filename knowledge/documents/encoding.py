"""Encodings: told by the byte order mark, else by strict decoding, never by guessing alone.

Japanese tables come as UTF-8 with and without mark, as Shift_JIS with Microsoft's extensions
(CP932), as UTF-16 from Excel's "Unicode text", now and then as EUC-JP. A text that fits none of
them strictly is not read at all: half a name is worse than none.
"""

import codecs
import re
from collections.abc import Iterator
from pathlib import Path

_CHUNK = 1 << 20
_SAMPLE = 200_000  # characters compared where two encodings fit
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_META = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([\w-]+)", re.IGNORECASE)
_NO_CHARACTER = re.compile("[\x80\uf8f0-\uf8f3]")
"""What Python makes of the bytes 80, A0 and FD to FF, which CP932 leaves undefined."""
_HALF_WIDTH_KANA = re.compile("[ｦ-ﾟ]")


class NoEncoding(Exception):
    """No encoding fits; `line` is the first that is not UTF-8."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line}")
        self.line = line


def encoding_of(path: Path) -> str:
    """Return the name of the one encoding in which all of a file can be read.

    Raises `NoEncoding`, and `OSError` if the file cannot be read.
    """
    with path.open("rb") as stream:
        head = stream.read(_CHUNK)
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name if _fits(path, name) else _refuse(path)
    if (unmarked := _utf_16(head)) and _fits(path, unmarked):
        return unmarked
    if b"\0" in head:
        return _refuse(path)
    if _fits(path, "utf-8"):
        return "utf-8"
    fitting = [name for name in ("cp932", "euc_jp") if _fits(path, name)]
    if not fitting:
        return _refuse(path)
    # Kanji in EUC-JP are also valid CP932: as rows of half-width katakana.
    return min(fitting, key=lambda name: _half_width(head, name))


def decode_page(content: bytes) -> str:
    """Decode a web page by its mark, its own word or strict trials. Raises `NoEncoding`."""
    declared = _META.search(content[:_CHUNK])
    names = [name for mark, name in _MARKS if content.startswith(mark)]
    if declared:
        word = declared[1].decode("ascii").lower()
        names.append("cp932" if word in {"shift_jis", "shift-jis", "x-sjis", "sjis"} else word)
    for name in (*names, "utf-8", "cp932", "euc_jp"):
        try:
            return content.decode(name)
        except (UnicodeDecodeError, LookupError):
            continue
    raise NoEncoding(1)


def lines(path: Path, encoding: str) -> Iterator[str]:
    """Yield the lines with their ends, as the `csv` module wants them."""
    with path.open(encoding=encoding, newline="") as stream:
        yield from stream


def _fits(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                text = decoder.decode(chunk)
                if encoding == "cp932" and _NO_CHARACTER.search(text):
                    return False
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _utf_16(head: bytes) -> str | None:
    """ASCII commas, tabs and line ends leave a NUL on one side: which one tells the order."""
    even, odd = head[:4_000:2].count(0), head[1:4_000:2].count(0)
    if even == odd:
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _half_width(head: bytes, encoding: str) -> int:
    text = head.decode(encoding, "ignore")[:_SAMPLE]
    return len(_HALF_WIDTH_KANA.findall(text))


def _refuse(path: Path) -> str:
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    line = 1
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                raise NoEncoding(line + chunk.count(b"\n", 0, error.start)) from error
            line += chunk.count(b"\n")
    raise NoEncoding(line)
