"""A question nobody could answer, on each platform, until it is the town's own answer there."""

from typing import Any

import pytest

from bots import texts
from bots.app import App
from core import questions
from core.questions import Filter
from tests.journeys.conftest import City, until

OPEN = "秋芳洞にコインロッカーはありますか?"
ANSWER = "はい。正面入口の案内所に、コインロッカーが12台あります。"


def has_staff(app: App, *accounts: str) -> None:
    app.settings = app.settings.model_copy(update={"staff": dict.fromkeys(accounts, "")})


async def number_waiting(city: City) -> int:
    async with city.app.sessions() as session:
        rows, _ = await questions.listed(session, Filter())
    assert len(rows) == 1
    return rows[0].id


async def test_on_telegram_a_question_is_asked_answered_told_and_known(city: City) -> None:
    hana, taro, clerk = (city.telegram.user(name) for name in ("花子", "太郎", "職員"))
    has_staff(city.app, f"telegram:{clerk.id}")
    await hana.sends(OPEN)
    unknown = await hana.next_message()
    assert "見つかりませんでした" in unknown.text
    await hana.presses("回答があったら知らせて", unknown)
    assert "一度だけお知らせします" in (await hana.next_message()).text

    await clerk.sends("/answer")
    number = await number_waiting(city)
    assert f"#{number}" in (await clerk.next_message()).text
    await clerk.sends(f"/answer {number} {ANSWER}")
    preview = await clerk.next_message()
    assert ANSWER in preview.text
    await clerk.presses("この答えで確定", preview)
    assert "1人に知らせます" in (await clerk.next_message(timeout=30)).text

    told = await hana.next_message()
    assert ANSWER in told.text
    assert OPEN in told.text
    await taro.sends(OPEN)
    answer = await taro.next_message()
    assert ANSWER in answer.text
    assert "町役場の回答" in answer.text
    assert "時点" in answer.text
    await taro.presses("👎 ちがう・足りない", answer)
    assert "職員が確かめます" in (await taro.next_message()).text


async def test_on_discord_a_question_is_asked_answered_told_and_known(city: City) -> None:
    hana, taro, clerk = (
        city.guild.add_member(city.discord.create_user(name)) for name in ("hana", "taro", "clerk")
    )
    has_staff(city.app, f"discord:{clerk.id}")
    city.discord.settle_timeout = 30  # a press that teaches the guide takes as long as indexing
    asked = await hana.slash(city.plaza, "ask", question=OPEN)
    assert asked.response is not None
    promised = await hana.click(
        asked.response.message, label=texts.say("queue.tell.ask-unknown", "en")
    )
    assert "Discord" in _said(promised)

    number = await number_waiting(city)
    listed = await clerk.slash(city.plaza, "answer")
    assert listed.ephemeral
    assert f"#{number} (" in _said(listed)
    preview = await clerk.slash(city.plaza, "answer", number=number, text=ANSWER)
    assert ANSWER in _said(preview)
    assert preview.response is not None
    await clerk.click(preview.response.message, label="Confirm this answer")
    await until(lambda: any(ANSWER in each for each in _written_privately(city)))
    await city.app.learning.teach()  # waits until the guide has been taught

    again = await taro.slash(city.plaza, "ask", question=OPEN)
    assert ANSWER in _said(again)
    assert "Answer of the town office" in _said(again) or "町役場の回答" in _said(again)


def _written_privately(city: City) -> list[str]:
    """What we wrote into channels that are none of the server's."""
    ours = {f"/channels/{each.id}/messages" for each in (city.plaza, city.lounge)}
    return [
        str(each.json.get("content"))
        for each in city.discord.http_requests
        if each.method == "POST" and each.json is not None
        if each.path.startswith("/channels/") and each.path not in ours
    ]


def _said(result: Any) -> str:
    messages = [result.response, *result.followups]
    parts = []
    for each in messages:
        if each is not None:
            parts.append(each.content or "")
            parts.extend(str(embed.description) for embed in getattr(each, "embeds", ()))
    return "\n".join(parts).replace("\\", "")


@pytest.mark.parametrize("text", ["/answer", "/answer 1 はい"])
async def test_others_than_staff_are_told_that_answering_is_for_staff(
    city: City, text: str
) -> None:
    eve = city.telegram.user("Eve")
    await eve.sends(text)
    assert "職員だけ" in (await eve.next_message()).text
