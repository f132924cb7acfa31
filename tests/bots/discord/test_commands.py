"""What people type and press on Discord, and what they get to see."""

import asyncio
import logging

import discord
import pytest
import simcord

from bots import qr
from bots.conversation import Button, ChatKind, Document, Reply, SourceLink
from core.announcements import Outgoing, Picture
from core.errors import ChainUnavailable
from tests.bots.discord.stage import STAFF, World

COMMANDS = {
    *("start", "join", "code", "rooms", "card", "perks", "events", "ask", "language"),
    *("mydata", "settings", "announce", "answer", "help"),
}


async def test_every_command_stands_in_discords_menu(world: World) -> None:
    hana = world.person("hana")
    assert set(hana.available_commands(world.plaza)) == COMMANDS


async def test_menus_are_in_the_five_languages_that_discord_knows_of_ours(world: World) -> None:
    commands = world.env.backend.commands[None].values()
    for command in commands:
        assert set(command["description_localizations"]) == {
            "ja",
            "en-US",
            "en-GB",
            "zh-TW",
            "zh-CN",
            "ko",
        }
    ask = next(each for each in commands if each["name"] == "ask")
    assert ask["options"][0]["description_localizations"]["ja"] == "知りたいこと"


async def test_a_question_is_answered_before_everybody(world: World) -> None:
    hana = world.person("hana")
    world.conversation.reply = Reply("8時30分からです。")

    result = await hana.slash(world.plaza, "ask", question="秋芳洞は何時から？")

    assert result.acknowledged
    assert not result.ephemeral
    assert result.response is not None
    assert result.response.content == "8時30分からです。"
    [heard] = world.conversation.heard
    assert (heard.platform, heard.account, heard.command) == ("discord", str(hana.id), "ask")
    assert heard.text == "秋芳洞は何時から？"
    assert heard.language == "en-US"
    assert heard.chat is ChatKind.GROUP
    assert heard.update is not None


@pytest.mark.parametrize("command", sorted(COMMANDS - {"ask", "announce"}))
async def test_personal_commands_are_for_the_askers_eyes_only(world: World, command: str) -> None:
    hana = world.person("hana")
    result = await hana.slash(world.plaza, command)
    assert result.ephemeral
    assert result.response is not None
    assert result.response.content == "はい。"
    assert world.conversation.heard[0].command == command


async def test_a_private_answer_to_a_public_question_is_not_shown_to_the_others(
    world: World,
) -> None:
    hana, taro = world.person("hana"), world.person("taro")
    world.conversation.reply = Reply("あなたのリンクです。", private=True)

    result = await hana.slash(world.plaza, "ask", question="リンクをください")

    assert [each.content for each in world.plaza.history(viewer=taro)] == []
    [seen] = result.followups
    assert seen.content == "あなたのリンクです。"
    assert seen.ephemeral


async def test_a_delivery_that_was_answered_before_leaves_nothing(world: World) -> None:
    hana = world.person("hana")
    world.conversation.reply = None
    await hana.slash(world.plaza, "ask", question="もう一度")
    assert world.plaza.history() == []


async def test_a_question_in_a_thread_is_answered_in_the_thread(world: World) -> None:
    hana = world.person("hana")
    opening = await hana.send(world.plaza, "洞窟の話")
    await world.adapter.client.http.start_thread_with_message(
        world.plaza.id, opening.id, name="洞窟", auto_archive_duration=60
    )
    [thread] = world.plaza.threads

    await hana.slash(thread, "ask", question="何時から？")

    assert [each.content for each in thread.history()] == ["はい。"]
    assert world.conversation.heard[0].thread == f"{thread.id}:{hana.id}"


async def test_the_same_command_in_a_direct_message_is_a_private_conversation(
    world: World,
) -> None:
    hana = world.env.create_user("hana")
    result = await hana.slash("rooms")
    assert world.conversation.heard[0].chat is ChatKind.PRIVATE
    assert result.response is not None
    assert result.response.content == "はい。"


async def test_an_answer_that_takes_longer_than_three_seconds_still_arrives(world: World) -> None:
    hana = world.person("hana")
    world.conversation.meanwhile = lambda: world.env.backend.clock.advance(20)
    result = await hana.slash(world.plaza, "ask", question="ゆっくりで")
    assert result.response is not None
    assert result.response.content == "はい。"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        pytest.param(404, 10062, id="the three seconds are over"),
        pytest.param(400, 40060, id="another worker was quicker"),
    ],
)
async def test_an_interaction_that_is_no_longer_ours_is_not_asked_about(
    world: World, caplog: pytest.LogCaptureFixture, status: int, code: int
) -> None:
    hana = world.person("hana")
    world.env.inject_error("POST", "/interactions/*/callback", status=status, code=code)
    await hana.slash(world.plaza, "ask", question="遅すぎた")
    assert world.conversation.heard == []
    assert "discord-interaction-too-late" in caplog.messages


# --- buttons ----------------------------------------------------------------------------------


async def test_a_button_comes_back_as_its_action(world: World) -> None:
    hana = world.person("hana")
    world.conversation.reply = Reply("どれにしますか。", buttons=((Button("日本語", "lang:ja"),),))
    result = await hana.slash(world.plaza, "language")
    assert result.response is not None

    pressed = await hana.click(result.response.message, label="日本語")

    heard = world.conversation.heard[-1]
    assert (heard.action, heard.command, heard.text) == ("lang:ja", None, "")
    assert pressed.ephemeral


async def test_a_button_of_an_earlier_process_still_works(world: World) -> None:
    hana = world.person("hana")
    world.conversation.reply = Reply("役に立ちましたか。", buttons=((Button("はい", "good:17"),),))
    await hana.slash(world.plaza, "ask", question="何時から？")

    await world.restart()
    assert world.plaza.last_message is not None
    await hana.click(world.plaza.last_message, label="はい")

    assert world.conversation.heard[-1].action == "good:17"


async def test_whoever_presses_is_the_one_who_is_heard(world: World) -> None:
    hana, taro = world.person("hana"), world.person("taro")
    world.conversation.reply = Reply("はい。", buttons=((Button("部屋", "rooms"),),))
    await hana.slash(world.plaza, "ask", question="何？")
    assert world.plaza.last_message is not None

    await taro.click(world.plaza.last_message, label="部屋")

    assert world.conversation.heard[-1].account == str(taro.id)
    assert len(world.plaza.history(viewer=hana)) == 1


# --- announcing -------------------------------------------------------------------------------


async def test_staff_write_an_announcement_in_a_form(world: World) -> None:
    clerk = world.guild.add_member(world.env.create_user("clerk"))
    world.app.settings = world.app.settings.model_copy(
        update={"staff": dict.fromkeys([f"discord:{clerk.id}"], "")}
    )
    shown = await clerk.slash(world.plaza, "announce")
    assert shown.modal is not None
    world.conversation.reply = Reply(
        "こう届きます。", buttons=((Button("送る", "announce:yes:1"),),)
    )

    result = await clerk.submit_modal(
        shown, {"blank0": "山焼き", "blank1": "2月です。\n\n防寒を。"}
    )

    [heard] = world.conversation.heard
    assert heard.action == "announce:new"
    assert heard.text == "山焼き\n2月です。\n\n防寒を。"
    assert result.ephemeral


async def clerk_of(world: World) -> simcord.MemberActor:
    clerk = world.guild.add_member(world.env.create_user("clerk"))
    world.app.settings = world.app.settings.model_copy(
        update={"staff": dict.fromkeys([f"discord:{clerk.id}"], "")}
    )
    return clerk


async def test_a_picture_is_handed_over_in_a_form_with_its_words(world: World) -> None:
    clerk, content = await clerk_of(world), qr.png("K1")
    choose = Button("写真を選ぶ", "announce:photo:7")
    world.conversation.reply = Reply("写真", buttons=((choose,),))
    shown = await clerk.slash(world.plaza, "announce", drafts=True)
    assert world.conversation.heard[-1].command == "announce"
    assert shown.response is not None
    opened = await clerk.click(shown.response, label="写真を選ぶ")
    assert opened.modal is not None

    await clerk.submit_modal(opened, {"file": ("hill.png", content), "blank0": "燃える丘"})

    heard = world.conversation.heard[-1]
    assert (heard.action, heard.text) == ("announce:photo:7", "燃える丘")
    assert heard.upload is not None
    assert heard.upload.size == len(content)
    assert await heard.upload.read() == content


async def test_the_audience_is_chosen_in_a_menu_that_outlives_a_restart(world: World) -> None:
    clerk = await clerk_of(world)
    menu = tuple(Button(f"宛先{number}", f"announce:to:7:topic:t{number}") for number in range(30))
    back = Button("← 戻る", "announce:go:7:link")
    world.conversation.reply = Reply("宛先", menu=menu, menu_label="宛先を選ぶ", buttons=((back,),))
    shown = await clerk.slash(world.plaza, "announce", drafts=True)
    assert shown.response is not None
    await world.restart()
    await clerk.select(shown.response, ["announce:to:7:topic:t3"])
    assert world.conversation.heard[-1].action == "announce:to:7:topic:t3"
    await clerk.click(shown.response, label="← 戻る")
    assert world.conversation.heard[-1].action == "announce:go:7:link"


@pytest.mark.parametrize("direct", [True, False])
async def test_a_preview_is_the_very_message_before_its_figures(
    world: World, *, direct: bool
) -> None:
    clerk = await clerk_of(world)
    news = Outgoing(
        "山焼き",
        "二月です。",
        "見本町役場",
        action=(("止める", "messages:off"),) if direct else (),
        picture=Picture(qr.png("K1"), "image/png", "燃える丘"),
    )
    world.conversation.reply = Reply("このように届きます。", preview=news, private=True)
    shown = await clerk.slash(world.plaza, "announce", drafts=True)
    assert shown.ephemeral
    preview, figures = [shown.response, *shown.followups][-2:]
    assert preview is not None
    assert figures is not None
    assert figures.content == "このように届きます。"
    assert len(preview.attachments) == 1
    said = preview.content if direct else str(preview.embeds[0].title)
    assert "山焼き" in said


async def test_others_are_told_that_announcing_is_not_theirs(world: World) -> None:
    hana = world.person("hana")
    assert f"discord:{hana.id}" != STAFF
    result = await hana.slash(world.plaza, "announce")
    assert result.modal is None
    assert result.ephemeral
    assert result.response is not None
    assert result.response.content
    assert world.conversation.heard == []


# --- messages ---------------------------------------------------------------------------------


async def test_a_mention_is_a_question_and_needs_no_message_content_intent(world: World) -> None:
    assert not world.adapter.client.intents.message_content
    hana = world.person("hana")

    asked = await hana.send(world.plaza, f"<@{world.adapter.client.own_id}> 秋芳洞は何時から？")

    [heard] = world.conversation.heard
    assert (heard.text, heard.command, heard.chat) == (
        "秋芳洞は何時から？",
        None,
        ChatKind.GROUP,
    )
    answer = world.plaza.last_message
    assert answer is not None
    assert answer.content == "はい。"
    assert answer.reference is not None
    assert answer.reference.message_id == asked.id
    assert answer.mentions == []


async def test_talk_among_members_is_not_ours(world: World) -> None:
    await world.person("hana").send(world.plaza, "いい天気ですね")
    assert world.conversation.heard == []


async def test_a_reply_to_our_answer_goes_on_with_the_conversation(world: World) -> None:
    hana = world.person("hana")
    await hana.send(world.plaza, f"<@{world.adapter.client.own_id}> 秋芳洞は？")
    answer = world.plaza.last_message
    assert answer is not None

    await hana.send(world.plaza, "それは何時まで？", reply_to=answer)

    first, second = world.conversation.heard
    assert second.text == "それは何時まで？"
    assert first.thread == second.thread


async def test_another_bots_mention_is_not_answered(world: World) -> None:
    robot = world.guild.add_member(world.env.create_user("robot", bot=True))
    await robot.send(world.plaza, f"<@{world.adapter.client.own_id}> 何時？")
    assert world.conversation.heard == []


async def test_a_bare_mention_asks_for_help(world: World) -> None:
    await world.person("hana").send(world.plaza, f"<@{world.adapter.client.own_id}>")
    assert world.conversation.heard[0].command == "help"


async def test_a_direct_message_is_a_question(world: World) -> None:
    hana = world.person("hana")
    await hana.send_dm("バスはいつ？")
    [heard] = world.conversation.heard
    assert (heard.text, heard.chat) == ("バスはいつ？", ChatKind.PRIVATE)
    assert hana.user.dm_channel.last_message is not None
    assert hana.user.dm_channel.last_message.content == "はい。"


async def test_a_private_answer_to_a_mention_goes_by_direct_message(world: World) -> None:
    hana = world.person("hana")
    world.conversation.reply = Reply("秘密のリンク", private=True)

    await hana.send(world.plaza, f"<@{world.adapter.client.own_id}> リンク")

    assert hana.user.dm_channel.last_message is not None
    assert hana.user.dm_channel.last_message.content == "秘密のリンク"
    assert all("秘密" not in each.content for each in world.plaza.history())
    assert "ダイレクトメッセージ" in world.plaza.history()[-1].content


async def test_who_takes_no_direct_messages_is_shown_another_way(world: World) -> None:
    hana = world.person("hana")
    world.conversation.reply = Reply("秘密のリンク", private=True)
    world.env.inject_error("POST", "/users/@me/channels", status=403, code=50007)
    await hana.send(world.plaza, f"<@{world.adapter.client.own_id}> リンク")
    assert "/rooms" in world.plaza.history()[-1].content


# --- errors -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(ChainUnavailable("no endpoint"), id="an error that has its own words"),
        pytest.param(RuntimeError("secret 4711"), id="an error that nobody expected"),
    ],
)
async def test_an_error_becomes_words(world: World, failure: Exception) -> None:
    hana = world.person("hana")
    world.conversation.failure = failure
    result = await hana.slash(world.plaza, "rooms")
    assert result.response is not None
    assert result.response.content
    assert "4711" not in result.response.content
    assert result.ephemeral


async def test_an_error_after_a_mention_becomes_words_too(world: World) -> None:
    world.conversation.failure = RuntimeError("boom")
    await world.person("hana").send(world.plaza, f"<@{world.adapter.client.own_id}> ねえ")
    assert world.plaza.last_message is not None
    assert world.plaza.last_message.author.id == world.adapter.client.own_id


async def test_the_log_has_no_word_that_people_wrote(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    world.conversation.failure = ChainUnavailable("no endpoint")
    await world.person("hana").slash(world.plaza, "ask", question="合言葉は川")
    assert "合言葉" not in caplog.text


# --- layout as Discord receives it ------------------------------------------------------------


async def test_a_whole_answer_is_laid_out(world: World) -> None:
    hana = world.person("hana")
    world.conversation.reply = Reply(
        "はい、*お答え*します。@everyone",
        quotes=("8:30〜17:30\n無休",),
        sources=(SourceLink("秋芳洞 [案内]", "https://example.jp/a(b)", "2026年2月時点"),),
        footnote="これは見本です。",
        buttons=((Button("役に立った", "good:1"), Button("公式", url="https://example.jp/")),),
    )

    result = await hana.slash(world.plaza, "ask", question="何時から？")

    assert result.response is not None
    assert result.response.content == (
        "はい、\\*お答え\\*します。@\u200beveryone\n\n"
        "> 8:30〜17:30\n> 無休\n\n"
        "1. [秋芳洞 ［案内］](<https://example.jp/a%28b%29>) 2026年2月時点\n\n"
        "-# これは見本です。"
    )
    [row] = result.response.components
    assert [each.get("custom_id") for each in row["components"]] == ["kankei:a:good:1", None]
    assert row["components"][1]["url"] == "https://example.jp/"


async def test_a_long_answer_arrives_in_several_messages_with_its_buttons_on_the_last(
    world: World,
) -> None:
    hana = world.person("hana")
    sentence = "秋芳洞は日本最大級の鍾乳洞です。"
    world.conversation.reply = Reply(sentence * 300, buttons=((Button("次", "more"),),))

    result = await hana.slash(world.plaza, "ask", question="全部")

    assert result.response is not None
    parts = [result.response, *result.followups]
    assert all(len(part.content) <= 2000 for part in parts)
    assert all(part.content.endswith("。") for part in parts)
    assert "".join(part.content for part in parts) == sentence * 300
    assert [bool(part.components) for part in parts] == [False] * (len(parts) - 1) + [True]


async def test_a_document_comes_with_the_reply(world: World) -> None:
    hana = world.person("hana")
    world.conversation.reply = Reply(
        "あなたの情報です。",
        document=Document("mydata.json", b'{"a": 1}', "application/json"),
        private=True,
    )
    result = await hana.slash(world.plaza, "mydata")
    assert result.ephemeral
    assert result.response is not None
    [attachment] = result.response.attachments
    assert attachment.filename == "mydata.json"


# --- people who come back ---------------------------------------------------------------------


async def test_the_client_keeps_neither_members_nor_messages(world: World) -> None:
    hana = world.person("hana")
    await hana.send(world.plaza, "やあ")
    await asyncio.sleep(0)
    cached = world.adapter.client.get_guild(world.guild.id)
    assert cached is not None
    assert {member.id for member in cached.members} <= {world.adapter.client.own_id}
    assert list(world.adapter.client.cached_messages) == []
    assert world.adapter.client.intents.members
    assert isinstance(world.adapter.client, discord.Client)
