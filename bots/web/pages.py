"""What every page shares: its words, its visitor, its forms and its way to the browser."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import HTTPException, Request
from fastapi import Path as InPath
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import HTTPConnection

from bots import texts
from bots.conversation import Button
from bots.places import rooms_of
from bots.reasons import Reasons
from bots.web.demo import DemoShop
from bots.web.guard import Limits
from bots.web.ports import TownApp
from bots.web.session import Visitor, check_csrf, member_account, visitor
from bots.web.words import clean, lang, marked, on, when, with_ruby, without_ruby
from core.database import transaction
from core.identity import Account

HERE: Final = Path(__file__).parent
STATIC: Final = HERE / "static"
LANGUAGE_NAMES: Final[Mapping[str, str]] = {
    "ja": "日本語",
    "ja-easy": "やさしい日本語",
    "en": "English",
    "zh-Hant": "繁體中文",
    "zh-Hans": "简体中文",
    "ko": "한국어",
}
MAX_FIELDS: Final = 60
NOT_DONE: Final = frozenset(
    {
        *(
            f"announcing.done.{each}"
            for each in (
                *("late", "own", "unread", "changed", "changed-sent", "nobody-missed"),
                *("test-no-web", "test-blocked", "test-failed"),
            )
        ),
        *(f"events-desk.done.{each}" for each in ("not-sure", "too-late", "too-early", "nobody")),
        *(
            f"web.done.{each}"
            for each in (
                *("needs-reason", "not-deleted", "delete-later", "card-not-demo", "too-late"),
            )
        ),
        *("members.done.stale", "members.done.card-gone", "errors.chain-unavailable"),
        *("proofs.links.no-vaults", "proofs.links.vault-taken"),
    }
)
"""Sentences after a step that was refused: no tick, no green."""

Number = Annotated[int, InPath(ge=1, le=2**53)]
"""A row's number in an address: within what every database counts to."""


def static_versions() -> Mapping[str, str]:
    """Each static file's address with a digest of its content, so that browsers may keep it."""
    return {
        name: f"/static/{name}?v={hashlib.sha256(file.read_bytes()).hexdigest()[:12]}"
        for file in sorted(STATIC.rglob("*"))
        if file.is_file()
        for name in (file.relative_to(STATIC).as_posix(),)
    }


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    versions = static_versions()
    environment.globals["static"] = versions.__getitem__
    environment.globals["knows"] = texts.knows
    environment.globals["language_names"] = LANGUAGE_NAMES
    environment.filters["lang"] = lang
    environment.filters["marked"] = marked
    environment.filters["shown_on_the_page"] = shown_on_the_page
    environment.filters["with_ruby"] = with_ruby
    environment.filters["without_ruby"] = without_ruby
    return environment


def shown_on_the_page(rows: Sequence[Sequence[Button]]) -> list[list[Button]]:
    """The buttons of a reply but those of what was heard: the page has a field for that."""
    kept = ([each for each in row if not (each.action or "").startswith("heard:")] for row in rows)
    return [row for row in kept if row]


@dataclass(slots=True)
class Web:
    """One town's pages."""

    app: TownApp
    secret: str
    demo: DemoShop | None
    bots: Mapping[str, str]
    limits: Limits = field(default_factory=Limits)
    environment: Environment = field(default_factory=_environment)

    def visitor(self, request: HTTPConnection) -> Visitor:
        return visitor(request, self.app.town.town.languages, self.app.clock())

    async def account(self, request: Request) -> Account | None:
        """Whom this browser stands for, if it stands for a member."""
        async with transaction(self.app.sessions) as session:
            return await member_account(session, self.visitor(request))

    async def member(self, request: Request) -> Account:
        """The same where only members may go. Raises `HTTPException` 403 for anybody else."""
        account = await self.account(request)
        if account is None:
            raise HTTPException(403, detail="member")
        return account

    def render(
        self,
        request: Request,
        name: str,
        *,
        status: int = 200,
        language: str | None = None,
        **values: Any,
    ) -> HTMLResponse:
        """A whole page."""
        flash = _flash(request.session.pop("flash", None))
        html = self.fragment(request, name, language=language, flash=flash, **values)
        return HTMLResponse(html, status)

    def fragment(
        self, request: HTTPConnection, name: str, *, language: str | None = None, **values: Any
    ) -> Markup:
        """A page or a part of one, in the visitor's language unless told otherwise."""
        who = self.visitor(request)
        speaks = language or who.language
        zone = self.app.town.town.timezone
        context = {
            "town": self.app.town,
            "who": who,
            "language": speaks,
            "t": partial(_say, speaks),
            "plain": partial(_plain, speaks),
            "reasons": Reasons(self.app.town, speaks),
            "on": lambda day: on(day, speaks),
            "town_rooms": rooms_of(self.app.town),
            "when": lambda moment: when(moment, speaks, zone),
            "demo": self.demo is not None,
            "events_open": self.app.events.any_open,
            "path": request.url.path,
            "flash": None,
            **values,
        }
        return Markup(self.environment.get_template(name).render(context))  # noqa: S704

    async def form(self, request: Request, rate: str) -> dict[str, str]:
        """The fields of a form of ours.

        Raises `HTTPException` 403 for a forged one, 413 for a large one, 429 for too many.
        """
        who = self.visitor(request)
        self.limits.check(rate, request, who.id, self.app.settings.trusted_proxies)
        fields = await request.form(max_files=0, max_fields=MAX_FIELDS)
        given = {name: value for name, value in fields.items() if isinstance(value, str)}
        check_csrf(request, given.get("csrf") or request.headers.get("x-csrf-token", ""))
        return {name: clean(value) for name, value in given.items()}

    def staff(self, request: Request) -> str:
        """The name of the staff member. Raises `HTTPException` 403 for anybody else."""
        name = self.visitor(request).staff
        if name is None:
            raise HTTPException(403, detail="staff")
        return name


def _say(language: str, key: str, /, **values: object) -> str:
    """For what stands between tags."""
    return with_ruby(texts.say(key, language, **values), language)


def _plain(language: str, key: str, /, **values: object) -> str:
    """For titles, attributes and what scripts read."""
    return without_ruby(texts.say(key, language, **values), language)


@dataclass(frozen=True, slots=True)
class Flash:
    """What came of the last step, said once on the next page."""

    key: str
    values: Mapping[str, str]
    done: bool  # otherwise nothing was done, and it says why


def _flash(kept: Any) -> Flash | None:
    """Out of the session; of before an update, a key alone."""
    if not kept:
        return None
    key, values = (kept["key"], kept["values"]) if isinstance(kept, dict) else (str(kept), {})
    key = key if "." in key else f"web.done.{key}"
    return Flash(key, values, key not in NOT_DONE)


def go(
    path: str, request: Request | None = None, *, flash: str | None = None, **values: str
) -> Response:
    """See another page next; `flash` is a key under ``web.done`` to say there, with its values."""
    if request is not None and flash is not None:
        request.session["flash"] = {"key": flash, "values": values}
    return RedirectResponse(path, 303)
