"""Follow-ups: the bot reports each change after a resend by itself and once, until nothing is pending."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.faults import Fault, answers, drops
from sandbox.slack import Channel, Form, Message, SimulatedUser, Slack
from tests.e2e.helpers import ON_BOTH, SENT, open_form, put, resend, roots, sees_end, start_again

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
        return await sees_end(slack, pki, ORDER)

    return send


def replies(pki: Channel, root: Message) -> list[str]:
    """Return the bot's messages in a thread."""
    return [message.text for message in pki.thread(root.ts)]


async def settled(slack: Slack, root: Message, word: str = "✅ ") -> Message:
    """Wait until the root message begins with this."""
    return await slack.wait_for(lambda: root if root.text.startswith(word) else None, f"the root to say {word}", 30.0)


@ON_BOTH
async def test_a_validation_is_reported_in_the_thread_and_in_the_root_message(
    begin: Begin, sent: Send, slack: Slack, certcentral: CertCentral, pki: Channel
) -> None:
    await begin()
    root = await sent()

    certcentral.approve(certcentral.outbox[0])
    await slack.sees_message(pki, "shop.example.com was validated (", thread=root)

    assert roots(pki) == [root]
    assert root.text.startswith("✅ shop.example.com · validated, certificate issued.")
    assert root.buttons == ["Open in CertCentral"]
    assert len(replies(pki, root)) == 1
    assert slack.problems == []


async def test_each_name_is_reported_once_and_the_root_message_counts_those_that_wait(
    begin: Begin, sent: Send, slack: Slack, certcentral: CertCentral, pki: Channel
) -> None:
    await begin()
    root = await sent("a.one.com", "b.two.com", "c.three.com")

    await slack.sees_message(pki, "checked")
    certcentral.approve(certcentral.outbox[1])
    await slack.sees_message(pki, "b.two.com was validated (", thread=root)
    await slack.sees_message(pki, "1 of 3 validated")
    certcentral.approve(certcentral.outbox[0])
    await slack.sees_message(pki, "a.one.com was validated (", thread=root)
    certcentral.approve(certcentral.outbox[2])
    last = await slack.sees_message(pki, "c.three.com was validated (", thread=root)

    assert last.text.endswith("The certificate for order 700001 has been issued.")
    assert root.text.startswith("✅ a.one.com + 2 · validated")
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
    await slack.sees_message(pki, "shop.example.com was validated (", thread=root)

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
    await slack.sees_message(pki, "a.one.com was validated (", thread=root)
    certcentral.approve(certcentral.outbox[1])
    await slack.sees_message(pki, "b.two.com was validated (", thread=root)
    await settled(slack, root)

    assert [text.split()[1] for text in replies(pki, root)] == ["a.one.com", "b.two.com"]
    assert roots(pki) == [root]
    assert slack.problems == []


async def test_a_newer_request_takes_over_and_the_older_card_leads_to_it(
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
    reply = await slack.sees_message(pki, "Resent by", thread=older)
    newer = next(message for message in roots(pki) if message is not older)
    certcentral.approve(certcentral.outbox[-1])
    await slack.sees_message(pki, "shop.example.com was validated (", thread=newer)

    link = f"/archives/{pki.id}/p{newer.ts.replace('.', '')}|open"
    assert link in reply.text
    assert link in older.text
    assert older.text.startswith(f"📨 shop.example.com · resent. Resent by <@{ana.id}>")
    assert older.buttons == []
    assert len(replies(pki, older)) == 1
    assert len(replies(pki, newer)) == 1
    assert slack.problems == []


async def test_tracking_can_be_stopped_and_resumed_by_those_who_may_and_by_no_one_else(
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

    await ben.click(root, "Stop tracking")
    await slack.wait_for(lambda: ben.ephemerals, "the refusal", 20.0)
    await ana.click(root, "Stop tracking")
    question = await ana.sees_form("I'll stop checking shop.example.com (order 700001). 1 domain still needs approval.")
    await question.submit()
    await slack.sees_message(pki, f"tracking stopped by <@{ana.id}>")
    certcentral.approve(certcentral.outbox[0])
    stopped = root.buttons
    await ana.click(root, "Resume tracking")
    await slack.sees_message(pki, "shop.example.com was validated (", thread=root)

    assert ben.open_forms == []
    menu = ["Check now", "Ask someone to approve…", "Where did the email go?", "Details"]
    assert stopped == ["Resume tracking", "Resend to another address…", "Open in CertCentral", *menu]
    assert len(replies(pki, root)) == 1
    assert slack.problems == []


async def test_what_check_now_found_is_on_the_card_and_not_reported_again(
    begin: Begin,
    sent: Send,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
) -> None:
    await begin("12h")
    root = await sent("a.one.com", "b.two.com")

    certcentral.approve(certcentral.outbox[0])
    await ana.click(root, "Check now")
    await ana.receives("1 of 2 domains still need approval")
    counted = root.text
    certcentral.approve(certcentral.outbox[1])
    await ana.click(root, "Check now")
    await ana.receives("Nothing is waiting for approval")

    assert counted.startswith("📨 a.one.com + 1 · 1 of 2 validated.")
    assert root.text.startswith("✅ ")
    assert pki.messages == [root]
    assert slack.problems == []


async def test_an_unknown_resend_whose_name_is_seen_validated_says_both(
    begin: Begin, sent: Send, slack: Slack, certcentral: CertCentral, pki: Channel
) -> None:
    await begin()
    certcentral.faults.plan(put(), drops(effect=True))
    root = await sent()

    certcentral.approve(certcentral.outbox[0])
    await settled(slack, root)

    assert "The resend itself was unconfirmed." in root.text
    assert len(certcentral.resends) == 1


async def test_the_domains_of_an_ov_order_are_followed(
    begin: Begin, sent: Send, slack: Slack, certcentral: CertCentral, pki: Channel
) -> None:
    await begin()
    root = await sent("shop.one.com", "two.com", product="ov")

    certcentral.approve(certcentral.outbox[0])
    await slack.sees_message(pki, "one.com was validated (", thread=root)
    await slack.sees_message(pki, "1 of 2 validated")
    certcentral.approve(certcentral.outbox[-1])
    await slack.sees_message(pki, "two.com was validated (", thread=root)
    await settled(slack, root)

    assert {call.name for call in certcentral.resends} == {"PUT /domain/5001/dcv/emails", "PUT /domain/5002/dcv/emails"}
    assert root.text.startswith("✅ one.com + 1 · validated")
    assert len(replies(pki, root)) == 2


async def test_a_domain_without_an_order_is_followed_by_itself(
    begin: Begin, slack: Slack, certcentral: CertCentral, pki: Channel, ask: Callable[[str], Awaitable[Form]]
) -> None:
    certcentral.add_domain(1234, "example.org")
    await begin()

    await (await ask("example.org")).submit()
    root = await slack.sees_message(pki, SENT)
    certcentral.approve(certcentral.outbox[0])
    await slack.sees_message(pki, "example.org was validated (", thread=root)

    assert root.text.startswith("✅ example.org · validated. Valid until ")
    assert "Domain example.org · requested by " in root.text
    assert not [call for call in certcentral.calls if "status-changes" in call.path]


async def test_a_canceled_order_is_reported_and_followed_no_longer(
    begin: Begin, sent: Send, slack: Slack, certcentral: CertCentral, pki: Channel
) -> None:
    await begin()
    root = await sent()

    certcentral.cancel(ORDER)
    await slack.sees_message(pki, "Order 700001 was canceled. Tracking ended.", thread=root)

    assert root.text.startswith("⛔ shop.example.com · order canceled.")
    assert root.buttons == ["Open in CertCentral"]


async def test_the_last_check_says_so_and_has_the_buttons(
    begin: Begin,
    sent: Send,
    slack: Slack,
    ana: SimulatedUser,
    pki: Channel,
) -> None:
    await begin("1s,2s", DCV_NUDGES="none")
    root = await sent()

    last = await slack.sees_message(pki, "I stopped checking after", thread=root)
    await ana.click(last, "Check now")
    await ana.receives("1 of 1 domain still needs approval")
    await ana.click(last, "Resend to another address…")
    await ana.sees_form("shop.example.com")
    await slack.wait_for(lambda: root.buttons == [], "the card to lose its buttons", 20.0)

    assert "Stop tracking" not in last.buttons
    assert "tracking ended" in root.text
    assert slack.problems == []


async def test_a_digicert_that_is_away_is_asked_again_and_nothing_is_said(
    begin: Begin, sent: Send, slack: Slack, certcentral: CertCentral, pki: Channel
) -> None:
    await begin()
    root = await sent()

    certcentral.faults.plan(VALIDATION, answers(403, {"errors": [{"code": "access_denied"}]}), times=2)
    certcentral.approve(certcentral.outbox[0])
    await slack.sees_message(pki, "shop.example.com was validated (", thread=root)

    assert len(replies(pki, root)) == 1


async def test_what_is_turned_off_is_neither_followed_nor_noted(
    begin: Begin, sent: Send, certcentral: CertCentral, pki: Channel
) -> None:
    await begin("none")

    root = await sent()

    assert root.buttons == [
        "Resend to another address…",
        "Open in CertCentral",
        "Check now",
        "Ask someone to approve…",
        "Where did the email go?",
        "Details",
    ]
    assert "check" not in root.text
    assert not [call for call in certcentral.calls if "status-changes" in call.path]
