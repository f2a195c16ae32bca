"""The lookup of random values in the local DNS, as DigiCert does it.

A TXT record has the bare value as a whole, at the name or at `_dnsauth.` below it. A CNAME record of `_dnsauth.` leads
to the value below dcv.digicert.com. Sources: DigiCert's page "DNS-based DCV methods", and its library
domain-control-validation.
"""

from collections.abc import Callable, Collection

# The values of a name and a type, as a validating resolver of DigiCert sees them now.
ResolveRecords = Callable[[str, str], Collection[str]]
_LABEL = "_dnsauth."
_TARGET = ".dcv.digicert.com"


def has_random_value(resolve: ResolveRecords, name: str, method: str, value: str) -> bool:
    """Return True if the value of a DNS method is published for a name."""
    if method == "dns-txt-token":
        return any(value in resolve(place, "TXT") for place in (name, f"{_LABEL}{name}"))
    if method == "dns-cname-token":
        return f"{value}{_TARGET}".lower() in resolve(f"{_LABEL}{name}", "CNAME")
    return False
