"""What a button asks for as a form, where the platform has forms (Discord's modals)."""

from bots import texts
from bots.conversation.messages import Blank, Form
from core.announcements import MAX_BODY, MAX_HEADING, MAX_LABEL

MAX_ADDRESS = 500
MAX_WORDS = 400  # describing a picture
MAX_TIME = 40


def form_of(action: str, language: str) -> Form | None:
    """The form behind an action; `None`: it is answered at once."""

    def say(key: str, **values: object) -> str:
        return texts.say(f"announce-chat.{key}", language, **values)

    match action.split(":"):
        case ["announce", "new"]:
            return Form(say("words.title"), _words(language))
        case ["announce", "words", number, written] if number.isdigit():
            if written not in texts.LANGUAGES:
                return None
            if written == "ja":
                return Form(say("words.title"), _words(language))
            name = texts.say("chat.language.name", written)
            return Form(say("words.title-language", name=name), _words(language))
        case ["announce", "photo", number] if number.isdigit():
            blank = Blank(say("picture.words"), MAX_WORDS)
            return Form(say("picture.title"), (blank,), file=say("picture.file"))
        case ["announce", "link", number] if number.isdigit():
            label = Blank(say("link.words"), MAX_LABEL)
            return Form(say("link.title"), (label, Blank(say("link.address"), MAX_ADDRESS)))
        case ["announce", "place", number] if number.isdigit():
            title = Blank(say("place.name"), MAX_LABEL)
            return Form(say("place.title"), (title, Blank(say("place.where"), MAX_ADDRESS)))
        case ["announce", "until", number, _, *_] if number.isdigit():
            return Form(say("deadline.title"), (Blank(say("deadline.field"), MAX_TIME),))
        case ["announce", "type", number, *_] if number.isdigit():
            return Form(say("time.title"), (Blank(say("time.field"), MAX_TIME),))
    return None


def _words(language: str) -> tuple[Blank, Blank]:
    return (
        Blank(texts.say("announce-chat.words.heading", language), MAX_HEADING),
        Blank(texts.say("announce-chat.words.body", language), MAX_BODY, paragraph=True),
    )
