"""The staff console: one module a subject, each a `StaffPages` with a router."""

from bots.web.console.audit import AuditLog
from bots.web.console.desk import Console
from bots.web.console.pages import StaffPages
from bots.web.console.perks import PerkPages
from bots.web.console.questions import Facts, Freshness, Questions

__all__ = ["AuditLog", "Console", "Facts", "Freshness", "PerkPages", "Questions", "StaffPages"]
