"""Redirects in Slack's answers: they are not followed, and their content is not trusted."""

import aiohttp
import pytest
from aiohttp import web

from bot.errors import SlackUnavailable
from bot.models import Actor, Destination, Interaction
from bot.slack.client import accepted, identify, mapped_errors, open_socket_url
from bot.views.blocks import Message
from sandbox.faults import answers

pytestmark = pytest.mark.fault("L6")

OK = {"ok": True, "user_id": "U1", "team_id": "T1", "bot_id": "B1", "url": "ws://127.0.0.1:1/", "ts": "1.0"}


@pytest.fixture
async def elsewhere():
    """Serve another host that accepts everything. Returns the requests that reached it."""
    heard = []

    async def agree(request):
        heard.append((request.method, request.path, request.headers.get("Authorization"), await request.text()))
        return web.json_response(OK)

    app = web.Application()
    app.router.add_route("*", "/{any:.*}", agree)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    last_call_at = f"http://127.0.0.1:{runner.addresses[0][1]}/api/x"
    yield heard, last_call_at
    await runner.cleanup()


CALLS = {
    "auth.test": identify,
    "apps.connections.open": lambda client: open_socket_url(client, "xapp-1-made-up"),
    "chat.postMessage": lambda client: client.chat_postMessage(channel="C1", text="x"),
    "users.info": lambda client: client.users_info(user="U1"),
    "conversations.replies": lambda client: client.conversations_replies(channel="C1", ts="1.0"),
}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", CALLS)
async def test_a_redirect_is_an_error_and_is_not_followed(client, slack, elsewhere, method, status):
    heard, address = elsewhere
    slack.faults.plan(method, answers(status, "", {"Location": address}), times=None)

    with pytest.raises(SlackUnavailable, match=f"a redirect \\(HTTP {status}\\), which is never followed"):
        async with mapped_errors():
            await CALLS[method](client)

    assert heard == []
    assert not client.accepted


@pytest.mark.parametrize("status", [300, 302, 304, 399])
async def test_what_a_redirect_says_is_not_believed(client, slack, status):
    slack.faults.plan("auth.test", answers(status, {"ok": False, "error": "invalid_auth"}), times=None)

    with pytest.raises(SlackUnavailable):
        await identify(client)

    assert not client.token_rejected.is_set()
    assert not await accepted(client, 1.0)


async def test_an_ephemeral_message_does_not_follow_a_redirect(chat, slack, ana, pki, elsewhere):
    heard, address = elsewhere
    app = web.Application()
    app.router.add_post("/whisper", _leads_to(address))
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    interaction = Interaction(
        Actor(ana.id, slack.team_id), Destination(pki.id), f"http://127.0.0.1:{runner.addresses[0][1]}/whisper"
    )

    await chat.send_ephemeral(interaction, Message("hello", []))
    await runner.cleanup()

    assert heard == []
    assert [message.text for message in ana.ephemerals] == ["hello"]


async def test_the_socket_is_not_opened_elsewhere(elsewhere):
    from bot.slack.client import refuse_redirects
    from handlers.transport.websocket import WebSocket

    heard, address = elsewhere
    app = web.Application()
    app.router.add_get("/link", _leads_to(address))
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession(middlewares=[refuse_redirects]) as session:
        with pytest.raises(SlackUnavailable, match="Redirected"):
            await WebSocket.open(session, f"ws://127.0.0.1:{runner.addresses[0][1]}/link", None)
    await runner.cleanup()

    assert heard == []


def _leads_to(address):
    async def redirect(_):
        return web.Response(status=307, headers={"Location": address})

    return redirect
