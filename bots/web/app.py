"""The web pages of one town: FastAPI, server-made HTML, no outside host.

Order of what stands around a page, outermost first: counting, response headers, health, size of the
request, session cookie, the page.
"""

import logging
from collections.abc import Mapping

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.middleware.sessions import SessionMiddleware
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from bots.limits import TooMany
from bots.operations.health import Health, Probes
from bots.operations.requests import Counted
from bots.web.about import About
from bots.web.chat import Chat
from bots.web.console import staff_pages
from bots.web.demo import DemoShop
from bots.web.events import Calendars, PublicEvents
from bots.web.guard import BodyLimit, LastResort, SecurityHeaders
from bots.web.joining import Joining
from bots.web.pages import STATIC, Web
from bots.web.perks import Card, DeskPages, PublicPerks
from bots.web.ports import TownApp
from bots.web.preferences import PreferencePages
from bots.web.rooms import Rooms
from bots.web.vaults import VaultPages
from bots.web.verify import Verify
from bots.web.voice import VoiceDoor
from core.errors import ChainUnavailable, NotAllowed, RecordsUnavailable

logger = logging.getLogger(__name__)

SESSION_SECONDS = 30 * 24 * 60 * 60
WORDED = frozenset({400, 403, 404, 405, 413, 429, 500, 503})
"""The statuses that have a page of their own."""


class Kept(StaticFiles):
    """Static files. An address with a digest never changes its content."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        versioned = scope["query_string"].startswith(b"v=")
        age = "max-age=31536000, immutable" if versioned else "max-age=3600"
        response.headers["Cache-Control"] = f"public, {age}"
        return response


def create_web(
    app: TownApp,
    *,
    secret: str,
    demo: DemoShop | None = None,
    bots: Mapping[str, str] | None = None,
) -> FastAPI:
    """The pages of `app`. Routes of the demo exist only if `demo` is given.

    `bots` says what our bot is called on each platform, such as ``{"telegram": "@mine_bot"}``, so
    that the verify page can name the real one; it may be filled after the start.
    """
    https = app.settings.address.startswith("https:")
    web = Web(app, secret, demo, bots if bots is not None else {})
    api = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    errors = Errors(web)
    api.add_middleware(LastResort, answer=errors.unexpected)
    api.add_middleware(
        SessionMiddleware,
        secret_key=secret,
        # A browser takes a __Host- cookie only over https, from this very host.
        session_cookie="__Host-kankei" if https else "kankei",
        max_age=SESSION_SECONDS,
        same_site="lax",
        https_only=https,
    )
    api.add_middleware(BodyLimit)
    api.add_middleware(
        Probes, health=Health(app), slug=app.town.town.slug, proxies=app.settings.trusted_proxies
    )
    api.add_middleware(SecurityHeaders, address=app.settings.address)
    api.add_middleware(Counted, meters=app.meters)
    api.mount("/static", Kept(directory=STATIC), name="static")
    chat = Chat(web)
    voice = VoiceDoor(web, chat.transcripts)
    everybody = (chat.router(), voice.router(), About(web).router(), PublicPerks(web).router())
    residents = (Joining(web).router(), Verify(web).router(), Rooms(web).router())
    own = (
        VaultPages(web).router(),
        PreferencePages(web).router(),
        Card(web).router(),
        DeskPages(web).router(),
    )
    events = (PublicEvents(web).router(), Calendars(web).router())
    for router in (
        *everybody,
        *residents,
        *own,
        *events,
        *(each.router() for each in staff_pages(web)),
    ):
        api.include_router(router)
    _machines(api, web)
    errors.handle(api)
    return api


def _machines(api: FastAPI, web: Web) -> None:
    """What browsers, monitors and Telegram ask for."""

    async def favicon() -> Response:
        return FileResponse(STATIC / "mascot.svg", media_type="image/svg+xml")

    async def telegram(request: Request) -> Response:
        receive = web.app.telegram_receive
        if receive is None:
            raise HTTPException(404)
        secret = request.headers.get("x-telegram-bot-api-secret-token", "")
        body = await request.body()
        try:
            taken = await receive(secret, body)
        except NotAllowed as error:
            raise HTTPException(403) from error
        return Response(status_code=403 if taken is False else 200)

    api.add_api_route("/favicon.ico", favicon, methods=["GET"])
    api.add_api_route("/favicon", favicon, methods=["GET"])
    api.add_api_route("/telegram/webhook", telegram, methods=["POST"])


class Errors:
    """Every error is a page with a sentence and a next step; for scripts, a fragment of it."""

    def __init__(self, web: Web) -> None:
        self.web = web

    def handle(self, api: FastAPI) -> None:
        api.add_exception_handler(StarletteHTTPException, self.on_http)
        api.add_exception_handler(RequestValidationError, self.on_bad_request)
        for kind in (RecordsUnavailable, ChainUnavailable, TooMany):
            api.add_exception_handler(kind, self.on_outage)

    def page(
        self,
        request: Request,
        status: int,
        detail: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        key = str(status if status in WORDED else 500 if status >= 500 else 400)  # noqa: PLR2004
        key = f"{key}-{detail}" if detail in {"csrf", "staff", "member", "chain", "desk"} else key
        if "json" in request.headers.get("accept", ""):
            html = self.web.fragment(request, "_error.html", key=key)
            return JSONResponse({"fault": key, "html": html}, status, headers=headers)
        response = self.web.render(request, "error.html", status=status, key=key)
        response.headers.update(headers or {})
        return response

    def unexpected(self, request: Request) -> Response:
        return self.page(request, 500)

    async def on_http(self, request: Request, error: Exception) -> Response:
        if not isinstance(error, StarletteHTTPException):
            return self.page(request, 500)
        detail = error.detail if isinstance(error.detail, str) else ""
        return self.page(request, error.status_code, detail, error.headers)

    async def on_bad_request(self, request: Request, error: Exception) -> Response:  # noqa: ARG002
        return self.page(request, 404)  # only numbers in addresses are validated

    async def on_outage(self, request: Request, error: Exception) -> Response:
        logger.warning("page-unavailable", extra={"reason": type(error).__name__})
        if isinstance(error, TooMany):
            return self.page(request, 429)
        if isinstance(error, ChainUnavailable):
            return self.page(request, 503, "chain")
        staff = request.url.path.startswith("/console") and self.web.visitor(request).staff
        return self.page(request, 503, "staff" if staff else "")
