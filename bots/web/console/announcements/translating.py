"""A draft in another language by the town's language service, for a person to read."""

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse, Response

from bots import texts
from bots.web.console.announcements.form import (
    Faults,
    Given,
    received,
)
from bots.web.console.pages import StaffPages
from bots.web.pages import LANGUAGE_NAMES, Web
from core.announcements import (
    MAX_BODY,
    MAX_HEADING,
)
from knowledge.errors import GeneratorError, GeneratorTimeout
from knowledge.language import Language
from knowledge.translation import Draft


class Translating(StaffPages):
    """The button that asks for a draft."""

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/console/announcements")
        router.add_api_route("/translate", self.translate, methods=["POST"])
        return router

    async def translate(self, request: Request) -> Response:
        """A draft in another language, as JSON."""
        self.web.staff(request)
        given, _ = await received(self.web, request, "translate")
        code, language = given.get("language"), self.language(request)
        drafted = await _drafted(self.web, given, code)
        if isinstance(drafted, str):
            said = texts.say(f"announcing.fault.{drafted}", language)
            return JSONResponse({"said": said})
        said = texts.say("announcing.write.translated", language, tongue=LANGUAGE_NAMES[code])
        return JSONResponse({"heading": drafted.heading, "body": drafted.body, "said": said})


async def _drafted(web: Web, given: Given, code: str) -> Draft | str:
    """The draft, or what went wrong: a key under ``announcing.fault``."""
    translator = web.app.translator
    if translator is None or code not in web.app.town.town.languages or code == "ja":
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


async def translated(web: Web, given: Given, code: str) -> tuple[Given, Faults]:
    """The form with a draft in it: for browsers without scripts."""
    drafted = await _drafted(web, given, code)
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
