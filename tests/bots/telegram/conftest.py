"""A town hall at the other end of a Telegram that is all ours."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from pydantic import SecretStr
from telegram import Bot

from bots.conversation import Incoming, Reply
from bots.happenings import Happenings
from bots.telegram.adapter import TelegramAdapter
from bots.telegram.transport import AiohttpRequest
from bots.voice import Voice
from core import town as town_pack
from core.access import ChannelKeeper, Decision, Doorkeeper
from core.access.guests import Guests
from core.clock import Clock, system_clock
from core.database import Sessions, session_factory
from core.settings import Settings
from core.town import TownPack
from tests.telegram_server import Chat, TelegramServer, User
from tests.world.records import begin, opened

if TYPE_CHECKING:
    from bots.app import App

TOWNS = Path(__file__).parents[3] / "towns"
WEBHOOK_SECRET = "a-secret-of-the-tests"

Answer = Callable[[Incoming], Awaitable[Reply | None]]


class StubConversation:
    """Writes down what it hears, and says what it was told to say."""

    def __init__(self) -> None:
        self.heard: list[Incoming] = []
        self.says: Reply | None = Reply("はい")
        self.takes = 0.0  # seconds
        self.fails: Exception | None = None
        self._seen: set[str | None] = set()

    async def handle(self, incoming: Incoming) -> Reply | None:
        if incoming.update in self._seen:
            return None
        self._seen.add(incoming.update)
        self.heard.append(incoming)
        await asyncio.sleep(self.takes)
        if self.fails is not None:
            raise self.fails
        return self.says


class StubDoorkeeper:
    """Decides as told."""

    def __init__(self) -> None:
        self.decision: Decision | Exception | None = None
        self.knocks: list[tuple[str, str, str]] = []

    async def knock(self, platform: str, external_id: str, place: str) -> Decision | None:
        self.knocks.append((platform, external_id, place))
        if isinstance(self.decision, Exception):
            raise self.decision
        return self.decision


class StubEvents:
    """Whether there is anything to come to."""

    def __init__(self) -> None:
        self.any_open = False

    async def open(self) -> bool:
        return self.any_open


@dataclass
class Hall:
    """Everything the adapter stands on."""

    server: TelegramServer
    sessions: Sessions
    town: TownPack
    conversation: StubConversation = field(default_factory=StubConversation)
    doorkeeper: StubDoorkeeper = field(default_factory=StubDoorkeeper)
    happenings: Happenings = field(default_factory=Happenings)
    events: StubEvents = field(default_factory=StubEvents)
    given: dict[str, Any] = field(default_factory=dict)  # settings
    clock: Clock = system_clock
    answered: list[str] = field(default_factory=list)  # platforms, a message each
    voice: Voice | None = None

    @property
    def room(self) -> str:
        return self.town.gates[0].title.get("ja")

    def opens(self, chat: Chat) -> None:
        """The town's first room is this chat."""
        first, *rest = self.town.gates
        gates = (first.model_copy(update={"telegram_chat": chat.id}), *rest)
        self.town = self.town.model_copy(update={"gates": gates})

    def has_staff(self, *users: User) -> None:
        self.given["staff"] = {f"telegram:{each.id}": "" for each in users}

    def adapter(self) -> TelegramAdapter:
        settings = Settings(_env_file=None).model_copy(
            update={
                "telegram_token": SecretStr(self.server.token),
                "telegram_api_url": self.server.base_url,
                "telegram_file_url": self.server.base_file_url,
                "public_url": "https://town.example",
                **self.given,
            }
        )
        keepers: dict[str, ChannelKeeper] = {}
        knocks = cast("Doorkeeper", self.doorkeeper)
        app = SimpleNamespace(
            guests=Guests(self.town, self.sessions, knocks, keepers, self.clock),
            wake=lambda: None,
            answered=self.answered.append,
            settings=settings,
            town=self.town,
            sessions=self.sessions,
            clock=self.clock,
            conversation=self.conversation,
            doorkeeper=self.doorkeeper,
            events=self.events,
            happenings=self.happenings,
            voice=self.voice,
            staff=lambda platform, account: f"{platform}:{account}" in settings.staff,
        )
        adapter = TelegramAdapter(cast("App", app), webhook_secret=WEBHOOK_SECRET)
        keepers["telegram"] = adapter.keeper
        return adapter

    @asynccontextmanager
    async def open(self) -> AsyncIterator[TelegramAdapter]:
        adapter = self.adapter()
        await adapter.start()
        try:
            yield adapter
        finally:
            await adapter.stop()


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as running:
        yield running


@pytest.fixture
async def sessions(tmp_path: Path) -> AsyncIterator[Sessions]:
    engine = await opened(begin(tmp_path / "records.sqlite3"))
    yield session_factory(engine)
    await engine.dispose()


@pytest.fixture
def hall(server: TelegramServer, sessions: Sessions) -> Hall:
    return Hall(server, sessions, town_pack.load(TOWNS / "mine"))


@pytest.fixture
async def bot(server: TelegramServer) -> AsyncIterator[Bot]:
    """An unmodified python-telegram-bot over our transport."""
    running = Bot(
        server.token,
        base_url=server.base_url,
        base_file_url=server.base_file_url,
        request=AiohttpRequest(read_timeout=0.5, write_timeout=0.2, connect_timeout=0.5),
        get_updates_request=AiohttpRequest(),
    )
    async with running:
        yield running
