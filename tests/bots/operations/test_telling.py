"""What a process says to whoever started it, and to programs that read its log."""

import asyncio
import logging

import pytest

from bots.cli.telling import Teller
from bots.listening import MetricsPortTaken, listen
from bots.operations.listener import watched
from core.settings import Settings
from tests.bots.web.stage import World


def test_on_a_terminal_what_happens_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    teller = Teller(Settings(log_format="text"))
    teller.step("records", "[2/3] ")
    assert capsys.readouterr().out.startswith("  [2/3] ")


async def test_beside_a_log_of_json_no_plain_line_is_written(
    world: World, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    app = world.app
    teller = Teller(Settings(log_format="json"))
    teller.step("records")
    teller.happenings(app)
    app.happenings.tell("chat.happening.reachable")
    assert capsys.readouterr().out == ""
    told = [(each.message, vars(each)["words"]) for each in caplog.records if "words" in vars(each)]
    assert [event for event, _ in told] == ["step", "happening"]
    assert told[1][1] == app.happenings.recent[-1]


async def test_a_taken_port_of_monitoring_is_named_by_its_own_setting(world: World) -> None:
    app = world.app
    with listen("127.0.0.1", 0) as other:
        port = other.getsockname()[1]
        app.settings = app.settings.model_copy(update={"metrics_port": port})
        with pytest.raises(MetricsPortTaken, match=str(port)):
            async with asyncio.timeout(5), watched(app):
                pytest.fail("there is no such port to be had")
