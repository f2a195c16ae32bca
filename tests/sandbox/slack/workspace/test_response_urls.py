"""response_url: its number of uses, its lifetime, and the channel of its posts."""

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from sandbox.faults import answers
from sandbox.slack import Channel, SimulatedUser, Slack
from tests.sandbox.slack.helpers import Puppet, button, buttons, section

Json = dict[str, Any]


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def url(slack: Slack, ana: SimulatedUser, pki: Channel) -> str:
    """Return the response_url of a command that Ana typed."""
    return slack.response_urls.issue(ana, pki)


async def send(url: str, **body: Any) -> tuple[int, str]:
    answer = await AsyncWebhookClient(url).send_dict(body)
    return answer.status_code, answer.body


async def clicked(person: SimulatedUser, message: Any) -> str:
    return str((await person.click(message, "Resend")).sent["response_url"])


async def test_by_default_only_the_person_sees_it(slack: Slack, ana: SimulatedUser, pki: Channel, url: str) -> None:
    assert await send(url, text="for you") == (200, "ok")

    assert (await ana.receives("for you")).author == "DCV Resend"
    assert pki.messages == []


async def test_in_channel_everybody_sees_it_even_if_the_bot_may_not_post(slack: Slack, ana: SimulatedUser) -> None:
    locked = slack.add_channel("locked", member=False, read_only=True)

    await send(slack.response_urls.issue(ana, locked), text="for all", response_type="in_channel")

    message = locked.messages[0]
    assert (message.text, message.as_json()["subtype"]) == ("for all", "bot_message")


async def test_it_can_be_used_five_times(slack: Slack, url: str) -> None:
    for number in range(5):
        await send(url, text=str(number))

    assert await send(url, text="once more") == (404, "used_url")


async def test_it_lives_half_an_hour() -> None:
    async with Slack(clock=Clock()) as slack:
        url = slack.response_urls.issue(slack.add_person("ana"), slack.add_channel("pki"))
        slack.ids.clock.now += 30 * 60 + 1  # type: ignore[attr-defined]

        assert await send(url, text="late") == (404, "expired_url")


async def test_what_slack_would_reject_is_refused_and_a_problem(slack: Slack, ana: SimulatedUser, url: str) -> None:
    assert (await send(url, text="hello", blocks=[section("")]))[0] == 400
    assert await send(url, blocks=[]) == (400, "no_text")
    assert await send(slack.response_urls.build_url("T0/none"), text="hello") == (404, "no_service")
    assert len(slack.problems) == 3
    assert ana.ephemerals == []


async def test_a_message_of_the_bot_is_replaced_and_deleted(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser, pki: Channel, puppet: Puppet
) -> None:
    await api.chat_postMessage(channel=pki.id, text="offer", blocks=[buttons(button("Resend"))])
    message = pki.messages[0]
    url = await clicked(ana, message)

    await send(url, text="taken", replace_original=True)
    assert (message.text, message.blocks, message.history[0].buttons) == ("taken", [], ["Resend"])
    assert message.edited is None

    await send(url, delete_original=True)
    assert pki.messages == []


async def test_an_ephemeral_message_is_replaced_and_deleted(
    slack: Slack, ana: SimulatedUser, puppet: Puppet, url: str
) -> None:
    await send(url, text="again?", blocks=[buttons(button("Resend"))])
    ephemeral = ana.ephemerals[0]
    second = await clicked(ana, ephemeral)

    await send(second, text="on its way", replace_original=True)
    assert [heard.text for heard in ana.ephemerals] == ["on its way"]

    await send(second, delete_original=True)
    assert ana.ephemerals == []


async def test_a_command_has_no_original_to_replace(ana: SimulatedUser, url: str) -> None:
    await send(url, text="one")
    await send(url, text="two", replace_original=True)
    await send(url, text="three", delete_original=True)

    assert [ephemeral.text for ephemeral in ana.ephemerals] == ["one", "two", "three"]


async def test_each_click_on_an_ephemeral_message_replaces_it_and_leaves_the_others(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser, pki: Channel, puppet: Puppet, url: str
) -> None:
    again = [buttons(button("Resend"))]
    await send(url, text="first", blocks=[section("first"), *again])
    await api.chat_postEphemeral(channel=pki.id, user=ana.id, text="second", blocks=[section("second"), *again])
    first, second = ana.ephemerals

    for message in (first, second, first):
        await send(await clicked(ana, message), text="new", blocks=again, replace_original=True)

    assert ana.ephemerals == [first, second]
    assert [message.text for message in ana.ephemerals] == ["new", "new"]
    await send(await clicked(ana, first), text="beside", replace_original=False)
    assert [message.text for message in ana.ephemerals] == ["new", "new", "beside"]


async def test_a_message_shortcut_has_no_original_to_replace(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser, pki: Channel, puppet: Puppet
) -> None:
    await api.chat_postMessage(channel=pki.id, text="the bot's own")
    shortcut_url = str((await ana.shortcut("dcv_resend_message", pki.messages[0])).sent["response_url"])

    await send(shortcut_url, text="answer", replace_original=True)

    assert [message.text for message in pki.messages] == ["the bot's own"]
    assert [message.text for message in ana.ephemerals] == ["answer"]


@pytest.mark.parametrize("replaces", [False, True])
async def test_the_default_of_a_click_is_a_switch(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser, pki: Channel, puppet: Puppet, replaces: bool
) -> None:
    slack.clicks_replace_by_default = replaces
    await api.chat_postMessage(channel=pki.id, text="offer", blocks=[buttons(button("Resend"))])

    await send(await clicked(ana, pki.messages[0]), text="taken")

    assert pki.messages[0].text == ("taken" if replaces else "offer")
    assert [message.text for message in ana.ephemerals] == ([] if replaces else ["taken"])


async def test_a_post_can_go_into_a_thread_but_not_after_a_shortcut(
    slack: Slack, ana: SimulatedUser, pki: Channel, puppet: Puppet, url: str
) -> None:
    root = slack.post_alert(pki, "watcher", "certificate expires")
    shortcut_url = str((await ana.shortcut("dcv_resend_message", root)).sent["response_url"])

    for each in (url, shortcut_url):
        await send(each, text="done", response_type="in_channel", replace_original=False, thread_ts=root.ts)

    assert [message.thread_ts for message in pki.messages if message.text == "done"] == [root.ts, None]


async def test_a_planned_fault_meets_the_next_post(slack: Slack, ana: SimulatedUser, url: str) -> None:
    slack.faults.plan("response_url", answers(500, "internal_error"))

    assert await send(url, text="hello") == (500, "internal_error")
    assert ana.ephemerals == []
    assert (await send(url, text="hello"))[0] == 200
