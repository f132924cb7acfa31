"""A resident's own pages: rooms, messages, what is kept of them."""

import json
import logging
import re
from typing import Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from bots.conversation import Incoming
from bots.conversation.links import Link, links_of, unlink
from bots.places import has_place
from bots.web.pages import Number, Web, go
from bots.web.words import is_blank, one_line
from core import board, mydata
from core.access import Admitted, has_open_door
from core.database import reading, transaction
from core.errors import PlatformRefused, PlatformUnavailable
from core.identity import (
    Account,
    accounts_of,
    has_proof,
    wallets_of,
)
from core.tables import WebMessageRow
from core.town import Gate

logger = logging.getLogger(__name__)

CONFIRMATION: Final = "yes"
_EVENT: Final = re.compile(r"event:(\d{1,15})")
_STOPPED: Final = re.compile(r"topic:([a-z0-9-]+):off")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


def _chosen(message: WebMessageRow, choice: str) -> str | None:
    """The action of the button that was pressed under a message."""
    if choice.isascii() and choice.isdigit() and int(choice) < len(message.choices):
        return str(message.choices[int(choice)][1])
    if not message.action:
        return None
    return f"{message.action}:no" if choice == "no" else message.action


class Rooms:
    """What a member sees of their own membership."""

    def __init__(self, web: Web) -> None:
        self.web = web

    def router(self) -> APIRouter:
        router = APIRouter()
        for path, handler, method in (
            ("/rooms", self.mine, "GET"),
            ("/rooms/recheck", self.recheck, "POST"),
            ("/rooms/messages", self.opt, "POST"),
            ("/rooms/messages/{number}", self.answer, "POST"),
            ("/rooms/{name}", self.room, "GET"),
            ("/rooms/{name}/posts", self.room_posts, "GET"),
            ("/rooms/{name}", self.write, "POST"),
            ("/pictures/{digest}", self.picture, "GET"),
            ("/mydata", self.my_data, "GET"),
            ("/mydata/unlink", self.unlink, "POST"),
            ("/mydata/export", self.export, "POST"),
            ("/mydata/delete", self.delete, "POST"),
        ):
            router.add_api_route(path, handler, methods=[method])
        if self.web.demo is not None:
            router.add_api_route("/demo/card", self.demo_card, methods=["POST"])
        return router

    async def mine(self, request: Request) -> Response:
        """Every room with its decision. Looking reads the holdings again, like /rooms in chat."""
        app, account = self.web.app, await self.web.account(request)
        if account is None:
            return self.web.render(request, "rooms_none.html")
        who = self.web.visitor(request)
        self.web.limits.check("rooms", request, who.id, app.settings.trusted_proxies)
        looked = await app.doorkeeper.recheck(account.member_id)
        rooms = [each for each in looked if has_place(each.gate)]
        async with transaction(app.sessions) as session:
            cards = await wallets_of(session, account.member_id)
            proved = await has_proof(session, account.member_id)
            messages = await board.messages(session, account.id)
            await board.opened(session, account.id, now=app.clock())
        said = request.session.pop("said", None)
        return self.web.render(
            request,
            "rooms.html",
            rooms=rooms,
            proved=proved,
            inside=any(isinstance(each.decision, Admitted) or each.doors for each in rooms),
            cards=len(cards),
            account=account,
            messages=messages,
            said=said,
        )

    async def recheck(self, request: Request) -> Response:
        await self.web.form(request, "rooms")
        return go("/rooms", request, flash="rechecked")

    async def opt(self, request: Request) -> Response:
        """Ask for direct messages, or for no more of them."""
        fields = await self.web.form(request, "form")
        account = await self.web.member(request)
        wants = fields.get("wants") == "yes"
        async with transaction(self.web.app.sessions) as session:
            await mydata.choose_messages(session, account.member_id, wants=wants)
        return go("/rooms#messages", request, flash="messages-on" if wants else "messages-off")

    async def answer(self, request: Request, number: Number) -> Response:
        """Press a button under a message; the conversation knows what it means."""
        fields = await self.web.form(request, "form")
        account = await self.web.member(request)
        async with transaction(self.web.app.sessions) as session:
            message = await board.message(session, account.id, number)
            action = _chosen(message, fields.get("choice", "")) if message else None
        if action is None:
            raise HTTPException(404)
        if (event := _EVENT.fullmatch(action)) is not None:
            return go(f"/events/{event[1]}")  # it has a page of its own
        who = self.web.visitor(request)
        reply = await self.web.app.conversation.handle(
            Incoming(
                "web", who.id, name="", action=action, language=who.language, thread=who.thread
            )
        )
        if reply is not None and not reply.failed:
            async with transaction(self.web.app.sessions) as session:
                await board.answered(session, account.id, number)
            if action == "messages:off":
                return go("/rooms#messages", request, flash="messages-off")
            if (stopped := _STOPPED.fullmatch(action)) is not None:
                topic = self.web.app.town.topic(stopped[1])
                title = topic.title.get(who.language) if topic else stopped[1]
                return go("/rooms#messages", request, flash="topics.topic.flash", topic=title)
        if reply is not None:
            request.session["said"] = reply.text[:400]
        return go("/rooms")

    # A room

    def _gate(self, name: str) -> Gate:
        gate = self.web.app.town.gate(name)
        if gate is None or not gate.web_room:
            raise HTTPException(404)
        return gate

    async def _inside(self, request: Request, gate: Gate) -> Account | None:
        account = await self.web.account(request)
        if account is None:
            return None
        async with transaction(self.web.app.sessions) as session:
            inside = await has_open_door(session, account.member_id, gate.name, "web")
        return account if inside else None

    async def room(self, request: Request, name: str) -> Response:
        gate = self._gate(name)
        if await self._inside(request, gate) is None:
            return self.web.render(request, "room_closed.html", status=403, gate=gate)
        return await self._room(request, gate)

    async def room_posts(self, request: Request, name: str) -> Response:
        """The posts alone, for refreshing; nothing at all to who is no longer inside."""
        gate = self._gate(name)
        if await self._inside(request, gate) is None:
            raise HTTPException(403, detail="member")
        async with transaction(self.web.app.sessions) as session:
            posts = await board.posts(session, gate.name)
        html = self.web.fragment(request, "_posts.html", posts=posts)
        return Response(html, media_type="text/html")

    async def _room(
        self, request: Request, gate: Gate, *, fault: str | None = None, draft: str = ""
    ) -> Response:
        async with transaction(self.web.app.sessions) as session:
            posts = await board.posts(session, gate.name)
        return self.web.render(
            request,
            "room.html",
            status=422 if fault else 200,
            gate=gate,
            posts=posts,
            fault=fault,
            draft=draft,
            nickname=request.session.get("nickname", ""),
            max_post=board.MAX_POST,
            max_nickname=board.MAX_NICKNAME,
        )

    async def write(self, request: Request, name: str) -> Response:
        fields = await self.web.form(request, "post")
        gate = self._gate(name)
        account = await self._inside(request, gate)
        if account is None:
            return self.web.render(request, "room_closed.html", status=403, gate=gate)
        nickname, text = one_line(fields.get("nickname", "")), fields.get("text", "")
        fault = self._wrong(nickname, text)
        if fault is not None:
            return await self._room(request, gate, fault=fault, draft=text[:2_000])
        request.session["nickname"] = nickname
        async with transaction(self.web.app.sessions) as session:
            await board.write(
                session,
                gate.name,
                member_id=account.member_id,
                author=nickname,
                body=text,
                now=self.web.app.clock(),
            )
        self.web.app.happenings.tell("web.happening.posted")
        return go(f"/rooms/{gate.name}#posts-title")

    def _wrong(self, nickname: str, text: str) -> str | None:
        """What is wrong with a post, by the key of its sentence."""
        town = self.web.app.town
        if not nickname:
            return "nickname-empty"
        if len(nickname) > board.MAX_NICKNAME:
            return "nickname-long"
        official = (town.town.name, town.persona.name, town.announcements.sender)
        names = {one.casefold() for each in official for one in each.root.values()}
        if nickname.casefold() in names:
            return "nickname-official"
        if is_blank(text):
            return "text-empty"
        return "text-long" if len(text) > board.MAX_POST else None

    async def picture(self, digest: str) -> Response:
        """A picture of an announcement, at an address that nobody guesses; it never changes."""
        found = None
        if _DIGEST.fullmatch(digest):
            async with reading(self.web.app.sessions) as session:
                found = await board.picture(session, digest)
        if found is None or found.media_type not in {"image/jpeg", "image/png"}:
            raise HTTPException(404)
        return Response(
            found.content,
            media_type=found.media_type,
            headers={
                "Cache-Control": "private, max-age=31536000, immutable",
                "Content-Disposition": "inline",
            },
        )

    # What is kept

    async def my_data(self, request: Request) -> Response:
        account, app = await self.web.account(request), self.web.app
        links: list[Link] = []
        if account is not None:
            language = self.web.visitor(request).language
            async with transaction(app.sessions) as session:
                member, now = account.member_id, app.clock()
                links = await links_of(app.town, session, member, language, now, mark=app.mark)
        vaults = app.vaults.possible and any(each.key.startswith("w:") for each in links)
        return self.web.render(request, "mydata.html", account=account, links=links, vaults=vaults)

    async def unlink(self, request: Request) -> Response:
        """Take a card or a proof off. The rooms follow, with notice and grace."""
        fields = await self.web.form(request, "form")
        account, app = await self.web.member(request), self.web.app
        if fields.get("sure") != CONFIRMATION:
            return go("/mydata", request, flash="not-deleted")
        async with transaction(app.sessions) as session:
            link, now = fields.get("link", ""), app.clock()
            await unlink(session, account.member_id, link, now, mark=app.mark)
        await app.doorkeeper.recheck(account.member_id)
        app.wake()
        return go("/mydata", request, flash="unlinked")

    async def export(self, request: Request) -> Response:
        await self.web.form(request, "form")
        account = await self.web.member(request)
        async with transaction(self.web.app.sessions) as session:
            kept = await mydata.export(session, account.member_id)
        return Response(
            json.dumps(kept, ensure_ascii=False, indent=2),
            media_type="application/json",
            headers={"Content-Disposition": 'attachment; filename="my-data.json"'},
        )

    async def delete(self, request: Request) -> Response:
        """Close every door, then delete. If a door would not close, nothing is deleted."""
        fields = await self.web.form(request, "form")
        account = await self.web.member(request)
        if fields.get("sure") != CONFIRMATION:
            return go("/mydata", request, flash="not-deleted")
        try:
            app = self.web.app
            await mydata.leave(app.sessions, app.doorkeeper, account.member_id, clock=app.clock)
        except (PlatformUnavailable, PlatformRefused) as error:
            logger.warning("member-not-released", extra={"reason": str(error)})
            return go("/mydata", request, flash="delete-later")
        self.web.app.happenings.tell("chat.happening.forgotten")
        language = request.session.get("language")
        request.session.clear()
        if language:
            request.session["language"] = language
        return go("/", request, flash="deleted")

    # The demo's cards

    async def demo_card(self, request: Request) -> Response:
        """Take a sample card, or give it away, to see doors open and close."""
        fields = await self.web.form(request, "demo")
        account, demo = await self.web.member(request), self.web.demo
        if demo is None:
            raise HTTPException(404)
        async with transaction(self.web.app.sessions) as session:
            addresses = await wallets_of(session, account.member_id)
            accounts = await accounts_of(session, account.member_id)
        if not addresses:
            raise HTTPException(403, detail="member")
        # The shop knows a demo wallet's key once it has been asked for the wallet.
        theirs = {await demo.wallet(f"{each.platform}:{each.external_id}") for each in accounts}
        if fields.get("do") != "take":
            own = next((each for each in addresses if each in theirs), addresses[0])
            await demo.give_card(own)
            return go("/rooms", request, flash="card-given")
        given_back = [each for each in addresses if each in theirs]
        for each in given_back:
            await demo.take_card(each)
        return go("/rooms", request, flash="card-taken" if given_back else "card-not-demo")
