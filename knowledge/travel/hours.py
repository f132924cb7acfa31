"""Hours: when a visit can begin, from the opening hours that are worked out elsewhere."""

from dataclasses import dataclass
from datetime import date

from knowledge.computed.hours import Opening, State
from knowledge.passage import Passage


@dataclass(frozen=True, slots=True)
class Span:
    """One stretch in which a sight is open, in minutes after midnight."""

    opens: int
    closes: int | None  # None where the guides state the last entry alone
    last_entry: int | None = None


@dataclass(frozen=True, slots=True)
class Hours:
    """When a sight is open on one day."""

    spans: tuple[Span, ...] = ()
    closed: bool = False
    known: bool = True
    sure: bool = True  # False where a rule may close the sight on that day
    passages: tuple[Passage, ...] = ()

    def entry(self, arrives: int, minutes: int) -> int | None:
        """Return when a visit begins for who arrives then; None if it does not fit any more."""
        if self.closed:
            return None
        if not self.known:
            return arrives
        for span in self.spans:
            begins = max(arrives, span.opens)
            entered = span.last_entry is None or begins <= span.last_entry
            if entered and (span.closes is None or begins + minutes <= span.closes):
                return begins
        return None

    def last_entry(self, at: int) -> int | None:
        """Return the last entry of the span in which a visit begins."""
        within = (each.last_entry for each in self.spans if each.opens <= at)
        return max((each for each in within if each is not None), default=None)


UNKNOWN = Hours(known=False)
"""The guides do not say when the sight is open."""


def hours_of(found: Opening | None, day: date) -> Hours:
    """Return the hours of a day, as far as the guides and open data state them."""
    if found is None:
        return UNKNOWN
    state = found.state(day)
    if state is State.CLOSED:
        return Hours(closed=True, passages=found.closed_by(day))
    spans = found.on(day)
    if not spans:
        return Hours(known=False, passages=found.closed_by(day))
    rows = [*(row for each in spans for row in each.passages), *found.closed_by(day)]
    return Hours(
        spans=tuple(Span(each.opens, each.closes, each.last_entry) for each in spans),
        sure=state is State.OPEN,
        passages=tuple(dict.fromkeys(rows)),
    )
