"""What the engine remembers: one story a workflow, its number and its state."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from dbos import WorkflowStatus


@dataclass(frozen=True, slots=True)
class Story:
    """One workflow as the engine remembers it."""

    id: str
    kind: str  # turn or announcement
    subject: str  # the job's name, the announcement's number
    state: str  # waiting, running, done, failed, cancelled
    worker: str
    version: str
    created_at: datetime
    ended_at: datetime | None


_STATES: Final = {
    "ENQUEUED": "waiting",
    "DELAYED": "waiting",
    "PENDING": "running",
    "SUCCESS": "done",
    "ERROR": "failed",
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": "failed",
    "CANCELLED": "cancelled",
}
OPEN: Final = ("ENQUEUED", "DELAYED", "PENDING")
FAILED: Final = ("ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")
CLOSED: Final = ("SUCCESS", "CANCELLED")


def turn_id(job: str, number: int, due_at: datetime) -> str:
    """The same in every process that sees this turn is due; another after a restored backup."""
    return f"turn-{job}-{number}-{due_at.timestamp():.0f}"


def life_id(announcement: int, confirmed_at: datetime) -> str:
    """Another for each time that an announcement was confirmed."""
    return f"announcement-{announcement}-{confirmed_at.timestamp() * 1000:.0f}"


def story_of(status: "WorkflowStatus") -> Story:
    subject = status.workflow_id.partition("-")[2].rpartition("-")[0]
    if status.name == "turn":
        subject = subject.rpartition("-")[0]
    return Story(
        status.workflow_id,
        status.name,
        subject,
        _STATES.get(status.status, status.status.lower()),
        status.executor_id or "",
        status.app_version or "",
        _moment(status.created_at) or datetime.now(UTC),
        _moment(status.completed_at),
    )


def _moment(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)
