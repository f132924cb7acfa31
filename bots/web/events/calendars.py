"""A member's own calendar at an address of its own, for calendar apps. It can be withdrawn."""

import re
from typing import Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from bots.event_words import EventWords
from bots.web.pages import Web, go
from core.database import transaction
from core.events import calendar, follow_feed, make_feed, withdraw_feed
from core.identity import accounts_of

KEPT_SECONDS: Final = 300
"""How long a calendar app may take what it read for new."""

_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{32}")


class Calendars:
    """`/calendar`: made by a press, shown once, read without a session."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self.words = EventWords(web.app.town, web.app.settings.address)

    def router(self) -> APIRouter:
        router = APIRouter()
        router.add_api_route("/calendar", self.make, methods=["POST"])
        router.add_api_route("/calendar/withdraw", self.withdraw, methods=["POST"])
        router.add_api_route("/calendar/{secret}.ics", self.read, methods=["GET", "HEAD"])
        return router

    async def make(self, request: Request) -> Response:
        """This answer is the only time that the address is seen."""
        await self.web.form(request, "join")
        mine = await self.web.member(request)
        async with transaction(self.web.app.sessions) as session:
            secret = await make_feed(session, mine.member_id, now=self.web.app.clock())
        address = f"{self.web.app.settings.address}/calendar/{secret}.ics"
        return self.web.render(request, "events/calendar.html", address=address)

    async def withdraw(self, request: Request) -> Response:
        await self.web.form(request, "form")
        mine = await self.web.member(request)
        async with transaction(self.web.app.sessions) as session:
            await withdraw_feed(session, mine.member_id, now=self.web.app.clock())
        return go("/events", request, flash="events.feed.withdrawn")

    async def read(self, request: Request, secret: str) -> Response:
        """The calendar itself, in the member's language. The address is all that it asks for."""
        self.web.limits.check("calendar", request, secret, self.web.app.settings.trusted_proxies)
        if not _SECRET.fullmatch(secret):
            raise HTTPException(404)
        app = self.web.app
        async with transaction(app.sessions) as session:
            member_id = await follow_feed(session, secret)
            accounts = await accounts_of(session, member_id) if member_id else []
        if member_id is None or not accounts:
            raise HTTPException(404)
        language = accounts[0].locale
        content = calendar(
            [
                self.words.entry(event, reply, link, language)
                for event, reply, link in await app.events.in_calendar(member_id)
            ],
            method="PUBLISH",
            name=self.words.calendar_name(language),
            organizer=self.words.organizer(language),
            now=app.clock(),
            feed=True,
        )
        return Response(
            content,
            media_type="text/calendar; charset=utf-8",
            headers={"Cache-Control": f"private, max-age={KEPT_SECONDS}"},
        )
