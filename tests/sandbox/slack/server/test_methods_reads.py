"""The read-only methods: users, groups, channels, history and threads."""

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import Channel, SimulatedUser, Slack

Json = dict[str, Any]


async def refusal(call: Any) -> str:
    with pytest.raises(SlackApiError) as failure:
        await call
    return str(failure.value.response["error"])


async def test_a_person_is_described_as_they_are_now(slack: Slack, api: AsyncWebClient, ana: SimulatedUser) -> None:
    before = (await api.users_info(user=ana.id))["user"]
    ana.deleted = ana.guest = ana.ultra_guest = ana.workflow_bot = ana.stranger = True
    after = (await api.users_info(user=ana.id))["user"]

    flags = ["deleted", "is_restricted", "is_ultra_restricted", "is_bot", "is_workflow_bot"]
    assert [before[flag] for flag in flags] == [False] * 5
    assert [after[flag] for flag in flags] == [True] * 5
    assert (before["id"], before["team_id"], before["name"]) == (ana.id, slack.team_id, "ana")
    assert ("is_stranger" in before, after["is_stranger"]) == (False, True)


async def test_strangers_and_members_of_a_grid_come_from_elsewhere(slack: Slack, api: AsyncWebClient) -> None:
    eve = slack.add_person("eve", stranger=True)
    max_ = slack.add_person("max", team_id="E0ORG", enterprise_id="E0ORG", teams=(slack.team_id,))

    stranger = (await api.users_info(user=eve.id))["user"]
    grid = (await api.users_info(user=max_.id))["user"]

    assert stranger["team_id"] not in (slack.team_id, None)
    assert (grid["team_id"], grid["enterprise_user"]["teams"]) == ("E0ORG", [slack.team_id])


async def test_an_unknown_person_is_not_found(api: AsyncWebClient) -> None:
    assert await refusal(api.users_info(user="U0NOBODY")) == "user_not_found"


async def test_the_bot_is_a_user_too(slack: Slack, api: AsyncWebClient) -> None:
    assert (await api.users_info(user=slack.bot_user_id))["user"]["is_bot"]


async def test_a_group_lists_its_members(slack: Slack, api: AsyncWebClient, ana: SimulatedUser) -> None:
    group = slack.add_usergroup("pki-team", [ana])

    assert group.id.startswith("S")
    assert (await api.usergroups_users_list(usergroup=group.id))["users"] == [ana.id]
    assert await refusal(api.usergroups_users_list(usergroup="S0NONE")) == "no_such_subteam"
    slack.paid_plan = False
    assert await refusal(api.usergroups_users_list(usergroup=group.id)) == "plan_upgrade_required"


async def test_a_channel_is_described(slack: Slack, api: AsyncWebClient) -> None:
    shared = slack.add_channel("shared", ext_shared=True, member=False)
    secret = slack.add_channel("secret", private=True)

    seen = (await api.conversations_info(channel=shared.id))["channel"]
    hidden = (await api.conversations_info(channel=secret.id))["channel"]

    assert (seen["is_ext_shared"], seen["is_private"], seen["is_member"]) == (True, False, False)
    assert (hidden["is_private"], hidden["is_member"]) == (True, True)


async def test_a_private_channel_without_the_bot_is_not_there(slack: Slack, api: AsyncWebClient) -> None:
    secret = slack.add_channel("secret", private=True, member=False)

    assert await refusal(api.conversations_info(channel=secret.id)) == "channel_not_found"


async def test_each_kind_of_channel_has_a_scope_of_its_own(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser, pki: Channel
) -> None:
    slack.granted_scopes.discard("channels:read")

    assert await refusal(api.conversations_info(channel=pki.id)) == "missing_scope"
    assert await refusal(api.conversations_info(channel=slack.dm(ana).id)) == "missing_scope"
    assert (await api.conversations_info(channel=slack.add_channel("secret", private=True).id))["ok"]


async def test_direct_messages_are_opened_with_the_scope(slack: Slack, api: AsyncWebClient, ana: SimulatedUser) -> None:
    assert await refusal(api.conversations_open(users=ana.id)) == "missing_scope"
    slack.granted_scopes.add("im:write")

    first, second = await api.conversations_open(users=[ana.id]), await api.conversations_open(users=ana.id)

    assert first["channel"]["id"] == second["channel"]["id"] == slack.dm(ana).id
    assert (first["no_op"], second["no_op"]) == (False, True)


async def test_channels_are_listed_as_far_as_the_bot_sees_them(slack: Slack, api: AsyncWebClient) -> None:
    slack.add_channel("open", member=False)
    slack.add_channel("secret", private=True)
    slack.add_channel("hidden", private=True, member=False)

    listed = await api.conversations_list(types=["public_channel", "private_channel"])

    assert [channel["name"] for channel in listed["channels"]] == ["open", "secret"]


async def test_history_is_newest_first_in_pages_without_replies(
    slack: Slack, api: AsyncWebClient, pki: Channel
) -> None:
    stamps = [(await api.chat_postMessage(channel=pki.id, text=str(number)))["ts"] for number in range(3)]
    await api.chat_postMessage(channel=pki.id, text="reply", thread_ts=stamps[0])

    first = await api.conversations_history(channel=pki.id, limit=2)
    second = await api.conversations_history(channel=pki.id, limit=2, cursor=first["response_metadata"]["next_cursor"])

    assert [message["text"] for message in first["messages"]] == ["2", "1"]
    assert [message["text"] for message in second["messages"]] == ["0"]
    assert (first["has_more"], second["has_more"]) == (True, False)
    assert (second["messages"][0]["reply_count"], second["messages"][0]["thread_ts"]) == (1, stamps[0])


async def test_history_can_begin_and_end_at_a_time(api: AsyncWebClient, pki: Channel) -> None:
    stamps = [(await api.chat_postMessage(channel=pki.id, text=str(number)))["ts"] for number in range(3)]

    between = await api.conversations_history(channel=pki.id, oldest=stamps[0], latest=stamps[2])
    one = await api.conversations_history(channel=pki.id, latest=stamps[1], inclusive=True, limit=1)

    assert [message["text"] for message in between["messages"]] == ["1"]
    assert [message["text"] for message in one["messages"]] == ["1"]


async def test_replies_come_with_their_root_oldest_first(api: AsyncWebClient, pki: Channel) -> None:
    root = (await api.chat_postMessage(channel=pki.id, text="root"))["ts"]
    for text in ("one", "two"):
        reply = (await api.chat_postMessage(channel=pki.id, text=text, thread_ts=root))["ts"]

    for ts in (root, reply):
        messages = (await api.conversations_replies(channel=pki.id, ts=ts))["messages"]
        assert [message["text"] for message in messages] == ["root", "one", "two"]
    assert await refusal(api.conversations_replies(channel=pki.id, ts="1.2")) == "thread_not_found"


async def test_history_is_for_members_and_within_limits(slack: Slack, api: AsyncWebClient, pki: Channel) -> None:
    elsewhere = slack.add_channel("elsewhere", member=False)

    assert await refusal(api.conversations_history(channel=elsewhere.id)) == "not_in_channel"
    assert await refusal(api.conversations_history(channel=pki.id, limit=5_000)) == "invalid_limit"
    assert await refusal(api.conversations_history(channel=pki.id, cursor="next")) == "invalid_cursor"
    slack.granted_scopes.remove("channels:history")
    assert await refusal(api.conversations_replies(channel=pki.id, ts="1.2")) == "missing_scope"


async def test_pages_can_be_made_smaller(slack: Slack, api: AsyncWebClient, pki: Channel) -> None:
    slack.page_limit = 1
    for number in range(2):
        await api.chat_postMessage(channel=pki.id, text=str(number))

    page = await api.conversations_history(channel=pki.id)

    assert [message["text"] for message in page["messages"]] == ["1"]
