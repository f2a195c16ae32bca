"""The DNS of the demo: the zones of its account, with mail at several products."""

from sandbox.dns.local_dns import LocalDns

ZONES = ("example.com", "example.org", "example.net", "corp.example", "outlook.com", "google.com", "mimecast.com")
_MICROSOFT = "example-com.mail.protection.outlook.com"
_MIMECAST = "eu-smtp-inbound-1.mimecast.com"
_HOSTS = {_MICROSOFT: "52.101.40.1", "aspmx.l.google.com": "142.250.27.26", _MIMECAST: "195.130.217.1"}
_MX = {
    "example.com": _MICROSOFT,
    "shop.example.com": _MICROSOFT,
    "corp.example.com": _MICROSOFT,
    "example.org": "aspmx.l.google.com",
    "mail.example.org": "aspmx.l.google.com",
    "pay.example.org": "aspmx.l.google.com",
    "corp.example": _MIMECAST,
}


def seed_dns(dns: LocalDns) -> None:
    """Add the zones. Names without an MX record get no email, and example.net takes none."""
    for zone in ZONES:
        dns.add_zone(zone)
    for host, address in _HOSTS.items():
        dns.publish(host, "A", address)
    for name, host in _MX.items():
        dns.publish(name, "MX", f"10 {host}.")
    dns.publish("example.net", "MX", "0 .")
    dns.publish("_validation-contactemail.example.com", "TXT", '"pki@corp.example"')
    dns.publish("_validation-contactemail.mail.example.org", "TXT", '"dns@corp.example"')
    dns.publish("example.com", "CAA", '0 issue "digicert.com"')
