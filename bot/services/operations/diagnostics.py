"""The diagnostics of `dcv-resend check`: each finding is a sentence, with a remedy if one is needed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from bot.digicert.client import KeyPermissions
from bot.expiry.digest_file import DigestRule
from bot.policy.rules import Rule
from bot.settings import Settings, may_cross_a_network_in_clear
from bot.slack import scopes
from bot.slack.channels import Channel
from bot.slack.client import Identity
from bot.store.inspection import Inspection, Tables
from bot.views.blocks import join_names

MOST_DOMAINS = 20
CLOCKS_DIFFER = timedelta(seconds=30)

_ADD_SCOPE = 'Add it under "OAuth & Permissions" of your Slack app, then reinstall the app'


class Severity(StrEnum):
    """The severity of a finding. Only a problem prevents the bot from working."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the output."""

    level: Severity
    sentence: str

    def line(self) -> str:
        """Return the finding on one line. Unprintable characters in names from Slack or DigiCert become spaces."""
        words = "".join(letter if letter.isprintable() else " " for letter in self.sentence)
        return f"{self.level.value:<9}{' '.join(words.split())}"


def problems(sentences: Sequence[str]) -> list[Finding]:
    """Return one finding for each problem."""
    return [Finding(Severity.PROBLEM, sentence) for sentence in sentences]


def unreachable(setting: str, host: str, why: str) -> Finding:
    """Return the finding for a setting that could not be checked, because a server did not answer as it should."""
    remedy = f"Try again, and check that this machine can reach {host}, directly or through a proxy"
    return Finding(Severity.PROBLEM, f"{setting} couldn't be checked. {why} {remedy}.")


def mistake(setting: str, error: Exception) -> Finding:
    """Return the finding for a check that failed by an unexpected exception."""
    return Finding(
        Severity.PROBLEM, f"{setting} couldn't be checked because of a bug in the bot ({type(error).__name__})."
    )


def of_settings(settings: Settings) -> list[Finding]:
    """Return what valid settings still lack."""
    found = [Finding(Severity.OK, "The settings are well-formed.")]
    if not settings.dcv_allowed_users and not settings.dcv_allowed_usergroups and not settings.dcv_policy_file:
        no_users = "No one can resend. Set DCV_ALLOWED_USERS or DCV_ALLOWED_USERGROUPS."
        found.append(Finding(Severity.WARNING, no_users))
    if may_cross_a_network_in_clear(settings.database_url.get_secret_value()):
        remedy = "Set DATABASE_TLS=require, or an sslmode in DATABASE_URL"
        in_clear = f"DATABASE_TLS is off, so rows and the password may cross the network unencrypted. {remedy}."
        found.append(Finding(Severity.WARNING, in_clear))
    return found


def of_unknown_names(names: Mapping[str, str | None]) -> list[Finding]:
    """Return a warning for each name that looks like a setting but is not one. A value is the most similar setting."""
    return [
        Finding(Severity.WARNING, f"{name} isn't a setting.{f' Did you mean {meant}?' if meant else ''}")
        for name, meant in names.items()
    ]


def no_file(name: str, folder: Path) -> Finding:
    """Return the finding that the folder has no file of settings."""
    remedy = "Create it, or run the command in its folder"
    return Finding(Severity.WARNING, f"There is no file {name} in {folder}. {remedy}.")


def of_modes_of_files(modes: Mapping[str, int]) -> list[Finding]:
    """Return a warning for each file that other users of this machine may read or change, by its mode."""
    return [
        Finding(
            Severity.WARNING, f"Other users can {_others_access(mode)} {file} (mode {mode:04o}). Run: chmod 600 {file}"
        )
        for file, mode in modes.items()
        if mode & 0o077  # any permission of the group or of others
    ]


def _others_access(mode: int) -> str:
    words = {"read": mode & 0o044, "write": mode & 0o022, "run": mode & 0o011}
    return " and ".join(word for word, may in words.items() if may)


def of_policy(file: str, rules: Sequence[Rule]) -> list[Finding]:
    """Return the finding on a valid policy file: how many rules it has."""
    allowing = sum(rule.effect_allows for rule in rules)
    counted = f"{_rules(allowing)} that {'allows' if allowing == 1 else 'allow'}"
    denying = len(rules) - allowing
    counted += f" and {denying} that {'denies' if denying == 1 else 'deny'}" if denying else ""
    return [Finding(Severity.OK, f"The policy file {file} has {counted}.")]


def of_deny(rule: Rule, stopped: Sequence[str]) -> list[Finding]:
    """Return the stored domains that a deny rule blocks besides those that it names; empty if there are none."""
    if not stopped:
        return []
    names = join_names(stopped, MOST_DOMAINS)
    why = "because an email for a domain validates everything below it"
    return [Finding(Severity.OK, f"Rule “{rule.name}” also stops emails for the domains {names}, {why}.")]


def _rules(count: int) -> str:
    return f"{count} rule" if count == 1 else f"{count} rules"


def of_bot(identity: Identity) -> list[Finding]:
    """Return the identity of the bot in Slack, and which scopes it lacks there."""
    team = f"{identity.team} ({identity.team_id})" if identity.team else identity.team_id
    who = f"SLACK_BOT_TOKEN belongs to @{identity.name or identity.bot_user_id} in the workspace {team}."
    return [Finding(Severity.OK, who), *_of_scopes(identity.scopes)]


def _of_scopes(granted: frozenset[str]) -> list[Finding]:
    if not granted:
        return [Finding(Severity.WARNING, "Slack didn't report the bot's scopes. Compare them with manifest.yml.")]
    missing = scopes.missing(granted)
    found = problems([f"Missing scope {scope}. Without it {scopes.NEEDED[scope]}. {_ADD_SCOPE}." for scope in missing])
    if not missing:
        found = [Finding(Severity.OK, f"All {len(scopes.NEEDED)} required scopes are granted.")]
    for scope, otherwise in scopes.OPTIONAL.items():
        state = "is granted" if scope in granted else f"isn't granted. Without it {otherwise}"
        found.append(Finding(Severity.OK, f"The optional scope {scope} {state}."))
    return found


def of_alert_channel(channel: Channel) -> Finding:
    """Return the finding on whether alerts in a channel can get an offer."""
    name = f"#{channel.name} ({channel.id})" if channel.name else channel.id
    if channel.is_shared:
        why = "is shared with another organization, so the bot ignores alerts there. Remove it from DCV_ALERT_CHANNELS"
        return Finding(Severity.WARNING, f"{name} {why}.")
    if not channel.is_member:
        return Finding(Severity.WARNING, f"The bot isn't in {name}, so it can't see alerts there. Invite it.")
    return Finding(Severity.OK, f"Watching {name} for alerts.")


def of_hidden_alert_channel(channel_id: str, code: str) -> Finding:
    """Return the finding for a channel that the bot cannot see. `code` is Slack's error."""
    remedy = "Invite the bot, or correct DCV_ALERT_CHANNELS"
    return Finding(Severity.WARNING, f"The bot can't see the alert channel {channel_id} ({code}). {remedy}.")


def of_digests(digests: Sequence[DigestRule]) -> list[Finding]:
    """Return the finding on valid digests: how many there are, and if some names are in none."""
    if not digests:
        return []
    count = "1 digest" if len(digests) == 1 else f"{len(digests)} digests"
    rest = "" if any(rule.names is None for rule in digests) else " Domains that none of them names are in no digest."
    return [Finding(Severity.OK, f"There {'is' if len(digests) == 1 else 'are'} {count}.{rest}")]


def of_digest_channel(channel: Channel, guests: int) -> Finding:
    """Return the finding on whether a digest can be posted in a channel, and who reads it there."""
    name = f"#{channel.name} ({channel.id})" if channel.name else channel.id
    if channel.is_shared:
        return Finding(Severity.WARNING, f"{name} is shared with another organization, so it gets no digest.")
    if channel.is_archived:
        return Finding(Severity.WARNING, f"{name} is archived, so it gets no digest.")
    if not channel.is_member:
        return Finding(Severity.WARNING, f"The bot isn't in {name}, so it can't post the digest there. Invite it.")
    if guests:
        who = "1 guest" if guests == 1 else f"{guests} guests"
        return Finding(Severity.WARNING, f"{who} can read the digest in {name}, with the names of your domains.")
    return Finding(Severity.OK, f"{name} gets a digest.")


def of_hidden_digest_channel(channel_id: str, code: str) -> Finding:
    """Return the finding for a channel that the bot cannot see. `code` is Slack's error."""
    remedy = "Invite the bot, or correct DCV_DIGEST_FILE or DCV_DIGEST_CHANNEL"
    return Finding(Severity.WARNING, f"The bot can't see the digest channel {channel_id} ({code}). {remedy}.")


def of_modes(has_app_token: bool, has_signing_secret: bool) -> list[Finding]:
    """Return the finding on whether Slack can reach the bot. A signing secret cannot be tested, unlike an app token."""
    if has_signing_secret:
        sentence = "SLACK_SIGNING_SECRET is set. It can be verified only when Slack sends a request."
        return [Finding(Severity.OK, sentence)]
    if has_app_token:
        return []
    remedy = "Set the first for `dcv-resend run` (Socket Mode), or the second for `dcv-resend serve` (HTTP)"
    return problems([f"SLACK_APP_TOKEN and SLACK_SIGNING_SECRET aren't set, so Slack can't reach the bot. {remedy}."])


def of_app_token() -> list[Finding]:
    """Return the finding for an accepted app token."""
    return [Finding(Severity.OK, "SLACK_APP_TOKEN can open a Socket Mode connection.")]


def of_key(owner: str, readable: KeyPermissions) -> list[Finding]:
    """Return the owner and the permissions of the API key. No read call can prove that it may resend."""
    found = [Finding(Severity.OK, f"DIGICERT_API_KEY belongs to {owner}.")]
    tried = {
        "orders": readable.orders,
        "the validation status of orders": readable.validations,
        "domains": readable.domains,
    }
    if lacking := [what for what, may in tried.items() if may is False]:
        remedy = 'Give it the role "Orders, Domains, Organizations", and a user that can manage orders and domains'
        return [*found, *problems([f"DIGICERT_API_KEY can't read {join_names(lacking)}. {remedy}."])]
    reads = join_names([what for what, may in tried.items() if may])
    unproven = "Permission to resend can't be tested without sending an email."
    if readable.validations is None:
        unproven += " Permission to read the validation status can't be tested while no order is pending."
    return [*found, Finding(Severity.OK, f"DIGICERT_API_KEY can read {reads}. {unproven}")]


def of_database(inspection: Inspection) -> list[Finding]:
    """Return the state of the database, and whether a bot runs on it."""
    found = [Finding(*_of_tables(inspection))]
    if inspection.running is not None:
        sentence = f"A bot is using this database ({inspection.running}), so a second one can't start."
        found.append(Finding(Severity.OK, sentence))
    if inspection.instances:
        sentence = f"Running instances on this database: {join_names(inspection.instances)}. More can start."
        found.append(Finding(Severity.OK, sentence))
    return found


def _of_tables(inspection: Inspection) -> tuple[Severity, str]:
    match inspection.tables:
        case Tables.MISSING:
            return Severity.OK, f"The database {inspection.where} has no tables yet. `dcv-resend run` creates them."
        case Tables.BEHIND:
            step = f"from {inspection.revision} to {inspection.head}"
            return (
                Severity.WARNING,
                f"The database {inspection.where} needs migrations {step}. `dcv-resend run` applies them.",
            )
        case Tables.UNKNOWN:
            whose = f"from a newer bot or another program (revision {inspection.revision}, not {inspection.head})"
            remedy = "Install that version, or use a different database"
            return Severity.PROBLEM, f"DATABASE_URL: the tables in {inspection.where} are {whose}. {remedy}."
        case Tables.UP_TO_DATE:
            return (
                Severity.OK,
                f"The database {inspection.where} is readable, and its tables are up to date ({inspection.head}).",
            )


def of_clocks(offsets: Mapping[str, timedelta | None]) -> list[Finding]:
    """Return how far this machine's clock is from the other clocks, by their names.

    A value is None if that server sent no time.
    """
    known = {name: length for name, length in offsets.items() if length is not None}
    if not known:
        return [Finding(Severity.WARNING, "This machine's clock couldn't be checked, because no server sent the time.")]
    off = {name: length for name, length in known.items() if abs(length) > CLOCKS_DIFFER}
    if not off:
        return [Finding(Severity.OK, f"This machine's clock agrees with {join_names(list(known))}.")]
    apart = join_names([f"{_length(length)} {name}'s" for name, length in off.items()])
    sentence = f"This machine's clock is {apart}. Synchronize it with NTP."
    return problems([sentence])


def _length(offset: timedelta) -> str:
    seconds = round(abs(offset).total_seconds())
    units = (("days", 86400), ("hours", 3600), ("minutes", 60), ("seconds", 1))
    unit, size = next(unit for unit in units if seconds >= 2 * unit[1])
    return f"{seconds // size} {unit} {'ahead of' if offset > timedelta(0) else 'behind'}"
