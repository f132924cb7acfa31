"""Timetables: buses and trains as GTFS-JP feeds publish them.

`read_feed` reads a feed (a folder or a .zip) as it is, faults and all: what is wrong is reported
with file and line, the rest is used. A `Timetable` answers which trips run on a day; the search for
the next ones is in `knowledge.timetable.journeys`.

* GTFS Schedule Reference (gtfs.org), times past 24:00 included
* 標準的なバス情報フォーマット (GTFS-JP), third edition; translations of the first edition too
"""

from knowledge.timetable.feed import Fares, Route, Service, Station, Timetable, Trips
from knowledge.timetable.reader import read_feed

__all__ = ["Fares", "Route", "Service", "Station", "Timetable", "Trips", "read_feed"]
