import asyncio
import contextlib
import json
import ssl
import time
import traceback
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
import respx
import stamina
import structlog
from pydantic import SecretStr

from bot.digicert import wire
from bot.digicert.client import CertCentral, KeyPermissions, open_http
from bot.digicert.rate_limits import LocalRateLimiter
from bot.errors import CaRateLimited, CaRejected, CaUnavailable
from bot.models import Address, Recipient, StatusChange

BASE = "https://ca.example/services/v2"
KEY = "0123456789ABCDEF-nobody-may-see"
ALICE = Recipient("shop.example.com", "hostmaster@example.com", "example.com")

INVALID_KEY = {
    "errors": [{"code": wire.INVALID_KEY, "message": "Access denied due to access_denied_invalid_key."}],
}
MISSING_PERMISSION = {"errors": [{"code": wire.MISSING_PERMISSION, "message": "Access denied."}]}


async def confirm():
    """Let the call go out."""


@pytest.fixture(scope="session")
def ssl_context():
    return httpx.create_ssl_context()


@pytest.fixture
async def http(no_environment, ssl_context):
    # Nothing here speaks TLS, and reading the certificates again takes longer than the tests.
    no_environment.setattr(httpx, "create_ssl_context", lambda **_: ssl_context)
    async with open_http(BASE, SecretStr(KEY)) as http:
        yield http


@pytest.fixture
def client(http):
    return CertCentral(http, LocalRateLimiter([(1000, 1.0)]))


@pytest.fixture
def server():
    with respx.mock(base_url=BASE, assert_all_called=False) as router:
        yield router


@pytest.fixture
def no_pauses():
    """Retry reads as often as in production, but without pauses."""
    with stamina.set_testing(True, attempts=3):
        yield


def order(id_, status="pending", *names):
    return {"id": id_, "status": status, "certificate": {"common_name": f"{id_}.example", "dns_names": names}}


def orders(*rows, total=None):
    return httpx.Response(200, json={"orders": rows, "page": {"total": len(rows) if total is None else total}})


@pytest.fixture(params=["order", "domain", "submit", "method"])
def resend(request, client, server):
    """Return each call that writes, and its route."""
    postmaster = ["postmaster@example.com"]
    match request.param:
        case "order":
            route = server.put("/order/certificate/700001/resend-emails")
            return route, lambda: client.resend_order(700001, [ALICE], "en", confirm)
        case "domain":
            route = server.put("/domain/1234/dcv/emails")
            return route, lambda: client.resend_domain(1234, "example.com", postmaster, "de", confirm)
        case "submit":
            route = server.post("/domain/1234/validation")
            return route, lambda: client.submit_domain(1234, ["ov", "ev"], confirm)
    route = server.put("/domain/1234/dcv/method")
    return route, lambda: client.change_domain_to_email(1234, postmaster, "de", confirm)


async def test_204_is_accepted(resend):
    route, send = resend
    route.respond(204)

    assert await send() is None
    assert route.call_count == 1


async def test_a_rejection_carries_digicerts_message(resend):
    route, send = resend
    route.respond(400, json={"errors": [{"code": "not_pending|order", "message": "The order is not pending."}]})

    with pytest.raises(CaRejected, match=r"^The order is not pending\.$") as caught:
        await send()

    assert (caught.value.status, caught.value.codes) == (400, ("not_pending|order",))
    assert route.call_count == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 406, 418, 422, 451])
async def test_a_page_in_place_of_a_reason_is_a_refusal_without_one(resend, status):
    route, send = resend
    route.respond(status, html="<html>Request blocked. Incident 42</html>")

    with pytest.raises(CaRejected) as caught:
        await send()

    assert str(caught.value) == f"DigiCert rejected the request without a reason (HTTP {status})."
    assert route.call_count == 1


@pytest.mark.parametrize(("headers", "retry_after"), [({}, None), ({"Retry-After": "7"}, 7.0)])
async def test_a_429_is_busy_and_the_resend_is_not_repeated_here(resend, headers, retry_after):
    route, send = resend
    route.respond(429, json={"errors": [{"code": "request_limit_exceeded"}]}, headers=headers)

    with pytest.raises(CaRateLimited) as caught:
        await send()

    assert caught.value.retry_after == retry_after
    assert route.call_count == 1


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("connection refused"),
        httpx.ConnectError("name or service not known"),
        httpx.ConnectError("certificate verify failed"),
        httpx.ConnectTimeout("slow"),
        httpx.PoolTimeout("full"),
        httpx.ProxyError("407"),
        httpx.UnsupportedProtocol("ftp"),
    ],
    ids=repr,
)
async def test_what_was_never_sent_cannot_have_arrived(resend, error):
    route, send = resend
    route.mock(side_effect=error)

    with pytest.raises(CaUnavailable) as caught:
        await send()

    assert caught.value.may_have_arrived is False
    assert caught.value.__cause__ is error
    assert route.call_count == 1


@pytest.mark.parametrize(
    "error",
    [
        httpx.ReadError("reset"),
        httpx.ReadTimeout("slow"),
        httpx.WriteError("broken pipe"),
        httpx.WriteTimeout("slow"),
        httpx.CloseError("odd"),
        httpx.RemoteProtocolError("server disconnected without sending a response"),
        httpx.LocalProtocolError("odd"),
        httpx.DecodingError("not gzip"),
        ssl.SSLError("decryption failed or bad record mac"),
        OSError("host went away"),
    ],
    ids=repr,
)
async def test_an_answer_that_is_lost_on_the_way_may_have_arrived(resend, error):
    route, send = resend
    route.mock(side_effect=error)

    with pytest.raises(CaUnavailable, match=r"^The connection dropped before DigiCert replied\.$") as caught:
        await send()

    assert caught.value.may_have_arrived is True
    assert caught.value.__cause__ is error
    assert route.call_count == 1


@pytest.mark.parametrize("status", [202, 203, 301, 302, 303, 307, 308, 408, 500, 502, 503, 504])
async def test_an_answer_that_settles_nothing_may_have_arrived(resend, status):
    route, send = resend
    route.respond(status, json={}, headers={"Location": f"{BASE}/elsewhere", "Retry-After": "1"})

    with pytest.raises(CaUnavailable) as caught:
        await send()

    assert not isinstance(caught.value, CaRateLimited)
    assert caught.value.may_have_arrived is True
    assert route.call_count == 1


async def test_a_redirect_of_a_resend_is_not_followed(resend, server):
    route, send = resend
    route.respond(307, headers={"Location": f"{BASE}/elsewhere"})
    elsewhere = server.route(path__regex="/elsewhere$").respond(204)

    with pytest.raises(CaUnavailable):
        await send()

    assert not elsewhere.called


async def test_an_answer_that_never_ends_is_given_up_as_lost(http, server):
    async def drip(_request):
        await asyncio.Event().wait()

    server.put("/domain/1234/dcv/emails").mock(side_effect=drip)
    client = CertCentral(http, LocalRateLimiter([(1000, 1.0)]), longest_call=0.05)

    with pytest.raises(CaUnavailable) as caught:
        await client.resend_domain(1234, "example.com", ["admin@example.com"], "en", confirm)

    assert caught.value.may_have_arrived is True


async def test_the_resend_for_an_order_goes_out_as_the_page_shows(client, server):
    route = server.put("/order/certificate/700001/resend-emails").respond(204)

    await client.resend_order(700001, [ALICE, Recipient("www.example.org", "admin@example.org")], "en", confirm)

    assert json.loads(route.calls.last.request.content) == {
        "domain_approval_emails": [
            {"domain": "shop.example.com", "email": "hostmaster@example.com", "email_domain": "example.com"},
            {"domain": "www.example.org", "email": "admin@example.org"},
        ],
        "locale": "en",
    }


async def test_the_resend_for_a_domain_goes_out_as_the_page_shows(client, server):
    route = server.put("/domain/1234/dcv/emails").respond(204)

    await client.resend_domain(1234, "shop.example.com", ("postmaster@example.com",), "de", confirm)

    assert json.loads(route.calls.last.request.content) == {
        "name_scope": "shop.example.com",
        "email_array": ["postmaster@example.com"],
        "locale": "de",
    }


async def test_a_domain_is_submitted_by_a_method_that_emails_no_one(client, server):
    route = server.post("/domain/1234/validation").respond(201, json={"id": 1234})

    await client.submit_domain(1234, ["ov", "ev"], confirm)
    await client.submit_domain(1234, [], confirm)

    assert [json.loads(call.request.content) for call in route.calls] == [
        {"validations": [{"type": "ov"}, {"type": "ev"}], "dcv_method": "dns-txt-token"},
        {"validations": [{"type": "ov"}], "dcv_method": "dns-txt-token"},
    ]


async def test_the_change_to_email_names_the_chosen_addresses_and_asks_for_no_email(client, server):
    route = server.put("/domain/1234/dcv/method").respond(200, json={"validation_emails": {}})

    await client.change_domain_to_email(1234, ["postmaster@example.com"], "de", confirm)

    assert json.loads(route.calls.last.request.content) == {
        "dcv_method": "email",
        "send_dcv_email_flag": False,
        "email_array": ["postmaster@example.com"],
        "locale": "de",
    }
    with pytest.raises(ValueError, match="at least one address"):
        await client.change_domain_to_email(1234, [], "de", confirm)


@pytest.mark.parametrize("status", range(200, 205))
async def test_each_call_has_its_own_success_statuses(client, server, status):
    server.route().respond(status)
    calls = {
        "resend": lambda: client.resend_domain(1234, "example.com", ["postmaster@example.com"], "de", confirm),
        "submit": lambda: client.submit_domain(1234, ["ov"], confirm),
        "method": lambda: client.change_domain_to_email(1234, ["postmaster@example.com"], "de", confirm),
    }
    accepted = set()
    for name, call in calls.items():
        with contextlib.suppress(CaUnavailable):
            await call()
            accepted.add(name)

    assert accepted == {200: {"submit", "method"}, 201: {"submit"}, 204: set(calls)}.get(status, set())


async def test_a_resend_without_recipients_is_never_sent(client, server):
    everything = server.route()

    with pytest.raises(ValueError, match="at least one address"):
        await client.resend_order(700001, [], "en", confirm)
    with pytest.raises(ValueError, match="at least one address"):
        await client.resend_domain(1234, "example.com", [], "en", confirm)

    assert not everything.called


async def test_every_call_carries_the_headers_that_digicert_asks_for(resend):
    route, send = resend
    route.respond(204)

    await send()

    headers = route.calls.last.request.headers
    assert headers["X-DC-DEVKEY"] == KEY
    assert headers["Accept"] == headers["Content-Type"] == "application/json"
    assert headers["User-Agent"].startswith("dcv-resend/")
    assert headers["Content-Length"] == str(len(route.calls.last.request.content))


async def test_every_call_waits_for_its_slot(http, server):
    server.put("/domain/1234/dcv/emails").respond(204)
    client = CertCentral(http, LocalRateLimiter([(1, 0.2)]))
    start = time.monotonic()

    for _ in range(2):
        await client.acquire_slot()
        await client.resend_domain(1234, "example.com", ["admin@example.com"], "en", confirm)

    assert time.monotonic() - start >= 0.2


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(403, json=INVALID_KEY),
        httpx.Response(400, json={"errors": [{"code": KEY, "message": f"The key {KEY} is not known."}]}),
        httpx.Response(400, html=KEY),
        httpx.Response(502, html=KEY),
        httpx.Response(302, headers={"Location": f"https://elsewhere.example/?key={KEY}"}),
        httpx.Response(429, headers={"Retry-After": KEY}),
        httpx.RemoteProtocolError(f"illegal header line {KEY}"),
    ],
)
async def test_the_key_is_in_no_error(resend, answer):
    route, send = resend
    route.mock(side_effect=[answer])

    with pytest.raises((CaRejected, CaUnavailable)) as caught:
        await send()

    error = caught.value
    assert KEY not in f"{error} {error!r} {error.args} {vars(error)}"


async def test_the_key_is_in_no_traceback(resend):
    route, send = resend
    route.respond(403, json=INVALID_KEY)

    with pytest.raises(CaRejected) as caught:
        await send()

    assert KEY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize(
    "trouble",
    [
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("slow"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("gone"),
        httpx.Response(406),
        httpx.Response(429),
        httpx.Response(429, headers={"Retry-After": "1"}),
        httpx.Response(500),
        httpx.Response(503, html="<html>"),
    ],
    ids=repr,
)
async def test_a_read_is_retried_if_that_may_help(client, server, trouble):
    route = server.get("/order/certificate/7")
    route.mock(side_effect=[trouble, trouble, httpx.Response(200, json=order(7))])

    assert (await client.order(7)).id == 7
    assert route.call_count == 3


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (httpx.Response(400), CaRejected),
        (httpx.Response(404, json={"errors": [{"code": "not_found|order"}]}), CaRejected),
        (httpx.Response(302, headers={"Location": f"{BASE}/elsewhere"}), CaUnavailable),
        (httpx.Response(408), CaUnavailable),
        (httpx.Response(204), CaUnavailable),
        (httpx.Response(200, html="<html>blocked</html>"), CaUnavailable),
        (httpx.Response(200, json={}), CaUnavailable),
        (httpx.DecodingError("not gzip"), CaUnavailable),
        (httpx.Response(429, headers={"Retry-After": "60"}), CaRateLimited),
    ],
    ids=repr,
)
async def test_a_read_is_not_retried_if_that_cannot_help(client, server, trouble, error):
    route = server.get("/order/certificate/7").mock(side_effect=[trouble])

    with pytest.raises(error):
        await client.order(7)

    assert route.call_count == 1


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize("trouble", [httpx.Response(503), httpx.ReadTimeout("slow"), httpx.ConnectError("refused")])
async def test_a_read_that_stays_unanswered_has_changed_nothing(client, server, trouble):
    route = server.get("/order/certificate/7").mock(side_effect=[trouble] * 3)

    with pytest.raises(CaUnavailable) as caught:
        await client.order(7)

    assert caught.value.may_have_arrived is False
    assert route.call_count == 3


async def test_a_date_to_wait_for_is_compared_with_the_clock_that_was_passed_in(http, server):
    now = datetime(2031, 1, 1, tzinfo=UTC)
    client = CertCentral(http, LocalRateLimiter([(1000, 1.0)]), clock=lambda: now)
    date = format_datetime(now + timedelta(seconds=90), usegmt=True)
    server.get("/order/certificate/7").respond(429, headers={"Retry-After": date})

    with pytest.raises(CaRateLimited) as caught:
        await client.order(7)

    assert caught.value.retry_after == 90.0


async def test_a_read_waits_as_long_as_it_is_asked_to(client, server):
    busy = httpx.Response(429, headers={"Retry-After": "0.3"})
    server.get("/order/certificate/7").mock(side_effect=[busy, httpx.Response(200, json=order(7))])
    start = time.monotonic()

    await client.order(7)

    assert 0.3 <= time.monotonic() - start < 1.0


async def test_a_read_does_not_wait_for_a_date_that_is_far_off(client, server):
    date = format_datetime(datetime.now(UTC) + timedelta(minutes=5), usegmt=True)
    server.get("/order/certificate/7").respond(429, headers={"Retry-After": date})

    with pytest.raises(CaRateLimited) as caught:
        await client.order(7)

    assert caught.value.retry_after == pytest.approx(300, abs=10)


@pytest.mark.parametrize("trouble", ["a server that stalls", "turns that are used up", "a long pause"])
async def test_a_read_ends_at_its_deadline(http, server, trouble):
    async def stall(_request):
        await asyncio.Event().wait()

    route = server.get("/order/certificate/7")
    if trouble == "a server that stalls":
        route.mock(side_effect=stall)
    else:
        route.respond(429, headers={"Retry-After": "3"})
    limits = LocalRateLimiter([(1, 60.0)])
    if trouble == "turns that are used up":
        await limits.acquire()
    client = CertCentral(http, limits, patience=0.2)
    start = time.monotonic()

    with pytest.raises(CaUnavailable) as caught:
        await client.order(7)

    assert time.monotonic() - start < 1.0
    assert caught.value.may_have_arrived is False


async def test_the_pending_orders_are_those_of_both_states_each_once(client, server):
    pending = server.get("/order/certificate", params={"filters[status]": "pending"})
    pending.mock(return_value=orders(order(1), order(2), order(3, "issued")))
    reissues = server.get("/order/certificate", params={"filters[status]": "reissue_pending"})
    reissues.mock(return_value=orders(order(2, "reissue_pending"), order(4, "reissue_pending")))

    found = await client.pending_orders()

    assert [(found_.id, found_.status) for found_ in found] == [
        (1, "pending"),
        (2, "reissue_pending"),
        (4, "reissue_pending"),
    ]
    assert pending.calls.last.request.url.query == b"filters%5Bstatus%5D=pending&limit=1000&offset=0"


@pytest.mark.parametrize("count", [0, 1, 999, 1000, 1001, 2500])
@pytest.mark.parametrize("counted", [True, False])
async def test_a_list_is_read_to_its_end(client, server, count, counted):
    def page(request):
        offset = int(request.url.params["offset"])
        rows = [order(n, "issued", "a.example") for n in range(count)][offset : offset + 1000]
        body = {"orders": rows} if rows else {}
        return httpx.Response(200, json=body | ({"page": {"total": count}} if counted else {}))

    server.get("/order/certificate").mock(side_effect=page)

    assert [found.id for found in await client.orders_named("a.example")] == list(range(count))


async def test_a_list_whose_pages_are_smaller_than_asked_is_read_to_its_end(client, server):
    def page(request):
        offset = int(request.url.params["offset"])
        return orders(*[order(n, "issued", "a.example") for n in range(25)][offset : offset + 10], total=25)

    server.get("/order/certificate").mock(side_effect=page)

    assert len(await client.orders_named("a.example")) == 25


async def test_a_list_that_ignores_the_offset_ends(client, server):
    route = server.get("/order/certificate").mock(return_value=orders(order(1, "issued", "a.example"), total=5000))

    assert len(await client.orders_named("a.example")) == 1
    assert [call.request.url.params["offset"] for call in route.calls] == ["0", "1"] * 2


def lists(server, *rows):
    """Make the list answer as DigiCert does: with the orders that have exactly the requested name."""

    def answer(request):
        wanted = request.url.params["filters[domain_name]"]
        return orders(*[row for row in rows if wanted in row["certificate"]["dns_names"]])

    server.get("/order/certificate").mock(side_effect=answer)


async def test_orders_named_are_those_that_carry_exactly_this_name(client, server):
    lists(
        server,
        order(1, "issued", "shop.example.com"),
        order(2, "pending", "*.shop.example.com"),
        order(3, "issued", "www.shop.example.com", "example.com"),
        order(4, "issued", "myshop.example.com"),
        order(5, "issued", "*.example.com"),
    )

    found = await client.orders_named("Shop.Example.com.")

    assert [found_.id for found_ in found] == [1, 2]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        pytest.param("a.example", [1], marks=pytest.mark.fault("F6")),
        pytest.param("shop.a.example", [1], marks=pytest.mark.fault("F6")),
        ("*.a.example", [1]),
        ("deep.shop.a.example", []),
    ],
)
async def test_an_order_for_a_wildcard_alone_is_found_by_what_it_covers(client, server, asked, found):
    lists(server, order(1, "issued", "*.a.example"))

    assert [found_.id for found_ in await client.orders_named(asked)] == found


async def test_a_filter_that_is_ignored_finds_no_other_order(client, server):
    server.get("/order/certificate").mock(return_value=orders(order(1, "issued", "*.b.example", "c.example")))

    assert await client.orders_named("a.example") == []


@pytest.mark.fault("F5")
async def test_the_domains_are_read_with_dates_in_utc(client, server):
    route = server.get("/domain").respond(
        json={"domains": [{"id": 1, "name": "a.example"}, {"id": 2, "name": "b.example", "is_active": False}]}
    )

    found = await client.domains()

    assert [(found_.id, found_.is_active) for found_ in found] == [(1, True), (2, False)]
    assert dict(route.calls.last.request.url.params) == {
        "include_dcv_expiration_time": "true",
        "include_validation": "true",
        "filters[include_validation_reuse_status]": "true",
        "limit": "1000",
        "offset": "0",
    }


def row(id_, **changes):
    return order(id_) | changes


@pytest.mark.fault("F3")
async def test_rows_that_cannot_be_read_are_given_beside_the_others_and_logged_once(client, server):
    rows = [row(1), row(None), row("odd-id"), row(2, status=None), row(3)]
    server.get("/order/certificate").mock(return_value=orders(*rows, total=5))

    with structlog.testing.capture_logs() as logged:
        found = await client.pending_orders()
        again = await client.pending_orders()

    assert [getattr(each, "status", None) for each in found] == ["pending", None, None, None, "pending"]
    assert len(again) == 5
    warnings = [line for line in logged if line["log_level"] == "warning"]
    assert [(line["unreadable"], line["ids"]) for line in warnings] == [(3, ["without an id", "odd-id", "2"])] * 2
    assert {line["list"] for line in warnings} == {"/order/certificate"}


@pytest.mark.fault("F3")
async def test_an_odd_change_of_status_is_logged_and_left_out(client, server):
    rows = [{"order_id": 7, "status": "issued"}, {"order_id": "odd"}]
    server.get("/order/certificate/status-changes").respond(200, json={"orders": rows})

    with structlog.testing.capture_logs() as logged:
        assert await client.status_changes(timedelta(minutes=1)) == {StatusChange(7, "issued")}

    assert logged[0]["ids"] == ["odd"]


@pytest.mark.fault("F10")
async def test_a_status_counts_in_any_letter_case_and_an_unknown_one_is_preserved_and_logged(client, server):
    rows = [
        row(1, status="Pending"),
        row(2, status="REISSUE_PENDING"),
        row(3, status="Awaiting_Moon"),
        row(4, status="Issued"),
    ]
    server.get("/order/certificate").mock(return_value=orders(*rows))

    with structlog.testing.capture_logs() as logged:
        found = await client.pending_orders()

    assert [(each.id, each.status) for each in found] == [(1, "pending"), (2, "reissue_pending"), (3, "awaiting_moon")]
    assert logged[0]["unknown_statuses"] == ["awaiting_moon"]


@pytest.mark.fault("F10")
async def test_an_unknown_status_of_a_validation_is_logged(client, server):
    entries = [{"name_scope": f"{status}.example", "status": status} for status in ("Approved", "pending", "Moonlit")]
    body = {"order_status": "Pending", "dns_name_validations": entries}
    server.get("/order/certificate/7/validation").respond(200, json=body)

    with structlog.testing.capture_logs() as logged:
        validation = await client.order_validation(7)

    assert [entry.is_open for entry in validation.names] == [False, True, True]
    assert [(line["order"], line["unknown_statuses"]) for line in logged] == [(7, ("moonlit",))]


@pytest.mark.fault("F4")
async def test_only_orders_for_tls_wait_for_names(client, server):
    kinds = ["ssl_certificate", "code_signing_certificate", "client_certificate", "document_signing_certificate"]
    rows = [row(number, product={"type": kind}) for number, kind in enumerate(kinds)]
    server.get("/order/certificate").mock(return_value=orders(*rows))

    assert [each.id for each in await client.pending_orders()] == [0]


async def test_status_changes_are_asked_for_a_span_of_seven_days_at_most(client, server):
    route = server.get("/order/certificate/status-changes")
    route.respond(200, json={"orders": [{"order_id": 7, "certificate_id": 8, "status": "issued"}]})

    found = await client.status_changes(timedelta(seconds=90))
    await client.status_changes(timedelta(days=30))

    assert found == {StatusChange(7, "issued")}
    assert [call.request.url.params["seconds"] for call in route.calls] == ["90", "604800"]


async def test_the_same_account_in_background_yields_slots_to_people(http, server):
    server.get("/order/certificate/7").respond(200, json=order(7))
    client = CertCentral(http, LocalRateLimiter([(4, 60.0)]))
    background = client.in_background()
    reads = [asyncio.create_task(background.order(7)) for _ in range(4)]
    await asyncio.wait(reads, timeout=5.0, return_when=asyncio.FIRST_COMPLETED)
    await asyncio.wait(reads, timeout=0.2)

    async with asyncio.timeout(1.0):
        await client.order(7)
        await client.order(7)

    assert [read.done() for read in reads].count(True) == 2
    for read in reads:
        read.cancel()
    await asyncio.gather(*reads, return_exceptions=True)


async def test_an_order_and_its_validation_are_read(client, server):
    server.get("/order/certificate/7").respond(json=order("7", "pending", "a.example"))
    server.get("/order/certificate/7/validation").respond(
        json={"order_id": "7", "order_status": "pending", "dns_name_validations": [{"name_scope": "a.example"}]}
    )

    assert (await client.order(7)).names == ("7.example", "a.example")
    assert (await client.order_validation(7)).names[0].is_open


async def test_a_domain_is_read_with_what_waits(client, server):
    route = server.get("/domain/1234", params={"include_dcv": "true", "include_validation": "true"})
    route.respond(json={"id": 1234, "name": "example.com", "is_pending_validation": True})

    assert (await client.domain(1234)).is_pending is True


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        (1234, "/services/v2/domain/1234/dcv/emails"),
        ("Shop.Example.com", "/services/v2/domain/shop.example.com/dcv/emails"),
        ("../key?x#y", "/services/v2/domain/..%2Fkey%3Fx%23y/dcv/emails"),
    ],
)
async def test_allowed_addresses_are_those_that_the_account_permits(client, server, asked, path):
    route = server.route(method="GET")
    route.respond(json={"name_scope": "example.com", "base_emails": ["admin@example.com"]})

    assert await client.allowed_addresses(asked) == (Address("admin@example.com", "example.com"),)
    assert route.calls.last.request.url.raw_path.decode() == f"{path}?consider_dcv_email_preferences=true"


async def test_allowed_addresses_of_an_empty_name_are_never_asked_for(client):
    with pytest.raises(ValueError, match="name"):
        await client.allowed_addresses(".")


async def test_the_key_is_checked_by_asking_whose_it_is(client, server):
    server.get("/user/me").respond(json={"id": 501, "username": "svc-dcv", "email": "pki@example.com"})

    assert await client.check_key() == "svc-dcv"


async def test_a_key_that_may_not_read_its_user_is_checked_by_reading_an_order(client, server):
    server.get("/user/me").respond(403, json=MISSING_PERMISSION)
    route = server.get("/order/certificate", params={"limit": "1"}).mock(return_value=orders())

    assert await client.check_key()
    assert route.call_count == 1


async def test_a_key_that_is_not_accepted_is_reported_at_once(client, server):
    server.get("/user/me").respond(403, json=INVALID_KEY)
    account_cache = server.get("/order/certificate")

    with pytest.raises(CaRejected, match="does not accept the API key"):
        await client.check_key()

    assert not account_cache.called


async def test_a_key_that_may_read_nothing_lacks_a_permission(client, server):
    server.get("/user/me").respond(403, json=MISSING_PERMISSION)
    server.get("/order/certificate").respond(403, json=MISSING_PERMISSION)

    with pytest.raises(CaRejected, match="lacks a permission"):
        await client.check_key()


async def test_a_key_that_meets_another_refusal_is_not_checked_further(client, server):
    server.get("/user/me").respond(404, json={"errors": [{"code": "not_found|route", "message": "No such route."}]})

    with pytest.raises(CaRejected, match="No such route"):
        await client.check_key()


@pytest.mark.usefixtures("no_pauses")
async def test_a_key_cannot_be_checked_if_digicert_is_unreachable(client, server):
    server.get("/user/me").mock(side_effect=httpx.ConnectError("refused"))

    with pytest.raises(CaUnavailable, match="cannot be reached"):
        await client.check_key()


VALIDATION = {"order_id": "1", "order_status": "pending", "order_dcv_method": "email", "dns_name_validations": []}


@pytest.mark.parametrize(
    ("refused", "found"),
    [
        ([], KeyPermissions(orders=True, validations=True, domains=True)),
        (["/domain"], KeyPermissions(orders=True, validations=True, domains=False)),
        (["/order/certificate/1/validation"], KeyPermissions(orders=True, validations=False, domains=True)),
        (["/order/certificate"], KeyPermissions(orders=False, validations=None, domains=True)),
        (["/order/certificate", "/domain"], KeyPermissions(orders=False, validations=None, domains=False)),
    ],
)
async def test_what_a_key_may_read_is_found_out_by_reading_little(client, server, refused, found):
    answers = {
        "/order/certificate": orders(order(1)),
        "/domain": httpx.Response(200, json={}),
        "/order/certificate/1/validation": httpx.Response(200, json=VALIDATION),
    }
    for path, answer in answers.items():
        server.get(path).mock(return_value=httpx.Response(403, json=MISSING_PERMISSION) if path in refused else answer)

    assert await client.key_permissions() == found
    assert {call.request.method for call in server.calls} == {"GET"}
    assert all(call.request.url.params["limit"] == "1" for call in server.calls if call.request.url.query)


async def test_without_an_order_that_waits_the_reading_of_validations_is_not_tried(client, server):
    server.get("/order/certificate").mock(return_value=orders())
    server.get("/domain").respond(json={})

    assert await client.key_permissions() == KeyPermissions(orders=True, validations=None, domains=True)


async def test_another_rejection_than_a_missing_permission_says_nothing_of_permissions(client, server):
    server.get("/order/certificate").mock(return_value=orders())
    server.get("/domain").respond(403, json=INVALID_KEY)

    with pytest.raises(CaRejected, match="does not accept the API key"):
        await client.key_permissions()


@pytest.mark.parametrize("status", [200, 403, 503])
@pytest.mark.usefixtures("no_pauses")
async def test_the_date_of_digicert_is_observed_whatever_it_answers(no_environment, ssl_context, server, status):
    no_environment.setattr(httpx, "create_ssl_context", lambda **_: ssl_context)
    date = "Wed, 01 Jul 2026 10:00:00 GMT"
    server.get("/user/me").respond(status, json=INVALID_KEY if status == 403 else {"id": 1}, headers={"Date": date})
    heard = []

    async with open_http(BASE, SecretStr(KEY), heard.append) as http:
        with contextlib.suppress(CaRejected, CaUnavailable):
            await CertCentral(http, LocalRateLimiter([(1000, 1.0)])).check_key()

    assert set(heard) == {date}
