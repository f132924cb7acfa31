"""The console's page on the chains: how far each collection's index is, how each endpoint does."""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bots.web.console.pages import StaffPages
from core.chain import EndpointHealth
from core.database import reading
from core.holdings import IndexState, Trouble, states

NEARLY: Final = 0.9
"""What part of a day's budget is said to be nearly all of it."""


class ChainPage(StaffPages):
    """Sentences with a next step; the technical reason stands small below."""

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/console/chain")
        router.add_api_route("", self.page, methods=["GET"])
        return router

    async def page(self, request: Request) -> Response:
        self.web.staff(request)
        app = self.web.app
        async with reading(app.sessions) as session:
            found = await states(session, app.town.collections, now=app.clock())
        language = self.language(request)
        titles = {each.name: each.title.get(language) for each in app.town.collections}
        chains = {each.id: each.name for each in app.town.chains}
        endpoints = app.chains.health()
        return self.render(
            request,
            "chain.html",
            indexes=[(titles[each.collection], how_it_stands(each), each) for each in found],
            endpoints=[
                (chains.get(each.chain_id, ""), how_it_does(each), each) for each in endpoints
            ],
            without=[name for number, name in chains.items() if not _has(endpoints, number)],
        )


def _has(endpoints: tuple[EndpointHealth, ...], chain_id: int) -> bool:
    return any(each.chain_id == chain_id for each in endpoints)


def how_it_stands(state: IndexState) -> str:
    """Which sentence of ``index.state`` says it."""
    if state.trouble:
        return "trouble" if state.trouble is not Trouble.UNREACHABLE else "waiting"
    if state.last_ok is None:
        return "new"
    if state.caught_up:
        return "current"
    return "reading" if state.behind else "old"


def how_it_does(health: EndpointHealth) -> str:
    """Which sentence of ``index.endpoint`` says it."""
    if health.requests_a_day and health.requests_today >= health.requests_a_day:
        return "spent"
    if health.consecutive_failures:
        return "failing"
    if health.last_success is None:
        return "unasked"
    if health.requests_a_day and health.requests_today >= NEARLY * health.requests_a_day:
        return "nearly"
    return "good"
