"""CertCentral looks random values up in the local DNS, as strictly as DigiCert describes it."""

from datetime import UTC, datetime

import pytest

from sandbox.certcentral.account import Account
from sandbox.dns import LocalDns, ServerFault

NAME = "shop.example.com"


@pytest.fixture
def dns() -> LocalDns:
    dns = LocalDns()
    dns.add_zone("example.com")
    return dns


@pytest.fixture
def account(dns: LocalDns) -> Account:
    account = Account(lambda: datetime.now(UTC))
    account.resolve_records = dns.resolve_all
    return account


@pytest.mark.parametrize(
    ("method", "place", "rtype", "text", "is_found"),
    [
        ("dns-txt-token", NAME, "TXT", '"{}"', True),
        ("dns-txt-token", f"_dnsauth.{NAME}", "TXT", '"{}"', True),
        ("dns-txt-token", NAME, "TXT", '"digicert={}"', False),
        ("dns-txt-token", NAME, "TXT", '"{}" ""', False),
        ("dns-txt-token", "example.com", "TXT", '"{}"', False),
        ("dns-cname-token", f"_dnsauth.{NAME}", "CNAME", "{}.dcv.digicert.com.", True),
        ("dns-cname-token", f"_dnsauth.{NAME}", "CNAME", "{}.example.com.", False),
        ("dns-cname-token", NAME, "TXT", '"{}"', False),
        ("email", NAME, "TXT", '"{}"', False),
    ],
)
def test_a_value_counts_at_its_place_and_as_a_whole(
    account: Account, dns: LocalDns, method: str, place: str, rtype: str, text: str, is_found: bool
) -> None:
    order = account.add_order(1, [NAME], method=method)
    dns.publish(place, rtype, text.format(account.live_value(order).text))

    assert account.finds_value(order, NAME) == is_found


def test_a_value_counts_only_while_the_servers_agree_and_the_signatures_hold(account: Account, dns: LocalDns) -> None:
    order = account.add_order(1, [NAME], method="dns-txt-token")
    dns.fail(4, ServerFault.STALE)
    dns.publish(NAME, "TXT", f'"{account.live_value(order).text}"')

    assert not account.finds_value(order, NAME)
    dns.fail(4, ServerFault.NONE)
    assert account.finds_value(order, NAME)
    dns.break_dnssec("example.com")
    assert not account.finds_value(order, NAME)
