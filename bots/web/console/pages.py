"""What the pages of the staff console share."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from bots.web.pages import Web

MENU: Final[Mapping[str, Sequence[tuple[str, str]]]] = {
    "town": (
        ("/console", "overview"),
        ("/console/guide", "guide"),
        ("/console/chain", "chain"),
        ("/console/clock", "clock"),
    ),
    "members": (
        ("/console/members", "members"),
        ("/console/changes", "changes"),
        ("/console/proofs", "proofs"),
    ),
    "perks": (
        ("/console/perks", "perks"),
        ("/console/perks/desks", "desks"),
        ("/console/perks/settlement", "settlement"),
        ("/console/perks/figures", "figures"),
    ),
    "events": (("/console/events", "events"),),
    "questions": (
        ("/console/questions", "questions"),
        ("/console/facts", "facts"),
        ("/console/freshness", "freshness"),
    ),
    "announcements": (("/console/announcements", "announcements"),),
    "records": (("/console/report", "report"), ("/console/audit", "audit")),
}
"""The pages by group, as (address, key under ``console.nav``), in the order of the menu."""


class StaffPages(ABC):
    """Pages in Japanese or English, for staff."""

    def __init__(self, web: Web) -> None:
        self.web = web

    @abstractmethod
    def router(self) -> APIRouter:
        """The addresses of these pages."""

    def render(
        self, request: Request, name: str, *, status: int = 200, **values: object
    ) -> HTMLResponse:
        language = self.language(request)
        path = request.url.path
        here = _nearest(path)
        group = next((group for group, pages in MENU.items() if here in pages), "town")
        return self.web.render(
            request,
            f"console/{name}",
            status=status,
            language=language,
            menu={group: pages for group, pages in MENU.items() if pages},
            group=group,
            here=here[0],
            **values,
        )

    def language(self, request: Request) -> str:
        """The console speaks Japanese and English."""
        chosen = self.web.visitor(request).language
        return "ja" if chosen in {"ja", "ja-easy"} else "en"


def _nearest(path: str) -> tuple[str, str]:
    """The page of the menu that `path` belongs to: the longest address it begins with."""
    pages = [page for group in MENU.values() for page in group]
    fitting = [each for each in pages if path == each[0] or path.startswith(f"{each[0]}/")]
    return max(fitting, key=lambda each: len(each[0]), default=pages[0])
