"""Where a command's log goes, as the settings say."""

import logging

from bots.operations.logs import log_to, secrets_of
from core.settings import Settings

__all__ = ["log_as_set", "log_to"]


def log_as_set(settings: Settings, *, worker: str) -> None:
    """To standard error, in the form and from the level that are set."""
    log_to(
        logging.StreamHandler(),
        settings.log_level,
        form=settings.log_format,
        worker=worker,
        hidden=secrets_of(settings),
    )
