"""`dcv-resend policy explain`: print what the rules say about one person and one name."""

import asyncio
from collections.abc import Callable

from bot import logs
from bot.errors import CaError, ConfigurationError, InvalidInput, SlackRejected, SlackUnavailable
from bot.models import Destination
from bot.parsing.targets import read_target
from bot.policy.principal import Principal
from bot.policy.rules import AccessContext, Action, Resource, Rules
from bot.services.authorization.resources import resource_for_input
from bot.services.operations import diagnostics
from bot.settings import Settings
from bot.slack.client import open_client
from bot.slack.directory import Directory
from bot.views import policy_explanation
from bot.wiring import open_policy_loader
from handlers.cli.check import stopped_domains
from handlers.server.startup_checks import CHECK_SECONDS, identify_bot


async def explain(user_id: str, name: str, channel: str | None, echo: Callable[[str], None]) -> int:
    """Print the explanation line by line.

    Return the exit status: 0 if the person may resend, 1 if not, 2 if Slack's answer about them is missing.
    Raises ConfigurationError if a setting, the policy file, the person or the name is wrong, or Slack is unreachable.
    """
    logs.disable()
    settings = Settings.load()
    resource = _resource(name, channel)
    context = await _context(settings, user_id)
    for line in policy_explanation.explanation_lines(user_id, context, resource, policy_explanation.TERMINAL):
        echo(logs.secret_redactor(settings)(line))
    for line in await _also_stopped(settings, context.rules):
        echo(logs.secret_redactor(settings)(line))
    decision = context.decide(Action.RESEND, resource)
    if decision.is_unknown:
        return 2
    return 0 if decision.allowed else 1


def _resource(name: str, channel: str | None) -> Resource:
    try:
        return resource_for_input(Destination(channel) if channel else None, read_target(name))
    except InvalidInput as error:
        raise ConfigurationError([str(error)]) from None


async def _also_stopped(settings: Settings, rules: Rules) -> list[str]:
    """Return a line for each deny that stops more stored domains than it names, or why that is not known."""
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            stopped = await stopped_domains(settings, rules.of_file)
    except (CaError, TimeoutError) as error:
        return [f"DigiCert couldn't list the domains that a deny rule also stops. {error}".strip()]
    return [finding.sentence for rule, names in stopped for finding in diagnostics.of_deny(rule, names)]


async def _context(settings: Settings, user_id: str) -> AccessContext:
    """Return the current rules and the person as Slack reports them now.

    Raises ConfigurationError if Slack cannot be reached or does not know the person.
    """
    token = settings.slack_bot_token.get_secret_value()
    try:
        async with asyncio.timeout(CHECK_SECONDS), open_client(token, settings.slack_api_url) as slack:
            rules = await (await open_policy_loader(settings, await identify_bot(slack))).rules()
            return AccessContext(rules, await _person(Directory(slack), user_id, rules.groups_about(user_id)))
    except (SlackUnavailable, TimeoutError) as error:
        raise ConfigurationError([f"Slack is unreachable. {error} Try again.".replace("  ", " ")]) from None


async def _person(directory: Directory, user_id: str, groups: frozenset[str]) -> Principal:
    try:
        return await directory.person(user_id, groups)
    except SlackRejected as error:
        mend = 'Use the ID (U…) that the Slack profile shows under "Copy member ID"'
        raise ConfigurationError([f"Slack has no user {user_id[:40]} ({error.code}). {mend}."]) from None
