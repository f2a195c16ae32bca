"""Who may get which mail, and what a choice of recipients means: pure rules."""

from collections.abc import Mapping, Sequence

from bot.errors import Misunderstood
from bot.models import Address, Call, DomainTarget, OrderTarget, Plan, Recipient, WaitingName
from bot.targets import plain_name

# Baseline Requirements 3.2.2.4.4: the constructed local parts; `admin` first, as the default.
CONSTRUCTED = ("admin", "administrator", "webmaster", "hostmaster", "postmaster")
SINGLE_CHOICES = 8
MOST_NAMED = 5

Chosen = Mapping[int, Sequence[int]]


def constructed(domain: str) -> tuple[Address, ...]:
    """The five addresses that every CA may write to for a domain."""
    return tuple(Address(f"{local}@{domain}", domain) for local in CONSTRUCTED)


def shares_a_mailbox(plan: Plan) -> bool:
    """Whether there are too many names for a choice each, so that one mailbox is chosen for all."""
    return len(plan.waiting) > SINGLE_CHOICES


def takes_several(waiting: WaitingName) -> bool:
    """Whether DigiCert mails any number of recipients for this name; an order takes exactly one."""
    return isinstance(waiting.target, DomainTarget)


def preselected(waiting: WaitingName) -> tuple[int, ...]:
    """Indices into `allowed` to begin with: those used last, else a DNS TXT contact, else admin@ at the scope."""
    emails = [address.email for address in waiting.allowed]
    used = tuple(emails.index(email) for email in waiting.preferred if email in emails)
    if used:
        return used if takes_several(waiting) else used[:1]
    ranked = sorted(range(len(emails)), key=lambda index: _rank(waiting, waiting.allowed[index]))
    return tuple(ranked[:1])


def _rank(waiting: WaitingName, address: Address) -> tuple[bool, bool, bool]:
    return (not address.txt, address.email != f"admin@{waiting.scope}", not address.email.startswith("admin@"))


def shared_mailboxes(plan: Plan) -> tuple[str, ...]:
    """The constructed local parts that are allowed at the scope of every waiting name."""
    return tuple(local for local in CONSTRUCTED if all(_mailbox(waiting, local) for waiting in plan.waiting))


def _mailbox(waiting: WaitingName, local: str) -> Address | None:
    """The constructed address with this local part: at the name's scope, else at the domain it was listed for."""
    listed = {address.email.lower(): address for address in waiting.allowed}
    domains = [waiting.scope, *(address.domain for address in waiting.allowed)]
    return next((listed[email] for domain in domains if (email := f"{local}@{domain}") in listed), None)


def chosen_calls(plan: Plan, chosen: Chosen) -> tuple[Call, ...]:
    """The calls that a choice per waiting name means; Misunderstood where a name is left without a recipient."""
    picks = []
    for number, waiting in enumerate(plan.waiting):
        picked = dict.fromkeys(chosen.get(number, ()))
        addresses = [waiting.allowed[index] for index in picked if 0 <= index < len(waiting.allowed)]
        if not addresses or len(addresses) < len(picked):
            raise Misunderstood("Choose a recipient.", {f"recipients.{number}": "Choose who gets the mail."})
        picks.append((waiting, addresses if takes_several(waiting) else addresses[:1]))
    return _calls(picks)


def shared_calls(plan: Plan, local: str) -> tuple[Call, ...]:
    """The calls that one mailbox for all names means, resolved at each name's scope."""
    picks = [(waiting, [address] if (address := _mailbox(waiting, local)) else []) for waiting in plan.waiting]
    if not all(addresses for _, addresses in picks):
        raise Misunderstood("Choose a mailbox.", {"recipients": "Choose one of the listed mailboxes."})
    return _calls(picks)


def typed_calls(plan: Plan, emails: Sequence[str]) -> tuple[Call, ...]:
    """The calls that typed addresses mean: each serves every waiting name that allows it.

    Misunderstood where a waiting name is left without a recipient, or an address is used for none: it names each, and
    what DigiCert would allow.
    """
    picks = [(waiting, _typed(waiting, emails)) for waiting in plan.waiting]
    left_over = [waiting for waiting, addresses in picks if not addresses]
    used = {address.email.lower() for _, addresses in picks for address in addresses}
    unused = [email for email in emails if email.lower() not in used]
    if left_over or unused:
        named = [_left_over(waiting) for waiting in left_over[:MOST_NAMED]]
        raise Misunderstood(" ".join(["Nothing was sent.", *named, *_more(left_over), *_unused(unused)]))
    return _calls(picks)


def _typed(waiting: WaitingName, emails: Sequence[str]) -> list[Address]:
    """The typed addresses that this name allows, in the order typed; an order takes one."""
    allowed = {address.email.lower(): address for address in waiting.allowed}
    served = [allowed[email.lower()] for email in emails if email.lower() in allowed]
    return served if takes_several(waiting) else served[:1]


def _left_over(waiting: WaitingName) -> str:
    would_do = [address.email for address in waiting.allowed[:MOST_NAMED]]
    more = len(waiting.allowed) - len(would_do)
    others = f" or {more} others" if more else ""
    return f"No recipient for {plain_name(waiting.name)}: DigiCert allows {', '.join(would_do)}{others}."


def _more(left_over: Sequence[WaitingName]) -> list[str]:
    more = len(left_over) - MOST_NAMED
    return [f"{more} more names have none either."] if more > 0 else []


def _unused(emails: Sequence[str]) -> list[str]:
    if not emails:
        return []
    return [f"Of no use here: {', '.join(emails[:MOST_NAMED])}; no waiting name allows it, or each has its recipient."]


def _calls(picks: Sequence[tuple[WaitingName, Sequence[Address]]]) -> tuple[Call, ...]:
    """One call per target, in the order in which the targets first appear."""
    by_target: dict[OrderTarget | DomainTarget, list[Recipient]] = {}
    for waiting, addresses in picks:
        recipients = by_target.setdefault(waiting.target, [])
        recipients.extend(_recipient(waiting, address) for address in addresses)
    return tuple(Call(target, tuple(recipients)) for target, recipients in by_target.items())


def _recipient(waiting: WaitingName, address: Address) -> Recipient:
    # Services API, "Resend order DCV emails": email_domain is for an address of another (parent) name.
    of_parent = isinstance(waiting.target, OrderTarget) and address.domain != waiting.name
    return Recipient(waiting.name, address.email, address.domain if of_parent else None)
