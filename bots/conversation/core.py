"""What a message means, and which desk answers it."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace

from bots import texts
from bots.conversation.announcing import Announcing
from bots.conversation.answering import Answering
from bots.conversation.asking import Asking, in_the_language
from bots.conversation.belonging import Belonging
from bots.conversation.desk import Desk
from bots.conversation.events import Eventing
from bots.conversation.links import Links
from bots.conversation.messages import Button, ChatKind, Incoming, Reply
from bots.conversation.perks import Perking
from bots.conversation.preferences import Preferences
from bots.conversation.proving import ProvingInChat
from bots.conversation.wording import sample_note
from bots.limits import Buckets
from bots.operations import logs
from core import identity
from core.database import transaction
from core.errors import KankeiError
from core.identity import Account

logger = logging.getLogger(__name__)

MESSAGES_A_MINUTE = 20
STAFF_MESSAGES_A_MINUTE = 120  # an announcement is some twenty steps, and each may be taken back
STAFF_COMMANDS = frozenset({"announce", "answer"})

EXAMPLES = 3  # ready questions under a greeting


class Conversation:
    """The same conversation on every platform."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._asking = Asking(desk)
        self._belonging = Belonging(desk)
        self._proving = ProvingInChat(desk, self._belonging)
        self._links = Links(desk, self._belonging)
        self._announcing = Announcing(desk)
        self._perking = Perking(desk)
        self._eventing = Eventing(desk)
        self._preferences = Preferences(desk)
        self._answering = Answering(desk)
        self._at_work: set[tuple[str, str]] = set()
        self._limits = Buckets(rate=MESSAGES_A_MINUTE / 60, burst=MESSAGES_A_MINUTE)
        self._staff_limits = Buckets(
            rate=STAFF_MESSAGES_A_MINUTE / 60, burst=STAFF_MESSAGES_A_MINUTE
        )
        self._commands: Mapping[str, Callable[[Incoming, Account], Awaitable[Reply]]] = {
            "start": self._start,
            "help": self._help,
            "join": self._proving.join,
            "code": self._proving.code,
            "rooms": self._belonging.rooms,
            "card": self._perking.card,
            "perks": self._perking.perks,
            "events": self._eventing.list,
            "ask": self._asking.ask,
            "language": self._language,
            "mydata": self._belonging.mydata,
            "settings": self._preferences.settings,
            "announce": self._announcing.announce,
            "answer": self._answering.answer,
        }
        self._actions: Mapping[str, Callable[[Incoming, Account], Awaitable[Reply]]] = {
            "start": self._start,
            "join": self._proving.join,
            "code": self._proving.code,
            "rooms": self._belonging.rooms,
            "card": self._perking.card,
            "perks": self._perking.perks,
            "pass": self._perking.show,
            "events": self._eventing.list,
            "event": self._eventing.event,
            "language": self._language,
            "lang": self._set_language,
            "ask": self._asking.example,
            "about": self._asking.about,
            "mydata": self._belonging.mydata_action,
            "links": self._links.list,
            "unlink": self._links.unlink,
            "vault": self._links.vault,
            "messages": self._belonging.messages,
            "settings": self._preferences.settings,
            "topics": self._preferences.topics,
            "topic": self._preferences.topic,
            "area": self._preferences.area,
            "zone": self._preferences.zone,
            "merge": self._belonging.merge,
            "announce": self._announcing.action,
            "answer": self._answering.action,
            "thumb": self._asking.feedback.thumb,
            "tell": self._asking.feedback.tell,
            "heard": self._asking.heard,
            "aloud": self._preferences.aloud,
        }

    async def handle(self, incoming: Incoming) -> Reply | None:
        """The reply to one message or button; `None` where nothing should be said.

        Never raises what a person could cause: every error has its words and a next step.
        """
        logs.begin(incoming.platform, anew=incoming.platform != "web")
        language = texts.nearest(incoming.language)
        if incoming.update is not None and _key(incoming) in self._at_work:
            return None
        try:
            account = await self._admit(incoming, language)
            if account is None:
                return None
            language = account.locale
            incoming, account = self._said(incoming, account)
            reply = await self._dispatch(incoming, account)
            if not (incoming.action or "").startswith("heard:"):  # answered as it was spoken
                reply = replace(reply, language=account.locale)
            await self._finish(incoming)
            return reply
        except KankeiError as error:
            return self._fault(error.code, language, incoming)
        except Exception:
            # The edge of the conversation: whatever went wrong, the person gets an answer.
            logger.exception("conversation-failed", extra={"platform": incoming.platform})
            return self._fault("unexpected", language, incoming)
        finally:
            self._at_work.discard(_key(incoming))

    async def stream(self, incoming: Incoming) -> AsyncIterator[str | Reply]:
        """Like `handle`, for a page that can show an answer while it is being written."""
        said = incoming.heard is not None
        asked = incoming.command in {None, "ask"} and not incoming.action and incoming.text.strip()
        if not said and (not asked or self._proving.takes(incoming)):
            reply = await self.handle(incoming)
            if reply is not None:
                yield reply
            return
        language = texts.nearest(incoming.language)
        try:
            account = await self._admit(incoming, language)
            if account is None:
                return
            language = account.locale
            incoming, account = self._said(incoming, account)
            self._asking.takes(incoming)  # what comes after this is no correction any more
            async for piece in self._asking.stream(incoming, account):
                yield piece if isinstance(piece, str) else replace(piece, language=account.locale)
        except KankeiError as error:
            yield self._fault(error.code, language, incoming)
        except Exception:
            # As in `handle`: the edge.
            logger.exception("conversation-failed", extra={"platform": incoming.platform})
            yield self._fault("unexpected", language, incoming)

    def _said(self, incoming: Incoming, account: Account) -> tuple[Incoming, Account]:
        """What was said is a question, never a command, and is answered as it was spoken."""
        if (heard := incoming.heard) is None:
            return incoming, account
        question = replace(incoming, text=heard.text, command=None, action=None)
        return question, in_the_language(heard, account, self._desk.town)

    async def _admit(self, incoming: Incoming, language: str) -> Account | None:
        """Who is speaking; `None` if this very message was answered before."""
        desk = self._desk
        staff = desk.is_staff(incoming.platform, incoming.account)
        limits = self._staff_limits if staff else self._limits
        limits.take(f"{incoming.platform}:{incoming.account}")
        async with transaction(desk.sessions) as session:
            now = desk.clock()
            if incoming.update is not None:
                new = await identity.take_update(
                    session, incoming.platform, incoming.update, now=now
                )
                if new is False:  # None: a process died at it, so it is answered now
                    return None
                self._at_work.add(_key(incoming))
            desk.meters.update(incoming.platform)
            account = await identity.account(
                session, incoming.platform, incoming.account, locale=language, now=now
            )
            if not account.reachable and incoming.chat is ChatKind.PRIVATE:
                await identity.set_reachable(session, account.id, reachable=True)
        return account

    async def _finish(self, incoming: Incoming) -> None:
        """From here on a repetition of this update is dropped."""
        if incoming.update is not None:
            async with transaction(self._desk.sessions) as session:
                await identity.finish_update(session, incoming.platform, incoming.update)

    async def _dispatch(self, incoming: Incoming, account: Account) -> Reply:
        correction = self._asking.takes(incoming)  # over, whatever comes in its place
        if incoming.action is not None:
            handler = self._actions.get(incoming.action.split(":")[0])
            if handler is None:
                return self._fault("old-button", account.locale, incoming)
            return await handler(incoming, account)
        if incoming.command is not None:
            return await self._commands.get(incoming.command, self._help)(incoming, account)
        said = incoming.heard is not None
        if said or (correction and not self._proving.takes(incoming)):
            return await self._asking.ask(incoming, account)
        if await self._announcing.takes(incoming, account):
            return await self._announcing.written(incoming, account)
        if self._proving.takes(incoming):
            return await self._proving.code(incoming, account)
        return await self._asking.ask(incoming, account)

    async def _start(self, incoming: Incoming, account: Account) -> Reply:  # noqa: ARG002
        town, language = self._desk.town, account.locale
        examples = [
            (Button(each.get(language), action=f"ask:{number}"),)
            for number, each in enumerate(town.persona.examples[:EXAMPLES], start=1)
        ]
        return Reply(
            text="\n\n".join(
                (
                    town.persona.greeting.get(language),
                    texts.say("chat.start.choose", language),
                )
            ),
            footnote=sample_note(town, language),
            buttons=(
                *examples,
                (
                    Button(texts.say("chat.menu.join", language), action="join"),
                    Button(texts.say("chat.menu.rooms", language), action="rooms"),
                ),
                (
                    Button(texts.say("chat.menu.card", language), action="card"),
                    Button(texts.say("chat.menu.language", language), action="language"),
                ),
                *await self._eventing.menu(language),
            ),
        )

    async def _help(self, incoming: Incoming, account: Account) -> Reply:
        language = account.locale
        unseen = set() if await self._eventing.any() else {"events"}
        lines = [
            f"/{command} {texts.say(f'chat.command.{command}', language)}"
            for command in self._commands
            if command not in unseen
            and (
                command not in STAFF_COMMANDS
                or incoming.staff is not None
                or self._desk.is_staff(incoming.platform, incoming.account)
            )
        ]
        return Reply(
            text=texts.say("chat.help", language) + "\n\n" + "\n".join(lines),
            footnote=sample_note(self._desk.town, language),
        )

    async def _language(self, incoming: Incoming, account: Account) -> Reply:  # noqa: ARG002
        buttons = tuple(
            Button(texts.say("chat.language.name", each), action=f"lang:{each}")
            for each in self._desk.town.town.languages
        )
        rows = tuple(buttons[start : start + 2] for start in range(0, len(buttons), 2))
        return Reply(text=texts.say("chat.language.choose", account.locale), buttons=rows)

    async def _set_language(self, incoming: Incoming, account: Account) -> Reply:
        language = (incoming.action or "").partition(":")[2]
        if language not in self._desk.town.town.languages:
            return self._fault("old-button", account.locale, incoming)
        async with transaction(self._desk.sessions) as session:
            await identity.set_locale(session, account.member_id, language)
        reply = await self._start(incoming, replace(account, locale=language))
        return replace(reply, text=texts.say("chat.language.set", language) + "\n\n" + reply.text)

    def _fault(self, code: str, language: str, incoming: Incoming) -> Reply:
        key = f"errors.{code}" if texts.knows(f"errors.{code}") else "errors.unexpected"
        return Reply(
            text=texts.say(key, language),
            private=incoming.chat is ChatKind.GROUP,
            language=language,
            failed=True,
        )


def _key(incoming: Incoming) -> tuple[str, str]:
    return (incoming.platform, incoming.update or "")
