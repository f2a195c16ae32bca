"""Every feature over HTTP as over Socket Mode, and what Slack never sends although it is signed."""

from collections.abc import Awaitable, Callable

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sandbox.bot_process import BotProcess
from sandbox.certcentral import CertCentral
from sandbox.slack import Channel, Form, Person, Slack
from tests.e2e.kit import serving
from tests.e2e.story import BUTTONS_AND_SELECTS, CHANGES, EVENTS, UNHEARD, Changes, Genuine, forge, tell

# A command's values are texts in HTTP, so that there is less to forge; the others are objects.
OBJECTS = (
    *(name for name in (*BUTTONS_AND_SELECTS, *EVENTS, *UNHEARD) if not name.startswith("/")),
    "message_action",
    "block_suggestion",
    "view_submission",
)


@pytest.fixture
async def bot(make_bot: Callable[..., BotProcess], slack: Slack, ops: Channel) -> BotProcess:
    """A bot that serves over HTTP, and offers in #ops."""
    bot = make_bot("serve", DCV_ALERT_CHANNELS=ops.id)
    slack.request_url = f"http://127.0.0.1:{bot.settings['PORT']}/slack/events"
    await bot.start()
    await serving(bot)
    return bot


@pytest.fixture
async def genuine(
    bot: BotProcess,
    slack: Slack,
    certcentral: CertCentral,
    ana: Person,
    pki: Channel,
    ops: Channel,
    ask: Callable[[str], Awaitable[Form]],
) -> Callable[[str], Genuine]:
    """One payload of every kind, brought up by a story in which every feature answers."""
    return await tell(slack, certcentral, ana, pki, ops, ask)


@settings(
    max_examples=150,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(name=st.sampled_from(OBJECTS), changes=CHANGES)
async def test_a_forged_payload_of_the_right_signature_is_acknowledged_and_no_bug(
    name: str, changes: Changes, genuine: Callable[[str], Genuine], bot: BotProcess, slack: Slack
) -> None:
    one = genuine(name)

    delivery = await slack.deliver(one.kind, forge(one.payload, changes), f"a forged {name}")

    assert delivery.acked
    assert '"level": "error"' not in bot.log
    assert "Traceback" not in bot.log
