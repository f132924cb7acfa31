"""Facilities: rows of 自治体標準オープンデータセット become passages and places.

One fact says where a facility is, when it is open and how to call it; others its fee, equipment
and whatever else the row holds. Names in kana and other languages become aliases.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import time
from statistics import median

from knowledge.documents import cells
from knowledge.documents.cells import Point, Read
from knowledge.documents.columns import flag, vocabulary
from knowledge.documents.remarks import Remarks
from knowledge.documents.rows import Columns, Entry, dated, fact, is_nothing
from knowledge.language import Language
from knowledge.passage import Document, Passage, RemarkKind
from knowledge.places import Place

EVENTS = "イベント"
_HAZARD = "災害種別_"
_FAR = 1.5  # degrees from the middle of the table: about 150 km
_MOSTLY = 0.5
_LANGUAGES = {
    "english": Language.EN,
    "chinese_simplified": Language.ZH_HANS,
    "chinese_traditional": Language.ZH_HANT,
    "korean": Language.KO,
}
_FLAG_ENDS = re.compile(r"(?:の?有無|可否)?(?:\(.*\))?\Z")
_SCIENTIFIC = re.compile(r"\d(?:\.\d+)?E\+?\d+\Z", re.IGNORECASE)
_LABELS = {
    "fee": "料金",
    "description": "説明",
    "closed": "休み",
    "located": "設置場所",
    "mail": "メール",
    "fax": "FAX",
    "url": "ウェブサイト",
    "remarks": "備考",
}
_IN_MAIN = frozenset(
    {
        *("code", "id", "publisher", "updated", "category"),
        *("name", "kana", "common", "english", "chinese_simplified", "chinese_traditional"),
        *("korean", "prefecture", "city", "address", "town", "number", "building", "postcode"),
        *("latitude", "longitude", "place", "phone", "extension"),
        *("days", "opens", "closes", "hours_note", "starts", "ends", "fee_note"),
    }
)
"""What is said together, or in another way than by its column."""


@dataclass(slots=True)
class _Row:
    """One row by meaning; several columns of one meaning keep the first that says something."""

    line: int
    by_meaning: dict[str, str]
    names: dict[str, str]  # meaning → header as published
    others: list[tuple[str, str, str]] = field(default_factory=list)  # meaning, header, text
    flags: dict[str, bool] = field(default_factory=dict)

    def get(self, meaning: str) -> str:
        return self.by_meaning.get(meaning, "")


@dataclass(frozen=True, slots=True)
class _Times:
    """Opening hours as a row has them, and as they are shown."""

    opens: time | None
    closes: time | None
    shown: str


class Facilities:
    """One table of facilities or events."""

    def __init__(
        self,
        document: Document,
        remarks: Remarks,
        columns: Columns,
        kind: str | None,
        headings: tuple[str, ...],
    ) -> None:
        self.places: list[Place] = []
        self._document = document
        self._remarks = remarks
        self._columns = columns
        self._kind = kind
        self._headings = headings
        self._flags: Mapping[int, bool] = {}
        self._areas: frozenset[str] = frozenset()
        self._lines: dict[str, int] = {}

    def passages(self, entries: Sequence[Entry]) -> Iterator[Passage]:
        """Yield the passages of all rows; `places` is complete afterwards."""
        self._flags = self._flag_columns(entries)
        phone = self._columns.first("phone")
        self._areas = frozenset(
            code
            for entry in entries
            if phone in entry.cells and (code := cells.area_code(entry.cells[phone or 0]))
        )
        self._same_ids(entries)
        for entry in entries:
            yield from self._row(self._sorted(entry))
        self._far_away()

    # Columns

    def _flag_columns(self, entries: Sequence[Entry]) -> Mapping[int, bool]:
        """Which columns hold flags, and whether 1 and 0 are among them."""
        found: dict[int, bool] = {}
        pattern = vocabulary().flags
        for number, name in enumerate(self._columns.header):
            if self._columns.meaning[number] or number in self._columns.ignored:
                continue
            named = pattern.search(name) is not None
            texts = [entry.cells[number] for entry in entries if number in entry.cells]
            read = sum(flag(text, digits=named) is not None for text in texts)
            if texts and read >= (_MOSTLY if named else 1) * len(texts):
                found[number] = named
        return found

    def _same_ids(self, entries: Iterable[Entry]) -> None:
        column = self._columns.first("id")
        if column is None:
            return
        seen: dict[str, int] = {}
        name = self._columns.header[column]
        for entry in entries:
            if not (text := entry.cells.get(column, "")):
                continue
            if _SCIENTIFIC.match(text):
                self._doubt("id-scientific", entry.line, name, text)
            elif text in seen:
                self._doubt("duplicate-id", entry.line, name, text, seen[text])
            else:
                seen[text] = entry.line

    def _sorted(self, entry: Entry) -> _Row:
        row = _Row(entry.line, {}, {})
        for number, text in entry.cells.items():
            if number in self._columns.ignored or is_nothing(text):
                continue
            if number >= len(self._columns.header):
                row.others.append(("", "", text))
                continue
            name, meaning = self._columns.header[number], self._columns.meaning[number]
            if number in self._flags:
                self._flag(row, name, text, digits=self._flags[number])
            elif meaning and meaning not in row.by_meaning:
                row.by_meaning[meaning], row.names[meaning] = text, name
                if meaning not in _IN_MAIN:
                    row.others.append((meaning, name, text))
            elif text != row.by_meaning.get(meaning):
                row.others.append(("", name, text))
        return row

    def _flag(self, row: _Row, name: str, text: str, *, digits: bool) -> None:
        said = flag(text, digits=digits)
        if said is None:
            self._doubt("flag-odd", row.line, name, text)
            row.others.append(("", name, text))
        else:
            row.flags[name] = said

    def _doubt(self, code: str, line: int, column: str, before: object, after: object = "") -> None:
        self._remarks.add(RemarkKind.DOUBTFUL, code, line, column, before, after)

    def _told(self, read: Read[object], row: _Row, meaning: str, shown: object = "") -> None:
        """Report what reading a cell took."""
        column, before = row.names.get(meaning, meaning), row.get(meaning)
        if read.repair is not None:
            self._remarks.add(
                RemarkKind.REPAIRED, read.repair, row.line, column, before, shown or read.value
            )
        elif read.doubt is not None:
            self._doubt(read.doubt, row.line, column, before)

    # Rows

    def _row(self, row: _Row) -> Iterator[Passage]:
        name = row.get("name")
        if not name:
            shown = " / ".join(row.by_meaning.values())
            self._remarks.add(RemarkKind.SKIPPED, "no-name", row.line, "", shown)
            return
        code = cells.municipality_code(row.get("code"), row.get("prefecture"))
        self._told(code, row, "code")
        point = self._point(row)
        address, times, phone = _address(row), self._times(row), self._phone(row)
        as_of = cells.partial_date(row.get("updated")) or self._document.as_of
        main = self._main(row, name, address, times, phone)
        kept: list[tuple[str, str, str | None]] = [main] if main is not None else []
        kept += self._others(row)
        if not kept:
            self._remarks.add(RemarkKind.SKIPPED, "only-name", row.line, "", name)
            return
        aliases = tuple(
            dict.fromkeys(
                row.get(each) for each in ("kana", "common", *_LANGUAGES) if row.get(each)
            )
        )
        first = ""
        for label, value, note in kept:
            item = f"{name} {label}"
            passage = replace(
                fact(self._document, (*self._headings, name), item, value, note=note, as_of=as_of),
                facility=name,
                place=address or None,
                aliases=aliases,
            )
            first = first or passage.id
            yield passage
        if self._kind != EVENTS:
            self._place(row, first, point, times, address=address, phone=phone)

    def _main(
        self, row: _Row, name: str, address: str, times: _Times, phone: str
    ) -> tuple[str, str, str | None] | None:
        """One fact for where, when and how to call: its label, value and note."""
        event = self._kind == EVENTS
        stated = [
            ("開催日", self._days(row)),
            ("会場" if event else "場所", row.get("place")),
            ("所在地", address),
            ("時間" if event else "利用時間", times.shown),
            ("電話番号", phone),
        ]
        said = [(label, value) for label, value in stated if value and value != name]
        category = row.get("category") or self._kind or ""
        if not said and not category:
            return None
        note = row.get("hours_note") or None
        if note == times.shown:
            note = None
        if not said:
            return "種別", category, note
        label = "・".join(label for label, _ in said)
        value = "、".join(f"{label}: {value}" for label, value in said)
        if len(said) == 1:
            value, note = said[0][1], note or category or None
        elif category and category != name:
            value = f"{category}、{value}"
        return label, value, note

    def _others(self, row: _Row) -> Iterator[tuple[str, str, str | None]]:
        for meaning, name, text in row.others:
            label = _LABELS.get(meaning, name)
            note = row.get("fee_note") or None if meaning == "fee" else None
            yield label or "備考", dated(self._remarks, name, text, row.line), note
        if "fee" not in row.by_meaning and row.get("fee_note"):
            yield "料金", row.get("fee_note"), None
        if row.flags:
            hazards = all(name.startswith(_HAZARD) for name in row.flags)
            words = ("対象外", "対象") if hazards else ("なし", "あり")
            said = "、".join(f"{_bare(name)}: {words[yes]}" for name, yes in row.flags.items())
            yield "対象の災害" if hazards else "設備", said, None

    def _place(
        self,
        row: _Row,
        passage: str,
        point: Point | None,
        times: _Times,
        *,
        address: str,
        phone: str,
    ) -> None:
        name = row.get("name")
        self._lines[passage] = row.line
        self.places.append(
            Place(
                name=name,
                passage=passage,
                kana=row.get("kana") or None,
                names={
                    language: row.get(each)
                    for each, language in _LANGUAGES.items()
                    if row.get(each)
                },
                latitude=point.latitude if point else None,
                longitude=point.longitude if point else None,
                address=address or None,
                phone=phone or None,
                days=row.get("days") or None,
                opens=times.opens,
                closes=times.closes,
                hours_note=row.get("hours_note") or None,
                features=frozenset(name for name, yes in row.flags.items() if yes),
                lacks=frozenset(name for name, yes in row.flags.items() if not yes),
                category=row.get("category") or self._kind,
                document=self._document.name,
            )
        )

    # Cells

    def _point(self, row: _Row) -> Point | None:
        latitude, longitude = row.get("latitude"), row.get("longitude")
        read = cells.coordinates(latitude, longitude)
        before = f"{latitude}, {longitude}"
        column = f"{row.names.get('latitude', '緯度')}/{row.names.get('longitude', '経度')}"
        if read.repair is not None and read.value is not None:
            after = f"{read.value.latitude:.6f}, {read.value.longitude:.6f}"
            self._remarks.add(RemarkKind.REPAIRED, read.repair, row.line, column, before, after)
        elif read.doubt is not None:
            self._doubt(read.doubt, row.line, column, before)
        return read.value

    def _times(self, row: _Row) -> _Times:
        found: dict[str, time | None] = {}
        shown: list[str] = []
        for meaning in ("opens", "closes"):
            read = cells.clock(row.get(meaning))
            found[meaning] = read.value
            text = cells.shown_time(read.value) if read.value is not None else row.get(meaning)
            self._told(read, row, meaning, text)
            shown.append(text)
        hours = "〜".join(shown) if any(shown) else ""
        days = row.get("days")
        if hours and days:
            hours = f"{hours} ({days})"
        return _Times(found["opens"], found["closes"], hours or days or row.get("hours_note"))

    def _days(self, row: _Row) -> str:
        shown: list[str] = []
        for meaning in ("starts", "ends"):
            read = cells.day(row.get(meaning))
            text = cells.shown_day(read.value) if read.value is not None else row.get(meaning)
            self._told(read, row, meaning, text)
            if text and text not in shown:
                shown.append(text)
        return "〜".join(shown)

    def _phone(self, row: _Row) -> str:
        read = cells.phone(row.get("phone"), self._areas)
        self._told(read, row, "phone")
        extension = row.get("extension")
        return f"{read.value} (内線{extension})" if read.value and extension else read.value or ""

    def _far_away(self) -> None:
        """Doubt what lies far from the rest: a digit too many moves a place to the next island."""
        known = [each for each in self.places if each.latitude is not None]
        if len(known) <= 2:  # noqa: PLR2004 - of two, none is the odd one
            return
        latitude = median(each.latitude or 0.0 for each in known)
        longitude = median(each.longitude or 0.0 for each in known)
        for place in known:
            north = abs((place.latitude or 0.0) - latitude)
            east = abs((place.longitude or 0.0) - longitude)
            if max(north, east) > _FAR:
                shown = f"{place.latitude}, {place.longitude}"
                self._doubt("coordinates-far", self._lines[place.passage], place.name, shown)
        spots = Counter((each.latitude, each.longitude) for each in known)
        spot, times = spots.most_common(1)[0]
        if times > max(3, len(known) // 2):
            line = min(
                self._lines[each.passage]
                for each in known
                if (each.latitude, each.longitude) == spot
            )
            self._doubt("coordinates-same", line, "", f"{spot[0]}, {spot[1]}", times)


def _address(row: _Row) -> str:
    whole = row.get("address")
    if not whole:
        whole = "".join(row.get(each) for each in ("prefecture", "city", "town", "number"))
        whole = whole if row.get("town") or row.get("number") else ""
    building = row.get("building")
    return f"{whole} {building}" if whole and building and building not in whole else whole


def _bare(name: str) -> str:
    return _FLAG_ENDS.sub("", name.removeprefix(_HAZARD)) or name
