"""The selection of a plan: what a filter or a list means, which emails that gives, and what gets none."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from attrs import define

from bot.bulk import (
    MOST_TARGETS,
    Audience,
    BulkInput,
    BulkItem,
    BulkPlan,
    LeftOut,
    LeftOutKind,
    numbered,
    without_repeats,
)
from bot.clock import Clock
from bot.errors import CaRejected, CaUnreadable, InvalidInput, NotResendable, NotVisible
from bot.expiry.calendar import Calendar
from bot.expiry.outlook import Outlook
from bot.models import AccountEntry, Call, Kind, Plan, TargetKey, WaitingName
from bot.parsing.bulk import BulkFilter, read_wish
from bot.parsing.domain_names import display_name, is_subdomain_of, without_wildcard
from bot.parsing.targets import read_target_key, target_ref_key
from bot.policy.rules import Action
from bot.recipients import (
    allows_multiple,
    calls_for_emails,
    chosen_calls,
    needs_shared_mailbox,
    preselected,
    revalidation_calls,
    shared_calls,
    shared_mailboxes,
)
from bot.services.authorization.resources import resource_for_plan
from bot.services.authorization.visibility import Visibility
from bot.services.lookup.account import AccountCache, AccountSnapshot
from bot.services.lookup.eligibility import EMAIL
from bot.services.lookup.finder import DomainChoice, Finder
from bot.services.resend.form import plan_subject
from bot.services.resend.requests import ResendService, id_of_cause
from bot.views.blocks import duration_since

# Lookups at a time. Each makes up to four calls, one after the other.
_AT_ONCE = 8
_MOST_GROUPS = 4

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Selected:
    """The items of a plan in the order to send, and what gets no email.

    `lines` counts the targets that were asked for, `repeated` those whose emails another one sends. `everyone` is the
    number of emails to all allowed addresses.
    """

    items: tuple[BulkItem, ...]
    left_out: tuple[LeftOut, ...]
    lines: int
    repeated: int
    everyone: int


@dataclass(frozen=True, slots=True)
class _Found:
    """One target after its lookup: its item, or why it has none, and the number of its emails to all addresses."""

    item: BulkItem | None = None
    left_out: LeftOut | None = None
    everyone: int = 0


@define(eq=False, repr=False, slots=False)
class BulkSelection:
    """Lookups of all targets of a plan at DigiCert, for its requester. The caller authorizes the requester first."""

    _finder: Finder
    _account_cache: AccountCache
    _resend: ResendService
    _clock: Clock
    _calendar: Calendar

    async def select(self, plan: BulkPlan, visibility: Visibility, progress: Progress) -> Selected:
        """Return what a plan would send now. `progress` is called with the numbers of done and of all lookups.

        Raises InvalidInput if there is no target, or more than MOST_TARGETS: then it says how to split them. Raises
        CaUnavailable if DigiCert cannot be reached, and PermissionUnknown if Slack does not say what to hide.
        """
        visibility.require_answer()
        titles = await self._titles(plan.asked, visibility)
        limit, done = asyncio.Semaphore(_AT_ONCE), 0

        async def find(key: str, title: str) -> _Found:
            nonlocal done
            async with limit:
                found = await self._find(plan, key, title, visibility)
            done += 1
            progress(done, len(titles))
            return found

        progress(0, len(titles))
        tasks = [asyncio.create_task(find(key, title)) for key, title in titles.items()]
        try:
            every = await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
        items, repeated = without_repeats([found.item for found in every if found.item])
        return Selected(
            tuple(numbered(items)),
            tuple(found.left_out for found in every if found.left_out),
            len(titles),
            repeated,
            sum(found.everyone for found in every),
        )

    async def plan_of(self, key: str, visibility: Visibility, *, revalidates: bool = False) -> Plan | DomainChoice:
        """Return what is pending for the target of a key now; see `Finder`.

        If it `revalidates`, return the revalidation of the domain of the key.
        """
        if revalidates:
            return await self._finder.revalidation(key, replace(visibility, action=Action.REVALIDATE))
        if wanted := read_target_key(key) if TargetKey.parse(key).kind != Kind.DOMAIN else None:
            return await self._finder.find(wanted, visibility)
        return await self._finder.by_key(key, visibility)

    async def _titles(self, asked: BulkInput, visibility: Visibility) -> dict[str, str]:
        """Return the title of each target that is meant, by its key."""
        wish = read_wish(asked.wanted)
        if not isinstance(wish, BulkFilter):
            if len(wish.targets) > MOST_TARGETS:
                raise InvalidInput(f"{_too_many(len(wish.targets))} Split the list.")
            return {key: title_of(key) for key in map(target_ref_key, wish.targets)}
        account = await self._account_cache.account(young=True)
        lines = await asyncio.to_thread(lambda: list(self._matching(wish, asked, account, visibility)))
        if not lines:
            raise InvalidInput("Nothing matches this filter, or nothing that you may resend.")
        if len(lines) > MOST_TARGETS:
            raise InvalidInput(f"{_too_many(len(lines))} {_how_to_split(lines)}")
        return {line.key: title_of(line.key, line.name) for line in lines}

    def _matching(
        self, wish: BulkFilter, asked: BulkInput, account: AccountSnapshot, visibility: Visibility
    ) -> Iterator[AccountEntry]:
        """Yield the lines that the filter chooses and the user may resend for."""
        now = self._clock()
        for line in account.lines:
            if (line.waiting is False and not asked.revalidates) or not _matches_method(wish, line, account):
                continue
            if wish.waiting_over and (line.since is None or now - line.since <= wish.waiting_over):
                continue
            if wish.expiring_within:
                ends_at = self._ends_at(line.key, account)
                if ends_at is None or ends_at - now >= wish.expiring_within:
                    continue
            if (visible := visibility.line(line)) and (wish.below is None or _is_below(wish.below, visible)):
                yield visible

    async def _find(self, plan: BulkPlan, key: str, title: str, visibility: Visibility) -> _Found:
        try:
            found = await self._plan(key, plan.asked, visibility)
            if isinstance(found, DomainChoice):
                words = f"{len(found.matches)} orders or domains match, so use an id."
                return _Found(left_out=LeftOut(title, LeftOutKind.OTHER, words))
            resource = resource_for_plan(plan.destination, found, key)
            action = Action.REVALIDATE if found.revalidation else Action.RESEND
            decision = visibility.context.decide(action, resource)
            if not decision.allowed:
                return _Found(left_out=LeftOut(title, LeftOutKind.HIDDEN))
            calls = calls_of(found, plan.asked)
        except NotVisible:
            return _Found(left_out=LeftOut(title, LeftOutKind.HIDDEN))
        except NotResendable as error:
            return _Found(left_out=_left_out(title, error))
        except InvalidInput as error:
            return _Found(left_out=LeftOut(title, LeftOutKind.OTHER, str(error).removeprefix("Nothing was sent. ")))
        except (CaRejected, CaUnreadable) as error:
            if isinstance(error, CaRejected) and error.is_about_the_key:
                raise
            return _Found(left_out=LeftOut(title, LeftOutKind.OTHER, str(error)))
        if cooldown := await self._resend.active_cooldown(calls):
            words = f"resent {duration_since(cooldown.at, self._clock())} ago"
            return _Found(left_out=LeftOut(title, LeftOutKind.COOLDOWN, words))
        item = BulkItem(
            number=0,
            key=found.key,
            title=title,
            subject=plan_subject(found),
            calls=calls,
            reach=found.reach,
            request_id=id_of_cause(plan.actor, cause_of(plan.id, found.key)),
            ends_at=self._ends_at(found.key, await self._account_cache.account()),
            since=found.since,
            revalidates=found.revalidation is not None,
        )
        return _Found(item, everyone=sum(_most(waiting) for waiting in found.waiting))

    async def _plan(self, key: str, asked: BulkInput, visibility: Visibility) -> Plan | DomainChoice:
        """Return what is pending for a target, or the revalidation of a domain that is not, if that was asked for."""
        try:
            return await self.plan_of(key, visibility)
        except NotResendable as error:
            if not asked.revalidates or not error.revalidates:
                raise
            return await self.plan_of(error.revalidates, visibility, revalidates=True)

    def _ends_at(self, key: str, account: AccountSnapshot) -> datetime | None:
        """Return when the validation of a domain ends, or the certificate that an order replaces; None if unknown."""
        if order := account.order_by_key.get(key):
            return order.expires_at
        domain = account.domain_by_key.get(key)
        end = Outlook(self._calendar, self._clock()).end(domain) if domain else None
        return end.at if end else None


def cause_of(plan_id: str, key: str) -> str:
    """Return what causes the request of an item, from which its id is derived: the plan and the target."""
    return f"bulk:{plan_id}:{key}"


def title_of(key: str, name: str = "") -> str:
    """Return the target of a key in words: an order by its id, a domain by its name."""
    target = TargetKey.parse(key)
    return f"Order {target.value}" if target.kind == Kind.ORDER else display_name(name or target.value)


def calls_of(plan: Plan, asked: BulkInput) -> tuple[Call, ...]:
    """Return the calls for one target. Raises InvalidInput if a pending name has no such recipient."""
    calls = _emailing_calls(plan, asked)
    return revalidation_calls(calls[0], plan.revalidation) if plan.revalidation else calls


def _emailing_calls(plan: Plan, asked: BulkInput) -> tuple[Call, ...]:
    match asked.audience:
        case Audience.USED:
            if needs_shared_mailbox(plan):
                return shared_calls(plan, shared_mailboxes(plan)[0])
            return chosen_calls(plan, {number: preselected(waiting) for number, waiting in enumerate(plan.waiting)})
        case Audience.ADMIN:
            try:
                return shared_calls(plan, "admin")
            except InvalidInput as error:
                raise InvalidInput("DigiCert doesn't allow admin@ for each of its domains.") from error
        case Audience.MAILBOX:
            return calls_for_emails(plan, [asked.mailbox])
        case Audience.EVERYONE:
            every = {number: range(_most(waiting)) for number, waiting in enumerate(plan.waiting)}
            return chosen_calls(plan, every)


def _most(waiting: WaitingName) -> int:
    """Return how many addresses DigiCert would email for a name at most. An order takes exactly one."""
    return len(waiting.allowed) if allows_multiple(waiting) else 1


def _left_out(title: str, error: NotResendable) -> LeftOut:
    match error.kind:
        case "unknown":
            return LeftOut(title, LeftOutKind.HIDDEN)
        case "validated" | "method" as kind:
            return LeftOut(title, LeftOutKind(kind), str(error))
        case _:
            return LeftOut(title, LeftOutKind.OTHER, str(error))


def _matches_method(wish: BulkFilter, line: AccountEntry, account: AccountSnapshot) -> bool:
    if not wish.is_by_method:
        return True
    order = account.order_by_key.get(line.key)
    methods = [order.method] if order else [each.method for each in account.domains if each.id == line.id]
    return any(method in {None, EMAIL} for method in methods)


def _is_below(parent: str, line: AccountEntry) -> bool:
    bare = [without_wildcard(name) for name in line.names or (line.name,)]
    return any(name != parent and is_subdomain_of(parent, name) for name in bare)


def _too_many(number: int) -> str:
    return f"{number:,} targets match. A plan has at most {MOST_TARGETS}."


def _how_to_split(lines: Sequence[AccountEntry]) -> str:
    """Return filters that divide the lines, by the parents of their names."""
    counted: dict[str, int] = {}
    for parent in (line.name.partition(".")[2] for line in lines):
        if "." in parent:
            counted[parent] = counted.get(parent, 0) + 1
    largest = sorted(counted, key=lambda parent: -counted[parent])[:_MOST_GROUPS]
    if not largest:
        return "Use a list of ids."
    named = ", ".join(f"*.{parent} ({counted[parent]})" for parent in largest)
    return f"Split it by name, for example: {named}."


def shrunk(item: BulkItem, plan: Plan, asked: BulkInput) -> tuple[Call, ...] | None:
    """Return the calls of a row that still help, without what was validated since; empty if nothing is left.

    Returns None if a call would email anyone whom the preview did not show for it. Raises InvalidInput if a pending
    name has no such recipient now.
    """
    now = {(call.target, call.step): call for call in calls_of(plan, asked)}
    found = [(call, now[call.target, call.step]) for call in item.calls if (call.target, call.step) in now]
    if any(not set(fresh.recipients) <= set(call.recipients) for call, fresh in found):
        return None
    return tuple(fresh for _, fresh in found)


def hidden_lines(left_out: Iterable[LeftOut]) -> list[str]:
    """Return the targets of which only the requester may learn."""
    return [each.title for each in left_out if each.kind is LeftOutKind.HIDDEN]
