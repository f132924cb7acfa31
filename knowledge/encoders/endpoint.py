"""An endpoint as encoder: any service that speaks OpenAI's embeddings interface.

``POST {base_url}/embeddings`` with ``model``, ``input`` and, where set, ``dimensions``. What comes
back is believed only as far as it was checked: as many vectors as texts, put in order by their
``index``, all of one dimension, all finite and not zero.

A busy or failing endpoint (408, 409, 429, 5xx, no connection, too slow) is asked again after
0.5, 1, 2, … seconds (or as long as its Retry-After says, at most 20 s); one that refuses (401, 404,
…) or replies nonsense is not. For a question there is no second try: the other parts of the
retrieval answer, and the endpoint rests for `REST` before it is asked again.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import openai
from openai.types import Embedding

from knowledge.encoders.port import ENDPOINT, Vectors, first, unit
from knowledge.errors import EncoderUnavailable

logger = logging.getLogger(__name__)

REST = timedelta(seconds=60)
LONGEST_WAIT = 20.0  # seconds between two tries
FIRST_WAIT = 0.5
_AGAIN = frozenset({408, 409, 425, 429})
_SERVER_ERROR = 500
_LONGEST_SAID = 200  # characters of an endpoint's message


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to ask, for what, and how much at once."""

    base_url: str
    model: str
    api_key: str | None = None
    dimensions: int | None = None  # asked for, and expected of every reply
    query_prefix: str = ""  # "query: " for models of the E5 family
    passage_prefix: str = ""  # "passage: "
    timeout: timedelta = timedelta(seconds=20)
    query_timeout: timedelta = timedelta(seconds=3)
    batch: int = 64  # texts in one request
    batch_characters: int = 16_000
    longest: int = 6_000  # characters of one text; what is longer is cut
    tries: int = 5


class EndpointEncoder:
    """An embeddings endpoint in the place of an embedded model."""

    name = ENDPOINT
    slow = True

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        wait: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._endpoint = endpoint
        self._wait = wait
        self._clock = clock
        # The client insists on a key; servers on one's own machine want none.
        self._client = openai.OpenAI(
            base_url=endpoint.base_url,
            api_key=endpoint.api_key or "none",
            max_retries=0,  # how often and when is decided here
        )
        self._lock = threading.Lock()
        self._dimension = endpoint.dimensions
        self._resting_until = float("-inf")
        self._down = False  # as far as questions are concerned

    @property
    def identity(self) -> str:
        """Model, dimensions, passage prefix and address: vectors of another are never reused."""
        each = self._endpoint
        parts = (each.model, each.dimensions or "", each.passage_prefix, each.base_url.rstrip("/"))
        return "|".join(map(str, parts))

    def passages(self, texts: Sequence[str]) -> Vectors:
        """Encode texts, shape ``(len(texts), dimension)``.

        Raises `EncoderUnavailable` if the endpoint does not answer, or not with what was asked.
        """
        rows = [self._patiently(batch) for batch in self._batches(texts)]
        return np.concatenate(rows) if rows else np.zeros((0, self._dimension or 0), np.float32)

    def query(self, text: str) -> Vectors:
        """Encode one question, with one try only.

        Raises `EncoderUnavailable`, also without asking while the endpoint rests.
        """
        if self._clock() < self._resting_until:
            raise EncoderUnavailable("the embeddings endpoint rests after a failure")
        shown = self._endpoint.query_prefix + text[: self._endpoint.longest]
        try:
            vector = first(self._ask([shown], self._endpoint.query_timeout))
        except (openai.OpenAIError, EncoderUnavailable) as error:
            self._resting_until = self._clock() + REST.total_seconds()
            if not self._down:
                logger.warning("embeddings.unavailable", extra={"error": _said(error)})
            self._down = True
            raise EncoderUnavailable(_said(error)) from error
        if self._down:
            logger.info("embeddings.available_again")
            self._down = False
        return vector

    def _batches(self, texts: Sequence[str]) -> Iterator[list[str]]:
        batch: list[str] = []
        characters = 0
        for text in texts:
            shown = self._endpoint.passage_prefix + (text[: self._endpoint.longest] or " ")
            full = len(batch) >= self._endpoint.batch
            if batch and (full or characters + len(shown) > self._endpoint.batch_characters):
                yield batch
                batch, characters = [], 0
            batch.append(shown)
            characters += len(shown)
        if batch:
            yield batch

    def _patiently(self, batch: list[str]) -> Vectors:
        pause = FIRST_WAIT
        for left in reversed(range(self._endpoint.tries)):
            try:
                return self._ask(batch, self._endpoint.timeout)
            except openai.OpenAIError as error:
                if not left or not _worth_another_try(error):
                    raise EncoderUnavailable(_said(error)) from error
                self._wait(min(_asked_to_wait(error) or pause, LONGEST_WAIT))
                pause *= 2
        raise EncoderUnavailable("no try was allowed")

    def _ask(self, batch: list[str], timeout: timedelta) -> Vectors:
        wanted = self._endpoint.dimensions
        try:
            reply = self._client.embeddings.create(
                model=self._endpoint.model,
                input=batch,
                dimensions=openai.omit if wanted is None else wanted,
                timeout=timeout.total_seconds(),
            )
            return self._checked(reply.data, len(batch))
        except (ValueError, TypeError, AttributeError) as error:
            # The library raises these on a reply of another shape than the interface has.
            what = f"the embeddings endpoint sent what cannot be read ({type(error).__name__})"
            raise EncoderUnavailable(what) from error

    def _checked(self, found: Sequence[Embedding], count: int) -> Vectors:
        if sorted(each.index for each in found) != list(range(count)):
            raise EncoderUnavailable(
                f"the embeddings endpoint sent {len(found)} vectors, not one for each of {count}"
                " texts: check its limits on a request, or set a smaller batch"
            )
        ordered = sorted(found, key=lambda each: each.index)
        lengths = {len(each.embedding) for each in ordered}
        with self._lock:
            self._dimension = self._dimension or min(lengths)
        if lengths != {self._dimension}:
            raise EncoderUnavailable(
                f"the embeddings endpoint sent vectors of {', '.join(map(str, sorted(lengths)))}"
                f" dimensions where {self._dimension} were expected: set"
                " KANKEI_EMBEDDINGS_DIMENSIONS to what the model gives, or leave it empty"
            )
        rows = np.array([each.embedding for each in ordered], dtype=np.float32)
        if not np.isfinite(rows).all() or not rows.any(axis=1).all():
            raise EncoderUnavailable("the embeddings endpoint sent vectors that are no numbers")
        return unit(rows)


def _worth_another_try(error: openai.OpenAIError) -> bool:
    if isinstance(error, openai.APIStatusError):
        return error.status_code in _AGAIN or error.status_code >= _SERVER_ERROR
    return isinstance(error, openai.APIConnectionError)  # a time-out is one


def _asked_to_wait(error: openai.OpenAIError) -> float | None:
    """Seconds from a Retry-After header; dates, which are rare, count as none."""
    if isinstance(error, openai.APIStatusError):
        said = error.response.headers.get("retry-after", "")
        return float(said) if said.isdecimal() else None
    return None


def _said(error: Exception) -> str:
    """What went wrong, without the texts or the key."""
    if isinstance(error, openai.APIStatusError):
        return f"the embeddings endpoint replied with status {error.status_code}"
    if isinstance(error, openai.APITimeoutError):
        return "the embeddings endpoint was too slow"
    if isinstance(error, openai.APIConnectionError):
        return "the embeddings endpoint cannot be reached"
    return str(error)[:_LONGEST_SAID]
