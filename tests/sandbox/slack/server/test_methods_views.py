"""The views.* methods: triggers, versions, stacks, and the state preserved by an update."""

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import Form, SimulatedUser, Slack
from tests.sandbox.slack.helpers import modal, note, search_field, section, select

Json = dict[str, Any]
HOME = {"type": "home", "blocks": [section("Recent requests")]}


async def refusal(call: Any) -> str:
    with pytest.raises(SlackApiError) as failure:
        await call
    return str(failure.value.response["error"])


async def opened(slack: Slack, api: AsyncWebClient, person: SimulatedUser, view: Json) -> tuple[Form, Json]:
    answer = await api.views_open(trigger_id=slack.triggers.issue(person), view=view)
    return await person.sees_form(), dict(answer["view"])


async def test_a_trigger_opens_one_modal(slack: Slack, api: AsyncWebClient, ana: SimulatedUser) -> None:
    trigger_id = slack.triggers.issue(ana)

    await api.views_open(trigger_id=trigger_id, view=modal(note()))

    assert await refusal(api.views_open(trigger_id=trigger_id, view=modal(note()))) == "exchanged_trigger_id"
    assert len(ana.open_forms) == 1


async def test_a_trigger_does_not_live_long(slack: Slack, api: AsyncWebClient, ana: SimulatedUser) -> None:
    trigger_id = slack.triggers.issue(ana)
    slack.trigger_seconds = 0

    assert await refusal(api.views_open(trigger_id=trigger_id, view=modal(note()))) == "expired_trigger_id"
    assert await refusal(api.views_open(trigger_id="1.2.x", view=modal(note()))) == "invalid_trigger_id"


async def test_a_view_that_slack_would_reject_does_not_use_the_trigger(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser
) -> None:
    trigger_id = slack.triggers.issue(ana)

    assert await refusal(api.views_open(trigger_id=trigger_id, view=modal(note(), submit=None))) == "invalid_arguments"
    assert "views.open was refused" in slack.problems[0]
    assert (await api.views_open(trigger_id=trigger_id, view=modal(note())))["ok"]


async def test_an_opened_view_is_answered_whole(slack: Slack, api: AsyncWebClient, ana: SimulatedUser) -> None:
    _, view = await opened(slack, api, ana, modal(note(initial_value="because"), private_metadata="r1"))

    assert view["root_view_id"] == view["id"]
    assert view["previous_view_id"] is None
    assert view["state"] == {"values": {}}
    assert (view["type"], view["private_metadata"], view["app_id"]) == ("modal", "r1", slack.app_id)
    assert (view["close"], view["notify_on_close"], view["external_id"]) == (None, False, "")


async def test_an_update_changes_the_hash_but_not_the_id(slack: Slack, api: AsyncWebClient, ana: SimulatedUser) -> None:
    form, view = await opened(slack, api, ana, modal(section("Looking up …"), submit=None))

    after = (await api.views_update(view_id=view["id"], hash=view["hash"], view=modal(section("Found"))))["view"]

    assert (after["id"], form.text) == (view["id"], "Found")
    assert after["hash"] != view["hash"]


async def test_the_newer_version_wins(slack: Slack, api: AsyncWebClient, ana: SimulatedUser) -> None:
    form, view = await opened(slack, api, ana, modal(section("one"), submit=None))
    await api.views_update(view_id=view["id"], view=modal(section("two")))

    late = api.views_update(view_id=view["id"], hash=view["hash"], view=modal(section("three")))

    assert await refusal(late) == "hash_conflict"
    assert form.text == "two"


async def test_a_view_is_found_by_its_external_id_which_is_unique(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser
) -> None:
    form, _ = await opened(slack, api, ana, modal(section("one"), external_id="r1"))

    await api.views_update(external_id="r1", view=modal(section("two"), external_id="r1"))

    assert form.text == "two"
    twin = api.views_open(trigger_id=slack.triggers.issue(ana), view=modal(section("x"), external_id="r1"))
    assert await refusal(twin) == "duplicate_external_id"


async def test_a_closed_view_is_not_found(slack: Slack, api: AsyncWebClient, ana: SimulatedUser) -> None:
    form, view = await opened(slack, api, ana, modal(section("one")))
    await form.close()

    assert await refusal(api.views_update(view_id=view["id"], view=modal(section("two")))) == "not_found"
    assert not form.is_open


async def test_three_views_lie_upon_each_other_and_no_more(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser
) -> None:
    form, root = await opened(slack, api, ana, modal(section("one")))

    async def push(text: str) -> Json:
        trigger_id = slack.triggers.issue(ana, slack.modals.find(root["id"]))
        return dict((await api.views_push(trigger_id=trigger_id, view=modal(section(text))))["view"])

    second, third = await push("two"), await push("three")

    assert (second["previous_view_id"], third["previous_view_id"]) == (root["id"], second["id"])
    assert {view["root_view_id"] for view in (second, third)} == {root["id"]}
    assert [shown.text for shown in ana.open_forms] == ["three"]
    with pytest.raises(SlackApiError, match="push_limit_reached"):
        await push("four")
    await ana.open_forms[0].close()
    assert ana.open_forms[0].text == "two"
    assert form.is_open


async def test_what_was_typed_and_chosen_stays_while_ids_and_type_stay(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser
) -> None:
    form, view = await opened(slack, api, ana, modal(note(), select("Recipient", "a", "b")))
    form.fill("Reason", "new mailbox")
    await form.choose("b")

    again = modal(section("more"), note(initial_value="other"), select("Recipient", "a", "b", "c"))
    await api.views_update(view_id=view["id"], view=again)

    assert form.typed("Reason") == "new mailbox"
    assert form.selected("Recipient") == ["b"]


async def test_an_untouched_field_gets_the_new_initial_value(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser
) -> None:
    form, view = await opened(slack, api, ana, modal(note(initial_value="first")))

    await api.views_update(view_id=view["id"], view=modal(note(initial_value="second")))

    assert form.typed("Reason") == "second"


@pytest.mark.parametrize(
    "other",
    [
        note(kind="email_text_input", initial_value="a@x.org"),
        note(initial_value="a@x.org") | {"block_id": "another"},
        note(initial_value="a@x.org", action_id="another") | {"block_id": "block_reason"},
    ],
)
async def test_another_block_action_or_type_forgets_what_was_typed(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser, other: Json
) -> None:
    form, view = await opened(slack, api, ana, modal(note()))
    form.fill("Reason", "typed")

    await api.views_update(view_id=view["id"], view=modal(other))

    assert form.typed("Reason") == "a@x.org"


async def test_a_choice_that_is_no_longer_offered_is_forgotten(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser
) -> None:
    form, view = await opened(slack, api, ana, modal(select("Recipient", "a", "b")))
    await form.choose("b")

    await api.views_update(view_id=view["id"], view=modal(select("Recipient", "a", "c")))

    assert form.selected("Recipient") == []


async def test_a_home_tab_needs_the_setting(slack: Slack, api: AsyncWebClient, ana: SimulatedUser) -> None:
    assert await refusal(api.views_publish(user_id=ana.id, view=HOME)) == "not_enabled"

    slack.home_tab_enabled = True
    first = (await api.views_publish(user_id=ana.id, view=HOME))["view"]
    second = (await api.views_publish(user_id=ana.id, view=HOME))["view"]

    assert first["id"] == second["id"]
    assert ana.open_forms == []


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"blocks": []}, "invalid_arguments"),
        ({"blocks": [section("x")] * 101}, "invalid_arguments"),
        ({"blocks": [note()] * 2}, "invalid_arguments"),
        ({"title": {"type": "plain_text", "text": "Home"}}, "invalid_arguments"),
        ({"submit": {"type": "plain_text", "text": "Save"}}, "invalid_arguments"),
        ({"close": {"type": "plain_text", "text": "Close"}}, "invalid_arguments"),
        ({"private_metadata": "x" * 3_001}, "invalid_arguments"),
        ({"blocks": [section("ä" * 3_000)] * 42}, "view_too_large"),
        ({"external_id": "taken"}, "duplicate_external_id"),
    ],
)
async def test_a_home_tab_that_slack_would_reject(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser, more: Json, error: str
) -> None:
    slack.home_tab_enabled = True
    other = slack.add_person("ben")
    await api.views_publish(user_id=other.id, view=HOME | {"external_id": "taken"})

    assert await refusal(api.views_publish(user_id=ana.id, view=HOME | more)) == error
    assert ana.home_tab.is_placeholder


async def test_a_home_tab_has_a_hundred_blocks(slack: Slack, api: AsyncWebClient, ana: SimulatedUser) -> None:
    slack.home_tab_enabled = True

    await api.views_publish(user_id=ana.id, view=HOME | {"blocks": [section("x")] * 100})

    assert len(ana.home_tab.blocks) == 100


async def test_the_newer_home_tab_wins(slack: Slack, api: AsyncWebClient, ana: SimulatedUser) -> None:
    slack.home_tab_enabled = True
    first = (await api.views_publish(user_id=ana.id, view=HOME))["view"]
    await api.views_publish(user_id=ana.id, hash=first["hash"], view=HOME | {"blocks": [section("newer")]})

    assert await refusal(api.views_publish(user_id=ana.id, hash=first["hash"], view=HOME)) == "hash_conflict"
    assert ana.home_tab.text == "newer"


async def test_each_method_takes_its_type_of_view(slack: Slack, api: AsyncWebClient, ana: SimulatedUser) -> None:
    slack.home_tab_enabled = True
    home = (await api.views_publish(user_id=ana.id, view=HOME))["view"]
    below_home = slack.triggers.issue(ana, slack.modals.find(home["id"]))

    for call in (
        api.views_open(trigger_id=slack.triggers.issue(ana), view=HOME),
        api.views_push(trigger_id=below_home, view=modal(note())),
        api.views_update(view_id=home["id"], view=modal(note())),
        api.views_publish(user_id=ana.id, view=modal(note())),
        api.views_publish(user_id="U0", view=HOME),
        api.views_publish(user_id=slack.bot_user_id, view=HOME),
    ):
        assert await refusal(call) == "invalid_arguments"


async def test_the_state_has_a_value_of_its_shape_for_every_element(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser
) -> None:
    chosen = {"text": {"type": "plain_text", "text": "a"}, "value": "a"}
    blocks = [
        note(initial_value="x", action_id="text"),
        note(kind="number_input", action_id="number", is_decimal_allowed=False),
        select("One", "a", action_id="one", initial_option=chosen),
        select("Some", "a", action_id="some", kind="multi_static_select"),
        search_field("Found", "found"),
        search_field("All found", "all_found", kind="multi_external_select", initial_options=[chosen]),
        search_field("Who", "who", kind="users_select"),
        search_field("Where", "where", kind="multi_channels_select"),
        search_field("When", "when", kind="datepicker", initial_date="2026-11-22"),
        select("Boxes", "a", action_id="boxes", kind="checkboxes"),
        select("Radio", "a", action_id="radio", kind="radio_buttons"),
    ]
    form, _ = await opened(slack, api, ana, modal(*blocks))

    values = {action: value for block in form.view["state"]["values"].values() for action, value in block.items()}

    assert values["text"] == {"type": "plain_text_input", "value": "x"}
    assert values["number"] == {"type": "number_input", "value": None}
    assert values["one"]["selected_option"]["value"] == "a"
    assert values["some"] == {"type": "multi_static_select", "selected_options": []}
    assert values["found"] == {"type": "external_select", "selected_option": None}
    assert [option["value"] for option in values["all_found"]["selected_options"]] == ["a"]
    assert values["who"] == {"type": "users_select", "selected_user": None}
    assert values["where"] == {"type": "multi_channels_select", "selected_channels": []}
    assert values["when"] == {"type": "datepicker", "selected_date": "2026-11-22"}
    assert values["boxes"] == {"type": "checkboxes", "selected_options": []}
    assert values["radio"] == {"type": "radio_buttons", "selected_option": None}
