"""The switch that shows CertCentral at its worst."""

import asyncio

import aiohttp
import pytest

from sandbox.certcentral import CertCentral
from sandbox.certcentral.call_log import KEY_HEADER
from sandbox.web.fault_presets import FaultSwitch


@pytest.fixture
def switch(certcentral: CertCentral) -> FaultSwitch:
    certcentral.add_order(700001, ["shop.example.com"])
    return FaultSwitch(certcentral)


@pytest.fixture
async def call(certcentral: CertCentral):
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(headers={KEY_HEADER: certcentral.key}, connector=connector) as session:

        async def call(method: str, path: str) -> int:
            async with session.request(method, certcentral.url + path, json={} if method == "PUT" else None) as got:
                return got.status

        yield call


STATUS = ("GET", "/order/certificate/700001")
RESEND = ("PUT", "/order/certificate/700001/resend-emails")


@pytest.mark.parametrize(("mood", "status"), [("rejects", 400), ("limits", 429)])
async def test_a_bad_mood_affects_every_resend_and_sends_no_mail(certcentral, switch, call, mood, status) -> None:
    switch.select(mood)

    assert [await call(*RESEND), await call(*RESEND), await call(*STATUS)] == [status, status, 200]
    assert certcentral.outbox == []


async def test_a_lost_answer_loses_no_mail(certcentral, switch, call) -> None:
    switch.select("drops")

    with pytest.raises(aiohttp.ServerDisconnectedError):
        await call(*RESEND)

    assert len(certcentral.outbox) == len(certcentral.resends) > 0


async def test_held_calls_continue_when_the_switch_is_turned_back(certcentral, switch, call) -> None:
    switch.select("hangs")
    held = asyncio.create_task(call(*STATUS))
    await certcentral.wait_for_call(*STATUS)

    switch.select("normal")

    assert await held == 200
    assert await call(*RESEND) == 204


async def test_a_mood_that_is_none_changes_nothing(switch) -> None:
    with pytest.raises(LookupError):
        switch.select("cheerful")

    assert switch.preset == "normal"
