"""`dcv-resend check`: verify everything that a start needs, change nothing, and print one line per finding."""

import asyncio
import os
import stat
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from bot import logs
from bot.clock import ClockSkew, utc_now
from bot.errors import CaRejected, CaUnavailable, ConfigurationError, SlackUnavailable
from bot.expiry.digest_file import DigestRule
from bot.policy.rules import Rule, Rules
from bot.services.authorization.policy_loader import read_rules
from bot.services.expiry.digest_loader import read_digests, with_default
from bot.services.lookup.account import read_account
from bot.services.lookup.reach import domains_stopped
from bot.services.operations import diagnostics
from bot.services.operations.config_files import read_calendar
from bot.services.operations.diagnostics import Finding, Severity
from bot.settings import ENV_FILE, Settings, is_set, unknown_names
from bot.slack.client import open_client
from bot.store.database_file import files_of, sqlite_file
from bot.store.inspection import inspect
from bot.wiring import open_certcentral
from handlers.server.startup_checks import (
    CHECK_SECONDS,
    alert_channels,
    digest_channel,
    identify_bot,
    key_rejected,
)
from handlers.transport.app_token import request_socket_url


async def check(echo: Callable[[str], None]) -> int:
    """Check everything and pass each finding to `echo` as one line.

    Return the exit status: 0, or 2 if the operator must fix something. Ends the process itself if a check timed out.
    """
    logs.disable()
    began = time.monotonic()
    found = await _found()
    for finding in found:
        echo(finding.line())
    status = 2 if any(finding.level is Severity.PROBLEM for finding in found) else 0
    if time.monotonic() - began > CHECK_SECONDS:
        # A check timed out. A blocked DNS lookup runs in a thread that cannot be cancelled and would delay the exit.
        sys.stdout.flush()
        os._exit(status)
    return status


async def _found() -> list[Finding]:
    """Return every finding, with secrets redacted; only the settings' problems if the settings cannot be read."""
    try:
        settings = Settings.load()
    except ConfigurationError as error:
        return _without_settings(error)
    hide = logs.secret_redactor(settings)
    return [replace(finding, sentence=hide(finding.sentence)) for finding in await _diagnose(settings)]


def _without_settings(error: ConfigurationError) -> list[Finding]:
    """Return everything that the settings lack, so that a single run lists it all."""
    absent = [] if Path(ENV_FILE).exists() else [diagnostics.no_file(ENV_FILE, Path.cwd())]
    modes = diagnostics.of_modes(is_set("SLACK_APP_TOKEN"), is_set("SLACK_SIGNING_SECRET"))
    problems = [finding for finding in modes if finding.level is Severity.PROBLEM]
    return [
        *absent,
        *diagnostics.of_unknown_names(unknown_names()),
        *diagnostics.problems(error.problems),
        *problems,
    ]


async def _diagnose(settings: Settings) -> list[Finding]:
    app_token = settings.slack_app_token
    slack, digicert = ClockSkew(utc_now), ClockSkew(utc_now)
    slack_host, digicert_host = (urlsplit(url).netloc for url in (settings.slack_api_url, settings.digicert_base_url))
    digests = await _digests(settings)
    rules = digests if isinstance(digests, tuple) else ()
    results = await asyncio.gather(
        _run_check("SLACK_BOT_TOKEN", slack_host, _bot(settings, slack)),
        *(
            _run_check("SLACK_APP_TOKEN", slack_host, _app_token(settings, app, slack))
            for app in filter(None, [app_token])
        ),
        _run_check("DCV_DIGEST_FILE", slack_host, _digest_channels(settings, rules)),
        _run_check("DIGICERT_API_KEY", digicert_host, _key(settings, digicert)),
        _run_check("DCV_POLICY_FILE", digicert_host, _denies(settings)),
        _run_check("DATABASE_URL", "the database", _database(settings)),
    )
    modes = diagnostics.of_modes(app_token is not None, settings.slack_signing_secret is not None)
    clocks = diagnostics.of_clocks({slack_host: slack.offset, digicert_host: digicert.offset})
    return [
        *diagnostics.of_settings(settings),
        *diagnostics.of_unknown_names(unknown_names()),
        *diagnostics.of_modes_of_files(_modes(settings)),
        *await _policy(settings),
        *await _validity(settings),
        *_digest_problems(digests),
        *modes,
        *(finding for part in results for finding in part),
        *clocks,
    ]


def _modes(settings: Settings) -> dict[str, int]:
    """Return the permission bits of each existing file that holds secrets, rules or the database, by path."""
    files = [Path(file) for file in (ENV_FILE, settings.dcv_policy_file) if file]
    modes = {}
    # A file may disappear meanwhile, and the database check reports one that cannot be used.
    with suppress(ConfigurationError):
        if database := sqlite_file(settings.database_url.get_secret_value()):
            files += files_of(database)
    for file in files:
        with suppress(OSError):
            modes[str(file)] = stat.S_IMODE(file.stat().st_mode)
    return modes


async def _policy(settings: Settings) -> list[Finding]:
    file = settings.dcv_policy_file
    try:
        return diagnostics.of_policy(file, await asyncio.to_thread(read_rules, file)) if file else []
    except ConfigurationError as error:
        return diagnostics.problems(error.problems)


async def _validity(settings: Settings) -> list[Finding]:
    try:
        if settings.dcv_validity_file:
            await asyncio.to_thread(read_calendar, settings.dcv_validity_file)
    except ConfigurationError as error:
        return diagnostics.problems(error.problems)
    return []


async def _digests(settings: Settings) -> tuple[DigestRule, ...] | ConfigurationError:
    file = settings.dcv_digest_file
    try:
        return with_default(await asyncio.to_thread(read_digests, file) if file else (), settings.dcv_digest_channel)
    except ConfigurationError as error:
        return error


def _digest_problems(digests: tuple[DigestRule, ...] | ConfigurationError) -> list[Finding]:
    if isinstance(digests, ConfigurationError):
        return diagnostics.problems(digests.problems)
    return diagnostics.of_digests(digests)


async def _digest_channels(settings: Settings, digests: Sequence[DigestRule]) -> list[Finding]:
    """Return a finding for each channel that gets a digest."""
    if not digests:
        return []
    token = settings.slack_bot_token.get_secret_value()
    async with open_client(token, settings.slack_api_url) as slack:
        return list(await asyncio.gather(*(digest_channel(slack, rule.channel) for rule in digests)))


async def _denies(settings: Settings) -> list[Finding]:
    """Return the stored domains that each deny stops beyond those it names.

    Return nothing for a policy file with mistakes: `_policy` reports those.
    """
    try:
        file = settings.dcv_policy_file
        rules = await asyncio.to_thread(read_rules, file) if file else ()
    except ConfigurationError:
        return []
    return [
        finding
        for rule, names in await stopped_domains(settings, rules)
        for finding in diagnostics.of_deny(rule, names)
    ]


async def stopped_domains(settings: Settings, rules: Sequence[Rule]) -> list[tuple[Rule, list[str]]]:
    """Return each rule that denies emails for some names or orders, with the stored domains that it also stops."""
    denies = Rules(frozenset(), frozenset(), frozenset(), tuple(rules)).limited_denies
    if not denies:
        return []
    async with open_certcentral(settings) as certcentral:
        account = await read_account(certcentral, utc_now)
    return [(rule, domains_stopped(rule, account)) for rule in denies]


async def _run_check(setting: str, where: str, work: Awaitable[list[Finding]]) -> list[Finding]:
    """Return the findings of `work`, limited to CHECK_SECONDS. Errors and timeouts become findings about `setting`."""
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await work
    except ConfigurationError as error:
        return diagnostics.problems(error.problems)
    except (SlackUnavailable, CaUnavailable) as error:
        return [diagnostics.unreachable(setting, where, str(error))]
    except TimeoutError:
        return [diagnostics.unreachable(setting, where, f"No response within {CHECK_SECONDS:.0f} seconds.")]
    except Exception as error:
        return [diagnostics.mistake(setting, error)]


async def _bot(settings: Settings, clock: ClockSkew) -> list[Finding]:
    token = settings.slack_bot_token.get_secret_value()
    async with open_client(token, settings.slack_api_url, clock.observe) as slack:
        found = diagnostics.of_bot(await identify_bot(slack))
        return [*found, *await alert_channels(settings, slack)]


async def _app_token(settings: Settings, app_token: SecretStr, clock: ClockSkew) -> list[Finding]:
    token = settings.slack_bot_token.get_secret_value()
    async with open_client(token, settings.slack_api_url, clock.observe) as slack:
        await request_socket_url(app_token, slack)
        return diagnostics.of_app_token()


async def _key(settings: Settings, clock: ClockSkew) -> list[Finding]:
    async with open_certcentral(settings, clock.observe) as certcentral:
        try:
            return diagnostics.of_key(await certcentral.check_key(), await certcentral.key_permissions())
        except CaRejected as error:
            raise ConfigurationError([key_rejected(error)]) from error


async def _database(settings: Settings) -> list[Finding]:
    return diagnostics.of_database(await inspect(settings.database_url.get_secret_value()))
