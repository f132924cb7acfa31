"""Roles given and taken, the join button, and what the server lacks."""

from datetime import UTC, datetime

import discord
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from bots.discord.keeper import DiscordKeeper
from core.database import session_factory, transaction
from core.errors import PlatformRefused, PlatformUnavailable
from core.identity import account
from tests.bots.discord.stage import StubApp, World, bot_of, settings, town_pack

NOW = datetime(2026, 11, 21, tzinfo=UTC)


async def test_admitting_gives_the_role_and_repeating_it_does_no_harm(world: World) -> None:
    hana = world.person("hana")
    first = await world.adapter.keeper.admit(world.place, str(hana.id))
    again = await world.adapter.keeper.admit(world.place, str(hana.id))
    assert world.has_role(hana)
    assert first == again
    assert (first.place, first.link) == (world.place, None)


async def test_removing_takes_the_role_and_repeating_it_does_no_harm(world: World) -> None:
    hana = world.person("hana")
    await world.adapter.keeper.admit(world.place, str(hana.id))
    await world.adapter.keeper.remove(world.place, str(hana.id))
    await world.adapter.keeper.remove(world.place, str(hana.id))
    assert not world.has_role(hana)


async def test_who_has_left_the_server_is_out_already(world: World) -> None:
    hana = world.person("hana")
    world.guild.remove_member(hana)
    await world.adapter.keeper.remove(world.place, str(hana.id))
    assert hana.id not in world.guild.member_ids()


async def test_who_is_not_on_the_server_is_asked_to_join_it_first(world: World) -> None:
    stranger = world.env.create_user("stranger")
    with pytest.raises(PlatformRefused, match=r"先にDiscordのサーバーに参加してください。"):
        await world.adapter.keeper.admit(world.place, str(stranger.id))


async def test_the_servers_audit_log_says_who_gave_the_role(world: World) -> None:
    hana = world.person("hana")
    await world.adapter.keeper.admit(world.place, str(hana.id))
    [given] = [
        each for each in world.env.http_requests if each.method == "PUT" and "/roles/" in each.path
    ]
    assert given.reason == "Kankei"


async def test_a_role_above_the_bots_is_refused_with_the_remedy(world: World) -> None:
    hana = world.person("hana")
    world.bot_role().position = 0
    with pytest.raises(PlatformRefused, match="ボットのロールをそのロールより上に"):
        await world.adapter.keeper.admit(world.place, str(hana.id))
    assert not world.has_role(hana)


async def test_a_role_that_was_deleted_is_refused_with_the_remedy(world: World) -> None:
    hana = world.person("hana")
    with pytest.raises(PlatformRefused, match="ロールのIDをコピーし直して"):
        await world.adapter.keeper.admit(f"{world.guild.id}/999", str(hana.id))


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_when_discord_does_not_answer_it_is_to_be_tried_again(
    world: World, status: int
) -> None:
    hana = world.person("hana")
    world.env.inject_error("PUT", "/guilds/*/members/*/roles/*", status=status)
    with pytest.raises(PlatformUnavailable):
        await world.adapter.keeper.admit(world.place, str(hana.id))


async def test_before_the_connection_nothing_is_promised() -> None:
    keeper = DiscordKeeper(
        discord.Client(intents=discord.Intents.none()), town_pack(guild=1, role=2)
    )
    with pytest.raises(PlatformUnavailable):
        await keeper.admit("1/2", "3")


def test_a_room_without_a_role_has_no_place_on_discord() -> None:
    client = discord.Client(intents=discord.Intents.none())
    town = town_pack(guild=1, role=None)
    assert DiscordKeeper(client, town).place(town.gates[0]) is None
    town = town_pack(role=2, on_discord=False)
    assert DiscordKeeper(client, town).place(town.gates[0]) is None


# --- people who come back ---------------------------------------------------------------------


async def test_a_member_who_comes_back_to_the_server_is_looked_at_again(
    world: World, engine: AsyncEngine
) -> None:
    hana = world.env.create_user("hana")
    async with transaction(session_factory(engine)) as session:
        known = await account(session, "discord", str(hana.id), locale="ja", now=NOW)

    world.guild.add_member(hana)
    await world.env.settle()

    assert world.app.doorkeeper.rechecked == [known.member_id]


async def test_a_stranger_who_joins_the_server_is_left_alone(world: World) -> None:
    world.person("stranger")
    await world.env.settle()
    assert world.app.doorkeeper.rechecked == []


# --- the join button --------------------------------------------------------------------------


async def test_the_join_button_stands_in_its_channel_and_is_answered_privately(
    world: World,
) -> None:
    hana = world.person("hana")
    [message] = world.reception.history()
    assert "見本町" in message.content
    assert "https://www.example.jp/" in message.content  # a sample says that it is one

    pressed = await hana.click(message, custom_id="kankei:join")

    assert world.conversation.heard[0].command == "join"
    assert pressed.ephemeral


async def test_after_a_restart_the_button_is_found_again_and_still_works(world: World) -> None:
    await world.person("taro").send(world.reception, "こんにちは")
    await world.restart()
    buttons = [each for each in world.reception.history() if each.components]
    assert len(buttons) == 1

    await world.person("hana").click(buttons[0], custom_id="kankei:join")
    assert world.conversation.heard[0].command == "join"


async def test_a_button_whose_words_have_changed_is_edited_in_place(world: World) -> None:
    [before] = world.reception.history()
    town = world.app.town.town.model_copy(update={"sample": False})
    world.app.town = world.app.town.model_copy(update={"town": town})

    await world.restart()

    [after] = world.reception.history()
    assert after.id == before.id
    assert "example.jp" not in after.content


# --- what the server lacks --------------------------------------------------------------------


async def test_a_server_that_has_everything_has_no_problems(world: World) -> None:
    assert world.adapter.problems == []


async def test_each_thing_that_is_missing_is_one_sentence(world: World) -> None:
    world.bot_role().position = 0
    world.bot_role().permissions = discord.Permissions(view_channel=True).value
    found = await world.adapter.keeper.problems(world.app.town.gates)
    assert len([each for each in found if "ロールの管理" in each]) == 1
    assert len([each for each in found if "「住民」がボットのロールより上" in each]) == 1
    assert all(sentence.endswith("。") for sentence in found)


async def test_rights_are_missed_by_channel(world: World) -> None:
    overwrite = discord.PermissionOverwrite(send_messages=False, embed_links=False)
    mute = world.guild.create_text_channel("無口", overwrites={bot_of(world.env): overwrite})
    world.app.town = town_pack(guild=world.guild.id, announcement_channel=mute.id)
    await world.restart()
    [sentence] = world.adapter.problems
    assert "#無口" in sentence
    assert "メッセージを送信" in sentence
    assert "埋め込みリンク" in sentence


async def test_a_room_that_everybody_sees_is_reported(world: World) -> None:
    world.app.town = town_pack(guild=world.guild.id, role=world.role.id, room=world.plaza.id)
    await world.restart()
    [sentence] = world.adapter.problems
    assert "誰でも見られます" in sentence


@pytest.mark.parametrize(
    ("town", "words"),
    [
        pytest.param(town_pack(on_discord=False), "[discord] guild", id="no server in the pack"),
        pytest.param(town_pack(guild=404), "招待", id="the bot is not there"),
    ],
)
async def test_a_server_that_cannot_be_used_is_one_sentence(
    world: World, town: object, words: str
) -> None:
    world.app.town = town  # type: ignore[assignment]
    await world.restart()
    [sentence] = world.adapter.problems
    assert words in sentence


async def test_a_missing_channel_and_a_missing_role_are_named(world: World) -> None:
    world.app.town = town_pack(guild=world.guild.id, role=4040, join_channel=5050)
    await world.restart()
    assert any("4040" in each for each in world.adapter.problems)
    assert any("5050" in each for each in world.adapter.problems)


async def test_problems_are_told_to_whoever_watches_and_to_staff_by_direct_message(
    world: World,
) -> None:
    clerk = world.person("clerk")
    world.app.settings = settings(staff=f"discord:{clerk.id},telegram:5")
    world.bot_role().position = 0

    await world.restart()

    [sentence] = world.adapter.problems
    assert f"Discord：{sentence}" in world.app.happenings.recent
    letter = clerk.user.dm_channel.last_message
    assert letter is not None
    assert "ボットのロールより上" in letter.content


async def test_when_discord_refuses_our_commands_the_door_opens_and_staff_are_told(
    world: World,
) -> None:
    world.env.inject_error("PUT", "/applications/*/commands", status=400, code=50035)
    await world.restart()
    [sentence] = world.adapter.problems
    assert "コマンド" in sentence


async def test_a_button_that_cannot_be_put_up_is_one_sentence(world: World) -> None:
    world.env.inject_error("GET", f"/channels/{world.reception.id}/messages", status=500)
    await world.restart()
    [sentence] = world.adapter.problems
    assert "参加ボタン" in sentence


async def test_a_right_that_is_missing_for_the_button_is_said_once(world: World) -> None:
    overwrite = discord.PermissionOverwrite(read_message_history=False)
    hall = world.guild.create_text_channel("玄関", overwrites={bot_of(world.env): overwrite})
    world.app.town = town_pack(guild=world.guild.id, join_channel=hall.id)
    world.env.inject_error("GET", f"/channels/{hall.id}/messages", status=403, code=50001)
    await world.restart()
    [sentence] = world.adapter.problems
    assert "メッセージ履歴を読む" in sentence


async def test_when_discord_cannot_be_asked_the_door_opens_and_staff_are_told(
    world: World,
) -> None:
    world.env.inject_error("GET", "/guilds/*", status=500)
    await world.restart()
    [sentence] = world.adapter.problems
    assert "HTTP 500" in sentence


async def test_starting_without_a_token_says_where_it_belongs(engine: AsyncEngine) -> None:
    adapter = StubApp(settings(discord_token=None), town_pack(), engine).adapter()
    with pytest.raises(PlatformRefused, match="KANKEI_DISCORD_TOKEN"):
        await adapter.start()


# --- what somebody moved by hand ---------------------------------------------------------------


async def test_everybody_with_the_role_is_streamed_page_by_page_and_no_bot(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bots.discord.keeper.PAGE", 2)
    people = [world.person(f"person{number}") for number in range(5)]
    for person in people[:4]:
        await world.adapter.keeper.admit(world.place, str(person.id))
    await world.adapter.keeper.admit(world.place, str(bot_of(world.env).id))
    stream = world.adapter.keeper.holders(world.place)
    assert stream is not None
    assert {each async for each in stream} == {str(person.id) for person in people[:4]}


async def test_who_has_the_role_who_has_not_and_who_is_not_on_the_server(world: World) -> None:
    hana, ken = world.person("hana"), world.person("ken")
    gone = world.env.create_user("gone")
    await world.adapter.keeper.admit(world.place, str(hana.id))
    asked = [str(each.id) for each in (hana, ken, gone)]
    assert await world.adapter.keeper.standing(world.place, asked) == {
        str(hana.id): True,
        str(ken.id): False,
    }


async def test_a_list_that_discord_does_not_give_is_to_be_tried_again(world: World) -> None:
    world.env.inject_error("GET", "/guilds/*/members", status=503)
    stream = world.adapter.keeper.holders(world.place)
    assert stream is not None
    with pytest.raises(PlatformUnavailable):
        assert [each async for each in stream] == []
