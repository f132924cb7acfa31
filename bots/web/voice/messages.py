"""What a page may say on the voice socket, and the limits of it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

MAX_MESSAGE: Final = 64 * 1024
"""Bytes of one message, either kind; the page cuts longer recordings into several."""
MAX_RECORDING: Final = 2_000_000
"""Bytes of one question: a minute at 256 kbit/s. Many sockets keep one each in memory."""
MAX_SECONDS: Final = 60.0
"""Of one question."""
ELSEWHERE: Final = 4001
IDLE: Final = 4002
TOO_MANY: Final = 4003
PROTOCOL: Final = 1008


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the socket waits for what."""

    hello: timedelta = timedelta(seconds=10)  # for the first message
    idle: timedelta = timedelta(minutes=3)  # without any message while nothing is being answered
    silence: timedelta = timedelta(minutes=2)  # hands-free without speech
    sending: timedelta = timedelta(seconds=20)  # for a page that takes nothing any more
    life: timedelta = timedelta(hours=1)  # then the page opens another socket when it is needed


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Hello(_Message):
    type: Literal["hello"]
    csrf: Annotated[str, Field(max_length=100)]
    plays: Annotated[tuple[Annotated[str, Field(max_length=40)], ...], Field(max_length=8)] = ()
    aloud: bool = True


class Start(_Message):
    type: Literal["start"]
    media: Annotated[str, Field(max_length=100)] = ""


class End(_Message):
    type: Literal["end"]


class Cancel(_Message):
    type: Literal["cancel"]


class OpenMicrophone(_Message):
    type: Literal["open"]


class CloseMicrophone(_Message):
    type: Literal["close"]


class Ask(_Message):
    type: Literal["ask"]
    text: Annotated[str, Field(min_length=1)]  # too long a one is refused in words
    instead: Annotated[str, Field(max_length=30)] = ""


class Stop(_Message):
    type: Literal["stop"]


class Aloud(_Message):
    type: Literal["aloud"]
    on: bool


class Reading(_Message):
    type: Literal["reading"]
    question: Annotated[int, Field(ge=1, lt=2**32)]
    on: bool


Message = (
    Hello | Start | End | Cancel | OpenMicrophone | CloseMicrophone | Ask | Stop | Aloud | Reading
)

MESSAGES: Final[TypeAdapter[Message]] = TypeAdapter(Annotated[Message, Field(discriminator="type")])
