"""Addresses found in DNS that the bot must not ask."""

import pytest

from bot.dns.addresses import AddressRules, Endpoint, is_public


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "168.63.129.16",
        "100.100.100.200",
        "0.0.0.0",  # noqa: S104 - an address that is refused
        "224.0.0.1",
        "255.255.255.255",
        "198.51.100.1",
        "::",
        "::1",
        "fe80::1",
        "fd00:ec2::254",
        "::ffff:127.0.0.1",
        "::127.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::1",
        "ff02::1",
        "fec0::1",
        "64:ff9b:1::a00:1",
        "64:ff9b:1:fffe::808:808",
        "::ffff:0:127.0.0.1",
        "2600:1:2:3:0:5efe:a00:1",
        "2600:1:2:3:200:5efe:a9fe:a9fe",
        "5f00::1",
        "3fff::1",
        "ns1.example.com",
        "",
    ],
)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert not is_public(address)
    assert AddressRules().endpoint(address) is None


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_a_public_address_is_asked(address: str) -> None:
    assert AddressRules().endpoint(address) == Endpoint(address)


def test_the_sandbox_maps_addresses_to_its_own_servers() -> None:
    rules = AddressRules({"198.51.100.1": Endpoint("127.0.0.1", 5301)})

    assert rules.endpoint("198.51.100.1") == Endpoint("127.0.0.1", 5301)
    assert rules.endpoint("127.0.0.1") is None
