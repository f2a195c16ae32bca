"""Recipient rules: allowed mailboxes, preselection, and the calls that a choice of recipients means. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.errors import InvalidInput
from bot.models import Address, Call, DomainTarget, OrderTarget, Plan, Recipient, Revalidation, TargetKey, WaitingName
from bot.parsing.domain_names import display_name

# Baseline Requirements 3.2.2.4.4: the constructed local parts. `admin` comes first, because it is the default.
CONSTRUCTED = ("admin", "administrator", "webmaster", "hostmaster", "postmaster")
SINGLE_CHOICES = 8
MOST_NAMED = 5

Chosen = Mapping[int, Sequence[int]]


def constructed(domain: str) -> tuple[Address, ...]:
    """Return the five addresses that every CA may email for a domain."""
    return tuple(Address(f"{local}@{domain}", domain) for local in CONSTRUCTED)


def needs_shared_mailbox(plan: Plan) -> bool:
    """Return True if there are too many names for a choice each, so that all of them share one mailbox."""
    return len(plan.waiting) > SINGLE_CHOICES


def allows_multiple(waiting: WaitingName) -> bool:
    """Return True if DigiCert emails any number of recipients for this name. An order takes exactly one."""
    return isinstance(waiting.target, DomainTarget)


def preselected(waiting: WaitingName) -> tuple[int, ...]:
    """Return preselected indices into `allowed`.

    These are the mailbox with the best record, else those used last, else a DNS TXT contact, else admin@ at the scope.
    """
    emails = [address.email for address in waiting.allowed]
    best = [emails.index(email) for email in waiting.proven if email in emails][:1]
    used = best or [emails.index(email) for email in waiting.preferred if email in emails]
    others = sorted(range(len(emails)), key=lambda index: _rank(waiting, waiting.allowed[index]))
    if not allows_multiple(waiting):
        return tuple((used or others)[:1])
    picked = used or others[:1]
    # Every list needs an address of its own, or DigiCert may email all recipients of the list that has none.
    for audience in _missed(waiting, [waiting.allowed[index] for index in picked]):
        picked.append(next(index for index in others if _is_on(audience, emails[index])))
    return tuple(dict.fromkeys(picked))


def ranked(waiting: WaitingName) -> list[int]:
    """Return all indices into `allowed` in the order to offer: best record, used last, DNS contacts, admin@, rest."""

    def rank(index: int) -> tuple[bool, bool, bool, bool, bool]:
        address = waiting.allowed[index]
        return (
            address.email not in waiting.proven,
            address.email not in waiting.preferred,
            *_rank(waiting, address),
        )

    return sorted(range(len(waiting.allowed)), key=rank)


def count_emails(plan: Plan, chosen: Chosen, shared: int = 0) -> int:
    """Return how many emails a choice means. Names without a choice count with their preselected recipients.

    `shared` is the index of the mailbox for all names, if the plan needs one.
    """
    if needs_shared_mailbox(plan):
        mailboxes = shared_mailboxes(plan)
        local = mailboxes[shared if 0 <= shared < len(mailboxes) else 0]
        return sum(len(_mailboxes(waiting, local)) for waiting in plan.waiting)
    return sum(len(chosen.get(number, preselected(waiting))) for number, waiting in enumerate(plan.waiting))


def _missed(waiting: WaitingName, addresses: Sequence[Address]) -> list[tuple[str, ...]]:
    """Return the lists that contain none of these addresses.

    If DigiCert applied such a list, it would email all of it.
    """
    return [audience for audience in waiting.audiences if not any(_is_on(audience, each.email) for each in addresses)]


def _is_on(audience: Sequence[str], email: str) -> bool:
    return folded(email) in map(folded, audience)


def folded(email: str) -> str:
    """Return an address in the form in which two are compared. Only ASCII is folded: similar Unicode letters differ."""
    return email.lower() if email.isascii() else email


def _rank(waiting: WaitingName, address: Address) -> tuple[bool, bool, bool]:
    return (not address.txt, address.email != f"admin@{waiting.scope}", not address.email.startswith("admin@"))


def shared_mailboxes(plan: Plan) -> tuple[str, ...]:
    """Return the constructed local parts that are allowed at the scope of every pending name."""
    return tuple(local for local in CONSTRUCTED if all(_mailboxes(waiting, local) for waiting in plan.waiting))


def _mailboxes(waiting: WaitingName, local: str) -> list[Address]:
    """Return the constructed address with this local part: at the scope, else at the domain it was listed for.

    If the name has several `audiences`, return one address of each, or none if one of them has no such address.
    """
    listed = {address.email.lower(): address for address in waiting.allowed}
    domains = dict.fromkeys([waiting.scope, *(address.domain for address in waiting.allowed)])
    found = [listed[email] for domain in domains if (email := f"{local}@{domain}") in listed]
    picked = found[:1]
    for audience in _missed(waiting, picked) if picked else ():
        picked += [address for address in found if _is_on(audience, address.email)][:1]
    return [] if _missed(waiting, picked) else picked


def chosen_calls(plan: Plan, chosen: Chosen) -> tuple[Call, ...]:
    """Return the calls for a choice per pending name. Raises InvalidInput if a name is left without a recipient."""
    picks = []
    for number, waiting in enumerate(plan.waiting):
        picked = dict.fromkeys(chosen.get(number, ()))
        addresses = [waiting.allowed[index] for index in picked if 0 <= index < len(waiting.allowed)]
        if not addresses or len(addresses) < len(picked):
            raise InvalidInput("Choose a recipient.", {f"recipients.{number}": "Choose a recipient."})
        if missed := _missed(waiting, addresses):
            raise InvalidInput(_one_of_each(waiting), {f"recipients.{number}": f"Also choose {_any_of(missed[0])}."})
        picks.append((waiting, addresses if allows_multiple(waiting) else addresses[:1]))
    return _calls(picks)


def revalidation_calls(call: Call, revalidation: Revalidation) -> tuple[Call, ...]:
    """Return the steps of a revalidation whose emails go out as `call` says."""
    return tuple(replace(call, step=step, validation_types=revalidation.types) for step in revalidation.steps)


def shared_calls(plan: Plan, local: str) -> tuple[Call, ...]:
    """Return the calls for one mailbox for all names, resolved at each name's scope.

    Raises InvalidInput if the mailbox is not allowed for every name.
    """
    picks = [(waiting, _mailboxes(waiting, local)) for waiting in plan.waiting]
    if not all(addresses for _, addresses in picks):
        raise InvalidInput("Choose a mailbox.", {"recipients": "Choose one of the listed mailboxes."})
    return _calls(picks)


def calls_for_emails(plan: Plan, emails: Sequence[str]) -> tuple[Call, ...]:
    """Return the calls for typed addresses. Each address serves every pending name that allows it.

    Raises InvalidInput if a pending name is left without a recipient, or an address serves no name. The error lists
    these.
    """
    picks = [(waiting, _typed(waiting, emails)) for waiting in plan.waiting]
    left_over = [waiting for waiting, addresses in picks if not addresses]
    used = {address.email.lower() for _, addresses in picks for address in addresses}
    unused = [email for email in emails if email.lower() not in used]
    if not left_over and not unused:
        for waiting, addresses in picks:
            if _missed(waiting, addresses):
                raise InvalidInput(f"Nothing was sent. {_one_of_each(waiting)}")
        return _calls(picks)
    # If no address can be used, it goes without saying that no name has one.
    missing = _still_missing(left_over) if used or not unused else []
    raise InvalidInput(" ".join(["Nothing was sent.", *_unused(plan, unused), *missing]))


def repeated_calls(plan: Plan, calls: Sequence[Call]) -> tuple[Call, ...]:
    """Return these calls of an earlier request. Raises InvalidInput if the plan would not make exactly the same now."""
    for call in calls:
        of_target = [waiting for waiting in plan.waiting if waiting.target == call.target]
        picked = {number: _again(waiting, call) for number, waiting in enumerate(of_target)}
        [now] = chosen_calls(replace(plan, waiting=tuple(of_target)), picked) or (None,)
        if now is None or _sorted(now) != _sorted(call):
            raise InvalidInput("Choose a recipient.")
    return tuple(calls)


def _again(waiting: WaitingName, call: Call) -> list[int]:
    emails = {recipient.email for recipient in call.recipients if recipient.name == waiting.name}
    return [index for index, address in enumerate(waiting.allowed) if address.email in emails]


def _sorted(call: Call) -> Call:
    return replace(call, recipients=tuple(sorted(call.recipients, key=lambda each: (each.name, each.email))))


def _typed(waiting: WaitingName, emails: Sequence[str]) -> list[Address]:
    """Return the typed addresses that this name allows, in the order typed. An order takes only one."""
    allowed = {address.email.lower(): address for address in waiting.allowed}
    served = [allowed[email.lower()] for email in emails if email.lower() in allowed]
    return served if allows_multiple(waiting) else served[:1]


def _one_of_each(waiting: WaitingName) -> str:
    lists = ", and one of ".join(", ".join(audience[:MOST_NAMED]) for audience in waiting.audiences)
    return f"For {display_name(waiting.name)} choose one of {lists}: otherwise DigiCert may email others."


def _any_of(audience: Sequence[str]) -> str:
    *most, last = audience[:MOST_NAMED]
    return f"{', '.join(most)} or {last}" if most else last


def _still_missing(left_over: Sequence[WaitingName]) -> list[str]:
    """Return a sentence on the names without a recipient; none if there are none."""
    return [f"Add a recipient for {_listed([display_name(each.name) for each in left_over])}."] if left_over else []


def _unused(plan: Plan, emails: Sequence[str]) -> list[str]:
    """Return a sentence on the addresses that DigiCert does not allow, and one on those beyond one for each name."""
    allowed = {address.email.lower() for waiting in plan.waiting for address in waiting.allowed}
    wrong = [email for email in emails if email.lower() not in allowed]
    beyond = [email for email in emails if email.lower() in allowed]
    what = "order" if TargetKey.parse(plan.key).order_id else "domain"
    return [
        *([f"{_listed(wrong)} can't approve this {what}."] if wrong else []),
        *([f"Each domain gets one email, so leave out {_listed(beyond)}."] if beyond else []),
    ]


def _listed(items: Sequence[str]) -> str:
    *first, last = [*items[:MOST_NAMED], *([f"{len(items) - MOST_NAMED} more"] if len(items) > MOST_NAMED else [])]
    return f"{', '.join(first)} and {last}" if first else last


def _calls(picks: Sequence[tuple[WaitingName, Sequence[Address]]]) -> tuple[Call, ...]:
    """Return one call per target, in the order in which the targets first appear."""
    by_target: dict[OrderTarget | DomainTarget, list[Recipient]] = {}
    uncertain = {waiting.target for waiting, _ in picks if waiting.audiences}
    for waiting, addresses in picks:
        recipients = by_target.setdefault(waiting.target, [])
        recipients.extend(_recipient(waiting, address) for address in addresses)
    return tuple(Call(target, tuple(emails), target in uncertain) for target, emails in by_target.items())


def _recipient(waiting: WaitingName, address: Address) -> Recipient:
    # Services API, "Resend order DCV emails": email_domain is for an address of another (parent) name.
    of_parent = isinstance(waiting.target, OrderTarget) and address.domain != waiting.name
    return Recipient(waiting.name, address.email, address.domain if of_parent else None)
