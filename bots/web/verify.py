"""Joining: a personal link, a signature, and the rooms that it opens.

The link carries its session in itself, so it works in whichever browser it is opened. A browser
becomes a member's only after a proof that was made in it.
"""

import json
import logging
from typing import Any, Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse, Response

from bots.web.pages import Web
from bots.web.session import (
    become,
    check_csrf,
)
from bots.web.words import one_line
from core.access import Admitted, Room
from core.consent import NeedsConsent
from core.enrolment import Linked
from core.errors import (
    ChainUnavailable,
    KankeiError,
    LinkExpired,
    ProofRejected,
    WalletTaken,
)
from core.identity import (
    LINK_LIFETIME,
    Account,
)
from core.proof import Refusal

logger = logging.getLogger(__name__)

MAX_SIGNATURE: Final = 20_000
"""Hex digits. Signatures of contract wallets with many owners are long."""

STATUSES: Final = {
    LinkExpired: 410,
    WalletTaken: 409,
    ProofRejected: 422,
    ChainUnavailable: 503,
}


class Verify:
    """The page that asks for one signature, and the demo's cards."""

    def __init__(self, web: Web) -> None:
        self.web = web

    def router(self) -> APIRouter:
        router = APIRouter()
        router.add_api_route("/verify/{token}", self.page, methods=["GET"])
        router.add_api_route("/verify/{token}/challenge", self.challenge, methods=["POST"])
        router.add_api_route("/verify/{token}/proof", self.prove, methods=["POST"])
        if self.web.demo is not None:
            router.add_api_route("/verify/{token}/demo", self.prove_by_demo, methods=["POST"])
        return router

    async def page(self, request: Request, token: str) -> Response:
        web, who = self.web, self.web.visitor(request)
        try:
            mine = await web.app.enrolment.account_of(token)
        except LinkExpired:
            return web.render(request, "link_expired.html", status=410)
        known = mine.locale in web.app.town.town.languages
        language = mine.locale if known and not who.chose_language else who.language
        name = one_line(web.app.enrolment.name_of(token))
        whose = ("named" if name else "chat") if mine.platform != "web" else "elsewhere"
        return web.render(
            request,
            "verify.html",
            language=language,
            token=token,
            whose=None if mine.external_id == who.id else whose,
            called=name,
            platform=mine.platform,
            bot=web.bots.get(mine.platform),
            chain_ids=self._chain_ids(),
            host=web.app.settings.address,
            minutes=int(LINK_LIFETIME.total_seconds() // 60),
        )

    def _chain_ids(self) -> list[int]:
        """The chains on which a card can be shown; the first where the wallet is on none."""
        if self.web.demo is not None:
            return [self.web.demo.chain_id]
        collections = self.web.app.town.collections
        return list(dict.fromkeys(each.chain_id for each in collections)) or [0]

    async def challenge(self, request: Request, token: str) -> Response:
        """``{address, chain_id}`` in, the message to sign out."""
        fields = await self._json(request)
        chain_id = fields.get("chain_id")
        try:
            asked = await self.web.app.enrolment.challenge(
                token,
                str(fields.get("address", ""))[:100],
                chain_id if isinstance(chain_id, int) else 0,
            )
        except KankeiError as error:
            return self._fault(request, error)
        return JSONResponse({"message": asked.message, "address": asked.address})

    async def prove(self, request: Request, token: str) -> Response:
        """``{message, signature}`` in, what it opened out, as a fragment of the page."""
        fields = await self._json(request)
        try:
            signature = _bytes(str(fields.get("signature", "")))
            html = await self._proved(request, token, str(fields.get("message", "")), signature)
        except KankeiError as error:
            return self._fault(request, error)
        return JSONResponse({"html": html})

    async def prove_by_demo(self, request: Request, token: str) -> Response:
        """The built-in wallet takes a sample card and signs; works without a script."""
        await self.web.form(request, "proof")
        app, demo = self.web.app, self.web.demo
        if demo is None:
            raise HTTPException(404)
        try:
            mine = await app.enrolment.account_of(token)
            name = f"{mine.platform}:{mine.external_id}"
            address = await demo.wallet(name)
            await demo.give_card(address)
            asked = await app.enrolment.challenge(token, address, demo.chain_id)
            signature = _bytes(await demo.sign(name, asked.message))
            html = await self._proved(request, token, asked.message, signature)
        except KankeiError as error:
            code, status = _code(error), _status(error)
            return self.web.render(request, "verified.html", status=status, html="", fault=code)
        return self.web.render(request, "verified.html", html=html, fault=None)

    async def _proved(self, request: Request, token: str, message: str, signature: bytes) -> str:
        app = self.web.app
        mine = await app.enrolment.signer_of(token)
        outcome = await app.enrolment.prove(token, message, signature)
        match outcome:
            case NeedsConsent(platforms):
                app.happenings.tell("web.happening.consent")
                app.wake()
                return self.web.fragment(request, "_consent.html", platforms=platforms)
            case Linked() as proved:
                rooms = await self._enter(request, mine, proved)
                opened = any(isinstance(room.decision, Admitted) for room in rooms)
                app.happenings.tell(f"web.happening.{'opened' if opened else 'not-opened'}")
                app.wake()
                return self.web.fragment(request, "_result.html", rooms=rooms, opened=opened)

    async def _enter(self, request: Request, mine: Account, proved: Linked) -> tuple[Room, ...]:
        """Open every room that the proof opens; this browser enters if the proof says so."""
        app = self.web.app
        account = await app.enrolment.enter(mine, proved, self.web.visitor(request).id)
        if account is not None:
            become(request, account)
        return await app.doorkeeper.recheck(proved.member_id)

    def _fault(self, request: Request, error: KankeiError) -> Response:
        code, status = _code(error), _status(error)
        html = self.web.fragment(request, "_fault.html", fault=code)
        return JSONResponse({"fault": code, "html": html}, status)

    async def _json(self, request: Request) -> dict[str, Any]:
        """A JSON object from our own page. Anything else is an empty one."""
        who = self.web.visitor(request)
        self.web.limits.check("proof", request, who.id, self.web.app.settings.trusted_proxies)
        check_csrf(request, request.headers.get("x-csrf-token", ""))
        try:
            fields = json.loads(await request.body())
        except (ValueError, RecursionError):
            return {}
        return fields if isinstance(fields, dict) else {}


def _bytes(signature: str) -> bytes:
    """Raises `ProofRejected` for what is no hex. No signature can be longer than the limit."""
    if len(signature) > MAX_SIGNATURE:
        raise ProofRejected(Refusal.BAD_SIGNATURE)
    try:
        return bytes.fromhex(signature.removeprefix("0x"))
    except ValueError as error:
        raise ProofRejected(Refusal.BAD_SIGNATURE) from error


def _code(error: KankeiError) -> str:
    """The key of the words for a fault."""
    return error.reason if isinstance(error, ProofRejected) else error.code


def _status(error: KankeiError) -> int:
    """The HTTP status of a fault that has its words here; any other is raised again."""
    for kind, status in STATUSES.items():
        if isinstance(error, kind):
            return status
    raise error
