"""A running CertCentral at a fixed time, and a client with its key."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest

from sandbox.certcentral import CertCentral


@pytest.fixture
def now() -> datetime:
    """Return the fixed time of the account."""
    return datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
async def ca(now: datetime) -> AsyncIterator[CertCentral]:
    """Return an empty account."""
    async with CertCentral(now=lambda: now) as ca:
        yield ca


@pytest.fixture
async def client(ca: CertCentral) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of the account."""
    headers = {"X-DC-DEVKEY": ca.key}
    async with httpx.AsyncClient(base_url=ca.url, headers=headers, trust_env=False, timeout=5) as client:
        yield client
