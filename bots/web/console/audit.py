"""The console's page on what was done, by whom and to whom: the audit log in plain words."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bots import texts
from bots.spreadsheet import csv_text
from bots.web.console.pages import StaffPages
from bots.web.pages import Web, go
from bots.web.words import on, when
from core import audit
from core.database import reading
from core.tables import AuditRow

PAGE: Final = 50
MOST: Final = 20_000  # rows of one file

AREAS: Final = (
    *("member", "wallet", "credential", "access", "perk", "desk", "announcement", "event"),
    *("question", "fact", "staff", "index", "job", "archive"),
)
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}.*[+-]\d{2}:\d{2}$")
_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "source": ("windows.source",),
    "kind": ("windows.kind", "members.kind", "audit.announcement"),
    "reason": ("windows.reason",),
}
"""Where the words for a detail's value may stand."""

_MEMBER: Final = re.compile(r"(?:member:)?(\d{1,15})")


class AuditLog(StaffPages):
    """The log, filtered and worded; each row can be checked against the one before."""

    def __init__(self, web: Web) -> None:
        super().__init__(web)
        self._watch = audit.Watch()

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/console/audit")
        router.add_api_route("", self.page, methods=["GET"])
        router.add_api_route("/verify", self.verify, methods=["POST"])
        router.add_api_route("/log.csv", self.file, methods=["GET"])
        return router

    async def page(self, request: Request) -> Response:
        self.web.staff(request)
        wanted = self._wanted(request.query_params)
        async with reading(self.web.app.sessions) as session:
            rows = await audit.search(session, wanted, limit=PAGE + 1)
            broken = await self._watch.look(session, now=self.web.app.clock())
        shown, language = rows[:PAGE], self.language(request)
        return self.render(
            request,
            "audit.html",
            rows=[(row, *self._words(row, language)) for row in shown],
            broken=broken,
            whole_at=self._watch.whole_at,
            wanted=wanted,
            asked=request.query_params.get("member", "")[:15],
            areas=AREAS,
            older=self._address(wanted, shown[-1].id) if len(rows) > PAGE else None,
            file=self._address(wanted, None, "/console/audit/log.csv"),
        )

    async def verify(self, request: Request) -> Response:
        """Read the whole log again, from the first row."""
        self.web.staff(request)
        await self.web.form(request, "form")
        async with reading(self.web.app.sessions) as session:
            await self._watch.look(session, now=self.web.app.clock(), whole=True)
        return go("/console/audit")

    async def file(self, request: Request) -> Response:
        """The rows that fit, the newest first, for a spreadsheet."""
        self.web.staff(request)
        wanted = self._wanted(request.query_params)
        async with reading(self.web.app.sessions) as session:
            rows = await audit.search(session, wanted, limit=MOST)
        language = self.language(request)
        heads = ("number", "at", "actor", "action", "subject", "detail", "digest")
        names = [texts.say(f"audit.csv.{each}", language) for each in heads]
        cells = (
            (
                row.id,
                row.at.isoformat(),
                *self._words(row, language),
                row.digest,
            )
            for row in rows
        )
        return Response(
            csv_text([names, *cells]).encode(),
            media_type="text/csv",
            headers={"Content-Disposition": 'attachment; filename="audit.csv"'},
        )

    def _wanted(self, query: Mapping[str, str]) -> audit.Filter:
        """What the address asks for; anything else is left out."""
        area, before = query.get("area", ""), query.get("before", "")
        member = _MEMBER.fullmatch(query.get("member", "").strip())
        return audit.Filter(
            area=area if area in AREAS else "",
            subject=f"member:{member[1]}" if member else "",
            before=int(before) if re.fullmatch(r"\d{1,15}", before) else None,
        )

    def _address(
        self, wanted: audit.Filter, before: int | None, path: str = "/console/audit"
    ) -> str:
        given = {
            "area": wanted.area,
            "member": wanted.subject.removeprefix("member:"),
            "before": str(before) if before else "",
        }
        query = urlencode({name: value for name, value in given.items() if value})
        return f"{path}?{query}" if query else path

    def _words(self, row: AuditRow, language: str) -> tuple[str, str, str, str]:
        """Who, what, to whom and the detail, as staff read it."""
        key = f"audit.action.{row.action.replace('.', '-')}"
        done = texts.say(key, language) if texts.knows(key) else row.action
        detail = ", ".join(
            f"{self._label(row, name, language)}: {self._value(name, value, language)}"
            for name, value in row.detail.items()
            if value not in (None, "")
        )
        return self._who(row.actor, language), done, self._who(row.subject, language), detail

    def _who(self, said: str, language: str) -> str:
        kind, _, name = said.partition(":")
        key = f"audit.who.{kind}"
        return texts.say(key, language, name=name) if texts.knows(key) else said

    def _label(self, row: AuditRow, name: str, language: str) -> str:
        batch = name == "label" and row.subject.startswith("batch:")
        key = f"audit.detail.{'batch-label' if batch else name}"
        return texts.say(key, language) if texts.knows(key) else name

    def _value(self, name: str, value: Any, language: str) -> str:
        town = self.web.app.town
        named = {
            "gate": town.gate,
            "room": town.gate,
            "perk": town.perk,
            "proof": town.proof,
            "facility": town.facility,
            "collection": town.collection,
        }
        if (find := named.get(name)) and (found := find(str(value))):
            return found.title.get(language)
        if name == "platform" and texts.knows(f"chat.platform.{value}"):
            return texts.say(f"chat.platform.{value}", language)
        for key in _KEYS.get(name, ()):
            if texts.knows(f"{key}.{value}"):
                return texts.say(f"{key}.{value}", language)
        if name == "changes":
            parts = str(value).split(", ")
            return ", ".join(texts.say(f"audit.change.{each}", language) for each in parts)
        if name in {"by", "why"}:
            return ", ".join(self._packed(each, language) for each in str(value).split(", "))
        return self._dated(str(value), language)

    def _packed(self, said: str, language: str) -> str:
        """What opened a room, such as ``proof:invitation``, as the town calls it."""
        kind, _, name = said.partition(":")
        find = {"collection": self.web.app.town.collection, "proof": self.web.app.town.proof}
        found = find[kind](name) if kind in find else None
        return found.title.get(language) if found else said

    def _dated(self, value: str, language: str) -> str:
        """A day or a moment as the language writes it; anything else as it is."""
        if _DAY.fullmatch(value):
            return on(date.fromisoformat(value), language)
        if _MOMENT.match(value):
            return when(datetime.fromisoformat(value), language, self.web.app.town.town.timezone)
        return value
