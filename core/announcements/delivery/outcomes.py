"""What a platform answered, as the next state of a delivery.

Each kind of error has its own end. Who blocked us is not written to until they write. A flood
stops the lane, not the message. What was certainly not sent is tried for about a day. What is in
doubt is sent once more, or left to staff where the announcement says ``hold``.
"""

import random
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from core.announcements.delivery.changes import Change
from core.announcements.delivery.claims import MAX_AMENDMENTS, MAX_IN_DOUBT, Claim, Deed
from core.announcements.delivery.lanes import LONGEST_BAN, DeliveryState
from core.announcements.delivery.lanes import milliseconds as ms
from core.announcements.delivery.messenger import (
    Blocked,
    Delivered,
    Failed,
    Flooded,
    InDoubt,
    NotSent,
    Outcome,
)

MAX_ATTEMPTS: Final = 300
"""For what certainly was not sent: about a day of tries, five minutes apart at the most."""
LONGEST: Final = 2**63


def bounded(outcome: Outcome) -> Outcome:
    """With no silence that is longer than we keep one, or ends before it begins."""
    if isinstance(outcome, Flooded):
        wait = min(max(outcome.retry_after, timedelta(0)), LONGEST_BAN)
        return Flooded(wait)
    if isinstance(outcome, NotSent) and outcome.retry_after is not None:
        wait = min(max(outcome.retry_after, timedelta(0)), LONGEST_BAN)
        return replace(outcome, retry_after=wait)
    return outcome


def change_of(claim: Claim, outcome: Outcome, *, worker: str, now: datetime) -> Change:
    """The row's next state. Whether the row is still ours, the database says."""
    if claim.deed is Deed.SEND:
        return _sent(claim, outcome, worker, now)
    return _amended(claim, outcome, worker, now)


def _sent(claim: Claim, outcome: Outcome, worker: str, now: datetime) -> Change:
    match outcome:
        case Delivered():
            arrived = _result(claim, worker, DeliveryState.DELIVERED, None)
            return replace(arrived, message_id=_number(outcome.message_id))
        case Blocked():
            return _result(claim, worker, DeliveryState.BLOCKED, outcome.reason)
        case Failed():
            return _result(claim, worker, DeliveryState.FAILED, outcome.reason)
        case Flooded():  # the platform never looked at it: no attempt
            again = _later(claim, worker, now + outcome.retry_after)
            return replace(again, attempts=claim.attempt - 1)
        case NotSent(retry_after=timedelta() as wait):
            return replace(_later(claim, worker, now + wait), attempts=claim.attempt - 1)
        case NotSent() if claim.attempt >= MAX_ATTEMPTS:
            return _result(claim, worker, DeliveryState.FAILED, outcome.reason)
        case NotSent():
            return _later(claim, worker, now + backoff(claim.attempt))
        case InDoubt() if claim.holds or claim.in_doubt >= MAX_IN_DOUBT:
            return _result(claim, worker, DeliveryState.UNSURE, outcome.reason)
        case InDoubt():
            again = _later(claim, worker, now + backoff(claim.attempt))
            return replace(again, in_doubt=claim.in_doubt + 1, reason=outcome.reason)


def _amended(claim: Claim, outcome: Outcome, worker: str, now: datetime) -> Change:
    """A message that has arrived stays so, whatever became of its change."""
    done = _result(claim, worker, DeliveryState.DELIVERED, None)
    done = replace(done, in_doubt=claim.in_doubt, message_id=claim.message_id)
    match outcome:
        case Delivered():
            return replace(done, counted="amended")
        case Blocked() | Failed():
            return replace(done, counted="amend_failed")
        case Flooded():
            due, attempts = now + outcome.retry_after, claim.attempt - 1
        case NotSent(retry_after=timedelta() as wait):
            due, attempts = now + wait, claim.attempt - 1
        case NotSent() | InDoubt() if claim.attempt >= MAX_AMENDMENTS:
            return replace(done, counted="amend_failed")
        case NotSent() | InDoubt():
            due, attempts = now + backoff(claim.attempt), claim.attempt
    return replace(done, due_at=ms(due), attempts=attempts, revision=0, counted=None)


def outdated(claim: Claim, change: Change, now: datetime) -> Change:
    """What arrived in words that have been changed since is due to be changed."""
    if change.state is not DeliveryState.DELIVERED:
        return change
    counted = change.counted if claim.deed is Deed.SEND else None
    return replace(change, due_at=ms(now), attempts=0, counted=counted)


def _result(claim: Claim, worker: str, state: DeliveryState, reason: str | None) -> Change:
    return Change(
        announcement_id=claim.announcement_id,
        recipient=claim.recipient,
        held_by=worker,
        held_at=claim.attempt,
        state=state,
        due_at=None,
        attempts=claim.attempt,
        in_doubt=claim.in_doubt,
        message_id=None,
        revision=claim.revision,
        reason=reason,
        counted=state.word,
    )


def _later(claim: Claim, worker: str, due: datetime) -> Change:
    waiting = _result(claim, worker, DeliveryState.WAITING, None)
    return replace(waiting, due_at=ms(due), counted=None)


def _number(message_id: str | None) -> int | None:
    """As the row has it; platforms number their messages."""
    if message_id is None or not (message_id.isascii() and message_id.isdigit()):
        return None
    number = int(message_id)
    return number if number < LONGEST else None


def backoff(attempts: int) -> timedelta:
    """1, 2, 4 … 256 seconds with up to half as much again: workers should not march in step."""
    seconds = 2 ** max(0, min(attempts - 1, 8))
    return timedelta(seconds=seconds * (1 + random.random() / 2))  # noqa: S311
