"""The form with a file: a list of orders or of purchasers."""

from fastapi import Request
from starlette.datastructures import UploadFile

from bots.web.pages import MAX_FIELDS, Web
from bots.web.session import check_csrf
from bots.web.words import clean
from core.credentials.tabular import MAX_BYTES


async def upload(web: Web, request: Request) -> tuple[dict[str, str], bytes]:
    """The fields and the file of a staff form. Raises like `Web.form`."""
    who = web.visitor(request)
    web.limits.check("form", request, who.id, web.app.settings.trusted_proxies)
    async with request.form(max_files=1, max_fields=MAX_FIELDS) as form:
        given = {name: value for name, value in form.items() if isinstance(value, str)}
        check_csrf(request, given.get("csrf", ""))
        file = form.get("file")
        given["file"] = (file.filename or "") if isinstance(file, UploadFile) else ""
        content = await file.read(MAX_BYTES + 1) if isinstance(file, UploadFile) else b""
    return {name: clean(value) for name, value in given.items()}, content
