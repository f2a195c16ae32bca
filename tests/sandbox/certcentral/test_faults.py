"""Planned faults: other answers, lost answers, held calls."""

import asyncio
import time

import httpx
import pytest

from sandbox.certcentral import CertCentral
from sandbox.faults import answers, drops, stalls

RESEND = "/order/certificate/700001/resend-emails"
ANY_RESEND = "PUT /order/certificate/*/resend-emails"
BODY = {"domain_approval_emails": [{"domain": "shop.example.com", "email": "admin@shop.example.com"}]}


@pytest.fixture(autouse=True)
def _order(ca: CertCentral) -> None:
    ca.add_order(700001, ["shop.example.com"])


@pytest.mark.parametrize("effect", [True, False])
async def test_another_answer_is_given_with_or_without_the_effect(
    ca: CertCentral, client: httpx.AsyncClient, effect: bool
) -> None:
    ca.faults.plan(ANY_RESEND, answers(502, "<html>Bad gateway</html>", effect=effect))

    answer = await client.put(RESEND, json=BODY)

    assert (answer.status_code, answer.headers["Content-Type"]) == (502, "text/html; charset=utf-8")
    assert answer.text == "<html>Bad gateway</html>"
    assert ca.calls[0].status == 502
    assert len(ca.outbox) == effect


async def test_an_answer_of_json_preserves_its_headers(ca: CertCentral, client: httpx.AsyncClient) -> None:
    ca.faults.plan("GET /account", answers(429, {"errors": []}, {"Retry-After": "7"}))

    answer = await client.get("/account")

    assert (answer.json(), answer.headers["Retry-After"]) == ({"errors": []}, "7")
    assert (await client.get("/account")).status_code == 200


@pytest.mark.parametrize("effect", [True, False])
async def test_a_dropped_call_gets_no_answer(ca: CertCentral, client: httpx.AsyncClient, effect: bool) -> None:
    ca.faults.plan(ANY_RESEND, drops(effect=effect))

    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await client.put(RESEND, json=BODY)

    assert [call.status for call in ca.resends] == [None]
    assert len(ca.outbox) == effect


async def test_a_held_call_is_received_before_it_is_effective(ca: CertCentral, client: httpx.AsyncClient) -> None:
    hold = asyncio.Event()
    ca.faults.plan(ANY_RESEND, stalls(hold=hold))
    asking = asyncio.create_task(client.put(RESEND, json=BODY))

    call = await ca.wait_for_call("PUT", "/order/certificate/*/resend-emails")

    assert (call.status, call.body, ca.outbox) == (None, BODY, [])
    hold.set()
    assert (await asking).status_code == 204
    assert (call.status, len(ca.outbox)) == (204, 1)


async def test_a_call_is_effective_though_its_caller_died(ca: CertCentral, client: httpx.AsyncClient) -> None:
    hold = asyncio.Event()
    ca.faults.plan(ANY_RESEND, stalls(hold=hold))
    asking = asyncio.create_task(client.put(RESEND, json=BODY))
    call = await ca.wait_for_call("PUT", RESEND)

    asking.cancel()
    await asyncio.wait([asking])
    await client.get("/account")
    hold.set()

    assert await ca.changes.wait_for(lambda: ca.outbox, what="the mail")
    assert call.status is None


async def test_held_calls_do_not_hold_up_the_end() -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        async with CertCentral() as ca:
            ca.faults.plan("GET /*", stalls(hold=asyncio.Event()), times=None)
            asking = [asyncio.create_task(client.get(f"{ca.url}/account")) for _ in range(3)]
            await ca.wait_for_call("GET", "/account", count=3)
            started = time.monotonic()

        assert time.monotonic() - started < 1
        outcomes = await asyncio.gather(*asking, return_exceptions=True)
        assert all(isinstance(outcome, httpx.TransportError) for outcome in outcomes)


async def test_waiting_for_a_call_that_never_comes_ends(ca: CertCentral, client: httpx.AsyncClient) -> None:
    await client.get("/account")

    with pytest.raises(TimeoutError, match="call 2 of GET /account"):
        await ca.wait_for_call("GET", "/account", count=2, timeout=0.01)


async def test_a_call_is_recorded_whole(ca: CertCentral, client: httpx.AsyncClient) -> None:
    await client.get("/order/certificate", params={"filters[status]": "pending", "limit": "5"})
    await client.put(RESEND, json=BODY)

    read, resend = ca.calls
    assert (read.method, read.path, read.status) == ("GET", "/order/certificate", 200)
    assert (read.query, read.body, read.raw) == ({"filters[status]": "pending", "limit": "5"}, None, b"")
    assert (resend.body, resend.name, resend.at) == (BODY, f"PUT {RESEND}", ca.now())
    assert read.monotonic <= resend.monotonic
    assert ca.resends == [resend]
