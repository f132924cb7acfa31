"""What cannot be taken back before it is sent: calling off, and throwing a draft away.

Each asks once more on a page of its own; a press alone does nothing.
"""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from bots.web.console.announcements.form import Faults
from bots.web.console.announcements.trial import found
from bots.web.console.pages import StaffPages
from bots.web.pages import Number, go
from core import announcements
from core.announcements import Announcement, AnnouncementState
from core.database import transaction
from core.errors import NotAllowed

_CALLED_OFF = {
    AnnouncementState.SCHEDULED: "cancel_booked",
    AnnouncementState.SENDING: "cancel",
    AnnouncementState.PAUSED: "cancel",
}


class Stopping(StaffPages):
    """The questions and what follows a yes."""

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/console/announcements")
        for path, handler, method in (
            ("/{number}/cancel", self.ask_cancel, "GET"),
            ("/{number}/cancel", self.cancel, "POST"),
            ("/{number}/delete", self.ask_delete, "GET"),
            ("/{number}/delete", self.delete, "POST"),
        ):
            router.add_api_route(path, handler, methods=[method])
        return router

    def _question(
        self, request: Request, each: Announcement, what: str, faults: Faults
    ) -> HTMLResponse:
        return self.render(
            request,
            "announcements/sure.html",
            status=422 if faults else 200,
            each=each,
            what=what,
            step="delete" if what == "delete" else "cancel",
            faults=faults,
        )

    async def ask_cancel(self, request: Request, number: Number) -> Response:
        self.web.staff(request)
        each = await found(self.web, number)
        what = _CALLED_OFF.get(each.state)
        return self._question(request, each, what, {}) if what else self._late(request, number)

    async def cancel(self, request: Request, number: Number) -> Response:
        """Let nothing more leave."""
        by = f"staff:{self.web.staff(request)}"
        fields = await self.web.form(request, "form")
        each = await found(self.web, number)
        what = _CALLED_OFF.get(each.state)
        if what is None:
            return self._late(request, number)
        if fields.get("sure") != "yes":
            return self._question(request, each, what, {"sure": ("sure_first", {})})
        app = self.web.app
        try:
            async with transaction(app.sessions) as session:
                await announcements.cancel(session, number, by=by, now=app.clock())
        except NotAllowed:
            return self._late(request, number)
        app.wake()
        return go(f"/console/announcements/{number}", request, flash="announcing.done.cancelled")

    async def ask_delete(self, request: Request, number: Number) -> Response:
        self.web.staff(request)
        each = await found(self.web, number)
        if each.state is not AnnouncementState.DRAFT:
            return self._late(request, number)
        return self._question(request, each, "delete", {})

    async def delete(self, request: Request, number: Number) -> Response:
        by = f"staff:{self.web.staff(request)}"
        fields = await self.web.form(request, "form")
        each = await found(self.web, number)
        if each.state is not AnnouncementState.DRAFT:
            return self._late(request, number)
        if fields.get("sure") != "yes":
            return self._question(request, each, "delete", {"sure": ("sure_first", {})})
        app = self.web.app
        try:
            async with transaction(app.sessions) as session:
                await announcements.discard(session, number, by=by, now=app.clock())
        except NotAllowed:
            return self._late(request, number)
        return go("/console/announcements", request, flash="announcing.done.deleted")

    def _late(self, request: Request, number: int) -> Response:
        return go(f"/console/announcements/{number}", request, flash="announcing.done.late")
