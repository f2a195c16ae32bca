"""A fair share per person: a flood by one delays its author and no colleague, and requests are limited per person."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.slack import Channel, SimulatedUser, Slack
from tests.e2e.helpers import ON_BOTH, Rows, open_form, resend, roots, sees_end, tells

ORDER = 700001
FLOOD = 120
MakeBot = Callable[..., BotProcess]
Start = Callable[..., Awaitable[list[BotProcess]]]
Begin = Callable[[int], Awaitable[None]]

pytestmark = pytest.mark.fault("M10")


@pytest.fixture
def eve(slack: Slack) -> SimulatedUser:
    """A colleague of Ana's who may resend, too."""
    return slack.add_person("eve")


@pytest.fixture(autouse=True)
def orders(certcentral: CertCentral) -> range:
    """Pending orders."""
    certcentral.limits = ()
    orders = range(ORDER, ORDER + 9)
    for order_id in orders:
        certcentral.add_order(order_id, [f"n{order_id}.example.com"])
    return orders


@pytest.fixture
async def start(make_bot: MakeBot, slack: Slack, ana: SimulatedUser, eve: SimulatedUser) -> Start:
    """Start bots with these settings, and wait until they serve."""

    async def start(*names: str, **settings: str) -> list[BotProcess]:
        listed = f"{ana.id},{eve.id}"
        bots = [make_bot(DCV_ALLOWED_USERS=listed, DCV_INSTANCE=name, **settings) for name in names or ("one",)]
        await asyncio.gather(*(bot.start() for bot in bots))
        await slack.wait_for(lambda: slack.sockets == len(bots), f"{len(bots)} sockets", 60.0)
        return bots

    return start


@pytest.fixture
async def flood(certcentral: CertCentral, eve: SimulatedUser, pki: Channel) -> AsyncIterator[Begin]:
    """Let Eve ask for far more than the limits allow, and wait until so much of it has arrived."""
    asked: list[asyncio.Task[object]] = []

    async def begin(arrive: int) -> None:
        before = len(certcentral.calls)
        asked.extend(asyncio.create_task(eve.command("/dcv-status", str(ORDER), pki)) for _ in range(FLOOD))
        async with asyncio.timeout(30.0):
            while len(certcentral.calls) < before + arrive:  # noqa: ASYNC110 - CertCentral tells nobody
                await asyncio.sleep(0.05)

    yield begin
    for task in asked:
        task.cancel()
    await asyncio.gather(*asked, return_exceptions=True)


async def test_a_colleague_sends_through_a_flood(
    start: Start, flood: Begin, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    """Behind all of it the colleague would wait for longer than a read may take."""
    await start(DIGICERT_LIMITS="8/1s")
    await flood(20)

    async with asyncio.timeout(12.0):
        await resend(ana, ORDER + 1, pki)
        root = await sees_end(slack, pki, ORDER + 1)

    assert tells(root) == "sent"


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_colleague_sends_through_a_flood_of_several_instances_over_a_limit_of_minutes(
    start: Start, flood: Begin, slack: Slack, certcentral: CertCentral, ana: SimulatedUser, pki: Channel
) -> None:
    """Once a limit of minutes is used up, there is no turn for anybody until it is over."""
    await start("one", "two", DIGICERT_LIMITS="100/2m")
    await flood(80)
    await asyncio.sleep(0.5)

    async with asyncio.timeout(20.0):
        await resend(ana, ORDER + 1, pki)
        root = await sees_end(slack, pki, ORDER + 1)

    assert tells(root) == "sent"


@ON_BOTH
async def test_over_the_limit_nothing_is_sent_and_the_person_learns_when_to_continue(
    start: Start,
    slack: Slack,
    certcentral: CertCentral,
    ana: SimulatedUser,
    eve: SimulatedUser,
    pki: Channel,
    orders: range,
    ledger: Rows,
) -> None:
    await start(DCV_PERSON_LIMITS="3/10m")
    form = await open_form(eve, orders[4], pki)
    for order_id in orders[:3]:
        await eve.command("/dcv-resend", f"{order_id} to admin@example.com", pki)
        await sees_end(slack, pki, order_id)

    for order_id in orders[3:6]:
        await eve.command("/dcv-resend", f"{order_id} to admin@example.com", pki)
    await slack.wait_for(lambda: len(eve.ephemerals) == 3, "three whispers", 20.0)
    submitted = await form.submit()
    await resend(ana, orders[6], pki)
    root = await sees_end(slack, pki, orders[6])

    words = "You asked for 3 resends in the last 10 minutes. You can continue at "
    assert all(whisper.text.startswith(words) for whisper in eve.ephemerals)
    assert [each.startswith(words) for each in (submitted.errors or {}).values()] == [True]
    assert [len(roots(pki, order_id)) for order_id in orders[3:6]] == [0, 0, 0]
    assert (len(certcentral.resends), tells(root)) == (4, "sent")
    limited = [row for row in ledger() if row["kind"] == "limited"]
    assert [(row["user_id"], row["detail"]["requests"]) for row in limited] == [(eve.id, 3)]
    assert slack.problems == []
