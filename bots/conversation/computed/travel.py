"""Buses, distances and day plans in words: short lines with times, as a visitor centre writes."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from bots import texts
from bots.conversation.computed import word
from knowledge.passage import Passage, Status
from knowledge.travel.bus import Buses, Departure, Expired, Leg, Named, NoBus
from knowledge.travel.distance import DETOUR, PACE, Distance
from knowledge.travel.plan import Assumption, NoPlan, Plan, Step, StepKind
from knowledge.travel.ways import Mode

HOUR = 60
KILOMETRE = 1_000


# Plans


@word.register
def _plan(plan: Plan, language: str) -> str:
    """The plan step by step, then what it rests on."""
    said = _Plan(plan, language)
    parts = [said.opening(), "\n".join(said.steps()), said.closing()]
    return "\n\n".join(each for each in parts if each)


@word.register
def _no_plan(found: NoPlan, language: str) -> str:
    """That what was wanted does not fit together, and what the guides say of it."""
    pairs = zip(found.names, found.local, strict=True)
    names = texts.say("travel.joint", language).join(_name(*each, language) for each in pairs)
    mode = "public" if found.mode is Mode.BUS else found.mode
    values = {"mode": texts.say(f"travel.mode.{mode}", language)}
    time = _length(found.minutes, language)
    lines = [texts.say("travel.plan.none", language, names=names, time=time, **values)]
    lines.append(texts.say("travel.bus.guides", language))
    lines += [f"・{_row(each, language)}" for each in found.quotes]
    return "\n".join(lines)


class _Plan:
    """One plan in one language."""

    def __init__(self, plan: Plan, language: str) -> None:
        self._plan = plan
        self._language = language

    def opening(self) -> str:
        """For which day and which wish it is."""
        title = self._say("plan.title", day=_day(self._plan.steps[0].begin.date(), self._language))
        values = {"mode": self._mode(), "time": _length(self._plan.minutes, self._language)}
        if not self._plan.needs:
            return f"{title}\n{self._say('plan.for-any', **values)}"
        needs = self._say("joint").join(self._say(f"need.{each}") for each in self._plan.needs)
        return f"{title}\n{self._say('plan.for', needs=needs, **values)}"

    def steps(self) -> Iterator[str]:
        """One line a step, with the row on what it had to suit."""
        for step in self._plan.steps:
            unsure = any(each.status is Status.UNCONFIRMED for each in step.passages)
            mark = f" {self._say('unconfirmed')}" if unsure else ""
            yield self._step(step) + mark
            if step.note is not None:
                yield self._say("quote", row=_row(step.note, self._language))
        first, last = self._plan.steps[0], self._plan.steps[-1]
        minutes = round((last.end - first.begin).total_seconds() / HOUR)
        yield self._say("plan.total", time=_length(minutes, self._language))

    def closing(self) -> str:
        """Warnings, what was assumed, and what was left out for want of facts."""
        lines = []
        if self._plan.cautions:
            lines.append(self._say("plan.cautions"))
            rows = (_row(each, self._language) for each in self._plan.cautions)
            lines += [self._say("quote", row=each) for each in rows]
        lines.append(self._say("plan.assumed"))
        lines += [f"・{self._assumption(each)}" for each in self._plan.assumptions]
        if self._plan.missing:
            pairs = zip(self._plan.missing, self._plan.missing_local, strict=False)
            names = [_name(name, local if local != name else None, self._language)
                     for name, local in pairs]  # fmt: skip
            lines.append(self._say("plan.missing", names=self._say("joint").join(names)))
        return "\n".join(lines)

    def _step(self, step: Step) -> str:
        values: dict[str, object] = {
            "begin": _clock(step.begin),
            "end": _clock(step.end),
            "name": _name(step.name, step.local, self._language),
            "time": _length(round((step.end - step.begin).total_seconds() / HOUR), self._language),
        }
        if step.kind is StepKind.MOVE:
            values["mode"] = self._say(f"mode.{step.mode or 'mixed'}")
            if step.via:
                via = self._say("joint").join(step.via)
                return self._say("plan.move-via", via=via, **values)
            return self._say("plan.move", **values)
        if step.kind is StepKind.VISIT and step.last_entry is not None:
            entry = f"{step.last_entry // HOUR}:{step.last_entry % HOUR:02d}"
            return self._say("plan.visit-entry", entry=entry, **values)
        return self._say(f"plan.{step.kind}", **values)

    def _assumption(self, assumption: Assumption) -> str:
        first = self._plan.steps[0]
        unknown = [
            _name(each.name, each.local, self._language)
            for each in self._plan.steps
            if each.kind is StepKind.VISIT and not each.hours_known
        ]
        return self._say(
            f"assumption.{assumption}",
            day=_day(first.begin.date(), self._language),
            begin=_clock(first.begin),
            time=_length(self._plan.minutes, self._language),
            mode=self._mode(),
            names=self._say("joint").join(unknown),
        )

    def _mode(self) -> str:
        public = self._plan.mode is Mode.BUS
        return self._say("mode.public" if public else f"mode.{self._plan.mode}")

    def _say(self, key: str, **values: object) -> str:
        return texts.say(f"travel.{key}", self._language, **values)


# Buses


@word.register
def _buses(found: Buses, language: str) -> str:
    """The departures, how long until the first, and when the last one leaves."""
    lines = []
    if found.over:
        lines.append(texts.say("travel.bus.over", language))
    lines.append(_ends(f"travel.bus.{found.which}", found.origin, found.destination,
                       found.day, language))  # fmt: skip
    for each in found.departures:
        lines += _departure(each, found.day, language)
    if found.gone:
        lines.append(texts.say("travel.bus.gone", language))
    elif found.waiting is not None:
        waiting = _length(found.waiting, language)
        lines.append(texts.say("travel.bus.waiting", language, time=waiting))
    if found.last_of_day is not None and found.last_of_day > found.departures[-1].departs:
        last = _moment(found.last_of_day, found.day, language)
        lines.append(texts.say("travel.bus.last-of-day", language, time=last))
    return "\n".join(lines)


@word.register
def _no_bus(found: NoBus, language: str) -> str:
    none = _ends("travel.bus.none", found.origin, found.destination, found.day, language)
    return f"{none}\n{texts.say('travel.bus.ask', language)}"


@word.register
def _expired(found: Expired, language: str) -> str:
    """That the timetable does not hold for the day, and what the guides say instead."""
    start, end = _day(found.start, language), _day(found.end, language)
    day = _day(found.day, language)
    lines = [texts.say("travel.bus.expired", language, start=start, end=end, day=day)]
    if found.quotes:
        lines.append(texts.say("travel.bus.guides", language))
        lines += [f"・{_row(each, language)}" for each in found.quotes]
    lines.append(texts.say("travel.bus.ask", language))
    return "\n".join(lines)


def _ends(
    key: str, origin: Named | None, destination: Named | None, day: date, language: str
) -> str:
    """Say where from and where to, as far as that was asked."""
    shown = _day(day, language)
    if origin is None:
        end = _named(destination, language) if destination else ""
        return texts.say(f"{key}-to", language, destination=end, day=shown)
    begin = _named(origin, language)
    if destination is None:
        return texts.say(f"{key}-from", language, origin=begin, day=shown)
    end = _named(destination, language)
    return texts.say(key, language, origin=begin, destination=end, day=shown)


def _departure(departure: Departure, day: date, language: str) -> Iterator[str]:
    for number, leg in enumerate(departure.legs):
        key = "travel.bus.change" if number else "travel.bus.ride"
        yield texts.say(
            key,
            language,
            departs=_moment(leg.departs, day, language),
            arrives=_moment(leg.arrives, day, language),
            board=_named(leg.board, language),
            alight=_named(leg.alight, language),
            line=_line(leg, language),
        )
    if departure.fare is not None:
        amount, currency = departure.fare
        key = "travel.yen" if currency == "JPY" else "travel.money"
        values = {"amount": f"{amount:,}"} | ({} if currency == "JPY" else {"currency": currency})
        fare = texts.say(key, language, **values)
        yield texts.say("travel.bus.fare", language, fare=fare)
    if departure.approximate:
        yield texts.say("travel.bus.approximate", language)
    if departure.on_request:
        yield texts.say("travel.bus.on-request", language)


def _line(leg: Leg, language: str) -> str:
    parts = [_named(leg.route, language)]
    if leg.headsign is not None:
        parts.append(_named(leg.headsign, language))
    return texts.say("travel.comma", language).join(each for each in parts if each)


# Distances


@word.register
def _distance(distance: Distance, language: str) -> str:
    """The straight line, what the guides state or else an estimated walk, and a map."""
    lines = [
        texts.say(
            "travel.distance.straight",
            language,
            origin=_name(distance.origin, distance.origin_local, language),
            destination=_name(distance.destination, distance.destination_local, language),
            length=_metres(distance.metres, language),
        )
    ]
    if distance.stated:
        lines.append(texts.say("travel.distance.stated", language))
    for each in distance.stated:
        turned = texts.say("travel.distance.stated-turned", language) if each.turned else ""
        lines.append(f"・{_row(each.passage, language)}{turned}")
    if distance.walk is not None:
        time = _length(distance.walk, language)
        walk = {"time": time, "detour": DETOUR, "pace": PACE}
        lines.append(texts.say("travel.distance.walk", language, **walk))
    lines.append(texts.say("travel.distance.map", language, link=distance.link))
    return "\n".join(lines)


def _metres(metres: int, language: str) -> str:
    if metres < KILOMETRE:
        return texts.say("travel.metres", language, number=metres)
    return texts.say("travel.kilometres", language, number=f"{metres / KILOMETRE:.1f}")


# What all three have


def _name(name: str, local: str | None, language: str) -> str:
    """A name as the asker reads it, with the town's own beside it."""
    if local is None or local == name:
        return name
    return texts.say("travel.name", language, local=local, name=name)


def _named(named: Named, language: str) -> str:
    return _name(named.name, named.local, language)


def _clock(at: datetime) -> str:
    return f"{at.hour}:{at.minute:02d}"


def _moment(at: datetime, day: date, language: str) -> str:
    """A time of day, with a remark if it belongs to the night after."""
    if at.date() == day + timedelta(days=1):
        return texts.say("travel.next-day", language, time=_clock(at))
    return _clock(at)


def _length(minutes: int, language: str) -> str:
    hours, rest = divmod(minutes, HOUR)
    if not hours:
        return texts.say("travel.minutes", language, minutes=rest)
    if not rest:
        return texts.say("travel.hours", language, hours=hours)
    return texts.say("travel.hours-minutes", language, hours=hours, minutes=rest)


def _day(day: date, language: str) -> str:
    weekday = texts.say(f"travel.weekday.{day.weekday()}", language)
    values = {"year": day.year, "month": day.month, "day": day.day, "weekday": weekday}
    return texts.say("travel.day", language, **values)


def _row(passage: Passage, language: str) -> str:
    """A row of the guides, verbatim; a passage of prose as it stands."""
    mark = ""
    if passage.status is Status.UNCONFIRMED:
        mark = f" {texts.say('travel.unconfirmed', language)}"
    if passage.item is None or passage.value is None:
        return passage.text + mark
    values = {"item": passage.item, "value": passage.value}
    if passage.note:
        return texts.say("travel.row-note", language, **values, note=passage.note) + mark
    return texts.say("travel.row", language, **values) + mark
