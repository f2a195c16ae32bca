"""Notifications: the members whom a new message mentions, and mentions without effect."""

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import Channel, SimulatedUser, Slack
from tests.sandbox.slack.helpers import section, words

Json = dict[str, Any]


def rich(**part: Any) -> Json:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [part]}]}


def table(text: str) -> Json:
    rows = [[{"type": "raw_text", "text": each}] for each in ("Who", text)]
    return {"type": "data_table", "caption": "Who", "rows": rows}


NOTIFIES: dict[str, Json] = {
    "a user in mrkdwn": {"blocks": [section("<@{user}> asks")]},
    "a user with a name": {"blocks": [section("<@{user}|ana> asks")]},
    "a group in mrkdwn": {"blocks": [section("<!subteam^{group}>: asks")]},
    "a user in verbatim text": {
        "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "<@{user}>", "verbatim": True}}]
    },
    "a user in context": {"blocks": [{"type": "context", "elements": [{"type": "mrkdwn", "text": "<@{user}>"}]}]},
    "a user in rich text": {"blocks": [rich(type="user", user_id="{user}")]},
    "a group in rich text": {"blocks": [rich(type="usergroup", usergroup_id="{group}")]},
    "everyone": {"blocks": [section("<!here> look")]},
    "the text alone": {"text": "<@{user}> asks"},
}
IS_SILENT: dict[str, Json] = {
    "plain text": {"blocks": [{"type": "header", "text": words("<@{user}>")}]},
    "a cell": {"blocks": [table("<@{user}>")]},
    "code": {"blocks": [section("`<@{user}>` ```<!subteam^{group}>```")]},
    "escaped text": {"blocks": [section("&lt;@{user}&gt;")]},
    "the text beside blocks": {"text": "<@{user}>", "blocks": [section("hello")]},
    "an attachment": {"attachments": [{"text": "<@{user}>", "fallback": "x"}]},
    "another group": {"blocks": [section("<!subteam^S0OTHER>")]},
}


def filled(node: Any, **ids: str) -> Any:
    """Return the sample with ids in the place of {user} and {group}."""
    if isinstance(node, dict):
        return {key: filled(value, **ids) for key, value in node.items()}
    if isinstance(node, list):
        return [filled(item, **ids) for item in node]
    return node.format(**ids) if isinstance(node, str) and "{" in node else node


@pytest.fixture
def ids(slack: Slack, ana: SimulatedUser) -> dict[str, str]:
    return {"user": ana.id, "group": slack.add_usergroup("pki-team", [ana]).id}


@pytest.mark.parametrize("name", NOTIFIES)
async def test_a_mention_notifies(
    name: str, slack: Slack, api: AsyncWebClient, ana: SimulatedUser, pki: Channel, ids: dict[str, str]
) -> None:
    ben = slack.add_person("ben")

    await api.api_call("chat.postMessage", json={"channel": pki.id, "text": "x", **filled(NOTIFIES[name], **ids)})

    assert ana.notifications == pki.messages
    assert bool(ben.notifications) == (name == "everyone")


@pytest.mark.parametrize("name", IS_SILENT)
async def test_this_notifies_nobody(
    name: str, api: AsyncWebClient, ana: SimulatedUser, pki: Channel, ids: dict[str, str]
) -> None:
    await api.api_call("chat.postMessage", json={"channel": pki.id, "text": "x", **filled(IS_SILENT[name], **ids)})

    assert ana.notifications == []


async def test_an_edit_notifies_nobody(api: AsyncWebClient, ana: SimulatedUser, pki: Channel) -> None:
    posted = await api.chat_postMessage(channel=pki.id, text="hello")

    await api.chat_update(channel=pki.id, ts=posted["ts"], text=f"<@{ana.id}> hello")

    assert ana.notifications == []


async def test_a_direct_message_notifies_its_reader_and_a_mention_no_one_outside(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser, pki: Channel
) -> None:
    ben = slack.add_person("ben")
    pki.absent.add(ben.id)

    await api.chat_postMessage(channel=ana.id, text=f"hello, ask <@{ben.id}>")
    await api.chat_postMessage(channel=pki.id, text=f"<@{ben.id}>")

    assert (await ana.is_notified("hello")).channel is slack.dm(ana)
    assert ben.notifications == []
