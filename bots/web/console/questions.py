"""The console's pages on what was not answered: the queue, the town's answers, what is stale."""

import asyncio
import math
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from bots.web.console.pages import StaffPages
from bots.web.guidefile import guide_file
from bots.web.pages import LANGUAGE_NAMES, Number, go
from core import questions
from core.database import reading, transaction
from core.errors import NotFound
from core.questions import (
    MAX_ANSWER,
    MAX_SOURCE,
    MAX_TEXT,
    PAGE,
    Cluster,
    ClusterState,
    Confirmed,
    Fact,
    FactState,
    Filter,
    Kind,
    Sort,
    Taken,
    Wording,
)
from knowledge.conflicts import conflicts
from knowledge.passage import Status

MAX_UNCONFIRMED: Final = 100
FACT_STEPS: Final = frozenset({"confirm", "withdraw", "restore"})


class Questions(StaffPages):
    """The queue."""

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/console/questions")
        for path, handler, method in (
            ("", self.list, "GET"),
            ("/{number}", self.show, "GET"),
            ("/{number}/answer", self.answer, "POST"),
            ("/{number}/dismiss", self.dismiss, "POST"),
            ("/{number}/reopen", self.reopen, "POST"),
            ("/{number}/merge", self.merge, "POST"),
            ("/{number}/split/{question}", self.split, "POST"),
        ):
            router.add_api_route(path, handler, methods=[method])
        return router

    async def list(self, request: Request) -> Response:
        self.web.staff(request)
        which = _filter(request.query_params)
        async with reading(self.web.app.sessions) as session:
            rows, total = await questions.listed(session, which)
        pages = max(math.ceil(total / PAGE), 1)

        def link(page: int) -> str:
            chosen = {
                "state": which.state.value,
                "kind": which.kind.value if which.kind else "",
                "q": which.search,
                "sort": which.sort.value,
                "page": str(page),
            }
            return f"/console/questions?{urlencode(chosen)}"

        return self.render(
            request,
            "questions.html",
            rows=rows,
            total=total,
            which=which,
            pages=pages,
            link=link,
            filtered=which.kind is not None or bool(which.search),
            refused=sum((await self.web.app.learning.kept()).values()),
            states=tuple(ClusterState),
            kinds=tuple(Kind),
            sorts=tuple(Sort),
        )

    async def _cluster(self, number: int) -> Cluster:
        try:
            async with transaction(self.web.app.sessions) as session:
                return await questions.cluster(session, number)
        except NotFound as error:
            raise HTTPException(404) from error

    async def show(self, request: Request, number: Number) -> Response:
        self.web.staff(request)
        return await self._page(request, await self._cluster(number), {})

    async def _page(
        self,
        request: Request,
        cluster: Cluster,
        given: Mapping[str, str],
        *,
        fault: str | None = None,
    ) -> HTMLResponse:
        learning, first = self.web.app.learning, cluster.questions[0]
        usual = {
            "question": first.text,
            "review": (learning.today() + timedelta(days=365)).isoformat(),
        }
        return self.render(
            request,
            "question.html",
            status=422 if fault else 200,
            each=cluster,
            given={**usual, **given},
            fault=fault,
            nearest=await learning.nearest(first.text, first.language),
            today=learning.today(),
            **_limits(),
        )

    async def answer(self, request: Request, number: Number) -> Response:
        """Keep a draft, and show how the mascot would say it."""
        staff = self.web.staff(request)
        fields = await self.web.form(request, "form")
        cluster = await self._cluster(number)
        learning = self.web.app.learning
        if cluster.state is not ClusterState.OPEN:
            return await self._page(request, cluster, fields)
        try:
            wording = _wording(fields, learning.today())
        except ValueError as error:
            return await self._page(request, cluster, fields, fault=str(error))
        fact = await learning.draft(number, wording, by=f"staff:{staff}")
        return go(f"/console/facts/{fact.id}")

    async def dismiss(self, request: Request, number: Number) -> Response:
        by = f"staff:{self.web.staff(request)}"
        fields = await self.web.form(request, "form")
        cluster = await self._cluster(number)
        reason = fields.get("reason", "")
        if not reason:
            return await self._page(request, cluster, fields, fault="reason")
        now = self.web.app.clock()
        async with transaction(self.web.app.sessions) as session:
            await questions.dismiss(session, number, reason=reason, by=by, now=now)
        return go(f"/console/questions/{number}")

    async def reopen(self, request: Request, number: Number) -> Response:
        by = f"staff:{self.web.staff(request)}"
        await self.web.form(request, "form")
        await self._cluster(number)
        async with transaction(self.web.app.sessions) as session:
            await questions.reopen(session, number, by=by, now=self.web.app.clock())
        return go(f"/console/questions/{number}")

    async def merge(self, request: Request, number: Number) -> Response:
        by = f"staff:{self.web.staff(request)}"
        fields = await self.web.form(request, "form")
        cluster = await self._cluster(number)
        into = fields.get("into", "").lstrip("#＃").strip()
        done = False
        if into.isdecimal() and len(into) <= 15 and int(into) != number:  # noqa: PLR2004
            try:
                async with transaction(self.web.app.sessions) as session:
                    now = self.web.app.clock()
                    done = await questions.merge(session, number, int(into), by=by, now=now)
            except NotFound:
                done = False
        if not done:
            return await self._page(request, cluster, fields, fault="merge")
        return go(f"/console/questions/{int(into)}")

    async def split(self, request: Request, number: Number, question: Number) -> Response:
        """«Not the same»: the question gets an item of its own."""
        by = f"staff:{self.web.staff(request)}"
        await self.web.form(request, "form")
        cluster = await self._cluster(number)
        if question not in {each.id for each in cluster.questions}:
            raise HTTPException(404)
        async with transaction(self.web.app.sessions) as session:
            now = self.web.app.clock()
            alone = await questions.split(session, question, by=by, now=now)
        return go(f"/console/questions/{alone}")


class Facts(StaffPages):
    """The town's answers."""

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/console/facts")
        for path, handler, method in (
            ("", self.list, "GET"),
            ("/export.md", self.export, "GET"),
            ("/{number}", self.show, "GET"),
            ("/{number}/edit", self.edit, "POST"),
            ("/{number}/{step}", self.step, "POST"),
        ):
            router.add_api_route(path, handler, methods=[method])
        return router

    async def list(self, request: Request) -> Response:
        self.web.staff(request)
        async with transaction(self.web.app.sessions) as session:
            rows = await questions.facts(session)
        today = self.web.app.learning.today()
        said = [each for each in rows if each.said_on(today)]
        languages = [code for code in LANGUAGE_NAMES if any(code in each.answers for each in said)]
        return self.render(request, "facts.html", rows=rows, today=today, languages=languages)

    async def export(self, request: Request, language: str = "ja") -> Response:
        """What is said today as a guide file."""
        self.web.staff(request)
        if language not in LANGUAGE_NAMES:
            raise HTTPException(404)
        today = self.web.app.learning.today()
        async with transaction(self.web.app.sessions) as session:
            rows = await questions.active(session, today)
        name = f"town-answers-{language}.md"
        return Response(
            guide_file(rows, language, today),
            media_type="text/markdown; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    async def _fact(self, number: int) -> Fact:
        try:
            async with transaction(self.web.app.sessions) as session:
                return await questions.fact(session, number)
        except NotFound as error:
            raise HTTPException(404) from error

    async def show(self, request: Request, number: Number) -> Response:
        """A draft as it would be said, or an answer that stands."""
        self.web.staff(request)
        return await self._page(request, await self._fact(number))

    async def _page(
        self,
        request: Request,
        fact: Fact,
        given: Mapping[str, str] | None = None,
        *,
        fault: str | None = None,
        taken: str | None = None,
    ) -> HTMLResponse:
        learning = self.web.app.learning
        cluster = None
        if fact.cluster is not None:
            try:
                async with transaction(self.web.app.sessions) as session:
                    cluster = await questions.cluster(session, fact.cluster)
            except NotFound:
                cluster = None  # everybody who asked has left
        written = {
            "question": fact.question,
            "source": fact.source,
            "review": fact.review_by.isoformat(),
            "valid": fact.valid_until.isoformat() if fact.valid_until else "",
            **{f"answer-{code}": text for code, text in fact.answers.items()},
        }
        return self.render(
            request,
            "fact.html",
            status=422 if fault else 409 if taken else 200,
            each=fact,
            cluster=cluster,
            looks=[(code, await learning.preview(fact, code)) for code in fact.answers],
            given=given or written,
            fault=fault,
            taken=taken,
            today=learning.today(),
            **_limits(),
        )

    async def edit(self, request: Request, number: Number) -> Response:
        by = f"staff:{self.web.staff(request)}"
        fields = await self.web.form(request, "form")
        fact, learning = await self._fact(number), self.web.app.learning
        if fact.state is FactState.DRAFT:
            raise HTTPException(404)
        try:
            wording = _wording(fields, learning.today())
        except ValueError as error:
            return await self._page(request, fact, fields, fault=str(error))
        seen = fields.get("version", "")
        version = int(seen) if seen.isdecimal() and len(seen) <= 9 else 0  # noqa: PLR2004
        outcome = await learning.edit(number, wording, version=version, by=by)
        if isinstance(outcome, Taken):
            return await self._page(request, await self._fact(number), fields, taken=outcome.by)
        return go(f"/console/facts/{number}")

    async def step(self, request: Request, number: Number, step: str) -> Response:
        """Confirm, withdraw or restore."""
        by = f"staff:{self.web.staff(request)}"
        await self.web.form(request, "form")
        fact, learning = await self._fact(number), self.web.app.learning
        if step not in FACT_STEPS:
            raise HTTPException(404)
        outcome: Confirmed | Taken | None = None
        match step:
            case "confirm":
                outcome = await learning.confirm(number, by=by)
            case "withdraw":
                await learning.withdraw(number, by=by)
            case _:
                outcome = await learning.restore(number, by=by)
        if isinstance(outcome, Taken):
            return await self._page(request, fact, taken=outcome.by or "?")
        return go(f"/console/facts/{number}")


class Freshness(StaffPages):
    """What is past its review, unconfirmed or contradicting."""

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/console/freshness")
        router.add_api_route("", self.show, methods=["GET"])
        return router

    async def show(self, request: Request) -> Response:
        self.web.staff(request)
        await self.web.app.guide.wait()
        library, today = self.web.app.guide.library, self.web.app.learning.today()
        async with transaction(self.web.app.sessions) as session:
            rows = await questions.active(session, today)
        unconfirmed = [each for each in library.passages if each.status is Status.UNCONFIRMED]
        return self.render(
            request,
            "freshness.html",
            stale=library.stale(today),
            facts=[each for each in rows if each.review_by < today],
            contradictions=library.contradictions,
            conflicts=await asyncio.to_thread(conflicts, library),
            unconfirmed=unconfirmed[:MAX_UNCONFIRMED],
            more=max(len(unconfirmed) - MAX_UNCONFIRMED, 0),
        )


def _limits() -> dict[str, int]:
    return {"max_answer": MAX_ANSWER, "max_source": MAX_SOURCE, "max_question": MAX_TEXT}


def _filter(given: Mapping[str, str]) -> Filter:
    """What the address asks for; what it does not know is left at the usual."""
    state, kind, sort = given.get("state", ""), given.get("kind", ""), given.get("sort", "")
    page = given.get("page", "")
    return Filter(
        state=ClusterState(state) if state in set(ClusterState) else ClusterState.OPEN,
        kind=Kind(kind) if kind in set(Kind) else None,
        search=given.get("q", "")[:100],
        sort=Sort(sort) if sort in set(Sort) else Sort.COUNT,
        page=int(page) if page.isdecimal() and 1 <= len(page) <= 6 else 1,  # noqa: PLR2004
    )


def _wording(fields: Mapping[str, str], today: date) -> Wording:
    """What staff wrote. Raises `ValueError` with the key of what is wrong."""
    answers = {code: text for code in LANGUAGE_NAMES if (text := fields.get(f"answer-{code}", ""))}
    review = _day(fields.get("review", "")) or today + timedelta(days=365)
    valid = _day(fields.get("valid", ""))
    if review <= today or (valid is not None and valid < today):
        raise ValueError("past")
    return Wording(fields.get("question", ""), answers, fields.get("source", ""), review, valid)


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError("date") from error
