"""Perks in a chat: the card with what is left, and a pass as a picture for five minutes."""

from bots import qr, texts
from bots.conversation.desk import Desk
from bots.conversation.messages import Button, Document, Incoming, Reply
from bots.conversation.wording import sample_note
from bots.perk_words import PerkWords, cards_of, lost_card, stays_until
from core import identity
from core.access.roster import doors_of
from core.database import transaction
from core.errors import NotFound
from core.identity import Account
from core.perks import CHAT_LIFETIME, Closed, Offer, Pass

MAX_CARDS = 10
"""Numbers of cards that a message names."""

MAX_BUTTONS = 12
"""Perks that a message offers; the page has them all."""


class Perking:
    """The perks' desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._words = PerkWords(desk.town)

    async def perks(self, incoming: Incoming, account: Account) -> Reply:  # noqa: ARG002
        """/perks: what there is, where and how often, for anybody."""
        language, town = account.locale, self._desk.town
        if not town.perks:
            return Reply(text=texts.say("perks.list.none", language))
        lines = [
            texts.say(
                "perks.chat.list_line",
                language,
                perk=perk.title.get(language),
                where=self._words.where(perk, language),
                rule=self._words.rule(perk, language),
            )
            for perk in town.perks
        ]
        title = texts.say("perks.chat.list", language, town=town.town.name.get(language))
        more = texts.say("perks.chat.more", language)
        return Reply(
            text="\n\n".join((title, "\n".join(lines))),
            footnote=sample_note(town, language),
            buttons=(
                (Button(texts.say("perks.chat.card", language), action="card"),),
                (Button(more, url=f"{self._desk.address}/perks"),),
            ),
        )

    async def card(self, incoming: Incoming, account: Account) -> Reply:
        """/card: what this member may use now, with a button for each."""
        language = account.locale
        offers = await self._desk.perks.catalogue(account.member_id)
        open_now = [each for each in offers if each.open]
        parts = [
            texts.say("perks.chat.title", language),
            *await self._cards(account, offers),
            "\n".join(self._line(each, language) for each in open_now)
            or texts.say("perks.chat.none", language),
            *self._unusable(offers, language),
            texts.say("perks.chat.notice", language),
        ]
        if open_now:
            parts.append(texts.say("perks.chat.choose", language))
        if incoming.platform != "web":
            minutes = int(identity.LINK_LIFETIME.total_seconds() // 60)
            parts.append(texts.say("perks.chat.link", language, minutes=minutes))
        buttons = [(self._use(incoming, each, language),) for each in open_now[:MAX_BUTTONS]]
        return Reply(
            text="\n\n".join(parts),
            footnote=sample_note(self._desk.town, language),
            buttons=(*buttons, *await self._page(incoming, account)),
            private=True,
        )

    async def _cards(self, account: Account, offers: tuple[Offer, ...]) -> list[str]:
        """The numbers of the cards; what became of them, for whom they have left."""
        language, words = account.locale, self._words
        cards = [words.token(each, language) for each in cards_of(offers)[:MAX_CARDS]]
        if cards:
            number = texts.say("perks.card.number", language)
            return [f"{number} {texts.say('perks.fact.between', language).join(cards)}"]
        async with transaction(self._desk.sessions) as session:
            lost = lost_card(offers, await doors_of(session, account.member_id))
        if lost is None:
            return []
        parts = [texts.say("perks.card.lost", language)]
        until = stays_until(lost)
        if until is not None:
            date = words.moment(until, language, self._desk.clock())
            parts.append(texts.say("perks.card.lost_rooms", language, date=date))
        return ["\n".join(parts)]

    def _unusable(self, offers: tuple[Offer, ...], language: str) -> list[str]:
        lines = [self._line(each, language) for each in offers if not each.open]
        return ["\n".join((texts.say("perks.card.unusable", language), *lines))] if lines else []

    def _use(self, incoming: Incoming, offer: Offer, language: str) -> Button:
        """A picture in a chat; on the web the page itself."""
        title, name = offer.perk.title.get(language), offer.perk.name
        if incoming.platform == "web":
            return Button(title, url=f"{self._desk.address}/card/{name}")
        return Button(title, action=f"pass:{name}")

    def _line(self, offer: Offer, language: str) -> str:
        if not offer.open:
            left = self._words.why(offer, language)
        else:
            left = self._words.left(offer.left, language) if offer.left else ""
        return texts.say(
            "perks.chat.line",
            language,
            perk=offer.perk.title.get(language),
            left=left,
            where=self._words.where(offer.perk, language),
        )

    async def _page(self, incoming: Incoming, account: Account) -> list[tuple[Button, ...]]:
        """The way to the card that renews itself; on the web this browser has it already."""
        label = texts.say("perks.chat.page", account.locale)
        if incoming.platform == "web":
            return [(Button(label, url=f"{self._desk.address}/card"),)]
        async with transaction(self._desk.sessions) as session:
            token = await identity.make_link(
                session, account.id, now=self._desk.clock(), purpose=identity.CARD
            )
        return [(Button(label, url=f"{self._desk.address}/card/open/{token}"),)]

    async def show(self, incoming: Incoming, account: Account) -> Reply:
        """A perk's button: a pass as a picture, good for five minutes."""
        language = account.locale
        name = (incoming.action or "").partition(":")[2]
        try:
            issued = await self._desk.perks.issue(
                account.member_id, name, lifetime=CHAT_LIFETIME, code=True
            )
        except NotFound:  # a button from before the town pack changed
            return await self.card(incoming, account)
        perk = self._desk.town.perk(name)
        title = perk.title.get(language) if perk else name
        if isinstance(issued, Closed):
            return self._closed(issued, title, language)
        return Reply(
            text=self._shown(issued, title, language),
            footnote=texts.say("perks.chat.notice", language),
            buttons=(
                (Button(texts.say("perks.chat.again", language), action=f"pass:{name}"),),
                *await self._page(incoming, account),
            ),
            document=Document("pass.png", qr.png(issued.text), "image/png"),
            private=True,
        )

    def _shown(self, issued: Pass, title: str, language: str) -> str:
        code = issued.code or ""
        return texts.say(
            "perks.chat.photo",
            language,
            perk=title,
            time=self._words.clock(issued.expires_at),
            code=f"{code[:4]} {code[4:]}".strip(),
        )

    def _closed(self, closed: Closed, title: str, language: str) -> Reply:
        why = self._words.why(closed, language)
        text = texts.say("perks.chat.refused", language, perk=title, why=why)
        if closed.last is not None:
            used = self._words.use(closed.last, language, self._desk.clock())
            text += f"\n{texts.say('perks.pass.used', language)}: {used}"
        button = Button(texts.say("perks.chat.card", language), action="card")
        return Reply(text=text, buttons=((button,),), private=True, failed=True)
