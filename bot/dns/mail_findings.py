"""The situation of a mail domain, and of the DNS contact of a domain, judged from collected replies. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.dns.addresses import is_public
from bot.dns.caa import CaaView, contact_emails
from bot.dns.record_findings import Gap
from bot.dns.replies import Reply, ReplyKind

CONTACT_LABEL = "_validation-contactemail."
# Baseline Requirements 3.2.2.4.4: a random value is good for at most 30 days.
LINK_LIFETIME = timedelta(days=30)
_ADDRESS = re.compile(r"[^@\s\"<>;:,]+@[^@\s\"<>;:,]+\.[^@\s\"<>;:,]+")


class MailSituation(StrEnum):
    """The state of a mailbox as far as DNS and DigiCert show it. The values are the numbers of the design."""

    FINE = "M1"
    NO_MX = "M2"
    NULL_MX = "M3"
    NO_ADDRESS = "M4"
    PRIVATE_ADDRESSES = "M5"
    UNREACHABLE = "M6"
    NO_CONTACT = "M7"
    MALFORMED_CONTACT = "M8"
    MALFORMED_CAA_CONTACT = "M9"
    FILTERED = "M10"
    NEVER_ALLOWED = "M11"
    OLD_LINK = "M12"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class MailView:
    """The MX records of a mail domain, and the addresses of its mail servers by name."""

    domain: str
    mx: Reply
    hosts: tuple[tuple[str, Reply], ...] = ()
    gap: Gap | None = None


@dataclass(frozen=True, slots=True)
class MailFinding:
    """The judgement of a mail domain. `hosts` are its mail servers, the preferred one first: foreign text."""

    situation: MailSituation
    hosts: tuple[str, ...] = ()
    gap: Gap | None = None


@dataclass(frozen=True, slots=True)
class ContactView:
    """The TXT records below `_validation-contactemail`, and the closest CAA records of the domain."""

    txt: Reply
    caa: CaaView


def judge_mail(view: MailView) -> MailFinding:
    """Return the situation of a mail domain (RFC 5321 5.1, RFC 7505). DigiCert sends nothing without an MX record."""
    if view.gap or view.mx.kind in {ReplyKind.UNASKED, ReplyKind.PRIVATE}:
        gap = view.gap or (Gap.PRIVATE if view.mx.kind is ReplyKind.PRIVATE else Gap.LIMIT)
        return MailFinding(MailSituation.NOT_CHECKED, gap=gap)
    if not view.mx.is_usable:
        return MailFinding(MailSituation.UNREACHABLE)
    hosts = tuple(host for _, host in view.mx.records)
    if not hosts:
        return MailFinding(MailSituation.NO_MX)
    if hosts == ("",):
        return MailFinding(MailSituation.NULL_MX)
    return _judge_hosts(hosts, view)


def judge_contact(view: ContactView, email: str) -> MailSituation:
    """Return the situation of an address that DigiCert lists as a DNS contact."""
    caa = contact_emails(view.caa)
    texts = ["".join(record) for record in view.txt.records]
    if email.lower() in {each.strip().lower() for each in (*texts, *caa) if is_bare(each)}:
        return MailSituation.FINE
    if not view.txt.is_usable or not view.caa.is_known:
        return MailSituation.NOT_CHECKED
    if any(not is_bare(each) for each in texts):
        return MailSituation.MALFORMED_CONTACT
    if any(not is_bare(each) for each in caa):
        return MailSituation.MALFORMED_CAA_CONTACT
    return MailSituation.NO_CONTACT


def judge_mailbox(
    email: str, listed: Sequence[str], permitted: Sequence[str], emailed_at: datetime | None, now: datetime
) -> MailSituation:
    """Return the situation of a mailbox by DigiCert's two lists, and by when it was emailed.

    `listed` are all possible addresses, `permitted` those that the account's settings leave.
    """
    if email.lower() not in {each.lower() for each in permitted}:
        is_listed = email.lower() in {each.lower() for each in listed}
        return MailSituation.FILTERED if is_listed else MailSituation.NEVER_ALLOWED
    if emailed_at and emailed_at + LINK_LIFETIME <= now:
        return MailSituation.OLD_LINK
    return MailSituation.FINE


def is_bare(text: str) -> bool:
    """Return True if a contact record is an address and nothing else, as DigiCert needs it."""
    return bool(_ADDRESS.fullmatch(text))


def _judge_hosts(hosts: tuple[str, ...], view: MailView) -> MailFinding:
    """Return the situation by the addresses of the mail servers: one public address is enough."""
    addresses = [record[0] for _, reply in view.hosts for record in reply.records]
    if any(map(is_public, addresses)):
        return MailFinding(MailSituation.FINE, hosts)
    if not all(reply.is_usable for _, reply in view.hosts):
        return MailFinding(MailSituation.NOT_CHECKED, hosts, Gap.LIMIT)
    return MailFinding(MailSituation.PRIVATE_ADDRESSES if addresses else MailSituation.NO_ADDRESS, hosts)
