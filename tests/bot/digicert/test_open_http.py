import asyncio
import contextlib

import httpx
import pytest
from pydantic import SecretStr

from bot.digicert.client import CertCentral, open_http
from bot.digicert.rate_limits import LocalRateLimiter
from bot.errors import CaUnavailable, ConfigurationError

KEY = SecretStr("0123456789ABCDEF")
NO_GRANTEES = "http://127.0.0.1:1"
ME = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 27\r\n\r\n{"id":1,"username":"svc-x"}'


@contextlib.asynccontextmanager
async def listening(answer):
    """Serve one fixed answer to every connection on a loopback port. Yields the port and the first lines received."""
    heard = []

    async def handle_connection(reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            heard.append((await reader.read(65536)).partition(b"\r\n")[0].decode(errors="replace"))
            writer.write(answer)
            await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    async with await asyncio.start_server(handle_connection, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], heard


@contextlib.asynccontextmanager
async def client_of(base_url):
    async with open_http(base_url, KEY) as http:
        yield CertCentral(http, LocalRateLimiter([(100, 1.0)]))


async def confirm():
    """Let the call go out."""


async def resend(client):
    await client.resend_domain(1, "a.example", ["admin@a.example"], "en", confirm)


async def test_a_proxy_of_the_environment_is_used(no_environment):
    async with listening(ME) as (port, heard):
        no_environment.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")

        async with client_of("http://ca.example/services/v2") as client:
            assert await client.check_key() == "svc-x"

    assert heard == ["GET http://ca.example/services/v2/user/me HTTP/1.1"]


async def test_a_host_that_no_proxy_names_is_asked_directly(no_environment):
    no_environment.setenv("HTTP_PROXY", NO_GRANTEES)
    # This address reaches the same machine without being a loopback address.
    here = "0.0.0.0"  # noqa: S104 - nothing is bound to it
    no_environment.setenv("NO_PROXY", here)
    async with listening(ME) as (port, _), client_of(f"http://{here}:{port}") as client:
        assert await client.check_key() == "svc-x"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
async def test_a_loopback_address_is_never_asked_through_a_proxy(no_environment, host, variable):
    no_environment.setenv(variable, NO_GRANTEES)
    async with listening(ME) as (port, heard), client_of(f"http://{host}:{port}/services/v2") as client:
        assert await client.check_key() == "svc-x"

    assert heard == ["GET /services/v2/user/me HTTP/1.1"]


@pytest.mark.parametrize(
    ("host", "trusts"),
    [
        ("localhost", False),
        ("127.0.0.1", False),
        ("127.9.9.9", False),
        ("[::1]", False),
        ("www.digicert.com", True),
        ("10.0.0.1", True),
        ("localhost.example", True),
        ("127.0.0.1.example", True),
    ],
)
async def test_only_a_loopback_host_turns_the_environment_off(no_environment, host, trusts):
    async with open_http(f"http://{host}/services/v2", KEY) as http:
        assert http.trust_env is trusts


async def test_a_proxy_that_refuses_the_tunnel_means_that_nothing_was_sent(no_environment):
    async with listening(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n") as (port, heard):
        no_environment.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")

        async with client_of("https://ca.example/services/v2") as client:
            with pytest.raises(CaUnavailable, match="proxy") as caught:
                await resend(client)

    assert caught.value.may_have_arrived is False
    assert heard == ["CONNECT ca.example:443 HTTP/1.1"]


async def test_a_closed_port_means_that_nothing_was_sent(no_environment):
    async with client_of(NO_GRANTEES) as client:
        with pytest.raises(CaUnavailable, match="cannot be reached") as caught:
            await resend(client)

    assert caught.value.may_have_arrived is False


async def test_a_handshake_that_fails_means_that_nothing_was_sent(no_environment):
    async with listening(b"this is not TLS") as (port, _), client_of(f"https://127.0.0.1:{port}") as client:
        with pytest.raises(CaUnavailable, match="cannot be reached") as caught:
            await resend(client)

    assert caught.value.may_have_arrived is False


@pytest.mark.parametrize(
    "answer", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 204", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"]
)
async def test_a_connection_that_drops_before_the_answer_is_whole_may_have_arrived(no_environment, answer):
    async with listening(answer) as (port, heard), client_of(f"http://127.0.0.1:{port}") as client:
        with pytest.raises(CaUnavailable) as caught:
            await resend(client)

    assert caught.value.may_have_arrived is True
    assert heard == ["PUT /domain/1/dcv/emails HTTP/1.1"]


@pytest.mark.parametrize("slash", ["", "/"])
async def test_a_base_url_may_end_in_a_slash(no_environment, slash):
    async with listening(ME) as (port, heard), client_of(f"http://127.0.0.1:{port}/services/v2{slash}") as client:
        await client.check_key()

    assert heard == ["GET /services/v2/user/me HTTP/1.1"]


async def test_timeouts_are_explicit_and_redirects_are_not_followed(no_environment):
    async with open_http(NO_GRANTEES, KEY) as http:
        assert http.timeout == httpx.Timeout(connect=5.0, read=30.0, write=30.0, pool=5.0)
        assert http.follow_redirects is False


@pytest.mark.parametrize("key", ["", "two words", "line\nbreak", "tab\t", "schlüssel", "nul\x00"])
def test_a_key_that_no_header_can_carry_stops_the_start_and_is_not_shown(no_environment, key):
    with pytest.raises(ConfigurationError, match="DIGICERT_API_KEY") as caught:
        open_http(NO_GRANTEES, SecretStr(key))

    assert not key or key not in str(caught.value)


@pytest.mark.parametrize("content", [None, "not a certificate"])
def test_certificates_that_cannot_be_read_stop_the_start(no_environment, tmp_path, content):
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    no_environment.setenv("SSL_CERT_FILE", str(file))

    with pytest.raises(ConfigurationError, match="SSL_CERT_FILE"):
        open_http("https://ca.example", KEY)


@pytest.mark.parametrize("proxy", ["ftp://proxy.example", "http://proxy.example:port"])
def test_a_proxy_that_cannot_be_used_stops_the_start(no_environment, proxy):
    no_environment.setenv("HTTPS_PROXY", proxy)

    with pytest.raises(ConfigurationError, match="HTTPS_PROXY"):
        open_http("https://ca.example", KEY)
