"""Places: facilities as a town's open data lists them, with what can be computed from.

Every place is also a passage of the library, so that whatever is computed can be cited.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time

from knowledge.language import Language


@dataclass(frozen=True, slots=True)
class Place:
    """One row of a facility table (自治体標準オープンデータセット)."""

    name: str
    passage: str  # the id of the passage that states it
    kana: str | None = None
    names: Mapping[Language, str] = field(default_factory=dict)  # in other languages
    latitude: float | None = None  # degrees, WGS 84
    longitude: float | None = None
    address: str | None = None
    phone: str | None = None
    days: str | None = None  # 利用可能曜日, as published: 月火水木金
    opens: time | None = None
    closes: time | None = None  # 24:00 is `time.max`; earlier than `opens` means the next day
    hours_note: str | None = None
    features: frozenset[str] = frozenset()  # columns with a flag that says yes: 車椅子可
    lacks: frozenset[str] = frozenset()  # columns with a flag that says no
    category: str | None = None  # 公衆トイレ; what the table lists, or the row's own 種別
    document: str | None = None  # the name of the table's document
