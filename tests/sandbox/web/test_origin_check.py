"""Only a browser on this machine, and in it only the page itself, may see and do anything."""

import aiohttp
import pytest

from sandbox.web import WebPage

FOREIGN = "https://evil.example"


@pytest.fixture
async def http():
    async with aiohttp.ClientSession() as session:
        yield session


async def test_the_page_is_served_with_a_policy_that_blocks_foreign_and_inline_scripts(
    page: WebPage, http: aiohttp.ClientSession
) -> None:
    async with http.get(page.url) as response:
        policy = response.headers["Content-Security-Policy"].split("; ")

    assert {"default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"} <= set(policy)
    assert not [rule for rule in policy if "unsafe" in rule or "http" in rule]


@pytest.mark.parametrize("path", ["", "config", "static/main.js", "live"])
async def test_a_name_that_only_resolves_to_the_loopback_sees_nothing(
    page: WebPage, http: aiohttp.ClientSession, path: str
) -> None:
    async with http.get(f"{page.url}{path}", headers={"Host": "rebound.example"}) as response:
        assert response.status == 403


@pytest.mark.parametrize("origin", [FOREIGN, "null", "http://127.0.0.1:1"])
async def test_another_site_can_do_nothing(page: WebPage, http: aiohttp.ClientSession, origin: str) -> None:
    async with http.post(f"{page.url}act", json={"do": "apply_preset"}, headers={"Origin": origin}) as response:
        assert response.status == 403


async def test_what_names_no_origin_can_do_nothing(page: WebPage, http: aiohttp.ClientSession) -> None:
    async with http.post(f"{page.url}act", data="{}", headers={"Content-Type": "text/plain"}) as response:
        assert response.status == 403


@pytest.mark.parametrize("headers", [{"Origin": FOREIGN}, {}])
async def test_another_site_cannot_listen(page: WebPage, http: aiohttp.ClientSession, headers: dict[str, str]) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
        await http.ws_connect(f"{page.url}live", headers=headers)


async def test_an_unknown_visitor_gets_an_error(page: WebPage, http: aiohttp.ClientSession) -> None:
    async with http.post(f"{page.url}act", json={"do": "post", "as": "U0"}, headers={"Origin": page.url[:-1]}) as got:
        answer = await got.json()
    with pytest.raises(aiohttp.WSServerHandshakeError, match="404"):
        await http.ws_connect(f"{page.url}live?as=U0", headers={"Origin": page.url[:-1]})

    assert answer == {"ok": False, "error": "The page has no user 'U0'."}
