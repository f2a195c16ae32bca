"""Who is mailed by a resend: the order's rule and the domain's rule, with their traps."""

from typing import NamedTuple

from sandbox.certcentral.account import Account
from sandbox.certcentral.bodies import ApprovalEmail, DomainResend, OrderResend
from sandbox.certcentral.models import OPEN, Domain, Order
from sandbox.certcentral.names import bare, lineage, related, within


class Letter(NamedTuple):
    """A mail about to be sent."""

    scope: str
    recipient: str


def resend_for_order(account: Account, order: Order, wish: OrderResend) -> None:
    """Mail what the body lists, or every waiting name when it lists nothing; Refusal before any mail goes out."""
    if not _order_may_be_mailed(account, order):
        return
    if wish.domain_approval_emails:
        known = {bare(name) for name in order.dns_names} | {order.scope_of(name) for name in order.dns_names}
        letters = [letter for entry in wish.domain_approval_emails for letter in _letters(account, order, entry, known)]
    else:
        scopes = dict.fromkeys(order.scope_of(name) for name in account.waiting(order))
        letters = [Letter(scope, f"admin@{scope}") for scope in scopes]
    for letter in letters:
        account.send(letter.scope, letter.recipient, wish.locale, order_id=order.id)


def _order_may_be_mailed(account: Account, order: Order) -> bool:
    switches = account.switches
    return (
        (order.status in OPEN or switches.settled_order.lets_mail())
        and (order.is_dv or switches.organization_order.lets_mail())
        and (order.method == "email" or switches.other_method.lets_mail())
    )


def _letters(account: Account, order: Order, entry: ApprovalEmail, known: set[str]) -> list[Letter]:
    domain, base = bare(entry.domain), bare(entry.email_domain or entry.domain)
    names = order.covered_by(domain)
    validated = bool(names) and names <= order.validated
    switches = account.switches
    fits = (
        (domain in known or switches.unknown_name.lets_mail())
        and (_address_allowed(account, entry.email, domain, base) or switches.disallowed_address.lets_mail())
        and (not validated or switches.validated_already.lets_mail())
    )
    scope = base if order.name_scope == "base_domain" else domain
    return [Letter(scope, entry.email)] if fits else []


def _address_allowed(account: Account, email: str, domain: str, base: str) -> bool:
    if base not in lineage(domain):
        return False
    return any(_is_among(email, account.addresses(name) + account.permitted(name)) for name in (base, domain))


def resend_for_domain(account: Account, domain: Domain, wish: DomainResend) -> None:
    """Email the addresses of the body that are allowed; if none is left, all addresses of the scope."""
    scope = bare(wish.name_scope or domain.name)
    switches = account.switches
    if not (
        (related(scope, domain.name) or switches.foreign_scope.lets_mail())
        and (domain.method == "email" or switches.other_method.lets_mail())
        and (domain.pending or switches.validated_already.lets_mail())
    ):
        return
    for recipient in _domain_recipients(account, domain, scope, wish.email_array):
        account.send(scope, recipient, wish.locale, domain_id=domain.id)


def _domain_recipients(account: Account, domain: Domain, scope: str, wanted: list[str]) -> list[str]:
    # The addresses of a domain can never validate a name above it, whatever limits the array.
    by_domain = account.switches.email_array_limited_by == "domain" and within(scope, domain.name)
    permitted = account.permitted(domain.name if by_domain else scope)
    chosen = [address for address in dict.fromkeys(wanted) if _is_among(address, permitted)]
    return chosen or account.addresses(scope)


def _is_among(address: str, addresses: list[str]) -> bool:
    return address.lower() in {other.lower() for other in addresses}
