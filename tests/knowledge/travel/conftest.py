"""The buses of Mizuki: an invented feed, and the guide of the town with it.

* 水城線 新水城駅 – 水城町役場 – 水城洞前, 黒洞線 水城町役場 – 黒洞
* on weekdays, on other days, and on one extra day; not over New Year
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from knowledge.answer import Guide
from knowledge.encoders import encoders
from knowledge.index import Index
from knowledge.ingest import read_guides
from knowledge.language import Language
from knowledge.passage import Kind, Passage
from knowledge.places import Place
from knowledge.testing import FakeEncoder
from knowledge.timetable import Timetable, read_feed

GUIDES = Path(__file__).parents[1] / "guides"
TOKYO = ZoneInfo("Asia/Tokyo")

FEED: Mapping[str, str] = {
    "agency.txt": "agency_id,agency_name,agency_url,agency_timezone\nA,水城バス,https://example.org,Asia/Tokyo\n",
    "feed_info.txt": "feed_publisher_name,feed_publisher_url,feed_lang,feed_start_date,feed_end_date,feed_version\n水城町,https://example.org/bus,ja,20260401,20270331,1\n",
    "stops.txt": (
        "stop_id,stop_name,stop_lat,stop_lon,zone_id,location_type,parent_station\n"
        "st,新水城駅,34.1000,131.3000,,1,\n"
        "st1,新水城駅,34.1001,131.3001,z1,0,st\n"
        "st2,新水城駅,34.1002,131.3002,z1,0,st\n"
        "of,水城町役場,34.2000,131.3000,z2,0,\n"
        "cv,水城洞前,34.2300,131.3000,z3,0,\n"
        "kr,黒洞,34.2500,131.3500,z4,0,\n"
    ),
    "routes.txt": "route_id,agency_id,route_short_name,route_long_name,route_type\nm,A,水城線,,3\nk,A,黒洞線,,3\n",
    "calendar.txt": (
        "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n"
        "wd,1,1,1,1,1,0,0,20260401,20270331\n"
        "he,0,0,0,0,0,1,1,20260401,20270331\n"
    ),
    "calendar_dates.txt": (
        "service_id,date,exception_type\n"
        "wd,20261123,2\nhe,20261123,1\n"
        "wd,20270101,2\nfes,20261212,1\n"
    ),
    "trips.txt": (
        "route_id,service_id,trip_id,trip_headsign\n"
        "m,wd,m1,水城洞行き\nm,wd,m2,水城洞行き\nm,wd,m3,水城洞行き\nm,wd,night,水城洞行き\n"
        "m,wd,b1,新水城駅行き\nm,wd,b2,新水城駅行き\n"
        "m,he,h1,水城洞行き\nm,fes,f1,水城洞行き\n"
        "k,wd,k1,黒洞行き\nk,wd,k2,黒洞行き\n"
    ),
    "stop_times.txt": (
        "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
        "m1,7:00:00,7:00:00,st1,1\nm1,7:25:00,7:26:00,of,2\nm1,7:40:00,7:40:00,cv,3\n"
        "m2,10:10:00,10:10:00,st1,1\nm2,10:35:00,10:36:00,of,2\nm2,10:50:00,10:50:00,cv,3\n"
        "m3,18:05:00,18:05:00,st2,1\nm3,18:30:00,18:31:00,of,2\nm3,18:45:00,18:45:00,cv,3\n"
        "night,24:20:00,24:20:00,st1,1\nnight,24:45:00,24:45:00,of,2\nnight,25:00:00,25:00:00,cv,3\n"
        "b1,11:30:00,11:30:00,cv,1\nb1,11:45:00,11:46:00,of,2\nb1,12:10:00,12:10:00,st1,3\n"
        "b2,17:20:00,17:20:00,cv,1\nb2,17:35:00,17:36:00,of,2\nb2,18:00:00,18:00:00,st1,3\n"
        "h1,9:30:00,9:30:00,st1,1\nh1,9:55:00,9:56:00,of,2\nh1,10:10:00,10:10:00,cv,3\n"
        "f1,20:00:00,20:00:00,st1,1\nf1,20:40:00,20:40:00,cv,2\n"
        "k1,10:38:00,10:38:00,of,1\nk1,10:58:00,10:58:00,kr,2\n"
        "k2,10:45:00,10:45:00,of,1\nk2,11:05:00,11:05:00,kr,2\n"
    ),
    "fare_attributes.txt": "fare_id,price,currency_type,payment_method,transfers\np500,500,JPY,0,0\np200,200,JPY,0,0\n",
    "fare_rules.txt": (
        "fare_id,route_id,origin_id,destination_id\n"
        "p500,m,z1,z3\np500,m,z3,z1\np200,m,z1,z2\np200,k,z2,z4\n"
    ),
    "translations.txt": (
        "table_name,field_name,language,translation,record_id\n"
        "stops,stop_name,ja-Hrkt,しんみずきえき,st\n"
        "stops,stop_name,en,Shin-Mizuki Station,st\n"
        "stops,stop_name,ko,신미즈키역,st\n"
        "stops,stop_name,zh-Hans,新水城站,st\n"
        "stops,stop_name,zh-Hant,新水城站,st\n"
        "stops,stop_name,en,Mizuki Cave,cv\n"
        "stops,stop_name,ko,미즈키도 앞,cv\n"
        "stops,stop_name,ja-Hrkt,みずきどうまえ,cv\n"
    ),
}  # fmt: skip

Write = Callable[..., Path]
Town = Callable[..., Guide]


@pytest.fixture
def write_feed(tmp_path: Path) -> Write:
    """Writes the feed to a folder, with tables replaced, or left out where they are None."""

    def write(folder: str = "bus", encoding: str = "utf-8", **changed: str | None) -> Path:
        path = tmp_path / folder
        path.mkdir(exist_ok=True)
        for table, text in FEED.items():
            shown = changed.get(table.removesuffix(".txt"), text)
            if shown is not None:
                (path / table).write_text(shown, encoding=encoding)
        return path

    return write


@pytest.fixture
def timetable(write_feed: Write) -> Timetable:
    found, problems = read_feed(write_feed())
    assert problems == ()
    assert found is not None
    return found


def place(name: str, latitude: float, longitude: float) -> tuple[Place, Passage]:
    """One row of open data and the passage that states it."""
    text = f"{name}: 緯度{latitude}、経度{longitude}"
    passage = Passage(
        id=f"place-{name}",
        document="facilities",
        title="水城町の施設一覧",
        headings=(),
        text=text,
        kind=Kind.FACT,
        language=Language.JA,
        facility=name,
        item=name,
        value=f"緯度{latitude}、経度{longitude}",
        as_of="2026-04",
    )
    return Place(name, passage.id, latitude=latitude, longitude=longitude), passage


@pytest.fixture
def town(tmp_path: Path) -> Town:
    """Makes the guide of Mizuki with timetables and places."""

    def make(*timetables: Timetable, places: tuple[tuple[Place, Passage], ...] = ()) -> Guide:
        library = read_guides(GUIDES)
        library = replace(
            library,
            passages=(*library.passages, *(passage for _, passage in places)),
            places=tuple(each for each, _ in places),
            timetables=timetables,
        )
        return Guide(Index.open(library, tmp_path / "cache", [FakeEncoder()], lambda _: None))

    return make


def at(day: str, clock: str) -> datetime:
    """Return a moment in the town."""
    return datetime.fromisoformat(f"{day}T{clock}:00").replace(tzinfo=TOKYO)
