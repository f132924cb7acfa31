"""The sweep over all members, what it tells, and those who wait at a door."""

import logging
from typing import Protocol, runtime_checkable

from bots import texts
from bots.app import App
from bots.following import silence
from core.access import SweepReport
from core.access.changes import waiting_changes
from core.database import transaction
from core.holdings import one_look

logger = logging.getLogger(__name__)


@runtime_checkable
class Waiting(Protocol):
    """An adapter at whose doors people may wait until the chain answers again."""

    async def retry_pending(self) -> None: ...


async def recheck_everybody(app: App) -> None:
    """One sweep over all members, told in a line when anything came of it."""
    before = set(app.problems())
    async with one_look():
        await app.vaults.look_again()  # first, so that the sweep sees what is over
        report = await app.doorkeeper.sweep()
    report.add(await app.drift.look())
    app.wake()
    app.troubles["sweep"] = sorted(set(report.troubles))
    silence(app, "sweep", away=bool(report.missing))
    if report.opened or report.warned or report.closed:
        app.happenings.tell(
            "chat.happening.swept",
            members=report.members,
            opened=report.opened,
            warned=report.warned,
            closed=report.closed,
            unknown=report.unknown,
        )
    _tell_of_hands(app, report)
    await tell_of_changes(app)
    for trouble in set(app.problems()) - before:
        logger.warning("trouble", extra={"reason": trouble})


def _tell_of_hands(app: App, report: SweepReport) -> None:
    """What somebody moved by hand on a platform, put back or left for staff to see."""
    if report.repaired:
        app.happenings.tell("members.happening.repaired", count=report.repaired)
    language = app.happenings.language
    app.troubles["by-hand"] = [
        texts.say("members.happening.by-hand", language, room=_title(app, gate), count=count)
        for gate, count in sorted(report.by_hand.items())
        if count
    ]


def _title(app: App, gate_name: str) -> str:
    gate = app.town.gate(gate_name)
    return gate.title.get(app.happenings.language) if gate else gate_name


async def tell_of_changes(app: App) -> None:
    """Say once that a change waits for two people, and keep it before the eyes of staff."""
    async with transaction(app.sessions) as session:
        waiting = await waiting_changes(session)
    said = texts.say("members.happening.waits", app.happenings.language, count=waiting)
    if waiting and app.troubles.get("changes") != [said]:
        app.happenings.tell("members.happening.waits", count=waiting)
    app.troubles["changes"] = [said] if waiting else []


async def look_again(app: App) -> None:
    """Ask again for those who wait at a door because nobody could tell."""
    for adapter in app.adapters:
        if isinstance(adapter, Waiting):
            await adapter.retry_pending()
