"""Writing an announcement: the form, what it looks like meanwhile, and the draft it becomes."""

from collections.abc import Mapping
from typing import Any, Final

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
)
from bots.web.console.announcements.looks import Looks, looks, outgoing
from bots.web.console.announcements.places import read_place
from bots.web.console.pages import StaffPages
from bots.web.pages import LANGUAGE_NAMES, Number, go
from core import announcements, identity
from core.access import counts
from core.announcements import (
    MAX_BODY,
    MAX_DESCRIPTION,
    MAX_HEADING,
    MAX_LABEL,
    MAX_LINKS,
    MAX_WITH_PICTURE,
    Announcement,
    AnnouncementState,
    KeptPicture,
    Kind,
)
from core.database import reading, transaction
from core.errors import BadAnnouncement, BadPicture, NotAllowed, NotFound
from knowledge.errors import GeneratorError, GeneratorTimeout
from knowledge.language import Language
from knowledge.translation import Draft

EARLIER: Final = 30
"""Announcements that can be chosen for "those whom it missed"."""


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
        return await self._page(request, given, number=number)

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
        number: int | None = None,
        gone: bool = False,
    ) -> HTMLResponse:
        app, language = self.web.app, self.language(request)
        async with reading(app.sessions) as session:
            inside = await counts(session)
            areas = await identity.areas_in_use(session)
            earlier = await announcements.history(session, kind=Kind.DIRECT, limit=EARLIER)
        first = _first_reach(self)
        given = given if given.get("reach") else given.having(reach=first)
        drawn = await self._drawn(request, given)
        return self.render(
            request,
            "announcements/compose.html",
            status=409 if gone else 422 if faults else 200,
            given=given,
            faults=faults or {},
            number=number,
            gone=gone,
            inside=inside,
            first_reach=first,
            conditions=words.conditions(app.town, areas, language),
            earlier=[each for each in earlier if each.total > each.delivered],
            topics=app.town.announcements.topics,
            quiet=app.town.announcements.quiet,
            places=lambda gate: posting_places(app.town, app.keepers, gate),
            translates=app.translator is not None,
            open=_open_tab(given, faults or {}),
            names_open=lambda code: _names_open(given, code),
            max_upload=MAX_UPLOAD,
            **_limits(),
            **drawn,
        )

    async def _drawn(self, request: Request, given: Given) -> dict[str, Any]:
        """What the form says so far: its looks, its reach, the state of each language."""
        app, language = self.web.app, self.language(request)
        whole, _ = composed(given, app.town, app.keepers)
        wrong = words.compared(given)
        look = given.get("look", "ja")
        look = look if look in app.town.town.languages else "ja"
        return {
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
        kind = whole.audience.kind
        message = outgoing(self.web.app.town, kind, written, whole.extras, look, kept)
        return looks(message, kind, whole.extras)

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
        values: dict[str, Any] = {**drawn, "given": given, "faults": {}, **_limits()}
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
                "said": _said(reach, language),
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
            **_limits(),
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
        faults: Faults = {}
        if upload.content:
            given, faults = await self._with_picture(given, upload, staff)
        step = given.get("step", "next")
        if step in {"look", "unpicture"} or step.startswith("translate-"):
            given = given.having(picture="") if step == "unpicture" else given
            if step.startswith("translate-"):
                given, more = await self._translated(given, step.removeprefix("translate-"))
                faults |= more
            return await self._page(request, given, faults, number=number)
        whole, found = composed(given, self.web.app.town, self.web.app.keepers)
        faults |= found
        if step == "next":
            faults |= self._unread(given)
        if faults:
            return await self._page(request, given, faults, number=number)
        try:
            kept = await self._keep(whole, given, number, f"staff:{staff}")
        except BadAnnouncement as error:
            return await self._page(request, given, located(error, given), number=number)
        except NotAllowed:
            return await self._page(request, given, number=number, gone=True)
        except NotFound as error:
            raise HTTPException(404) from error
        if step == "keep":
            return go("/console/announcements", request, flash="announcing.done.kept")
        return go(f"/console/announcements/{kept}")

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
                )
            await announcements.revise(
                session,
                number,
                town=app.town,
                by=by,
                now=app.clock(),
                audience=whole.audience,
                texts=whole.texts,
                extras=whole.extras,
            )
            return number


async def _describe(session: AsyncSession, whole: Composed, given: Given) -> None:
    if whole.extras.picture is not None:
        told = {each: given.get(f"description-{each}") for each in LANGUAGE_NAMES}
        await announcements.describe_picture(session, whole.extras.picture, told)


def _first_reach(pages: Composing) -> str:
    """What is chosen before anybody chooses: the first room that has a place to post in."""
    app = pages.web.app
    for gate in app.town.gates:
        if posting_places(app.town, app.keepers, gate.name):
            return f"room:{gate.name}"
    return "room"


def _open_tab(given: Given, faults: Faults) -> str:
    """The language that is shown first: that of the first fault, or of the look."""
    for name in faults:
        code = name.partition("-")[2]
        if code in LANGUAGE_NAMES:
            return code
    return given.get("look", "ja") or "ja"


def _names_open(given: Given, code: str) -> bool:
    names = (*(f"label-{each}" for each in range(1, MAX_LINKS + 1)), "place-title", "description")
    return any(given.get(f"{name}-{code}") for name in names)


def _limits() -> Mapping[str, int]:
    return {
        "max_heading": MAX_HEADING,
        "max_body": MAX_BODY,
        "max_with_picture": MAX_WITH_PICTURE,
        "max_links": MAX_LINKS,
        "max_label": MAX_LABEL,
        "max_description": MAX_DESCRIPTION,
    }


def _said(reach: words.Reached | None, language: str) -> str:
    """The figures in one sentence, for who hears the page."""
    if reach is None:
        return texts.say("announcing.fault.reach", language)
    if not reach.total:
        return texts.say("announcing.reach.nobody", language)
    total = texts.say("announcing.reach.people", language, count=reach.people)
    if reach.room:
        return f"{total} {texts.say('announcing.reach.at_once', language)}"
    return f"{total} {texts.say('announcing.reach.finishes', language, span=reach.span)}"
