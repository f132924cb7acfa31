"""One announcement: shown, followed, stopped and written once more."""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from bots.web.console.announcements.page import AnnouncementPage
from bots.web.console.announcements.trial import found
from bots.web.pages import Number
from core import announcements

STOP_POLLING: Final = 286  # htmx stops asking when it is answered so


class Sending(AnnouncementPage):
    """One announcement: its check, its approval, its progress."""

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/console/announcements")
        for path, handler, method in (
            ("/{number}", self.show, "GET"),
            ("/{number}/progress", self.progress, "GET"),
            ("/{number}/pause", self.pause, "POST"),
            ("/{number}/resume", self.resume, "POST"),
            ("/{number}/missed", self.missed, "POST"),
            ("/{number}/copy", self.copy, "POST"),
        ):
            router.add_api_route(path, handler, methods=[method])
        return router

    # The page

    async def show(self, request: Request, number: Number) -> Response:
        """A draft to be checked, one that waits for agreement, or how far the sending is."""
        self.web.staff(request)
        return await self.page(request, await found(self.web, number))

    async def progress(self, request: Request, number: Number) -> Response:
        """The part that refreshes itself; its last answer stops the asking."""
        self.web.staff(request)
        each = await found(self.web, number)
        values = await self.way(request, each)
        html = self.web.fragment(
            request,
            "console/announcements/_progress_part.html",
            language=self.language(request),
            each=each,
            **values,
        )
        return HTMLResponse(html, 200 if values["running"] else STOP_POLLING)

    async def pause(self, request: Request, number: Number) -> Response:
        return await self.step(
            request,
            number,
            lambda session, by, now: announcements.pause(session, number, by=by, now=now),
            "paused",
        )

    async def resume(self, request: Request, number: Number) -> Response:
        return await self.step(
            request,
            number,
            lambda session, by, now: announcements.resume(session, number, by=by, now=now),
            "resumed",
        )

    async def missed(self, request: Request, number: Number) -> Response:
        """A draft for those whom it did not reach."""
        return await self.step(
            request,
            number,
            lambda session, by, now: announcements.missed(session, number, by=by, now=now),
            "missed",
        )

    async def copy(self, request: Request, number: Number) -> Response:
        return await self.step(
            request,
            number,
            lambda session, by, now: announcements.duplicate(session, number, by=by, now=now),
            "copied",
        )
