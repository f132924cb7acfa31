"""The Bot API over HTTP on 127.0.0.1, and the test's hand on everything behind it.

https://core.telegram.org/bots/api#making-requests. The token stands in every URL: nothing here
logs a URL.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from tests.telegram_server.actors import User
from tests.telegram_server.api import ApiError
from tests.telegram_server.desk import Desk, Request
from tests.telegram_server.nouns import (
    Account,
    Chat,
    ChatKind,
    Member,
    Message,
    Status,
    rights_in,
)
from tests.telegram_server.troubles import Gate, Limits, Trouble, Troubles
from tests.telegram_server.updates import Backoff
from tests.telegram_server.wire import MAX_REQUEST_BYTES, answer_error, read_params

TOKEN = "7000000001:AAtests-only-this-is-not-a-secret-0"


class TelegramServer:
    """A Bot API server with a world behind it. Use it as an async context manager."""

    def __init__(self, *, token: str = TOKEN, backoff: Backoff | None = None) -> None:
        self.token = token
        self.desk = Desk(backoff=backoff or Backoff())
        self.clock = self.desk.clock
        self.world = self.desk.world
        self.updates = self.desk.updates
        self.floods = self.desk.floods
        self.troubles = Troubles()
        self.latency = 0.0  # seconds, of every answer
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=MAX_REQUEST_BYTES)
        app.router.add_route("*", "/file/bot{token:[^/]+}/{path:.+}", self._download)
        app.router.add_route("*", "/bot{token:[^/]+}/{method}", self._handle)
        app.router.add_route("*", "/{rest:.*}", self._nowhere)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for gate in self.troubles.gates:
            gate.opened.set()
        await self.updates.close()
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def base_url(self) -> str:
        return f"{self.url}/bot"

    @property
    def base_file_url(self) -> str:
        return f"{self.url}/file/bot"

    @property
    def bot(self) -> Account:
        return self.world.bot

    @property
    def limits(self) -> Limits:
        return self.floods.limits

    @property
    def sent(self) -> list[Request]:
        """Every request but getUpdates, in the order of arrival."""
        return self.desk.sent

    @property
    def polls(self) -> int:
        """How often getUpdates was called."""
        return self.desk.polls

    # -- the world ---------------------------------------------------------------------------

    def user(
        self,
        name: str,
        *,
        username: str | None = None,
        language: str | None = "ja",
        started: bool = False,
    ) -> User:
        """Make a person. Until they write to the bot, or `started`, it may not write to them."""
        account = Account(5_000_000_000 + self.world.number(), name, username, language)
        account.started = started
        self.world.accounts[account.id] = account
        return User(self.world, account)

    def supergroup(self, title: str, **given: Any) -> Chat:
        """Make a supergroup; see `make_chat`."""
        return self.make_chat(ChatKind.SUPERGROUP, title, **given)

    def basic_group(self, title: str, **given: Any) -> Chat:
        return self.make_chat(ChatKind.GROUP, title, **given)

    def channel(self, title: str, **given: Any) -> Chat:
        return self.make_chat(ChatKind.CHANNEL, title, **given)

    def make_chat(
        self,
        kind: ChatKind,
        title: str,
        *,
        owner: User | None = None,
        members: tuple[User, ...] = (),
        bot: Status = Status.ADMINISTRATOR,
        bot_rights: frozenset[str] | None = None,
        username: str | None = None,
        topics: tuple[str, ...] = (),
        joins_by_request: bool = False,
    ) -> Chat:
        """Make a chat in which the bot stands as told: by default an administrator with all rights.

        Nobody is told: updates begin with what happens next. Topics make it a forum; the thread
        numbers are 2, 3 and so on.
        """
        number = self.world.number()
        identifier = -number if kind is ChatKind.GROUP else -1_000_000_000_000 - number
        chat = Chat(identifier, kind, title, username, joins_by_request=joins_by_request)
        chat.topics = dict(enumerate(topics, start=2))
        chat.is_forum = bool(topics)
        rights = rights_in(kind) if bot_rights is None else bot_rights
        standings = [Member(each.account) for each in members]
        if owner is not None:
            standings.insert(0, Member(owner.account, Status.CREATOR))
        standings.append(Member(self.bot, bot, rights))
        chat.members = {each.account.id: each for each in standings}
        self.world.chats[identifier] = chat
        return chat

    def messages(self, chat: Chat | User) -> list[Message]:
        """Return what stands in a chat now, oldest first; deleted messages are gone."""
        place = chat if isinstance(chat, Chat) else self.world.private_chat(chat.account)
        return [each for each in place.messages.values() if not each.deleted]

    def calls(self, *methods: str) -> list[Request]:
        """Return the requests of these methods, in the order of arrival."""
        wanted = {each.lower() for each in methods}
        return [each for each in self.sent if each.method.lower() in wanted]

    async def until(self, predicate: Callable[[], bool], timeout: float = 5.0) -> None:  # noqa: ASYNC109
        """Wait until the world is so. It is looked at after every change here, and at the end.

        Raises AssertionError after `timeout` seconds.
        """
        try:
            async with asyncio.timeout(timeout), self.clock.changed:
                await self.clock.changed.wait_for(predicate)
        except TimeoutError:
            if not predicate():
                last = ", ".join(f"{each.method} {each.status}" for each in self.sent[-8:])
                raise AssertionError(f"not so within {timeout} s; last requests: {last}") from None

    async def until_taken(self, timeout: float = 5.0) -> None:  # noqa: ASYNC109
        """Wait until the bot has confirmed every update."""
        await self.until(lambda: not self.updates.pending, timeout)

    async def advance(self, seconds: float) -> None:
        """Move the world's clock forward."""
        await self.clock.advance(seconds)

    # -- troubles ----------------------------------------------------------------------------

    def fail_next(
        self,
        method: str,
        status: int,
        description: str = "",
        *,
        times: int = 1,
        chat: Chat | User | None = None,
        retry_after: int | None = None,
        body: bytes | None = None,
    ) -> None:
        """Refuse the next requests of a method ("*" any), without carrying them out."""
        parameters = {} if retry_after is None else {"retry_after": retry_after}
        error = ApiError(status, description or web_reason(status), **parameters)
        self._prepare(Trouble(method, times, _chat_id(chat), error=error, body=body))

    def drop_next(
        self,
        method: str,
        *,
        processed: bool,
        times: int = 1,
        chat: Chat | User | None = None,
    ) -> None:
        """Cut the connection of the next requests, before or after carrying them out."""
        self._prepare(
            Trouble(method, times, _chat_id(chat), drop_before=not processed, drop_after=processed)
        )

    def delay_next(
        self,
        method: str,
        seconds: float,
        *,
        processed: bool = False,
        times: int = 1,
        chat: Chat | User | None = None,
    ) -> None:
        """Answer the next requests late; `processed`: carried out at once, only then late."""
        before, after = (0.0, seconds) if processed else (seconds, 0.0)
        self._prepare(
            Trouble(method, times, _chat_id(chat), delay_before=before, delay_after=after)
        )

    def _prepare(self, trouble: Trouble) -> None:
        self.troubles.queue.append(trouble)

    @asynccontextmanager
    async def hold(self, method: str) -> AsyncIterator[Gate]:
        """Keep the requests of a method waiting, after arrival and before anything happens."""
        gate = Gate(method)
        self.troubles.gates.append(gate)
        try:
            yield gate
        finally:
            self.troubles.gates.remove(gate)
            gate.opened.set()

    # -- HTTP --------------------------------------------------------------------------------

    async def _nowhere(self, _: web.Request) -> web.StreamResponse:
        return answer_error(ApiError(404, "Not Found"))

    async def _download(self, http: web.Request) -> web.StreamResponse:
        if http.match_info["token"] != self.token:
            return answer_error(ApiError(401, "Unauthorized"))
        wanted = http.match_info["path"]
        for file in self.world.files.values():
            if file.path == wanted:
                return web.Response(body=file.content, content_type="application/octet-stream")
        return answer_error(ApiError(404, "Not Found"))

    async def _handle(self, http: web.Request) -> web.StreamResponse:
        if http.match_info["token"] != self.token:
            return answer_error(ApiError(401, "Unauthorized"))
        method = http.match_info["method"]
        try:
            params = await read_params(http)
        except ApiError as error:
            return answer_error(error)
        request = self.desk.arrive(method, params)
        flood = self.desk.count(request)
        await self.clock.announce()
        return await self._answer(http, request, flood)

    async def _answer(
        self, http: web.Request, request: Request, flood: ApiError | None
    ) -> web.StreamResponse:
        if (gate := self.troubles.gate(request.method)) is not None:
            gate.waiting += 1
            await self.clock.announce()
            await gate.opened.wait()
        trouble = self.troubles.take(request.method, request.chat_id) or Trouble("", 0)
        await asyncio.sleep(self.latency + trouble.delay_before)
        if trouble.drop_before:
            return await self._drop(http, request)
        answer = await self.desk.outcome(request, flood or trouble.error)
        await self.clock.announce()
        if trouble.drop_after:
            return await self._drop(http, request)
        await asyncio.sleep(trouble.delay_after)
        if trouble.body is not None:
            return web.Response(status=request.status or 200, body=trouble.body)
        return web.json_response(answer, status=request.status or 200)

    async def _drop(self, http: web.Request, request: Request) -> web.StreamResponse:
        request.lost = True
        if http.transport is not None:
            http.transport.abort()
        await self.clock.announce()
        return web.Response()


def _chat_id(chat: Chat | User | None) -> int | None:
    return None if chat is None else chat.id


def web_reason(status: int) -> str:
    reasons = {500: "Internal Server Error", 502: "Bad Gateway", 504: "Gateway Timeout"}
    return reasons.get(status, "Bad Request: prepared by the test")
