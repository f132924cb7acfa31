"""The web's messages: a post in a room of ours, or a message that waits for its reader."""

from core import board
from core.announcements import Blocked, Delivered, Failed, NotSent, Outcome, Outgoing
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

    async def edit(
        self,
        target: str,  # noqa: ARG002
        message_id: str,
        message: Outgoing,
        *,
        direct: bool,
    ) -> Outcome:
        """The page says since when it reads so."""
        there = await self._amend(message_id, message, direct=direct)
        if isinstance(there, bool):
            return Delivered(message_id) if there else Failed("the message is gone")
        return there

    async def retract(
        self,
        target: str,  # noqa: ARG002
        message_id: str,
        *,
        direct: bool,
    ) -> Outcome:
        """The words go; that something stood there, and when it was taken back, stays."""
        there = await self._amend(message_id, None, direct=direct)
        return Delivered(message_id) if isinstance(there, bool) else there

    async def _amend(
        self, message_id: str, message: Outgoing | None, *, direct: bool
    ) -> bool | Outcome:
        if not message_id.isdecimal():
            return False
        try:
            async with transaction(self._sessions) as session:
                return await board.amend(
                    session, int(message_id), message, direct=direct, now=self._clock()
                )
        except RecordsUnavailable as error:
            return NotSent(str(error))
