"""The console's page on one card of a member: what taking it off means, and doing it."""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from bots.conversation.links import find_wallet, short, words_of
from bots.web.console.pages import StaffPages
from bots.web.pages import Number, go
from core.access.roster import doors_of
from core.database import reading, transaction
from core.errors import NotAllowed
from core.identity import Wallet, linked_wallets
from core.unlinking import MAX_REASON, unlink_by_staff

SURE: Final = "yes"


class Cards(StaffPages):
    """Cards by a mark, never by an address: staff see two digits at either end."""

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/console/members/{number}/cards")
        router.add_api_route("/{mark}", self.show, methods=["GET"])
        router.add_api_route("/{mark}", self.unlink, methods=["POST"])
        return router

    async def show(self, request: Request, number: Number, mark: str) -> Response:
        """A second look before anything happens."""
        self.web.staff(request)
        wallet = await self._wallet(number, mark)
        if wallet is None:
            return go(f"/console/members/{number}", request, flash="members.done.card-gone")
        return await self._page(request, number, wallet)

    async def _wallet(self, number: int, mark: str) -> Wallet | None:
        app = self.web.app
        async with reading(app.sessions) as session:
            return await find_wallet(session, number, mark, mark=app.mark)

    async def _page(
        self, request: Request, number: int, wallet: Wallet, *, reason: str = "", fault: str = ""
    ) -> HTMLResponse:
        async with reading(self.web.app.sessions) as session:
            wallets = await linked_wallets(session, number)
            doors = await doors_of(session, number)
        town, language = self.web.app.town, self.language(request)
        behind = [
            words_of(town, each, language)
            for each in wallets
            if wallet.via is None
            and each.via == wallet.address
            and wallet.counts_on(each.chain_id or 0)
        ]
        return self.render(
            request,
            "card_unlink.html",
            status=422 if fault else 200,
            number=number,
            mark=self.web.app.mark(wallet),
            card=words_of(town, wallet, language),
            behind=behind,
            rooms=sorted({each.gate for each in doors if each.state in {"open", "opening"}}),
            reason=reason,
            fault=fault,
            max_reason=MAX_REASON,
        )

    async def unlink(self, request: Request, number: Number, mark: str) -> Response:
        """Take it off, tell the member, and look at their rooms again."""
        by = f"staff:{self.web.staff(request)}"
        fields = await self.web.form(request, "form")
        app, reason = self.web.app, fields.get("reason", "").strip()
        wallet = await self._wallet(number, mark)
        if wallet is None:
            return go(f"/console/members/{number}", request, flash="members.done.card-gone")
        if fields.get("sure") != SURE:
            return await self._page(request, number, wallet, reason=reason, fault="sure")
        try:
            async with transaction(app.sessions) as session:
                gone = await unlink_by_staff(
                    session,
                    number,
                    wallet,
                    called=short(wallet.address),
                    reason=reason,
                    by=by,
                    now=app.clock(),
                )
        except NotAllowed:
            return await self._page(request, number, wallet, reason=reason, fault="reason")
        await app.doorkeeper.recheck(number)
        app.wake()
        done = "unlinked" if gone else "card-gone"
        return go(f"/console/members/{number}", request, flash=f"members.done.{done}")
