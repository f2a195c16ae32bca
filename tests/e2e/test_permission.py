"""Who may: asked at every door and right before the call, of what Slack says of the person at that moment."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.faults import answers, stalls
from sandbox.slack import Channel, SimulatedUser, Slack
from tests.e2e.helpers import Rows, kinds, open_form, sees_end, tells

ORDER = 700001
MakeBot = Callable[..., BotProcess]
Start = Callable[..., Awaitable[BotProcess]]

UNRECOGNISED = "I couldn't verify your Slack account"
IDENTITY_UNKNOWN = "I couldn't verify your Slack account"
GROUP_UNREAD = "I couldn't check your user groups"
RATE_LIMITED = {"ok": False, "error": "ratelimited"}
NOT_LISTED = "You can't resend"

# The bot gives Slack 1.5 seconds to say who somebody is; the rest is room for a busy machine.
SOON, NEVER = 4.0, 30.0


@pytest.fixture(autouse=True)
def order(certcentral: CertCentral) -> None:
    """A pending order that anyone with permission to read can see."""
    certcentral.add_order(ORDER, ["shop.example.com"])


@pytest.fixture
def bob(slack: Slack) -> SimulatedUser:
    """A colleague without permission."""
    return slack.add_person("bob")


@pytest.fixture
async def start(make_bot: MakeBot, slack: Slack) -> Start:
    """Start a bot with these settings, and wait until it serves."""

    async def start(**settings: str) -> BotProcess:
        bot = make_bot(**settings)
        await bot.start()
        await slack.wait_for_connection()
        return bot

    return start


async def test_whoever_is_no_full_member_is_refused_even_when_listed(
    start: Start, slack: Slack, certcentral: CertCentral, pki: Channel, ledger: Rows
) -> None:
    refused = {
        slack.add_person("gil", guest=True): ("guest", "Guests can't resend"),
        slack.add_person("uma", ultra_guest=True): ("guest", "Guests can't resend"),
        slack.add_person("robo", bot=True): ("bot", "Bots and workflows can't"),
        slack.add_person("flow", workflow_bot=True): ("bot", "Bots and workflows can't"),
        slack.add_person("dee", deleted=True): ("deactivated", "Your Slack account is deactivated"),
        slack.add_person("stu", stranger=True): ("other-workspace", "Only members of this workspace can"),
        slack.add_person("oli", team_id="T0ELSEWHERE"): ("other-workspace", "Only members of this workspace can"),
    }
    everybody = ",".join(person.id for person in refused)
    await start(DCV_ALLOWED_USERS=everybody, DCV_ALLOWED_USERGROUPS=slack.add_usergroup("pki", refused).id)
    asked_at_start = len(certcentral.calls)

    for person, (_, words) in refused.items():
        await person.command("/dcv-resend", str(ORDER), pki)
        await person.receives(words)

    assert [(row["kind"], row["user_id"], row["detail"]["rule"]) for row in ledger()] == [
        ("denied", person.id, rule) for person, (rule, _) in refused.items()
    ]
    assert [person.name for person in refused if person.open_forms] == []
    assert (pki.messages, certcentral.calls[asked_at_start:], slack.problems) == ([], [], [])


async def test_an_id_counts_and_a_name_does_not(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ledger: Rows
) -> None:
    namesake = slack.add_person(ana.name)
    ana.name = "renamed"
    asked_at_start = len(certcentral.calls)

    await namesake.command("/dcv-resend", "", pki)
    await namesake.receives(NOT_LISTED)
    unasked = certcentral.calls[asked_at_start:]
    await ana.command("/dcv-resend", str(ORDER), pki)
    await ana.sees_form("Recipient for shop.example.com")

    assert unasked == []
    assert namesake.open_forms == []
    assert [(row["kind"], row["user_id"]) for row in ledger()] == [("denied", namesake.id)]
    assert slack.problems == []


async def test_where_nobody_is_listed_nobody_may(
    start: Start, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, ledger: Rows
) -> None:
    await start(DCV_ALLOWED_USERS="")
    asked_at_start = len(certcentral.calls)

    await ana.command("/dcv-resend", str(ORDER))
    await ana.receives("No one can resend DCV emails yet. For access, ask the bot admins.")

    assert ana.open_forms == []
    assert [(row["kind"], row["detail"]["rule"]) for row in ledger()] == [("denied", "nobody-listed")]
    assert (certcentral.calls[asked_at_start:], slack.problems) == ([], [])


async def test_a_group_counts_as_remembered_until_slack_tells_of_a_change(
    start: Start, slack: Slack, ana: SimulatedUser, bob: SimulatedUser
) -> None:
    group = slack.add_usergroup("pki", [ana])
    await start(DCV_ALLOWED_USERS="", DCV_ALLOWED_USERGROUPS=group.id)

    for _ in range(2):
        await ana.command("/dcv-resend", str(ORDER))
        await (await ana.sees_form("Recipient for shop.example.com")).close()
    remembered = [call for call in slack.api_calls if call.method == "usergroups.users.list"]
    group.set_members([bob])
    await slack.wait_for_events()
    await ana.command("/dcv-resend", str(ORDER))
    await ana.receives(NOT_LISTED)
    await bob.command("/dcv-resend", str(ORDER))
    await bob.sees_form("Recipient for shop.example.com")

    assert len(remembered) == 1
    assert ana.open_forms == []
    assert slack.problems == []


@pytest.mark.fault("M3")
async def test_if_slack_cannot_say_who_asks_it_is_said_so_and_no_refusal_is_written(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ledger: Rows
) -> None:
    misfortunes = [
        stalls(NEVER),
        answers(500, "oops"),
        answers(429, RATE_LIMITED, {"Retry-After": "30"}),
        answers(200, {"ok": True}),
    ]
    whispers, asked_at_start = [], len(certcentral.calls)

    for misfortune in misfortunes:
        slack.faults.plan("users.info", misfortune)
        whispers.append(await _is_turned_away(ana, pki))
    unasked = certcentral.calls[asked_at_start:]
    await ana.command("/dcv-resend", str(ORDER), pki)
    await ana.sees_form("Recipient for shop.example.com")

    assert all(whisper.startswith(IDENTITY_UNKNOWN) for whisper in whispers)
    assert ledger() == []
    assert (unasked, pki.messages, slack.problems) == ([], [], [])


async def test_whom_slack_does_not_know_is_refused(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ledger: Rows
) -> None:
    slack.faults.plan("users.info", answers(200, {"ok": False, "error": "user_not_found"}))

    assert (await _is_turned_away(ana, pki)).startswith(UNRECOGNISED)
    assert [(row["kind"], row["detail"]["rule"]) for row in ledger()] == [("denied", "unknown")]
    assert slack.problems == []


@pytest.mark.fault("M3")
async def test_if_a_group_cannot_be_read_its_members_learn_so_and_others_do_not_notice(
    start: Start, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, bob: SimulatedUser, ledger: Rows
) -> None:
    group = slack.add_usergroup("pki", [bob])
    await start(DCV_ALLOWED_USERGROUPS=group.id)
    misfortunes = [
        answers(500, "oops"),
        answers(429, RATE_LIMITED),
        answers(429, RATE_LIMITED, {"Retry-After": "30"}),
        stalls(NEVER),
    ]
    whispers, asked_at_start = [], len(certcentral.calls)

    for misfortune in misfortunes:
        slack.faults.plan("usergroups.users.list", misfortune)
        whispers.append(await _is_turned_away(bob))
    unasked = certcentral.calls[asked_at_start:]
    slack.faults.plan("usergroups.users.list", answers(500, "oops"))
    await ana.command("/dcv-resend", str(ORDER))
    await ana.sees_form("Recipient for shop.example.com")

    assert [whisper.startswith(GROUP_UNREAD) for whisper in whispers] == [True, True, True, False]
    assert whispers[3].startswith(IDENTITY_UNKNOWN)
    assert ledger() == []
    assert (unasked, bob.open_forms, slack.problems) == ([], [], [])


@pytest.mark.fault("M3")
async def test_a_submit_that_slack_could_not_decide_leaves_the_form_open_to_try_again(
    start: Start, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ledger: Rows
) -> None:
    group = slack.add_usergroup("pki", [ana])
    await start(DCV_ALLOWED_USERS="", DCV_ALLOWED_USERGROUPS=group.id)
    form = await open_form(ana, ORDER, pki)
    slack.faults.plan("usergroups.users.list", answers(429, RATE_LIMITED, {"Retry-After": "30"}))
    group.set_members([ana])
    await slack.wait_for_events()

    first = await form.submit()
    rows, sent = ledger(), certcentral.resends[:]
    second = await form.submit()
    await sees_end(slack, pki, ORDER)

    assert [words for words in (first.errors or {}).values() if GROUP_UNREAD in words]
    assert (first.closed, second.closed, rows, sent) == (False, True, [], [])
    assert (len(certcentral.resends), slack.problems) == (1, [])


@pytest.mark.fault("M3")
async def test_where_slack_limits_the_rate_while_sending_the_calls_wait_and_are_made(
    start: Start,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    bob: SimulatedUser,
    pki: Channel,
    ledger: Rows,
) -> None:
    certcentral.add_order(ORDER + 1, ["new.example.com"])
    group = slack.add_usergroup("pki", [ana, bob])
    await start(DCV_ALLOWED_USERS="", DCV_ALLOWED_USERGROUPS=group.id)
    forms = [await open_form(ana, ORDER, pki), await open_form(bob, ORDER + 1, pki)]
    asked_before = _lists_of_groups(slack)
    slack.faults.plan("usergroups.users.list", answers(429, RATE_LIMITED, {"Retry-After": "2"}))

    for form in forms:
        await form.submit()
    await slack.sees_message(pki, "Slack didn't confirm the requester's permission")
    ends = [await sees_end(slack, pki, order) for order in (ORDER, ORDER + 1)]

    assert [tells(end) for end in ends] == ["sent", "sent"]
    assert [row["kind"] for row in ledger() if row["kind"] in ("denied", "not_sent")] == []
    assert (len(certcentral.resends), _lists_of_groups(slack) - asked_before, slack.problems) == (2, 2, [])


def _lists_of_groups(slack: Slack) -> int:
    return sum(call.method == "usergroups.users.list" for call in slack.api_calls)


async def test_whoever_loses_permission_while_the_form_is_open_gets_no_further(
    start: Start,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
    ledger: Rows,
) -> None:
    group = slack.add_usergroup("pki", [ana])
    await start(DCV_ALLOWED_USERS="", DCV_ALLOWED_USERGROUPS=group.id)
    form = await open_form(ana, ORDER, pki)
    option = (await form.search("7000"))[0]
    group.set_members([])
    await slack.wait_for_events()
    drawn, asked_so_far, whispered = form.view["hash"], len(certcentral.calls), asyncio.Event()

    await form.choose(option)
    await slack.wait_for(lambda: len(ana.ephemerals) == 1, "a whisper about the choice", SOON)
    slack.faults.plan("chat.postEphemeral", stalls(hold=whispered))
    options = await form.search("7000")
    whispered.set()
    submitted = await form.submit()
    await slack.wait_for(lambda: len(ana.ephemerals) == 3, "a whisper about each attempt", SOON)

    assert (form.view["hash"], options) == (drawn, [])
    assert submitted.closed
    assert all(NOT_LISTED in whisper.text for whisper in ana.ephemerals)
    # The form and the search in it are one kind of refusal.
    assert {(row["kind"], row["user_id"], row["detail"]["rule"]) for row in ledger()} == {
        ("denied", ana.id, "not-listed")
    }
    assert (pki.messages, certcentral.calls[asked_so_far:], slack.problems) == ([], [], [])


async def test_whoever_loses_permission_before_the_call_has_nothing_sent(
    start: Start,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    bob: SimulatedUser,
    pki: Channel,
    ledger: Rows,
) -> None:
    certcentral.add_order(ORDER + 1, ["new.example.com"])
    await start(DCV_ALLOWED_USERS=f"{ana.id},{bob.id}")
    forms = [await open_form(ana, ORDER, pki), await open_form(bob, ORDER + 1, pki)]
    announced = asyncio.Event()
    slack.faults.plan("chat.postMessage", stalls(hold=announced), times=2)

    submitted = [await form.submit() for form in forms]
    ana.deleted, bob.guest = True, True
    announced.set()
    ends = [await sees_end(slack, pki, order) for order in (ORDER, ORDER + 1)]

    assert [each.closed for each in submitted] == [True, True]
    assert [tells(end) for end in ends] == ["not_sent", "not_sent"]
    assert all("lost permission" in end.text for end in ends)
    assert [kinds(ledger(), order) for order in (ORDER, ORDER + 1)] == [["not_sent"], ["not_sent"]]
    assert (certcentral.resends, slack.problems) == ([], [])


@pytest.mark.fault("M3")
async def test_if_slack_cannot_say_who_asked_right_before_the_call_it_is_asked_again(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel, ledger: Rows
) -> None:
    form = await open_form(ana, ORDER, pki)
    slack.faults.plan("users.info", stalls(NEVER))

    await form.submit()
    await sees_end(slack, pki, ORDER)

    assert kinds(ledger(), ORDER) == ["sending", "sent"]
    assert (len(certcentral.resends), slack.problems) == (1, [])


async def test_a_refusal_is_reported_if_the_bot_is_not_in_the_channel(
    start: Start, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, bob: SimulatedUser
) -> None:
    certcentral.add_order(ORDER + 1, ["new.example.com"])
    public = slack.add_channel("public", member=False)
    private = slack.add_channel("private", member=False, private=True)
    group = slack.add_usergroup("pki", [ana])
    await start(DCV_ALLOWED_USERS="", DCV_ALLOWED_USERGROUPS=group.id)
    forms = [await open_form(ana, ORDER, public), await open_form(ana, ORDER + 1, private)]
    group.set_members([])
    await slack.wait_for_events()

    shown = [await _is_turned_away(bob, destination) for destination in (public, private)]
    slack.faults.plan("response_url", answers(500, "oops"))
    await bob.command("/dcv-resend", str(ORDER), public)
    await bob.gets_direct_message(NOT_LISTED)
    for form in forms:
        await form.submit()
    # The form's own address reaches the user in a channel that the bot is not in.
    await slack.wait_for(lambda: len(ana.ephemerals) == len(forms), "a message about each form", SOON)

    assert all(words.startswith(NOT_LISTED) for words in (*shown, *(message.text for message in ana.ephemerals)))
    assert [message.channel for message in ana.ephemerals] == [public, private]
    assert (public.messages, private.messages, slack.problems) == ([], [], [])


async def _is_turned_away(person: SimulatedUser, channel: Channel | None = None) -> str:
    """Type the command, and return what is whispered about it."""
    heard = len(person.ephemerals)
    await person.command("/dcv-resend", str(ORDER), channel)
    await person.slack.wait_for(lambda: len(person.ephemerals) > heard, f"a whisper to {person.name}", SOON)
    return person.ephemerals[-1].text
