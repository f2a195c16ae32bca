"""Every state that says no: in words, with what to do instead."""

import dataclasses
from datetime import UTC, datetime

import pytest

from bot.errors import NothingToDo
from bot.models import Domain, NameValidation, Order, OrderValidation
from bot.services import states

ORDER = Order(1, "pending", "shop.example.com", ("shop.example.com",), True, "a product", None, None)
DOMAIN = Domain(7, "xn--bcher-kva.example", True, True, "email", None, None)
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


def entry(scope, method=None, is_open=True):
    return NameValidation(scope, (scope,), is_open, method, None, True)


def by_email(*entries, order=ORDER, method=None):
    return states.only_email(order, OrderValidation(1, "pending", method, tuple(entries)), entries)


def told(nothing):
    return f"{nothing} {nothing.instead}"


@pytest.mark.parametrize(("status", "words"), SAYS_NO.items())
def test_an_order_in_this_state_has_nothing_to_resend(status, words):
    nothing = states.order_has_nothing(dataclasses.replace(ORDER, status=status))

    assert isinstance(nothing, NothingToDo)
    assert all(word in told(nothing) for word in ["Order 1", *words])


@pytest.mark.parametrize("status", ["pending", "reissue_pending", "processing", "something_new", ""])
def test_an_order_in_any_other_state_may_have_something(status):
    assert states.order_has_nothing(dataclasses.replace(ORDER, status=status)) is None


def test_an_order_without_a_common_name_is_told_by_its_number():
    nothing = states.order_has_nothing(dataclasses.replace(ORDER, status="issued", common_name=""))

    assert str(nothing) == "Order 1 is issued."


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"is_active": False}, ["deactivated", "Activate"]),
        ({"is_pending": False}, ["bücher.example (xn--bcher-kva.example) is validated.", "submit"]),
        (
            {"is_pending": False, "validated_until": datetime(2026, 9, 1, tzinfo=UTC)},
            ["is validated until 2026-09-01."],
        ),
        ({"method": "dns-txt-token"}, ["validated by a DNS TXT record, not by e-mail"]),
        ({"method": "dns-cname-token"}, ["validated by a DNS CNAME record"]),
        ({"method": "http-token"}, ["a file on the web server"]),
        ({"method": "carrier-pigeon"}, ["the method carrier-pigeon"]),
    ],
)
def test_a_domain_in_this_state_has_nothing_to_resend(changes, words):
    nothing = states.domain_has_nothing(dataclasses.replace(DOMAIN, **changes))

    assert all(word in told(nothing) for word in words)


@pytest.mark.parametrize("changes", [{}, {"is_pending": None}, {"method": None}])
def test_a_domain_that_may_wait_is_not_turned_away(changes):
    assert states.domain_has_nothing(dataclasses.replace(DOMAIN, **changes)) is None


def test_an_order_whose_names_are_all_validated_has_nothing_to_resend():
    with pytest.raises(NothingToDo, match="no name that waits"):
        by_email()


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
    with pytest.raises(NothingToDo) as nothing:
        by_email(entry("a.example", "dns-cname-token"))

    assert "validated by a DNS CNAME record, not by e-mail" in told(nothing.value)


def test_names_validated_otherwise_are_remarked_on_once_per_method():
    entries = [entry(f"a{number}.example", "dns-txt-token") for number in range(249)]

    names, remarks = by_email(*entries, entry("mail.example"), entry("web.example", "http-token"))

    assert [each.name_scope for each in names] == ["mail.example"]
    assert len(remarks) == 2
    assert all(len(remark) < 3000 for remark in remarks)
    assert "a0.example" in remarks[0]
    assert "more" in remarks[0]
    assert "a file on the web server" in remarks[1]


@pytest.mark.parametrize(
    ("nothing", "words"),
    [
        (states.unknown_order(5), ["no order 5", "Check the number"]),
        (states.unknown_domain(5), ["no domain 5", "ask by its name"]),
        (states.unknown_name("xn--bcher-kva.example"), ["bücher.example", "Check the spelling"]),
        (states.no_recipient("a.example"), ["no recipient for a.example", "preferences"]),
    ],
)
def test_what_is_not_there_is_told_with_what_to_do(nothing, words):
    assert all(word in told(nothing) for word in words)
