"""A transcription service on loopback that plays one trap after another."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Form = dict[str, str | bytes]
"""What was sent: the fields, and the recording as `file`."""

Reply = tuple[int, str, bytes | Iterator[bytes]]
"""Status, content type, body; an iterator sends less than was announced."""

ANNOUNCED = 100_000_000  # bytes


@dataclass
class TranscriptionServer:
    """Answers with `text`, after the replies in `traps` are used up."""

    text: str = "秋芳洞の入洞料はいくらですか"
    language: str = "japanese"
    url: str = ""
    traps: list[Callable[[Form], Reply]] = field(default_factory=list)
    requests: list[Form] = field(default_factory=list)

    def answer(self, form: Form) -> Reply:
        self.requests.append(form)
        return self.traps.pop(0)(form) if self.traps else self.faultless(form)

    def faultless(self, form: Form) -> Reply:
        """What OpenAI's interface promises."""
        body: dict[str, object] = {"text": self.text}
        if form.get("response_format") == "verbose_json":
            body |= {"task": "transcribe", "language": self.language, "duration": 2.0}
            body["segments"] = [{"id": 0, "avg_logprob": -0.2, "no_speech_prob": 0.01}]
        return 200, "application/json", json.dumps(body).encode()


def says(body: object, *, status: int = 200) -> Callable[[Form], Reply]:
    """Reply with this as JSON, or as it is if it is bytes."""
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return lambda _: (status, "application/json", sent)


def only_json(form: Form) -> Reply:
    """Refuse every other form of reply, as faster-whisper-server does with text."""
    wanted = form.get("response_format")
    if wanted == "json":
        return 200, "application/json", json.dumps({"text": "Where is the cave?"}).encode()
    return 400, "application/json", json.dumps({"error": {"message": "only json"}}).encode()


def slow(form: Form) -> Reply:
    """Reply too late."""
    time.sleep(1.0)
    return says({"text": str(form["model"])})(form)


@contextmanager
def transcription_server() -> Iterator[TranscriptionServer]:
    played = TranscriptionServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
            sent = self.rfile.read(int(self.headers["Content-Length"]))
            code, kind, body = played.answer(_form(head + sent))
            try:
                self.send_response(code)
                self.send_header("Content-Type", kind)
                size = len(body) if isinstance(body, bytes) else ANNOUNCED
                self.send_header("Content-Length", str(size))
                self.end_headers()
                for each in [body] if isinstance(body, bytes) else body:
                    self.wfile.write(each)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # who asked has given up

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


def _form(message: bytes) -> Form:
    fields: Form = {}
    for part in BytesParser(policy=HTTP).parsebytes(message).iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        held = content if isinstance(content, bytes) else b""
        fields[str(name)] = held if part.get_filename() else held.decode()
        if part.get_filename():
            fields["filename"] = str(part.get_filename())
    return fields
