"""Perks on the web: the member's card, the ticket window, and pages for everybody."""

from bots.web.perks.card import Card
from bots.web.perks.desk import DeskPages
from bots.web.perks.public import PublicPerks

__all__ = ["Card", "DeskPages", "PublicPerks"]
