"""Submitting a domain, changing its method, its random values, and what each of them emails."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from sandbox.certcentral import CertCentral
from sandbox.certcentral.models import Domain
from sandbox.certcentral.names import constructed_emails

ONE = "/domain/1234"
ADMIN = ["admin@example.com"]
EVERYONE = constructed_emails("example.com")
TXT, CNAME, HTTP = "dns-txt-token", "dns-cname-token", "http-token"
OV: dict[str, Any] = {"validations": [{"type": "ov"}]}


@pytest.fixture
def domain(ca: CertCentral, now: datetime) -> Domain:
    """Return a domain whose validation ends in twenty days."""
    return ca.add_domain(1234, "example.com", pending=False, validated_until=now + timedelta(days=20))


def emailed(ca: CertCentral) -> list[str]:
    return [mail.recipient for mail in ca.outbox]


async def test_a_submission_by_token_emails_nothing_and_the_validation_stays_in_force(
    ca: CertCentral, client: httpx.AsyncClient, domain: Domain, now: datetime
) -> None:
    answer = await client.post(f"{ONE}/validation", json=OV | {"dcv_method": TXT})

    assert answer.status_code == 201
    token = answer.json()["dcv_token"]
    assert (len(token["token"]), token["status"], answer.json()["id"]) == (40, "pending", 1234)
    assert token["expiration_date"] == "2026-12-02T09:00:00+00:00"
    assert (domain.pending, domain.is_valid(now), domain.method, emailed(ca)) == (True, True, TXT, [])
    shown = (await client.get(ONE)).json()
    assert (shown["status"], shown["is_pending_validation"], shown["dcv_method"]) == ("pending", True, TXT)
    assert shown["dcv_expiration"]["ov"] == "2026-11-22"


@pytest.mark.parametrize(
    ("array", "everyone", "recipients"),
    [(ADMIN, False, ADMIN), (ADMIN, True, EVERYONE), ([], False, EVERYONE), (["bob@example.com"], False, EVERYONE)],
)
async def test_a_submission_by_email_sends_it(
    ca: CertCentral, client: httpx.AsyncClient, domain: Domain, array: list[str], everyone: bool, recipients: list[str]
) -> None:
    ca.options.submit_emails_everyone = everyone

    answer = await client.post(f"{ONE}/validation", json=OV | {"dcv_method": "email", "email_array": array})

    emails = answer.json()["validation_emails"]
    assert (emails["email_array"], emails["base_emails"], emailed(ca)) == (recipients, EVERYONE, recipients)


@pytest.mark.parametrize("status", [200, 201, 204])
async def test_the_status_of_a_submission_can_be_chosen(
    ca: CertCentral, client: httpx.AsyncClient, domain: Domain, status: int
) -> None:
    ca.options.submit_status = status

    answer = await client.post(f"{ONE}/validation", json=OV | {"dcv_method": TXT})

    assert (answer.status_code, bool(answer.content), domain.pending) == (status, status != 204, True)


@pytest.mark.parametrize(
    "body", [{}, {"validations": []}, {"validations": ["ov"]}, OV | {"dcv_method": "pigeon"}, OV | {"email_array": "a"}]
)
async def test_a_submission_that_cannot_be_read_changes_nothing(
    client: httpx.AsyncClient, domain: Domain, body: dict[str, Any]
) -> None:
    answer = await client.post(f"{ONE}/validation", json=body)

    assert (answer.status_code, domain.pending) == (400, False)


async def test_an_inactive_domain_cannot_be_submitted(client: httpx.AsyncClient, domain: Domain) -> None:
    domain.active = False

    answer = await client.post(f"{ONE}/validation", json=OV | {"dcv_method": TXT})

    assert (answer.status_code, domain.pending) == (400, False)


@pytest.mark.parametrize(
    ("flag", "ignored", "array", "recipients"),
    [
        (False, False, ADMIN, []),
        (False, True, ADMIN, ADMIN),
        (True, False, ADMIN, ADMIN),
        (True, False, [], EVERYONE),
        (None, False, ADMIN, ADMIN),
    ],
)
async def test_a_change_to_email_sends_mail_unless_the_flag_is_false(
    ca: CertCentral,
    client: httpx.AsyncClient,
    domain: Domain,
    flag: bool | None,
    ignored: bool,
    array: list[str],
    recipients: list[str],
) -> None:
    ca.options.email_flag_ignored = ignored
    ca.submit(domain, TXT)
    body = {"dcv_method": "email", "email_array": array}

    answer = await client.put(f"{ONE}/dcv/method", json=body if flag is None else body | {"send_dcv_email_flag": flag})

    assert (answer.status_code, domain.method, emailed(ca)) == (200, "email", recipients)
    assert answer.json()["validation_emails"]["name_scope"] == "example.com"


async def test_the_same_method_again_does_nothing(ca: CertCentral, client: httpx.AsyncClient, domain: Domain) -> None:
    ca.submit(domain, "email")

    answer = await client.put(f"{ONE}/dcv/method", json={"dcv_method": "email", "email_array": ADMIN})

    assert (answer.status_code, answer.json(), emailed(ca)) == (200, {}, [])


@pytest.mark.parametrize(
    ("method", "fields"),
    [(TXT, {}), (CNAME, {"verification_value": "dcv.digicert.com"}), (HTTP, {"http_token_url": "http://example.com/"})],
)
async def test_a_change_to_a_token_method_shows_what_to_publish(
    ca: CertCentral, client: httpx.AsyncClient, domain: Domain, method: str, fields: dict[str, str]
) -> None:
    ca.submit(domain, "email")

    token = (await client.put(f"{ONE}/dcv/method", json={"dcv_method": method})).json()["dcv_token"]

    assert token.keys() == {"token", "status", "expiration_date"} | fields.keys()
    assert all(token[name].startswith(text) for name, text in fields.items())
    assert (await client.get(ONE, params={"include_dcv": "true"})).json()["dcv_token"] == token


async def test_the_method_of_a_domain_that_is_not_pending_cannot_be_changed(
    client: httpx.AsyncClient, domain: Domain
) -> None:
    answer = await client.put(f"{ONE}/dcv/method", json={"dcv_method": TXT})

    assert (answer.status_code, domain.method) == (400, "email")


@pytest.mark.parametrize("voids", [False, True])
async def test_a_switch_away_from_email_may_void_the_mails_that_are_out(
    ca: CertCentral, client: httpx.AsyncClient, domain: Domain, voids: bool
) -> None:
    ca.options.switch_voids_mails = voids
    ca.submit(domain, "email")
    await client.put(f"{ONE}/dcv/emails", json={"email_array": ADMIN})

    await client.put(f"{ONE}/dcv/method", json={"dcv_method": TXT})

    assert (ca.outbox[0].expires_at <= ca.now()) is voids


@pytest.mark.parametrize("nested", [False, True])
async def test_a_new_value_replaces_the_one_before(
    ca: CertCentral, client: httpx.AsyncClient, domain: Domain, nested: bool
) -> None:
    ca.options.new_value_is_nested = nested
    ca.submit(domain, TXT)
    first = ca.live_value(domain)
    domain.token_published = True

    answer = (await client.post(f"{ONE}/dcv/token")).json()

    token = answer["dcv_token"] if nested else answer
    assert token["token"] != first.text
    assert not domain.token_published


async def test_an_expired_value_is_renewed(
    ca: CertCentral, client: httpx.AsyncClient, domain: Domain, now: datetime
) -> None:
    order = ca.add_order(7, ["shop.example.org"], method=TXT)
    value = "/order/certificate/7/dcv-random-value"
    ca.submit(domain, TXT)
    shown = [ca.live_value(domain).text, (await client.put(value)).json()["dcv_random_value"]]

    ca.now = lambda: now + timedelta(days=29)
    assert [ca.live_value(domain).text, (await client.put(value)).json()["dcv_random_value"]] == shown
    ca.now = lambda: now + timedelta(days=30)
    later = [ca.live_value(domain).text, (await client.put(value)).json()["dcv_random_value"]]

    assert not set(later) & set(shown)
    order.method = "email"
    assert (await client.put(value)).status_code == 400


async def test_a_published_value_validates_the_domain_and_issues_its_orders(
    ca: CertCentral, client: httpx.AsyncClient, domain: Domain
) -> None:
    ca.now = lambda: datetime(2026, 11, 30, tzinfo=UTC)
    order = ca.add_order(7, ["shop.example.com"], product="ov")
    ca.submit(domain, TXT)
    check = f"{ONE}/dcv/validate-token"

    assert (await client.put(check)).json()["errors"][0]["code"] == "invalid_dns_txt"
    domain.token_published = True
    answer = await client.put(check)

    assert (answer.status_code, answer.json()["status"]) == (200, "active")
    assert (domain.pending, domain.approved, order.status) == (False, ca.now(), "issued")


@pytest.mark.parametrize("path", ["/dcv/token", "/dcv/validate-token"])
async def test_email_has_no_random_value(ca: CertCentral, client: httpx.AsyncClient, domain: Domain, path: str) -> None:
    ca.submit(domain, "email")

    answer = await client.request("POST" if path == "/dcv/token" else "PUT", ONE + path)

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "invalid_dcv_method")


@pytest.mark.parametrize(
    ("approved", "today", "valid"),
    [
        ("2026-12-05", "2027-03-14", True),
        ("2026-12-05", "2027-03-15", False),
        ("2026-12-07", "2027-03-15", True),
        ("2026-12-07", "2027-03-16", False),
    ],
)
async def test_from_march_2027_a_validation_older_than_99_days_is_void(
    ca: CertCentral, client: httpx.AsyncClient, approved: str, today: str, valid: bool
) -> None:
    moments = [datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (approved, today)]
    until = moments[0] + timedelta(days=199)
    ca.add_domain(1234, "example.com", pending=False, validated_until=until)
    order = ca.add_order(7, ["shop.example.com"], product="ov")
    ca.now = lambda: moments[1]

    # The console still shows the date that it promised.
    assert (await client.get(ONE)).json()["dcv_expiration_datetime"] == until.isoformat()
    assert (ca.pending_names(order) == []) is valid


async def test_a_validation_of_march_2027_lasts_99_days(ca: CertCentral, domain: Domain) -> None:
    ca.now = lambda: datetime(2027, 3, 20, tzinfo=UTC)
    ca.submit(domain, TXT)

    ca.validate_by_token(domain)

    assert domain.validated_until == datetime(2027, 6, 27, tzinfo=UTC)
