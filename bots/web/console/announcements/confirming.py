"""From a draft to messages that leave: checked, booked, agreed to or sent back."""

from datetime import date, datetime, time, timedelta
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bots.fitting import unfit
from bots.web.console.announcements.faults import located, long_faults
from bots.web.console.announcements.form import Faults, Given, version
from bots.web.console.announcements.page import MAX_REASON, AnnouncementPage
from bots.web.console.announcements.trial import found
from bots.web.pages import Number, go
from core import announcements
from core.announcements import (
    AnnouncementState,
)
from core.announcements.schedule import start_of
from core.database import reading, transaction
from core.errors import BadAnnouncement, NotAllowed

FAR: Final = timedelta(days=731)
"""Further ahead it is a slip of the finger."""


class Confirming(AnnouncementPage):
    """The word of whoever sends it, and of the second person."""

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/console/announcements")
        for path, handler in (
            ("/{number}/confirm", self.confirm),
            ("/{number}/approve", self.approve),
            ("/{number}/refuse", self.refuse),
            ("/{number}/withdraw", self.withdraw),
        ):
            router.add_api_route(path, handler, methods=["POST"])
        return router

    async def confirm(self, request: Request, number: Number) -> Response:
        """Send it, book it, or ask a second person."""
        by = f"staff:{self.web.staff(request)}"
        given = Given(await self.web.form(request, "form"))
        each = await found(self.web, number)
        app, address = self.web.app, f"/console/announcements/{number}"
        start, deadline, faults = self._times(given)
        if faults:
            return await self.page(request, each, given, faults)
        seen = given.get("version") or version(each)
        if (given.get("revision") or str(each.revision)) != str(each.revision) or (
            seen != version(each)
        ):
            return go(address, request, flash="announcing.done.changed")
        async with reading(app.sessions) as session:
            long = await unfit(session, app.town, each, platforms=app.platforms)
        if long and each.state is AnnouncementState.DRAFT:
            return await self.page(request, each, given, long_faults(long))
        try:
            async with reading(app.sessions) as session:
                counted = await announcements.count_audience(
                    session, number, town=app.town, now=app.clock(), platforms=app.platforms
                )
            async with transaction(app.sessions) as session:
                sent = await announcements.confirm(
                    session,
                    number,
                    town=app.town,
                    by=by,
                    now=app.clock(),
                    start_at=start,
                    deadline=deadline,
                    counted=counted,
                    platforms=app.platforms,
                )
        except BadAnnouncement as error:
            return await self.page(request, each, given, located(error, given))
        except NotAllowed:
            return go(address, request, flash="announcing.done.late")
        if each.state is not AnnouncementState.DRAFT:
            return go(address)
        key = {
            AnnouncementState.ASKED: "asked",
            AnnouncementState.SCHEDULED: "booked",
        }.get(sent.state, "sent")
        if key == "sent":
            app.happenings.tell("web.happening.announced")
        app.wake()
        return go(address, request, flash=f"announcing.done.{key}")

    def _times(self, given: Given) -> tuple[datetime | None, datetime | None, Faults]:
        """Start and deadline by the town's clock, if a later time was chosen."""
        if given.get("when") != "later":
            return None, None, {}
        faults: Faults = {}
        start = self._moment(given, "start", faults)
        if start is None and not faults:
            faults["start"] = ("when", {})
        deadline = None
        if given.get("deadline-day") or given.get("deadline-time"):
            deadline = self._moment(given, "deadline", faults)
        return start, deadline, faults

    def _moment(self, given: Given, name: str, faults: Faults) -> datetime | None:
        day, clock = given.get(f"{name}-day"), given.get(f"{name}-time")
        if not (day and clock):
            faults[name] = ("when", {})
            return None
        zone = self.web.app.town.town.timezone
        try:
            at = start_of(date.fromisoformat(day), time.fromisoformat(clock), zone=zone).at
        except (ValueError, OverflowError):
            faults[name] = ("when", {})
            return None
        if at > self.web.app.clock() + FAR:
            faults[name] = ("far", {})
        return at

    async def approve(self, request: Request, number: Number) -> Response:
        by = f"staff:{self.web.staff(request)}"
        fields = await self.web.form(request, "form")
        each = await found(self.web, number)
        address = f"/console/announcements/{number}"
        if each.asked_by == by:
            return go(address, request, flash="announcing.done.own")
        if fields.get("revision") != str(each.revision):
            return go(address, request, flash="announcing.done.changed")
        async with reading(self.web.app.sessions) as session:
            counted = await announcements.count_asked(session, number, now=self.web.app.clock())
        return await self.taken(
            request,
            number,
            lambda session, who, now: announcements.approve(
                session, number, by=who, now=now, counted=counted
            ),
            "approved",
            by,
        )

    async def refuse(self, request: Request, number: Number) -> Response:
        """Back to whoever wrote it, with the reason."""
        by = f"staff:{self.web.staff(request)}"
        given = Given(await self.web.form(request, "form"))
        reason = given.get("reason")[:MAX_REASON]
        if not reason:
            each = await found(self.web, number)
            return await self.page(request, each, given, {"reason": ("reason", {})})
        return await self.taken(
            request,
            number,
            lambda session, who, now: announcements.refuse(
                session, number, by=who, now=now, reason=reason
            ),
            "refused",
            by,
        )

    async def withdraw(self, request: Request, number: Number) -> Response:
        """Whoever asked takes the question back."""
        if (await found(self.web, number)).asked_by != f"staff:{self.web.staff(request)}":
            return go(f"/console/announcements/{number}", request, flash="announcing.done.late")
        return await self.step(
            request,
            number,
            lambda session, by, now: announcements.refuse(session, number, by=by, now=now),
            "stopped",
        )
