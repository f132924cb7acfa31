"""The staff console: announce and follow, see how the town stands, read the log."""

from collections.abc import Mapping
from typing import Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from bots.app import posting_places
from bots.spreadsheet import csv_text
from bots.web.console.pages import StaffPages
from bots.web.pages import LANGUAGE_NAMES, Number, go
from bots.web.session import enter_as_staff, read_staff_link
from core import announcements, audit, questions
from core.access import counts
from core.announcements import (
    MAX_BODY,
    MAX_HEADING,
    Announcement,
    AnnouncementState,
    Audience,
    Kind,
)
from core.database import reading, transaction
from core.errors import NotAllowed, NotFound
from core.identity import first_time, member_count

RUNNING: Final = frozenset({AnnouncementState.SENDING, AnnouncementState.PAUSED})
STOP_POLLING: Final = 286  # htmx stops asking when it is answered so


class Console(StaffPages):
    """What staff see. Every page but the entrance asks for a staff session."""

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/console")
        for path, handler, method in (
            ("", self.overview, "GET"),
            ("/enter", self.entrance, "GET"),
            ("/enter", self.enter, "POST"),
            ("/leave", self.leave, "POST"),
            ("/announcements", self.list, "GET"),
            ("/announcements/new", self.new, "GET"),
            ("/announcements", self.compose, "POST"),
            ("/announcements/{number}", self.show, "GET"),
            ("/announcements/{number}/progress", self.progress, "GET"),
            ("/announcements/{number}/recipients.csv", self.recipients, "GET"),
            ("/announcements/{number}/{step}", self.step, "POST"),
            ("/guide", self.guide, "GET"),
        ):
            router.add_api_route(path, handler, methods=[method])
        if self.web.demo is not None:
            router.add_api_route("/demo", self.enter_demo, methods=["POST"])
        return router

    # The entrance

    async def entrance(self, request: Request, key: str = "") -> Response:
        """A page with one button: what looks ahead at links in chats presses none."""
        who = self.web.visitor(request)
        self.web.limits.check("staff", request, who.id, self.web.app.settings.trusted_proxies)
        staff = read_staff_link(self.web.secret, key, self.web.app.clock())
        status = 200 if staff else 403
        return self.render(request, "enter.html", status=status, key=key, staff=staff)

    async def enter(self, request: Request) -> Response:
        fields = await self.web.form(request, "staff")
        now = self.web.app.clock()
        staff = read_staff_link(self.web.secret, fields.get("key", ""), now)
        if staff is None:
            return self.render(request, "enter.html", status=403, key="", staff=None)
        async with transaction(self.web.app.sessions) as session:
            if not await first_time(session, "staff-link", staff.id, now=now):
                return self.render(request, "enter.html", status=403, key="", staff=None)
            await audit.record(
                session, actor=f"staff:{staff.name}", action="staff.entered", now=now
            )
        enter_as_staff(request, staff.name, now)
        return go("/console")

    async def enter_demo(self, request: Request) -> Response:
        await self.web.form(request, "staff")
        now = self.web.app.clock()
        async with transaction(self.web.app.sessions) as session:
            await audit.record(session, actor="staff:demo", action="staff.entered", now=now)
        self.web.app.happenings.tell("web.happening.staff")
        enter_as_staff(request, "demo", now)
        return go("/console")

    async def leave(self, request: Request) -> Response:
        await self.web.form(request, "form")
        request.session.pop("staff", None)
        return go("/")

    # How the town stands

    async def overview(self, request: Request) -> Response:
        self.web.staff(request)
        app = self.web.app
        async with transaction(app.sessions) as session:
            members = await member_count(session)
            inside = await counts(session)
            newest = await announcements.history(session, limit=3)
            waiting = await questions.waiting_count(session)
        return self.render(
            request,
            "overview.html",
            members=members,
            inside=inside,
            newest=newest,
            waiting=waiting,
            problems=app.problems(),
            library=app.guide.library,
            stale=app.guide.library.stale(app.learning.today()),
        )

    async def guide(self, request: Request) -> Response:
        self.web.staff(request)
        library = self.web.app.guide.library
        sizes: dict[str, int] = {}
        for passage in library.passages:
            sizes[passage.document] = sizes.get(passage.document, 0) + 1
        return self.render(
            request,
            "guide.html",
            library=library,
            sizes=sizes,
            stale=library.stale(self.web.app.learning.today()),
        )

    # Announcements

    async def list(self, request: Request) -> Response:
        self.web.staff(request)
        async with transaction(self.web.app.sessions) as session:
            rows = await announcements.history(session)
        return self.render(request, "announcements.html", rows=rows)

    async def new(self, request: Request) -> Response:
        self.web.staff(request)
        return await self._compose_page(request, {})

    async def _compose_page(
        self, request: Request, given: Mapping[str, str], *, fault: str | None = None
    ) -> HTMLResponse:
        async with transaction(self.web.app.sessions) as session:
            inside = await counts(session)
            members = await member_count(session)
        return self.render(
            request,
            "compose.html",
            status=422 if fault else 200,
            given=given,
            fault=fault,
            inside=inside,
            members=members,
            max_heading=MAX_HEADING,
            max_body=MAX_BODY,
        )

    def _audience(self, kind: Kind, gate: str | None) -> Audience:
        if kind is Kind.ROOM:
            app = self.web.app
            return Audience(kind, gate, posting_places(app.town, app.keepers, gate))
        return Audience(Kind.DIRECT, gate)

    async def compose(self, request: Request) -> Response:
        """Keep a draft and show how it would look and whom it would reach."""
        staff = self.web.staff(request)
        fields = await self.web.form(request, "form")
        kind, _, gate = fields.get("audience", "").partition(":")
        known = not gate or self.web.app.town.gate(gate) is not None
        if kind not in {Kind.ROOM, Kind.DIRECT} or not known:
            return await self._compose_page(request, fields, fault="audience")
        texts = {
            language: {
                "heading": fields.get(f"heading-{language}", ""),
                "body": fields.get(f"body-{language}", ""),
            }
            for language in LANGUAGE_NAMES
            if language == "ja"
            or fields.get(f"heading-{language}")
            or fields.get(f"body-{language}")
        }
        for language, text in texts.items():
            if not (text["heading"] and text["body"]):
                return await self._compose_page(
                    request, fields, fault="ja" if language == "ja" else "half"
                )
            if len(text["heading"]) > MAX_HEADING or len(text["body"]) > MAX_BODY:
                return await self._compose_page(request, fields, fault="long")
        async with transaction(self.web.app.sessions) as session:
            number = await announcements.compose(
                session,
                town=self.web.app.town,
                author=f"staff:{staff}",
                audience=self._audience(Kind(kind), gate or None),
                texts=texts,
                now=self.web.app.clock(),
            )
        return go(f"/console/announcements/{number}")

    async def _found(self, number: int) -> Announcement:
        try:
            async with transaction(self.web.app.sessions) as session:
                found = await announcements.progress(session, number)
        except NotFound as error:
            raise HTTPException(404) from error
        if found.kind is Kind.NOTICE:
            raise HTTPException(404)  # notices to one person are theirs
        return found

    async def show(self, request: Request, number: Number) -> Response:
        """A draft with its preview, or how far the sending is."""
        self.web.staff(request)
        found = await self._found(number)
        recipients: Mapping[str, int] = {}
        if found.state is AnnouncementState.DRAFT:
            app = self.web.app
            async with reading(app.sessions) as session:
                preview = await announcements.preview(
                    session, number, town=app.town, rates={}, now=app.clock()
                )
            recipients = preview.recipients
        return self.render(
            request,
            "announcement.html",
            each=found,
            recipients=recipients,
            running=found.state in RUNNING,
        )

    async def progress(self, request: Request, number: Number) -> Response:
        """The part that refreshes itself; its last answer stops the asking."""
        self.web.staff(request)
        found = await self._found(number)
        running = found.state in RUNNING
        html = self.web.fragment(
            request,
            "console/_progress.html",
            language=self.language(request),
            each=found,
            running=running,
        )
        return HTMLResponse(html, 200 if running else STOP_POLLING)

    async def step(self, request: Request, number: Number, step: str) -> Response:
        """Confirm, pause, resume or cancel."""
        by = f"staff:{self.web.staff(request)}"
        await self.web.form(request, "form")
        found = await self._found(number)
        app, now = self.web.app, self.web.app.clock()
        try:
            async with transaction(app.sessions) as session:
                match step:
                    case "confirm":
                        await announcements.confirm(session, number, town=app.town, by=by, now=now)
                    case "pause":
                        await announcements.pause(session, number, by=by, now=now)
                    case "resume":
                        await announcements.resume(session, number, by=by, now=now)
                    case "cancel":
                        await announcements.cancel(session, number, by=by, now=now)
                    case _:
                        raise HTTPException(404)
        except NotAllowed:
            return go(f"/console/announcements/{number}", request, flash="too-late")
        if step == "confirm" and found.state is AnnouncementState.DRAFT:
            app.happenings.tell("web.happening.announced")
        app.wake()
        return go(f"/console/announcements/{number}")

    async def recipients(self, request: Request, number: Number) -> Response:
        """The result for each recipient, for a spreadsheet."""
        self.web.staff(request)
        await self._found(number)
        async with transaction(self.web.app.sessions) as session:
            rows = await announcements.recipients(session, number)
        names = ("recipient", "platform", "language", "result", "reason", "attempts")
        page = csv_text([names, *(row.values() for row in rows)])
        return Response(
            page.encode(),
            media_type="text/csv",
            headers={
                "Content-Disposition": f'attachment; filename="announcement-{number}.csv"',
            },
        )
