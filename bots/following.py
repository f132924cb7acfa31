"""Following the chains: new transfers are read, and who is concerned is looked at again.

What one turn costs grows with the transfers since the last one, not with the members.
"""

import logging
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import timedelta
from typing import Final

from bots import texts
from bots.app import App
from core import audit, identity
from core.database import reading, transaction
from core.errors import ChainUnavailable
from core.holdings import Reconciler, Reconciliation, Trouble, Turn, one_look
from core.town import Collection

logger = logging.getLogger(__name__)


TRIES: Final = 4
EVERYBODY_EVERY: Final = timedelta(days=1)


async def follow(app: App) -> None:
    """Read on until the index stands at every finalized block, and act upon what changed."""
    behind = True
    while behind:
        turn = await app.index.turn()
        await app.pages.save()
        _tell(app, turn)
        await act(app, settle=not turn.troubles)
        behind = turn.behind
    await compare(app, await app.index.never_compared(), everybody=True)


async def act(app: App, *, settle: bool) -> None:
    """Look again at the members whose wallets changed, and at those who wait since an outage.

    What changed counts as acted upon only afterwards: a crash in between repeats it.
    """
    changes = await app.index.changes()
    concerned: set[int] = set()
    async with transaction(app.sessions) as session:
        for chain_id, owners in changes.by_chain.items():
            holders = await identity.holders_of(session, owners, chain_id=chain_id)
            concerned |= set(holders.values())
    if settle:
        concerned |= set(app.unsettled)
    if concerned:
        logger.info("holdings-changed", extra={"members": len(concerned)})
        await _recheck(app, concerned)
        app.wake()
    if changes.mentions or changes.until:
        await app.index.acted_upon(changes)


async def _recheck(app: App, members: AbstractSet[int]) -> None:
    """Where nobody could tell, the next turns ask again; after a few the sweep does."""
    async with one_look():
        report = await app.doorkeeper.recheck_members(members)
        if report.warned and any(not app.town.access.grace_of(each) for each in app.town.gates):
            # Without days of grace the notice and the door come one after the other.
            report.add(await app.doorkeeper.recheck_members(members))
    app.troubles["moved"] = sorted(set(report.troubles))
    tried = {each: app.unsettled.get(each, 0) + 1 for each in report.unsettled}
    app.unsettled = {
        each: tries
        for each, tries in {**app.unsettled, **tried}.items()
        if tries < TRIES and (each in tried or each not in members)
    }


async def compare_all(app: App) -> None:
    """Compare the index with the contracts: members' wallets each time, all owners once a day."""
    now = app.clock()
    everybody = app.compared_at is None or now - app.compared_at >= EVERYBODY_EVERY
    done = await compare(app, app.index.collections, everybody=everybody)
    if everybody and done:
        app.compared_at = now


async def compare(app: App, collections: Sequence[Collection], *, everybody: bool) -> bool:
    """Whether all `collections` could be compared. What differed is mended, and staff are told."""
    if not collections:
        return True
    wallets: dict[int, list[str]] = {}
    async with reading(app.sessions) as session:
        for chain_id in {each.chain_id for each in collections}:
            wallets[chain_id] = sorted(await identity.all_wallets(session, chain_id=chain_id))
    reconciler = Reconciler(app.index, app.chains, app.sessions, app.clock)
    done = True
    for collection in collections:
        try:
            mine = wallets[collection.chain_id]
            found = await reconciler.run(collection, mine, everybody=everybody)
        except ChainUnavailable as error:
            logger.warning("not-compared", extra={"reason": str(error)})
            done = False
            continue
        if found.differences:
            await _differed(app, found)
    return done


async def _differed(app: App, found: Reconciliation) -> None:
    key = "index.mended" if found.mended else "index.trouble.incomplete"
    sentence = texts.say(
        key, app.happenings.language, collection=found.collection, count=found.differences
    )
    app.happenings.tell("chat.happening.trouble", sentence=sentence)
    async with transaction(app.sessions) as session:
        await audit.record(
            session,
            actor="kankei",
            action="index.mended" if found.mended else "index.differs",
            detail={
                "collection": found.collection,
                "block": found.block,
                "wallets": found.differences,
            },
            now=app.clock(),
        )


def silence(app: App, job: str, *, away: bool) -> None:
    """Tell once that a chain is silent, whichever job noticed, and once that it speaks again."""
    was_away = bool(app.silent)
    (app.silent.add if away else app.silent.discard)(job)
    said = texts.say("chat.happening.unreachable", app.happenings.language)
    app.troubles[f"silent-{job}"] = [said] if away else []
    if app.silent and not was_away:
        app.happenings.tell("chat.happening.unreachable")
    elif was_away and not app.silent:
        app.happenings.tell("chat.happening.reachable")


def _tell(app: App, turn: Turn) -> None:
    silence(app, "index", away=Trouble.UNREACHABLE in turn.troubles.values())
    sentences = [
        texts.say(f"index.trouble.{kind}", app.happenings.language, collection=name, count="")
        for name, kind in sorted(turn.troubles.items())
        if kind is not Trouble.UNREACHABLE
    ]
    for sentence in sentences:
        if sentence not in app.troubles.get("index", []):
            app.happenings.tell("chat.happening.trouble", sentence=sentence)
    app.troubles["index"] = sentences
