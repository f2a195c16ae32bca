"""Follow-ups: the bot reports each change after a resend by itself and once, until nothing is pending."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.faults import Fault, answers, drops
from sandbox.slack import Channel, Form, Message, SimulatedUser, Slack
from tests.e2e.helpers import ON_BOTH, open_form, put, resend, roots, start_again

ORDER = 700001
MANY = "1s,2s,3s,4s,5s,6s,8s,10s,15s,20s,30s,60s"
VALIDATION = f"GET /order/certificate/{ORDER}/validation"
MakeBot = Callable[..., BotProcess]
Begin = Callable[..., Awaitable[BotProcess]]
Send = Callable[..., Awaitable[Message]]


@pytest.fixture
def begin(make_bot: MakeBot, slack: Slack, pki: Channel) -> Begin:
    """Start a bot that checks every second or so."""

    async def begin(follow_ups: str = MANY, **settings: str) -> BotProcess:
        bot = make_bot(DCV_FOLLOW_UPS=follow_ups, **settings)
        await bot.start()
        await slack.wait_for_connection(60)
        return bot

    return begin


@pytest.fixture
async def sent(slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel) -> Send:
    """Let Ana resend an order for these names, and hand over the root message that tells the outcome."""

    async def send(*names: str, **traits: str) -> Message:
        certcentral.add_order(ORDER, names or ["shop.example.com"], **traits)  # type: ignore[arg-type]
        await resend(ana, ORDER, pki)
        detail = await slack.sees_message(pki, "What now")
        return next(root for root in roots(pki) if root.ts == detail.thread_ts)

    return send


def replies(pki: Channel, root: Message) -> list[str]:
    """Return the bot's messages in a thread after the detail."""
    return [message.text for message in pki.thread(root.ts)[1:]]


async def settled(slack: Slack, root: Message, word: str = "*Validated*") -> Message:
    """Wait until the root message begins with this."""
    return await slack.wait_for(lambda: root if root.text.startswith(word) else None, f"the root to say {word}", 30.0)


@ON_BOTH
async def test_a_validation_is_reported_in_the_thread_and_in_the_root_message(
    begin: Begin, sent: Send, slack: Slack, certcentral: CertCentral, pki: Channel
) -> None:
    await begin()
    root = await sent()
    followed = root.buttons

    certcentral.approve(certcentral.outbox[0])
    await slack.sees_message(pki, "shop.example.com: seen validated at", thread=root)

    assert followed == ["Stop following"]
    assert "ends on 2028-03-15" in pki.thread(root.ts)[0].visible_text
    assert roots(pki) == [root]
    assert root.text.startswith("*Validated*: shop.example.com, seen ")
    assert "Order 700001 is issued." in root.text
    assert "Sent" in root.text
    assert root.buttons == []
    assert len(replies(pki, root)) == 1
    assert slack.problems == []


async def test_each_name_is_reported_once_and_the_root_message_counts_those_that_wait(
    begin: Begin, sent: Send, slack: Slack, certcentral: CertCentral, pki: Channel
) -> None:
    await begin()
    root = await sent("a.one.com", "b.two.com", "c.three.com")

    await slack.sees_message(pki, "3 of 3 names still wait, checked")
    certcentral.approve(certcentral.outbox[1])
    first = await slack.sees_message(pki, "b.two.com: seen validated at", thread=root)
    await slack.sees_message(pki, "2 of 3 names still wait, checked")
    certcentral.approve(certcentral.outbox[0])
    second = await slack.sees_message(pki, "a.one.com: seen validated at", thread=root)
    certcentral.approve(certcentral.outbox[2])
    last = await slack.sees_message(pki, "c.three.com: seen validated at", thread=root)

    assert [each.text.rpartition(". ")[2] for each in (first, second)] == [
        "2 of 3 names still wait.",
        "1 of 3 names still wait.",
    ]
    assert last.text.endswith("Order 700001 is issued. No name waits any longer.")
    assert root.text.startswith("*Validated*: all 3 names, seen ")
    assert len(replies(pki, root)) == 3
    assert slack.problems == []


@ON_BOTH
async def test_what_was_validated_while_the_bot_was_stopped_is_reported_at_its_start(
    begin: Begin, sent: Send, slack: Slack, certcentral: CertCentral, pki: Channel
) -> None:
    bot = await begin("12h,1d")
    root = await sent()

    await bot.stop()
    certcentral.approve(certcentral.outbox[0])
    await start_again(bot, slack)
    await slack.sees_message(pki, "shop.example.com: seen validated at", thread=root)

    asked = [call.name for call in certcentral.calls if call.name.startswith("GET")]
    assert "GET /order/certificate/status-changes" in asked
    assert len(replies(pki, root)) == 1


@pytest.mark.parametrize(
    ("step", "effect"),
    [
        (VALIDATION, False),
        ("chat.update", False),
        ("chat.update", True),
        ("chat.postMessage", False),
        ("chat.postMessage", True),
    ],
)
async def test_killed_at_any_step_of_a_check_it_reports_each_change_once(
    begin: Begin,
    sent: Send,
    slack: Slack,
    certcentral: CertCentral,
    pki: Channel,
    step: str,
    effect: bool,
) -> None:
    bot = await begin("2s,3s,4s,6s,8s,10s,15s,20s,30s,60s")
    root = await sent("a.one.com", "b.two.com")
    gone, world = asyncio.Event(), certcentral if step == VALIDATION else slack

    def calls() -> int:
        return sum(call.name == step for call in certcentral.calls) + sum(
            call.method == step for call in slack.api_calls
        )

    certcentral.approve(certcentral.outbox[0])
    before = calls()
    world.faults.plan(step, Fault(effect=effect, lost=True, hold=gone))
    await world.changes.wait_for(lambda: calls() > before, what=step, timeout=30.0)
    await bot.kill()
    gone.set()
    world.faults.clear()
    await start_again(bot, slack)
    await slack.sees_message(pki, "a.one.com: seen validated at", thread=root)
    certcentral.approve(certcentral.outbox[1])
    await slack.sees_message(pki, "b.two.com: seen validated at", thread=root)
    await settled(slack, root)

    assert [text.partition(":")[0] for text in replies(pki, root)] == ["a.one.com", "b.two.com"]
    assert roots(pki) == [root]
    assert slack.problems == []


async def test_a_newer_request_takes_over_and_the_older_thread_leads_to_it(
    begin: Begin,
    sent: Send,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
) -> None:
    await begin()
    older = await sent()

    form = await open_form(ana, ORDER, pki)
    form.fill("Reason", "nothing came")
    await form.submit()
    reply = await slack.sees_message(pki, "asked for again, and followed by", thread=older)
    newer = next(message for message in roots(pki) if message is not older)
    await slack.sees_message(pki, "What now", thread=newer)
    certcentral.approve(certcentral.outbox[-1])
    await slack.sees_message(pki, "shop.example.com: seen validated at", thread=newer)

    link = f"/archives/{pki.id}/p{newer.ts.replace('.', '')}|a newer request>"
    assert link in reply.text
    assert link in older.text
    assert "Asked for again" in older.text
    assert older.buttons == []
    assert len(replies(pki, older)) == 1
    assert len(replies(pki, newer)) == 1
    assert slack.problems == []


async def test_following_can_be_stopped_by_those_who_may_and_by_nobody_else(
    begin: Begin,
    sent: Send,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
) -> None:
    await begin()
    ben = slack.add_person("ben")
    root = await sent()

    await ben.click(root, "Stop following")
    await ben.receives("You can't")
    still = root.buttons
    await ana.click(root, "Stop following")
    reply = await slack.sees_message(pki, "stopped following this", thread=root)
    await slack.wait_for(lambda: not root.buttons, "the root to lose its button", 20.0)
    looks = len(certcentral.calls)
    certcentral.approve(certcentral.outbox[0])
    await ana.click(reply, "Check now")
    await slack.sees_message(pki, "No name waits any longer", thread=root)

    assert still == ["Stop following"]
    assert f"<@{ana.id}> stopped following" in reply.text
    assert reply.buttons == ["Check now", "Send again"]
    assert len(certcentral.calls) == looks + 1
    assert slack.problems == []


async def test_a_nudge_says_what_helps_and_its_buttons_work(
    begin: Begin,
    sent: Send,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
) -> None:
    await begin(DCV_NUDGES="2s")
    root = await sent("a.one.com", "b.two.com")

    nudge = await slack.sees_message(pki, "What usually helps", thread=root)
    certcentral.approve(certcentral.outbox[0])
    await ana.click(nudge, "Check now")
    check = await slack.sees_message(pki, "1 of 2 names still wait", thread=root)
    await ana.click(nudge, "Send again")
    form = await ana.sees_form("Recipient for b.two.com")
    await ana.click(nudge, "Stop following")
    await slack.sees_message(pki, "b.two.com still waited", thread=root)

    assert nudge.buttons == ["Check now", "Send again", "Stop following"]
    assert "no-reply@digitalcertvalidation.com" in nudge.text
    assert "a.one.com and b.two.com" in nudge.text
    assert check.thread_ts == root.ts
    assert form.says("say why")
    assert sum("What usually helps" in text for text in replies(pki, root)) == 1
    assert slack.problems == []


async def test_what_check_now_reported_is_not_reported_again(
    begin: Begin,
    sent: Send,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
) -> None:
    await begin("12h")
    root = await sent("a.one.com", "b.two.com")
    detail = pki.thread(root.ts)[0]

    certcentral.approve(certcentral.outbox[0])
    await ana.click(detail, "Check now")
    await slack.sees_message(pki, "1 of 2 names still wait for validation", thread=root)
    await slack.wait_for(lambda: "1 of 2 names" in root.text, "the root to count", 20.0)
    certcentral.approve(certcentral.outbox[1])
    await ana.click(detail, "Check now")
    await settled(slack, root)

    assert len(replies(pki, root)) == 1
    assert root.buttons == []
    assert slack.problems == []


async def test_an_unknown_resend_whose_name_is_seen_validated_says_both(
    begin: Begin, sent: Send, slack: Slack, certcentral: CertCentral, pki: Channel
) -> None:
    await begin()
    certcentral.faults.plan(put(), drops(effect=True))
    root = await sent()

    certcentral.approve(certcentral.outbox[0])
    await settled(slack, root)

    assert "although nobody knows whether this mail was sent" in root.text
    assert "*Unknown*" in root.text
    assert len(certcentral.resends) == 1


async def test_the_domains_of_an_ov_order_are_followed(
    begin: Begin, sent: Send, slack: Slack, certcentral: CertCentral, pki: Channel
) -> None:
    await begin()
    root = await sent("shop.one.com", "two.com", product="ov")

    certcentral.approve(certcentral.outbox[0])
    await slack.sees_message(pki, "one.com: seen validated at", thread=root)
    await slack.sees_message(pki, "1 of 2 names still wait, checked")
    certcentral.approve(certcentral.outbox[-1])
    await slack.sees_message(pki, "two.com: seen validated at", thread=root)
    await settled(slack, root)

    assert {call.name for call in certcentral.resends} == {"PUT /domain/5001/dcv/emails", "PUT /domain/5002/dcv/emails"}
    assert "all 2 names" in root.text
    assert len(replies(pki, root)) == 2


async def test_a_domain_without_an_order_is_followed_by_itself(
    begin: Begin, slack: Slack, certcentral: CertCentral, pki: Channel, ask: Callable[[str], Awaitable[Form]]
) -> None:
    certcentral.add_domain(1234, "example.org")
    await begin()

    await (await ask("example.org")).submit()
    root = await slack.sees_message(pki, "domain example.org")
    await slack.sees_message(pki, "What now", thread=root)
    certcentral.approve(certcentral.outbox[0])
    await slack.sees_message(pki, "example.org: seen validated at", thread=root)

    assert root.text.startswith("*Validated*: example.org, seen ")
    assert not [call for call in certcentral.calls if "status-changes" in call.path]


async def test_a_canceled_order_is_reported_and_followed_no_longer(
    begin: Begin, sent: Send, slack: Slack, certcentral: CertCentral, pki: Channel
) -> None:
    await begin()
    root = await sent()

    certcentral.cancel(ORDER)
    await slack.sees_message(pki, "Order 700001 is canceled, seen at", thread=root)

    assert "*Order 700001 is canceled*; it is not followed any longer." in root.text
    assert "Validated" not in root.text
    assert root.buttons == []


async def test_the_last_check_says_so_and_old_buttons_say_that_it_is_over(
    begin: Begin,
    sent: Send,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
) -> None:
    await begin("1s,2s,9s", DCV_NUDGES="2s")
    root = await sent()

    nudge = await slack.sees_message(pki, "Still open after", thread=root)
    last = await slack.sees_message(pki, "That was the last check", thread=root)
    await ana.click(nudge, "Stop following")
    whisper = await ana.receives("not followed any longer")
    await ana.click(nudge, "Check now")
    await slack.sees_message(pki, "The name still waits for validation", thread=root)
    await ana.click(last, "Send again")
    await ana.sees_form("Recipient for shop.example.com")

    assert "the last check was made" in whisper.text
    assert root.buttons == []
    assert slack.problems == []


async def test_a_digicert_that_is_away_is_asked_again_and_nothing_is_said(
    begin: Begin, sent: Send, slack: Slack, certcentral: CertCentral, pki: Channel
) -> None:
    await begin()
    root = await sent()

    certcentral.faults.plan(VALIDATION, answers(403, {"errors": [{"code": "access_denied"}]}), times=2)
    certcentral.approve(certcentral.outbox[0])
    await slack.sees_message(pki, "shop.example.com: seen validated at", thread=root)

    assert len(replies(pki, root)) == 1


async def test_what_is_turned_off_is_neither_followed_nor_noted(
    begin: Begin, sent: Send, certcentral: CertCentral, pki: Channel
) -> None:
    await begin("none", DCV_EMAIL_END_NOTE="false")

    root = await sent()

    assert root.buttons == []
    assert "2028" not in pki.thread(root.ts)[0].visible_text
    assert not [call for call in certcentral.calls if "status-changes" in call.path]
