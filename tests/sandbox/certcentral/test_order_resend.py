"""Resending for an order: the recipients, the rejections, and the effect of an approval."""

from datetime import datetime, timedelta

import httpx
import pytest

from sandbox.certcentral import CertCentral
from sandbox.certcentral.behavior_options import ACCEPT_AND_MAIL, ACCEPT_WITHOUT_MAIL

RESEND = "/order/certificate/700001/resend-emails"


async def resend(client: httpx.AsyncClient, *entries: tuple[str, ...], **more: object) -> httpx.Response:
    """Resend with entries of domain, email and maybe email_domain."""
    keys = ("domain", "email", "email_domain")
    emails = [dict(zip(keys, entry, strict=False)) for entry in entries]
    return await client.put(RESEND, json={"domain_approval_emails": emails} | more)


def code_of(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["errors"][0]["code"]


async def test_placing_an_order_sends_no_mail(ca: CertCentral) -> None:
    ca.add_order(700001, ["shop.example.com", "www.example.org"])

    assert ca.outbox == []


@pytest.mark.parametrize(
    ("entry", "scope"),
    [
        (("shop.example.com", "admin@shop.example.com"), "shop.example.com"),
        (("shop.example.com", "hostmaster@example.com", "example.com"), "example.com"),
        (("a.b.example.com", "webmaster@b.example.com", "b.example.com"), "b.example.com"),
        (("example.com", "postmaster@example.com"), "example.com"),
        (("*.example.org", "administrator@example.org"), "example.org"),
        (("example.org", "Admin@Example.org"), "example.org"),
        (("shop.example.com", "pki@corp.example", "example.com"), "example.com"),
        (("shop.example.com", "shop@corp.example"), "shop.example.com"),
    ],
)
async def test_an_allowed_address_is_mailed(
    ca: CertCentral, client: httpx.AsyncClient, now: datetime, entry: tuple[str, ...], scope: str
) -> None:
    ca.add_order(700001, ["shop.example.com", "a.b.example.com", "*.example.org"])
    ca.add_txt_contact("example.com", "pki@corp.example")
    ca.add_txt_contact("shop.example.com", "shop@corp.example")

    answer = await resend(client, entry, locale="de")

    [mail] = ca.outbox
    assert (answer.status_code, answer.content) == (204, b"")
    assert (mail.scope, mail.recipient, mail.locale) == (scope, entry[1], "de")
    assert (mail.order_id, mail.domain_id, mail.approved) == (700001, None, False)
    assert (mail.sent_at, mail.expires_at) == (now, now + timedelta(days=30))


@pytest.mark.parametrize(
    "entry",
    [
        ("shop.example.com", "admin@example.com"),
        ("shop.example.com", "someone@shop.example.com"),
        ("shop.example.com", "admin@example.org", "example.org"),
        ("shop.example.com", "admin@www.shop.example.com", "www.shop.example.com"),
        ("shop.example.com", "admin@com", "com"),
        ("shop.example.com", "pki@corp.example"),
        ("other.example.com", "admin@other.example.com"),
        ("example.net", "admin@example.net"),
    ],
)
async def test_a_wrong_entry_stops_the_whole_call(
    ca: CertCentral, client: httpx.AsyncClient, entry: tuple[str, ...]
) -> None:
    ca.add_order(700001, ["shop.example.com", "www.example.org"])
    ca.add_txt_contact("example.com", "pki@corp.example")

    answer = await resend(client, ("www.example.org", "admin@www.example.org"), entry)

    assert answer.status_code == 400
    assert ca.outbox == []


@pytest.mark.parametrize(
    "body",
    [
        [],
        "x",
        1,
        {"domain_approval_emails": {}},
        {"domain_approval_emails": ["admin@example.com"]},
        {"domain_approval_emails": [{"domain": "shop.example.com"}]},
        {"domain_approval_emails": [{"domain": "shop.example.com", "email": ["admin@shop.example.com"]}]},
        {"domain_approval_emails": [], "locale": 1},
        {"domain_approval_emails": None},
    ],
)
async def test_wrong_types_are_a_bad_format(ca: CertCentral, client: httpx.AsyncClient, body: object) -> None:
    ca.add_order(700001, ["shop.example.com"])

    answer = await client.put(RESEND, json=body)

    assert code_of(answer) == (400, "bad_request_format")
    assert ca.outbox == []


@pytest.mark.parametrize("options", [{"json": {}}, {"json": {"domain_approval_emails": []}}, {}])
async def test_without_entries_every_waiting_scope_is_mailed(
    ca: CertCentral, client: httpx.AsyncClient, options: dict[str, object]
) -> None:
    ca.add_order(
        700001, ["shop.example.com", "www.example.com", "www.example.org", "example.net"], validated=["example.net"]
    )

    await client.put(RESEND, **options)

    assert [mail.recipient for mail in ca.outbox] == ["admin@example.com", "admin@example.org"]


@pytest.mark.parametrize(("asked", "sent"), [("fr", "fr"), ("zh_CN", "zh_CN"), ("tlh", "en"), ("", "en"), (None, "en")])
async def test_an_unknown_language_falls_back_to_english(
    ca: CertCentral, client: httpx.AsyncClient, asked: str | None, sent: str
) -> None:
    ca.add_order(700001, ["example.com"])

    await resend(client, ("example.com", "admin@example.com"), **({} if asked is None else {"locale": asked}))

    assert ca.outbox[0].locale == sent


async def test_no_mail_arrives_without_an_mx(ca: CertCentral, client: httpx.AsyncClient) -> None:
    ca.add_order(700001, ["example.com"])
    ca.options.without_mx.add("example.com")

    answer = await resend(client, ("example.com", "admin@example.com"))

    assert (answer.status_code, ca.outbox) == (204, [])


async def test_an_unknown_order_is_not_found(client: httpx.AsyncClient) -> None:
    assert code_of(await client.put(RESEND, json={})) == (404, "not_found|order")


@pytest.mark.parametrize(
    ("changes", "switch", "code"),
    [
        ({"status": "issued"}, "closed_order", "invalid_order_status"),
        ({"status": "canceled"}, "closed_order", "invalid_order_status"),
        ({"status": "rejected"}, "closed_order", "invalid_order_status"),
        ({"status": "needs_approval"}, "closed_order", "invalid_order_status"),
        ({"method": "dns-txt-token"}, "other_method", "invalid_dcv_method"),
        ({"product": "ov"}, "organization_order", "invalid_product_type"),
        ({"product": "ev"}, "organization_order", "invalid_product_type"),
    ],
)
@pytest.mark.parametrize("reading", [None, ACCEPT_WITHOUT_MAIL, ACCEPT_AND_MAIL])
async def test_an_order_that_cannot_be_mailed_is_read_as_switched(
    ca: CertCentral, client: httpx.AsyncClient, changes: dict[str, str], switch: str, code: str, reading: object
) -> None:
    ca.add_order(700001, ["example.com"], **changes)
    if reading is not None:
        setattr(ca.options, switch, reading)

    answer = await resend(client, ("example.com", "admin@example.com"))

    assert answer.status_code == (400 if reading is None else 204)
    assert reading is not None or code_of(answer) == (400, code)
    assert len(ca.outbox) == (reading is ACCEPT_AND_MAIL)


@pytest.mark.parametrize("status", ["pending", "reissue_pending"])
async def test_open_orders_are_mailed(ca: CertCentral, client: httpx.AsyncClient, status: str) -> None:
    ca.add_order(700001, ["example.com"], status=status)

    assert (await resend(client, ("example.com", "admin@example.com"))).status_code == 204


async def test_a_disallowed_address_can_be_ignored_instead(ca: CertCentral, client: httpx.AsyncClient) -> None:
    ca.add_order(700001, ["example.com", "example.org"])
    ca.options.disallowed_address = ACCEPT_WITHOUT_MAIL

    await resend(client, ("example.com", "bob@example.com"), ("example.org", "admin@example.org"))

    assert [mail.recipient for mail in ca.outbox] == ["admin@example.org"]


@pytest.mark.parametrize(("reading", "mails"), [(ACCEPT_AND_MAIL, 1), (ACCEPT_WITHOUT_MAIL, 0)])
async def test_a_validated_name_is_mailed_unless_switched(
    ca: CertCentral, client: httpx.AsyncClient, reading: object, mails: int
) -> None:
    ca.add_order(700001, ["example.com", "example.org"], validated=["example.org"])
    ca.options.validated_already = reading

    answer = await resend(client, ("example.org", "admin@example.org"))

    assert (answer.status_code, len(ca.outbox)) == (204, mails)


async def test_approving_a_parent_validates_all_names_below_it(ca: CertCentral, client: httpx.AsyncClient) -> None:
    order = ca.add_order(700001, ["shop.example.com", "www.example.com", "www.example.org"])
    await resend(client, ("shop.example.com", "admin@example.com", "example.com"))

    ca.approve(ca.outbox[0])

    assert ca.pending_names(order) == ["www.example.org"]
    assert (ca.outbox[0].approved, order.status) == (True, "pending")


async def test_approving_one_name_does_not_validate_its_siblings(ca: CertCentral, client: httpx.AsyncClient) -> None:
    order = ca.add_order(700001, ["shop.example.com", "www.example.com"])
    await resend(client, ("shop.example.com", "admin@shop.example.com"))

    ca.approve(ca.outbox[0])

    assert ca.pending_names(order) == ["www.example.com"]


async def test_on_exact_names_a_parents_address_validates_only_the_name(
    ca: CertCentral, client: httpx.AsyncClient
) -> None:
    order = ca.add_order(700001, ["shop.example.com", "www.example.com"], name_scope="fqdn")
    await resend(client, ("shop.example.com", "admin@example.com", "example.com"))

    ca.approve(ca.outbox[0])

    assert ca.outbox[0].scope == "shop.example.com"
    assert ca.pending_names(order) == ["www.example.com"]


@pytest.mark.parametrize("status", ["pending", "reissue_pending"])
async def test_the_last_approval_issues_the_order(ca: CertCentral, client: httpx.AsyncClient, status: str) -> None:
    order = ca.add_order(700001, ["example.com", "*.example.com", "example.org"], status=status)
    await client.put(RESEND, json={})

    for mail in ca.outbox:
        assert order.status == status
        ca.approve(mail)

    assert (order.status, ca.pending_names(order)) == ("issued", [])


async def test_approving_does_not_revive_a_canceled_order(ca: CertCentral, client: httpx.AsyncClient) -> None:
    order = ca.add_order(700001, ["example.com"])
    await client.put(RESEND, json={})
    ca.cancel(700001)

    ca.approve(ca.outbox[0])

    assert order.status == "canceled"


async def test_an_approval_issues_no_other_order(ca: CertCentral, client: httpx.AsyncClient) -> None:
    ca.add_order(700001, ["example.com"])
    other = ca.add_order(700002, ["example.org"], validated=["example.org"])
    await client.put(RESEND, json={})

    ca.approve(ca.outbox[0])

    assert other.status == "pending"


async def test_an_expired_mail_cannot_be_approved(ca: CertCentral, client: httpx.AsyncClient, now: datetime) -> None:
    ca.add_order(700001, ["example.com"])
    await client.put(RESEND, json={})
    ca.now = lambda: now + timedelta(days=30)

    with pytest.raises(ValueError, match="expired"):
        ca.approve(ca.outbox[0])


async def test_waiters_are_notified_of_mail_and_approval(ca: CertCentral, client: httpx.AsyncClient) -> None:
    ca.add_order(700001, ["example.com"])
    await client.put(RESEND, json={})

    mail = await ca.changes.wait_for(lambda: next(iter(ca.outbox), None), what="mail")
    ca.approve(mail)

    assert await ca.changes.wait_for(lambda: ca.orders[700001].status == "issued", what="the issue")
