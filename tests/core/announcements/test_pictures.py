"""Pictures: read within bounds, encoded anew, described, and gone with their announcement."""

import io
import struct
import zlib
from datetime import timedelta

import pytest
from PIL import Image, ImageOps
from PIL.ExifTags import Base as Exif
from PIL.ImageCms import ImageCmsProfile, createProfile
from PIL.PngImagePlugin import PngInfo
from sqlalchemy import select

from core import announcements
from core.announcements import Extras, Fault, KeptPicture
from core.announcements.encoding import MAX_KEPT_BYTES, MAX_SIDE, encode
from core.database import reading, transaction
from core.errors import BadAnnouncement, BadPicture, NotFound
from core.tables import PictureRow
from tests.core.announcements.office import TEXTS, Office

SAID = {"ja": "山焼きの炎", "en": "Flames on the plateau"}


def drawn(
    size: tuple[int, int] = (40, 30), kind: str = "JPEG", mode: str = "RGB", **more: object
) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, more.pop("colour", "red")).save(out, kind, **more)  # type: ignore[arg-type]
    return out.getvalue()


def noise(side: int) -> bytes:
    """A picture that no encoder makes small."""
    out = io.BytesIO()
    Image.effect_noise((side, side), 120).convert("RGB").save(out, "JPEG", quality=95)
    return out.getvalue()


async def keep(office: Office, content: bytes, said: dict[str, str] | None = None) -> int:
    async with transaction(office.sessions) as session:
        return await announcements.keep_picture(
            session, content, SAID if said is None else said, by="staff:hana", now=office.clock()
        )


async def kept(office: Office, number: int) -> KeptPicture:
    async with reading(office.sessions) as session:
        return await announcements.picture(session, number)


async def test_a_picture_is_kept_with_its_words(office: Office) -> None:
    found = await kept(office, await keep(office, drawn()))
    assert (found.media_type, found.width, found.height) == ("image/jpeg", 40, 30)
    assert found.descriptions == SAID
    assert Image.open(io.BytesIO(found.content)).size == (40, 30)


def test_where_it_was_taken_and_with_what_does_not_leave() -> None:
    exif = Image.Exif()
    exif[Exif.Make] = "SecretCamera"
    exif[Exif.GPSInfo] = {1: "N", 2: (34.0, 13.0, 0.0)}
    hidden = drawn(exif=exif, comment=b"a secret comment") + b"a secret tail"
    encoded = encode(hidden).content
    assert b"Secret" not in encoded
    assert b"secret" not in encoded
    opened = Image.open(io.BytesIO(encoded))
    assert len(opened.getexif()) == 0
    assert "icc_profile" not in opened.info


def test_the_words_in_a_drawing_do_not_leave() -> None:
    words = PngInfo()
    words.add_text("Comment", "a secret comment")
    assert b"secret" not in encode(drawn(kind="PNG", pnginfo=words)).content


@pytest.mark.parametrize("profile", [ImageCmsProfile(createProfile("sRGB")).tobytes(), b"broken"])
def test_a_colour_profile_is_applied_and_dropped(profile: bytes) -> None:
    encoded = encode(drawn(icc_profile=profile))
    opened = Image.open(io.BytesIO(encoded.content)).convert("RGB")
    assert "icc_profile" not in opened.info
    red, green, blue = opened.getpixel((0, 0))  # type: ignore[misc]
    assert (red > 240, green < 15, blue < 15) == (True, True, True)


def test_a_picture_that_was_taken_sideways_stands_upright() -> None:
    exif = Image.Exif()
    exif[Exif.Orientation] = 6
    encoded = encode(drawn((40, 30), exif=exif))
    assert (encoded.width, encoded.height) == (30, 40)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_large_picture_becomes_small(kind: str) -> None:
    encoded = encode(drawn((3000, 2000), kind))
    assert max(encoded.width, encoded.height) == MAX_SIDE
    assert len(encoded.content) <= MAX_KEPT_BYTES


def test_even_noise_fits() -> None:
    encoded = encode(noise(1_400))
    assert len(encoded.content) <= MAX_KEPT_BYTES
    assert min(encoded.width, encoded.height) > 500


def test_what_is_see_through_stays_so() -> None:
    encoded = encode(drawn(kind="PNG", mode="RGBA", colour=(255, 0, 0, 0)))
    assert encoded.media_type == "image/png"
    opened = Image.open(io.BytesIO(encoded.content)).convert("RGBA")
    assert opened.getpixel((0, 0)) == (255, 0, 0, 0)


def test_of_a_moving_picture_the_first_frame_is_kept() -> None:
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    opened = Image.open(io.BytesIO(encode(out.getvalue()).content))
    assert getattr(opened, "n_frames", 1) == 1


def bomb() -> bytes:
    """A PNG of 60 kB that says it has 30,000 × 30,000 pixels."""

    def chunk(name: bytes, body: bytes) -> bytes:
        check = zlib.crc32(name + body)
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 1_000_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        pytest.param(b"", Fault.FORMAT, id="nothing"),
        pytest.param(b"<svg onload=alert(1)>", Fault.FORMAT, id="svg"),
        pytest.param(b"%PDF-1.4", Fault.FORMAT, id="pdf"),
        pytest.param(drawn(kind="BMP"), Fault.FORMAT, id="a format that is not read"),
        pytest.param(drawn((200, 200))[:400], Fault.FORMAT, id="cut short"),
        pytest.param(bomb(), Fault.SIZE, id="bomb"),
        pytest.param(drawn((5_000, 5_000), "PNG"), Fault.SIZE, id="25 megapixels"),
        pytest.param(b"\0" * 10_000_001, Fault.SIZE, id="too many bytes"),
    ],
)
async def test_what_is_no_picture_for_us_is_refused(
    office: Office, content: bytes, fault: Fault
) -> None:
    with pytest.raises(BadPicture) as found:
        await keep(office, content)
    assert found.value.reason == fault
    async with reading(office.sessions) as session:
        assert (await session.scalars(select(PictureRow.id))).all() == []


@pytest.mark.parametrize("said", [{}, {"en": "Flames"}, {"ja": " "}, {"ja": "長" * 401}])
async def test_a_picture_without_words_for_who_cannot_see_it_is_refused(
    office: Office, said: dict[str, str]
) -> None:
    with pytest.raises(BadPicture) as found:
        await keep(office, drawn(), said)
    assert found.value.reason == Fault.DESCRIPTION


async def test_with_a_picture_the_words_must_fit_a_caption(office: Office) -> None:
    long = {"ja": {"heading": "見出し", "body": "長" * 700}}
    assert await office.draft(texts=long)
    number = await keep(office, drawn())
    with pytest.raises(BadAnnouncement) as found:
        await office.draft(texts=long, extras=Extras(picture=number))
    assert found.value.reason == Fault.CAPTION


async def test_one_picture_goes_with_one_announcement(office: Office) -> None:
    number = await keep(office, drawn())
    await office.draft(extras=Extras(picture=number))
    with pytest.raises(BadAnnouncement) as found:
        await office.draft(extras=Extras(picture=number))
    assert found.value.reason == Fault.PICTURE


async def test_a_picture_goes_with_its_announcement(office: Office) -> None:
    number = await keep(office, drawn())
    draft = await office.draft(extras=Extras(picture=number))
    await office.do("cancel", draft)
    async with transaction(office.sessions) as session:
        await announcements.forget(session, before=office.clock() + timedelta(days=1))
    with pytest.raises(NotFound):
        await kept(office, number)


async def test_a_picture_that_was_replaced_is_gone_at_once(office: Office) -> None:
    first, second = await keep(office, drawn()), await keep(office, drawn())
    draft = await office.draft(extras=Extras(picture=first))
    await office.revise(draft, extras=Extras(picture=second))
    with pytest.raises(NotFound):
        await kept(office, first)
    assert (await kept(office, second)).id == second


async def test_a_picture_that_no_draft_took_is_tidied_away(office: Office) -> None:
    unused, used = await keep(office, drawn()), await keep(office, drawn())
    await office.draft(texts=TEXTS, extras=Extras(picture=used))
    async with transaction(office.sessions) as session:
        await announcements.forget_pictures(session, before=office.clock() + timedelta(days=1))
    with pytest.raises(NotFound):
        await kept(office, unused)
    assert (await kept(office, used)).id == used


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF"])
def test_a_picture_that_is_decoded_whole_may_have_eight_megapixels(kind: str) -> None:
    out = io.BytesIO()
    Image.new("L", (4000, 2001)).save(out, kind)
    with pytest.raises(BadPicture) as caught:
        encode(out.getvalue())
    assert caught.value.reason == Fault.SIZE


def test_whatever_a_decoder_raises_it_is_no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken EXIF data makes Pillow raise `struct.error`, which is no `ValueError`."""

    def broken(_picture: object) -> None:
        raise struct.error("required argument is not an integer")

    monkeypatch.setattr(ImageOps, "exif_transpose", broken)
    with pytest.raises(BadPicture) as caught:
        encode(drawn((20, 20)))
    assert caught.value.reason == Fault.FORMAT
