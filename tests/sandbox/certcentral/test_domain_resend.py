"""Resending for a domain: the silent drop, the mail to all, the scopes, and the effect of an approval."""

from datetime import datetime, timedelta

import httpx
import pytest

from sandbox.certcentral import CertCentral
from sandbox.certcentral.behavior_options import (
    ACCEPT_AND_MAIL,
    ACCEPT_WITHOUT_MAIL,
    EMAIL_ARRAY_LIMITS,
    EmailArrayLimit,
    ResendBehavior,
)
from sandbox.certcentral.names import constructed_emails

RESEND = "/domain/1234/dcv/emails"
EVERYONE = [*constructed_emails("example.com"), "pki@corp.example"]


def recipients(ca: CertCentral) -> list[str]:
    return [mail.recipient for mail in ca.outbox]


@pytest.mark.parametrize(
    ("body", "mailed"),
    [
        ({"email_array": ["admin@example.com"]}, ["admin@example.com"]),
        ({"email_array": ["admin@example.com", "pki@corp.example"]}, ["admin@example.com", "pki@corp.example"]),
        ({"email_array": ["admin@example.com", "bob@example.com"]}, ["admin@example.com"]),
        ({"email_array": ["admin@example.com", "admin@example.com"]}, ["admin@example.com"]),
        ({"email_array": ["bob@example.com"]}, EVERYONE),
        ({"email_array": ["admin@example.org"]}, EVERYONE),
        ({"email_array": ["admin@sub.example.com"]}, EVERYONE),
        ({"email_array": []}, EVERYONE),
        ({}, EVERYONE),
        (None, EVERYONE),
    ],
)
async def test_unknown_recipients_are_dropped_and_none_remaining_means_all(
    ca: CertCentral, client: httpx.AsyncClient, body: dict[str, object] | None, mailed: list[str]
) -> None:
    ca.add_domain(1234, "example.com", txt_contacts=["pki@corp.example"])

    answer = await client.put(RESEND, **({} if body is None else {"json": body}))

    assert (answer.status_code, answer.content) == (204, b"")
    assert recipients(ca) == mailed
    assert {(mail.scope, mail.domain_id, mail.order_id) for mail in ca.outbox} == {("example.com", 1234, None)}


SUB = "sub.example.com"


@pytest.mark.parametrize(
    ("limit", "scope", "wanted", "mailed"),
    [
        ("domain", SUB, [f"admin@{SUB}"], constructed_emails(SUB)),
        ("domain", SUB, ["admin@example.com"], ["admin@example.com"]),
        ("domain", SUB, ["admin@example.com", f"admin@{SUB}"], ["admin@example.com"]),
        ("domain", "Example.com", ["admin@example.com"], ["admin@example.com"]),
        ("scope", SUB, [f"admin@{SUB}"], [f"admin@{SUB}"]),
        ("scope", SUB, ["admin@example.com"], constructed_emails(SUB)),
        ("scope", SUB, ["admin@example.com", f"admin@{SUB}"], [f"admin@{SUB}"]),
        ("scope", "Example.com", ["admin@example.com"], ["admin@example.com"]),
        ("domain", SUB, [f"x@{SUB}"], constructed_emails(SUB)),
        ("scope", SUB, [f"x@{SUB}"], constructed_emails(SUB)),
    ],
)
async def test_either_the_domain_or_the_scope_limits_the_addresses(
    ca: CertCentral,
    client: httpx.AsyncClient,
    limit: EmailArrayLimit,
    scope: str,
    wanted: list[str],
    mailed: list[str],
) -> None:
    ca.options.email_array_limited_by = limit
    ca.add_domain(1234, "example.com")

    await client.put(RESEND, json={"name_scope": scope, "email_array": wanted, "locale": "ja"})

    assert recipients(ca) == mailed
    assert {(mail.scope, mail.locale) for mail in ca.outbox} == {(scope.lower(), "ja")}


@pytest.mark.parametrize(("limit", "mailed"), [("domain", "webmaster@example.com"), ("scope", f"hostmaster@{SUB}")])
async def test_the_preferences_of_the_limiting_name_count(
    ca: CertCentral, client: httpx.AsyncClient, limit: EmailArrayLimit, mailed: str
) -> None:
    ca.options.email_array_limited_by = limit
    ca.add_domain(1234, "example.com")
    ca.set_permitted_emails("example.com", ["webmaster@example.com"])
    ca.set_permitted_emails(SUB, [f"hostmaster@{SUB}"])

    body = {"name_scope": SUB, "email_array": ["webmaster@example.com", f"hostmaster@{SUB}"]}
    await client.put(RESEND, json=body)

    assert recipients(ca) == [mailed]


@pytest.mark.parametrize("limit", EMAIL_ARRAY_LIMITS)
async def test_a_scope_above_the_domain_is_not_reached_by_the_domains_own_addresses(
    ca: CertCentral, client: httpx.AsyncClient, limit: EmailArrayLimit
) -> None:
    ca.options.email_array_limited_by = limit
    ca.add_domain(1234, "shop.example.com")

    await client.put(RESEND, json={"name_scope": "example.com", "email_array": ["admin@shop.example.com"]})

    assert recipients(ca) == constructed_emails("example.com")


@pytest.mark.parametrize("scope", ["example.org", "com", "notexample.com"])
async def test_a_foreign_scope_is_refused(ca: CertCentral, client: httpx.AsyncClient, scope: str) -> None:
    ca.add_domain(1234, "example.com")

    answer = await client.put(RESEND, json={"name_scope": scope})

    assert (answer.status_code, ca.outbox) == (400, [])


async def test_preferences_bound_the_choice_but_not_the_mail_to_all(ca: CertCentral, client: httpx.AsyncClient) -> None:
    ca.add_domain(1234, "example.com", txt_contacts=["pki@corp.example"])
    ca.set_permitted_emails("example.com", ["pki@corp.example"])

    await client.put(RESEND, json={"email_array": ["admin@example.com", "pki@corp.example"]})
    await client.put(RESEND, json={"email_array": ["admin@example.com"]})

    assert recipients(ca) == ["pki@corp.example", *EVERYONE]


@pytest.mark.parametrize("domain", ["4321", "example.com", "0"])
async def test_only_the_id_of_a_domain_finds_it(ca: CertCentral, client: httpx.AsyncClient, domain: str) -> None:
    ca.add_domain(1234, "example.com")

    answer = await client.put(f"/domain/{domain}/dcv/emails", json={})

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (404, "not_found|domain")
    assert ca.outbox == []


@pytest.mark.parametrize(
    "body", [[], {"email_array": "admin@example.com"}, {"email_array": [1]}, {"name_scope": 1}, {"locale": None}]
)
async def test_wrong_types_are_a_bad_format(ca: CertCentral, client: httpx.AsyncClient, body: object) -> None:
    ca.add_domain(1234, "example.com")

    answer = await client.put(RESEND, json=body)

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "bad_request_format")
    assert ca.outbox == []


@pytest.mark.parametrize(
    ("reading", "status", "mails"), [(None, 400, 0), (ACCEPT_WITHOUT_MAIL, 204, 0), (ACCEPT_AND_MAIL, 204, 1)]
)
async def test_a_domain_of_another_method_is_read_as_switched(
    ca: CertCentral, client: httpx.AsyncClient, reading: object, status: int, mails: int
) -> None:
    ca.add_domain(1234, "example.com", method="dns-cname-token")
    if reading is not None:
        ca.options.other_method = reading

    answer = await client.put(RESEND, json={"email_array": ["admin@example.com"]})

    assert (answer.status_code, len(ca.outbox)) == (status, mails)


@pytest.mark.parametrize(("behavior", "mails"), [(None, 0), (ACCEPT_AND_MAIL, 1)])
async def test_a_resend_for_a_domain_that_is_not_pending_does_nothing_by_default(
    ca: CertCentral, client: httpx.AsyncClient, behavior: ResendBehavior | None, mails: int
) -> None:
    ca.add_domain(1234, "example.com", pending=False)
    ca.options.domain_not_pending = behavior or ca.options.domain_not_pending

    answer = await client.put(RESEND, json={"email_array": ["admin@example.com"]})

    assert (answer.status_code, len(ca.outbox)) == (204, mails)


async def test_an_approval_validates_the_domain_for_every_order(
    ca: CertCentral, client: httpx.AsyncClient, now: datetime
) -> None:
    domain = ca.add_domain(1234, "example.com")
    first = ca.add_order(1, ["shop.example.com"], product="ov")
    second = ca.add_order(2, ["www.example.com", "www.example.org"], product="ev")
    dv = ca.add_order(3, ["shop.example.com"])
    await client.put(RESEND, json={"email_array": ["admin@example.com"]})

    ca.approve(ca.outbox[0])

    assert (domain.pending, domain.validated_until) == (False, now + timedelta(days=199))
    assert (first.status, second.status, dv.status) == ("issued", "pending", "pending")
    assert ca.pending_names(second) == ["www.example.org"]


async def test_an_approved_subdomain_does_not_validate_the_domain(ca: CertCentral, client: httpx.AsyncClient) -> None:
    domain = ca.add_domain(1234, "example.com")
    order = ca.add_order(1, ["shop.example.com", "www.example.com"], product="ov", name_scope="fqdn")
    body = {"name_scope": "shop.example.com", "email_array": ["admin@example.com"]}
    await client.put(RESEND, json=body)

    ca.approve(ca.outbox[0])

    assert (domain.pending, ca.pending_names(order)) == (True, ["www.example.com"])


async def test_a_lapsed_domain_waits_again(ca: CertCentral, now: datetime) -> None:
    ca.add_domain(1234, "example.com", pending=False, validated_until=now + timedelta(days=1))
    order = ca.add_order(1, ["shop.example.com"], product="ov")

    assert ca.pending_names(order) == []
    ca.now = lambda: now + timedelta(days=1)
    assert ca.pending_names(order) == ["shop.example.com"]
