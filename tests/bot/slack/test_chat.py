"""Messages of the bot: ephemeral messages, forms, and messages that can be found again."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.errors import SlackRejected, SlackUnavailable
from bot.models import Actor, Destination, Interaction
from bot.slack.chat import METADATA, REMEMBERED
from bot.views import resend_form
from bot.views.blocks import Message, section
from bot.views.tables import DataTable
from sandbox.faults import answers, drops

BUSY = answers(429, {"ok": False, "error": "ratelimited"})
HELLO = Message("hello", (section("*hello*"),))
BYE = Message("bye", (section("*bye*"),))


@pytest.fixture
def destination(pki):
    return Destination(pki.id)


@pytest.fixture
def since():
    return datetime.now(UTC) - timedelta(minutes=5)


@pytest.fixture
def interaction(slack, ana, pki):
    """Return the interaction of Ana's command."""
    return Interaction(Actor(ana.id, slack.team_id), Destination(pki.id), slack.response_urls.issue(ana, pki))


@pytest.fixture
def trigger(slack, ana):
    return slack.triggers.issue(ana)


def root(channel):
    return [message for message in channel.messages if not message.is_reply]


async def test_an_ephemeral_message_is_for_one_person_alone(chat, slack, interaction, ana, pki, calls):
    await chat.send_ephemeral(interaction, HELLO)

    assert [message.text for message in ana.ephemerals] == ["hello"]
    assert pki.messages == []
    assert calls("chat.postEphemeral") == 0
    assert slack.problems == []


async def test_an_ephemeral_message_to_no_valid_user_is_not_sent(chat, slack, pki, logged):
    await chat.send_ephemeral(Interaction(Actor(pki.id, slack.team_id), Destination(pki.id)), HELLO)

    assert pki.messages == []
    assert logged[-1]["event"] == "an ephemeral message was lost"


@pytest.mark.parametrize("fault", [answers(404, "expired_url"), answers(500), drops(effect=False)])
async def test_an_ephemeral_message_that_the_response_url_rejects_is_posted(
    chat, slack, interaction, ana, calls, fault
):
    slack.faults.plan("response_url", fault)

    await chat.send_ephemeral(interaction, HELLO)

    assert [message.text for message in ana.ephemerals] == ["hello"]
    assert calls("chat.postEphemeral") == 1


@pytest.mark.parametrize("address", ["http://[", "no address", "ftp://127.0.0.1/x", "http://127.0.0.1:99999/"])
async def test_an_ephemeral_message_with_no_valid_response_url_is_posted(chat, ana, pki, slack, address):
    await chat.send_ephemeral(Interaction(Actor(ana.id, slack.team_id), Destination(pki.id), address), HELLO)

    assert [message.text for message in ana.ephemerals] == ["hello"]


async def test_without_a_response_url_an_ephemeral_message_is_posted_in_its_thread(chat, slack, ana, pki, destination):
    started = await ana.post(pki, "a thread")
    interaction = Interaction(Actor(ana.id, slack.team_id), Destination(pki.id, started.ts))

    await chat.send_ephemeral(interaction, HELLO)

    assert [(message.text, message.thread_ts) for message in ana.ephemerals] == [("hello", started.ts)]


@pytest.mark.parametrize("trouble", ["not a member", "no place"])
async def test_if_no_ephemeral_message_is_possible_the_user_gets_a_direct_message(chat, slack, ana, pki, trouble):
    pki.member = False
    destination = None if trouble == "no place" else Destination(pki.id)

    await chat.send_ephemeral(Interaction(Actor(ana.id, slack.team_id), destination), HELLO)

    assert [message.text for message in ana.direct_messages] == ["hello"]


@pytest.mark.parametrize("fault", [BUSY, answers(503), drops(effect=False)])
async def test_if_slack_accepts_no_ephemeral_message_now_the_user_gets_a_direct_message(chat, slack, ana, pki, fault):
    slack.faults.plan("chat.postEphemeral", fault)

    await chat.send_ephemeral(Interaction(Actor(ana.id, slack.team_id), Destination(pki.id)), HELLO)

    assert [message.text for message in ana.direct_messages] == ["hello"]


@pytest.mark.parametrize("trouble", ["busy", "closed"])
async def test_a_lost_ephemeral_message_is_only_logged(chat, slack, ana, pki, logged, trouble):
    if trouble == "busy":
        slack.faults.plan("chat.post*", BUSY, times=None)
    else:
        pki.member = slack.messages_tab_enabled = False

    await chat.send_ephemeral(Interaction(Actor(ana.id, slack.team_id), Destination(pki.id)), HELLO)

    assert ana.ephemerals == ana.direct_messages == []
    assert [line["event"] for line in logged] == ["an ephemeral message was lost"]


async def test_a_form_is_opened_and_updated(chat, slack, ana, trigger):
    view_id = await chat.open_form(trigger, resend_form.empty("f1"))
    since = await chat.update_form(view_id, resend_form.nothing("f2", "Order 1 is issued.", "Reissue it."))

    form = await ana.sees_form("Order 1 is issued.")
    assert len(ana.open_forms) == 1
    assert since
    assert slack.problems == []
    assert form is not None


async def test_a_trigger_that_was_used_opens_no_second_form(chat, ana, trigger):
    first = await chat.open_form(trigger, resend_form.empty("f1"))

    assert first
    assert await chat.open_form(trigger, resend_form.empty("f2")) is None
    assert len(ana.open_forms) == 1


@pytest.mark.parametrize("seconds", [0.0])
async def test_a_trigger_that_is_over_is_refused(chat, slack, trigger, seconds):
    slack.trigger_seconds = seconds

    with pytest.raises(SlackRejected) as refused:
        await chat.open_form(trigger, resend_form.empty("f1"))

    assert refused.value.code == "expired_trigger_id"


async def test_a_form_that_was_closed_meanwhile_is_no_error(chat, slack, ana, trigger):
    view_id = await chat.open_form(trigger, resend_form.empty("f1"))
    slack.modals.clear(slack.modals.find(view_id))

    assert await chat.update_form(view_id, resend_form.empty("f2")) is None


async def test_a_form_that_another_update_changed_meanwhile_is_not_updated(chat, ana, trigger):
    view_id = await chat.open_form(trigger, resend_form.empty("f1"))
    old = await chat.update_form(view_id, resend_form.empty("f2"))
    await chat.update_form(view_id, resend_form.nothing("f3", "The newest.", "Nothing."))

    assert await chat.update_form(view_id, resend_form.nothing("f4", "Too late.", "Nothing."), old) is None
    assert await ana.sees_form("The newest.")


async def test_another_refusal_of_a_form_is_an_error(chat, slack, trigger):
    view_id = await chat.open_form(trigger, resend_form.empty("f1"))

    with pytest.raises(SlackRejected):
        await chat.update_form(view_id, {"type": "modal"})

    assert slack.problems


async def test_a_message_is_posted_once_with_its_key(chat, slack, destination, pki, calls):
    stands, ts = await chat.post(destination, HELLO, "r1.root")

    (message,) = pki.messages
    assert (stands, ts) == (destination, message.ts)
    assert message.text == "hello"
    assert message.metadata == {"event_type": METADATA, "event_payload": {"key": "r1.root"}}
    assert calls("chat.postMessage") == 1
    assert slack.api_calls[-1].params["unfurl_links"] is False


async def test_a_message_is_posted_in_a_thread(chat, pki, destination):
    _, ts = await chat.post(destination, HELLO, "r1.root")

    stands, _ = await chat.post(Destination(pki.id, ts), BYE, "r1.detail")

    assert stands == Destination(pki.id, ts)
    assert [message.text for message in pki.thread(ts)] == ["bye"]


async def test_a_direct_message_has_its_location(chat, slack, ana):
    stands, ts = await chat.post(Destination(ana.id), HELLO, "r1.root")

    assert stands.channel_id == slack.dm(ana).id
    await chat.edit(stands, ts, BYE)
    assert [message.text for message in ana.direct_messages] == ["bye"]


async def test_an_edit_replaces_text_and_blocks_and_preserves_the_key(chat, destination, pki, since):
    _, ts = await chat.post(destination, HELLO, "r1.root")

    await chat.edit(destination, ts, BYE)
    await chat.edit(destination, ts, BYE)

    (message,) = pki.messages
    assert message.text == "bye"
    assert "*bye*" in str(message.blocks)
    assert await chat.find(destination, "r1.root", since) == ts


@pytest.mark.parametrize("fault", [drops(effect=True), drops(effect=False), answers(500), BUSY])
async def test_a_post_without_an_answer_is_not_repeated(chat, slack, destination, calls, fault):
    slack.faults.plan("chat.postMessage", fault)

    with pytest.raises(SlackUnavailable):
        await chat.post(destination, HELLO, "r1.root")

    assert calls("chat.postMessage") == 1


async def test_a_post_whose_answer_was_lost_is_found_by_its_key(chat, slack, destination, pki, since):
    slack.faults.plan("chat.postMessage", drops(effect=True))
    with pytest.raises(SlackUnavailable):
        await chat.post(destination, HELLO, "r1.root")

    assert await chat.find(destination, "r1.root", since) == pki.messages[0].ts
    assert await chat.find(destination, "r2.root", since) is None


async def test_a_reply_is_found_in_its_thread(chat, destination, pki, since):
    _, ts = await chat.post(destination, HELLO, "r1.root")
    _, reply = await chat.post(Destination(pki.id, ts), BYE, "r1.detail")

    assert await chat.find(Destination(pki.id, ts), "r1.detail", since) == reply
    assert await chat.find(destination, "r1.detail", since) is None


@pytest.mark.parametrize("in_thread", [False, True])
async def test_a_message_is_found_however_much_was_said_since(chat, slack, ana, destination, pki, since, in_thread):
    started = await ana.post(pki, "a thread")
    where = Destination(pki.id, started.ts) if in_thread else destination
    for number in range(7):
        await ana.post(pki, f"before {number}", thread_ts=where.thread_ts)
    _, ts = await chat.post(where, HELLO, "r1.root")
    for number in range(7):
        await ana.post(pki, f"after {number}", thread_ts=where.thread_ts)
    slack.page_limit = 3

    assert await chat.find(where, "r1.root", since) == ts
    assert await chat.find(where, "r2.root", since) is None


async def test_other_peoples_metadata_is_not_ours(chat, slack, destination, since):
    await chat.post(destination, HELLO, "r1.root")
    slack.channels[destination.channel_id].messages[0].content.metadata["event_type"] = "another"

    assert await chat.find(destination, "r1.root", since) is None


@pytest.mark.parametrize("trouble", ["not a member", "no scope"])
async def test_if_the_bot_may_not_read_nothing_is_found(chat, slack, destination, pki, since, trouble):
    await chat.post(destination, HELLO, "r1.root")
    if trouble == "no scope":
        slack.granted_scopes.discard("channels:history")
    else:
        pki.member = False

    assert await chat.find(destination, "r1.root", since) is None


async def test_if_slack_is_unavailable_a_search_fails(chat, slack, destination, since):
    slack.faults.plan("conversations.history", BUSY)

    with pytest.raises(SlackUnavailable):
        await chat.find(destination, "r1.root", since)


@pytest.mark.parametrize("code", ["invalid_blocks", "msg_blocks_too_long", "msg_too_long"])
@pytest.mark.parametrize("method", ["chat.postMessage", "chat.update"])
async def test_a_message_of_a_bad_shape_is_said_in_its_text_alone(chat, slack, destination, pki, logged, method, code):
    _, ts = await chat.post(destination, HELLO, "r1.root")
    slack.faults.plan(method, answers(200, {"ok": False, "error": code}))

    if method == "chat.update":
        await chat.edit(destination, ts, BYE)
    else:
        await chat.post(destination, BYE, "r2.root")

    assert pki.messages[-1].text == "bye"
    assert pki.messages[-1].blocks == []
    assert logged[-1]["log_level"] == "error"


@pytest.mark.parametrize(
    ("traits", "code"),
    [
        ({"member": False}, "not_in_channel"),
        ({"archived": True}, "is_archived"),
        ({"private": True, "member": False}, "channel_not_found"),
        ({"read_only": True}, "restricted_action"),
    ],
)
async def test_a_closed_channel_says_why(chat, slack, traits, code):
    channel = slack.add_channel("closed", **traits)

    with pytest.raises(SlackRejected) as refused:
        await chat.post(Destination(channel.id), HELLO, "r1.root")

    assert refused.value.code == code


async def test_a_permalink_is_returned_if_slack_gives_one(chat, slack, destination):
    _, ts = await chat.post(destination, HELLO, "r1.root")

    assert destination.channel_id in await chat.permalink(destination, ts)
    assert await chat.permalink(destination, "1.0") is None
    slack.faults.plan("chat.getPermalink", BUSY)
    assert await chat.permalink(destination, ts) is None


async def test_it_is_known_whether_others_read_along(chat, slack, destination, calls):
    shared = slack.add_channel("with-partners", ext_shared=True)

    assert await chat.is_shared(Destination(shared.id)) is True
    assert await chat.is_shared(destination) is False
    assert await chat.is_shared(destination) is False
    assert calls("conversations.info") == 2


INVITATIONS = [
    {"is_ext_shared": None},
    {"is_ext_shared": False, "pending_connected_team_ids": ["T0PARTNER"]},
    {"is_ext_shared": False, "is_shared": True, "is_org_shared": False},
]


@pytest.mark.parametrize(
    ("traits", "is_shared"),
    [
        *(pytest.param(traits, True, marks=pytest.mark.fault("M9")) for traits in INVITATIONS),
        ({"is_pending_ext_shared": True}, True),
        ({"is_ext_shared": True, "is_shared": True, "is_org_shared": True}, True),
        ({"is_ext_shared": False, "is_shared": True, "is_org_shared": True}, False),
        ({"is_ext_shared": False, "is_pending_ext_shared": False, "pending_connected_team_ids": []}, False),
    ],
    ids=str,
)
async def test_an_invitation_counts_as_shared_and_other_workspaces_of_ours_do_not(
    chat, slack, destination, traits, is_shared
):
    body = {"ok": True, "channel": {"id": destination.channel_id, **traits}}
    slack.faults.plan("conversations.info", answers(200, body))

    assert await chat.is_shared(destination) is is_shared


@pytest.mark.fault("M9")
async def test_an_answer_counts_for_a_minute_from_when_it_was_asked_for(chat, destination, pki, calls, monkeypatch):
    loop = asyncio.get_running_loop()
    assert await chat.is_shared(destination) is False
    pki.ext_shared = True
    now = loop.time()

    monkeypatch.setattr(loop, "time", lambda: now + REMEMBERED - 1.0)
    within = await chat.is_shared(destination)
    monkeypatch.setattr(loop, "time", lambda: now + REMEMBERED + 1.0)
    after = await chat.is_shared(destination)

    assert (within, after) == (False, True)
    assert calls("conversations.info") == 2


async def test_many_that_ask_at_once_ask_slack_once(chat, destination, calls):
    assert await asyncio.gather(*(chat.is_shared(destination) for _ in range(20))) == [False] * 20
    assert calls("conversations.info") == 1


@pytest.mark.parametrize("channel_id", ["D0ANA", "U0ANA", "W0ANA"])
async def test_a_direct_conversation_is_never_shared(chat, calls, channel_id):
    assert await chat.is_shared(Destination(channel_id)) is False
    assert calls("conversations.info") == 0


async def test_whether_a_channel_is_shared_is_asked_again_after_a_failure(chat, slack, destination):
    slack.faults.plan("conversations.info", BUSY)
    with pytest.raises(SlackUnavailable):
        await chat.is_shared(destination)

    assert await chat.is_shared(destination) is False


async def test_a_channel_that_the_bot_cannot_see_is_refused(chat):
    with pytest.raises(SlackRejected) as refused:
        await chat.is_shared(Destination("C0NOWHERE"))

    assert refused.value.code == "channel_not_found"


@pytest.mark.parametrize(
    "body",
    [{"ok": True}, {"ok": True, "channel": None}, {"ok": True, "channel": "C0PKI"}, {"ok": True, "channel": {}}],
)
async def test_an_answer_without_a_channel_does_not_prove_that_no_stranger_reads_along(chat, slack, destination, body):
    slack.faults.plan("conversations.info", answers(200, body))

    with pytest.raises(SlackUnavailable):
        await chat.is_shared(destination)


async def test_home_is_replaced_unless_a_newer_one_is_there(chat, slack, ana, logged):
    slack.home_tab_enabled = True
    first = await chat.publish_home(ana.id, {"type": "home", "blocks": [section("first").to_dict()]})
    second = await chat.publish_home(ana.id, {"type": "home", "blocks": [section("second").to_dict()]}, first)

    late = await chat.publish_home(ana.id, {"type": "home", "blocks": [section("late").to_dict()]}, first)

    assert (bool(second), late) == (True, None)
    assert ana.home_tab.text == "second"
    assert logged == []


async def test_a_workspace_without_home_is_logged_once(chat, slack, ana, logged):
    slack.home_tab_enabled = False

    for _ in range(3):
        assert await chat.publish_home(ana.id, {"type": "home", "blocks": [section("x").to_dict()]}) is None

    assert len(logged) == 1


@pytest.mark.parametrize(
    ("fault", "level"), [(BUSY, "warning"), (answers(200, {"ok": False, "error": "view_too_large"}), "error")]
)
async def test_home_that_slack_does_not_accept_is_logged(chat, slack, ana, logged, fault, level):
    slack.home_tab_enabled = True
    slack.faults.plan("views.publish", fault)

    assert await chat.publish_home(ana.id, {"type": "home", "blocks": [section("x").to_dict()]}) is None
    assert [each["log_level"] for each in logged] == [level]


TABLE = Message("12 domains", (DataTable("Domains", ("Domain", "Ends"), [("a.example", "Dec 14")]),))


@pytest.mark.parametrize("accepts", [True, False])
async def test_a_workspace_without_tables_gets_the_rows_as_text_and_is_asked_once(
    chat, slack, destination, pki, calls, accepts
):
    slack.block_kit = replace(slack.block_kit, accepts_data_tables=accepts)

    _, ts = await chat.post(destination, TABLE, "k1")
    await chat.edit(destination, ts, TABLE)

    kinds = [block["type"] for block in root(pki)[0].blocks]
    assert kinds == (["data_table"] if accepts else ["section", "context", "section"])
    assert (calls("chat.postMessage"), calls("chat.update")) == (1 if accepts else 2, 1)


async def test_home_without_tables_shows_the_rows_as_text(chat, slack, ana):
    slack.home_tab_enabled = True
    slack.block_kit = replace(slack.block_kit, accepts_data_tables=False)
    view = {"type": "home", "blocks": [block.to_dict() for block in TABLE.blocks]}

    await chat.publish_home(ana.id, view)

    assert "a.example" in ana.home_tab.text
    assert [block["type"] for block in ana.home_tab.blocks] == ["section", "context", "section"]
