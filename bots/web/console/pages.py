"""What the pages of the staff console share."""

from fastapi import Request
from fastapi.responses import HTMLResponse

from bots.web.pages import Web


class StaffPages:
    """Pages in Japanese or English, for staff."""

    def __init__(self, web: Web) -> None:
        self.web = web

    def render(
        self, request: Request, name: str, *, status: int = 200, **values: object
    ) -> HTMLResponse:
        language = self.language(request)
        return self.web.render(
            request, f"console/{name}", status=status, language=language, **values
        )

    def language(self, request: Request) -> str:
        """The console speaks Japanese and English."""
        chosen = self.web.visitor(request).language
        return "ja" if chosen in {"ja", "ja-easy"} else "en"
