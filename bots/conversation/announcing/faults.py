"""What cannot be done, in words, and the way back to the step where it can be mended."""

from collections.abc import Mapping
from typing import Final

from bots import texts
from bots.conversation.announcing.steps import Row, Step, button, quit_button, say
from bots.conversation.messages import Reply
from core.announcements import Fault
from core.errors import BadAnnouncement
from core.identity import Account

MENDED_AT: Final[Mapping[str, Step]] = {
    Fault.WORDS: Step.LANGUAGES,
    Fault.LENGTH: Step.LANGUAGES,
    Fault.LANGUAGE: Step.LANGUAGES,
    Fault.CAPTION: Step.PICTURE,
    Fault.PICTURE: Step.PICTURE,
    Fault.FORMAT: Step.PICTURE,
    Fault.SIZE: Step.PICTURE,
    Fault.DESCRIPTION: Step.PICTURE,
    Fault.LINKS: Step.LINK,
    Fault.LABEL: Step.LINK,
    Fault.ADDRESS: Step.LINK,
    Fault.LOCATION: Step.LINK,
    Fault.PLACES: Step.AUDIENCE,
    Fault.ROOM: Step.AUDIENCE,
    Fault.TIER: Step.AUDIENCE,
    Fault.PROOF: Step.AUDIENCE,
    Fault.AREA: Step.AUDIENCE,
    Fault.TOPIC: Step.AUDIENCE,
    Fault.MISSED: Step.AUDIENCE,
    Fault.START: Step.TIME,
    Fault.DEADLINE: Step.TIME,
}
"""Where each fault of a draft is mended."""


class TooLong(Exception):
    """Words that are more than one message of a platform; says which, in the writer's language."""


def fault(
    error: BadAnnouncement | TooLong, number: int | None, account: Account, *, until: str = ""
) -> Reply:
    """What is wrong with a draft; `number` is `None` while there is none yet.

    `until`: a deadline that the step of the time keeps.
    """
    if isinstance(error, TooLong):
        return _waiting(str(error), number, Step.LANGUAGES, account)
    step = MENDED_AT.get(str(error.reason), Step.PREVIEW)
    return again(f"fault.{error.reason}", number, step, account, until=until)


def again(key: str, number: int | None, step: Step, account: Account, *, until: str = "") -> Reply:
    """A step that goes on waiting, and its ways back and out."""
    return _waiting(say(key, account.locale), number, step, account, until)


def _waiting(said: str, number: int | None, step: Step, account: Account, until: str = "") -> Reply:
    return Reply(
        said,
        buttons=ways_out(number, step, account.locale, until),
        private=True,
        failed=True,
    )


def ways_out(number: int | None, step: Step, language: str, until: str = "") -> tuple[Row, ...]:
    """The step once more, or nothing of it at all."""
    leave = quit_button(number, language)
    if number is None:
        return ((leave,),)
    kept = f":{until}" if until and step is Step.TIME else ""
    return ((button("back", f"announce:go:{number}:{step.value}{kept}", language), leave),)


def begin_again(key: str, account: Account) -> Reply:
    """What leads nowhere any more: the desk's first page does."""
    said = texts.say(key, account.locale)
    home = button("begin", "announce:begin", account.locale)
    return Reply(said, buttons=((home,),), private=True)


def old(account: Account) -> Reply:
    """A button of something that is over."""
    return begin_again("errors.old-button", account)
