"""The digest of a channel, its warnings, and the forms that its buttons open."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement

from bot.expiry.digest_content import (
    DigestContent,
    Portion,
    counts_within,
    ended_by_rule,
    waiting_long,
)
from bot.expiry.digest_file import DigestRule
from bot.expiry.domain_expiry import DomainExpiry, ExpiryState
from bot.expiry.effective_end import EffectiveEnd, EndReason
from bot.models import LastResend, Order, domain_key, order_key
from bot.parsing.domain_names import display_name
from bot.views.blocks import (
    Message,
    channel,
    context,
    date_time,
    escape,
    group,
    join_names,
    name,
    person,
    plain,
    section,
)
from bot.views.tables import Cell, DataTable, RawBlock
from bot.views.validity import because

REVALIDATE = "digest_revalidate"
RESEND = "digest_resend"
SNOOZE = "digest_snooze"
HEADER = ("Domain", "Ends", "Because", "Method", "Owner", "Last email")
_MOST_LISTED = 5
_METHODS = {
    "email": "Email",
    "dns-txt-token": "DNS TXT",
    "dns-cname-token": "DNS CNAME",
    "http-token": "HTTP file",
    "http-token-static": "HTTP file",
    "http-token-dynamic": "HTTP file",
}


@dataclass(frozen=True, slots=True)
class DigestExtras:
    """What a digest shows beside its content.

    `key` identifies the digest in the values of its buttons. `last` has the last resend of each target by its key,
    `owner` is the name of the owner, and `unreadable` a sentence on rows of DigiCert that the bot could not read.
    `stale_since` is when the data was read, if DigiCert has not answered since the digest was due.
    """

    key: str
    last: Mapping[str, LastResend]
    owner: str = ""
    unreadable: str = ""
    stale_since: datetime | None = None


def digest(content: DigestContent, extras: DigestExtras, now: datetime) -> Message:
    """Return the digest: the headline, the proposal, the table, and the buttons that can help."""
    head, details = _headline(content), _details(content, now)
    lines = [f"*{head}*", *([details] if details else [])]
    blocks: list[Block] = [section(" ".join(lines))]
    more = [*([_proposal(content.portion)] if content.portion else []), *_new(content)]
    blocks += map(section, more)
    left_out = 0
    if rows := [*_domain_rows(content, extras), *_order_rows(content, extras)]:
        table = DataTable(f"What needs you before {_long_day(_horizon(content))}", HEADER, rows)
        left_out = table.left_out
        blocks.append(table)
    blocks += map(context, notes := _notes(content, extras, left_out))
    if buttons := _buttons(content, extras.key):
        blocks.append(ActionsBlock(elements=buttons))
    spoken = [head, details, *more, *_top(content), *notes]
    return Message("\n".join(filter(None, spoken)).replace("*", ""), tuple(blocks))


def no_data(since: datetime) -> Message:
    """Return the digest if DigiCert has not answered since it was due, and the bot has no earlier data."""
    words = (
        f"*There is no digest yet.* DigiCert hasn't answered since {date_time(since)}. I'll add it here when it does."
    )
    return Message(words.replace("*", ""), (section(words),))


def body_of(message: Message) -> str:
    """Return a message as JSON, to compare it with what is in Slack."""
    return json.dumps(message.payload(), sort_keys=True)


def closed(body: str) -> Message:
    """Return an earlier digest without its buttons, since a newer one has them."""
    payload = json.loads(body)
    left = (block for block in payload["blocks"] if block["type"] != "actions")
    return Message(payload["text"], (*map(RawBlock, left), context("There is a newer digest.")))


def warning(rule: DigestRule, rows: Sequence[DomainExpiry], now: datetime) -> Message:
    """Return the warning of one day. It mentions the owner once, if a domain ends soon enough for that."""
    soon = any(row.ends_at and (row.ends_at - now).total_seconds() <= rule.mention_below * 86400 for row in rows)
    owner = mention(rule.owner) if rule.owner and soon else ""
    count = "1 validation ends" if len(rows) == 1 else f"{len(rows)} validations end"
    head = f"{count} within 7 days."
    lines = [f"• *{name(row.domain.name)}* ends {_in_days(row, now)}{_why(row.end)}" for row in rows[:_MOST_LISTED]]
    rest = [f"+ {len(rows) - _MOST_LISTED} more"] if len(rows) > _MOST_LISTED else []
    words = "\n".join([f"{owner}: {head}" if owner else head, *lines, *rest])
    return Message(words.replace("*", ""), (section(words),))


def cannot_post(channel_id: str) -> Message:
    """Return the line for the default digest's channel if another channel is closed to the bot."""
    words = f"The digest for {channel(channel_id)} can't be posted."
    return Message(words, (section(words),))


def mention(owner: str) -> str:
    """Return the mention of an owner: a user group or a user."""
    return group(owner) if group(owner) != owner else person(owner)


def day(at: date) -> str:
    """Return a day as the table shows it."""
    return f"{at:%b} {at.day}, {at.year}"


def method(found: str | None) -> str:
    """Return a DCV method as people call it; empty if it is not known."""
    return _METHODS.get(found or "", found or "")


def _long_day(at: date) -> str:
    return f"{at:%B} {at.day}"


def _horizon(content: DigestContent) -> date:
    return content.horizon.astimezone(content.rule.timezone).date()


def _headline(content: DigestContent) -> str:
    due, orders = len(content.rows), len(content.orders)
    total = "1 domain" if content.total == 1 else f"{content.total} domains"
    before = f"before {_long_day(_horizon(content))}"
    and_orders = f" and {'1 order' if orders == 1 else f'{orders} orders'}" if orders else ""
    if not due and not orders:
        return f"None of {total} needs you {before}." if content.total else "No domain needs you here."
    verb = "needs" if due + orders == 1 else "need"
    return f"{due} of {total}{and_orders} {verb} you {before}."


def _details(content: DigestContent, now: datetime) -> str:
    parts = []
    if waiting := waiting_long(content, now):
        verb = "has" if waiting == 1 else "have"
        parts.append(f"{waiting} {verb} been waiting for approval for more than 3 days")
    within = [(days, count) for days, count in counts_within(content, now).items() if count]
    for number, (days, count) in enumerate(within):
        # "7 expire within 14 days, 2 within 7"
        expire = f"expire{'s' if count == 1 else ''} within {days} day{'' if days == 1 else 's'}"
        parts.append(f"{count} within {days}" if number else f"{count} {expire}")
    expired = sum(row.state is ExpiryState.EXPIRED for row in content.rows)
    if expired:
        parts.append(f"{expired} {'has' if expired == 1 else 'have'} expired")
    sentences = [f"{', '.join(parts)}."] if parts else []
    for rule_day, count in ended_by_rule(content).items():
        of_them = f"{count} of them {'ends' if count == 1 else 'end'} on {_long_day(rule_day)}"
        sentences.append(f"{of_them} because of the new rule, not because of {'its' if count == 1 else 'their'} age.")
    return " ".join(sentences)


def _proposal(portion: Portion) -> str:
    count = "1 domain" if len(portion.domains) == 1 else f"{len(portion.domains)} domains"
    return (
        f"Revalidate *{count} this week*, so that {_long_day(portion.day)} is not one big day. "
        f"{portion.total} {'ends' if portion.total == 1 else 'end'} on it."
    )


def _new(content: DigestContent) -> list[str]:
    if not content.new:
        return []
    items = [f"{name(row.domain.name)} ({days} {'day' if days == 1 else 'days'})" for row, days in content.new]
    return [f"New since the last digest: {join_names(items, _MOST_LISTED)}"]


def _domain_rows(content: DigestContent, extras: DigestExtras) -> Iterable[Sequence[Cell | str]]:
    for row in content.rows:
        last = _last_email(extras.last.get(domain_key(row.domain.id)))
        yield display_name(row.domain.name), _ends(row), _reason(row), method(row.domain.method), extras.owner, last


def _order_rows(content: DigestContent, extras: DigestExtras) -> Iterable[Sequence[Cell | str]]:
    for order in content.orders:
        last = _last_email(extras.last.get(order_key(order.id)))
        yield (
            _order(order),
            Cell("", 0),
            _waiting(order.since or order.ordered_at),
            method(order.method),
            extras.owner,
            last,
        )


def _order(order: Order) -> str:
    more = f" + {len(order.names) - 1}" if len(order.names) > 1 else ""
    return f"{display_name(order.common_name)}{more} (order {order.id})"


def _ends(row: DomainExpiry) -> Cell:
    # Every cell has a number, so that Slack sorts the column by it.
    if row.end is None:
        return Cell("", 0)
    expired = "expired " if row.state is ExpiryState.EXPIRED else ""
    return Cell(f"{expired}{day(row.end.day)}", row.end.day.toordinal())


def _reason(row: DomainExpiry) -> str:
    if row.state is ExpiryState.WAITING:
        return _waiting(row.domain.since)
    return because(row.end) if row.end else ""


def _waiting(since: datetime | None) -> str:
    return f"waiting since {since.astimezone(UTC):%b} {since.astimezone(UTC).day}" if since else "waiting"


def _last_email(last: LastResend | None) -> Cell:
    return (
        Cell(day(last.at.astimezone(UTC).date()), last.at.astimezone(UTC).date().toordinal()) if last else Cell("", 0)
    )


def _notes(content: DigestContent, extras: DigestExtras, left_out: int) -> list[str]:
    notes = [f"+ {left_out} more: type `/dcv-status expiring`"] if left_out else []
    if content.snoozed:
        notes.append("1 is snoozed." if content.snoozed == 1 else f"{content.snoozed} are snoozed.")
    if extras.unreadable:
        notes.append(escape(extras.unreadable))
    if extras.stale_since:
        notes.append(f"DigiCert can't be reached. This is what it listed {date_time(extras.stale_since)}.")
    return notes


def _top(content: DigestContent) -> list[str]:
    lines = [f"{name(row.domain.name)}: {_short(row)}" for row in content.rows[:_MOST_LISTED]]
    lines += [f"{name(order.common_name)}: waiting" for order in content.orders[: _MOST_LISTED - len(lines)]]
    more = len(content.rows) + len(content.orders) - len(lines)
    return [*lines, *([f"+ {more} more"] if more else [])]


def _short(row: DomainExpiry) -> str:
    if row.state is ExpiryState.WAITING:
        return "waiting for approval"
    verb = "expired" if row.state is ExpiryState.EXPIRED else "ends"
    return f"{verb} {day(row.end.day)}" if row.end else verb


def _buttons(content: DigestContent, key: str) -> list[ButtonElement]:
    """Return the buttons that can help now. The first is the primary one."""
    known = [
        (REVALIDATE, f"Revalidate {len(content.to_revalidate)}…", bool(content.to_revalidate)),
        (RESEND, f"Resend {len(content.to_resend)}…", bool(content.to_resend)),
        (SNOOZE, "Snooze…", bool(content.rows or content.orders)),
    ]
    shown = [(action, label) for action, label, helps in known if helps]
    return [
        ButtonElement(
            action_id=action,
            text=plain(label),
            value=key,
            style="primary" if number == 0 and action != SNOOZE else None,
        )
        for number, (action, label) in enumerate(shown)
    ]


def _in_days(row: DomainExpiry, now: datetime) -> str:
    if row.end is None:
        return "soon"
    left = (row.end.at - now).total_seconds()
    days = -int(-left // 86400)
    when = f"in {int(left // 3600)} hours" if left < 2 * 86400 else f"in {days} days"
    return f"on {_long_day(row.end.day)}, {when}"


def _why(end: EffectiveEnd | None) -> str:
    return f" (because of the {because(end)})" if end and end.reason is not EndReason.AGE else ""
