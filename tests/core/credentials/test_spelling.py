"""How claim codes are written: nothing to confuse, and a slip is known as a slip."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.credentials.spelling import (
    ALPHABET,
    LENGTH,
    check_characters,
    is_code,
    is_like_a_code,
    new_code,
    read_code,
    written,
)

CODES = st.builds(new_code)
PLACES = st.integers(0, LENGTH - 1)


def test_the_check_characters_are_those_of_the_standard() -> None:
    """ISO/IEC 7064 gives ISO 79 the check characters 3W under MOD 1271-36."""
    assert check_characters("ISO79") == "3W"


def test_nothing_in_a_code_is_taken_for_something_else() -> None:
    codes = "".join(new_code() for _ in range(200))
    assert not set(codes) & set("01OILU")
    assert len({new_code() for _ in range(1000)}) == 1000


@given(CODES, PLACES, st.sampled_from(ALPHABET))
def test_one_wrong_character_is_never_a_code(code: str, place: int, wrong: str) -> None:
    slip = code[:place] + wrong + code[place + 1 :]
    assert is_code(slip) is (slip == code)


@given(CODES, PLACES, PLACES)
def test_two_characters_in_the_wrong_order_are_never_a_code(code: str, a: int, b: int) -> None:
    swapped = list(code)
    swapped[a], swapped[b] = swapped[b], swapped[a]
    assert is_code("".join(swapped)) is ("".join(swapped) == code)


@pytest.mark.parametrize(
    "spelt",
    [
        pytest.param(lambda code: code, id="as it is printed"),
        pytest.param(lambda code: code.lower(), id="small letters"),
        pytest.param(lambda code: code.replace("-", ""), id="no hyphens"),
        pytest.param(lambda code: code.replace("-", " "), id="spaces"),
        pytest.param(lambda code: f"  {code}\n", id="spaces around"),
        pytest.param(lambda code: code.replace("-", "ー"), id="long vowel marks"),
        pytest.param(lambda code: code.replace("-", "\u2212"), id="minus signs"),
        pytest.param("\u200b".join, id="invisible characters"),
        pytest.param(
            lambda code: "".join(chr(ord(each) + 0xFEE0) for each in code), id="full width"
        ),
    ],
)
def test_however_it_is_typed_it_is_the_same_code(spelt: object) -> None:
    assert callable(spelt)
    for _ in range(20):
        code = new_code()
        assert read_code(spelt(written(code))) == code


@pytest.mark.parametrize(("printed", "seen"), [("8", "B"), ("S", "5"), ("Z", "2"), ("D", "0")])
def test_what_text_recognition_takes_for_another_character_is_put_right(
    printed: str, seen: str
) -> None:
    put_right = 0
    for _ in range(400):
        code = new_code()
        if printed in code[:-2]:
            read = read_code(code.replace(printed, seen, 1))
            assert read in {code, None}  # where two readings fit, nothing is guessed
            put_right += read == code
    assert put_right > 50


@pytest.mark.parametrize(
    "text", ["", "x", "ABCD-2345", "あ" * 16, "9" * 500, "ABCD-2345-EFGH-6789"]
)
def test_what_cannot_be_a_code_is_none(text: str) -> None:
    assert not is_code(text)
    assert read_code(text) is None


def test_a_message_of_four_groups_was_meant_as_a_code_and_a_sentence_was_not() -> None:
    assert is_like_a_code("abcd-2345-efgh-6789")
    assert not is_like_a_code("what time does this open")
    assert not is_like_a_code("2026-11-22")
