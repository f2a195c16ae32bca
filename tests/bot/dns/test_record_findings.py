"""Each situation of a validation record, told apart by what name servers and resolvers reply."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.dns.caa import CaaRule, ValidationMethod
from bot.dns.record_check import collect_by_resolvers, collect_record
from bot.dns.record_findings import Gap, RecordFinding, RecordSituation, WantedRecord, judge_record
from bot.dns.replies import Reply, ReplyKind
from bot.dns.session import DnsSession
from tests.bot.dns.world import RESOLVER, World, WorldServer

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
NAME = "shop.example.com"
VALUE = "3f5aq7q0hyv8mk4mw5gmxr5vr2xw3kv8"
OLD = "0000q7q0hyv8mk4mw5gmxr5vr2xw0000"
OURS = {(NAME, "TXT"): [(VALUE,)]}
NOT_OURS: dict[tuple[str, str], Any] = {(NAME, "A"): [("192.0.2.1",)]}
SPF = ("v=spf1 -all",)
WANTED = WantedRecord(NAME, "TXT", VALUE, NOW + timedelta(days=3))
CAA = ("example.com", "CAA")


def servers(*data: Any, zone: str = "ns", **faults: ReplyKind) -> list[WorldServer]:
    """Return a server for each data; `faults` are by the server's name."""
    made = [
        WorldServer(f"{zone}{number}.dns.net", f"8.8.{ord(zone[0])}.{number}", each)
        for number, each in enumerate(data, 1)
    ]
    for server in made:
        server.fault = faults.get(server.name.partition(".")[0])
    return made


def cached(
    *records: tuple[str, ...], kind: ReplyKind = ReplyKind.ANSWER, **more: Reply
) -> dict[tuple[str, str], Reply]:
    return {(NAME, "TXT"): Reply(kind, records)} | {(NAME, key): reply for key, reply in more.items()}


async def found(world: World, wanted: WantedRecord = WANTED, now: datetime = NOW) -> RecordFinding:
    session = DnsSession(world.paths, 5.0, withheld=wanted.places)
    return judge_record(wanted, await collect_record(session, wanted), ValidationMethod.DNS, now)


def world(*data: Any, cache: Any = None, **faults: ReplyKind) -> World:
    return World({"example.com": servers(*data, **faults)}, {RESOLVER: cached((VALUE,)) if cache is None else cache})


ALIAS = {(NAME, "CNAME"): [("lb.example.com",)], ("lb.example.com", "A"): [("8.1.1.1",)]}
AWAY = {(NAME, "CNAME"): [("shop.cdn.net",)]}
WILD = {("*.example.com", "TXT"): [(OLD,)]}
FORBIDS = {CAA: [("0", "issue", "letsencrypt.org")]}
RESTRICTS = {CAA: [("0", "issue", "digicert.com; validationmethods=http-01")]}
AFTER = datetime(2027, 3, 15, tzinfo=UTC)
LATER = WantedRecord(NAME, "TXT", VALUE, AFTER + timedelta(days=1))
BROKEN = Reply(ReplyKind.SERVFAIL)

SITUATIONS = {
    "D1": (world(NOT_OURS, {**NOT_OURS, (NAME, "TXT"): [SPF]}), RecordSituation.MISSING),
    "D2": (world({(NAME, "TXT"): [(OLD,), SPF]}), RecordSituation.OLDER_VALUE),
    "D3": (world({(NAME, "TXT"): [(OLD,), (VALUE,)]}), RecordSituation.VALUE_BESIDE),
    "D4 split": (world({(NAME, "TXT"): [(VALUE[:9], VALUE[9:])]}), RecordSituation.DISTORTED),
    "D4 quoted": (world({(NAME, "TXT"): [(f'"{VALUE}"',)]}), RecordSituation.DISTORTED),
    "D4 in a text": (world({(NAME, "TXT"): [(f"digicert={VALUE}",)]}), RecordSituation.DISTORTED),
    "D5": (world(ALIAS), RecordSituation.ALIAS_IN_THE_WAY),
    "D6": (world(WILD), RecordSituation.WILDCARD),
    "D7": (world({("www.example.com", "A"): [("8.1.1.1",)]}), RecordSituation.NO_SUCH_NAME),
    "D7 unregistered": (World({}, {RESOLVER: {}}), RecordSituation.NO_SUCH_NAME),
    "D8 lame": (world(OURS, OURS, ns2=ReplyKind.LAME), RecordSituation.SERVER_LAME),
    "D8 refused": (world(OURS, OURS, ns2=ReplyKind.REFUSED), RecordSituation.SERVER_LAME),
    "D9": (world(OURS, OURS, ns1=ReplyKind.UNREACHABLE), RecordSituation.SERVER_UNREACHABLE),
    "D10": (world(OURS, NOT_OURS), RecordSituation.SERVERS_DISAGREE),
    "D11": (world(OURS, OURS, ns1=ReplyKind.LAME, ns2=ReplyKind.UNREACHABLE), RecordSituation.ZONE_UNREACHABLE),
    "D12": (
        world(OURS, cache=cached(kind=ReplyKind.SERVFAIL) | {(NAME, "TXT CD"): Reply(ReplyKind.ANSWER, ((VALUE,),))}),
        RecordSituation.DNSSEC_BROKEN,
    ),
    "D13": (world(OURS, cache=cached(kind=ReplyKind.NXDOMAIN)), RecordSituation.CACHED),
    "D14": (world(OURS, {(NAME, "TXT"): [SPF, (VALUE,)]}), RecordSituation.ALL_AGREE),
    "D16": (world({**OURS, **FORBIDS}), RecordSituation.CAA_FORBIDS),
    "D18": (
        World({"example.com": servers(AWAY), "cdn.net": servers({("shop.cdn.net", "A"): [("8.1.1.1",)]}, zone="cdn")}),
        RecordSituation.DELEGATED,
    ),
    "no route": (world(OURS, ns1=ReplyKind.UNREACHABLE), RecordSituation.NOT_CHECKED),
    "resolver silent": (world(OURS, cache=cached(kind=ReplyKind.UNREACHABLE)), RecordSituation.NOT_CHECKED),
}


@pytest.mark.parametrize("case", SITUATIONS)
async def test_each_situation_has_its_own_situation(case: str) -> None:
    internet, situation = SITUATIONS[case]

    finding = await found(internet)

    assert finding.situation is situation
    assert finding.is_fine == (situation in {RecordSituation.ALL_AGREE, RecordSituation.VALUE_BESIDE})


@pytest.mark.parametrize(
    ("now", "wanted", "situation", "is_fine"),
    [
        (NOW, WANTED, RecordSituation.ALL_AGREE, True),
        (AFTER, LATER, RecordSituation.CAA_RESTRICTS, False),
        (AFTER, WANTED, RecordSituation.EXPIRED, False),
    ],
)
async def test_parameters_of_caa_warn_until_they_bind(
    now: datetime, wanted: WantedRecord, situation: RecordSituation, is_fine: bool
) -> None:
    finding = await found(world({**OURS, **RESTRICTS}), wanted, now)

    assert (finding.situation, finding.is_fine) == (situation, is_fine)
    assert finding.caa is CaaRule.FORBIDS_METHOD


async def test_the_finding_names_the_servers_that_do_not_agree() -> None:
    finding = await found(world(OURS, NOT_OURS, {(NAME, "TXT"): [(OLD,)]}, OURS))

    assert (finding.seen, finding.total) == (2, 4)
    assert finding.servers == ("ns2.dns.net", "ns3.dns.net")
    assert finding.found == (OLD,)


async def test_a_missing_name_is_reported_at_its_highest_level() -> None:
    wanted = WantedRecord("a.b.shop.example.com", "TXT", VALUE)

    finding = await found(world({("www.example.com", "A"): [("8.1.1.1",)]}), wanted)

    assert (finding.situation, finding.where) == (RecordSituation.NO_SUCH_NAME, NAME)


async def test_the_default_label_is_as_good_as_the_name() -> None:
    default = f"_dnsauth.{NAME}"
    data = {(default, "TXT"): [(VALUE,)], (NAME, "TXT"): [(OLD,)]}

    finding = await found(world(data, cache={(default, "TXT"): Reply(ReplyKind.ANSWER, ((VALUE,),))}))

    assert (finding.situation, finding.where) == (RecordSituation.ALL_AGREE, default)


@pytest.mark.parametrize(
    ("target", "situation"),
    [
        (f"{VALUE}.dcv.digicert.com", RecordSituation.ALL_AGREE),
        (f"{OLD}.dcv.digicert.com", RecordSituation.OLDER_VALUE),
        ("lb.example.com", RecordSituation.ALIAS_IN_THE_WAY),
        (f"{VALUE}.example.com", RecordSituation.DISTORTED),
    ],
)
async def test_a_cname_record_is_judged_by_its_target(target: str, situation: RecordSituation) -> None:
    wanted, place = WantedRecord(NAME, "CNAME", VALUE), f"_dnsauth.{NAME}"
    cache = {(place, "CNAME"): Reply(ReplyKind.ANSWER, ((target,),))}

    finding = await found(world({(place, "CNAME"): [(target,)]}, cache=cache), wanted)

    assert finding.situation is situation


async def test_a_value_at_the_target_of_an_alias_is_fine() -> None:
    zones = {"example.com": servers(AWAY), "cdn.net": servers({("shop.cdn.net", "TXT"): [(VALUE,)]}, zone="cdn")}
    internet = World(zones, {RESOLVER: cached((VALUE,))})

    finding = await found(internet)

    assert (finding.situation, finding.where) == (RecordSituation.ALL_AGREE, "shop.cdn.net")


async def test_servers_with_different_aliases_disagree() -> None:
    zones = {
        "example.com": servers(AWAY, {(NAME, "CNAME"): [("other.cdn.net",)]}),
        "cdn.net": servers({("shop.cdn.net", "TXT"): [(VALUE,)]}, zone="cdn"),
    }

    finding = await found(World(zones, {RESOLVER: cached((VALUE,))}))

    assert (finding.situation, finding.servers) == (RecordSituation.SERVERS_DISAGREE, ("ns2.dns.net",))


@pytest.mark.parametrize("data", [NOT_OURS, {(NAME, "TXT"): [(OLD,)]}, WILD, ALIAS])
async def test_no_resolver_is_asked_before_the_name_servers_agree(data: Any) -> None:
    internet = world(OURS, data)

    await found(internet)

    assert not internet.asked_resolvers(NAME)
    assert not internet.asked_resolvers(f"_dnsauth.{NAME}")


async def test_a_name_server_cannot_lead_a_resolver_to_the_name_itself() -> None:
    internet = World({"example.com": [WorldServer(NAME, "8.8.8.8", OURS)]}, {RESOLVER: cached((VALUE,))})

    finding = await found(internet)

    assert not internet.asked_resolvers(NAME)
    assert finding.gap is Gap.UNRESOLVED


@pytest.mark.parametrize("address", ["169.254.169.254", "127.0.0.1", "10.1.2.3", "::1", "fd00::1", "::ffff:10.0.0.1"])
async def test_a_private_address_found_in_dns_is_never_asked(address: str) -> None:
    internet = World(
        {"example.com": [*servers(OURS), WorldServer("evil.dns.net", address, OURS)]}, {RESOLVER: cached((VALUE,))}
    )

    finding = await found(internet)

    assert address not in {where for where, _ in internet.asked}
    assert not finding.is_fine


async def test_a_check_asks_forty_times_at_most() -> None:
    internet = World({"example.com": servers(*[OURS] * 60)}, {RESOLVER: cached((VALUE,))})

    finding = await found(internet)

    assert len(internet.asked) <= 40
    assert (finding.situation, finding.gap) == (RecordSituation.NOT_CHECKED, Gap.LIMIT)


@pytest.mark.parametrize(("records", "seen"), [([(VALUE,)], 1), ([], 0)])
async def test_resolvers_alone_never_make_a_record_fine(records: Any, seen: int) -> None:
    internet = world(OURS, cache=cached(*records))
    view = await collect_by_resolvers(DnsSession(internet.paths, 5.0), WANTED)

    finding = judge_record(WANTED, view, ValidationMethod.DNS, NOW)

    assert (finding.situation, finding.gap, finding.seen) == (RecordSituation.NOT_CHECKED, Gap.RESOLVERS_ONLY, seen)


# Random worlds: the truth is computed from what was drawn, not from what the bot collects.
CONTENTS = {
    "ours": OURS,
    "beside": {(NAME, "TXT"): [(OLD,), (VALUE,)]},
    "older": {(NAME, "TXT"): [(OLD,)]},
    "split": {(NAME, "TXT"): [(VALUE[:5], VALUE[5:])]},
    "empty": NOT_OURS,
    "alias": AWAY,
    "wild": WILD,
    "nothing": {("www.example.com", "A"): [("8.1.1.1",)]},
}
HAVE = {"ours", "beside"}
TEXTS: dict[str, Any] = {"ours": [(VALUE,)], "older": [(OLD,)]}
CAA_SETS = {"none": {}, "allows": {CAA: [("0", "issue", "digicert.com")]}, "forbids": FORBIDS}
ADDRESSES = st.sampled_from(["8.8.4.{}", "8.8.4.{}", "8.8.4.{}", "10.0.1.{}", "127.0.0.{}"])
FAULTS = st.sampled_from([None] * 6 + [ReplyKind.LAME, ReplyKind.REFUSED, ReplyKind.SERVFAIL, ReplyKind.UNREACHABLE])
DRAWN_SERVERS = st.lists(
    st.tuples(st.sampled_from([*CONTENTS, *["ours"] * 12]), ADDRESSES, FAULTS), min_size=1, max_size=4
)
RESOLVED = st.sampled_from(["ours"] * 4 + ["older", "nothing", "servfail", "silent"])
REPLIES = {
    "ours": Reply(ReplyKind.ANSWER, ((VALUE,),)),
    "older": Reply(ReplyKind.ANSWER, ((OLD,),)),
    "nothing": Reply(ReplyKind.NXDOMAIN),
    "servfail": BROKEN,
    "silent": Reply(ReplyKind.UNREACHABLE),
}


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    drawn=DRAWN_SERVERS,
    target=st.lists(st.tuples(st.sampled_from(["ours", "older"]), FAULTS), min_size=1, max_size=2),
    resolved=st.lists(RESOLVED, min_size=1, max_size=2),
    caa=st.sampled_from([*CAA_SETS, "none", "allows"]),
    hidden=st.booleans(),
)
async def test_no_random_world_is_wrongly_fine(
    drawn: Any, target: Any, resolved: list[str], caa: str, hidden: bool
) -> None:
    own = [
        WorldServer(f"ns{number}.dns.net", address.format(number), {**CONTENTS[content], **CAA_SETS[caa]}, fault)
        for number, (content, address, fault) in enumerate(drawn, 1)
    ]
    away = [
        WorldServer(
            f"cdn{number}.dns.net",
            f"8.8.9.{number}",
            {("shop.cdn.net", "TXT"): [(VALUE if has == "ours" else OLD,)]},
            fault,
        )
        for number, (has, fault) in enumerate(target, 1)
    ]
    caches = {f"10.0.0.{number}": {(NAME, "TXT"): REPLIES[each]} for number, each in enumerate(resolved, 1)}
    unresolved = frozenset({own[-1].name}) if hidden and len(own) > 1 else frozenset()
    internet = World({"example.com": own, "cdn.net": away}, caches, unresolved)

    finding = await found(internet)

    everywhere = all(content in HAVE for content, _, _ in drawn)
    by_alias = all(content == "alias" for content, _, _ in drawn) and all(
        target_ok == ("ours", None) for target_ok in target
    )
    sound = all(fault is None and address.startswith("8.") for _, address, fault in drawn) and not unresolved
    is_truly_fine = sound and (everywhere or by_alias) and set(resolved) == {"ours"} and caa != "forbids"
    assert finding.is_fine == is_truly_fine
    agreed = everywhere or by_alias
    assert agreed or not internet.asked_resolvers(NAME)
    assert not any(where.startswith(("10.0.1.", "127.")) for where, _ in internet.asked)
