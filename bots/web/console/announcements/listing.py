"""All announcements: what is to come, drafts, and what was sent."""

from collections.abc import Mapping, Sequence
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bots.web.console.announcements import words
from bots.web.console.pages import StaffPages
from core import announcements
from core.announcements import Announcement, AnnouncementState
from core.database import reading

PER_PAGE: Final = 20
MOST: Final = 1_000
"""How many are looked through: some twenty years of a weekly announcement."""
UPCOMING: Final = frozenset(
    {
        AnnouncementState.ASKED,
        AnnouncementState.SCHEDULED,
        AnnouncementState.SENDING,
        AnnouncementState.PAUSED,
    }
)


class Listing(StaffPages):
    """The list with its filter."""

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/console/announcements")
        router.add_api_route("", self.list, methods=["GET"])
        return router

    async def list(
        self, request: Request, words_: str = "", state: str = "", page: int = 1
    ) -> Response:
        staff = f"staff:{self.web.staff(request)}"
        sought = request.query_params.get("words", words_)[:100].strip()
        known = [each.value for each in AnnouncementState]
        state = state if state in known else ""
        states = {AnnouncementState(state)} if state else set()
        async with reading(self.web.app.sessions) as session:
            rows = await announcements.history(session, states=states, limit=MOST)
        language = self.language(request)
        fitting = [each for each in rows if _fits(each, sought)]
        groups = _grouped(fitting)
        flat = [(name, each) for name, every in groups.items() for each in every]
        pages = max(1, -(-len(flat) // PER_PAGE))
        page = min(max(page, 1), pages)
        shown: dict[str, list[Announcement]] = {}
        for name, each in flat[(page - 1) * PER_PAGE : page * PER_PAGE]:
            shown.setdefault(name, []).append(each)
        return self.render(
            request,
            "announcements/list.html",
            groups=shown,
            count=len(flat),
            page=page,
            pages=pages,
            words=sought,
            state=state,
            states=known,
            filtered=bool(sought or state),
            to_approve=[
                each
                for each in rows
                if each.state is AnnouncementState.ASKED and each.asked_by != staff
            ],
            whom=lambda each: words.whom(self.web.app.town, each.audience, language),
            named=words.named,
        )


def _fits(each: Announcement, sought: str) -> bool:
    folded = sought.casefold()
    return not folded or any(
        folded in part.casefold()
        for text in each.texts.values()
        for part in (text["heading"], text["body"])
    )


def _grouped(rows: Sequence[Announcement]) -> Mapping[str, Sequence[Announcement]]:
    """What is to come first, the next one on top; then drafts; then the past, newest first."""
    upcoming = [each for each in rows if each.state in UPCOMING]
    upcoming.sort(key=lambda each: (each.start_at or each.created_at, each.id))
    drafts = [each for each in rows if each.state is AnnouncementState.DRAFT]
    past = [
        each for each in rows if each.state in {AnnouncementState.DONE, AnnouncementState.CANCELLED}
    ]
    return {"upcoming": upcoming, "drafts": drafts, "past": past}
