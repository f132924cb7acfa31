"""Knocks: requests to join a group, each answered by a fresh reading.

Where nobody could tell, the request stays open and is looked at again by the clock; these are kept
in memory only, so after a restart the person asks again or an administrator decides, as Telegram's
own list shows.
"""

import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from telegram.error import BadRequest, TelegramError

from bots import texts
from bots.conversation import Button, Reply
from bots.reasons import Reasons
from bots.telegram.messenger import Place, TelegramMessenger
from bots.telegram.outcome import reason
from core.access import Admitted, Decision, Refused, Unknown
from core.errors import KankeiError

if TYPE_CHECKING:
    from bots.app import App  # the composition root, which imports the adapters

logger = logging.getLogger(__name__)

MAX_WAITING: Final = 1_000


@dataclass(frozen=True, slots=True)
class Knock:
    """Somebody who asked to enter a group."""

    chat: int
    user: int
    contact: int  # where we may write to them until the request is decided
    language: str
    told: str = ""  # what we said last, so as not to repeat it


class Knocks:
    """Who stands at the door of a group; `check` looks for the rights that the bot lacks."""

    def __init__(
        self,
        app: "App",
        messenger: TelegramMessenger,
        *,
        check: Callable[[], Awaitable[None]],
    ) -> None:
        self._app = app
        self._messenger = messenger
        self._check = check
        self._waiting: OrderedDict[tuple[int, int], Knock] = OrderedDict()

    async def look_again(self) -> None:
        """Answer everyone about whom nobody could tell."""
        for knock in list(self._waiting.values()):
            await self.answer(knock)

    async def answer(self, knock: Knock) -> None:
        decision = await self._decide(knock)
        if decision is None:
            return  # no room of this town: its own administrators decide
        try:
            match decision:
                case Admitted():
                    await self._settle(knock, approve=True)
                    await self._say(knock, self._welcome(knock, decision))
                case Refused():
                    # A person who never wrote to us can be told only as long as the request stands.
                    knock = await self._say_once(knock, "refused", self._refusal(knock, decision))
                    await self._settle(knock, approve=False)
                case Unknown():
                    logger.warning("telegram-join-request-waits", extra={"reason": decision.why})
                    self._remember(replace(knock, told="unknown"))
                    words = texts.say("telegram.knock.unknown", knock.language)
                    await self._say_once(knock, "unknown", Reply(words))
        except TelegramError as error:
            await self._failed(knock, error)

    async def _failed(self, knock: Knock, error: TelegramError) -> None:
        """Try again later, unless Telegram knows of no such request (any more)."""
        logger.warning("telegram-join-request-unanswered", extra={"reason": reason(error)})
        missing_right = "not enough rights" in error.message.lower()
        if isinstance(error, BadRequest) and not missing_right:
            self._waiting.pop((knock.chat, knock.user), None)
            return
        self._remember(knock)
        if missing_right:
            await self._check()

    async def _decide(self, knock: Knock) -> Decision | None:
        try:
            return await self._app.doorkeeper.knock("telegram", str(knock.user), str(knock.chat))
        except KankeiError as error:
            return Unknown("", error.code)

    async def _settle(self, knock: Knock, *, approve: bool) -> None:
        bot = self._messenger.bot
        decide = bot.approve_chat_join_request if approve else bot.decline_chat_join_request
        await decide(knock.chat, knock.user)
        self._waiting.pop((knock.chat, knock.user), None)
        self._app.happenings.tell(f"telegram.happening.{'entered' if approve else 'declined'}")

    def _remember(self, knock: Knock) -> None:
        self._waiting[knock.chat, knock.user] = knock
        if len(self._waiting) > MAX_WAITING:
            self._waiting.popitem(last=False)

    async def _say_once(self, knock: Knock, what: str, reply: Reply) -> Knock:
        if knock.told != what:
            await self._say(knock, reply)
        return replace(knock, told=what)

    async def _say(self, knock: Knock, reply: Reply) -> None:
        """Privately, if Telegram lets us: not everybody who asks has written to us."""
        try:
            await self._messenger.reply(Place(knock.contact, private=True), reply)
        except TelegramError as error:
            logger.info("telegram-knock-not-told", extra={"reason": reason(error)})

    def _welcome(self, knock: Knock, decision: Admitted) -> Reply:
        room = self._room(decision.gate, knock.language)
        return Reply(texts.say("telegram.knock.welcome", knock.language, room=room))

    def _refusal(self, knock: Knock, decision: Refused) -> Reply:
        gate = self._app.town.gate(decision.gate)
        reasons = Reasons(self._app.town, knock.language)
        if decision.shortfall is not None or gate is None:
            reason = reasons.shortfall(decision.shortfall)
        else:
            reason = reasons.rule(gate.rule)
        words = texts.say(
            "telegram.knock.refused",
            knock.language,
            room=self._room(decision.gate, knock.language),
            reason=reason,
        )
        label = texts.say("telegram.knock.prove", knock.language)
        link = f"https://t.me/{self._messenger.bot.username}?start=join"
        return Reply(words, buttons=((Button(label, url=link),),))

    def _room(self, name: str, language: str) -> str:
        gate = self._app.town.gate(name)
        return gate.title.get(language) if gate else name
