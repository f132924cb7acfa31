"""Timetables: buses and trains as GTFS-JP feeds publish them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timetable:
    """One feed."""

    name: str  # the file or folder it was read from
