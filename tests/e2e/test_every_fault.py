"""Every method of Slack's that the bot uses meets every misfortune: what happened is told truly, and lost never."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.faults import Fault, answers, drops, stalls
from sandbox.slack import Channel, Person, Slack
from tests.e2e.kit import Rows, kinds, open_form, put, puts, resend, roots, sees_end, tells

ORDER = 700001
RATELIMITED = {"ok": False, "error": "ratelimited"}
QUICK = [
    answers(429, RATELIMITED, {"Retry-After": "1"}),
    answers(429, RATELIMITED),
    answers(503, "upstream connect error"),
    drops(effect=False),
    drops(effect=True),
]
# The bot waits ten seconds for Slack, and five at most before the mail goes out.
EVERY = [*QUICK, Fault(lost=True, seconds=12.0)]

BEFORE_THE_MAIL = {"conversations.info": EVERY, "chat.postMessage": EVERY, "conversations.history": QUICK}
AFTER_THE_MAIL = {"chat.update": EVERY, "chat.postMessage": QUICK, "conversations.replies": QUICK}


def plan(slack: Slack, faults: dict[str, list[Fault]]) -> None:
    """Let the next calls of each method meet one fault each."""
    for method, misfortunes in faults.items():
        for misfortune in misfortunes:
            slack.faults.plan(method, misfortune)


def left(slack: Slack, methods: dict[str, list[Fault]]) -> list[str]:
    """The methods for which a planned fault is still to come."""
    return [method for method in methods if slack.faults.take(method)]


@pytest.fixture
def places(slack: Slack, certcentral: CertCentral) -> dict[int, Channel]:
    """A channel of its own for each of six orders."""
    for order_id in range(ORDER, ORDER + 6):
        certcentral.add_order(order_id, [f"n{order_id}.example.com"])
    return {order_id: slack.add_channel(f"pki-{order_id}") for order_id in range(ORDER, ORDER + 6)}


@pytest.mark.parametrize("when", ["before the mail", "after the mail"])
async def test_whatever_slack_does_each_ending_is_told_truly_and_once(
    bot: BotProcess,
    slack: Slack,
    certcentral: CertCentral,
    ana: Person,
    ledger: Rows,
    places: dict[int, Channel],
    when: str,
) -> None:
    faults = BEFORE_THE_MAIL if when == "before the mail" else AFTER_THE_MAIL
    answer = asyncio.Event()
    forms = [await open_form(ana, order_id, place) for order_id, place in places.items()]
    if faults is BEFORE_THE_MAIL:
        certcentral.faults.plan(put(ORDER), answers(429))
        plan(slack, faults)
    else:
        certcentral.faults.plan(put(), stalls(hold=answer), times=len(forms))
    for form in forms:
        await form.submit()
    if faults is AFTER_THE_MAIL:
        for place in places.values():
            await slack.sees_message(place, "Sending")
        plan(slack, faults)
        answer.set()

    ends = {order_id: await sees_end(slack, place, order_id, timeout=60.0) for order_id, place in places.items()}

    assert left(slack, faults) == []
    assert [tells(end) for end in ends.values()] == ["sent"] * 6
    assert {order_id: (roots(place), len(place.thread(ends[order_id].ts))) for order_id, place in places.items()} == {
        order_id: ([end], 1) for order_id, end in ends.items()
    }
    assert [kinds(ledger(), order_id)[-2:] for order_id in places] == [["sending", "sent"]] * 6
    assert len(certcentral.outbox) == 6
    assert slack.dm(ana).messages == []
    assert slack.problems == []


async def test_whatever_keeps_slack_from_saying_who_asked_nobody_is_mailed(
    make_bot: Callable[..., BotProcess], slack: Slack, certcentral: CertCentral, ana: Person, pki: Channel, ledger: Rows
) -> None:
    group = slack.add_usergroup("pki-team", [ana])
    await make_bot(DCV_ALLOWED_USERS="", DCV_ALLOWED_USERGROUPS=group.id).start()
    await slack.connected(60.0)
    methods = ["users.info"] * len(QUICK) + ["usergroups.users.list"] * len(EVERY)

    for number, (method, fault) in enumerate(zip(methods, [*QUICK, *EVERY], strict=True)):
        certcentral.add_order(ORDER + number, [f"n{number}.example.com"])
        form = await open_form(ana, ORDER + number, pki)
        # aiohttp asks once more by itself where a connection that was open before is dropped.
        slack.faults.plan(method, fault, times=None)
        await form.submit()
        root = await sees_end(slack, pki, ORDER + number)
        slack.faults.clear()

        assert tells(root) == "not_sent"
        assert root.content.says("Right before the call")
        assert kinds(ledger(), ORDER + number) == ["not_sent"]

    assert (certcentral.resends, slack.problems) == ([], [])


async def test_whatever_slack_does_to_forms_and_whispers_everybody_hears_a_sentence(
    bot: BotProcess, slack: Slack, certcentral: CertCentral, ana: Person, pki: Channel
) -> None:
    certcentral.add_order(ORDER, ["shop.example.com"])
    await resend(ana, ORDER, pki)
    await sees_end(slack, pki, ORDER)
    plan(slack, {"views.open": EVERY, "chat.getPermalink": EVERY, "response_url": EVERY, "chat.postEphemeral": QUICK})
    line = f"{ORDER} to admin@example.com"

    typed = [text for text in (str(ORDER), line, "help") for _ in EVERY]
    commands = await asyncio.gather(*(ana.command("/dcv-resend", text, pki) for text in typed))
    for words in ("Nothing was sent; try again", "Nothing was sent: ", "Resends DigiCert's"):
        await slack.wait(lambda says=words: _times_heard(slack, ana, says) >= len(EVERY), f"{words!r} six times", 30.0)
    plan(slack, {"views.update": QUICK})
    for told in range(len(EVERY) + 1, len(EVERY) + len(QUICK) + 1):
        await ana.command("/dcv-resend", str(ORDER), pki)
        await slack.wait(lambda times=told: _times_heard(slack, ana, "try again") >= times, f"{told} sentences", 10.0)

    assert all(command.acked for command in commands)
    assert puts(certcentral, ORDER) == 1
    assert await open_form(ana, ORDER, pki)
    assert slack.problems == []


def _times_heard(slack: Slack, person: Person, words: str) -> int:
    """How often the person alone was told these words."""
    return sum(message.content.says(words) for message in (*person.whispers, *slack.dm(person).messages))


async def test_whatever_slack_does_at_a_start_the_bot_serves_in_the_end(
    make_bot: Callable[..., BotProcess], tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        # Each is asked again after five seconds; the other misfortunes meet the client itself in its own tests.
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

        await asyncio.gather(*(slack.connected(90.0) for slack in workspaces))

        assert [slack.problems for slack in workspaces] == [[]] * len(faults)
