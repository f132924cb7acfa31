"""Sets: documents, queries and which documents answer which query.

Any folder in BEIR's format can be measured (Thakur et al. 2021): ``corpus.jsonl`` with ``_id``,
``title`` and ``text``, ``queries.jsonl`` with ``_id`` and ``text``, and ``qrels/test.tsv`` with a
head line and ``query-id``, ``corpus-id``, ``score``. A query may name its ``lang`` besides.
"""

import csv
import json
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from knowledge.ingest import read_guides
from knowledge.language import Language
from knowledge.library import Library
from knowledge.passage import Document, Kind, Passage, Status

SHORTEST_ARTICLE = 40  # characters


class UnreadableSet(ValueError):
    """A file is missing, or a line of it is not as the format says."""


@dataclass(frozen=True, slots=True)
class Query:
    id: str
    text: str
    language: Language


@dataclass(frozen=True, slots=True)
class Collection:
    """What is searched, what is asked, and what should be found."""

    name: str
    library: Library  # a document's name is its id; it may have several passages
    queries: tuple[Query, ...]
    qrels: dict[str, dict[str, int]]
    by_passage: bool = False  # what is to be found are passages, not documents

    def found(self, passage: Passage) -> str:
        """Return the id under which a passage counts."""
        return passage.id if self.by_passage else passage.document

    def texts(self) -> dict[str, str]:
        """Return what a plain search is given, by id: title and text."""
        texts: dict[str, str] = {}
        for each in self.library.passages:
            above = " ".join(dict.fromkeys((each.title, *each.headings)))
            key = self.found(each)
            texts[key] = f"{texts[key]}\n{each.text}" if key in texts else f"{above}\n{each.text}"
        return {key: text.strip() for key, text in texts.items()}


def library_of(documents: Iterator[tuple[str, str, str]], language: Language) -> Library:
    """Make a library of ids, titles and texts, one passage each."""
    named: list[Document] = []
    passages: list[Passage] = []
    for key, title, text in documents:
        head = (key, title, language, None, None, ())
        named.append(Document(*head, None, Status.CURRENT, None, None, None))
        passages.append(Passage(key, key, title, (), text, Kind.PROSE, language))
    return Library(tuple(passages), tuple(named))


def beir(folder: Path, language: Language = Language.JA) -> Collection:
    """Read a folder in BEIR's format.

    Raises `UnreadableSet` with file and line if it is none.
    """
    corpus = (
        (each["_id"], each.get("title") or "", each["text"])
        for each in _lines(folder / "corpus.jsonl", "_id", "text")
    )
    library = library_of(corpus, language)
    qrels = _qrels(folder / "qrels" / "test.tsv")
    known = {each.name for each in library.documents}
    for key, judged in qrels.items():
        if missing := judged.keys() - known:
            raise UnreadableSet(f"{folder / 'qrels' / 'test.tsv'}: query {key} wants document "
                                f"{min(missing)}, which corpus.jsonl does not hold")  # fmt: skip
    queries = tuple(
        Query(each["_id"], each["text"], Language(each.get("lang", language)))
        for each in _lines(folder / "queries.jsonl", "_id", "text")
        if each["_id"] in qrels
    )
    return Collection(folder.name, library, queries, qrels)


def _lines(path: Path, *needed: str) -> Iterator[dict[str, Any]]:
    if not path.is_file():
        raise UnreadableSet(f"there is no {path}")
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                entry = json.loads(line)
            except ValueError as error:
                raise UnreadableSet(f"{path}:{number}: no JSON: {error}") from error
            if not isinstance(entry, dict) or any(
                not isinstance(entry.get(key), str) for key in needed
            ):
                raise UnreadableSet(f"{path}:{number}: needs the texts {', '.join(needed)}")
            yield entry


def _qrels(path: Path) -> dict[str, dict[str, int]]:
    if not path.is_file():
        raise UnreadableSet(f"there is no {path}")
    qrels: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        cells = line.split("\t")
        if number == 1 and cells[-1] == "score":
            continue
        if len(cells) != 3 or not cells[2].lstrip("-").isdigit():
            raise UnreadableSet(f"{path}:{number}: needs query, document and a whole number")
        if int(cells[2]) > 0:
            qrels[cells[0]][cells[1]] = int(cells[2])
    return dict(qrels)


def jsquad(folder: Path) -> Collection:
    """Read JSQuAD's validation set (JGLUE): questions to paragraphs of Wikipedia."""
    files = sorted(folder.glob("valid*.json"))
    if not files:
        raise UnreadableSet(f"there is no valid*.json in {folder}")
    paragraphs: list[tuple[str, str, str]] = []
    queries: list[Query] = []
    qrels: dict[str, dict[str, int]] = {}
    for article in json.loads(files[-1].read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            title, _, text = paragraph["context"].partition(" [SEP] ")
            key = f"p{len(paragraphs)}"
            paragraphs.append((key, title, text))
            for asked in paragraph["qas"]:
                queries.append(Query(asked["id"], asked["question"], Language.JA))
                qrels[asked["id"]] = {key: 1}
    return Collection("jsquad", library_of(iter(paragraphs), Language.JA), tuple(queries), qrels)


def bulletin(folder: Path, city: str | None = None) -> Collection:
    """Read city bulletins: headlines as queries, the articles without headlines as documents.

    An article counts as right if it has this headline, whatever its month. With `city`, only the
    headlines of that one are asked; the articles of all are searched.
    """
    articles: list[tuple[str, str, str]] = []
    queries: dict[str, Query] = {}
    qrels: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for path in sorted(folder.rglob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                headline, text = (
                    (row["記事タイトル"] or "").strip(),
                    (row["記事本文"] or "").strip(),
                )
                if len(text) < SHORTEST_ARTICLE or not headline:
                    continue
                key = f"a{len(articles)}"
                articles.append((key, "", text))
                if city is None or city in row["自治体名"]:
                    queries.setdefault(headline, Query(f"h{key}", headline, Language.JA))
                if headline in queries:
                    qrels[queries[headline].id][key] = 1
    if not articles:
        raise UnreadableSet(f"there is no article in {folder}")
    return Collection(
        f"bulletin {city or ''}".strip(),
        library_of(iter(articles), Language.JA),
        tuple(queries.values()),
        dict(qrels),
    )


def town(folder: Path, questions: Path) -> Collection:
    """Ask a town's guides our labelled questions; right is each passage that holds a fact expected.

    Left out: questions that need an earlier turn, and those without an answer in the guides.
    """
    library = read_guides(folder / "guides")
    queries: list[Query] = []
    qrels: dict[str, dict[str, int]] = {}
    for number, entry in enumerate(_lines(questions, "question", "lang"), start=1):
        parts = {
            part.strip()
            for expected in entry.get("expected") or entry.get("expected_facts") or ()
            for alternative in expected.split("|")
            for part in alternative.split(" + ")
        }
        if entry.get("before") or entry.get("turns") or entry.get("kind", "answered") != "answered":
            continue
        right = {
            each.id: 1
            for each in library.passages
            if any(part in f"{each.item or ''} {each.text}" for part in parts if part)
        }
        if right:
            key = str(entry.get("id", f"{questions.stem}-{number}"))
            queries.append(Query(key, entry["question"], Language(entry["lang"])))
            qrels[key] = right
    name = f"{folder.name} {questions.stem}"
    return Collection(name, library, tuple(queries), qrels, by_passage=True)


def sampled(collection: Collection, count: int, seed: int = 1) -> Collection:
    """Keep so many queries, drawn the same on every machine; 0 keeps all."""
    if not count or count >= len(collection.queries):
        return collection
    drawn = sorted(collection.queries, key=lambda each: each.id)
    random.Random(seed).shuffle(drawn)
    return replace(collection, queries=tuple(drawn[:count]))
