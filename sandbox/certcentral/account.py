"""The state of an account: orders, domains, contacts and outbox, and the effects of an approved mail."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import count

from sandbox.certcentral.behavior_options import BehaviorOptions
from sandbox.certcentral.dns_lookup import ResolveRecords, has_random_value
from sandbox.certcentral.models import (
    MAIL_LIFETIME,
    OPEN_STATUSES,
    PRODUCTS,
    REUSE_PERIOD,
    VALUE_LIFETIME,
    Domain,
    Mail,
    NameScope,
    Order,
    Organization,
    RandomValue,
    random_value,
)
from sandbox.certcentral.names import are_related, constructed_emails, self_and_ancestors, without_wildcard
from sandbox.condition import Condition

MINUTE = timedelta(minutes=1)


class Account:
    """The state of a CertCentral account, without HTTP. `now` returns aware datetimes and may be replaced."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.changes = Condition()
        self.options = BehaviorOptions()
        self.orders: dict[int, Order] = {}
        self.domains: dict[int, Domain] = {}
        self.outbox: list[Mail] = []
        self.resolve_records: ResolveRecords = lambda _name, _rtype: ()
        """The DNS in which random values are looked up. Empty by default: then a test publishes them."""
        self._organizations: dict[str, Organization] = {}
        self._contacts: dict[str, list[str]] = {}
        self._preferences: dict[str, list[str]] = {}
        self._certificate_ids = count(104)
        self._domain_ids = count(5001)
        self._value_numbers = count(1)

    def add_order(
        self,
        order_id: int,
        names: Sequence[str],
        *,
        product: str = "dv",
        status: str = "pending",
        method: str = "email",
        validated: Iterable[str] = (),
        name_scope: NameScope = "base_domain",
        created: datetime | None = None,
        common_name: str | None = None,
        organization: str = "Example Ltd",
        reissue_requested: datetime | None = None,
        emails: Iterable[str] = (),
        organization_pending: bool = False,
        contact_pending: bool = False,
        approval_pending: bool = False,
    ) -> Order:
        """Add an order without sending mail. OV and EV orders also add the domains that the account lacks.

        All names of an issued order are validated. Products other than TLS have a common name and no DNS names. Raises
        ValueError if the id is taken.
        """
        if order_id in self.orders:
            raise ValueError(f"order {order_id} exists already")
        order = self.orders[order_id] = Order(
            id=order_id,
            certificate_id=next(self._certificate_ids),
            dns_names=list(names),
            common_name=common_name or next(iter(names), ""),
            product=PRODUCTS[product],
            organization=self.ensure_organization(organization),
            method=method,
            name_scope=name_scope,
            created=created or self.now(),
            # Not `self.now` itself: a test may replace it after the order was added.
            clock=lambda: self.now(),
            status=status,
            reissue_requested=reissue_requested,
            emails=list(emails),
            organization_pending=organization_pending,
            contact_pending=contact_pending,
            approval_pending=approval_pending,
        )
        order.status_changed = order.created
        self._add_missing_domains(order)
        self.validate_names(order, names if status == "issued" else validated)
        self.changes.notify_all()
        return order

    def add_domain(
        self,
        domain_id: int,
        name: str,
        *,
        pending: bool = True,
        method: str = "email",
        txt_contacts: Iterable[str] = (),
        created: datetime | None = None,
        validated_until: datetime | None = None,
        active: bool = True,
        submitted: bool = True,
        organization: str = "Example Ltd",
    ) -> Domain:
        """Add a domain. If it is not pending, it counts as validated today, or until `validated_until`.

        A `validated_until` in the past makes a lapsed domain. If `submitted` is False, the domain was never submitted
        for validation, so it is neither pending nor valid. Raises ValueError if the id or the name is taken.
        """
        if domain_id in self.domains or any(without_wildcard(name) == domain.name for domain in self.domains.values()):
            raise ValueError(f"domain {domain_id} or {name} exists already")
        domain = Domain(
            domain_id, without_wildcard(name), self.ensure_organization(organization), created or self.now()
        )
        domain.pending, domain.method, domain.active = pending and submitted, method, active
        if submitted:
            domain.validated_until = validated_until if pending else validated_until or self.now() + REUSE_PERIOD
            domain.submitted = domain.created
        if domain.validated_until is not None:
            domain.approved = domain.validated_until - REUSE_PERIOD
            # The submission that led to the approval came before it, and one that is still open came after it.
            domain.submitted = max(domain.created, domain.approved + MINUTE) if pending else domain.approved - MINUTE
        self.domains[domain_id] = domain
        for address in txt_contacts:
            self.add_txt_contact(name, address)
        self.changes.notify_all()
        return domain

    def ensure_organization(self, name: str) -> Organization:
        """Return the organization of this name, and create it at its first use."""
        return self._organizations.setdefault(name, Organization(11 + len(self._organizations), name))

    def add_txt_contact(self, name: str, address: str) -> None:
        """Add `address` to the TXT record at _validation-contactemail below `name`."""
        self._contacts.setdefault(without_wildcard(name), []).append(address)

    def set_permitted_emails(self, scope: str, addresses: Iterable[str]) -> None:
        """Set the recipients that the account's preferences permit for `scope`."""
        self._preferences[without_wildcard(scope)] = list(addresses)

    def all_emails(self, scope: str) -> list[str]:
        """Return all constructed and DNS TXT addresses of `scope`."""
        return list(dict.fromkeys(constructed_emails(scope) + self._contacts.get(scope, [])))

    def permitted_emails(self, scope: str) -> list[str]:
        """Return the addresses of `scope` that the account's preferences permit."""
        return self._preferences.get(scope, self.all_emails(scope))

    def is_known_name(self, name: str) -> bool:
        """Return whether `name` is at, above or below a domain or an ordered name of the account."""
        held = [domain.name for domain in self.domains.values()]
        held += [ordered for order in self.orders.values() for ordered in order.dns_names]
        return any(are_related(name, other) for other in held)

    def domain_for(self, name: str) -> Domain | None:
        """Return the domain that an ordered name belongs to: the longest one at or above it."""
        by_name = {domain.name: domain for domain in self.domains.values()}
        return next((by_name[step] for step in self_and_ancestors(name) if step in by_name), None)

    def is_validated(self, order: Order, name: str) -> bool:
        """Return whether this ordered name is validated."""
        if order.is_dv:
            return name in order.validated
        domain = self.domain_for(name)
        return domain is not None and domain.covers(name, self.now())

    def pending_names(self, order: Order) -> list[str]:
        """Return the ordered names that are not validated yet."""
        return [name for name in order.dns_names if not self.is_validated(order, name)]

    def send_mail(
        self, scope: str, recipient: str, locale: str, *, order_id: int | None = None, domain_id: int | None = None
    ) -> None:
        """Put one mail in the outbox, unless the recipient's domain has no MX."""
        if recipient.rpartition("@")[2].lower() in self.options.without_mx:
            return
        # DigiCert falls back to English for a language that it does not know.
        language = locale if locale in self.options.locales else "en"
        now = self.now()
        mail_id = len(self.outbox) + 1
        self.outbox.append(Mail(mail_id, scope, recipient, language, order_id, domain_id, now, now + MAIL_LIFETIME))
        self.changes.notify_all()

    def live_value(self, of: Order | Domain) -> RandomValue:
        """Return the random value of an order or a domain, and renew it if it has expired."""
        if of.value is None or self.now() >= of.value.expires_at:
            return self.new_value(of)
        return of.value

    def new_value(self, of: Order | Domain) -> RandomValue:
        """Replace the random value of an order or a domain. What was published for the old one no longer counts."""
        seed = f"{type(of).__name__.lower()} {of.id}"
        number = next(self._value_numbers) if of.value else 0
        of.value = RandomValue(random_value(f"{seed} {number}" if number else seed), self.now() + VALUE_LIFETIME)
        of.token_published = False
        return of.value

    def finds_value(self, of: Order | Domain, name: str) -> bool:
        """Return whether the random value is published for a name: by a test, or in the local DNS if there is one."""
        if of.token_published:
            return True
        values = [value.text for value in self._values_for(of, name) if self.now() < value.expires_at]
        return any(has_random_value(self.resolve_records, name, of.method, value) for value in values)

    def _values_for(self, of: Order | Domain, name: str) -> list[RandomValue]:
        """Return the values that count for a name. Either check accepts that of the order and that of the domain."""
        others = [self.domain_for(name)] if isinstance(of, Order) else self._orders_with(of)
        return [each.value for each in (of, *others) if each is not None and each.value is not None]

    def submit(self, domain: Domain, method: str) -> None:
        """Submit a domain for validation. Its current validation remains in force."""
        domain.pending, domain.submitted = True, self.now()
        self.change_method(domain, method)

    def change_method(self, domain: Domain, method: str) -> None:
        """Change the DCV method of a domain, without sending mail."""
        if method != "email" and domain.method == "email" and self.options.switch_voids_mails:
            for mail in self.outbox:
                if mail.domain_id == domain.id and not mail.approved:
                    mail.expires_at = min(mail.expires_at, self.now())
        domain.method = method
        self.changes.notify_all()

    def validate_by_token(self, domain: Domain) -> None:
        """Validate a pending domain whose random value was found, and issue each order that this completes."""
        self._validate_domain(domain, domain.name)
        self.changes.notify_all()

    def approve(self, mail: Mail) -> None:
        """Follow the link of a mail, and issue each order that this completes.

        Raises ValueError if the mail has expired.
        """
        now = self.now()
        if now >= mail.expires_at:
            raise ValueError(f"mail {mail.id} expired at {mail.expires_at}")
        mail.approved = True
        if mail.order_id is not None:
            order = self.orders[mail.order_id]
            order.validated |= order.names_validated_by(mail.scope)
            self.issue_if_ready(order)
        if mail.domain_id is not None:
            self._validate_domain(self.domains[mail.domain_id], mail.scope)
        self.changes.notify_all()

    def _validate_domain(self, domain: Domain, scope: str) -> None:
        domain.record_approval(scope, self.now())
        # One validated domain can complete several OV and EV orders.
        for order in self._orders_with(domain):
            self.issue_if_ready(order)

    def issue_if_ready(self, order: Order) -> None:
        """Issue the order if it is open and nothing is pending."""
        if order.status in OPEN_STATUSES and not self.pending_names(order) and not order.is_blocked:
            order.status = "issued"

    def validate_names(self, order: Order, names: Iterable[str]) -> None:
        """Mark these names of the order as validated. For OV and EV orders, this validates their domains."""
        wanted = {without_wildcard(name) for name in names}
        done = [name for name in order.dns_names if without_wildcard(name) in wanted]
        if order.is_dv:
            order.validated.update(done)
            return
        for name in done:
            domain = self.domain_for(name)
            if domain is not None and not domain.covers(name, self.now()):
                domain.record_approval(order.mail_scope(name), self.now())

    def issue(self, order_id: int) -> None:
        """Validate all names of the order and issue it."""
        order = self.orders[order_id]
        self.validate_names(order, order.dns_names)
        order.organization_pending = order.contact_pending = order.approval_pending = False
        order.status = "issued"
        self.changes.notify_all()

    def cancel(self, order_id: int) -> None:
        """Cancel the order."""
        self.orders[order_id].status = "canceled"
        self.changes.notify_all()

    def _orders_with(self, domain: Domain) -> list[Order]:
        mine = [order for order in self.orders.values() if not order.is_dv]
        return [order for order in mine if any(self.domain_for(name) is domain for name in order.dns_names)]

    def _add_missing_domains(self, order: Order) -> None:
        for name in order.dns_names if order.product.is_tls and not order.is_dv else ():
            if self.domain_for(name) is None:
                self.add_domain(self._next_domain_id(), order.mail_scope(name), organization=order.organization.name)

    def _next_domain_id(self) -> int:
        return next(number for number in self._domain_ids if number not in self.domains)
