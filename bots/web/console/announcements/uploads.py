"""Pictures on their way into an announcement: kept at once, and shown to staff."""

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse, Response

from bots import texts
from bots.web.console.announcements.faults import located
from bots.web.console.announcements.form import (
    Faults,
    Given,
    Upload,
    received,
)
from bots.web.console.announcements.parts import (
    limits,
)
from bots.web.console.pages import StaffPages
from bots.web.pages import Number, Web
from core import announcements
from core.database import reading, transaction
from core.errors import BadPicture, NotFound


class Uploads(StaffPages):
    """A picture is kept before the form is, so that a mistake elsewhere does not lose it."""

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/console/announcements/pictures")
        router.add_api_route("", self.keep_picture, methods=["POST"])
        router.add_api_route("/{number}", self.picture, methods=["GET"])
        return router

    async def keep_picture(self, request: Request) -> Response:
        """Keep an uploaded picture and say how it will look; without one, what is asked for."""
        staff = self.web.staff(request)
        given, upload = await received(self.web, request, "form")
        faults: Faults = {}
        language = self.language(request)
        given = given.having(picture="")
        if upload.content:
            given, faults = await with_picture(self.web, given, upload, staff)
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

    async def picture(self, request: Request, number: Number) -> Response:
        self.web.staff(request)
        try:
            async with reading(self.web.app.sessions) as session:
                kept = await announcements.picture(session, number)
        except NotFound as error:
            raise HTTPException(404) from error
        headers = {"Cache-Control": "private, max-age=3600"}
        return Response(kept.content, media_type=kept.media_type, headers=headers)


async def with_picture(web: Web, given: Given, upload: Upload, staff: str) -> tuple[Given, Faults]:
    """The form with its picture kept, or why it cannot be."""
    if upload.too_large:
        return given, {"picture": ("picture-large", {})}
    app = web.app
    try:
        async with transaction(app.sessions) as session:
            number = await announcements.keep_upload(
                session, upload.content, by=f"staff:{staff}", now=app.clock()
            )
    except BadPicture as error:
        return given, located(error, given)
    return given.having(picture=str(number)), {}
