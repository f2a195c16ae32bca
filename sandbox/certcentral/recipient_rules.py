"""The rules for the recipients of a resend, one for orders and one for domains."""

from typing import NamedTuple

from sandbox.certcentral.account import Account
from sandbox.certcentral.bodies import ApprovalEmail, DomainResend, OrderResend
from sandbox.certcentral.models import OPEN_STATUSES, Domain, Order
from sandbox.certcentral.names import are_related, is_within, self_and_ancestors, without_wildcard


class OutgoingMail(NamedTuple):
    """A mail that is about to be sent."""

    scope: str
    recipient: str


def resend_for_order(account: Account, order: Order, body: OrderResend) -> None:
    """Send mail as the body says, or to admin@ of every pending name if it lists none.

    Raises CertCentralError before any mail is sent.
    """
    if not _accepts_resend(account, order):
        return
    if body.domain_approval_emails:
        known = {without_wildcard(name) for name in order.dns_names} | {
            order.mail_scope(name) for name in order.dns_names
        }
        # All mails are collected before the first one is sent, since a later entry may still be rejected.
        mails = [mail for entry in body.domain_approval_emails for mail in _mails_for(account, order, entry, known)]
    else:
        scopes = dict.fromkeys(order.mail_scope(name) for name in account.pending_names(order))
        mails = [OutgoingMail(scope, f"admin@{scope}") for scope in scopes]
    for mail in mails:
        account.send_mail(mail.scope, mail.recipient, body.locale, order_id=order.id)


def _accepts_resend(account: Account, order: Order) -> bool:
    options = account.options
    return (
        (order.status in OPEN_STATUSES or options.closed_order.sends_mail())
        and (order.is_dv or options.organization_order.sends_mail())
        and (order.method == "email" or options.other_method.sends_mail())
    )


def _mails_for(account: Account, order: Order, entry: ApprovalEmail, known: set[str]) -> list[OutgoingMail]:
    domain, base = without_wildcard(entry.domain), without_wildcard(entry.email_domain or entry.domain)
    names = order.names_validated_by(domain)
    validated = bool(names) and names <= order.validated
    options = account.options
    fits = (
        (domain in known or options.unknown_name.sends_mail())
        and (_is_allowed_email(account, entry.email, domain, base) or options.disallowed_address.sends_mail())
        and (not validated or options.validated_already.sends_mail())
    )
    scope = base if order.name_scope == "base_domain" else domain
    return [OutgoingMail(scope, entry.email)] if fits else []


def _is_allowed_email(account: Account, email: str, domain: str, base: str) -> bool:
    if base not in self_and_ancestors(domain):
        return False
    return any(
        _contains_email(email, account.all_emails(name) + account.permitted_emails(name)) for name in (base, domain)
    )


def resend_for_domain(account: Account, domain: Domain, body: DomainResend) -> None:
    """Email the allowed addresses of the body, or all addresses of the scope if none is allowed."""
    scope = without_wildcard(body.name_scope or domain.name)
    options = account.options
    if not (
        (are_related(scope, domain.name) or options.foreign_scope.sends_mail())
        and (domain.method == "email" or options.other_method.sends_mail())
        and (domain.pending or options.domain_not_pending.sends_mail())
    ):
        return
    email_domain(account, domain, scope, body.email_array, body.locale)


def email_domain(account: Account, domain: Domain, scope: str, wanted: list[str], locale: str) -> list[str]:
    """Email the allowed addresses of `wanted`, or all addresses of the scope if none is allowed. Return them."""
    recipients = _domain_recipients(account, domain, scope, wanted)
    for recipient in recipients:
        account.send_mail(scope, recipient, locale, domain_id=domain.id)
    return recipients


def _domain_recipients(account: Account, domain: Domain, scope: str, wanted: list[str]) -> list[str]:
    # The addresses of a domain can never validate a name above it, whatever limits the array.
    by_domain = account.options.email_array_limited_by == "domain" and is_within(scope, domain.name)
    permitted = account.permitted_emails(domain.name if by_domain else scope)
    chosen = [address for address in dict.fromkeys(wanted) if _contains_email(address, permitted)]
    # This is a trap of the real API: a list of disallowed addresses emails everyone.
    return chosen or account.all_emails(scope)


def _contains_email(address: str, addresses: list[str]) -> bool:
    return address.lower() in {other.lower() for other in addresses}
