"""Links for staff, and what stands before every page."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import Request

from bots.limits import TooMany
from bots.web.guard import RATES, Limits, address_of
from bots.web.session import read_staff_link, staff_link
from core.testing import SetClock

SECRET = "s"


def key_of(link: str) -> str:
    return parse_qs(urlsplit(link).query)["key"][0]


def test_a_staff_link_is_good_for_fifteen_minutes(clock: SetClock) -> None:
    key = key_of(staff_link(SECRET, "hana", clock()))
    found = read_staff_link(SECRET, key, clock())
    assert found is not None
    assert found.name == "hana"
    assert read_staff_link(SECRET, key, clock() + timedelta(minutes=15)) is None


def test_a_staff_link_of_another_town_opens_nothing(clock: SetClock) -> None:
    assert read_staff_link("other", key_of(staff_link(SECRET, "hana", clock())), clock()) is None
    assert read_staff_link(SECRET, "nonsense", clock()) is None


def request(client: str, forwarded: str = "") -> Request:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    return Request({"type": "http", "client": (client, 1), "headers": headers})


@pytest.mark.parametrize(
    ("client", "forwarded", "proxies", "expected"),
    [
        pytest.param("203.0.113.9", "", (), "203.0.113.9", id="no proxy"),
        pytest.param("203.0.113.9", "1.1.1.1", (), "203.0.113.9", id="a header anybody can write"),
        pytest.param(
            "10.0.0.1", "1.1.1.1, 198.51.100.7", ("10.0.0.1",), "198.51.100.7", id="proxy"
        ),
        pytest.param("10.0.0.1", "", ("10.0.0.1",), "10.0.0.1", id="a proxy that says nothing"),
        pytest.param("2001:db8::1:2", "", (), "2001:db8::/64", id="IPv6 by its network"),
    ],
)
def test_the_address_is_the_one_that_no_stranger_can_write(
    client: str, forwarded: str, proxies: tuple[str, ...], expected: str
) -> None:
    assert address_of(request(client, forwarded), proxies) == expected


def test_visitors_are_limited_one_by_one() -> None:
    now = 0.0
    limits = Limits(lambda: now)
    burst, _ = RATES["post"]
    for _ in range(burst):
        limits.check("post", request("203.0.113.9"), "hana", ())
    with pytest.raises(Exception, match="429") as refused:
        limits.check("post", request("203.0.113.9"), "hana", ())
    assert isinstance(refused.value.__cause__, TooMany)
    limits.check("post", request("203.0.113.9"), "ken", ())
    now = 60.0
    limits.check("post", request("203.0.113.9"), "hana", ())
