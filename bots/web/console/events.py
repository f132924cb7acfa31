"""The console's pages on events: plan them, see who comes, the door, messages, notes."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from bots import texts
from bots.event_words import EventWords
from bots.spreadsheet import csv_text
from bots.web.console.event_form import (
    MAX_TEXT,
    MAX_TITLE,
    REMINDER_CHOICES,
    WORDED,
    Faults,
    fields_of,
    read_link,
    read_plan,
    read_words,
)
from bots.web.console.pages import StaffPages
from bots.web.pages import Number, Web, go
from core import events
from core.database import transaction
from core.errors import NotAllowed, NotFound
from core.events import LIVE, Event, Plan, Reply, ReplyState, View

MAX_MESSAGE: Final = 1_000


class EventPages(StaffPages):
    """`/console/events`."""

    def __init__(self, web: Web) -> None:
        super().__init__(web)
        self.words = EventWords(web.app.town, web.app.settings.address)
        self.zone = ZoneInfo(web.app.town.town.timezone)

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/console/events")
        for path, handler, method in (
            ("", self.list, "GET"),
            ("", self.make, "POST"),
            ("/new", self.new, "GET"),
            ("/{number}", self.show, "GET"),
            ("/{number}", self.change, "POST"),
            ("/{number}/edit", self.edit, "GET"),
            ("/{number}/cancel", self.cancel, "POST"),
            ("/{number}/message", self.message, "POST"),
            ("/{number}/notes", self.notes, "POST"),
            ("/{number}/door", self.door, "POST"),
            ("/{number}/replies.csv", self.file, "GET"),
        ):
            router.add_api_route(path, handler, methods=[method])
        return router

    async def list(self, request: Request) -> Response:
        """Everything that is kept: what is to come first, then what is over."""
        self.web.staff(request)
        app, now = self.web.app, self.web.app.clock()
        coming = await app.events.upcoming()
        async with transaction(app.sessions) as session:
            everything = await events.all_events(session)
        known = {view.event.id for view in coming}
        return self.render(
            request,
            "events.html",
            coming=coming,
            others=[each for each in everything if each.id not in known],
            words=self.words,
            now=now,
        )

    # Planning

    async def new(self, request: Request) -> Response:
        self.web.staff(request)
        given = {"reminder-24": "yes", "reminder-1": "yes", "companions": "0"}
        return self._form(request, given)

    def _form(
        self,
        request: Request,
        given: Mapping[str, str],
        *,
        event: Event | None = None,
        faults: Faults | None = None,
    ) -> HTMLResponse:
        return self.render(
            request,
            "event_form.html",
            status=422 if faults else 200,
            given=given,
            event=event,
            faults=faults or {},
            wrong_in=lambda code: any(f"{each}-{code}" in (faults or {}) for each in WORDED),
            worded=WORDED,
            reminders=REMINDER_CHOICES,
            max_title=MAX_TITLE,
            max_text=MAX_TEXT,
            words=self.words,
        )

    async def make(self, request: Request) -> Response:
        staff = self.web.staff(request)
        fields = await self.web.form(request, "form")
        app, now = self.web.app, self.web.app.clock()
        plan = read_plan(fields, app.town, self.zone, now=now)
        if not isinstance(plan, Plan):
            return self._form(request, fields, faults=plan)
        async with transaction(app.sessions) as session:
            number = await events.make(session, plan, by=f"staff:{staff}", now=now)
        await app.events.open()
        return go(f"/console/events/{number}", request, flash="events-desk.done.made")

    async def edit(self, request: Request, number: Number) -> Response:
        self.web.staff(request)
        event = (await self._view(number)).event
        if not event.is_open or event.plan.ends_at <= self.web.app.clock():
            return go(f"/console/events/{number}", request, flash="events-desk.done.too-late")
        return self._form(request, fields_of(event.plan, self.zone), event=event)

    async def change(self, request: Request, number: Number) -> Response:
        """Another time or place is told to those who come or wait."""
        staff = self.web.staff(request)
        fields = await self.web.form(request, "form")
        app, now = self.web.app, self.web.app.clock()
        event = (await self._view(number)).event
        plan = read_plan(fields, app.town, self.zone, now=now, before=event.plan)
        if not isinstance(plan, Plan):
            return self._form(request, fields, event=event, faults=plan)
        try:
            async with transaction(app.sessions) as session:
                await events.change(session, number, plan, by=f"staff:{staff}", now=now)
        except NotAllowed:
            return go(f"/console/events/{number}", request, flash="events-desk.done.too-late")
        return await self._told(request, number, "changed")

    async def cancel(self, request: Request, number: Number) -> Response:
        staff = self.web.staff(request)
        fields = await self.web.form(request, "form")
        if fields.get("sure") != "yes":
            return go(f"/console/events/{number}", request, flash="events-desk.done.not-sure")
        try:
            async with transaction(self.web.app.sessions) as session:
                await events.cancel(session, number, by=f"staff:{staff}", now=self.web.app.clock())
        except NotFound as error:
            raise HTTPException(404) from error
        except NotAllowed:
            return go(f"/console/events/{number}", request, flash="events-desk.done.too-late")
        return await self._told(request, number, "cancelled")

    async def _told(self, request: Request, number: int, done: str) -> Response:
        """The first hear of it now, the others with the clock's next turn."""
        await self.web.app.events.tell_first()
        self.web.app.wake()
        return go(f"/console/events/{number}", request, flash=f"events-desk.done.{done}")

    # One event

    async def _view(self, number: int) -> View:
        try:
            return await self.web.app.events.view(number)
        except NotFound as error:
            raise HTTPException(404) from error

    async def show(self, request: Request, number: Number) -> Response:
        self.web.staff(request)
        return await self._page(request, number)

    async def _page(
        self, request: Request, number: int, *, fault: str | None = None
    ) -> HTMLResponse:
        view, now = await self._view(number), self.web.app.clock()
        async with transaction(self.web.app.sessions) as session:
            replies = await events.replies_of(session, number)
            sent = await events.sent_messages(session, number)
        plan = view.event.plan
        return self.render(
            request,
            "event.html",
            status=422 if fault else 200,
            fault=fault,
            view=view,
            event=view.event,
            seated=[each for each in replies if each.has_seat],
            waiting=_in_line(replies),
            others=[each for each in replies if each.state not in LIVE],
            came=sum(each.came_at is not None for each in replies),
            sent=sent,
            gate_gone=plan.gate is not None and self.web.app.town.gate(plan.gate) is None,
            over=now >= plan.ends_at,
            begun=now >= plan.starts_at,
            words=self.words,
            max_message=MAX_MESSAGE,
        )

    async def message(self, request: Request, number: Number) -> Response:
        """A few words to everybody who comes, each in their language where it was written."""
        staff = self.web.staff(request)
        fields = await self.web.form(request, "form")
        words = read_words(fields, "message", MAX_MESSAGE)
        await self._view(number)
        if isinstance(words, str) or not words:
            return await self._page(request, number, fault="message")
        async with transaction(self.web.app.sessions) as session:
            nobody = not any(each.has_seat for each in await events.replies_of(session, number))
        if nobody:
            return go(f"/console/events/{number}", request, flash="events-desk.done.nobody")
        try:
            async with transaction(self.web.app.sessions) as session:
                await events.message(
                    session, number, words, by=f"staff:{staff}", now=self.web.app.clock()
                )
        except NotAllowed:
            return go(f"/console/events/{number}", request, flash="events-desk.done.too-late")
        return await self._told(request, number, "sent")

    async def notes(self, request: Request, number: Number) -> Response:
        staff = self.web.staff(request)
        fields = await self.web.form(request, "form")
        words, link = read_words(fields, "notes", MAX_MESSAGE), read_link(fields.get("link", ""))
        await self._view(number)
        if isinstance(words, str) or not words or link is False:
            return await self._page(request, number, fault="notes")
        try:
            async with transaction(self.web.app.sessions) as session:
                await events.post_notes(
                    session,
                    number,
                    words,
                    link,
                    for_gate=fields.get("for") == "gate",
                    by=f"staff:{staff}",
                    now=self.web.app.clock(),
                )
        except NotAllowed:
            return go(f"/console/events/{number}", request, flash="events-desk.done.too-early")
        return await self._told(request, number, "noted")

    async def door(self, request: Request, number: Number) -> Response:
        """Tick somebody off at the reception, or take that back."""
        staff = self.web.staff(request)
        fields = await self.web.form(request, "desk")
        member, came = fields.get("member", ""), fields.get("came")
        if not (member.isascii() and member.isdecimal()) or came not in {"yes", "no"}:
            raise HTTPException(400)
        try:
            async with transaction(self.web.app.sessions) as session:
                reply = await events.mark(
                    session,
                    number,
                    int(member[:15]),
                    came=came == "yes",
                    by=f"staff:{staff}",
                    now=self.web.app.clock(),
                )
        except NotFound as error:
            raise HTTPException(404) from error
        except NotAllowed:
            return go(f"/console/events/{number}", request, flash="events-desk.done.too-late")
        return go(f"/console/events/{number}#n{reply.number}")

    # For a spreadsheet

    async def file(self, request: Request, number: Number) -> Response:
        """Every reply, by reception number. Members appear by number."""
        self.web.staff(request)
        await self._view(number)
        async with transaction(self.web.app.sessions) as session:
            replies = await events.replies_of(session, number)
        rows = self._rows(replies, self.language(request))
        return Response(
            csv_text(rows).encode(),
            media_type="text/csv",
            headers={"Content-Disposition": f'attachment; filename="event-{number}.csv"'},
        )

    def _rows(self, replies: Iterable[Reply], language: str) -> Iterable[Iterable[object]]:
        heads = ("number", "member", "reply", "people", "since", "came")
        yield [texts.say(f"events-desk.csv.{each}", language) for each in heads]
        for each in replies:
            yield (
                each.number,
                each.member_id,
                texts.say(f"events-desk.reply.{each.state.value}", language),
                each.party if each.state in LIVE else 0,
                self._cell(each.since),
                self._cell(each.came_at),
            )

    def _cell(self, moment: datetime | None) -> str:
        return f"{moment.astimezone(self.zone):%Y-%m-%d %H:%M}" if moment else ""


def _in_line(replies: Iterable[Reply]) -> list[Reply]:
    """The waiting list in its order."""
    waiting = [each for each in replies if each.state is ReplyState.WAITING]
    return sorted(waiting, key=lambda each: (each.since, each.number))
