"""Reading orders: the list, one order, its validation, and recent changes."""

from datetime import datetime, timedelta

import httpx
import pytest

from sandbox.certcentral import CertCentral


@pytest.fixture
def three(ca: CertCentral, now: datetime) -> CertCentral:
    """Add a pending DV order, an issued OV order and a canceled EV order."""
    ca.add_order(700001, ["shop.example.com", "www.example.org"], created=now - timedelta(days=1))
    ca.add_order(700002, ["*.example.net"], product="ov", status="issued", created=now - timedelta(days=40))
    ca.add_order(700003, ["pay.example.com"], product="ev", status="canceled", created=now - timedelta(days=9))
    return ca


async def ids(client: httpx.AsyncClient, **query: str) -> list[int]:
    answer = await client.get("/order/certificate", params=query)
    return [order["id"] for order in answer.json().get("orders", [])]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, [700003, 700002, 700001]),
        ({"filters[status]": "pending"}, [700001]),
        ({"filters[status][0]": "pending", "filters[status][1]": "canceled"}, [700003, 700001]),
        ({"filters[status]": "rejected"}, []),
        ({"filters[domain_name]": "www.example.org"}, [700001]),
        ({"filters[domain_name]": "WWW.example.org"}, [700001]),
        ({"filters[domain_name]": "example.org"}, []),
        ({"filters[domain_name]": "%example.com"}, [700003, 700001]),
        ({"filters[common_name]": "*.example.net"}, [700002]),
        ({"filters[common_name]": "www.example.org"}, []),
        ({"filters[search]": "pay"}, [700003]),
        ({"filters[search]": "pki@example.com"}, [700003, 700002, 700001]),
        ({"filters[id]": "700002"}, [700002]),
        ({"filters[product_name_id]": "ssl_dv_geotrust_flex"}, [700001]),
        ({"filters[date_created]": ">2026-10-20"}, [700003, 700001]),
        ({"filters[date_created]": "<2026-10-20"}, [700002]),
        ({"filters[date_created]": "2026-10-23...2026-10-25"}, [700003]),
        ({"filters[domain_name]": "%example.com", "filters[status]": "pending"}, [700001]),
        ({"filters[valid_till]": "<2027-05-01"}, [700002]),
        ({"filters[valid_till]": "2027-04-10"}, [700002]),
        ({"filters[valid_till]": ">2027-05-01"}, []),
        ({"sort": "id"}, [700001, 700002, 700003]),
        ({"sort": "-date_created"}, [700001, 700003, 700002]),
        ({"sort": "status,-id"}, [700003, 700002, 700001]),
        ({"limit": "2"}, [700003, 700002]),
        ({"limit": "2", "offset": "2"}, [700001]),
        ({"offset": "9"}, []),
        ({"filters[unheard_of]": "x"}, [700003, 700002, 700001]),
    ],
)
async def test_filters_choose_the_orders(
    three: CertCentral, client: httpx.AsyncClient, query: dict[str, str], found: list[int]
) -> None:
    assert await ids(client, **query) == found


async def test_the_first_sort_key_counts_most(three: CertCentral, client: httpx.AsyncClient) -> None:
    three.add_order(700004, ["example.com"])

    assert await ids(client, sort="-status,id") == [700001, 700004, 700002, 700003]
    assert await ids(client, sort="-status,-id") == [700004, 700001, 700002, 700003]


async def test_issued_includes_expired(ca: CertCentral, client: httpx.AsyncClient) -> None:
    ca.add_order(1, ["example.com"], status="expired")

    assert await ids(client, **{"filters[status]": "issued"}) == [1]
    assert await ids(client, **{"filters[status]": "expired"}) == [1]


async def test_the_status_filter_can_be_ignored(three: CertCentral, client: httpx.AsyncClient) -> None:
    three.options.status_filter_ignored = True

    assert len(await ids(client, **{"filters[status]": "pending"})) == 3


@pytest.mark.parametrize("query", [{"limit": "many"}, {"offset": "-1"}, {"filters[date_created]": ">soon"}])
async def test_a_query_that_cannot_be_read_is_refused(
    three: CertCentral, client: httpx.AsyncClient, query: dict[str, str]
) -> None:
    answer = await client.get("/order/certificate", params=query)

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "bad_request_format")


async def test_the_page_has_the_total_and_the_limit_is_capped(three: CertCentral, client: httpx.AsyncClient) -> None:
    answer = await client.get("/order/certificate", params={"limit": "5000", "offset": "1"})

    assert answer.json()["page"] == {"total": 3, "limit": 1000, "offset": 1}


async def test_an_empty_list_has_no_array_unless_switched(ca: CertCentral, client: httpx.AsyncClient) -> None:
    page = {"total": 0, "limit": 1000, "offset": 0}

    assert (await client.get("/order/certificate")).json() == {"page": page}
    ca.options.omit_empty_lists = False
    assert (await client.get("/order/certificate")).json() == {"orders": [], "page": page}


async def test_a_row_of_the_list(three: CertCentral, client: httpx.AsyncClient) -> None:
    answer = await client.get("/order/certificate", params={"filters[id]": "700001"})

    assert answer.json()["orders"] == [
        {
            "id": 700001,
            "certificate": {
                "id": 104,
                "common_name": "shop.example.com",
                "dns_names": ["shop.example.com", "www.example.org"],
                "signature_hash": "sha256",
            },
            "status": "pending",
            "is_renewed": False,
            "date_created": "2026-11-01T09:00:00+00:00",
            "organization": {"id": 11, "name": "Example Ltd"},
            "validity_years": 1,
            "container": {"id": 14, "name": "Main"},
            "product": {
                "name_id": "ssl_dv_geotrust_flex",
                "name": "GeoTrust DV SSL",
                "type": "dv_ssl_certificate",
            },
            "has_duplicates": False,
            "product_name_id": "ssl_dv_geotrust_flex",
        }
    ]


@pytest.mark.fault("SANDBOX")
async def test_a_row_of_an_issued_order_carries_its_serial_number(
    three: CertCentral, client: httpx.AsyncClient
) -> None:
    rows = (await client.get("/order/certificate", params={"sort": "id"})).json()["orders"]

    assert [row["certificate"].get("serial_number") for row in rows] == [None, three.orders[700002].serial_number, None]
    assert await ids(client, **{"filters[serial_number]": three.orders[700002].serial_number}) == [700002]


@pytest.mark.fault("SANDBOX")
async def test_other_products_are_in_the_same_list_and_have_no_names(
    ca: CertCentral, client: httpx.AsyncClient
) -> None:
    ca.add_order(1, ["example.com"])
    ca.add_order(2, [], product="code_signing", common_name="Example Ltd")
    ca.add_order(3, [], product="smime", common_name="Ana Example", emails=["ana@example.com"])

    rows = (await client.get("/order/certificate", params={"sort": "id"})).json()["orders"]
    mail = (await client.get("/order/certificate/3")).json()
    validation = (await client.get("/order/certificate/2/validation")).json()

    assert [(row["product"]["type"], row["certificate"]["dns_names"]) for row in rows] == [
        ("dv_ssl_certificate", ["example.com"]),
        ("code_signing_certificate", []),
        ("client_certificate", []),
    ]
    assert (mail["certificate"]["common_name"], mail["certificate"]["emails"]) == ("Ana Example", ["ana@example.com"])
    assert "dns_name_validations" not in validation
    assert validation["organization_validations"][0]["type"] == "cs"
    assert ca.domains == {}


@pytest.mark.fault("SANDBOX")
async def test_a_reissue_is_dated_by_its_request(ca: CertCentral, client: httpx.AsyncClient, now: datetime) -> None:
    created, asked = now - timedelta(days=90), now - timedelta(days=2)
    ca.add_order(1, ["example.com"], status="reissue_pending", created=created, reissue_requested=asked)

    order = (await client.get("/order/certificate/1")).json()

    assert [(each["type"], each["date"][:10]) for each in order["requests"]] == [
        ("new_request", "2026-08-04"),
        ("reissue", "2026-10-31"),
    ]
    assert order["date_created"] == order["certificate"]["date_created"] == "2026-08-04T09:00:00+00:00"


@pytest.mark.fault("SANDBOX")
@pytest.mark.parametrize("held_up", ["organization_pending", "contact_pending", "approval_pending"])
async def test_an_order_waits_for_more_than_its_names(ca: CertCentral, client: httpx.AsyncClient, held_up: str) -> None:
    order = ca.add_order(1, ["example.com"], product="ev")
    setattr(order, held_up, True)
    await client.put("/domain/5001/dcv/emails", json={"email_array": ["admin@example.com"]})

    ca.approve(ca.outbox[0])

    shown = (await client.get("/order/certificate/1")).json()
    validation = (await client.get("/order/certificate/1/validation")).json()
    assert (order.status, ca.pending_names(order)) == ("pending", [])
    assert shown["requests"][0]["status"] == ("pending" if held_up == "approval_pending" else "approved")
    expected = "pending" if held_up == "organization_pending" else "active"
    assert validation["organization_validations"][0]["status"] == expected
    setattr(order, held_up, False)
    ca.issue_if_ready(order)
    assert order.status == "issued"


async def test_one_order_before_its_issue(three: CertCentral, client: httpx.AsyncClient) -> None:
    order = (await client.get("/order/certificate/700001")).json()

    assert (order["id"], order["status"], order["dcv_method"]) == (700001, "pending", "email")
    assert order["product"]["validation_type"] == "dv"
    assert order["requests"][0]["status"] == "approved"
    assert "organization" not in order
    assert not {"thumbprint", "serial_number", "valid_till"} & order["certificate"].keys()


async def test_one_order_after_its_issue_is_found_by_its_certificate(
    three: CertCentral, client: httpx.AsyncClient
) -> None:
    order = (await client.get("/order/certificate/700002")).json()
    certificate = order["certificate"]

    assert (certificate["valid_till"], certificate["days_remaining"]) == ("2027-04-10", 159)
    assert order["organization"] == {"id": 11, "name": "Example Ltd"}
    for key in ("thumbprint", "serial_number"):
        assert (await client.get(f"/order/certificate/{certificate[key]}")).json()["id"] == 700002


async def test_caa_is_included_for_open_orders_on_request(three: CertCentral, client: httpx.AsyncClient) -> None:
    asked = {"include_caa_status": "true"}

    waiting = (await client.get("/order/certificate/700001", params=asked)).json()
    issued = (await client.get("/order/certificate/700002", params=asked)).json()

    assert waiting["caa_status_message"].keys() == {"shop.example.com", "www.example.org"}
    assert "caa_status_message" not in issued


@pytest.mark.parametrize("path", ["999", "abc", "999/validation", "0700001"])
async def test_unknown_orders_are_not_found(three: CertCentral, client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(f"/order/certificate/{path}")

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (404, "not_found|order")


def entry(scope: str, status: str, names: list[str], **more: object) -> dict[str, object]:
    return {
        "name_scope": scope,
        "approval_scope": "subdomains",
        "status": status,
        "method": "email",
        "dns_names": names,
    } | more


async def test_validation_of_a_dv_order_groups_names_by_scope_and_state(
    ca: CertCentral, client: httpx.AsyncClient
) -> None:
    names = ["shop.example.com", "www.example.com", "m.example.com", "www.example.org"]
    ca.add_order(700001, names, validated=["m.example.com"])

    answer = await client.get("/order/certificate/700001/validation")

    assert answer.json() == {
        "order_id": "700001",
        "order_status": "pending",
        "order_name_scope": "base_domain",
        "order_dcv_method": "email",
        "dns_name_validations": [
            entry("example.com", "pending", ["shop.example.com", "www.example.com"]),
            entry("example.com", "approved", ["m.example.com"]),
            entry("example.org", "pending", ["www.example.org"]),
        ],
    }


async def test_validation_by_exact_names_uses_the_higher_ordered_name(
    ca: CertCentral, client: httpx.AsyncClient
) -> None:
    ca.add_order(1, ["*.shop.example.com", "a.shop.example.com", "www.example.com"], name_scope="fqdn")

    shown = (await client.get("/order/certificate/1/validation")).json()["dns_name_validations"]

    assert shown == [
        entry("shop.example.com", "pending", ["*.shop.example.com", "a.shop.example.com"]),
        entry("www.example.com", "pending", ["www.example.com"]),
    ]


async def test_validation_of_an_ov_order_points_to_its_domains(ca: CertCentral, client: httpx.AsyncClient) -> None:
    ca.add_domain(1234, "example.com")
    ca.add_domain(1235, "corp.example.com", pending=False)
    ca.add_order(1, ["a.corp.example.com", "www.example.com", "example.org"], product="ov")

    shown = (await client.get("/order/certificate/1/validation")).json()

    assert shown["dns_name_validations"] == [
        entry("example.com", "approved", ["a.corp.example.com"], domain_id="1235"),
        entry("example.com", "pending", ["www.example.com"], domain_id="1234"),
        entry("example.org", "pending", ["example.org"], domain_id="5001"),
    ]
    assert (shown["organization_id"], shown["organization_name"]) == ("11", "Example Ltd")
    assert shown["organization_validations"][0]["status"] == "active"
    assert ca.domains[5001].name == "example.org"


async def test_ids_in_validation_can_be_numbers(ca: CertCentral, client: httpx.AsyncClient) -> None:
    ca.options.string_ids = False
    ca.add_order(1, ["example.com"], product="ov")

    shown = (await client.get("/order/certificate/1/validation")).json()

    assert (shown["order_id"], shown["organization_id"], shown["dns_name_validations"][0]["domain_id"]) == (1, 11, 5001)


async def changed(client: httpx.AsyncClient, **query: str) -> httpx.Response:
    return await client.get("/order/certificate/status-changes", params=query)


async def test_status_changes_list_what_changed_lately(three: CertCentral, client: httpx.AsyncClient) -> None:
    assert (await changed(client, minutes="60")).json() == {}

    three.issue(700001)

    expected = {"orders": [{"order_id": 700001, "certificate_id": 104, "status": "issued"}]}
    assert (await changed(client, seconds="5")).json() == expected
    assert (await changed(client, **{"filters[status_last_updated]": "2026-11-02...2026-11-02"})).json() == expected


async def test_a_status_set_by_hand_counts_as_a_change(three: CertCentral, client: httpx.AsyncClient) -> None:
    three.orders[700001].status = "rejected"

    assert (await changed(client, minutes="1")).json()["orders"][0]["status"] == "rejected"


async def test_the_span_of_status_changes_is_in_mountain_time(three: CertCentral, client: httpx.AsyncClient) -> None:
    three.issue(700001)

    found = [
        "orders" in (await changed(client, **{"filters[status_last_updated]": span})).json()
        for span in ("2026-11-02 01:59:00...2026-11-02 02:01:00", "2026-11-02 08:59:00...2026-11-02 09:01:00")
    ]

    assert found == [True, False]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({}, "bad_request_format"),
        ({"minutes": "soon"}, "bad_request_format"),
        ({"filters[status_last_updated]": "2026-11-02...x"}, "bad_request_format"),
        ({"minutes": "10081"}, "time_frame_too_long"),
        ({"seconds": "604801"}, "time_frame_too_long"),
        ({"filters[status_last_updated]": "2026-10-01...2026-10-20"}, "time_frame_too_long"),
        ({"filters[status_last_updated]": ">2026-10-01"}, "time_frame_too_long"),
    ],
)
async def test_status_changes_want_a_span_of_a_week_at_most(
    ca: CertCentral, client: httpx.AsyncClient, query: dict[str, str], code: str
) -> None:
    answer = await changed(client, **query)

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, code)


@pytest.mark.parametrize("query", [{"minutes": "10080"}, {"seconds": "604800"}])
async def test_a_week_is_not_too_long(ca: CertCentral, client: httpx.AsyncClient, query: dict[str, str]) -> None:
    assert (await changed(client, **query)).status_code == 200
