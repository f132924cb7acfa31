"""Adapter: one town's bot on Telegram, started, watched and stopped.

Updates come by polling, or by a webhook that the web app passes on to `TelegramAdapter.receive`.
Those of one person in one chat are handled in order, all others side by side. By webhook an update
is taken only after it was handled, so Telegram repeats what a crash interrupted; by polling what is
being handled when the process is killed is lost, as the library confirms what it has fetched.
"""

import asyncio
import hmac
import json
import logging
import time
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from telegram import BotCommand, BotCommandScopeChat, Update
from telegram.error import BadRequest, Conflict, InvalidToken, TelegramError
from telegram.ext import Application, ApplicationBuilder, BaseUpdateProcessor, ExtBot

from bots import texts
from bots.conversation.core import STAFF_COMMANDS
from bots.telegram.handlers import COMMANDS, Handlers
from bots.telegram.keeper import Problem, TelegramKeeper
from bots.telegram.messenger import TelegramMessenger
from bots.telegram.outcome import reason
from bots.telegram.transport import AiohttpRequest
from core.errors import PlatformRefused, PlatformUnavailable

if TYPE_CHECKING:
    from bots.app import App  # the composition root, which imports the adapters

logger = logging.getLogger(__name__)

ALLOWED_UPDATES: Final = (
    *("message", "callback_query", "my_chat_member", "chat_member", "chat_join_request"),
)
WEBHOOK_PATH: Final = "/telegram/webhook"
MAX_UPDATE_BYTES: Final = 1024 * 1024
MAX_OPENINGS: Final = 10_000
"""Brackets in one update: libraries of ours raise Python's recursion limit beyond the C stack."""
MAX_AT_ONCE: Final = 1_024
POLL_FOR: Final = timedelta(seconds=30)
DRAIN_FOR: Final = 20.0  # seconds
CONNECTIONS: Final = 320
"""More than the pump has in flight: an answer to somebody never waits for a broadcast."""
SAME_SENTENCE_EVERY: Final = 600.0  # seconds


class InOrder(BaseUpdateProcessor):
    """Handles one person's updates in one chat one after another, and all others at once."""

    def __init__(self) -> None:
        super().__init__(MAX_AT_ONCE)
        self._lanes: WeakValueDictionary[tuple[int, int], asyncio.Lock] = WeakValueDictionary()

    async def do_process_update(self, update: object, coroutine: Awaitable[Any]) -> None:
        lane = self._lanes.setdefault(_lane(update), asyncio.Lock())
        async with lane:
            await coroutine

    async def initialize(self) -> None:
        """Nothing to open."""

    async def shutdown(self) -> None:
        """Nothing to close."""


def _lane(update: object) -> tuple[int, int]:
    if not isinstance(update, Update):
        return 0, 0
    chat, user = update.effective_chat, update.effective_user
    return chat.id if chat else 0, user.id if user else 0


class TokenRefused(TelegramError):
    """Telegram refused the token while polling."""


class PollingBot(ExtBot[None]):
    """The library's bot, which goes on asking for updates when its token is refused.

    The library ends polling for good then, in silence; a fault of Telegram's own can look the same.
    """

    async def get_updates(self, *args: Any, **kwargs: Any) -> tuple[Update, ...]:
        try:
            return await super().get_updates(*args, **kwargs)
        except InvalidToken:
            raise TokenRefused("token refused") from None


PtbApplication = Application[PollingBot, Any, Any, Any, Any, None]


class TelegramAdapter:
    """Telegram's door to one running app."""

    def __init__(self, app: "App", *, webhook_secret: str) -> None:
        settings = app.settings
        if settings.telegram_token is None:
            raise PlatformRefused(texts.say("telegram.problem.no-token", "ja"))
        self._app = app
        self._language = app.town.town.languages[0] if app.town.town.languages else "ja"
        self._webhook_secret = webhook_secret
        self._application = _build(app)
        bot = self._application.bot
        self.keeper = TelegramKeeper(bot, app.town)
        self.messenger = TelegramMessenger(
            bot,
            paid=settings.telegram_paid_broadcast,
            answered=lambda: app.answered("telegram"),
            moved=self._look_later,
            # Whoever reads it chose some language, and a deletion knows none of them.
            withdrawn="\n".join(
                texts.say("telegram.withdrawn", each)
                for each in dict.fromkeys((self._language, "en"))
            ),
        )
        self._handlers = Handlers(
            app, self.messenger, check=self.check, tell_staff=self._tell_one_of_staff
        )
        self._application.add_handlers(self._handlers.entries())
        self._application.add_error_handler(self._handlers.failed)
        self._found: list[Problem] = []
        self._receiving: set[asyncio.Task[Any]] = set()
        self._looking: set[asyncio.Task[None]] = set()
        self._open = False
        self._names_events = False  # the menus that Telegram has
        self._said_at: dict[str, float] = {}

    @property
    def name(self) -> str:
        return f"@{self._application.bot.username}"

    @property
    def problems(self) -> list[str]:
        """What staff must put right on Telegram, one sentence each, as of the last look."""
        return [each.words(self._language) for each in self._found]

    async def start(self) -> None:
        """Check the token, tell Telegram our commands, compare the rooms, and open the door.

        Raises `PlatformRefused` (staff must act) or `PlatformUnavailable` (try again later);
        everything is closed again then.
        """
        # The library's DEBUG lines hold message texts.
        logging.getLogger("telegram").setLevel(logging.INFO)
        try:
            await self._go_online()
        except BaseException:
            await self._close()
            raise
        self._app.happenings.tell("telegram.happening.started", bot=self._application.bot.username)
        self._warn_of_local_address()
        await self.check()

    async def stop(self) -> None:
        """Take nothing more, finish what was taken, close. The webhook stays: Telegram waits."""
        self._open = False
        for task in self._looking:
            task.cancel()
        if self._receiving:
            await asyncio.wait(self._receiving, timeout=DRAIN_FOR)
        await self._close()

    async def receive(self, secret: str, body: bytes) -> bool:
        """One update by webhook. `False` (answer 403): it did not come from Telegram, or we close.

        `True` only after it was handled. What cannot be read is taken too: it would come for ever.
        """
        expected = self._webhook_secret.encode()
        if not hmac.compare_digest(secret.encode("utf-8", "replace"), expected):
            return False
        if not self._open or not self._app.settings.telegram_webhook:
            return False
        task = asyncio.create_task(self._handle(body))
        self._receiving.add(task)
        task.add_done_callback(self._receiving.discard)
        await asyncio.shield(task)  # who asked may hang up; what was begun is finished
        return True

    async def retry_pending(self) -> None:
        """Look again at join requests that could not be decided, and at what the menu names.

        For the clock, every minute.
        """
        if self._open:
            await self._handlers.retry_pending()
            await self._follow_events()

    async def _follow_events(self) -> None:
        """Menus name events from the first on, until the last is over."""
        if await self._app.events.open() == self._names_events:
            return
        try:
            await self._set_commands()
        except TelegramError as error:  # the next look tries again
            logger.warning("telegram-menu-unset", extra={"error": type(error).__name__})

    async def check(self) -> None:
        """Compare the rooms with Telegram again, and tell staff of what is newly wrong."""
        before = self._found
        try:
            self._found = await self.keeper.inspect(self._app.town.gates)
        except PlatformUnavailable as error:
            self._say(self._words("unchecked", reason=error))
            return
        new = [each for each in self._found if each not in before]
        for problem in new:
            self._say(problem.words(self._language))
        if new:
            await self._tell_staff("\n".join(each.words(self._language) for each in new))
        elif before and not self._found:
            self._app.happenings.tell("telegram.happening.mended")
            await self._tell_staff(self._words("mended"))

    async def _look_later(self, old: int, new: int) -> None:
        """A group has another number: staff are told by the next look, outside of the delivery."""
        logger.warning("telegram-group-moved", extra={"old": old, "new": new})
        task = asyncio.create_task(self.check())
        self._looking.add(task)
        task.add_done_callback(self._looking.discard)

    # Starting

    async def _go_online(self) -> None:
        try:
            await self._application.initialize()
            await self._set_commands()
            await self._application.start()
            await self._receive_updates()
        except InvalidToken:
            raise PlatformRefused(self._words("bad-token")) from None  # its text holds the token
        except BadRequest as error:
            raise PlatformRefused(self._words("start-refused", reason=reason(error))) from error
        except TelegramError as error:
            raise PlatformUnavailable(self._words("unreachable", reason=reason(error))) from error

    async def _set_commands(self) -> None:
        """Everybody's menu in each language; staff see their own commands as well."""
        languages = {each.split("-")[0]: each for each in reversed(self._app.town.town.languages)}
        menus: list[tuple[str, str | None]] = [
            ("en" if "en" in languages else self._language, None)
        ]
        menus += [(language, code) for code, language in languages.items()]
        names_events = await self._app.events.open()
        shown = [each for each in COMMANDS if names_events or each != "events"]
        for language, code in menus:
            everybody = _menu(language, [each for each in shown if each not in STAFF_COMMANDS])
            await self._application.bot.set_my_commands(everybody, language_code=code)
            for account in self._staff():
                with suppress(BadRequest):  # somebody who has not written to the bot yet
                    await self._application.bot.set_my_commands(
                        _menu(language, shown),
                        scope=BotCommandScopeChat(int(account)),
                        language_code=code,
                    )
        self._names_events = names_events

    async def _receive_updates(self) -> None:
        settings, updater = self._app.settings, self._application.updater
        self._open = True
        if updater is not None:
            await updater.start_polling(
                poll_interval=0.0,
                timeout=POLL_FOR,
                allowed_updates=ALLOWED_UPDATES,
                error_callback=self._polling_failed,
            )
            return
        await self._application.bot.set_webhook(
            f"{settings.address}{WEBHOOK_PATH}",
            secret_token=self._webhook_secret,
            allowed_updates=ALLOWED_UPDATES,
        )

    def _polling_failed(self, error: TelegramError) -> None:
        match error:
            case Conflict():
                self._say_at_times(self._words("conflict"))
            case TokenRefused():
                self._say_at_times(self._words("bad-token"))
            case _:
                self._say_at_times(self._words("unreachable", reason=reason(error)))

    def _warn_of_local_address(self) -> None:
        address = self._app.settings.address
        if (urlsplit(address).hostname or "") in {"127.0.0.1", "localhost", "::1"}:
            self._say(self._words("local-address", address=address))

    async def _close(self) -> None:
        self._open = False
        application = self._application
        try:
            async with asyncio.timeout(DRAIN_FOR):
                if application.updater is not None and application.updater.running:
                    await application.updater.stop()
                if application.running:
                    await application.stop()
        except TimeoutError:
            logger.warning("telegram-drain-cut-off")
        with suppress(RuntimeError):  # still running after the time above
            await application.shutdown()
        await application.bot.shutdown()

    async def _handle(self, body: bytes) -> None:
        try:
            if len(body) > MAX_UPDATE_BYTES or body.count(b"[") + body.count(b"{") > MAX_OPENINGS:
                raise ValueError("no update of Telegram's")
            update = Update.de_json(json.loads(body), self._application.bot)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            logger.warning("telegram-update-unreadable", extra={"error": type(error).__name__})
            return
        processor = self._application.update_processor
        await processor.process_update(update, self._application.process_update(update))

    # Telling staff

    def _words(self, name: str, **values: object) -> str:
        return texts.say(f"telegram.problem.{name}", self._language, **values)

    def _say(self, sentence: str) -> None:
        logger.warning("telegram-problem", extra={"reason": sentence})
        self._app.happenings.tell("telegram.happening.problem", sentence=sentence)

    def _say_at_times(self, sentence: str) -> None:
        """Polling fails every few seconds for as long as its cause stands."""
        now = time.monotonic()
        if now - self._said_at.get(sentence, float("-inf")) >= SAME_SENTENCE_EVERY:
            self._said_at = {sentence: now}
            self._say(sentence)

    def _staff(self) -> list[str]:
        entries = (each.partition(":") for each in sorted(self._app.settings.staff))
        return [account for platform, _, account in entries if platform == "telegram"]

    async def _tell_staff(self, sentences: str) -> None:
        town = self._app.town.town.name.get(self._language)
        for account in self._staff():
            await self._tell_one_of_staff(
                account, f"{self._words('for-staff', town=town)}\n\n{sentences}"
            )

    async def _tell_one_of_staff(self, account: str, words: str) -> None:
        await self.messenger.tell(account, words)


def _menu(language: str, commands: Sequence[str]) -> list[BotCommand]:
    return [BotCommand(each, texts.say(f"chat.command.{each}", language)) for each in commands]


def _build(app: "App") -> PtbApplication:
    settings = app.settings
    token = settings.telegram_token
    bot = PollingBot(
        token.get_secret_value() if token else "",
        base_url=settings.telegram_api_url,
        base_file_url=settings.telegram_file_url,
        request=AiohttpRequest(connection_pool_size=CONNECTIONS),
        get_updates_request=AiohttpRequest(connection_pool_size=1),
    )
    builder = ApplicationBuilder().bot(bot).concurrent_updates(InOrder()).job_queue(None)
    return builder.updater(None).build() if settings.telegram_webhook else builder.build()
