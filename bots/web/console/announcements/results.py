"""What became of each recipient: a table to look at, and one for a spreadsheet."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bots import texts
from bots.spreadsheet import csv_text
from bots.web.console.announcements.sending import found
from bots.web.console.pages import StaffPages
from bots.web.pages import LANGUAGE_NAMES, Number
from core import announcements
from core.database import reading

COLUMNS: Final = ("recipient", "platform", "language", "result", "reason", "attempts")
RESULTS: Final = ("delivered", "waiting", "sending", "blocked", "failed", "unsure")
PER_PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class Row:
    """One recipient, in words."""

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
            (
                "/{number}/recipients",
                self.table,
            ),
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
        async with reading(self.web.app.sessions) as session:
            every = await announcements.recipients(session, number)
        counted = Counter(str(row["result"]) for row in every)
        chosen = [row for row in every if not result or row["result"] == result]
        pages = max(1, -(-len(chosen) // PER_PAGE))
        page = min(max(page, 1), pages)
        shown = chosen[(page - 1) * PER_PAGE : page * PER_PAGE]
        return self.render(
            request,
            "announcements/recipients.html",
            each=each,
            rows=list(worded(shown, self.language(request))),
            filters=[
                ("", len(every)),
                *((name, counted[name]) for name in RESULTS if counted[name]),
            ],
            result=result,
            page=page,
            pages=pages,
        )

    async def file(self, request: Request, number: Number, result: str = "") -> Response:
        """The result for each recipient, for a spreadsheet."""
        self.web.staff(request)
        await found(self.web, number)
        language = self.language(request)
        async with reading(self.web.app.sessions) as session:
            every = await announcements.recipients(session, number)
        heads = [texts.say(f"announcing.people.{name}", language) for name in COLUMNS]
        rows = (
            [getattr(row, name) for name in COLUMNS]
            for row in worded(
                [row for row in every if result not in RESULTS or row["result"] == result], language
            )
        )
        return Response(
            csv_text([heads, *rows]).encode(),
            media_type="text/csv",
            headers={
                "Content-Disposition": f'attachment; filename="announcement-{number}.csv"',
            },
        )


def worded(
    rows: Iterable[Mapping[str, Any]] | Sequence[Mapping[str, Any]], language: str
) -> Iterable[Row]:
    """The rows in the words of staff."""
    for row in rows:
        kind, _, number = str(row["recipient"]).partition(":")
        who = str(row["recipient"])
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
