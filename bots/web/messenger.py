"""The web's messages: a post in a room of ours, or a message that waits for its reader."""

from core import board
from core.announcements import Blocked, Delivered, NotSent, Outcome, Outgoing
from core.clock import Clock
from core.database import Sessions, transaction
from core.errors import RecordsUnavailable
from core.identity import find_account


class WebMessenger:
    """Delivers into our own records; the same delivery twice is there once."""

    platform = "web"

    def __init__(self, sessions: Sessions, clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock

    async def send_direct(self, account: str, message: Outgoing, *, delivery: int) -> Outcome:
        try:
            async with transaction(self._sessions) as session:
                reader = await find_account(session, self.platform, account)
                if reader is None:
                    return Blocked("the account is gone")
                number = await board.send(
                    session, reader.id, message, delivery=delivery, now=self._clock()
                )
        except RecordsUnavailable as error:
            return NotSent(str(error))
        return Delivered(str(number))

    async def post(self, place: str, message: Outgoing, *, delivery: int) -> Outcome:
        try:
            async with transaction(self._sessions) as session:
                number = await board.post_official(
                    session, place, message, delivery=delivery, now=self._clock()
                )
        except RecordsUnavailable as error:
            return NotSent(str(error))
        return Delivered(str(number))
