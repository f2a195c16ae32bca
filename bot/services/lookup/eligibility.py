"""Eligibility rules: the states in which no email helps, the reason as text, and what to do instead. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from bot.errors import NotResendable
from bot.expiry.effective_end import EMAIL as EMAIL
from bot.expiry.outlook import Outlook
from bot.models import (
    Domain,
    Expired,
    NameValidation,
    NeverValidated,
    Order,
    OrderValidation,
    Pending,
    Unclear,
    Valid,
    domain_key,
    order_key,
)
from bot.parsing.domain_names import display_name
from bot.views.blocks import join_names
from bot.views.validity import day_in_words, prospect_in_words
from bot.views.validity import until as until_in_words

_MOST_NAMED = 10
_METHODS = {
    EMAIL: "email",
    "dns-txt-token": "DNS validation (TXT)",
    "dns-cname-token": "DNS validation (CNAME)",
    "http-token": "file validation (HTTP)",
    "http-token-dynamic": "file validation (HTTP)",
    "http-token-static": "file validation (HTTP)",
}
_SUBMIT = "Resubmit the domain in CertCentral. DigiCert then sends the DCV email."
_NOT_NEEDED = "No email is needed."
_RENEW = "To revalidate now, resubmit the domain in CertCentral."
_EMAIL_IS_OVER = "Email validation has ended. Use DNS validation in CertCentral."
_UNREAD = "that I couldn't read"
_OVER = "No email is needed. To get a new certificate, reissue or renew the order in CertCentral."
_NEW_ORDER = "If you still need the certificate, place a new order in CertCentral."
_NO_MAIL_HELPS = {
    "issued": ("has been issued", _OVER),
    "expired": ("has expired", _OVER),
    "revoked": ("was revoked", _OVER),
    "canceled": ("was canceled", _NEW_ORDER),
    "rejected": (
        "was rejected",
        "See the reason in CertCentral. If you still need the certificate, place a new order.",
    ),
    "denied": (
        "was denied",
        "Ask a CertCentral administrator why. If you still need the certificate, place a new order.",
    ),
    "needs_approval": (
        "needs approval in your organization first",
        "Ask a CertCentral administrator to approve it. You can resend the email after that.",
    ),
    "needs_csr": ("needs a CSR", "Add the CSR in CertCentral. DigiCert then sends the DCV email."),
    "waiting_pickup": ("is ready", "Download the certificate from CertCentral."),
}
# Orders that need approval or a CSR are not closed: a person must act first, and an email may follow.
OVER = frozenset(_NO_MAIL_HELPS) - {"needs_approval", "needs_csr"}


def order_ineligible(order: Order) -> NotResendable | None:
    """Return why no email can help this order, or None if one might."""
    page = order_key(order.id)
    if order.other_kind:
        sentence = f"Order {order.id} is {_article(order.other_kind)} order, which has no DCV emails."
        return NotResendable(sentence, "See in CertCentral what it is waiting for.", page=page)
    if order.status not in _NO_MAIL_HELPS:
        return None
    state, instead = _NO_MAIL_HELPS[order.status]
    kind = "validated" if order.status == "issued" else ""
    return NotResendable(f"{_subject(order)} {state}.", instead, kind, page=page)


def is_domain_eligible(domain: Domain) -> bool:
    """Return True if an email might help this domain."""
    may_be_pending = isinstance(domain.validation, Pending) or domain.validation == Unclear()
    return domain.is_active and may_be_pending and domain.method in {None, EMAIL}


def domain_ineligible(domain: Domain, outlook: Outlook, *, may_revalidate: bool = False) -> NotResendable | None:
    """Return why no email can help this domain, or None if one might.

    If the user `may_revalidate` it, and that is worthwhile, the answer offers it.
    """
    if is_domain_eligible(domain):
        return None
    name, page = display_name(domain.name), domain_key(domain.id)
    if not domain.is_active:
        return NotResendable(f"{name} is inactive.", "Activate it in CertCentral, then resend.", page=page)
    offer = domain_key(domain.id) if may_revalidate and outlook.prospect(domain).is_worthwhile else ""
    match domain.validation:
        case Pending() | Unclear(is_pending=None):
            return _another_method(name, domain.method or "", page)
        case Valid():
            sentence = f"{name} {valid_in_words(domain, outlook)}."
            return NotResendable(sentence, _instead(domain, outlook, offer), "validated", offer, page)
        case Expired(at):
            when = f" on {_day(at)}" if at else ""
            sentence = f"The validation of {name} expired{when}."
        case NeverValidated():
            sentence = f"{name} was never validated, and it isn't submitted for validation."
        case Unclear():
            sentence = f"{name} isn't pending, and DigiCert doesn't report whether it is validated."
            return NotResendable(sentence, f"{_NOT_NEEDED} {_RENEW}", page=page)
    return NotResendable(sentence, _instead(domain, outlook, offer), revalidates=offer, page=page)


def below_validated(
    name: str, domain: Domain, outlook: Outlook, *, may_revalidate: bool = False
) -> NotResendable | None:
    """Return the answer for a name that no pending order has, if the domain above it is validated; else None."""
    if not isinstance(domain.validation, Valid):
        return None
    offer = domain_key(domain.id) if may_revalidate and outlook.prospect(domain).is_worthwhile else ""
    end = outlook.end(domain)
    left = f"{_counted(max(0, (end.at - outlook.now).days), 'day', 'days')} left" if end else ""
    sentence = f"No pending order has {display_name(name)}."
    parent = f"{display_name(domain.name)} {valid_in_words(domain, outlook, left)}."
    page = domain_key(domain.id)
    return NotResendable(f"{sentence} {parent}", _instead(domain, outlook, offer), "validated", offer, page)


def _instead(domain: Domain, outlook: Outlook, offer: str) -> str:
    """Return what helps a domain that is not pending: a revalidation, here or in CertCentral, if it changes anything.

    `offer` is the key of the domain if the user can revalidate it here.
    """
    prospect, is_valid = outlook.prospect(domain), isinstance(domain.validation, Valid)
    if not is_valid and prospect.end is None:
        return _EMAIL_IS_OVER
    words = [_NOT_NEEDED] if is_valid else [] if offer else ["No email can help it yet."]
    words.append(prospect_in_words(prospect, outlook.today))
    if prospect.is_worthwhile and not offer:
        words.append(_RENEW if is_valid else _SUBMIT)
    return " ".join(filter(None, words))


def resend_instead(domain: Domain) -> NotResendable:
    """Return the answer for a revalidation of a domain that waits for its email already."""
    sentence = f"{display_name(domain.name)} is already waiting for validation."
    return NotResendable(sentence, "Resend its email instead.")


def validated_meanwhile(domain: Domain, outlook: Outlook) -> NotResendable:
    """Return the answer if nothing is left to do for a revalidation that was interrupted."""
    return NotResendable(f"{display_name(domain.name)} {valid_in_words(domain, outlook)}.", _NOT_NEEDED, "validated")


def continued_already() -> NotResendable:
    """Return the answer if someone has continued an interrupted revalidation before."""
    return NotResendable("This revalidation was continued already.", "See the newer card in the thread.")


def no_dns_record(domain: Domain) -> NotResendable:
    """Return the answer if DigiCert has no DNS TXT record for a domain."""
    sentence = f"DigiCert isn't waiting for a DNS TXT record for {display_name(domain.name)}."
    return NotResendable(sentence, "Select *Check now* to see its state.")


def validity_in_words(domain: Domain, outlook: Outlook) -> str:
    """Return until when a domain is or was valid, for the heading of a form."""
    match domain.validation:
        case Valid():
            return valid_in_words(domain, outlook).removeprefix("is already ")
        case Expired(at):
            return f"expired on {_day(at)}" if at else "expired"
        case _:
            return "never validated"


def valid_in_words(domain: Domain, outlook: Outlook, more: str = "") -> str:
    """Return until when a domain is validated and why, and the names of its validations that expired before then.

    `more` is another fact about that end.
    """
    lapsed = domain.validation.lapsed if isinstance(domain.validation, Valid) else ()
    end = outlook.end(domain)
    until = f" {until_in_words(end, more)}" if end else ""
    return f"is already validated{until}" + (f", but its {' and '.join(lapsed)} validation expired" if lapsed else "")


def email_validated(
    order: Order, validation: OrderValidation, waiting: Sequence[NameValidation]
) -> tuple[list[NameValidation], list[str]]:
    """Return the pending names that are validated by email, and remarks on the others.

    Raises NotResendable if no name is left.
    """
    if not waiting:
        raise no_name_waits(order, validation)
    methods = [(entry, entry.method or validation.method or order.method or EMAIL) for entry in waiting]
    by_email = [entry for entry, method in methods if method == EMAIL]
    if not by_email:
        raise _another_method(_subject(order), methods[0][1], order_key(order.id))
    remarks = []
    for other in dict.fromkeys(method for _, method in methods if method != EMAIL):
        scopes = [entry.name_scope for entry, method in methods if method == other]
        remarks += excluded_names(scopes, f"uses {in_words(other)}")
    return by_email, [*remarks, *filter(None, [unreadable_entries(validation)])]


def unreadable_entries(validation: OrderValidation) -> str:
    """Return a sentence on the entries of an order's validation that could not be read; empty if there are none."""
    number = validation.unreadable
    return f"DigiCert listed {_counted(number, 'more entry', 'more entries')} {_UNREAD}." if number else ""


def no_name_waits(order: Order, validation: OrderValidation) -> NotResendable:
    """Return the answer for an open order without a pending name: what it still needs, and who must act."""
    page = order_key(order.id)
    if validation.unreadable:
        entries = _counted(validation.unreadable, "entry", "entries")
        sentence = f"DigiCert's answer about order {order.id} has {entries} {_UNREAD}, so some may be pending."
        return NotResendable(sentence, "See it in CertCentral.", page=page)
    # Say "all validated" only if names are listed: an empty list proves nothing about them.
    sentence = f"{_subject(order)} has no pending domain."
    if validation.names:
        sentence = f"All domains on {_subject(order, 'order')} are validated."
    kind = "validated" if validation.names else ""
    return NotResendable(sentence, " ".join(_needs(order, validation)), kind, page=page)


def without_names(validation: OrderValidation) -> OrderValidation:
    """Return a copy of a validation for a user who may not see all names of the order."""
    return replace(validation, names=(), organization="the organization" if validation.organization else None)


def _needs(order: Order, validation: OrderValidation) -> Iterator[str]:
    """Yield what an order needs besides its names, and who must act."""
    if order.awaits_approval:
        yield "It needs approval in your organization. Ask a CertCentral administrator to approve it."
    if validation.organization:
        yield (
            f"DigiCert hasn't validated {validation.organization} yet. The organization contact of the order must "
            "answer DigiCert's calls and emails."
        )
    if order.is_ev:
        yield (
            "An EV order is issued only after a verified contact of the organization approves it. That person must "
            "answer DigiCert's call or email."
        )
    if not order.awaits_approval and not validation.organization and not order.is_ev:
        yield (
            "DigiCert is making its last checks, such as CAA, and needs nothing from you. If the order isn't issued "
            "within an hour, ask DigiCert support."
        )


def excluded_names(names: Sequence[str], because: str) -> list[str]:
    """Return one remark on all names that are left out for this reason; empty if there are none."""
    return [f"Not included: {some(names)} ({because})."] if names else []


def too_many(most: int, more: Sequence[str]) -> str:
    """Return a remark on the pending domains that exceed the limit of one request."""
    return f"You can resend for {most} domains at a time. Still pending: {some(more)}."


def not_on_an_order(name: str, scope: str) -> tuple[str, ...]:
    """Return a remark on a name that is validated only through the domain above it."""
    return (
        f"No pending order has {display_name(name)}. This email validates {display_name(scope)} and everything below.",
    )


def unknown_order(order_id: int) -> NotResendable:
    """Return the answer for an order id that the account does not have."""
    instead = "Check the number, or search by domain."
    return NotResendable(f"No order {order_id} in this CertCentral account.", instead, "unknown")


def unknown_domain(domain_id: int) -> NotResendable:
    """Return the answer for a domain id that the account does not have."""
    instead = "It may have been removed. Search by its name, or choose another one."
    return NotResendable(f"No domain {domain_id} in this CertCentral account.", instead, "unknown")


def unknown_name(name: str, unreadable: str = "") -> NotResendable:
    """Return the answer for a name without an order or a domain.

    `unreadable` is a sentence on the listed rows that could not be read, or empty.
    """
    if unreadable:
        sentence = f"No order or domain found for {display_name(name)} among those that I could read."
        return NotResendable(sentence, f"{unreadable} Search by order number, or look in CertCentral.", page="")
    instead = "Check the spelling, or search by order number."
    return NotResendable(f"No order or domain found for {display_name(name)}.", instead, "unknown")


def unreadable_rows(orders: int, domains: int) -> str:
    """Return a sentence on the rows of DigiCert's lists that could not be read; empty if there are none."""
    counted = [
        _counted(number, kind, f"{kind}s") for number, kind in ((orders, "order"), (domains, "domain")) if number
    ]
    return f"{' and '.join(counted)} couldn't be read." if counted else ""


def no_recipient(subject: str, page: str) -> NotResendable:
    """Return the answer for a name that has no allowed recipient. `page` is the key of its order or domain."""
    instead = "Check the email preferences in CertCentral, or use DNS validation."
    return NotResendable(f"DigiCert offers no email address for {display_name(subject)}.", instead, page=page)


def no_shared_mailbox(subject: str, number: int, page: str) -> NotResendable:
    """Return the answer if one mailbox must serve all names, but DigiCert allows none for all of them."""
    instead = "Choose recipients in CertCentral, or use DNS validation."
    sentence = f"No single mailbox works for all {number} domains on {display_name(subject)}."
    return NotResendable(sentence, instead, page=page)


def in_words(method: str) -> str:
    """Return the text for a validation method: what DigiCert waits for."""
    return _METHODS.get(method, f"the method {method}")


def _day(at: datetime) -> str:
    return day_in_words(at.astimezone(UTC).date())


def _counted(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"


def _article(kind: str) -> str:
    """Return the kind with its article. The letter S begins with a vowel sound, so it is "an S/MIME"."""
    return f"{'an' if kind[0] in 'aeiouAEIO' or kind.startswith('S/') else 'a'} {kind}"


def _subject(order: Order, word: str = "Order") -> str:
    return f"{word} {order.id} ({display_name(order.common_name)})" if order.common_name else f"{word} {order.id}"


def some(names: Sequence[str]) -> str:
    """Return the first of these names in their display form, and how many more there are."""
    return join_names(list(map(display_name, names)), _MOST_NAMED)


def _another_method(subject: str, method: str, page: str) -> NotResendable:
    instead = "Finish the validation as CertCentral shows it, or switch the order to email there."
    sentence = f"{subject} uses {in_words(method)}, so there is no email to resend."
    return NotResendable(sentence, instead, "method", page=page)
