"""The state of orders and domains: ephemeral messages with buttons for paging."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement

from bot.models import Domain, LastResend, LedgerEvent, Order, Pending, TargetKey
from bot.views.blocks import (
    SECTION_TEXT,
    Message,
    context,
    date_time,
    duration_since,
    emails,
    escape,
    name,
    names,
    person,
    plain,
    section,
    truncate,
)

PREVIOUS = "status_previous"
NEXT = "status_next"
AGAIN = "status_again"
PER_PAGE = 10

# Slack takes about 13,200 characters in all blocks of a message; the bot's texts have 4,000 at most.
_ROOM_IN_BLOCKS = 9600
_ROOM_IN_TEXT = 3600
_LEAST_FOR_A_LINE = 480
_MOST_LINES = 12
_ROOM_FOR_A_NAME = 160
_ROOM_FOR_A_PRODUCT = 60
_ROOM_FOR_A_WORD = 40


@dataclass(frozen=True, slots=True)
class NameGroup:
    """The names of one state with the same last resend, if any. `method` is their validation method."""

    names: tuple[str, ...]
    waits: bool
    method: str
    last: LastResend | None = None


@dataclass(frozen=True, slots=True)
class OrderState:
    """An order. `over` is the reason if nothing can be pending there, else `groups` describe its names.

    `remark` says what else the order needs, or which part of it could not be read.
    """

    order: Order
    over: str | None = None
    groups: tuple[NameGroup, ...] = ()
    remark: str = ""


@dataclass(frozen=True, slots=True)
class DomainState:
    """A domain. `over` is the reason if no email can help it."""

    domain: Domain
    over: str | None = None
    last: LastResend | None = None


State = OrderState | DomainState


@dataclass(frozen=True, slots=True)
class StatusPage:
    """One page of the pending orders. `number` counts from 0, `last` is by order id.

    `unreadable` is a sentence on the rows of DigiCert's lists that could not be read, or empty.
    """

    number: int
    pages: int
    total: int
    orders: tuple[Order, ...]
    last: Mapping[int, LastResend]
    read_at: datetime
    unreadable: str = ""


def page(shown: StatusPage, now: datetime) -> Message:
    """Return the pending orders of one page, and the buttons to the neighbouring pages."""
    listed = f"as DigiCert listed them at {date_time(shown.read_at)}."
    if not shown.orders:
        which = " that could be read" if shown.unreadable else ""
        words = f"No order{which} waits for validation, {listed}"
        return _notes(" ".join(filter(None, [words, escape(shown.unreadable)])))
    of_pages = f" Page {shown.number + 1} of {shown.pages}." if shown.pages > 1 else ""
    count = "1 order waits" if shown.total == 1 else f"{shown.total} orders wait"
    head = f"*{count} for validation*, the oldest first, {listed}{of_pages} {escape(shown.unreadable)}".rstrip()
    lines = [_pending_line(order, shown.last.get(order.id), now) for order in shown.orders]
    hint = context(f"Name an order to see each of its names, for example /dcv-status {shown.orders[0].id}.")
    blocks = [section(head), *(section(line) for line in lines), hint, *_navigation(shown)]
    room = _ROOM_IN_TEXT // len(lines)
    return Message(" ".join([head, *(truncate(line.replace("\n", " "), room) for line in lines)]), tuple(blocks))


def states(wanted: str | None, found: Sequence[State], more: int, now: datetime) -> Message:
    """Return DigiCert's state of an order or a domain, or of several with one name.

    `more` is the number of further orders with that name.
    """
    blocks: list[Block] = []
    spoken: list[str] = []
    for state in found:
        blocks += _sections(_lines(state, _ROOM_IN_BLOCKS // len(found), now))
        room = _ROOM_IN_TEXT // len(found)
        spoken.append(truncate(" ".join(_lines(state, room, now)), room))
    if more:
        words = (
            f"{'1 more order carries' if more == 1 else f'{more} more orders carry'} {_short(wanted or '')}; ask by id."
        )
        blocks.append(context(words))
        spoken.append(words)
    return Message(" ".join(spoken), tuple(blocks))


def unavailable(sentence: str, again: str) -> Message:
    """Return the message if DigiCert could not be reached, with a button to retry."""
    words = f"{escape(sentence)} How it stands cannot be told now; try again in a moment."
    return Message(words, (section(f":warning: {words}"), _buttons([(AGAIN, "Try again", again)])))


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
    return ActionsBlock(
        elements=[ButtonElement(action_id=action_id, text=plain(label), value=key) for action_id, label, key in chosen]
    )


def _pending_line(order: Order, last: LastResend | None, now: datetime) -> str:
    more = f" and {len(order.names) - 1} more" if len(order.names) > 1 else ""
    return f"*{order.id}* · {_order_name(order)}{more} · {_waits(order.since, now)}\n{_last(last, now)}"


def _waits(since: datetime | None, now: datetime) -> str:
    return f"waits for {duration_since(since, now)} (since {date_time(since)})" if since else "waits"


def _lines(state: State, room: int, now: datetime) -> list[str]:
    match state:
        case OrderState():
            return _order_lines(state, room, now)
        case DomainState():
            return [truncate(_domain_line(state, now), room)]


def _domain_line(state: DomainState, now: datetime) -> str:
    domain = state.domain
    last = _last(state.last, now, mailed_for=domain.name)
    if state.over:
        return f"*Domain {_short(domain.name)}*: {escape(state.over)} {last if state.last else ''}".rstrip()
    match domain.validation:
        case Pending(valid_until):
            waits = f"It {_waits(domain.since, now)} for validation by an e-mail"
            if valid_until:
                waits += f"; its earlier validation is valid until {valid_until:%Y-%m-%d}"
        case _:
            waits = "DigiCert does not tell whether it waits for validation"
    return f"*Domain {_short(domain.name)}*: {waits}. {last}"


def _order_lines(state: OrderState, room: int, now: datetime) -> list[str]:
    """Return the order, then its names in groups. Names that exceed `room` characters are only counted."""
    order = state.order
    if state.over:
        return [truncate(f"*Order {order.id}* ({_order_name(order)}): {escape(state.over)}", room)]
    product = f" {truncate(escape(order.product), _ROOM_FOR_A_PRODUCT)}." if order.product else ""
    since = f" since {date_time(order.since)} ({duration_since(order.since, now)})" if order.since else ""
    status = truncate(escape(order.status), _ROOM_FOR_A_WORD)
    head = f"*Order {order.id}* ({_order_name(order)}): {status}{since}.{product}"
    remarks = [truncate(escape(state.remark), room // 2)] if state.remark else []
    left = room - len(head) - sum(map(len, remarks))
    # Show fewer groups if the room would leave too little for each line, but always at least one.
    shown = state.groups[: min(_MOST_LINES, max(1, left // _LEAST_FOR_A_LINE))]
    lines = [_group_line(group, left // len(shown), now) for group in shown]
    rest = sum(len(group.names) for group in state.groups[len(shown) :])
    return [head, *lines, *([f"And {rest} more names."] if rest else []), *remarks]


def _group_line(group: NameGroup, room: int, now: datetime) -> str:
    one, method = len(group.names) == 1, truncate(escape(group.method), _ROOM_FOR_A_WORD)
    if group.waits:
        words = f"*{len(group.names)} {'name waits' if one else 'names wait'} for {method}*"
    else:
        words = f"*{len(group.names)} {'name is' if one else 'names are'} validated* (by {method})"
    last = f" {_last(group.last, now)}" if group.waits or group.last else ""
    left = room - len(words) - len(last) - 4
    return f"{words}: {truncate(names(group.names, room=max(0, left - 20)), max(20, left))}.{last}"


def _last(last: LastResend | None, now: datetime, mailed_for: str | None = None) -> str:
    """Return the last resend: who asked for it, when, and its recipients.

    It has no link if the reader may not see its thread.
    """
    if last is None:
        return "No resend by this bot so far."
    went = "Last resend" if last.outcome is LedgerEvent.SENT else "Last resend (it is *unknown* whether it went out)"
    scope = f" for {_short(last.name)}" if mailed_for not in {None, last.name} else ""
    thread = f" (<{last.link}|thread>)" if last.link else ""
    when = f"{duration_since(last.at, now)} ago, at {date_time(last.at)}"
    return f"{went} {when}, by {person(last.user_id)}{scope} to {emails(last.emails)}{thread}."


def _order_name(order: Order) -> str:
    return _short(order.common_name or next(iter(order.names), "")) or "no name"


def _short(ascii_name: str) -> str:
    return truncate(name(ascii_name), _ROOM_FOR_A_NAME)


def _sections(lines: Sequence[str]) -> list[Block]:
    """Return the lines in as few paragraphs as possible."""
    packed: list[str] = []
    for line in lines:
        if packed and len(packed[-1]) + len(line) < SECTION_TEXT:
            packed[-1] += f"\n{line}"
        else:
            packed.append(line)
    return [section(words) for words in packed]
