"""The processes that are at work, and the clock that they share."""

from datetime import datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from core.tables.base import Base


class WorkerRow(Base):
    """One process of the town, under the name that staff gave it."""

    __tablename__ = "worker"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    token: Mapped[str] = mapped_column(String(32))  # of this start; another start has another
    host: Mapped[str] = mapped_column(String(128))
    pid: Mapped[int]
    born: Mapped[str] = mapped_column(String(32), default="")  # tells a process from the next
    version: Mapped[str] = mapped_column(String(32))  # of the code
    clock: Mapped[str] = mapped_column(String(32))  # of the workflows, `bots.jobs.VERSION`
    schema: Mapped[str] = mapped_column(String(32))  # the revision that the process started on
    duties: Mapped[str] = mapped_column(String(120), default="")
    doing: Mapped[str] = mapped_column(String(200), default="")
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class JobRow(Base):
    """One job of the clock: when it is due, and what became of its last turn."""

    __tablename__ = "job"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    due_at: Mapped[datetime]
    turn: Mapped[int] = mapped_column(default=0)  # of the last that was handed out
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    worker: Mapped[str] = mapped_column(String(64), default="")
    outcome: Mapped[str] = mapped_column(String(16), default="")
    reason: Mapped[str] = mapped_column(String(80), default="")
    failures: Mapped[int] = mapped_column(default=0)  # tries in a row
    troubles: Mapped[dict[str, Any]] = mapped_column(default=dict)  # sentences for staff, by kind
