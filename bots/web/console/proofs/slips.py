"""Codes that were just made: shown once, printed as slips, saved as a table."""

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from bots import qr, texts
from bots.spreadsheet import csv_text
from bots.web.console.pages import StaffPages
from bots.web.console.proofs.days import Days
from bots.web.console.shelf import Shelf
from bots.web.pages import Web
from core.credentials.codes import Made
from core.credentials.spelling import written
from core.credentials.tabular import SHOWN_MISTAKES, Entries
from core.town import Proof

SHEET: Final = 240  # slips of one printed file: 40 pages


@dataclass(frozen=True, slots=True)
class Fresh:
    """Codes that were just made, until they are on paper."""

    batch: int
    proof: Proof
    label: str
    expires_at: datetime
    made: Sequence[Made]
    entries: Entries | None = None  # of a list of orders
    known: int = 0


class Slips(StaffPages):
    """What may be seen of new codes, until it is on paper."""

    def __init__(self, web: Web) -> None:
        super().__init__(web)
        self._fresh: Shelf[Fresh] = Shelf(web.app.clock)
        self._days = Days(web.app)

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/fresh/{token}")
        for path, handler in (
            ("", self.fresh),
            ("/sheet", self.sheet),
            ("/codes.csv", self.file),
        ):
            router.add_api_route(path, handler, methods=["GET"])
        return router

    def put(self, staff: str, made: Fresh) -> str:
        """Keep new codes for whoever made them; the page where they are shown."""
        return f"/console/proofs/fresh/{self._fresh.put(staff, made)}"

    def _found(self, request: Request, token: str) -> Fresh:
        staff = self.web.staff(request)
        found = self._fresh.find(staff, token)
        if found is None:
            raise HTTPException(404)
        return found

    async def fresh(self, request: Request, token: str) -> Response:
        found = self._found(request, token)
        return self.render(
            request,
            "codes_made.html",
            each=found,
            token=token,
            last_day=self._days.last(found.expires_at),
            parts=math.ceil(len(found.made) / SHEET),
            sheet=SHEET,
            mistakes=found.entries.mistakes[:SHOWN_MISTAKES] if found.entries else [],
        )

    async def sheet(self, request: Request, token: str, part: int = 1) -> Response:
        """Slips for printing, six on a page of A4."""
        found = self._found(request, token)
        if not 1 <= part <= math.ceil(len(found.made) / SHEET):
            raise HTTPException(404)
        made = found.made[(part - 1) * SHEET : part * SHEET]
        address = self.web.app.settings.address
        slips = await asyncio.to_thread(
            lambda: [
                (each, written(each.code), qr.svg(f"{address}/join?code={written(each.code)}"))
                for each in made
            ]
        )
        return self.render(
            request,
            "code_sheet.html",
            each=found,
            slips=slips,
            say=self._printed(address, self._days.last(found.expires_at)),
        )

    @staticmethod
    def _printed(address: str, day: date) -> Callable[[str, str], str]:
        """The words of a slip: on paper both languages stand beside each other."""
        values = {"address": address, "year": day.year, "month": day.month, "day": day.day}

        def say(key: str, language: str) -> str:
            return texts.say(f"proofs-desk.sheet.{key}", language, **values)

        return say

    async def file(self, request: Request, token: str) -> Response:
        found = self._found(request, token)
        address, day = self.web.app.settings.address, self._days.last(found.expires_at)
        orders = found.entries is not None
        rows = (
            (
                *((each.order,) if orders else ()),
                each.serial,
                written(each.code),
                f"{address}/join?code={written(each.code)}",
                day,
            )
            for each in found.made
        )
        heads = (*(("order",) if orders else ()), "serial", "code", "link", "last_day")
        language = self.language(request)
        names = [texts.say(f"proofs-desk.csv.{each}", language) for each in heads]
        return Response(
            csv_text([names, *rows]).encode(),
            media_type="text/csv",
            headers={"Content-Disposition": f'attachment; filename="codes-{found.batch}.csv"'},
        )
