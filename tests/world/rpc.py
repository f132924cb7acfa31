"""A JSON-RPC endpoint that can lie, stall, drown and contradict."""

import asyncio
from collections.abc import Callable
from typing import Any, Self

from aiohttp import ClientSession, web

Answer = Callable[[dict[str, Any]], Any]


class Rpc:
    """Passes questions on to a real node, unless told to misbehave."""

    def __init__(self, node: str) -> None:
        self._node = node
        self.url = ""
        self.asked: list[str] = []
        self.override: dict[str, Any] = {}  # method → result, or a callable on the question
        self.body: bytes | None = None  # sent instead of anything
        self.status = 200
        self.stalled = False
        self.flood = 0  # bytes of nonsense
        self._release = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._client = ClientSession()
        application = web.Application()
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
        if self.stalled:
            await self._release.wait()
        if self.flood:
            return await self._drown(request)
        if self.body is not None or self.status != 200:
            return web.Response(body=self.body or b"", status=self.status)
        if question["method"] in self.override:
            result = self.override[question["method"]]
            if callable(result):
                result = result(question)
            return web.json_response({"jsonrpc": "2.0", "id": question["id"], "result": result})
        async with self._client.post(self._node, json=question) as answer:
            return web.json_response(await answer.json())

    async def _drown(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            for _ in range(self.flood // 65_536):
                await response.write(b"0" * 65_536)
        except ConnectionError:
            self.flood_stopped = True
        return response
