"""The Home tab: the placeholder, the event of both tabs, and the payload of a click."""

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import SimulatedUser, Slack
from tests.sandbox.slack.helpers import Puppet, button, buttons, modal, note, option, section

Json = dict[str, Any]


@pytest.fixture(autouse=True)
def _has_home(slack: Slack) -> None:
    slack.home_tab_enabled = True
    slack.subscriptions.add("app_home_opened")


async def publish(api: AsyncWebClient, person: SimulatedUser, *blocks: Json, **more: Any) -> Json:
    view = {"type": "home", "blocks": list(blocks), **more}
    return dict((await api.views_publish(user_id=person.id, view=view))["view"])


async def test_an_unpublished_tab_shows_the_placeholder_and_its_event_has_no_view(
    slack: Slack, ana: SimulatedUser, puppet: Puppet
) -> None:
    home = await ana.opens_home()

    event = slack.deliveries[-1].sent["event"]
    assert home.is_placeholder
    assert home.says("work in progress")
    assert event.items() >= {"type": "app_home_opened", "user": ana.id, "tab": "home"}.items()
    assert event["channel"] == slack.dm(ana).id
    assert "view" not in event
    with pytest.raises(LookupError, match="shows nothing"):
        await home.click("Refresh")


async def test_a_published_tab_is_updated_live_and_its_view_is_in_the_event(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser, puppet: Puppet
) -> None:
    home = await ana.opens_home()
    view = await publish(api, ana, section("Needs you"), private_metadata="p1")

    assert (await ana.sees_home("Needs you")).text == home.text == "Needs you"
    await ana.opens_home()
    event = slack.deliveries[-1].sent["event"]
    assert (event["view"]["hash"], event["view"]["private_metadata"]) == (view["hash"], "p1")
    assert event["view"]["app_installed_team_id"] == slack.team_id


async def test_the_messages_tab_sends_the_same_event(slack: Slack, ana: SimulatedUser, puppet: Puppet) -> None:
    assert await ana.opens_messages() is slack.dm(ana)

    assert slack.deliveries[-1].sent["event"]["tab"] == "messages"


async def test_a_tab_that_the_manifest_does_not_enable_cannot_be_opened(slack: Slack, ana: SimulatedUser) -> None:
    slack.home_tab_enabled = slack.messages_tab_enabled = False

    with pytest.raises(LookupError, match="no tab 'home'"):
        await ana.opens_home()
    with pytest.raises(LookupError, match="no tab 'messages'"):
        await ana.opens_messages()


async def test_an_app_that_is_not_subscribed_hears_nothing(slack: Slack, ana: SimulatedUser, puppet: Puppet) -> None:
    slack.subscriptions.discard("app_home_opened")

    await ana.opens_home()

    assert puppet.envelopes == []


async def test_an_app_of_a_whole_organization_gets_no_team(slack: Slack, ana: SimulatedUser, puppet: Puppet) -> None:
    slack.enterprise_id, slack.is_org_wide = "E1", True

    await ana.opens_home()

    assert slack.deliveries[-1].sent["authorizations"][0]["team_id"] is None


async def test_a_click_has_no_channel_no_response_url_and_no_message(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser, puppet: Puppet
) -> None:
    rows = [buttons(button("Resend…", "resend", value=order)) | {"block_id": order} for order in ("1", "2")]
    await publish(api, ana, section("Order 1"), rows[0], section("Order 2"), rows[1], note(), private_metadata="p1")
    home = await ana.opens_home()
    home.fill("Reason", "typed")

    sent = (await home.click("Resend…", after="Order 2")).sent

    assert set(sent) & {"channel", "response_url", "message", "state", "hash"} == set()
    assert sent["container"] == {"type": "view", "view_id": home.view_id}
    assert sent["view"].items() >= {"id": home.view_id, "type": "home", "private_metadata": "p1"}.items()
    assert sent["view"]["state"]["values"]["block_reason"]["reason"]["value"] == "typed"
    assert sent["actions"][0]["value"] == "2"
    await api.views_open(trigger_id=sent["trigger_id"], view=modal(section("Details"), submit=None))
    assert (await ana.sees_form("Details")).is_open


async def test_a_choice_on_home_is_sent_at_once(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser, puppet: Puppet
) -> None:
    radio = {"type": "radio_buttons", "action_id": "which", "options": [option("Waiting", "w"), option("Recent", "r")]}
    await publish(api, ana, {"type": "actions", "block_id": "b", "elements": [radio]})

    delivery = await (await ana.opens_home()).choose("Recent")

    assert delivery is not None
    assert delivery.sent["actions"][0]["selected_option"]["value"] == "r"
    assert ana.home_tab.selected() == ["Recent"]


async def test_people_of_other_organizations_see_nothing_although_slack_accepts_it(
    slack: Slack, api: AsyncWebClient
) -> None:
    sam, gita = slack.add_person("sam", stranger=True), slack.add_person("gita", guest=True)

    for person in (sam, gita):
        assert (await publish(api, person, section("Needs you")))["type"] == "home"

    assert sam.home_tab.is_placeholder
    assert gita.home_tab.text == "Needs you"
    slack.guests_see_home = False
    assert gita.home_tab.is_placeholder
