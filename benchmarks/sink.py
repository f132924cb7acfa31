"""A stand-in for Telegram that costs little: HTTP/1.1 on 127.0.0.1, in a process of its own.

It takes any ``…/sendMessage``, answers as the Bot API does, and notes when each came and for whom.
``POST /set`` forgets these notes and sets what follows as JSON: `latency` in seconds; `per_second`,
from which on it answers 429 for three seconds (0: never). ``GET /seen`` tells what came.
"""

import asyncio
import json
import time
from collections import deque
from typing import Any
from urllib.parse import parse_qs

RETRY_AFTER = 3


class Sink:
    def __init__(self) -> None:
        self.begin({})

    def begin(self, wanted: dict[str, float]) -> None:
        self.latency = wanted.get("latency", 0.0)
        self.per_second = wanted.get("per_second", 0.0)
        self.times: list[float] = []
        self.chats: list[str] = []
        self.refused = 0
        self.in_ban = 0
        self._window: deque[float] = deque()
        self._banned_until = 0.0

    def seen(self) -> dict[str, Any]:
        return {
            "times": self.times,
            "chats": len(set(self.chats)),
            "messages": len(self.chats),
            "refused": self.refused,
            "in_ban": self.in_ban,
        }

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                line, _, rest = head.decode("latin-1").partition("\r\n")
                headers = dict(
                    each.lower().split(": ", 1) for each in rest.splitlines() if ": " in each
                )
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                status, answer = await self._answer(line.split(" ")[1], body, headers)
                content = json.dumps(answer).encode()
                writer.write(
                    f"HTTP/1.1 {status} -\r\ncontent-type: application/json\r\n"
                    f"content-length: {len(content)}\r\n\r\n".encode()
                    + content
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(
        self, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, dict[str, Any]]:
        if path == "/set":
            self.begin(json.loads(body))
            return 200, {}
        if path == "/seen":
            return 200, self.seen()
        if path.endswith("/getMe"):
            me = {"id": 1, "is_bot": True, "first_name": "bench", "username": "bench_bot"}
            return 200, {"ok": True, "result": me}
        now = time.monotonic()
        if self._flooded(now):
            return 429, {
                "ok": False,
                "error_code": 429,
                "description": f"Too Many Requests: retry after {RETRY_AFTER}",
                "parameters": {"retry_after": RETRY_AFTER},
            }
        if "json" in headers.get("content-type", ""):
            chat = str(json.loads(body)["chat_id"])
        else:
            chat = parse_qs(body.decode())["chat_id"][0]
        self.times.append(now)
        self.chats.append(chat)
        number = len(self.chats)
        if self.latency:
            await asyncio.sleep(self.latency)
        place = {"id": int(chat), "type": "private", "first_name": "x"}
        return 200, {
            "ok": True,
            "result": {"message_id": number, "date": 1_795_000_000, "chat": place, "text": "x"},
        }

    def _flooded(self, now: float) -> bool:
        if not self.per_second:
            return False
        if now < self._banned_until:
            self.refused += 1
            self.in_ban += 1
            return True
        while self._window and self._window[0] <= now - 1:
            self._window.popleft()
        if len(self._window) >= self.per_second:
            self._banned_until = now + RETRY_AFTER
            self.refused += 1
            return True
        self._window.append(now)
        return False


async def main() -> None:
    server = await asyncio.start_server(Sink().serve, "127.0.0.1", 0, backlog=2_048)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
