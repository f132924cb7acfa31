"""What a running town tells whoever started it: lines for a person, or entries of its log.

Where the log is JSON, a program reads what the process writes, and a plain line between the entries
would break its reading.
"""

import logging

from bots import texts
from bots.app import App
from bots.cli.terminal import language
from core.settings import Settings

logger = logging.getLogger(__name__)


class Teller:
    """Says things as the settings want them to be said."""

    def __init__(self, settings: Settings) -> None:
        self._plain = settings.log_format != "json"

    def say(self, key: str, **values: object) -> None:
        """The words under `key` of cli.toml."""
        self._tell("told", texts.say(f"cli.{key}", language(), **values))

    def step(self, name: str, before: str = "") -> None:
        """Something that the start waited for is done."""
        self._tell("step", f"  {before}{texts.say(f'cli.step.{name}', language())}")

    def happenings(self, app: App) -> None:
        """From now on, what happens. The log has it anyway."""
        if self._plain:
            app.happenings.listen(lambda words: print(f"  ・{words}", flush=True))

    def problems(self, app: App) -> None:
        """What staff should mend."""
        for problem in app.problems():
            self._tell("trouble", f"  ! {problem}")

    def _tell(self, event: str, words: str) -> None:
        if self._plain:
            print(words, flush=True)
        else:
            logger.info(event, extra={"words": words.strip()})
