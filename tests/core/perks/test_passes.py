"""The text of a pass: small enough for a QR, ours alone, and never a crash whatever is scanned."""

import json
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import segno
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey

from core.database import Sessions
from core.errors import DamagedKeys
from core.perks import Desk, PassKeys, Reason, passes
from core.perks.keys import ANNOUNCED
from core.perks.offline import KIT_LIFETIME
from core.perks.passes import Content
from core.town import TownPack
from tests.core.perks.world import KEYS, NOON, World

CONTENT = Content(
    town="352136",
    mark=passes.mark_of("cave"),
    handle=bytes(range(8)),
    left=3,
    issued_at=NOON,
    lifetime=timedelta(seconds=60),
    nonce=bytes(range(12)),
)


@pytest.mark.parametrize("left", [0, 3, 60_000, None])
def test_a_pass_says_what_was_written(left: int | None) -> None:
    content = Content(
        "012345", CONTENT.mark, CONTENT.handle, left, NOON, timedelta(1 / 24), b"n" * 12
    )
    assert passes.read(passes.write(content, KEYS), KEYS, expected_town="012345") == content


def test_a_pass_fits_a_qr_of_version_7_at_level_m() -> None:
    code = segno.make(passes.write(CONTENT, KEYS), error="m", boost_error=False)
    assert (code.mode, code.version) == ("alphanumeric", 7)


def test_a_pass_read_in_small_letters_with_a_line_break_is_the_same() -> None:
    text = passes.write(CONTENT, KEYS)
    assert passes.read(f" {text.lower()}\n", KEYS, expected_town="352136") == CONTENT


def test_a_pass_of_another_town_says_so() -> None:
    text = passes.write(CONTENT, KEYS)
    assert passes.read(text, KEYS, expected_town="062146") is Reason.OTHER_TOWN


def test_a_pass_signed_with_another_towns_key_is_refused() -> None:
    text = passes.write(CONTENT, PassKeys.in_memory(now=NOON))
    assert passes.read(text, KEYS, expected_town="352136") is Reason.UNREADABLE


@settings(max_examples=300, deadline=None)
@given(place=st.integers(0, 8 * 104 - 1))
def test_a_pass_with_one_bit_changed_is_refused(place: int) -> None:
    from base64 import b32decode, b32encode

    packed = bytearray(b32decode(passes.write(CONTENT, KEYS)[3:] + "="))
    packed[place // 8] ^= 1 << place % 8
    text = "K1." + b32encode(bytes(packed)).decode().rstrip("=")
    said = passes.read(text, KEYS, expected_town="352136")
    assert said in {Reason.UNREADABLE, Reason.OTHER_TOWN}


@settings(max_examples=200, deadline=None)
@given(length=st.integers(0, 169))
def test_a_pass_cut_short_is_refused(length: int) -> None:
    text = passes.write(CONTENT, KEYS)[:length]
    assert passes.read(text, KEYS, expected_town="352136") is Reason.UNREADABLE


@pytest.fixture
async def desk(world: World) -> Desk:
    return await world.desk()


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    text=st.one_of(
        st.text(max_size=400),
        st.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", max_size=200).map("K1.".__add__),
        st.text(alphabet="0123456789０１２３-– ー", max_size=40),
        st.binary(max_size=300).map(lambda raw: raw.decode("latin-1")),
        st.just("K1." + "A" * 1_000_000),
    )
)
async def test_whatever_is_scanned_gets_a_plain_no(world: World, desk: Desk, text: str) -> None:
    world.pass_by(hours=2)  # wrong codes make the desk wait
    verdict = await world.scan(text, desk)
    assert not verdict.ok
    assert verdict.reason in {Reason.UNREADABLE, Reason.WRONG_CODE}
    assert not (await world.perks.check(text, desk)).ok


def test_keys_are_made_once_and_are_ours_alone(tmp_path: Path) -> None:
    file = tmp_path / "keys" / "passes.json"
    first, second = PassKeys.open(file, now=NOON), PassKeys.open(file, now=NOON)
    assert first.id(NOON) == second.id(NOON)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in file.parent.iterdir()] == ["passes.json"]


def at(moment: datetime) -> passes.Content:
    return replace(CONTENT, issued_at=moment)


def test_a_new_key_is_published_before_it_signs(tmp_path: Path) -> None:
    """A window that has no signal for as long as it may go on knows the key that signs then."""
    file = tmp_path / "passes.json"
    old = PassKeys.open(file, now=NOON).id(NOON)
    day = NOON + timedelta(days=100)
    keys = PassKeys.rotate(file, now=day)
    before, after = day + ANNOUNCED - timedelta(seconds=1), day + ANNOUNCED
    assert keys.id(before) == old
    assert keys.id(after) != old
    assert {keys.id(before).hex(), keys.id(after).hex()} == set(keys.public())
    assert ANNOUNCED >= KIT_LIFETIME
    for moment in (before, after):
        text = passes.write(at(moment), keys)
        assert passes.read(text, keys, expected_town="352136") == at(moment)
    again = PassKeys.open(file, now=day)
    assert again.id(after) == keys.id(after), "the file says from when on it signs"


def test_an_old_key_verifies_for_a_week_after_its_follower_signs(tmp_path: Path) -> None:
    file = tmp_path / "passes.json"
    keys = PassKeys.open(file, now=NOON)
    text, old = passes.write(CONTENT, keys), keys.id(NOON)
    then = NOON + timedelta(days=100)
    new = PassKeys.rotate(file, now=then).id(then + ANNOUNCED)
    assert new != old
    assert set(keys.public()) == {old.hex(), new.hex()}
    assert passes.read(text, keys, expected_town="352136") == CONTENT
    PassKeys.rotate(file, now=then + ANNOUNCED + timedelta(days=6))
    assert old.hex() in keys.public()
    PassKeys.rotate(file, now=then + ANNOUNCED + timedelta(days=7))
    assert old.hex() not in keys.public()
    assert new.hex() in keys.public()
    assert passes.read(text, keys, expected_town="352136") is Reason.UNREADABLE


def test_keys_of_before_they_were_published_first_sign_since_they_were_made(
    tmp_path: Path,
) -> None:
    file = tmp_path / "passes.json"
    keys = PassKeys.open(file, now=NOON)
    kept = json.loads(file.read_text())
    for each in kept["keys"]:
        del each["nbf"]
    file.write_text(json.dumps(kept))
    assert PassKeys.open(file, now=NOON).id(NOON) == keys.id(NOON)


def test_keys_are_made_where_there_are_none_to_change(tmp_path: Path) -> None:
    assert len(PassKeys.rotate(tmp_path / "passes.json", now=NOON).public()) == 1


def test_a_running_process_signs_and_verifies_with_a_new_key_at_once(tmp_path: Path) -> None:
    file = tmp_path / "passes.json"
    window, card = PassKeys.open(file, now=NOON), PassKeys.open(file, now=NOON)
    new = PassKeys.rotate(file, now=NOON + timedelta(days=1))
    later = NOON + timedelta(days=1) + ANNOUNCED
    text = passes.write(at(later), card)
    assert card.id(later) == new.id(later) != new.id(NOON)
    assert passes.read(text, window, expected_town="352136") == at(later)
    assert window.public() == new.public()


def test_a_key_that_leaked_verifies_nothing_any_more(tmp_path: Path) -> None:
    file = tmp_path / "passes.json"
    running = PassKeys.open(file, now=NOON)
    text = passes.write(CONTENT, running)
    new = PassKeys.rotate(file, now=NOON + timedelta(days=1), forget=True)
    assert list(new.public()) == [new.id(NOON + timedelta(days=1)).hex()], "it signs at once"
    assert passes.read(text, running, expected_town="352136") is Reason.UNREADABLE


@pytest.mark.parametrize("damaged", ["{}", None])
def test_a_running_process_goes_on_with_the_keys_it_knows_when_the_file_is_damaged(
    tmp_path: Path, damaged: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "passes.json"
    running = PassKeys.open(file, now=NOON)
    text = passes.write(CONTENT, running)
    file.unlink()
    if damaged is not None:
        file.write_text(damaged)
    assert passes.read(text, running, expected_town="352136") == CONTENT
    assert "cannot be read again" in caplog.text


@pytest.mark.parametrize(
    "text", ["", "{}", '{"keys": []}', '{"keys": [{"d": "x", "iat": 1}]}', "[1]"]
)
def test_a_damaged_file_of_keys_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "passes.json"
    file.write_text(text)
    with pytest.raises(DamagedKeys, match=r"passes\.json"):
        PassKeys.open(file, now=NOON)


def test_a_page_verifies_a_pass_with_the_public_key_alone() -> None:
    from base64 import b32decode

    packed = b32decode(passes.write(CONTENT, KEYS)[3:] + "=")
    body, signature = packed[:40], packed[40:]
    jwk = KEYS.public()[body[1:5].hex()]
    assert "d" not in jwk
    public = ECKey.import_key(dict(jwk)).public_key
    assert isinstance(public, ec.EllipticCurvePublicKey)
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    public.verify(encode_dss_signature(r, s), body, ec.ECDSA(hashes.SHA256()))
    assert ECKey.import_key(dict(jwk)).thumbprint().startswith(_start(body[1:4]))


def _start(key_id: bytes) -> str:
    from base64 import urlsafe_b64encode

    return urlsafe_b64encode(key_id).decode()


async def test_the_handle_changes_with_the_period_and_not_with_the_pass(
    town: TownPack, lite: Sessions
) -> None:
    from tests.core.perks.world import perk

    world = World(town, lite, perk(uses=9, per="day"), perk("bath", uses=9))
    hana = await world.member("hana", 1)

    async def handle(name: str = "cave") -> bytes:
        shown = await world.shown(hana, name)
        content = passes.read(shown.text, KEYS, expected_town="352136")
        assert isinstance(content, Content)
        return content.handle

    first = await handle()
    assert await handle() == first
    assert await handle("bath") != first
    world.clock.now = datetime(2026, 11, 23, 3, tzinfo=UTC)
    assert await handle() != first
