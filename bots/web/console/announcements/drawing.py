"""The form as a page: what it says so far, how that looks, and whom it reaches."""

from datetime import date
from typing import Any, Final
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import HTMLResponse

from bots.fitting import destinations
from bots.maps import read_place
from bots.places import posting_places
from bots.web.console.announcements import words
from bots.web.console.announcements.form import (
    MAX_UPLOAD,
    Composed,
    Faults,
    Given,
    composed,
)
from bots.web.console.announcements.looks import Looks, looks, outgoing
from bots.web.console.announcements.parts import (
    first_reach,
    in_order,
    limits,
    names_open,
    open_tab,
)
from bots.web.console.pages import StaffPages
from bots.web.pages import LANGUAGE_NAMES
from core import announcements, identity
from core.access import counts
from core.announcements import (
    Announcement,
    AnnouncementState,
    KeptPicture,
    Kind,
)
from core.database import reading
from core.errors import BadAnnouncement

EARLIER: Final = 30
"""Announcements that can be chosen for "those whom it missed"."""


class FormPage(StaffPages):
    """The form, drawn from what was filled in."""

    def today(self) -> date:
        """On the town's calendar."""
        return self.web.app.clock().astimezone(ZoneInfo(self.web.app.town.town.timezone)).date()

    async def page(
        self,
        request: Request,
        given: Given,
        faults: Faults | None = None,
        *,
        before: Announcement | None = None,
        gone: str = "",
    ) -> HTMLResponse:
        """`before`: what is edited; `gone`: why it cannot be kept there, under ``write``."""
        app, language = self.web.app, self.language(request)
        async with reading(app.sessions) as session:
            inside = await counts(session)
            areas = await identity.areas_in_use(session)
            earlier = await announcements.history(session, kind=Kind.DIRECT, limit=EARLIER)
        first = first_reach(self.web)
        given = given if given.get("reach") else given.having(reach=first)
        drawn = await self.drawn(request, given)
        return self.render(
            request,
            "announcements/compose.html",
            status=409 if gone else 422 if faults else 200,
            given=given,
            faults=in_order(faults or {}),
            number=before.id if before else None,
            booked=before if before and before.state is AnnouncementState.SCHEDULED else None,
            gone=gone,
            inside=inside,
            first_reach=first,
            conditions=words.conditions(app.town, areas, language),
            earlier=[each for each in earlier if each.total > each.delivered],
            topics=app.town.announcements.topics,
            quiet=app.town.announcements.quiet,
            places=lambda gate: posting_places(app.town, app.keepers, gate),
            translates=app.translator is not None,
            open=open_tab(given, faults or {}),
            names_open=lambda code: names_open(given, code),
            max_upload=MAX_UPLOAD,
            today=self.today().isoformat(),
            **limits(),
            **drawn,
        )

    async def drawn(self, request: Request, given: Given) -> dict[str, Any]:
        """What the form says so far: its looks, its reach, the state of each language."""
        app, language = self.web.app, self.language(request)
        whole, found = composed(given, app.town, app.keepers, today=self.today())
        wrong = words.compared(given)
        look = given.get("look", "ja")
        look = look if look in app.town.town.languages else "ja"
        day = found.get("joined_since") or found.get("visited_since")
        return {
            "day_fault": day[0] if day else "",
            "look": look,
            "shown": self._shown(whole, given, look),
            "reach": await self._reached(whole, language),
            "marks": words.marks(given, app.town.town.languages, wrong),
            "differences": wrong,
            "place": read_place(given.get("place")) if given.get("place") else None,
        }

    def _shown(self, whole: Composed, given: Given, look: str) -> Looks | None:
        """How it looks to readers of a language, if anything is written."""
        written = {
            language: text
            for language, text in whole.texts.items()
            if language == "ja" or (text["heading"] and text["body"])
        }
        if not any(written["ja"].values()):
            return None
        kept = described(whole, given)
        message = outgoing(self.web.app.town, whole.audience, written, whole.extras, look, kept)
        return looks(message, whole.audience.kind, whole.extras, self._goes_to(whole))

    def _goes_to(self, whole: Composed) -> list[str]:
        return destinations(self.web.app.town, whole.audience, self.web.app.platforms)

    async def _reached(self, whole: Composed, language: str) -> words.Reached | None:
        app, now = self.web.app, self.web.app.clock()
        try:
            async with reading(app.sessions) as session:
                found = await announcements.reach(
                    session,
                    whole.audience,
                    town=app.town,
                    rates=app.rates,
                    quiet=whole.extras.quiet,
                    now=now,
                    platforms=app.platforms,
                )
        except BadAnnouncement:
            return None
        quiet = whole.extras.quiet
        return words.reached(
            app.town, whole.audience, found, quiet=quiet, now=now, language=language
        )


def described(whole: Composed, given: Given) -> KeptPicture | None:
    """The picture with what the form says about it; its pixels are not looked at."""
    if whole.extras.picture is None:
        return None
    told = {each: given.get(f"description-{each}") for each in LANGUAGE_NAMES}
    told = {each: words for each, words in told.items() if words}
    return KeptPicture(whole.extras.picture, b"", "image/jpeg", 0, 0, told)
