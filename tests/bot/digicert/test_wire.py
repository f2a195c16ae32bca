import contextlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.digicert import wire
from bot.errors import CaBusy, CaError, CaRefused, CaUnavailable
from bot.models import Address, NameValidation, Order, OrderValidation, Recipient, StatusChange

NOW = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)


def answer(body, status=200, content_type="application/json", retry_after=""):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return wire.Answer(status, content_type, raw, retry_after)


def fail(body, status=400, *, writes=True, **headers):
    return wire.failure(answer(body, status, **headers), writes=writes, now=NOW)


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

LISTED_DOMAIN = {
    "id": 1234,
    "is_active": True,
    "name": "example.com",
    "date_created": "2026-02-10T15:24:08+00:00",
    "last_submitted_datetime": "2026-11-01T08:03:06+00:00",
    "organization": {"id": 11, "is_active": "1"},
    "validations": [{"type": "ov", "validated_until": "2027-01-01T06:00:00+00:00", "status": "active"}],
    "dcv_method": "email",
    "dcv_expiration": {"ov": "2026-11-09", "ev": "2026-11-08", "ov_status": "active"},
}


def order(**changes):
    return wire.read_order(answer(LISTED_ORDER | changes))


def domain(**changes):
    return wire.read_domain(answer(LISTED_DOMAIN | changes))


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
def test_dv_is_told_by_the_validation_type_or_by_the_type(product, is_dv):
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


def test_a_reissue_waits_since_its_certificate_was_asked_for_not_since_the_order():
    certificate = {"common_name": "a.example", "date_created": "2026-11-03T00:00:00+00:00"}

    assert order(status="reissue_pending").since is None
    assert order(status="reissue_pending", certificate=certificate).since == datetime(2026, 11, 3, tzinfo=UTC)


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
        b'{"orders": [{"status": "pending"}]}',
        b'{"orders": [{"id": 1}]}',
        b'{"orders": [{"id": "seven", "status": "pending"}]}',
        b'{"orders": [{"id": 1, "status": "pending", "certificate": 7}]}',
        b'{"errors": [{"code": "x", "message": "told under 200"}]}',
        b'{"orders": [' + b"[" * 100_000,
    ],
)
def test_a_list_that_is_not_one_is_unavailable_and_is_never_taken_for_an_empty_one(body):
    with pytest.raises(CaUnavailable) as caught:
        wire.read_orders(answer(body))

    assert caught.value.may_have_arrived is False


def test_json_that_claims_to_be_a_page_is_not_read():
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


@pytest.mark.parametrize("body", [{}, {"order_status": "pending", "dns_name_validations": [{"status": "pending"}]}])
def test_a_validation_that_says_too_little_is_unavailable(body):
    with pytest.raises(CaUnavailable):
        wire.read_order_validation(answer(body), 7)


def test_a_listed_domain_is_read():
    page = wire.read_domains(answer({"domains": [LISTED_DOMAIN], "page": {"total": "1"}}))

    (read,) = page.rows
    assert page.total == 1
    assert (read.id, read.name, read.is_active, read.method) == (1234, "example.com", True, "email")
    assert read.is_pending is None
    assert read.since == datetime(2026, 11, 1, 8, 3, 6, tzinfo=UTC)
    assert read.validated_until == datetime(2026, 11, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "is_pending"),
    [
        ({"is_pending_validation": True, "status": "approved"}, True),
        ({"is_pending_validation": False}, False),
        ({"is_pending_validation": "1"}, True),
        ({"is_pending_validation": 0}, False),
        ({"is_pending_validation": "perhaps"}, None),
        ({"is_pending_validation": []}, None),
        ({"status": "pending"}, True),
        ({"status": "approved"}, False),
        ({"status": "active"}, None),
        ({"validations": [{"dcv_status": "complete"}, {"dcv_status": "pending"}]}, True),
        ({"validations": [{"dcv_status": "complete"}]}, False),
        ({"validations": [{"dcv_status": "complete"}, {}]}, None),
        ({"validations": None}, None),
    ],
)
def test_whether_a_domain_waits_is_read_from_what_is_there_and_never_guessed(changes, is_pending):
    assert domain(**changes).is_pending is is_pending


@pytest.mark.parametrize(("flag", "is_active"), [("1", True), (1, True), ("0", False), (False, False), (None, True)])
def test_a_flag_may_be_a_string(flag, is_active):
    assert domain(is_active=flag).is_active is is_active


@pytest.mark.parametrize(
    ("changes", "until"),
    [
        ({"dcv_expiration_datetime": "2026-12-01T00:00:00+00:00"}, datetime(2026, 12, 1, tzinfo=UTC)),
        ({"dcv_expiration": {"ev": "2026-11-20"}}, datetime(2026, 11, 20, tzinfo=UTC)),
        ({"dcv_expiration": []}, datetime(2027, 1, 1, 6, tzinfo=UTC)),
        ({"dcv_expiration": None, "validations": []}, None),
    ],
)
def test_a_domain_is_validated_until_the_earliest_end_that_is_told(changes, until):
    assert domain(**changes).validated_until == until


def test_the_older_shape_of_a_domain_tells_its_method_elsewhere():
    assert domain(dcv_method=None, dcv={"method": "email", "dcv_invitations": []}).method == "email"
    assert domain(dcv_method=None).method is None


def test_a_domain_without_a_date_of_submission_waits_since_it_was_made():
    assert domain(last_submitted_datetime=None).since == datetime(2026, 2, 10, 15, 24, 8, tzinfo=UTC)


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
    "body", [{"base_emails": ["admin@a.example"]}, {"name_scope": "a.example", "base_emails": "x"}]
)
def test_addresses_for_nobody_knows_what_are_unavailable(body):
    with pytest.raises(CaUnavailable):
        wire.read_addresses(answer(body), None)


@pytest.mark.parametrize("body", [{}, {"errors": [{"code": "x", "message": "told under 200"}]}])
def test_an_answer_about_something_else_is_never_taken_for_nobody_being_allowed(body):
    with pytest.raises(CaUnavailable):
        wire.read_addresses(answer(body), "a.example")


def test_a_domain_may_have_nobody_who_is_allowed():
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


def test_the_body_for_an_order_names_an_email_domain_only_where_one_is_set():
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
def test_a_body_that_would_leave_the_audience_to_digicert_cannot_be_made(emails):
    with pytest.raises(ValueError, match="at least one address"):
        wire.ResendDomainEmails.of("a.example", emails, "en")


@pytest.mark.parametrize("recipients", [[], [Recipient("a.example", "")]])
def test_a_body_for_an_order_names_somebody(recipients):
    with pytest.raises(ValueError, match="at least one address"):
        wire.ResendOrderEmails.of(recipients, "en")


@pytest.mark.parametrize(
    ("body", "words", "codes"),
    [
        (faults(("not_found|order", "No such order.")), "No such order.", ("not_found|order",)),
        (faults(("a", "One."), ("b|c", "Two."), ("a", "One.")), "One. Two.", ("a", "b|c")),
        ({"errors": {"code": "a", "message": "One."}}, "One.", ("a",)),
        ({"errors": {"0": {"code": "a", "message": "One."}, "1": {"message": "Two."}}}, "One. Two.", ("a",)),
        ({"errors": [{"code": "invalid_dns_txt"}]}, "invalid_dns_txt", ("invalid_dns_txt",)),
        ({"errors": [{"code": 7, "message": None}, "odd", {"code": "a", "message": "One."}]}, "One.", ("a",)),
        (faults(("a", "Two\nlines\x07 and \u202ea trick\u2066.")), "Two lines and a trick.", ("a",)),
        (faults(*[("a", f"No. {n}.") for n in range(9)]), "No. 0. No. 1. No. 2. No. 3. No. 4.", ("a",)),
        (faults(("a", "x" * 5000)), "x" * 299 + "…", ("a",)),
    ],
)
def test_a_refusal_keeps_digicerts_words_and_codes(body, words, codes):
    error = fail(body)

    assert isinstance(error, CaRefused)
    assert (str(error), error.codes, error.status) == (words, codes, 400)


@pytest.mark.parametrize(
    "refused",
    [
        answer(b"", 418),
        answer(b"<html>I am a teapot</html>", 418, "text/html"),
        answer(json.dumps(faults(("a", "One."))).encode(), 418, "text/html"),
        answer(b"{", 418),
        answer([], 418),
        answer({"errors": []}, 418),
        answer({"errors": "no"}, 418),
        answer({"message": "not DigiCert's shape"}, 418),
        answer(b'{"errors": ' + b"[" * 100_000, 418),
        answer(b'{"errors":[{"code":"\xff"}]}', 418),
    ],
)
def test_a_refusal_without_digicerts_json_says_that_no_reason_was_given(refused):
    error = wire.failure(refused, writes=True, now=NOW)

    assert isinstance(error, CaRefused)
    assert str(error) == "DigiCert refused the call (HTTP 418) and gave no reason."
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
def test_no_usable_answer_leaves_it_open_only_for_a_call_that_can_take_effect(status, writes):
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

    assert isinstance(error, CaBusy)
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
    error = wire.failure(wire.Answer(status, content_type, body, retry_after), writes=writes, now=NOW)

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
    given_ = wire.Answer(200, "application/json", body)
    for read in (
        wire.read_orders,
        wire.read_order,
        lambda answer: wire.read_order_validation(answer, 1),
        wire.read_domains,
        wire.read_domain,
        lambda answer: wire.read_addresses(answer, "a.example"),
        wire.read_user,
        wire.read_status_changes,
    ):
        with contextlib.suppress(CaUnavailable):
            read(given_)


def test_an_answer_does_not_show_its_body():
    assert "hidden" not in repr(answer({"x": "hidden"}))
