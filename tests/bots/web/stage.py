"""A town with its pages on a real socket, a stand-in for the guide, and those who walk in."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import aiohttp
import uvicorn
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount
from playwright.async_api import Page

from bots.app import App, running
from bots.conversation import Button, Incoming, Reply, SourceLink
from bots.conversation.core import Conversation
from bots.voice import Voice
from bots.web.app import create_web
from bots.web.voice.messages import MAX_MESSAGE
from core.enrolment import Enrolment
from core.settings import Settings
from core.testing import FakeHoldings, SetClock
from core.town import TownPack
from knowledge.answer import Guide
from knowledge.library import Library
from knowledge.taught import Taught
from tests.conftest import ROOT, free_port
from tests.world.records import begin

SECRET = "a secret of the tests"
CSRF = re.compile(r'name="csrf" content="([^"]+)"')


class StubTalk:
    """Answers with a quote, breaks on demand, and passes on what is pressed."""

    def __init__(self, real: Conversation) -> None:
        self._real = real
        self.heard: list[Incoming] = []
        self.buttons: tuple[tuple[Button, ...], ...] = ()
        self.spoken = ""  # what is said aloud of every answer

    async def handle(self, incoming: Incoming) -> Reply | None:
        self.heard.append(incoming)
        if incoming.action:
            return await self._real.handle(incoming)
        if incoming.text == "break":
            raise RuntimeError("the guide is broken")
        return Reply(
            text=f"You asked: {incoming.text}",
            quotes=("秋芳洞（あきよしどう）は、通年開いています。",),
            sources=(SourceLink("美祢市観光協会", "https://karusuto.com/", "2026年2月時点"),),
            language=incoming.heard.language if incoming.heard else incoming.language or "ja",
            heard=incoming.heard,
            spoken=self.spoken,
            aloud=incoming.heard is not None,
            buttons=self.buttons,
        )

    async def stream(self, incoming: Incoming) -> AsyncIterator[str | Reply]:
        reply = await self.handle(incoming)
        if reply is not None:
            for word in reply.text.split(" "):
                yield f"{word} "
            yield reply


class StubGuide:
    """A guide that was made from nothing."""

    ready = True
    library = Library(passages=(), documents=())
    taught: tuple[Taught, ...] = ()

    async def wait(self) -> None:
        """It is there."""


class NoContracts:
    """A chain on which no wallet is a contract."""

    async def is_valid_signature(
        self,
        chain_id: int,  # noqa: ARG002
        address: str,  # noqa: ARG002
        digest: bytes,  # noqa: ARG002
        signature: bytes,  # noqa: ARG002
    ) -> bool:
        return False


@dataclass
class StubShop:
    """Sample cards on no chain at all, and a wallet for each account."""

    holdings: FakeHoldings
    chain_id: int
    keys: dict[str, LocalAccount] = field(default_factory=dict)

    def _key(self, account: str) -> LocalAccount:
        return self.keys.setdefault(account, Account.create())

    async def give_card(self, address: str) -> None:
        self.holdings.give(address, 1)

    async def take_card(self, address: str) -> None:
        self.holdings.give(address, 0)

    async def wallet(self, account: str) -> str:
        return str(self._key(account).address)

    async def sign(self, account: str, message: str) -> str:
        return sign(self._key(account), message)


def sign(key: LocalAccount, message: str) -> str:
    signed = key.sign_message(encode_defunct(text=message))
    return str(signed.signature.to_0x_hex())


@dataclass
class World:
    """A running town and what the tests may change about it."""

    app: App
    url: str
    holdings: FakeHoldings
    clock: SetClock
    talk: StubTalk
    shop: StubShop | None
    chain_id: int
    bots: dict[str, str]

    def visitor(self, language: str = "en") -> "Visitor":
        return Visitor(self.url, language)


class Visitor:
    """Somebody at a browser without scripts: keeps cookies, reads forms, sends them."""

    def __init__(self, url: str, language: str) -> None:
        self.url = url
        self._session = aiohttp.ClientSession(
            cookie_jar=aiohttp.CookieJar(unsafe=True), headers={"Accept-Language": language}
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def get(self, path: str) -> "Seen":
        async with self._session.get(self.url + path) as answer:
            return Seen(answer.status, await answer.text(), answer)

    async def csrf(self) -> str:
        found = CSRF.search((await self.get("/join")).text)
        assert found is not None
        return found[1]

    async def post(self, path: str, fields: Mapping[str, str] | None = None, **more: str) -> "Seen":
        """Send a form and follow where it leads."""
        return await self._post(path, {**(fields or {}), **more}, follow=True)

    async def _post(self, path: str, fields: Mapping[str, str], *, follow: bool) -> "Seen":
        data = {"csrf": await self.csrf(), **fields}
        async with self._session.post(self.url + path, data=data, allow_redirects=follow) as answer:
            return Seen(answer.status, await answer.text(), answer)

    async def json(self, path: str, body: object, *, csrf: str | None = None) -> "Seen":
        headers = {
            "X-CSRF-Token": await self.csrf() if csrf is None else csrf,
            "Accept": "application/json",
        }
        async with self._session.post(self.url + path, json=body, headers=headers) as answer:
            return Seen(answer.status, await answer.text(), answer)

    async def raw(self, method: str, path: str, **options: object) -> "Seen":
        async with self._session.request(method, self.url + path, **options) as answer:  # type: ignore[arg-type]
            return Seen(answer.status, await answer.text(errors="replace"), answer)

    async def link(self) -> str:
        """Ask for a personal link; its path."""
        seen = await self._post("/join", {}, follow=False)
        return seen.answer.headers["Location"]

    async def prove(self, link: str, key: LocalAccount, chain_id: int) -> "Seen":
        body = {"address": key.address, "chain_id": chain_id}
        asked = await (await self.json(f"{link}/challenge", body)).read()
        body = {"message": asked["message"], "signature": sign(key, asked["message"])}
        return await self.json(f"{link}/proof", body)


@dataclass
class Seen:
    """What came back."""

    status: int
    text: str
    answer: aiohttp.ClientResponse

    async def read(self) -> dict[str, str]:
        return cast("dict[str, str]", json.loads(self.text))


class _Server(uvicorn.Server):
    def install_signal_handlers(self) -> None:
        """The tests keep their own."""


@asynccontextmanager
async def open_town(
    folder: Path,
    clock: SetClock,
    *,
    demo: bool,
    guide: Guide | None = None,
    town: TownPack | None = None,
    voice: Voice | None = None,
) -> AsyncIterator[World]:
    port = free_port()
    settings = Settings(
        town=ROOT / "towns" / "mine", data_dir=folder / "var", port=port, _env_file=None
    )
    settings.data_dir.mkdir(exist_ok=True)
    begin(settings.data_dir / "kankei.sqlite3")
    holdings = FakeHoldings()
    guide = guide or cast("Guide", StubGuide())
    async with running(
        settings, clock=clock, holdings=holdings, guide=guide, town=town, voice=voice
    ) as app:
        app.enrolment = Enrolment(
            app.town, app.sessions, NoContracts(), clock, address=settings.address
        )
        chain_id = app.town.collections[0].chain_id
        talk = StubTalk(app.conversation)
        app.conversation = cast("Conversation", talk)
        shop = StubShop(holdings, chain_id) if demo else None
        bots: dict[str, str] = {}
        web = create_web(app, secret=SECRET, demo=shop, bots=bots)
        server = _Server(
            uvicorn.Config(
                web,
                port=port,
                log_config=None,
                access_log=False,
                lifespan="off",
                ws_max_size=MAX_MESSAGE,
            )
        )
        task = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 - uvicorn offers no event
            await asyncio.sleep(0.01)
        try:
            url = f"http://127.0.0.1:{port}"
            yield World(app, url, holdings, clock, talk, shop, chain_id, bots)
        finally:
            server.should_exit = True
            await task


WALLET = """
(() => {
  const provider = {
    request: async ({ method, params }) => {
      const answer = JSON.parse(await window.testWallet(JSON.stringify({ method, params })));
      if (answer.code) throw Object.assign(new Error('refused'), { code: answer.code });
      return answer.result;
    },
  };
  const info = { uuid: 'test-wallet', name: 'Test Wallet', rdns: 'example.wallet',
    icon: 'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg"/>' };
  const announce = () => window.dispatchEvent(new CustomEvent('eip6963:announceProvider',
    { detail: Object.freeze({ info, provider }) }));
  window.addEventListener('eip6963:requestProvider', announce);
})();
"""

Wallet = Callable[[str], Awaitable[str]]


async def give_wallet(page: Page, answer: Wallet) -> None:
    """A wallet in the page that announces itself by EIP-6963 and asks `answer`, in Python."""
    await page.expose_function("testWallet", answer)
    await page.add_init_script(WALLET)
