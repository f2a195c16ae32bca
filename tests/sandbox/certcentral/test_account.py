"""The account without HTTP: valid additions, and the state that orders and domains share."""

from datetime import timedelta

import pytest

from sandbox.certcentral import CertCentral


@pytest.fixture
def ca() -> CertCentral:
    """Return an account without a server."""
    return CertCentral()


def test_ids_and_names_are_unique(ca: CertCentral) -> None:
    ca.add_order(1, ["example.com"])
    ca.add_domain(1, "example.com")

    with pytest.raises(ValueError, match="order 1"):
        ca.add_order(1, ["example.org"])
    with pytest.raises(ValueError, match="domain 1"):
        ca.add_domain(1, "example.org")
    with pytest.raises(ValueError, match=r"Example\.com"):
        ca.add_domain(2, "Example.com")


@pytest.mark.parametrize(
    ("scope", "domains"),
    [
        ("base_domain", ["example.com", "example.co.uk"]),
        ("fqdn", ["shop.example.com", "www.example.co.uk"]),
    ],
)
def test_ov_orders_bring_the_domains_that_are_missing(ca: CertCentral, scope: str, domains: list[str]) -> None:
    ca.add_order(1, ["a.shop.example.com", "*.shop.example.com", "www.example.co.uk"], product="ov", name_scope=scope)

    assert sorted(domain.name for domain in ca.domains.values()) == sorted(domains)


def test_dv_orders_bring_no_domains(ca: CertCentral) -> None:
    ca.add_order(1, ["example.com"])

    assert ca.domains == {}


def test_names_given_as_validated_do_not_wait(ca: CertCentral) -> None:
    ov = ca.add_order(1, ["a.example.com", "b.example.org"], product="ov", validated=["b.example.org"])
    exact = ca.add_order(
        2, ["a.example.net", "b.example.net"], product="ev", name_scope="fqdn", validated=["a.example.net"]
    )

    assert (ca.pending_names(ov), ca.pending_names(exact)) == (["a.example.com"], ["b.example.net"])


@pytest.mark.parametrize("product", ["dv", "ov"])
def test_an_issued_order_waits_for_nothing(ca: CertCentral, product: str) -> None:
    placed = ca.add_order(1, ["a.example.com", "example.org"], product=product, status="issued")
    waiting = ca.add_order(2, ["b.example.com", "example.net"], product=product)

    ca.issue(2)

    assert (ca.pending_names(placed), ca.pending_names(waiting), waiting.status) == ([], [], "issued")


def test_a_pending_domain_may_still_be_valid(ca: CertCentral) -> None:
    domain = ca.add_domain(1, "example.com", pending=True, validated_until=ca.now() + timedelta(days=1))

    assert domain.is_valid(ca.now())
    assert domain.pending
