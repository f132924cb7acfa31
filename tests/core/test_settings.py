"""Settings that contradict one another."""

import pytest
from pydantic import ValidationError

from core.settings import Settings


def test_a_rate_that_telegram_charges_for_is_refused_until_it_is_paid() -> None:
    with pytest.raises(ValidationError, match="KANKEI_TELEGRAM_PAID_BROADCAST=true, which costs"):
        Settings(_env_file=None, telegram_rate=31)
    paid = Settings(_env_file=None, telegram_rate=1_000, telegram_paid_broadcast=True)
    assert paid.telegram_rate == 1_000
    assert Settings(_env_file=None).telegram_rate == 30


def test_a_chat_account_of_staff_may_say_whose_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KANKEI_STAFF", "telegram:123=hana, discord:456")
    assert Settings(_env_file=None).staff == {"telegram:123": "hana", "discord:456": ""}


@pytest.mark.parametrize(
    "address",
    ["town.example", "ftp://town.example", "https://town.example/a", "https://", "http://u@t"],
)
def test_an_address_that_cannot_stand_in_a_link_is_refused(address: str) -> None:
    with pytest.raises(ValidationError, match="KANKEI_PUBLIC_URL as https"):
        Settings(_env_file=None, public_url=address)


def test_an_address_with_a_port_is_taken() -> None:
    assert Settings(_env_file=None, public_url="http://127.0.0.1:8080/").address.endswith(":8080")
