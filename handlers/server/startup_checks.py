"""Checks of Slack and DigiCert for `run` and `check`. A wrong token or key prevents a start, an outage does not."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from bot.digicert.client import CertCentral
from bot.errors import CaRejected, CaUnavailable, ConfigurationError, SlackRejected, SlackUnavailable
from bot.services.operations import diagnostics
from bot.services.operations.diagnostics import Finding, Severity
from bot.settings import Settings
from bot.slack import scopes
from bot.slack.channels import count_guests, get_channel
from bot.slack.client import TOKEN_IS_BAD, UNKNOWN, Client, Identity, identify
from bot.timings import PRODUCTION, Timings

log = structlog.get_logger(__name__)

CHECK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of the checks before a start."""

    identity: Identity
    digicert_answers: bool


async def check_start(
    check_transport: Callable[[Client], Awaitable[None]],
    slack: Client,
    certcentral: CertCentral,
    timings: Timings = PRODUCTION,
) -> Checked:
    """Wait until Slack can be reached, and return the bot's identity.

    Raises ConfigurationError if a token or the key is wrong. An unreachable DigiCert is only reported in the result.
    """
    identity, digicert = await asyncio.gather(
        _ask_slack(check_transport, slack, timings),
        ask_digicert(certcentral, timings.digicert_check_timeout),
        return_exceptions=True,
    )
    problems = [
        line for error in (identity, digicert) if isinstance(error, ConfigurationError) for line in error.problems
    ]
    if problems:
        raise ConfigurationError(problems)
    if isinstance(digicert, BaseException):
        raise digicert
    while identity is None:
        identity = await _ask_slack(check_transport, slack, timings)
    if isinstance(identity, BaseException):
        raise identity
    _warn_of_scopes(identity)
    return Checked(identity, digicert_answers=digicert)


async def _ask_slack(
    check_transport: Callable[[Client], Awaitable[None]], slack: Client, timings: Timings
) -> Identity | None:
    """Return the bot's identity, or None after the retry delay if Slack cannot be reached."""
    try:
        identity = await identify_bot(slack)
        await check_transport(slack)
    except SlackUnavailable as error:
        delay = timings.start_retry_delay
        log.warning("Slack is unreachable; trying again", error=str(error), seconds=delay)
        await asyncio.sleep(delay)
        return None
    return identity


async def identify_bot(slack: Client) -> Identity:
    """Return the bot's identity in Slack.

    Raises ConfigurationError if Slack rejects the bot token, SlackUnavailable if it cannot be reached.
    """
    try:
        return await identify(slack)
    except SlackRejected as error:
        raise bot_token_rejected(error) from error


async def watch_bot_token(slack: Client, timings: Timings = PRODUCTION) -> None:
    """Verify the bot token whenever a call reports it as bad. Raises ConfigurationError if Slack confirms that.

    A single wrong answer or an outage of Slack does not end the bot.
    """
    while True:
        await slack.token_rejected.wait()
        log.error("Slack rejected the bot token; checking again")
        try:
            await identify(slack)
        except SlackRejected as error:
            if error.code in TOKEN_IS_BAD:
                raise bot_token_rejected(error) from error
        except SlackUnavailable:
            await asyncio.sleep(timings.start_retry_delay)
            continue
        slack.token_rejected.clear()


def bot_token_rejected(error: SlackRejected) -> ConfigurationError:
    """Return an error that names the setting to fix: the bot token, or an API address that is not Slack's."""
    if error.code == UNKNOWN:
        return ConfigurationError(["SLACK_API_URL: the server there doesn't answer like Slack. Correct the address."])
    return ConfigurationError([f"SLACK_BOT_TOKEN: Slack rejected it ({error.code}). Copy the bot token again."])


def _warn_of_scopes(identity: Identity) -> None:
    """Log missing scopes. Does nothing if a proxy has removed Slack's scope header."""
    if identity.scopes and (missing := scopes.missing(identity.scopes)):
        fix = "run `dcv-resend check` to see what fails; add the scopes to your Slack app and reinstall it"
        log.warning("scopes are missing", scopes=", ".join(missing), fix=fix)


async def ask_digicert(certcentral: CertCentral, seconds: float) -> bool:
    """Log the key's owner and return True, or log a warning and return False if DigiCert is unreachable.

    Raises ConfigurationError if DigiCert rejects the key.
    """
    try:
        async with asyncio.timeout(seconds):
            whose = await certcentral.check_key()
    except CaRejected as error:
        raise ConfigurationError([key_rejected(error)]) from error
    except (CaUnavailable, TimeoutError) as error:
        log.warning("DigiCert is unreachable; the bot runs anyway", error=str(error) or "No response.")
        return False
    log.info("DigiCert accepted the API key", user=whose)
    return True


async def alert_channels(settings: Settings, slack: Client) -> list[Finding]:
    """Return a finding for each channel of DCV_ALERT_CHANNELS. Raises SlackUnavailable if Slack cannot be reached."""
    return list(await asyncio.gather(*(_alert_channel(slack, each) for each in sorted(settings.dcv_alert_channels))))


async def _alert_channel(slack: Client, channel_id: str) -> Finding:
    try:
        return diagnostics.of_alert_channel(await get_channel(slack, channel_id))
    except SlackRejected as error:
        return diagnostics.of_hidden_alert_channel(channel_id, error.code)


async def digest_channel(slack: Client, channel_id: str) -> Finding:
    """Return the finding on a channel that gets a digest. Raises SlackUnavailable if Slack cannot be reached."""
    try:
        channel = await get_channel(slack, channel_id)
        guests = await count_guests(slack, channel_id) if channel.is_member else 0
    except SlackRejected as error:
        return diagnostics.of_hidden_digest_channel(channel_id, error.code)
    return diagnostics.of_digest_channel(channel, guests)


async def warn_of_alert_channels(settings: Settings, slack: Client) -> None:
    """Log each alert channel that the bot cannot read. Logs a single warning if Slack cannot be reached."""
    try:
        found = await alert_channels(settings, slack)
    except SlackUnavailable as error:
        log.warning("the alert channels could not be checked", error=str(error))
        return
    for finding in found:
        if finding.level is not Severity.OK:
            log.warning("an alert channel doesn't work", problem=finding.sentence)


def key_rejected(error: CaRejected) -> str:
    """Return a line that names the setting to fix: the key if DigiCert answers 403, else the API's address."""
    if error.status == 403:
        return f"DIGICERT_API_KEY: {error} Copy the API key of a service user from CertCentral."
    return f"DIGICERT_BASE_URL: {str(error).rstrip('.')}. Is this the address of your CertCentral's Services API?"


async def wait_for_digicert(certcentral: CertCentral, timings: Timings) -> None:
    """Retry the key check until DigiCert answers. A wrong key is logged, and each resend then reports it."""
    try:
        seconds = timings.digicert_check_timeout
        while not await ask_digicert(certcentral, seconds):  # noqa: ASYNC110 - DigiCert does not announce its return
            await asyncio.sleep(timings.digicert_retry_delay)
    except ConfigurationError as error:
        log.critical("DigiCert rejects the API key", problem=str(error))
