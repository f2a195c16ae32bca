"""A domain that is not pending is submitted again and emailed, by three calls that email no one but the chosen."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.faults import answers, drops, stalls
from sandbox.slack import Channel, Form, Message, SimulatedUser, Slack
from tests.e2e.helpers import ON_BOTH, SENT, Rows, start_again

Ask = Callable[[str], Awaitable[Form]]

DOMAIN_ID, NAME = 1234, "lapsed.example"
SUBMIT, METHOD, RESEND = (
    f"POST /domain/{DOMAIN_ID}/validation",
    f"PUT /domain/{DOMAIN_ID}/dcv/method",
    f"PUT /domain/{DOMAIN_ID}/dcv/emails",
)


def writes(certcentral: CertCentral) -> list[str]:
    """The calls that change something, in order."""
    return [call.name for call in certcentral.calls if call.method != "GET"]


def edits(slack: Slack) -> int:
    """Count the edits of messages, also those that are not answered yet."""
    return sum(call.method == "chat.update" for call in slack.api_calls)


def recipients(certcentral: CertCentral) -> list[str]:
    return [mail.recipient for mail in certcentral.outbox]


@pytest.fixture
def lapsed(certcentral: CertCentral) -> None:
    """A domain whose validation has ended, with two mailboxes too many."""
    ended = certcentral.now() - timedelta(days=3)
    certcentral.add_domain(DOMAIN_ID, NAME, pending=False, validated_until=ended, txt_contacts=["pki@corp.example"])


@pytest.fixture
def tracked(make_bot: Callable[..., BotProcess], slack: Slack, pki: Channel) -> Callable[[], Awaitable[BotProcess]]:
    """Start a bot that checks every second or so."""

    async def start() -> BotProcess:
        bot = make_bot(DCV_FOLLOW_UPS="1s,2s,3s,4s,6s,8s,10s,15s,20s,30s,60s", DCV_NUDGES="none")
        await bot.start()
        await slack.wait_for_connection(60)
        return bot

    return start


async def revalidation_form(ask: Ask, ana: SimulatedUser) -> Form:
    """Type the name, and press *Revalidate…* on the screen that says that nothing is pending."""
    form = await ask(NAME)
    await form.click("Revalidate…")
    return await ana.sees_form(f"Revalidate {NAME}")


async def revalidate(ask: Ask, ana: SimulatedUser, slack: Slack, pki: Channel, *, ends: str) -> Message:
    """Revalidate the domain for admin@, and return the card once it says how that ended."""
    form = await revalidation_form(ask, ana)
    await form.choose([f"admin@{NAME}"], label=f"Recipients for {NAME}")
    await form.submit()
    return await slack.sees_message(pki, containing=ends)


@ON_BOTH
async def test_from_the_button_to_the_validation_one_email_goes_to_the_chosen_mailbox(
    tracked: Callable[[], Awaitable[BotProcess]],
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
    ask: Ask,
    lapsed: None,
    ledger: Rows,
) -> None:
    await tracked()
    form = await revalidation_form(ask, ana)
    says = form.text
    label = form.submit_text
    await form.choose([f"admin@{NAME}"], label=f"Recipients for {NAME}")
    await form.submit()
    card = await slack.sees_message(pki, containing=SENT)

    assert "expired on" in says
    assert "Revalidated today, it would be valid until" in says
    assert "Revalidate and send 1 email" in says
    assert label == "Revalidate, send 1 email"
    assert card.text.startswith(f"📨 {NAME} · waiting for approval")
    assert f"Revalidation of domain {NAME} · requested by" in card.text
    assert writes(certcentral) == [SUBMIT, METHOD, RESEND]
    assert recipients(certcentral) == [f"admin@{NAME}"]
    assert certcentral.domains[DOMAIN_ID].pending

    certcentral.approve(certcentral.outbox[0])
    await slack.wait_for(lambda: card.text.startswith(f"✅ {NAME} · validated"), "the card to be done", 20.0)
    assert [row["kind"] for row in ledger()][:7] == ["accepted", *["sending", "sent"] * 3]
    assert slack.problems == []


LOST = {
    "the submission took effect": (SUBMIT, True, "submitted, no email was sent", [SUBMIT, METHOD, RESEND]),
    "the submission had no effect": (
        SUBMIT,
        False,
        "may or may not be submitted, no email was sent",
        [SUBMIT, SUBMIT, METHOD, RESEND],
    ),
    "the change took effect": (METHOD, True, "submitted, stopped before the email", [SUBMIT, METHOD, RESEND]),
    "the change had no effect": (
        METHOD,
        False,
        "submitted, stopped before the email",
        [SUBMIT, METHOD, METHOD, RESEND],
    ),
}


@pytest.mark.parametrize(("call", "effect", "ends", "calls"), LOST.values(), ids=LOST)
async def test_after_a_lost_answer_the_card_says_how_far_it_came_and_a_person_continues(
    bot: BotProcess,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
    ask: Ask,
    lapsed: None,
    call: str,
    effect: bool,
    ends: str,
    calls: list[str],
) -> None:
    certcentral.faults.plan(call, drops(effect=effect))

    card = await revalidate(ask, ana, slack, pki, ends=ends)
    stopped_after, emailed = writes(certcentral), recipients(certcentral)
    text = card.text
    await ana.click(card, "Continue")
    newer = await slack.sees_message(pki, SENT, thread=card)
    await slack.wait_for(lambda: "Continue" not in card.buttons, "the button to go", 20.0)

    assert text.startswith(f"⚠️ {NAME} · {ends}")
    assert stopped_after == calls[: calls.index(call) + 1]
    assert emailed == []
    assert writes(certcentral) == calls
    assert recipients(certcentral) == [f"admin@{NAME}"]
    assert newer.text.startswith(f"📨 {NAME} · waiting for approval")
    assert f"Continued by <@{ana.id}>" in card.text
    assert slack.problems == []


@pytest.mark.parametrize(
    ("steps", "ends"),
    [(1, "submitted, no email was sent"), (2, "submitted, stopped before the email")],
    ids=["after the first step", "after the second"],
)
async def test_after_a_crash_between_two_steps_no_call_is_made_until_a_person_continues(
    bot: BotProcess,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
    ask: Ask,
    lapsed: None,
    steps: int,
    ends: str,
) -> None:
    form = await revalidation_form(ask, ana)
    await form.choose([f"admin@{NAME}"], label=f"Recipients for {NAME}")
    gone = asyncio.Event()
    # The card is edited after each step, and before the next one.
    for _ in range(steps - 1):
        slack.faults.plan("chat.update", stalls())
    slack.faults.plan("chat.update", stalls(hold=gone))
    await form.submit()
    await slack.wait_for(lambda: edits(slack) == steps, "the edit after the step", 20.0)
    await bot.kill()
    gone.set()
    await start_again(bot, slack)
    card = await slack.sees_message(pki, containing=ends)

    assert writes(certcentral) == [SUBMIT, METHOD][:steps]
    assert recipients(certcentral) == []

    await ana.click(card, "Continue")
    await slack.sees_message(pki, SENT, thread=card)

    assert writes(certcentral) == [SUBMIT, METHOD, RESEND]
    assert recipients(certcentral) == [f"admin@{NAME}"]
    assert slack.problems == []


async def test_recipients_are_asked_again_only_if_they_are_no_longer_allowed_and_the_record_is_shown(
    bot: BotProcess,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
    ask: Ask,
    lapsed: None,
) -> None:
    refusal = {"errors": [{"code": "domain_locked", "message": "The domain is locked."}]}
    certcentral.faults.plan(METHOD, answers(400, refusal))
    card = await revalidate(ask, ana, slack, pki, ends="submitted, no email was sent")
    says = card.text
    await ana.click(card, "Show the DNS record")
    record = await ana.sees_form("TXT")
    shown = record.text
    await record.close()

    certcentral.set_permitted_emails(NAME, [f"hostmaster@{NAME}", "pki@corp.example"])
    await ana.click(card, "Continue")
    form = await ana.sees_form(f"Recipients for {NAME}")
    label = form.submit_text
    await form.choose([f"hostmaster@{NAME}"], label=f"Recipients for {NAME}")
    await form.submit()
    await slack.sees_message(pki, SENT, thread=card)

    assert "DigiCert's reason: “The domain is locked.”" in says
    assert "Check in CertCentral that the domain is active and not locked" in says
    assert certcentral.domains[DOMAIN_ID].value is not None
    assert certcentral.domains[DOMAIN_ID].value.text in shown
    assert NAME in shown
    assert label == "Send 1 email"
    assert writes(certcentral) == [SUBMIT, METHOD, METHOD, RESEND]
    assert recipients(certcentral) == [f"hostmaster@{NAME}"]
    assert slack.problems == []


async def test_who_may_only_resend_is_offered_no_revalidation(
    make_bot: Callable[..., BotProcess],
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
    ask: Ask,
    lapsed: None,
    tmp_path: Path,
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(f'[[rule]]\nname = "some"\nallow = ["resend", "status"]\nusers = ["{ana.id}"]\n')
    await make_bot(DCV_ALLOWED_USERS="", DCV_POLICY_FILE=str(policy)).start()
    await slack.wait_for_connection(60)

    form = await ask(NAME)
    await ana.command("/dcv-status", NAME, pki)
    status = await ana.receives(f"Domain {NAME}")

    assert "Resubmit the domain in CertCentral" in form.text
    assert "Revalidate…" not in form.buttons
    assert "Revalidate…" not in status.buttons


async def test_what_digicert_refuses_at_once_changes_nothing_and_can_be_tried_again(
    bot: BotProcess,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    pki: Channel,
    ask: Ask,
    lapsed: None,
) -> None:
    words = "The organization's validation has expired."
    certcentral.faults.plan(SUBMIT, answers(400, {"errors": [{"code": "invalid_organization", "message": words}]}))

    card = await revalidate(ask, ana, slack, pki, ends="no email was sent")
    says, buttons = card.text, card.buttons
    await ana.click(card, "Try again")
    form = await ana.sees_form(f"Revalidate {NAME}")
    await form.submit()
    await slack.sees_message(pki, SENT, thread=card)

    assert f"DigiCert's reason: “{words}”" in says
    assert "its organization's validation has not expired" in says
    assert buttons[0] == "Try again"
    assert writes(certcentral) == [SUBMIT, SUBMIT, METHOD, RESEND]
    assert slack.problems == []
