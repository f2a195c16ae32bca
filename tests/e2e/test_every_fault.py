"""Every Slack method that the bot uses meets every fault: results are reported truly and never lost."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.faults import Fault, answers, drops, stalls
from sandbox.slack import Channel, Form, Message, SimulatedUser, Slack
from tests.e2e.helpers import Rows, kinds, open_form, put, puts, resend, roots, sees_end, tells
from tests.forked_bot import SHORT

Places = dict[int, Channel]

ORDER = 700001
RATELIMITED = {"ok": False, "error": "ratelimited"}
QUICK = [
    answers(429, RATELIMITED, {"Retry-After": "1"}),
    answers(429, RATELIMITED),
    answers(503, "upstream connect error"),
    drops(effect=False),
    drops(effect=True),
]
# Longer than the bot waits for Slack, or before the mail goes out.
EVERY = [*QUICK, Fault(lost=True, seconds=1.2 * SHORT.slack_timeout)]

BEFORE_THE_MAIL = {"conversations.info": EVERY, "chat.postMessage": EVERY, "conversations.history": QUICK}
AFTER_THE_MAIL = {"chat.update": EVERY}


def plan(slack: Slack, faults: dict[str, list[Fault]]) -> None:
    """Let the next calls of each method meet one fault each."""
    for method, misfortunes in faults.items():
        for misfortune in misfortunes:
            slack.faults.plan(method, misfortune)


def left(slack: Slack, methods: dict[str, list[Fault]]) -> list[str]:
    """The methods for which a planned fault is still to come."""
    return [method for method in methods if slack.faults.pop(method)]


@pytest.fixture
def places(slack: Slack, certcentral: CertCentral) -> Places:
    """A channel of its own for each of six orders."""
    for order_id in range(ORDER, ORDER + 6):
        certcentral.add_order(order_id, [f"n{order_id}.example.com"])
    return {order_id: slack.add_channel(f"pki-{order_id}") for order_id in range(ORDER, ORDER + 6)}


async def test_whatever_slack_does_before_the_mail_each_ending_is_reported_truly_and_once(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, ledger: Rows, places: Places
) -> None:
    certcentral.faults.plan(put(ORDER), answers(429))
    forms = [await open_form(ana, order_id, destination) for order_id, destination in places.items()]

    plan(slack, BEFORE_THE_MAIL)
    for form in forms:
        await _submit(form)
    ends = {
        order_id: await sees_end(slack, destination, order_id, timeout=60.0) for order_id, destination in places.items()
    }

    assert left(slack, BEFORE_THE_MAIL) == []
    assert _what_stands(places) == {order_id: ([end], "sent", 0) for order_id, end in ends.items()}
    assert [kinds(ledger(), order_id)[-2:] for order_id in places] == [["sending", "sent"]] * len(places)
    assert (len(certcentral.outbox), slack.dm(ana).messages, slack.problems) == (len(places), [], [])


async def test_whatever_slack_does_after_the_mail_each_ending_is_reported_truly_and_once(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, ledger: Rows, places: Places
) -> None:
    answer = asyncio.Event()
    certcentral.faults.plan(put(), stalls(hold=answer), times=len(places))
    for order_id, destination in places.items():
        await _submit(await open_form(ana, order_id, destination))
        await slack.sees_message(destination, "Resending")

    plan(slack, AFTER_THE_MAIL)
    answer.set()
    ends = {
        order_id: await sees_end(slack, destination, order_id, timeout=60.0) for order_id, destination in places.items()
    }

    assert left(slack, AFTER_THE_MAIL) == []
    assert _what_stands(places) == {order_id: ([end], "sent", 0) for order_id, end in ends.items()}
    assert [kinds(ledger(), order_id) for order_id in places] == [["sending", "sent"]] * len(places)
    assert (len(certcentral.outbox), slack.dm(ana).messages, slack.problems) == (len(places), [], [])


def _what_stands(places: Places) -> dict[int, tuple[list[Message], str | None, int]]:
    """For each order its root messages, what the last of them tells, and how many replies stand below that."""
    found = {order_id: (roots(destination), destination) for order_id, destination in places.items()}
    return {
        order_id: (top, tells(top[-1]), len(destination.thread(top[-1].ts)))
        for order_id, (top, destination) in found.items()
    }


async def _submit(form: Form) -> None:
    """Submit, and again if the database of a busy machine took too long."""
    while not (submitted := await form.submit()).closed:
        assert submitted.error_texts == [
            "Nothing was sent, because the database didn't respond. Try again in a moment."
        ]


@pytest.mark.fault("M3")
async def test_whatever_keeps_slack_from_saying_who_asked_the_call_waits_for_it(
    make_bot: Callable[..., BotProcess],
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
    ledger: Rows,
) -> None:
    """Each fault meets a person of its own, and a group that has just changed: no answer serves for long."""
    group = slack.add_usergroup("pki-team", [ana])
    await make_bot(DCV_ALLOWED_USERS="", DCV_ALLOWED_USERGROUPS=group.id).start()
    await slack.wait_for_connection(60.0)
    methods = ["users.info"] * len(QUICK) + ["usergroups.users.list"] * len(EVERY)

    for number, (method, fault) in enumerate(zip(methods, [*QUICK, *EVERY], strict=True)):
        order_id, person = ORDER + number, slack.add_person(f"engineer{number}")
        certcentral.add_order(order_id, [f"n{order_id}.example.com"])
        group.set_members([person])
        await slack.wait_for_events()
        form = await open_form(person, order_id, pki)
        # aiohttp asks once more by itself where a connection that was open before is dropped.
        slack.faults.plan(method, fault, times=None)
        await form.submit()
        await slack.wait_for(lambda order_id=order_id: _waits(pki, order_id), "that the call waits", 20.0)
        mailed = puts(certcentral, order_id)
        slack.faults.clear()
        root = await sees_end(slack, pki, order_id)

        assert (mailed, tells(root)) == (0, "sent")
        assert kinds(ledger(), order_id) == ["sending", "sent"]

    assert slack.problems == []


def _waits(channel: Channel, order_id: int) -> bool:
    """Return if the root message says that the call waits for Slack."""
    return any(
        root.content.says("Slack didn't confirm the requester's permission") for root in roots(channel, order_id)
    )


async def test_whatever_slack_does_to_forms_and_whispers_everybody_hears_a_sentence(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    certcentral.add_order(ORDER, ["shop.example.com"])
    await resend(ana, ORDER, pki)
    await sees_end(slack, pki, ORDER)
    plan(slack, {"views.open": EVERY, "response_url": EVERY, "chat.postEphemeral": QUICK})

    typed = [text for text in (str(ORDER), "help") for _ in EVERY]
    commands = await asyncio.gather(*(ana.command("/dcv-resend", text, pki) for text in typed))
    for words in ("Nothing was sent", "What you can type"):
        await slack.wait_for(
            lambda says=words: _times_heard(slack, ana, says) >= len(EVERY), f"{words!r} six times", 30.0
        )
    slack.faults.clear()
    for method, text in (("views.update", str(ORDER)), ("chat.getPermalink", f"{ORDER} to admin@example.com")):
        for fault in QUICK:
            before = _times_heard(slack, ana, "Nothing was sent")
            slack.faults.plan(method, fault)
            commands.append(await ana.command("/dcv-resend", text, pki))
            await slack.wait_for(
                lambda times=before: _times_heard(slack, ana, "Nothing was sent") > times, method, 10.0
            )

    assert all(command.acked for command in commands)
    assert puts(certcentral, ORDER) == 1
    assert await open_form(ana, ORDER, pki)
    assert slack.problems == []


def _times_heard(slack: Slack, person: SimulatedUser, words: str) -> int:
    """Count the private messages to the person with these words."""
    return sum(message.content.says(words) for message in (*person.ephemerals, *slack.dm(person).messages))


async def test_whatever_slack_does_at_a_start_the_bot_serves_in_the_end(
    make_bot: Callable[..., BotProcess], tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        # Each is asked again after a while; the other misfortunes meet the client itself in its own tests.
        faults = [QUICK[1], QUICK[-1]]
        workspaces = [await stack.enter_async_context(Slack()) for _ in faults]
        for number, (slack, fault) in enumerate(zip(workspaces, faults, strict=True)):
            slack.faults.plan("auth.test" if number % 2 else "apps.connections.open", fault)
            settings = {
                "SLACK_BOT_TOKEN": slack.bot_token,
                "SLACK_APP_TOKEN": slack.app_token,
                "SLACK_API_URL": slack.api_url,
                "DATABASE_URL": f"sqlite:///{tmp_path}/bot-{number}.db",
            }
            await make_bot(**settings).start()

        await asyncio.gather(*(slack.wait_for_connection(90.0) for slack in workspaces))

        assert [slack.problems for slack in workspaces] == [[]] * len(faults)
