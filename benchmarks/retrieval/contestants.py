"""Contestants: our tiers, and peers as someone who follows their first page would set them up.

A peer that is not installed is left out, and the table says so. Peers get title and text in one
string and all of their own defaults; only the number of results is asked for.
"""

import importlib.util
from collections.abc import Callable
from pathlib import Path

from benchmarks.retrieval.sets import Collection, Query
from knowledge.encoders import Tier, encoders
from knowledge.retrieval.index import Index
from knowledge.retrieval.retrieve import Retriever

Search = Callable[[Query], dict[str, float]]
"""A query to ids with scores."""
Contestant = Callable[[Collection, Path, int], Search]
"""A collection, a folder for what is kept, how many results: indexes, and returns the search."""


def ours(tier: Tier) -> Contestant:
    def index(collection: Collection, cache: Path, k: int) -> Search:
        opened = Index.open(collection.library, cache, encoders(tier), lambda _: None)
        opened.catch_up()
        retriever = Retriever(opened)

        def search(query: Query) -> dict[str, float]:
            found: dict[str, float] = {}
            for each in retriever.search(query.text, language=query.language, k=2 * k):
                found.setdefault(collection.found(each.passage), each.score)
            return found

        return search

    return index


def by_bm25s(collection: Collection, _: Path, k: int) -> Search:
    import bm25s

    texts = collection.texts()
    keys = list(texts)
    retriever = bm25s.BM25()
    retriever.index(bm25s.tokenize(list(texts.values()), show_progress=False), show_progress=False)

    def search(query: Query) -> dict[str, float]:
        tokens = bm25s.tokenize(query.text, show_progress=False)
        numbers, scores = retriever.retrieve(tokens, k=min(k, len(keys)), show_progress=False)
        pairs = zip(numbers[0], scores[0], strict=True)
        return {keys[int(number)]: float(score) for number, score in pairs if score > 0}

    return search


def by_langchain(collection: Collection, _: Path, k: int) -> Search:
    from langchain_community.retrievers import BM25Retriever

    texts = collection.texts()
    retriever = BM25Retriever.from_texts(
        list(texts.values()), metadatas=[{"id": key} for key in texts]
    )
    retriever.k = k

    def search(query: Query) -> dict[str, float]:
        found = retriever.invoke(query.text)
        return {each.metadata["id"]: float(k - place) for place, each in enumerate(found)}

    return search


def by_llamaindex(collection: Collection, _: Path, k: int) -> Search:
    from llama_index.core.schema import TextNode
    from llama_index.retrievers.bm25 import BM25Retriever

    texts = collection.texts()
    nodes = [TextNode(text=text, id_=key) for key, text in texts.items()]
    retriever = BM25Retriever.from_defaults(nodes=nodes, similarity_top_k=min(k, len(nodes)))

    def search(query: Query) -> dict[str, float]:
        found = retriever.retrieve(query.text)
        return {each.node.id_: float(each.score or 0) for each in found if each.score}

    return search


def by_haystack(collection: Collection, _: Path, k: int) -> Search:
    from haystack import Document
    from haystack.components.retrievers.in_memory import InMemoryBM25Retriever
    from haystack.document_stores.in_memory import InMemoryDocumentStore

    store = InMemoryDocumentStore()
    store.write_documents(
        [Document(id=key, content=text) for key, text in collection.texts().items()]
    )
    retriever = InMemoryBM25Retriever(store, top_k=k)

    def search(query: Query) -> dict[str, float]:
        found = retriever.run(query=query.text)["documents"]
        return {each.id: float(each.score or 0) for each in found}

    return search


OURS: dict[str, Contestant] = {
    "Kankei words": ours(Tier.WORDS),
    "Kankei words+use": ours(Tier.WORDS_USE),
    "Kankei words+use+e5": ours(Tier.WORDS_USE_E5),
}
PEERS: dict[str, tuple[Contestant, str, tuple[str, ...]]] = {
    "bm25s": (by_bm25s, "bm25s", ("bm25s",)),
    "LangChain BM25Retriever": (
        by_langchain, "langchain_community", ("langchain-community", "rank-bm25"),
    ),
    "LlamaIndex BM25Retriever": (
        by_llamaindex, "llama_index.retrievers.bm25", ("llama-index-retrievers-bm25",),
    ),
    "Haystack InMemoryBM25": (by_haystack, "haystack", ("haystack-ai",)),
}  # fmt: skip


def installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False
