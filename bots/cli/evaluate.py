"""`kankei eval`: ask a town's guide the questions of a file and score what people would read.

Every question goes the way of a chat message: the guide answers it, the conversation words it, and
the reply is judged with its quotations and sources. No network, no records, no platform.
"""

import asyncio
import json
import logging
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import typer
from rich.progress import Progress

from bots import texts
from bots.cli.scores import markdown, terminal
from bots.cli.terminal import fail, language, read_settings
from bots.conversation.messages import Reply
from bots.conversation.wording import Wording
from core import town as town_pack
from core.clock import system_clock
from core.errors import TownPackError
from core.town import TownPack
from knowledge.answer import Answer, AnswerKind, Guide, Turn
from knowledge.encoders import Tier
from knowledge.errors import BaselineUnreadable, EncoderMissing, GuidesMissing, QuestionsUnreadable
from knowledge.evaluate import (
    Evaluation,
    Labelled,
    Said,
    Verdict,
    evaluation,
    judge,
    read_baseline,
    read_questions,
    values_of,
)
from knowledge.language import Language

logger = logging.getLogger(__name__)

FAILURES_SHOWN: Final = 20


class Interview:
    """Asks one town's guide, and words its answers as the chats do."""

    def __init__(self, town: TownPack, guide: Guide, now: datetime) -> None:
        """`now` is aware; questions that name a time of their own are asked then."""
        self._guide = guide
        self._zone = ZoneInfo(town.town.timezone)
        self._now = now.astimezone(self._zone)
        self._wording = Wording(town)

    async def ask(self, question: Labelled) -> Said:
        """Ask a question after those before it, and return what was said to the last."""
        now = question.now or self._now
        if now.tzinfo is None:
            now = now.replace(tzinfo=self._zone)
        turns: list[Turn] = []
        for text in question.before:
            turns.append(Turn(text, await self._answer(text, question.language, turns, now)))
        started = time.process_time()
        answer = await self._answer(question.question, question.language, turns, now)
        spent = time.process_time() - started
        return _said(answer, self._wording.word(answer, question.language), spent * 1e3)

    async def _answer(
        self, text: str, language: Language, turns: Sequence[Turn], now: datetime
    ) -> Answer:
        return await self._guide.ask(text, language=language, turns=turns, now=now)


def _said(answer: Answer, reply: Reply, cpu_ms: float) -> Said:
    choices = (button.label for row in reply.buttons for button in row)
    return Said(
        kind=answer.kind,
        text="\n".join((reply.text, *reply.quotes, *choices)),
        sources=tuple(f"{each.title} {each.note}" for each in reply.sources),
        passages=tuple(dict.fromkeys(each.passage for each in answer.extracts)),
        values=frozenset() if answer.computed is None else values_of(answer.computed),
        cpu_ms=cpu_ms,
    )


async def interviewed(
    interview: Interview, questions: Iterable[Labelled], done: Callable[[], None] = lambda: None
) -> tuple[Verdict, ...]:
    """Ask and judge every question, in order; `done` is called after each."""
    verdicts = []
    for each in questions:
        try:
            said = await interview.ask(each)
        except Exception as error:
            # The edge of the interview: one answer that fails is a finding, not the end of the run.
            logger.exception("evaluate.crashed", extra={"id": each.id})
            said = Said(AnswerKind.UNKNOWN, "", crashed=repr(error)[:200])
        verdicts.append(judge(each, said))
        done()
    return tuple(verdicts)


def evaluate(
    town: Annotated[Path, typer.Argument(help="町のフォルダ / the town's folder")],
    questions: Annotated[Path, typer.Argument(help="質問のファイル / the file of questions")],
    tier: Annotated[
        Tier | None, typer.Option(help="検索の段階（入っている限り） / parts of the retrieval")
    ] = None,
    only_language: Annotated[
        Language | None, typer.Option("--language", help="この言語だけ / this language only")
    ] = None,
    kind: Annotated[str, typer.Option(help="この種類だけ / this kind only")] = "",
    limit: Annotated[int, typer.Option(min=0, help="はじめの何問か / the first so many")] = 0,
    baseline: Annotated[
        Path | None, typer.Option(help="比べる前回の記録 / an earlier run to compare with")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="報告を書く .md か .json / write a report")
    ] = None,
    fail_under: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="正答率がこれ未満なら失敗 / fail below this")
    ] = 0.0,
    now: Annotated[
        datetime | None, typer.Option(help="この日時のつもりで / as if it were this time")
    ] = None,
) -> None:
    """案内役の答えを採点します / Score what the guide answers."""
    if report is not None and report.suffix not in {".md", ".json"}:
        raise _fail("bad-report", file=report)
    pack, asked = _read(town, questions)
    selected = _select(asked, only_language, kind, limit)
    if not selected:
        raise _fail("nothing-selected", n=len(asked))
    settings = read_settings(town=town)
    stored = settings.data_dir / "evaluations" / f"{pack.town.slug}-{questions.stem}.json"
    earlier = _earlier(baseline, stored)
    guide = _open(pack, settings.data_dir / "index" / pack.town.slug, tier)
    zone = ZoneInfo(pack.town.timezone)
    moment = system_clock().astimezone(zone) if now is None else now.replace(tzinfo=zone)
    verdicts = asyncio.run(_with_progress(Interview(pack, guide, moment), selected))
    running = "+".join(("words", *(each.name for each in guide.index.encoders)))
    run = evaluation(pack.town.slug, running, moment, verdicts, earlier=earlier)
    terminal(run, language(), failures=FAILURES_SHOWN)
    if report is not None:
        _write(report, run)
    if len(selected) == len(asked) and baseline is None:
        _write(stored, run)
    if run.total.share < fail_under:
        raise _fail("under", share=f"{run.total.share:.1%}", floor=f"{fail_under:.1%}")


def _read(town: Path, questions: Path) -> tuple[TownPack, tuple[Labelled, ...]]:
    try:
        pack = town_pack.load(town)
        file = read_questions(questions)
    except TownPackError as error:
        raise fail("pack-wrong", problems=error) from error
    except QuestionsUnreadable as error:
        lines = [
            f"{each.file}:{each.line}: {each.message} → {each.remedy}" for each in error.problems
        ]
        raise _fail("questions-wrong", problems="\n".join(lines)) from error
    if file.unknown_fields:
        _say("unknown-fields", fields=", ".join(file.unknown_fields))
    return pack, file.questions


def _select(
    asked: Sequence[Labelled], only: Language | None, kind: str, limit: int
) -> tuple[Labelled, ...]:
    chosen = tuple(
        each
        for each in asked
        if (only is None or each.language is only) and (not kind or each.kind == kind)
    )
    return chosen[:limit] if limit else chosen


def _earlier(baseline: Path | None, stored: Path) -> Mapping[str, bool] | None:
    """What an earlier run got right: the one named, else the last whole run of these questions."""
    if baseline is None and not stored.exists():
        return None
    try:
        return read_baseline(baseline or stored)
    except BaselineUnreadable as error:
        if baseline is not None:
            raise _fail("baseline-wrong", reason=error) from error
        _say("last-run-unreadable", reason=error)
        return None


def _open(pack: TownPack, cache: Path, tier: Tier | None) -> Guide:
    try:
        guide = Guide.open(
            pack.guides,
            data=pack.data,
            gazetteer=pack.gazetteer,
            cache=cache,
            persona=pack.persona.manner,
            tier=tier,
        )
    except EncoderMissing as error:
        raise _fail("encoder-missing", reason=error) from error
    except GuidesMissing as error:
        raise _fail("guides-missing", reason=error) from error
    if guide.index.behind:
        _say("catching-up")
        guide.catch_up()
    return guide


async def _with_progress(
    interview: Interview, questions: Sequence[Labelled]
) -> tuple[Verdict, ...]:
    await interviewed(interview, [replace(questions[0], before=())])  # models and caches are warm
    with Progress(transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(str(len(questions)), total=len(questions))
        return await interviewed(interview, questions, lambda: progress.advance(task))


def _say(key: str, **values: object) -> None:
    print(texts.say(f"evaluate.{key}", language(), **values), flush=True)


def _fail(key: str, **values: object) -> typer.Exit:
    print(texts.say(f"evaluate.{key}", language(), **values), file=sys.stderr)
    return typer.Exit(1)


def _write(path: Path, run: Evaluation) -> None:
    """Write a report whole or not at all."""
    if path.suffix == ".md":
        text = markdown(run, language())
    else:
        text = json.dumps(run.as_json(), ensure_ascii=False, indent=1) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(path.name + ".new")
        new.write_text(text, encoding="utf-8")
        new.replace(path)
    except OSError as error:
        raise _fail("not-written", file=path, reason=error.strerror) from error
