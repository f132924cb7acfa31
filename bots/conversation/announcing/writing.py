"""What staff put into a draft: words, a picture, links, a place, whom it is for, and the times."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from bots import texts
from bots.conversation.announcing.faults import TooLong, again, fault, old
from bots.conversation.announcing.following import Following
from bots.conversation.announcing.reading import link_of, moment_of, place_of, words_of
from bots.conversation.announcing.sending import Sending
from bots.conversation.announcing.steps import TOWN, Step, Steps, button, say
from bots.conversation.announcing.times import minutes_of
from bots.conversation.desk import Desk
from bots.conversation.messages import Button, Incoming, Reply
from bots.zones import area_name
from core import announcements
from core.announcements import (
    Audience,
    Extras,
    Fault,
    Kind,
    Link,
    Location,
    Texts,
)
from core.announcements.pictures import MAX_PICTURE_BYTES
from core.database import reading, transaction
from core.errors import BadAnnouncement, NotAllowed
from core.identity import Account, areas_in_use

MOST_AREAS: Final = 25
"""Choices of one menu (Discord's string select)."""

VERBS: Final = frozenset(
    {
        *("words", "photo", "link", "place", "type", "until", "go", "to", "area"),
        *("nopicture", "nolinks", "noplace"),
    }
)
"""Buttons that lead through a draft and change it."""

FILLED: Final = {
    "words": "words",
    "photo": "picture",
    "link": "link",
    "place": "place",
    "type": "time",
    "until": "until",
}
"""What a form fills in, by the button that opened it."""


class Writing:
    """One draft after the other, each in the hands of one writer."""

    def __init__(self, desk: Desk, steps: Steps, following: Following, sending: Sending) -> None:
        self._desk = desk
        self._steps = steps
        self._following = following
        self._sending = sending

    async def act(
        self, verb: str, number: int, detail: str, incoming: Incoming, account: Account
    ) -> Reply:
        """One of `VERBS`. Raises `BadAnnouncement`."""
        filled = bool(incoming.text.strip()) or incoming.upload is not None
        if filled and verb in FILLED:
            written = "" if verb == "photo" else detail  # a form brings its own picture
            return await self.put(FILLED[verb], written, number, incoming, account)
        match verb:
            case "words" if detail in texts.LANGUAGES:
                return await self.ask_words(number, detail, incoming, account)
            case "photo" | "link" | "type":
                step = {"photo": Step.PICTURE, "link": Step.LINK}.get(verb, Step.TIME)
                kept = detail if step is Step.TIME else ""
                return await self._steps.show(step, number, incoming, account, until=kept)
            case "go" if detail.startswith(f"{Step.TIME}:"):
                kept = detail.partition(":")[2]
                return await self._steps.show(Step.TIME, number, incoming, account, until=kept)
            case "go" if detail in {step.value for step in Step}:
                return await self._steps.show(Step(detail), number, incoming, account)
            case "place":
                return await self._ask_place(number, incoming, account)
            case "until":
                return await self._sending.ask_deadline(number, detail, incoming, account)
            case "to":
                return await self.choose(number, detail, incoming, account)
            case "area" if detail:
                return await self._narrow(number, detail, incoming, account)
            case "area":
                return await self._ask_area(number, account)
            case "nopicture" | "nolinks" | "noplace":
                return await self._without(verb, number, incoming, account)
        return old(account)

    async def _ask_place(self, number: int, incoming: Incoming, account: Account) -> Reply:
        """Asks where it is: a name, and coordinates or the address of a map."""
        await self._steps.wait_for("place", number, incoming, account)
        language = account.locale
        back = button("back", f"announce:go:{number}:link", language)
        return Reply(say("place.ask", language), buttons=((back,),), private=True)

    async def _ask_area(self, number: int, account: Account) -> Reply:
        """Where those live to whom it goes: of the areas that members have named."""
        language = account.locale
        async with reading(self._desk.sessions) as session:
            used = await areas_in_use(session)
        start = f"announce:area:{number}"
        back = button("back", f"announce:go:{number}:preview", language)
        everywhere = button("area.everywhere", f"{start}:{TOWN}", language)
        if not used:
            nobody = say("area.nobody", language)
            return Reply(nobody, buttons=((everywhere,), (back,)), private=True)
        choices = tuple(
            Button(area_name(each, language), action=f"{start}:{each}") for each in used
        )
        asked = say("area.ask", language)
        if len(choices) > MOST_AREAS:
            asked += "\n" + say("area.more", language, most=MOST_AREAS)
        return Reply(
            asked,
            buttons=((everywhere,), (back,)),
            menu=choices[:MOST_AREAS],
            menu_label=say("area.menu", language),
            private=True,
        )

    async def ask_words(
        self, number: int, written: str, incoming: Incoming, account: Account
    ) -> Reply:
        await self._steps.wait_for(f"words:{written}", number, incoming, account)
        if written == "ja":
            return self._steps.words(number, account.locale)
        name = texts.say("chat.language.name", written)
        back = Button(say("back", account.locale), action=f"announce:go:{number}:languages")
        asked = say("words.ask-language", account.locale, name=name)
        return Reply(asked, buttons=((back,),), private=True)

    async def put(
        self, what: str, detail: str, number: int, incoming: Incoming, account: Account
    ) -> Reply:
        """Put what was written or sent where it belongs, and show the step again or the next."""
        puts: dict[str, Callable[[int, str, Incoming, Account], Awaitable[Reply]]] = {
            "words": self._put_words,
            "picture": self._put_picture,
            "link": self._put_link,
            "place": self._put_place,
            "time": self._put_time,
            "until": self._put_deadline,
        }
        if what not in puts or (what == "words" and detail not in texts.LANGUAGES):
            return old(account)
        try:
            return await puts[what](number, detail, incoming, account)
        except (BadAnnouncement, TooLong) as error:
            kept = {"time": detail, "until": detail.partition(":")[2]}.get(what, "")
            return fault(error, number, account, until=kept)  # the same step goes on waiting
        except NotAllowed:
            await self._steps.wait_for(None, None, incoming, account)
            return await self._following.progress(number, account)

    async def _put_words(
        self, number: int, written: str, incoming: Incoming, account: Account
    ) -> Reply:
        async with reading(self._desk.sessions) as session:
            before = (await announcements.progress(session, number)).texts
        new = {**before, written: words_of(incoming.text)}
        await self._revise(number, incoming, account, texts=new)
        note = say("words.kept", account.locale)
        return await self._steps.show(Step.LANGUAGES, number, incoming, account, note)

    async def _put_picture(
        self, number: int, sent: str, incoming: Incoming, account: Account
    ) -> Reply:
        """A picture, its description, or both; `sent` is the number of one that came without."""
        words, by, now = incoming.text.strip(), self._desk.author(incoming), self._desk.clock()
        if incoming.upload is not None:
            if incoming.upload.size > MAX_PICTURE_BYTES:
                raise BadAnnouncement(Fault.SIZE)
            content = await incoming.upload.read()
            async with transaction(self._desk.sessions) as session:
                sent = str(await announcements.keep_upload(session, content, by=by, now=now))
        if not sent.isdigit():
            return again("picture.again", number, Step.PICTURE, account)
        if not words:
            await self._steps.wait_for(f"picture:{sent}", number, incoming, account)
            asked = again("picture.needs-words", number, Step.PICTURE, account)
            return replace(asked, failed=False)
        async with transaction(self._desk.sessions) as session:
            await announcements.describe_picture(session, int(sent), {"ja": words})
            before = (await announcements.progress(session, number)).extras
            dressed = replace(before, picture=int(sent))
            await announcements.revise(
                session,
                number,
                town=self._desk.town,
                by=by,
                now=now,
                extras=dressed,
                platforms=self._desk.platforms(),
            )
        return await self._steps.show(Step.PICTURE, number, incoming, account)

    async def _put_link(self, number: int, _: str, incoming: Incoming, account: Account) -> Reply:
        label, url = link_of(incoming.text, say("link.label", "ja"))
        extras = await self._extras(number)
        new = replace(extras, links=(*extras.links, Link({"ja": label}, url)))
        await self._revise(number, incoming, account, extras=new)
        return await self._steps.show(Step.LINK, number, incoming, account)

    async def _put_place(self, number: int, _: str, incoming: Incoming, account: Account) -> Reply:
        """A name and a place on the map, in any order of lines."""
        title, found = place_of(incoming.text)
        if found is None:
            return again("place.unread", number, Step.LINK, account)
        if not title:
            return again("place.no-title", number, Step.LINK, account)
        extras = replace(await self._extras(number), location=Location(*found, {"ja": title}))
        await self._revise(number, incoming, account, extras=extras)
        return await self._steps.show(Step.LINK, number, incoming, account)

    async def _put_deadline(
        self, number: int, times: str, incoming: Incoming, account: Account
    ) -> Reply:
        when, _, kept = times.partition(":")
        ends = moment_of(incoming.text, now=self._desk.clock(), zone=self._desk.town.town.timezone)
        if ends is None:
            return again("time.unread", number, Step.TIME, account, until=kept)
        return await self._sending.confirm(
            number, f"{when}:{minutes_of(ends.at)}", incoming, account
        )

    async def _put_time(
        self, number: int, until: str, incoming: Incoming, account: Account
    ) -> Reply:
        """Another start; the deadline stays."""
        town = self._desk.town.town
        now = self._desk.clock()
        start = moment_of(incoming.text, now=now, zone=town.timezone)
        if start is None:
            return again("time.unread", number, Step.TIME, account, until=until)
        if start.at <= now:
            raise BadAnnouncement(Fault.START)
        times = f"{minutes_of(start.at)}:{until}"
        reply = await self._sending.confirm(number, times, incoming, account)
        if start.left_out:
            when = self._steps.when(start.at, account.locale)
            note = say("time.left-out", account.locale, when=when)
            return replace(reply, text=f"{note}\n\n{reply.text}")
        return reply

    async def _without(self, verb: str, number: int, incoming: Incoming, account: Account) -> Reply:
        """Take something off again."""
        extras, step = await self._extras(number), Step.LINK
        match verb:
            case "nopicture":
                bare, step = replace(extras, picture=None), Step.PICTURE
            case "nolinks":
                bare = replace(extras, links=())
            case _:
                bare = replace(extras, location=None)
        await self._revise(number, incoming, account, extras=bare)
        return await self._steps.show(step, number, incoming, account)

    async def choose(self, number: int, detail: str, incoming: Incoming, account: Account) -> Reply:
        kind, _, name = detail.partition(":")
        chosen = None if name == TOWN else name
        match kind:
            case "room":
                whom = Audience(Kind.ROOM, gate=chosen, places=self._desk.places(chosen))
            case "inside":
                whom = Audience(Kind.DIRECT, gate=chosen)
            case "topic":
                whom = Audience(Kind.DIRECT, topic=chosen)
            case _:
                return old(account)
        await self._revise(number, incoming, account, audience=whom)
        return await self._steps.show(Step.PREVIEW, number, incoming, account)

    async def _narrow(self, number: int, area: str, incoming: Incoming, account: Account) -> Reply:
        """Only those who live there, or everywhere again."""
        async with reading(self._desk.sessions) as session:
            whom = (await announcements.progress(session, number)).audience
        areas = () if area == TOWN else (area,)
        whom = replace(whom, segment=replace(whom.segment, areas=areas))
        await self._revise(number, incoming, account, audience=whom)
        return await self._steps.show(Step.PREVIEW, number, incoming, account)

    async def _extras(self, number: int) -> Extras:
        async with reading(self._desk.sessions) as session:
            return (await announcements.progress(session, number)).extras

    async def _revise(
        self,
        number: int,
        incoming: Incoming,
        account: Account,
        *,
        audience: Audience | None = None,
        texts: Texts | None = None,
        extras: Extras | None = None,
    ) -> None:
        async with transaction(self._desk.sessions) as session:
            await announcements.revise(
                session,
                number,
                town=self._desk.town,
                by=self._desk.author(incoming),
                now=self._desk.clock(),
                audience=audience,
                texts=texts,
                extras=extras,
                platforms=self._desk.platforms(),
            )
            if texts is not None:
                await self.check_length(session, number, account)

    async def check_length(self, session: AsyncSession, number: int, account: Account) -> None:
        """Raises `TooLong`, and nothing is kept."""
        draft = await announcements.progress(session, number)
        if long := await self._steps.too_long(session, draft, account.locale):
            raise TooLong(long[0])
