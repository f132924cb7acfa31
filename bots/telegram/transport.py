"""Transport: how python-telegram-bot reaches the Bot API, over aiohttp.

`telegram.request.BaseRequest` is the library's documented extension point; the stock client costs
ten times the CPU a message. Two promises matter to those who deliver:

* `NotSent`: no connection was made, so nothing reached Telegram. Sending again is safe.
* any other `NetworkError`, `TimedOut` among them: the request may have been written, so the message
  is *in doubt*: it may have arrived although its answer did not.

The token is part of every URL, so no error carries aiohttp's own words, which quote the URL.
"""

from functools import lru_cache
from typing import Final
from urllib.parse import quote_plus

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    FormData,
    TCPConnector,
)
from telegram.error import NetworkError, TimedOut
from telegram.request import BaseRequest, RequestData

MAX_JSON_BYTES: Final = 4 * 1024 * 1024
MAX_FILE_BYTES: Final = 50 * 1024 * 1024
MOST_QUOTED: Final = 64

_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}


class NotSent(NetworkError):
    """No connection was made in time: the request certainly did not reach Telegram."""


class AiohttpRequest(BaseRequest):
    """One pool of connections to the Bot API.

    Time-outs are in seconds, None waits without end, and their names are the library's:
    `pool_timeout` and `connect_timeout` bound the way to a connection, `write_timeout` (for uploads
    `media_write_timeout`) and `read_timeout` what follows.
    """

    def __init__(
        self,
        *,
        connection_pool_size: int = 256,
        read_timeout: float | None = 5.0,
        write_timeout: float | None = 5.0,
        connect_timeout: float | None = 5.0,
        pool_timeout: float | None = 1.0,
        media_write_timeout: float | None = 20.0,
        max_json_bytes: int = MAX_JSON_BYTES,
        max_file_bytes: int = MAX_FILE_BYTES,
    ) -> None:
        self._connection_pool_size = connection_pool_size
        self._read_timeout = read_timeout
        self._write_timeout = write_timeout
        self._connect_timeout = connect_timeout
        self._pool_timeout = pool_timeout
        self._media_write_timeout = media_write_timeout
        self._max_json_bytes = max_json_bytes
        self._max_file_bytes = max_file_bytes
        self._session: ClientSession | None = None

    @property
    def read_timeout(self) -> float | None:
        return self._read_timeout

    async def initialize(self) -> None:
        """Open the pool. A second call changes nothing."""
        if self._session is None or self._session.closed:
            self._session = ClientSession(
                connector=TCPConnector(limit=self._connection_pool_size),
                headers={"User-Agent": self.USER_AGENT},
                trust_env=False,
            )

    async def shutdown(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: object = BaseRequest.DEFAULT_NONE,
        write_timeout: object = BaseRequest.DEFAULT_NONE,
        connect_timeout: object = BaseRequest.DEFAULT_NONE,
        pool_timeout: object = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """Send one request. A file is what a GET asks for; every method of the API is a POST.

        Raises `NotSent`, `TimedOut` or `NetworkError`, as the module says.
        """
        if self._session is None:
            raise NotSent("The connection to Telegram is not open")
        uploads = request_data is not None and request_data.contains_files
        timeout = _client_timeout(
            read=_seconds(read_timeout, self._read_timeout),
            write=_seconds(
                write_timeout, self._media_write_timeout if uploads else self._write_timeout
            ),
            connect=_seconds(connect_timeout, self._connect_timeout),
            pool=_seconds(pool_timeout, self._pool_timeout),
            bound_whole=method == "POST",
        )
        body = _body(request_data)
        limit = self._max_json_bytes if method == "POST" else self._max_file_bytes
        try:
            async with self._session.request(
                method,
                url,
                data=body,
                headers=_FORM if isinstance(body, bytes) else None,
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                return response.status, await _read_at_most(response, limit)
        except (ClientConnectorError, ConnectionTimeoutError) as error:
            raise NotSent(f"No connection to Telegram ({type(error).__name__})") from None
        except TimeoutError:
            raise TimedOut(
                "No answer from Telegram in time; the request may have arrived"
            ) from None
        except ClientError as error:
            raise NetworkError(
                f"The connection to Telegram broke ({type(error).__name__}); "
                "the request may have arrived"
            ) from None


def _seconds(given: object, default: float | None) -> float | None:
    if given is BaseRequest.DEFAULT_NONE:
        return default
    return float(given) if isinstance(given, int | float) else None


def _client_timeout(
    *,
    read: float | None,
    write: float | None,
    connect: float | None,
    pool: float | None,
    bound_whole: bool,
) -> ClientTimeout:
    """Map the library's four time-outs to aiohttp's.

    aiohttp has none for writing: a POST is bounded as a whole by the sum of all four. A download is
    not, since its time grows with the file: there, `read` bounds each wait for more of it.
    """
    return ClientTimeout(
        total=_sum(pool, connect, write, read) if bound_whole else None,
        connect=_sum(pool, connect),
        sock_connect=connect,
        sock_read=read,
    )


def _sum(*seconds: float | None) -> float | None:
    """Add time-outs up; one that waits without end makes the sum do so."""
    known = [each for each in seconds if each is not None]
    return sum(known) if len(known) == len(seconds) else None


def _body(request_data: RequestData | None) -> FormData | bytes | None:
    if request_data is None:
        return None
    if not request_data.contains_files:
        given = request_data.json_parameters.items()
        return "&".join(f"{name}={_quoted(value)}" for name, value in given).encode("ascii")
    form = FormData(quote_fields=False)  # Telegram takes file names as UTF-8, unquoted
    for name, value in request_data.json_parameters.items():
        form.add_field(name, value)
    for name, (filename, content, media_type) in request_data.multipart_data.items():
        shown = "".join(each for each in filename if each.isprintable())
        form.add_field(name, content, filename=shown, content_type=media_type)
    return form


@lru_cache(MOST_QUOTED)
def _quoted(value: str) -> str:
    """As a value of a form. What is announced goes to thousands in the same words."""
    return quote_plus(value)


async def _read_at_most(response: ClientResponse, limit: int) -> bytes:
    """Read the answer. Raises `NetworkError` as soon as it grows past `limit` bytes."""
    parts = bytearray()
    async for part in response.content.iter_any():
        parts += part
        if len(parts) > limit:
            response.close()
            raise NetworkError(f"Telegram's answer is larger than {limit} bytes")
    return bytes(parts)
