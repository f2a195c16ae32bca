"""The DNS of the page: records are published by hand, and name servers fail at a choice."""

from typing import Any

import pytest

from sandbox.dns import LocalDns
from sandbox.dns.seed import seed_dns
from sandbox.web.dns_panel import DnsActions, read_dns_state

NAME, VALUE = "shop.example.com", "3f5aq7q0hyv8mk4mw5gmxr5vr2xw3kv8"


@pytest.fixture
def dns() -> LocalDns:
    dns = LocalDns()
    seed_dns(dns)
    return dns


@pytest.fixture
def act(dns: LocalDns) -> Any:
    actions: Any = DnsActions(dns).by_name

    async def act(action: str, /, **body: Any) -> Any:
        return await actions[action](None, body)

    return act


def state(dns: LocalDns) -> Any:
    [part] = read_dns_state(dns)
    return part.render()


async def test_a_record_is_published_with_quotes_and_removed(dns: LocalDns, act: Any) -> None:
    record = {"name": NAME, "type": "TXT", "value": f'"{VALUE}"'}

    await act("publish_record", name=f" {NAME.upper()}. ", type="TXT", value=VALUE)

    assert record in state(dns)["records"]
    await act("remove_record", **record)
    assert record not in state(dns)["records"]


@pytest.mark.parametrize(
    ("name", "rtype", "value"),
    [("", "TXT", "x"), (NAME, "TXT", ""), (NAME, "SOA", "x"), (NAME, "A", "x"), ("a.b", "TXT", "x")],
)
async def test_a_record_that_is_not_possible_is_refused_with_a_sentence(
    dns: LocalDns, act: Any, name: str, rtype: str, value: str
) -> None:
    with pytest.raises(ValueError, match=r"Fill in|can't be published"):
        await act("publish_record", name=name, type=rtype, value=value)


async def test_a_server_fails_and_signatures_break_at_a_choice(dns: LocalDns, act: Any) -> None:
    await act("fail_server", server="ns2.dns.example", fault="refused")
    await act("break_dnssec", zone="example.com", broken=True)

    assert [server["fault"] for server in state(dns)["servers"]] == ["none", "refused", "none", "none"]
    assert {"name": "example.com", "broken": True} in state(dns)["zones"]
