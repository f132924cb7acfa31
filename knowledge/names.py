"""Names: which sights a question speaks of, by any name that the guides give them.

They come from the documents' own front matter (a facility and its aliases in kana, romaji and
other languages) and from the town's gazetteer. A name belongs to the documents that carry it, so an
alias of one document (山焼き) selects that document, and the facility's name (秋吉台) all of its
documents, as do the gazetteer's other names for it.

The glossary adds what guides only mention: stations, airports, the towns from which people come.
Beside a sight, in a question about the way, such a name tells from where; on its own it narrows
nothing down: the words of the question do.
"""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from knowledge.gazetteer import Entry, Gazetteer
from knowledge.kana import spelled
from knowledge.lexicon import ON_THE_WAY, Scope, lexicon
from knowledge.library import Library
from knowledge.passage import Document
from knowledge.text import fold, is_kana
from knowledge.words import Words

_SHORTEST = 2
_LONGEST_HEARD = 24  # characters
_SHORTEST_READING = 4  # folded kana; shorter ones are found inside other words
_SHORTEST_TOLD = {"hangul": 3, "latin": 4}  # 하기 is a town and the end of many words
_PREFECTURE = re.compile(r"[都道府県]$")


@dataclass(frozen=True, slots=True)
class Name:
    """One name found in a question."""

    surface: str  # folded, as compared
    facility: str  # what the guides call it
    documents: frozenset[str]
    others: frozenset[str]  # all folded names of the same documents and facility


class Names:
    """The names of one library."""

    def __init__(
        self, documents: Iterable[Document], words: Words, gazetteer: Gazetteer | None = None
    ) -> None:
        documents = tuple(documents)
        gazetteer = gazetteer or Gazetteer()
        self._words = words
        places = Counter(squeeze(each.place) for each in documents if each.place)
        self.town = max(places, key=lambda each: places[each], default="")
        """The place that most documents name, squeezed: where all the others are as well."""
        by_surface: defaultdict[str, set[str]] = defaultdict(set)
        facility_of: dict[str, str] = {}
        readings: dict[str, str] = {}
        for document in documents:
            if document.facility is None:
                continue
            for name in (document.facility, *document.aliases):
                surface = squeeze(name)
                if len(surface) >= _SHORTEST:
                    by_surface[surface].add(document.name)
                    facility_of.setdefault(surface, document.facility)
            own = next((each for each in document.aliases if all(map(is_kana, each))), None)
            if own is not None:
                readings.setdefault(document.facility, own)
        added: dict[str, frozenset[str]] = {}
        for entry in gazetteer.entries:
            if entry.told and (squeeze(entry.name) == self.town or _PREFECTURE.search(entry.name)):
                continue  # everything is there: the name narrows nothing down
            added |= _added(entry, by_surface, facility_of)
            if entry.reading is not None and not entry.told:
                readings[entry.name] = entry.reading
        self.synonyms = tuple(tuple(map(squeeze, each)) for each in gazetteer.synonyms)
        """Groups of words that mean the same in this town, squeezed."""
        self.readings: Mapping[str, str] = dict(
            sorted(readings.items(), key=lambda each: -len(each[0]))
        )
        """Kana by facility, longest name first, for `Words.reading`."""
        self._names = {
            surface: Name(
                surface,
                facility_of[surface],
                frozenset(held),
                self._synonyms(surface, held, by_surface) if held else added[surface],
            )
            for surface, held in by_surface.items()
        }
        self._ordered = sorted(self._names, key=len, reverse=True)
        self._by_first: defaultdict[str, list[str]] = defaultdict(list)
        for surface in self._ordered:
            self._by_first[surface[0]].append(surface)
        self._mentioned = frozenset(
            surface
            for entry in gazetteer.entries
            if entry.told
            for surface in map(squeeze, (entry.name, *entry.others))
            if surface in added and not by_surface[surface]
        )
        """Names of what the guides only mention."""
        self._inside = {
            surface: [
                each for each in self._ordered if each in surface and len(each) < len(surface)
            ]
            for surface in self._mentioned
        }
        self._by_reading = {
            reading: surface
            for surface in self._ordered
            if surface not in self._mentioned
            and (reading := self._words.reading(surface, {}))
            and len(reading) >= _SHORTEST_READING
            and all(is_kana(each) for each in reading)
        }

        self._readings_ordered = sorted(self._by_reading, key=len, reverse=True)
        named = (
            f"{each.surface} {each.facility} {each.surface in self._mentioned}"
            for each in self._names.values()
        )
        self.fingerprint = hashlib.sha256("\n".join(sorted(named)).encode()).hexdigest()
        """Changes whenever texts may have to be searched for names again."""

    @staticmethod
    def _synonyms(
        surface: str, held: set[str], by_surface: Mapping[str, set[str]]
    ) -> frozenset[str]:
        """Names that the same set of documents carries mean the same thing."""
        return frozenset(each for each, others in by_surface.items() if others == held) | {surface}

    def find(self, question: str) -> tuple[Name, ...]:
        """Return the names in a question, the longest first; none inside another."""
        rest = squeeze(question)
        spaced = fold(question)
        found: list[Name] = []
        for surface in self._ordered:
            if surface not in rest:
                continue
            if surface.isascii():
                match = re.search(rf"(?<![a-z0-9]){_spaced(surface)}(?![a-z0-9])", spaced)
                if match is not None:
                    found.append(self._names[surface])
                    spaced = spaced[: match.start()] + " | " + spaced[match.end() :]
            else:
                found.append(self._names[surface])
                rest = rest.replace(surface, "|")
        # Two spellings of one sight (秋芳洞, Akiyoshido) are one subject.
        subjects = {each.documents or each.others: each for each in reversed(found)}
        named = tuple(subjects.values())[::-1]
        sights = tuple(each for each in named if each.surface not in self._mentioned)
        if sights and _on_the_way(question):
            return named
        return sights or self._heard(question)

    def _heard(self, question: str) -> tuple[Name, ...]:
        """Look again by reading, for names typed in kana or romaji with another spelling."""
        heard = self._words.reading(question, {})
        for reading in self._readings_ordered:
            if reading in heard:
                return (self._names[self._by_reading[reading]],)
        return ()

    def heard_at(self, text: str, name: Name) -> tuple[int, int] | None:
        """Return where a text spells the reading of a name: あきよしどー, akiyoshido."""
        wanted = {each for each, surface in self._by_reading.items() if surface in name.others}
        wanted |= {each for each, surface in self._by_reading.items() if surface == name.surface}
        for start in range(len(text)):
            for end in range(min(len(text), start + _LONGEST_HEARD), start + 1, -1):
                if spelled(text[start:end]) in wanted:
                    return start, end
        return None

    def subject(self, surfaces: frozenset[str]) -> str | None:
        """Return the facility that surfaces name, the one with most documents if several."""
        surfaces -= self._mentioned
        named = sorted(surfaces, key=lambda each: (-len(self._names[each].documents), each))
        return self._names[named[0]].facility if named else None

    def sights(self, library: Library) -> dict[str, float]:
        """Return what there is to see, by facility: 1 for what the guides say most about.

        The town itself, its office, its railway and the like are no sights.
        """
        beside = {document.place for document in library.documents}
        counts = Counter(
            each.facility
            for each in library.passages
            if each.facility is not None and squeeze(each.facility) in self._names
        )
        for document in library.documents:
            about = lexicon().named(f"{document.facility} {document.title}")
            scopes = {lexicon().concepts[each].scope for each in about}
            if document.facility in beside or about & ON_THE_WAY or Scope.TOWN in scopes:
                counts.pop(document.facility or "", None)
        most = max(counts.values(), default=1)
        return {facility: count / most for facility, count in counts.most_common()}

    def of(self, facility: str) -> Name:
        """Return the name that a facility goes by."""
        return self._names[squeeze(facility)]

    def held(self, text: str) -> frozenset[str]:
        """Return the surfaces in a text; where one holds another, the longer.

        A name of what is only mentioned hides none: 秋芳洞商店街 speaks of 秋芳洞 as well.
        """
        squeezed = squeeze(text)
        found: set[str] = set()
        position = 0
        while position < len(squeezed):
            for surface in self._by_first.get(squeezed[position], ()):
                if squeezed.startswith(surface, position):
                    found.update((surface, *self._inside.get(surface, ())))
                    position += len(surface) - 1
                    break
            position += 1
        return frozenset(found)


def _added(
    entry: Entry, by_surface: defaultdict[str, set[str]], facility_of: dict[str, str]
) -> dict[str, frozenset[str]]:
    """Give a place of the guides its other names; return those of a place that has no document."""
    spellings = (entry.name, *entry.others, *([entry.reading] if entry.reading else []))
    own = squeeze(entry.name)
    if entry.told and not by_surface.get(own):
        if (carried := _carried(own, spellings, by_surface)) is None:
            return {}
        own = carried
    facility = facility_of.get(own, entry.name)
    documents = by_surface.get(own, set())
    surfaces = frozenset(each for each in map(squeeze, spellings) if len(each) >= _SHORTEST)
    if entry.told and not documents:
        surfaces = frozenset(each for each in surfaces if _telling(each))
    for surface in surfaces:
        # A name of a document stays that document's alone.
        by_surface.setdefault(surface, set(documents))
        facility_of.setdefault(surface, facility)
    return {} if documents else dict.fromkeys(surfaces, surfaces)


def _carried(own: str, spellings: Iterable[str], by_surface: Mapping[str, set[str]]) -> str | None:
    """Return the name by which documents know what the glossary names; None if it may be several.

    A document may carry it in another language or in kana alone, or as part of a longer name
    (the stadium); what stands within the names of several sights (総湯) names none of them.
    """
    within = {each for each, held in by_surface.items() if held and own in each}
    if len({frozenset(by_surface[each]) for each in within}) > 1:
        return None
    known = (each for each in map(squeeze, spellings) if by_surface.get(each))
    return next(known, None) or min(within, key=len, default=own)


def _telling(surface: str) -> bool:
    """Whether a name is long enough not to be found within other words; readings are not."""
    if surface.isascii():
        return len(surface) >= _SHORTEST_TOLD["latin"]
    if all(map(is_kana, surface)):
        return len(surface) >= _SHORTEST_READING
    hangul = "가" <= surface[0] <= "힣"
    return len(surface) >= (_SHORTEST_TOLD["hangul"] if hangul else _SHORTEST)


def _on_the_way(question: str) -> bool:
    known = lexicon()
    return bool((known.named(fold(question)) | known.asked(fold(question))) & ON_THE_WAY)


def squeeze(name: str) -> str:
    """Fold a name; the spaces and hyphens of Latin names are optional, others have none."""
    return re.sub(r"[\s\-・']+", "", fold(name))


def _spaced(surface: str) -> str:
    return r"[\s\-']*".join(map(re.escape, surface))
