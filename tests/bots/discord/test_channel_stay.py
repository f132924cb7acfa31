"""The mascot in a voice channel: when it goes, what it reads aloud, and how it sounds."""

from dataclasses import dataclass

import numpy as np

from bots.discord.channel.speech import SILENCE, Speech
from core import audit
from core.announcements import Kind
from core.announcements.delivery.lanes import delivery_number
from core.clock import system_clock
from core.database import transaction
from core.tables import AnnouncementRow
from knowledge.errors import SynthesiserFailed
from knowledge.language import Language
from knowledge.testing import FakeMouth
from knowledge.voice.codec import AvCodec
from knowledge.voice.port import Container, Piece, Samples
from tests.bots.discord.hall import (
    HANA,
    HIGH,
    LOUNGE,
    LOW,
    MASCOT,
    OFFICE,
    PLAZA,
    ROOM,
    TARO,
    TERRACE,
    TONES,
    Visit,
    pitches,
    says,
)
from tests.bots.discord.server import until
from tests.world.voices import need, said

# --- going ------------------------------------------------------------------------------------


async def test_the_mascot_goes_when_nobody_is_left(visit: Visit) -> None:
    visit.places.alone = 0.05
    await visit.arrive(HANA, TARO)
    await visit.hall.moves(TARO, TERRACE)
    await visit.hall.moves(HANA, None)
    await until(lambda: visit.hall.bot_states[-1]["channel_id"] is None)
    await until(lambda: visit.speaker is None)
    assert "いません" in (await visit.hall.command(HANA, "stop"))["content"]


async def test_who_comes_back_at_once_finds_the_mascot_there(visit: Visit) -> None:
    await visit.arrive(HANA)
    await visit.hall.moves(HANA, None)
    await visit.hall.moves(HANA, LOUNGE)
    says(visit, "低い。")
    await visit.hall.writes(HANA, "まだいる？")
    await until(visit.hall.voice.words)
    assert len(visit.hall.bot_states) == 1


async def test_the_mascot_goes_after_a_long_silence(visit: Visit) -> None:
    visit.places.idle = 0.05
    await visit.hall.moves(HANA, LOUNGE)
    await visit.hall.command(HANA, "join")
    await until(lambda: visit.hall.bot_states[-1]["channel_id"] is None)
    assert visit.speaker is None


async def test_sent_away_it_stops_in_the_middle_of_a_sentence(visit: Visit) -> None:
    visit.mouth.seconds = 5.0
    await visit.arrive(HANA)
    says(visit, "低い。")
    await visit.hall.writes(HANA, "長い話")
    await until(visit.hall.voice.words)
    seen = await visit.hall.command(HANA, "leave")
    assert "出ました" in seen["content"]
    assert visit.speaker is None
    assert pitches(visit.hall.voice.sound(), TONES).get(LOW, 0.0) < 4.0


async def test_put_out_by_a_moderator_it_can_be_called_again(visit: Visit) -> None:
    await visit.arrive(HANA)
    await visit.hall.moves(MASCOT, None)
    await until(lambda: visit.speaker is None)
    await visit.hall.command(HANA, "join")
    says(visit, "高い。")
    await visit.hall.writes(HANA, "もう一度")
    await until(visit.hall.voice.words)
    assert visit.hall.bot_states[-1]["channel_id"] == LOUNGE


async def test_a_town_that_closes_leaves_the_channel(visit: Visit) -> None:
    await visit.arrive(HANA)
    await visit.adapter.stop()
    assert visit.hall.bot_states[-1]["channel_id"] is None


async def test_a_voice_that_fails_leaves_the_written_answer_and_the_next_one_is_said(
    visit: Visit,
) -> None:
    await visit.arrive(HANA)
    visit.mouth.fails = SynthesiserFailed("no")
    says(visit, "低い。")
    await visit.hall.writes(HANA, "一つ目")
    await until(lambda: visit.hall.messages)
    await visit.quiet()
    visit.mouth.fails = None
    says(visit, "高い。")
    await visit.hall.writes(HANA, "二つ目")
    await until(visit.hall.voice.words)
    await visit.quiet()
    assert list(pitches(visit.hall.voice.sound(), TONES)) == [HIGH]


# --- announcements ----------------------------------------------------------------------------


async def announced(visit: Visit, *, channel: int = PLAZA) -> int:
    """The number of a delivery into a channel."""
    async with transaction(visit.app.sessions) as session:
        row = AnnouncementRow(
            kind=Kind.ROOM,
            state="sending",
            author="office",
            places=[["discord", str(channel)]],
            texts={"ja": {"heading": "山焼き", "body": "2月15日です。https://example.jp/ 低い。"}},
            created_at=system_clock(),
        )
        session.add(row)
        await session.flush()
        return delivery_number(row.id, -1)


async def test_announcements_are_read_aloud_once_staff_say_so_the_sender_first(
    visit: Visit,
) -> None:
    await visit.arrive(HANA)
    number = await announced(visit)
    await visit.hall.posts(number)
    await visit.hall.moves(OFFICE, LOUNGE)
    assert (
        "読み上げます"
        in (await visit.hall.command(OFFICE, "announcements", switch="on"))["content"]
    )
    assert visit.mouth.said == []

    await visit.hall.posts(number)
    await until(visit.hall.voice.words)
    await visit.quiet()
    words = "".join(text for text, _ in visit.mouth.said)
    assert words == "見本町役場からのお知らせです。山焼き。2月15日です。 低い。"


async def test_a_post_that_is_no_announcement_or_in_a_hidden_room_is_not_read(
    visit: Visit,
) -> None:
    await visit.arrive(OFFICE)
    await visit.hall.command(OFFICE, "announcements", switch="on")
    await visit.hall.posts(2**63 + 5)
    await visit.hall.posts(await announced(visit, channel=ROOM), channel=ROOM)
    await visit.hall.posts(await announced(visit, channel=ROOM), channel=PLAZA)
    says(visit, "低い。")
    await visit.hall.writes(OFFICE, "それだけ？")
    await until(lambda: visit.mouth.said)
    await visit.quiet()
    assert [text for text, _ in visit.mouth.said] == ["低い。"]


async def test_only_staff_switch_it_and_each_change_is_in_the_audit_log(visit: Visit) -> None:
    await visit.arrive(HANA)
    assert "職員だけ" in (await visit.hall.command(HANA, "announcements", switch="on"))["content"]
    for switch in ("on", "on", "off"):
        await visit.hall.command(OFFICE, "announcements", switch=switch)
    async with transaction(visit.app.sessions) as session:
        rows = await audit.search(session, audit.Filter(area="staff"))
    assert [(each.actor, each.action) for each in reversed(rows)] == [
        ("discord:7001", "staff.read-aloud-on"),
        ("discord:7001", "staff.read-aloud-off"),
    ]


@dataclass
class Mei(FakeMouth):
    """Says one recorded sentence."""

    async def whole(self, text: str, *, language: Language, container: Container) -> Piece:
        self.said.append((text, language))
        clip = said(text)
        return Piece(text, AvCodec().encode(clip, container), container, clip.seconds)


async def test_listeners_hear_the_voice_as_it_was_made(visit: Visit) -> None:
    need("pyopenjtalk")
    sentence = "秋芳洞は、八時三十分からです。"
    visit.mouth.instead = Mei()
    await visit.arrive(HANA)
    says(visit, sentence)
    await visit.hall.writes(HANA, "何時から？")
    await until(visit.hall.voice.words)
    await visit.quiet()

    made, heard = said(sentence), visit.hall.voice.sound()
    assert made.rate == heard.rate
    assert abs(heard.seconds - made.seconds) < 0.2
    assert likeness(made.samples, heard.samples) > 0.9


def likeness(one: Samples, other: Samples) -> float:
    """How far one sound is the other, wherever that begins: the largest correlation, up to 1."""
    size = 1 << (len(one) + len(other)).bit_length()
    both = np.fft.irfft(np.fft.rfft(one, size) * np.conj(np.fft.rfft(other, size)), size)
    return float(both.max() / (np.linalg.norm(one) * np.linalg.norm(other)))


# --- the sound --------------------------------------------------------------------------------


def test_a_speech_is_silent_while_the_next_sentence_is_made_and_ends_after_the_last() -> None:
    talk = Speech()
    talk.feed([b"a"])
    assert [talk.read(), talk.read()] == [b"a", SILENCE]
    talk.feed([b"b", b"c"])
    talk.end()
    assert [talk.read(), talk.read(), talk.read()] == [b"b", b"c", b""]
    assert talk.is_opus()


def test_of_a_speech_that_was_cut_nothing_is_left() -> None:
    talk = Speech()
    talk.feed([b"a", b"b"])
    talk.cut()
    assert talk.read() == b""
