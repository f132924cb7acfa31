"""The console's report for colleagues and the council: counts over a period, never one person."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bots import texts
from bots.places import rooms_of
from bots.spreadsheet import csv_text
from bots.web.console.pages import StaffPages
from core import identity, insights
from core.database import reading
from core.errors import ChainUnavailable
from core.holdings import Band, Concentration, concentration
from core.insights import Membership, Period
from core.perks import PerkFigures
from core.town import Collection

LONGEST_YEARS: Final = 10


@dataclass(frozen=True, slots=True)
class Hands:
    """In how many hands one collection lies; `None`: the index has not begun to read it."""

    collection: Collection
    found: Concentration | None


@dataclass(frozen=True, slots=True)
class Figures:
    """All that the report says."""

    membership: Membership
    hands: tuple[Hands, ...]
    perks: tuple[PerkFigures, ...]

    @property
    def uses(self) -> int:
        return sum(each.uses for each in self.perks)

    @property
    def value_yen(self) -> int:
        return sum(each.value_yen for each in self.perks)

    @property
    def cost_yen(self) -> int:
        return sum(each.cost_yen for each in self.perks)


class Report(StaffPages):
    """One page, and the same figures for a spreadsheet."""

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/console/report")
        router.add_api_route("", self.page, methods=["GET"])
        router.add_api_route("/report.csv", self.file, methods=["GET"])
        return router

    async def page(self, request: Request) -> Response:
        self.web.staff(request)
        period = self._period(request.query_params)
        shown = period or self._year()
        return self.render(
            request,
            "report.html",
            status=200 if period else 422,
            wrong=period is None,
            period=shown,
            figures=await self._figures(shown),
            now=self.web.app.clock(),
        )

    async def file(self, request: Request) -> Response:
        self.web.staff(request)
        period = self._period(request.query_params) or self._year()
        rows = self._rows(await self._figures(period), self.language(request))
        name = f"report-{period.first}-{period.last}.csv"
        return Response(
            csv_text(rows).encode(),
            media_type="text/csv",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    def _today(self) -> date:
        zone = ZoneInfo(self.web.app.town.town.timezone)
        return self.web.app.clock().astimezone(zone).date()

    def _year(self) -> Period:
        return insights.fiscal_year(self._today())

    def _period(self, query: Mapping[str, str]) -> Period | None:
        """The days asked for; this fiscal year if none are; `None` if they make no period."""
        if not query.get("first") and not query.get("last"):
            return self._year()
        try:
            first, last = (date.fromisoformat(query.get(name, "")) for name in ("first", "last"))
        except ValueError:
            return None
        if not first <= last or last.year - first.year > LONGEST_YEARS or first.year < 2000:  # noqa: PLR2004
            return None
        return Period(first, last) if last < datetime.max.replace(tzinfo=UTC).date() else None

    async def _figures(self, period: Period) -> Figures:
        app = self.web.app
        async with reading(app.sessions) as session:
            membership = await insights.membership(
                session, period, zone=app.town.town.timezone, now=app.clock()
            )
            linked = {
                chain_id: await identity.all_wallets(session, chain_id=chain_id)
                for chain_id in {each.chain_id for each in app.town.collections}
            }
            hands = []
            for each in app.town.collections:
                try:
                    found = await concentration(session, [each], members=linked)
                except ChainUnavailable:
                    found = None
                hands.append(Hands(each, found))
        # Uses that can still be made are not unused yet.
        last = min(period.last, self._today())
        perks = await app.perks.figures(period.first, last) if period.first <= last else ()
        return Figures(membership, tuple(hands), perks)

    def _rows(self, figures: Figures, language: str) -> Iterator[tuple[object, ...]]:
        """The report as rows: section, what, number."""
        town = self.web.app.town

        def say(key: str, **values: object) -> str:
            return texts.say(f"report.{key}", language, **values)

        yield (say("title"), say("what"), say("value"))
        members, title = figures.membership, say("members.title")
        yield (title, say("members.now"), members.members)
        yield (title, say("members.proved"), members.proved)
        for name, number in sorted(members.credentials.items()):
            proof = town.proof(name)
            called = proof.title.get(language) if proof else name
            yield (title, say("members.proof", name=called), number)
        for gate in rooms_of(town):
            called = gate.title.get(language)
            yield (title, say("members.inside", room=called), members.inside.get(gate.name, 0))
        for name, number in sorted(members.platforms.items()):
            called = texts.say(f"chat.platform.{name}", language)
            yield (title, say("members.platform", name=called), number)
        yield (title, say("members.joined"), members.joined)
        yield (title, say("members.left"), members.left)
        yield (title, say("members.merged"), members.merged)
        for hands in figures.hands:
            yield from self._hands_rows(hands, language)
        for each in figures.perks:
            perk = town.perk(each.perk)
            title = perk.title.get(language) if perk else each.perk
            share = "" if each.unused_share is None else f"{each.unused_share:.3f}"
            yield (title, say("perks.uses"), each.uses)
            yield (title, say("perks.people"), each.people)
            yield (title, say("perks.unused"), share)
            yield (title, say("perks.value_yen"), each.value_yen)
            yield (title, say("perks.cost_yen"), each.cost_yen)
            yield (title, say("perks.undone"), each.undone)
            yield (title, say("perks.returned"), sum(each.returned for each in each.cohorts))

    def _hands_rows(self, hands: Hands, language: str) -> Iterator[tuple[object, ...]]:
        title, found = hands.collection.title.get(language), hands.found

        def say(key: str, **values: object) -> str:
            return texts.say(f"report.tokens.{key}", language, **values)

        if found is None:
            yield (title, say("tokens"), "")
            return
        yield (title, say("tokens"), found.tokens)
        yield (title, say("holders"), found.wallets)
        yield (title, say("persons"), found.holders)
        yield (title, say("largest"), found.largest)
        yield (title, say("share"), f"{found.top_share:.3f}")
        for band in found.bands:
            yield (title, _held(band, language), band.holders)


def _held(band: Band, language: str) -> str:
    """How many cards the people of a band hold, in words."""
    if band.most is None:
        return texts.say("report.tokens.held_more", language, least=band.least)
    if band.most != band.least:
        return texts.say("report.tokens.held", language, range=f"{band.least}–{band.most}")
    if band.least == 1:
        return texts.say("report.tokens.held_one", language)
    return texts.say("report.tokens.held", language, range=band.least)
