"""The staff console: one module a subject, each a `StaffPages` with a router."""

from bots.web.console.audit import AuditLog
from bots.web.console.changes import Changes
from bots.web.console.desk import Console
from bots.web.console.members import Members
from bots.web.console.pages import StaffPages
from bots.web.console.questions import Facts, Freshness, Questions

__all__ = [
    "AuditLog",
    "Changes",
    "Console",
    "Facts",
    "Freshness",
    "Members",
    "Questions",
    "StaffPages",
]
