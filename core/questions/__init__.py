"""Questions without a good answer, and the facts that staff made of them.

A question joins a cluster of questions that ask the same. A cluster's life::

    open ──► answered      a fact stands for it; those who wanted to know are told
      ▲  └─► dismissed     with a reason; what asks the same later is dismissed with it
      └───────┘            reopened: the decision was undone, or the fact withdrawn

A fact is a draft until somebody confirms it, and is then said by the guide until it is withdrawn
or its last day has passed. Which questions ask the same is decided elsewhere; here it is kept.
"""

from core.questions.clusters import (
    PAGE,
    Cluster,
    ClusterState,
    Filter,
    Sort,
    cluster,
    dismiss,
    listed,
    merge,
    reopen,
    split,
    waiting_count,
    wordings,
)
from core.questions.facts import (
    MAX_ANSWER,
    MAX_SOURCE,
    Confirmed,
    Fact,
    FactState,
    Taken,
    Wording,
    active,
    confirm,
    draft,
    edit,
    fact,
    facts,
    restore,
    withdraw,
)
from core.questions.queue import (
    MAX_OPEN,
    MAX_TEXT,
    PER_DAY,
    Kind,
    Question,
    Recorded,
    comparable,
    count_refused,
    export,
    forget,
    left,
    record,
    refused,
    retract,
    stop_telling,
    version,
    want,
)
from core.questions.redact import redact

__all__ = [
    "MAX_ANSWER",
    "MAX_OPEN",
    "MAX_SOURCE",
    "MAX_TEXT",
    "PAGE",
    "PER_DAY",
    "Cluster",
    "ClusterState",
    "Confirmed",
    "Fact",
    "FactState",
    "Filter",
    "Kind",
    "Question",
    "Recorded",
    "Sort",
    "Taken",
    "Wording",
    "active",
    "cluster",
    "comparable",
    "confirm",
    "count_refused",
    "dismiss",
    "draft",
    "edit",
    "export",
    "fact",
    "facts",
    "forget",
    "left",
    "listed",
    "merge",
    "record",
    "redact",
    "refused",
    "reopen",
    "restore",
    "retract",
    "split",
    "stop_telling",
    "version",
    "waiting_count",
    "want",
    "withdraw",
    "wordings",
]
