"""The log tells what happens and nothing of anybody: also where something goes wrong."""

import asyncio
import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest
from eth_account import Account
from pydantic import SecretStr
from sqlalchemy import insert

from bots.conversation import Incoming
from bots.operations import logs
from bots.operations.logs import HIDDEN, blotted, log_to, secrets_of
from core.database import transaction
from core.errors import RecordsUnavailable
from core.settings import Settings
from core.tables import AccountRow
from tests.bots.web.stage import World

WALLET = Account.from_key("0x" + "7" * 64)
BOT = "987654321:AAE-canaryBotToken_abcdefghijklmnop"
CANARIES = (
    "カナリアの質問",
    "CanaryName",
    "canary-order-4711",
    "canary@example.jp",
    "canaryToken0123456789abcdefABCDEF0123456789",
    "canaryPassw0rd",
    BOT,
    WALLET.address,
    WALLET.address.lower()[2:],
)


class Log:
    """What was written, until now."""

    def __init__(self, form: str) -> None:
        self.stream = io.StringIO()
        self.form = form

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    def event(self, name: str) -> dict[str, Any]:
        return next(line for line in self.lines if line["event"] == name)

    def tells_nothing(self) -> None:
        for canary in CANARIES:
            assert canary not in self.text, canary


@pytest.fixture
def _as_it_was() -> Iterator[None]:
    """The logging of the tests themselves, afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in (*logs.QUIET, *logs.NO_DEBUG)}
    hooks = sys.excepthook, threading.excepthook
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:], sys.excepthook, threading.excepthook = handlers, *hooks
    root.setLevel(level)
    for name, each in levels.items():
        logging.getLogger(name).setLevel(each)


@pytest.fixture(params=["json", "text"])
def log(request: pytest.FixtureRequest, _as_it_was: None) -> Log:
    """The log at its most talkative."""
    made = Log(request.param)
    log_to(
        logging.StreamHandler(made.stream),
        "DEBUG",
        form=made.form,
        worker="b",
        hidden=("canaryPassw0rd",),
    )
    return made


@pytest.fixture
def json_log(_as_it_was: None) -> Log:
    made = Log("json")
    log_to(logging.StreamHandler(made.stream), "INFO", form="json", worker="b")
    return made


def failing(text: str) -> None:
    raise ValueError(text)


async def a_day_on_the_web(world: World) -> None:
    """Somebody asks, follows links, signs nonsense; the mascot breaks."""
    async with world.visitor("ja") as visitor:
        await visitor.get("/")
        await visitor.get(f"/verify/{CANARIES[4]}")
        await visitor.get(f"/console/enter?token={CANARIES[4]}")
        await visitor.get(f"/join?code={CANARIES[2]}")
        await visitor.get(f"/{CANARIES[0]}?q={CANARIES[3]}")
    async with aiohttp.ClientSession() as raw:
        await raw.post(f"{world.url}/ask", data={"question": CANARIES[0], "csrf": CANARIES[4]})
        await raw.post(f"{world.url}/verify/x/proof", json={"signature": CANARIES[4]})


async def a_day_in_chat(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody asks and shows a wallet on Telegram; then everything breaks, with their words."""
    talk = world.talk._real
    said: dict[str, Any] = {"account": "4711", "name": CANARIES[1], "language": "ja"}
    for number, more in enumerate(
        (
            {"command": "start"},
            {"command": "mydata"},
            {"command": "join"},
            {"command": "ask", "text": CANARIES[0]},
            {"text": f"{CANARIES[0]} {WALLET.address} {CANARIES[3]}"},
            {"action": f"ask:{CANARIES[4]}"},
        )
    ):
        await talk.handle(Incoming("telegram", **{**said, **more, "update": str(number)}))

    async def broken(*_: object) -> None:
        failing(f"{CANARIES[0]} of {CANARIES[1]} with {WALLET.address}")

    monkeypatch.setattr(talk, "_dispatch", broken)
    reply = await talk.handle(Incoming("telegram", **said, text=CANARIES[0], update="99"))
    assert reply is not None
    assert reply.failed


async def the_libraries(world: World) -> None:
    """What the libraries log by themselves, with values of ours in it."""
    for name in ("telegram.ext.Application", "discord.gateway", "web3.manager", "dbos", "httpx"):
        library = logging.getLogger(name)
        library.warning("could not reach %s for %s", f"https://x.example/bot{BOT}/a", CANARIES[1])
        library.error(f"POST https://x.example/bot{BOT}/sendMessage {WALLET.address}")
    try:
        async with aiohttp.ClientSession() as session:
            await session.get(f"http://127.0.0.1:1/bot{BOT}/getMe?{CANARIES[2]}")
    except aiohttp.ClientError:
        logging.getLogger("telegram.ext").exception("No error handlers are registered")
    row = {"member_id": 1, "platform": "web", "external_id": CANARIES[1], "reachable": True}
    try:
        async with transaction(world.app.sessions) as session:
            await session.execute(insert(AccountRow), [{**row, "created_at": world.clock()}] * 2)
    except Exception:  # whichever of its errors it is
        logging.getLogger("sqlalchemy.engine").exception("statement failed")
    task = asyncio.get_running_loop().create_task(_lost())
    await asyncio.wait({task})
    asyncio.get_running_loop().call_exception_handler(
        {"message": "Task exception was never retrieved", "exception": task.exception()}
    )
    warnings.warn(f"deprecated: {CANARIES[0]}", stacklevel=1)


async def _lost() -> None:
    failing(f"{CANARIES[0]} https://rpc.example/v2/{CANARIES[4]}")


async def our_own_mistakes() -> None:
    """An event whose fields somebody filled with too much."""
    ours = logging.getLogger("bots.telegram.adapter")
    ours.warning(
        "door-closed",
        extra={
            "reason": f"https://rpc.example/v2/{CANARIES[4]} said no",
            "token": BOT,
            "wallet": WALLET.address,
            "by": CANARIES[3],
            "database": "could not log in with canaryPassw0rd",
        },
    )
    try:
        try:
            failing(CANARIES[0])
        except ValueError as error:
            raise RecordsUnavailable("ValueError") from error
    except RecordsUnavailable:
        ours.exception("door-broke")
    try:
        raise ExceptionGroup(CANARIES[1], [ValueError(CANARIES[2]), KeyError(CANARIES[0])])
    except ExceptionGroup:
        ours.exception("group-broke")
    thread = threading.Thread(target=failing, args=(CANARIES[0],))
    thread.start()
    thread.join()


@pytest.mark.filterwarnings("always")
async def test_a_busy_day_with_everything_going_wrong_tells_nothing_of_anybody(
    world: World, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    await a_day_on_the_web(world)
    await a_day_in_chat(world, monkeypatch)
    await the_libraries(world)
    await our_own_mistakes()
    sys.excepthook(ValueError, ValueError(CANARIES[0]), None)
    log.tells_nothing()
    for told in ("conversation-failed", "door-broke", "thread-crashed", "crashed", "ValueError"):
        assert told in log.text, told
    if log.form == "json":
        assert all({"at", "level", "logger", "event", "worker"} <= set(each) for each in log.lines)


async def test_a_line_says_which_worker_request_and_platform(world: World, json_log: Log) -> None:
    class Told(Exception):
        pass

    async def broken(*_: object) -> None:
        raise Told

    talk: Any = world.talk._real
    talk._dispatch = broken
    await talk.handle(Incoming("discord", "1", "a", text="x", update="1"))
    first = json_log.event("conversation-failed")
    assert first["worker"] == "b"
    assert first["platform"] == "discord"
    assert first["level"] == "error"
    assert first["errors"][0]["type"].endswith("Told")
    assert any("core.py" in place for place in first["errors"][0]["at"])
    assert len(first["request"]) == 8


async def test_a_page_that_failed_can_be_found_in_the_log(world: World, json_log: Log) -> None:
    world.talk.heard.clear()
    async with aiohttp.ClientSession() as session, session.get(f"{world.url}/") as response:
        number = response.headers["X-Request-Id"]
        logging.getLogger("bots").info("after")
    assert len(number) == 8
    assert all(line.get("request") in {None, number} for line in json_log.lines)


def test_an_event_is_one_line_whatever_stands_in_it(json_log: Log) -> None:
    logging.getLogger("bots.x").warning("two\nlines", extra={"reason": "a\nb\r\nc", "count": 3})
    (line,) = json_log.lines
    assert line["event"] == "two"
    assert line["reason"] == "a b c"
    assert line["count"] == 3


def test_a_field_cannot_take_the_place_of_what_every_line_says(json_log: Log) -> None:
    extra = {"event": "forged", "worker": "other", "at": "never", "level": "none"}
    logging.getLogger("bots.x").warning("real", extra=extra)
    (line,) = json_log.lines
    assert (line["event"], line["worker"], line["level"]) == ("real", "b", "warning")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("see https://rpc.example/v2/KEY?x=1 now", "see https://[…] now"),
        ("postgresql+asyncpg://kankei:secret@db/kankei", "postgresql+asyncpg://[…]"),
        ("0x" + "ab" * 20, HIDDEN),
        ("tell hanako@example.jp", f"tell {HIDDEN}"),
        ("the link /verify/abc123XYZ is old", f"the link {HIDDEN} is old"),
        ("GET /calendar/short.ics", f"GET {HIDDEN}"),
        ("/prove/short/code", HIDDEN),
        ("key " + "aBcDefghIjklmnoPqrstuvwXyzabcdefGhijklmno-_", f"key {HIDDEN}"),
        ("a-job-with-a-long-and-telling-name-of-many-words", None),
        ("chain 137: no complete answer", "chain 137: no complete answer"),
        ("job recheck-everybody took 00:00:12", "job recheck-everybody took 00:00:12"),
    ],
)
def test_what_could_be_somebodys_is_blotted_out_and_the_rest_stays(
    text: str, kept: str | None
) -> None:
    assert blotted(text) == (kept or text)


def test_every_secret_of_the_settings_is_known_to_the_log() -> None:
    settings = Settings(
        _env_file=None,
        telegram_token=SecretStr("telegram-secret"),
        discord_token=SecretStr("discord-secret"),
        openai_api_key=SecretStr("openai-secret"),
        database_url="postgresql+asyncpg://kankei:database-secret@127.0.0.1/kankei",
        chain_endpoints={137: ("https://rpc.example/rpc-secret",)},
    )
    found = secrets_of(settings)
    for each in ("telegram", "discord", "openai", "database", "rpc"):
        assert any(f"{each}-secret" in known for known in found), each
