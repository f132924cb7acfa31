"""Requests as HTTP brings them, and refusals as it takes them back.

https://core.telegram.org/bots/api#making-requests: query string, urlencoded, JSON or multipart.
"""

import json
from typing import Any

from aiohttp import BodyPartReader, web

from tests.telegram_server.api import (
    MAX_UPLOAD_BYTES,
    ApiError,
    Params,
    Upload,
    bad_request,
)

MAX_REQUEST_BYTES = MAX_UPLOAD_BYTES + 1024 * 1024


def answer_error(error: ApiError) -> web.Response:
    return web.json_response(error.json(), status=error.code)


async def read_params(http: web.Request) -> Params:
    """Read a request's parameters in any of the four ways. Raises `ApiError`."""
    values: dict[str, Any] = dict(http.query)
    uploads: dict[str, Upload] = {}
    try:
        if http.content_type == "application/json":
            body = json.loads(await http.text() or "{}")
            if not isinstance(body, dict):
                raise bad_request("can't parse JSON object")
            values |= body
        elif http.content_type == "multipart/form-data":
            await _read_multipart(http, values, uploads)
        else:
            values |= dict(await http.post())
    except web.HTTPRequestEntityTooLarge:
        raise ApiError(413, "Request Entity Too Large") from None
    except ValueError:
        raise bad_request("can't parse the request") from None
    return Params(values, uploads)


async def _read_multipart(
    http: web.Request, values: dict[str, Any], uploads: dict[str, Upload]
) -> None:
    left = MAX_REQUEST_BYTES
    async for part in await http.multipart():
        if not isinstance(part, BodyPartReader) or part.name is None:
            continue
        content = bytearray()
        while chunk := await part.read_chunk(64 * 1024):
            content += chunk
            left -= len(chunk)
            if left < 0:
                raise ApiError(413, "Request Entity Too Large")
        if part.filename is None:
            values[part.name] = content.decode()
        else:
            media_type = part.headers.get("Content-Type", "application/octet-stream")
            uploads[part.name] = Upload(part.filename, bytes(content), media_type)
