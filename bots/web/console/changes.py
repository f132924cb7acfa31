"""The console's pages on changes of rooms that wait until two people of the staff have agreed."""

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from bots import texts
from bots.reasons import Need, Reasons
from bots.spreadsheet import csv_text
from bots.web.console.pages import StaffPages
from bots.web.pages import Number, go
from core.access.changes import (
    Change,
    ChangeState,
    agree,
    change,
    changes,
    losses_of,
    refuse,
)
from core.access.reasons import unpack_shortfall
from core.database import transaction
from core.errors import NotAllowed, NotFound


class Changes(StaffPages):
    """Planned removals, with the buttons of the two-person rule."""

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/console/changes")
        for path, handler, method in (
            ("", self.list, "GET"),
            ("/{number}", self.show, "GET"),
            ("/{number}/list.csv", self.file, "GET"),
            ("/{number}/agree", self.agree, "POST"),
            ("/{number}/refuse", self.refuse, "POST"),
        ):
            router.add_api_route(path, handler, methods=[method])
        return router

    async def list(self, request: Request) -> Response:
        self.web.staff(request)
        async with transaction(self.web.app.sessions) as session:
            rows = await changes(session)
        waiting = [each for each in rows if each.state is ChangeState.WAITING]
        past = [each for each in rows if each.state is not ChangeState.WAITING]
        return self.render(request, "changes.html", waiting=waiting, past=past)

    async def _found(self, number: int) -> Change:
        try:
            async with transaction(self.web.app.sessions) as session:
                return await change(session, number)
        except NotFound as error:
            raise HTTPException(404) from error

    async def show(self, request: Request, number: Number) -> Response:
        staff = f"staff:{self.web.staff(request)}"
        found = await self._found(number)
        say = Reasons(self.web.app.town, self.language(request))
        reasons: dict[str, list[tuple[int, Need]]] = {}
        for each in found.summary.get("reasons", ()):
            need = say.without_counts(unpack_shortfall(each["reason"]))
            reasons.setdefault(each["gate"], []).append((each["people"], need))
        return self.render(
            request, "change.html", each=found, by_reason=reasons, own=found.first_by == staff
        )

    async def file(self, request: Request, number: Number) -> Response:
        """Who would lose what; members by number."""
        self.web.staff(request)
        await self._found(number)
        async with transaction(self.web.app.sessions) as session:
            rows = await losses_of(session, number)
        language = self.language(request)
        say = Reasons(self.web.app.town, language)
        heads = ("person", "room", "platform", "missing")
        names = [texts.say(f"members.csv.{each}", language) for each in heads]
        cells = (
            (
                f"member:{row.member_id}" if row.member_id else "-",
                row.gate,
                row.platform,
                str(say.shortfall(unpack_shortfall(row.reason))),
            )
            for row in rows
        )
        return Response(
            csv_text([names, *cells]).encode(),
            media_type="text/csv",
            headers={"Content-Disposition": f'attachment; filename="change-{number}.csv"'},
        )

    async def agree(self, request: Request, number: Number) -> Response:
        """Be the first, or the second, to agree to the list that was shown."""
        by = f"staff:{self.web.staff(request)}"
        fields = await self.web.form(request, "form")
        app, address = self.web.app, f"/console/changes/{number}"
        try:
            async with transaction(app.sessions) as session:
                state = await agree(
                    session,
                    number,
                    by=by,
                    digest=fields.get("digest", ""),
                    town=app.town,
                    now=app.clock(),
                )
        except NotFound as error:
            raise HTTPException(404) from error
        except NotAllowed:
            return go(address, request, flash="members.done.stale")
        done = "approved" if state is ChangeState.APPROVED else "proposed"
        return go(address, request, flash=f"members.done.{done}")

    async def refuse(self, request: Request, number: Number) -> Response:
        by = f"staff:{self.web.staff(request)}"
        await self.web.form(request, "form")
        app, address = self.web.app, f"/console/changes/{number}"
        try:
            async with transaction(app.sessions) as session:
                await refuse(session, number, by=by, now=app.clock())
        except NotFound as error:
            raise HTTPException(404) from error
        except NotAllowed:
            return go(address, request, flash="members.done.stale")
        return go(address, request, flash="members.done.refused")
