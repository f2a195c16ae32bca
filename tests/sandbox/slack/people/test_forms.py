"""The actions of a user in a form, and the payloads that the app receives."""

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import Channel, SimulatedUser, Slack, SuggestionsTimeout
from tests.sandbox.slack.helpers import (
    NO_ACK,
    Puppet,
    button,
    buttons,
    field,
    note,
    option,
    search_field,
    section,
    select,
    show,
    words,
)

Json = dict[str, Any]


async def test_a_form_shows_what_can_be_read(slack: Slack, api: AsyncWebClient, ana: SimulatedUser) -> None:
    blocks = [
        {"type": "header", "text": words("Order 700001")},
        section("Validates *shop.example.com* &amp; all below it"),
        select("Recipients for shop.example.com", "admin@example.com"),
        note(placeholder=words("why again?")) | {"hint": words("kept in the ledger")},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "asked by <@U1>"}]},
    ]
    form = await show(slack, api, ana, *blocks)

    assert form.text.splitlines() == [
        "Order 700001",
        "Validates shop.example.com & all below it",
        "Recipients for shop.example.com",
        "admin@example.com",
        "Reason",
        "why again?",
        "kept in the ledger",
        "asked by <@U1>",
    ]
    assert (form.title, form.submit_text) == ("Resend DCV emails", "Resend")
    assert form.labels == ["Recipients for shop.example.com", "Reason"]
    assert form.says("*shop.example.com*")


async def test_a_search_asks_the_app_and_its_result_can_be_chosen(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser, puppet: Puppet
) -> None:
    form = await show(slack, api, ana, search_field("Order or domain"), note(optional=True))
    found = [option("shop.example.com", "d1") | {"description": words("waits for 3 d")}, option("shop.org", "d2")]
    puppet.answer = lambda envelope: {"options": found}

    options = await form.search("shop")
    await form.choose(options[0])

    asked = puppet.envelopes[0]["payload"]
    assert (asked["type"], asked["value"], asked["action_id"]) == ("block_suggestion", "shop", "target")
    assert asked["container"] == {"type": "view", "view_id": form.view_id}
    assert asked["view"]["state"] == {"values": {}}
    assert options[0] == {"text": "shop.example.com", "value": "d1", "description": "waits for 3 d"}
    assert form.selected("Order or domain") == ["shop.example.com"]
    assert form.last_search_seconds is not None
    assert form.last_search_seconds < 1


async def test_groups_of_options_are_read_too(slack: Slack, api: AsyncWebClient, ana: SimulatedUser, said: Any) -> None:
    form = await show(slack, api, ana, search_field("Order or domain"))
    said({"option_groups": [{"label": words("Orders"), "options": [option("700001")]}]})

    assert [found["text"] for found in await form.search("700")] == ["700001"]


@pytest.mark.parametrize(
    "answer", [{}, {"options": [option("x" * 76)]}, {"options": [option(str(n)) for n in range(101)]}]
)
async def test_options_that_slack_would_not_show_are_a_problem(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser, said: Any, answer: Json
) -> None:
    form = await show(slack, api, ana, search_field("Order or domain"))
    said(answer)

    assert await form.search("shop") == []
    assert "the answer to a search" in slack.problems[0]


async def test_missing_options_are_reported(slack: Slack, api: AsyncWebClient, ana: SimulatedUser, said: Any) -> None:
    slack.ack_seconds = 0.05
    form = await show(slack, api, ana, search_field("Order or domain"))
    said(NO_ACK)

    with pytest.raises(SuggestionsTimeout):
        await form.search("shop")


async def test_slack_does_not_ask_for_less_than_three_characters(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser
) -> None:
    form = await show(slack, api, ana, search_field("Order or domain"))

    with pytest.raises(ValueError, match="from 3 characters"):
        await form.search("sh")


async def test_a_dispatching_select_notifies_the_app_at_once(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser, puppet: Puppet
) -> None:
    form = await show(
        slack,
        api,
        ana,
        select("Recipient", "a", "b", dispatch_action=True),
        select("Language", "en", "de", action_id="l"),
    )

    await form.choose("de")
    assert puppet.envelopes == []
    await form.choose("b")

    payload = puppet.envelopes[0]["payload"]
    assert (payload["type"], payload["container"]["type"]) == ("block_actions", "view")
    assert payload["actions"][0]["selected_option"]["value"] == "b"
    assert payload["view"]["state"]["values"]["block_l"]["l"]["selected_option"]["value"] == "de"
    assert payload["trigger_id"]
    assert "response_url" not in payload


async def test_a_multi_select_is_set_as_a_whole_and_to_its_limit(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser
) -> None:
    several = select("Recipients", "a@x.org", "b@x.org", "c@x.org", kind="multi_static_select", max_selected_items=2)
    form = await show(slack, api, ana, several)

    await form.choose(["a@x.org", "b@"], label="Recipients")

    assert form.selected("Recipients") == ["a@x.org", "b@x.org"]
    with pytest.raises(ValueError, match="2 options at most"):
        await form.choose(["a@x.org", "b@x.org", "c@x.org"])
    await form.choose(None)
    assert form.selected() == []


async def test_what_is_not_offered_or_offered_twice_cannot_be_chosen(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser
) -> None:
    form = await show(slack, api, ana, select("One", "a", "b"), select("Two", "b", action_id="two"))

    with pytest.raises(LookupError, match="0 fields offer 'z'"):
        await form.choose("z")
    with pytest.raises(LookupError, match="2 fields offer 'b'"):
        await form.choose("b")
    await form.choose("b", label="Two")
    assert (form.selected("One"), form.selected("Two")) == ([], ["b"])


async def test_a_text_field_accepts_only_what_fits(slack: Slack, api: AsyncWebClient, ana: SimulatedUser) -> None:
    form = await show(slack, api, ana, note(max_length=5))

    with pytest.raises(ValueError, match="5 characters"):
        form.fill("Reason", "too long")
    with pytest.raises(ValueError, match="single line"):
        form.fill("Reason", "a\nb")
    with pytest.raises(LookupError, match="Reason"):
        form.fill("Recipient", "a")


async def test_enter_is_sent_only_if_the_field_dispatches(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser, puppet: Puppet
) -> None:
    form = await show(slack, api, ana, note(), note("Domain", "domain", dispatch_action=True))
    form.fill("Domain", "shop.example.com")

    assert await form.press_enter("Reason") is None
    assert await form.press_enter("Domain") is not None
    assert puppet.envelopes[0]["payload"]["actions"][0]["value"] == "shop.example.com"


async def test_a_button_in_a_form_notifies_the_app(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser, puppet: Puppet
) -> None:
    form = await show(slack, api, ana, note(), buttons(button("Look again", "again", value="r1")))

    await form.click("Look again")

    payload = puppet.envelopes[0]["payload"]
    assert payload["actions"][0]["value"] == "r1"
    assert payload["view"]["state"]["values"]["block_reason"]["reason"]["value"] is None
    with pytest.raises(LookupError, match="Look again"):
        await form.click("Look away")


async def test_boxes_show_text_and_description_and_are_chosen_by_what_they_say(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser, puppet: Puppet
) -> None:
    dns = {"text": {"type": "mrkdwn", "text": "*pki@corp.example*"}, "value": "1", "description": words("DNS contact")}
    other = option("admin@example.net", "2")
    radio = field("Recipient", {"type": "radio_buttons", "action_id": "radio", "options": [dns, other]})
    checks = select("Also", "a", "b", "c", action_id="checks", kind="checkboxes", dispatch_action=True)
    form = await show(slack, api, ana, radio, checks)

    assert await form.choose("pki@corp.example", label="Recipient") is None
    delivery = await form.choose(["a", "c"], label="Also")

    assert form.options("Recipient") == [
        {"text": "pki@corp.example", "value": "1", "description": "DNS contact"},
        {"text": "admin@example.net", "value": "2", "description": None},
    ]
    assert form.selected("Recipient") == ["pki@corp.example"]
    assert delivery is not None
    sent = delivery.sent
    assert [chosen["value"] for chosen in sent["actions"][0]["selected_options"]] == ["a", "c"]
    values = sent["view"]["state"]["values"]
    assert values["block_radio"]["radio"]["selected_option"]["value"] == "1"
    await form.choose(None, label="Also")
    assert form.selected("Also") == []
    with pytest.raises(LookupError, match="0 fields offer None"):
        await form.choose(None, label="Recipient")


PICKER = {"type": "conversations_select", "action_id": "pick"}
EXTERNAL_NOT = {"exclude_external_shared_channels": True}


@pytest.mark.parametrize(
    ("picker", "refused"),
    [
        (PICKER, {"hidden", "archived", "other's dm"}),
        (PICKER | {"filter": {"include": ["public"]}}, {"hidden", "archived", "private", "dm", "other's dm"}),
        (PICKER | {"filter": EXTERNAL_NOT}, {"hidden", "archived", "shared", "other's dm"}),
        (PICKER | {"type": "channels_select"}, {"hidden", "archived", "private", "dm", "other's dm"}),
    ],
)
async def test_a_picker_offers_what_its_filter_includes(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser, pki: Channel, picker: Json, refused: set[str]
) -> None:
    ben = slack.add_person("ben")
    places = {
        "public": pki,
        "private": slack.add_channel("private", private=True),
        "hidden": slack.add_channel("hidden", private=True, absent={ana.id}),
        "archived": slack.add_channel("archived", archived=True),
        "shared": slack.add_channel("shared", ext_shared=True),
        "dm": slack.dm(ana),
        "other's dm": slack.dm(ben),
    }
    form = await show(slack, api, ana, field("Where", picker))
    found = set()

    for name, channel in places.items():
        try:
            await form.choose(channel.id, label="Where")
        except LookupError:
            found.add(name)

    assert found == refused


async def test_a_picker_of_people_offers_members_only(slack: Slack, api: AsyncWebClient, ana: SimulatedUser) -> None:
    gone = slack.add_person("gone", deleted=True)
    form = await show(slack, api, ana, search_field("Who", "who", kind="users_select"))

    await form.choose(ana.id, label="Who")
    assert form.selected("Who") == [ana.id]
    for unknown in (gone.id, "U0NONE"):
        with pytest.raises(LookupError, match="does not offer"):
            await form.choose(unknown, label="Who")
