"""Socket Mode on the wire: hello, envelopes, acks, pings and partings."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest

from sandbox.faults import answers, drops
from sandbox.slack import Channel, SimulatedUser, Slack
from tests.sandbox.slack.helpers import NO_ACK, Puppet

Json = dict[str, Any]


async def test_the_first_frame_says_hello(slack: Slack, puppet: Puppet) -> None:
    assert puppet.frames[0]["type"] == "hello"
    assert puppet.frames[0]["num_connections"] == 1
    assert puppet.frames[0]["connection_info"] == {"app_id": slack.app_id}
    assert slack.sockets == 1


async def test_a_command_comes_in_an_envelope_and_waits_for_its_ack(
    slack: Slack, ana: SimulatedUser, pki: Channel, puppet: Puppet
) -> None:
    delivery = await ana.command("/dcv-resend", "700001", pki)

    envelope = puppet.envelopes[0]
    assert (envelope["type"], envelope["accepts_response_payload"]) == ("slash_commands", True)
    assert (
        envelope["payload"].items()
        >= {
            "command": "/dcv-resend",
            "text": "700001",
            "channel_id": pki.id,
            "channel_name": "pki",
            "user_id": ana.id,
            "user_name": "ana",
            "team_id": slack.team_id,
            "api_app_id": slack.app_id,
        }.items()
    )
    assert envelope["payload"]["trigger_id"]
    assert envelope["payload"]["response_url"].startswith("http://127.0.0.1:")
    assert (delivery.acked, delivery.payload, delivery.after < 1) == (True, None, True)
    assert slack.deliveries == [delivery]


async def test_a_private_channel_has_no_name_in_a_command(slack: Slack, ana: SimulatedUser, puppet: Puppet) -> None:
    await ana.command("/dcv-resend", "", slack.add_channel("secret", private=True))

    assert puppet.envelopes[0]["payload"]["channel_name"] == "privategroup"


@pytest.mark.parametrize("payload", [{"text": "hello"}, {"response_type": "ephemeral", "text": "hello"}])
async def test_a_message_in_the_ack_is_ephemeral(
    slack: Slack, ana: SimulatedUser, pki: Channel, puppet: Puppet, payload: Json
) -> None:
    puppet.answer = lambda envelope: payload

    await ana.command("/dcv-resend", "help", pki)

    assert [ephemeral.text for ephemeral in ana.ephemerals] == ["hello"]
    assert pki.messages == []


async def test_a_public_ack_shows_the_command_and_the_answer(
    slack: Slack, ana: SimulatedUser, pki: Channel, puppet: Puppet
) -> None:
    slack.echo_own_messages = False
    puppet.answer = lambda envelope: (
        {"response_type": "in_channel", "text": "hello"} if envelope["type"] == "slash_commands" else None
    )

    await ana.command("/dcv-status", "700001", pki)

    assert [(message.author, message.text) for message in pki.messages] == [
        ("ana", "/dcv-status 700001"),
        ("DCV Resend", "hello"),
    ]


async def test_a_public_ack_without_words_shows_the_command_alone(
    slack: Slack, ana: SimulatedUser, pki: Channel, puppet: Puppet
) -> None:
    puppet.answer = lambda envelope: {"response_type": "in_channel"} if envelope["type"] == "slash_commands" else None

    await ana.command("/dcv-status", "700001", pki)

    assert [(message.author, message.text) for message in pki.messages] == [("ana", "/dcv-status 700001")]
    assert slack.problems == []


async def test_an_ack_that_does_not_come_is_a_problem_after_the_deadline(
    slack: Slack, ana: SimulatedUser, pki: Channel, puppet: Puppet
) -> None:
    slack.ack_seconds = 0.05
    puppet.answer = lambda envelope: NO_ACK

    delivery = await ana.command("/dcv-resend", "", pki)
    await puppet.ack(puppet.envelopes[0]["envelope_id"], {"text": "late"})
    await slack.wait_for(lambda: len(slack.problems) == 2, "a second problem", 2)

    assert not delivery.acked
    assert slack.problems[0] == "/dcv-resend of ana was not acknowledged within 0.05 s"
    assert "too late" in slack.problems[1]
    assert ana.ephemerals == []


async def test_unexpected_acks_are_problems(slack: Slack, ana: SimulatedUser, pki: Channel, puppet: Puppet) -> None:
    await ana.command("/dcv-resend", "", pki)

    await puppet.ack(puppet.envelopes[0]["envelope_id"])
    await puppet.ack("unheard-of")
    await puppet.ws.send_str("[]")
    await slack.wait_for(lambda: len(slack.problems) == 3, "three problems", 2)

    assert "acknowledged more than once" in slack.problems[0]
    assert "never sent" in slack.problems[1]
    assert "no JSON object" in slack.problems[2]


async def test_without_a_socket_a_command_fails_at_once(slack: Slack, ana: SimulatedUser, pki: Channel) -> None:
    delivery = await ana.command("/dcv-resend", "", pki)

    assert not delivery.acked
    assert "no open socket" in slack.problems[0]


async def test_an_answer_that_is_not_allowed_is_a_problem(slack: Slack, ana: SimulatedUser, puppet: Puppet) -> None:
    puppet.answer = lambda envelope: {"text": "thanks"}

    await ana.shortcut("dcv_resend_global")

    assert "takes no answer" in slack.problems[0]


async def test_envelopes_go_to_any_socket(slack: Slack, ana: SimulatedUser, pki: Channel) -> None:
    async with Puppet(slack) as one, Puppet(slack) as two:
        assert two.frames[0]["num_connections"] == 2
        for _ in range(20):
            await ana.command("/dcv-resend", "", pki)

    assert len(one.envelopes) + len(two.envelopes) == 20
    assert min(len(one.envelopes), len(two.envelopes)) > 2
    assert slack.problems == []


async def test_an_eleventh_socket_is_sent_away(slack: Slack) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(10):
            await stack.enter_async_context(Puppet(slack))
        excess = await stack.enter_async_context(Puppet(slack))

        assert excess.frames[0]["reason"] == "too_many_websockets"
        assert slack.sockets == 10


async def test_pings_come_back_with_their_payload_unless_muted(slack: Slack, puppet: Puppet) -> None:
    await puppet.ws.ping(b"sdk-ping-pong:1.5")
    await slack.wait_for(lambda: puppet.pongs, "a pong", 2)

    slack.ignore_pings = True
    await puppet.ws.ping(b"sdk-ping-pong:2.5")
    await puppet.ws.send_str('{"envelope_id": "x"}')
    await slack.wait_for(lambda: slack.problems, "the frame after the ping", 2)

    assert puppet.pongs == [b"sdk-ping-pong:1.5"]


async def test_a_disconnect_is_announced_before_the_socket_closes(slack: Slack, puppet: Puppet) -> None:
    parting = asyncio.create_task(slack.disconnect("refresh_requested"))
    await slack.wait_for(lambda: len(puppet.frames) == 2, "a disconnect frame", 2)
    assert puppet.frames[1]["reason"] == "refresh_requested"
    assert slack.sockets == 0

    await puppet.ws.close()
    await parting


async def test_who_does_not_go_is_put_out(slack: Slack, puppet: Puppet) -> None:
    await slack.disconnect()

    await slack.wait_for(lambda: puppet.has_ended, "the end of the socket", 2)


async def test_a_warning_closes_nothing(slack: Slack, ana: SimulatedUser, puppet: Puppet) -> None:
    await slack.disconnect("warning")

    assert (await ana.command("/dcv-resend")).acked
    assert slack.sockets == 1


async def test_sockets_can_be_cut_off(slack: Slack, puppet: Puppet) -> None:
    slack.drop_sockets()

    assert slack.sockets == 0
    await slack.wait_for(lambda: puppet.has_ended, "the end of the socket", 2)


async def test_what_is_sent_before_a_parting_is_noticed_cannot_be_acknowledged_there(
    slack: Slack, ana: SimulatedUser, pki: Channel
) -> None:
    slack.close_notice_seconds, slack.ack_seconds = 0.2, 0.3
    async with Puppet(slack) as puppet:
        await puppet.ws.send_frame(b"\x03\xe8", aiohttp.WSMsgType.CLOSE)
        late = await ana.command("/dcv-resend", "", pki)

    assert len(puppet.envelopes) == 1
    assert not late.acked
    assert slack.sockets == 0


async def test_a_ticket_opens_one_socket(slack: Slack, puppet: Puppet) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError, match="404"):
            await session.ws_connect(puppet.url)


async def test_a_ticket_expires_by_the_clock_of_this_slack(slack: Slack) -> None:
    late, timely = slack.web_api.open_socket_url(), slack.web_api.open_socket_url()
    now = slack.ids.clock()

    async with aiohttp.ClientSession() as session:
        slack.ids.clock = lambda: now + 29.0
        async with session.ws_connect(timely) as ws:
            hello = await ws.receive_json()
        slack.ids.clock = lambda: now + 31.0
        with pytest.raises(aiohttp.WSServerHandshakeError, match="408"):
            await session.ws_connect(late)
        with pytest.raises(aiohttp.WSServerHandshakeError, match="404"):
            await session.ws_connect(late)

    assert hello["type"] == "hello"


async def test_a_frozen_socket_swallows_everything_until_another_opens(
    slack: Slack, ana: SimulatedUser, pki: Channel, puppet: Puppet
) -> None:
    slack.ack_seconds = 0.05
    slack.freeze_sockets()
    await puppet.ws.ping(b"sdk-ping-pong:1.5")
    lost = await ana.command("/dcv-resend", "", pki)
    sockets = slack.sockets
    async with Puppet(slack) as second:
        heard = await ana.command("/dcv-resend", "", pki)

    assert (lost.acked, heard.acked, sockets) == (False, True, 1)
    assert (lost.connection_outlived(0.0), heard.connection_outlived(0.0)) == (False, True)
    assert (len(puppet.envelopes), len(second.envelopes), puppet.pongs) == (0, 1, [])
    assert not puppet.has_ended


async def test_a_failed_handshake_uses_the_ticket_up(slack: Slack) -> None:
    url = slack.web_api.open_socket_url()
    slack.faults.plan("socket", answers(503))
    slack.faults.plan("socket", drops(effect=False))

    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
            await session.ws_connect(url)
        with pytest.raises(aiohttp.ClientError):
            await session.ws_connect(slack.web_api.open_socket_url())
        with pytest.raises(aiohttp.WSServerHandshakeError, match="404"):
            await session.ws_connect(url)


async def test_the_next_envelope_can_come_twice(slack: Slack, ana: SimulatedUser, pki: Channel, puppet: Puppet) -> None:
    slack.duplicate_next = True

    await ana.command("/dcv-resend", "700001", pki)
    await slack.wait_for(lambda: all(delivery.acked for delivery in slack.deliveries), "two acks", 2)

    first, second = puppet.envelopes
    assert first == second
    assert not slack.duplicate_next
    assert slack.problems == []


async def test_an_envelope_can_be_sent_again_with_the_old_or_a_new_id(
    ana: SimulatedUser, pki: Channel, puppet: Puppet
) -> None:
    delivery = await ana.command("/dcv-resend", "700001", pki)

    same, new = await delivery.redeliver(), await delivery.redeliver(new_id=True)

    ids = [envelope["envelope_id"] for envelope in puppet.envelopes]
    assert ids[0] == ids[1] != ids[2]
    assert all(envelope["payload"] == delivery.sent for envelope in puppet.envelopes)
    assert (same.acked, new.acked) == (True, True)


async def test_an_open_socket_does_not_hold_up_the_end() -> None:
    async with AsyncExitStack() as stack:
        async with Slack() as slack:
            puppet = await stack.enter_async_context(Puppet(slack))
            began = asyncio.get_running_loop().time()

        assert asyncio.get_running_loop().time() - began < 1
        assert puppet.frames


async def test_a_late_ack_of_an_envelope_that_was_sent_again_counts_for_the_one_that_is_waited_for(
    slack: Slack, ana: SimulatedUser, puppet: Puppet
) -> None:
    slack.ack_seconds = 0.05
    puppet.answer = lambda envelope: NO_ACK
    delivery = await ana.command("/dcv-resend")
    slack.ack_seconds = 3.0
    puppet.answer = lambda envelope: None

    again = await delivery.redeliver()

    assert (delivery.acked, again.acked) == (False, True)


async def test_an_envelope_was_received_if_its_socket_remained_open(
    slack: Slack, ana: SimulatedUser, puppet: Puppet
) -> None:
    slack.ack_seconds = 0.05
    puppet.answer = lambda envelope: NO_ACK

    unanswered = await ana.command("/dcv-resend")
    slack.drop_sockets()
    await slack.wait_for(lambda: puppet.has_ended, "the end", 2.0)
    nowhere = await ana.command("/dcv-resend")

    assert (
        unanswered.connection_outlived(0.0),
        unanswered.connection_outlived(60.0),
        nowhere.connection_outlived(0.0),
    ) == (True, False, False)
