"""A speech server of the OpenAI interface, with the traps of those that towns run."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

from knowledge.voice.codec import AvCodec
from knowledge.voice.port import SPEAKING_RATE, Clip, Container

_CONTAINERS = {"opus": Container.OGG_OPUS, "wav": Container.WAV}


@dataclass
class SpeechServer:
    """What it was asked, and how it misbehaves."""

    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    refuses: dict[str, int] = field(default_factory=dict)  # status by format
    body: bytes | None = None  # sent instead of sound
    seconds: float = 1.0  # of sound
    closing: threading.Event | None = None  # answers only after it is set
    breaks: bool = False  # in the middle of a sound
    stalls: threading.Event | None = None  # in the middle of a sound, until it is set
    drips: float | None = None  # seconds between two bytes of a sound

    def answer(self, asked: dict[str, Any]) -> tuple[int, bytes]:
        self.asked.append(asked)
        if self.closing is not None:
            self.closing.wait(20)
        wanted = asked["response_format"]
        if status := self.refuses.get(wanted):
            return status, json.dumps({"error": {"message": asked["input"]}}).encode()
        if self.body is not None:
            return 200, self.body
        time = np.arange(int(SPEAKING_RATE * self.seconds)) / SPEAKING_RATE
        clip = Clip((0.4 * np.sin(2 * np.pi * 300 * time)).astype(np.float32), SPEAKING_RATE)
        return 200, AvCodec().encode(clip, _CONTAINERS[wanted])

    @property
    def said(self) -> list[str]:
        return [str(each["input"]) for each in self.asked]


@contextmanager
def serving(server: SpeechServer) -> Iterator[SpeechServer]:
    """Serve on 127.0.0.1 for as long as the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            server.keys.append(self.headers["Authorization"])
            status, body = server.answer(json.loads(self.rfile.read(length)))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            try:
                self.send_body(body)
            except OSError:  # nobody is listening any more
                self.close_connection = True

        def send_body(self, body: bytes) -> None:
            half = len(body) // 2 if server.breaks or server.stalls else len(body)
            if server.drips is not None:
                pause = threading.Event()
                for each in body:
                    self.wfile.write(bytes([each]))
                    self.wfile.flush()
                    pause.wait(server.drips)
                return
            self.wfile.write(body[:half])
            self.wfile.flush()
            if server.stalls is not None:
                server.stalls.wait(20)
            if half < len(body):
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Keep tests quiet."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{http.server_port}/v1"
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
