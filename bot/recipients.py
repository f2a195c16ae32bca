"""Recipient rules: allowed mailboxes, preselection, and the calls that a choice of recipients means. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.errors import InvalidInput
from bot.models import Address, Call, DomainTarget, OrderTarget, Plan, Recipient, Revalidation, WaitingName
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
    these, and the addresses that DigiCert would allow.
    """
    picks = [(waiting, _typed(waiting, emails)) for waiting in plan.waiting]
    left_over = [waiting for waiting, addresses in picks if not addresses]
    used = {address.email.lower() for _, addresses in picks for address in addresses}
    unused = [email for email in emails if email.lower() not in used]
    if not left_over and not unused:
        for waiting, addresses in picks:
            if _missed(waiting, addresses):
                raise InvalidInput(f"Nothing was sent. {_one_of_each(waiting)}")
    if left_over or unused:
        named = [_still_missing(waiting) for waiting in left_over[:MOST_NAMED]]
        raise InvalidInput(" ".join(["Nothing was sent.", *named, *_more(left_over), *_unused(unused)]))
    return _calls(picks)


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


def _still_missing(waiting: WaitingName) -> str:
    would_do = [address.email for address in waiting.allowed[:MOST_NAMED]]
    more = len(waiting.allowed) - len(would_do)
    others = f" or {more} others" if more else ""
    return f"No recipient for {display_name(waiting.name)}: DigiCert allows {', '.join(would_do)}{others}."


def _more(left_over: Sequence[WaitingName]) -> list[str]:
    more = len(left_over) - MOST_NAMED
    return [f"{more} more domains have none either."] if more > 0 else []


def _unused(emails: Sequence[str]) -> list[str]:
    if not emails:
        return []
    return [
        f"Not used: {', '.join(emails[:MOST_NAMED])}. No pending domain allows it, or each has its recipient already."
    ]


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
