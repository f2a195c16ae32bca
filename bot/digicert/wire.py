"""Conversion between DigiCert's JSON and status codes and the bot's values and errors. No I/O.

Pages named below are those of DigiCert's "CertCentral Services API" documentation.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Any, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import from_json

from bot.digicert.fields import (
    AllOrNone,
    Flag,
    Many,
    Moment,
    Names,
    Number,
    Part,
    Text,
    Word,
    clean,
    domain_name,
    is_host,
)
from bot.errors import CaError, CaRateLimited, CaRejected, CaUnavailable, CaUnreadable
from bot.models import (
    Address,
    DcvToken,
    Domain,
    DomainValidation,
    Expired,
    NameValidation,
    NeverValidated,
    Order,
    OrderValidation,
    Pending,
    Recipient,
    StatusChange,
    Unclear,
    Unreadable,
    Valid,
)

# Page "Errors": a category, then a detail after the first pipe. A bad key is a 403, not a 401.
INVALID_KEY = "access_denied|access_denied_invalid_key"
MISSING_PERMISSION = "access_denied|missing_permission"

_OUR_WORDS = {
    INVALID_KEY: "DigiCert does not accept the API key (DIGICERT_API_KEY).",
    MISSING_PERMISSION: (
        'The API key (DIGICERT_API_KEY) lacks a permission that this needs; give it the role "Orders, Domains, '
        'Organizations" and a user who may manage orders and domains.'
    ),
}

_ODD_ANSWER = "DigiCert returned a response that doesn't match its documentation."
_MOST_MESSAGES = 5
_LONGEST_RETRY_AFTER = 86_400.0


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response. A header that was missing is empty."""

    status: int
    content_type: str
    body: bytes = field(repr=False)
    retry_after: str = ""

    @property
    def is_json(self) -> bool:
        """True if the body claims to be JSON. The network in front of DigiCert answers with its own pages."""
        return not self.content_type or "json" in self.content_type.lower()


_ADDRESS = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+")

# Pages "List orders" and "Order info": every status that they name or that their samples show.
ORDER_STATUSES = frozenset(
    {
        "pending", "needs_approval", "reissue_pending", "processing", "waiting_pickup", "needs_csr", "approved",
        "issued", "expired", "revoked", "canceled", "rejected", "denied",
    }
)  # fmt: skip

# Page "Order validation status": its samples show `approved`. Any other status counts as open.
_NAME_STATUSES = frozenset({"approved", "pending", "expired"})

Row = TypeVar("Row", Order, Domain)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows of a list. `total` is None if DigiCert did not give it."""

    rows: tuple[Row | Unreadable, ...]
    total: int | None


class _Read(BaseModel):
    """A part of an answer. Unknown fields are ignored, and a validation error never quotes the answer."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, coerce_numbers_to_str=True)


class _Certificate(_Read):
    common_name: Text = ""
    dns_names: Names = ()
    emails: Any = None
    date_created: Moment = None
    # Page "List orders": only a certificate that was issued once has it, so a reissue shows the end of the present one.
    valid_till: Moment = None

    @property
    def is_for_hosts(self) -> bool:
        names = [name for name in self.dns_names or (self.common_name,) if name]
        return all(is_host(domain_name(name)) for name in names) and not self.emails


# Pages "List products" and "List orders": what a product's type or id says about its certificates.
_TLS = re.compile(r"(^|[^a-z])(ssl|tls)([^a-z]|$)")
_OTHER_KINDS = {
    re.compile("code.?sign"): "code signing",
    re.compile("(doc|document).?sign"): "document signing",
    re.compile("s.?mime|secure.?email|email.?security"): "S/MIME",
    re.compile("client"): "client certificate",
}


class _Product(_Read):
    name: Text = ""
    name_id: Word = ""
    type: Word = ""
    validation_type: Word = ""

    @property
    def is_dv(self) -> bool:
        # Only page "Order info" promises `validation_type`. On page "List orders", `type` marks DV.
        return self.validation_type == "dv" or self.type.startswith("dv_")

    def other_kind(self, certificate: _Certificate) -> str | None:
        """Return the kind of a certificate that is not for TLS, else None. If the product is unclear, names decide."""
        for text in (self.type, self.name_id):
            if _TLS.search(text):
                return None
            if kind := next((kind for pattern, kind in _OTHER_KINDS.items() if pattern.search(text)), None):
                return self._more_exactly(kind)
        if self.validation_type in {"dv", "ov", "ev"} or certificate.is_for_hosts:
            return None
        return self.name or self.type.replace("_", " ") or "non-TLS"

    def _more_exactly(self, kind: str) -> str:
        # S/MIME products have the same type as client certificates, so the id decides.
        by_id = (other for pattern, other in _OTHER_KINDS.items() if pattern.search(self.name_id))
        return next(by_id, kind)


class _Request(_Read):
    date: Moment = None
    type: Word = ""
    status: Word = ""


class _Order(_Read):
    id: int = Field(ge=0, lt=10**18)
    status: Word = Field(min_length=1)
    certificate: Part[_Certificate] = _Certificate()
    product: Part[_Product] = _Product()
    product_name_id: Word = ""
    dcv_method: Word = ""
    date_created: Moment = None
    requests: AllOrNone[_Request] = ()

    def to_model(self) -> Order:
        product = self.product if self.product.name_id else self.product.model_copy(update=self._name_id)
        other_kind = product.other_kind(self.certificate)
        return Order(
            id=self.id,
            status=self.status,
            common_name=self._common_name(other_kind),
            names=() if other_kind else self._names,
            is_dv=product.is_dv,
            product=product.name or product.name_id,
            method=self.dcv_method or None,
            since=self._reissued_at if self.status == "reissue_pending" else self.date_created,
            ordered_at=self.date_created,
            other_kind=other_kind,
            is_ev=product.validation_type == "ev" or "_ev_" in f"_{product.name_id}_",
            awaits_approval=any(request.status in {"pending", "submitted"} for request in self.requests),
            expires_at=self.certificate.valid_till,
        )

    @property
    def _name_id(self) -> dict[str, str]:
        return {"name_id": self.product_name_id}

    def _common_name(self, other_kind: str | None) -> str:
        """Return a domain name in the form that the bot compares. The name of a person or company stays as it is."""
        name = self.certificate.common_name
        return domain_name(name) if other_kind is None and is_host(domain_name(name)) else name

    @property
    def _names(self) -> tuple[str, ...]:
        common_name = domain_name(self.certificate.common_name)
        names = map(domain_name, self.certificate.dns_names)
        return _once((common_name, *names) if is_host(common_name) else names)

    @property
    def _reissued_at(self) -> datetime | None:
        """Return when the reissue was requested. The order's own date may be months earlier."""
        requested = [request.date for request in self.requests if "reissue" in request.type and request.date]
        if requested:
            return max(requested)
        # Page "Order info": the certificate's date is that of the order, unless it is later.
        created = self.certificate.date_created
        return created if created and created != self.date_created else None


class _PageNumbers(_Read):
    total: Number = None


class _List(_Read):
    page: Any = None

    @property
    def total(self) -> int | None:
        read = _reader(_PageNumbers)(self.page)
        return read.total if isinstance(read, _PageNumbers) else None

    @model_validator(mode="before")
    @classmethod
    def _is_a_list(cls, data: Any) -> Any:
        # An empty list may lack its key, but an error with status 200 must not count as an empty list.
        if isinstance(data, dict) and data and not data.keys() & cls.model_fields.keys():
            raise ValueError("not a list")
        return data


class _Orders(_List):
    orders: Many[Any] = ()


class _StatusChange(_Read):
    order_id: int
    status: Word = ""


class _NameValidation(_Read):
    name_scope: Text = ""
    dns_name: Text = ""
    dns_names: Names = ()
    approval_scope: Word = ""
    status: Word = ""
    method: Word = ""
    domain_id: Number = None

    @model_validator(mode="after")
    def _has_a_name(self) -> Self:
        if not self.name_scope and not self.names:
            raise ValueError("a validation without a name")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        return _once(map(domain_name, (*self.dns_names, self.dns_name)))

    def to_model(self) -> NameValidation:
        scope = domain_name(self.name_scope) or self.names[0]
        return NameValidation(
            name_scope=scope,
            names=self.names or (scope,),
            is_open=self.status != "approved",
            method=self.method or None,
            domain_id=self.domain_id,
            covers_below=self.approval_scope == "subdomains",
        )


class _OrganizationValidation(_Read):
    status: Word = ""

    @property
    def is_open(self) -> bool:
        # Page "Order validation status": its sample shows only `active`.
        return self.status not in {"active", "approved", "complete", "completed", "valid", "validated"}


class _OrderValidation(_Read):
    order_status: Word = Field(min_length=1)
    order_dcv_method: Word = ""
    dns_name_validations: Many[Any] = ()
    organization_name: Text = ""
    organization_validations: Any = None

    @property
    def waiting_organization(self) -> str | None:
        """Return the organization's name if a validation of it is open, or cannot be read."""
        entries = self.organization_validations or []
        read = map(_reader(_OrganizationValidation), entries if isinstance(entries, list) else [entries])
        is_open = any(not isinstance(each, _OrganizationValidation) or each.is_open for each in read)
        return (self.organization_name or "the organization") if is_open else None


class _DomainValidation(_Read):
    type: Word = ""
    status: Word = ""
    validated_until: Moment = None
    dcv_status: Word = ""


class _DcvExpiration(_Read):
    ov: Moment = None
    ev: Moment = None


class _Dcv(_Read):
    method: Word = ""


class _DcvToken(_Read):
    token: Text = ""
    expiration_date: Moment = None


class _Domain(_Read):
    id: int = Field(ge=0, lt=10**18)
    name: Text = Field(min_length=1)
    is_active: Flag = None
    is_pending_validation: Flag = None
    status: Word = ""
    dcv_method: Word = ""
    dcv: Part[_Dcv] = _Dcv()
    dcv_token: Part[_DcvToken] = _DcvToken()
    date_created: Moment = None
    last_submitted_datetime: Moment = None
    dcv_approval_datetime: Moment = None
    dcv_expiration_datetime: Moment = None
    dcv_expiration: Part[_DcvExpiration] = _DcvExpiration()
    validations: AllOrNone[_DomainValidation] = ()

    @property
    def _is_pending(self) -> bool | None:
        # Page "Domain info": `is_pending_validation` decides. `dcv_status` has it for each part. The deprecated
        # `status` does not distinguish domains that are validated from those that were not submitted.
        if self.is_pending_validation is not None:
            return self.is_pending_validation
        states = {part.dcv_status for part in self.validations}
        if "pending" in states:
            return True
        if states and states <= {"complete", "expired"}:
            return False
        if self.status in {"pending", "approved"}:
            return self.status == "pending"
        return self._is_pending_by_dates

    @property
    def _is_pending_by_dates(self) -> bool | None:
        """Return if the domain is pending by the dates of a row, which is all that page "List domains" promises."""
        submitted, approved = self.last_submitted_datetime, self.dcv_approval_datetime
        if approved is not None:
            return submitted is not None and submitted > approved
        # Without an approval date the domain was never approved, unless a validation has an end.
        if self._ends:
            return None
        return True if submitted or any(part.status == "pending" for part in self.validations) else None

    @property
    def _ends(self) -> dict[str, datetime]:
        """Return when each kind of validation ends or ended. The empty kind is a date that DigiCert gives for all."""
        if self.dcv_expiration_datetime:
            return {"": self.dcv_expiration_datetime}
        by_kind = {"OV": self.dcv_expiration.ov, "EV": self.dcv_expiration.ev}
        ends = {kind: end for kind, end in by_kind.items() if end}
        return ends or {part.type.upper(): part.validated_until for part in self.validations if part.validated_until}

    def validation(self, now: datetime) -> DomainValidation:
        """Return the state of the domain's validation at `now`. A date in the past never counts as valid."""
        ends, is_pending = self._ends, self._is_pending
        ahead = [end for end in ends.values() if end > now]
        if is_pending:
            return Pending(max(ahead, default=None))
        past = [kind for kind, end in ends.items() if end <= now]
        past += [part.type.upper() for part in self.validations if "expired" in {part.dcv_status, part.status}]
        lapsed = tuple(kind for kind in dict.fromkeys(past) if kind)
        if past and ahead and set(lapsed) < self._kinds:
            return Valid(min(ahead), lapsed)
        if past:
            return Expired(max((end for end in ends.values() if end <= now), default=None))
        if is_pending is None:
            return Unclear()
        is_complete = {part.dcv_status or part.status for part in self.validations} in ({"complete"}, {"active"})
        if ahead or is_complete:
            return Valid(min(ahead, default=None))
        return Unclear(is_pending=False) if self.dcv_approval_datetime else NeverValidated()

    @property
    def _kinds(self) -> set[str]:
        return {kind for kind in self._ends if kind} | {part.type.upper() for part in self.validations}

    def to_model(self, now: datetime) -> Domain:
        return Domain(
            id=self.id,
            name=domain_name(self.name),
            is_active=self.is_active is not False,
            validation=self.validation(now),
            method=self.dcv_method or self.dcv.method or None,
            since=self.last_submitted_datetime or self.date_created,
            approved_at=self.dcv_approval_datetime,
            validation_types=_once(part.type.lower() for part in self.validations),
            token=DcvToken(self.dcv_token.token, self.dcv_token.expiration_date) if self.dcv_token.token else None,
        )


class _Domains(_List):
    domains: Many[Any] = ()


class _Addresses(_Read):
    # Page "Domain emails": the answer may still have `whois_emails`, but DigiCert no longer uses those.
    name_scope: Text = ""
    base_emails: Many[Any] = ()
    dns_txt_emails: Many[Any] = ()


class _User(_Read):
    id: int
    username: Text = ""
    email: Text = ""


_Shape = TypeVar("_Shape", bound=_Read)


def _once(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))


def _unexpected_response() -> CaUnreadable:
    return CaUnreadable(_ODD_ANSWER)


def _reader(shape: type[_Shape]) -> Callable[[object], _Shape | Unreadable]:
    """Return a function that reads one entry of a list, so that an odd entry does not hide the others."""

    def read(entry: object) -> _Shape | Unreadable:
        try:
            return shape.model_validate(entry)
        except ValidationError:
            return Unreadable(_id_of(entry), hashlib.sha256(repr(entry).encode()).hexdigest()[:16])

    return read


def _id_of(entry: object) -> str:
    """Return the id of an entry for the log, if it has one. Nothing else of it may be logged."""
    given = entry if isinstance(entry, dict) else {}
    for key in ("id", "order_id", "domain_id"):
        if isinstance(value := given.get(key), str | int):
            return clean(str(value))[:40]
    return ""


def _read(shape: type[_Shape], answer: Response) -> _Shape:
    if not answer.is_json:
        # An answer of the network in front of DigiCert, which says nothing about this call.
        raise CaUnavailable(_ODD_ANSWER, may_have_arrived=False)
    try:
        return shape.model_validate_json(answer.body)
    except ValidationError as error:
        raise _unexpected_response() from error


def read_orders(answer: Response) -> Page[Order]:
    """Read an answer of page "List orders". Raises CaUnreadable if it is not a list."""
    read = _read(_Orders, answer)
    rows = map(_reader(_Order), read.orders)
    return Page(tuple(row.to_model() if isinstance(row, _Order) else row for row in rows), read.total)


def read_status_changes(answer: Response) -> frozenset[StatusChange | Unreadable]:
    """Read an answer of page "Order status changes", which is `{}` if nothing changed."""
    rows = map(_reader(_StatusChange), _read(_Orders, answer).orders)
    return frozenset(StatusChange(row.order_id, row.status) if isinstance(row, _StatusChange) else row for row in rows)


def read_order(answer: Response) -> Order:
    """Read an answer of page "Order info". Raises CaUnreadable if it is not an order."""
    return _read(_Order, answer).to_model()


def read_order_validation(answer: Response, order_id: int) -> OrderValidation:
    """Read an answer of page "Order validation status" for `order_id`. Raises CaUnreadable if it has no status.

    An entry that cannot be read is counted and not ignored: its names may still wait.
    """
    read = _read(_OrderValidation, answer)
    entries = list(map(_reader(_NameValidation), read.dns_name_validations))
    names = tuple(entry.to_model() for entry in entries if isinstance(entry, _NameValidation))
    return OrderValidation(
        order_id,
        read.order_status,
        read.order_dcv_method or None,
        names,
        unreadable=len(entries) - len(names),
        organization=read.waiting_organization,
        unknown=tuple(sorted(_unknown_words(read, entries))),
    )


def _unknown_words(read: _OrderValidation, entries: Iterable[object]) -> set[str]:
    """Return the statuses in an order's validation that the bot does not know and counts as open."""
    states = {entry.status for entry in entries if isinstance(entry, _NameValidation) and entry.status}
    return (states - _NAME_STATUSES) | ({read.order_status} - ORDER_STATUSES)


def read_domains(answer: Response, now: datetime) -> Page[Domain]:
    """Read an answer of page "List domains", with the state of each domain at `now`."""
    read = _read(_Domains, answer)
    rows = map(_reader(_Domain), read.domains)
    return Page(tuple(row.to_model(now) if isinstance(row, _Domain) else row for row in rows), read.total)


def read_domain(answer: Response, now: datetime) -> Domain:
    """Read an answer of page "Domain info", with the state of the domain at `now`."""
    return _read(_Domain, answer).to_model(now)


def read_addresses(answer: Response, asked: str | None) -> tuple[Address, ...]:
    """Read an answer of page "Domain emails": each address once, ignoring case.

    `asked` is the name that was asked for, None if it was an id. An entry that is no address is ignored: fewer
    addresses than DigiCert allows never widen the audience. Raises CaUnreadable if no entry is an address.
    """
    read = _read(_Addresses, answer)
    scope = domain_name(read.name_scope) or asked
    # An answer about something else must not count as "no address is allowed".
    if not scope or not read.model_fields_set:
        raise _unexpected_response()
    allowed: dict[str, Address] = {}
    entries = [
        (email, txt) for emails, txt in ((read.base_emails, False), (read.dns_txt_emails, True)) for email in emails
    ]
    for email, txt in entries:
        if isinstance(email, str) and _is_one_address(email):
            allowed.setdefault(email.lower(), Address(email, scope, txt))
    if entries and not allowed:
        raise _unexpected_response()
    return tuple(allowed.values())


def _is_one_address(text: str) -> bool:
    """Return True if this can be sent back to DigiCert unchanged: it silently drops addresses it does not know."""
    return clean(text) == text and _ADDRESS.fullmatch(text) is not None


def read_user(answer: Response) -> str:
    """Read an answer of page "My user info": the name of the user whom the key belongs to, for display."""
    user = _read(_User, answer)
    return user.username or user.email or f"user {user.id}"


class _Write(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    def to_json(self) -> bytes:
        """Return the body, without fields that are None."""
        return self.model_dump_json(exclude_none=True).encode()


class _ApprovalEmail(_Write):
    domain: str
    email: str
    email_domain: str | None = None


class ResendOrderEmails(_Write):
    """The body of a request of page "DV SSL: Resend emails"."""

    domain_approval_emails: tuple[_ApprovalEmail, ...]
    locale: str

    @classmethod
    def of(cls, recipients: Sequence[Recipient], locale: str) -> Self:
        """Build the body. Raises ValueError without recipients: DigiCert would choose the audience by itself."""
        _require_addresses([recipient.email for recipient in recipients])
        emails = tuple(
            _ApprovalEmail(domain=recipient.name, email=recipient.email, email_domain=recipient.email_domain or None)
            for recipient in recipients
        )
        return cls(domain_approval_emails=emails, locale=locale)


class ResendDomainEmails(_Write):
    """The body of a request of page "Resend DCV emails" of a domain."""

    name_scope: str
    email_array: tuple[str, ...]
    locale: str

    @classmethod
    def of(cls, name_scope: str, emails: Sequence[str], locale: str) -> Self:
        """Build the body. Raises ValueError without addresses: DigiCert would email everyone it may."""
        _require_addresses(emails)
        return cls(name_scope=name_scope, email_array=tuple(emails), locale=locale)


class _RequestedValidation(_Write):
    type: str


class SubmitDomain(_Write):
    """The body of a request of page "Submit domain for validation", by a method that emails no one."""

    validations: tuple[_RequestedValidation, ...]
    dcv_method: Literal["dns-txt-token"] = "dns-txt-token"

    @classmethod
    def of(cls, types: Sequence[str]) -> Self:
        """Build the body. `types` are the types of validation, `ov` if there is none."""
        return cls(validations=tuple(_RequestedValidation(type=each) for each in types or ("ov",)))


class ChangeDomainToEmail(_Write):
    """The body of a request of page "Change DCV method" of a domain, from another method to email."""

    dcv_method: Literal["email"] = "email"
    # If DigiCert ignores the flag, it emails the same addresses that the resend emails right afterwards.
    send_dcv_email_flag: Literal[False] = False
    email_array: tuple[str, ...]
    locale: str

    @classmethod
    def of(cls, emails: Sequence[str], locale: str) -> Self:
        """Build the body. Raises ValueError without addresses: DigiCert could email everyone it may."""
        _require_addresses(emails)
        return cls(email_array=tuple(emails), locale=locale)


def _require_addresses(emails: Sequence[str]) -> None:
    if not emails or not all("@" in email for email in emails):
        raise ValueError("a resend names at least one address, and nothing else")


def error_for(answer: Response, *, writes: bool, now: datetime) -> CaError:
    """Return the error for an answer other than the documented one.

    `writes` is True if the call could have an effect. A date in Retry-After is compared with `now`.
    """
    if answer.status == 429:
        return CaRateLimited(seconds_to_wait(answer.retry_after, now))
    if 400 <= answer.status < 500 and answer.status != 408:
        return _refusal(answer)
    return CaUnavailable(_no_usable_answer(answer.status), may_have_arrived=writes)


def _refusal(answer: Response) -> CaRejected:
    codes, messages = _faults(answer)
    words = [ours for code, ours in _OUR_WORDS.items() if code in codes] or messages[:_MOST_MESSAGES]
    if not words:
        words = [f"DigiCert rejected the request without a reason (HTTP {answer.status})."]
    return CaRejected(" ".join(words), status=answer.status, codes=codes)


def _faults(answer: Response) -> tuple[list[str], list[str]]:
    """Return codes and messages of a refused call, each once. A fault without a message is described by its code."""
    try:
        body = from_json(answer.body) if answer.is_json else None
    except ValueError:
        body = None
    if answer.content_type.lower().startswith("text/plain"):
        body = answer.body[:_LONGEST_PLAIN].decode(errors="replace")
    codes: dict[str, None] = {}
    messages: dict[str, None] = {}
    for code, message in islice(_faults_in(body), _MOST_FAULTS):
        if code:
            codes[code] = None
        if message or code:
            messages[message or code] = None
    return list(codes), list(messages)


_CODES = ("code", "error_code")
_MESSAGES = ("message", "error_message", "error_description", "description", "detail", "title", "reason")
_MORE_FAULTS = ("errors", "error")
_DEEPEST_FAULT = 4
_MOST_FAULTS = 50
_LONGEST_PLAIN = 1000


def _faults_in(body: object, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield the code and the message of each fault, whatever its shape. Either may be empty.

    Page "Errors" shows a list of objects. DigiCert also sends an object in its place, as one fault or as many by name.
    The network in front of DigiCert has its own shapes.
    """
    if depth > _DEEPEST_FAULT:
        return
    if isinstance(body, str):
        yield "", clean(body)
    elif isinstance(body, list):
        for entry in body:
            yield from _faults_in(entry, depth + 1)
    elif isinstance(body, dict):
        yield from _faults_of(body, depth)


def _faults_of(fault: dict[str, Any], depth: int) -> Iterator[tuple[str, str]]:
    code, message = _first_text(fault, _CODES), _first_text(fault, _MESSAGES)
    inside = [fault[key] for key in _MORE_FAULTS if fault.get(key)]
    found = [each for more in inside for each in _faults_in(more, depth + 1) if any(each)]
    if message and [text for _, text in found] == [fault.get("error")]:
        # RFC 6749, section 5.2: `error` is a code beside its `error_description`.
        code, found = code or found[0][1], []
    if found:
        yield from found
    elif code or message:
        yield code, message
    elif not inside:
        named = [
            value for value in fault.values() if isinstance(value, list | dict) or (depth and isinstance(value, str))
        ]
        for value in named:
            yield from _faults_in(value, depth + 1)


def _first_text(fault: dict[str, Any], keys: Sequence[str]) -> str:
    return next((text for key in keys if isinstance(value := fault.get(key), str) and (text := clean(value))), "")


def seconds_to_wait(header: str, now: datetime) -> float | None:
    """Return Retry-After, in either form of RFC 9110, section 10.2.3, as seconds; None if it cannot be read."""
    if re.fullmatch(r"\s*[0-9]+(\.[0-9]+)?\s*", header):
        return min(float(header), _LONGEST_RETRY_AFTER)
    try:
        until = parsedate_to_datetime(header)
        seconds = (until.replace(tzinfo=until.tzinfo or UTC) - now).total_seconds()
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), _LONGEST_RETRY_AFTER)


def _no_usable_answer(status: int) -> str:
    if 300 <= status < 400:
        return f"DigiCert returned a redirect (HTTP {status}). Check DIGICERT_BASE_URL."
    if status >= 500:
        return f"DigiCert had an internal error (HTTP {status})."
    return f"DigiCert returned an unexpected response (HTTP {status})."
