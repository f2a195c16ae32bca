"""The app-level token of Socket Mode."""

from pydantic import SecretStr

from bot.errors import ConfigurationError, SlackRejected
from bot.slack.client import Client, open_socket_url


async def request_socket_url(app_token: SecretStr, slack: Client) -> None:
    """Request one Socket Mode address, to verify the app token.

    Raises ConfigurationError if Slack rejects the token, SlackUnavailable if it cannot be reached.
    """
    try:
        await open_socket_url(slack, app_token.get_secret_value())
    except SlackRejected as error:
        raise app_token_rejected(error) from error


def app_token_rejected(error: SlackRejected) -> ConfigurationError:
    """Return an error that names the setting to fix if Slack rejects the app-level token."""
    mend = "Create an app-level token with the scope connections:write, and turn on Socket Mode."
    return ConfigurationError([f"SLACK_APP_TOKEN: Slack rejected it ({error.code}). {mend}"])
