"""Becoming and being a digital resident: the link, the rooms, one's own data."""

import json
from datetime import datetime
from zoneinfo import ZoneInfo

from bots import texts
from bots.conversation.desk import Desk
from bots.conversation.messages import Button, Document, Incoming, Reply
from bots.places import has_place
from bots.reasons import Reasons
from core import identity, mydata
from core.access import Admitted, GrantState, Refused, Room
from core.database import transaction
from core.identity import Account


class Belonging:
    """The residents' desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def rooms(self, incoming: Incoming, account: Account) -> Reply:  # noqa: ARG002
        """Read the holdings again and say what they open."""
        looked = await self._desk.doorkeeper.recheck(account.member_id)
        rooms = [each for each in looked if has_place(each.gate)]
        self._desk.wake()
        language = account.locale
        async with transaction(self._desk.sessions) as session:
            proved = await identity.has_proof(session, account.member_id)
        if not rooms:
            return Reply(text=texts.say("chat.rooms.none", language), private=True)
        parts = [texts.say("chat.rooms.title", language)]
        buttons = []
        for room in rooms:
            parts.append(self._room(room, language))
            buttons.extend(self._ways_in(room, language))
        if not proved:
            parts.append(texts.say("chat.rooms.prove", language))
            buttons.append((Button(texts.say("chat.menu.join", language), action="join"),))
        return Reply(text="\n\n".join(parts), buttons=tuple(buttons), private=True)

    def _room(self, room: Room, language: str) -> str:
        """How a room stands, with what opens it or what is short."""
        values = {"room": room.gate.title.get(language)}
        reasons = Reasons(self._desk.town, language)
        missing = reasons.missing(room)
        leaving = next((door for door in room.doors if door.leave_at is not None), None)
        match room.decision:
            case Admitted(by=by):
                lines = [texts.say("chat.rooms.open", language, **values)]
                if named := reasons.opened(by):
                    lines.append(texts.say("access.room.by", language, by=named))
            case Refused() if leaving and leaving.leave_at:
                date = self._day(leaving.leave_at, language)
                values |= {"date": date, "reason": str(missing)}
                lines = [texts.say("chat.rooms.leaving", language, **values)]
            case Refused():
                values["reason"] = str(missing)
                lines = [texts.say("chat.rooms.closed", language, **values)]
            case _:
                lines = [texts.say("chat.rooms.unknown", language, **values)]
                lines += [str(missing)]
        if any(door.held for door in room.doors):
            lines.append(texts.say("access.room.held", language))
        if any(door.trouble for door in room.doors):
            lines.append(texts.say("chat.rooms.trouble", language))
        return "\n".join(lines)

    def _ways_in(self, room: Room, language: str) -> list[tuple[Button, ...]]:
        rows: list[tuple[Button, ...]] = []
        for door in room.doors:
            if door.state is not GrantState.OPEN:
                continue
            label = texts.say(
                "chat.rooms.enter",
                language,
                room=room.gate.title.get(language),
                platform=texts.say(f"chat.platform.{door.platform}", language),
            )
            if door.link is not None:
                rows.append((Button(label, url=door.link),))
        return rows

    def _day(self, moment: datetime, language: str) -> str:
        local = moment.astimezone(ZoneInfo(self._desk.town.town.timezone))
        return texts.say("chat.date", language, year=local.year, month=local.month, day=local.day)

    async def messages(self, incoming: Incoming, account: Account) -> Reply:
        """The buttons that ask for direct messages, or for none."""
        wants = (incoming.action or "") == "messages:on"
        async with transaction(self._desk.sessions) as session:
            await mydata.choose_messages(session, account.member_id, wants=wants)
        key = "chat.messages.on" if wants else "chat.messages.off"
        return Reply(text=texts.say(key, account.locale), private=True)

    async def mydata(self, incoming: Incoming, account: Account) -> Reply:  # noqa: ARG002
        """/mydata: what may be done with what is kept."""
        language = account.locale
        toggle = "off" if account.wants_messages else "on"
        return Reply(
            text=texts.say(
                "chat.mydata.what",
                language,
                purpose=self._desk.town.retention.purpose.get(language),
            ),
            buttons=(
                (Button(texts.say("proofs.links.button", language), action="links"),),
                (Button(texts.say("chat.mydata.export", language), action="mydata:export"),),
                (
                    Button(
                        texts.say(f"chat.messages.ask-{toggle}", language),
                        action=f"messages:{toggle}",
                    ),
                ),
                (Button(texts.say("chat.mydata.delete", language), action="mydata:delete"),),
            ),
            private=True,
        )

    async def mydata_action(self, incoming: Incoming, account: Account) -> Reply:
        """The buttons under /mydata. Deleting asks once more."""
        language = account.locale
        match (incoming.action or "").split(":")[1:]:
            case ["export"]:
                async with transaction(self._desk.sessions) as session:
                    kept = await mydata.export(session, account.member_id)
                content = json.dumps(kept, ensure_ascii=False, indent=2).encode()
                return Reply(
                    text=texts.say("chat.mydata.exported", language),
                    document=Document("mydata.json", content, "application/json"),
                    private=True,
                )
            case ["delete", "yes"]:
                await mydata.leave(
                    self._desk.sessions,
                    self._desk.doorkeeper,
                    account.member_id,
                    clock=self._desk.clock,
                )
                self._desk.tell("chat.happening.forgotten")
                return Reply(text=texts.say("chat.mydata.deleted", language), private=True)
            case ["delete"]:
                return Reply(
                    text=texts.say("chat.mydata.sure", language),
                    buttons=(
                        (
                            Button(
                                texts.say("chat.mydata.yes", language), action="mydata:delete:yes"
                            ),
                            Button(texts.say("chat.mydata.no", language), action="start"),
                        ),
                    ),
                    private=True,
                )
            case _:
                return await self.mydata(incoming, account)

    async def merge(self, incoming: Incoming, account: Account) -> Reply:
        """«Yes, that is me»: both accounts become one person."""
        _, code, *rest = [*(incoming.action or "").split(":"), ""]
        async with transaction(self._desk.sessions) as session:
            if rest and rest[0] == "no":
                await identity.refuse_merge(session, code, by_member=account.member_id)
            else:
                await identity.merge(
                    session, code, by_member=account.member_id, now=self._desk.clock()
                )
        if rest and rest[0] == "no":
            return Reply(text=texts.say("chat.merge.refused", account.locale), private=True)
        await self._desk.doorkeeper.recheck(account.member_id)
        self._desk.wake()
        self._desk.tell("chat.happening.merged")
        return Reply(text=texts.say("chat.merge.done", account.locale), private=True)
