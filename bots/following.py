"""Following the chains: new transfers are read, and who is concerned is looked at again.

What one turn costs grows with the transfers since the last one, not with the members.
"""

import logging
from collections.abc import Collection

from bots import texts
from bots.app import App
from core import identity
from core.database import transaction
from core.holdings import Trouble, Turn, one_look

logger = logging.getLogger(__name__)


async def follow(app: App) -> None:
    """Read on until the index stands at every finalized block, and act upon what changed."""
    behind = True
    while behind:
        turn = await app.index.turn()
        await app.pages.save()
        _tell(app, turn)
        await act(app, settle=not turn.troubles)
        behind = turn.behind


async def act(app: App, *, settle: bool) -> None:
    """Look again at the members whose wallets changed, and at those who wait since an outage.

    What changed counts as acted upon only afterwards: a crash in between repeats it.
    """
    changes = await app.index.changes()
    async with transaction(app.sessions) as session:
        concerned = set((await identity.holders_of(session, changes.owners)).values())
    if settle:
        concerned |= app.unsettled
    if concerned:
        logger.info("holdings-changed", extra={"members": len(concerned)})
        await _recheck(app, concerned)
        app.wake()
    if changes.owners or changes.until:
        await app.index.acted_upon(changes)


async def _recheck(app: App, members: Collection[int]) -> None:
    async with one_look():
        report = await app.doorkeeper.recheck_members(members)
    app.unsettled.difference_update(members)
    app.unsettled.update(report.unsettled)


def silence(app: App, job: str, *, away: bool) -> None:
    """Tell once that a chain is silent, whichever job noticed, and once that it speaks again."""
    was_away = bool(app.silent)
    (app.silent.add if away else app.silent.discard)(job)
    if app.silent and not was_away:
        app.happenings.tell("chat.happening.unreachable")
        app.troubles["chain"] = [app.happenings.recent[-1]]
    elif was_away and not app.silent:
        app.troubles.pop("chain", None)
        app.happenings.tell("chat.happening.reachable")


def _tell(app: App, turn: Turn) -> None:
    silence(app, "index", away=Trouble.UNREACHABLE in turn.troubles.values())
    sentences = [
        texts.say(f"index.trouble.{kind}", app.happenings.language, collection=name)
        for name, kind in sorted(turn.troubles.items())
        if kind is not Trouble.UNREACHABLE
    ]
    for sentence in sentences:
        if sentence not in app.troubles.get("index", []):
            app.happenings.tell("chat.happening.trouble", sentence=sentence)
    app.troubles["index"] = sentences
