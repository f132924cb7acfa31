"""After it was sent: other words for what has arrived, or taking it back."""

from collections.abc import Mapping
from dataclasses import replace

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from bots.fitting import unfit
from bots.web.console.announcements import words
from bots.web.console.announcements.faults import located, long_faults
from bots.web.console.announcements.form import Faults, Given, given_of, words_faults
from bots.web.console.announcements.trial import found
from bots.web.console.pages import StaffPages
from bots.web.pages import LANGUAGE_NAMES, Number, go
from bots.web.words import one_line
from core import announcements
from core.announcements import OPEN, Announcement, Kind
from core.database import reading, transaction
from core.errors import BadAnnouncement, NotAllowed


class Amending(StaffPages):
    """Changing and retracting."""

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/console/announcements")
        for path, handler, method in (
            ("/{number}/change", self.change, "GET"),
            ("/{number}/change", self.save, "POST"),
            ("/{number}/change/approve", self.approve, "POST"),
            ("/{number}/change/refuse", self.refuse, "POST"),
            ("/{number}/retract", self.ask, "GET"),
            ("/{number}/retract", self.retract, "POST"),
        ):
            router.add_api_route(path, handler, methods=[method])
        return router

    async def change(self, request: Request, number: Number) -> Response:
        self.web.staff(request)
        each = await found(self.web, number)
        if not _sent(each):
            return self._late(request, number)
        return self._form(request, each, given_of(each), {})

    def _form(
        self, request: Request, each: Announcement, given: Given, faults: Faults
    ) -> HTMLResponse:
        return self.render(
            request,
            "announcements/change.html",
            status=422 if faults else 200,
            each=each,
            given=given,
            faults=faults,
            platforms=self._platforms(each),
            differences=words.compared(given),
        )

    async def save(self, request: Request, number: Number) -> Response:
        """Replace what has arrived by what is written here."""
        by = f"staff:{self.web.staff(request)}"
        given = Given(await self.web.form(request, "form"))
        each = await found(self.web, number)
        if given.get("revision") != str(each.revision):
            return go(f"/console/announcements/{number}", request, flash="announcing.done.changed")
        texts, faults = _texts(each, given)
        if not faults and texts == each.texts:
            faults["form"] = ("nothing", {})
        if not faults:
            async with reading(self.web.app.sessions) as session:
                rewritten = replace(each, texts=texts)
                platforms = self.web.app.platforms
                faults |= long_faults(
                    await unfit(session, self.web.app.town, rewritten, platforms=platforms)
                )
        if faults:
            return self._form(request, each, given, faults)
        app = self.web.app
        try:
            async with transaction(app.sessions) as session:
                done = await announcements.change_sent(
                    session, number, texts, by=by, now=app.clock()
                )
        except BadAnnouncement as error:
            return self._form(request, each, given, located(error, given))
        except NotAllowed:
            return self._late(request, number)
        app.wake()
        return go(
            f"/console/announcements/{number}",
            request,
            flash=f"announcing.change.{'done' if done else 'asked'}",
        )

    async def approve(self, request: Request, number: Number) -> Response:
        """Agree to other words, as they were shown."""
        by = f"staff:{self.web.staff(request)}"
        fields = await self.web.form(request, "form")
        change = (await found(self.web, number)).change
        if change is None or fields.get("asked") != change.at.isoformat():
            return self._late(request, number)
        app = self.web.app
        try:
            async with transaction(app.sessions) as session:
                await announcements.approve_change(
                    session, number, by=by, asked_at=change.at, now=app.clock()
                )
        except NotAllowed:
            return go(f"/console/announcements/{number}", request, flash="announcing.done.own")
        app.wake()
        return go(f"/console/announcements/{number}", request, flash="announcing.change.done")

    async def refuse(self, request: Request, number: Number) -> Response:
        """Leave it as it was sent."""
        by = f"staff:{self.web.staff(request)}"
        await self.web.form(request, "form")
        app = self.web.app
        async with transaction(app.sessions) as session:
            await announcements.refuse_change(session, number, by=by, now=app.clock())
        return go(f"/console/announcements/{number}", request, flash="announcing.change.refused")

    async def ask(self, request: Request, number: Number) -> Response:
        self.web.staff(request)
        each = await found(self.web, number)
        return self._question(request, each, {}) if _sent(each) else self._late(request, number)

    def _question(self, request: Request, each: Announcement, faults: Faults) -> HTMLResponse:
        return self.render(
            request,
            "announcements/retract.html",
            status=422 if faults else 200,
            each=each,
            faults=faults,
            platforms=self._platforms(each),
        )

    async def retract(self, request: Request, number: Number) -> Response:
        """Take it back: only with the mark that it cannot be undone."""
        by = f"staff:{self.web.staff(request)}"
        fields = await self.web.form(request, "form")
        each = await found(self.web, number)
        if fields.get("sure") != "yes":
            return self._question(request, each, {"sure": ("sure", {})})
        app = self.web.app
        try:
            async with transaction(app.sessions) as session:
                await announcements.retract(session, number, by=by, now=app.clock())
        except NotAllowed:
            return self._late(request, number)
        app.wake()
        return go(f"/console/announcements/{number}", request, flash="announcing.retract.done")

    def _late(self, request: Request, number: int) -> Response:
        return go(f"/console/announcements/{number}", request, flash="announcing.done.late")

    def _platforms(self, each: Announcement) -> list[str]:
        """Where it may have arrived."""
        if each.kind is Kind.DIRECT:
            named = each.audience.terms.platforms
        else:
            named = tuple(platform for platform, _ in each.audience.places)
        return [platform for platform in self.web.app.messengers if platform in named]


def _sent(each: Announcement) -> bool:
    return each.state not in OPEN and each.delivered > 0 and each.retracted_at is None


def _texts(each: Announcement, given: Given) -> tuple[Mapping[str, Mapping[str, str]], Faults]:
    """The words of the form in the languages that were sent; what is missing or unread."""
    texts, faults = {}, Faults()
    for code, before in each.texts.items():
        heading, body = one_line(given.get(f"heading-{code}")), given.get(f"body-{code}")
        faults |= words_faults(code, heading, body, picture=each.extras.picture is not None)
        texts[code] = {"heading": heading, "body": body}
        if machine := before.get("machine"):
            texts[code]["machine"] = machine
    for code in words.compared(given):
        if given.get(f"read-{code}") != "yes" and code in each.texts:
            faults[f"read-{code}"] = ("differs", {"tongue": LANGUAGE_NAMES[code]})
    return texts, faults
