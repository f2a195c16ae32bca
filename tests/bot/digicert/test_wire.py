import contextlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.digicert import wire
from bot.errors import CaError, CaRateLimited, CaRejected, CaUnavailable
from bot.models import Address, NameValidation, Order, OrderValidation, Recipient, StatusChange

NOW = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)


def answer(body, status=200, content_type="application/json", retry_after=""):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return wire.Response(status, content_type, raw, retry_after)


def fail(body, status=400, *, writes=True, **headers):
    return wire.error_for(answer(body, status, **headers), writes=writes, now=NOW)


def faults(*pairs):
    return {"errors": [{"code": code, "message": message} for code, message in pairs]}


LISTED_ORDER = {
    "id": 700001,
    "certificate": {
        "id": 104,
        "common_name": "Shop.Example.com.",
        "dns_names": ["shop.example.com", "www.example.org"],
        "signature_hash": "sha256",
    },
    "status": "pending",
    "date_created": "2026-11-02T09:00:00+00:00",
    "product": {"name_id": "ssl_dv_geotrust_flex", "name": "GeoTrust DV SSL", "type": "dv_ssl_certificate"},
    "product_name_id": "ssl_dv_geotrust_flex",
    "never_heard_of": {"x": 1},
}


def order(**changes):
    return wire.read_order(answer(LISTED_ORDER | changes))


def test_a_listed_order_is_read_with_its_names_as_we_compare_them():
    page = wire.read_orders(answer({"orders": [LISTED_ORDER], "page": {"total": 1, "limit": 1000, "offset": 0}}))

    assert page.total == 1
    assert page.rows == (
        Order(
            id=700001,
            status="pending",
            common_name="shop.example.com",
            names=("shop.example.com", "www.example.org"),
            is_dv=True,
            product="GeoTrust DV SSL",
            method=None,
            since=datetime(2026, 11, 2, 9, tzinfo=UTC),
            ordered_at=datetime(2026, 11, 2, 9, tzinfo=UTC),
        ),
    )


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"page": {"total": 0, "limit": 1000, "offset": 0}},
        {"orders": []},
        {"orders": None, "page": None},
        {"orders": [], "page": []},
        {"orders": [], "page": {"total": "none"}},
    ],
)
def test_an_empty_list_may_lack_its_key_and_its_count(body):
    assert wire.read_orders(answer(body)).rows == ()


@pytest.mark.parametrize(
    ("product", "is_dv"),
    [
        ({"validation_type": "dv"}, True),
        ({"validation_type": "DV", "type": "ssl_certificate"}, True),
        ({"type": "dv_ssl_certificate"}, True),
        ({"type": "ssl_certificate", "validation_type": "ov"}, False),
        ({"type": "ssl_certificate"}, False),
        ({}, False),
        (None, False),
    ],
)
def test_dv_is_recognized_by_the_validation_type_or_by_the_type(product, is_dv):
    assert order(product=product).is_dv is is_dv


def test_an_order_needs_no_more_than_an_id_and_a_status():
    read = wire.read_order(answer({"id": "700001", "status": "needs_csr", "certificate": None}))

    assert read == Order(700001, "needs_csr", "", (), is_dv=False, product="", method=None, since=None)


@pytest.mark.parametrize(
    ("changes", "product"),
    [({}, "GeoTrust DV SSL"), ({"product": {"name_id": "x"}}, "x"), ({"product": None}, "ssl_dv_geotrust_flex")],
)
def test_a_product_without_a_name_is_called_by_its_id(changes, product):
    assert order(**changes).product == product


ORDERED, REISSUED = "2026-11-02T09:00:00+00:00", "2026-11-03T00:00:00+00:00"
NEW_REQUEST = {"date": ORDERED, "type": "new_request", "status": "approved"}


@pytest.mark.fault("F7")
@pytest.mark.parametrize(
    ("changes", "since"),
    [
        ({}, None),
        ({"certificate": {"date_created": ORDERED}}, None),
        ({"certificate": {"date_created": REISSUED}}, REISSUED),
        ({"requests": [NEW_REQUEST, {"date": REISSUED, "type": "reissue"}]}, REISSUED),
        ({"requests": [{"date": REISSUED, "type": "Reissue_Request"}, NEW_REQUEST]}, REISSUED),
        ({"requests": [NEW_REQUEST]}, None),
        ({"requests": ["odd"]}, None),
        ({"requests": "odd"}, None),
    ],
)
def test_a_reissue_waits_since_it_was_asked_for_not_since_the_order(changes, since):
    read = order(status="reissue_pending", **changes)

    assert read.since == (datetime.fromisoformat(since) if since else None)
    assert read.ordered_at == datetime.fromisoformat(ORDERED)


@pytest.mark.parametrize(("status", "waits"), [("pending", True), ("Submitted", True), ("approved", False)])
def test_a_request_that_is_open_waits_for_an_administrator(status, waits):
    assert order(requests=[NEW_REQUEST, {"type": "reissue", "status": status}]).awaits_approval is waits


CODE_SIGNING = {"name_id": "code_signing", "name": "Code Signing", "type": "code_signing_certificate"}


@pytest.mark.fault("F4")
@pytest.mark.parametrize(
    ("product", "certificate", "kind"),
    [
        (CODE_SIGNING, {"common_name": "Example Ltd"}, "code signing"),
        ({"type": "code_signing_certificate"}, {"common_name": "example.com"}, "code signing"),
        ({"name_id": "code_signing_ev"}, {"common_name": "Example Ltd"}, "code signing"),
        ({"type": "document_signing_certificate"}, {"common_name": "Ana Example"}, "document signing"),
        ({"type": "client_certificate", "name_id": "client_premium"}, {"common_name": "Ana"}, "client certificate"),
        ({"type": "client_certificate", "name_id": "client_email_security_plus"}, {"common_name": "Ana"}, "S/MIME"),
        ({"name": "Quantum Seal"}, {"common_name": "Example Ltd", "dns_names": []}, "Quantum Seal"),
        ({"name": "Mail Seal"}, {"common_name": "example.com", "emails": ["a@example.com"]}, "Mail Seal"),
        ({}, {"common_name": "Ana Example"}, "non-TLS"),
        ({"name": "Quantum Seal"}, {"common_name": "Example Ltd", "dns_names": ["example.com"]}, None),
        ({"name": "Quantum Seal"}, {"common_name": "*.bücher.example"}, None),
        ({"type": "ssl_certificate"}, {"common_name": "Example Ltd"}, None),
        ({"type": "dv_ssl_certificate"}, {"common_name": "localhost"}, None),
        ({"name_id": "private_ssl_plus"}, {"common_name": "Example Ltd"}, None),
        ({}, {"common_name": "192.0.2.1"}, None),
    ],
)
def test_the_product_says_what_a_certificate_is_for_else_its_names(product, certificate, kind):
    changes = {"product": product, "product_name_id": None, "certificate": certificate}

    assert order(**changes).other_kind == kind


@pytest.mark.fault("F4")
def test_the_name_of_a_person_or_a_company_stays_as_it_is():
    person = order(product=CODE_SIGNING, certificate={"common_name": "Ana Example", "dns_names": []})
    company = order(certificate={"common_name": "Example Ltd", "dns_names": ["Shop.Example.com"]})

    assert (person.common_name, person.names) == ("Ana Example", ())
    assert (company.common_name, company.names) == ("Example Ltd", ("shop.example.com",))


@pytest.mark.fault("F10")
@pytest.mark.parametrize(
    ("written", "status"),
    [("Pending", "pending"), ("REISSUE_PENDING", "reissue_pending"), (" Issued ", "issued"), ("Cancelled", "canceled")],
)
def test_a_status_is_read_whatever_its_letter_case(written, status):
    assert order(status=written).status == status
    assert wire.read_status_changes(answer({"orders": [{"order_id": 7, "status": written}]})) == {
        StatusChange(7, status)
    }


GOOD = LISTED_ORDER | {"id": 700002}


@pytest.mark.fault("F3")
@pytest.mark.parametrize(
    "odd",
    [
        {"id": None},
        {"id": "seven"},
        {"id": -1},
        {"id": 10**18},
        {"status": None},
        {"certificate": 7},
        {"certificate": {"dns_names": {"shop": "pending"}}},
        {"certificate": {"dns_names": "Example Ltd"}},
        {"certificate": {"dns_names": [["a.example"]]}},
        {"certificate": {"dns_names": 7}},
        {"product": "GeoTrust"},
    ],
)
def test_an_odd_order_does_not_hide_the_others(odd):
    page = wire.read_orders(answer({"orders": [LISTED_ORDER | odd, GOOD, None, "odd"], "page": {"total": 4}}))

    assert [getattr(row, "names", None) for row in page.rows] == [
        None,
        ("shop.example.com", "www.example.org"),
        None,
        None,
    ]


def test_an_odd_row_is_known_by_its_id_and_by_nothing_else():
    from bot.models import Unreadable

    rows = [{"id": 7, "secret": "x"}, {"order_id": "y" * 50}, {"id": None}, 7]

    read = wire.read_orders(answer({"orders": rows})).rows
    assert [row.id for row in read if isinstance(row, Unreadable)] == ["7", "y" * 40, "", ""]
    assert len({row.digest for row in read}) == 4
    assert "secret" not in repr(read)


@pytest.mark.fault("F3")
@pytest.mark.parametrize(
    "dns_names",
    [
        {"0": "a.example", "1": "B.example"},
        "a.example, B.example",
        "a.example B.example",
    ],
)
def test_names_in_another_shape_are_read_if_all_of_them_can_be(dns_names):
    read = order(certificate={"common_name": "a.example", "dns_names": dns_names})

    assert read.names == ("a.example", "b.example")


@pytest.mark.fault("F3")
def test_an_odd_change_of_status_does_not_hide_the_others():
    rows = [{"order_id": None}, {"order_id": 7, "status": "issued"}, "odd"]

    assert StatusChange(7, "issued") in wire.read_status_changes(answer({"orders": rows}))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>blocked</html>",
        b"[]",
        b"null",
        b"7",
        b'{"orders": 7}',
        b'{"orders": {"id": 1}}',
        b'{"orders": "700001"}',
        b'{"errors": [{"code": "x", "message": "told under 200"}]}',
        b'{"orders": [' + b"[" * 100_000,
    ],
)
def test_an_invalid_list_is_unavailable_and_never_counts_as_empty(body):
    with pytest.raises(CaUnavailable) as caught:
        wire.read_orders(answer(body))

    assert caught.value.may_have_arrived is False


def test_json_declared_as_html_is_not_read():
    with pytest.raises(CaUnavailable):
        wire.read_orders(answer({"orders": []}, content_type="text/html; charset=utf-8"))


def test_json_without_a_content_type_is_read():
    assert wire.read_orders(answer({"orders": [LISTED_ORDER]}, content_type="")).rows[0].id == 700001


def test_a_mismatch_never_quotes_the_answer():
    with pytest.raises(CaUnavailable) as caught:
        wire.read_order(answer({"id": "secret-in-the-body", "status": "pending"}))

    assert "secret-in-the-body" not in str(caught.value) + str(caught.value.__cause__)


def test_the_validation_of_an_order_is_read_with_string_ids():
    body = {
        "order_id": "700001",
        "order_status": "pending",
        "order_dcv_method": "email",
        "dns_name_validations": [
            {
                "domain_id": "1234",
                "name_scope": "Example.com",
                "approval_scope": "subdomains",
                "status": "pending",
                "method": "email",
                "dns_names": ["shop.example.com"],
            }
        ],
    }

    assert wire.read_order_validation(answer(body), 700001) == OrderValidation(
        order_id=700001,
        status="pending",
        method="email",
        names=(
            NameValidation(
                name_scope="example.com",
                names=("shop.example.com",),
                is_open=True,
                method="email",
                domain_id=1234,
                covers_below=True,
            ),
        ),
    )


def name_validation(**row):
    body = {"order_status": "pending", "dns_name_validations": [row]}
    return wire.read_order_validation(answer(body), 1).names[0]


@pytest.mark.parametrize(
    ("status", "is_open"),
    [("approved", False), ("Approved", False), ("pending", True), ("expired", True), ("", True), (None, True)],
)
def test_every_state_but_approved_is_open(status, is_open):
    assert name_validation(name_scope="a.example", status=status).is_open is is_open


@pytest.mark.parametrize(
    ("row", "scope", "names"),
    [
        ({"name_scope": "a.example"}, "a.example", ("a.example",)),
        ({"dns_name": "B.example"}, "b.example", ("b.example",)),
        ({"dns_names": ["c.example", "d.example"], "name_scope": None}, "c.example", ("c.example", "d.example")),
    ],
)
def test_a_validation_is_known_by_whichever_name_it_has(row, scope, names):
    read = name_validation(**row)

    assert (read.name_scope, read.names) == (scope, names)


@pytest.mark.parametrize(
    ("value", "number"), [(1234, 1234), ("1234", 1234), ("", None), (None, None), ("x", None), ("9" * 5000, None)]
)
def test_a_domain_id_may_be_a_string_or_absent(value, number):
    assert name_validation(name_scope="a.example", domain_id=value).domain_id == number


def test_an_order_may_have_no_name_validations_at_all():
    assert wire.read_order_validation(answer({"order_status": "issued"}), 7) == OrderValidation(7, "issued", None, ())


@pytest.mark.parametrize("body", [{}, {"order_status": "pending", "dns_name_validations": "odd"}])
def test_a_validation_that_says_too_little_is_unavailable(body):
    with pytest.raises(CaUnavailable):
        wire.read_order_validation(answer(body), 7)


@pytest.mark.fault("F3")
@pytest.mark.parametrize("odd", [{"status": "pending"}, None, "odd", {"name_scope": "b.example", "dns_names": 7}])
def test_an_odd_entry_of_a_validation_is_counted_and_never_means_closed(odd):
    body = {"order_status": "pending", "dns_name_validations": [odd, {"name_scope": "a.example", "status": "approved"}]}

    read = wire.read_order_validation(answer(body), 7)

    assert [(entry.name_scope, entry.is_open) for entry in read.names] == [("a.example", False)]
    assert read.unreadable == 1


@pytest.mark.parametrize(
    ("entries", "organization"),
    [
        ([{"type": "ov", "status": "active"}], None),
        ([{"status": "Active"}, {"status": "pending"}], "Example Ltd"),
        ([{"status": "expired"}], "Example Ltd"),
        (["odd"], "Example Ltd"),
        ("odd", "Example Ltd"),
        ([], None),
        ([{}], "Example Ltd"),
        (None, None),
    ],
)
def test_an_organization_waits_unless_digicert_says_that_it_is_validated(entries, organization):
    body = {"order_status": "pending", "organization_name": "Example Ltd", "organization_validations": entries}

    assert wire.read_order_validation(answer(body), 7).organization == organization


def test_each_allowed_address_is_read_once_and_whois_is_left_out():
    body = {
        "name_scope": "Example.com",
        "base_emails": ["admin@example.com", "Webmaster@example.com", "not an address"],
        "dns_txt_emails": ["ADMIN@example.com", "pki@corp.example"],
        "whois_emails": ["owner@elsewhere.example"],
    }

    assert wire.read_addresses(answer(body), "asked.example.com") == (
        Address("admin@example.com", "example.com"),
        Address("Webmaster@example.com", "example.com"),
        Address("pki@corp.example", "example.com", txt=True),
    )


def test_without_a_scope_an_address_is_allowed_for_the_name_that_was_asked():
    (read,) = wire.read_addresses(answer({"base_emails": ["admin@a.example"], "dns_txt_emails": None}), "a.example")

    assert read.domain == "a.example"


@pytest.mark.parametrize(
    "body",
    [
        {"base_emails": ["admin@a.example"]},
        {"name_scope": "a.example", "base_emails": "x"},
        {"name_scope": "a.example", "base_emails": [None, 7, "not an address"]},
    ],
)
def test_an_unusable_address_answer_is_unavailable(body):
    with pytest.raises(CaUnavailable):
        wire.read_addresses(answer(body), None)


@pytest.mark.parametrize("body", [{}, {"errors": [{"code": "x", "message": "told under 200"}]}])
def test_an_answer_about_something_else_never_means_no_allowed_recipients(body):
    with pytest.raises(CaUnavailable):
        wire.read_addresses(answer(body), "a.example")


@pytest.mark.fault("F3")
def test_an_odd_address_only_makes_the_audience_smaller():
    body = {"name_scope": "a.example", "base_emails": [None, "admin@a.example", 7], "dns_txt_emails": [{}]}

    assert wire.read_addresses(answer(body), None) == (Address("admin@a.example", "a.example"),)


def test_a_domain_may_have_no_allowed_recipients():
    assert wire.read_addresses(answer({"name_scope": "a.example", "base_emails": []}), None) == ()


@pytest.mark.parametrize(
    ("body", "called"),
    [
        ({"id": 501, "username": "svc-dcv", "email": "pki@example.com"}, "svc-dcv"),
        ({"id": 501, "username": None, "email": "pki@example.com"}, "pki@example.com"),
        ({"id": "501"}, "user 501"),
    ],
)
def test_a_user_is_called_by_the_best_name_there_is(body, called):
    assert wire.read_user(answer(body)) == called


@pytest.mark.parametrize(
    ("body", "changes"),
    [
        ({}, set()),
        ({"orders": []}, set()),
        (
            {"orders": [{"order_id": 700001, "certificate_id": 104, "status": "issued"}, {"order_id": "7"}]},
            {StatusChange(700001, "issued"), StatusChange(7, "")},
        ),
    ],
)
def test_orders_whose_status_changed_are_read(body, changes):
    assert wire.read_status_changes(answer(body)) == changes


def test_the_body_for_an_order_is_what_the_page_shows():
    recipient = Recipient("shop.example.com", "hostmaster@example.com", "example.com")

    assert wire.ResendOrderEmails.of([recipient], "en").to_json() == (
        b'{"domain_approval_emails":[{"domain":"shop.example.com","email":"hostmaster@example.com",'
        b'"email_domain":"example.com"}],"locale":"en"}'
    )


def test_the_body_for_an_order_names_an_email_domain_only_if_one_is_set():
    recipients = [Recipient("a.example", "admin@a.example"), Recipient("b.example", "admin@b.example", "")]

    assert wire.ResendOrderEmails.of(recipients, "de").to_json() == (
        b'{"domain_approval_emails":[{"domain":"a.example","email":"admin@a.example"},'
        b'{"domain":"b.example","email":"admin@b.example"}],"locale":"de"}'
    )


def test_the_body_for_a_domain_is_what_the_page_shows():
    assert wire.ResendDomainEmails.of("example.com", ["postmaster@example.com"], "de").to_json() == (
        b'{"name_scope":"example.com","email_array":["postmaster@example.com"],"locale":"de"}'
    )


@pytest.mark.parametrize("emails", [[], [""], ["admin@a.example", " "], "admin@a.example"])
def test_a_body_without_explicit_recipients_cannot_be_made(emails):
    with pytest.raises(ValueError, match="at least one address"):
        wire.ResendDomainEmails.of("a.example", emails, "en")


@pytest.mark.parametrize("recipients", [[], [Recipient("a.example", "")]])
def test_a_body_for_an_order_names_a_recipient(recipients):
    with pytest.raises(ValueError, match="at least one address"):
        wire.ResendOrderEmails.of(recipients, "en")


@pytest.mark.parametrize(
    ("body", "words", "codes"),
    [
        (faults(("not_found|order", "No such order.")), "No such order.", ("not_found|order",)),
        (faults(("a", "One."), ("b|c", "Two."), ("a", "One.")), "One. Two.", ("a", "b|c")),
        ({"errors": {"code": "a", "message": "One."}}, "One.", ("a",)),
        ({"errors": {"0": {"code": "a", "message": "One."}, "1": {"message": "Two."}}}, "One. Two.", ("a",)),
        ({"message": "Failed.", "errors": [{"message": "One."}]}, "One.", ()),
        ({"errors": [{"code": "invalid_dns_txt"}]}, "invalid_dns_txt", ("invalid_dns_txt",)),
        ({"errors": [{"code": 7, "message": None}, "Odd.", {"code": "a", "message": "One."}]}, "Odd. One.", ("a",)),
        (faults(("a", "Two\nlines\x07 and \u202ea trick\u2066.")), "Two lines and a trick.", ("a",)),
        (faults(*[("a", f"No. {n}.") for n in range(9)]), "No. 0. No. 1. No. 2. No. 3. No. 4.", ("a",)),
        (faults(("a", "x" * 5000)), "x" * 299 + "…", ("a",)),
    ],
)
def test_a_rejection_preserves_digicerts_message_and_codes(body, words, codes):
    error = fail(body)

    assert isinstance(error, CaRejected)
    assert (str(error), error.codes, error.status) == (words, codes, 400)


@pytest.mark.fault("F11")
@pytest.mark.parametrize(
    ("body", "words", "codes"),
    [
        ({"message": "One."}, "One.", ()),
        ({"code": "a", "message": "One."}, "One.", ("a",)),
        ({"error": "One."}, "One.", ()),
        ({"error": {"code": "a", "message": "One."}}, "One.", ("a",)),
        ({"error": "a", "error_description": "One."}, "One.", ("a",)),
        ({"status": 400, "error": "Bad Request", "message": "One.", "path": "/x"}, "One.", ("Bad Request",)),
        ({"errors": ["One.", "Two."]}, "One. Two.", ()),
        ({"errors": "One."}, "One.", ()),
        ({"errors": {"email": ["One."], "name": "Two."}}, "One. Two.", ()),
        ({"errors": [{"error_code": "a", "error_message": "One."}]}, "One.", ("a",)),
        ({"errors": [["One."]]}, "One.", ()),
        ({"message": "Failed.", "errors": []}, "Failed.", ()),
        ([{"code": "a", "message": "One."}], "One.", ("a",)),
        (["One.", "Two."], "One. Two.", ()),
        ("One.", "One.", ()),
        ({"title": "Invalid", "detail": "One.", "status": 400}, "One.", ()),
        ({"fault": {"faultstring": "One."}}, "One.", ()),
        ({"email": ["One."]}, "One.", ()),
    ],
)
def test_a_rejection_in_another_shape_preserves_digicerts_message(body, words, codes):
    error = fail(body)

    assert (str(error), error.codes) == (words, codes)


@pytest.mark.fault("F11")
def test_a_rejection_in_plain_text_preserves_its_message():
    assert str(fail(b"The order is not\npending.", content_type="text/plain; charset=utf-8")) == (
        "The order is not pending."
    )


@pytest.mark.parametrize(
    "refused",
    [
        answer(b"", 418),
        answer(b"<html>I am a teapot</html>", 418, "text/html"),
        answer(json.dumps(faults(("a", "One."))).encode(), 418, "text/html"),
        answer(b"{", 418),
        answer([], 418),
        answer({"errors": []}, 418),
        answer({"errors": None, "message": 7}, 418),
        answer({"id": 7, "status": "pending"}, 418),
        answer(b"", 418, "text/plain"),
        answer(b'{"errors": ' + b"[" * 100_000, 418),
        answer(b'{"errors":[{"code":"\xff"}]}', 418),
    ],
)
def test_a_refusal_without_digicerts_json_says_that_no_reason_was_given(refused):
    error = wire.error_for(refused, writes=True, now=NOW)

    assert isinstance(error, CaRejected)
    assert str(error) == "DigiCert rejected the request without a reason (HTTP 418)."
    assert (error.status, error.codes) == (418, ())


def test_a_key_that_is_not_accepted_is_recognised_and_read_as_such():
    error = fail(faults((wire.INVALID_KEY, "Access denied due to access_denied_invalid_key.")), 403)

    assert str(error) == "DigiCert does not accept the API key (DIGICERT_API_KEY)."
    assert error.codes == ("access_denied|access_denied_invalid_key",)


def test_a_missing_permission_is_recognised_and_says_what_to_give():
    error = fail(faults((wire.MISSING_PERMISSION, "Access denied.")), 403)

    assert "DIGICERT_API_KEY" in str(error)
    assert "Orders, Domains, Organizations" in str(error)
    assert error.codes == ("access_denied|missing_permission",)


@pytest.mark.parametrize("status", [408, 301, 302, 307, 500, 502, 503, 504, 599, 200, 201, 202, 999, 101])
@pytest.mark.parametrize("writes", [True, False])
def test_no_usable_answer_is_uncertain_only_for_a_call_that_can_have_an_effect(status, writes):
    error = fail(faults(("a", "never shown")), status, writes=writes)

    assert type(error) is CaUnavailable
    assert error.may_have_arrived is writes
    assert str(status) in str(error)
    assert "never shown" not in str(error)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("", None),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("0.25", 0.25),
        ("9" * 400, 86_400.0),
        ("-7", None),
        ("soon", None),
        ("Tue, 03 Nov 2026 12:00:30 GMT", 30.0),
        ("Tue, 03 Nov 2026 12:00:30 -0000", 30.0),
        ("Tue, 03 Nov 2026 11:00:00 GMT", 0.0),
        ("Tue, 03 Nov 2099 11:00:00 GMT", 86_400.0),
        ("Tue, 99 Nov 2026 11:00:00 GMT", None),
    ],
)
def test_a_429_is_busy_for_as_long_as_the_header_says(header, seconds):
    error = fail(faults(("request_limit_exceeded", "…")), 429, retry_after=header)

    assert isinstance(error, CaRateLimited)
    assert error.retry_after == seconds
    assert error.may_have_arrived is False


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["errors", "code", "message", "id"]), inner)
    ),
    max_leaves=20,
)
FAULTS = st.fixed_dictionaries({"errors": JSON | st.lists(st.fixed_dictionaries({"code": JSON, "message": JSON}))})
BODIES = st.binary() | (JSON | FAULTS).map(lambda value: json.dumps(value).encode())


@settings(deadline=None)
@given(BODIES, st.integers(100, 999), st.sampled_from(["", "application/json", "text/html"]), st.text(), st.booleans())
def test_whatever_comes_back_is_one_of_our_errors_and_a_short_line(body, status, content_type, retry_after, writes):
    error = wire.error_for(wire.Response(status, content_type, body, retry_after), writes=writes, now=NOW)

    assert isinstance(error, CaError)
    assert 0 < len(str(error)) < 2000
    assert str(error).isprintable()


ROWS = st.lists(st.fixed_dictionaries({"id": st.integers(), "status": JSON, "name": JSON}), max_size=3)
MEANT = ["id", "status", "certificate", "product", "date_created", "is_active", "name", "validations", "dcv_expiration"]
LISTS = ["orders", "domains", "page", "order_status", "dns_name_validations", "name_scope", "base_emails", "username"]


@settings(deadline=None)
@given(
    BODIES | st.dictionaries(st.sampled_from(MEANT + LISTS), JSON | ROWS).map(lambda body: json.dumps(body).encode())
)
def test_whatever_is_read_becomes_a_value_or_is_unavailable(body):
    given_ = wire.Response(200, "application/json", body)
    for read in (
        wire.read_orders,
        wire.read_order,
        lambda answer: wire.read_order_validation(answer, 1),
        lambda answer: wire.read_domains(answer, NOW),
        lambda answer: wire.read_domain(answer, NOW),
        lambda answer: wire.read_addresses(answer, "a.example"),
        wire.read_user,
        wire.read_status_changes,
    ):
        with contextlib.suppress(CaUnavailable):
            read(given_)


def test_an_answer_does_not_show_its_body():
    assert "hidden" not in repr(answer({"x": "hidden"}))
