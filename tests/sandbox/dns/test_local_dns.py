"""The local DNS is as strict as a real one: authority, absence, wildcards, referrals, truncation and caches."""

from collections.abc import AsyncIterator, Iterator

import dns.asyncquery
import dns.flags
import dns.message
import dns.rcode
import pytest

from sandbox.dns import LocalDns, ServerFault
from sandbox.dns.zone import NEGATIVE_TTL

NAME = "shop.example.com"


@pytest.fixture
def clock() -> Iterator[list[float]]:
    return [0.0]


@pytest.fixture
async def local(clock: list[float]) -> AsyncIterator[LocalDns]:
    async with LocalDns(lambda: clock[0]) as local:
        local.add_zone("example.com")
        local.publish(NAME, "A", "192.0.2.1")
        yield local


async def ask(local: LocalDns, name: str, rtype: str, *, server: int = 1, tcp: bool = False) -> dns.message.Message:
    query = dns.message.make_query(name, rtype, use_edns=0, payload=1232)
    query.flags &= ~dns.flags.RD
    send = dns.asyncquery.tcp if tcp else dns.asyncquery.udp
    return await send(query, "127.0.0.1", 2.0, local.servers[server - 1].port)


async def resolve(local: LocalDns, name: str, rtype: str, *, flags: int = dns.flags.RD) -> dns.message.Message:
    query = dns.message.make_query(name, rtype)
    query.flags = flags
    return await dns.asyncquery.udp(query, "127.0.0.1", 2.0, local.resolver.port)


@pytest.mark.parametrize(
    ("name", "rtype", "code", "answers", "authorities"),
    [
        (NAME, "A", dns.rcode.NOERROR, 1, 0),
        # The name exists without this type, or only because a name below it does (RFC 2308, RFC 8020).
        (NAME, "TXT", dns.rcode.NOERROR, 0, 1),
        ("deep.example.com", "A", dns.rcode.NOERROR, 0, 1),
        ("nothing.example.com", "A", dns.rcode.NXDOMAIN, 0, 1),
        # A wildcard answers for what does not exist, and not beside what does (RFC 4592).
        ("any.wild.example.com", "TXT", dns.rcode.NOERROR, 1, 0),
        ("a.host.wild.example.com", "TXT", dns.rcode.NXDOMAIN, 0, 1),
        # The server follows an alias inside its zone, and leaves one that ends elsewhere to the resolver.
        ("alias.example.com", "A", dns.rcode.NOERROR, 2, 0),
        ("away.example.com", "A", dns.rcode.NOERROR, 1, 0),
    ],
)
async def test_an_authoritative_answer_follows_the_standards(
    local: LocalDns, name: str, rtype: str, code: int, answers: int, authorities: int
) -> None:
    local.publish("a.deep.example.com", "A", "192.0.2.2")
    local.publish("*.wild.example.com", "TXT", '"any"')
    local.publish("host.wild.example.com", "A", "192.0.2.3")
    local.publish("alias.example.com", "CNAME", f"{NAME}.")
    local.publish("away.example.com", "CNAME", "elsewhere.example.org.")

    reply = await ask(local, name, rtype)

    assert reply.flags & dns.flags.AA
    assert (reply.rcode(), len(reply.answer), len(reply.authority)) == (code, answers, authorities)


async def test_a_name_of_no_zone_is_refused_and_one_of_a_zone_below_is_referred(local: LocalDns) -> None:
    local.add_zone("sub.example.com", {"ns2.dns.example": "198.51.100.2"})

    referral = await ask(local, "www.sub.example.com", "A")

    assert (await ask(local, "example.org", "A")).rcode() == dns.rcode.REFUSED
    assert not referral.flags & dns.flags.AA
    assert [rrset.name.to_text() for rrset in referral.authority] == ["sub.example.com."]


@pytest.mark.parametrize(
    ("name", "rtype", "value"),
    [(NAME, "CNAME", "other.example.com."), (NAME, "A", "no address"), ("example.org", "A", "192.0.2.1")],
)
async def test_a_record_that_no_zone_may_have_is_refused(local: LocalDns, name: str, rtype: str, value: str) -> None:
    with pytest.raises(Exception, match=r"CNAME|syntax|malformed|no zone|address"):
        local.publish(name, rtype, value)


async def test_an_answer_that_does_not_fit_is_cut_off_and_whole_over_tcp(local: LocalDns) -> None:
    for number in range(30):
        local.publish(NAME, "TXT", f'"{number:0120}"')

    cut = await ask(local, NAME, "TXT")
    whole = await ask(local, NAME, "TXT", tcp=True)

    assert cut.flags & dns.flags.TC
    assert (cut.answer, len(whole.answer[0])) == ([], 30)


async def test_the_resolver_caches_absence_for_as_long_as_the_zone_says(local: LocalDns, clock: list[float]) -> None:
    assert (await resolve(local, NAME, "TXT")).answer == []
    local.publish(NAME, "TXT", '"value"')

    clock[0] = NEGATIVE_TTL - 1
    assert (await resolve(local, NAME, "TXT")).answer == []
    clock[0] = NEGATIVE_TTL + 1
    assert len((await resolve(local, NAME, "TXT")).answer) == 1


async def test_wrong_signatures_fail_unless_checking_is_disabled(local: LocalDns) -> None:
    local.break_dnssec("example.com")

    assert (await resolve(local, NAME, "A")).rcode() == dns.rcode.SERVFAIL
    assert len((await resolve(local, NAME, "A", flags=dns.flags.RD | dns.flags.CD)).answer) == 1
    local.break_dnssec("example.com", broken=False)
    assert len((await resolve(local, NAME, "A")).answer) == 1


async def test_the_resolver_asks_the_next_server_if_one_fails(local: LocalDns) -> None:
    local.fail(1, ServerFault.REFUSED)
    assert len((await resolve(local, NAME, "A")).answer) == 1

    for number in (2, 3, 4):
        local.fail(number, ServerFault.UNREACHABLE)
    assert (await resolve(local, "other.example.com", "A")).rcode() == dns.rcode.SERVFAIL
