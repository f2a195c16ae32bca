"""*Where did the email go?*: one line for each mailbox, then where to search, and what to do."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement, InteractiveElement

from bot.dns.mail_findings import MailFinding, MailSituation
from bot.dns.mail_products import SENDER, product_of
from bot.models import AccountEntry, Kind, Plan, TargetKey
from bot.recipients import folded
from bot.track_records import PastEmail, TrackRecord, has_figures
from bot.views.blocks import (
    Message,
    confirmation,
    context,
    date_time,
    escape,
    name,
    plain,
    section,
    time_of_day,
    truncate,
    truncate_middle,
)
from bot.views.command_buttons import command_button
from bot.views.dns_findings import mail_said, mailbox_said
from bot.views.follow_up import elapsed
from bot.views.pending_rows import resend_button
from bot.views.quick_resend import scope_words
from bot.views.resend_messages import ASK_TO_APPROVE

TITLE = "Where did the email go?"
MOST_LINES = 12
_LINES_PER_BLOCK = 4
_MOST_CHOICES = 5
_ROOM_FOR_A_LINE = 650
_LABEL = 30
_SEND_TO = "Resend to "
_SAME_DAY = timedelta(hours=12)
_CLOCK = (
    "The link in an email works for at most 30 days. The same mailbox may get the old link again; another mailbox gets "
    "a new one."
)
# DigiCert cannot email such a mailbox, or no one gets it there.
_DEAD = frozenset(
    {MailSituation.NO_MX, MailSituation.NULL_MX, MailSituation.NO_ADDRESS, MailSituation.PRIVATE_ADDRESSES}
)
_REFUSED = frozenset({MailSituation.FILTERED, MailSituation.NEVER_ALLOWED})


@dataclass(frozen=True, slots=True)
class MailboxLine:
    """One mailbox. `situation` is by DigiCert's lists and the DNS contact, `mail` by its domain's mail servers."""

    email: str
    is_contact: bool
    situation: MailSituation
    emailed_at: datetime | None
    mail: MailFinding
    record: TrackRecord
    is_last_used: bool = False


@dataclass(frozen=True, slots=True)
class TracedTarget:
    """What the lines are about. `more` counts further mailboxes; `request_id` is the newest request that emailed."""

    plan: Plan
    more: int = 0
    request_id: str | None = None


def most_telling(emails: Sequence[str], sent: Iterable[PastEmail]) -> list[str]:
    """Return the mailboxes to show: those that were emailed, then the rest in their order."""
    emailed = {folded(email) for each in sent for email in each.emails}
    return sorted(emails, key=lambda email: folded(email) not in emailed)[:MOST_LINES]


def report(target: TracedTarget, lines: Sequence[MailboxLine], now: datetime) -> Message:
    """Return the whole answer."""
    head = f"*{TITLE}* · {_subject(target.plan)}"
    shown = [_line(each, now) for each in sorted(lines, key=_rank)]
    shown += [f"+ {target.more} more mailboxes" if target.more > 1 else "+ 1 more mailbox"] if target.more else []
    parts = [shown[start : start + _LINES_PER_BLOCK] for start in range(0, len(shown), _LINES_PER_BLOCK)]
    notes = [*_quarantines(lines), f"Allow the sender `{SENDER}`.", _CLOCK]
    blocks: list[Block] = [section(head), *(section("\n".join(part)) for part in parts), context("\n".join(notes))]
    text = " ".join([head, *shown, *notes]).replace("*", "").replace("`", "")
    return Message(text, (*blocks, _buttons(target, lines)))


def choice(wanted: str, matches: Sequence[AccountEntry]) -> Message:
    """Return the question which of several targets is meant, with a button for each."""
    words = f"*{TITLE}* · Several orders or domains match {name(wanted)}."
    buttons = [
        command_button(str(each.id), f"/dcv-resend where {each.id if each.kind is Kind.ORDER else each.name}")
        for each in matches[:_MOST_CHOICES]
    ]
    return Message(words.replace("*", ""), (section(words), ActionsBlock(elements=buttons)))


def _subject(plan: Plan) -> str:
    key = TargetKey.parse(plan.key)
    names = list(dict.fromkeys(waiting.name for waiting in plan.waiting))
    more = f" + {len(names) - 1}" if len(names) > 1 else ""
    order = f"Order {key.order_id} · " if key.order_id is not None else ""
    return f"{order}{truncate(name(names[0]), 200)}{more}"


def _line(line: MailboxLine, now: datetime) -> str:
    contact = " (DNS contact)" if line.is_contact else ""
    parts = [f"{escape(truncate_middle(line.email, 120))}{contact}", *_of_email(line, now)]
    if line.situation not in _REFUSED:
        parts += [_mail(line), str(mailbox_said(line.situation)), _record(line)]
    return truncate(" · ".join(filter(None, parts)), _ROOM_FOR_A_LINE)


def _of_email(line: MailboxLine, now: datetime) -> list[str]:
    emailed = f"emailed {_near(line.emailed_at, now)}" if line.emailed_at else ""
    if line.situation is MailSituation.FILTERED:
        what = "DNS contacts" if line.is_contact else "this address"
        return [emailed, f"*{'now ' if emailed else 'not emailed: '}your CertCentral setting leaves {what} out*"]
    if line.situation is MailSituation.NEVER_ALLOWED:
        return [emailed, f"*{mailbox_said(line.situation)}*"]
    return [emailed or "not emailed by me"]


def _mail(line: MailboxLine) -> str:
    said = str(mail_said(line.mail))
    return f"at {said}" if line.mail.situation is MailSituation.FINE else said


def _record(line: MailboxLine) -> str:
    """Return the figures of a constructed mailbox; of another one only whether it was used last."""
    record = line.record
    if not has_figures(line.email):
        return "used last" if line.is_last_used else ""
    if record.validated:
        several = f"the last {record.validated} emails" if record.validated > 1 else "the last email"
        return f"validated after {several} to it, in about {_span(record.typical)}"
    if record.unanswered:
        several = f"the last {record.unanswered} emails" if record.unanswered > 1 else "the last email"
        return f"no validation followed {several} to it"
    return ""


def _span(length: timedelta) -> str:
    begin = datetime.min
    return elapsed(begin, begin + max(length, timedelta(minutes=1)))


def _near(at: datetime, now: datetime) -> str:
    return time_of_day(at) if now - at < _SAME_DAY else date_time(at)


def _quarantines(lines: Sequence[MailboxLine]) -> list[str]:
    products = [product for line in lines if (product := product_of(line.mail.hosts))]
    return [f"{each.name} quarantine: {escape(each.quarantine)}." for each in dict.fromkeys(products)]


def _rank(line: MailboxLine) -> tuple[bool, bool, bool, int, int]:
    """Return the place of a line: emailed ones first, then those left out, then the best records, then dead ones."""
    record = line.record
    is_dead = line.mail.situation in _DEAD
    return line.emailed_at is None, line.situation not in _REFUSED, is_dead, -record.validated, record.unanswered


def _buttons(target: TracedTarget, lines: Sequence[MailboxLine]) -> ActionsBlock:
    best = _best(lines)
    names = {waiting.name for waiting in target.plan.waiting}
    is_simple = len(target.plan.waiting) == 1 and not target.plan.waiting[0].audiences
    buttons: list[InteractiveElement] = []
    if best and is_simple:
        buttons.append(_resend_to(target.plan, next(iter(names)), best.email))
    else:
        buttons.append(resend_button(target.plan.key, "this target"))
    if target.request_id:
        value = f"{ASK_TO_APPROVE}:{target.request_id}"
        label = plain("Ask someone to approve…")
        buttons.append(ButtonElement(action_id=ASK_TO_APPROVE, text=label, value=value))
    return ActionsBlock(elements=buttons)


def _best(lines: Sequence[MailboxLine]) -> MailboxLine | None:
    """Return the mailbox that promises most: validated before, else one whose emails were not ignored yet."""
    able = [line for line in lines if line.situation not in _REFUSED and line.mail.situation not in _DEAD]

    def rank(line: MailboxLine) -> tuple[int, int, bool, bool, bool]:
        record = line.record
        is_admin = line.email.lower().startswith("admin@")
        return -record.validated, record.unanswered, line.emailed_at is not None, not line.is_contact, not is_admin

    return min(able, key=rank, default=None)


def _resend_to(plan: Plan, waiting: str, email: str) -> ButtonElement:
    """Return the button that sends one email after a confirmation, like the line that a user would type."""
    order_id = TargetKey.parse(plan.key).order_id
    line = f"/dcv-resend {waiting if order_id is None else order_id} to {email}"
    button = command_button(f"{_SEND_TO}{truncate_middle(email, _LABEL - len(_SEND_TO))}", line)
    question = f"Send one DCV email to {escape(email)}? {escape(scope_words(plan.key, waiting, email))}"
    button.confirm = confirmation("Resend DCV email", question, "Send")
    return button
