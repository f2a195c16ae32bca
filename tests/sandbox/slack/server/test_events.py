"""Events: their receivers, their payloads, and their retries."""

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import Channel, SimulatedUser, Slack
from sandbox.slack.workspace.emails import EmailDetail
from tests.sandbox.slack.helpers import NO_ACK, Puppet, section

Json = dict[str, Any]


def heard(puppet: Puppet) -> list[Json]:
    return [envelope["payload"]["event"] for envelope in puppet.envelopes if envelope["type"] == "events_api"]


async def test_a_message_of_a_person_comes_as_an_event(
    slack: Slack, ana: SimulatedUser, pki: Channel, puppet: Puppet
) -> None:
    message = await ana.post(pki, "please resend 700001")

    envelope = puppet.envelopes[0]
    event = envelope["payload"]["event"]
    assert (envelope["retry_attempt"], envelope["retry_reason"]) == (0, "")
    assert envelope["accepts_response_payload"] is False
    assert envelope["payload"]["type"] == "event_callback"
    assert envelope["payload"]["event_id"].startswith("Ev")
    assert envelope["payload"]["is_ext_shared_channel"] is False
    assert envelope["payload"]["authorizations"][0]["user_id"] == slack.bot_user_id
    assert (
        event.items()
        >= {
            "type": "message",
            "user": ana.id,
            "text": "please resend 700001",
            "ts": message.ts,
            "channel": pki.id,
            "channel_type": "channel",
            "event_ts": message.ts,
        }.items()
    )
    assert event["blocks"][0]["type"] == "rich_text"
    assert not {"bot_id", "subtype", "thread_ts", "metadata"} & event.keys()


async def test_a_modern_app_has_a_user_and_a_profile_but_no_subtype(slack: Slack, pki: Channel, puppet: Puppet) -> None:
    slack.post_alert(pki, "watcher", blocks=[section("certificate expires")])
    await slack.wait_for_events()

    event = heard(puppet)[0]
    assert (event["text"], "subtype" in event) == ("", False)
    assert event["bot_profile"]["name"] == "watcher"
    assert event["bot_profile"]["app_id"] == slack.ensure_app("watcher").app_id != slack.app_id
    assert event["bot_id"] == slack.ensure_app("watcher").bot_id


async def test_a_classic_app_has_a_subtype_but_no_user(slack: Slack, pki: Channel, puppet: Puppet) -> None:
    attachment = {"title": "certificate expires", "fields": [{"title": "Domain", "value": "shop.example.com"}]}
    message = slack.post_alert(pki, "old-watcher", attachments=[attachment], classic=True)
    await slack.wait_for_events()

    event = heard(puppet)[0]
    assert (event["subtype"], event["username"]) == ("bot_message", "old-watcher")
    assert not {"user", "bot_profile"} & event.keys()
    assert message.visible_text == "certificate expires\nDomain\nshop.example.com"


async def test_a_reply_names_its_thread_and_whose_it_is(ana: SimulatedUser, pki: Channel, puppet: Puppet) -> None:
    root = await ana.post(pki, "root")
    await ana.post(pki, "reply", thread_ts=root.ts)

    assert heard(puppet)[1]["thread_ts"] == root.ts
    assert heard(puppet)[1]["parent_user_id"] == ana.id


async def test_the_bot_receives_its_own_messages_edits_and_deletions(
    slack: Slack, api: AsyncWebClient, pki: Channel, puppet: Puppet
) -> None:
    posted = await api.chat_postMessage(channel=pki.id, text="one")
    await api.chat_update(channel=pki.id, ts=posted["ts"], text="two")
    await api.chat_delete(channel=pki.id, ts=posted["ts"])
    await slack.wait_for_events()

    new, changed, deleted = heard(puppet)
    assert new["bot_id"] == posted["message"]["bot_id"]
    assert (changed["subtype"], changed["hidden"]) == ("message_changed", True)
    assert (changed["previous_message"]["text"], changed["message"]["text"]) == ("one", "two")
    assert (deleted["subtype"], deleted["deleted_ts"]) == ("message_deleted", posted["ts"])


async def test_its_own_messages_can_be_withheld_from_it(
    slack: Slack, api: AsyncWebClient, pki: Channel, puppet: Puppet
) -> None:
    slack.echo_own_messages = False

    await api.chat_postMessage(channel=pki.id, text="one")
    await slack.wait_for_events()

    assert heard(puppet) == []


async def test_no_event_arrives_from_a_channel_without_the_bot_or_its_scope(
    slack: Slack, ana: SimulatedUser, pki: Channel, puppet: Puppet
) -> None:
    await ana.post(slack.add_channel("elsewhere", member=False), "hello")
    await ana.post(slack.dm(ana), "hello")
    slack.granted_scopes.remove("channels:history")
    await ana.post(pki, "hello")
    slack.granted_scopes.add("channels:history")
    slack.subscriptions.remove("message.channels")
    await ana.post(pki, "hello")

    assert heard(puppet) == []


async def test_private_and_shared_channels_are_distinguished(slack: Slack, ana: SimulatedUser, puppet: Puppet) -> None:
    await ana.post(slack.add_channel("secret", private=True), "hello")
    await ana.post(slack.add_channel("shared", ext_shared=True), "hello")

    private, shared = (envelope["payload"] for envelope in puppet.envelopes)
    assert (private["event"]["channel_type"], private["is_ext_shared_channel"]) == ("group", False)
    assert (shared["event"]["channel_type"], shared["is_ext_shared_channel"]) == ("channel", True)


async def test_new_members_of_a_group_are_announced_unless_silenced(
    slack: Slack, ana: SimulatedUser, puppet: Puppet
) -> None:
    bob = slack.add_person("bob")
    group = slack.add_usergroup("pki-team", [ana])

    group.set_members([bob])
    group.set_members([ana, bob], notify=False)
    await slack.wait_for_events()

    (event,) = heard(puppet)
    assert (event["type"], event["subteam_id"]) == ("subteam_members_changed", group.id)
    assert (event["added_users"], event["removed_users"]) == ([bob.id], [ana.id])


async def test_any_event_can_be_sent(slack: Slack, ana: SimulatedUser, puppet: Puppet) -> None:
    slack.subscriptions.add("app_home_opened")

    slack.send_event({"type": "app_home_opened", "user": ana.id, "tab": "home"}, event_id="Ev1")
    await slack.wait_for_events()

    assert puppet.envelopes[0]["payload"]["event_id"] == "Ev1"


async def test_an_event_without_an_ack_is_tried_again_at_once_and_then_at_the_next_connection(
    slack: Slack, ana: SimulatedUser, pki: Channel, puppet: Puppet
) -> None:
    slack.ack_seconds = 0.05
    puppet.answer = lambda envelope: NO_ACK
    await ana.post(pki, "hello")
    puppet.answer, slack.ack_seconds = (lambda envelope: None), 3.0

    async with Puppet(slack):
        await slack.wait_for_events()

        sent = [delivery for delivery in slack.deliveries if delivery.kind == "events_api"]
    assert [delivery.retry_attempt for delivery in sent] == [0, 1, 2]
    assert [delivery.acked for delivery in sent] == [False, False, True]
    assert len({delivery.sent["event_id"] for delivery in sent}) == 1
    assert [delivery.envelope["retry_reason"] for delivery in sent] == ["", "timeout", "timeout"]


async def test_an_event_waits_while_no_socket_is_open(slack: Slack, ana: SimulatedUser, pki: Channel) -> None:
    await ana.post(pki, "hello")

    async with Puppet(slack) as puppet:
        await slack.wait_for_events()

    assert [envelope["retry_attempt"] for envelope in puppet.envelopes] == [1]
    assert slack.problems == []


async def test_an_event_without_an_ack_is_given_up(slack: Slack, ana: SimulatedUser, pki: Channel) -> None:
    slack.ack_seconds = 0.02
    await ana.post(pki, "hello")

    for _ in range(4):
        async with Puppet(slack, lambda envelope: NO_ACK):
            await slack.wait_for_events()

    assert [delivery.retry_attempt for delivery in slack.deliveries] == [1, 2, 3]
    assert slack.event_dispatcher.parked == []


@pytest.mark.parametrize("edit", [True, False])
async def test_other_messages_are_edited_and_deleted_too(
    slack: Slack, ana: SimulatedUser, pki: Channel, puppet: Puppet, edit: bool
) -> None:
    message = await ana.post(pki, "hello")

    if edit:
        slack.edit(message, slack.build_content("hello again"))
    else:
        slack.delete(message)
    await slack.wait_for_events()

    assert heard(puppet)[1]["subtype"] == ("message_changed" if edit else "message_deleted")


@pytest.mark.parametrize(
    ("detail", "seen"),
    [("title", set()), ("subject", {"subject", "from"}), ("whole", {"subject", "from", "plain_text"})],
)
async def test_an_email_to_the_channel_is_a_file_without_text(
    slack: Slack, ana: SimulatedUser, pki: Channel, puppet: Puppet, detail: EmailDetail, seen: set[str]
) -> None:
    slack.email_detail = detail

    message = slack.post_email(pki, "DCV for shop.example.com", "Approve it", sender="no-reply@example.com")
    await slack.wait_for_events()

    event = slack.deliveries[-1].sent["event"]
    [file] = event["files"]
    assert event.items() >= {"subtype": "file_share", "text": "", "user": "USLACKBOT", "upload": True}.items()
    assert "blocks" not in event
    assert (file["filetype"], file["title"]) == ("email", "DCV for shop.example.com")
    assert {"subject", "from", "plain_text"} & set(file) == seen
    assert message.content.says("Approve it")
