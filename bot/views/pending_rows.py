"""The row of a pending order or domain, on the status page and on Home: what is known of its clock, and its buttons."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement, InteractiveElement

from bot.models import Domain, LastResend, LedgerEvent, Order, domain_key, name_key, order_key
from bot.views.blocks import (
    date_time,
    duration_since,
    emails,
    escape,
    name,
    person,
    plain,
    section,
    truncate,
)
from bot.views.quick_resend import quick_resend_button

RESEND = "pending_resend"
DETAILS = "pending_details"

_ROOM_FOR_A_NAME = 160
_ROOM_FOR_A_LINE = 900
# A recipient needs some time, so a younger email is not called "not approved".
_PATIENCE = timedelta(minutes=30)
_A_WEEK = timedelta(days=6)


@dataclass(frozen=True, slots=True)
class PendingRow:
    """A pending order, or a pending domain. `last` is its last resend, with the recipients for all names.

    `is_unapproved` is True if a name of that resend is not validated. `need` says what is needed in CertCentral if no
    email can help. `may_resend` is True if the reader may resend for it. `progress` says how many names are validated,
    if it is some of them. If `one_tap`, the last resend was for one name and one recipient, and may be repeated from
    the row.
    """

    target: Order | Domain
    last: LastResend | None = None
    is_unapproved: bool = False
    need: str = ""
    may_resend: bool = False
    progress: str = ""
    one_tap: bool = False


def row_line(row: PendingRow, now: datetime) -> str:
    """Return the row as marked-up text on one line."""
    target = row.target
    head = _order_head(target) if isinstance(target, Order) else [f"*{short_name(target.name)}*", "domain"]
    last = _last(row.last) if row.last else ""
    parts = [*head, pending_for(target.since, now), row.progress, *clocks(row, now), last, escape(row.need)]
    return truncate(" · ".join(filter(None, parts)), _ROOM_FOR_A_LINE)


def row_blocks(row: PendingRow, now: datetime, *, details: str = DETAILS) -> list[Block]:
    """Return the row, and its buttons below it. `details` is the action id of the last one."""
    target = row.target
    key, subject = target_key(target), f"order {target.id}" if isinstance(target, Order) else target.name
    buttons: list[InteractiveElement] = []
    if row.one_tap and row.last:
        buttons.append(quick_resend_button(key, row.last.name, row.last.emails[0]))
    if row.may_resend:
        buttons.append(resend_button(key, subject))
    shown = key if isinstance(target, Order) else name_key(target.name)
    label = truncate(f"Details of {subject}", 75)
    buttons.append(ButtonElement(action_id=details, text=plain("Details"), value=shown, accessibility_label=label))
    return [section(row_line(row, now)), ActionsBlock(elements=buttons)]


def target_key(target: Order | Domain) -> str:
    """Return the key that opens the form for an order or a domain."""
    return order_key(target.id) if isinstance(target, Order) else domain_key(target.id)


def _order_head(order: Order) -> list[str]:
    more = f" + {len(order.names) - 1}" if len(order.names) > 1 else ""
    return [f"*{order.id}*", f"{order_name(order)}{more}"]


def resend_button(key: str, subject: str) -> ButtonElement:
    """Return the button that opens the form for a target. `subject` says which, for a screen reader."""
    label = truncate(f"Resend the DCV email for {subject}", 75)
    return ButtonElement(action_id=RESEND, text=plain("Resend…"), value=key, accessibility_label=label)


def order_name(order: Order) -> str:
    """Return an order's common name, or its first name."""
    return short_name(order.common_name or next(iter(order.names), "")) or "no name"


def short_name(ascii_name: str) -> str:
    """Return a domain name that leaves room for the rest of the line."""
    return truncate(name(ascii_name), _ROOM_FOR_A_NAME)


def pending_for(since: datetime | None, now: datetime) -> str:
    """Return for how long something has been pending, if that is known."""
    return f"pending {duration_since(since, now)}" if since else "pending"


def clocks(row: PendingRow, now: datetime) -> list[str]:
    """Return what is known about the time pressure of an order: the end of its certificate, the age of its email.

    It never says if an email was opened, because that cannot be known.
    """
    expires_at = row.target.expires_at if isinstance(row.target, Order) else None
    known = [certificate_end(expires_at, now)] if expires_at else []
    if row.is_unapproved and row.last and (waited := not_approved(row.last, now)):
        known.append(waited)
    return known


def not_approved(last: LastResend, now: datetime) -> str:
    """Return how long ago the email was sent that is not approved yet; empty if it is recent or unconfirmed."""
    if last.outcome is not LedgerEvent.SENT or now - last.at < _PATIENCE:
        return ""
    return f"not approved {duration_since(last.at, now)} after the email"


def certificate_end(at: datetime, now: datetime) -> str:
    """Return when the current certificate of a reissued order expires. DigiCert gives a day, without a time."""
    if at <= now:
        return f"⚠️ current certificate expired {_day(at, now)}"
    return f"current certificate expires {_day(at, now)}"


def _day(at: datetime, now: datetime) -> str:
    day, today = at.astimezone(UTC).date(), now.astimezone(UTC).date()
    if day == today:
        return "today"
    if abs(at - now) < _A_WEEK and day > today:
        return f"{day:%A}"
    return f"on {day:%b} {day.day}, {day.year}"


def last_resent(last: LastResend, scope: str = "") -> str:
    """Return the last resend in detail: when, by whom, and to whom.

    It has no link if the reader may not see its thread. `scope` is the name that it was for, unless that is obvious.
    """
    for_name = f" for {short_name(scope)}" if scope else ""
    thread = f" (<{last.link}|thread>)" if last.link else ""
    asked = f"{date_time(last.at)} by {person(last.user_id)}{for_name}"
    return f"last resent {asked} to {recipients(last.emails)}{thread}{_doubt(last)}"


def recipients(addresses: Sequence[str]) -> str:
    """Return the first recipients, and how many there are if it is more than one."""
    return f"{len(addresses)} recipients: {emails(addresses)}" if len(addresses) > 1 else emails(addresses)


def _last(last: LastResend) -> str:
    some = f", {len(last.emails)} recipients" if len(last.emails) > 1 else ""
    thread = f" (<{last.link}|thread>)" if last.link else ""
    return f"last email to {emails(last.emails[:1])} {date_time(last.at)}{some}{thread}{_doubt(last)}"


def _doubt(last: LastResend) -> str:
    return "" if last.outcome is LedgerEvent.SENT else " · ⚠️ unconfirmed"
