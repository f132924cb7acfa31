"""Announcements in the staff console: written, checked, sent, followed, changed, taken back."""

from bots.web.console.announcements.amending import Amending
from bots.web.console.announcements.compose import Composing
from bots.web.console.announcements.confirming import Confirming
from bots.web.console.announcements.listing import Listing
from bots.web.console.announcements.results import Results
from bots.web.console.announcements.sending import Sending
from bots.web.console.announcements.stopping import Stopping
from bots.web.console.announcements.translating import Translating
from bots.web.console.announcements.trial import Trial
from bots.web.console.announcements.uploads import Uploads
from bots.web.console.pages import StaffPages
from bots.web.pages import Web


def announcement_pages(web: Web) -> tuple[StaffPages, ...]:
    """Every page, fixed addresses before those with a number."""
    writing = (Composing, Uploads, Translating, Listing)
    sent = (Confirming, Amending, Stopping, Results, Trial, Sending)
    return tuple(each(web) for each in (*writing, *sent))


__all__ = ["announcement_pages"]
