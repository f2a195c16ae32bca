"""What can stand in the way, sorted by who must act; `str(error)` is a sentence that may be shown as it is.

BotError
├── Misunderstood     the asker mends what was typed or chosen
├── NotAllowed        the asker talks to an owner of the bot
│   └── NotVisible    the asker may not learn whether there is any such thing
├── PermissionUnknown the asker tries again in a minute: Slack could not tell who they are
├── NotResendable       the state of the order or domain says no
├── CooldownActive        the same target got its mail a moment ago
├── LimitReached      the asker waits: they asked for many resends lately
├── CaRejected         DigiCert said no, and why
├── CaUnavailable     DigiCert gave no usable answer
│   ├── CaUnreadable  or one that is not what its documentation promises
│   └── CaRateLimited        or asked to slow down
├── StoreUnavailable  our own database did not answer in time
│   └── CommitUnknown  and may have written it down all the same
├── SlackRejected      Slack said no, and would say so again
├── SlackUnavailable  Slack did not answer, or asked to wait
└── ConfigurationError       an operator mends a setting
    └── DatabaseUnavailable  or waits: the database may be there again soon
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from bot.models import NO_GRANTEES, Cooldown, Grantees

_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


class BotError(Exception):
    """Everything that is not a bug."""


class InvalidInput(BotError):
    """What was typed or chosen cannot be used; `fields` names the form's field at fault, where there is one."""

    def __init__(self, sentence: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.fields = dict(fields or {})


class NotAllowed(BotError):
    """The policy said no; `rule` names what decided, for the ledger and the log, and `holders` are those who may."""

    def __init__(self, sentence: str, rule: str, holders: Grantees = NO_GRANTEES) -> None:
        super().__init__(sentence)
        self.rule = rule
        self.holders = holders


class NotVisible(NotAllowed):
    """The policy does not let the person learn about this, or it does not exist: the answer is the same."""


class PermissionUnknown(BotError):
    """Slack could not tell enough about the person to decide, which is neither a yes nor a no.

    `retry_after` is in seconds, 0 if Slack named no time.
    """

    def __init__(self, sentence: str, retry_after: float = 0.0) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class NotResendable(BotError):
    """There is no mail to resend here; `instead` tells what would help."""

    def __init__(self, sentence: str, instead: str) -> None:
        super().__init__(sentence)
        self.hint = instead


class CooldownActive(BotError):
    """The target was sent to a moment ago, and no reason was given to do it again."""

    def __init__(self, cooldown: Cooldown) -> None:
        super().__init__("This was sent a moment ago; say in Reason why it should be sent again.")
        self.cooldown = cooldown


class LimitReached(BotError):
    """A person asked for as many resends lately as DCV_PERSON_LIMITS allows: for this one, nothing was sent.

    `until` is when they can continue.
    """

    def __init__(self, requests: int, span: timedelta, until: datetime, now: datetime) -> None:
        # To the next whole minute: an earlier one would be too early.
        until = until.astimezone(UTC) + timedelta(seconds=-until.timestamp() % 60)
        day = "" if until.date() == now.astimezone(UTC).date() else f"{until:%Y-%m-%d} "
        super().__init__(f"{asked_for(requests, span)} You can continue at {day}{until:%H:%M} UTC.")
        self.requests = requests
        self.span = span
        self.until = until


def asked_for(requests: int, span: timedelta) -> str:
    """Return how many resends a person asked for, as a sentence."""
    seconds = int(span.total_seconds())
    length, unit = next((seconds // size, unit) for size, unit in _UNITS if seconds % size == 0)
    resends, last = _counted(requests, "resend"), unit if length == 1 else _counted(length, unit)
    return f"You asked for {resends} in the last {last}."


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


class CaError(BotError):
    """A call to DigiCert did not end well."""


class CaRejected(CaError):
    """DigiCert answered and said no (a 4xx): nothing was sent."""

    def __init__(self, sentence: str, *, status: int, codes: Sequence[str] = ()) -> None:
        super().__init__(sentence)
        self.status = status
        self.codes = tuple(codes)

    @property
    def is_about_the_key(self) -> bool:
        """Whether DigiCert does not accept the API key, so that every other call is refused as well."""
        return any("invalid_key" in code for code in self.codes)


class CaUnavailable(CaError):
    """DigiCert gave no usable answer; `may_have_arrived` says whether the call may still have taken effect."""

    def __init__(self, sentence: str, *, may_have_arrived: bool) -> None:
        super().__init__(sentence)
        self.may_have_arrived = may_have_arrived


class CaUnreadable(CaUnavailable):
    """DigiCert answered a read with something that its documentation does not promise."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, may_have_arrived=False)


class CaRateLimited(CaUnavailable):
    """DigiCert turned the call away (429); `retry_after` is in seconds where it was told."""

    def __init__(self, retry_after: float | None) -> None:
        super().__init__("DigiCert asks us to slow down (429).", may_have_arrived=False)
        self.retry_after = retry_after


class StoreUnavailable(BotError):
    """The bot's own database did not answer in time; the transaction was rolled back."""


class CommitUnknown(StoreUnavailable):
    """The bot's own database went away during the commit: what was written may stand there, or not."""


class SlackRejected(BotError):
    """Slack said no and would say so again; `code` is Slack's word for it."""

    def __init__(self, code: str) -> None:
        super().__init__(f"Slack refused ({code}).")
        self.code = code


class SlackUnavailable(BotError):
    """Slack did not answer, or asked to wait `retry_after` seconds; the same call may work later."""

    def __init__(self, sentence: str, retry_after: float = 0.0) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class ConfigurationError(BotError):
    """The process cannot start; one line per problem, each naming the setting and the mend."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class DatabaseUnavailable(ConfigurationError):
    """The database cannot be opened now, for a reason that may pass by itself: it restarts, or it is locked."""
