"""The town's guide and its language service, as the settings say."""

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from core.settings import Settings
from core.town import TownPack
from knowledge.answer import Guide
from knowledge.encoders import Encoder, encoders
from knowledge.generate import Generator
from knowledge.translation import Translator

logger = logging.getLogger(__name__)

OPENAI = "https://api.openai.com/v1"

PATIENCE: Final = 3
DRAFT_TOKENS: Final = 6_000
"""A draft of 3,000 characters takes longer than an answer of four sentences."""


def _generator(settings: Settings, *, times: int = 1, max_tokens: int = 500) -> Generator | None:
    """The language service, if one is set; `times` as patient as for an answer."""
    if not settings.openai_base_url and not settings.openai_api_key:
        return None
    from knowledge.completions import OpenAIGenerator  # only where one is set

    key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else None
    return OpenAIGenerator(
        model=settings.openai_model,
        base_url=settings.openai_base_url or OPENAI,
        api_key=key,
        timeout=settings.openai_timeout * times,
        max_tokens=max_tokens,
    )


def translator_of(settings: Settings) -> Translator | None:
    """What drafts announcements in other languages, if a language service is set."""
    generator = _generator(settings, times=PATIENCE, max_tokens=DRAFT_TOKENS)
    if generator is None:
        return None
    return Translator(generator, timeout=settings.openai_timeout.total_seconds() * PATIENCE)


def open_guide(settings: Settings, town: TownPack) -> Guide:
    """The guide of a town, which is not read yet."""
    return Guide.later(
        town.guides,
        data=town.data,
        gazetteer=town.gazetteer,
        cache=settings.data_dir / "index" / town.town.slug,
        persona=town.persona.manner,
        generator=_generator(settings),
        progress=lambda words: logger.info("guide", extra={"step": words}),
        models=encoders(endpoint=_embeddings(settings)),
    )


def _embeddings(settings: Settings) -> Encoder | None:
    """The embeddings endpoint, if one is set."""
    if not settings.embeddings_base_url:
        return None
    from knowledge.encoders.endpoint import Endpoint, EndpointEncoder  # only where one is set

    key = settings.embeddings_api_key
    return EndpointEncoder(
        Endpoint(
            base_url=settings.embeddings_base_url,
            model=settings.embeddings_model,
            api_key=key.get_secret_value() if key else None,
            dimensions=settings.embeddings_dimensions,
            query_prefix=settings.embeddings_query_prefix,
            passage_prefix=settings.embeddings_passage_prefix,
            batch=settings.embeddings_batch,
            query_timeout=settings.embeddings_timeout,
        )
    )


async def in_daemon(work: Callable[[], None]) -> None:
    """Do blocking work in a thread that the end of the process does not wait for."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def settle(error: Exception | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def run() -> None:
        failed: Exception | None = None
        try:
            work()
        except Exception as error:  # noqa: BLE001 - whoever waits for it gets it
            failed = error
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, failed)

    threading.Thread(target=run, daemon=True).start()
    await done
