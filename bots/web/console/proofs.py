"""Claim codes, orders and purchaser lists, for staff."""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response
from starlette.datastructures import UploadFile

from bots import qr, texts
from bots.spreadsheet import csv_text
from bots.web.console.pages import StaffPages
from bots.web.console.shelf import Shelf
from bots.web.pages import MAX_FIELDS, Number, Web, go
from bots.web.session import check_csrf
from bots.web.words import clean, one_line
from core.credentials.codes import MAX_COUNT, Made, OrderStatus
from core.credentials.purchases import Imported, Listing
from core.credentials.spelling import written
from core.credentials.tabular import (
    MAX_BYTES,
    SHOWN_MISTAKES,
    BadList,
    Entries,
    read_entries,
)
from core.database import reading, transaction
from core.errors import NotFound
from core.town import Proof

SHEET: Final = 240  # slips of one printed file: 40 pages
USUAL_DAYS: Final = 180
LONGEST: Final = timedelta(days=3660)


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


class Proofs(StaffPages):
    """The ways to belong without a card, as staff look after them."""

    def __init__(self, web: Web) -> None:
        super().__init__(web)
        self._fresh: Shelf[Fresh] = Shelf(web.app.clock)
        self._lists: Shelf[Listing] = Shelf(web.app.clock)

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/console/proofs")
        for path, handler, method in (
            ("", self.show, "GET"),
            ("/codes", self.make, "POST"),
            ("/orders", self.orders, "POST"),
            ("/orders/status", self.status, "POST"),
            ("/fresh/{token}", self.fresh, "GET"),
            ("/fresh/{token}/sheet", self.sheet, "GET"),
            ("/fresh/{token}/codes.csv", self.file, "GET"),
            ("/batches/{number}/revoke", self.revoke, "POST"),
            ("/lists/{name}", self.read_list, "POST"),
            ("/lists/{name}/import", self.store_list, "POST"),
        ):
            router.add_api_route(path, handler, methods=[method])
        return router

    async def show(self, request: Request) -> Response:
        self.web.staff(request)
        return await self._page(request)

    async def _page(
        self,
        request: Request,
        given: Mapping[str, str] | None = None,
        *,
        fault: str | None = None,
        at: str = "",
        headings: Sequence[str] = (),
        found: OrderStatus | None = None,
        asked: bool = False,
        done: Imported | None = None,
    ) -> HTMLResponse:
        app = self.web.app
        proving, now = app.proving, app.clock()
        async with reading(app.sessions) as session:
            batches = await proving.codes.batches(session, now=now)
            lists = [
                (each, await proving.purchases.state(session, each.name))
                for each in proving.purchases.proofs
            ]
        return self.render(
            request,
            "proofs.html",
            status=422 if fault else 200,
            codes=proving.codes.proofs,
            batches=batches,
            lists=lists,
            given={"proof": "", "order": "", **(given or {})},
            fault=fault,
            at=at,
            taken=request.session.pop("codes-taken", None),
            headings=headings,
            found=found,
            asked=asked,
            done=done,
            today=self._today().isoformat(),
            usual=(self._today() + timedelta(days=USUAL_DAYS)).isoformat(),
            max_count=MAX_COUNT,
            last_day=self._last_day,
        )

    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.web.app.town.town.timezone)

    def _today(self) -> date:
        return self.web.app.clock().astimezone(self._zone()).date()

    def _last_day(self, expires_at: datetime) -> date:
        """The last day, on the town's calendar, on which a code works."""
        return (expires_at - timedelta(seconds=1)).astimezone(self._zone()).date()

    def _expiry(self, text: str) -> datetime:
        """The end of a day that staff wrote. Raises `ValueError`."""
        day = date.fromisoformat(text)
        if not self._today() <= day <= self._today() + LONGEST:
            raise ValueError("past")
        midnight = datetime.combine(day + timedelta(days=1), time(), self._zone())
        return midnight.astimezone(UTC)

    def _proof(self, name: str) -> Proof:
        found = next(
            (each for each in self.web.app.proving.codes.proofs if each.name == name), None
        )
        if found is None:
            raise HTTPException(404)
        return found

    # Codes

    async def make(self, request: Request) -> Response:
        staff = self.web.staff(request)
        fields = await self.web.form(request, "form")
        proof, count = self._proof(fields.get("proof", "")), fields.get("count", "")
        if not (count.isdecimal() and len(count) <= 6 and 1 <= int(count) <= MAX_COUNT):  # noqa: PLR2004
            return await self._page(request, fields, fault="count", at="make")
        label = one_line(fields.get("label", ""))[:100]
        if not label:
            return await self._page(request, fields, fault="label", at="make")
        try:
            expires_at = self._expiry(fields.get("expires", ""))
        except ValueError:
            return await self._page(request, fields, fault="expires", at="make")
        app = self.web.app
        async with transaction(app.sessions) as session:
            batch, made = await app.proving.codes.make(
                session,
                proof.name,
                count=int(count),
                expires_at=expires_at,
                label=label,
                by=f"staff:{staff}",
                now=app.clock(),
            )
        token = self._fresh.put(staff, Fresh(batch, proof, label, expires_at, made))
        return go(f"/console/proofs/fresh/{token}")

    async def orders(self, request: Request) -> Response:
        """A code for each order of a file that has none yet."""
        staff = self.web.staff(request)
        fields, content = await self._upload(request)
        proof, label = self._proof(fields.get("proof", "")), one_line(fields.get("label", ""))[:100]
        try:
            expires_at = self._expiry(fields.get("expires", ""))
        except ValueError:
            return await self._page(request, fields, fault="expires", at="orders")
        try:
            entries = await asyncio.to_thread(read_entries, content, ("order",))
        except BadList as error:
            return await self._wrong_file(request, fields, error, "orders")
        app = self.web.app
        numbers = [entries.written[row] for row in entries.rows]
        async with transaction(app.sessions) as session:
            batch, made = await app.proving.codes.make_for_orders(
                session,
                proof.name,
                numbers,
                expires_at=expires_at,
                label=label or proof.title.get("ja"),
                by=f"staff:{staff}",
                now=app.clock(),
            )
        known = len(numbers) - len(made)
        fresh = Fresh(batch or 0, proof, label, expires_at, made, entries, known)
        return go(f"/console/proofs/fresh/{self._fresh.put(staff, fresh)}")

    async def status(self, request: Request) -> Response:
        self.web.staff(request)
        fields = await self.web.form(request, "form")
        proof, app = self._proof(fields.get("proof", "")), self.web.app
        async with transaction(app.sessions) as session:
            found = await app.proving.codes.order_status(
                session, proof.name, fields.get("order", "")[:200], now=app.clock()
            )
        return await self._page(request, fields, found=found, asked=True)

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
            last_day=self._last_day(found.expires_at),
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
            say=self._printed(address, self._last_day(found.expires_at)),
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
        address, day = self.web.app.settings.address, self._last_day(found.expires_at)
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

    async def revoke(self, request: Request, number: Number) -> Response:
        """One code by its serial number; or all that nobody has used, which is asked for twice."""
        by = f"staff:{self.web.staff(request)}"
        fields = await self.web.form(request, "form")
        serial, reason = fields.get("serial", ""), one_line(fields.get("reason", ""))[:200]
        one = fields.get("which") != "all"
        at = f"{'one' if one else 'all'}-{number}"
        if one and not (serial.isdecimal() and 1 <= len(serial) <= 6):  # noqa: PLR2004
            return await self._page(request, fields, fault="serial", at=at)
        if not reason:
            return await self._page(request, fields, fault="reason", at=at)
        if not one and fields.get("sure") != "yes":
            return await self._ask_again(request, number, reason)
        app = self.web.app
        try:
            async with transaction(app.sessions) as session:
                count, members = await app.proving.codes.revoke(
                    session,
                    number,
                    serial=int(serial) if one else None,
                    reason=reason,
                    by=by,
                    now=app.clock(),
                )
        except NotFound as error:
            if not one:
                raise HTTPException(404) from error
            return await self._page(request, fields, fault="serial", at=at)
        await self._look_again(members)
        request.session["codes-taken"] = {"count": count, "batch": number}
        return go("/console/proofs")

    async def _ask_again(self, request: Request, number: int, reason: str) -> HTMLResponse:
        """How many codes would be withdrawn, before any is. Raises 404 for no batch."""
        app = self.web.app
        async with transaction(app.sessions) as session:
            batches = await app.proving.codes.batches(session, now=app.clock())
        found = next((each for each in batches if each.id == number), None)
        if found is None:
            raise HTTPException(404)
        return self.render(request, "codes_revoke.html", each=found, reason=reason)

    async def _look_again(self, members: Sequence[int]) -> None:
        """Rooms close with notice and grace, as for a card that was given away."""
        for member in members:
            await self.web.app.doorkeeper.recheck(member)
        self.web.app.wake()

    # Purchaser lists

    async def read_list(self, request: Request, name: str) -> Response:
        """Read a file and say what importing it would do. Nothing is stored."""
        staff = self.web.staff(request)
        fields, content = await self._upload(request)
        app = self.web.app
        try:
            listing = await asyncio.to_thread(app.proving.purchases.read, name, content)
        except NotFound as error:
            raise HTTPException(404) from error
        except BadList as error:
            return await self._wrong_file(request, fields, error, f"list-{name}")
        async with reading(app.sessions) as session:
            plan = await app.proving.purchases.plan(session, listing)
        return self.render(
            request,
            "list_plan.html",
            listing=listing,
            plan=plan,
            proof=app.town.proof(name),
            token=self._lists.put(staff, listing),
            mistakes=listing.entries.mistakes[:SHOWN_MISTAKES],
        )

    async def store_list(self, request: Request, name: str) -> Response:
        staff = self.web.staff(request)
        fields = await self.web.form(request, "form")
        listing = self._lists.take(staff, fields.get("token", ""))
        if listing is None or listing.proof != name:
            return await self._page(request, fields, fault="stale", at=f"list-{name}")
        app = self.web.app
        done = await app.proving.purchases.store(
            app.sessions,
            listing,
            replace=fields.get("replace") == "yes",
            by=f"staff:{staff}",
            now=app.clock(),
        )
        await self._look_again(done.members)
        return await self._page(request, done=done)

    async def _wrong_file(
        self,
        request: Request,
        fields: Mapping[str, str],
        error: BadList,
        at: str,
    ) -> HTMLResponse:
        fault = error.reason if fields["file"] else "no-file"
        return await self._page(request, fields, fault=fault, at=at, headings=error.headings)

    async def _upload(self, request: Request) -> tuple[dict[str, str], bytes]:
        """The fields and the file of a staff form. Raises like `Web.form`."""
        who = self.web.visitor(request)
        self.web.limits.check("form", request, who.id, self.web.app.settings.trusted_proxies)
        async with request.form(max_files=1, max_fields=MAX_FIELDS) as form:
            given = {name: value for name, value in form.items() if isinstance(value, str)}
            check_csrf(request, given.get("csrf", ""))
            file = form.get("file")
            given["file"] = (file.filename or "") if isinstance(file, UploadFile) else ""
            content = await file.read(MAX_BYTES + 1) if isinstance(file, UploadFile) else b""
        return {name: clean(value) for name, value in given.items()}, content
