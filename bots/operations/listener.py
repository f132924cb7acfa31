"""The listener for monitoring: figures and health on this machine's own address alone.

It stands apart from the pages, so that no address of the town's public site tells them, and so that
a worker without pages has it too. Prometheus on another machine comes through a proxy that asks who
it is.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import uvicorn
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from bots.app import App
from bots.limits import Buckets, TooMany
from bots.listening import MetricsPortTaken, PortTaken, Server, listen
from bots.operations.figures import Figures
from bots.operations.health import Health, Probes

LOOPBACK: Final = "127.0.0.1"
LAG_EVERY: Final = 0.5  # seconds
A_SECOND: Final = 5.0
AT_ONCE: Final = 20


def monitoring(app: App) -> ASGIApp:
    """``/metrics``, ``/healthz`` and ``/readyz`` of one process."""
    figures = Figures(app)
    app.meters.registry.register(figures)
    buckets = Buckets(rate=A_SECOND, burst=AT_ONCE)

    async def metrics(request: Request) -> Response:  # noqa: ARG001
        try:
            buckets.take("")
        except TooMany:
            return Response(status_code=429, headers={"Retry-After": "1"})
        await figures.refresh()
        return Response(generate_latest(app.meters.registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    pages = Starlette(routes=[Route("/metrics", metrics, methods=["GET"])])
    return Probes(pages, Health(app), slug=app.town.town.slug)


@asynccontextmanager
async def watched(app: App) -> AsyncIterator[None]:
    """Measure the event loop, and listen if the settings say so.

    Raises `MetricsPortTaken` if another program has the port.
    """
    tasks = [asyncio.create_task(_measure_lag(app))]
    server: Server | None = None
    with contextlib.ExitStack() as stack:
        if app.settings.metrics_port:
            try:
                socket = stack.enter_context(listen(LOOPBACK, app.settings.metrics_port))
            except PortTaken as error:
                raise MetricsPortTaken(str(error)) from error
            config = uvicorn.Config(
                monitoring(app), log_config=None, access_log=False, lifespan="off"
            )
            server = Server(config)
            tasks.append(asyncio.create_task(server.serve(sockets=[socket])))
        try:
            yield
        finally:
            tasks[0].cancel()
            if server is not None:
                server.should_exit = server.force_exit = True
            await asyncio.gather(*tasks, return_exceptions=True)


async def _measure_lag(app: App) -> None:
    while True:
        asked = time.perf_counter() + LAG_EVERY
        await asyncio.sleep(LAG_EVERY)
        app.meters.loop_lag.observe(max(time.perf_counter() - asked, 0.0))
