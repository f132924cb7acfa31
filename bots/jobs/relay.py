"""What the engine's library logs, as lines of ours: where, and what kind of error.

Not its words: it writes values into them, and they may be somebody's.

While the database is away every thread of the library warns at every try, several times a second
in all. Of lines that repeat the first is told at once, then one after 1, 2, 4 … 60 seconds with the
number of those left out; and once that the database is back.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection

logger = logging.getLogger(__name__)

LIBRARY: Final = "dbos"
FIRST_PAUSE: Final = 1.0  # seconds
LONGEST_PAUSE: Final = 60.0
CALM: Final = 5.0
"""For so many seconds nobody has complained, and a statement was answered: it is back."""

AWAY: Final = "database"
_COMPLAINT: Final = "Database connection "  # of the library's own retries, which log no error


@dataclass(slots=True)
class _Repeats:
    """One thing that is said again and again. Times are of the handler's clock."""

    since: float
    last: float
    next: float
    pause: float = FIRST_PAUSE
    left_out: int = 0


class Relay(logging.Handler):
    """The only handler of the library's log. `clock` counts seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._repeats: dict[str, _Repeats] = {}  # at most as many as the library has lines

    def emit(self, record: logging.LogRecord) -> None:
        """Tell it, or count it. `logging` holds the handler's lock."""
        where, now = f"{record.module}:{record.lineno}", self._clock()
        about = AWAY if _is_away(record) else where
        known = self._repeats.get(about)
        if known is None:
            known = self._repeats[about] = _Repeats(now, now, now)
        elif about != AWAY and now - known.last > LONGEST_PAUSE:
            known.pause = FIRST_PAUSE
        known.last = now
        if now < known.next:
            known.left_out += 1
            return
        left_out, known.left_out = known.left_out, 0
        known.next, known.pause = now + known.pause, min(2 * known.pause, LONGEST_PAUSE)
        logger.log(
            record.levelno,
            "engine-database-away" if about == AWAY else "engine",
            extra={"where": where, "error": _kind(record), "left_out": left_out},
        )

    def answered(self) -> None:
        """The database has answered a statement."""
        if AWAY not in self._repeats:
            return
        self.acquire()
        try:
            known, now = self._repeats.get(AWAY), self._clock()
            if known is None or now - known.last < CALM:
                return
            del self._repeats[AWAY]
        finally:
            self.release()
        logger.warning(
            "engine-database-back",
            extra={"seconds": round(now - known.since), "left_out": known.left_out},
        )


def _is_away(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, DBAPIError | NoConnection):
        return True
    return isinstance(record.msg, str) and record.msg.startswith(_COMPLAINT)


def _kind(record: logging.LogRecord) -> str:
    found = record.exc_info[0] if record.exc_info else None
    return found.__name__ if found else ""


def relay_logs() -> Relay:
    """Put our handler where the library would put one that writes to the terminal."""
    library = logging.getLogger(LIBRARY)
    relay = next((each for each in library.handlers if isinstance(each, Relay)), None)
    if relay is None:
        relay = Relay()
        library.handlers[:] = [relay]
    library.propagate = False
    library.setLevel(logging.WARNING)
    return relay


def listen(relay: Relay, pool: Engine) -> None:
    """Let the relay hear of every statement that is answered."""

    def answered(*_: Any) -> None:
        relay.answered()

    event.listen(pool, "after_cursor_execute", answered)
