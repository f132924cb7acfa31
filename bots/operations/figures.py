"""Figures that stand in the records and the parts of a town, gathered when they are asked for."""

import asyncio
import logging
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, SummaryMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from bots.app import App
from bots.jobs.presence import code_version
from core import archive, schema, turns, workers
from core.announcements import AnnouncementState, Kind, Pump
from core.announcements.figures import Queue, queues, under_way
from core.chain import EndpointHealth
from core.database import reading
from core.errors import RecordsUnavailable
from core.holdings.lags import Lag, lags
from core.turns import Outcome, Turn

logger = logging.getLogger(__name__)

PATIENCE: Final = 5.0
"""Seconds that the records have to answer all of it."""
KEPT: Final = 5.0
"""Seconds for which it is told again: several scrapers cost as much as one."""
FAULTS: Final = ("Broken", "RateLimited", "Refused", "Resting", "Reverted", "Stalled", "TooLarge")
OUTCOMES: Final = ("delivered", "blocked", "failed", "flooded", "notsent", "indoubt")


@dataclass(frozen=True, slots=True)
class Records:
    """What the records said at one moment."""

    at: datetime
    queues: Mapping[Kind, Queue]
    under_way: Mapping[AnnouncementState, int]
    lags: Mapping[int, Lag]
    jobs: Sequence[Turn]
    workers: int
    last_backup: datetime | None


@dataclass(slots=True, eq=False)
class Figures(Collector):
    """Everything that is not counted on the way, as one look finds it."""

    app: App
    monotonic: Callable[[], float] = time.monotonic
    _records: Records | None = None
    _until: float = float("-inf")
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _succeeded: dict[str, datetime] = field(default_factory=dict)

    async def refresh(self) -> None:
        """Ask the records; while they are away, nothing of them is told."""
        async with self._lock:
            if self.monotonic() < self._until:
                return
            try:
                async with asyncio.timeout(PATIENCE):
                    self._records = await self._ask()
            except (RecordsUnavailable, TimeoutError) as error:
                logger.warning("figures-missing", extra={"reason": type(error).__name__})
                self._records = None
            self._until = self.monotonic() + KEPT

    async def _ask(self) -> Records:
        now = self.app.clock()
        async with reading(self.app.sessions) as session:
            jobs = await turns.every(session)
            for each in jobs:
                if each.outcome is Outcome.DONE and each.ended_at is not None:
                    self._succeeded[each.name] = each.ended_at
            known = await workers.everybody(session)
            return Records(
                now,
                await queues(session, now=now),
                await under_way(session),
                await lags(session, now=now),
                jobs,
                sum(not each.gone(now) for each in known),
                await archive.last(session),
            )

    def collect(self) -> Iterator[Metric]:
        """As the library asks for them."""
        yield from self._process()
        yield from self._sending()
        yield from self._chains(self.app.chains.health())
        if self._records is not None:
            yield from self._stored(self._records)
            yield from self._jobs(self._records)

    def _process(self) -> Iterator[Metric]:
        info = GaugeMetricFamily(
            "kankei_build_info",
            "Always 1; which code runs, and for which schema it was written.",
            labels=("version", "schema"),
        )
        info.add_metric((code_version(), schema.newest()), 1)
        yield info
        yield GaugeMetricFamily(
            "kankei_database_up",
            "Whether the records answered when they were last asked.",
            value=float(self._records is not None),
        )
        yield GaugeMetricFamily(
            "kankei_draining",
            "Whether the process is ending what is in flight.",
            value=float(self.app.draining),
        )
        try:
            free = shutil.disk_usage(self.app.settings.data_dir).free
        except OSError:
            return
        yield GaugeMetricFamily(
            "kankei_data_free_bytes", "Free space where the data folder is.", value=free
        )

    def _sending(self) -> Iterator[Metric]:
        sent = CounterMetricFamily(
            "kankei_deliveries",
            "Tries to send a message, by what the platform said.",
            labels=("platform", "outcome"),
        )
        gaps = GaugeMetricFamily(
            "kankei_lane_gap_seconds",
            "Time between two messages, as learnt; the send rate is its inverse.",
            labels=("platform",),
        )
        bans = GaugeMetricFamily(
            "kankei_lane_banned_seconds",
            "For how long the platform asked us to pause, from now.",
            labels=("platform",),
        )
        flying = GaugeMetricFamily(
            "kankei_deliveries_in_flight",
            "Messages on their way, without an answer yet.",
            labels=("platform",),
        )
        now = self.app.clock()
        for platform, pump in sorted(self.app.pumps.items()):
            told = _outcomes(pump)
            for outcome in OUTCOMES:
                sent.add_metric((platform, outcome), told.get(outcome, 0))
            flying.add_metric((platform,), pump.in_flight)
            if (lane := pump.lane) is not None:
                gaps.add_metric((platform,), lane.gap.total_seconds())
                left = (lane.banned_until - now).total_seconds() if lane.banned_until else 0.0
                bans.add_metric((platform,), max(left, 0.0))
        yield from (sent, flying, gaps, bans)

    def _chains(self, health: Sequence[EndpointHealth]) -> Iterator[Metric]:
        labels = ("chain", "endpoint")
        up = GaugeMetricFamily(
            "kankei_rpc_endpoint_up",
            "Whether an endpoint answered last time; endpoints by their place in the settings.",
            labels=labels,
        )
        asked = SummaryMetricFamily(
            "kankei_rpc_request_seconds", "Time of requests to an endpoint.", labels=labels
        )
        faults = CounterMetricFamily(
            "kankei_rpc_errors",
            "Requests to an endpoint without a usable answer, by kind.",
            labels=(*labels, "reason"),
        )
        numbers: dict[int, int] = {}
        for each in health:
            number = numbers[each.chain_id] = numbers.get(each.chain_id, 0) + 1
            which = (str(each.chain_id), str(number))
            up.add_metric(which, float(not each.consecutive_failures))
            asked.add_metric(which, count_value=each.requests, sum_value=each.request_seconds)
            for fault in FAULTS:
                faults.add_metric((*which, fault.lower()), each.faults.get(fault, 0))
        yield from (up, asked, faults)

    def _stored(self, records: Records) -> Iterator[Metric]:
        messages = GaugeMetricFamily(
            "kankei_queue_messages", "Messages that are still to be sent.", labels=("kind",)
        )
        oldest = GaugeMetricFamily(
            "kankei_queue_oldest_seconds",
            "Since when the oldest unfinished announcement is going out.",
            labels=("kind",),
        )
        for kind, queue in records.queues.items():
            messages.add_metric((kind.value,), queue.messages)
            oldest.add_metric((kind.value,), queue.oldest.total_seconds())
        running = GaugeMetricFamily(
            "kankei_announcements",
            "Announcements to many that are not over, by state.",
            labels=("state",),
        )
        for state, count in records.under_way.items():
            running.add_metric((state.value,), count)
        blocks = GaugeMetricFamily(
            "kankei_index_lag_blocks",
            "Finalized blocks that the owner index has not read yet.",
            labels=("chain",),
        )
        silence = GaugeMetricFamily(
            "kankei_index_lag_seconds",
            "Since when the chain has not answered the owner index.",
            labels=("chain",),
        )
        for chain, lag in sorted(records.lags.items()):
            blocks.add_metric((str(chain),), lag.blocks)
            if lag.silence is not None:
                silence.add_metric((str(chain),), lag.silence.total_seconds())
        yield from (messages, oldest, running, blocks, silence)
        yield GaugeMetricFamily(
            "kankei_workers", "Processes of the town that were seen lately.", value=records.workers
        )
        if records.last_backup is not None:
            yield GaugeMetricFamily(
                "kankei_backup_last_timestamp_seconds",
                "When the last backup was made, in Unix time.",
                value=records.last_backup.timestamp(),
            )

    def _jobs(self, records: Records) -> Iterator[Metric]:
        success = GaugeMetricFamily(
            "kankei_job_last_success_timestamp_seconds",
            "When a job last ended well, in Unix time, as far as this process saw it.",
            labels=("job",),
        )
        duration = GaugeMetricFamily(
            "kankei_job_duration_seconds", "How long a job's last turn took.", labels=("job",)
        )
        failures = GaugeMetricFamily(
            "kankei_job_failures", "Tries of a job that failed, one after another.", labels=("job",)
        )
        overdue = GaugeMetricFamily(
            "kankei_job_overdue_seconds", "How long a job has been due.", labels=("job",)
        )
        for each in records.jobs:
            which = (each.name,)
            if each.name in self._succeeded:
                success.add_metric(which, self._succeeded[each.name].timestamp())
            if each.started_at and each.ended_at and not each.under_way:
                taken = (each.ended_at - each.started_at).total_seconds()
                duration.add_metric(which, max(taken, 0.0))
            failures.add_metric(which, each.failures)
            late = 0.0 if each.under_way else (records.at - each.due_at).total_seconds()
            overdue.add_metric(which, max(late, 0.0))
        yield from (success, duration, failures, overdue)


def _outcomes(pump: Pump) -> Mapping[str, int]:
    return {name.lower(): count for name, count in pump.outcomes.items()}
