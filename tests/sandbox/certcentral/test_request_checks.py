"""The checks of a request before its order or domain is read, and their order."""

import httpx
import pytest

from sandbox.certcentral import CertCentral
from sandbox.certcentral.limits import Limit, SlidingWindow

INVALID_KEY = "access_denied|access_denied_invalid_key"
FORBIDDEN = "access_denied|missing_permission"
RESEND_ORDER = ("PUT", "/order/certificate/1/resend-emails")
RESEND_DOMAIN = ("PUT", "/domain/1/dcv/emails")


def code_of(response: httpx.Response) -> str:
    [error] = response.json()["errors"]
    assert error["message"]
    return error["code"]


@pytest.mark.parametrize("headers", [{}, {"X-DC-DEVKEY": "wrong"}, {"X-DC-DEVKEY": ""}])
async def test_a_bad_key_is_forbidden_even_on_a_wrong_path(ca: CertCentral, headers: dict[str, str]) -> None:
    async with httpx.AsyncClient(base_url=ca.url, headers=headers, trust_env=False) as stranger:
        answers = [await stranger.get("/user/me"), await stranger.get("/nowhere")]

    assert [(answer.status_code, code_of(answer)) for answer in answers] == [(403, INVALID_KEY)] * 2


async def test_a_new_key_revokes_the_old_one(ca: CertCentral, client: httpx.AsyncClient) -> None:
    ca.key = "another"

    assert code_of(await client.get("/account")) == INVALID_KEY


async def test_the_key_is_masked_in_the_recorded_call(ca: CertCentral, client: httpx.AsyncClient) -> None:
    await client.get("/account")

    assert ca.calls[0].headers["x-dc-devkey"] == "***"
    assert ca.key not in repr(ca.calls)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/nowhere"), ("POST", "/domain"), ("GET", "/domain/"), ("GET", "/../v3/account")]
)
async def test_unknown_routes_and_methods_are_not_found(client: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await client.request(method, path)

    assert (answer.status_code, code_of(answer)) == (404, "not_found|route")


@pytest.mark.parametrize(
    ("role", "call", "forbidden"),
    [
        (0, RESEND_DOMAIN, False),
        (100, RESEND_ORDER, False),
        (100, ("GET", "/order/certificate"), False),
        (100, RESEND_DOMAIN, True),
        (100, ("GET", "/domain/example.com/dcv/emails"), True),
        (101, RESEND_ORDER, False),
        (101, RESEND_DOMAIN, False),
        (101, ("GET", "/user/me"), False),
        (102, ("GET", "/domain"), False),
        (102, RESEND_ORDER, True),
        (102, RESEND_DOMAIN, True),
        (103, ("GET", "/user/me"), False),
        (103, ("GET", "/order/certificate"), True),
    ],
)
async def test_the_role_bounds_what_the_key_may_do(
    ca: CertCentral, client: httpx.AsyncClient, role: int, call: tuple[str, str], forbidden: bool
) -> None:
    ca.role = role

    answer = await client.request(*call)

    assert (answer.status_code == 403) is forbidden
    if forbidden:
        assert code_of(answer) == FORBIDDEN


async def test_reading_oneself_can_be_denied_to_order_keys(ca: CertCentral, client: httpx.AsyncClient) -> None:
    ca.options.user_me_for_orders = False

    assert code_of(await client.get("/user/me")) == FORBIDDEN
    ca.role = 0
    assert (await client.get("/user/me")).json()["username"] == "svc-dcv"


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"{", "application/json"), (b"hello", "application/json"), (b"{}", "text/plain"), (b"\xff", "application/json")],
)
async def test_an_unreadable_body_is_rejected_before_the_order_is_read(
    client: httpx.AsyncClient, content: bytes, kind: str
) -> None:
    answer = await client.put("/order/certificate/1/resend-emails", content=content, headers={"Content-Type": kind})

    assert (answer.status_code, code_of(answer)) == (400, "bad_request_format")


async def test_an_unreadable_body_of_a_forbidden_call_is_forbidden(ca: CertCentral, client: httpx.AsyncClient) -> None:
    ca.role = 102

    answer = await client.put("/domain/1/dcv/emails", content=b"{")

    assert code_of(answer) == FORBIDDEN


async def test_calls_over_the_limit_are_turned_away_before_the_route(
    ca: CertCentral, client: httpx.AsyncClient
) -> None:
    ca.limits = (Limit(2, 60),)
    statuses = [(await client.get("/account")).status_code for _ in range(2)]

    answer = await client.get("/nowhere")

    assert statuses == [200, 200]
    assert (answer.status_code, code_of(answer)) == (429, "request_limit_exceeded")
    assert "Retry-After" not in answer.headers


async def test_bad_keys_do_not_use_up_the_limit(ca: CertCentral, client: httpx.AsyncClient) -> None:
    ca.limits = (Limit(1, 60),)
    await client.get("/account", headers={"X-DC-DEVKEY": "wrong"})

    assert (await client.get("/account")).status_code == 200


async def test_retry_after_can_be_switched_on(ca: CertCentral, client: httpx.AsyncClient) -> None:
    ca.limits = (Limit(1, 60),)
    ca.options.retry_after = True
    await client.get("/account")

    answer = await client.get("/account")

    assert 30 <= int(answer.headers["Retry-After"]) <= 60


def test_the_limits_roll() -> None:
    traffic, limits = SlidingWindow(), (Limit(2, 5.0), Limit(3, 100.0))

    waits = [traffic.acquire(limits, at) for at in (0.0, 1.0, 2.0, 5.0, 11.0, 100.0)]

    assert waits == [0.0, 0.0, 3.0, 0.0, 89.0, 0.0]


async def test_errors_can_have_the_older_shape(ca: CertCentral, client: httpx.AsyncClient) -> None:
    ca.options.errors_as_object = True

    assert (await client.get("/nowhere")).json()["errors"]["code"] == "not_found|route"
