"""Pictures: uploaded to Telegram once, then named by their file id.

A picture that goes to ten thousand people would otherwise be sent over the wire ten thousand times,
and stand in memory as often as requests are in flight.

https://core.telegram.org/bots/api#sending-files
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final

from telegram import InputFile
from telegram.error import BadRequest

from bots.telegram.sending import Sent
from bots.telegram.transport import NotSent
from core.announcements import Picture

MAX_KNOWN: Final = 64
WAIT_FOR_UPLOAD: Final = 5.0  # seconds; shorter than the pump's cut-off

Send = Callable[[InputFile | str], Awaitable[Sent]]


class SharedPictures:
    """The file ids of the pictures that were sent last. In memory: an id is only a short cut."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, str] = OrderedDict()
        self._uploading: dict[bytes, asyncio.Lock] = {}

    async def send(self, picture: Picture, send: Send) -> Sent:
        """Send it by its id, or upload it; who comes meanwhile waits for that one upload.

        Raises what `send` raises, and `NotSent` if the upload of somebody else takes too long.
        """
        key = hashlib.sha256(picture.content).digest()
        if (file_id := self._known.get(key)) is not None:
            try:
                return await send(file_id)
            except BadRequest as error:
                if "file" not in error.message.lower():
                    raise
                self._known.pop(key, None)  # Telegram does not know this id (any more)
        lock = self._uploading.setdefault(key, asyncio.Lock())
        try:
            await asyncio.wait_for(lock.acquire(), WAIT_FOR_UPLOAD)
        except TimeoutError:
            raise NotSent("The picture is still being uploaded") from None
        try:
            if (file_id := self._known.get(key)) is not None:
                return await send(file_id)
            suffix = picture.media_type.rpartition("/")[2]
            sent = await send(InputFile(picture.content, filename=f"picture.{suffix}"))
            self._remember(key, sent)
            return sent
        finally:
            lock.release()
            if not lock.locked():
                self._uploading.pop(key, None)

    def _remember(self, key: bytes, sent: Sent) -> None:
        if sent.file_id is not None:
            self._known[key] = sent.file_id
            if len(self._known) > MAX_KNOWN:
                self._known.popitem(last=False)
