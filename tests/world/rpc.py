"""A JSON-RPC endpoint that can lie, stall, drown, refuse and contradict."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from aiohttp import ClientSession, web

Answer = Callable[[dict[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class LogLimit:
    """How an endpoint of the field limits ``eth_getLogs``, in its own words.

    `words` may use ``{asked}``, ``{blocks}``, ``{results}``, ``{first}`` and ``{last}`` (hex bounds
    of a range that would do).
    """

    blocks: int | None = None
    results: int | None = None
    code: int = -32000
    status: int = 200
    words: str = "block range is too wide"
    silent: bool = False
    """Cut the list off at `results` and say nothing."""


QUICKNODE_FREE = LogLimit(
    blocks=5, code=-32614, status=413, words="eth_getLogs is limited to a 5 range"
)
QUICKNODE = LogLimit(
    blocks=10_000, code=-32614, status=413, words="eth_getLogs is limited to a 10,000 range"
)
ONE_RPC = LogLimit(blocks=50, words="eth_getLogs is limited to 0 - 50 blocks range")
MERKLE = LogLimit(blocks=1_000, words="exceed maximum block range: 1000, requested {asked} blocks")
TENDERLY = LogLimit(
    blocks=2_000, code=-32602, words="range {asked} is bigger than range limit 2000"
)
CHAINSTACK = LogLimit(blocks=2_000, words="Block range limit exceeded. See the documentation.")
MORPH = LogLimit(
    blocks=5_000,
    words="block range is larger than max block range, block range = {asked}, "
    "max block range = 5000",
)
INFURA = LogLimit(
    results=10_000,
    code=-32005,
    words="query returned more than 10000 results. Try with this block range [{first}, {last}].",
)
ALCHEMY = LogLimit(
    results=10_000,
    code=-32602,
    words="Log response size exceeded. You can make eth_getLogs requests with up to a 2K block "
    "range and no limit on the response size, or you can request any block range with a cap of "
    "10K logs in the response. Based on your parameters and the response size limit, this block "
    "range should work: [{first}, {last}]",
)
DRPC = LogLimit(
    blocks=10_000, code=35, words="ranges over 10000 blocks are not supported on freetier"
)
FIELD = {
    "QuickNode free": QUICKNODE_FREE,
    "QuickNode": QUICKNODE,
    "1RPC": ONE_RPC,
    "Merkle": MERKLE,
    "Tenderly": TENDERLY,
    "Chainstack": CHAINSTACK,
    "Morph": MORPH,
    "Infura": INFURA,
    "Alchemy": ALCHEMY,
    "dRPC": DRPC,
}
"""Error texts as users of these services have published them."""


class Rpc:
    """Passes questions on to a real node, unless told to misbehave."""

    def __init__(self, node: str) -> None:
        self._node = node
        self.url = ""
        self.asked: list[str] = []
        self._release = asyncio.Event()
        self.behave()

    def behave(self) -> None:
        """Pass everything on, as at the beginning; whoever was kept waiting gets an answer."""
        self._release.set()
        self.override: dict[str, Any] = {}  # method → result, or a callable on the question
        self.errors: dict[str, dict[str, Any]] = {}  # method → JSON-RPC error
        self.body: bytes | None = None  # sent instead of anything
        self.status = 200
        self.headers: dict[str, str] = {}
        self.stalled = False
        self.stalls_on: str | None = None  # one method alone
        self.delay = 0.0  # seconds before each answer
        self.flood = 0  # bytes of nonsense
        self.truncate: int | None = None  # bytes after which an answer breaks off
        self.limit: LogLimit | None = None
        self.largest_call: int | None = None  # hex digits of data that it executes
        self.frozen: Any = None  # what it says of the finalized block for ever
        self._release = asyncio.Event()

    @property
    def counts(self) -> Mapping[str, int]:
        """How often each method was asked."""
        return Counter(self.asked)

    def serve(self, node: str) -> None:
        """Answer for another chain from now on."""
        self._node = node

    async def freeze(self) -> None:
        """Show this moment's finalized block for ever."""
        question = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "eth_getBlockByNumber",
            "params": ["finalized", False],
        }
        self.frozen = (await self._forward(question))["result"]

    def limit_rate(self, *, retry_after: int | None = None) -> None:
        """Say 429 to everything."""
        self.status, self.body = 429, b"too many requests"
        self.headers = {} if retry_after is None else {"Retry-After": str(retry_after)}

    async def __aenter__(self) -> Self:
        self._client = ClientSession()
        application = web.Application(client_max_size=4_000_000)
        application.router.add_post("/", self._answer)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}/"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._release.set()
        await self._runner.cleanup()
        await self._client.close()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        question = await request.json()
        self.asked.append(question["method"])
        if self.stalled or question["method"] == self.stalls_on:
            await self._release.wait()
        if self.delay:
            await asyncio.sleep(self.delay)
        if self.flood:
            return await self._drown(request)
        if self.body is not None or self.status != 200:
            return web.Response(body=self.body or b"", status=self.status, headers=self.headers)
        answer, status = await self._compose(question)
        if self.truncate is not None:
            return await self._break_off(request, answer)
        return web.json_response(answer, status=status)

    async def _compose(self, question: dict[str, Any]) -> tuple[dict[str, Any], int]:
        method = question["method"]
        head = {"jsonrpc": "2.0", "id": question["id"]}
        if method in self.errors:
            return head | {"error": self.errors[method]}, 200
        if self.frozen is not None and question["params"][:1] == ["finalized"]:
            return head | {"result": self.frozen}, 200
        answer = await self._answer_to(question, head)
        if method == "eth_getLogs" and self.limit is not None and "result" in answer:
            return self._limited(head, question["params"][0], answer["result"], self.limit)
        return answer, 200

    async def _answer_to(self, question: dict[str, Any], head: dict[str, Any]) -> dict[str, Any]:
        method = question["method"]
        if method in self.override:
            result = self.override[method]
            return head | {"result": result(question) if callable(result) else result}
        if method == "eth_call" and len(question["params"][0]["data"]) > (self.largest_call or 1e9):
            return head | {"error": {"code": -32000, "message": "out of gas"}}
        return dict(await self._forward(question))

    def _limited(
        self, head: dict[str, Any], asked: dict[str, Any], logs: list[Any], limit: LogLimit
    ) -> tuple[dict[str, Any], int]:
        first, last = int(asked["fromBlock"], 16), int(asked["toBlock"], 16)
        blocks = last - first + 1
        if not isinstance(logs, list):
            return head | {"result": logs}, 200
        if limit.results is not None and len(logs) > limit.results:
            if limit.silent:
                return head | {"result": logs[: limit.results]}, 200
            fits = max(first, int(logs[limit.results]["blockNumber"], 16) - 1)
        elif limit.blocks is not None and blocks > limit.blocks:
            fits = first + limit.blocks - 1
        else:
            return head | {"result": logs}, 200
        words = limit.words.format(asked=blocks, first=hex(first), last=hex(fits))
        return head | {"error": {"code": limit.code, "message": words}}, limit.status

    async def _forward(self, question: dict[str, Any]) -> Any:
        async with self._client.post(self._node, json=question) as answer:
            return await answer.json()

    async def _break_off(self, request: web.Request, answer: object) -> web.StreamResponse:
        """Promise the whole and close the connection in the middle."""
        body = web.json_response(answer).body
        assert isinstance(body, bytes)
        response = web.StreamResponse(headers={"Content-Length": str(len(body))})
        await response.prepare(request)
        await response.write(body[: self.truncate])
        assert request.transport is not None
        request.transport.close()
        return response

    async def _drown(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            for _ in range(self.flood // 65_536):
                await response.write(b"0" * 65_536)
        except ConnectionError:
            self.flood_stopped = True
        return response
