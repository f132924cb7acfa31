"""Who is on the other side: a visitor by signed cookie, staff by a link that works once.

The cookie holds a random id (the web account's, once there is one), the chosen language, a token
against forged requests, and for staff their name and until when. Nothing in it is secret from its
owner; nobody else can write it.
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import HTTPException, Request
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import HTTPConnection

from bots import texts
from core.identity import (
    Account,
    find_account,
)

STAFF_LINK_LIFETIME: Final = timedelta(minutes=15)
STAFF_SESSION: Final = timedelta(hours=8)
_SALT: Final = "kankei-staff-link"
_TOO_LONG: Final = 200


@dataclass(frozen=True, slots=True)
class Visitor:
    """The person behind a request, as far as the cookie tells."""

    id: str  # the web account's id on our own platform
    language: str
    csrf: str
    thread: str
    staff: str | None
    chose_language: bool


def visitor(request: HTTPConnection, languages: tuple[str, ...], now: datetime) -> Visitor:
    """Read the cookie; what is missing is made and goes out with the response."""
    session = request.session
    for key, size in (("id", 16), ("csrf", 24), ("thread", 8)):
        if key not in session:
            session[key] = secrets.token_urlsafe(size)
    chosen = session.get("language")
    language = chosen if chosen in languages else preferred(request, languages)
    staff = session.get("staff")
    if staff and datetime.fromtimestamp(staff["until"], UTC) <= now:
        del session["staff"]
        staff = None
    return Visitor(
        session["id"],
        language,
        session["csrf"],
        session["thread"],
        staff["name"] if staff else None,
        chose_language=chosen in languages,
    )


def preferred(request: HTTPConnection, languages: tuple[str, ...]) -> str:
    """The browser's first language that the town speaks; Japanese if it names none."""
    header = request.headers.get("accept-language", "")[:_TOO_LONG]
    for part in header.split(","):
        tag = part.split(";")[0].strip()
        if tag and tag != "*":
            nearest = texts.nearest(tag)
            return nearest if nearest in languages else languages[0]
    return languages[0]


def check_csrf(request: Request, given: str) -> None:
    """Raises `HTTPException` 403 unless the request comes from a page of ours."""
    expected = request.session.get("csrf", "")
    foreign = request.headers.get("sec-fetch-site") == "cross-site"
    if foreign or not expected or not hmac.compare_digest(expected.encode(), given.encode()):
        raise HTTPException(403, detail="csrf")


# Staff


@dataclass(frozen=True, slots=True)
class StaffKey:
    """What a staff link says, once its signature and time have been checked."""

    name: str
    id: str


def staff_link(secret: str, name: str, now: datetime) -> str:
    """The path of a one-time link into the console, for `STAFF_LINK_LIFETIME`."""
    until = int((now + STAFF_LINK_LIFETIME).timestamp())
    payload = {"name": name[:40], "until": until, "id": secrets.token_hex(12)}
    key = URLSafeSerializer(secret, salt=_SALT).dumps(payload)
    return f"/console/enter?{urlencode({'key': key})}"


def read_staff_link(secret: str, key: str, now: datetime) -> StaffKey | None:
    """The key of a link, or `None` if it is forged or too old."""
    try:
        payload: Any = URLSafeSerializer(secret, salt=_SALT).loads(key)
    except BadSignature:
        return None
    if payload["until"] <= now.timestamp():
        return None
    return StaffKey(payload["name"], payload["id"])


def enter_as_staff(request: Request, name: str, now: datetime) -> None:
    until = int((now + STAFF_SESSION).timestamp())
    request.session["staff"] = {"name": name, "until": until}
    request.session["csrf"] = secrets.token_urlsafe(24)


# The member behind a browser


async def member_account(session: AsyncSession, who: Visitor) -> Account | None:
    return await find_account(session, "web", who.id)


def become(request: Request, account: Account) -> None:
    """Let this browser act for a web account: only after a proof. The old tokens are void."""
    if request.session.get("id") != account.external_id:
        request.session["id"] = account.external_id
        request.session["thread"] = secrets.token_urlsafe(8)
