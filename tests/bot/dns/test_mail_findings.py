"""Each situation of a mailbox: its mail servers, its DNS contact, and DigiCert's lists."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.dns.mail_check import collect_contact, collect_mail
from bot.dns.mail_findings import MailSituation, judge_contact, judge_mail, judge_mailbox
from bot.dns.mail_products import product_of
from bot.dns.replies import Reply, ReplyKind
from bot.dns.session import DnsSession
from tests.bot.dns.world import RESOLVER, World, WorldServer

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
HOST = "corp-example.mail.protection.outlook.com"
MX = ("00010", HOST)
PUBLIC, PRIVATE = Reply(ReplyKind.ANSWER, (("40.92.0.1",),)), Reply(ReplyKind.ANSWER, (("10.0.0.1",),))


def world(mx: list[Any], host: Reply, fault: ReplyKind | None = None, **more: list[Any]) -> World:
    data: Any = {("corp.com", "MX"): mx, ("corp.com", "A"): [("8.1.1.1",)]}
    data |= {
        ("_validation-contactemail.corp.com", "TXT"): more.get("txt", []),
        ("corp.com", "CAA"): more.get("caa", []),
    }
    return World({"corp.com": [WorldServer("ns1.dns.net", "8.8.8.1", data, fault)]}, {RESOLVER: {(HOST, "A"): host}})


MAIL = {
    "M1": (world([MX], PUBLIC), MailSituation.FINE),
    "M2": (world([], PUBLIC), MailSituation.NO_MX),
    "M2 unregistered": (World({}, {RESOLVER: {}}), MailSituation.NO_MX),
    "M3": (world([("00000", "")], PUBLIC), MailSituation.NULL_MX),
    "M4": (world([MX], Reply(ReplyKind.NXDOMAIN)), MailSituation.NO_ADDRESS),
    "M5": (world([MX], PRIVATE), MailSituation.PRIVATE_ADDRESSES),
    "M6": (world([MX], PUBLIC, ReplyKind.UNREACHABLE), MailSituation.UNREACHABLE),
    "address unknown": (world([MX], Reply(ReplyKind.SERVFAIL)), MailSituation.NOT_CHECKED),
}


@pytest.mark.parametrize("case", MAIL)
async def test_each_state_of_a_mail_domain_has_its_own_situation(case: str) -> None:
    internet, situation = MAIL[case]

    finding = judge_mail(await collect_mail(DnsSession(internet.paths, 5.0), "corp.com"))

    assert finding.situation is situation


@pytest.mark.parametrize(
    ("txt", "caa", "situation"),
    [
        ([("pki@corp.com",)], [], MailSituation.FINE),
        ([], [("0", "contactemail", "pki@corp.com")], MailSituation.FINE),
        ([], [], MailSituation.NO_CONTACT),
        ([("mailto:pki@corp.com; urgent",)], [], MailSituation.MALFORMED_CONTACT),
        ([], [("0", "contactemail", "pki at corp.com")], MailSituation.MALFORMED_CAA_CONTACT),
    ],
)
async def test_each_state_of_a_dns_contact_has_its_own_situation(txt: Any, caa: Any, situation: MailSituation) -> None:
    internet = world([MX], PUBLIC, txt=txt, caa=caa)

    view = await collect_contact(DnsSession(internet.paths, 5.0), "corp.com")

    assert judge_contact(view, "PKI@corp.com") is situation


async def test_an_unreadable_contact_is_not_a_missing_one() -> None:
    internet = world([MX], PUBLIC, ReplyKind.SERVFAIL)

    view = await collect_contact(DnsSession(internet.paths, 5.0), "corp.com")

    assert judge_contact(view, "pki@corp.com") is MailSituation.NOT_CHECKED


@pytest.mark.parametrize(
    ("listed", "permitted", "days", "situation"),
    [
        (["a@b.com"], ["A@b.com"], 1, MailSituation.FINE),
        (["a@b.com"], [], 1, MailSituation.FILTERED),
        ([], [], 1, MailSituation.NEVER_ALLOWED),
        (["a@b.com"], ["a@b.com"], 30, MailSituation.OLD_LINK),
    ],
)
def test_each_state_of_a_mailbox_at_digicert_has_its_own_situation(
    listed: list[str], permitted: list[str], days: int, situation: MailSituation
) -> None:
    assert judge_mailbox("a@b.com", listed, permitted, NOW - timedelta(days=days), NOW) is situation


async def test_a_dead_name_server_does_not_delay_the_others() -> None:
    internet = world([MX], PUBLIC)
    internet.zones["corp.com"].append(WorldServer("ns2.dns.net", "8.8.8.2", {}, ReplyKind.UNREACHABLE))

    finding = judge_mail(await collect_mail(DnsSession(internet.paths, 5.0), "corp.com"))

    assert finding.situation is MailSituation.FINE


@pytest.mark.parametrize(
    ("host", "name"),
    [
        (HOST, "Microsoft 365"),
        ("aspmx.l.google.com", "Google Workspace"),
        ("mx1.us.pphosted.com", "Proofpoint"),
        ("eu-smtp-inbound-1.mimecast.com", "Mimecast"),
        ("mail.corp.com", None),
        ("notgoogle.com", None),
    ],
)
def test_the_product_is_known_by_the_suffix_of_its_servers(host: str, name: str | None) -> None:
    product = product_of([host])

    assert (product.name if product else None) == name
