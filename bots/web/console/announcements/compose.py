"""Writing an announcement: the form, what it looks like meanwhile, and the draft it becomes."""

from datetime import date
from typing import Any, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from sqlalchemy.ext.asyncio import AsyncSession

from bots import texts
from bots.app import posting_places
from bots.web.console.announcements import words
from bots.web.console.announcements.faults import located
from bots.web.console.announcements.form import (
    MAX_UPLOAD,
    Composed,
    Faults,
    Given,
    Upload,
    composed,
    given_of,
    received,
    version,
)
from bots.web.console.announcements.looks import Looks, looks, outgoing
from bots.web.console.announcements.parts import (
    first_reach,
    in_order,
    limits,
    names_open,
    open_tab,
    said,
)
from bots.web.console.announcements.places import read_place
from bots.web.console.pages import StaffPages
from bots.web.pages import LANGUAGE_NAMES, Number, go
from bots.web.words import when
from core import announcements, identity
from core.access import counts
from core.announcements import (
    MAX_BODY,
    MAX_HEADING,
    OPEN,
    Announcement,
    AnnouncementState,
    KeptPicture,
    Kind,
)
from core.announcements.records import hold
from core.database import reading, transaction
from core.errors import BadAnnouncement, BadPicture, NotAllowed, NotFound
from knowledge.errors import GeneratorError, GeneratorTimeout
from knowledge.language import Language
from knowledge.translation import Draft

EARLIER: Final = 30
"""Announcements that can be chosen for "those whom it missed"."""


class _ChangedMeanwhile(Exception):
    """Somebody else kept other words since the form was opened."""


class Composing(StaffPages):
    """The form and what stands behind its buttons."""

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/console/announcements")
        for path, handler, method in (
            ("/new", self.new, "GET"),
            ("", self.save_new, "POST"),
            ("/look", self.look, "POST"),
            ("/translate", self.translate, "POST"),
            ("/pictures", self.keep_picture, "POST"),
            ("/pictures/{number}", self.picture, "GET"),
            ("/{number}/edit", self.edit, "GET"),
            ("/{number}/edit", self.save, "POST"),
        ):
            router.add_api_route(path, handler, methods=[method])
        return router

    async def new(self, request: Request) -> Response:
        self.web.staff(request)
        return await self._page(request, Given())

    async def edit(self, request: Request, number: Number) -> Response:
        self.web.staff(request)
        found = await self._found(number)
        if found.state not in {AnnouncementState.DRAFT, AnnouncementState.SCHEDULED}:
            return go(f"/console/announcements/{number}", request, flash="announcing.done.late")
        given = given_of(found)
        if found.extras.picture is not None:
            given = given.having(**await self._descriptions(found.extras.picture))
        return await self._page(request, given, before=found)

    def _today(self) -> date:
        """On the town's calendar."""
        return self.web.app.clock().astimezone(ZoneInfo(self.web.app.town.town.timezone)).date()

    async def _found(self, number: int) -> Announcement:
        try:
            async with reading(self.web.app.sessions) as session:
                found = await announcements.progress(session, number)
        except NotFound as error:
            raise HTTPException(404) from error
        if found.kind is Kind.NOTICE:
            raise HTTPException(404)
        return found

    async def _descriptions(self, number: int) -> dict[str, str]:
        try:
            async with reading(self.web.app.sessions) as session:
                kept = await announcements.picture(session, number)
        except NotFound:
            return {"picture": ""}
        return {f"description-{each}": words for each, words in kept.descriptions.items()}

    # The page

    async def _page(
        self,
        request: Request,
        given: Given,
        faults: Faults | None = None,
        *,
        before: Announcement | None = None,
        gone: str = "",
    ) -> HTMLResponse:
        """`before`: what is edited; `gone`: why it cannot be kept there, under ``write``."""
        app, language = self.web.app, self.language(request)
        async with reading(app.sessions) as session:
            inside = await counts(session)
            areas = await identity.areas_in_use(session)
            earlier = await announcements.history(session, kind=Kind.DIRECT, limit=EARLIER)
        first = first_reach(self.web)
        given = given if given.get("reach") else given.having(reach=first)
        drawn = await self._drawn(request, given)
        return self.render(
            request,
            "announcements/compose.html",
            status=409 if gone else 422 if faults else 200,
            given=given,
            faults=in_order(faults or {}),
            number=before.id if before else None,
            booked=before if before and before.state is AnnouncementState.SCHEDULED else None,
            gone=gone,
            inside=inside,
            first_reach=first,
            conditions=words.conditions(app.town, areas, language),
            earlier=[each for each in earlier if each.total > each.delivered],
            topics=app.town.announcements.topics,
            quiet=app.town.announcements.quiet,
            places=lambda gate: posting_places(app.town, app.keepers, gate),
            translates=app.translator is not None,
            open=open_tab(given, faults or {}),
            names_open=lambda code: names_open(given, code),
            max_upload=MAX_UPLOAD,
            today=self._today().isoformat(),
            **limits(),
            **drawn,
        )

    async def _drawn(self, request: Request, given: Given) -> dict[str, Any]:
        """What the form says so far: its looks, its reach, the state of each language."""
        app, language = self.web.app, self.language(request)
        whole, found = composed(given, app.town, app.keepers, today=self._today())
        wrong = words.compared(given)
        look = given.get("look", "ja")
        look = look if look in app.town.town.languages else "ja"
        day = found.get("joined_since") or found.get("visited_since")
        return {
            "day_fault": day[0] if day else "",
            "look": look,
            "shown": self._shown(whole, given, look),
            "reach": await self._reached(whole, language),
            "marks": words.marks(given, app.town.town.languages, wrong),
            "differences": wrong,
            "place": read_place(given.get("place")) if given.get("place") else None,
        }

    def _shown(self, whole: Composed, given: Given, look: str) -> Looks | None:
        """How it looks to readers of a language, if anything is written."""
        written = {
            language: text
            for language, text in whole.texts.items()
            if language == "ja" or (text["heading"] and text["body"])
        }
        if not any(written["ja"].values()):
            return None
        kept = None
        if whole.extras.picture is not None:
            told = {
                each: given.get(f"description-{each}")
                for each in LANGUAGE_NAMES
                if given.get(f"description-{each}")
            }
            kept = KeptPicture(whole.extras.picture, b"", "image/jpeg", 0, 0, told)
        message = outgoing(self.web.app.town, whole.audience, written, whole.extras, look, kept)
        return looks(message, whole.audience.kind, whole.extras)

    async def _reached(self, whole: Composed, language: str) -> words.Reached | None:
        app, now = self.web.app, self.web.app.clock()
        try:
            async with reading(app.sessions) as session:
                found = await announcements.reach(
                    session,
                    whole.audience,
                    town=app.town,
                    rates=app.rates,
                    quiet=whole.extras.quiet,
                    now=now,
                    platforms=app.platforms,
                )
        except BadAnnouncement:
            return None
        quiet = whole.extras.quiet
        return words.reached(
            app.town, whole.audience, found, quiet=quiet, now=now, language=language
        )

    # While it is written

    async def look(self, request: Request) -> Response:
        """The parts of the page that follow the form, for its script."""
        self.web.staff(request)
        given, _ = await received(self.web, request, "look")
        language = self.language(request)
        drawn = await self._drawn(request, given)
        values: dict[str, Any] = {**drawn, "given": given, "faults": {}, **limits()}
        place, reach = drawn["place"], drawn["reach"]

        def part(name: str, **more: object) -> str:
            return str(
                self.web.fragment(
                    request,
                    f"console/announcements/{name}.html",
                    language=language,
                    **{**values, **more},
                )
            )

        return JSONResponse(
            {
                "looks": part("_looks"),
                "reach": part("_reach"),
                "said": said(reach, language, drawn["day_fault"]),
                "place": texts.say(
                    "announcing.write.place_found",
                    language,
                    latitude=place[0],
                    longitude=place[1],
                )
                if place
                else "",
                "marks": {
                    code: texts.say(f"announcing.write.{mark}", language)
                    for code, mark in drawn["marks"].items()
                },
                "checks": {
                    code: part("_check_part", code=code)
                    for code in self.web.app.town.town.languages
                    if code != "ja"
                },
            }
        )

    async def translate(self, request: Request) -> Response:
        """A draft in another language, as JSON."""
        self.web.staff(request)
        given, _ = await received(self.web, request, "translate")
        code, language = given.get("language"), self.language(request)
        drafted = await self._drafted(given, code)
        if isinstance(drafted, str):
            said = texts.say(f"announcing.fault.{drafted}", language)
            return JSONResponse({"said": said})
        said = texts.say("announcing.write.translated", language, tongue=LANGUAGE_NAMES[code])
        return JSONResponse({"heading": drafted.heading, "body": drafted.body, "said": said})

    async def _drafted(self, given: Given, code: str) -> Draft | str:
        """The draft, or what went wrong: a key under ``announcing.fault``."""
        translator = self.web.app.translator
        if translator is None or code not in self.web.app.town.town.languages or code == "ja":
            raise HTTPException(404)
        heading, body = given.get("heading-ja"), given.get("body-ja")
        if not heading or not body or len(heading) > MAX_HEADING or len(body) > MAX_BODY:
            return "translation-words"
        try:
            return await translator.draft(heading, body, Language(code))
        except GeneratorTimeout:
            return "translation-timeout"
        except GeneratorError:
            return "translation"

    async def _translated(self, given: Given, code: str) -> tuple[Given, Faults]:
        """The form with a draft in it: for browsers without scripts."""
        drafted = await self._drafted(given, code)
        if isinstance(drafted, str):
            return given, {f"translate-{code}": (drafted, {})}
        filled = {
            f"heading-{code}": drafted.heading,
            f"body-{code}": drafted.body,
            f"machine-{code}": "yes",
            f"read-{code}": "",
            "look": code,
        }
        return given.having(**filled), {}

    # The picture

    async def keep_picture(self, request: Request) -> Response:
        """Keep an uploaded picture and say how it will look; without one, what is asked for."""
        staff = self.web.staff(request)
        given, upload = await received(self.web, request, "form")
        faults: Faults = {}
        language = self.language(request)
        given = given.having(picture="")
        if upload.content:
            given, faults = await self._with_picture(given, upload, staff)
        html = self.web.fragment(
            request,
            "console/announcements/_picture_part.html",
            language=language,
            given=given,
            faults=faults,
            **limits(),
        )
        key, values = faults.get("picture", ("", {}))
        said = texts.say(f"announcing.fault.{key}", language, **values) if key else ""
        if not faults and upload.content:
            said = texts.say("announcing.write.picture_kept", language)
        number = given.get("picture")
        return JSONResponse({"picture": str(html), "number": number, "said": said})

    async def _with_picture(self, given: Given, upload: Upload, staff: str) -> tuple[Given, Faults]:
        """The form with its picture kept, or why it cannot be."""
        if upload.too_large:
            return given, {"picture": ("picture-large", {})}
        app = self.web.app
        try:
            async with transaction(app.sessions) as session:
                number = await announcements.keep_upload(
                    session, upload.content, by=f"staff:{staff}", now=app.clock()
                )
        except BadPicture as error:
            return given, located(error, given)
        return given.having(picture=str(number)), {}

    async def picture(self, request: Request, number: Number) -> Response:
        self.web.staff(request)
        try:
            async with reading(self.web.app.sessions) as session:
                kept = await announcements.picture(session, number)
        except NotFound as error:
            raise HTTPException(404) from error
        headers = {"Cache-Control": "private, max-age=3600"}
        return Response(kept.content, media_type=kept.media_type, headers=headers)

    # The draft

    async def save_new(self, request: Request) -> Response:
        return await self._save(request, None)

    async def save(self, request: Request, number: Number) -> Response:
        return await self._save(request, number)

    async def _save(self, request: Request, number: int | None) -> Response:
        """Keep the draft; with a fault, the form again and everything in it."""
        staff = self.web.staff(request)
        given, upload = await received(self.web, request)
        before = await self._found(number) if number is not None else None
        faults: Faults = {}
        if upload.content:
            given, faults = await self._with_picture(given, upload, staff)
        step = given.get("step", "next")
        if step in {"look", "unpicture"} or step.startswith("translate-"):
            given = given.having(picture="") if step == "unpicture" else given
            if step.startswith("translate-"):
                given, more = await self._translated(given, step.removeprefix("translate-"))
                faults |= more
            return await self._page(request, given, faults, before=before)
        whole, found = composed(given, self.web.app.town, self.web.app.keepers, today=self._today())
        faults |= found
        if step == "next":
            faults |= self._unread(given)
        if faults:
            return await self._page(request, given, faults, before=before)
        try:
            kept = await self._keep(whole, given, number, f"staff:{staff}")
        except BadAnnouncement as error:
            return await self._page(request, given, located(error, given), before=before)
        except _ChangedMeanwhile:
            return await self._page(request, given, before=before, gone="taken")
        except NotAllowed:
            return await self._page(request, given, before=before, gone="gone")
        except NotFound as error:
            raise HTTPException(404) from error
        if before is not None and before.state is AnnouncementState.SCHEDULED:
            return await self._rebooked(request, kept)
        if step == "keep":
            return go("/console/announcements", request, flash="announcing.done.kept")
        return go(f"/console/announcements/{kept}")

    async def _rebooked(self, request: Request, number: int) -> Response:
        """Say whether what waited for its time still does."""
        found, address = await self._found(number), f"/console/announcements/{number}"
        if found.state is not AnnouncementState.SCHEDULED or found.start_at is None:
            return go(address, request, flash="announcing.done.unbooked")
        at = when(found.start_at, self.language(request), self.web.app.town.town.timezone)
        return go(address, request, flash="announcing.done.rebooked", when=at)

    def _unread(self, given: Given) -> Faults:
        """Languages in which a person has still to look."""
        wrong = words.compared(given)
        marks = words.marks(given, given.languages, wrong)
        return {
            f"read-{code}": (
                "differs" if mark == "wrong" else "unread",
                {"tongue": LANGUAGE_NAMES[code]},
            )
            for code, mark in marks.items()
            if mark in {"wrong", "unread"}
        }

    async def _keep(self, whole: Composed, given: Given, number: int | None, by: str) -> int:
        app = self.web.app
        async with transaction(app.sessions) as session:
            await _describe(session, whole, given)
            if number is None:
                return await announcements.compose(
                    session,
                    town=app.town,
                    author=by,
                    audience=whole.audience,
                    texts=whole.texts,
                    extras=whole.extras,
                    now=app.clock(),
                    platforms=app.platforms,
                )
            await hold(session, number)
            found = await announcements.progress(session, number)
            if given.get("version", version(found)) != version(found) and found.state in OPEN:
                raise _ChangedMeanwhile
            await announcements.revise(
                session,
                number,
                town=app.town,
                by=by,
                now=app.clock(),
                audience=whole.audience,
                texts=whole.texts,
                extras=whole.extras,
                platforms=app.platforms,
            )
            return number


async def _describe(session: AsyncSession, whole: Composed, given: Given) -> None:
    if whole.extras.picture is not None:
        told = {each: given.get(f"description-{each}") for each in LANGUAGE_NAMES}
        await announcements.describe_picture(session, whole.extras.picture, told)
