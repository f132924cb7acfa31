"""What one member of staff may look at for minutes and nobody keeps: fresh codes, a list to import.

In memory only. After a restart it is gone, and staff do the step again.
"""

import secrets
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

from core.clock import Clock

KEPT_FOR: Final = timedelta(minutes=30)
MOST: Final = 20

T = TypeVar("T")


class Shelf(Generic[T]):
    """A few things, each for one member of staff and `KEPT_FOR`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._things: OrderedDict[str, tuple[str, datetime, T]] = OrderedDict()

    def put(self, staff: str, thing: T) -> str:
        """The token under which `staff` finds it again."""
        token = secrets.token_urlsafe(18)
        self._things[token] = (staff, self._clock() + KEPT_FOR, thing)
        while len(self._things) > MOST:
            self._things.popitem(last=False)
        return token

    def find(self, staff: str, token: str) -> T | None:
        """What stands under `token`, if it is this person's and not too old."""
        found = self._things.get(token)
        if found is None or found[0] != staff:
            return None
        if found[1] <= self._clock():
            del self._things[token]
            return None
        return found[2]

    def take(self, staff: str, token: str) -> T | None:
        """Like `find`, and it is gone afterwards."""
        found = self.find(staff, token)
        if found is not None:
            del self._things[token]
        return found
