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
        return self.web.render(
            request, "about.html", site=urlsplit(self.web.app.settings.address).netloc
        )
