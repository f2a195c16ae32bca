"""The demo account holds one of everything."""

from datetime import timedelta

import httpx

from sandbox.certcentral import CertCentral
from sandbox.certcentral.names import registrable_domain
from sandbox.certcentral.seed import seed


async def test_the_demo_account_shows_every_situation(ca: CertCentral, client: httpx.AsyncClient) -> None:
    seed(ca)

    waiting = {order.id: ca.pending_names(order) for order in ca.orders.values()}
    assert waiting[700001] == ["shop.example.com", "example.net"]
    assert waiting[700002] == ["corp.example.com", "mail.example.org", "api.example.net"]
    assert len(waiting[700006]) == 12
    assert waiting[700007] == ["pay.example.org"]
    assert {order.status for order in ca.orders.values()} == {
        "pending", "reissue_pending", "needs_approval", "issued", "canceled",
    }  # fmt: skip
    assert waiting[700010] == waiting[700011] == []
    assert {domain.validation_state(ca.now()) for domain in ca.domains.values()} == {
        "pending",
        "complete",
        "expired",
        "never",
    }
    assert [order.id for order in ca.orders.values() if not order.product.is_tls] == [700012, 700013]
    assert ca.orders[700005].method == "dns-txt-token"
    assert ca.outbox == []


async def test_the_demo_account_can_be_read_whole(ca: CertCentral, client: httpx.AsyncClient) -> None:
    seed(ca)

    paths = ["/order/certificate", "/domain"]
    paths += [f"/order/certificate/{order_id}{more}" for order_id in ca.orders for more in ("", "/validation")]
    paths += [f"/domain/{domain_id}{more}" for domain_id in ca.domains for more in ("", "/validation", "/dcv/emails")]
    assert {(await client.get(path)).status_code for path in paths} == {200}


async def test_the_demo_domains_are_prevalidated_and_waiting(ca: CertCentral) -> None:
    seed(ca)

    near, waiting = ca.domains[1234], ca.domains[1235]
    assert near.is_valid(ca.now())
    assert near.validated_until == ca.now() + timedelta(days=5)
    assert waiting.pending


async def test_the_demo_account_holds_only_example_names(ca: CertCentral) -> None:
    seed(ca)

    names = [name for order in ca.orders.values() for name in order.dns_names]
    names += [domain.name for domain in ca.domains.values()]
    assert {registrable_domain(name) for name in names} == {"example.com", "example.org", "example.net"}


async def test_every_waiting_domain_of_the_demo_can_be_validated(ca: CertCentral, client: httpx.AsyncClient) -> None:
    seed(ca)
    shown = (await client.get("/order/certificate/700002/validation")).json()["dns_name_validations"]

    for entry in shown:
        body = {"name_scope": entry["name_scope"], "email_array": [f"admin@{entry['name_scope']}"]}
        await client.put(f"/domain/{entry['domain_id']}/dcv/emails", json=body)
    for mail in ca.outbox:
        ca.approve(mail)

    assert len(ca.outbox) == 3
    assert ca.orders[700002].status == "issued"
