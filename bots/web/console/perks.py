"""The console's pages on perks: ticket windows, uses, conflicts, what is owed, figures."""

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from bots import qr, texts
from bots.perk_words import PerkWords
from bots.spreadsheet import csv_text
from bots.web.console.pages import StaffPages
from bots.web.pages import Number, Web, go
from bots.web.words import one_line
from core.errors import NotAllowed, NotFound
from core.perks import Redemption, Settlement, SettlementRow
from core.town import Facility

MOST: Final = 500
"""Uses that the day's page looks at, the newest first."""

MAX_LABEL: Final = 60
MAX_REASON: Final = 200
MONTHS: Final = 12
DAYS: Final = 90
_MONTH: Final = re.compile(r"(\d{4})-(\d{2})")


class PerkPages(StaffPages):
    """What staff see and decide of perks."""

    def __init__(self, web: Web) -> None:
        super().__init__(web)
        self.words = PerkWords(web.app.town)

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/console/perks")
        for path, handler, method in (
            ("", self.day, "GET"),
            ("/conflicts/{number}", self.decide, "POST"),
            ("/uses/{number}/undo", self.undo, "POST"),
            ("/desks", self.desks, "GET"),
            ("/desks", self.make, "POST"),
            ("/desks/{number}/pin", self.new_pin, "POST"),
            ("/desks/{number}/revoke", self.revoke, "POST"),
            ("/settlement", self.settlement, "GET"),
            ("/settlement.csv", self.settlement_file, "GET"),
            ("/figures", self.figures, "GET"),
        ):
            router.add_api_route(path, handler, methods=[method])
        return router

    def _today(self) -> date:
        zone = ZoneInfo(self.web.app.town.town.timezone)
        return self.web.app.clock().astimezone(zone).date()

    # The day

    async def day(self, request: Request) -> Response:
        """Conflicts that wait for a decision, and the day's uses by facility."""
        self.web.staff(request)
        perks, now = self.web.app.perks, self.web.app.clock()
        rows = await perks.redemptions(limit=MOST)
        today = [row for row in rows if self.words.same_day(row.at, now)]
        return self.render(
            request,
            "perks.html",
            conflicts=await perks.conflicts(),
            decided=await perks.conflicts(state=None, limit=20),
            facilities=_by_facility(self.web.app.town.facilities, today),
            words=self.words,
            now=now,
            max_reason=MAX_REASON,
        )

    async def decide(self, request: Request, number: Number) -> Response:
        """Let a scan without signal count as goodwill, or not."""
        staff = self.web.staff(request)
        fields = await self.web.form(request, "form")
        choice, reason = fields.get("do", ""), one_line(fields.get("reason", ""))[:MAX_REASON]
        if choice not in {"accept", "reject"}:
            raise HTTPException(400)
        if not reason:
            return go("/console/perks", request, flash="needs-reason")
        try:
            await self.web.app.perks.resolve(
                number, by=f"staff:{staff}", accept=choice == "accept", reason=reason
            )
        except NotFound as error:
            raise HTTPException(404) from error
        return go("/console/perks", request, flash="decided")

    async def undo(self, request: Request, number: Number) -> Response:
        staff = self.web.staff(request)
        fields = await self.web.form(request, "form")
        reason = one_line(fields.get("reason", ""))[:MAX_REASON]
        if not reason:
            return go("/console/perks", request, flash="needs-reason")
        try:
            await self.web.app.perks.undo(number, f"staff:{staff}", reason=reason)
        except NotFound as error:
            raise HTTPException(404) from error
        except NotAllowed:
            return go("/console/perks", request, flash="too-late")
        return go("/console/perks", request, flash="undone")

    # Ticket windows

    async def desks(self, request: Request) -> Response:
        self.web.staff(request)
        return await self._desks(request)

    async def _desks(self, request: Request, *, fault: str | None = None) -> HTMLResponse:
        return self.render(
            request,
            "desks.html",
            status=422 if fault else 200,
            desks=await self.web.app.desks.all(),
            fault=fault,
            now=self.web.app.clock(),
            words=self.words,
            max_label=MAX_LABEL,
        )

    async def make(self, request: Request) -> Response:
        """A window's link and PIN: this answer is the only time that they are seen."""
        staff = self.web.staff(request)
        fields = await self.web.form(request, "form")
        label = one_line(fields.get("label", ""))
        if not label or len(label) > MAX_LABEL:
            return await self._desks(request, fault="label")
        try:
            made = await self.web.app.desks.make(
                fields.get("facility", ""), label, by=f"staff:{staff}"
            )
        except NotFound:
            return await self._desks(request, fault="facility")
        address = f"{self.web.app.settings.address}/desk/{made.token}"
        return self.render(
            request,
            "desk_made.html",
            made=made,
            address=address,
            code=qr.svg(address),
            words=self.words,
        )

    async def new_pin(self, request: Request, number: Number) -> Response:
        staff = self.web.staff(request)
        await self.web.form(request, "form")
        try:
            pin = await self.web.app.desks.rotate_pin(number, by=f"staff:{staff}")
        except NotFound as error:
            raise HTTPException(404) from error
        desk = next((each for each in await self.web.app.desks.all() if each.id == number), None)
        return self.render(request, "desk_pin.html", pin=pin, desk=desk, words=self.words)

    async def revoke(self, request: Request, number: Number) -> Response:
        staff = self.web.staff(request)
        await self.web.form(request, "form")
        try:
            await self.web.app.desks.revoke(number, by=f"staff:{staff}")
        except NotFound as error:
            raise HTTPException(404) from error
        return go("/console/perks/desks", request, flash="revoked")

    # What is owed

    def _asked(self, request: Request) -> tuple[Facility | None, date]:
        """The facility and the first day of the month that the address names.

        Without names: the first facility, this month. Nobody settles another than they asked for.
        """
        town, query = self.web.app.town, request.query_params
        facility = next(iter(town.facilities), None)
        if name := query.get("facility"):
            facility = town.facility(name)
            if facility is None:
                raise HTTPException(404)
        if not query.get("month"):
            return facility, self._today().replace(day=1)
        found = _MONTH.fullmatch(query["month"])
        try:
            if found is None:
                raise HTTPException(404)
            return facility, date(int(found[1]), int(found[2]), 1)
        except ValueError as error:
            raise HTTPException(404) from error

    async def settlement(self, request: Request) -> Response:
        self.web.staff(request)
        facility, month = self._asked(request)
        found = None
        if facility is not None:
            found = await self.web.app.perks.settlement(month, facility.name)
        return self.render(
            request,
            "settlement.html",
            facility=facility,
            month=month,
            months=_months(self._today()),
            found=found,
            words=self.words,
        )

    async def settlement_file(self, request: Request) -> Response:
        self.web.staff(request)
        facility, month = self._asked(request)
        if facility is None:
            raise HTTPException(404)
        found = await self.web.app.perks.settlement(month, facility.name)
        name = f"settlement-{facility.name}-{month:%Y-%m}.csv"
        return Response(
            csv_text(self._settlement_rows(found, self.language(request))).encode(),
            media_type="text/csv",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    def _settlement_rows(self, found: Settlement, language: str) -> Iterable[Iterable[object]]:
        heads = ("number", "at", "perk", "yen", "checked", "desk", "undone_at", "undone_why")
        yield [texts.say(f"windows.csv.{each}", language) for each in heads]
        for row in (*found.rows, *found.undone):
            yield self._cells(row, language)
        total = texts.say("windows.settlement.total", language)
        yield (total, "", "", found.total_yen, found.count, "", "", "")

    def _cells(self, row: SettlementRow, language: str) -> Iterable[object]:
        perk = self.web.app.town.perk(row.perk)
        undone: datetime | None = row.undone_at
        return (
            row.redemption_id,
            f"{row.at:%Y-%m-%d %H:%M}",
            perk.title.get(language) if perk else row.title,
            row.value_yen if undone is None else 0,
            texts.say(f"windows.source.{row.source.value}", language),
            row.desk,
            f"{undone:%Y-%m-%d %H:%M}" if undone else None,
            row.undo_reason,
        )

    # Figures

    async def figures(self, request: Request) -> Response:
        """Use, unused share, cost and return visits of each perk over some days."""
        self.web.staff(request)
        today = self._today()
        since = _day(request.query_params.get("since"), today - timedelta(days=DAYS))
        until = _day(request.query_params.get("until"), today)
        wrong = since > until
        if wrong:
            since, until = today - timedelta(days=DAYS), today
        rows = await self.web.app.perks.figures(since, until)
        return self.render(
            request,
            "figures.html",
            status=422 if wrong else 200,
            wrong=wrong,
            rows=rows,
            most=max((row.uses for row in rows), default=0),
            since=since,
            until=until,
            words=self.words,
        )


def _by_facility(
    facilities: Iterable[Facility], rows: list[Redemption]
) -> list[tuple[Facility, list[Redemption]]]:
    return [(each, [row for row in rows if row.facility == each.name]) for each in facilities]


def _months(today: date) -> list[date]:
    """This month and those before it, the newest first."""
    first = today.replace(day=1)
    months = [first]
    while len(months) < MONTHS:
        months.append((months[-1] - timedelta(days=1)).replace(day=1))
    return months


def _day(text: str | None, default: date) -> date:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return default
