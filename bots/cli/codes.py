"""`kankei codes`: claim codes from the terminal."""

import asyncio
import csv
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from bots import texts
from bots.cli.faults import faults
from bots.cli.terminal import language, read_settings
from bots.signing import derived, secret_of
from core import town as town_pack
from core.clock import system_clock
from core.credentials.codes import MAX_COUNT, Codes, Made
from core.credentials.identities import CALLBACK
from core.credentials.oidc import client_key, public_keys
from core.credentials.spelling import written
from core.credentials.tabular import SHOWN_MISTAKES, BadList, read_entries
from core.database import connect, ready_to_read, session_factory, transaction
from core.errors import NotFound
from core.settings import Settings
from core.town import TownPack

codes = typer.Typer(no_args_is_help=True, help="引換コード / Claim codes.")

T = TypeVar("T")
Out = Annotated[Path, typer.Option(help="書き出すCSV / the CSV to write")]
Expires = Annotated[str, typer.Option(help="使える最後の日 / last day, such as 2027-03-31")]
Label = Annotated[str, typer.Option(help="職員の控え / a name for staff")]
BY = "staff:terminal"


def _say(key: str, **values: object) -> None:
    print(texts.say(f"proofs-desk.{key}", language(), **values), flush=True)


def _town(settings: Settings) -> TownPack:
    return town_pack.load(settings.town)


def _run(
    settings: Settings,
    town: TownPack,
    job: Callable[[AsyncSession, Codes], Awaitable[T]],
    *,
    begin: bool = False,
) -> T:
    """One use case in one transaction on the town's records, which it may `begin`."""
    codes = Codes(town, partial(derived, secret_of(settings)))

    async def work() -> T:
        engine = connect(settings.database)
        try:
            await ready_to_read(engine, begin=begin)
            async with transaction(session_factory(engine)) as session:
                return await job(session, codes)
        finally:
            await engine.dispose()

    with faults():
        return asyncio.run(work())


def _expiry(town: TownPack, text: str) -> datetime:
    zone = ZoneInfo(town.town.timezone)
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise fail_desk("cli-bad-day") from error
    end = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
    if end <= system_clock():
        raise fail_desk("cli-bad-day")
    return end


def fail_desk(key: str, **values: object) -> typer.Exit:
    """Like `fail`, with the words of this desk."""
    typer.echo(texts.say(f"proofs-desk.{key}", language(), **values), err=True)
    return typer.Exit(1)


def _known(town: TownPack, name: str) -> None:
    known = [each.name for each in town.proofs if each.method == "code"]
    if name not in known:
        raise fail_desk("cli-no-proof", name=name, known=", ".join(known) or "–")


def _write(out: Path, address: str, made: list[Made], *, orders: bool) -> None:
    """The only place where these codes can be seen; readable to us alone."""
    names = (*(("order",) if orders else ()), "serial", "code", "link")
    with out.open("x", encoding="utf-8-sig", newline="") as file:
        out.chmod(0o600)
        writer = csv.writer(file)
        writer.writerow(names)
        for each in made:
            code = written(each.code)
            row = (each.serial, code, f"{address}/join?code={code}")
            writer.writerow((*((each.order,) if orders else ()), *row))


@codes.command()
def make(
    proof: Annotated[str, typer.Argument(help="[[proofs]] の name / its name")],
    count: Annotated[int, typer.Option(min=1, max=MAX_COUNT, help="枚数 / how many")],
    expires: Expires,
    label: Label,
    out: Out = Path("codes.csv"),
) -> None:
    """引換コードをまとめて作ります / Make claim codes; they are written to one file, once."""
    settings = read_settings()
    town = _town(settings)
    _known(town, proof)
    end = _expiry(town, expires)
    if out.exists():
        raise fail_desk("cli-exists", file=out)
    now = system_clock()
    batch, made = _run(
        settings,
        town,
        lambda session, desk: desk.make(
            session, proof, count=count, expires_at=end, label=label, by=BY, now=now
        ),
        begin=True,
    )
    _write(out, settings.address, made, orders=False)
    _say("cli-made", count=len(made), file=out, batch=batch, day=expires)


@codes.command()
def orders(
    proof: Annotated[str, typer.Argument(help="[[proofs]] の name / its name")],
    file: Annotated[Path, typer.Argument(help="注文番号のCSV / CSV of order ids", exists=True)],
    expires: Expires,
    label: Label = "",
    out: Out = Path("codes.csv"),
) -> None:
    """注文ごとに引換コードを作ります / A code for each order of a list that has none yet."""
    settings = read_settings()
    town = _town(settings)
    _known(town, proof)
    end = _expiry(town, expires)
    if out.exists():
        raise fail_desk("cli-exists", file=out)
    try:
        entries = read_entries(file.read_bytes(), ("order",))
    except BadList as error:
        raise fail_desk(f"fault.{error.reason}.next") from error
    for each in entries.mistakes[:SHOWN_MISTAKES]:
        what = texts.say(f"proofs-desk.mistake.{each.reason}", language())
        _say("cli-line", file=file, line=each.line, what=what)
    numbers = [entries.written[row] for row in entries.rows]
    now = system_clock()
    batch, made = _run(
        settings,
        town,
        lambda session, desk: desk.make_for_orders(
            session, proof, numbers, expires_at=end, label=label or file.name, by=BY, now=now
        ),
        begin=True,
    )
    known, wrong = len(numbers) - len(made), len(entries.mistakes)
    _say("cli-orders", new=len(made), known=known, wrong=wrong)
    if made:
        _write(out, settings.address, made, orders=True)
        _say("cli-made", count=len(made), file=out, batch=batch, day=expires)


@codes.command(name="list")
def list_codes() -> None:
    """作ったコードの様子 / How each batch stands."""
    settings = read_settings()
    town = _town(settings)
    now, zone = system_clock(), ZoneInfo(town.town.timezone)
    for each in _run(settings, town, lambda session, desk: desk.batches(session, now=now)):
        _say(
            "cli-batch",
            id=each.id,
            proof=each.proof,
            label=each.label,
            made=each.made,
            used=each.used,
            open=each.open,
            expired=each.expired,
            revoked=each.revoked,
            day=(each.expires_at - timedelta(seconds=1)).astimezone(zone).date(),
        )


@codes.command()
def revoke(
    batch: Annotated[int, typer.Argument(help="組の番号 / the batch")],
    reason: Annotated[str, typer.Option(help="理由 / why")],
    serial: Annotated[int | None, typer.Option(help="通し番号 / one code of it")] = None,
) -> None:
    """組の未使用分か、一枚を取り消します / Withdraw what is unused of a batch, or one code."""
    settings = read_settings()
    town = _town(settings)
    now = system_clock()
    try:
        count, _ = _run(
            settings,
            town,
            lambda session, desk: desk.revoke(
                session, batch, serial=serial, reason=reason, by=BY, now=now
            ),
        )
    except NotFound as error:
        raise fail_desk("cli-no-code") from error
    _say("cli-revoked", count=count)


def oidc_key() -> None:
    """本人確認サービスに登録する鍵 / Our public key, for registering at an identity provider."""
    settings = read_settings()
    key = client_key(settings.data_dir / "oidc_key.json")
    _say("cli-key")
    print(json.dumps(public_keys(key), indent=2))
    print(f"redirect_uri: {settings.address}{CALLBACK}")
