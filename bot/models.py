"""Frozen values that every layer shares: who asks, where, for what, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

# Of an id at DigiCert.
MOST_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Actor:
    """The person who asks, by Slack's immutable ids; names are never used to decide."""

    user_id: str
    team_id: str


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the answer belongs: a channel, and a thread in it where one was named."""

    channel_id: str
    thread_ts: str | None = None


@dataclass(frozen=True, slots=True)
class Interaction:
    """Who did something where, and the address at which Slack takes a whisper in return."""

    actor: Actor
    destination: Destination | None
    response_url: str | None = None


class Kind(StrEnum):
    """Which of DigiCert's two lists a line comes from."""

    ORDER = "order"
    DOMAIN = "domain"


@dataclass(frozen=True, slots=True)
class TargetKey:
    """What a stored value or a Slack option names, as text `order:7`, `domain:12` or `name:shop.example.com`."""

    kind: str
    value: str

    @classmethod
    def parse(cls, text: str) -> "TargetKey":
        """Read a key; what is none has a `value` or a `kind` that fits nothing."""
        kind, _, value = text.partition(":")
        return cls(kind, value)

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"

    @property
    def number(self) -> int | None:
        """The id of an order or a domain; None for anything else."""
        is_id = self.value.isascii() and self.value.isdecimal() and len(self.value) <= MOST_DIGITS
        return int(self.value) if is_id and self.kind in set(Kind) else None

    @property
    def order_id(self) -> int | None:
        """The id of an order; None for anything else."""
        return self.number if self.kind == Kind.ORDER else None


def order_key(order_id: int) -> str:
    """Return the key of an order."""
    return str(TargetKey(Kind.ORDER, str(order_id)))


def domain_key(domain_id: int) -> str:
    """Return the key of a domain."""
    return str(TargetKey(Kind.DOMAIN, str(domain_id)))


def name_key(name: str) -> str:
    """Return the key of an ASCII-encoded name."""
    return str(TargetKey("name", name))


@dataclass(frozen=True, slots=True)
class OrderTarget:
    """A pending DV order; the mail goes out by the order endpoint."""

    order_id: int

    @property
    def key(self) -> str:
        """What is followed once: the order."""
        return order_key(self.order_id)

    def __str__(self) -> str:
        return f"order {self.order_id}"


@dataclass(frozen=True, slots=True)
class DomainTarget:
    """A domain of the account and the name whose control the mail proves; the mail goes out by the domain endpoint."""

    domain_id: int
    name_scope: str

    @property
    def key(self) -> str:
        """What is followed once, and rests after a resend: the domain with its name scope."""
        return f"{domain_key(self.domain_id)}:{self.name_scope}"

    def __str__(self) -> str:
        return f"domain {self.domain_id} ({self.name_scope})"


Target = OrderTarget | DomainTarget


@dataclass(frozen=True, slots=True)
class Recipient:
    """One address and the name its mail validates; `email_domain` is set where the address belongs to a parent."""

    name: str
    email: str
    email_domain: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One PUT: a target, and the recipients it will name.

    If `audience_uncertain`, DigiCert may email only some of them, but nobody else.
    """

    target: Target
    recipients: tuple[Recipient, ...]
    audience_uncertain: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Each name to be validated, once, in order."""
        return tuple(dict.fromkeys(recipient.name for recipient in self.recipients))

    @property
    def cooldown_keys(self) -> tuple[str, ...]:
        """What the cooldown is kept for: order and name, domain and name scope, and domain and mailbox."""
        if isinstance(self.target, OrderTarget):
            return tuple(f"{self.target.key}:{name}" for name in self.names)
        mailboxes = (f"{domain_key(self.target.domain_id)}:to:{each.email.lower()}" for each in self.recipients)
        return tuple(dict.fromkeys((self.target.key, *mailboxes)))


@dataclass(frozen=True, slots=True)
class ResendRequest:
    """What a person asked for, as it was accepted; `id` is derived from what caused it, so a repeat is the same one.

    `key` is the order or domain as an option of a select, to open its form again.
    """

    id: str
    actor: Actor
    destination: Destination
    subject: str
    calls: tuple[Call, ...]
    locale: str
    reason: str | None
    at: datetime
    key: str = ""

    @property
    def order_id(self) -> int | None:
        """The order that was asked for; None where it was a domain alone."""
        return TargetKey.parse(self.key).order_id


@dataclass(frozen=True, slots=True)
class Grantees:
    """Colleagues and user groups, by Slack's ids."""

    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


NO_GRANTEES = Grantees()


class LedgerEvent(StrEnum):
    """What a row of the ledger records."""

    ACCEPTED = "accepted"
    COOLED_DOWN = "cooled_down"
    DENIED = "denied"
    LIMITED = "limited"
    SENDING = "sending"
    TURNED_AWAY = "turned_away"
    SENT = "sent"
    REFUSED = "refused"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"
    PRUNED = "pruned"


# What became of a request when it was made.
BEGINNINGS = (LedgerEvent.ACCEPTED, LedgerEvent.COOLED_DOWN, LedgerEvent.DENIED)
# The four ways a call can end; there is no fifth.
OUTCOMES = (LedgerEvent.SENT, LedgerEvent.REFUSED, LedgerEvent.NOT_SENT, LedgerEvent.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Cooldown:
    """A target that was mailed lately, or is about to be: until when it rests, and the thread that tells."""

    user_id: str
    at: datetime
    until: datetime
    outcome: LedgerEvent | None = None
    link: str | None = None


@dataclass(frozen=True, slots=True)
class CallResult:
    """How one call ended; `words` are DigiCert's, or ours where DigiCert gave none."""

    outcome: LedgerEvent
    message: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LastResend:
    """The newest resend for a name that may have gone out; `outcome` is *sent* or *unknown*, `at` when it ended."""

    request_id: str
    user_id: str
    at: datetime
    outcome: LedgerEvent
    name: str
    emails: tuple[str, ...]
    link: str | None = None


@dataclass(frozen=True, slots=True)
class PastCall:
    """One call of a past request; `target` is that of the call in words, `ending` None while it has none."""

    target: str
    names: tuple[str, ...]
    emails: tuple[str, ...]
    result: CallResult | None = None


@dataclass(frozen=True, slots=True)
class PastRequest:
    """What the ledger tells of something that was asked; `rule` is what refused it, `about` names what for.

    `names` and `orders` are all that it is about. `times` is how many refusals a row stands for, `merged` how many more
    of the same person a page leaves out.
    """

    seq: int
    at: datetime
    decision: LedgerEvent
    user_id: str
    request_id: str | None
    about: str
    calls: tuple[PastCall, ...] = ()
    reason: str | None = None
    rule: str | None = None
    link: str | None = None
    names: tuple[str, ...] = ()
    orders: tuple[int, ...] = ()
    times: int = 1
    merged: int = 0


@dataclass(frozen=True, slots=True)
class Order:
    """An order as DigiCert reports it; `status` and `method` are DigiCert's words in lower case, names ASCII-encoded.

    `since` is None if DigiCert does not date what the order waits for; `ordered_at` is then the earliest it can be.
    `other_kind` names the kind of a certificate that is not for TLS. Its common name is then no domain name.
    `awaits_approval` is true while an administrator of the CertCentral account has to approve a request.
    """

    id: int
    status: str
    common_name: str
    names: tuple[str, ...]
    is_dv: bool
    product: str
    method: str | None
    since: datetime | None
    ordered_at: datetime | None = None
    other_kind: str | None = None
    is_ev: bool = False
    awaits_approval: bool = False


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A row of one of DigiCert's lists that the bot cannot read; `id` is what DigiCert wrote there, if anything.

    `digest` tells apart rows without an id, and shows nothing of them.
    """

    id: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class StatusChange:
    """An order that lately came into this state, in DigiCert's word."""

    order_id: int
    status: str


@dataclass(frozen=True, slots=True)
class NameValidation:
    """The validation of one name scope of an order; `is_open` is true for everything but DigiCert's `approved`."""

    name_scope: str
    names: tuple[str, ...]
    is_open: bool
    method: str | None
    domain_id: int | None
    covers_below: bool


@dataclass(frozen=True, slots=True)
class OrderValidation:
    """Which names of an order still wait; `method` is that of the order where its names carry none.

    `unreadable` counts the entries that the bot could not read, so their names are not in `names`.
    `organization` names the order's organization if DigiCert has not finished validating it. `unknown` are the statuses
    that the bot does not know.
    """

    order_id: int
    status: str
    method: str | None
    names: tuple[NameValidation, ...]
    unreadable: int = 0
    organization: str | None = None
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pending:
    """DigiCert waits for the domain's approval; an earlier validation may still be valid until `valid_until`."""

    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Valid:
    """A domain that certificates can be issued for, until a moment in the future, or until DigiCert does not say when.

    `lapsed` names the kinds of validation (OV, EV) that expired all the same.
    """

    until: datetime | None = None
    lapsed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Expired:
    """A domain whose validation ended at `at`, if DigiCert says when, and that was not submitted again."""

    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NeverValidated:
    """A domain that never passed validation and is not submitted for it."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """DigiCert does not say enough; `is_pending` is None if not even that."""

    is_pending: bool | None = None


DomainValidation = Pending | Valid | Expired | NeverValidated | Unclear


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain of the account, and its validation at the moment it was read; `approved_at` is when it last passed."""

    id: int
    name: str
    is_active: bool
    validation: DomainValidation
    method: str | None
    since: datetime | None
    approved_at: datetime | None = None

    @property
    def is_pending(self) -> bool | None:
        """True if DigiCert waits for its approval, None if DigiCert does not say."""
        match self.validation:
            case Pending():
                return True
            case Unclear(is_pending):
                return is_pending
            case _:
                return False


@dataclass(frozen=True, slots=True)
class Address:
    """An e-mail address that DigiCert allows; `domain` is the name it is allowed for, `txt` a DNS TXT contact."""

    email: str
    domain: str
    txt: bool = False


@dataclass(frozen=True, slots=True)
class AccountEntry:
    """One line of the account's listing, as a choice; `waiting` is None where the listing does not tell.

    `validation` is that of a domain.
    """

    kind: Kind
    id: int
    name: str
    names: tuple[str, ...]
    since: datetime | None
    waiting: bool | None
    validation: DomainValidation | None = None

    @property
    def key(self) -> str:
        """The opaque value of this line as an option of a select."""
        return str(TargetKey(self.kind, str(self.id)))


@dataclass(frozen=True, slots=True)
class NameState:
    """What DigiCert says of one name now, in words."""

    name: str
    waits: bool
    words: str


@dataclass(frozen=True, slots=True)
class Reach:
    """Everything that an email would validate; names are ASCII-encoded and without wildcard.

    `names` are validated as they are, `below` together with every name below them. `orders` are pending orders that the
    validation would help.
    """

    names: tuple[str, ...] = ()
    below: tuple[str, ...] = ()
    orders: tuple[int, ...] = ()


NO_REACH = Reach()


@dataclass(frozen=True, slots=True)
class WaitingName:
    """One name that still waits for its mail, and who may get it.

    `audiences` are lists of addresses of which DigiCert may apply any: a choice needs one address of each. Without
    them, every choice is safe.
    """

    name: str
    scope: str
    target: Target
    covers_below: bool
    allowed: tuple[Address, ...]
    preferred: tuple[str, ...] = ()
    audiences: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What the form offers for one order or domain: the names that wait and their allowed recipients."""

    key: str
    title: str
    waiting: tuple[WaitingName, ...]
    remarks: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    reach: Reach = NO_REACH


@dataclass(frozen=True, slots=True)
class Observation:
    """What DigiCert said of a call's names at a moment; `over` is why nothing waits any more, though not all is valid.

    For an order `over` is DigiCert's word; for a domain it says that the domain is not submitted for validation.
    """

    at: datetime
    validated: tuple[str, ...]
    closed_status: str | None = None


class FollowUpState(StrEnum):
    """How far the following of a target is; all but the first are its end."""

    FOLLOWING = "following"
    VALIDATED = "validated"
    ENDED = "ended"
    SUPERSEDED = "superseded"
    STOPPED = "stopped"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class StatusUpdate:
    """What one check has to tell: names `fresh` in being validated, and those that wait `again`.

    `word` belongs to the state: DigiCert's for an order, who stopped, which request took over. `nudge` counts the
    nudges from 1, 0 is none; `silent` says that DigiCert has not answered for a while.
    """

    at: datetime
    state: FollowUpState
    word: str = ""
    newly_validated: tuple[str, ...] = ()
    reopened: tuple[str, ...] = ()
    nudge: int = 0
    unreachable: bool = False

    @property
    def needs_announcement(self) -> bool:
        """Whether anything of it belongs into the thread; the root message shows the rest."""
        return (
            bool(self.newly_validated or self.reopened or self.nudge or self.unreachable)
            or self.state is not FollowUpState.FOLLOWING
        )


@dataclass(frozen=True, slots=True)
class FollowUp:
    """The watch over what one accepted call asked for; `validated` are the names told so, `due_at` the next look.

    `misses` counts the looks in a row that DigiCert did not answer. While it has `news` that nobody took to tell them,
    it stays due for that.
    """

    request_id: str
    call_no: int
    target: str
    since: datetime
    state: FollowUpState = FollowUpState.FOLLOWING
    word: str = ""
    ended_at: datetime | None = None
    checks: int = 0
    nudges: int = 0
    failed_checks: int = 0
    validated: tuple[str, ...] = ()
    observed_at: datetime | None = None
    due_at: datetime | None = None
    status_update: StatusUpdate | None = None

    @property
    def id(self) -> str:
        """The id of its row."""
        return f"{self.request_id}.{self.call_no}"

    @property
    def is_open(self) -> bool:
        """Whether it still looks by itself."""
        return self.state is FollowUpState.FOLLOWING


def waiting_names(request: ResendRequest, follow_ups: Sequence[FollowUp]) -> tuple[str, ...]:
    """The names of a request that were followed and not seen validated, whoever follows them now."""
    return tuple(
        name
        for follow_up in follow_ups
        for name in request.calls[follow_up.call_no].names
        if name not in follow_up.validated and follow_up.state is not FollowUpState.VALIDATED
    )


@dataclass(frozen=True, slots=True)
class OfferTarget:
    """An order or a domain that an offer is about: `key` says which, `opens` opens its form; the names wait since."""

    key: str
    opens: str
    names: tuple[str, ...]
    since: datetime | None


MOST_BUTTONS = 5


@dataclass(frozen=True, slots=True)
class Offer:
    """What a channel is offered in the thread of an alert; without targets, the summary of what is not offered.

    `later` counts the alerts that named a target again. `shown` is the version that stands in Slack, 0 while none does.
    `author` is whose allowance it used.
    """

    id: str
    destination: Destination
    at: datetime
    targets: tuple[OfferTarget, ...] = ()
    repeat_count: int = 0
    snoozed_until: datetime | None = None
    snoozed_by: str | None = None
    version: int = 1
    published_version: int = 0
    author: str | None = None

    @property
    def with_button(self) -> tuple[OfferTarget, ...]:
        """The targets that get a button; the others are only named, so that a later alert may offer them."""
        return self.targets[:MOST_BUTTONS]

    @property
    def without_button(self) -> tuple[OfferTarget, ...]:
        """The targets for which there is no room."""
        return self.targets[MOST_BUTTONS:]


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much is waiting in the database: accepted and not told, alerts not looked at, followings open and due."""

    requests: int
    alerts: int
    follow_ups: int
    due: int
