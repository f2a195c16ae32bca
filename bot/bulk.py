"""Plans: many emails with one decision. Their values, and what can be said about them without I/O."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from bot.models import Actor, Call, CallResult, Destination, LedgerEvent, Reach
from bot.parsing.domain_names import without_wildcard

MOST_TARGETS = 500
# An approval, and the wait for one, end after this time. So does a preview that was not sent.
APPROVAL_TIME = timedelta(hours=24)
_LAST = datetime.max.replace(tzinfo=UTC)


class BulkState(StrEnum):
    """The state of a plan. FINISHED, DISCARDED, REJECTED and EXPIRED are final."""

    LOOKING_UP = "looking_up"
    READY = "ready"
    ASKING = "asking"
    RUNNING = "running"
    STOPPED = "stopped"
    FINISHED = "finished"
    DISCARDED = "discarded"
    REJECTED = "rejected"
    EXPIRED = "expired"


OVER = frozenset({BulkState.FINISHED, BulkState.DISCARDED, BulkState.REJECTED, BulkState.EXPIRED})


class BulkOutcome(StrEnum):
    """The end of one item, as the export writes it."""

    SENT = "sent"
    UNKNOWN = "unknown"
    REFUSED = "refused"
    NOT_SENT = "not sent"
    SKIPPED = "skipped"


_OUTCOMES = {
    LedgerEvent.SENT: BulkOutcome.SENT,
    LedgerEvent.UNKNOWN: BulkOutcome.UNKNOWN,
    LedgerEvent.REFUSED: BulkOutcome.REFUSED,
    LedgerEvent.NOT_SENT: BulkOutcome.NOT_SENT,
}
# Of several calls of one item, the first of these that occurs is the outcome of the item.
_WORST_FIRST = (LedgerEvent.UNKNOWN, LedgerEvent.REFUSED, LedgerEvent.NOT_SENT, LedgerEvent.SENT)


class Audience(StrEnum):
    """Whom a plan emails for each target."""

    USED = "used"
    """The mailbox that validated it before, else the one used last, a contact from DNS, or admin@."""
    ADMIN = "admin"
    """The mailbox admin@ of each domain."""
    MAILBOX = "mailbox"
    """One address, for each target that allows it."""
    EVERYONE = "everyone"
    """All allowed addresses."""


class LeftOutKind(StrEnum):
    """The kind of reason why a target gets no email."""

    VALIDATED = "validated"
    METHOD = "method"
    COOLDOWN = "cooldown"
    OTHER = "other"
    HIDDEN = "hidden"
    """Not found, or not covered by the rules: only the requester may learn of it."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A target that gets no email, and why. `title` is what the user typed or may see."""

    title: str
    kind: LeftOutKind
    words: str = ""


@dataclass(frozen=True, slots=True)
class BulkInput:
    """What a user asked for in the form. `wanted` is a filter or a list, as it was typed.

    If `revalidates`, domains that are valid or expired are submitted again, if that is worthwhile.
    """

    wanted: str
    audience: Audience
    locale: str
    mailbox: str = ""
    reason: str | None = None
    revalidates: bool = False


@dataclass(frozen=True, slots=True)
class BulkPlan:
    """A plan. `person_id` is the requester's id in the whole organization, which may differ from the actor's.

    `hash` is that of its frozen rows, empty until they are. `lines` counts the targets that were asked for, and
    `targets` those with an email. `run` counts the starts. `note` says why it stopped, as marked-up text.
    """

    id: str
    actor: Actor
    person_id: str
    destination: Destination
    asked: BulkInput
    at: datetime
    state: BulkState = BulkState.LOOKING_UP
    hash: str = ""
    lines: int = 0
    targets: int = 0
    emails: int = 0
    left_out: tuple[LeftOut, ...] = ()
    repeated: int = 0
    everyone: int = 0
    problem: str = ""
    asked_at: datetime | None = None
    approver: Actor | None = None
    approved_at: datetime | None = None
    run: int = 0
    started_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str = ""
    note: str = ""

    @property
    def is_over(self) -> bool:
        """True if nothing more will be sent for it."""
        return self.state in OVER

    @property
    def is_running(self) -> bool:
        """True if its items are being sent."""
        return self.state is BulkState.RUNNING

    def is_requester(self, ids: Iterable[str]) -> bool:
        """Return True if one of a person's ids is the requester's."""
        return not {self.actor.user_id, self.person_id}.isdisjoint(ids)


@dataclass(frozen=True, slots=True)
class BulkItem:
    """One row of a plan: a target and its calls. Frozen but for its end.

    `request_id` is the id of its request, known before the request exists. `ends_at` is when what it renews ends,
    `since` when it began to wait. `row` is the ledger's row with its outcome.
    """

    number: int
    key: str
    title: str
    subject: str
    calls: tuple[Call, ...]
    reach: Reach
    request_id: str
    ends_at: datetime | None = None
    since: datetime | None = None
    revalidates: bool = False
    outcome: BulkOutcome | None = None
    words: str = ""
    ended_at: datetime | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names that its emails validate, each once."""
        return tuple(dict.fromkeys(name for call in self.calls for name in call.names))

    @property
    def recipients(self) -> tuple[str, ...]:
        """The addresses that it emails, each once."""
        return tuple(dict.fromkeys(each.email for call in self.calls for each in call.recipients))

    @property
    def frozen(self) -> Mapping[str, Any]:
        """The part that the plan's hash covers."""
        return {
            "target": self.key,
            "calls": [
                {
                    "target": str(call.target),
                    "recipients": [[each.name, each.email, each.email_domain or ""] for each in call.recipients],
                    "step": call.step.value,
                }
                for call in self.calls
            ],
        }


def count_emails(items: Iterable[BulkItem]) -> int:
    """Return how many emails DigiCert would send. The earlier steps of a revalidation send none."""
    return sum(len(_emailing(item).recipients) if item.revalidates else _recipients(item) for item in items)


def _recipients(item: BulkItem) -> int:
    return sum(len(call.recipients) for call in item.calls)


def _emailing(item: BulkItem) -> Call:
    return item.calls[-1]


def mailboxes(items: Iterable[BulkItem]) -> frozenset[str]:
    """Return the addresses that get an email, in the form in which two are compared."""
    return frozenset(email.lower() for item in items for email in item.recipients)


def domains(items: Iterable[BulkItem]) -> frozenset[str]:
    """Return the names that get an email, without wildcards."""
    return frozenset(without_wildcard(name) for item in items for name in item.names)


def numbered(items: Sequence[BulkItem]) -> list[BulkItem]:
    """Return the items in the order to send: the soonest end first, then the longest waiting."""
    urgent = sorted(items, key=lambda item: (item.ends_at or _LAST, item.since or _LAST))
    return [replace(item, number=number) for number, item in enumerate(urgent, 1)]


def without_repeats(items: Sequence[BulkItem]) -> tuple[list[BulkItem], int]:
    """Return the items without emails that an earlier item sends too, and how many items lost an email by that."""
    seen: set[tuple[str, str]] = set()
    kept: list[BulkItem] = []
    repeated = 0
    for item in items:
        fresh = tuple(call for call in item.calls if not seen.issuperset(_emails_of(call)))
        repeated += len(fresh) < len(item.calls)
        seen.update(email for call in fresh for email in _emails_of(call))
        if fresh:
            kept.append(replace(item, calls=fresh))
    return kept, repeated


def _emails_of(call: Call) -> set[tuple[str, str]]:
    return {(call.target.key, f"{each.name} {each.email.lower()} {call.step}") for each in call.recipients}


def ended(item: BulkItem, results: Mapping[int, CallResult]) -> BulkItem:
    """Return an item with the outcome of its calls, all of which have ended."""
    by_outcome = {result.outcome: result for result in reversed(list(results.values()))}
    worst = next(by_outcome[event] for event in _WORST_FIRST if event in by_outcome)
    last = max(result.at for result in results.values())
    return replace(item, outcome=_OUTCOMES[worst.outcome], words=worst.message, ended_at=last)


def counts(items: Iterable[BulkItem]) -> Counter[BulkOutcome]:
    """Return how many items ended in each outcome."""
    return Counter(item.outcome for item in items if item.outcome)


def left(items: Iterable[BulkItem]) -> list[BulkItem]:
    """Return the items that have not ended."""
    return [item for item in items if item.outcome is None]
