"""The Slack client: the bot's identity, temporary and permanent errors, and no automatic retries."""

import asyncio
import contextlib

import pytest
from slack_sdk.errors import SlackApiError

from bot.errors import SlackRejected, SlackUnavailable
from bot.slack.client import accepted, identify, mapped_errors, open_client, open_socket_url
from sandbox.faults import answers, drops, stalls


async def test_the_bot_knows_who_it_is(client, slack):
    identity = await identify(client)

    assert (identity.bot_id, identity.bot_user_id) == (slack.bot.bot_id, slack.bot_user_id)
    assert (identity.team_id, identity.enterprise_id) == (slack.team_id, None)
    assert identity.scopes == slack.granted_scopes
    assert identity.home == {slack.team_id}
    assert (identity.name, identity.team) == (slack.bot.name, slack.domain)


async def test_on_enterprise_grid_the_organisation_is_home_too(client, slack):
    body = {"ok": True, "user_id": "U1", "team_id": "T1", "bot_id": "B1", "enterprise_id": "E1"}
    slack.faults.plan("auth.test", answers(200, body))

    assert (await identify(client)).home == {"T1", "E1"}


@pytest.mark.parametrize("lacking", ["user_id", "team_id"])
async def test_an_answer_without_an_identity_is_none(client, slack, lacking):
    body = {"ok": True, "user_id": "U1", "team_id": "T1", "bot_id": "B1"} | {lacking: None}
    slack.faults.plan("auth.test", answers(200, body))

    with pytest.raises(SlackUnavailable, match="who the bot is"):
        await identify(client)


@pytest.mark.parametrize("trouble", [None, answers(200, {"ok": False, "error": "invalid_auth"}), answers(503, "busy")])
async def test_the_date_of_slack_is_observed_whatever_it_answers(slack, trouble):
    slack.ids.clock = lambda: 1782900000.0
    if trouble:
        slack.faults.plan("auth.test", trouble)
    heard = []

    async with open_client(slack.bot_token, slack.api_url, heard.append) as client:
        with contextlib.suppress(SlackRejected, SlackUnavailable):
            await identify(client)

    assert heard == ["Wed, 01 Jul 2026 10:00:00 GMT"]


async def test_a_token_that_is_not_accepted_is_refused_and_doubted(slack, logged):
    async with open_client("xoxb-wrong", slack.api_url) as client:
        with pytest.raises(SlackRejected) as refused:
            await identify(client)

    assert refused.value.code == "invalid_auth"
    assert client.token_rejected.is_set()
    assert "xoxb-wrong" not in str(logged)


@pytest.mark.parametrize(
    ("method", "status", "error"),
    [
        ("auth.test", 200, "missing_scope"),
        ("auth.test", 503, "token_revoked"),
        ("apps.connections.open", 200, "token_revoked"),
    ],
)
async def test_no_other_refusal_doubts_the_bot_token(client, slack, method, status, error):
    slack.faults.plan(method, answers(status, {"ok": False, "error": error}))

    with pytest.raises((SlackRejected, SlackUnavailable)):
        await (identify(client) if method == "auth.test" else open_socket_url(client, slack.app_token))

    assert not client.token_rejected.is_set()


async def test_an_app_token_gets_a_new_address_each_time(client, slack):
    addresses = {await open_socket_url(client, slack.app_token) for _ in range(2)}

    assert len(addresses) == 2
    assert all(address.startswith("ws://127.0.0.1:") for address in addresses)
    with pytest.raises(SlackRejected):
        await open_socket_url(client, "xapp-wrong")


@pytest.mark.parametrize(
    "fault",
    [
        answers(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": "30"}),
        answers(200, {"ok": False, "error": "ratelimited"}),
        answers(200, {"ok": False, "error": "internal_error"}),
        answers(200, {"ok": False, "error": "service_unavailable"}),
        answers(500, {"ok": False, "error": "anything"}),
        answers(502, "<html>Bad Gateway</html>"),
        answers(503, ""),
        answers(200, "not JSON at all"),
        answers(200, "[]"),
        drops(effect=False),
        drops(effect=True),
    ],
    ids=lambda fault: f"{fault.answer.status if fault.answer else 'dropped'}",
)
async def test_what_may_go_better_later_is_unavailable_and_not_repeated(client, slack, calls, fault):
    slack.faults.plan("auth.test", fault)

    with pytest.raises(SlackUnavailable):
        await identify(client)

    assert calls("auth.test") == 1
    assert (await identify(client)).team_id == slack.team_id


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "30"}, 30.0),
        ({"retry-after": "0"}, 0.0),
        ({"Retry-After": "999999"}, 3600.0),
        ({"Retry-After": "soon"}, 0.0),
        ({}, 0.0),
    ],
)
async def test_slack_says_when_to_retry(client, slack, headers, seconds):
    slack.faults.plan("auth.test", answers(429, {"ok": False, "error": "ratelimited"}, headers))

    with pytest.raises(SlackUnavailable) as unavailable:
        await identify(client)

    assert unavailable.value.retry_after == seconds


@pytest.mark.parametrize("code", ["channel_not_found", "missing_scope", "something_new"])
async def test_a_permanent_error_of_slack_is_rejected_with_its_code(client, slack, code):
    slack.faults.plan("auth.test", answers(200, {"ok": False, "error": code}))

    with pytest.raises(SlackRejected) as refused:
        await identify(client)

    assert refused.value.code == code


async def test_without_a_listener_slack_is_unavailable(no_proxy):
    async with open_client("xoxb-any", "http://127.0.0.1:9/api/") as client:
        with pytest.raises(SlackUnavailable, match="did not answer"):
            await identify(client)


@pytest.mark.parametrize(
    "error", [TimeoutError(), ConnectionResetError(), ValueError("no JSON"), AttributeError("text/plain")]
)
async def test_whatever_the_sdk_raises_is_one_of_ours(error):
    with pytest.raises(SlackUnavailable) as unavailable:
        async with mapped_errors():
            raise error

    assert unavailable.value.__cause__ is error


@pytest.mark.parametrize("response", [None, {}, {"error": None}, "text"])
async def test_an_error_without_a_shape_is_refused_as_unknown(response):
    with pytest.raises(SlackRejected):
        async with mapped_errors():
            raise SlackApiError("odd", response)


async def test_a_cancelled_call_stays_cancelled():
    with pytest.raises(asyncio.CancelledError):
        async with mapped_errors():
            raise asyncio.CancelledError


async def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(slack, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    async with open_client(slack.bot_token, slack.api_url) as client:
        assert (await identify(client)).team_id == slack.team_id


async def test_a_proxy_of_the_environment_is_asked_for_the_world(monkeypatch):
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.delenv("https_proxy", raising=False)

    async with open_client("xoxb-any", "https://slack.com/api/") as client:
        assert client.proxy == "http://proxy.example:3128"
        assert client.retry_handlers == []


@pytest.mark.parametrize(
    ("trouble", "is_accepted"),
    [
        (answers(200, {"ok": True}), True),
        (answers(200, {"ok": False, "error": "channel_not_found"}), True),
        (answers(429, {"ok": False, "error": "ratelimited"}), True),
        (answers(200, {"ok": False, "error": "token_revoked"}), False),
        (answers(503, {"ok": False, "error": "internal_error"}), False),
        (answers(503, "<html>"), False),
        (drops(effect=False), False),
    ],
)
async def test_the_last_call_proves_that_slack_accepts_the_token_else_it_is_asked(client, slack, trouble, is_accepted):
    slack.faults.plan("*", trouble, times=None)

    with contextlib.suppress(SlackRejected, SlackUnavailable):
        async with mapped_errors():
            await client.users_info(user="U1")

    assert await accepted(client, 1.0) is is_accepted
    assert ("auth.test" in {call.method for call in slack.api_calls}) is not is_accepted


async def test_an_old_no_does_not_count(client, slack):
    slack.faults.plan("users.info", answers(503, "<html>"))

    with contextlib.suppress(SlackUnavailable):
        async with mapped_errors():
            await client.users_info(user="U1")

    assert await accepted(client, 1.0)


async def test_without_a_recent_call_slack_is_called(client, slack):
    assert await accepted(client, 1.0)
    assert [call.method for call in slack.api_calls] == ["auth.test"]


async def test_a_slack_that_is_silent_does_not_accept_and_is_asked_again(client, slack):
    slack.faults.plan("auth.test", stalls(30.0))

    assert not await accepted(client, 0.05)
    assert await accepted(client, 1.0)
