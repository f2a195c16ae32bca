"""*Where did the email go?*: authorized like a resend, and honest about what it could not read."""

import asyncio

import pytest

from bot.dns.checks import DnsChecks, DnsMode
from bot.errors import CaUnavailable, LimitReached, NotAllowed
from bot.models import Actor, Address, Call, Destination, LedgerEvent, OrderTarget, Recipient
from bot.parsing.targets import DomainRef, OrderRef
from bot.policy.rules import Action, Rule, Rules
from bot.services.authorization.policy_loader import PolicyLoader
from bot.services.mail_trace.check_limits import CheckLimits
from bot.services.mail_trace.trace import MailTrace
from bot.services.resend.requests import NewRequest
from bot.store.ledger.entries import Entry
from bot.store.ledger.mailbox_history import MailboxHistory
from tests.bot.dns.world import World

PKI = Destination("C0PKI")
SHOP = "shop.example.com"


@pytest.fixture
def internet():
    return World({})


@pytest.fixture
def make_trace(authorizer, finder, addresses, database, internet, clock):
    def create(mode=DnsMode.DIRECT, limit=30, checks=None):
        checks = checks or DnsChecks(internet.paths, mode)
        limits = CheckLimits(((limit, 600.0),), clock)
        return MailTrace(authorizer, finder, addresses, MailboxHistory(database), checks, limits, clock)

    return create


@pytest.fixture
def order(certcentral):
    certcentral.add_order(700001, SHOP)
    certcentral.allow(SHOP, f"admin@{SHOP}", f"hostmaster@{SHOP}")


async def test_each_mailbox_has_a_line_and_the_settings_are_shown(make_trace, certcentral, ana, order):
    contact = Address("pki@corp.example", SHOP, txt=True)
    certcentral.possible[SHOP] = (*certcentral.allowed[SHOP], contact)

    message = await make_trace().report(ana, PKI, OrderRef(700001))

    assert "Order 700001 · shop.example.com" in message.text
    assert f"hostmaster@{SHOP} · not emailed by me" in message.text
    left_out = "pki@corp.example (DNS contact) · not emailed: your CertCentral setting leaves DNS contacts out"
    assert left_out in message.text


async def test_without_digicerts_whole_list_no_address_is_called_refused(make_trace, certcentral, ana, order):
    lost = [None, None, CaUnavailable("No answer.", may_have_arrived=False)]
    certcentral.failures["allowed_addresses"] = lost

    message = await make_trace().report(ana, PKI, OrderRef(700001))

    assert lost == []
    assert "CertCentral setting" not in message.text
    assert "doesn't allow" not in message.text


async def test_who_may_not_resend_learns_nothing_and_asks_no_server(
    make_trace, internet, certcentral, directory, order
):
    directory.add("U0EVE")

    with pytest.raises(NotAllowed):
        await make_trace().report(Actor("U0EVE", "T0HOME"), PKI, OrderRef(700001))

    assert internet.asked == []
    assert certcentral.asked == []


async def test_dns_that_is_off_is_not_called_fine(make_trace, internet, ana, order):
    message = await make_trace(DnsMode.OFF).report(ana, PKI, OrderRef(700001))

    assert "MX not checked: DNS checks are turned off" in message.text
    assert internet.asked == []


async def test_dns_that_hangs_does_not_delay_the_answer(make_trace, internet, ana, order, monkeypatch):
    monkeypatch.setattr("bot.services.mail_trace.trace.DNS_SECONDS", 0.1)

    async def hang(*_, **__):
        await asyncio.Event().wait()

    internet.ask = hang
    message = await make_trace().report(ana, PKI, OrderRef(700001))

    assert "MX not checked: it took too long" in message.text


async def test_a_persons_checks_are_limited(make_trace, ana, order, clock):
    trace = make_trace(limit=2)
    for _ in range(2):
        await trace.report(ana, PKI, OrderRef(700001))

    with pytest.raises(LimitReached, match="You asked for 2 DNS checks in the last 10 minutes"):
        await trace.report(ana, PKI, OrderRef(700001))
    clock.advance(minutes=10)
    await trace.report(ana, PKI, OrderRef(700001))


async def test_several_targets_of_a_name_are_offered(make_trace, certcentral, ana):
    certcentral.add_order(700001, SHOP)
    certcentral.add_order(700002, SHOP)

    message = await make_trace().report(ana, PKI, DomainRef(SHOP))

    values = [element["value"] for element in message.payload()["blocks"][-1]["elements"]]
    assert values == ["/dcv-resend where 700001", "/dcv-resend where 700002"]


@pytest.mark.parametrize("sees_all", [True, False])
async def test_the_record_of_a_mailbox_counts_no_email_for_names_that_the_policy_hides(
    make_trace, certcentral, authorizer, resend, ledger, clock, ana, order, sees_all
):
    """A mailbox of a parent domain also gets the emails for other names below it."""
    parent, hidden = "admin@example.com", "secret.example.com"
    certcentral.allowed[SHOP] = (Address(f"admin@{SHOP}", SHOP), Address(parent, "example.com"))
    call = Call(OrderTarget(700009), (Recipient(hidden, parent, "example.com"),))
    asked = NewRequest(ana, PKI, "view:V1", "order:700009", "order 700009", (call,), "en", None)
    detail = {"target": str(call.target)}
    await ledger.append(Entry(LedgerEvent.SENT, clock(), ana, await resend.accept(asked), 0, 1, detail))
    clock.advance(days=2)
    if not sees_all:
        rule = Rule("shop", True, frozenset(Action), users=frozenset({"U0ANA"}), names=frozenset({SHOP, "example.com"}))
        authorizer._policy_loader = PolicyLoader(Rules(frozenset(), frozenset(), frozenset({"T0HOME"}), (rule,)))  # noqa: SLF001 - a new version of the rules

    message = await make_trace().report(ana, PKI, OrderRef(700001))

    assert parent in message.text
    assert ("no validation followed the last email to it" in message.text) is sees_all
