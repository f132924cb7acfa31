"""The console's pages on members: who is in which room and why, and what staff decide by hand."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from eth_utils import is_address, to_checksum_address
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.ext.asyncio import AsyncSession

from bots import texts
from bots.conversation.links import words_of
from bots.places import rooms_of
from bots.reasons import Reasons
from bots.spreadsheet import csv_text
from bots.web.console.pages import StaffPages
from bots.web.pages import Number, go
from core import audit
from core.access.overrides import (
    LONGEST,
    MAX_REASON,
    BadEnd,
    Effect,
    NoReason,
    end_override,
    make_override,
    overrides,
    overrides_of,
)
from core.access.roster import Inside, doors_of, figures, room_list
from core.credentials import credentials_of
from core.database import reading, transaction
from core.errors import NotAllowed, NotFound
from core.holdings.search import owners_of_token
from core.identity import accounts_of, find_account, holders_of, linked_wallets, members_at

SHOWN: Final = 500  # rows of a room's list on the page; the file has all
HISTORY: Final = 100
MAX_WORDS: Final = 100
_NUMBER: Final = re.compile(r"\d{1,78}")
LARGEST: Final = 2**53


class Members(StaffPages):
    """Members by number. What is searched for stands in no address and no log."""

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/console/members")
        for path, handler, method in (
            ("", self.overview, "GET"),
            ("/search", self.search, "POST"),
            ("/rooms/{gate}", self.room, "GET"),
            ("/rooms/{gate}/list.csv", self.file, "GET"),
            ("/overrides/{number}/end", self.end, "POST"),
            ("/{number}", self.show, "GET"),
            ("/{number}/look", self.look, "POST"),
            ("/{number}/override", self.override, "POST"),
        ):
            router.add_api_route(path, handler, methods=[method])
        return router

    async def overview(self, request: Request) -> Response:
        self.web.staff(request)
        return await self._overview(request)

    async def _overview(
        self, request: Request, *, found: Sequence[int] | None = None, words: str = ""
    ) -> HTMLResponse:
        app = self.web.app
        async with reading(app.sessions) as session:
            rooms = await figures(session, [gate.name for gate in rooms_of(app.town)])
            decided = await overrides(session, now=app.clock())
        return self.render(
            request, "members.html", rooms=rooms, decided=decided, found=found, words=words
        )

    async def search(self, request: Request) -> Response:
        """One member: their page. Several, or none: said on this page."""
        self.web.staff(request)
        fields = await self.web.form(request, "form")
        async with reading(self.web.app.sessions) as session:
            words = fields.get("words", "").strip()[:MAX_WORDS]
            found = await self._find(session, words)
        if len(found) == 1:
            return go(f"/console/members/{found[0]}")
        return await self._overview(request, found=found, words=words)

    async def _find(self, session: AsyncSession, words: str) -> list[int]:
        """Members by their number, a platform's id, a card's address or a card's number."""
        found: dict[int, None] = {}
        if is_address(words):
            return await members_at(session, to_checksum_address(words))
        words = words.removeprefix("#")
        if not _NUMBER.fullmatch(words):
            return []
        if int(words) <= LARGEST and await accounts_of(session, int(words)):
            found[int(words)] = None
        for platform in ("telegram", "discord"):
            if (account := await find_account(session, platform, words)) is not None:
                found[account.member_id] = None
        for collection in self.web.app.town.collections:
            owners = await owners_of_token(session, collection, int(words))
            holders = await holders_of(session, owners, chain_id=collection.chain_id)
            found.update(dict.fromkeys(holders.values()))
        return list(found)

    # A room

    async def room(self, request: Request, gate: str) -> Response:
        self.web.staff(request)
        rows = await self._list(gate)
        return self.render(
            request, "members_room.html", room=gate, rows=rows[:SHOWN], total=len(rows)
        )

    async def file(self, request: Request, gate: str) -> Response:
        """The whole list for a spreadsheet; members by number."""
        self.web.staff(request)
        rows = await self._list(gate)
        language = self.language(request)
        say = Reasons(self.web.app.town, language)
        heads = ("member", "platform", "state", "since", "why", "leaves", "missing")
        names = [texts.say(f"members.csv.{each}", language) for each in heads]
        cells = (
            (
                each.member_id,
                each.platform,
                each.state,
                each.since.isoformat(),
                say.opened(each.by),
                each.leave_at.isoformat() if each.leave_at else "",
                str(say.shortfall(each.reason)) if each.leave_at else "",
            )
            for each in rows
        )
        return Response(
            csv_text([names, *cells]).encode(),
            media_type="text/csv",
            headers={"Content-Disposition": f'attachment; filename="room-{gate}.csv"'},
        )

    async def _list(self, gate: str) -> list[Inside]:
        async with reading(self.web.app.sessions) as session:
            rows = await room_list(session, gate)
        if not rows and self.web.app.town.gate(gate) is None:
            raise HTTPException(404)
        return rows

    # A member

    async def show(self, request: Request, number: Number) -> Response:
        self.web.staff(request)
        return await self._member(request, number)

    async def _member(
        self,
        request: Request,
        number: int,
        *,
        fault: str = "",
        given: Mapping[str, str] | None = None,
    ) -> HTMLResponse:
        """The member's page; with a `fault`, what was `given` stays in the form."""
        app = self.web.app
        now = app.clock()
        async with reading(app.sessions) as session:
            accounts = await accounts_of(session, number)
            if not accounts:
                raise HTTPException(404)
            wallets = await linked_wallets(session, number)
            values = {
                "doors": await doors_of(session, number),
                "credentials": await credentials_of(session, number, now=now),
                "decided": await overrides_of(session, number, now=now),
                "history": await audit.search(
                    session, audit.Filter(area="access", subject=f"member:{number}"), limit=HISTORY
                ),
            }
        today = now.astimezone(ZoneInfo(app.town.town.timezone)).date()
        language = self.language(request)
        cards = [(app.mark(each), words_of(app.town, each, language)) for each in wallets]
        return self.render(
            request,
            "member.html",
            status=422 if fault else 200,
            number=number,
            cards=cards,
            accounts=accounts,
            fault=fault,
            given=given or {},
            earliest=today,
            latest=today + LONGEST - timedelta(days=1),
            max_reason=MAX_REASON,
            **values,
        )

    async def look(self, request: Request, number: Number) -> Response:
        """Look again at everything that opens this member's rooms."""
        self.web.staff(request)
        await self.web.form(request, "form")
        await self._known(number)
        await self.web.app.doorkeeper.recheck(number)
        self.web.app.wake()
        return go(f"/console/members/{number}", request, flash="members.done.looked")

    async def _known(self, number: int) -> None:
        async with reading(self.web.app.sessions) as session:
            if not await accounts_of(session, number):
                raise HTTPException(404)

    # What staff decide

    async def override(self, request: Request, number: Number) -> Response:
        by = f"staff:{self.web.staff(request)}"
        fields = await self.web.form(request, "form")
        app = self.web.app
        until = self._end_of(fields.get("until", ""))
        gate, effect = fields.get("gate", ""), fields.get("effect", "")
        try:
            if app.town.gate(gate) is None or effect not in set(Effect):
                raise NotAllowed("no such room, or nothing that can be done")
            if until is None:
                raise BadEnd
            async with transaction(app.sessions) as session:
                await make_override(
                    session,
                    number,
                    gate,
                    Effect(effect),
                    reason=fields.get("reason", ""),
                    until=until,
                    by=by,
                    now=app.clock(),
                )
        except NotAllowed as error:
            fault = {NoReason: "reason", BadEnd: "until"}.get(type(error), "room")
            return await self._member(request, number, fault=fault, given=fields)
        except NotFound as error:
            raise HTTPException(404) from error
        await app.doorkeeper.recheck(number)
        app.wake()
        return go(f"/console/members/{number}", request, flash="members.done.overridden")

    def _end_of(self, day: str) -> datetime | None:
        """The end of a day on the town's clock."""
        try:
            given = datetime.strptime(day, "%Y-%m-%d").date()  # noqa: DTZ007 - a day, not a moment
        except ValueError:
            return None
        zone = ZoneInfo(self.web.app.town.town.timezone)
        try:
            return datetime.combine(given, time(23, 59, 59), zone)
        except OverflowError:
            return None

    async def end(self, request: Request, number: Number) -> Response:
        by = f"staff:{self.web.staff(request)}"
        await self.web.form(request, "form")
        app = self.web.app
        try:
            async with transaction(app.sessions) as session:
                member = await end_override(session, number, by=by, now=app.clock())
        except NotFound as error:
            raise HTTPException(404) from error
        await app.doorkeeper.recheck(member)
        app.wake()
        return go(f"/console/members/{member}", request, flash="members.done.ended")
