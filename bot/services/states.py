"""What DigiCert's states mean for a resend: which say no, in words, and what to do instead. Pure."""

from collections.abc import Sequence

from bot.errors import NothingToDo
from bot.models import Domain, NameValidation, Order, OrderValidation
from bot.targets import plain_name

EMAIL = "email"
_MOST_NAMED = 10
_METHODS = {
    EMAIL: "an e-mail",
    "dns-txt-token": "a DNS TXT record",
    "dns-cname-token": "a DNS CNAME record",
    "http-token": "a file on the web server",
    "http-token-static": "a file on the web server",
}
_OVER = "Nothing waits for a mail. For a new certificate, reissue or renew it in CertCentral."
_NO_MAIL_HELPS = {
    "issued": ("is issued", _OVER),
    "expired": ("is expired", _OVER),
    "revoked": ("is revoked", _OVER),
    "canceled": ("is canceled", "Place a new order in CertCentral if the certificate is still needed."),
    "rejected": ("was rejected", "Look up the reason in CertCentral, and place a new order if it is still needed."),
    "denied": ("was denied", "Ask an administrator of the CertCentral account why, and place a new order if needed."),
    "needs_approval": (
        "waits for approval inside your own organization",
        "No mail helps before that: ask an administrator of the CertCentral account to approve it, then come back.",
    ),
    "needs_csr": ("waits for a CSR", "Add the CSR in CertCentral; the validation mail comes after that."),
    "waiting_pickup": ("is ready to be picked up", "Nothing waits for a mail: collect the certificate in CertCentral."),
}
# In the others of these states an order still waits for somebody, and may wait for a mail afterwards.
OVER = frozenset(_NO_MAIL_HELPS) - {"needs_approval", "needs_csr"}


def order_has_nothing(order: Order) -> NothingToDo | None:
    """Why no mail can help this order; None where one might."""
    if order.status not in _NO_MAIL_HELPS:
        return None
    state, instead = _NO_MAIL_HELPS[order.status]
    return NothingToDo(f"{_subject(order)} {state}.", instead)


def domain_has_nothing(domain: Domain) -> NothingToDo | None:
    """Why no mail can help this domain; None where one might."""
    name = plain_name(domain.name)
    if not domain.is_active:
        return NothingToDo(f"{name} is deactivated in CertCentral.", "Activate the domain in CertCentral first.")
    if domain.is_pending is False:
        until = f" until {domain.validated_until:%Y-%m-%d}" if domain.validated_until else ""
        instead = "Nothing waits for a mail. To renew the validation early, submit the domain again in CertCentral."
        return NothingToDo(f"{name} is validated{until}.", instead)
    if domain.method not in {None, EMAIL}:
        return _another_method(name, domain.method or "")
    return None


def only_email(
    order: Order, validation: OrderValidation, waiting: Sequence[NameValidation]
) -> tuple[list[NameValidation], list[str]]:
    """The waiting names that e-mail validates, and remarks on the others; NothingToDo where none is left."""
    if not waiting:
        instead = "DigiCert goes on by itself; if the order does not move, look at it in CertCentral."
        raise NothingToDo(f"{_subject(order)} has no name that waits for validation.", instead)
    methods = [(entry, entry.method or validation.method or order.method or EMAIL) for entry in waiting]
    by_email = [entry for entry, method in methods if method == EMAIL]
    if not by_email:
        raise _another_method(_subject(order), methods[0][1])
    remarks = []
    for other in dict.fromkeys(method for _, method in methods if method != EMAIL):
        scopes = [entry.name_scope for entry, method in methods if method == other]
        remarks += left_out(scopes, f"validated by {in_words(other)}")
    return by_email, remarks


def left_out(names: Sequence[str], because: str) -> list[str]:
    """One remark on all the names that are not offered for this reason; none where there are no such names."""
    return [f"Left out: {_some(names)} ({because})."] if names else []


def too_many(most: int, more: Sequence[str]) -> str:
    """A remark on the domains that wait as well, but find no room in one request."""
    return f"One request takes {most} domains at most. These wait too; ask for them by name: {_some(more)}."


def not_on_an_order(name: str, scope: str) -> tuple[str, ...]:
    """Return a remark on a name that is not validated by itself, but by the domain above it."""
    return (f"No pending order has {plain_name(name)}. This email validates {plain_name(scope)} and everything below.",)


def unknown_order(order_id: int) -> NothingToDo:
    """No such order in this account."""
    instead = "Check the number in CertCentral, or ask by a domain name."
    return NothingToDo(f"DigiCert knows no order {order_id} in this account.", instead)


def unknown_domain(domain_id: int) -> NothingToDo:
    """No such domain in this account."""
    instead = "It may have been removed; ask by its name, or choose another one."
    return NothingToDo(f"DigiCert knows no domain {domain_id} in this account.", instead)


def unknown_name(name: str) -> NothingToDo:
    """No order and no domain by that name."""
    instead = "Check the spelling, ask by the order id, or look in CertCentral whether the order was placed."
    return NothingToDo(f"No order and no domain in CertCentral goes by {plain_name(name)}.", instead)


def no_recipient(subject: str) -> NothingToDo:
    """DigiCert allows nobody to be mailed."""
    instead = "Look at the account's e-mail preferences in CertCentral, or validate by a DNS record."
    return NothingToDo(f"DigiCert allows no recipient for {plain_name(subject)}.", instead)


def no_shared_mailbox(subject: str, number: int) -> NothingToDo:
    """So many names that one mailbox is chosen for all, and there is none that DigiCert allows for all."""
    instead = "Choose the recipients in CertCentral, or validate by a DNS record."
    sentence = f"{number} names wait for {plain_name(subject)}, and no mailbox is allowed for all of them."
    return NothingToDo(sentence, instead)


def in_words(method: str) -> str:
    """What DigiCert waits for where a name is validated by this method."""
    return _METHODS.get(method, f"the method {method}")


def _subject(order: Order) -> str:
    return f"Order {order.id} ({plain_name(order.common_name)})" if order.common_name else f"Order {order.id}"


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(map(plain_name, names[:_MOST_NAMED]))
    return f"{shown} and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else shown


def _another_method(subject: str, method: str) -> NothingToDo:
    instead = "Finish that as CertCentral shows it, or change the DCV method to e-mail there, which sends a mail."
    return NothingToDo(f"{subject} is validated by {in_words(method)}, not by e-mail.", instead)
