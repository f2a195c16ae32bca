"""Changing an order's DCV method and checking its token."""

import httpx
import pytest

from sandbox.certcentral import CertCentral
from sandbox.certcentral.behavior_options import ResendBehavior


async def put(client: httpx.AsyncClient, what: str, body: object) -> httpx.Response:
    return await client.put(f"/order/certificate/700001/{what}", json=body)


async def test_choosing_email_again_sends_nothing(ca: CertCentral, client: httpx.AsyncClient) -> None:
    ca.add_order(700001, ["example.com"])

    answer = await put(client, "dcv-method", {"dcv_method": "email"})

    assert (answer.status_code, answer.content, ca.outbox) == (204, b"", [])


async def test_a_token_method_brings_a_random_value(ca: CertCentral, client: httpx.AsyncClient) -> None:
    order = ca.add_order(700001, ["example.com"])

    answer = await put(client, "dcv-method", {"dcv_method": "dns-cname-token"})

    assert answer.json().keys() == {"dcv_random_value", "expiration_date"}
    assert order.method == "dns-cname-token"


@pytest.mark.parametrize("body", [{}, {"dcv_method": "fax"}, {"dcv_method": 1}])
async def test_a_wrong_method_is_a_bad_format(ca: CertCentral, client: httpx.AsyncClient, body: object) -> None:
    ca.add_order(700001, ["example.com"])

    answer = await put(client, "dcv-method", body)

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "bad_request_format")


async def test_an_issued_order_retains_its_method(ca: CertCentral, client: httpx.AsyncClient) -> None:
    order = ca.add_order(700001, ["example.com"], status="issued")

    answer = await put(client, "dcv-method", {"dcv_method": "dns-txt-token"})

    assert (answer.status_code, order.method) == (400, "email")


@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("email", "invalid_dcv_method"),
        ("http-token", "file_random_value_not_found"),
    ],
)
async def test_a_check_without_a_published_token_fails(
    ca: CertCentral, client: httpx.AsyncClient, method: str, code: str
) -> None:
    order = ca.add_order(700001, ["example.com"], method=method)

    answer = await client.put("/order/certificate/700001/check-dcv")

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, code)
    assert order.status == "pending"


@pytest.mark.fault("SANDBOX")
@pytest.mark.parametrize("method", ["dns-txt-token", "dns-cname-token"])
async def test_a_check_that_finds_no_record_lists_the_waiting_names_unless_switched(
    ca: CertCentral, client: httpx.AsyncClient, method: str
) -> None:
    ca.add_order(700001, ["example.com", "example.org"], method=method, validated=["example.org"])

    answer = await client.put("/order/certificate/700001/check-dcv")
    ca.options.check_finds_no_record = ResendBehavior(400, "invalid_dns_txt", "The random value was not found.")
    refused = await client.put("/order/certificate/700001/check-dcv")

    assert answer.json() == {
        "order_status": "pending",
        "certificate_id": 104,
        "dcv_status": "pending",
        "dns_name_validations": [
            {"dns_name": "example.com", "status": "pending"},
            {"dns_name": "example.org", "status": "approved"},
        ],
    }
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, "invalid_dns_txt")


@pytest.mark.parametrize(
    ("product", "method", "status"),
    [
        ("ov", "http-token-dynamic", 200),
        ("ev", "http-token-dynamic", 200),
        ("dv", "http-token-dynamic", 400),
        ("ov", "http-token-static", 400),
        ("dv", "http-token", 200),
    ],
)
async def test_files_with_names_of_their_own_are_not_for_dv_orders(
    ca: CertCentral, client: httpx.AsyncClient, product: str, method: str, status: int
) -> None:
    ca.add_order(700001, ["example.com"], product=product)

    assert (await put(client, "dcv-method", {"dcv_method": method})).status_code == status


@pytest.mark.parametrize("product", ["dv", "ov"])
async def test_a_published_token_validates_and_issues(ca: CertCentral, client: httpx.AsyncClient, product: str) -> None:
    order = ca.add_order(700001, ["example.com", "www.example.org"], method="dns-txt-token", product=product)
    order.token_published = True

    answer = await put(client, "check-dcv", {})

    assert answer.json() == {
        "order_status": "issued",
        "certificate_id": 104,
        "dcv_status": "valid",
        "dns_name_validations": [
            {"dns_name": "example.com", "status": "approved"},
            {"dns_name": "www.example.org", "status": "approved"},
        ],
    }
