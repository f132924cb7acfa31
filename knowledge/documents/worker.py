"""Worker: the child process that parses one untrusted file and prints what it holds.

Run as ``python -m knowledge.documents.worker FORMAT FILE``, with the limits of `limits` set before
the first byte is parsed. One JSON array a line on standard output:

* ``["progress", done, total]``
* ``["title", text]``, ``["pages", number]``
* ``["text", [heading, ...], text, page]``: a paragraph
* ``["cells", [heading, ...], [[header, text, link], ...], page]``: a row of a table in a text
* ``["sheet", name]`` and ``["row", number, [cell, ...]]``: a workbook
* ``["remark", kind, code, column, before]``
* at the end ``["end"]``, or ``["failed", reason]``
"""

import json
import sys
from pathlib import Path
from typing import Any

from knowledge.documents import limits

_FORBIDDEN = (
    "socket.connect",
    "socket.getaddrinfo",
    "socket.bind",
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.remove",
    "os.rename",
)


class OutputFull(Exception):
    """More came out than a document of this town can sensibly hold."""


class Output:
    """Prints events and stops a document that does not end."""

    def __init__(self) -> None:
        self._written = 0

    def put(self, *event: object) -> None:
        line = json.dumps(event, ensure_ascii=False)
        self._written += len(line)
        if self._written > limits.MAX_OUTPUT_CHARACTERS:
            raise OutputFull
        sys.stdout.write(line + "\n")

    def progress(self, done: int, total: int) -> None:
        self.put("progress", done, total)
        sys.stdout.flush()

    def end(self, *event: object) -> None:
        sys.stdout.write(json.dumps(event, ensure_ascii=False) + "\n")
        sys.stdout.flush()


def _guard(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook (PEP 578): a parser that is led astray reaches no network and no program."""
    if event in _FORBIDDEN:
        raise PermissionError(event)
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        raise PermissionError(event)


def main() -> int:
    form, file = sys.argv[1:3]
    limits.apply()
    output = Output()
    from knowledge.documents import convert

    sys.addaudithook(_guard)
    try:
        convert.CONVERTERS[form](Path(file), output)
    except convert.Failed as error:
        output.end("failed", str(error))
    except OutputFull:
        output.end("failed", "too-long")
    except MemoryError:
        output.end("failed", "memory")
    except RecursionError:
        output.end("failed", "nested")
    except Exception as error:  # noqa: BLE001 - any parser, any file: the parent reports it
        if isinstance(error.__cause__ or error.__context__, MemoryError):
            output.end("failed", "memory")
        else:
            output.end("failed", "broken", type(error).__name__)
    else:
        output.end("end")
    return 0


if __name__ == "__main__":
    sys.exit(main())
