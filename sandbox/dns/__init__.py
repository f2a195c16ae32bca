"""A local DNS: four authoritative name servers and a caching resolver on loopback ports, as strict as real ones."""

from sandbox.dns.local_dns import LocalDns
from sandbox.dns.name_server import ServerFault

__all__ = ["LocalDns", "ServerFault"]
