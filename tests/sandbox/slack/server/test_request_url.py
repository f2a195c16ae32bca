"""Payloads by signed HTTP: to a real Bolt app that verifies them, and to servers with other answers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web
from slack_bolt.async_app import AsyncApp

from sandbox.slack import Channel, SimulatedUser, Slack

Serve = Callable[[web.Application], Awaitable[None]]
NOWHERE = "http://127.0.0.1:1/slack/events"


@pytest.fixture
async def serve(slack: Slack) -> AsyncIterator[Serve]:
    """Return a function that serves this application at the request URL."""
    runners: list[web.AppRunner] = []

    async def start(application: web.Application) -> None:
        runners.append(runner := web.AppRunner(application))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        slack.request_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"

    yield start
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
def answer(serve: Serve) -> Callable[[web.Response], Awaitable[list[web.Request]]]:
    """Serve this answer to everything, and record the requests."""

    async def put_up(response: web.Response) -> list[web.Request]:
        heard: list[web.Request] = []

        async def record_request(request: web.Request) -> web.Response:
            await request.read()
            heard.append(request)
            return web.Response(status=response.status, body=response.body, headers=response.headers)

        application = web.Application()
        application.router.add_post("/slack/events", record_request)
        await serve(application)
        return heard

    return put_up


async def test_a_real_app_accepts_the_signature_and_its_answers_are_shown(
    app: AsyncApp, serve: Serve, slack: Slack, ana: SimulatedUser, pki: Channel
) -> None:
    @app.command("/greet")
    async def greet(ack, command):
        await ack(f"Hello {command['user_name']}, you said {command['text']}.")

    await serve(app.web_app())

    delivery = await ana.command("/greet", "ü & more", pki)
    reply = await ana.receives("Hello ana")

    assert await slack.requests.verify()
    assert delivery.acked
    assert reply.visible_text == "Hello ana, you said ü & more."
    assert slack.problems == []


async def test_a_real_app_refuses_another_secret(
    app: AsyncApp, serve: Serve, slack: Slack, ana: SimulatedUser, pki: Channel
) -> None:
    await serve(app.web_app())
    slack.signing_secret = "another"

    delivery = await ana.command("/greet", "", pki)

    assert not await slack.requests.verify()
    assert (delivery.acked, delivery.failure) == (False, "http_error")
    assert slack.problems == ["/greet of ana was answered with HTTP 401"]


async def test_an_event_that_failed_comes_again_and_says_how_often_and_why(
    answer: Callable[[web.Response], Awaitable[list[web.Request]]], slack: Slack, pki: Channel
) -> None:
    heard = await answer(web.Response(status=503))

    slack.post_alert(pki, "monitoring", "pending")
    for _ in range(5):
        await slack.wait_for_events()
        slack.event_dispatcher.retry_parked()
    await slack.wait_for_events()

    retries = [(each.headers.get("X-Slack-Retry-Num"), each.headers.get("X-Slack-Retry-Reason")) for each in heard]
    assert retries == [(None, None), *((str(number), "http_error") for number in (1, 2, 3))]


async def test_an_app_may_say_that_it_wants_no_retry(
    answer: Callable[[web.Response], Awaitable[list[web.Request]]], slack: Slack, pki: Channel
) -> None:
    heard = await answer(web.Response(status=500, headers={"X-Slack-No-Retry": "1"}))

    slack.post_alert(pki, "monitoring", "pending")
    await slack.wait_for_events()
    slack.event_dispatcher.retry_parked()
    await slack.wait_for_events()

    assert len(heard) == 1


async def test_a_repeated_request_is_unchanged_and_a_new_one_is_signed_again(
    answer: Callable[[web.Response], Awaitable[list[web.Request]]], slack: Slack, ana: SimulatedUser, pki: Channel
) -> None:
    heard = await answer(web.Response())
    clock = slack.ids.clock

    delivery = await ana.command("/greet", "", pki)
    slack.ids.clock = lambda: clock() + 60.0
    await delivery.redeliver()
    await delivery.redeliver(new_id=True)

    first, same, later = [each.headers["X-Slack-Signature"] for each in heard]
    assert (first == same, first == later) == (True, False)


@pytest.mark.parametrize(
    ("response", "problem"),
    [
        (web.Response(status=302, headers={"Location": "/elsewhere"}), "was answered with HTTP 302"),
        (web.Response(status=204), "was answered with HTTP 204"),
        (web.json_response({"text": "Hello"}), "takes no such answer"),
        (web.Response(text="ok"), "takes no such answer"),
    ],
)
async def test_an_answer_that_slack_would_reject_is_a_problem(
    answer: Callable[[web.Response], Awaitable[list[web.Request]]],
    slack: Slack,
    ana: SimulatedUser,
    response: web.Response,
    problem: str,
) -> None:
    await answer(response)

    await ana.interact("block_actions", "click", actions=[])

    assert [problem in logged_problem for logged_problem in slack.problems] == [True]


async def test_an_answer_after_the_time_is_none(serve: Serve, slack: Slack, ana: SimulatedUser, pki: Channel) -> None:
    slack.ack_seconds = 0.1
    hold = asyncio.Event()

    async def wait(_: web.Request) -> web.Response:
        await hold.wait()
        return web.Response()

    application = web.Application()
    application.router.add_post("/slack/events", wait)
    await serve(application)
    slack.request_url = [NOWHERE, str(slack.request_url)]

    delivery = await ana.command("/greet", "", pki)
    hold.set()

    assert (delivery.acked, delivery.failure, delivery.status) == (False, "http_timeout", None)
    assert 0.1 <= delivery.after < 3.0
    assert slack.problems == ["/greet of ana was not acknowledged within 0.1 s"]


async def test_without_a_listener_it_fails(slack: Slack, ana: SimulatedUser, pki: Channel) -> None:
    slack.request_url = NOWHERE

    delivery = await ana.command("/greet", "", pki)

    assert (delivery.acked, delivery.failure) == (False, "connection_failed")


async def test_of_several_addresses_one_by_chance_is_asked_that_is_there(
    answer: Callable[[web.Response], Awaitable[list[web.Request]]], slack: Slack, ana: SimulatedUser, pki: Channel
) -> None:
    first = await answer(web.Response())
    there = [str(slack.request_url)]
    second = await answer(web.Response())
    there.append(str(slack.request_url))

    slack.request_url = [*there, NOWHERE]
    sent = [await ana.command("/dcv-resend", "", pki) for _ in range(20)]

    assert [each.acked for each in sent] == [True] * 20
    assert len(first) + len(second) == 20
    assert min(len(first), len(second)) > 2
