"""The Web API as a whole: tokens, wire forms, scopes, records and faults."""

import asyncio
import json
import time
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.faults import answers, drops, stalls
from sandbox.slack import Channel, SimulatedUser, Slack
from sandbox.slack.server.rate_tiers import TIERS

Json = dict[str, Any]


async def raw(slack: Slack, method: str, token: str | None = None, **request: Any) -> Json:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with (
        aiohttp.ClientSession() as session,
        session.post(slack.api_url + method, headers=headers, **request) as res,
    ):
        return dict(await res.json())


async def test_auth_test_returns_the_identity_of_the_bot_and_its_scopes(slack: Slack, api: AsyncWebClient) -> None:
    answer = await api.auth_test()

    assert answer["user_id"] == slack.bot_user_id
    assert answer["team_id"] == slack.team_id
    assert answer["bot_id"].startswith("B")
    assert set(answer.headers["x-oauth-scopes"].split(",")) == slack.granted_scopes


async def test_only_the_right_token_is_accepted(slack: Slack) -> None:
    errors = [(await raw(slack, "auth.test", token))["error"] for token in (None, "xoxb-other", slack.app_token)]

    assert errors == ["not_authed", "invalid_auth", "not_allowed_token_type"]
    assert (await raw(slack, "apps.connections.open", slack.bot_token))["error"] == "not_allowed_token_type"
    assert slack.problems == []


async def test_a_tier_limits_the_calls_of_a_minute() -> None:
    now = 1_700_000_000.0
    async with Slack(clock=lambda: now) as slack:
        api, pki = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url), slack.add_channel("pki")
        ts = (await api.chat_postMessage(channel=pki.id, text="0"))["ts"]
        slack.rate_limits = {"chat.update": 2}

        for text in ("1", "2"):
            await api.chat_update(channel=pki.id, ts=ts, text=text)
        now += 20
        with pytest.raises(SlackApiError, match="ratelimited") as refused:
            await api.chat_update(channel=pki.id, ts=ts, text="3")
        await api.chat_postMessage(channel=pki.id, text="others are free")
        now += 40
        await api.chat_update(channel=pki.id, ts=ts, text="4")

    assert (refused.value.response.status_code, refused.value.response.headers["Retry-After"]) == (429, "40")
    assert [content.text for content in pki.messages[0].history] == ["0", "1", "2"]
    assert TIERS["chat.update"] == 50


async def test_an_unknown_method_is_a_problem(slack: Slack) -> None:
    answer = await raw(slack, "chat.postMesage", slack.bot_token)

    assert answer["error"] == "unknown_method"
    assert "chat.postMesage" in slack.problems[0]


@pytest.mark.parametrize("wire", ["json", "data", "params"])
async def test_arguments_mean_the_same_in_every_wire_form(slack: Slack, pki: Channel, wire: str) -> None:
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "hello"}}]
    given = {"channel": pki.id, "text": "hello", "blocks": blocks, "team_id": "T0ELSEWHERE"}
    sent = given if wire == "json" else given | {"blocks": json.dumps(blocks), "unfurl_links": "0"}

    answer = await raw(slack, "chat.postMessage", slack.bot_token, **{wire: sent})

    assert answer["ok"]
    meant = slack.api_calls[-1].params
    assert meant["blocks"] == blocks
    assert "team_id" not in meant
    assert meant.get("unfurl_links") in (None, False)


async def test_nulls_are_as_good_as_absent(slack: Slack, api: AsyncWebClient, pki: Channel) -> None:
    await api.chat_postMessage(channel=pki.id, text="hello", thread_ts=None, blocks=None)

    assert slack.api_calls[-1].params == {"channel": pki.id, "text": "hello"}


@pytest.mark.parametrize(("body", "error"), [("{", "invalid_json"), ("[]", "json_not_object")])
async def test_a_body_that_is_no_json_object_is_refused(slack: Slack, body: str, error: str) -> None:
    headers = {"Authorization": f"Bearer {slack.bot_token}", "Content-Type": "application/json"}
    async with aiohttp.ClientSession() as session:
        response = await session.post(f"{slack.api_url}chat.postMessage", data=body, headers=headers)
        answer = await response.json()

    assert answer["error"] == error


async def test_a_scope_that_was_not_granted_is_named(slack: Slack, api: AsyncWebClient, ana: SimulatedUser) -> None:
    slack.granted_scopes.remove("users:read")

    with pytest.raises(SlackApiError) as failure:
        await api.users_info(user=ana.id)

    assert failure.value.response["error"] == "missing_scope"
    assert failure.value.response["needed"] == "users:read"
    assert "chat:write" in failure.value.response["provided"]


async def test_every_call_is_recorded_with_its_answer(slack: Slack, api: AsyncWebClient, pki: Channel) -> None:
    with pytest.raises(SlackApiError):
        await api.chat_update(channel=pki.id, ts="1.2", text="hello")

    call = slack.api_calls[-1]
    assert (call.method, call.status, call.error) == ("chat.update", 200, "message_not_found")
    assert call.params == {"channel": pki.id, "ts": "1.2", "text": "hello"}


async def test_a_planned_answer_replaces_the_call(slack: Slack, api: AsyncWebClient, pki: Channel) -> None:
    slack.faults.plan("chat.postMessage", answers(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": "1"}))

    with pytest.raises(SlackApiError) as failure:
        await api.chat_postMessage(channel=pki.id, text="hello")

    assert failure.value.response.status_code == 429
    assert failure.value.response.headers["Retry-After"] == "1"
    assert slack.api_calls[-1].status == 429
    assert pki.messages == []


async def test_a_call_may_be_effective_though_its_answer_is_lost(
    slack: Slack, api: AsyncWebClient, pki: Channel
) -> None:
    api.retry_handlers.clear()
    slack.faults.plan("chat.postMessage", drops(effect=True))

    with pytest.raises(aiohttp.ClientError):
        await api.chat_postMessage(channel=pki.id, text="hello")

    assert [message.text for message in pki.messages] == ["hello"]
    assert slack.api_calls[-1].status is None


async def test_a_stalled_call_continues_when_it_is_released(slack: Slack, api: AsyncWebClient, pki: Channel) -> None:
    hold = asyncio.Event()
    slack.faults.plan("chat.*", stalls(hold=hold))
    posting = asyncio.create_task(api.chat_postMessage(channel=pki.id, text="hello"))
    await slack.wait_for(lambda: slack.api_calls, "a call", 2)

    assert pki.messages == []
    hold.set()
    assert (await posting)["ok"]


async def test_a_stalled_call_does_not_hold_up_the_end() -> None:
    async with Slack() as slack:
        slack.faults.plan("auth.test", stalls(hold=asyncio.Event()))
        api = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url, retry_handlers=[])
        asking = asyncio.create_task(api.auth_test())
        await slack.wait_for(lambda: slack.api_calls, "a call", 2)
        began = time.monotonic()

    assert time.monotonic() - began < 1
    with pytest.raises(aiohttp.ClientError):
        await asking


async def test_a_wait_that_fails_shows_what_was_found_instead(slack: Slack, api: AsyncWebClient, pki: Channel) -> None:
    await api.chat_postMessage(channel=pki.id, text="something else")

    with pytest.raises(TimeoutError, match="something else"):
        await slack.sees_message(pki, containing="hello", timeout=0.05)
