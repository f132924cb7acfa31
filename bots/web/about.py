"""What a digital resident is and is not, for everybody: holders, colleagues, the council."""

from collections.abc import Iterable
from typing import Protocol
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bots import texts
from bots.web.pages import Web
from core.town import Localised


class About:
    """One public page; it says what the town pack offers and nothing more."""

    def __init__(self, web: Web) -> None:
        self.web = web

    def router(self) -> APIRouter:
        router = APIRouter()
        router.add_api_route("/about", self.page, methods=["GET"])
        return router

    async def page(self, request: Request) -> Response:
        from knowledge.voice.speaking.voices import mei_installed

        app, language = self.web.app, self.web.visitor(request).language
        town = app.town
        cards = (
            (texts.say("about.way_card", language, card=each.title.get(language)), each)
            for each in town.collections
        )
        proofs = ((each.title.get(language), each) for each in town.proofs)
        perks = ((each.title.get(language), each) for each in town.perks)
        hears = app.voice is not None and app.voice.hears
        # Mei also speaks where an endpoint fails or a nicer voice would be too slow.
        return self.web.render(
            request,
            "about.html",
            ways=_by_note((*cards, *proofs), language),
            perks=_by_note(perks, language),
            site=urlsplit(app.settings.address).netloc,
            hears=hears,
            elsewhere=app.settings.transcription_base_url,
            mei=app.voice is not None and mei_installed(),
        )


class _Noted(Protocol):
    """Whatever of the town pack has a legal note."""

    @property
    def legal_note(self) -> Localised: ...


def _by_note(named: Iterable[tuple[str, _Noted]], language: str) -> list[tuple[str, list[str]]]:
    """Each note once, with all that it is true of, in the order of the pack."""
    found: dict[str, list[str]] = {}
    for title, each in named:
        found.setdefault(each.legal_note.get(language), []).append(title)
    return list(found.items())
