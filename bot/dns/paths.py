"""The ways of queries out of the bot: transport, resolvers, and permitted addresses."""

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import dns.exception
import dns.resolver

from bot.dns.addresses import AddressRules, Endpoint
from bot.dns.transport import DnsTransport, NetworkTransport

# An address of the public internet, to ask the kernel for a route. Nothing is sent. Source: IANA, root server A.
_ANYWHERE_IPV6 = ("2001:503:ba3e::2:30", 53)


@dataclass(frozen=True, slots=True)
class DnsPaths:
    """How queries leave the bot: over which transport, to which resolvers, and to which addresses found in DNS."""

    transport: DnsTransport
    resolvers: tuple[Endpoint, ...]
    rules: AddressRules
    has_ipv6: bool = False


def network_paths(
    resolvers: Sequence[tuple[str, int]], sandbox: Sequence[tuple[str, tuple[str, int]]] = ()
) -> DnsPaths:
    """Return the paths of the network. Without `resolvers`, those of the system are asked."""
    chosen = tuple(Endpoint(*each) for each in resolvers) or _system_resolvers()
    mapped: Mapping[str, Endpoint] = {address: Endpoint(*each) for address, each in sandbox}
    return DnsPaths(NetworkTransport(), chosen, AddressRules(mapped), not mapped and _has_ipv6_route())


def _system_resolvers() -> tuple[Endpoint, ...]:
    """Return the resolvers of the system, or none if it names none."""
    try:
        system = dns.resolver.Resolver()
    except (dns.exception.DNSException, OSError):
        return ()
    return tuple(Endpoint(each, system.port) for each in system.nameservers if isinstance(each, str))


def _has_ipv6_route() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.connect(_ANYWHERE_IPV6)
    except OSError:
        return False
    return True
