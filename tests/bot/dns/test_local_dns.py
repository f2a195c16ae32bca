"""The bot's queries over real sockets, to the sandbox's DNS."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from bot.dns.caa import ValidationMethod
from bot.dns.checks import DnsChecks, DnsMode
from bot.dns.mail_findings import MailSituation, judge_mail
from bot.dns.paths import DnsPaths, network_paths
from bot.dns.record_findings import Gap, RecordFinding, RecordSituation, WantedRecord, judge_record
from bot.settings import Settings
from sandbox.dns import LocalDns, ServerFault

NAME, VALUE = "shop.example.com", "3f5aq7q0hyv8mk4mw5gmxr5vr2xw3kv8"
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.fixture
async def dns() -> AsyncIterator[LocalDns]:
    async with LocalDns() as dns:
        dns.add_zone("example.com")
        dns.publish(NAME, "A", "192.0.2.1")
        yield dns


@pytest.fixture
def paths(dns: LocalDns) -> DnsPaths:
    local = {"slack_api_url": "http://127.0.0.1:1/api/", "digicert_base_url": "http://127.0.0.1:1/services/v2"}
    keys = {"slack_bot_token": "xoxb-1", "digicert_api_key": "key"}
    read = Settings.model_validate({**keys, **local, **{name.lower(): value for name, value in dns.settings.items()}})
    return network_paths(read.dcv_dns_resolvers, read.dcv_dns_sandbox)


async def found(paths: DnsPaths, mode: DnsMode = DnsMode.DIRECT) -> RecordFinding:
    wanted = WantedRecord(NAME, "TXT", VALUE)
    return judge_record(wanted, await DnsChecks(paths, mode).record(wanted), ValidationMethod.DNS, NOW)


async def test_a_published_value_is_seen_everywhere(dns: LocalDns, paths: DnsPaths) -> None:
    dns.publish(NAME, "TXT", f'"{VALUE}"')

    finding = await found(paths)

    assert (finding.situation, finding.seen, finding.total) == (RecordSituation.ALL_AGREE, 4, 4)


async def test_the_resolver_is_not_asked_while_the_value_is_missing(dns: LocalDns, paths: DnsPaths) -> None:
    assert (await found(paths)).situation is RecordSituation.MISSING

    dns.publish(NAME, "TXT", f'"{VALUE}"')
    assert (await found(paths)).is_fine


@pytest.mark.parametrize(
    ("fault", "situation"),
    [
        (ServerFault.LAME, RecordSituation.SERVER_LAME),
        (ServerFault.REFUSED, RecordSituation.SERVER_LAME),
        (ServerFault.SERVFAIL, RecordSituation.SERVER_LAME),
        (ServerFault.GARBAGE, RecordSituation.SERVER_UNREACHABLE),
        (ServerFault.UNREACHABLE, RecordSituation.SERVER_UNREACHABLE),
        (ServerFault.STALE, RecordSituation.SERVERS_DISAGREE),
        (ServerFault.SLOW, RecordSituation.ALL_AGREE),
    ],
)
async def test_the_fault_of_one_server_is_found(
    dns: LocalDns, paths: DnsPaths, fault: ServerFault, situation: RecordSituation
) -> None:
    dns.fail(4, fault)
    dns.publish(NAME, "TXT", f'"{VALUE}"')

    finding = await found(paths)

    assert finding.situation is situation
    assert finding.is_fine or finding.servers == ("ns4.dns.example",)


async def test_broken_dnssec_is_found(dns: LocalDns, paths: DnsPaths) -> None:
    dns.publish(NAME, "TXT", f'"{VALUE}"')
    dns.break_dnssec("example.com")

    assert (await found(paths)).situation is RecordSituation.DNSSEC_BROKEN


async def test_a_long_answer_comes_over_tcp(dns: LocalDns, paths: DnsPaths) -> None:
    for number in range(30):
        dns.publish(NAME, "TXT", f'"{number:0120}"')
    dns.publish(NAME, "TXT", f'"{VALUE}"')

    assert (await found(paths)).is_fine


async def test_a_zone_below_is_found_by_referral(dns: LocalDns, paths: DnsPaths) -> None:
    dns.add_zone(NAME, {"ns1.dns.example": "198.51.100.1", "ns2.dns.example": "198.51.100.2"})
    dns.publish(NAME, "TXT", f'"{VALUE}"')

    finding = await found(paths)

    assert (finding.situation, finding.zone, finding.total) == (RecordSituation.ALL_AGREE, NAME, 2)


async def test_an_old_answer_in_a_cache_is_found(dns: LocalDns, paths: DnsPaths) -> None:
    await found(paths, DnsMode.RESOLVER)
    dns.publish(NAME, "TXT", f'"{VALUE}"')

    assert (await found(paths)).situation is RecordSituation.CACHED


async def test_dns_that_is_off_is_not_asked(dns: LocalDns, paths: DnsPaths) -> None:
    finding = await found(paths, DnsMode.OFF)

    assert (finding.situation, finding.gap) == (RecordSituation.NOT_CHECKED, Gap.OFF)
    assert not dns.asked
    assert not dns.resolver.asked


async def test_one_check_serves_everyone_for_a_minute(dns: LocalDns, paths: DnsPaths) -> None:
    dns.publish("example.com", "MX", "10 mail.example.com.")
    dns.publish("mail.example.com", "A", "8.1.1.1")
    dns.fail(1, ServerFault.UNREACHABLE)
    checks = DnsChecks(paths)
    began = asyncio.get_running_loop().time()

    views = await asyncio.gather(*(checks.mail("example.com") for _ in range(20)))

    assert {judge_mail(view).situation for view in views} == {MailSituation.FINE}
    assert dns.asked.count(("example.com", "MX")) <= 4
    assert asyncio.get_running_loop().time() - began < 2.0
