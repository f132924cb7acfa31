"""Whether members may come, as the chain says, and who is shown the link to an online meeting."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from core.access.decision import Admitted, Decision, Refused
from core.access.evidence import Evidence, EvidenceReader
from core.chain.values import Finality
from core.events.nouns import Event, Reply, ReplyState, Standing
from core.town import Gate, TownPack

AWAY_AFTER: Final = 3
"""After so many members in a row of whom nobody could tell, a room is not read for that turn."""

LINGERS: Final = timedelta(hours=3)
"""So long after its end an online meeting may still run over."""

Judge = Callable[[Gate, Evidence], Decision]


@dataclass(slots=True)
class Turn:
    """The readings of one request or one turn of the clock: each member's evidence once.

    Nobody waits long for a chain that is away: each room is given up on its own.
    """

    town: TownPack
    evidence: EvidenceReader
    judge: Judge
    patience: timedelta
    _read: dict[tuple[int, Finality], Evidence | None] = field(default_factory=dict)
    _unknown: dict[str, set[int]] = field(default_factory=dict)

    async def of(
        self, member_id: int, gate_name: str | None, *, finality: Finality = "latest"
    ) -> Standing:
        """Whether a member may come. A room that the pack no longer names: nobody can tell."""
        if gate_name is None:
            return Standing.YES
        gate = self.town.gate(gate_name)
        if gate is None:
            return Standing.UNKNOWN
        if self.away(gate_name):
            return Standing.UNREAD
        evidence = await self._evidence(member_id, finality)
        decision = self.judge(gate, evidence) if evidence is not None else None
        if isinstance(decision, Admitted | Refused):
            self._unknown.pop(gate_name, None)
            return Standing.YES if isinstance(decision, Admitted) else Standing.NO
        self._unknown.setdefault(gate_name, set()).add(member_id)
        return Standing.UNKNOWN

    def away(self, gate_name: str) -> bool:
        """Whether this room was given up for this turn."""
        return len(self._unknown.get(gate_name, ())) >= AWAY_AFTER

    async def _evidence(self, member_id: int, finality: Finality) -> Evidence | None:
        key = (member_id, finality)
        if key not in self._read:
            try:
                async with asyncio.timeout(self.patience.total_seconds()):
                    self._read[key] = await self.evidence.of(member_id, finality=finality)
            except TimeoutError:
                self._read[key] = None
        return self._read[key]


def link_for(event: Event, reply: Reply | None, standing: Standing, *, now: datetime) -> str | None:
    """The link of an event, for somebody who comes and may.

    Where nobody can tell, whoever was admitted by the room that the event has now keeps it, unless
    they were told that they lose their seat. Where nobody has read, there is no link.
    """
    comes = reply is not None and reply.state is ReplyState.COMING
    if reply is None or not (event.is_open and comes) or now > event.plan.ends_at + LINGERS:
        return None
    if standing is Standing.YES:
        return event.plan.online
    admitted = reply.admitted_gate == event.plan.gate and reply.leave_at is None
    return event.plan.online if standing is Standing.UNKNOWN and admitted else None
