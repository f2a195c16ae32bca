"""The sample alerts of the menu: in formats that Slack accepts, with words of our own."""

import pytest

from sandbox.demo_workspace import DemoWorkspace
from sandbox.slack import Slack
from sandbox.slack.blockkit.block_kit_validator import check_message
from sandbox.web.sample_alerts import SAMPLE_ALERTS

OLD_OR_ODD = {"hostile"}


@pytest.mark.parametrize("name", sorted(SAMPLE_ALERTS.keys() - OLD_OR_ODD))
def test_slack_would_accept_the_alert(name: str) -> None:
    alert = SAMPLE_ALERTS[name]

    assert check_message({"text": alert.text, "blocks": alert.blocks, "attachments": alert.attachments}) == []


@pytest.mark.parametrize("name", SAMPLE_ALERTS)
async def test_an_alert_comes_from_its_own_app(slack: Slack, workspace: DemoWorkspace, name: str) -> None:
    message = SAMPLE_ALERTS[name].post(slack, workspace.alerts)

    assert message.author == SAMPLE_ALERTS[name].app
    assert message.by.bot_id not in {None, slack.bot.bot_id}
    assert (message.by.user is None) == SAMPLE_ALERTS[name].classic
