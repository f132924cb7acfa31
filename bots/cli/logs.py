"""How a process writes its log: one line a record, without what is nobody's."""

import logging


class _Lines(logging.Formatter):
    """One line a record: time, level, event, and the fields that came with it."""

    _usual = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

    def format(self, record: logging.LogRecord) -> str:
        fields = " ".join(
            f"{key}={value!r}" for key, value in vars(record).items() if key not in self._usual
        )
        line = f"{self.formatTime(record)} {record.levelname} {record.name} {record.getMessage()}"
        if record.exc_info:
            fields += "\n" + self.formatException(record.exc_info)
        return f"{line} {fields}".rstrip()


def log_to(handler: logging.Handler, level: str) -> None:
    handler.setFormatter(_Lines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # Below these levels they print what is nobody's: request addresses with the bot's token,
    # every statement, prompts.
    for name in ("httpx", "httpcore", "openai", "sqlalchemy", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("aiosqlite", "asyncio", "aiohttp", "web3"):
        logging.getLogger(name).setLevel(max(logging.INFO, logging.getLevelName(level)))
