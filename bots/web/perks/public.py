"""Perks for everybody to read: the list, and what is left of them on a card, by its number."""

from typing import Final
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from bots.perk_words import PerkWords
from bots.web.pages import Web, go
from core.database import transaction
from core.errors import NotFound
from core.holdings import is_issued
from core.perks import TokenStatus

LARGEST_TOKEN: Final = 2**256 - 1
"""ERC-721 counts to this."""


class PublicPerks:
    """`/perks` and `/tokens`."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self.words = PerkWords(web.app.town)

    def router(self) -> APIRouter:
        router = APIRouter()
        for path, handler in (
            ("/perks", self.list),
            ("/tokens", self.search),
            ("/tokens/{collection}/{number}", self.token),
        ):
            router.add_api_route(path, handler, methods=["GET"])
        return router

    async def list(self, request: Request) -> Response:
        """What there is, where, for whom, and how it is used."""
        perks = self.web.app.town.perks
        return self.web.render(
            request,
            "perks/list.html",
            groups=(
                ("for_members", [each for each in perks if each.gate]),
                ("for_all", [each for each in perks if not each.gate]),
            ),
            words=self.words,
        )

    async def search(self, request: Request, collection: str = "", number: str = "") -> Response:
        """A form; with both fields filled, the card's page."""
        if collection and number.strip():
            return go(f"/tokens/{quote(collection[:64], safe='')}/{quote(_typed(number), safe='')}")
        return self._page(request, collection, number)

    async def token(self, request: Request, collection: str, number: str) -> Response:
        """Uses left of one card. Asks no chain and names nobody."""
        who = self.web.visitor(request)
        self.web.limits.check("rooms", request, who.id, self.web.app.settings.trusted_proxies)
        found = self.web.app.town.collection(collection)
        number = _typed(number)
        if found is None:
            raise HTTPException(404)
        if not _is_token(number):
            return self._page(request, collection, number, unknown=True)
        try:
            rows = await self.web.app.perks.status_of_token(collection, int(number))
        except NotFound:
            return self._page(request, collection, number, unknown=True)
        async with transaction(self.web.app.sessions) as session:
            issued = await is_issued(session, found, int(number))
        if issued is False:  # a buyer must not take a card that nobody has for one
            return self._page(request, collection, number, unknown=True)
        return self._page(request, collection, number, rows=rows, unread=issued is None)

    def _page(
        self,
        request: Request,
        collection: str,
        number: str,
        *,
        rows: tuple[TokenStatus, ...] | None = None,
        unknown: bool = False,
        unread: bool = False,
    ) -> Response:
        return self.web.render(
            request,
            "perks/token.html",
            status=404 if unknown else 200,
            collection=self.web.app.town.collection(collection),
            number=number[:80],
            rows=rows,
            unknown=unknown,
            unread=unread,
            words=self.words,
            now=self.web.app.clock(),
        )


def _typed(number: str) -> str:
    """A token's number as people type it: #7, ７ and 007 are 7."""
    digits = number.strip().lstrip("#＃").strip()
    return (
        str(int(digits)) if digits.isdecimal() and len(digits) < len(str(LARGEST_TOKEN)) else digits
    )


def _is_token(number: str) -> bool:
    return number.isascii() and number.isdecimal() and int(number[:80]) <= LARGEST_TOKEN
