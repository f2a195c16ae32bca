"""Reading domains, their validation and who may be mailed for them."""

from datetime import datetime, timedelta

import httpx
import pytest

from sandbox.certcentral import CertCentral
from sandbox.certcentral.names import constructed


@pytest.fixture
def two(ca: CertCentral, now: datetime) -> CertCentral:
    """A domain near its expiry and one that waits."""
    ca.add_domain(
        1234, "example.com", pending=False, validated_until=now + timedelta(days=5), txt_contacts=["pki@corp.example"]
    )
    ca.add_domain(1235, "shop.example.org", method="dns-txt-token", active=False, organization="Example Foundation")
    return ca


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, [1234, 1235]),
        ({"filters[status]": "active"}, [1234]),
        ({"filters[status]": "inactive"}, [1235]),
        ({"filters[dcv_method]": "dns-txt-token"}, [1235]),
        ({"filters[search]": "shop"}, [1235]),
        ({"filters[search]": "%example"}, [1234, 1235]),
        ({"filters[search]": "example.net"}, []),
        ({"sort": "-name"}, [1235, 1234]),
        ({"limit": "1", "offset": "1"}, [1235]),
    ],
)
async def test_filters_choose_the_domains(
    two: CertCentral, client: httpx.AsyncClient, query: dict[str, str], found: list[int]
) -> None:
    answer = (await client.get("/domain", params=query)).json()

    assert [domain["id"] for domain in answer.get("domains", [])] == found
    assert ("domains" in answer) is bool(found)


async def test_a_row_of_the_list(two: CertCentral, client: httpx.AsyncClient) -> None:
    row = (await client.get("/domain")).json()["domains"][0]

    approved = "2026-04-22T09:00:00+00:00"
    shared = {"date_created": approved, "validated_until": "2026-11-07T09:00:00+00:00", "status": "active"}
    states = {"dcv_status": "complete", "org_status": "active"}
    assert row == {
        "id": 1234,
        "is_active": True,
        "name": "example.com",
        "date_created": "2026-11-02T09:00:00+00:00",
        "last_submitted_datetime": "2026-11-02T09:00:00+00:00",
        "dcv_approval_datetime": approved,
        "organization": {
            "id": 11,
            "status": "active",
            "name": "Example Ltd",
            "display_name": "Example Ltd",
            "is_active": "1",
        },
        "validations": [{"type": "ov", "name": "OV"} | shared | states, {"type": "ev", "name": "EV"} | shared | states],
        "dcv_method": "email",
        "dcv_expiration": {"ov": "2026-11-07", "ev": "2026-11-07"},
        "container": {"id": 14, "name": "Main"},
    }


@pytest.mark.parametrize("form", ["{}", "filters[{}]"])
async def test_the_expiry_is_exact_when_asked(two: CertCentral, client: httpx.AsyncClient, form: str) -> None:
    asked = {form.format("include_dcv_expiration_time"): "true", form.format("include_validation_reuse_status"): "true"}

    for path in ("/domain", "/domain/1234"):
        answer = (await client.get(path, params=asked)).json()
        row = answer["domains"][0] if "domains" in answer else answer
        assert row["dcv_expiration"] == {
            "ov": "2026-11-07T09:00:00+00:00",
            "ev": "2026-11-07T09:00:00+00:00",
            "ov_shortened": "2026-11-07T09:00:00+00:00",
            "ov_status": "active",
            "ev_status": "active",
            "dcv_approval_date": "2026-04-22",
        }


async def test_expiry_dates_are_in_mountain_time(ca: CertCentral, client: httpx.AsyncClient, now: datetime) -> None:
    ca.add_domain(1, "example.com", pending=False, validated_until=now.replace(hour=3))

    assert (await client.get("/domain/1")).json()["dcv_expiration"]["ov"] == "2026-11-01"


async def test_one_domain_tells_whether_it_waits(two: CertCentral, client: httpx.AsyncClient) -> None:
    done = (await client.get("/domain/1234")).json()
    asked = {"include_dcv": "true", "include_validation": "true"}
    waiting = (await client.get("/domain/1235", params=asked)).json()

    assert (done["is_pending_validation"], done["status"]) == (False, "approved")
    assert done["dcv_expiration_datetime"] == "2026-11-07T09:00:00+00:00"
    assert "validations" not in done
    assert (waiting["is_pending_validation"], waiting["status"]) == (True, "pending")
    assert [validation["dcv_status"] for validation in waiting["validations"]] == ["pending", "pending"]
    assert waiting["dcv_token"].keys() == {"token", "status", "expiration_date"}
    assert not {"dcv_expiration", "dcv_approval_datetime", "dcv"} & waiting.keys()


async def test_sent_mail_is_listed_when_switched_on(two: CertCentral, client: httpx.AsyncClient) -> None:
    two.switches.invitations = True
    await client.put("/domain/1234/dcv/emails", json={"email_array": ["admin@example.com"]})

    shown = (await client.get("/domain/1234", params={"include_dcv": "true"})).json()["dcv"]

    assert (shown["method"], shown["name_scope"]) == ("email", "example.com")
    assert shown["dcv_invitations"] == [
        {
            "invitation_id": 1,
            "email": "admin@example.com",
            "source": "base",
            "date_sent": "2026-11-02T09:00:00+00:00",
            "name_scope": "example.com",
        }
    ]


async def test_the_validation_alone(two: CertCentral, client: httpx.AsyncClient) -> None:
    shown = (await client.get("/domain/1234/validation")).json()["validations"]

    assert [(validation["type"], validation["status"]) for validation in shown] == [("ov", "active"), ("ev", "active")]


@pytest.mark.parametrize("path", ["9", "example.com", "9/validation", "example.org/validation", "9/dcv/emails"])
async def test_domains_are_found_by_id_alone(two: CertCentral, client: httpx.AsyncClient, path: str) -> None:
    two.switches.unknown_domain_code = "not_found"

    answer = await client.get(f"/domain/{path}")

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (404, "not_found")


async def test_is_active_can_be_a_boolean(two: CertCentral, client: httpx.AsyncClient) -> None:
    two.switches.is_active_string = False

    assert (await client.get("/domain/1234")).json()["organization"]["is_active"] is True


@pytest.mark.parametrize(
    ("wanted", "scope", "contacts"),
    [
        ("1234", "example.com", ["pki@corp.example"]),
        ("example.com", "example.com", ["pki@corp.example"]),
        ("Example.COM", "example.com", ["pki@corp.example"]),
        ("any.thing.example.com", "any.thing.example.com", []),
        ("example.org", "example.org", []),
        ("a.b.example.net", "a.b.example.net", []),
        ("b.example.net", "b.example.net", []),
        ("example.net", "example.net", []),
    ],
)
async def test_addresses_of_any_name_on_a_line_with_ours(
    two: CertCentral, client: httpx.AsyncClient, wanted: str, scope: str, contacts: list[str]
) -> None:
    two.add_order(1, ["*.a.b.example.net"])

    answer = await client.get(f"/domain/{wanted}/dcv/emails")

    assert answer.json() == {"name_scope": scope, "base_emails": constructed(scope), "dns_txt_emails": contacts}


@pytest.mark.parametrize("wanted", ["com", "example.net", "sibling.example.org", "notexample.com"])
async def test_addresses_of_other_names_are_not_told(two: CertCentral, client: httpx.AsyncClient, wanted: str) -> None:
    assert (await client.get(f"/domain/{wanted}/dcv/emails")).status_code == 404


async def test_preferences_bound_the_addresses_when_asked(two: CertCentral, client: httpx.AsyncClient) -> None:
    two.allow("example.com", ["admin@example.com", "caa@corp.example"])
    path = "/domain/example.com/dcv/emails"

    bounded = (await client.get(path, params={"consider_dcv_email_preferences": "true"})).json()
    everyone = (await client.get(path, params={"consider_dcv_email_preferences": "false"})).json()

    assert (bounded["base_emails"], bounded["dns_txt_emails"]) == (["admin@example.com"], ["caa@corp.example"])
    assert (everyone["base_emails"], everyone["dns_txt_emails"]) == (constructed("example.com"), ["pki@corp.example"])
