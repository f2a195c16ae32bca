"""Submitting and closing forms: the payload, and the effect of the answer."""

import asyncio
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import FormIncomplete, SimulatedUser, Slack
from tests.sandbox.slack.helpers import NO_ACK, Puppet, button, buttons, modal, note, option, section, select, show

Json = dict[str, Any]


async def test_a_submission_carries_everything_also_untouched_fields(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser, puppet: Puppet
) -> None:
    fields = [select("Recipient", "a", "b", initial_option=option("a")), note(optional=True)]
    form = await show(slack, api, ana, *fields, private_metadata="r1")

    result = await form.submit()

    payload = puppet.envelopes[-1]["payload"]
    values = payload["view"]["state"]["values"]
    assert payload["type"] == "view_submission"
    assert payload["view"]["private_metadata"] == "r1"
    assert values["block_recipient"]["recipient"]["selected_option"]["value"] == "a"
    assert values["block_reason"]["reason"] == {"type": "plain_text_input", "value": None}
    assert (result.acked, result.closed, form.is_open) == (True, True, False)


async def test_an_incomplete_form_is_not_sent(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser, puppet: Puppet
) -> None:
    form = await show(
        slack, api, ana, select("Recipient", "a"), note(optional=True), note("Mail", "m", kind="email_text_input")
    )
    form.fill("Mail", "nobody")

    with pytest.raises(FormIncomplete) as incomplete:
        await form.submit()

    assert incomplete.value.labels == ["Recipient", "Mail"]
    assert puppet.envelopes == []


async def test_a_form_without_a_submit_button_is_not_submitted(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser
) -> None:
    form = await show(slack, api, ana, section("Nothing to do"), submit=None)

    with pytest.raises(LookupError, match="no submit button"):
        await form.submit()


async def test_the_form_remains_open_after_errors(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser, said: Any
) -> None:
    form = await show(slack, api, ana, note(optional=True))
    said({"response_action": "errors", "errors": {"block_reason": "please say why"}})

    result = await form.submit()

    assert result.errors == {"block_reason": "please say why"}
    assert result.error_texts == ["please say why"]
    assert form.is_open
    assert slack.problems == []


@pytest.mark.fault("S46")
@pytest.mark.parametrize(
    "second",
    [
        {"response_action": "update", "view": modal(section("Try again."))},
        {"response_action": "push", "view": modal(section("Try again."))},
        {"response_action": "errors", "errors": {"block_reason": "please say why"}},
    ],
    ids=["update", "push", "errors"],
)
async def test_of_two_submits_the_second_shows_nothing_if_the_first_closed_the_form(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser, puppet: Puppet, second: Json
) -> None:
    form = await show(slack, api, ana, note(optional=True))
    answers = [{}, second]
    puppet.answer = lambda envelope: answers.pop(0)

    results = await asyncio.gather(form.submit(), form.submit())

    assert [(result.acked, result.closed, result.errors, result.view) for result in results] == [
        (True, True, None, None)
    ] * 2
    assert not form.is_open
    assert ana.open_forms == []
    assert slack.problems == []


@pytest.mark.parametrize(
    "answer",
    [
        {"response_action": "errors", "errors": {"somewhere": "no"}},
        {"response_action": "errors", "errors": {}},
        {"response_action": "update"},
        {"response_action": "update", "view": {"type": "modal"}},
        {"response_action": "close"},
        {"text": "done"},
    ],
)
async def test_an_answer_that_slack_does_not_understand_is_a_problem(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser, said: Any, answer: Json
) -> None:
    form = await show(slack, api, ana, note(optional=True))
    said(answer)

    result = await form.submit()

    assert form.is_open
    assert (result.closed, result.errors, result.view) == (False, None, None)
    assert "was refused" in slack.problems[0]


async def test_an_update_in_the_answer_shows_another_view_in_place(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser, said: Any
) -> None:
    form = await show(slack, api, ana, note(optional=True))
    said({"response_action": "update", "view": modal(section("Sent a moment ago"))})

    result = await form.submit()

    assert result.view is not None
    assert result.view["id"] == form.view_id
    assert form.text == "Sent a moment ago"


async def test_a_push_lies_on_top_and_clear_removes_all(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser, said: Any
) -> None:
    form = await show(slack, api, ana, note(optional=True))
    said({"response_action": "push", "view": modal(section("Really?"))})
    result = await form.submit()
    top = await ana.sees_form(containing="Really?")
    assert result.view is not None
    assert (result.view["id"], form.is_open) == (top.view_id, True)

    said({"response_action": "clear"})
    result = await top.submit()

    assert (result.closed, form.is_open, top.is_open) == (True, False, False)


async def test_the_form_remains_open_without_an_ack_and_that_is_a_problem(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser, said: Any
) -> None:
    slack.ack_seconds = 0.05
    form = await show(slack, api, ana, note(optional=True))
    said(NO_ACK)

    result = await form.submit()

    assert (result.acked, form.is_open) == (False, True)
    assert "not acknowledged within 0.05 s" in slack.problems[0]


async def test_a_double_click_submits_twice(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser, puppet: Puppet
) -> None:
    form = await show(slack, api, ana, note(optional=True))

    await asyncio.gather(form.submit(), form.submit())

    assert [envelope["payload"]["view"]["id"] for envelope in puppet.envelopes] == [form.view_id] * 2
    assert slack.problems == []


@pytest.mark.parametrize(("wanted", "events"), [(True, ["view_closed"]), (False, [])])
async def test_closing_is_sent_only_on_request(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser, puppet: Puppet, wanted: bool, events: list[str]
) -> None:
    form = await show(slack, api, ana, note(), notify_on_close=wanted)
    form.fill("Reason", "typed")

    await form.close()

    assert [envelope["payload"]["type"] for envelope in puppet.envelopes] == events
    assert all(envelope["payload"]["view"]["state"] == {"values": {}} for envelope in puppet.envelopes)
    assert all(envelope["payload"]["is_cleared"] is False for envelope in puppet.envelopes)


async def test_nothing_happens_in_a_closed_form(slack: Slack, api: AsyncWebClient, ana: SimulatedUser) -> None:
    form = await show(slack, api, ana, note(optional=True), buttons(button("Look again")))
    await form.close()

    with pytest.raises(LookupError, match="is closed"):
        await form.submit()
    with pytest.raises(LookupError, match="is closed"):
        await form.click("Look again")
    with pytest.raises(LookupError, match="is closed"):
        form.fill("Reason", "too late")


async def test_the_x_closes_the_whole_stack_and_reports_its_root(
    slack: Slack, api: AsyncWebClient, ana: SimulatedUser, puppet: Puppet
) -> None:
    form = await show(slack, api, ana, note(), notify_on_close=True)
    trigger_id = slack.triggers.issue(ana, slack.modals.find(form.view_id))
    await api.views_push(trigger_id=trigger_id, view=modal(section("Really?")))

    await (await ana.sees_form("Really?")).close(everything=True)

    (payload,) = [envelope["payload"] for envelope in puppet.envelopes]
    assert (payload["type"], payload["is_cleared"], payload["view"]["id"]) == ("view_closed", True, form.view_id)
    assert ana.open_forms == []
