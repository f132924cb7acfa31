"""What a Bot API request and its refusal look like.

* https://core.telegram.org/bots/api#making-requests: query string, urlencoded, JSON or multipart
* The wording of refusals is that of ``tdlib/telegram-bot-api`` and of the servers behind it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

MAX_TEXT = 4096
MAX_CAPTION = 1024
MAX_CALLBACK_DATA_BYTES = 64
MAX_UPLOAD_BYTES = 50 * 1024 * 1024
MAX_PHOTO_BYTES = 10 * 1024 * 1024
MAX_DOWNLOAD_BYTES = 20 * 1024 * 1024


class ApiError(Exception):
    """A refusal, as the Bot API words it; `parameters` is its `ResponseParameters`."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters

    def json(self) -> Json:
        answer: Json = {"ok": False, "error_code": self.code, "description": self.description}
        return {**answer, "parameters": self.parameters} if self.parameters else answer


def bad_request(reason: str, **parameters: int) -> ApiError:
    return ApiError(400, f"Bad Request: {reason}", **parameters)


def forbidden(reason: str) -> ApiError:
    return ApiError(403, f"Forbidden: {reason}")


def conflict(reason: str) -> ApiError:
    return ApiError(409, f"Conflict: {reason}")


def too_many_requests(retry_after: int) -> ApiError:
    return ApiError(429, f"Too Many Requests: retry after {retry_after}", retry_after=retry_after)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file part of a multipart request."""

    name: str
    content: bytes
    media_type: str

    def __repr__(self) -> str:
        return f"Upload({self.name!r}, {len(self.content)} bytes, {self.media_type!r})"


class Params:
    """The parameters of one request, read the way the Bot API reads them: leniently typed."""

    def __init__(
        self, values: Mapping[str, Any], uploads: Mapping[str, Upload] | None = None
    ) -> None:
        self.values = dict(values)
        self.uploads = dict(uploads or {})

    def __repr__(self) -> str:
        return f"Params({self.values!r}, {self.uploads!r})"

    def has(self, name: str) -> bool:
        return self.values.get(name) not in {None, ""}

    def text(self, name: str) -> str:
        """Return a parameter as text, empty when it is missing."""
        value = self.values.get(name)
        if value is None:
            return ""
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    def integer(self, name: str, default: int = 0) -> int:
        text = self.text(name)
        try:
            return int(text) if text else default
        except ValueError:
            raise bad_request(f"invalid {name} specified") from None

    def boolean(self, name: str) -> bool:
        return self.text(name).lower() in {"true", "yes", "1"}

    def object(self, name: str, expected: str) -> Json | None:
        """Return a JSON object, None when missing; `expected` is how a refusal names it."""
        value = self._parsed(name, expected)
        if value is not None and not isinstance(value, dict):
            raise bad_request(f"{expected} must be an object")
        return value

    def array(self, name: str, expected: str) -> list[Any] | None:
        value = self._parsed(name, expected)
        if value is not None and not isinstance(value, list):
            raise bad_request(f"{expected} must be an array")
        return value

    def _parsed(self, name: str, expected: str) -> Any:
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise bad_request(f"can't parse {expected} JSON object") from None
