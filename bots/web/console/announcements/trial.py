"""A test before it is sent: one message to a member of staff, which is no delivery."""

import secrets
from typing import Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from bots.web.console.announcements import words
from bots.web.console.announcements.looks import outgoing
from bots.web.console.pages import StaffPages
from bots.web.pages import Number, Web, go
from core import announcements, audit
from core.announcements import Announcement, Blocked, Delivered, KeptPicture, Kind, Outgoing
from core.database import reading, transaction
from core.errors import NotFound

TEST_BIT: Final = 1 << 62
"""Above every delivery number of an announcement: a test is none."""


async def found(web: Web, number: int) -> Announcement:
    """The announcement. Raises `HTTPException` 404; notices to one person are theirs."""
    try:
        async with reading(web.app.sessions) as session:
            each = await announcements.progress(session, number)
    except NotFound as error:
        raise HTTPException(404) from error
    if each.kind is Kind.NOTICE:
        raise HTTPException(404)
    return each


async def kept_picture(web: Web, each: Announcement) -> KeptPicture | None:
    """Its picture, unless there is none or it is gone."""
    if each.extras.picture is None:
        return None
    try:
        async with reading(web.app.sessions) as session:
            return await announcements.picture(session, each.extras.picture)
    except NotFound:
        return None


def testers(web: Web) -> list[tuple[str, str]]:
    """Chat accounts of staff on platforms that run, and what they are called."""
    return [
        (each, words.named(each))
        for each in sorted(web.app.settings.staff)
        if each.partition(":")[0] in web.app.messengers
    ]


class Trial(StaffPages):
    """The button that sends a test."""

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/console/announcements")
        router.add_api_route("/{number}/test", self.test, methods=["POST"])
        return router

    async def test(self, request: Request, number: Number) -> Response:
        """One message to a member of staff, as it would arrive; it is no delivery."""
        staff = self.web.staff(request)
        fields = await self.web.form(request, "form")
        each = await found(self.web, number)
        app, address = self.web.app, f"/console/announcements/{number}"
        language = fields.get("language", "ja")
        if language not in app.town.town.languages:
            raise HTTPException(404)
        platform, _, account = fields.get("to", "").partition(":")
        if platform == "web":
            account = self.web.visitor(request).id
        elif fields.get("to") not in dict(testers(self.web)):
            raise HTTPException(404)
        kept = await kept_picture(self.web, each)
        message = outgoing(app.town, each.audience, each.texts, each.extras, language, kept)
        said = await self._tested(platform, account, message)
        if said.startswith("tested"):
            async with transaction(app.sessions) as session:
                await audit.record(
                    session,
                    actor=f"staff:{staff}",
                    action="announcement.tested",
                    subject=f"announcement:{number}",
                    detail={"platform": platform},
                    now=app.clock(),
                )
        return go(address, request, flash=f"announcing.done.{said}")

    async def _tested(self, platform: str, account: str, message: Outgoing) -> str:
        """What came of it: a key under ``announcing.done``."""
        delivery = TEST_BIT | secrets.randbits(61)
        app = self.web.app
        outcome = await app.messengers[platform].send_direct(account, message, delivery=delivery)
        app.pumps[platform].spent()  # it took a place in the platform's lane
        web = platform == "web"
        match outcome:
            case Delivered():
                return "tested-web" if web else "tested"
            case Blocked():
                return "test-no-web" if web else "test-blocked"
            case _:
                return "test-failed"
