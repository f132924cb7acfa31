"""The staff console: who gets in, and how the town stands."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bots.web.console.pages import StaffPages
from bots.web.pages import go
from bots.web.session import enter_as_staff, read_staff_link
from core import announcements, audit, questions
from core.access import counts
from core.announcements import AnnouncementState
from core.database import transaction
from core.identity import first_time, member_count


class Console(StaffPages):
    """What staff see. Every page but the entrance asks for a staff session."""

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/console")
        for path, handler, method in (
            ("", self.overview, "GET"),
            ("/enter", self.entrance, "GET"),
            ("/enter", self.enter, "POST"),
            ("/leave", self.leave, "POST"),
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
        staff = f"staff:{self.web.staff(request)}"
        app = self.web.app
        async with transaction(app.sessions) as session:
            members = await member_count(session)
            inside = await counts(session)
            newest = await announcements.history(session, limit=3)
            asked = await announcements.history(session, states={AnnouncementState.ASKED})
            waiting = await questions.waiting_count(session)
        await app.guide.wait()
        return self.render(
            request,
            "overview.html",
            members=members,
            inside=inside,
            newest=newest,
            to_approve=[each for each in asked if each.asked_by != staff],
            waiting=waiting,
            problems=app.problems(),
            library=app.guide.library,
            stale=app.guide.library.stale(app.learning.today()),
        )

    async def guide(self, request: Request) -> Response:
        self.web.staff(request)
        await self.web.app.guide.wait()
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
