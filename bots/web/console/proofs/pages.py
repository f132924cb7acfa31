"""Claim codes, orders and purchaser lists, for staff."""

import asyncio
from collections.abc import Mapping, Sequence

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from bots.web.console.pages import StaffPages
from bots.web.console.proofs.days import USUAL, Days
from bots.web.console.proofs.slips import Fresh, Slips
from bots.web.console.proofs.uploads import upload
from bots.web.console.shelf import Shelf
from bots.web.pages import Number, Web, go
from bots.web.words import one_line
from core.credentials.codes import MAX_COUNT, OrderStatus
from core.credentials.purchases import Imported, Listing
from core.credentials.tabular import (
    SHOWN_MISTAKES,
    BadList,
    read_entries,
)
from core.database import reading, transaction
from core.errors import NotFound
from core.town import Proof


class Proofs(StaffPages):
    """The ways to belong without a card, as staff look after them."""

    def __init__(self, web: Web) -> None:
        super().__init__(web)
        self._slips = Slips(web)
        self._days = Days(web.app)
        self._lists: Shelf[Listing] = Shelf(web.app.clock)

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/console/proofs")
        for path, handler, method in (
            ("", self.show, "GET"),
            ("/codes", self.make, "POST"),
            ("/orders", self.orders, "POST"),
            ("/orders/status", self.status, "POST"),
            ("/batches/{number}/revoke", self.revoke, "POST"),
            ("/lists/{name}", self.read_list, "POST"),
            ("/lists/{name}/import", self.store_list, "POST"),
        ):
            router.add_api_route(path, handler, methods=[method])
        router.include_router(self._slips.router())
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
            today=self._days.today().isoformat(),
            usual=(self._days.today() + USUAL).isoformat(),
            max_count=MAX_COUNT,
            last_day=self._days.last,
        )

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
            expires_at = self._days.end_of(fields.get("expires", ""))
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
        return go(self._slips.put(staff, Fresh(batch, proof, label, expires_at, made)))

    async def orders(self, request: Request) -> Response:
        """A code for each order of a file that has none yet."""
        staff = self.web.staff(request)
        fields, content = await upload(self.web, request)
        proof, label = self._proof(fields.get("proof", "")), one_line(fields.get("label", ""))[:100]
        try:
            expires_at = self._days.end_of(fields.get("expires", ""))
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
        return go(self._slips.put(staff, fresh))

    async def status(self, request: Request) -> Response:
        self.web.staff(request)
        fields = await self.web.form(request, "form")
        proof, app = self._proof(fields.get("proof", "")), self.web.app
        async with transaction(app.sessions) as session:
            found = await app.proving.codes.order_status(
                session, proof.name, fields.get("order", "")[:200], now=app.clock()
            )
        return await self._page(request, fields, found=found, asked=True)

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
        fields, content = await upload(self.web, request)
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
