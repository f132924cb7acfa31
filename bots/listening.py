"""Sockets that pages and monitoring are served on."""

import contextlib
import errno
import socket
from collections.abc import Iterator

import uvicorn

from core.errors import KankeiError


class PortTaken(KankeiError):
    """Another program listens on the port already."""

    code = "port-taken"


class MetricsPortTaken(PortTaken):
    """Another program listens on the port that is set for monitoring."""

    code = "metrics-port-taken"


class Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the whole process ends together."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(host: str, port: int) -> socket.socket:
    """The socket of the pages, before anything else is opened. Raises `PortTaken`."""
    try:
        listener = socket.create_server((host, port), backlog=256)
    except OSError as error:
        if error.errno in {errno.EADDRINUSE, errno.EACCES}:
            raise PortTaken(str(port)) from error
        raise
    # Inherited by every connection; without it each small answer waits 40 ms for the next one.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
