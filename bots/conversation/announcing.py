"""Staff announce from chat: write, look, choose the audience, confirm, follow."""

from bots import texts
from bots.conversation.desk import Desk
from bots.conversation.messages import Button, Incoming, Reply
from core import announcements
from core.announcements import Announcement, Audience, Kind
from core.database import transaction
from core.errors import BadAnnouncement, NotAllowed
from core.identity import Account

TOWN = "-"  # in a button, the audience "whole town": no gate has this name


class Announcing:
    """The announcements desk, for staff."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def announce(self, incoming: Incoming, account: Account) -> Reply:
        """/announce: the first line is the heading, the rest the body."""
        self._staff_only(incoming)
        language = account.locale
        heading, _, body = incoming.text.strip().partition("\n")
        if not heading.strip() or not body.strip():
            return Reply(text=texts.say("chat.announce.how", language), private=True)
        async with transaction(self._desk.sessions) as session:
            try:
                number = await announcements.compose(
                    session,
                    town=self._desk.town,
                    author=self._author(incoming),
                    audience=Audience(Kind.DIRECT),
                    texts={"ja": {"heading": heading, "body": body}},
                    now=self._desk.clock(),
                )
            except BadAnnouncement:
                return Reply(
                    text=texts.say(
                        "chat.announce.too-long",
                        language,
                        heading=announcements.MAX_HEADING,
                        body=announcements.MAX_BODY,
                    ),
                    private=True,
                )
        buttons = [
            (
                Button(
                    texts.say("chat.announce.to-room", language, room=gate.title.get(language)),
                    action=f"announce:show:{number}:room:{gate.name}",
                ),
            )
            for gate in self._desk.town.gates
        ]
        return Reply(
            text=texts.say("chat.announce.to-whom", language),
            quotes=(f"{heading.strip()}\n{body.strip()}",),
            buttons=(
                *buttons,
                (
                    Button(
                        texts.say("chat.announce.to-town", language),
                        action=f"announce:show:{number}:room:{TOWN}",
                    ),
                ),
                (
                    Button(
                        texts.say("chat.announce.to-members", language),
                        action=f"announce:show:{number}:direct:{TOWN}",
                    ),
                ),
                (
                    Button(
                        texts.say("chat.announce.cancel", language),
                        action=f"announce:cancel:{number}",
                    ),
                ),
            ),
            private=True,
        )

    async def action(self, incoming: Incoming, account: Account) -> Reply:
        """The buttons of an announcement."""
        self._staff_only(incoming)
        match (incoming.action or "").split(":")[1:]:
            case ["show", number, kind, gate] if number.isdigit():
                return await self._show(incoming, int(number), kind, gate, account.locale)
            case ["send", number, kind, gate] if number.isdigit():
                return await self._send(incoming, int(number), kind, gate, account.locale)
            case ["progress", number] if number.isdigit():
                async with transaction(self._desk.sessions) as session:
                    shown = await announcements.progress(session, int(number))
                return self._progress(shown, account.locale)
            case ["cancel", number] if number.isdigit():
                async with transaction(self._desk.sessions) as session:
                    await announcements.cancel(
                        session,
                        int(number),
                        by=self._author(incoming),
                        now=self._desk.clock(),
                    )
                return Reply(
                    text=texts.say("chat.announce.cancelled", account.locale), private=True
                )
            case _:
                return Reply(text=texts.say("errors.old-button", account.locale), private=True)

    async def _show(
        self, incoming: Incoming, number: int, kind: str, gate: str, language: str
    ) -> Reply:
        town, now = self._desk.town, self._desk.clock()
        async with transaction(self._desk.sessions) as session:
            try:
                await announcements.revise(
                    session,
                    number,
                    town=town,
                    by=self._author(incoming),
                    now=now,
                    audience=self._audience(kind, gate),
                )
            except BadAnnouncement:  # no place to post in
                return Reply(text=texts.say("chat.announce.nobody", language), private=True)
            preview = await announcements.preview(session, number, town=town, rates={}, now=now)
        counts = [
            texts.say(
                "chat.announce.count",
                language,
                platform=texts.say(f"chat.platform.{platform}", language),
                count=count,
            )
            for platform, count in preview.recipients.items()
        ]
        if not counts:
            return Reply(text=texts.say("chat.announce.nobody", language), private=True)
        text = preview.announcement.texts["ja"]
        return Reply(
            text=texts.say("chat.announce.sure", language) + "\n" + "\n".join(counts),
            quotes=(f"{text['heading']}\n{text['body']}",),
            buttons=(
                (
                    Button(
                        texts.say("chat.announce.send", language),
                        action=f"announce:send:{number}:{kind}:{gate}",
                    ),
                    Button(
                        texts.say("chat.announce.cancel", language),
                        action=f"announce:cancel:{number}",
                    ),
                ),
            ),
            private=True,
        )

    async def _send(
        self, incoming: Incoming, number: int, kind: str, gate: str, language: str
    ) -> Reply:
        async with transaction(self._desk.sessions) as session:
            kept = (await announcements.progress(session, number)).audience
        if (kept.kind, kept.gate) != (Kind(kind), None if gate == TOWN else gate):
            return await self._show(incoming, number, kind, gate, language)  # chosen anew since
        async with transaction(self._desk.sessions) as session:
            sent = await announcements.confirm(
                session,
                number,
                town=self._desk.town,
                by=self._author(incoming),
                now=self._desk.clock(),
            )
        self._desk.wake()
        self._desk.tell("chat.happening.announced", count=sent.total)
        return self._progress(sent, language)

    def _progress(self, shown: Announcement, language: str) -> Reply:
        return Reply(
            text=texts.say(
                "chat.announce.progress",
                language,
                state=texts.say(f"chat.announce.state.{shown.state.value}", language),
                total=shown.total,
                delivered=shown.delivered,
                blocked=shown.blocked,
                failed=shown.failed,
                unsure=shown.unsure,
                waiting=shown.waiting,
            ),
            buttons=(
                (
                    Button(
                        texts.say("chat.announce.refresh", language),
                        action=f"announce:progress:{shown.id}",
                    ),
                ),
            ),
            private=True,
        )

    def _audience(self, kind: str, gate: str) -> Audience:
        name = None if gate == TOWN else gate
        if kind == "direct":
            return Audience(Kind.DIRECT, gate=name)
        return Audience(Kind.ROOM, gate=name, places=self._desk.places(name))

    def _author(self, incoming: Incoming) -> str:
        return f"{incoming.platform}:{incoming.account}"

    def _staff_only(self, incoming: Incoming) -> None:
        if not self._desk.is_staff(incoming.platform, incoming.account):
            raise NotAllowed("announcing is for staff")
