"""Every state that prevents a resend: in words, with a hint."""

import dataclasses
from datetime import UTC, datetime

import pytest

from bot import models
from bot.errors import NotResendable
from bot.models import Domain, NameValidation, Order, OrderValidation
from bot.services.lookup import eligibility

ORDER = Order(1, "pending", "shop.example.com", ("shop.example.com",), True, "a product", None, None)
THEN = datetime(2026, 9, 1, tzinfo=UTC)
SAYS_NO = {
    "issued": ["is issued", "reissue"],
    "expired": ["is expired", "renew"],
    "revoked": ["is revoked", "CertCentral"],
    "canceled": ["is canceled", "new order"],
    "rejected": ["was rejected", "reason"],
    "denied": ["was denied", "administrator"],
    "needs_approval": ["waits for approval", "administrator"],
    "needs_csr": ["waits for a CSR", "Add the CSR"],
    "waiting_pickup": ["picked up", "collect"],
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


@pytest.mark.parametrize(("status", "leads"), [("needs_approval", True), ("needs_csr", True), ("issued", False)])
def test_an_order_that_waits_for_a_person_links_to_its_page(status, leads):
    url = eligibility.order_url("https://ca.example/secure", 1)
    nothing = eligibility.order_ineligible(dataclasses.replace(ORDER, status=status), url)

    assert full_text(nothing).endswith(" https://ca.example/secure/orders/1") is leads


@pytest.mark.parametrize("status", ["pending", "reissue_pending", "processing", "something_new", ""])
def test_an_order_in_any_other_state_may_have_something(status):
    assert eligibility.order_ineligible(dataclasses.replace(ORDER, status=status)) is None


def test_an_order_without_a_common_name_is_named_by_its_number():
    nothing = eligibility.order_ineligible(dataclasses.replace(ORDER, status="issued", common_name=""))

    assert str(nothing) == "Order 1 is issued."


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"is_active": False}, ["deactivated", "Activate"]),
        ({"validation": ("Valid",)}, ["bücher.example (xn--bcher-kva.example) is validated.", "submit"]),
        ({"validation": ("Valid", THEN)}, ["is validated until 2026-09-01.", "early"]),
        (
            {"validation": ("Valid", THEN, ("EV",))},
            ["is validated until 2026-09-01, but its EV validation expired.", "submit the domain again"],
        ),
        (
            {"validation": ("Expired", THEN)},
            ["validation of bücher.example (xn--bcher-kva.example) expired on 2026-09-01.", "Submit", "again"],
        ),
        ({"validation": ("Expired",)}, ["expired.", "Submit"]),
        ({"validation": ("NeverValidated",)}, ["was never validated", "Submit"]),
        ({"validation": ("Unclear", False)}, ["does not wait", "does not say if it is valid", "submit"]),
        ({"method": "dns-txt-token"}, ["validated by a DNS TXT record, not by e-mail"]),
        ({"method": "dns-cname-token"}, ["validated by a DNS CNAME record"]),
        ({"method": "http-token"}, ["a file on the web server"]),
        ({"method": "http-token-dynamic"}, ["a file on the web server"]),
        ({"method": "carrier-pigeon"}, ["the method carrier-pigeon"]),
    ],
)
def test_a_domain_in_this_state_has_nothing_to_resend(changes, words):
    nothing = eligibility.domain_ineligible(domain(**changes))

    assert all(word in full_text(nothing) for word in words)


@pytest.mark.parametrize(
    "changes", [{}, {"validation": ("Unclear",)}, {"validation": ("Pending", THEN)}, {"method": None}]
)
def test_a_domain_that_may_wait_is_not_turned_away(changes):
    assert eligibility.domain_ineligible(domain(**changes)) is None


def test_an_order_without_a_name_that_waits_has_nothing_to_resend():
    with pytest.raises(NotResendable, match="no name that waits"):
        by_email()


APPROVE, ORGANIZATION = "administrator of the CertCentral account must approve", "has not validated Example Ltd"
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

    words = full_text(
        eligibility.no_name_waits(order, validation, eligibility.order_url("https://ca.example/secure", 1))
    )

    assert words.startswith("All names of order 1 (shop.example.com) are validated.")
    assert {part for part in (APPROVE, ORGANIZATION, CONTACT, LAST_CHECKS) if part in words} == mentioned
    assert words.endswith(" https://ca.example/secure/orders/1")


def test_unreadable_entries_never_count_as_validated_names():
    validation = OrderValidation(1, "pending", None, (entry("a.example", is_open=False),), unreadable=1)

    words = full_text(eligibility.no_name_waits(ORDER, validation))

    assert "1 entry that could not be read, so a name may still wait" in words
    assert "validated" not in words


def test_entries_that_cannot_be_read_are_remarked_on_beside_the_others():
    waiting = [entry("a.example")]

    _, remarks = eligibility.email_validated(
        ORDER, OrderValidation(1, "pending", None, tuple(waiting), unreadable=2), waiting
    )

    assert remarks == ["DigiCert listed 2 more entries that could not be read."]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("code signing", "Order 1 is a code signing order; it has no DCV emails."),
        ("S/MIME", "Order 1 is an S/MIME order; it has no DCV emails."),
        ("client certificate", "Order 1 is a client certificate order; it has no DCV emails."),
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
        (1, 0, "1 order could not be read."),
        (0, 2, "2 domains could not be read."),
        (3, 1, "3 orders and 1 domain could not be read."),
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

    assert "validated by a DNS CNAME record, not by e-mail" in full_text(nothing.value)


def test_names_validated_otherwise_are_remarked_on_once_per_method():
    entries = [entry(f"a{number}.example", "dns-txt-token") for number in range(249)]

    names, remarks = by_email(*entries, entry("mail.example"), entry("web.example", "http-token"))

    assert [each.name_scope for each in names] == ["mail.example"]
    assert len(remarks) == 2
    assert all(len(remark) < 3000 for remark in remarks)
    assert "a0.example" in remarks[0]
    assert "more" in remarks[0]
    assert "a file on the web server" in remarks[1]


def test_a_name_is_not_called_unknown_while_some_rows_could_not_be_read():
    words = full_text(eligibility.unknown_name("a.example", "1 order could not be read."))

    assert "No order and no domain that could be read goes by a.example." in words
    assert "1 order could not be read." in words


@pytest.mark.parametrize(
    ("nothing", "words"),
    [
        (eligibility.unknown_order(5), ["no order 5", "Check the number"]),
        (eligibility.unknown_domain(5), ["no domain 5", "ask by its name"]),
        (eligibility.unknown_name("xn--bcher-kva.example"), ["bücher.example", "Check the spelling"]),
        (eligibility.no_recipient("a.example"), ["no recipient for a.example", "preferences"]),
    ],
)
def test_a_missing_target_is_reported_with_a_hint(nothing, words):
    assert all(word in full_text(nothing) for word in words)
