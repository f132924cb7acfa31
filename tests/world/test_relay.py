"""A line that a test cuts leaves no socket open, which would warn in a later test."""

import asyncio
import gc
import socket
import warnings

import pytest

from tests.world.relay import Relay


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(100):
        writer.write(chunk)
        await writer.drain()
    writer.close()


async def _one_line_that_flows_and_one_that_waits() -> None:
    behind = await asyncio.start_server(_echo, "127.0.0.1", 0)
    async with Relay(*behind.sockets[0].getsockname()) as relay:
        reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
        writer.write(b"here")
        assert await reader.readexactly(4) == b"here"
        relay.stall()
        with socket.create_connection(("127.0.0.1", relay.port)):
            writer.write(b"nothing arrives")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.readexactly(1), 0.05)
            relay.cut()
            await relay.close()
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
    behind.close()
    await asyncio.to_thread(gc.collect)


def test_a_line_that_was_stalled_and_cut_leaves_no_socket_behind() -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", ResourceWarning)
        asyncio.run(_one_line_that_flows_and_one_that_waits())
        gc.collect()
    assert [str(each.message) for each in told] == []
