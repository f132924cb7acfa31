"""A TCP line on 127.0.0.1 that can fall silent or be cut, and that leaves no socket behind.

`asyncio.Server.wait_closed` waits for no connection on Python 3.11: a line that is still open when
its loop closes is collected much later and warns in a test that never saw it. So every connection
belongs to a task of ours, and `close` returns when the last socket is closed.
"""

import asyncio
import contextlib
from types import TracebackType
from typing import Final, Self

CHUNK: Final = 64 * 1024


class Relay:
    """Passes bytes between whoever connects here and one server."""

    def __init__(self, host: str | None, port: int | None) -> None:
        self._there = (host or "127.0.0.1", port)
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def port(self) -> int:
        if self._server is None:
            raise RuntimeError("not started")
        return int(self._server.sockets[0].getsockname()[1])

    def stall(self) -> None:
        """Nothing passes any more; connections stay open, new ones too."""
        self._flowing.clear()

    def flow(self) -> None:
        self._flowing.set()

    def cut(self) -> None:
        """Break every connection: a commit that was just sent may have happened or not."""
        for writer in self._writers:
            writer.transport.abort()

    def shut(self) -> None:
        """Break every connection, and take no other."""
        if self._server is not None:
            self._server.close()
        self.cut()

    async def close(self) -> None:
        """Shut, and wait until no socket is open."""
        self.shut()
        lines = tuple(self._lines)
        for each in lines:
            each.cancel()
        await asyncio.gather(*lines, return_exceptions=True)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = asyncio.create_task(self._carry(reader, writer))
        self._lines.add(line)
        line.add_done_callback(self._lines.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection and its counterpart, until either side ends."""
        ends = [writer]
        self._writers.add(writer)
        try:
            await self._flowing.wait()
            there, back = await asyncio.open_connection(*self._there)
            ends.append(back)
            self._writers.add(back)
            await asyncio.gather(self._pass(reader, back), self._pass(there, writer))
        except OSError:
            return  # the server is away, and so is this connection
        finally:
            self._writers.difference_update(ends)
            for each in ends:
                each.transport.abort()
                with contextlib.suppress(OSError):
                    await each.wait_closed()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(CHUNK):
                await self._flowing.wait()
                writer.write(chunk)
                await writer.drain()
        writer.close()
