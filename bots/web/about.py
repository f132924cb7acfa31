"""What a digital resident is and is not, for everybody: holders, colleagues, the council."""

from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bots.web.pages import Web


class About:
    """One public page; it says what the town pack offers and nothing more."""

    def __init__(self, web: Web) -> None:
        self.web = web

    def router(self) -> APIRouter:
        router = APIRouter()
        router.add_api_route("/about", self.page, methods=["GET"])
        return router

    async def page(self, request: Request) -> Response:
        from knowledge.voice.voices import mei_installed

        app = self.web.app
        hears = app.voice is not None and app.voice.hears
        # Mei also speaks where an endpoint fails or a nicer voice would be too slow.
        return self.web.render(
            request,
            "about.html",
            site=urlsplit(app.settings.address).netloc,
            hears=hears,
            elsewhere=app.settings.transcription_base_url,
            mei=app.voice is not None and mei_installed(),
        )
