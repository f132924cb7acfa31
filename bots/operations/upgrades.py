"""A process whose code is too old for the records ends by itself, in order."""

import logging
import signal
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Final

from bots.app import App
from core.database import schema_state

logger = logging.getLogger(__name__)

LOOK_EVERY: Final = timedelta(seconds=10)

_ask_to_end: Callable[[], object] = partial(signal.raise_signal, signal.SIGTERM)


async def notice_newer_schema(app: App) -> None:
    """Drain as if asked to stop, once newer code has changed what this code reads.

    What newer code only added to does no harm: then this process goes on. Raises
    `RecordsUnavailable`.
    """
    state = await schema_state(app.engine)
    if not state.too_new or app.draining:
        return
    app.draining = True
    logger.error("schema-too-new", extra={"revision": state.current, "known": state.newest})
    app.happenings.tell("operations.happening.too-new")
    _ask_to_end()
