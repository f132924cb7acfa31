"""The staff console: one module a subject, each a `StaffPages` with a router."""

from bots.web.console.audit import AuditLog
from bots.web.console.chain import ChainPage
from bots.web.console.desk import Console
from bots.web.console.pages import StaffPages
from bots.web.console.questions import Facts, Freshness, Questions

__all__ = ["AuditLog", "ChainPage", "Console", "Facts", "Freshness", "Questions", "StaffPages"]
