"""The page of one announcement, whatever state it is in, and the steps that lead back to it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.ext.asyncio import AsyncSession

from bots import texts
from bots.fitting import destinations
from bots.web.console.announcements import words
from bots.web.console.announcements.changed import Facet, facets, reworded
from bots.web.console.announcements.form import Faults, Given, given_of, version
from bots.web.console.announcements.looks import Looks, looks, outgoing
from bots.web.console.announcements.pace import Paces
from bots.web.console.announcements.trial import found, kept_picture, testers
from bots.web.console.pages import StaffPages
from bots.web.pages import Web, go
from bots.web.session import member_account
from bots.zones import zone_name
from core import announcements, audit
from core.announcements import (
    Announcement,
    AnnouncementState,
    Asked,
    Kind,
)
from core.database import reading, transaction
from core.errors import BadAnnouncement, NotAllowed

RUNNING: Final = frozenset(
    {AnnouncementState.SCHEDULED, AnnouncementState.SENDING, AnnouncementState.PAUSED}
)
MAX_REASON: Final = 500


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why somebody did not agree."""

    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Amended:
    """How far a change has gone: a key under ``announcing.progress``, and how many were changed.

    What leaves in the new words from the first is none of them, so a change has no total.
    """

    key: str
    done: int


class AnnouncementPage(StaffPages):
    """One announcement: its check, its approval, its progress."""

    def __init__(self, web: Web) -> None:
        super().__init__(web)
        self._paces = Paces(web.app.clock)

    async def page(
        self,
        request: Request,
        each: Announcement,
        given: Given | None = None,
        faults: Faults | None = None,
    ) -> HTMLResponse:
        app, language = self.web.app, self.language(request)
        written = given_of(each)
        wrong = words.compared(written)
        values: dict[str, Any] = {
            "each": each,
            "version": version(each),
            "given": given or Given(),
            "faults": faults or {},
            "whom": words.whom(app.town, each.audience, language),
            "quiet": app.town.announcements.quiet,
            "shows": await self._shows(each),
            "marks": words.marks(written, app.town.town.languages, wrong),
            "differences": wrong,
            "named": words.named,
            "now": app.clock(),
            "max_reason": MAX_REASON,
            "rewording": reworded(each.texts, each.change.texts) if each.change else [],
            "own_change": each.change is not None
            and each.change.by == f"staff:{self.web.staff(request)}",
        }
        if each.state in {AnnouncementState.DRAFT, AnnouncementState.ASKED}:
            values |= await self._before(request, each)
        else:
            values |= await self.way(request, each)
        status = 422 if faults else 200
        return self.render(request, "announcements/show.html", status=status, **values)

    async def _before(self, request: Request, each: Announcement) -> dict[str, Any]:
        """What the check and the approval show."""
        app, now, language = self.web.app, self.web.app.clock(), self.language(request)
        subject = audit.Filter(area="announcement", subject=f"announcement:{each.id}")
        async with reading(app.sessions) as session:
            previewed = await announcements.preview(
                session,
                each.id,
                town=app.town,
                rates=app.rates,
                now=now,
                platforms=app.platforms,
            )
            log = await audit.search(session, subject, limit=20)
            before = await announcements.asked_before(session, each.id)
            mine = await member_account(session, self.web.visitor(request))
        refused = next((row for row in log if row.action == "announcement.refused"), None)
        refusal = None
        if refused is not None and refused.detail.get("reason"):
            refusal = Refusal(refused.actor, str(refused.detail["reason"]))
        local = now.astimezone(ZoneInfo(app.town.town.timezone))
        return {
            "reach": words.reached(
                app.town,
                each.audience,
                announcements.Reach(
                    previewed.recipients,
                    previewed.finishes_in,
                    previewed.needs_second,
                    previewed.people,
                    previewed.unreachable,
                ),
                quiet=each.extras.quiet,
                now=now,
                language=language,
                start=each.start_at,
            ),
            "hindered": words.hindrance(each),
            "refusal": refusal,
            "changed": reworded(before.texts, each.texts) if before is not None else None,
            "facets": self._facets(each, before, language) if before is not None else [],
            "own": each.asked_by == f"staff:{self.web.staff(request)}",
            "testers": testers(self.web) + ([("web", "")] if mine else []),
            "today": local.date().isoformat(),
            "zone_name": zone_name(app.town.town.timezone, language),
        }

    def _facets(self, each: Announcement, before: Asked, language: str) -> list[Facet]:
        """What is other than when somebody was last asked, beside the words."""
        described = partial(words.described, self.web.app.town, language=language)
        if before.audience is None:
            return facets(described(before.extras), described(each.extras))
        then = words.Timed(before.audience, before.start_at, before.deadline)
        now = words.Timed(each.audience, each.start_at, each.deadline)
        return facets(described(before.extras, then), described(each.extras, now))

    async def way(self, request: Request, each: Announcement) -> dict[str, Any]:
        """What the progress shows."""
        ended = each.state in {AnnouncementState.DONE, AnnouncementState.CANCELLED}
        async with reading(self.web.app.sessions) as session:
            stands = each.state is not AnnouncementState.SENDING
            missing = stands and each.total - each.waiting > each.delivered
            reasons = await announcements.reasons(session, each.id) if missing else []
            under_way = await announcements.under_way_on(session, each.id)
            left = ended and bool(under_way)
            newest = (await announcements.revisions(session, each.id))[0] if left else None
        confirmed = each.confirmed_at or each.created_at
        rewritten = newest is not None and newest.number > 1 and newest.at > confirmed
        amending = None
        if each.retracted_at:
            gone = each.amended + each.amend_failed
            amending = Amended("retracting", gone) if gone < each.delivered else None
        elif rewritten or each.amended or each.amend_failed:
            over = ended and not left
            amending = Amended("amended" if over else "amending", each.amended + each.amend_failed)
        direct = each.kind is Kind.DIRECT
        return {
            "running": each.state in RUNNING or left,
            "pace": self._paces.of(each) if each.state is AnnouncementState.SENDING else None,
            "amending": amending,
            "reasons": reasons,
            "opened": each.reads.get("web"),
            "closed": self._closed(each, under_way, self.language(request)),
            "changes": each.delivered > 0 and each.retracted_at is None,
            "missed_count": each.total - each.delivered
            if ended and direct and not each.retracted_at
            else 0,
            "named": words.named,
            "now": self.web.app.clock(),
            "language_of_staff": self.language(request),
        }

    def _closed(self, each: Announcement, under_way: list[str], language: str) -> str:
        """The platforms on which something waits until their door is open again, in words."""
        if each.state is AnnouncementState.PAUSED:
            return ""
        closed = (one for one in under_way if one not in self.web.app.messengers)
        names = [texts.say(f"web.platform.{one}", language) for one in closed]
        return texts.say("announcing.to.or", language).join(names)

    async def _shows(self, each: Announcement) -> Mapping[str, Looks]:
        kept = await kept_picture(self.web, each)
        town = self.web.app.town
        goes_to = destinations(town, each.audience, self.web.app.platforms)
        return {
            language: looks(
                outgoing(town, each.audience, each.texts, each.extras, language, kept),
                each.kind,
                each.extras,
                goes_to,
            )
            for language in each.texts
        }

    async def step(
        self,
        request: Request,
        number: int,
        step: Callable[[AsyncSession, str, datetime], Awaitable[object]],
        done: str,
    ) -> Response:
        """One use case, and back to the page with a word on what came of it."""
        by = f"staff:{self.web.staff(request)}"
        await self.web.form(request, "form")
        return await self.taken(request, number, step, done, by)

    async def taken(
        self,
        request: Request,
        number: int,
        step: Callable[[AsyncSession, str, datetime], Awaitable[object]],
        done: str,
        by: str,
    ) -> Response:
        await found(self.web, number)
        app, address = self.web.app, f"/console/announcements/{number}"
        try:
            async with transaction(app.sessions) as session:
                result = await step(session, by, app.clock())
        except NotAllowed:
            return go(address, request, flash="announcing.done.late")
        except BadAnnouncement as error:
            key = {"unread": "unread", "missed": "nobody-missed"}.get(error.reason, "late")
            return go(address, request, flash=f"announcing.done.{key}")
        app.wake()
        if isinstance(result, int):
            address = f"/console/announcements/{result}"
        return go(address, request, flash=f"announcing.done.{done}")
