"""What events have to say on time, and whether those who come still may."""

from bots.app import App
from core.holdings import one_look


async def remind(app: App) -> None:
    """Tell whoever is to be told something of events now: reminders, news, free seats."""
    if told := await app.events.tell():
        app.wake()
        app.happenings.tell("events-desk.happening.told", count=told)


async def look_at_seats(app: App) -> None:
    """Look whether those who come to events still may."""
    async with one_look():
        await app.events.look()
    app.wake()
