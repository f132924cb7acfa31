"""Joining in chat: the ways that this town has, and claim codes sent as messages."""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from bots import texts
from bots.conversation.belonging import Belonging
from bots.conversation.desk import Desk
from bots.conversation.messages import Button, ChatKind, Incoming, Reply
from bots.limits import Buckets, TooMany
from core import identity
from core.consent import NeedsConsent
from core.credentials import Unproved
from core.credentials.proving import Proved
from core.credentials.spelling import is_code, is_like_a_code
from core.database import transaction
from core.errors import ProofRejected
from core.identity import Account

ATTEMPTS: Final = 10  # at once, then as many an hour
EXAMPLE: Final = "ABCD-2345-EFGH-6789"
"""A code as people see it written; its check characters are wrong, so it opens nothing."""


class ProvingInChat:
    """The residents' desk, where somebody joins."""

    def __init__(self, desk: Desk, belonging: Belonging) -> None:
        self._desk = desk
        self._belonging = belonging
        self._attempts = Buckets(rate=ATTEMPTS / 3600, burst=ATTEMPTS)

    async def join(self, incoming: Incoming, account: Account) -> Reply:
        """/join: what there is to show, and where. The page's link is personal."""
        language, town = account.locale, self._desk.town
        offered = self._desk.proving.offered
        if not town.collections and not offered:
            return Reply(text=texts.say("proofs.chat.none", language))
        async with transaction(self._desk.sessions) as session:
            token = await identity.make_link(session, account.id, now=self._desk.clock())
        if incoming.platform != "web":  # on the web everybody has the same name
            self._desk.enrolment.remember_name(token, incoming.name)
        self._desk.tell("chat.happening.join")
        if not offered:
            return self._card_alone(language, token)
        return Reply(
            text="\n\n".join(
                (
                    self._ways(language),
                    self._link(language),
                    *self._promises(language),
                )
            ),
            buttons=self._buttons(language, token),
            private=True,
        )

    def _card_alone(self, language: str, token: str) -> Reply:
        how = texts.say(
            "chat.join.how",
            language,
            card=self._desk.town.collections[0].title.get(language),
            minutes=_minutes(),
        )
        button = Button(texts.say("chat.join.open", language), url=self._page("verify", token))
        text = "\n\n".join((how, *self._promises(language)))
        return Reply(text=text, buttons=((button,),), private=True)

    def _ways(self, language: str) -> str:
        town, lines = self._desk.town, []
        if town.collections:
            card = town.collections[0].title.get(language)
            lines.append(texts.say("proofs.chat.card", language, card=card))
        if self._desk.proving.proofs("code"):
            lines.append(texts.say("proofs.chat.code", language))
        lines += [
            texts.say(f"proofs.chat.{each.method}", language, title=each.title.get(language))
            for each in self._desk.proving.offered
            if each.method != "code"
        ]
        many = len(lines) > 1
        head = texts.say("proofs.chat.choose", language, count=len(lines)) if many else ""
        return "\n".join((head or texts.say("proofs.chat.one", language), *lines))

    def _link(self, language: str) -> str:
        return texts.say("proofs.chat.link", language, minutes=_minutes())

    def _promises(self, language: str) -> tuple[str, str]:
        """What the card is not, in the town's words, and what nobody here asks for."""
        town = self._desk.town
        notes = [each.legal_note for each in town.collections]
        notes += [each.legal_note for each in town.proofs]
        notices = dict.fromkeys(each.get(language) for each in notes)
        never = texts.say("chat.join.never", language, purpose=town.retention.purpose.get(language))
        return "\n".join(notices), never

    def _buttons(self, language: str, token: str) -> tuple[tuple[Button, ...], ...]:
        rows = []
        if self._desk.town.collections:
            label = texts.say("proofs.chat.open-card", language)
            rows.append((Button(label, url=self._page("verify", token)),))
        if self._desk.proving.proofs("code"):
            rows.append((Button(texts.say("proofs.chat.open-code", language), action="code"),))
        for each in self._desk.proving.offered:
            if each.method != "code":
                label = texts.say("proofs.chat.open-page", language, title=each.title.get(language))
                rows.append((Button(label, url=self._page("prove", token)),))
        return tuple(rows)

    def _page(self, name: str, token: str) -> str:
        return f"{self._desk.address}/{name}/{token}"

    # Claim codes

    def takes(self, incoming: Incoming) -> bool:
        """Whether a message in private is a claim code, or was meant as one."""
        return (
            incoming.chat is ChatKind.PRIVATE
            and incoming.command is None
            and incoming.action is None
            and bool(self._desk.proving.proofs("code"))
            and (is_code(incoming.text) or is_like_a_code(incoming.text))
        )

    async def code(self, incoming: Incoming, account: Account) -> Reply:
        """/code, its button, or a code sent as it is."""
        language = account.locale
        if not self._desk.proving.proofs("code"):
            return self._fault(Unproved.SWITCHED_OFF, language)
        if incoming.action is not None or not incoming.text.strip():
            how = texts.say("proofs.chat.send-code", language, example=EXAMPLE)
            return Reply(text=how, private=True)
        try:
            self._attempts.take(str(account.id))
            given = {"code": incoming.text}
            outcome = await self._desk.proving.prove(account, "code", given)
        except TooMany:
            return self._fault("too-many", language)
        except ProofRejected as error:
            return self._fault(error.reason, language)
        return await self._proved(outcome, incoming, account)

    async def _proved(
        self, outcome: Proved | NeedsConsent, incoming: Incoming, account: Account
    ) -> Reply:
        language = account.locale
        self._desk.wake()
        if isinstance(outcome, NeedsConsent):
            names = (texts.say(f"chat.platform.{each}", language) for each in outcome.platforms)
            text = texts.say("proofs.done.consent-text", language, platforms=", ".join(names))
            return Reply(text=text, private=True)
        self._desk.tell("proofs-desk.happening.code")
        lines = [
            texts.say(
                "proofs.done.title" if outcome.new else "proofs.done.again",
                language,
                proof=outcome.proof.title.get(language),
            )
        ]
        if outcome.expires_at is not None:
            day = self._day(outcome.expires_at, language)
            lines.append(texts.say("proofs.done.until", language, date=day))
        lines.append(outcome.proof.legal_note.get(language))
        rooms = await self._belonging.rooms(incoming, account)
        text = "\n".join(lines) + "\n\n" + rooms.text
        return Reply(text=text, buttons=rooms.buttons, private=True)

    def _day(self, moment: datetime, language: str) -> str:
        local = moment.astimezone(ZoneInfo(self._desk.town.town.timezone))
        return texts.say("chat.date", language, year=local.year, month=local.month, day=local.day)

    def _fault(self, reason: str, language: str) -> Reply:
        words = [texts.say(f"proofs.fault.{reason}.{part}", language) for part in ("text", "next")]
        return Reply(text="\n".join(words), private=True, failed=True)


def _minutes() -> int:
    return int(identity.LINK_LIFETIME.total_seconds() // 60)
