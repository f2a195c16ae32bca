"""The products that run mail, by the suffix of their MX records, and where each holds suspicious emails. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.dns.replies import is_at_or_below

SENDER = "no-reply@digitalcertvalidation.com"


@dataclass(frozen=True, slots=True)
class MailProduct:
    """A mail product. `quarantine` says where an administrator finds emails that it holds back."""

    name: str
    quarantine: str


_MICROSOFT = MailProduct("Microsoft 365", "security.microsoft.com, Email & collaboration, Review, Quarantine")
_GOOGLE = MailProduct("Google Workspace", "admin.google.com, Apps, Google Workspace, Gmail, Manage quarantines")
_PROOFPOINT = MailProduct("Proofpoint", "Email Protection, Quarantine, or the user's daily digest")
_PROOFPOINT_ESSENTIALS = MailProduct("Proofpoint Essentials", "Logs, with the status Quarantined")
_MIMECAST = MailProduct("Mimecast", "Administration, Message Center, Held Messages")
_BARRACUDA = MailProduct("Barracuda", "Message Log, with the action Quarantined")
_CISCO = MailProduct("Cisco Secure Email", "Monitor, Spam Quarantine")
_TREND = MailProduct("Trend Micro Email Security", "Quarantine, Query")
_SOPHOS = MailProduct("Sophos Email", "Email Security, Quarantined Messages")
_CLOUDFLARE = MailProduct("Cloudflare Email Routing", "the domain's Email, Activity log")
_PRODUCTS = {
    "mail.protection.outlook.com": _MICROSOFT,
    "mx.microsoft": _MICROSOFT,
    "google.com": _GOOGLE,
    "googlemail.com": _GOOGLE,
    "pphosted.com": _PROOFPOINT,
    "ppe-hosted.com": _PROOFPOINT_ESSENTIALS,
    "mimecast.com": _MIMECAST,
    "barracudanetworks.com": _BARRACUDA,
    "iphmx.com": _CISCO,
    "in.trendmicro.com": _TREND,
    "in.trendmicro.eu": _TREND,
    "hydra.sophos.com": _SOPHOS,
    "mx.cloudflare.net": _CLOUDFLARE,
}


def product_of(hosts: Sequence[str]) -> MailProduct | None:
    """Return the product that runs these mail servers, or None if it is unknown. The preferred server decides."""
    first = hosts[0] if hosts else ""
    return next((product for suffix, product in _PRODUCTS.items() if is_at_or_below(first, suffix)), None)
