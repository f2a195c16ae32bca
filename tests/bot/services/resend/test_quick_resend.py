"""One tap: sends exactly what the dialog said, and leaves everything else to the form."""

from dataclasses import replace

import pytest

from bot.errors import CaUnavailable, NotAllowed
from bot.models import Actor, Destination, LedgerEvent, OrderTarget, Recipient, order_key
from bot.services.resend.quick_resend import QuickResend
from bot.store import cooldowns
from bot.store.ledger.entries import Entry, append
from bot.store.requests import remember_recipients
from bot.views.quick_resend import quick_resend_button, quick_resend_value

PKI, ALERTS = Destination("C0PKI"), Destination("C0ALERTS")
KEY, NAME, EMAIL = order_key(700001), "shop.example.com", "admin@shop.example.com"
SAID = quick_resend_value(KEY, NAME, EMAIL)


@pytest.fixture
def quick_resend(authorizer, finder, resend, clock, directory):
    directory.add("U0EVE")
    directory.add("U0BOB")
    return QuickResend(authorizer, finder, resend, {ALERTS.channel_id}, "en", clock)


@pytest.fixture
async def mailed(certcentral, database, clock):
    """Return a function that saves the last recipients of the order's name."""
    from bot.models import Call

    certcentral.allow(NAME, EMAIL, "pki@shop.example.com")
    certcentral.add_order(700001, NAME)

    async def save(*emails):
        recipients = tuple(Recipient(NAME, email) for email in emails)
        async with database.write() as transaction:
            await remember_recipients(transaction, Call(OrderTarget(700001), recipients), clock())

    await save(EMAIL)
    return save


async def test_what_the_dialog_said_is_sent_and_only_that(quick_resend, resend, mailed, ana):
    asked = await quick_resend.prepare(ana, PKI, "trigger:1", SAID)

    [call] = asked.calls
    assert [(each.name, each.email) for each in call.recipients] == [(NAME, EMAIL)]
    assert (asked.key, asked.subject, asked.reason, asked.locale) == (KEY, "order 700001", None, "en")
    assert await resend.accept(asked)


async def differs_in_the_last_recipient(mailed, **_):
    await mailed("pki@shop.example.com")


async def differs_in_the_number_of_recipients(mailed, **_):
    await mailed(EMAIL, "pki@shop.example.com")


async def is_not_allowed_any_more(certcentral, **_):
    certcentral.allow(NAME, "pki@shop.example.com")
    certcentral.allow("example.com", "pki@example.com")


async def has_another_name_now(certcentral, **_):
    certcentral.add_order(700001, NAME, "www.example.com")


async def is_issued(certcentral, **_):
    certcentral.add_order(700001, NAME, status="issued")


async def cannot_be_read(certcentral, **_):
    certcentral.always["order"] = CaUnavailable("DigiCert cannot be reached.", may_have_arrived=False)


async def is_in_its_cooldown(quick_resend, resend, ana, **_):
    await resend.accept(await quick_resend.prepare(ana, PKI, "trigger:0", SAID))


@pytest.mark.parametrize(
    "change",
    [
        differs_in_the_last_recipient,
        differs_in_the_number_of_recipients,
        is_not_allowed_any_more,
        has_another_name_now,
        is_issued,
        cannot_be_read,
        is_in_its_cooldown,
    ],
)
async def test_what_differs_from_the_dialog_is_left_to_the_form(quick_resend, resend, mailed, certcentral, ana, change):
    await change(mailed=mailed, certcentral=certcentral, quick_resend=quick_resend, resend=resend, ana=ana)

    assert await quick_resend.prepare(ana, PKI, "trigger:1", SAID) is None


@pytest.mark.parametrize(
    "value",
    [
        "",
        KEY,
        f"{KEY}|",
        f"{KEY}|{EMAIL}",
        quick_resend_value(KEY, NAME, "pki@shop.example.com"),
        quick_resend_value("order:700002", NAME, EMAIL),
        SAID.replace("order:700001", "name:shop.example.com"),
        "\u0661|x",
    ],
)
async def test_a_forged_press_sends_nothing(quick_resend, mailed, ana, value):
    assert await quick_resend.prepare(ana, PKI, "trigger:1", value) is None


async def test_in_an_alert_channel_and_for_who_may_not_nothing_is_read(quick_resend, mailed, certcentral, ana):
    certcentral.asked.clear()

    assert await quick_resend.prepare(ana, ALERTS, "trigger:1", SAID) is None
    with pytest.raises(NotAllowed):
        await quick_resend.prepare(Actor("U0EVE", "T0HOME"), PKI, "trigger:1", SAID)
    assert certcentral.asked == []


@pytest.mark.parametrize(
    ("key", "name", "email", "label", "question"),
    [
        (KEY, NAME, "a@b.example", "Resend to a@b.example", "possibly all of a domain above it."),
        (
            KEY,
            NAME,
            EMAIL,
            "Resend to admin@shop…ample.com",
            f"Send one DCV email to {EMAIL}? Approving validates {NAME}.",
        ),
        (KEY, "*.example.com", "admin@example.com", "Resend to admin@example.com", "Approving validates example.com."),
        (KEY, NAME, "admin@example.com", "Resend to admin@example.com", f"{NAME}, possibly all of example.com."),
        ("domain:7", "example.com", "admin@example.com", "Resend to admin@example.com", "and everything below it."),
    ],
)
def test_the_button_has_a_dialog_with_the_whole_address_and_what_it_validates(key, name, email, label, question):
    button = quick_resend_button(key, name, email).to_dict()

    dialog = button["confirm"]
    assert (button["text"]["text"], len(button["text"]["text"]) <= 30) == (label, True)
    assert dialog["text"]["text"].startswith(f"Send one DCV email to {email}?")
    assert dialog["text"]["text"].endswith(question)
    assert (dialog["confirm"]["text"], dialog["deny"]["text"]) == ("Send", "Cancel")
    assert email not in button["value"]


@pytest.fixture
def end(database, stored, clock, ana):
    """Return a function that ends the only call of a request, and its cooldown if nothing was sent."""

    async def end_it(request_id, outcome=LedgerEvent.NOT_SENT):
        request = await stored.get(request_id)
        async with database.write() as transaction:
            await append(transaction, Entry(outcome, clock(), ana, request_id, 0, 1, {"words": ""}))
            if outcome is LedgerEvent.NOT_SENT:
                await cooldowns.release(transaction, request_id, request.calls[0].cooldown_keys)
        return request

    return end_it


@pytest.fixture
async def failed(quick_resend, resend, mailed, end, ana):
    """Return a request of Ana's, accepted and not sent."""
    asked = await quick_resend.prepare(ana, PKI, "trigger:0", SAID)
    return await end(await resend.accept(replace(asked, reason="new mailbox", locale="de")))


async def test_exactly_what_was_not_sent_is_tried_again(quick_resend, resend, failed, ana):
    thread = Destination("C0PKI", "1.0")

    asked = await quick_resend.again(Actor("U0BOB", "T0HOME"), thread, "trigger:1", failed)

    same = (failed.calls, failed.key, failed.subject, failed.locale, failed.reason)
    assert (asked.calls, asked.key, asked.subject, asked.locale, asked.reason) == same
    assert (asked.destination, asked.follows) == (thread, failed.id)
    assert await resend.accept(asked)


async def is_sent_by_a_colleague(quick_resend, resend, failed, **_):
    assert await resend.accept(await quick_resend.again(failed.actor, PKI, "trigger:2", failed))


@pytest.mark.parametrize(
    "change",
    [has_another_name_now, is_issued, cannot_be_read, is_sent_by_a_colleague],
)
async def test_what_differs_from_what_was_not_sent_is_left_to_the_form(
    quick_resend, resend, failed, certcentral, ana, change
):
    await change(certcentral=certcentral, quick_resend=quick_resend, resend=resend, failed=failed)

    assert await quick_resend.again(ana, PKI, "trigger:1", failed) is None


@pytest.mark.parametrize("outcome", [LedgerEvent.SENT, LedgerEvent.UNKNOWN, LedgerEvent.REFUSED])
async def test_only_what_was_not_sent_is_tried_again(quick_resend, resend, mailed, end, clock, ana, outcome):
    request_id = await resend.accept(await quick_resend.prepare(ana, PKI, "trigger:0", SAID))
    request = await end(request_id, outcome)
    clock.advance(days=1)

    assert await quick_resend.again(ana, PKI, "trigger:1", request) is None


async def test_who_may_not_resend_cannot_try_again(quick_resend, failed):
    with pytest.raises(NotAllowed):
        await quick_resend.again(Actor("U0EVE", "T0HOME"), PKI, "trigger:1", failed)
