"""The figures: right, named as Prometheus wants them, and about nobody."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
import uvicorn
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from bots.listening import Server, listen
from bots.operations import figures, listener
from bots.operations.listener import LOOPBACK, monitoring, watched
from bots.operations.meters import METHODS, OTHER, PLATFORMS, Meters
from bots.voice import TooOften, VoiceBusy, VoiceOff, VoiceTooLarge
from core import announcements, archive, turns
from core.announcements import AnnouncementState
from core.archive import Manifest
from core.chain import EndpointHealth
from core.database import Sessions, transaction
from core.tables import AnnouncementRow, ContractRow
from knowledge.answer import AnswerKind
from knowledge.errors import VoiceError
from tests.bots.web.stage import World
from tests.conftest import ROOT, free_port

Families = Mapping[str, Metric]


class Prometheus:
    """Scrapes one process, with the library's own parser."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def scrape(self) -> Families:
        async with aiohttp.ClientSession() as session, session.get(self.url) as response:
            assert response.status == 200
            self.text = await response.text()
        return {each.name: each for each in text_string_to_metric_families(self.text)}


@pytest.fixture
async def prometheus(world: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Prometheus]:
    monkeypatch.setattr(figures, "KEPT", 0.0)
    with listen(LOOPBACK, 0) as socket:
        port = socket.getsockname()[1]
        server = Server(uvicorn.Config(monitoring(world.app), log_config=None, lifespan="off"))
        serving = asyncio.create_task(server.serve(sockets=[socket]))
        yield Prometheus(f"http://{LOOPBACK}:{port}/metrics")
        server.should_exit = True
        await serving


def value(families: Families, name: str, **labels: str) -> float:
    """The one sample of this name with these labels."""
    found = [
        sample.value
        for family in families.values()
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    assert len(found) == 1, (name, labels, found)
    return found[0]


def samples(families: Families) -> list[Sample]:
    return [each for family in families.values() for each in family.samples]


async def test_requests_are_counted_by_the_template_of_their_route(
    world: World, prometheus: Prometheus
) -> None:
    secret = "verySecretToken123"
    async with world.visitor() as visitor:
        await visitor.get(f"/verify/{secret}")
        await visitor.get("/")
        await visitor.get(f"/no/such/page/{secret}")
    found = await prometheus.scrape()
    assert value(found, "kankei_http_requests_total", route="/", status="200") == 1
    assert value(found, "kankei_http_requests_total", route="/verify/{token}") == 1
    assert value(found, "kankei_http_requests_total", route="unmatched", status="404") == 1
    assert value(found, "kankei_http_request_seconds_count", route="/") == 1
    assert secret not in prometheus.text


async def test_what_waits_to_be_sent_and_since_when(world: World, prometheus: Prometheus) -> None:
    now = world.clock()
    async with transaction(world.app.sessions) as session:
        for state, total, kind in (
            ("sending", 50, "direct"),
            ("sending", 7, "direct"),
            ("paused", 9, "room"),
            ("done", 11, "room"),
        ):
            session.add(
                AnnouncementRow(
                    kind=kind,
                    state=state,
                    author="a",
                    texts={},
                    total=total,
                    delivered=5,
                    created_at=now - timedelta(days=3),
                    confirmed_at=now - timedelta(minutes=total),
                )
            )
    found = await prometheus.scrape()
    assert value(found, "kankei_queue_messages", kind="direct") == 47
    assert value(found, "kankei_queue_oldest_seconds", kind="direct") == 50 * 60
    assert value(found, "kankei_queue_messages", kind="room") == 0
    assert value(found, "kankei_queue_oldest_seconds", kind="notice") == 0
    assert value(found, "kankei_announcements", state="sending") == 2
    assert value(found, "kankei_announcements", state="paused") == 1
    assert value(found, "kankei_announcements", state="asked") == 0


async def test_how_far_the_owner_index_is_behind_in_blocks_and_seconds(
    world: World, prometheus: Prometheus
) -> None:
    async with transaction(world.app.sessions) as session:
        for number, behind in ((1, 3), (2, 40)):
            session.add(
                ContractRow(
                    chain_id=137,
                    address=bytes([number]) * 20,
                    standard="ERC-721",
                    first_block=1,
                    block=1000 - behind,
                    block_hash="0x1",
                    head=1000,
                    told_block=1000,
                    read_at=world.clock() - timedelta(seconds=number * 30),
                )
            )
    found = await prometheus.scrape()
    assert value(found, "kankei_index_lag_blocks", chain="137") == 40
    assert value(found, "kankei_index_lag_seconds", chain="137") == 60


async def test_how_the_endpoints_do_without_their_addresses(
    world: World, prometheus: Prometheus, monkeypatch: pytest.MonkeyPatch
) -> None:
    def health() -> tuple[EndpointHealth, ...]:
        one: dict[str, Any] = {
            "chain_id": 137,
            "last_success": None,
            "last_failure": None,
            "last_reason": "a reason",
            "requests_today": 4,
            "requests_a_day": None,
            "finalized": 1,
            "log_page": 1,
        }
        return (
            EndpointHealth(
                host="key-in-the-name.example",
                resting_seconds=0,
                consecutive_failures=0,
                requests=4,
                request_seconds=0.5,
                **one,
            ),
            EndpointHealth(
                host="two.example",
                resting_seconds=9,
                consecutive_failures=3,
                requests=3,
                request_seconds=30,
                faults={"Stalled": 2, "RateLimited": 1},
                **one,
            ),
        )

    monkeypatch.setattr(world.app.chains, "health", health)
    found = await prometheus.scrape()
    first, second = {"chain": "137", "endpoint": "1"}, {"chain": "137", "endpoint": "2"}
    assert value(found, "kankei_rpc_endpoint_up", **first) == 1
    assert value(found, "kankei_rpc_endpoint_up", **second) == 0
    assert value(found, "kankei_rpc_request_seconds_sum", **second) == 30
    assert value(found, "kankei_rpc_request_seconds_count", **first) == 4
    assert value(found, "kankei_rpc_errors_total", **second, reason="stalled") == 2
    assert value(found, "kankei_rpc_errors_total", **first, reason="stalled") == 0
    assert "example" not in prometheus.text


async def test_when_jobs_last_ended_well_and_how_long_they_took(
    world: World, prometheus: Prometheus
) -> None:
    start = world.clock()
    async with transaction(world.app.sessions) as session:
        await turns.put_on(session, {"tidy": start, "sweep": start + timedelta(hours=1)})
        (tidy,) = [each for each in await turns.every(session) if each.name == "tidy"]
        from sqlalchemy import update

        from core.tables import JobRow

        await session.execute(
            update(JobRow)
            .where(JobRow.name == tidy.name)
            .values(
                started_at=start,
                ended_at=start + timedelta(seconds=3),
                outcome="done",
                due_at=start + timedelta(hours=1),
            )
        )
    world.clock.advance(timedelta(hours=2))
    found = await prometheus.scrape()
    ended = (start + timedelta(seconds=3)).timestamp()
    assert value(found, "kankei_job_last_success_timestamp_seconds", job="tidy") == ended
    assert value(found, "kankei_job_duration_seconds", job="tidy") == 3
    assert value(found, "kankei_job_overdue_seconds", job="tidy") == 3600
    assert value(found, "kankei_job_failures", job="sweep") == 0


async def test_messages_questions_and_transactions_are_counted(
    world: World, prometheus: Prometheus
) -> None:
    meters = world.app.meters
    meters.update("telegram")
    meters.update("somebody's own platform")
    with meters.question() as asked:
        asked.outcome = "unknown"
    with pytest.raises(RuntimeError), meters.question():
        raise RuntimeError
    before = await prometheus.scrape()
    async with transaction(world.app.sessions):
        """One more."""
    found = await prometheus.scrape()
    assert value(found, "kankei_chat_updates_total", platform="telegram") == 1
    assert value(found, "kankei_chat_updates_total", platform="discord") == 0
    assert value(found, "kankei_chat_updates_total", platform="other") == 1
    assert value(found, "kankei_questions_total", outcome="unknown") == 1
    assert value(found, "kankei_questions_total", outcome="failed") == 1
    assert value(found, "kankei_question_seconds_count") == 2
    counted = "kankei_database_transaction_seconds_count"
    assert value(found, counted, outcome="committed") > value(before, counted, outcome="committed")


async def test_a_conversation_is_counted_from_its_very_door(
    world: World, prometheus: Prometheus
) -> None:
    from bots.conversation import Incoming

    incoming = Incoming(
        platform="telegram", account="1", name="a", language="ja", command="help", update="7"
    )
    talk = world.talk._real
    assert await talk.handle(incoming) is not None
    assert await talk.handle(incoming) is None, "delivered twice"
    assert value(await prometheus.scrape(), "kankei_chat_updates_total", platform="telegram") == 1


async def test_when_the_last_backup_was_made(world: World, prometheus: Prometheus) -> None:
    assert "kankei_backup_last_timestamp_seconds" not in await prometheus.scrape()
    manifest = Manifest(
        format=1,
        town="mine",
        code="0.1.0",
        schema="0001",
        database="sqlite",
        made_at=world.clock(),
        key="",
        tables=(),
        sequences={},
        parts=(),
    )
    async with transaction(world.app.sessions) as session:
        await archive.note(session, manifest, by="staff:terminal")
    told = value(await prometheus.scrape(), "kankei_backup_last_timestamp_seconds")
    assert abs(told - world.clock().timestamp()) < 60


async def test_while_the_records_are_away_the_rest_is_told(
    prometheus: Prometheus, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert value(await prometheus.scrape(), "kankei_database_up") == 1
    from core.errors import RecordsUnavailable

    async def away(_: object) -> None:
        raise RecordsUnavailable("away")

    monkeypatch.setattr(turns, "every", away)
    found = await prometheus.scrape()
    assert value(found, "kankei_database_up") == 0
    assert "kankei_queue_messages" not in found, "an old figure would pass for a new one"
    assert "kankei_http_requests" in found


async def test_a_scrape_is_gathered_once_for_all_who_ask(
    world: World, prometheus: Prometheus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "KEPT", 60.0)
    asked = 0
    every = turns.every

    async def counted(session: Any) -> Any:
        nonlocal asked
        asked += 1
        return await every(session)

    monkeypatch.setattr(turns, "every", counted)
    await asyncio.gather(*(prometheus.scrape() for _ in range(5)))
    assert asked == 1
    assert world.app.town.town.slug == "mine"


async def test_figures_are_told_on_this_machine_s_own_address_and_only_if_asked_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    settings = world.app.settings.model_copy(update={"metrics_port": port})
    monkeypatch.setattr(world.app, "settings", settings)
    async with watched(world.app):
        found = await Prometheus(f"http://127.0.0.1:{port}/metrics").scrape()
        assert value(found, "kankei_database_up") == 1
        where = f"http://127.0.0.1:{port}/readyz"
        async with aiohttp.ClientSession() as session, session.get(where) as response:
            assert "records" in await response.json()
    with pytest.raises(OSError, match="Connect"):
        await Prometheus(f"http://127.0.0.1:{port}/metrics").scrape()


async def test_the_event_loop_s_lag_is_measured(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "LAG_EVERY", 0.001)
    async with watched(world.app):
        async with asyncio.timeout(5):
            while not _observed(world):  # noqa: ASYNC110 - the loop offers no event for it
                await asyncio.sleep(0.005)
    lag = world.app.meters.registry.get_sample_value("kankei_event_loop_lag_seconds_sum")
    assert lag is not None
    assert 0 <= lag < 5


def _observed(world: World) -> float:
    return world.app.meters.registry.get_sample_value("kankei_event_loop_lag_seconds_count") or 0


# Names and labels


async def filled(world: World, prometheus: Prometheus) -> Families:
    """A scrape in which every family stands."""
    meters = world.app.meters
    meters.request("BREW", "/", 418, 0.1)
    with meters.question() as asked:
        asked.outcome = "answered"
    async with transaction(world.app.sessions) as session:
        await turns.put_on(session, {"tidy": world.clock()})
        await archive.note(
            session,
            Manifest.model_validate(
                {
                    "format": 1,
                    "town": "",
                    "code": "",
                    "schema": "",
                    "database": "",
                    "made_at": world.clock(),
                    "key": "",
                    "tables": (),
                    "sequences": {},
                    "parts": (),
                }
            ),
            by="a",
        )
    return await prometheus.scrape()


async def test_names_follow_the_conventions(world: World, prometheus: Prometheus) -> None:
    for family in (await filled(world, prometheus)).values():
        if family.name.startswith(("process_", "python_")):
            continue
        assert re.fullmatch(r"kankei(_[a-z]+)+", family.name)
        assert family.documentation.endswith(".")
        assert not re.search(r"_(ms|minutes|percent|count|sum|total)$", family.name)
        if family.type == "counter":
            assert all(each.name.endswith(("_total", "_created")) for each in family.samples)


KNOWN_LABELS: Mapping[str, set[str] | re.Pattern[str]] = {
    "platform": {*PLATFORMS, OTHER},
    "method": {*METHODS, OTHER},
    "kind": {each.value for each in announcements.Kind},
    "state": {each.value for each in AnnouncementState},
    "chain": re.compile(r"\d{1,20}"),
    "endpoint": re.compile(r"\d{1,2}"),
    "status": re.compile(r"\d{3}"),
    "route": re.compile(r"unmatched|/[a-z{}_./:-]*"),
    "reason": {each.lower() for each in figures.FAULTS},
    "job": re.compile(r"[a-z-]{1,64}"),
    "version": re.compile(r"[\w.+-]{1,32}"),
    "schema": re.compile(r"\d{4}"),
    "le": re.compile(r"[\d.]+|\+Inf"),
    "outcome": {
        *(each.value.replace("_", "-") for each in AnswerKind),
        *figures.OUTCOMES,
        *("failed", "left", "committed", "rolled-back"),
        *("heard", "doubtful", "spoken", "cut", "found", "missed"),
        *(each.code.replace("_", "-") for each in VoiceError.__subclasses__()),
        *(each.code for each in (TooOften, VoiceBusy, VoiceOff, VoiceTooLarge)),
    },
}
"""Every label there is, and all that it may say."""


async def test_labels_say_nothing_of_anybody_and_have_few_values(
    world: World, prometheus: Prometheus
) -> None:
    async with world.visitor() as visitor:
        await visitor.get("/")
    for sample in samples(await filled(world, prometheus)):
        for label, said in sample.labels.items():
            known = KNOWN_LABELS[label]
            if isinstance(known, re.Pattern):
                assert known.fullmatch(said), (sample.name, label, said)
            else:
                assert said in known, (sample.name, label, said)


def documented() -> dict[str, str]:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    part = page.split("### The figures", 1)[1].split("\n#", 1)[0]
    rows = re.findall(r"^\| `(kankei_\w+)` \|([^|]*)\|", part, flags=re.MULTILINE)
    return dict(rows)


async def test_the_documentation_has_every_figure_with_its_labels(
    world: World, prometheus: Prometheus
) -> None:
    found: dict[str, set[str]] = {}
    for family in (await filled(world, prometheus)).values():
        if family.name.startswith("kankei_"):
            name = f"{family.name}_total" if family.type == "counter" else family.name
            labels = {label for each in family.samples for label in each.labels} - {"le"}
            found.setdefault(name, set()).update(labels)
    told = documented()
    assert set(told) == set(found)
    for name, labels in found.items():
        if labels:
            assert set(re.findall(r"\w+", told[name])) == labels, name


async def test_a_transaction_whose_connection_breaks_is_counted_and_hides_no_error(
    lite: Sessions,
) -> None:
    meters = Meters()
    engine = lite.kw["bind"]
    meters.watch(engine)
    with pytest.raises((TimeoutError, OperationalError)):
        async with asyncio.timeout(0.05), lite.begin() as session:
            # The cancellation invalidates the connection in the middle of a statement.
            await session.execute(
                text(
                    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2e6)"
                    " SELECT count(*) FROM n"
                )
            )
    async with lite.begin() as session:
        assert await session.scalar(text("SELECT 1")) == 1
