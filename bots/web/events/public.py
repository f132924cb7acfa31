"""Events for everybody to read, and for members to reply to. The link is theirs who come."""

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from bots.event_words import EventWords
from bots.web.pages import Number, Web, go
from bots.web.session import member_account
from core.database import transaction
from core.errors import NotFound
from core.events import LIVE, NotTaken, Refusal, ReplyState, View, feed_since
from core.events.telling import zone_of
from core.identity import Account, account


class PublicEvents:
    """`/events`."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self.words = EventWords(web.app.town, web.app.settings.address)

    def router(self) -> APIRouter:
        router = APIRouter()
        for path, handler, method in (
            ("/events", self.list, "GET"),
            ("/events/{number}", self.show, "GET"),
            ("/events/{number}/reply", self.reply, "POST"),
            ("/events/{number}/event.ics", self.file, "GET"),
        ):
            router.add_api_route(path, handler, methods=[method])
        return router

    async def _mine(self, request: Request) -> tuple[Account | None, str | None]:
        """The account behind a browser, and the time zone that its member told us."""
        async with transaction(self.web.app.sessions) as session:
            mine = await member_account(session, self.web.visitor(request))
            return mine, await zone_of(session, mine.member_id) if mine else None

    async def list(self, request: Request) -> Response:
        """What is to come, the next first."""
        mine, zone = await self._mine(request)
        since = None
        if mine is not None:
            async with transaction(self.web.app.sessions) as session:
                since = await feed_since(session, mine.member_id)
        return self.web.render(
            request,
            "events/list.html",
            views=await self.web.app.events.upcoming(mine.member_id if mine else None),
            member=mine is not None,
            zone=zone,
            since=since,
            words=self.words,
        )

    async def _view(self, request: Request, number: int, mine: Account | None) -> View:
        """Looking reads the holdings again, so it is bounded like the rooms' page."""
        if mine is not None:
            who = self.web.visitor(request)
            self.web.limits.check("rooms", request, who.id, self.web.app.settings.trusted_proxies)
        try:
            return await self.web.app.events.view(number, mine.member_id if mine else None)
        except NotFound as error:
            raise HTTPException(404) from error

    async def show(self, request: Request, number: Number) -> Response:
        return await self._page(request, number)

    async def _page(
        self, request: Request, number: int, *, refused: Refusal | None = None
    ) -> Response:
        mine, zone = await self._mine(request)
        view = await self._view(request, number, mine)
        event, reply, now = view.event, view.reply, self.web.app.clock()
        live = reply is not None and reply.state in LIVE
        seated = reply is not None and reply.has_seat
        return self.web.render(
            request,
            "events/event.html",
            status=200 if refused is None else 409,
            view=view,
            event=event,
            reply=reply,
            refused=refused,
            member=mine is not None,
            zone=zone,
            live=live,
            full=view.left == 0 and not seated,
            offered=reply is not None and reply.state is ReplyState.OFFERED,
            may_reply=event.takes_replies(now) or (live and now < event.plan.starts_at),
            words=self.words,
            now=now,
        )

    async def reply(self, request: Request, number: Number) -> Response:
        """Come, with so many, or do not. A browser becomes somebody by its first reply."""
        fields = await self.web.form(request, "rooms")
        people = fields.get("people", "1")
        what = fields.get("do")
        if what not in {"come", "no"} or not (people.isascii() and people.isdecimal()):
            raise HTTPException(400)
        mine = await self._replier(request, number)
        if mine is None:
            return go("/join")
        try:
            if what == "come":
                said = await self.web.app.events.come(number, mine, int(people[:3]) - 1)
            else:
                said = await self.web.app.events.decline(number, mine)
        except NotFound as error:
            raise HTTPException(404) from error
        if isinstance(said, NotTaken):
            return await self._page(request, number, refused=said.reason)
        self.web.app.wake()
        return go(f"/events/{number}#reply")

    async def _replier(self, request: Request, number: int) -> Account | None:
        """Who replies; `None`: somebody unknown, to what is not for everybody."""
        app, who = self.web.app, self.web.visitor(request)
        mine, _ = await self._mine(request)
        if mine is not None:
            return mine
        try:
            view = await app.events.view(number)
        except NotFound as error:
            raise HTTPException(404) from error
        if view.event.plan.gate is not None:
            return None
        self.web.limits.check("join", request, who.id, app.settings.trusted_proxies)
        async with transaction(app.sessions) as session:
            return await account(session, "web", who.id, locale=who.language, now=app.clock())

    async def file(self, request: Request, number: Number) -> Response:
        """The event for one's calendar; with the link only for those who come and may."""
        mine, _ = await self._mine(request)
        view = await self._view(request, number, mine)
        language = self.web.visitor(request).language
        content = self.words.file(
            view.event, view.reply, view.link, language, now=self.web.app.clock()
        )
        return Response(
            content,
            media_type="text/calendar; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="event-{number}.ics"'},
        )
