"""Cards kept elsewhere: wallets that named one of a member's own as delegate, offered to be linked.

Looking asks the chain, so it happens when a member presses, and never when a page is opened.
"""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bots.conversation.links import MOST_SHOWN, short
from bots.web.pages import Web, go
from core.errors import ChainUnavailable

MAX_ADDRESS: Final = 42


class VaultPages:
    """What the buttons of ``/mydata`` for cards kept elsewhere lead to."""

    def __init__(self, web: Web) -> None:
        self.web = web

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/mydata/vaults")
        router.add_api_route("", self.look, methods=["POST"])
        router.add_api_route("/link", self.link, methods=["POST"])
        return router

    async def look(self, request: Request) -> Response:
        """Each wallet once, however many chains name it; linking takes all of them."""
        await self.web.form(request, "rooms")
        account = await self.web.member(request)
        try:
            offers = await self.web.app.vaults.offers(account.member_id)
        except ChainUnavailable:
            return go("/mydata", request, flash="errors.chain-unavailable")
        if not offers:
            return go("/mydata", request, flash="proofs.links.no-vaults")
        found = list(dict.fromkeys(each.vault for each in offers))[:MOST_SHOWN]
        offered = [(each, short(each)) for each in found]
        return self.web.render(request, "vaults.html", offered=offered)

    async def link(self, request: Request) -> Response:
        """Link what is on offer at this moment, and look at the rooms again."""
        fields = await self.web.form(request, "rooms")
        account, app = await self.web.member(request), self.web.app
        vault = fields.get("vault", "")[:MAX_ADDRESS]
        try:
            linked = await app.vaults.link(account.member_id, vault)
        except ChainUnavailable:
            return go("/mydata", request, flash="errors.chain-unavailable")
        if not linked:
            return go("/mydata", request, flash="proofs.links.vault-taken")
        await app.doorkeeper.recheck(account.member_id)
        app.wake()
        return go("/mydata", request, flash="proofs.links.added", address=short(vault))
