"""The objects of an account: orders, domains and the mail sent for them."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from sandbox.certcentral.names import is_within, registrable_domain, without_wildcard

NameScope = Literal["base_domain", "fqdn"]
OPEN_STATUSES = frozenset({"pending", "reissue_pending"})
DCV_METHODS = frozenset({"email", "dns-cname-token", "dns-txt-token", "http-token", "http-token-dynamic"})
"""The DCV methods that an order can change to. `http-token-static` is only a filter of the domain list."""
TOKEN_METHODS = DCV_METHODS - {"email"}
MAIL_LIFETIME = timedelta(days=30)
VALUE_LIFETIME = timedelta(days=30)
# Statuses of an order with a certificate, also one that is no longer valid.
ONCE_ISSUED = frozenset({"issued", "expired", "revoked"})
CERTIFICATE_LIFETIME = timedelta(days=199)
REUSE_PERIOD = timedelta(days=199)
# From this day on a validation is reused for less long, and an older one is void, whatever date was announced before.
SHORTER_FROM = datetime(2027, 3, 15, tzinfo=UTC)
SHORTER_REUSE_PERIOD = timedelta(days=99)


def random_value(seed: str) -> str:
    """Return 40 hex digits that look random and are always the same for `seed`."""
    return hashlib.sha256(seed.encode()).hexdigest()[:40]


def reuse_period(now: datetime) -> timedelta:
    """Return how long a validation of this moment may be reused."""
    return REUSE_PERIOD if now < SHORTER_FROM else SHORTER_REUSE_PERIOD


@dataclass(frozen=True)
class RandomValue:
    """The value that a DNS record or a file must have to validate a name. A new value makes earlier ones void."""

    text: str
    expires_at: datetime


@dataclass(frozen=True)
class Organization:
    """The organization of an OV or EV certificate."""

    id: int
    name: str


@dataclass(frozen=True)
class Product:
    """A product. `validation` is dv, ov or ev for TLS, and another value for all other products."""

    name_id: str
    name: str
    type: str
    validation: str

    @property
    def is_tls(self) -> bool:
        """Return whether the certificates are for servers, so that domain names are validated."""
        return "ssl" in self.type


PRODUCTS = {
    "dv": Product("ssl_dv_geotrust_flex", "GeoTrust DV SSL", "dv_ssl_certificate", "dv"),
    "ov": Product("ssl_basic", "Basic OV", "ssl_certificate", "ov"),
    "ev": Product("ssl_ev_basic", "Basic EV", "ssl_certificate", "ev"),
    "code_signing": Product("code_signing", "Code Signing", "code_signing_certificate", "cs"),
    "document_signing": Product(
        "document_signing_org_1", "Document Signing - Organization (2000)", "document_signing_certificate", "ds"
    ),
    "client": Product("client_premium", "Premium", "client_certificate", "client"),
    "smime": Product("client_email_security_plus", "Email Security Plus", "client_certificate", "client"),
}


@dataclass
class Order:
    """A certificate order. Setting `status` also updates `status_changed`."""

    id: int
    certificate_id: int
    dns_names: list[str]
    common_name: str
    product: Product
    organization: Organization
    method: str
    name_scope: NameScope
    created: datetime
    clock: Callable[[], datetime] = field(repr=False)
    status: str
    status_changed: datetime = field(init=False)
    validated: set[str] = field(default_factory=set)
    """The validated names of a DV order, as ordered. OV and EV orders use their domains instead."""
    token_published: bool = False
    """True if the random value of a token method is published."""
    value: RandomValue | None = None
    """The newest random value, live or expired."""
    reissue_requested: datetime | None = None
    emails: list[str] = field(default_factory=list)
    """The addresses in an S/MIME certificate."""
    organization_pending: bool = False
    """True if DigiCert still validates the organization."""
    contact_pending: bool = False
    """True if the verified contact of an EV order still has to approve it. No API response shows this."""
    approval_pending: bool = False
    """True if an administrator of the account still has to approve the request of an open order."""

    def __setattr__(self, name: str, value: object) -> None:
        if name == "status":
            # Tests set `status` directly, so the time is recorded here and not by a method.
            object.__setattr__(self, "status_changed", self.clock())
        object.__setattr__(self, name, value)

    @property
    def is_dv(self) -> bool:
        """Return whether each name is validated for this order alone."""
        return self.product.validation == "dv"

    @property
    def is_blocked(self) -> bool:
        """Return whether the order waits for something other than its names."""
        return self.organization_pending or self.contact_pending or self.approval_pending

    @property
    def valid_till(self) -> datetime | None:
        """Return the end of the certificate's validity, or None if there is no certificate."""
        return self.status_changed + CERTIFICATE_LIFETIME if self.status in ONCE_ISSUED else None

    @property
    def thumbprint(self) -> str:
        """Return the thumbprint that the certificate has once it is issued."""
        return random_value(f"thumbprint {self.id}").upper()

    @property
    def serial_number(self) -> str:
        """Return the serial number that the certificate has once it is issued."""
        return random_value(f"serial {self.id}")[:32].upper()

    def mail_scope(self, name: str) -> str:
        """Return the name that a mail for `name` validates.

        This is the registrable domain or, with the name scope fqdn, the highest ordered name above it.
        """
        if self.name_scope == "base_domain":
            return registrable_domain(name)
        return min(
            (
                without_wildcard(other)
                for other in self.dns_names
                if is_within(without_wildcard(name), without_wildcard(other))
            ),
            key=len,
        )

    def names_validated_by(self, scope: str) -> set[str]:
        """Return the ordered names that an approved mail for `scope` validates."""
        if self.name_scope == "base_domain":
            return {name for name in self.dns_names if is_within(without_wildcard(name), scope)}
        below = [name for name in self.dns_names if is_within(without_wildcard(name), scope)]
        # A mail for the full name validates that name, and those whose scope it is.
        return {name for name in below if scope in (without_wildcard(name), self.mail_scope(name))}


ValidationState = Literal["pending", "complete", "expired", "never"]


@dataclass
class Domain:
    """A domain of the account, whose validation serves all OV and EV orders.

    `submitted` is None if it was never submitted for validation. `approved` is None if it was never validated.
    """

    id: int
    name: str
    organization: Organization
    created: datetime
    pending: bool = True
    method: str = "email"
    validated_until: datetime | None = None
    active: bool = True
    submitted: datetime | None = None
    approved: datetime | None = None
    scopes: set[str] = field(default_factory=set)
    """Subdomains that were validated on their own."""
    value: RandomValue | None = None
    """The newest random value of a token method, live or expired."""
    token_published: bool = False
    """True if the random value is published."""

    def validation_state(self, now: datetime) -> ValidationState:
        """Return the state of the validation. A lapsed domain is not pending until it is submitted again."""
        if self.pending:
            return "pending"
        if self.validated_until is None:
            return "never"
        return "complete" if self.is_valid(now) else "expired"

    def is_valid(self, now: datetime) -> bool:
        """Return whether the whole domain may be used for issuing."""
        if self.validated_until is None or now >= self.validated_until:
            return False
        return now < SHORTER_FROM or self.approved is None or now < self.approved + SHORTER_REUSE_PERIOD

    def covers(self, name: str, now: datetime) -> bool:
        """Return whether `name` counts as validated."""
        # A subdomain can be validated on its own while its domain is not.
        return self.is_valid(now) or any(is_within(without_wildcard(name), scope) for scope in self.scopes)

    def record_approval(self, scope: str, now: datetime) -> None:
        """Record an approved mail for `scope`: the whole domain, or one subdomain of it."""
        # A scope below the domain validates only that subdomain.
        if not is_within(self.name, scope):
            self.scopes.add(scope)
            return
        self.pending = False
        self.approved = now
        self.validated_until = now + reuse_period(now)


@dataclass
class Mail:
    """A validation mail in the outbox. `scope` is the name that its approval validates."""

    id: int
    scope: str
    recipient: str
    locale: str
    order_id: int | None
    domain_id: int | None
    sent_at: datetime
    expires_at: datetime
    approved: bool = False
