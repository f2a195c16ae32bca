"""The main path of a request, with a real Bolt app at the other end of the socket."""

from typing import Any

import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import Channel, SimulatedUser, Slack, SuggestionsTimeout
from tests.sandbox.slack.helpers import (
    Puppet,
    button,
    buttons,
    modal,
    note,
    option,
    search_field,
    section,
    select,
    words,
)

Json = dict[str, Any]


async def test_a_command_opens_a_form_whose_submission_posts_and_is_followed_in_the_thread(
    slack: Slack, bot: AsyncApp, ana: SimulatedUser, pki: Channel
) -> None:
    @bot.command("/dcv-resend")
    async def opened(ack: AsyncAck, body: Json, client: AsyncWebClient) -> None:
        await ack()
        view = modal(section("Looking up …"), submit=None, private_metadata=body["channel_id"])
        shown = await client.views_open(trigger_id=body["trigger_id"], view=view)
        found = modal(
            select("Recipients", "a@x.org", "b@x.org"), note(optional=True), private_metadata=body["channel_id"]
        )
        await client.views_update(view_id=shown["view"]["id"], hash=shown["view"]["hash"], view=found)

    @bot.view("resend")
    async def submitted(ack: AsyncAck, view: Json, client: AsyncWebClient) -> None:
        await ack()
        chosen = view["state"]["values"]["block_recipient"]["recipient"]["selected_option"]["value"]
        root = await client.chat_postMessage(channel=view["private_metadata"], text=f"Sending to {chosen}")
        await client.chat_postMessage(channel=root["channel"], text="sent", thread_ts=root["ts"])
        await client.chat_update(channel=root["channel"], ts=root["ts"], text=f"Sent to {chosen}")

    delivery = await ana.command("/dcv-resend", "700001", pki)
    form = await ana.sees_form(containing="Recipients")
    await form.choose("b@x.org")
    result = await form.submit()
    message = await slack.sees_message(pki, containing="Sent to b@x.org")

    assert delivery.acked
    assert result.closed
    assert not form.is_open
    assert [old.text for old in message.history] == ["Sending to b@x.org"]
    assert [reply.text for reply in slack.thread(pki, message.ts)] == ["sent"]
    assert slack.problems == []


async def test_a_search_is_answered_and_the_choice_redraws_the_form(
    bot: AsyncApp, api: AsyncWebClient, slack: Slack, ana: SimulatedUser
) -> None:
    @bot.options("target")
    async def suggested(ack: AsyncAck, payload: Json) -> None:
        await ack(options=[option(f"{payload['value']}.example.com", "d1")])

    @bot.action("target")
    async def chosen(ack: AsyncAck, body: Json, client: AsyncWebClient) -> None:
        await ack()
        value = body["actions"][0]["selected_option"]["value"]
        view = modal(search, select(f"Recipients for {value}", "a@x.org"))
        await client.views_update(view_id=body["view"]["id"], hash=body["view"]["hash"], view=view)

    search = search_field("Order or domain") | {"dispatch_action": True}
    await api.views_open(trigger_id=slack.triggers.issue(ana), view=modal(search))
    form = await ana.sees_form(containing="Order or domain")

    options = await form.search("shop")
    await form.choose(options[0])
    same = await ana.sees_form(containing="Recipients for d1")

    assert [found["text"] for found in options] == ["shop.example.com"]
    assert same.view_id == form.view_id
    assert form.selected("Order or domain") == ["shop.example.com"]
    assert slack.problems == []


async def test_errors_of_a_bolt_app_appear_below_the_field(
    bot: AsyncApp, api: AsyncWebClient, slack: Slack, ana: SimulatedUser
) -> None:
    @bot.view("resend")
    async def submitted(ack: AsyncAck) -> None:
        await ack(response_action="errors", errors={"block_reason": "please say why"})

    await api.views_open(trigger_id=slack.triggers.issue(ana), view=modal(note(optional=True)))

    result = await (await ana.sees_form()).submit()

    assert result.error_texts == ["please say why"]


async def test_a_listener_that_fails_before_its_ack_is_seen_as_a_failure(
    bot: AsyncApp, api: AsyncWebClient, slack: Slack, ana: SimulatedUser
) -> None:
    @bot.options("target")
    async def suggested() -> None:
        raise RuntimeError("no options today")

    slack.ack_seconds = 0.2
    await api.views_open(trigger_id=slack.triggers.issue(ana), view=modal(search_field("Order or domain")))
    form = await ana.sees_form()

    with pytest.raises(SuggestionsTimeout):
        await form.search("shop")

    assert "search for 'shop' by ana was not acknowledged" in slack.problems[0]


async def test_a_click_below_a_message_is_answered_in_its_place(
    bot: AsyncApp, api: AsyncWebClient, slack: Slack, ana: SimulatedUser, pki: Channel
) -> None:
    @bot.action("not_now")
    async def declined(ack: AsyncAck, respond: AsyncRespond) -> None:
        await ack()
        await respond(text="Maybe later", replace_original=True)

    offer = [section("Resend?"), buttons(button("Resend", "resend"), button("Not now", "not_now", value="r1"))]
    await api.chat_postMessage(channel=pki.id, text="Resend?", blocks=offer)
    message = await slack.sees_message(pki, containing="Resend?")

    delivery = await ana.click(message, "Not now")
    await slack.sees_message(pki, containing="Maybe later")

    sent = delivery.sent
    assert sent["container"] == {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": pki.id,
        "is_ephemeral": False,
    }
    assert sent["message"]["text"] == "Resend?"
    assert sent["actions"][0].items() >= {"action_id": "not_now", "block_id": "buttons", "value": "r1"}.items()
    assert message.history[0].buttons == ["Resend", "Not now"]
    with pytest.raises(LookupError, match="no button 'Resend'"):
        await ana.click(message, "Resend")


async def test_a_click_below_an_ephemeral_message_does_not_show_the_message(
    bot: AsyncApp, api: AsyncWebClient, ana: SimulatedUser, pki: Channel
) -> None:
    @bot.action("again")
    async def wanted(ack: AsyncAck) -> None:
        await ack()

    await api.chat_postEphemeral(channel=pki.id, user=ana.id, text="again?", blocks=[buttons(button("Again", "again"))])

    delivery = await ana.click(await ana.receives("Again"), "Again")

    assert delivery.acked
    assert delivery.sent["container"]["is_ephemeral"]
    assert "message" not in delivery.sent


async def test_a_click_shows_what_this_person_chose_beside_it(
    api: AsyncWebClient, slack: Slack, ana: SimulatedUser, pki: Channel, puppet: Puppet
) -> None:
    ben, radio = (
        slack.add_person("ben"),
        {"type": "radio_buttons", "action_id": "who", "options": [option("a"), option("b")]},
    )
    blocks = [{"type": "actions", "block_id": "b", "elements": [radio, button("Go", "go")]}]
    await api.chat_postMessage(channel=pki.id, text="Who?", blocks=blocks)
    message = pki.messages[0]

    await ana.choose(message, ("b", "who"), option("b"))
    states = [(await person.click(message, "Go")).sent["state"]["values"]["b"]["who"] for person in (ana, ben)]
    await api.chat_update(channel=pki.id, ts=message.ts, text="Who?", blocks=blocks)
    after = (await ana.click(message, "Go")).sent["state"]["values"]["b"]["who"]

    assert [state["selected_option"] for state in states] == [option("b"), None]
    assert after == {"type": "radio_buttons", "selected_option": None}


async def test_a_menu_below_a_message_is_used_like_a_button(
    bot: AsyncApp, api: AsyncWebClient, slack: Slack, ana: SimulatedUser, pki: Channel
) -> None:
    @bot.action("more")
    async def wanted(ack: AsyncAck) -> None:
        await ack()

    menu = {"type": "overflow", "action_id": "more", "options": [option("Stop following", "stop"), option("Help")]}
    await api.chat_postMessage(channel=pki.id, text="sent", blocks=[section("sent", accessory=menu)])
    message = await slack.sees_message(pki, containing="sent")

    delivery = await ana.click(message, "Stop following")

    assert message.buttons == ["Stop following", "Help"]
    assert delivery.sent["actions"][0]["selected_option"]["value"] == "stop"


async def test_buttons_inside_containers_and_cards_are_pressed(
    api: AsyncWebClient, slack: Slack, ana: SimulatedUser, pki: Channel, puppet: Puppet
) -> None:
    inside = [section("one"), buttons(button("Resend", "resend")), note(dispatch_action=True)]
    container = {"type": "container", "title": words("Orders"), "child_blocks": inside}
    card = {"type": "card", "title": words("x"), "actions": [button("Open", "open")]}
    carousel = {"type": "carousel", "elements": [card | {"actions": [button("Next", "next")]}]}
    await api.chat_postMessage(channel=pki.id, text="x", blocks=[container, card, carousel])
    message = pki.messages[0]

    sent = [(await ana.click(message, label)).sent for label in ("Resend", "Open", "Next")]

    assert [payload["actions"][0]["action_id"] for payload in sent] == ["resend", "open", "next"]
    assert sent[0]["actions"][0]["block_id"] == "buttons"
    assert sent[0]["state"]["values"]["block_reason"]["reason"]["value"] is None


async def test_a_message_shortcut_shows_the_app_the_message(
    bot: AsyncApp, slack: Slack, ana: SimulatedUser, pki: Channel
) -> None:
    @bot.shortcut("dcv_resend_message")
    async def used(ack: AsyncAck, body: Json, client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=modal(section(body["message"]["text"])))

    @bot.event("message")
    async def heard() -> None:
        """Ignore every message."""

    alert = slack.post_alert(pki, "watcher", "shop.example.com expires")

    delivery = await ana.shortcut("dcv_resend_message", alert)

    assert (await ana.sees_form(containing="shop.example.com expires")).is_open
    assert (delivery.sent["type"], delivery.sent["message_ts"]) == ("message_action", alert.ts)
    assert delivery.sent["channel"] == {"id": pki.id, "name": "pki"}


async def test_a_global_shortcut_comes_from_no_channel(
    bot: AsyncApp, slack: Slack, ana: SimulatedUser, pki: Channel
) -> None:
    @bot.global_shortcut("dcv_resend_global")
    async def used(ack: AsyncAck, body: Json, client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=modal(section("Order or domain")))

    slack.shortcuts = {"dcv_resend_global": "global", "dcv_resend_message": "message"}
    sent = (await ana.shortcut("dcv_resend_global")).sent

    assert (await ana.sees_form(containing="Order or domain")).is_open
    assert (sent["type"], sent["callback_id"]) == ("shortcut", "dcv_resend_global")
    assert sent["user"] == {"id": ana.id, "username": "ana", "team_id": slack.team_id}
    assert sent["team"] == {"id": slack.team_id, "domain": slack.domain}
    assert set(sent) & {"channel", "response_url", "message", "container", "api_app_id"} == set()


async def test_the_team_of_a_global_shortcut_is_null_for_a_whole_organization(
    slack: Slack, ana: SimulatedUser, puppet: Puppet
) -> None:
    slack.enterprise_id, slack.is_org_wide = "E1", True

    assert (await ana.shortcut("dcv_resend_global")).sent["team"] is None


async def test_a_shortcut_that_the_manifest_does_not_declare_is_not_offered(
    slack: Slack, ana: SimulatedUser, pki: Channel
) -> None:
    slack.shortcuts = {"dcv_resend_message": "message"}
    message = slack.post_alert(pki, "watcher", "certificate expires")

    sam = slack.add_person("sam", stranger=True)

    for offered in (
        ana.shortcut("dcv_resend_message"),
        ana.shortcut("another", message),
        sam.shortcut("dcv_resend_message", message),
    ):
        with pytest.raises(LookupError, match="shortcut"):
            await offered


async def test_bolt_receives_messages_of_people_but_not_its_own(
    bot: AsyncApp, slack: Slack, ana: SimulatedUser, pki: Channel
) -> None:
    texts: list[str] = []

    @bot.event("message")
    async def heard(event: Json, client: AsyncWebClient) -> None:
        texts.append(event["text"])
        await client.chat_postMessage(channel=event["channel"], text="I heard you", thread_ts=event["ts"])

    message = await ana.post(pki, "hello")
    await slack.sees_message(pki, containing="I heard you", thread=message)
    await slack.wait_for_events()

    assert texts == ["hello"]
    assert len([delivery for delivery in slack.deliveries if delivery.kind == "events_api"]) == 2
    assert slack.problems == []


@pytest.mark.parametrize("gentle", [True, False])
async def test_bolt_comes_back_after_its_socket_went(
    handler: AsyncSocketModeHandler, bot: AsyncApp, slack: Slack, ana: SimulatedUser, gentle: bool
) -> None:
    @bot.command("/dcv-resend")
    async def typed(ack: AsyncAck) -> None:
        await ack("here again")

    if gentle:
        await slack.disconnect("refresh_requested")
    else:
        slack.drop_sockets()
    await slack.wait_for_connection()
    await ana.command("/dcv-resend")

    assert (await ana.receives("here again")).author == "DCV Resend"
    assert slack.problems == []


async def test_muted_pongs_make_bolt_open_another_socket(
    handler: AsyncSocketModeHandler, bot: AsyncApp, slack: Slack
) -> None:
    slack.ignore_pings = True
    first = slack.socket_mode.sockets[0]

    await slack.wait_for(lambda: slack.sockets and first not in slack.socket_mode.sockets, "another socket", 10)

    opened = [call for call in slack.api_calls if call.method == "apps.connections.open"]
    assert len(opened) >= 2
