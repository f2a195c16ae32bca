"""Frozen values that every layer shares: people, destinations, targets, requests and results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

# The longest id at DigiCert.
MOST_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Actor:
    """The user who makes a request, by Slack's immutable ids. Names are never used to decide."""

    user_id: str
    team_id: str


@dataclass(frozen=True, slots=True)
class Destination:
    """The place of a message: a channel, and a thread in it if there is one."""

    channel_id: str
    thread_ts: str | None = None


@dataclass(frozen=True, slots=True)
class Interaction:
    """A user's action in Slack: the user, the place, and the address for ephemeral answers.

    `line` is the slash command that the user typed, or chose with a button. If `replaces`, an answer replaces the
    ephemeral message whose button was pressed.
    """

    actor: Actor
    destination: Destination | None
    response_url: str | None = None
    line: str = ""
    replaces: bool = False


class ResultRoute(StrEnum):
    """The way of a result to the user. All but CHANNEL and UNKNOWN are direct messages, each for another reason."""

    CHANNEL = "channel"
    DIRECT = "direct"
    NOT_A_MEMBER = "not_a_member"
    SHARED = "shared"
    ARCHIVED = "archived"
    UNKNOWN = "unknown"


class Kind(StrEnum):
    """The list at DigiCert that an entry comes from."""

    ORDER = "order"
    DOMAIN = "domain"


@dataclass(frozen=True, slots=True)
class TargetKey:
    """The key of a target in stored values and Slack options: `order:7`, `domain:12` or `name:shop.example.com`."""

    kind: str
    value: str

    @classmethod
    def parse(cls, text: str) -> "TargetKey":
        """Split a key. Never raises: a text that is no key gets a `kind` or a `value` that matches nothing."""
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


NAME = "name"


def order_key(order_id: int) -> str:
    """Return the key of an order."""
    return str(TargetKey(Kind.ORDER, str(order_id)))


def domain_key(domain_id: int) -> str:
    """Return the key of a domain."""
    return str(TargetKey(Kind.DOMAIN, str(domain_id)))


def name_key(name: str) -> str:
    """Return the key of an ASCII-encoded name."""
    return str(TargetKey(NAME, name))


@dataclass(frozen=True, slots=True)
class OrderTarget:
    """A pending DV order. Its emails are resent by the order endpoint."""

    order_id: int

    @property
    def key(self) -> str:
        """The key for follow-ups: one per order."""
        return order_key(self.order_id)

    def __str__(self) -> str:
        return f"order {self.order_id}"


@dataclass(frozen=True, slots=True)
class DomainTarget:
    """A domain of the account, and the name that the email validates. Its emails are resent by the domain endpoint."""

    domain_id: int
    name_scope: str

    @property
    def key(self) -> str:
        """The key for follow-ups and cooldowns: the domain with its name scope."""
        return f"{domain_key(self.domain_id)}:{self.name_scope}"

    def __str__(self) -> str:
        return f"domain {self.domain_id} ({self.name_scope})"


Target = OrderTarget | DomainTarget


@dataclass(frozen=True, slots=True)
class Recipient:
    """An address, and the name that its email validates. `email_domain` is set if the address is that of a parent."""

    name: str
    email: str
    email_domain: str | None = None


class CallStep(StrEnum):
    """What a call asks DigiCert to do. A revalidation takes all three, in the order SUBMIT, METHOD, RESEND."""

    SUBMIT = "submit"
    """Submit a domain for validation by a DNS TXT record, which emails no one."""
    METHOD = "method"
    """Change its method to email, without sending any."""
    RESEND = "resend"
    """Send the emails."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request to DigiCert: a target and its recipients.

    If `audience_uncertain`, DigiCert may email only some of the recipients, but no others. `validation_types` are the
    types that a domain is submitted for, such as `ov`.
    """

    target: Target
    recipients: tuple[Recipient, ...]
    audience_uncertain: bool = False
    step: CallStep = CallStep.RESEND
    validation_types: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Each name to be validated, once, in order."""
        return tuple(dict.fromkeys(recipient.name for recipient in self.recipients))

    @property
    def cooldown_keys(self) -> tuple[str, ...]:
        """The keys of its cooldowns: order and name, domain and name scope, and domain and mailbox."""
        if isinstance(self.target, OrderTarget):
            return tuple(f"{self.target.key}:{name}" for name in self.names)
        mailboxes = (f"{domain_key(self.target.domain_id)}:to:{each.email.lower()}" for each in self.recipients)
        return tuple(dict.fromkeys((self.target.key, *mailboxes)))


@dataclass(frozen=True, slots=True)
class ResendRequest:
    """An accepted request. `id` is derived from its cause in Slack, so that a repeated delivery has the same id.

    `key` is the order or domain as the value of a select's option, to open its form again. `requested_by` is the id of
    a user who may not resend and asked the actor to do it; None if the actor sent it of their own accord.

    If `revalidates`, its calls are the steps of a revalidation: each begins only after the one before succeeded.
    `plan` is the id of the plan that it is an item of. Such a request has no messages of its own.
    `follows` is the id of the request from whose card it was made, and `answers` that of the question.
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
    requested_by: str | None = None
    revalidates: bool = False
    plan: str | None = None
    follows: str | None = None
    answers: str | None = None

    @property
    def order_id(self) -> int | None:
        """The id of the requested order; None if it was a domain alone."""
        return TargetKey.parse(self.key).order_id

    @property
    def emailing(self) -> "tuple[tuple[int, Call], ...]":
        """The calls that send emails, with their numbers: all but the first steps of a revalidation."""
        return tuple((number, call) for number, call in enumerate(self.calls) if call.step is CallStep.RESEND)


@dataclass(frozen=True, slots=True)
class ResendAsk:
    """The question of a user without permission to those who may resend. `target` is the key of an order or a name.

    `id` is derived from the click in Slack, so that a repeated delivery has the same id.
    """

    id: str
    actor: Actor
    destination: Destination
    target: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Grantees:
    """Users and user groups that have a permission, by Slack's ids.

    If not `is_certain`, too little is known of what they would do, and the policy may still deny it.
    """

    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    is_certain: bool = True


NO_GRANTEES = Grantees()


class LedgerEvent(StrEnum):
    """The kind of a ledger row."""

    ACCEPTED = "accepted"
    COOLED_DOWN = "cooled_down"
    DENIED = "denied"
    LIMITED = "limited"
    SENDING = "sending"
    TURNED_AWAY = "turned_away"
    ASKED = "asked"
    PLANNED = "planned"
    PLAN_STARTED = "plan_started"
    PLAN_ENDED = "plan_ended"
    APPROVED = "approved"
    REJECTED = "rejected"
    SKIPPED = "skipped"
    SNOOZED = "snoozed"
    SENT = "sent"
    REFUSED = "refused"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"
    VALIDATED = "validated"
    PRUNED = "pruned"


# The kinds of the first row of a request.
BEGINNINGS = (LedgerEvent.ACCEPTED, LedgerEvent.COOLED_DOWN, LedgerEvent.DENIED)
# The kinds of the last row of a call. There are no others.
OUTCOMES = (LedgerEvent.SENT, LedgerEvent.REFUSED, LedgerEvent.NOT_SENT, LedgerEvent.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Cooldown:
    """A block on a target that was emailed lately, or is about to be. `link` leads to the thread about it."""

    user_id: str
    at: datetime
    until: datetime
    outcome: LedgerEvent | None = None
    link: str | None = None


@dataclass(frozen=True, slots=True)
class CallResult:
    """The result of one call. `message` is DigiCert's text, or the bot's if DigiCert gave none."""

    outcome: LedgerEvent
    message: str
    at: datetime


@dataclass(frozen=True, slots=True)
class SeenValidated:
    """The last time at which a follow-up saw names of a call validated, and all such names.

    `until` is until when the validation then held, None if that was not read. `because` is the reason.
    """

    at: datetime
    names: tuple[str, ...]
    until: datetime | None = None
    because: str = ""


@dataclass(frozen=True, slots=True)
class LastResend:
    """The newest resend for a name that may have gone out. `outcome` is SENT or UNKNOWN, `at` is when it ended."""

    request_id: str
    user_id: str
    at: datetime
    outcome: LedgerEvent
    name: str
    emails: tuple[str, ...]
    link: str | None = None


@dataclass(frozen=True, slots=True)
class PastCall:
    """One call of a past request. `target` is its target as text. `result` is None while it has not ended."""

    target: str
    names: tuple[str, ...]
    emails: tuple[str, ...]
    result: CallResult | None = None
    step: CallStep = CallStep.RESEND
    validated: SeenValidated | None = None


@dataclass(frozen=True, slots=True)
class PastRequest:
    """A request in the ledger. `rule` is the rule that refused it, `about` names its subject.

    `names` and `orders` are all names and orders that it concerns. `times` is the number of refusals in one row.
    `merged` is the number of further ones of the same person that a page omits. `plan` is the id of the plan of which
    it is an item, if any, and `others` are the further items of that plan which share its line.
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
    plan: str = ""
    others: tuple["PastRequest", ...] = ()

    @property
    def request_ids(self) -> tuple[str, ...]:
        """The ids of the requests that share its line."""
        return tuple(each.request_id for each in (self, *self.others) if each.request_id)


@dataclass(frozen=True, slots=True)
class Order:
    """An order as DigiCert reports it. `status` and `method` are DigiCert's words in lower case, names ASCII-encoded.

    `since` is when it began to wait, None if DigiCert does not say; it is not before `ordered_at`. `other_kind` names
    the kind of a certificate that is not for TLS. Its common name is then no domain name. `awaits_approval` is True
    while an administrator of the CertCentral account has to approve a request. `expires_at` is when the
    certificate that a reissue replaces expires, None if there is none or if DigiCert's list does not say.
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
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A row of one of DigiCert's lists that the bot cannot read. `id` is the id in it, if any.

    `digest` distinguishes rows without an id, and reveals nothing about them.
    """

    id: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class StatusChange:
    """A recent change of an order's status, in DigiCert's words."""

    order_id: int
    status: str


@dataclass(frozen=True, slots=True)
class NameValidation:
    """The validation of one name scope of an order. `is_open` is True for every status but DigiCert's `approved`."""

    name_scope: str
    names: tuple[str, ...]
    is_open: bool
    method: str | None
    domain_id: int | None
    covers_below: bool


@dataclass(frozen=True, slots=True)
class OrderValidation:
    """The validation of an order's names. `method` is that of the order, for names without their own.

    `unreadable` counts the entries that the bot could not read, so their names are not in `names`. `organization` names
    the order's organization if DigiCert has not finished validating it. `unknown` are the statuses that are unknown to
    the bot.
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
    """A domain that waits for validation. An earlier validation may still be valid until `valid_until`."""

    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Valid:
    """A domain that certificates can be issued for. `until` is in the future, None if DigiCert gives no end.

    `lapsed` names the kinds of validation (OV, EV) that have expired.
    """

    until: datetime | None = None
    lapsed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Expired:
    """A domain whose validation has ended and that was not submitted again. `at` is None if DigiCert gives no date."""

    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NeverValidated:
    """A domain that never passed validation and is not submitted for it."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """A domain about which DigiCert does not say enough. `is_pending` is None if even that is unknown."""

    is_pending: bool | None = None


DomainValidation = Pending | Valid | Expired | NeverValidated | Unclear


@dataclass(frozen=True, slots=True)
class DcvToken:
    """The random value that validates a domain by a DNS record or a file. `expires_at` is None if unknown."""

    value: str
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain of the account, with its validation when it was read. `approved_at` is when it last passed.

    `validation_types` are the types that it was submitted for, such as `ov` and `ev`. `token` is the random value of a
    method that has one. No list has it.
    """

    id: int
    name: str
    is_active: bool
    validation: DomainValidation
    method: str | None
    since: datetime | None
    approved_at: datetime | None = None
    validation_types: tuple[str, ...] = ()
    token: DcvToken | None = None

    @property
    def is_pending(self) -> bool | None:
        """True if the domain waits for validation, None if DigiCert does not say."""
        match self.validation:
            case Pending():
                return True
            case Unclear(is_pending):
                return is_pending
            case _:
                return False


@dataclass(frozen=True, slots=True)
class Address:
    """An email address that DigiCert allows for `domain`. `txt` is True for a contact from a DNS TXT record."""

    email: str
    domain: str
    txt: bool = False


@dataclass(frozen=True, slots=True)
class AccountEntry:
    """An order or domain of the account, as a choice. `waiting` is None if DigiCert's list does not say.

    `validation` is None for an order, and `product` is empty for a domain. `by_email` is False if the list shows that
    no email can help.
    """

    kind: Kind
    id: int
    name: str
    names: tuple[str, ...]
    since: datetime | None
    waiting: bool | None
    validation: DomainValidation | None = None
    product: str = ""
    by_email: bool = True

    @property
    def key(self) -> str:
        """The value of this entry as an option of a select."""
        return str(TargetKey(self.kind, str(self.id)))


@dataclass(frozen=True, slots=True)
class NameState:
    """The current state of one name at DigiCert, as text."""

    name: str
    waits: bool
    words: str


@dataclass(frozen=True, slots=True)
class Reach:
    """Everything that an email would validate. Names are ASCII-encoded and without wildcard.

    `names` are validated as they are, `below` with every name below them. `orders` are the pending orders that the
    validation would help.
    """

    names: tuple[str, ...] = ()
    below: tuple[str, ...] = ()
    orders: tuple[int, ...] = ()


NO_REACH = Reach()


@dataclass(frozen=True, slots=True)
class WaitingName:
    """A name that waits for validation, and the addresses that may get its email.

    DigiCert may apply any of the lists in `audiences`, so a choice needs one address of each. Without `audiences`,
    every choice is safe. `preferred` are those used last, `proven` those after whose emails names were validated.
    """

    name: str
    scope: str
    target: Target
    covers_below: bool
    allowed: tuple[Address, ...]
    preferred: tuple[str, ...] = ()
    audiences: tuple[tuple[str, ...], ...] = ()
    proven: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Revalidation:
    """What makes a form one of a revalidation. `state` says in words until when the domain is valid, to be shown.

    `types` are the types of validation to submit the domain for, and `steps` the calls to make. `continues` is the id
    of the interrupted request whose remaining steps these are.
    """

    state: str = ""
    types: tuple[str, ...] = ()
    steps: tuple[CallStep, ...] = tuple(CallStep)
    continues: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The content of a form for one order or domain: the names that wait and their allowed recipients.

    `since` is when it began to wait. `validated` are the names that are validated already, as far as the user may see
    them. Both and the `product` are only shown. With a `revalidation`, the form submits its domain again.
    """

    key: str
    title: str
    waiting: tuple[WaitingName, ...]
    remarks: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    reach: Reach = NO_REACH
    product: str = ""
    since: datetime | None = None
    validated: tuple[str, ...] = ()
    revalidation: Revalidation | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """The state of a call's names at DigiCert at one time.

    `closed_status` says why nothing waits any more although not every name is valid. For an order it is DigiCert's
    status. For a domain it says that the domain is not submitted for validation. `until` is the effective end of the
    validation, and `because` the reason for it, if a domain was read.
    """

    at: datetime
    validated: tuple[str, ...]
    closed_status: str | None = None
    until: datetime | None = None
    because: str = ""


class FollowUpState(StrEnum):
    """The state of a follow-up. Every state but FOLLOWING is final."""

    FOLLOWING = "following"
    VALIDATED = "validated"
    ENDED = "ended"
    SUPERSEDED = "superseded"
    STOPPED = "stopped"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class StatusUpdate:
    """The news of one check: names that were validated since the last one, and names that wait again (`reopened`).

    `word` explains the state: DigiCert's status of an order, the user who stopped, or the request that superseded.
    `nudge` counts the nudges from 1; 0 is none. `unreachable` is True if DigiCert has not answered for a while.
    `until` and `because` are those of the observation. `also` is the news of other calls of the same request, by call
    number, that the same check found.
    """

    at: datetime
    state: FollowUpState
    word: str = ""
    newly_validated: tuple[str, ...] = ()
    reopened: tuple[str, ...] = ()
    nudge: int = 0
    unreachable: bool = False
    until: datetime | None = None
    because: str = ""
    also: "tuple[tuple[int, StatusUpdate], ...]" = ()

    @property
    def needs_announcement(self) -> bool:
        """True if a message in the thread is needed. The root message shows the rest."""
        return (
            bool(self.newly_validated or self.reopened or self.nudge or self.unreachable or self.also)
            or self.state is not FollowUpState.FOLLOWING
        )


@dataclass(frozen=True, slots=True)
class FollowUp:
    """The follow-up of one accepted call. `validated` are the names announced as validated.

    `due_at` is the time of the next check. `failed_checks` counts the checks in a row that DigiCert did not answer.
    While it has a `status_update` that is not announced, the follow-up stays due for that.
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
        """True if the bot still checks it by itself."""
        return self.state is FollowUpState.FOLLOWING


def waiting_names(request: ResendRequest, follow_ups: Sequence[FollowUp]) -> tuple[str, ...]:
    """Return the names of a request that have a follow-up and are not validated, also if it was superseded."""
    return tuple(
        name
        for follow_up in follow_ups
        for name in request.calls[follow_up.call_no].names
        if name not in follow_up.validated and follow_up.state is not FollowUpState.VALIDATED
    )


# The reason why a target is not pending any more if that is good news. Others are DigiCert's status of the order.
VALIDATED = "validated"


@dataclass(frozen=True, slots=True)
class OfferResend:
    """The resend that made the button of an offer unnecessary: by whom, when, and in which request."""

    user_id: str
    at: datetime
    request_id: str


@dataclass(frozen=True, slots=True)
class OfferTarget:
    """An order or domain that an offer is about. `opens` is the key that opens its form. `names` wait since `since`.

    `emails` are the keys of the order or domains that its emails are for. `also` are the keys of other targets that the
    alert mentions and that the same emails are for. `closed_at` is when the bot saw that nothing waits any more, and
    `closed_status` says why.
    """

    key: str
    opens: str
    names: tuple[str, ...]
    since: datetime | None
    emails: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    resend: OfferResend | None = None
    closed_at: datetime | None = None
    closed_status: str = ""

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of all targets that its button is for."""
        return self.key, *self.also

    @property
    def is_open(self) -> bool:
        """True if a resend may still help: it was not resent since the offer, and it is still pending."""
        return self.resend is None and self.closed_at is None


MOST_BUTTONS = 5


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer to a channel in the thread of an alert. Without targets it is the summary that replaces further offers.

    `repeat_count` counts the alerts that named a target again. `published_version` is the version in Slack, 0 if none
    is. `author` is the author of the alert, whose rate limit the offer counts for.
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
        """The targets that get a button. The others are only named, so that a later alert may offer them."""
        return self.targets[:MOST_BUTTONS]

    @property
    def without_button(self) -> tuple[OfferTarget, ...]:
        """The targets for which there is no button of their own."""
        return self.targets[MOST_BUTTONS:]

    @property
    def is_open(self) -> bool:
        """True if any of its targets with a button may still need a resend."""
        return any(target.is_open for target in self.with_button)


@dataclass(frozen=True, slots=True)
class ApprovalAsk:
    """A question to a user or a channel, to approve the email to one mailbox. `asked` is the id of either.

    `actor` is the user who asks.
    """

    id: str
    request_id: str
    email: str
    asked: str
    actor: Actor
    at: datetime


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address that got emails of a request, and what approving them validates.

    Approving validates `names` as they are, `below` with everything below them, and possibly `parents`, which are the
    domains of addresses for another name. `sent_at` is the time of the first of its emails. If not `certain`, DigiCert
    may not have emailed this address.
    """

    email: str
    sent_at: datetime
    certain: bool
    names: tuple[str, ...] = ()
    below: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Backlog:
    """Counts of pending work: unpublished requests, unprocessed alerts, open follow-ups, and due ones."""

    requests: int
    alerts: int
    follow_ups: int
    due: int


@dataclass(frozen=True, slots=True)
class DomainCounts:
    """The numbers of domains by state, by DCV method, and by the days within which their validation ends."""

    by_state: Mapping[str, int]
    by_method: Mapping[str, int]
    ending: Mapping[int, int]
