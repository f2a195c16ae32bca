"""Errors, sorted by who must act. `str(error)` is a sentence that may be shown to a user as it is.

BotError
├── InvalidInput             the user corrects what they typed or chose
│   ├── MistypedCommand      a word is nearly a command
│   └── StaleInteraction     the user begins again
├── NotAllowed               the user talks to an owner of the bot
│   └── NotVisible           the user may not learn whether this exists
├── PermissionUnknown        the user tries again in a minute: Slack did not say who they are
├── NotResendable            the state of the order or domain does not allow it
├── CooldownActive           the same target was emailed a moment ago
├── LimitReached             the user waits: they made too many requests lately
├── CaError                  a call to DigiCert failed
│   ├── CaRejected           DigiCert refused it and said why
│   └── CaUnavailable        DigiCert gave no usable answer
│       ├── CaUnreadable     the answer does not match DigiCert's documentation
│       └── CaRateLimited    DigiCert asked to slow down
├── StoreUnavailable         the bot's own database did not answer in time
│   └── CommitUnknown        the commit may have succeeded all the same
├── SlackRejected            Slack refused, and would refuse again
├── SlackUnavailable         Slack did not answer, or asked to wait
└── ConfigurationError       an operator corrects a setting
    └── DatabaseUnavailable  an operator waits: the database may be available again soon
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from bot.models import NO_GRANTEES, Cooldown, Grantees

_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


class BotError(Exception):
    """Base of all expected errors. Any other exception is a bug."""


class InvalidInput(BotError):
    """Input that cannot be used. `fields` has a sentence for each field of the form that is at fault."""

    def __init__(self, sentence: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.fields = dict(fields or {})


class MistypedCommand(InvalidInput):
    """A word that is nearly a command. `suggestion` is the whole line as it was probably meant."""

    def __init__(self, typed: str, suggestion: str) -> None:
        super().__init__(f"{typed} isn't a command.")
        self.suggestion = suggestion


class StaleInteraction(InvalidInput):
    """A button or form that the bot no longer knows: too old, from another version of the bot, or forged."""

    def __init__(self, what: str) -> None:
        super().__init__(f"This {what} has expired. Run /dcv-resend again.")


class NotAllowed(BotError):
    """The policy denied the action. `rule` names what decided, for ledger and log. `holders` are those who can.

    `target` is the key of the order or name that the user wanted. `can_ask` is True if the holders may be asked to
    resend for it.
    """

    def __init__(
        self, sentence: str, rule: str, holders: Grantees = NO_GRANTEES, target: str = "", *, can_ask: bool = False
    ) -> None:
        super().__init__(sentence)
        self.rule = rule
        self.holders = holders
        self.target = target
        self.can_ask = can_ask


class NotVisible(NotAllowed):
    """The policy does not allow the person to see this, or it does not exist: the answer is the same."""


class PermissionUnknown(BotError):
    """The policy could not be decided, as Slack did not say enough about the person.

    `retry_after` is in seconds, 0 if Slack named no time.
    """

    def __init__(self, sentence: str, retry_after: float = 0.0) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class NotResendable(BotError):
    """There is no email to resend. `hint` says what would help instead.

    `kind` is one word for the reason, for counts: "validated", "method", "unknown", or empty for all others.
    `revalidates` is the key of the domain that the user can revalidate instead, or empty. `page` is the key of the
    order or domain whose page in CertCentral helps, empty for CertCentral itself, or None.
    """

    def __init__(
        self, sentence: str, instead: str, kind: str = "", revalidates: str = "", page: str | None = None
    ) -> None:
        super().__init__(sentence)
        self.hint = instead
        self.kind = kind
        self.revalidates = revalidates
        self.page = page


class CooldownActive(BotError):
    """The target was emailed a moment ago, and the user gave no reason to repeat it."""

    def __init__(self, cooldown: Cooldown) -> None:
        super().__init__("Someone just resent this email. Give a reason to resend it again.")
        self.cooldown = cooldown


class LimitReached(BotError):
    """A person has requested as many resends as DCV_PERSON_LIMITS allows. Nothing was sent for this request.

    `until` is when they can continue. `what` is the noun for what they asked for.
    """

    def __init__(self, requests: int, span: timedelta, until: datetime, now: datetime, what: str = "resend") -> None:
        # To the next whole minute: an earlier one would be too early.
        until = until.astimezone(UTC) + timedelta(seconds=-until.timestamp() % 60)
        day = "" if until.date() == now.astimezone(UTC).date() else f"{until:%Y-%m-%d} "
        super().__init__(f"{asked_for(requests, span, what)} You can continue at {day}{until:%H:%M} UTC.")
        self.requests = requests
        self.span = span
        self.until = until


def asked_for(requests: int, span: timedelta, what: str = "resend") -> str:
    """Return how many resends, or checks, a person asked for, as a sentence."""
    seconds = int(span.total_seconds())
    length, unit = next((seconds // size, unit) for size, unit in _UNITS if seconds % size == 0)
    resends, last = _counted(requests, what), unit if length == 1 else _counted(length, unit)
    return f"You asked for {resends} in the last {last}."


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


class CaError(BotError):
    """A call to DigiCert failed."""


class CaRejected(CaError):
    """DigiCert refused the call (a 4xx): nothing was sent. `codes` are DigiCert's error codes."""

    def __init__(self, sentence: str, *, status: int, codes: Sequence[str] = ()) -> None:
        super().__init__(sentence)
        self.status = status
        self.codes = tuple(codes)

    @property
    def is_about_the_key(self) -> bool:
        """True if DigiCert does not accept the API key, so that it refuses every other call as well."""
        return any("invalid_key" in code for code in self.codes)


class CaUnavailable(CaError):
    """DigiCert gave no usable answer. `may_have_arrived` is True if the call may have had an effect all the same."""

    def __init__(self, sentence: str, *, may_have_arrived: bool) -> None:
        super().__init__(sentence)
        self.may_have_arrived = may_have_arrived


class CaUnreadable(CaUnavailable):
    """DigiCert's answer to a read does not match its documentation."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, may_have_arrived=False)


class CaRateLimited(CaUnavailable):
    """DigiCert rejected the call for its rate limit (429). `retry_after` is in seconds, None if not given."""

    def __init__(self, retry_after: float | None) -> None:
        super().__init__("DigiCert is limiting requests.", may_have_arrived=False)
        self.retry_after = retry_after


class StoreUnavailable(BotError):
    """The bot's own database did not answer in time. The transaction was rolled back."""


class CommitUnknown(StoreUnavailable):
    """The connection to the bot's own database was lost during the commit, which may have succeeded or not."""


class SlackRejected(BotError):
    """Slack refused, and would refuse again. `code` is Slack's error code."""

    def __init__(self, code: str) -> None:
        super().__init__(f"Slack refused ({code}).")
        self.code = code


class SlackUnavailable(BotError):
    """Slack did not answer, or asked to wait `retry_after` seconds. The same call may work later."""

    def __init__(self, sentence: str, retry_after: float = 0.0) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class ConfigurationError(BotError):
    """The process cannot start. Each problem is one line that names the setting and what to do."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class DatabaseUnavailable(ConfigurationError):
    """The database cannot be opened now, for a temporary reason: it restarts, or it is locked."""
