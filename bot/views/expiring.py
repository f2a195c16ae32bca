"""The domains whose validation ends soon, for one user: rows on Home and in the answer of `/dcv-status expiring`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement, InteractiveElement

from bot.expiry.domain_expiry import DomainExpiry, ExpiryState
from bot.models import LastResend, domain_key
from bot.views.blocks import Message, date_time, emails, escape, plain, section, time_of_day, truncate
from bot.views.digest import day, method
from bot.views.pending_rows import resend_button, short_name
from bot.views.revalidation import revalidate_button
from bot.views.validity import because

PREVIOUS = "expiring_previous"
NEXT = "expiring_next"
PER_PAGE = 10
_ROOM_FOR_A_LINE = 900
_ROOM_IN_TEXT = 3500


@dataclass(frozen=True, slots=True)
class ExpiringRow:
    """A domain whose validation ends soon, or has ended. The flags say what its reader may do, and if it helps."""

    expiry: DomainExpiry
    last: LastResend | None = None
    can_revalidate: bool = False
    can_resend: bool = False


@dataclass(frozen=True, slots=True)
class ExpiringPage:
    """One page of these domains, the nearest end first. `number` counts from 0. `days` is how far it looks ahead."""

    days: int
    number: int
    pages: int
    total: int
    rows: Sequence[ExpiringRow]
    read_at: datetime
    unreadable: str = ""


def page(shown: ExpiringPage) -> Message:
    """Return the domains of one page, and the buttons to the neighbouring pages."""
    days = "1 day" if shown.days == 1 else f"{shown.days} days"
    checked = f"Checked {time_of_day(shown.read_at)}"
    if not shown.rows:
        words = f"No validation ends within {days}"
        return _notes(" · ".join(filter(None, [words, checked, escape(shown.unreadable)])))
    count = "1 validation ends" if shown.total == 1 else f"{shown.total} validations end"
    of_pages = f"Page {shown.number + 1} of {shown.pages}" if shown.pages > 1 else ""
    head = " · ".join(filter(None, [f"*{count} within {days}*", checked, of_pages, escape(shown.unreadable)]))
    room = _ROOM_IN_TEXT // len(shown.rows)
    blocks = [section(head), *(block for row in shown.rows for block in row_blocks(row))]
    spoken = [head, *(truncate(row_line(row), room) for row in shown.rows)]
    return Message("\n".join(spoken), (*blocks, *_navigation(shown)))


def row_line(row: ExpiringRow) -> str:
    """Return the row as marked-up text on one line."""
    expiry, domain = row.expiry, row.expiry.domain
    waiting = "waiting for approval" if expiry.state is ExpiryState.WAITING else ""
    parts = [f"*{short_name(domain.name)}*", _end(expiry), waiting, escape(method(domain.method)), _last(row.last)]
    return truncate(" · ".join(filter(None, parts)), _ROOM_FOR_A_LINE)


def row_blocks(row: ExpiringRow) -> list[Block]:
    """Return the row, and below it the buttons that can help."""
    key, subject = domain_key(row.expiry.domain.id), row.expiry.domain.name
    buttons: list[InteractiveElement] = []
    if row.can_revalidate:
        buttons.append(revalidate_button(key, subject))
    if row.can_resend:
        buttons.append(resend_button(key, subject))
    return [section(row_line(row)), *([ActionsBlock(elements=buttons)] if buttons else [])]


def page_key(days: int, number: int) -> str:
    """Return the value of a button that shows this page."""
    return f"{days}:{number}"


def _end(expiry: DomainExpiry) -> str:
    if expiry.end is None:
        return ""
    verb = "expired" if expiry.state is ExpiryState.EXPIRED else "ends"
    return f"{verb} {day(expiry.end.day)} ({because(expiry.end)})"


def _last(last: LastResend | None) -> str:
    return f"last email to {emails(last.emails[:1])} {date_time(last.at)}" if last else ""


def _notes(words: str) -> Message:
    return Message(words, (section(words),))


def _navigation(shown: ExpiringPage) -> list[Block]:
    buttons: list[InteractiveElement] = []
    if shown.number > 0:
        buttons.append(_button(PREVIOUS, "Previous", page_key(shown.days, shown.number - 1)))
    if shown.number + 1 < shown.pages:
        buttons.append(_button(NEXT, "Next", page_key(shown.days, shown.number + 1)))
    return [ActionsBlock(elements=buttons)] if buttons else []


def _button(action_id: str, label: str, value: str) -> ButtonElement:
    return ButtonElement(action_id=action_id, text=plain(label), value=value)
