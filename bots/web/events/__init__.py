"""Events on the web: what is to come, one's own reply, files and addresses for calendars."""

from bots.web.events.calendars import Calendars
from bots.web.events.public import PublicEvents

__all__ = ["Calendars", "PublicEvents"]
