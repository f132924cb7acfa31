"""A question that was said: answered as it was spoken, shown as it was heard, mended by a press."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bots import texts
from bots.app import App
from bots.conversation import ChatKind, Incoming, Reply
from bots.conversation.hearing import heard_line
from bots.voice import Voice
from core import questions
from core.database import transaction
from core.identity import Aloud, account, set_aloud
from core.testing import SetClock
from knowledge.language import Language
from knowledge.testing import FakeEars, FakeMouth
from knowledge.voice.port import Heard

HANA = Incoming(platform="telegram", account="1", name="花子", language="ja")
FEE = "秋芳洞の入洞料はいくらですか"
HOURS = "秋芳洞は何時まで入れますか"


def heard(
    text: str,
    language: Language = Language.JA,
    *,
    confidence: float = 0.9,
    others: tuple[str, ...] = (),
) -> Heard:
    return Heard(text, language, confidence, 2.0, others)


async def say(app: App, who: Incoming = HANA, **what: object) -> Reply:
    reply = await app.conversation.handle(replace(who, **what))  # type: ignore[arg-type]
    assert reply is not None
    return reply


def action(reply: Reply, start: str) -> str:
    found = [each.action for row in reply.buttons for each in row if each.action]
    return next(each for each in found if each.startswith(start))


async def test_what_was_said_is_answered_shown_and_to_be_said(app: App) -> None:
    reply = await say(app, heard=heard(FEE))
    assert "1,600円" in reply.text
    assert heard_line(reply) == f"「{FEE}」と聞こえました。"
    assert "1,600円" in reply.spoken
    assert reply.aloud


async def test_what_was_written_is_answered_in_writing(app: App) -> None:
    reply = await say(app, text=FEE)
    assert (reply.heard, reply.aloud, heard_line(reply)) == (None, False, "")
    assert not [row for row in reply.buttons for each in row if "heard" in (each.action or "")]


@pytest.mark.parametrize(
    ("chosen", "spoken_to", "written_to"),
    [(Aloud.WHEN_SPOKEN_TO, True, False), (Aloud.ALWAYS, True, True), (Aloud.NEVER, False, False)],
)
async def test_answers_are_said_when_the_person_wants_it(
    app: App, chosen: Aloud, *, spoken_to: bool, written_to: bool
) -> None:
    async with transaction(app.sessions) as session:
        mine = await account(session, "telegram", "1", locale="ja", now=app.clock())
        await set_aloud(session, mine.member_id, chosen)
    assert (await say(app, heard=heard(FEE))).aloud is spoken_to
    assert (await say(app, text=FEE)).aloud is written_to


@pytest.mark.parametrize(
    ("own", "spoken", "question", "answered"),
    [
        pytest.param("ja", Language.EN, "How much is Akiyoshido Cave?", "en", id="as it was said"),
        pytest.param("ja-easy", Language.JA, FEE, "ja-easy", id="easy Japanese stays easy"),
        pytest.param("zh-Hant", Language.ZH_HANS, "秋芳洞的门票多少钱", "zh-Hant", id="own script"),
    ],
)
async def test_the_answer_is_in_the_language_that_was_spoken(
    app: App, own: str, spoken: Language, question: str, answered: str
) -> None:
    await say(app, action=f"lang:{own}")
    reply = await say(app, heard=heard(question, spoken))
    assert reply.language == answered
    assert "1,600" in reply.spoken
    assert heard_line(reply) == texts.say("voice.heard.title", answered, text=question)
    assert (await say(app, command="help")).language == own


@pytest.mark.parametrize("text", ["/join", "/announce 全員へ", "ABCD-1234"])
async def test_a_command_said_aloud_is_a_question(app: App, text: str) -> None:
    reply = await say(app, replace(HANA, account="900"), heard=heard(text))
    assert reply.heard is not None
    assert not [row for row in reply.buttons for each in row if each.url]


async def test_a_doubtful_hearing_says_so_and_offers_what_else_it_may_have_been(app: App) -> None:
    reply = await say(app, heard=heard("朝吉堂の料金", confidence=0.3, others=(FEE, HOURS)))
    assert "聞き違いかもしれません" in heard_line(reply)
    assert [row[0].label for row in reply.buttons[:2]] == [f"「{FEE}」", f"「{HOURS}」"]
    better = await say(app, action=action(reply, "heard:1:"))
    assert "17:30" in better.text
    assert (better.aloud, better.language, better.heard) == (True, "ja", None)


async def test_the_corrected_question_does_not_follow_up_on_the_wrong_one(app: App) -> None:
    await say(app, text=FEE)
    wrong = await say(app, heard=heard("景清洞の駐車場はありますか"))
    asked = await say(app, action=action(wrong, "heard:no:"))
    assert asked.text == texts.say("voice.heard.write", "ja")
    reply = await say(app, text="それは何時まで?")
    assert "秋芳洞" in reply.text  # of the question before
    assert "景清洞" not in reply.text


async def test_the_correction_of_staff_is_no_part_of_an_announcement(app: App) -> None:
    staff = replace(HANA, account="900")
    await say(app, staff, action="announce:new")
    wrong = await say(app, staff, heard=heard("秋芳堂のクリームは"))
    await say(app, staff, action=action(wrong, "heard:no:"))
    assert "1,600円" in (await say(app, staff, text=FEE)).text
    assert "1,600円" not in (await say(app, staff, text=FEE)).text  # the announcement goes on


@pytest.mark.parametrize("between", ["command", "button", "voice", "stream"])
async def test_only_the_next_message_is_the_correction(app: App, between: str) -> None:
    staff = replace(HANA, account="900")
    await say(app, staff, action="announce:new")
    wrong = await say(app, staff, heard=heard("秋芳堂のクリームは", others=(HOURS,)))
    await say(app, staff, action=action(wrong, "heard:no:"))
    match between:
        case "command":
            await say(app, staff, command="rooms")
        case "button":
            await say(app, staff, action=action(wrong, "heard:0:"))
        case "voice":
            await say(app, staff, heard=heard(HOURS))
        case _:
            written = app.conversation.stream(replace(staff, text=HOURS))
            assert [piece async for piece in written]
    assert "1,600円" not in (await say(app, staff, text=FEE)).text  # the announcement goes on


async def test_an_announcement_begun_after_a_mishearing_keeps_its_words(app: App) -> None:
    staff = replace(HANA, account="900")
    wrong = await say(app, staff, heard=heard("秋芳堂のクリームは"))
    await say(app, staff, action=action(wrong, "heard:no:"))
    await say(app, staff, action="announce:new")
    assert "1,600円" not in (await say(app, staff, text=FEE)).text


async def test_in_a_group_the_correction_is_asked_for_as_a_reply(app: App) -> None:
    group = replace(HANA, chat=ChatKind.GROUP, presses_unseen=False)
    wrong = await say(app, group, heard=heard(FEE))
    asked = await say(app, group, action=action(wrong, "heard:no:"))
    assert asked.text == texts.say("voice.heard.write-here", "ja")


async def test_a_misheard_question_leaves_the_queue_of_staff(app: App) -> None:
    text = "秋芳洞の照明を設計した会社の資本金は"
    wrong = await say(app, heard=heard(text))
    async with transaction(app.sessions) as session:
        assert await questions.waiting_count(session) == 1
    await say(app, action=action(wrong, "heard:no:"))
    async with transaction(app.sessions) as session:
        assert await questions.waiting_count(session) == 0


async def test_nobody_mends_what_another_said_nor_what_is_long_gone(
    app: App, clock: SetClock
) -> None:
    wrong = await say(app, heard=heard(FEE, others=(HOURS,)))
    press = action(wrong, "heard:0:")
    gone = texts.say("voice.heard.gone", "ja")
    assert (await say(app, replace(HANA, account="2"), action=press)).text == gone
    for broken in ("heard:7:x", "heard:no", "heard:", press.replace(":0:", ":9:")):
        assert (await say(app, action=broken)).text == gone
    clock.advance(timedelta(minutes=31))
    assert (await say(app, action=press)).text == gone


async def test_the_wish_for_answers_aloud_is_a_setting_where_there_is_a_voice(app: App) -> None:
    assert "声の返事" not in (await say(app, command="settings")).text
    app.voice = Voice(ears=None, mouth=FakeMouth)
    shown = await say(app, command="settings")
    assert "声の返事：声で話したときだけ" in shown.text
    asked = await say(app, command="settings", text="声")
    said = await say(app, action=action(asked, "aloud:never"))
    assert said.text == "声の返事を「しない」にしました。"
    assert not (await say(app, heard=heard(FEE))).aloud


async def test_who_wants_answers_aloud_is_told_that_their_language_has_no_voice(app: App) -> None:
    app.voice = Voice(ears=None, mouth=FakeMouth)
    await app.voice.warm_up()
    told = texts.say("voice.settings.unspoken", "ko")
    korean = replace(HANA, account="k", language="ko")
    assert told in (await say(app, korean, action="aloud")).text
    assert told in (await say(app, korean, action="aloud:always")).text
    assert told not in (await say(app, korean, action="aloud:never")).text
    unspoken = texts.say("voice.settings.unspoken", "ja")
    assert unspoken not in (await say(app, action="aloud:always")).text


@pytest.mark.parametrize("language", texts.LANGUAGES)
async def test_every_page_of_a_stream_has_what_was_heard(app: App, language: str) -> None:
    who = replace(HANA, account=f"s-{language}", language=language)
    spoken = Language(language)
    pieces = [
        each async for each in app.conversation.stream(replace(who, heard=heard("秋芳洞", spoken)))
    ]
    reply = pieces[-1]
    assert isinstance(reply, Reply)
    assert reply.language == language
    assert reply.heard == heard("秋芳洞", spoken)


def korean(account: str = "1") -> Incoming:
    question = heard("아키요시도 요금은 얼마인가요", Language.KO)
    return replace(HANA, account=account, heard=question)


async def test_who_asked_aloud_and_hears_nothing_reads_why_once_a_day(
    app: App, clock: SetClock
) -> None:
    ears = FakeEars()
    app.voice = Voice(ears=lambda: ears, mouth=FakeMouth)
    await app.voice.warm_up()
    why = texts.say("voice.unspoken", "ko")
    assert why in (await say(app, korean())).footnote
    assert why not in (await say(app, korean())).footnote
    assert why in (await say(app, korean("2"))).footnote, "another person was not told yet"
    clock.advance(timedelta(days=1))
    assert why in (await say(app, korean())).footnote


async def test_nobody_who_hears_the_answer_or_wants_none_is_told_of_missing_voices(
    app: App,
) -> None:
    app.voice = Voice(ears=None, mouth=FakeMouth)
    await app.voice.warm_up()
    spoken = texts.say("voice.unspoken", "ja")
    assert spoken not in (await say(app, heard=heard(FEE))).footnote
    why = texts.say("voice.unspoken", "ko")
    await say(app, action="aloud:never")
    assert why not in (await say(app, korean())).footnote
    await say(app, action="aloud:always")
    assert why not in (await say(app, text="아키요시도 요금은 얼마인가요")).footnote
    assert why not in (await say(app, korean("3"), platform="web")).footnote, "its button says so"
    app.voice = None
    assert why not in (await say(app, korean("4"))).footnote


@pytest.mark.parametrize("language", ["ja", "ja-easy", "en", "zh-Hans", "zh-Hant", "ko"])
def test_a_voice_that_may_only_rest_is_not_said_to_be_still_to_come(language: str) -> None:
    told = texts.say("voice.unspoken", language)
    assert not any(each in told for each in ("まだ", "yet", "还", "還", "아직"))
