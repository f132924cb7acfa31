"""In which language somebody who speaks is answered."""

from collections.abc import Sequence

from bots import texts
from core.database import Sessions, transaction
from core.identity import find_account
from core.town import TownPack
from knowledge.language import Language


async def languages_of(
    sessions: Sessions, town: TownPack, platform: str, account: str, guess: str | None
) -> tuple[Language, ...]:
    """What the town answers in, the asker's own first: as they chose, or as the platform guesses.

    `guess` is a BCP 47 tag.
    """
    async with transaction(sessions) as session:
        found = await find_account(session, platform, account)
    own = found.locale if found is not None else texts.nearest(guess)
    return _first(own, town.town.languages)


def _first(own: str, languages: Sequence[str]) -> tuple[Language, ...]:
    return tuple(Language(each) for each in dict.fromkeys((own, *languages)))


def answered_in(heard: str, own: str, offered: Sequence[str]) -> str:
    """The language of the answer to what was said in `heard` by somebody who reads `own`.

    Who chose easy Japanese is answered in it when they speak Japanese, and who reads one Chinese
    script in that one; a language that the town does not offer is answered in the asker's own.
    """
    family = heard.partition("-")[0]
    if own.partition("-")[0] == family:
        return own
    if heard in offered:
        return heard
    return next((each for each in offered if each.partition("-")[0] == family), own)
