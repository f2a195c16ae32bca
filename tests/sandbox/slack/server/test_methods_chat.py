"""Posting, editing and deleting messages, and ephemeral messages."""

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import Channel, SimulatedUser, Slack
from tests.sandbox.slack.helpers import button, buttons, section

Json = dict[str, Any]


async def refusal(call: Any) -> str:
    with pytest.raises(SlackApiError) as failure:
        await call
    return str(failure.value.response["error"])


async def test_a_post_carries_the_marks_of_the_bot(slack: Slack, api: AsyncWebClient, pki: Channel) -> None:
    answer = await api.chat_postMessage(channel=pki.id, text="hello")

    message = answer["message"]
    assert (message["user"], message["app_id"]) == (slack.bot_user_id, slack.app_id)
    assert message["bot_profile"]["app_id"] == slack.app_id
    assert pki.messages[0].ts == answer["ts"]


async def test_blocks_are_stored_with_ids_and_defaults(api: AsyncWebClient, pki: Channel) -> None:
    answer = await api.chat_postMessage(channel=pki.id, text="hello", blocks=[section("*hi*")])

    block = answer["message"]["blocks"][0]
    assert block["block_id"]
    assert block["text"] == {"type": "mrkdwn", "text": "*hi*", "verbatim": False}


async def test_a_markdown_block_loses_its_id(api: AsyncWebClient, pki: Channel) -> None:
    blocks = [{"type": "markdown", "text": "*hi*", "block_id": "mine"}, section("hi", block_id="mine too")]

    await api.chat_postMessage(channel=pki.id, text="hi", blocks=blocks)

    markdown, other = pki.messages[0].blocks
    assert markdown["block_id"] not in {"", "mine"}
    assert other["block_id"] == "mine too"


async def test_timestamps_grow_even_when_the_clock_is_stopped() -> None:
    async with Slack(clock=lambda: 1_700_000_000.0) as slack:
        api = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        pki = slack.add_channel("pki")
        stamps = [(await api.chat_postMessage(channel=pki.id, text="hello"))["ts"] for _ in range(3)]

    assert len(set(stamps)) == 3
    assert stamps == sorted(stamps)


@pytest.mark.parametrize(
    ("traits", "error"),
    [
        ({"member": False}, "not_in_channel"),
        ({"member": False, "private": True}, "channel_not_found"),
        ({"archived": True}, "is_archived"),
        ({"read_only": True}, "restricted_action"),
    ],
)
async def test_posting_fails_in_a_closed_channel(slack: Slack, api: AsyncWebClient, traits: Json, error: str) -> None:
    channel = slack.add_channel("closed", **traits)

    assert await refusal(api.chat_postMessage(channel=channel.id, text="hello")) == error
    assert slack.problems == []


async def test_with_the_public_scope_the_bot_posts_where_it_is_no_member(slack: Slack, api: AsyncWebClient) -> None:
    slack.granted_scopes.add("chat:write.public")
    channel = slack.add_channel("open", member=False)

    assert (await api.chat_postMessage(channel=channel.id, text="hello"))["ok"]


async def test_a_user_id_means_the_direct_messages(slack: Slack, api: AsyncWebClient, ana: SimulatedUser) -> None:
    answer = await api.chat_postMessage(channel=ana.id, text="hello")

    assert answer["channel"] == slack.dm(ana).id
    assert answer["channel"].startswith("D")
    assert [message.text for message in ana.direct_messages] == ["hello"]


async def test_no_person_gets_direct_messages_while_the_tab_is_off(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser
) -> None:
    slack.messages_tab_enabled = False

    assert await refusal(api.chat_postMessage(channel=ana.id, text="hello")) == "messages_tab_disabled"


async def test_who_cannot_be_written_to_directly(slack: Slack, api: AsyncWebClient, ana: SimulatedUser) -> None:
    ana.deleted = True

    assert await refusal(api.chat_postMessage(channel=ana.id, text="hello")) == "user_disabled"
    assert await refusal(api.chat_postMessage(channel=slack.bot_user_id, text="hello")) == "cannot_dm_bot"
    assert await refusal(api.chat_postMessage(channel="U0NOBODY", text="hello")) == "channel_not_found"


async def test_replies_hang_below_the_root_even_when_a_reply_is_named(
    slack: Slack, api: AsyncWebClient, pki: Channel
) -> None:
    root = await api.chat_postMessage(channel=pki.id, text="root")
    first = await api.chat_postMessage(channel=pki.id, text="first", thread_ts=root["ts"])
    await api.chat_postMessage(channel=pki.id, text="second", thread_ts=first["ts"])

    assert [reply.text for reply in slack.thread(pki, root["ts"])] == ["first", "second"]


async def test_a_thread_that_is_not_there_is_refused(api: AsyncWebClient, pki: Channel) -> None:
    assert await refusal(api.chat_postMessage(channel=pki.id, text="hello", thread_ts="1.2")) == "thread_not_found"


async def test_what_slack_would_reject_is_refused_and_a_problem(
    slack: Slack, api: AsyncWebClient, pki: Channel
) -> None:
    bad = [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3_001}}]

    assert await refusal(api.chat_postMessage(channel=pki.id, text="hello", blocks=bad)) == "invalid_blocks"
    assert await refusal(api.api_call("chat.postMessage", json={"channel": pki.id})) == "no_text"
    assert ["invalid_blocks" in slack.problems[0], "no_text" in slack.problems[1]] == [True, True]


async def test_metadata_stays_in_an_update_unless_it_is_given(api: AsyncWebClient, pki: Channel) -> None:
    metadata = {"event_type": "dcv_request", "event_payload": {"id": "r1"}}
    ts = (await api.chat_postMessage(channel=pki.id, text="hello", metadata=metadata))["ts"]

    await api.chat_update(channel=pki.id, ts=ts, text="edited")
    assert pki.messages[0].metadata == metadata
    await api.chat_update(channel=pki.id, ts=ts, text="edited again", metadata={})
    assert pki.messages[0].metadata is None


async def test_metadata_is_stored_and_returned_only_on_request(api: AsyncWebClient, pki: Channel) -> None:
    metadata = {"event_type": "dcv_request", "event_payload": {"id": "r1"}}
    await api.chat_postMessage(channel=pki.id, text="hello", metadata=metadata)

    plain = (await api.conversations_history(channel=pki.id))["messages"][0]
    full = (await api.conversations_history(channel=pki.id, include_all_metadata=True))["messages"][0]

    assert "metadata" not in plain
    assert full["metadata"] == pki.messages[0].metadata == metadata


async def test_an_update_preserves_the_old_version_in_the_history(api: AsyncWebClient, pki: Channel) -> None:
    posted = await api.chat_postMessage(channel=pki.id, text="sending", blocks=[section("sending")])

    await api.chat_update(channel=pki.id, ts=posted["ts"], text="sent")

    message = pki.messages[0]
    assert (message.text, message.blocks, message.ts) == ("sent", [], posted["ts"])
    assert [version.visible_text for version in message.history] == ["sending"]
    assert message.edited


async def test_an_edit_of_blocks_alone_preserves_the_text_and_sets_no_edit_mark(
    api: AsyncWebClient, pki: Channel
) -> None:
    posted = await api.chat_postMessage(channel=pki.id, text="sending")

    blocks = [section("sent"), buttons(button("Check now"))]
    await api.api_call("chat.update", json={"channel": pki.id, "ts": posted["ts"], "blocks": blocks})

    message = pki.messages[0]
    assert (message.text, message.visible_text, message.edited) == ("sending", "sent\nCheck now", None)
    assert message.buttons == ["Check now"]


async def test_an_update_is_shorter_than_a_post(slack: Slack, api: AsyncWebClient, pki: Channel) -> None:
    posted = await api.chat_postMessage(channel=pki.id, text="x" * 4_001)

    assert await refusal(api.chat_update(channel=pki.id, ts=posted["ts"], text="x" * 4_001)) == "msg_too_long"


async def test_only_own_messages_are_changed_or_deleted(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser, pki: Channel
) -> None:
    message = await ana.post(pki, "hello")

    assert await refusal(api.chat_update(channel=pki.id, ts=message.ts, text="other")) == "cant_update_message"
    assert await refusal(api.chat_delete(channel=pki.id, ts=message.ts)) == "cant_delete_message"


async def test_a_deleted_message_is_gone(api: AsyncWebClient, pki: Channel) -> None:
    posted = await api.chat_postMessage(channel=pki.id, text="hello")

    await api.chat_delete(channel=pki.id, ts=posted["ts"])

    assert pki.messages == []
    assert await refusal(api.chat_update(channel=pki.id, ts=posted["ts"], text="x")) == "message_not_found"


async def test_an_ephemeral_message_reaches_one_person_only(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser, pki: Channel
) -> None:
    bob = slack.add_person("bob")

    await api.chat_postEphemeral(channel=pki.id, user=ana.id, text="only for you")

    assert (await ana.receives("only for you")).channel is pki
    assert (bob.ephemerals, pki.messages) == ([], [])


async def test_no_person_outside_the_channel_gets_an_ephemeral_message(
    api: AsyncWebClient, ana: SimulatedUser, pki: Channel
) -> None:
    pki.absent.add(ana.id)

    assert await refusal(api.chat_postEphemeral(channel=pki.id, user=ana.id, text="hi")) == "user_not_in_channel"


@pytest.mark.parametrize("error", ["not_in_channel", "channel_not_found", "internal_error"])
async def test_an_ephemeral_message_needs_the_bot_in_the_channel_whatever_its_scopes(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser, error: str
) -> None:
    slack.granted_scopes.add("chat:write.public")
    platform = slack.add_channel("platform", member=False)
    if error != "not_in_channel":
        slack.ephemeral_outside_error = error

    await api.chat_postMessage(channel=platform.id, text="hi")

    assert await refusal(api.chat_postEphemeral(channel=platform.id, user=ana.id, text="hi")) == error
    assert ana.ephemerals == []


async def test_an_ephemeral_message_has_no_ts_to_update_or_delete(
    api: AsyncWebClient, ana: SimulatedUser, pki: Channel
) -> None:
    ts = (await api.chat_postEphemeral(channel=pki.id, user=ana.id, text="hi"))["message_ts"]

    assert await refusal(api.chat_update(channel=pki.id, ts=ts, text="other")) == "message_not_found"
    assert await refusal(api.chat_delete(channel=pki.id, ts=ts)) == "message_not_found"


async def test_a_permalink_names_channel_message_and_thread(api: AsyncWebClient, pki: Channel) -> None:
    root = await api.chat_postMessage(channel=pki.id, text="root")
    reply = await api.chat_postMessage(channel=pki.id, text="reply", thread_ts=root["ts"])

    link = (await api.chat_getPermalink(channel=pki.id, message_ts=reply["ts"]))["permalink"]

    assert f"/archives/{pki.id}/p{reply['ts'].replace('.', '')}" in link
    assert f"thread_ts={root['ts']}" in link
    assert await refusal(api.chat_getPermalink(channel=pki.id, message_ts="1.2")) == "message_not_found"
