"""web3's JSON-RPC provider over a session of ours, with limits on the size and time of answers.

Pages of logs are read as plain JSON, at some µs a log; what web3 makes of each (attribute
dictionaries, ``process_log``) would take 300. ``AsyncWeb3(BoundedProvider(…))`` works too, under
the same limits.
"""

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final, cast

import aiohttp
from web3.providers.async_base import AsyncJSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from core.chain.faults import (
    MAX_ANSWER_BYTES,
    Broken,
    RateLimited,
    Stalled,
    TooLarge,
    fault_of,
)

# Where py-evm is installed, importing web3 raises this to 100,000, and then nested brackets from
# outside (an endpoint's answer, a visitor's JSON) overflow the C stack and end the process.
sys.setrecursionlimit(min(sys.getrecursionlimit(), 3_000))

TIMEOUT: Final = timedelta(seconds=10)
OK, TOO_MANY_REQUESTS, UNAVAILABLE = 200, 429, 503


class BoundedProvider(AsyncJSONBaseProvider):
    """Asks one endpoint; knows neither budgets nor rests, which are `Endpoint`'s."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        super().__init__()
        self._url, self._session = url, session

    async def ask(self, method: str, params: Sequence[object], *, limit: int) -> object:
        """The ``result``, of at most `limit` bytes. Raises `NoAnswer` of the kind that it was."""
        question = self.form_request(RPCEndpoint(method), list(params))
        try:
            async with self._session.post(
                self._url,
                data=self.encode_rpc_dict(question),
                headers={"Content-Type": "application/json"},
                timeout=aiohttp.ClientTimeout(total=TIMEOUT.total_seconds()),
                allow_redirects=False,
            ) as response:
                body = await _read(response, limit)
                status, retry_after = response.status, response.headers.get("Retry-After")
        except (TimeoutError, aiohttp.ClientPayloadError) as error:
            raise Stalled(type(error).__name__) from error
        except (aiohttp.ClientError, OSError) as error:
            raise Broken(type(error).__name__) from error
        return _result(body, question["id"], status, retry_after)

    async def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """For web3 itself. Raises `NoAnswer`."""
        result = await self.ask(method, params, limit=MAX_ANSWER_BYTES)
        return cast("RPCResponse", {"jsonrpc": "2.0", "id": 0, "result": result})


async def _read(response: aiohttp.ClientResponse, limit: int) -> bytearray:
    body = bytearray()
    async for chunk in response.content.iter_chunked(65_536):
        body += chunk
        if len(body) > limit:
            raise TooLarge("the answer is too large")
    return body


def _result(body: bytearray, number: object, status: int, retry_after: str | None) -> object:
    if status == TOO_MANY_REQUESTS or (status == UNAVAILABLE and retry_after):
        raise RateLimited(_seconds(retry_after))
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        if status != OK:
            raise Broken(f"HTTP {status}") from error
        raise Stalled("not JSON, or broken off") from error
    if isinstance(answer, dict) and answer.get("error") is not None:
        raise fault_of(answer["error"])
    if status != OK:
        raise Broken(f"HTTP {status}")
    if not isinstance(answer, dict) or "result" not in answer or answer.get("id") != number:
        raise Broken("not a JSON-RPC answer")
    return answer["result"]


def _seconds(retry_after: str | None) -> float | None:
    """RFC 9110, section 10.2.3: seconds or a date."""
    if retry_after is None:
        return None
    digits = retry_after.strip()
    if digits.isascii() and digits.isdigit():
        return float(digits)
    try:
        date = parsedate_to_datetime(retry_after)
    except (TypeError, ValueError, OverflowError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - datetime.now(UTC)).total_seconds())
