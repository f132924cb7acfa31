"""Nobody reads of wallets, minting or gas before the step that needs it."""

import re

import pytest

from bots import texts

JARGON = re.compile(
    r"ウォレット|ミント|ガス代|財布|錢包|钱包|지갑|가스비|\bwallets?\b|\bmint(?:ing|ed)?\b|\bgas\b",
    re.IGNORECASE,
)
BEFORE = ("about.", "access.", "chat.", "discord.", "errors.", "proofs.", "telegram.", "web.join.")
STAFF = re.compile(r"\.(problem|happening|announce)\.")


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_what_is_said_before_the_step_that_needs_it_is_free_of_jargon(language: str) -> None:
    said = {
        key: text
        for key, text in texts.catalogue(language).items()
        if key.startswith(BEFORE) and not STAFF.search(key)
    }
    assert len(said) > 200
    assert [key for key, text in said.items() if JARGON.search(text)] == []
