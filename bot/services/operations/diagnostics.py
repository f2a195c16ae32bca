"""What `dcv-resend check` makes of what it saw: each finding is a sentence, with the mend where one is needed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from bot.digicert.client import KeyPermissions
from bot.policy.rules import Rule
from bot.settings import Settings, may_cross_a_network_in_clear
from bot.slack import scopes
from bot.slack.channels import Channel
from bot.slack.client import Identity
from bot.store.inspection import Inspection, Tables
from bot.views.blocks import join_names

MOST_DOMAINS = 20
CLOCKS_DIFFER = timedelta(seconds=30)

_ADD_SCOPE = 'Add it under "OAuth & Permissions" of your Slack app and install the app anew'


class Severity(StrEnum):
    """How bad it is; only a problem keeps the bot from its work."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the answer."""

    level: Severity
    sentence: str

    def line(self) -> str:
        """The finding as one line, whatever strangers' names hold."""
        words = "".join(letter if letter.isprintable() else " " for letter in self.sentence)
        return f"{self.level.value:<9}{' '.join(words.split())}"


def problems(sentences: Sequence[str]) -> list[Finding]:
    """What must be mended, one finding each."""
    return [Finding(Severity.PROBLEM, sentence) for sentence in sentences]


def unreachable(setting: str, where: str, why: str) -> Finding:
    """That a setting could not be checked, since nobody answered as they should."""
    mend = f"Check again; if it stays so, see whether this machine reaches {where}, and by the right proxy"
    return Finding(Severity.PROBLEM, f"{setting} could not be checked. {why} {mend}.")


def mistake(setting: str, error: Exception) -> Finding:
    """That a check failed for a reason that nobody thought of."""
    return Finding(
        Severity.PROBLEM, f"{setting} could not be checked, by a mistake in the bot ({type(error).__name__})."
    )


def of_settings(settings: Settings) -> list[Finding]:
    """What settings that can be read still lack."""
    found = [Finding(Severity.OK, "Every setting can be read.")]
    if not settings.dcv_allowed_users and not settings.dcv_allowed_usergroups and not settings.dcv_policy_file:
        nobody = "Nobody may resend: list Slack ids in DCV_ALLOWED_USERS or DCV_ALLOWED_USERGROUPS."
        found.append(Finding(Severity.WARNING, nobody))
    if may_cross_a_network_in_clear(settings.database_url.get_secret_value()):
        mend = "Set DATABASE_TLS=require, or an sslmode in DATABASE_URL"
        in_clear = f"DATABASE_TLS is off: rows and the password may reach PostgreSQL over a network in clear. {mend}."
        found.append(Finding(Severity.WARNING, in_clear))
    return found


def of_modes_of_files(modes: Mapping[str, int]) -> list[Finding]:
    """Which files, by their modes, others of this machine may read or change."""
    return [
        Finding(
            Severity.WARNING, f"Others may {_what_others_may(mode)} {file} (mode {mode:04o}). Run: chmod 600 {file}"
        )
        for file, mode in modes.items()
        if mode & 0o077
    ]


def _what_others_may(mode: int) -> str:
    words = {"read": mode & 0o044, "write": mode & 0o022, "run": mode & 0o011}
    return " and ".join(word for word, may in words.items() if may)


def of_policy(file: str, rules: Sequence[Rule]) -> list[Finding]:
    """What a policy file that can be used holds."""
    allowing = sum(rule.effect_allows for rule in rules)
    counted = f"{_rules(allowing)} that {'allows' if allowing == 1 else 'allow'}"
    denying = len(rules) - allowing
    counted += f" and {denying} that {'denies' if denying == 1 else 'deny'}" if denying else ""
    return [Finding(Severity.OK, f"The policy file {file} holds {counted}.")]


def of_deny(rule: Rule, stopped: Sequence[str]) -> list[Finding]:
    """The stored domains that a deny stops besides what it names; nothing if there is none."""
    if not stopped:
        return []
    names = join_names(stopped, MOST_DOMAINS)
    why = "an email for a domain validates everything below it"
    return [Finding(Severity.OK, f"Rule “{rule.name}” also stops emails for the stored domains {names}: {why}.")]


def _rules(count: int) -> str:
    return f"{count} rule" if count == 1 else f"{count} rules"


def of_bot(identity: Identity) -> list[Finding]:
    """Who the bot is in Slack, and which rights it lacks there."""
    team = f"{identity.team} ({identity.team_id})" if identity.team else identity.team_id
    who = f"SLACK_BOT_TOKEN is that of @{identity.name or identity.bot_user_id} in the workspace {team}."
    return [Finding(Severity.OK, who), *_of_scopes(identity.scopes)]


def _of_scopes(granted: frozenset[str]) -> list[Finding]:
    if not granted:
        return [Finding(Severity.WARNING, "Slack did not tell the bot's scopes; compare them with manifest.yml.")]
    missing = scopes.missing(granted)
    found = problems(
        [f"The scope {scope} is missing: without it {scopes.NEEDED[scope]}. {_ADD_SCOPE}." for scope in missing]
    )
    if not missing:
        found = [Finding(Severity.OK, f"All {len(scopes.NEEDED)} scopes that the bot needs are granted.")]
    for scope, otherwise in scopes.OPTIONAL.items():
        state = "is granted" if scope in granted else f"is not granted: without it {otherwise}"
        found.append(Finding(Severity.OK, f"The optional scope {scope} {state}."))
    return found


def of_alert_channel(channel: Channel) -> Finding:
    """Whether alerts in a channel can get an offer."""
    name = f"#{channel.name} ({channel.id})" if channel.name else channel.id
    if channel.is_shared:
        why = "is shared with another organization: nothing is offered there. Take it out of DCV_ALERT_CHANNELS"
        return Finding(Severity.WARNING, f"{name} {why}.")
    if not channel.is_member:
        return Finding(Severity.WARNING, f"The bot is not in {name}, so it hears of no alert there. /invite it.")
    return Finding(Severity.OK, f"Alerts in {name} are heard.")


def of_hidden_alert_channel(channel_id: str, code: str) -> Finding:
    """That the bot cannot see a channel at all."""
    mend = "/invite the bot, or correct DCV_ALERT_CHANNELS"
    return Finding(Severity.WARNING, f"The bot cannot see the channel {channel_id} of alerts ({code}). {mend}.")


def of_modes(has_app_token: bool, has_signing_secret: bool) -> list[Finding]:
    """Whether there is a way for Slack to reach the bot; the app token is tried, a signing secret cannot be."""
    if has_signing_secret:
        sentence = "SLACK_SIGNING_SECRET is set; whether it is the right one shows only when Slack calls."
        return [Finding(Severity.OK, sentence)]
    if has_app_token:
        return []
    mend = "Set the first for `dcv-resend run` (Socket Mode), or the second for `dcv-resend serve` (HTTP)"
    return problems([f"SLACK_APP_TOKEN, SLACK_SIGNING_SECRET: neither is set, so Slack cannot reach the bot. {mend}."])


def of_app_token() -> list[Finding]:
    """That the app token is accepted."""
    return [Finding(Severity.OK, "SLACK_APP_TOKEN opens Socket Mode.")]


def of_key(owner: str, readable: KeyPermissions) -> list[Finding]:
    """Whose the key is and what it may; that it may resend no read can prove."""
    found = [Finding(Severity.OK, f"DIGICERT_API_KEY is that of {owner}.")]
    tried = {"orders": readable.orders, "the validation of orders": readable.validations, "domains": readable.domains}
    if lacking := [what for what, may in tried.items() if may is False]:
        mend = 'Give it the role "Orders, Domains, Organizations", and a user who may manage orders and domains'
        return [*found, *problems([f"DIGICERT_API_KEY may not read {join_names(lacking)}. {mend}."])]
    reads = join_names([what for what, may in tried.items() if may])
    unproven = "whether it may resend shows only when it does"
    if readable.validations is None:
        unproven += ", and whether it may read the validation of orders once one waits"
    return [*found, Finding(Severity.OK, f"DIGICERT_API_KEY may read {reads}; {unproven}.")]


def of_database(observation: Inspection) -> list[Finding]:
    """How the database stands, and whether a bot runs on it."""
    found = [Finding(*_of_tables(observation))]
    if observation.running is not None:
        sentence = f"A bot is running on this database ({observation.running}); a second one would not start."
        found.append(Finding(Severity.OK, sentence))
    if observation.instances:
        sentence = (
            f"On this database run the instances {join_names(observation.instances)}; others may run beside them."
        )
        found.append(Finding(Severity.OK, sentence))
    return found


def _of_tables(observation: Inspection) -> tuple[Severity, str]:
    match observation.tables:
        case Tables.MISSING:
            return Severity.OK, f"The database {observation.where} holds no tables yet; `dcv-resend run` makes them."
        case Tables.BEHIND:
            step = f"from {observation.revision} to {observation.head}"
            return (
                Severity.WARNING,
                f"The database {observation.where} waits for migrations {step}; `dcv-resend run` makes them.",
            )
        case Tables.UNKNOWN:
            whose = f"of a newer bot or of another program (revision {observation.revision}, not {observation.head})"
            mend = "Install that version, or name another database"
            return Severity.PROBLEM, f"DATABASE_URL: the tables in {observation.where} are {whose}. {mend}."
        case Tables.UP_TO_DATE:
            return (
                Severity.OK,
                f"The database {observation.where} can be read, and its tables are up to date ({observation.head}).",
            )


def of_clocks(ahead: Mapping[str, timedelta | None]) -> list[Finding]:
    """How far this machine's clock is from the others' by name; None where one told no time."""
    told = {name: length for name, length in ahead.items() if length is not None}
    if not told:
        return [Finding(Severity.WARNING, "This machine's clock could not be compared: nobody told the time.")]
    off = {name: length for name, length in told.items() if abs(length) > CLOCKS_DIFFER}
    if not off:
        return [Finding(Severity.OK, f"This machine's clock agrees with that of {join_names(list(told))}.")]
    apart = join_names([f"{_length(length)} that of {name}" for name, length in off.items()])
    sentence = f"This machine's clock is {apart}; tokens, cooldown and ledger depend on it. Have it set by NTP."
    return problems([sentence])


def _length(ahead: timedelta) -> str:
    seconds = round(abs(ahead).total_seconds())
    units = (("days", 86400), ("hours", 3600), ("minutes", 60), ("seconds", 1))
    unit, size = next(unit for unit in units if seconds >= 2 * unit[1])
    return f"{seconds // size} {unit} {'ahead of' if ahead > timedelta(0) else 'behind'}"
