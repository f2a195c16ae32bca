"""Every state that prevents a resend: in words, with a hint."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from bot import models
from bot.errors import NotResendable
from bot.expiry.calendar import shipped_calendar
from bot.expiry.outlook import Outlook
from bot.models import Domain, NameValidation, Order, OrderValidation
from bot.services.lookup import eligibility

ORDER = Order(1, "pending", "shop.example.com", ("shop.example.com",), True, "a product", None, None)
THEN = datetime(2026, 9, 1, tzinfo=UTC)
OUTLOOK = Outlook(shipped_calendar(), datetime(2026, 7, 1, 10, tzinfo=UTC))
RENEWED = "Revalidated today, it would be valid until January 16, 2027 (by its age)."
SAYS_NO = {
    "issued": ["has been issued", "reissue"],
    "expired": ["has expired", "renew"],
    "revoked": ["was revoked", "CertCentral"],
    "canceled": ["was canceled", "new order"],
    "rejected": ["was rejected", "reason"],
    "denied": ["was denied", "administrator"],
    "needs_approval": ["needs approval", "administrator"],
    "needs_csr": ["needs a CSR", "Add the CSR"],
    "waiting_pickup": ["is ready", "Download"],
}


def domain(validation=("Pending",), is_active=True, method="email"):
    """Return a domain in the state of this name."""
    kind, *args = validation
    return Domain(7, "xn--bcher-kva.example", is_active, getattr(models, kind)(*args), method, None)


def entry(scope, method=None, is_open=True):
    return NameValidation(scope, (scope,), is_open, method, None, True)


def by_email(*entries, order=ORDER, method=None):
    return eligibility.email_validated(order, OrderValidation(1, "pending", method, tuple(entries)), entries)


def full_text(nothing):
    return f"{nothing} {nothing.hint}"


@pytest.mark.parametrize(("status", "words"), SAYS_NO.items())
def test_an_order_in_this_state_has_nothing_to_resend(status, words):
    nothing = eligibility.order_ineligible(dataclasses.replace(ORDER, status=status))

    assert isinstance(nothing, NotResendable)
    assert all(word in full_text(nothing) for word in ["Order 1", *words])


@pytest.mark.parametrize("status", SAYS_NO)
def test_an_order_that_no_email_helps_has_its_page_in_certcentral(status):
    assert eligibility.order_ineligible(dataclasses.replace(ORDER, status=status)).page == "order:1"


@pytest.mark.parametrize("status", ["pending", "reissue_pending", "processing", "something_new", ""])
def test_an_order_in_any_other_state_may_have_something(status):
    assert eligibility.order_ineligible(dataclasses.replace(ORDER, status=status)) is None


def test_an_order_without_a_common_name_is_named_by_its_number():
    nothing = eligibility.order_ineligible(dataclasses.replace(ORDER, status="issued", common_name=""))

    assert str(nothing) == "Order 1 has been issued."


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"is_active": False}, ["is inactive.", "Activate"]),
        ({"validation": ("Valid",)}, ["bücher.example (xn--bcher-kva.example) is already validated. No email is"]),
        (
            {"validation": ("Valid", THEN)},
            ["is already validated until September 1, 2026 (by its age).", RENEWED, "resubmit"],
        ),
        (
            {"validation": ("Valid", THEN, ("EV",))},
            ["until September 1, 2026 (by its age), but its EV validation expired.", RENEWED, "resubmit"],
        ),
        (
            {"validation": ("Expired", THEN)},
            ["validation of bücher.example (xn--bcher-kva.example) expired on September 1, 2026.", "Resubmit"],
        ),
        ({"validation": ("Expired",)}, ["expired.", "Resubmit"]),
        ({"validation": ("NeverValidated",)}, ["was never validated", "Resubmit"]),
        ({"validation": ("Unclear", False)}, ["isn't pending", "doesn't report whether it is validated", "resubmit"]),
        ({"method": "dns-txt-token"}, ["uses DNS validation (TXT), so there is no email to resend"]),
        ({"method": "dns-cname-token"}, ["uses DNS validation (CNAME)"]),
        ({"method": "http-token"}, ["file validation (HTTP)"]),
        ({"method": "http-token-dynamic"}, ["file validation (HTTP)"]),
        ({"method": "carrier-pigeon"}, ["the method carrier-pigeon"]),
    ],
)
def test_a_domain_in_this_state_has_nothing_to_resend(changes, words):
    nothing = eligibility.domain_ineligible(domain(**changes), OUTLOOK)

    assert all(word in full_text(nothing) for word in words)


@pytest.mark.parametrize(
    "changes", [{}, {"validation": ("Unclear",)}, {"validation": ("Pending", THEN)}, {"method": None}]
)
def test_a_domain_that_may_wait_is_not_turned_away(changes):
    assert eligibility.is_domain_eligible(domain(**changes))
    assert eligibility.domain_ineligible(domain(**changes), OUTLOOK) is None


RULE_DAY = "until March 15, 2027 (rule of that day). No email is needed. "


@pytest.mark.parametrize(
    ("validation", "today", "words", "offered"),
    [
        # A validation of October 1 ends with the new rule. So does any other before December 7.
        ("Valid", "2026-11-29", f"{RULE_DAY}Revalidating before December 7 does not move the end.", False),
        ("Valid", "2026-12-07", f"{RULE_DAY}Revalidating before December 13 moves the end by less than a w", False),
        ("Valid", "2026-12-13", f"{RULE_DAY}Revalidated today, it would be valid until March 22, 2027", True),
        ("Expired", "2026-11-29", "expired. Revalidated today, it would be valid until March 15, 2027 (rule", True),
        ("NeverValidated", "2027-04-01", "Revalidated today, it would be valid until July 9, 2027 (by its age)", True),
        ("Expired", "2028-03-15", "expired. Email validation has ended. Use DNS validation", False),
    ],
)
def test_a_revalidation_is_offered_if_it_moves_the_end_by_a_week(validation, today, words, offered):
    approved = None if validation == "NeverValidated" else datetime(2026, 10, 1, tzinfo=UTC)
    found = dataclasses.replace(domain(validation=(validation,)), approved_at=approved)
    outlook = Outlook(shipped_calendar(), datetime.fromisoformat(f"{today}T10:00Z"))

    mine = eligibility.domain_ineligible(found, outlook, may_revalidate=True)
    other = eligibility.domain_ineligible(found, outlook)

    assert words in full_text(mine)
    assert (mine.revalidates, other.revalidates) == ("domain:7" if offered else "", "")
    assert ("resubmit the domain in CertCentral" in full_text(other).replace("Res", "res")) is offered


def test_an_order_without_a_name_that_waits_has_nothing_to_resend():
    with pytest.raises(NotResendable, match="no pending domain"):
        by_email()


APPROVE, ORGANIZATION = "Ask a CertCentral administrator to approve it", "hasn't validated Example Ltd"
CONTACT, LAST_CHECKS = "verified contact", "needs nothing from you"


@pytest.mark.parametrize(
    ("of_order", "of_validation", "mentioned"),
    [
        ({}, {}, {LAST_CHECKS}),
        ({"awaits_approval": True}, {}, {APPROVE}),
        ({}, {"organization": "Example Ltd"}, {ORGANIZATION}),
        ({"is_ev": True}, {}, {CONTACT}),
        ({"is_ev": True, "awaits_approval": True}, {"organization": "Example Ltd"}, {APPROVE, ORGANIZATION, CONTACT}),
    ],
)
def test_an_order_whose_names_are_all_validated_says_who_must_act(of_order, of_validation, mentioned):
    order = dataclasses.replace(ORDER, **of_order)
    validation = OrderValidation(1, "pending", None, (entry("shop.example.com", is_open=False),), **of_validation)

    nothing = eligibility.no_name_waits(order, validation)
    words = full_text(nothing)

    assert words.startswith("All domains on order 1 (shop.example.com) are validated.")
    assert {part for part in (APPROVE, ORGANIZATION, CONTACT, LAST_CHECKS) if part in words} == mentioned
    assert nothing.page == "order:1"


def test_unreadable_entries_never_count_as_validated_names():
    validation = OrderValidation(1, "pending", None, (entry("a.example", is_open=False),), unreadable=1)

    words = full_text(eligibility.no_name_waits(ORDER, validation))

    assert "1 entry that I couldn't read, so some may be pending" in words
    assert "validated" not in words


def test_entries_that_cannot_be_read_are_remarked_on_beside_the_others():
    waiting = [entry("a.example")]

    _, remarks = eligibility.email_validated(
        ORDER, OrderValidation(1, "pending", None, tuple(waiting), unreadable=2), waiting
    )

    assert remarks == ["DigiCert listed 2 more entries that I couldn't read."]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("code signing", "Order 1 is a code signing order, which has no DCV emails."),
        ("S/MIME", "Order 1 is an S/MIME order, which has no DCV emails."),
        ("client certificate", "Order 1 is a client certificate order, which has no DCV emails."),
    ],
)
@pytest.mark.parametrize("status", ["pending", "issued"])
def test_an_order_for_another_kind_of_certificate_says_which(kind, words, status):
    order = dataclasses.replace(ORDER, other_kind=kind, status=status, names=(), common_name="Ana Example")

    assert str(eligibility.order_ineligible(order)) == words


@pytest.mark.parametrize(
    ("orders", "domains", "sentence"),
    [
        (0, 0, ""),
        (1, 0, "1 order couldn't be read."),
        (0, 2, "2 domains couldn't be read."),
        (3, 1, "3 orders and 1 domain couldn't be read."),
    ],
)
def test_rows_that_cannot_be_read_are_counted(orders, domains, sentence):
    assert eligibility.unreadable_rows(orders, domains) == sentence


@pytest.mark.parametrize(
    ("of_name", "of_validation", "of_order", "is_email"),
    [
        (None, None, None, True),
        ("email", "dns-txt-token", "dns-txt-token", True),
        ("dns-txt-token", "email", "email", False),
        (None, "dns-txt-token", "email", False),
        (None, "email", "dns-txt-token", True),
        (None, None, "http-token", False),
    ],
)
def test_the_method_nearest_to_the_name_counts(of_name, of_validation, of_order, is_email):
    order = dataclasses.replace(ORDER, method=of_order)
    entries = [entry("a.example", of_name), entry("b.example", "email")]

    names, remarks = by_email(*entries, order=order, method=of_validation)

    assert (entries[0] in names) is is_email
    assert bool(remarks) is not is_email


def test_an_order_that_is_validated_otherwise_has_nothing_to_resend():
    with pytest.raises(NotResendable) as nothing:
        by_email(entry("a.example", "dns-cname-token"))

    assert "uses DNS validation (CNAME), so there is no email to resend" in full_text(nothing.value)


def test_names_validated_otherwise_are_remarked_on_once_per_method():
    entries = [entry(f"a{number}.example", "dns-txt-token") for number in range(249)]

    names, remarks = by_email(*entries, entry("mail.example"), entry("web.example", "http-token"))

    assert [each.name_scope for each in names] == ["mail.example"]
    assert len(remarks) == 2
    assert all(len(remark) < 3000 for remark in remarks)
    assert "a0.example" in remarks[0]
    assert "more" in remarks[0]
    assert "file validation (HTTP)" in remarks[1]


def test_a_name_is_not_called_unknown_while_some_rows_could_not_be_read():
    words = full_text(eligibility.unknown_name("a.example", "1 order couldn't be read."))

    assert "No order or domain found for a.example" in words
    assert "1 order couldn't be read." in words


@pytest.mark.parametrize(
    ("nothing", "words"),
    [
        (eligibility.unknown_order(5), ["No order 5", "Check the number"]),
        (eligibility.unknown_domain(5), ["No domain 5", "Search by its name"]),
        (eligibility.unknown_name("xn--bcher-kva.example"), ["bücher.example", "Check the spelling"]),
        (eligibility.no_recipient("a.example", ""), ["no email address for a.example", "preferences"]),
    ],
)
def test_a_missing_target_is_reported_with_a_hint(nothing, words):
    assert all(word in full_text(nothing) for word in words)


def test_a_name_below_a_validated_domain_is_distinguished_from_a_pending_one():
    above = domain(validation=("Valid", THEN))

    outlook = Outlook(shipped_calendar(), THEN - timedelta(days=5, hours=1))
    nothing = eligibility.below_validated("new.example", above, outlook)

    assert str(nothing).startswith("No pending order has new.example. ")
    assert str(nothing).endswith("is already validated until September 1, 2026 (by its age, 5 days left).")
    assert eligibility.below_validated("new.example", domain(), outlook) is None
