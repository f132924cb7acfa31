"""What became of each recipient: a table to look at, and one for a spreadsheet."""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import astuple, dataclass
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse

from bots import texts
from bots.spreadsheet import MARK, csv_text
from bots.web.console.announcements.trial import found
from bots.web.console.pages import StaffPages
from bots.web.pages import LANGUAGE_NAMES, Number
from core import announcements
from core.announcements import Announcement, AnnouncementState, Kind
from core.board import BOARD
from core.database import reading
from core.town import TownPack

COLUMNS: Final = ("recipient", "platform", "language", "result", "reason", "attempts")
RESULTS: Final = ("delivered", "blocked", "failed", "unsure")
PER_PAGE: Final = 100
CHUNK: Final = 1_000


@dataclass(frozen=True, slots=True)
class Row:
    """One recipient, in words; the fields in the order of `COLUMNS`."""

    recipient: str
    platform: str
    language: str
    result: str
    reason: str
    attempts: int


class Results(StaffPages):
    """Members by number; rooms by their place."""

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/console/announcements")
        for path, handler in (
            ("/{number}/recipients", self.table),
            ("/{number}/recipients.csv", self.file),
        ):
            router.add_api_route(path, handler, methods=["GET"])
        return router

    async def table(
        self, request: Request, number: Number, result: str = "", page: int = 1
    ) -> Response:
        self.web.staff(request)
        each = await found(self.web, number)
        result = result if result in RESULTS else ""
        filters = _filters(each)
        pages = max(1, -(-dict(filters).get(result, 0) // PER_PAGE))
        page = min(max(page, 1), pages)
        rows = await self._page(each, result, first=(page - 1) * PER_PAGE)
        return self.render(
            request,
            "announcements/recipients.html",
            each=each,
            unsent=_unsent(each, self.language(request)),
            rows=list(worded(self.web.app.town, rows, self.language(request))),
            filters=filters,
            result=result,
            page=page,
            pages=pages,
        )

    async def _page(
        self, each: Announcement, result: str, *, first: int
    ) -> list[Mapping[str, Any]]:
        rows: list[Mapping[str, Any]] = []
        number = 0
        async with reading(self.web.app.sessions) as session:
            async for row in announcements.each_recipient(session, each.id):
                if result and row["result"] != result:
                    continue
                number += 1
                if number > first:
                    rows.append(row)
                if len(rows) >= PER_PAGE:
                    break
        return rows

    async def file(self, request: Request, number: Number, result: str = "") -> Response:
        """The result for each recipient, for a spreadsheet; a page of rows at a time."""
        self.web.staff(request)
        each = await found(self.web, number)
        return StreamingResponse(
            self._csv(each, result if result in RESULTS else "", self.language(request)),
            media_type="text/csv",
            headers={"Content-Disposition": f'attachment; filename="announcement-{number}.csv"'},
        )

    async def _csv(self, each: Announcement, result: str, language: str) -> AsyncIterator[str]:
        yield csv_text([[texts.say(f"announcing.people.{name}", language) for name in COLUMNS]])
        rows: list[Mapping[str, Any]] = []
        async with reading(self.web.app.sessions) as session:
            async for row in announcements.each_recipient(session, each.id):
                if not result or row["result"] == result:
                    rows.append(row)
                if len(rows) >= CHUNK:
                    yield _lines(self.web.app.town, rows, language)
                    rows.clear()
        yield _lines(self.web.app.town, rows, language)
        if said := _unsent(each, language):
            yield csv_text([[said]]).removeprefix(MARK)


def _filters(each: Announcement) -> list[tuple[str, int]]:
    """Each result that came to somebody, with how many; before them all together."""
    counted = [(name, int(getattr(each, name))) for name in RESULTS]
    return [("", each.total - each.waiting), *((name, count) for name, count in counted if count)]


def _unsent(each: Announcement, language: str) -> str:
    """How many have no row, for nothing was sent to them so far; empty: there is nobody."""
    if each.waiting <= 0:
        return ""
    kind = "people" if each.kind is Kind.DIRECT else "places"
    over = "never" if each.state is AnnouncementState.CANCELLED else "unsent"
    key = f"announcing.people.{over}_{kind}"
    return texts.say(key, language, count=f"{each.waiting:,}")


def _lines(town: TownPack, rows: Iterable[Mapping[str, Any]], language: str) -> str:
    return csv_text(astuple(row) for row in worded(town, rows, language)).removeprefix(MARK)


def place_name(town: TownPack, place: str, language: str) -> str:
    """A room's title for the chat, channel or page that stands for it."""
    for gate in town.gates:
        if place in {gate.name, str(gate.telegram_chat), str(gate.discord_channel)}:
            return gate.title.get(language)
    heads = {BOARD, str(town.telegram.announcement_chat)}
    if town.discord is not None:
        heads.add(str(town.discord.announcement_channel))
    return texts.say("announcing.to.board", language) if place in heads else place


def worded(town: TownPack, rows: Iterable[Mapping[str, Any]], language: str) -> Iterable[Row]:
    """The rows in the words of staff."""
    for row in rows:
        kind, _, number = str(row["recipient"]).partition(":")
        who = place_name(town, str(row["recipient"]), language)
        if kind == "member":
            who = texts.say("announcing.people.member", language, number=number)
        yield Row(
            who,
            texts.say(f"web.platform.{row['platform']}", language),
            LANGUAGE_NAMES.get(str(row["language"]), str(row["language"])),
            texts.say(f"announcing.result.{row['result']}", language),
            str(row["reason"]),
            int(row["attempts"]),
        )
