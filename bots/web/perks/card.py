"""The member's card: what it opens at ticket windows, and a pass that renews itself.

A browser shows a card if it is a member's own, or if its owner opened a link from a chat in it.
Such a link opens once, by a press, for hours and for the card alone: neither rooms nor data, and
nobody who is handed a link is taken into another's account.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse, Response
from sqlalchemy.ext.asyncio import AsyncSession

from bots import qr
from bots.perk_words import PerkWords, cards_of, lost_card
from bots.web.pages import Web, go
from bots.web.session import member_account
from core.access import tier_of
from core.access.roster import Inside, doors_of
from core.database import transaction
from core.errors import LinkExpired, NotFound
from core.identity import CARD, Account, account, account_by_id, follow_link, take_link
from core.perks import CARD_LIFETIME, REFRESH, Closed, Offer, Pass
from core.town import Perk

CARD_HOURS: Final = 12
"""How long a link from a chat shows the card in a browser."""

USED_SHOWN: Final = timedelta(minutes=10)
"""A use this fresh is what the pass was opened for."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose card this browser may show."""

    account: Account
    until: datetime | None  # for a link from a chat; `None`: the browser is the member's own


class Card:
    """`/card` and the passes behind it."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self.words = PerkWords(web.app.town)

    def router(self) -> APIRouter:
        router = APIRouter()
        for path, handler, method in (
            ("/card", self.show, "GET"),
            ("/card/close", self.close, "POST"),
            ("/card/take", self.take, "POST"),
            ("/card/open/{token}", self.entrance, "GET"),
            ("/card/open/{token}", self.enter, "POST"),
            ("/card/{perk}", self.pass_page, "GET"),
            ("/card/{perk}/pass", self.renew, "GET"),
            ("/card/{perk}/state", self.state, "GET"),
        ):
            router.add_api_route(path, handler, methods=[method])
        return router

    async def _holder(self, request: Request) -> Holder | None:
        """A link opened here comes first; it may have been opened on purpose."""
        opened = request.session.get("card")
        async with transaction(self.web.app.sessions) as session:
            if opened is not None:
                until = datetime.fromtimestamp(opened["until"], UTC)
                theirs = await self._same(session, opened)
                if theirs is not None and until > self.web.app.clock():
                    return Holder(theirs, until)
                del request.session["card"]
            mine = await member_account(session, self.web.visitor(request))
        return None if mine is None else Holder(mine, None)

    @staticmethod
    async def _same(session: AsyncSession, opened: Mapping[str, int]) -> Account | None:
        """Whose card was opened. `None`: they have left, or are somebody else's account now."""
        try:
            theirs = await account_by_id(session, opened["account"])
        except NotFound:
            return None
        # The number of an account that is gone may be a newcomer's; a member's never is.
        return theirs if theirs.member_id == opened.get("member") else None

    async def _need(self, request: Request) -> Holder:
        who = self.web.visitor(request)
        self.web.limits.check("card", request, who.id, self.web.app.settings.trusted_proxies)
        holder = await self._holder(request)
        if holder is None:
            raise HTTPException(403, detail="member")
        return holder

    async def show(self, request: Request) -> Response:
        """The card with its perks; how to get one for whoever has none."""
        holder = await self._holder(request)
        if holder is None:
            return self.web.render(request, "perks/card_none.html")
        who = self.web.visitor(request)
        self.web.limits.check("card", request, who.id, self.web.app.settings.trusted_proxies)
        offers = await self.web.app.perks.catalogue(holder.account.member_id)
        marks = await self._marks(holder.account.member_id, self.web.visitor(request).language)
        return self.web.render(
            request,
            "perks/card.html",
            holder=holder,
            offers=open_first(offers),
            marks=marks,
            cards=cards_of(offers),
            lost=await self._lost(holder.account.member_id, offers),
            words=self.words,
            member=any(each.left and each.perk.gate for each in offers),
            now=self.web.app.clock(),
        )

    async def _lost(self, member_id: int, offers: tuple[Offer, ...]) -> Inside | None:
        async with transaction(self.web.app.sessions) as session:
            return lost_card(offers, await doors_of(session, member_id))

    async def _marks(self, member_id: int, language: str) -> list[str]:
        """The member's tier and kinds, as far as anybody could tell just now."""
        town = self.web.app.town
        if not (town.tiers or town.kinds):
            return []
        evidence = await self.web.app.evidence.of(member_id, finality="latest")
        proofs = [town.proof(each.proof) for each in evidence.credentials]
        kinds = {proof.kind for proof in proofs if proof}
        tier = tier_of(town, evidence)
        titles = [tier.title] if tier else []
        titles.extend(each.title for each in town.kinds if each.name in kinds)
        return [each.get(language) for each in titles]

    async def take(self, request: Request) -> Response:
        """A coupon for a visitor: this browser becomes somebody, without any proof."""
        await self.web.form(request, "join")
        if await self._holder(request) is None:
            app, who = self.web.app, self.web.visitor(request)
            async with transaction(app.sessions) as session:
                await account(session, "web", who.id, locale=who.language, now=app.clock())
        return go("/card")

    # The link from a chat

    async def entrance(self, request: Request, token: str) -> Response:
        """A page with one button: what looks ahead at links in chats presses none."""
        who = self.web.visitor(request)
        self.web.limits.check("card", request, who.id, self.web.app.settings.trusted_proxies)
        try:
            async with transaction(self.web.app.sessions) as session:
                theirs = await follow_link(session, token, now=self.web.app.clock(), purpose=CARD)
        except LinkExpired:
            return self.web.render(request, "perks/card_expired.html", status=410)
        return self.web.render(
            request, "perks/card_open.html", token=token, holder=theirs, hours=CARD_HOURS
        )

    async def enter(self, request: Request, token: str) -> Response:
        await self.web.form(request, "join")
        now = self.web.app.clock()
        try:
            async with transaction(self.web.app.sessions) as session:
                theirs = await take_link(session, token, now=now, purpose=CARD)
        except LinkExpired:
            return self.web.render(request, "perks/card_expired.html", status=410)
        until = int((now + timedelta(hours=CARD_HOURS)).timestamp())
        request.session["card"] = {
            "account": theirs.id,
            "member": theirs.member_id,
            "until": until,
        }
        if not self.web.visitor(request).chose_language:
            request.session["language"] = theirs.locale
        return go("/card")

    async def close(self, request: Request) -> Response:
        await self.web.form(request, "form")
        request.session.pop("card", None)
        return go("/card", request, flash="card-closed")

    # A pass

    def _perk(self, name: str) -> Perk:
        perk = self.web.app.town.perk(name)
        if perk is None:
            raise HTTPException(404)
        return perk

    async def pass_page(self, request: Request, perk: str) -> Response:
        found, holder = self._perk(perk), await self._need(request)
        issued = await self._issue(holder, found)
        now = self.web.app.clock()
        if isinstance(issued, Closed):
            return self.web.render(
                request,
                "perks/pass_closed.html",
                perk=found,
                closed=issued,
                words=self.words,
                now=now,
            )
        return self.web.render(
            request,
            "perks/pass.html",
            perk=found,
            issued=issued,
            code=qr.svg(issued.text),
            since=int(now.timestamp()),
            refresh=int(REFRESH.total_seconds()),
            lifetime=int(CARD_LIFETIME.total_seconds()),
            words=self.words,
        )

    async def _issue(self, holder: Holder, perk: Perk) -> Pass | Closed:
        return await self.web.app.perks.issue(holder.account.member_id, perk.name, code=True)

    async def renew(self, request: Request, perk: str) -> Response:
        """``{svg, code, seconds, until}``, or ``{closed}`` with the sentence why."""
        found, holder = self._perk(perk), await self._need(request)
        issued = await self._issue(holder, found)
        language = self.web.visitor(request).language
        if isinstance(issued, Closed):
            return JSONResponse({"closed": self.words.why(issued, language)})
        left = issued.expires_at - self.web.app.clock()
        return JSONResponse(
            {
                "svg": qr.svg(issued.text),
                "code": issued.code or "",
                "seconds": int(left.total_seconds()),
                "until": self.words.clock(issued.expires_at),
            }
        )

    async def state(self, request: Request, perk: str, since: int = 0, used: int = 0) -> Response:
        """``{html, at}`` once the perk was used after `since` (seconds since 1970), else ``{}``.

        `used`: the ``at`` that the page has shown; ``{html, undone}`` once that was taken back.
        """
        found, holder = self._perk(perk), await self._need(request)
        now = self.web.app.clock()
        after = max(datetime.fromtimestamp(max(since, 0), UTC), now - USED_SHOWN)
        use = await self.web.app.perks.last_use(holder.account.member_id, found.name)
        shown = datetime.fromtimestamp(min(max(used, 0), int(now.timestamp())), UTC)
        if used and shown >= now - USED_SHOWN and (use is None or use.at < shown):
            html = self.web.fragment(request, "perks/_undone.html", perk=found)
            return JSONResponse({"html": html, "undone": True})
        if use is None or use.at < after:
            return JSONResponse({})
        html = self.web.fragment(
            request, "perks/_used.html", perk=found, use=use, words=self.words, now=now
        )
        return JSONResponse({"html": html, "at": int(use.at.timestamp())})


def open_first(offers: tuple[Offer, ...]) -> list[Offer]:
    """What can be used now, then the rest; each in the order of the town pack."""
    return sorted(offers, key=lambda each: not each.open)
