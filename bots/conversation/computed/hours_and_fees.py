"""Opening hours and totals in words, as a town's office writes them: the answer, then the reason.

Every figure comes from the result; what the rows leave open is said, and whom to ask.
"""

from collections.abc import Iterator
from datetime import date

from bots import texts
from bots.conversation.computed import word
from knowledge.computed.days import Moved, public_holiday
from knowledge.computed.fees import ANY_CHILD, Line, Total
from knowledge.computed.hours import Span, State
from knowledge.computed.opened import DayOpen, Open, Verdict
from knowledge.computed.party_total import PartyTotal
from knowledge.passage import Passage

HOUR = 60


def _say(key: str, language: str, **values: object) -> str:
    return texts.say(f"computed.{key}", language, **values)


# Open or not


@word.register
def _(result: Open, language: str) -> str:
    """Say whether a sight is open, until when, and what else to know."""
    if len(result.days) > 1:
        lines = [_say("open.several", language, subject=result.subject)]
        lines += [_listed(each, language) for each in result.days]
    else:
        lines = [*_rule(result, language), _verdict(result, language)]
        lines += _hours_of(result, language)
    return "\n".join([*lines, *_remarks(result, language)])


def _rule(result: Open, language: str) -> Iterator[str]:
    """Say what holds on a weekday as such, before the next such day."""
    if (rule := result.weekly) is None:
        return
    key, weekday = "closed" if rule.closed else "open", _say(f"every.{rule.weekday}", language)
    yield _say(f"rule.{key}", language, subject=result.subject, weekday=weekday)
    if rule.moved is not Moved.NO:
        moved = "free" if rule.moved is Moved.OPEN else rule.moved.value
        yield _say(f"rule.{moved}", language)


def _verdict(result: Open, language: str) -> str:
    key, time = _key(result), result.when.minute
    span = result.span
    if key == "now-late" and span is not None:
        time = span.admits_until
    elif key == "now-before" and span is not None:
        time = span.opens
    return _say(
        f"open.{key}",
        language,
        subject=result.subject,
        date=_asked_day(result, language),
        time=clock(time or 0),
    )


def _key(result: Open) -> str:
    verdict, when = result.verdict, result.when
    if result.irregular and verdict in {Verdict.DAY, Verdict.OPEN, Verdict.BEFORE}:
        return "usual"
    if verdict is Verdict.DAY:
        return "day-hours" if _guarded(result) else "day"
    if verdict is Verdict.OPEN and _guarded(result):
        return "now-hours" if when.now else "at-hours"
    if verdict in {Verdict.OPEN, Verdict.LATE, Verdict.BEFORE, Verdict.OVER}:
        asked = "now" if when.now else "at"
        return asked if verdict is Verdict.OPEN else f"{asked}-{verdict.value}"
    return verdict.value


def _guarded(result: Open) -> bool:
    """Whether only the hours can be told, and not that it will be open."""
    return result.unconfirmed or not result.closings_known


def _asked_day(result: Open, language: str) -> str:
    first, last = result.days[0].first, result.days[-1].last
    if first != last:
        return _say("day.period", language, first=day(first, language), last=day(last, language))
    shown = day(first, language)
    key = "day.today" if first == result.when.today else "day.on"
    return _say(key, language, date=shown)


def _hours_of(result: Open, language: str) -> Iterator[str]:
    """Say the hours where they help: what is left of them now, or those of the day."""
    if result.verdict in {Verdict.CLOSED, Verdict.NOT_CLOSED, Verdict.UNSURE}:
        return
    if result.when.now and result.left is not None and result.span and not result.irregular:
        key = "left" if result.span.last_entry is not None else "left-plain"
        yield _say(
            f"hours.{key}",
            language,
            last=clock(result.span.admits_until),
            left=_left(result.left, language),
        )
    elif result.verdict is not Verdict.OVER or not result.when.now:
        yield _hours(result.days[0].spans, language)


def _hours(spans: tuple[Span, ...], language: str) -> str:
    return " ".join(_span(each, language) for each in spans)


def _span(span: Span, language: str) -> str:
    opens = clock(span.opens)
    if span.closes is None:
        return _say("hours.entry", language, opens=opens, last=clock(span.ends))
    closes = clock(span.closes)
    if span.last_entry is None:
        return _say("hours.plain", language, opens=opens, closes=closes)
    last = clock(span.last_entry)
    return _say("hours.full", language, opens=opens, closes=closes, last=last)


def _listed(each: DayOpen, language: str) -> str:
    dates = day(each.first, language)
    if each.last != each.first:
        dates = _say("day.period", language, first=dates, last=day(each.last, language))
    if each.state is State.CLOSED:
        said = _say("hours.closed", language)
    elif each.state is State.UNSURE or not each.spans:
        said = _say("hours.unsure", language)
    else:
        said = _hours(each.spans, language)
    return _say("hours.line", language, date=dates, hours=said)


def _remarks(result: Open, language: str) -> Iterator[str]:
    if result.soon and result.when.now:
        yield _say("remark.soon", language)
    for gate in result.gates:
        yield _quoted("remark.gate", gate, language)
    if result.next_open is not None:
        later, span = result.next_open
        yield _say("remark.next", language, date=day(later, language), opens=clock(span.opens))
    if result.irregular:
        yield _say("remark.irregular", language)
    elif not result.closings_known and result.verdict is not Verdict.UNSURE:
        yield _say("remark.no-closing-days", language)
    if result.unconfirmed:
        yield _say("remark.unconfirmed", language)
    elif result.verdict in {Verdict.UNSURE, Verdict.NOT_CLOSED}:
        yield _say("remark.ask", language)


def _left(minutes: int, language: str) -> str:
    hours, rest = divmod(minutes, HOUR)
    if not hours:
        return _say("left.minutes", language, minutes=rest)
    if not rest:
        return _say("left.hours", language, hours=hours)
    return _say("left.both", language, hours=hours, minutes=rest)


def clock(minute: int) -> str:
    """Write minutes after midnight as people read them; past midnight as 25:30."""
    return f"{minute // HOUR}:{minute % HOUR:02d}"


def day(each: date, language: str) -> str:
    """Write a date with its weekday, and whether it is a public holiday."""
    return _say(
        "day.holiday" if public_holiday(each) else "day.plain",
        language,
        month=_say(f"month.{each.month}", language),
        day=each.day,
        weekday=_say(f"weekday.{each.weekday()}", language),
    )


def _quoted(key: str, passage: Passage, language: str) -> str:
    return _say(key, language, item=passage.item or passage.title, value=passage.value or "")


# Totals


@word.register
def _(result: PartyTotal, language: str) -> str:
    """Say what a party pays, with the arithmetic and what is not in it."""
    lines = []
    if len(result.sights) > 1:
        total = money_between(result.low, result.high, language)
        key = "several" if result.complete else "partial"
        lines.append(_say(f"fee.{key}", language, total=total))
    for each in result.sights:
        lines += _sight(each, language, alone=len(result.sights) == 1)
    return "\n".join([*lines, *_fee_remarks(result, language)])


def _sight(total: Total, language: str, *, alone: bool) -> Iterator[str]:
    amount = money_between(total.low, total.high, language)
    if not alone:
        yield _say("fee.subject", language, subject=total.subject, total=amount)
    elif total.complete:
        yield _say("fee.one", language, subject=total.subject, total=amount)
    else:
        partial = _say("fee.partial", language, total=amount)
        yield _say("fee.subject", language, subject=total.subject, total=partial)
    for options in total.lines:
        yield _guests(options, language)


def _guests(options: tuple[Line, ...], language: str) -> str:
    guests = options[0].guests
    who = _who(options, language)
    if len(options) > 1:
        choices = _say("fee.join", language).join(_choices(options, language))
        return _say("fee.either", language, who=who, count=guests.count, choices=choices)
    (line,) = options
    if line.rate is None or line.amount is None:
        return _say("fee.missing", language, who=who, count=guests.count)
    amount = money(line.amount, language)
    if guests.count == 1 or line.amount == 0:
        return _say("fee.line-single", language, who=who, count=guests.count, amount=amount)
    return _say(
        "fee.line",
        language,
        who=who,
        count=guests.count,
        rate=money(line.rate.yen, language),
        amount=amount,
    )


def _choices(options: tuple[Line, ...], language: str) -> Iterator[str]:
    """Say what each of the guests pays, categories of one price together."""
    for yen in dict.fromkeys(each.rate.yen if each.rate else None for each in options):
        alike = (each for each in options if (each.rate.yen if each.rate else None) == yen)
        names = (_say(f"who.{each.category.value}", language) for each in alike)
        who = _say("fee.or", language).join(names)
        if yen is None:
            yield _say("fee.choice-missing", language, who=who)
        else:
            yield _say("fee.choice", language, who=who, rate=money(yen, language))


def _who(options: tuple[Line, ...], language: str) -> str:
    line = options[0]
    open_still = len(line.guests.options) > 1
    if line.guests.age is not None:
        if open_still:
            return _say("fee.aged-either", language, age=line.guests.age)
        category = _say(f"who.{line.category.value}", language)
        return _say("fee.aged", language, age=line.guests.age, who=category)
    named = "child" if line.guests.options == ANY_CHILD or open_still else line.category.value
    return _say(f"who.{named}", language)


def _fee_remarks(result: PartyTotal, language: str) -> Iterator[str]:
    if any(each.assumed for each in result.party.guests):
        yield _say("fee.assumed", language)
    lines = [options for total in result.sights for options in total.lines]
    if any(len(options) > 1 for options in lines):
        yield _say("fee.school-year", language)
    used = [line.rate for options in lines for line in options if line.rate is not None]
    for minimum in sorted({each.minimum for each in used if each.minimum > 1}):
        yield _say("fee.group", language, minimum=minimum)
    offers = dict.fromkeys(offer for total in result.sights for offer in total.offers)
    for offer in offers:
        yield _quoted("fee.offer", offer, language)
    grouped = any(each.minimum > 1 for each in used)
    if result.party.claims - ({"group"} if grouped else set()) and not offers:
        yield _say("fee.no-offer", language)
    if result.unconfirmed:
        yield _say("remark.unconfirmed", language)


def money(yen: int, language: str) -> str:
    """Write an amount in yen; nothing to pay is said in words."""
    return _say("money", language, amount=f"{yen:,}") if yen else _say("free", language)


def money_between(low: int, high: int, language: str) -> str:
    """Write an amount, or the least and the most that it may be."""
    if low == high:
        return money(low, language)
    return _say("range", language, low=money(low, language), high=money(high, language))
