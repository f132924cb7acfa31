"""The staff console: one module a subject, each a `StaffPages` with a router."""

from bots.web.console.announcements import announcement_pages
from bots.web.console.audit import AuditLog
from bots.web.console.cards import Cards
from bots.web.console.chain import ChainPage
from bots.web.console.changes import Changes
from bots.web.console.clock import ClockPage
from bots.web.console.desk import Console
from bots.web.console.events import EventPages
from bots.web.console.members import Members
from bots.web.console.pages import StaffPages
from bots.web.console.perks import PerkPages
from bots.web.console.proofs import Proofs
from bots.web.console.questions import Facts, Freshness, Questions
from bots.web.console.report import Report
from bots.web.pages import Web


def staff_pages(web: Web) -> tuple[StaffPages, ...]:
    """Every page of the console."""
    return (
        Console(web),
        *announcement_pages(web),
        ChainPage(web),
        ClockPage(web),
        Members(web),
        Cards(web),
        Changes(web),
        Proofs(web),
        PerkPages(web),
        EventPages(web),
        Questions(web),
        Facts(web),
        Freshness(web),
        Report(web),
        AuditLog(web),
    )


__all__ = ["StaffPages", "staff_pages"]
