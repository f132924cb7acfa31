"""A resident's settings: what they hear of, where they live and by which time. As /settings."""

from typing import Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from bots.web.pages import Web, go
from bots.web.session import member_account
from bots.zones import REGIONS, area_name, city, clocks, english_names, zones_of
from core import announcements, identity, mydata
from core.database import reading, transaction
from core.identity import Account

BY_AREA: Final = "area"
"""The choice of a zone: that of the place where somebody lives."""


class PreferencePages:
    """The page /settings and its form, which works without a script."""

    def __init__(self, web: Web) -> None:
        self.web = web

    def router(self) -> APIRouter:
        router = APIRouter()
        router.add_api_route("/settings", self.show, methods=["GET"])
        router.add_api_route("/settings", self.save, methods=["POST"])
        return router

    async def show(self, request: Request) -> Response:
        app = self.web.app
        async with reading(app.sessions) as session:
            account = await member_account(session, self.web.visitor(request))
            if account is None:
                return self.web.render(request, "rooms_none.html")
            wanted = await announcements.wants(session, account.member_id, town=app.town)
        language = self.web.visitor(request).language
        return self.web.render(
            request,
            "settings.html",
            account=account,
            topics=[(each, wanted[each.name]) for each in app.town.announcements.topics],
            regions={
                region: [(each, area_name(each, language)) for each in areas]
                for region, areas in REGIONS.items()
            },
            countries=sorted(
                ((code, area_name(code, language)) for code in english_names() if code != "JP"),
                key=lambda each: each[1].casefold(),
            ),
            zones=self._zones(account, language),
            chosen_zone=self._chosen(account),
            town_city=city(app.town.town.timezone, language),
            by_area=BY_AREA,
        )

    def _zones(self, account: Account, language: str) -> list[tuple[str, str]]:
        """Every clock there is, those of the country where they live first."""
        near = zones_of(account.area, self.web.app.clock()) if account.area else ()
        kept = (account.zone,) if account.zone else ()
        listed = dict.fromkeys((*near, *kept, *clocks()))
        return [(each, f"{city(each, language)} ({each.partition('/')[0]})") for each in listed]

    def _chosen(self, account: Account) -> str:
        """Which of the zones stands chosen; an empty one is the town's."""
        near = zones_of(account.area, self.web.app.clock()) if account.area else ()
        if account.zone is None:
            return "" if account.area else BY_AREA
        return BY_AREA if near == (account.zone,) else account.zone

    async def save(self, request: Request) -> Response:
        """Keep what was chosen. What is not among the choices changes nothing."""
        fields = await self.web.form(request, "form")
        app = self.web.app
        area, zone = fields.get("area") or None, fields.get("zone") or None
        known = area is None or identity.is_area(area)
        if not known or (zone not in {None, BY_AREA} and zone not in identity.zones()):
            raise HTTPException(400)
        async with transaction(app.sessions) as session:
            account = await member_account(session, self.web.visitor(request))
            if account is None:
                raise HTTPException(403, detail="member")
            who = account.member_id
            wants = fields.get("wants") == "yes"
            if wants != account.wants_messages:
                await mydata.choose_messages(session, who, wants=wants)
            for topic in app.town.announcements.topics:
                chosen = fields.get(f"topic-{topic.name}") == "yes"
                await announcements.set_topic(session, who, topic.name, wants=chosen, town=app.town)
            await identity.set_area(session, who, area)
            await identity.set_zone(session, who, self._zone(area, zone))
        return go("/settings", request, flash="topics.settings.saved")

    def _zone(self, area: str | None, zone: str | None) -> str | None:
        """The zone that was chosen, or the first of the place where they live."""
        if zone != BY_AREA:
            return zone
        near = zones_of(area, self.web.app.clock()) if area else ()
        return near[0] if near else None
