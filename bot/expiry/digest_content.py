"""The content of a digest: which domains need someone until its horizon, and what it proposes. Pure."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bot.expiry.calendar import Calendar
from bot.expiry.digest_file import DigestRule, rule_for
from bot.expiry.digest_schedule import is_warning_due, is_warning_hour, threshold, weekly_portion
from bot.expiry.domain_expiry import DomainExpiry, ExpiryState, nearest_first
from bot.expiry.effective_end import EMAIL, EndReason, end_if_validated
from bot.models import Order, domain_key, order_key

LONG_WAITING = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Portion:
    """A proposal to spread a rush: revalidate `domains` this week, of the `total` that a rule ends on `day`."""

    day: date
    total: int
    domains: tuple[DomainExpiry, ...]


@dataclass(frozen=True, slots=True)
class DigestContent:
    """What one digest says. `total` is the number of domains that it covers.

    `rows` are the domains that need someone before the `horizon`, the nearest end first, and `orders` the DV orders
    that are waiting: these never reuse a validation. `new` are the domains that crossed a threshold since the previous
    digest, with its days. `snoozed` is the number of domains and orders left out.
    """

    rule: DigestRule
    horizon: datetime
    total: int
    rows: tuple[DomainExpiry, ...]
    orders: tuple[Order, ...] = ()
    new: tuple[tuple[DomainExpiry, int], ...] = ()
    portion: Portion | None = None
    snoozed: int = 0

    @property
    def to_revalidate(self) -> tuple[DomainExpiry, ...]:
        """Return the domains for which a revalidation is worth an email, with those of the portion."""
        proposed = self.portion.domains if self.portion else ()
        once = {row.domain.id: row for row in (*self.rows, *proposed) if row.renewed_until}
        return tuple(once.values())

    @property
    def to_resend(self) -> tuple[str, ...]:
        """Return the keys of what is waiting for the approval of an email."""
        domains = (row for row in self.rows if row.state is ExpiryState.WAITING)
        return (
            *(domain_key(row.domain.id) for row in domains if row.domain.method in (None, EMAIL)),
            *(order_key(order.id) for order in self.orders if order.method in (None, EMAIL)),
        )


@dataclass(frozen=True, slots=True)
class Coverage:
    """The part of the account in a digest, without what is snoozed in its channel."""

    rule: DigestRule
    total: int
    rows: tuple[DomainExpiry, ...]
    orders: tuple[Order, ...]
    snoozed: int

    def warnings(self, now: datetime) -> list[DomainExpiry]:
        """Return the domains of which the owner should be warned today, if that was not done yet."""
        if not is_warning_hour(self.rule, now):
            return []
        return [row for row in self.rows if row.ends_at and is_warning_due(self.rule, row.ends_at, now)]


def cover(
    rule: DigestRule,
    digests: tuple[DigestRule, ...],
    rows: Iterable[DomainExpiry],
    orders: Iterable[Order],
    snoozed: Collection[str],
) -> Coverage:
    """Return what a digest covers. `snoozed` are the keys of the domains and orders that are snoozed there."""
    mine = [row for row in rows if rule_for(row.domain.name, digests) is rule]
    waiting = [order for order in orders if order.is_dv and rule_for(order.common_name, digests) is rule]
    shown = tuple(row for row in mine if domain_key(row.domain.id) not in snoozed)
    open_orders = tuple(order for order in waiting if order_key(order.id) not in snoozed)
    hidden = len(mine) - len(shown) + len(waiting) - len(open_orders)
    return Coverage(rule, len(mine), shown, open_orders, hidden)


def digest_content(
    coverage: Coverage, calendar: Calendar, due_at: datetime, now: datetime, previous: datetime | None
) -> DigestContent:
    """Return the content of the digest of the moment `due_at`, as it is `now`.

    `previous` is the moment of the digest before it in that channel, None if there was none.
    """
    rule = coverage.rule
    horizon = due_at + timedelta(days=rule.horizon)
    rows = nearest_first(row for row in coverage.rows if row.is_due(horizon))
    return DigestContent(
        rule,
        horizon,
        coverage.total,
        tuple(rows),
        coverage.orders,
        tuple(_new(rule, rows, due_at, previous)) if previous else (),
        _portion(coverage.rows, calendar, now),
        coverage.snoozed,
    )


def counts_within(content: DigestContent, now: datetime) -> Mapping[int, int]:
    """Return how many domains end within each of the digest's numbers of days but the largest, the largest first."""
    left = [row.ends_at - now for row in content.rows if row.ends_at and row.state is ExpiryState.VALID]
    return {days: sum(each <= timedelta(days=days) for each in left) for days in content.rule.days[1:]}


def waiting_long(content: DigestContent, now: datetime) -> int:
    """Return how many domains and orders have been waiting for approval for more than LONG_WAITING."""
    domains = (row.domain.since for row in content.rows if row.state is ExpiryState.WAITING)
    return sum(since is not None and now - since > LONG_WAITING for since in (*domains, *_since(content.orders)))


def ended_by_rule(content: DigestContent) -> Mapping[date, int]:
    """Return how many of the listed domains end because of a new rule and not of their age, by the day of the rule."""
    ends = (row.end for row in content.rows if row.state is ExpiryState.VALID)
    return Counter(end.rule.day for end in ends if end and end.rule and end.reason is EndReason.RULE)


def _since(orders: Sequence[Order]) -> Iterable[datetime | None]:
    return (order.since or order.ordered_at for order in orders)


def _new(
    rule: DigestRule, rows: Iterable[DomainExpiry], due_at: datetime, previous: datetime
) -> Iterable[tuple[DomainExpiry, int]]:
    for row in rows:
        if row.ends_at and row.state is ExpiryState.VALID:
            before, now = (threshold(rule, row.ends_at, moment) for moment in (previous, due_at))
            if now is not None and now != before:
                yield row, now


def _portion(rows: Sequence[DomainExpiry], calendar: Calendar, now: datetime) -> Portion | None:
    """Return this week's portion of the domains that the next rule ends; None if a revalidation would not help yet."""
    ended = [row for row in rows if row.state is ExpiryState.VALID and row.end and row.end.reason is EndReason.RULE]
    days = sorted({row.end.rule.day for row in ended if row.end and row.end.rule})
    if not days:
        return None
    day = days[0]
    mine = [row for row in ended if row.end and row.end.rule and row.end.rule.day == day]
    new = end_if_validated(now.date(), EMAIL, calendar)
    if new is None or new.day <= day:
        return None
    count = weekly_portion((row.end.at for row in mine if row.end), day, now.date())
    return Portion(day, len(mine), tuple(nearest_first(mine)[:count]))
