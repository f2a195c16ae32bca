"""The addresses that the bot may send a DNS query to. Pure.

DNS is foreign text: a name server's address may be one of this network, to make the bot ask something there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address

DNS_PORT = 53
# Clouds answer for their machines at these, and both are public addresses by their numbers (Alibaba, Azure).
_METADATA = frozenset({"100.100.100.200", "168.63.129.16"})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The address and port of a server."""

    address: str
    port: int = DNS_PORT


@dataclass(frozen=True, slots=True)
class AddressRules:
    """The rules for addresses that were found in DNS.

    `sandbox` maps addresses to the sandbox's own servers. It is empty everywhere else.
    """

    sandbox: Mapping[str, Endpoint] = field(default_factory=dict)

    def endpoint(self, address: str) -> Endpoint | None:
        """Return where a server with this address is asked, or None if it must not be asked."""
        if address in self.sandbox:
            return self.sandbox[address]
        return Endpoint(address) if is_public(address) else None


def is_public(address: str) -> bool:
    """Return True for an address of the public internet.

    False for private, loopback, link-local, shared, reserved and metadata addresses, and for IPv6 addresses that
    stand for such an IPv4 address.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return all(each.is_global and not each.is_multicast and str(each) not in _METADATA for each in _meant(parsed))


def _meant(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    """Return the address, and the IPv4 addresses that it stands for: mapped, 6to4, Teredo, NAT64 and compatible."""
    if isinstance(address, IPv4Address):
        return [address]
    found: list[IPv4Address | IPv6Address] = [address]
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    if address.sixtofour:
        found.append(address.sixtofour)
    if address.teredo:
        found += address.teredo
    if address.packed[:12] in {bytes(12), bytes.fromhex("0064ff9b0000000000000000")}:
        found.append(IPv4Address(address.packed[12:]))
    return found
