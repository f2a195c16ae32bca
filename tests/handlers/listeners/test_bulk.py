"""The buttons of a plan's card: who is refused causes no edit, and an earlier state is replaced by the present one."""

from contextlib import asynccontextmanager, suppress

import pytest

from bot.errors import BotError, InvalidInput, NotAllowed
from handlers.listeners.bulk import BulkButtons

BODY = {
    "user": {"id": "U0GUEST", "team_id": "T0HOME"},
    "container": {"channel_id": "C0PKI", "message_ts": "1764000000.000100"},
    "actions": [{"value": "plan1:hash"}],
}


class Plans:
    """A service that knows every plan, and a reporter that records whose card it publishes."""

    def __init__(self):
        self.shown = []

    async def is_known(self, plan_id):
        return True

    async def show(self, plan_id):
        self.shown.append(plan_id)


class Boundary:
    """A boundary that only ends errors of the bot."""

    @asynccontextmanager
    async def respond_to(self, interaction):
        with suppress(BotError):
            yield


async def ack():
    """Acknowledge nothing."""


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (None, ["plan1"]),
        (InvalidInput("This plan changed."), ["plan1"]),
        (NotAllowed("You can't approve here.", "guest"), []),
    ],
)
async def test_the_card_is_published_unless_the_user_was_refused(error, shown):
    plans = Plans()

    async def press(actor, value):
        assert (actor.user_id, value) == ("U0GUEST", "plan1:hash")
        if error:
            raise error

    await BulkButtons(plans, None, plans, None, Boundary()).on(press)(ack, BODY)

    assert plans.shown == shown
