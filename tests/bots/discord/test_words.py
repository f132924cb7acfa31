"""Words laid out for Discord: what is escaped, where it is cut, what a delivery looks like."""

import tomllib
from dataclasses import replace

import pytest

from bots import qr
from bots.conversation import Button, Reply, SourceLink
from bots.discord.layout import buttons, embeds, escape, lay_out, pack, split
from bots.texts import LANGUAGES, LOCALES, catalogue
from core.announcements import (
    Blocked,
    Delivered,
    Failed,
    Flooded,
    NotSent,
    Outgoing,
    Picture,
)
from tests.bots.discord.stage import World

SHOWN = Outgoing(
    "山焼き",
    "2月15日です。",
    "見本町役場",
    action=(("やめる", "topic:event:off"),),
    links=(("くわしく", "https://town.example/yamayaki"),),
    picture=Picture(qr.png("K1"), "image/png", "湖の写真"),
)

# --- escaping ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("*太字*と_下線_", r"\*太字\*と\_下線\_", id="emphasis"),
        pytest.param("# 見出し", r"\# 見出し", id="heading"),
        pytest.param("一覧:\n\n- 一つ", "一覧:\n\n\\- 一つ", id="list after an empty line"),
        pytest.param("> 引用", r"\> 引用", id="quote"),
        pytest.param("[無料](https://evil.example)", r"\[無料](https://evil.example)", id="link"),
        pytest.param("@everyone @here", "@\u200beveryone @\u200bhere", id="everybody"),
        pytest.param("<@123456789012345678>", "<@\u200b123456789012345678>", id="a person"),
        pytest.param("https://a.jp/x_y_z", "https://a.jp/x_y_z", id="an address stays whole"),
    ],
)
def test_text_shows_as_it_was_written(text: str, shown: str) -> None:
    assert escape(text) == shown


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", None])
def test_only_web_addresses_become_links(url: str | None) -> None:
    [page] = lay_out(Reply("はい。", sources=(SourceLink("案内", url, "2026年"),)))
    assert page.content == "はい。\n\n1. 案内 2026年"


def test_a_source_cannot_close_its_own_link() -> None:
    url = "https://a.jp/> [x](https://evil.example"
    [page] = lay_out(Reply("はい。", sources=(SourceLink("a](https://evil.example) [b", url, ""),)))
    assert ">)" in page.content
    assert page.content.count("](") == 1


# --- cutting ----------------------------------------------------------------------------------


def test_paragraphs_are_kept_together_as_long_as_they_fit() -> None:
    assert pack(["a" * 8, "b" * 8, "c" * 8], limit=20) == ["aaaaaaaa\n\nbbbbbbbb", "cccccccc"]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        pytest.param("一行目\n二行目です", ["一行目", "二行目です"], id="at a line"),
        pytest.param("今日は。明日は雨", ["今日は。", "明日は雨"], id="at a sentence"),
        pytest.param("Yes it is so", ["Yes it", "is so"], id="at a word"),
        pytest.param("あいうえおかきくけこ", ["あいうえおかき", "くけこ"], id="anywhere"),
        pytest.param("123456\\*89", ["123456", "\\*89"], id="never inside an escape"),
    ],
)
def test_long_text_is_cut_where_a_reader_would(text: str, pieces: list[str]) -> None:
    assert list(split(text, 7)) == pieces


@pytest.mark.parametrize("text", ["", "\u200b", "🦌" * 5000, "\u202eabc", "*" * 9000])
def test_no_text_breaks_the_limits(text: str) -> None:
    reply = Reply(text, quotes=(text,), footnote=text)
    for page in lay_out(reply):
        assert len(page.content) <= 2000
    for card in embeds(Outgoing(text, text, "町", footnote=text)):
        assert len(card) <= 6000
        assert len(card.description or "") <= 4096


def test_every_line_of_a_long_quote_is_marked() -> None:
    pages = lay_out(Reply("はい。", quotes=("秋芳洞の案内です。\n" * 400,)))
    assert len(pages) > 1
    lines = [line for page in pages for line in page.content.split("\n") if line]
    assert all(line.startswith("> ") for line in lines if line != "はい。")


# --- buttons ----------------------------------------------------------------------------------


def test_more_buttons_than_discord_takes_are_rearranged_and_then_left_out() -> None:
    view = buttons([(Button(str(number), f"n:{number}"),) for number in range(30)])
    assert view is not None
    rows = view.to_components()
    assert [len(row["components"]) for row in rows] == [5] * 5


def test_a_long_label_is_shortened() -> None:
    view = buttons([(Button("長" * 200, "x"),)])
    assert view is not None
    assert len(view.to_components()[0]["components"][0]["label"]) == 80


@pytest.mark.parametrize("url", ["http://localhost:8080/v?t=1", "https://a.jp/" + "x" * 600])
def test_an_address_that_no_button_takes_is_written_out(url: str) -> None:
    [page] = lay_out(Reply("はい。", buttons=((Button("開く", url=url),),)))
    assert page.view is None
    assert page.content.endswith(f"開く: {url}")


# --- deliveries -------------------------------------------------------------------------------


async def test_an_announcement_is_an_embed_that_names_its_sender_and_calls_nobody(
    world: World,
) -> None:
    news = Outgoing("山焼き", "*2月15日*です。@everyone", "見本町役場", footnote="見本です")
    outcome = await world.adapter.messenger.post(str(world.plaza.id), news, delivery=5)

    message = world.plaza.last_message
    assert message is not None
    assert outcome == Delivered(str(message.id))
    [card] = message.embeds
    assert card.title == "山焼き"
    assert card.description == "\\*2月15日\\*です。@\u200beveryone"
    assert card.footer.text == "見本町役場\n見本です"
    assert card.colour is not None
    assert card.colour.value == 0x0017C1
    assert not message.mention_everyone
    [sent] = world.posts(world.plaza)
    assert sent["nonce"] == "5"
    assert sent["allowed_mentions"] == {"parse": []}


async def test_a_room_can_be_named_by_its_role(world: World) -> None:
    outcome = await world.adapter.messenger.post(
        world.place, Outgoing("題", "文", "町"), delivery=6
    )
    assert isinstance(outcome, Delivered)
    assert world.room.last_message is not None


async def test_the_longest_announcement_is_still_one_message(world: World) -> None:
    news = Outgoing("題" * 100, "長い文です。" * 500, "町")
    outcome = await world.adapter.messenger.post(str(world.plaza.id), news, delivery=7)
    [message] = world.plaza.history()
    assert outcome == Delivered(str(message.id))
    assert [each["nonce"] for each in world.posts(world.plaza)] == ["7"]


async def test_what_one_message_cannot_hold_fails_without_being_tried(world: World) -> None:
    news = Outgoing("題", "*" * 3_000, "町")
    hana, messenger = world.person("hana"), world.adapter.messenger
    assert isinstance(await messenger.post(str(world.plaza.id), news, delivery=7), Failed)
    assert isinstance(await messenger.send_direct(str(hana.id), news, delivery=8), Failed)
    assert world.plaza.history() == []


async def test_a_letter_too_long_for_text_is_an_embed_under_its_heading(world: World) -> None:
    hana = world.person("hana")
    news = Outgoing("お知らせ", "長い文です。" * 400, "見本町役場")
    outcome = await world.adapter.messenger.send_direct(str(hana.id), news, delivery=8)
    [letter] = hana.user.dm_channel.history()
    assert outcome == Delivered(str(letter.id))
    assert letter.content == "**お知らせ**\n\n-# 見本町役場"
    assert letter.embeds[0].description == news.body


async def test_an_announcement_shows_its_picture_and_leads_on_by_its_links(world: World) -> None:
    await world.adapter.messenger.post(str(world.plaza.id), SHOWN, delivery=12)
    message = world.plaza.last_message
    assert message is not None
    assert message.attachments[0].description == "湖の写真"
    [sent] = world.posts(world.plaza)
    assert sent["embeds"][0]["image"]["url"] == "attachment://picture.png"
    labels = [each["label"] for row in sent["components"] for each in row["components"]]
    assert labels == ["くわしく", "やめる"]


async def test_words_change_and_the_picture_stays(world: World) -> None:
    hana, messenger = world.person("hana"), world.adapter.messenger
    for target, send, direct in (
        (str(world.plaza.id), messenger.post, False),
        (str(hana.id), messenger.send_direct, True),
    ):
        sent = await send(target, SHOWN, delivery=13)
        assert isinstance(sent, Delivered)
        new = replace(SHOWN, heading="延期", body="三月です。")
        assert await messenger.edit(target, sent.message_id or "", new, direct=direct) == sent
    for message in (world.plaza.last_message, hana.user.dm_channel.last_message):
        assert message is not None
        assert len(message.attachments) == 1
        assert "延期" in message.content + "".join(str(each.title) for each in message.embeds)


async def test_a_message_is_taken_away_once_and_for_all(world: World) -> None:
    messenger = world.adapter.messenger
    sent = await messenger.post(str(world.plaza.id), SHOWN, delivery=14)
    assert isinstance(sent, Delivered)
    for _ in range(2):
        found = await messenger.retract(str(world.plaza.id), sent.message_id or "", direct=False)
        assert found == sent
    assert world.plaza.history() == []


async def test_ten_thousand_buttons_are_not_kept_in_memory(world: World) -> None:
    hana = world.person("hana")
    store = world.adapter.client._connection._view_store
    before = len(store._synced_message_views)
    await world.adapter.messenger.send_direct(str(hana.id), SHOWN, delivery=15)
    assert len(store._synced_message_views) == before


async def test_a_direct_message_is_text_with_its_buttons(world: World) -> None:
    hana = world.person("hana")
    news = Outgoing("お知らせ", "本文です。", "見本町役場", action=(("部屋を見る", "rooms"),))

    outcome = await world.adapter.messenger.send_direct(str(hana.id), news, delivery=8)

    assert isinstance(outcome, Delivered)
    letter = hana.user.dm_channel.last_message
    assert letter is not None
    assert letter.content == "**お知らせ**\n\n本文です。\n\n-# 見本町役場"
    await hana.user.click(letter, label="部屋を見る")
    assert world.conversation.heard[-1].action == "rooms"


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        pytest.param(403, 50007, Blocked, id="takes no messages from us"),
        pytest.param(403, 50278, Blocked, id="no common server"),
        pytest.param(404, 10013, Blocked, id="no such person any more"),
        pytest.param(400, 40003, Flooded, id="too many conversations opened"),
        pytest.param(403, 20026, Failed, id="the bot is quarantined"),
        pytest.param(429, 20016, NotSent, id="slow mode"),
        pytest.param(400, 40004, NotSent, id="sending is switched off"),
        pytest.param(400, 20028, Flooded, id="the channel is written to too fast"),
        pytest.param(401, 0, NotSent, id="the token is refused"),
        pytest.param(404, 10003, Failed, id="the channel is gone"),
        pytest.param(400, 50035, Failed, id="our own mistake"),
    ],
)
async def test_what_became_of_a_direct_message_is_said_honestly(
    world: World, status: int, code: int, outcome: type
) -> None:
    hana = world.person("hana")
    world.env.inject_error("POST", "/channels/*/messages", status=status, code=code)
    news = Outgoing("題", "文", "町")
    assert isinstance(
        await world.adapter.messenger.send_direct(str(hana.id), news, delivery=9), outcome
    )


async def test_a_channel_where_the_bot_may_not_write_has_failed(world: World) -> None:
    world.env.inject_error("POST", "/channels/*/messages", status=403, code=50013)
    outcome = await world.adapter.messenger.post(
        str(world.plaza.id), Outgoing("題", "文", "町"), delivery=10
    )
    assert isinstance(outcome, Failed)


async def test_a_place_that_is_not_ours_has_failed(world: World) -> None:
    outcome = await world.adapter.messenger.post("1/2", Outgoing("題", "文", "町"), delivery=11)
    assert isinstance(outcome, Failed)


# --- locale files -----------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_word(language: str) -> None:
    def keys(of: str) -> set[str]:
        return {key for key in catalogue(of) if key.startswith("discord.")}

    assert keys(language) == keys("ja")
    assert all(catalogue(language)[key].strip() for key in keys(language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_descriptions_fit_into_discords_menu(language: str) -> None:
    words = tomllib.loads((LOCALES / language / "discord.toml").read_text(encoding="utf-8"))
    assert all(1 <= len(each) <= 100 for each in words["command"].values())
    assert len(words["join"]["button"]) <= 80
