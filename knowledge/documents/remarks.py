"""Remarks: what reading a file did or found, collected while it happens."""

from knowledge.passage import Remark, RemarkKind

MAX_REMARKS = 5_000  # a file; what comes after is counted
_SHOWN = 80  # characters of a cell


class Remarks:
    """The remarks of one file."""

    def __init__(self) -> None:
        self._kept: list[Remark] = []
        self._left_out = 0

    def add(
        self,
        kind: RemarkKind,
        code: str,
        line: int = 1,
        column: str = "",
        before: object = "",
        after: object = "",
    ) -> None:
        """Note one thing; the cell's text is shortened."""
        if len(self._kept) == MAX_REMARKS:
            self._left_out += 1
            return
        shown = (_short(str(each)) for each in (column, before, after))
        self._kept.append(Remark(kind, code, line, *shown))

    def all(self) -> tuple[Remark, ...]:
        """Everything noted, in the order of the lines; at last how many were too many."""
        kept = sorted(self._kept, key=lambda each: each.line)
        if self._left_out:
            last = kept[-1].line
            kept.append(
                Remark(RemarkKind.SKIPPED, "more-remarks", last, after=f"{self._left_out:,}")
            )
        return tuple(kept)


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _SHOWN else flat[: _SHOWN - 1] + "…"
