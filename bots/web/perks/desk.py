"""The ticket window: a link of the facility, a PIN, and the camera of any phone.

The page is opened once with its PIN and works on without signal for the day (`static/desk`). It
never learns who the member is. Only this page may use the camera.
"""

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse, Response

from bots import texts
from bots.perk_words import PerkWords
from bots.web.pages import STATIC, Web, go, static_versions
from bots.web.perks.verdicts import VerdictWords
from bots.web.session import check_csrf
from core.errors import KankeiError, NotAllowed
from core.perks import UNDO_BY_DESK, Desk, DeskRefusal, OfflineKit, Redemption, Scan, Shut

SHIFT: Final = timedelta(hours=14)
"""How long a window stays open after its PIN."""

MAX_DESKS: Final = 4
"""Windows that one browser may keep open."""

MAX_PIN: Final = 20
MAX_ID: Final = 36
MAX_TEXT: Final = 1_000
"""Characters of what a camera may have read; a pass has 170."""

MAX_SCANS: Final = 100
"""At once; the page sends fifty."""

TODAY: Final = 50
UNDO_REASONS: Final = ("mistake", "left", "wrong-perk", "other")

SCRIPTS: Final = ("scan", "store", "kit", "outbox", "verdict", "list", "decode")
SHELL: Final = (
    *(f"desk/{name}.js" for name in ("desk", *SCRIPTS)),
    *("desk.css", "kankei.css", "mascot.svg", "page.js"),
    *("vendor/digital-agency-tokens-1.1.9.css", "vendor/jsqr-1.4.0.js"),
)
"""What the page needs without signal."""


class DeskPages:
    """`/desk`: the clerk's page and what its script asks for."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self.words = PerkWords(web.app.town)
        self.verdicts = VerdictWords(web.app.town, self.words)

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/desk")
        for path, handler, method in (
            ("/offline.js", self.worker, "GET"),
            ("/{link}", self.page, "GET"),
            ("/{link}", self.enter, "POST"),
            ("/{link}/leave", self.leave, "POST"),
            ("/{link}/scan", self.scan, "POST"),
            ("/{link}/undo", self.undo, "POST"),
            ("/{link}/sync", self.sync, "POST"),
            ("/{link}/kit", self.kit, "GET"),
            ("/{link}/today", self.today, "GET"),
            ("/{link}/ping", self.ping, "GET"),
        ):
            router.add_api_route(path, handler, methods=[method])
        return router

    # In and out

    async def _desk(self, request: Request, link: str) -> Desk | None:
        """The window that this browser opened with its PIN, if it is still open."""
        kept = request.session.get("desks", {}).get(_mark(link))
        if kept is None:
            return None
        if datetime.fromtimestamp(kept["until"], UTC) <= self.web.app.clock():
            return None
        return await self.web.app.desks.resume(kept["id"], kept["epoch"])

    async def page(self, request: Request, link: str) -> Response:
        desk = await self._desk(request, link)
        if desk is None:
            gone = await self.web.app.desks.find(link) is None
            shut = Shut(DeskRefusal.NO_SUCH_DESK) if gone else None
            return self._ask(request, link, status=410 if gone else 200, shut=shut)
        who = self.web.visitor(request)
        response = self.web.render(
            request,
            "perks/desk.html",
            link=link,
            desk=desk,
            place=self.words.facility(desk.facility, who.language),
            scripts=SCRIPTS,
            script_words=_script_words(who.language),
            **await self._today(desk),
        )
        response.headers["Permissions-Policy"] = "camera=(self), microphone=(), geolocation=()"
        response.headers["X-Desk"] = "open"
        return response

    def _ask(
        self, request: Request, link: str, *, status: int = 200, shut: Shut | None = None
    ) -> Response:
        minutes = 0
        if shut is not None and shut.until is not None:
            seconds = (shut.until - self.web.app.clock()).total_seconds()
            minutes = max(1, -int(-seconds // 60))
        fault = None if shut is None else FAULTS[shut.reason]
        return self.web.render(
            request, "perks/pin.html", status=status, link=link, fault=fault, minutes=minutes
        )

    async def enter(self, request: Request, link: str) -> Response:
        fields = await self.web.form(request, "pin")
        opened = await self.web.app.desks.open(link, _digits(fields.get("pin", "")))
        if isinstance(opened, Shut):
            status = 429 if opened.reason is DeskRefusal.LOCKED else 403
            return self._ask(request, link, status=status, shut=opened)
        until = int((self.web.app.clock() + SHIFT).timestamp())
        kept = dict(request.session.get("desks", {}))
        kept.pop(_mark(link), None)
        kept[_mark(link)] = {"id": opened.id, "epoch": opened.epoch, "until": until}
        request.session["desks"] = dict(list(kept.items())[-MAX_DESKS:])
        return go(f"/desk/{link}")

    async def leave(self, request: Request, link: str) -> Response:
        await self.web.form(request, "form")
        kept = dict(request.session.get("desks", {}))
        kept.pop(_mark(link), None)
        request.session["desks"] = kept
        return go(f"/desk/{link}")

    # What the script asks for

    async def _open(self, request: Request, link: str) -> Desk:
        who = self.web.visitor(request)
        self.web.limits.check("desk", request, who.id, self.web.app.settings.trusted_proxies)
        desk = await self._desk(request, link)
        if desk is None:
            raise HTTPException(403, detail="desk")
        return desk

    async def _body(self, request: Request) -> dict[str, Any]:
        """A JSON object from our own page. Anything else is an empty one."""
        check_csrf(request, request.headers.get("x-csrf-token", ""))
        try:
            fields = json.loads(await request.body())
        except (ValueError, RecursionError):
            return {}
        return fields if isinstance(fields, dict) else {}

    async def scan(self, request: Request, link: str) -> Response:
        """``{text, id}`` in: a pass or a code, and the scan's own UUID. The verdict out."""
        fields, desk = await self._body(request), await self._open(request, link)
        text, number = str(fields.get("text", "")), str(fields.get("id", ""))
        try:
            verdict = await self.web.app.perks.redeem(
                text[:MAX_TEXT], desk, request_id=number[:MAX_ID]
            )
        except NotAllowed as error:  # no id: not from our page
            raise HTTPException(400) from error
        language = self.web.visitor(request).language
        shown = self.verdicts.shown(verdict, language, self.web.app.clock())
        return JSONResponse(shown)

    async def undo(self, request: Request, link: str) -> Response:
        """``{number, reason}`` in; whether it was taken back, and the list as it is now."""
        fields, desk = await self._body(request), await self._open(request, link)
        number, reason = fields.get("number"), fields.get("reason")
        language = self.web.visitor(request).language
        done = isinstance(number, int) and reason in UNDO_REASONS
        if done:
            try:
                said = texts.say(f"desk.undo.{reason}", "ja")
                await self.web.app.perks.undo(int(str(number)), desk, reason=said)
            except KankeiError:  # too late, or not of this window
                done = False
        word = "desk.verdict.undone" if done else "desk.undo.late"
        listed = await self._list(request, desk)
        return JSONResponse({"done": done, "said": texts.say(word, language), **listed})

    async def sync(self, request: Request, link: str) -> Response:
        """``{scans: [{id, text, at}]}`` in, an answer for each out; may be sent again."""
        fields, desk = await self._body(request), await self._open(request, link)
        given = fields.get("scans")
        scans = [_scan(each) for each in given[:MAX_SCANS]] if isinstance(given, list) else []
        answers = await self.web.app.perks.sync(desk, [each for each in scans if each])
        language = self.web.visitor(request).language
        return JSONResponse({"answers": [self.verdicts.synced(each, language) for each in answers]})

    async def kit(self, request: Request, link: str) -> Response:
        """What the page needs to go on without signal."""
        desk = await self._open(request, link)
        kit = await self.web.app.perks.offline_kit(desk)
        zone = self.web.app.town.town.timezone
        return JSONResponse(_kit(kit, self.web.visitor(request).language, zone))

    async def today(self, request: Request, link: str) -> Response:
        return JSONResponse(await self._list(request, await self._open(request, link)))

    async def ping(self, request: Request, link: str) -> Response:
        await self._open(request, link)
        return JSONResponse({})

    async def _today(self, desk: Desk) -> dict[str, Any]:
        """What this window took today, the newest first, for `_today.html`."""
        now = self.web.app.clock()
        rows = await self.web.app.perks.redemptions(desk=desk, limit=TODAY)

        def undoable(use: Redemption) -> bool:
            return now - use.at < UNDO_BY_DESK

        return {
            "uses": [row for row in rows if self.words.same_day(row.at, now)],
            "listed_at": int(now.timestamp() * 1_000),
            "words": self.words,
            "reasons": UNDO_REASONS,
            "undoable": undoable,
        }

    async def _list(self, request: Request, desk: Desk) -> dict[str, Any]:
        """``html``, and ``at``: of when it is, in milliseconds since 1970."""
        listed = await self._today(desk)
        html = self.web.fragment(request, "perks/_today.html", **listed)
        return {"html": html, "at": listed["listed_at"]}

    # Without signal

    async def worker(self) -> Response:
        """The service worker, with the addresses of what it keeps."""
        versions = static_versions()
        shell = [versions[name] for name in SHELL]
        edition = hashlib.sha256(json.dumps(shell).encode()).hexdigest()[:12]
        code = (STATIC / "desk" / "offline.js").read_text(encoding="utf-8")
        head = f"const SHELL = {json.dumps(shell)};\nconst EDITION = {json.dumps(edition)};\n"
        return Response(head + code, media_type="text/javascript")


FAULTS: Final[Mapping[DeskRefusal, str]] = {
    DeskRefusal.NO_SUCH_DESK: "gone",
    DeskRefusal.WRONG_PIN: "wrong",
    DeskRefusal.LOCKED: "locked",
}


def _mark(link: str) -> str:
    """How the cookie names a window: not by its link, which is a secret."""
    return hashlib.sha256(link.encode()).hexdigest()[:16]


def _digits(pin: str) -> str:
    """A PIN as it may be typed: full-width digits and spaces are fine."""
    return "".join(unicodedata.normalize("NFKC", pin).split())[:MAX_PIN]


def _script_words(language: str) -> Mapping[str, str]:
    """The words that the script fills in, by key without the file's name."""
    return {
        key.removeprefix("desk."): texts.catalogue(language).get(key, text)
        for key, text in texts.catalogue("ja").items()
        if key.startswith(("desk.page.", "desk.camera.", "desk.verdict.", "desk.reason."))
    }


def _scan(given: object) -> Scan | None:
    """One scan of the page's queue; `None` for what is none."""
    if not isinstance(given, dict):
        return None
    number, text, at = given.get("id"), given.get("text"), given.get("at")
    if not (isinstance(number, str) and isinstance(text, str) and isinstance(at, int | float)):
        return None
    try:
        moment = datetime.fromtimestamp(at / 1_000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return Scan(number[:MAX_ID], moment, text[:MAX_TEXT]) if number else None


def _kit(kit: OfflineKit, language: str, zone: str) -> Mapping[str, object]:
    return {
        "now": kit.now.isoformat(),
        "until": kit.until.isoformat(),
        "timezone": zone,
        "town": kit.town,
        "facility": kit.facility,
        "keys": {number: dict(key) for number, key in kit.keys.items()},
        "perks": [
            {
                "mark": each.mark,
                "title": each.title.get(language),
                "reentry_minutes": each.reentry_minutes,
                "reentries": each.reentries,
                "valid_from": each.valid_from.isoformat() if each.valid_from else None,
                "valid_until": each.valid_until.isoformat() if each.valid_until else None,
            }
            for each in kit.perks
        ],
        "taken": list(kit.taken),
        "skew_seconds": kit.skew_seconds,
    }
