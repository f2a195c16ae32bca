"""The state of orders and domains: ephemeral messages with buttons for paging."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement

from bot.expiry.effective_end import EffectiveEnd
from bot.models import Domain, LastResend, Order, Pending, TargetKey, domain_key, order_key
from bot.views.blocks import (
    SECTION_TEXT,
    Message,
    date_time,
    duration_since,
    escape,
    names,
    plain,
    section,
    time_of_day,
    truncate,
    without_internals,
)
from bot.views.console_links import console_button
from bot.views.pending_rows import (
    PendingRow,
    certificate_end,
    last_resent,
    not_approved,
    order_name,
    resend_button,
    row_blocks,
    row_line,
    short_name,
)
from bot.views.revalidation import revalidate_button
from bot.views.validity import until

PREVIOUS = "status_previous"
NEXT = "status_next"
AGAIN = "status_again"
ALL = "status_all"
PER_PAGE = 10

# Slack takes about 13,200 characters in all blocks of a message; the bot's texts have 4,000 at most.
_ROOM_IN_BLOCKS = 9600
_ROOM_IN_TEXT = 3600
_LEAST_FOR_A_LINE = 480
_MOST_LINES = 12
_ROOM_FOR_A_PRODUCT = 60
_ROOM_FOR_A_WORD = 40


@dataclass(frozen=True, slots=True)
class NameGroup:
    """The names of one state with the same last resend, if any. `method` is their validation method.

    `by_email` is True if that is email.
    """

    names: tuple[str, ...]
    waits: bool
    method: str
    last: LastResend | None = None
    by_email: bool = True


@dataclass(frozen=True, slots=True)
class OrderState:
    """An order. `over` is the reason if nothing can be pending there, else `groups` describe its names.

    `remark` says what else the order needs, or which part of it could not be read. `may_resend` is True if the reader
    may resend for it.
    """

    order: Order
    over: str | None = None
    groups: tuple[NameGroup, ...] = ()
    remark: str = ""
    may_resend: bool = False

    @property
    def key(self) -> str:
        """Return the key that opens the form."""
        return order_key(self.order.id)

    @property
    def can_resend(self) -> bool:
        """Return True if an email can help now."""
        return self.may_resend and any(group.waits and group.by_email for group in self.groups)


@dataclass(frozen=True, slots=True)
class DomainState:
    """A domain. `over` is the reason if no email can help it, and `end` that of its validation.

    `can_revalidate` is True if the reader may revalidate it, and if that is worthwhile.
    """

    domain: Domain
    over: str | None = None
    last: LastResend | None = None
    may_resend: bool = False
    end: EffectiveEnd | None = None
    can_revalidate: bool = False

    @property
    def key(self) -> str:
        """Return the key that opens the form."""
        return domain_key(self.domain.id)

    @property
    def can_resend(self) -> bool:
        """Return True if an email can help now."""
        return self.may_resend and not self.over


State = OrderState | DomainState


@dataclass(frozen=True, slots=True)
class StatusPage:
    """One page of the pending orders and domains. `number` counts from 0, `counts` are those of orders and of domains.

    `unreadable` is a sentence on the rows of DigiCert's lists that could not be read, or empty.
    """

    number: int
    pages: int
    counts: tuple[int, int]
    rows: tuple[PendingRow, ...]
    read_at: datetime
    unreadable: str = ""


def page(shown: StatusPage, now: datetime) -> Message:
    """Return the pending orders of one page, and the buttons to the neighbouring pages."""
    checked = f"Checked {time_of_day(shown.read_at)}"
    if not shown.rows:
        none = "No pending orders that could be read" if shown.unreadable else "No pending orders"
        return _notes(" · ".join(filter(None, [none, checked, escape(shown.unreadable)])))
    of_pages = f"Page {shown.number + 1} of {shown.pages}" if shown.pages > 1 else ""
    order = "Most urgent first" if sum(shown.counts) > 1 else ""
    head = " · ".join(filter(None, [f"*{_count(*shown.counts)}*", order, checked, of_pages, escape(shown.unreadable)]))
    blocks: list[Block] = [section(head)]
    spoken = [head]
    room = _ROOM_IN_TEXT // len(shown.rows)
    for number, row in enumerate(shown.rows):
        if row.need and (number == 0 or not shown.rows[number - 1].need):
            blocks.append(section("*Needs something else*"))
            spoken.append("Needs something else:")
        blocks += row_blocks(row, now)
        spoken.append(truncate(row_line(row, now), room))
    return Message("\n".join(spoken), (*blocks, *_navigation(shown)))


def _count(orders: int, domains: int) -> str:
    """Return the number of pending orders and domains in words."""
    counted = ((orders, "order"), (domains, "domain"))
    parts = [f"{count} pending {word}{'' if count == 1 else 's'}" for count, word in counted if count]
    return " and ".join(parts)


def states(wanted: str | None, found: Sequence[State], more: int, now: datetime, console_url: str) -> Message:
    """Return DigiCert's state of an order or a domain, or of several with one name.

    `more` is the number of further orders with that name.
    """
    blocks: list[Block] = []
    spoken: list[str] = []
    back = _button(ALL, "All pending orders", page_key(0))
    for state in found:
        blocks += _sections(_lines(state, _ROOM_IN_BLOCKS // len(found), now))
        blocks.append(
            ActionsBlock(elements=[*_state_buttons(state, console_url), *([back] if len(found) == 1 else [])])
        )
        room = _ROOM_IN_TEXT // len(found)
        spoken.append(truncate(" ".join(_lines(state, room, now)), room))
    if more:
        include = "1 more order includes" if more == 1 else f"{more} more orders include"
        words = f"{include} {short_name(wanted or '')}. Search by order number."
        blocks.append(section(words))
        spoken.append(words)
    if len(found) > 1:
        blocks.append(ActionsBlock(elements=[back]))
    return Message(" ".join(spoken), tuple(blocks))


def unavailable(sentence: str, again: str) -> Message:
    """Return the message if DigiCert could not be reached, with a button to retry."""
    words = f"Can't load the status right now. {escape(without_internals(sentence))}"
    return Message(words, (section(words), _buttons([(AGAIN, "Try again", again)])))


def page_key(number: int) -> str:
    """Return the value of a button that shows this page, counted from 0."""
    return str(TargetKey("page", str(number)))


def _notes(words: str) -> Message:
    return Message(words, (section(words),))


def _navigation(shown: StatusPage) -> list[Block]:
    buttons = []
    if shown.number > 0:
        buttons.append((PREVIOUS, "Previous", page_key(shown.number - 1)))
    if shown.number + 1 < shown.pages:
        buttons.append((NEXT, "Next", page_key(shown.number + 1)))
    return [_buttons(buttons)] if buttons else []


def _buttons(chosen: Iterable[tuple[str, str, str]]) -> ActionsBlock:
    return ActionsBlock(elements=[_button(*each) for each in chosen])


def _button(action_id: str, label: str, key: str) -> ButtonElement:
    return ButtonElement(action_id=action_id, text=plain(label), value=key)


def _state_buttons(state: State, console_url: str) -> list[ButtonElement]:
    subject = f"order {state.order.id}" if isinstance(state, OrderState) else state.domain.name
    resend = [resend_button(state.key, subject)] if state.can_resend else []
    if isinstance(state, DomainState) and state.can_revalidate:
        resend.append(revalidate_button(state.key, subject))
    return [*resend, console_button(console_url, state.key)]


def _lines(state: State, room: int, now: datetime) -> list[str]:
    match state:
        case OrderState():
            return _order_lines(state, room, now)
        case DomainState():
            return [truncate(_domain_line(state, now), room)]


def _domain_line(state: DomainState, now: datetime) -> str:
    domain, last = state.domain, state.last
    head = f"*Domain {short_name(domain.name)}*"
    resent = [last_resent(last, "" if last.name == domain.name else last.name)] if last else []
    if state.over:
        return " · ".join([head, escape(state.over), *resent])
    if not isinstance(domain.validation, Pending):
        return " · ".join([head, "validation status unknown", *resent])
    words = f"waiting for email approval{f' for {duration_since(domain.since, now)}' if domain.since else ''}"
    valid = [f"its earlier validation is valid {until(state.end)}"] if state.end else []
    waited = [not_approved(last, now)] if last else []
    return " · ".join(filter(None, [head, words, *valid, *waited, *resent]))


def _order_lines(state: OrderState, room: int, now: datetime) -> list[str]:
    """Return the order, then its names in groups. Names that exceed `room` characters are only counted."""
    order = state.order
    head = f"*Order {order.id} · {order_name(order)}*"
    if state.over:
        return [truncate(f"{head} · {escape(state.over)}", room)]
    product = truncate(escape(order.product), _ROOM_FOR_A_PRODUCT)
    status = truncate(escape(order.status.replace("_", " ")), _ROOM_FOR_A_WORD)
    since = f"{status} {duration_since(order.since, now)} (since {date_time(order.since)})" if order.since else status
    expires = certificate_end(order.expires_at, now) if order.expires_at else ""
    head = " · ".join(filter(None, [head, product, since, expires]))
    remarks = [truncate(escape(state.remark), room // 2)] if state.remark else []
    left = room - len(head) - sum(map(len, remarks))
    # Show fewer groups if the room would leave too little for each line, but always at least one.
    shown = state.groups[: min(_MOST_LINES, max(1, left // _LEAST_FOR_A_LINE))]
    lines = [_group_line(group, left // len(shown), now) for group in shown]
    rest = sum(len(group.names) for group in state.groups[len(shown) :])
    return [head, *lines, *([f"+ {rest} more domains"] if rest else []), *remarks]


def _group_line(group: NameGroup, room: int, now: datetime) -> str:
    method = truncate(escape(group.method), _ROOM_FOR_A_WORD)
    if group.waits:
        words = f"⏳ {'Needs email approval' if group.by_email else f'Needs {method}'} ({len(group.names)})"
    else:
        words = f"✅ Validated by {'email' if group.by_email else method} ({len(group.names)})"
    last = group.last
    waited = not_approved(last, now) if last and group.waits else ""
    ends = [part for part in (waited, last_resent(last) if last else "") if part]
    end = "".join(f" · {part}" for part in ends)
    left = room - len(words) - len(end) - 4
    return f"{words}: {truncate(names(group.names, room=max(0, left - 20)), max(20, left))}{end}"


def _sections(lines: Sequence[str]) -> list[Block]:
    """Return the lines in as few paragraphs as possible."""
    packed: list[str] = []
    for line in lines:
        if packed and len(packed[-1]) + len(line) < SECTION_TEXT:
            packed[-1] += f"\n{line}"
        else:
            packed.append(line)
    return [section(words) for words in packed]
