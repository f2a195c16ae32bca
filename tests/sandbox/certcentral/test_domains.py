"""Reading domains, their validation and their allowed recipients."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from sandbox.certcentral import CertCentral
from sandbox.certcentral.behavior_options import ACCEPT_AND_MAIL, ValidationStates
from sandbox.certcentral.names import constructed_emails


@pytest.fixture
def two(ca: CertCentral, now: datetime) -> CertCentral:
    """Add a domain near its expiry and a pending one."""
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


@pytest.mark.fault("SANDBOX")
async def test_a_row_of_the_list(two: CertCentral, client: httpx.AsyncClient) -> None:
    row = (await client.get("/domain")).json()["domains"][0]

    approved = "2026-04-22T09:00:00+00:00"
    shared = {"date_created": approved, "validated_until": "2026-11-07T09:00:00+00:00", "status": "active"}
    assert row == {
        "id": 1234,
        "is_active": True,
        "name": "example.com",
        "date_created": "2026-11-02T09:00:00+00:00",
        "last_submitted_datetime": "2026-04-22T08:59:00+00:00",
        "dcv_approval_datetime": approved,
        "organization": {
            "id": 11,
            "status": "active",
            "name": "Example Ltd",
            "display_name": "Example Ltd",
            "is_active": "1",
        },
        "validations": [{"type": "ov", "name": "OV"} | shared, {"type": "ev", "name": "EV"} | shared],
        "dcv_method": "email",
        "dcv_expiration": {"ov": "2026-11-07", "ev": "2026-11-07"},
        "container": {"id": 14, "name": "Main"},
    }


EXACT_EXPIRY = {"ov": "2026-11-07T09:00:00+00:00", "ev": "2026-11-07T09:00:00+00:00"}
REUSE = {
    "ov_shortened": "2026-11-07T09:00:00+00:00",
    "ov_status": "active",
    "ev_status": "active",
    "dcv_approval_date": "2026-04-22",
}


@pytest.mark.parametrize(
    ("path", "reuse", "shown"),
    [
        ("/domain", "filters[include_validation_reuse_status]", EXACT_EXPIRY | REUSE),
        ("/domain", "include_validation_reuse_status", EXACT_EXPIRY),
        ("/domain/1234", "include_validation_reuse_status", EXACT_EXPIRY | REUSE),
    ],
)
async def test_the_expiry_is_exact_and_the_reuse_is_included_on_request(
    two: CertCentral, client: httpx.AsyncClient, path: str, reuse: str, shown: dict[str, str]
) -> None:
    answer = (await client.get(path, params={"include_dcv_expiration_time": "true", reuse: "true"})).json()

    assert (answer["domains"][0] if "domains" in answer else answer)["dcv_expiration"] == shown


@pytest.mark.parametrize(
    ("option", "asked", "has_states"),
    [("never", True, False), ("asked", False, False), ("asked", True, True), ("always", False, True)],
)
async def test_rows_show_the_state_of_a_validation_as_switched(
    two: CertCentral, client: httpx.AsyncClient, option: ValidationStates, asked: bool, has_states: bool
) -> None:
    two.options.validation_states_in_lists = option

    rows = (await client.get("/domain", params={"include_validation": "true"} if asked else {})).json()["domains"]

    entries = [entry for row in rows for entry in row["validations"]]
    assert all(({"dcv_status", "org_status"} <= entry.keys()) is has_states for entry in entries)
    assert len(entries) == 4


@pytest.mark.fault("SANDBOX")
async def test_a_row_has_the_history_of_each_domain(ca: CertCentral, client: httpx.AsyncClient, now: datetime) -> None:
    ca.add_domain(1, "added.example", submitted=False)
    ca.add_domain(2, "new.example")
    ca.add_domain(3, "valid.example", pending=False)
    ca.add_domain(4, "lapsed.example", pending=False, validated_until=now - timedelta(days=1))
    ca.add_domain(5, "again.example", validated_until=now + timedelta(days=1))
    dates = ("last_submitted_datetime", "dcv_approval_datetime", "dcv_expiration")

    rows = (await client.get("/domain")).json()["domains"]

    assert {row["id"]: [date for date in dates if date in row] for row in rows} == {
        1: [], 2: [*dates[:1]], 3: [*dates], 4: [*dates], 5: [*dates],
    }  # fmt: skip
    assert {row["id"]: [entry["status"] for entry in row.get("validations", [])] for row in rows} == {
        1: [], 2: ["pending"] * 2, 3: ["active"] * 2, 4: ["expired"] * 2, 5: ["active"] * 2,
    }  # fmt: skip
    submitted_again = [row["id"] for row in rows[1:] if row[dates[0]] > row.get(dates[1], "")]
    assert submitted_again == [2, 5]


@pytest.mark.parametrize(
    ("add", "is_pending", "status", "dcv_status"),
    [
        ({"submitted": False}, False, "approved", None),
        ({}, True, "pending", "pending"),
        ({"pending": False}, False, "approved", "complete"),
        ({"pending": False, "validated_until": datetime(2026, 11, 1, tzinfo=UTC)}, False, "approved", "expired"),
        ({"validated_until": datetime(2026, 11, 1, tzinfo=UTC)}, True, "pending", "pending"),
    ],
)
async def test_a_domain_that_lapsed_is_neither_pending_nor_complete(
    ca: CertCentral,
    client: httpx.AsyncClient,
    add: dict[str, Any],
    is_pending: bool,
    status: str,
    dcv_status: str | None,
) -> None:
    ca.add_domain(1, "example.com", **add)

    shown = (await client.get("/domain/1", params={"include_validation": "true"})).json()

    assert (shown["is_pending_validation"], shown["status"]) == (is_pending, status)
    assert {entry["dcv_status"] for entry in shown["validations"]} == ({dcv_status} if dcv_status else set())
    assert {entry["org_status"] for entry in shown["validations"]} <= {"complete"}


ENDS = {1: -400, 2: -8, 3: -7, 4: -1, 5: 0, 6: 7, 7: 8, 8: 30, 9: 31, 10: 60, 11: 61, 12: 90, 13: 91}


@pytest.fixture
def ending(ca: CertCentral, now: datetime) -> CertCentral:
    """Add domains whose validations end so many days from now, and one that was never validated."""
    for number, days in ENDS.items():
        end = now + timedelta(days=days, minutes=1 if days >= 0 else -1)
        ca.add_domain(number, f"d{number}.example", pending=False, validated_until=end)
    ca.add_domain(14, "never.example")
    return ca


@pytest.mark.fault("SANDBOX")
@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("completed", range(5, 14)),
        ("ov_expired", range(1, 5)),
        ("ev_expired", range(1, 5)),
        ("ov_expired_in_last_7_days", [3, 4]),
        ("ov_expiring", range(5, 11)),
        ("ev_expiring_within_7_days", [5, 6]),
        ("ov_expiring_within_30_days", range(5, 9)),
        ("ov_expiring_from_31_to_60_days", [9, 10]),
        ("ev_expiring_from_61_to_90_days", [11, 12]),
        ("shortened_by_industry_changes", []),
    ],
)
async def test_the_validation_filter_finds_by_the_end(
    ending: CertCentral, client: httpx.AsyncClient, value: str, found: Iterable[int]
) -> None:
    answer = (await client.get("/domain", params={"filters[validation]": value})).json()

    assert [row["id"] for row in answer.get("domains", [])] == list(found)


@pytest.mark.fault("SANDBOX")
async def test_the_expiring_domains_are_counted_as_texts(ending: CertCentral, client: httpx.AsyncClient) -> None:
    assert (await client.get("/domain/expiration-count")).json() == {
        "number_of_expired_domains": "4",
        "number_of_expiry_soon_domains": "6",
        "number_of_domains_recent_expired": "2",
        "number_of_domains_expiring_within_30_days": "4",
        "number_of_domains_expiring_from_31_to_60_days": "2",
        "number_of_domains_expiring_from_61_to_90_days": "2",
        "number_of_domains_affected_by_mozilla_policy": "0",
    }


@pytest.mark.fault("SANDBOX")
async def test_a_domain_lists_its_validations_unasked_when_switched(
    two: CertCentral, client: httpx.AsyncClient
) -> None:
    two.options.always_include_validations = True

    assert len((await client.get("/domain/1234")).json()["validations"]) == 2


async def test_expiry_dates_are_in_mountain_time(ca: CertCentral, client: httpx.AsyncClient, now: datetime) -> None:
    ca.add_domain(1, "example.com", pending=False, validated_until=now.replace(hour=3))

    assert (await client.get("/domain/1")).json()["dcv_expiration"]["ov"] == "2026-11-01"


async def test_one_domain_shows_if_it_is_pending(two: CertCentral, client: httpx.AsyncClient) -> None:
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
    two.options.invitations = True
    two.options.domain_not_pending = ACCEPT_AND_MAIL
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
    two.options.unknown_domain_code = "not_found"

    answer = await client.get(f"/domain/{path}")

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (404, "not_found")


async def test_is_active_can_be_a_boolean(two: CertCentral, client: httpx.AsyncClient) -> None:
    two.options.is_active_string = False

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

    assert answer.json() == {"name_scope": scope, "base_emails": constructed_emails(scope), "dns_txt_emails": contacts}


@pytest.mark.parametrize("wanted", ["com", "example.net", "sibling.example.org", "notexample.com"])
async def test_addresses_of_other_names_are_not_returned(
    two: CertCentral, client: httpx.AsyncClient, wanted: str
) -> None:
    assert (await client.get(f"/domain/{wanted}/dcv/emails")).status_code == 404


async def test_preferences_bound_the_addresses_when_asked(two: CertCentral, client: httpx.AsyncClient) -> None:
    two.set_permitted_emails("example.com", ["admin@example.com", "caa@corp.example"])
    path = "/domain/example.com/dcv/emails"

    bounded = (await client.get(path, params={"consider_dcv_email_preferences": "true"})).json()
    everyone = (await client.get(path, params={"consider_dcv_email_preferences": "false"})).json()

    assert (bounded["base_emails"], bounded["dns_txt_emails"]) == (["admin@example.com"], ["caa@corp.example"])
    assert (everyone["base_emails"], everyone["dns_txt_emails"]) == (
        constructed_emails("example.com"),
        ["pki@corp.example"],
    )
