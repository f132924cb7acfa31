"""Where every request passes: noted on arrival, counted, then carried out or refused."""

from dataclasses import dataclass, field
from typing import Any

from tests.telegram_server import memberships, messages
from tests.telegram_server.api import ApiError, Json, Params
from tests.telegram_server.clock import Clock
from tests.telegram_server.methods import call
from tests.telegram_server.troubles import Floods
from tests.telegram_server.updates import Backoff, UpdateQueue
from tests.telegram_server.world import World

COVERED = (memberships, messages)  # importing them enters their methods into the table
NOT_COUNTED = {"sendchataction"}


@dataclass(eq=False, slots=True)
class Request:
    """One request as it arrived, and how it was answered."""

    method: str
    params: Params = field(repr=False)
    chat_id: int | None
    arrived: float  # the world's clock
    status: int | None = None  # None: not answered yet, or dropped before it was carried out
    description: str = ""
    lost: bool = False  # carried out or not, its answer never left

    @property
    def text(self) -> str:
        return self.params.text("text") or self.params.text("caption")


class Desk:
    """The world, its updates, and all that was ever asked of them."""

    def __init__(self, *, backoff: Backoff) -> None:
        self.clock = Clock()
        self.updates = UpdateQueue(self.clock, execute=self.execute_from_webhook, backoff=backoff)
        self.world = World(self.updates, self.clock)
        self.floods = Floods()
        self.sent: list[Request] = []  # every request but getUpdates, in the order of arrival
        self.polls = 0  # how often getUpdates was called

    def arrive(self, method: str, params: Params) -> Request:
        """Note a request, before anything happens to it."""
        request = Request(method, params, self._chat_id(params.text("chat_id")), self.world.now())
        if method.lower() == "getupdates":
            self.polls += 1
        else:
            self.sent.append(request)
        return request

    def _chat_id(self, text: str) -> int | None:
        if text.startswith("@"):
            named = (each.id for each in self.world.chats.values() if each.username == text[1:])
            return next(named, None)
        return int(text) if text.removeprefix("-").isdecimal() else None

    def count(self, request: Request) -> ApiError | None:
        """Count a message on arrival. Returns the refusal when there were too many."""
        method = request.method.lower()
        if not method.startswith("send") or method in NOT_COUNTED:
            return None
        chat_id = request.chat_id or 0
        try:
            self.floods.arrive(
                chat_id,
                is_group=chat_id < 0,
                now=self.world.now(),
                paid=request.params.boolean("allow_paid_broadcast"),
            )
        except ApiError as error:
            return error
        return None

    async def outcome(self, request: Request, refusal: ApiError | None) -> Json:
        """Carry a request out, unless it is refused already. Returns the answer's body."""
        try:
            if refusal is not None:
                raise refusal
            result, description = await self.execute(request.method, request.params)
        except ApiError as error:
            request.status, request.description = error.code, error.description
            return error.json()
        request.status, request.description = 200, description
        said = {"description": description} if description else {}
        return {"ok": True, "result": result, **said}

    async def execute(self, method: str, params: Params) -> tuple[Any, str]:
        """Carry one method out. Returns its result and the description, mostly empty."""
        match method.lower():
            case "getupdates":
                return await self.updates.get_updates(params), ""
            case "setwebhook":
                return True, await self.updates.set_webhook(params)
            case "deletewebhook":
                return True, await self.updates.delete_webhook(params)
            case "getwebhookinfo":
                return self.updates.webhook_info(), ""
        return call(self.world, method, params), ""

    async def execute_from_webhook(self, method: str, params: Params) -> None:
        request = self.arrive(method, params)
        await self.outcome(request, self.count(request))
