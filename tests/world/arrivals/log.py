"""What arrived, when and for whom, and the figures that follow from it."""

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

KINDS = ("sent", "edited", "deleted")


class Arrival(NamedTuple):
    at: float  # seconds of the machine's monotonic clock, the same in every process
    chat: int
    kind: str  # one of KINDS


@dataclass(slots=True)
class Log:
    """Everything that was carried out, in the order of its arrival."""

    times: "array[float]" = field(default_factory=lambda: array("d"), repr=False)
    chats: "array[int]" = field(default_factory=lambda: array("q"), repr=False)
    kinds: bytearray = field(default_factory=bytearray, repr=False)
    requests: int = 0  # with those that were refused
    refused: int = 0  # answers 429
    while_banned: int = 0  # those of them whose sender had been told of the ban
    texts: Counter[int] = field(
        default_factory=Counter, repr=False
    )  # messages that stand, by hash of words

    def note(self, at: float, chat: int, kind: int) -> None:
        self.times.append(at)
        self.chats.append(chat)
        self.kinds.append(kind)

    def __iter__(self) -> Iterator[Arrival]:
        for at, chat, kind in zip(self.times, self.chats, self.kinds, strict=True):
            yield Arrival(at, chat, KINDS[kind])

    def of(self, kind: str) -> list[Arrival]:
        return [each for each in self if each.kind == kind]

    @property
    def sent(self) -> Counter[int]:
        """How many messages each chat received."""
        return Counter(each.chat for each in self.of("sent"))

    @property
    def twice(self) -> int:
        """How many messages came to somebody who had one already."""
        return sum(count - 1 for count in self.sent.values())

    @property
    def rate(self) -> float:
        """Requests a second, from the first that was carried out to the last."""
        if len(self.times) < 2:
            return 0.0
        return (len(self.times) - 1) / (self.times[-1] - self.times[0])

    def most_in_a_second(self) -> int:
        """The most that any second held, wherever it begins."""
        most = first = 0
        for last, at in enumerate(self.times):
            while self.times[first] <= at - 1:
                first += 1
            most = max(most, last - first + 1)
        return most

    def largest_gap(self) -> float:
        """The longest time in which nothing arrived, in seconds."""
        later = self.times[1:]
        return max((b - a for a, b in zip(self.times, later, strict=False)), default=0.0)

    def json(self) -> dict[str, Any]:
        return {
            "times": list(self.times),
            "chats": list(self.chats),
            "kinds": list(self.kinds),
            "requests": self.requests,
            "refused": self.refused,
            "while_banned": self.while_banned,
            "texts": sorted(self.texts.items()),
        }

    @classmethod
    def of_json(cls, told: Mapping[str, Any]) -> "Log":
        return cls(
            array("d", told["times"]),
            array("q", told["chats"]),
            bytearray(told["kinds"]),
            told["requests"],
            told["refused"],
            told["while_banned"],
            Counter(dict(told["texts"])),
        )
