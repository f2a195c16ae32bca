"""The app-level token of Socket Mode: what Slack says of it."""

from pydantic import SecretStr

from bot.errors import CannotStart, SlackRefused
from bot.slack.client import Client, new_address


async def open_address(app_token: SecretStr, slack: Client) -> None:
    """Get one Socket Mode address; CannotStart where Slack does not accept the app token, SlackUnavailable likewise."""
    try:
        await new_address(slack, app_token.get_secret_value())
    except SlackRefused as error:
        raise refused_app_token(error) from error


def refused_app_token(error: SlackRefused) -> CannotStart:
    """Which setting to mend where Slack refuses the app-level token."""
    mend = "Make an app-level token with the scope connections:write, and switch Socket Mode on."
    return CannotStart([f"SLACK_APP_TOKEN: Slack refused it ({error.code}). {mend}"])
