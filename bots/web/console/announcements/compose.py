"""Writing an announcement: the form, what it looks like meanwhile, and the draft it becomes."""

from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse, Response
from sqlalchemy.ext.asyncio import AsyncSession

from bots import texts
from bots.fitting import too_long
from bots.web.console.announcements import words
from bots.web.console.announcements.drawing import FormPage, described
from bots.web.console.announcements.faults import located, long_faults
from bots.web.console.announcements.form import (
    Composed,
    Faults,
    Given,
    composed,
    given_of,
    received,
    version,
)
from bots.web.console.announcements.parts import (
    limits,
    said,
)
from bots.web.console.announcements.translating import translated
from bots.web.console.announcements.trial import found
from bots.web.console.announcements.uploads import with_picture
from bots.web.pages import LANGUAGE_NAMES, Number, go
from bots.web.words import when
from core import announcements
from core.announcements import (
    OPEN,
    AnnouncementState,
)
from core.announcements.records import hold
from core.database import reading, transaction
from core.errors import BadAnnouncement, NotAllowed, NotFound


class _ChangedMeanwhile(Exception):
    """Somebody else kept other words since the form was opened."""


class Composing(FormPage):
    """The form and what stands behind its buttons."""

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/console/announcements")
        for path, handler, method in (
            ("/new", self.new, "GET"),
            ("", self.save_new, "POST"),
            ("/look", self.look, "POST"),
            ("/{number}/edit", self.edit, "GET"),
            ("/{number}/edit", self.save, "POST"),
        ):
            router.add_api_route(path, handler, methods=[method])
        return router

    async def new(self, request: Request) -> Response:
        self.web.staff(request)
        return await self.page(request, Given())

    async def edit(self, request: Request, number: Number) -> Response:
        self.web.staff(request)
        each = await found(self.web, number)
        if each.state not in {AnnouncementState.DRAFT, AnnouncementState.SCHEDULED}:
            return go(f"/console/announcements/{number}", request, flash="announcing.done.late")
        given = given_of(each)
        if each.extras.picture is not None:
            given = given.having(**await self._descriptions(each.extras.picture))
        return await self.page(request, given, before=each)

    async def _descriptions(self, number: int) -> dict[str, str]:
        try:
            async with reading(self.web.app.sessions) as session:
                kept = await announcements.picture(session, number)
        except NotFound:
            return {"picture": ""}
        return {f"description-{each}": words for each, words in kept.descriptions.items()}

    # While it is written

    async def look(self, request: Request) -> Response:
        """The parts of the page that follow the form, for its script."""
        self.web.staff(request)
        given, _ = await received(self.web, request, "look")
        language = self.language(request)
        drawn = await self.drawn(request, given)
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

    # The draft

    async def save_new(self, request: Request) -> Response:
        return await self._save(request, None)

    async def save(self, request: Request, number: Number) -> Response:
        return await self._save(request, number)

    async def _save(self, request: Request, number: int | None) -> Response:
        """Keep the draft; with a fault, the form again and everything in it."""
        staff = self.web.staff(request)
        given, upload = await received(self.web, request)
        before = await found(self.web, number) if number is not None else None
        faults: Faults = {}
        if upload.content:
            given, faults = await with_picture(self.web, given, upload, staff)
        step = given.get("step", "next")
        if step in {"look", "unpicture"} or step.startswith("translate-"):
            given = given.having(picture="") if step == "unpicture" else given
            if step.startswith("translate-"):
                given, more = await translated(self.web, given, step.removeprefix("translate-"))
                faults |= more
            return await self.page(request, given, faults, before=before)
        booked = before is not None and before.state is AnnouncementState.SCHEDULED
        whole, more = self._read(given, leaves=booked or step == "next", unread=step == "next")
        if faults := faults | more:
            return await self.page(request, given, faults, before=before)
        try:
            kept = await self._keep(whole, given, number, f"staff:{staff}")
        except BadAnnouncement as error:
            return await self.page(request, given, located(error, given), before=before)
        except _ChangedMeanwhile:
            return await self.page(request, given, before=before, gone="taken")
        except NotAllowed:
            return await self.page(request, given, before=before, gone="gone")
        except NotFound as error:
            raise HTTPException(404) from error
        if booked:
            return await self._rebooked(request, kept)
        if step == "keep":
            return go("/console/announcements", request, flash="announcing.done.kept")
        return go(f"/console/announcements/{kept}")

    def _read(self, given: Given, *, leaves: bool, unread: bool) -> tuple[Composed, Faults]:
        """What the form says, and what is wrong with it; of what `leaves` also what is too long."""
        whole, faults = composed(given, self.web.app.town, self.web.app.keepers, today=self.today())
        if unread:
            faults |= self._unread(given)
        if leaves and not faults:
            faults |= self._too_long(whole, given)
        return whole, faults

    def _too_long(self, whole: Composed, given: Given) -> Faults:
        """Words that are more than one message of a platform to which they go."""
        kept, platforms = described(whole, given), self.web.app.platforms
        return long_faults(
            too_long(
                *(self.web.app.town, whole.audience, whole.texts, whole.extras, kept),
                platforms=platforms,
            )
        )

    async def _rebooked(self, request: Request, number: int) -> Response:
        """Say whether what waited for its time still does."""
        each, address = await found(self.web, number), f"/console/announcements/{number}"
        if each.state is not AnnouncementState.SCHEDULED or each.start_at is None:
            return go(address, request, flash="announcing.done.unbooked")
        at = when(each.start_at, self.language(request), self.web.app.town.town.timezone)
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
            kept = await announcements.progress(session, number)
            if given.get("version", version(kept)) != version(kept) and kept.state in OPEN:
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
