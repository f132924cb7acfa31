"""The console's page on the clock: what runs, what waits, what failed, and who is at work."""

import logging
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy.exc import SQLAlchemyError

from bots.jobs import JOBS, title
from bots.jobs.view import Books, ClosedBooks, View, retry, run_now, view
from bots.web.console.pages import StaffPages
from bots.web.pages import go
from core.errors import NotFound

logger = logging.getLogger(__name__)

ADDRESS: Final = "/console/clock"
GOOD: Final = frozenset({"waiting", "done"})
BUSY: Final = frozenset({"running", "due"})


class ClockPage(StaffPages):
    """One row a job, in words; each can be done at once, and what failed tried again."""

    def router(self) -> APIRouter:
        router = APIRouter(prefix=ADDRESS)
        router.add_api_route("", self.page, methods=["GET"])
        router.add_api_route("/run", self.run, methods=["POST"])
        router.add_api_route("/retry", self.retry, methods=["POST"])
        return router

    async def page(self, request: Request) -> Response:
        self.web.staff(request)
        asked = request.query_params.get("asked", "")[:64]
        return await self._show(request, asked=asked)

    async def run(self, request: Request) -> Response:
        staff = self.web.staff(request)
        fields = await self.web.form(request, "form")
        app, job = self.web.app, fields.get("job", "")[:64]
        try:
            await run_now(app.sessions, job, by=f"staff:{staff}", now=app.clock())
        except NotFound:
            return await self._show(request, fault="unknown", status=404)
        return go(f"{ADDRESS}?asked={job}")

    async def retry(self, request: Request) -> Response:
        staff = self.web.staff(request)
        fields = await self.web.form(request, "form")
        app, story = self.web.app, fields.get("story", "")[:120]
        by, now = f"staff:{staff}", app.clock()
        try:
            if (books := self._books()) is not None:
                found = await retry(app.sessions, books, story, by=by, now=now)
            else:
                async with ClosedBooks(app.settings.database) as closed:
                    found = await retry(app.sessions, closed, story, by=by, now=now)
        except NotFound:
            return await self._show(request, fault="nothing", status=404)
        except SQLAlchemyError as error:
            logger.warning("clock-not-asked", extra={"reason": type(error).__name__})
            return await self._show(request, fault="closed", status=503)
        return go(f"{ADDRESS}?asked={found.subject if found.kind == 'turn' else 'announcements'}")

    def _books(self) -> Books | None:
        clockwork = self.web.app.clockwork
        return clockwork.engine if clockwork is not None and clockwork.engine.open else None

    async def _found(self) -> View:
        app, books = self.web.app, self._books()
        if books is not None:
            return await view(app.sessions, books, now=app.clock())
        async with ClosedBooks(app.settings.database) as closed:
            return await view(app.sessions, closed, now=app.clock())

    async def _show(
        self, request: Request, *, asked: str = "", fault: str = "", status: int = 200
    ) -> Response:
        app, language = self.web.app, self.language(request)
        try:
            found = await self._found()
        except SQLAlchemyError as error:
            logger.warning("clock-not-read", extra={"reason": type(error).__name__})
            found, fault = await view(app.sessions, None, now=app.clock()), "closed"
        names = {each.turn.name for each in found.lines}
        return self.render(
            request,
            "clock.html",
            status=status,
            found=found,
            title=lambda name: title(name, language),
            mark=lambda state: (
                "done" if state in GOOD else "sending" if state in BUSY else "paused"
            ),
            asked=asked if asked in names else "",
            fault=fault,
            everywhere=[each.name for each in JOBS if each.everywhere],
        )
