"""What a process counts while it works, for Prometheus.

Every label has a small, fixed set of values; none holds a member, an address, a text or a token.
Names follow https://prometheus.io/docs/practices/naming/: base units, ``_total`` for counters.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from weakref import WeakKeyDictionary

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine

PLATFORMS: Final = ("telegram", "discord", "web")
METHODS: Final = ("GET", "HEAD", "POST")
OTHER: Final = "other"

FAST: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
SLOW: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40)


class Meters:
    """The counters of one process, in a registry of their own."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call] # times that nobody needs
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "kankei_http_requests",
            "HTTP requests answered, by templated route.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._request_seconds = Histogram(
            "kankei_http_request_seconds",
            "Time until an HTTP answer was complete.",
            ("route",),
            buckets=FAST,
            registry=self.registry,
        )
        self._updates = Counter(
            "kankei_chat_updates",
            "Messages and buttons taken in, by platform.",
            ("platform",),
            registry=self.registry,
        )
        self._questions = Counter(
            "kankei_questions",
            "Questions to the mascot, by what became of them.",
            ("outcome",),
            registry=self.registry,
        )
        self._question_seconds = Histogram(
            "kankei_question_seconds",
            "Time until the mascot's answer was complete.",
            buckets=SLOW,
            registry=self.registry,
        )
        self._transaction_seconds = Histogram(
            "kankei_database_transaction_seconds",
            "Time from a transaction's begin to its end.",
            ("outcome",),
            buckets=FAST,
            registry=self.registry,
        )
        self.loop_lag = Histogram(
            "kankei_event_loop_lag_seconds",
            "How much later than asked the event loop woke us.",
            buckets=FAST,
            registry=self.registry,
        )
        self._recognitions = Counter(
            "kankei_voice_recognitions",
            "Recordings with a question, by what became of them.",
            ("outcome",),
            registry=self.registry,
        )
        self._recognition_seconds = Histogram(
            "kankei_voice_recognition_seconds",
            "Time from a recording to its words, with the wait for its turn.",
            buckets=SLOW,
            registry=self.registry,
        )
        self.voice_waiting = Gauge(
            "kankei_voice_waiting",
            "Recordings that wait for their turn.",
            registry=self.registry,
        )
        self.voice_cache = Gauge(
            "kankei_voice_cache",
            "Sentences looked for among those that were said before, since the start.",
            ("outcome",),
            registry=self.registry,
        )
        self._speech = Counter(
            "kankei_voice_answers",
            "Answers that were said, by what became of them.",
            ("outcome",),
            registry=self.registry,
        )
        self._speech_seconds = Histogram(
            "kankei_voice_first_sound_seconds",
            "Time from an answer to its first sound.",
            buckets=SLOW,
            registry=self.registry,
        )
        for platform in PLATFORMS:
            self._updates.labels(platform)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """One HTTP request; `route` is the template, never the address."""
        name = method if method in METHODS else OTHER
        self._requests.labels(name, route, str(status)).inc()
        self._request_seconds.labels(route).observe(seconds)

    def update(self, platform: str) -> None:
        """One message or button of somebody."""
        self._updates.labels(platform if platform in PLATFORMS else OTHER).inc()

    @contextmanager
    def question(self) -> Iterator["Question"]:
        """Times a question; the outcome is set within. One that failed counts as ``failed``."""
        asked, began = Question(), time.perf_counter()
        try:
            yield asked
        except GeneratorExit:  # the person has closed the page
            asked.outcome = "left"
            raise
        finally:
            self._questions.labels(asked.outcome).inc()
            self._question_seconds.observe(time.perf_counter() - began)

    @contextmanager
    def recognition(self) -> Iterator["Question"]:
        """Times a recording; the outcome is set within. One that was not heard is ``failed``."""
        asked, began = Question(), time.perf_counter()
        try:
            yield asked
        finally:
            self._recognitions.labels(asked.outcome).inc()
            self._recognition_seconds.observe(time.perf_counter() - began)

    @contextmanager
    def speech(self) -> Iterator["Speech"]:
        """Times an answer aloud, up to its first sound. Who stops listening has it ``cut``."""
        said = Speech()
        try:
            yield said
        except (GeneratorExit, asyncio.CancelledError):
            said.outcome = "cut"
            raise
        finally:
            self._speech.labels(said.outcome).inc()
            if said.first is not None:
                self._speech_seconds.observe(said.first)

    def watch(self, engine: AsyncEngine) -> None:
        """Time every transaction of an engine."""
        # Not in `connection.info`: a connection that broke in mid-transaction has none to ask.
        running: WeakKeyDictionary[Connection, float] = WeakKeyDictionary()

        def begin(connection: Connection) -> None:
            running[connection] = time.perf_counter()

        def ended(outcome: str) -> Any:
            def end(connection: Connection) -> None:
                began = running.pop(connection, None)
                if began is not None:
                    seconds = time.perf_counter() - began
                    self._transaction_seconds.labels(outcome).observe(seconds)

            return end

        event.listen(engine.sync_engine, "begin", begin)
        event.listen(engine.sync_engine, "commit", ended("committed"))
        event.listen(engine.sync_engine, "rollback", ended("rolled-back"))


class Question:
    """What became of a question: the name of an answer's kind."""

    outcome = "failed"


class Speech:
    """What became of an answer aloud, and when its first sound was there."""

    outcome = "failed"

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self.first: float | None = None  # seconds

    def begun(self) -> None:
        """A sound is there; the first one counts."""
        if self.first is None:
            self.first = time.perf_counter() - self._began
