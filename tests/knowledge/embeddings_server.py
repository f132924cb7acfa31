"""An embeddings endpoint on loopback that plays one trap after another."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from knowledge.testing import FakeEncoder

Reply = tuple[int, dict[str, str], object]
"""Status, headers, and what is sent as JSON."""


@dataclass
class EmbeddingsServer:
    """Answers with character-pair vectors, after the replies in `traps` are used up."""

    dimension: int = 64
    url: str = ""
    traps: list[Callable[[dict[str, Any]], Reply]] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    def answer(self, asked: dict[str, Any]) -> Reply:
        self.requests.append(asked)
        if self.traps:
            return self.traps.pop(0)(asked)
        return 200, {}, self.body(asked)

    def body(self, asked: dict[str, Any], dimension: int | None = None) -> dict[str, Any]:
        """What a faultless endpoint sends."""
        dimension = dimension or asked.get("dimensions") or self.dimension
        rows = FakeEncoder(dimension=dimension).passages(asked["input"])
        as_base64 = asked.get("encoding_format") == "base64"
        return {
            "object": "list",
            "model": asked["model"],
            "data": [
                {
                    "object": "embedding",
                    "index": number,
                    "embedding": base64.b64encode(row.astype("<f4").tobytes()).decode()
                    if as_base64
                    else row.tolist(),
                }
                for number, row in enumerate(rows)
            ],
            "usage": {"prompt_tokens": 1, "total_tokens": 1},
        }


def status(code: int, **headers: str) -> Callable[[dict[str, Any]], Reply]:
    """Reply with an error."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: (code, named, {"error": {"message": "no", "type": "trap"}})


@contextmanager
def embeddings_server(dimension: int = 64) -> Iterator[EmbeddingsServer]:
    played = EmbeddingsServer(dimension)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            asked = json.loads(self.rfile.read(length))
            played.keys.append(self.headers.get("Authorization", ""))
            code, headers, body = played.answer(asked)
            sent = json.dumps(body).encode()
            self.send_response(code)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    played.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield played
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
