"""The addresses that the bot may send a DNS query to. Pure.

DNS is foreign text: a name server's address may be one of this network, to make the bot ask something there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

DNS_PORT = 53
# Clouds answer for their machines at these, and both are public addresses by their numbers (Alibaba, Azure).
_METADATA = frozenset({"100.100.100.200", "168.63.129.16"})
# Networks that are not public, although Python 3.11 calls them global. Sources: RFC 3879 (site-local), RFC 8215
# (translation within a network), RFC 9602 (segment routing), RFC 9637 (documentation).
_NOT_PUBLIC = tuple(map(ip_network, ("fec0::/10", "64:ff9b:1::/48", "5f00::/16", "3fff::/20")))
# The last four bytes are an IPv4 address: compatible (RFC 4291), NAT64 (RFC 6052), translated (RFC 2765).
_WITH_IPV4 = frozenset(bytes.fromhex(each) for each in ("00" * 12, "0064ff9b" + "00" * 8, "00" * 8 + "ffff0000"))
# The same behind any prefix: ISATAP (RFC 5214, section 6.1).
_ISATAP = frozenset(bytes.fromhex(each) for each in ("00005efe", "02005efe"))


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
    return all(map(_is_public, _meant(parsed)))


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if not address.is_global or address.is_multicast or str(address) in _METADATA:
        return False
    return not any(address in network for network in _NOT_PUBLIC)


def _meant(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    """Return the address, and the IPv4 addresses that it stands for or is a tunnel to."""
    if isinstance(address, IPv4Address):
        return [address]
    found: list[IPv4Address | IPv6Address] = [address]
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    if address.sixtofour:
        found.append(address.sixtofour)
    if address.teredo:
        found += address.teredo
    if address.packed[:12] in _WITH_IPV4 or address.packed[8:12] in _ISATAP:
        found.append(IPv4Address(address.packed[12:]))
    return found
