"""A Telegram that counts a message the moment it arrives, before anything is answered.

That is the worst case for a sender: one that dies before the answer has sent without knowing it.
It speaks as much of the Bot API over plain HTTP/1.1 as an unmodified client needs to send, change
and take back messages, and it can be slow, flooded, broken or silent (`Conduct`). It is written on
a bare asyncio protocol so that it takes less of a shared machine than what is measured against it.
`tests.telegram_server` is the other one: whole conversations, members and rights.

In the same process: ``async with CountingTelegram() as telegram``. In one of its own, for
benchmarks: ``python -m tests.world.arrivals`` prints its URL; `remote` starts and asks it.

* https://core.telegram.org/bots/api#making-requests, #sendmessage, #editmessagetext,
  #responseparameters (``retry_after``)
"""

from tests.world.arrivals.conduct import Conduct
from tests.world.arrivals.log import Arrival, Log
from tests.world.arrivals.remote import RemoteTelegram, remote
from tests.world.arrivals.server import TOKEN, CountingTelegram

__all__ = ["TOKEN", "Arrival", "Conduct", "CountingTelegram", "Log", "RemoteTelegram", "remote"]
