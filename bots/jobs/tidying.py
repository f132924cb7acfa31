"""What is no longer needed is forgotten, as the town pack says."""

from datetime import datetime, timedelta
from typing import Final

from bots.app import App
from core import announcements, board, browsers, events, identity, questions, unfinished
from core.access.changes import forget_lists
from core.credentials.codes import forget_codes
from core.database import transaction

KEEP_BROWSERS: Final = timedelta(days=30)
KEEP_UPDATES: Final = timedelta(days=2)
KEEP_LISTS: Final = timedelta(days=30)  # who stood on the list of a settled change
KEEP_DRAFTS: Final = timedelta(days=2)
PARTS: Final = 100  # of results that are deleted in one turn
KEEP_CODES: Final = timedelta(days=365)  # what has been over for so long is only counted


async def tidy(app: App) -> None:
    """Forget what is no longer needed, as the town pack says."""
    now, retention = app.clock(), app.town.retention
    async with transaction(app.sessions) as session:
        await identity.forget_updates(session, before=now - KEEP_UPDATES)
        await forget_codes(session, now=now, keep=KEEP_CODES)
        await forget_lists(session, before=now - KEEP_LISTS)
        await browsers.forget_browsers(session, before=now - KEEP_BROWSERS, now=now)
        await board.forget_posts(session, before=now - timedelta(days=retention.room_post_days))
        await board.forget_messages(session, before=now - timedelta(days=retention.delivery_days))
        await unfinished.forget(session, before=now - KEEP_DRAFTS)
        await board.forget_pictures(session, before=now - timedelta(days=1))
        await announcements.forget_pictures(session, before=now - KEEP_DRAFTS)
        await events.forget(session, before=now - timedelta(days=retention.event_days))
        await questions.forget(
            session,
            before=now - timedelta(days=retention.question_days),
            drafts_before=now - KEEP_DRAFTS,
        )
    await _forget_announcements(app, before=now - timedelta(days=retention.delivery_days))
    await app.perks.tidy()


async def _forget_announcements(app: App, *, before: datetime) -> None:
    """A part in each transaction, so that nobody waits for long; the rest at the next turn."""
    for _ in range(PARTS):
        async with transaction(app.sessions) as session:
            if not await announcements.forget(session, before=before):
                return
