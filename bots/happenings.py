"""What happens in the town, in plain words, for whoever watches the terminal.

Never a name, an address, a message or a wallet: the words say what kind of thing happened.
"""

import logging
from collections import deque
from collections.abc import Callable

from bots import texts

logger = logging.getLogger(__name__)

KEPT = 200


class Happenings:
    """Tells its listeners, and remembers the last few."""

    def __init__(self, language: str = "ja") -> None:
        self.language = language
        self._listeners: list[Callable[[str], None]] = []
        self.recent: deque[str] = deque(maxlen=KEPT)

    def listen(self, listener: Callable[[str], None]) -> None:
        self._listeners.append(listener)

    def tell(self, key: str, **values: object) -> None:
        """Say the words under `key` of the locale files."""
        words = texts.say(key, self.language, **values)
        self.recent.append(words)
        logger.info("happening", extra={"key": key, "words": words})
        for listener in self._listeners:
            listener(words)
