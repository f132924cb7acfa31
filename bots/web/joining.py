"""The ways to belong: a card, a claim code, a record of purchase, an identity.

On /join a browser acts for itself; on a personal link from a chat (/prove/…) for that account. A
link with a code in it only fills in the form: what looks ahead at links in chats presses no button.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse, Response

from bots import texts
from bots.conversation.proving import EXAMPLE
from bots.web.pages import Web, go
from bots.web.session import become
from core.access import Admitted
from core.consent import NeedsConsent
from core.credentials.proving import Proved
from core.credentials.spelling import read_code, written
from core.database import transaction
from core.errors import LinkExpired, ProofRejected
from core.identity import Account, account, make_link, web_account

logger = logging.getLogger(__name__)

MAX_CODE: Final = 100
FIELDS: Final = ("code", "proof", "order", "email")
CONFLICT: Final = frozenset({"taken", "code-used", "revoked", "expired"})


class Joining:
    """The pages on which somebody joins without a card, and where those with one begin."""

    def __init__(self, web: Web) -> None:
        self.web = web

    def router(self) -> APIRouter:
        router = APIRouter()
        for path, handler, method in (
            ("/join", self.ways, "GET"),
            ("/join", self.card, "POST"),
            ("/join/code", self.code, "POST"),
            ("/join/purchase", self.purchase, "POST"),
            ("/join/identity/callback", self.returned, "GET"),
            ("/join/identity/{proof}", self.identity, "POST"),
            ("/.well-known/kankei-oidc-keys.json", self.keys, "GET"),
            ("/prove/{token}", self.ways, "GET"),
            ("/prove/{token}/identity/{proof}", self.identity, "POST"),
            ("/prove/{token}/code", self.code, "POST"),
            ("/prove/{token}/purchase", self.purchase, "POST"),
        ):
            router.add_api_route(path, handler, methods=[method])
        return router

    async def ways(self, request: Request, token: str | None = None, code: str = "") -> Response:
        """Every way that the town has. Nothing is looked up and nothing is used."""
        read = read_code(code[:MAX_CODE])
        given = {"code": written(read) if read else code[:MAX_CODE]}
        try:
            link = await self.web.app.enrolment.account_of(token) if token else None
        except LinkExpired:
            return self.web.render(request, "link_expired.html", status=410)
        return self._page(request, token, link, given, ready=read is not None)

    def _page(
        self,
        request: Request,
        token: str | None,
        link: Account | None,
        given: Mapping[str, str],
        *,
        fault: str | None = None,
        ready: bool = False,
    ) -> Response:
        web, who = self.web, self.web.visitor(request)
        language = who.language
        if link and not who.chose_language and link.locale in web.app.town.town.languages:
            language = link.locale
        return web.render(
            request,
            "join.html",
            status=(409 if fault in CONFLICT else 422) if fault else 200,
            language=language,
            base=f"/prove/{token}" if token else "/join",
            platform=link.platform if link else None,
            bot=web.bots.get(link.platform) if link else None,
            host=web.app.settings.address,
            offered=web.app.proving.offered,
            codes=bool(web.app.proving.proofs("code")),
            given={**dict.fromkeys(FIELDS, ""), **given},
            fault=fault,
            ready=ready,
            example=EXAMPLE,
        )

    async def card(self, request: Request) -> Response:
        """A web account for this browser and a personal link for it."""
        await self.web.form(request, "join")
        mine = await self._account(request, None)
        app = self.web.app
        async with transaction(app.sessions) as session:
            token = await make_link(session, mine.id, now=app.clock())
        app.happenings.tell("chat.happening.join")
        return go(f"/verify/{token}")

    async def _account(self, request: Request, token: str | None) -> Account:
        """For whom something is proved. Raises `LinkExpired`."""
        app, who = self.web.app, self.web.visitor(request)
        if token:
            return await app.enrolment.account_of(token)
        async with transaction(app.sessions) as session:
            now = app.clock()
            return await account(session, "web", who.id, locale=who.language, now=now)

    async def code(self, request: Request, token: str | None = None) -> Response:
        fields = await self.web.form(request, "code")
        return await self._prove(request, token, "code", fields)

    async def purchase(self, request: Request, token: str | None = None) -> Response:
        fields = await self.web.form(request, "code")
        return await self._prove(request, token, "purchaser", fields)

    async def _prove(
        self, request: Request, token: str | None, method: str, fields: Mapping[str, str]
    ) -> Response:
        given = {name: fields.get(name, "")[:300] for name in FIELDS}
        try:
            mine = await self._account(request, token)
        except LinkExpired:
            return self.web.render(request, "link_expired.html", status=410)
        try:
            outcome = await self.web.app.proving.prove(
                mine, method, given, elsewhere=token is not None
            )
        except ProofRejected as error:
            link = mine if token else None
            return self._page(request, token, link, given, fault=error.reason)
        return await self.proved(request, mine, outcome)

    # An identity provider

    async def keys(self) -> Response:
        """Our public key set, which the provider is given at registration."""
        proving = self.web.app.proving
        if not proving.proofs("oidc"):
            raise HTTPException(404)
        keys = await asyncio.to_thread(proving.identities.public_keys)
        return JSONResponse(keys, headers={"Cache-Control": "public, max-age=3600"})

    async def identity(self, request: Request, proof: str, token: str | None = None) -> Response:
        """Send somebody to the provider; the same browser must come back."""
        await self.web.form(request, "join")
        try:
            mine = await self._account(request, token)
        except LinkExpired:
            return self.web.render(request, "link_expired.html", status=410)
        who = self.web.visitor(request)
        try:
            where = await self.web.app.proving.identities.send(mine, proof, browser=who.id)
        except ProofRejected as error:
            link = mine if token else None
            return self._page(request, token, link, {}, fault=error.reason)
        # A page that goes on by itself: by our `form-action` no form may end at another host.
        host = urlsplit(where).netloc
        return self.web.render(request, "onwards.html", where=where, host=host)

    async def returned(
        self,
        request: Request,
        state: str = "",
        code: str | None = None,
        iss: str | None = None,
    ) -> Response:
        """Back from the provider. Whatever went wrong there, nothing has been registered."""
        web, who = self.web, self.web.visitor(request)
        web.limits.check("code", request, who.id, web.app.settings.trusted_proxies)
        try:
            back = await web.app.proving.identities.welcome(
                state=state, code=code, issuer=iss, browser=who.id
            )
            elsewhere = back.account.platform != "web"
            given = {"proof": back.proof, "subject": back.subject}
            outcome = await web.app.proving.prove(back.account, "oidc", given, elsewhere=elsewhere)
        except ProofRejected as error:
            return self._page(request, None, None, {}, fault=error.reason)
        if isinstance(outcome, Proved) and outcome.member_id != back.account.member_id:
            await self._come_home(request, outcome.member_id)
        return await self.proved(request, back.account, outcome)

    async def _come_home(self, request: Request, member_id: int) -> None:
        """The browser was new, its person is not: it acts for the member's web account now."""
        async with transaction(self.web.app.sessions) as session:
            mine = await web_account(session, member_id, now=self.web.app.clock())
        become(request, mine)

    async def proved(
        self, request: Request, mine: Account, outcome: Proved | NeedsConsent
    ) -> Response:
        """Open the rooms, and say which."""
        app, who = self.web.app, self.web.visitor(request)
        app.wake()
        if isinstance(outcome, NeedsConsent):
            app.happenings.tell("web.happening.consent")
            names = [texts.say(f"chat.platform.{each}", who.language) for each in outcome.platforms]
            return self.web.render(request, "proved.html", outcome=None, names=", ".join(names))
        rooms = await app.doorkeeper.recheck(outcome.member_id)
        app.wake()
        app.happenings.tell("proofs-desk.happening.code")
        return self.web.render(
            request,
            "proved.html",
            outcome=outcome,
            rooms=rooms,
            opened=any(isinstance(each.decision, Admitted) for each in rooms),
            platform=mine.platform,
        )
