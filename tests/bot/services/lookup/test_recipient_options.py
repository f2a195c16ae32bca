"""From the pending names to the possible recipients of each."""

import pytest

from bot.errors import CaRejected
from bot.models import DomainTarget, OrderTarget
from bot.recipients import CONSTRUCTED, constructed
from bot.services.lookup.allowed_emails import MOST_READS
from bot.store import requests

ORDER = OrderTarget(700001)


def emails(waiting):
    return [address.email for address in waiting.allowed]


async def test_an_order_offers_what_is_allowed_for_the_name_its_parents_and_its_scope(waiting_names, certcentral):
    certcentral.allow("shop.example.com", "own@shop.example.com", "Admin@Example.com")
    certcentral.allow("example.com", "admin@example.com", "pki@example.com")

    waiting, remarks = await waiting_names.of_order(ORDER, [certcentral.entry("example.com", "shop.example.com")])

    (name,) = waiting
    assert (name.name, name.scope, name.target) == ("shop.example.com", "example.com", ORDER)
    assert emails(name) == ["own@shop.example.com", "Admin@Example.com", "pki@example.com"]
    assert remarks == ()


async def test_if_digicert_knows_no_name_the_constructed_five_are_used_for_an_order(waiting_names, certcentral):
    certcentral.allow("example.com", "pki@example.com")

    waiting, _ = await waiting_names.of_order(ORDER, [certcentral.entry("shop.example.com")])

    assert emails(waiting[0]) == [f"{local}@shop.example.com" for local in CONSTRUCTED] + ["pki@example.com"]
    assert [address.domain for address in waiting[0].allowed] == ["shop.example.com"] * 5 + ["example.com"]


async def test_if_digicert_knows_the_name_and_allows_no_address_none_is_constructed(waiting_names, certcentral):
    for name in ("shop.example.com", "example.com"):
        certcentral.allow(name)

    waiting, remarks = await waiting_names.of_order(ORDER, [certcentral.entry("shop.example.com")])

    assert waiting == ()
    assert len(remarks) == 1
    assert "shop.example.com" in remarks[0]
    assert "DigiCert allows no recipient" in remarks[0]


async def test_a_domain_gets_no_replacement_for_the_addresses_digicert_lists(waiting_names, certcentral):
    certcentral.allow("example.com", "pki@example.com")

    waiting, remarks = await waiting_names.of_domains([(DomainTarget(1234, "shop.example.com"), True)])

    assert waiting == ()
    assert "shop.example.com" in remarks[0]


async def test_a_domain_is_asked_for_by_its_own_id(waiting_names, certcentral):
    certcentral.add_domain(1234, "example.com", "admin@example.com", "pki@example.com")
    target = DomainTarget(1234, "example.com")

    waiting, remarks = await waiting_names.of_domains([(target, False)])

    assert (waiting[0].name, waiting[0].scope, waiting[0].target) == ("example.com", "example.com", target)
    assert emails(waiting[0]) == ["admin@example.com", "pki@example.com"]
    assert waiting[0].covers_below is False
    assert waiting[0].audiences == ()
    assert certcentral.count("allowed_addresses") == 1
    assert remarks == ()


@pytest.mark.fault("H1")
async def test_another_scope_offers_the_lists_of_the_domain_and_of_the_scope(waiting_names, certcentral):
    certcentral.add_domain(1234, "example.com", "admin@example.com", "pki@example.com")
    certcentral.allow("shop.example.com", "admin@shop.example.com", "PKI@example.com")

    waiting, remarks = await waiting_names.of_domains([(DomainTarget(1234, "shop.example.com"), True)])

    assert emails(waiting[0]) == ["admin@example.com", "pki@example.com", "admin@shop.example.com"]
    assert waiting[0].audiences == (
        ("admin@example.com", "pki@example.com"),
        ("admin@shop.example.com", "PKI@example.com"),
    )
    assert remarks == ()


@pytest.mark.fault("H1")
@pytest.mark.parametrize("listed", [None, ()])
async def test_a_scope_without_listed_recipients_is_not_offered(waiting_names, certcentral, listed):
    certcentral.add_domain(1234, "example.com", "admin@example.com")
    if listed is not None:
        certcentral.allow("shop.example.com", *listed)

    waiting, remarks = await waiting_names.of_domains([(DomainTarget(1234, "shop.example.com"), True)])

    assert waiting == ()
    assert remarks == ("Not included: shop.example.com (DigiCert lists no recipients for this name).",)


REFUSAL = CaRejected("The domain is locked.", status=400)


@pytest.mark.fault("F8")
async def test_a_domain_whose_list_digicert_rejects_is_omitted_with_digicerts_message(waiting_names, certcentral):
    certcentral.add_domain(1, "a.example", "admin@a.example")
    certcentral.add_domain(2, "b.example", "admin@b.example")
    certcentral.failures["allowed_addresses"].append(REFUSAL)
    targets = [(DomainTarget(1, "a.example"), True), (DomainTarget(2, "b.example"), True)]

    waiting, remarks = await waiting_names.of_domains(targets)

    assert [name.name for name in waiting] == ["b.example"]
    assert remarks == ("Not included: a.example (The domain is locked).",)


@pytest.mark.fault("F8")
async def test_a_scope_whose_list_digicert_refuses_is_not_offered_by_the_list_of_its_domain(waiting_names, certcentral):
    certcentral.add_domain(1, "example.com", "admin@example.com")
    certcentral.failures["allowed_addresses"] += [None, REFUSAL]

    with pytest.raises(CaRejected, match="locked"):
        await waiting_names.of_domains([(DomainTarget(1, "shop.example.com"), True)])


async def test_if_every_list_is_rejected_digicerts_message_is_reported(waiting_names, certcentral):
    certcentral.add_domain(1, "a.example", "admin@a.example")
    certcentral.always["allowed_addresses"] = REFUSAL

    with pytest.raises(CaRejected, match="locked"):
        await waiting_names.of_domains([(DomainTarget(1, "a.example"), True)])


@pytest.mark.fault("F8")
@pytest.mark.parametrize("status", [400, 403])
async def test_for_a_name_on_an_order_constructed_addresses_replace_a_rejected_list(waiting_names, certcentral, status):
    certcentral.allow("b.example", "pki@b.example")
    certcentral.failures["allowed_addresses"].append(CaRejected("Not yours.", status=status))

    waiting, remarks = await waiting_names.of_order(
        ORDER, [certcentral.entry("a.example"), certcentral.entry("b.example")]
    )

    assert [emails(name)[0] for name in waiting] == ["admin@a.example", "pki@b.example"]
    assert remarks == ("DigiCert didn't list the addresses for a.example, so usual mailboxes are offered: Not yours.",)


async def test_a_wildcard_is_asked_for_without_its_star(waiting_names, certcentral):
    entry = certcentral.entry("*.example.com", "*.example.com", "*.shop.example.com")

    waiting, _ = await waiting_names.of_order(ORDER, [entry])

    assert [(name.name, name.scope) for name in waiting] == [
        ("example.com", "example.com"),
        ("shop.example.com", "example.com"),
    ]
    assert not any("*" in str(call) for call in certcentral.asked)


async def test_more_than_twenty_scopes_are_not_all_read_and_that_is_reported(waiting_names, certcentral):
    names = [f"a{number}.example" for number in range(23)]
    for name in names:
        certcentral.allow(name, f"pki@{name}")

    waiting, remarks = await waiting_names.of_order(ORDER, [certcentral.entry(name) for name in names])

    assert certcentral.count("allowed_addresses") == MOST_READS
    assert emails(waiting[0]) == ["pki@a0.example"]
    assert [name.allowed for name in waiting[20:]] == [constructed(name) for name in names[20:]]
    assert len(remarks) == 1
    assert "check the addresses for 3 domains" in remarks[0]


async def test_many_names_below_one_scope_are_one_reading(waiting_names, certcentral):
    names = [f"n{number}.example.com" for number in range(250)]
    certcentral.allow("example.com", "admin@example.com")

    waiting, remarks = await waiting_names.of_order(ORDER, [certcentral.entry("example.com", *names)])

    assert certcentral.count("allowed_addresses") == 1
    assert len(waiting) == 250
    assert {tuple(emails(name)) for name in waiting} == {("admin@example.com",)}
    assert remarks == ()


@pytest.mark.parametrize("kind", ["order", "domain"])
async def test_the_last_recipients_are_reported(
    waiting_names, certcentral, database, domain_call, order_call, clock, kind
):
    certcentral.allow("shop.example.com", "admin@example.com")
    certcentral.add_domain(1234, "example.org", "admin@example.org", "pki@example.org")
    async with database.write() as transaction:
        for call in (order_call, domain_call):
            await requests.remember_recipients(transaction, call, clock())

    if kind == "order":
        waiting, _ = await waiting_names.of_order(ORDER, [certcentral.entry("shop.example.com")])
    else:
        waiting, _ = await waiting_names.of_domains([(domain_call.target, True)])

    expected = {"order": ("admin@example.com",), "domain": ("admin@example.org", "pki@example.org")}
    assert waiting[0].preferred == expected[kind]
