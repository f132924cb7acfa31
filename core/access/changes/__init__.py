"""The brake: removals are counted before one is carried out, and many need two people.

A turn's losses are of two kinds: those that the same reading would have brought under the rules
last applied, too, and those that come of a change of the rules. Each kind is let through by itself
while it touches at most ``[access] approve_above`` people (the first kind: within an hour). Above,
it becomes a *change* that waits: one person of the staff proposes it, another approves it, either
may refuse it, and until then those doors stay open.

A change's life::

    waiting ──► approved      carried out by the next turns, for those on its list
       ├──────► refused       those doors stay open
       └──────► withdrawn     the reason is gone by itself
"""

from core.access.changes.approval import (
    agree,
    change,
    changes,
    forget_lists,
    refuse,
    waiting_changes,
)
from core.access.changes.brake import (
    APPROVED_FOR,
    REFUSED_FOR,
    TAKEN_BACK,
    WINDOW,
    losses_of,
    standing,
    weigh,
    weigh_by_hand,
)
from core.access.changes.nouns import (
    Change,
    ChangeKind,
    ChangeState,
    Looked,
    Loss,
    Losses,
    Rehearsal,
    Standing,
    Turn,
    Verdict,
)

__all__ = [
    "APPROVED_FOR",
    "REFUSED_FOR",
    "TAKEN_BACK",
    "WINDOW",
    "Change",
    "ChangeKind",
    "ChangeState",
    "Looked",
    "Loss",
    "Losses",
    "Rehearsal",
    "Standing",
    "Turn",
    "Verdict",
    "agree",
    "change",
    "changes",
    "forget_lists",
    "losses_of",
    "refuse",
    "standing",
    "waiting_changes",
    "weigh",
    "weigh_by_hand",
]
