"""Dialogs of confirmation: an action is sent only after the user agreed."""

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import Channel, ConfirmationDialog, ConfirmationNeeded, SimulatedUser, Slack
from tests.sandbox.slack.helpers import Puppet, button, buttons, modal, option, section, show, words

Json = dict[str, Any]
QUESTION = {
    "title": words("Send one email?"),
    "text": {"type": "mrkdwn", "text": "To *admin@shop.example.com*"},
    "confirm": words("Send"),
    "deny": words("Cancel"),
    "style": "primary",
}
DIALOG = ConfirmationDialog("Send one email?", "To admin@shop.example.com", "Send", "Cancel", "primary")
MENU = {"type": "overflow", "action_id": "more", "options": [option("Resend", "r"), option("Help", "h")]}
RADIO = {"type": "radio_buttons", "action_id": "which", "options": [option("a"), option("b")], "confirm": QUESTION}


@pytest.mark.parametrize(
    ("block", "label"),
    [
        (buttons(button("Resend", confirm=QUESTION)), "Resend"),
        (section("x", accessory=MENU | {"confirm": QUESTION}), "Help"),
    ],
)
async def test_a_press_is_sent_only_after_confirmation(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser, pki: Channel, puppet: Puppet, block: Json, label: str
) -> None:
    slack.home_tab_enabled = True
    await api.chat_postMessage(channel=pki.id, text="x", blocks=[block])
    await api.views_publish(user_id=ana.id, view={"type": "home", "blocks": [block]})
    form, message = await show(slack, api, ana, block), pki.messages[0]
    sent = len(slack.deliveries)

    assert [each.confirmation(label) for each in (form, ana.home_tab)] == [DIALOG, DIALOG]
    assert ana.confirmation(message, label) == DIALOG
    for press in (ana.click(message, label), form.click(label), ana.home_tab.click(label)):
        with pytest.raises(ConfirmationNeeded, match=r"To admin@shop\.example\.com"):
            await press
    assert len(slack.deliveries) == sent

    assert (await ana.click(message, label, confirmed=True)).acked
    assert (await form.click(label, confirmed=True)).acked
    assert (await ana.home_tab.click(label, confirmed=True)).acked


async def test_a_choice_is_sent_only_after_confirmation(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser, pki: Channel, puppet: Puppet
) -> None:
    block = {"type": "actions", "block_id": "b", "elements": [RADIO]}
    await api.chat_postMessage(channel=pki.id, text="x", blocks=[block])
    form, message = await show(slack, api, ana, block), pki.messages[0]

    with pytest.raises(ConfirmationNeeded):
        await form.choose("b")
    assert form.selected() == []
    with pytest.raises(ConfirmationNeeded):
        await ana.choose(message, ("b", "which"), option("b"))

    assert await form.choose("b", confirmed=True) is not None
    assert (await ana.choose(message, ("b", "which"), option("b"), confirmed=True)).acked


async def test_most_buttons_ask_nothing(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser, pki: Channel, puppet: Puppet
) -> None:
    form = await show(slack, api, ana, buttons(button("Refresh", "refresh")), modal(section("x"))["blocks"][0])

    with pytest.raises(LookupError, match="refresh does not ask"):
        form.confirmation("Refresh")
    assert (await form.click("Refresh")).acked
