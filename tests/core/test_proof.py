"""Wallet proofs: the public vectors, the cases they miss, and any byte string at all."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from hypothesis import given
from hypothesis import strategies as st

from core.proof import MalformedMessage, Message, Refusal, check, parse, recover, verify_signature

VECTORS = Path(__file__).resolve().parents[1] / "data" / "siwe"
KEY = "0x" + "7" * 64
ADDRESS = str(Account.from_key(KEY).address)
NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
FIELDS = {
    "chainId": "chain_id",
    "issuedAt": "issued_at",
    "expirationTime": "expiration_time",
    "notBefore": "not_before",
    "requestId": "request_id",
}
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def vectors(name: str) -> list[Any]:
    cases = json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))
    return [pytest.param(case, id=title) for title, case in cases.items()]


def message_of(fields: dict[str, Any]) -> Message:
    known = {FIELDS.get(key, key): value for key, value in fields.items()}
    if known.get("resources") is not None:
        known["resources"] = tuple(known["resources"])
    return Message(**known)


def ours(**changes: Any) -> Message:
    return replace(
        Message(
            domain="town.example",
            address=ADDRESS,
            statement="Prove that you hold the resident card.",
            uri="https://town.example/verify",
            chain_id=137,
            nonce="abcdefgh12345678",
            version="1",
            issued_at="2026-11-21T03:00:00Z",
            expiration_time="2026-11-21T07:00:00Z",
        ),
        **changes,
    )


def refusal(message: Message, now: datetime = NOW) -> Refusal | None:
    return check(
        message,
        expected_domain="town.example",
        expected_uri="https://town.example/verify",
        expected_chain_id=137,
        expected_address=ADDRESS,
        expected_nonce="abcdefgh12345678",
        now=now,
        clock_skew=timedelta(minutes=2),
    )


def sign(text: str, key: str = KEY) -> bytes:
    return bytes(Account.from_key(key).sign_message(encode_defunct(text=text)).signature)


class NoContract:
    """A chain on which nobody has a contract wallet."""

    async def is_valid_signature(self, *_: object) -> bool:
        return False


# The public vectors


@pytest.mark.parametrize("case", vectors("parsing_positive"))
def test_a_good_message_is_read_and_written_back_to_the_letter(case: dict[str, Any]) -> None:
    message = parse(case["message"])
    assert message == message_of(case["fields"])
    assert message.text == case["message"]


@pytest.mark.parametrize("case", vectors("parsing_negative"))
def test_a_malformed_message_is_refused(case: str) -> None:
    with pytest.raises(MalformedMessage):
        parse(case)


@pytest.mark.parametrize("case", vectors("parsing_negative_objects"))
def test_fields_that_make_no_message_are_refused(case: dict[str, Any]) -> None:
    with pytest.raises((MalformedMessage, TypeError)):
        _ = message_of(case).text


def accepted(case: dict[str, Any]) -> bool:
    """Verify a vector as its README says: its own domain, nonce and clock are expected."""
    fields = {
        key: value
        for key, value in case.items()
        if key not in {"signature", "time", "domainBinding", "matchNonce"}
    }
    now = datetime.fromisoformat(case["time"]) if "time" in case else NOW
    try:
        text = message_of(fields).text
    except MalformedMessage:
        return False
    message = parse(text)
    refused = check(
        message,
        expected_domain=case.get("domainBinding", message.domain),
        expected_uri=message.uri,
        expected_chain_id=message.chain_id,
        expected_address=message.address,
        expected_nonce=case.get("matchNonce", message.nonce),
        now=now,
        clock_skew=timedelta(days=100_000),
    )
    try:
        signature = bytes.fromhex(case["signature"].removeprefix("0x"))
    except ValueError:
        return False
    return refused is None and recover(text, signature) == message.address


@pytest.mark.parametrize("case", vectors("verification_positive"))
def test_a_good_signature_is_accepted(case: dict[str, Any]) -> None:
    assert accepted(case)


@pytest.mark.parametrize("case", vectors("verification_negative"))
def test_a_bad_proof_is_refused(case: dict[str, Any]) -> None:
    assert not accepted(case)


# What the vectors do not cover


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda text: text.replace("Chain ID: 137", "Chain ID: 0137"), id="zeros"),
        pytest.param(lambda text: text.replace("Chain ID: 137", "Chain ID: 0"), id="chain zero"),
        pytest.param(lambda text: text + "\n", id="trailing newline"),
        pytest.param(lambda text: text.replace("\n", "\r\n"), id="CRLF"),
        pytest.param(lambda text: text.replace("Prove", "証明"), id="Japanese statement"),
        pytest.param(lambda text: text.replace("town.ex", "tоwn.ex"), id="Cyrillic look-alike"),
        pytest.param(lambda text: text.lower(), id="address in lower case"),
        pytest.param(lambda text: text.replace("\nVersion", "\nURI: x:y\nVersion"), id="two URIs"),
        pytest.param(lambda text: text * 100, id="huge"),
        pytest.param(lambda _: "", id="empty"),
        pytest.param(lambda text: text.replace("137", "１３７"), id="full-width digits"),
    ],
)
def test_a_message_off_the_grammar_is_refused(spoil: Any) -> None:
    with pytest.raises(MalformedMessage):
        parse(spoil(ours().text))


@pytest.mark.parametrize("tail", ["\nRequest ID: ", "\nResources:"])
def test_an_empty_optional_field_is_kept_as_it_was_signed(tail: str) -> None:
    text = ours().text + tail
    assert parse(text).text == text


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"domain": "evil.example"}, Refusal.WRONG_DOMAIN),
        ({"uri": "https://evil.example/verify"}, Refusal.WRONG_URI),
        ({"chain_id": 1}, Refusal.WRONG_CHAIN),
        ({"address": str(Account.from_key("0x" + "8" * 64).address)}, Refusal.WRONG_ACCOUNT),
        ({"nonce": "another1nonce"}, Refusal.WRONG_NONCE),
        ({"issued_at": "2026-11-21T03:10:00Z"}, Refusal.ISSUED_IN_FUTURE),
        ({"not_before": "2026-11-21T03:10:00Z"}, Refusal.NOT_YET_VALID),
        ({"expiration_time": "2026-11-21T03:00:00Z"}, Refusal.EXPIRED),
        ({}, None),
    ],
    ids=lambda value: str(value) if isinstance(value, Refusal) or value is None else "",
)
def test_each_expectation_is_checked(changes: dict[str, Any], expected: Refusal | None) -> None:
    assert refusal(ours(**changes)) is expected


def test_a_signature_recovers_with_either_spelling_of_v() -> None:
    signature = sign("hello")
    assert recover("hello", signature) == ADDRESS
    assert recover("hello", signature[:64] + bytes((signature[64] - 27,))) == ADDRESS


def test_a_compact_signature_of_64_bytes_recovers() -> None:
    for text in ("one", "two", "three", "four"):
        r, s, v = (sign(text)[:32], sign(text)[32:64], sign(text)[64])
        compact = int.from_bytes(s) | ((v - 27) << 255)
        assert recover(text, r + compact.to_bytes(32)) == ADDRESS


def test_the_high_s_twin_recovers_too_so_the_nonce_is_what_counts_as_used() -> None:
    signature = sign("hello")
    twin = (ORDER - int.from_bytes(signature[32:64])).to_bytes(32)
    flipped = bytes((27 + 28 - signature[64],))
    assert recover("hello", signature[:32] + twin + flipped) == ADDRESS


def test_65_bytes_that_recover_nothing_are_a_clean_no() -> None:
    assert recover("hello", b"\xff" * 64 + b"\x1b") is None
    assert recover("hello", bytes(65)) is None


@given(st.binary(max_size=700))
def test_any_byte_string_is_a_clean_no(junk: bytes) -> None:
    assert recover("hello", junk) != ADDRESS


@given(st.text(max_size=500))
def test_any_text_is_a_message_or_a_clean_no(junk: str) -> None:
    with pytest.raises(MalformedMessage):
        parse(junk)


async def test_what_is_longer_than_any_wallet_signs_is_not_even_asked_of_the_chain() -> None:
    for junk in (b"", b"x" * 20_000):
        assert not await verify_signature(
            "hello", junk, expected_address=ADDRESS, chain_id=1, contracts=NoContract()
        )


async def test_a_signature_of_another_account_is_refused() -> None:
    signature = sign("hello", "0x" + "8" * 64)
    assert not await verify_signature(
        "hello", signature, expected_address=ADDRESS, chain_id=1, contracts=NoContract()
    )
