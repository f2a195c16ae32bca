"""DigiCert's JSON and status codes ↔ our values and errors; no I/O.

Pages named below are those of DigiCert's "CertCentral Services API" documentation.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import from_json

from bot.digicert.fields import Flag, Many, Moment, Number, Part, Text, clean, domain_name
from bot.errors import CaBusy, CaError, CaRefused, CaUnavailable
from bot.models import Address, Domain, NameValidation, Order, OrderValidation, Recipient, StatusChange

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

_MOST_MESSAGES = 5
_LONGEST_RETRY_AFTER = 86_400.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back over HTTP; the two headers are empty where they were missing."""

    status: int
    content_type: str
    body: bytes = field(repr=False)
    retry_after: str = ""

    @property
    def is_json(self) -> bool:
        """Whether the body claims to be JSON; the network in front of DigiCert answers with pages of its own."""
        return not self.content_type or "json" in self.content_type.lower()


_ADDRESS = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+")

Row = TypeVar("Row", Order, Domain)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows of a list; `total` is None where DigiCert did not count."""

    rows: tuple[Row, ...]
    total: int | None


class _Read(BaseModel):
    """A part of an answer: unknown fields are ignored, and a mismatch never quotes the answer."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, coerce_numbers_to_str=True)


class _Certificate(_Read):
    common_name: Text = ""
    dns_names: Many[Text] = ()
    date_created: Moment = None


class _Product(_Read):
    name: Text = ""
    name_id: Text = ""
    type: Text = ""
    validation_type: Text = ""

    @property
    def is_dv(self) -> bool:
        # Page "Order info": `validation_type` is only sure to be there; page "List orders": `type` marks DV.
        return self.validation_type.lower() == "dv" or self.type.lower().startswith("dv_")


class _Order(_Read):
    id: int
    status: Text
    certificate: Part[_Certificate] = _Certificate()
    product: Part[_Product] = _Product()
    product_name_id: Text = ""
    dcv_method: Text = ""
    date_created: Moment = None

    def told(self) -> Order:
        common_name = domain_name(self.certificate.common_name)
        names = (common_name, *map(domain_name, self.certificate.dns_names))
        # A reissue waits since it was asked for, which the date of the order, perhaps months back, does not tell.
        is_reissue = self.status == "reissue_pending"
        return Order(
            id=self.id,
            status=self.status,
            common_name=common_name,
            names=_once(names),
            is_dv=self.product.is_dv,
            product=self.product.name or self.product.name_id or self.product_name_id,
            method=self.dcv_method or None,
            since=self.certificate.date_created if is_reissue else self.date_created,
        )


class _PageNumbers(_Read):
    total: Number = None


class _List(_Read):
    page: Part[_PageNumbers] = _PageNumbers()

    @model_validator(mode="before")
    @classmethod
    def _is_a_list(cls, data: Any) -> Any:
        # An empty list may lack its key, but an error told under 200 must not pass for an empty list.
        if isinstance(data, dict) and data and not data.keys() & cls.model_fields.keys():
            raise ValueError("not a list")
        return data


class _Orders(_List):
    orders: Many[_Order] = ()


class _StatusChange(_Read):
    order_id: int
    status: Text = ""


class _StatusChanges(_List):
    orders: Many[_StatusChange] = ()


class _NameValidation(_Read):
    name_scope: Text = ""
    dns_name: Text = ""
    dns_names: Many[Text] = ()
    approval_scope: Text = ""
    status: Text = ""
    method: Text = ""
    domain_id: Number = None

    @model_validator(mode="after")
    def _has_a_name(self) -> Self:
        if not self.name_scope and not self.names:
            raise ValueError("a validation without a name")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        return _once(map(domain_name, (*self.dns_names, self.dns_name)))

    def told(self) -> NameValidation:
        scope = domain_name(self.name_scope) or self.names[0]
        return NameValidation(
            name_scope=scope,
            names=self.names or (scope,),
            is_open=self.status.lower() != "approved",
            method=self.method or None,
            domain_id=self.domain_id,
            covers_below=self.approval_scope.lower() == "subdomains",
        )


class _OrderValidation(_Read):
    order_status: Text
    order_dcv_method: Text = ""
    dns_name_validations: Many[_NameValidation] = ()


class _DomainValidation(_Read):
    validated_until: Moment = None
    dcv_status: Text = ""


class _DcvExpiration(_Read):
    ov: Moment = None
    ev: Moment = None


class _Dcv(_Read):
    method: Text = ""


class _Domain(_Read):
    id: int
    name: Text
    is_active: Flag = None
    is_pending_validation: Flag = None
    status: Text = ""
    dcv_method: Text = ""
    dcv: Part[_Dcv] = _Dcv()
    date_created: Moment = None
    last_submitted_datetime: Moment = None
    dcv_expiration_datetime: Moment = None
    dcv_expiration: Part[_DcvExpiration] = _DcvExpiration()
    validations: Many[_DomainValidation] = ()

    @property
    def is_pending(self) -> bool | None:
        # Page "Domain info": `is_pending_validation` is the test, `status` its deprecated forerunner.
        if self.is_pending_validation is not None:
            return self.is_pending_validation
        if self.status in {"pending", "approved"}:
            return self.status == "pending"
        states = {validation.dcv_status for validation in self.validations}
        if "pending" in states:
            return True
        return False if states == {"complete"} else None

    @property
    def validated_until(self) -> datetime | None:
        # OV and EV may differ: the earlier end is the one that somebody has to act on.
        return (
            self.dcv_expiration_datetime
            or _earliest((self.dcv_expiration.ov, self.dcv_expiration.ev))
            or _earliest(validation.validated_until for validation in self.validations)
        )

    def told(self) -> Domain:
        return Domain(
            id=self.id,
            name=domain_name(self.name),
            is_active=self.is_active is not False,
            is_pending=self.is_pending,
            method=self.dcv_method or self.dcv.method or None,
            since=self.last_submitted_datetime or self.date_created,
            validated_until=self.validated_until,
        )


class _Domains(_List):
    domains: Many[_Domain] = ()


class _Addresses(_Read):
    # Page "Domain emails": `whois_emails` may still be there, but those may no longer be used.
    name_scope: Text = ""
    base_emails: Many[str] = ()
    dns_txt_emails: Many[str] = ()


class _User(_Read):
    id: int
    username: Text = ""
    email: Text = ""


_Shape = TypeVar("_Shape", bound=_Read)


def _once(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))


def _earliest(moments: Iterable[datetime | None]) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)


def _not_promised() -> CaUnavailable:
    return CaUnavailable("DigiCert's answer is not what its documentation promises.", may_have_arrived=False)


def _read(shape: type[_Shape], answer: Answer) -> _Shape:
    if not answer.is_json:
        raise _not_promised()
    try:
        return shape.model_validate_json(answer.body)
    except ValidationError as error:
        raise _not_promised() from error


def read_orders(answer: Answer) -> Page[Order]:
    """Page "List orders"."""
    read = _read(_Orders, answer)
    return Page(tuple(order.told() for order in read.orders), read.page.total)


def read_status_changes(answer: Answer) -> frozenset[StatusChange]:
    """Page "Order status changes"; where nothing changed the answer is `{}`."""
    return frozenset(StatusChange(change.order_id, change.status) for change in _read(_StatusChanges, answer).orders)


def read_order(answer: Answer) -> Order:
    """Page "Order info"."""
    return _read(_Order, answer).told()


def read_order_validation(answer: Answer, order_id: int) -> OrderValidation:
    """Page "Order validation status", asked for `order_id`."""
    read = _read(_OrderValidation, answer)
    names = tuple(name.told() for name in read.dns_name_validations)
    return OrderValidation(order_id, read.order_status, read.order_dcv_method or None, names)


def read_domains(answer: Answer) -> Page[Domain]:
    """Page "List domains"."""
    read = _read(_Domains, answer)
    return Page(tuple(domain.told() for domain in read.domains), read.page.total)


def read_domain(answer: Answer) -> Domain:
    """Page "Domain info"."""
    return _read(_Domain, answer).told()


def read_addresses(answer: Answer, asked: str | None) -> tuple[Address, ...]:
    """Page "Domain emails": each address once, whatever its case; `asked` is the name asked for, where it was one."""
    read = _read(_Addresses, answer)
    scope = domain_name(read.name_scope) or asked
    # An answer about something else must not pass for "nobody is allowed".
    if not scope or not read.model_fields_set:
        raise _not_promised()
    allowed: dict[str, Address] = {}
    for emails, txt in ((read.base_emails, False), (read.dns_txt_emails, True)):
        for email in emails:
            if _is_one_address(email):
                allowed.setdefault(email.lower(), Address(email, scope, txt))
    return tuple(allowed.values())


def _is_one_address(text: str) -> bool:
    """Whether this can be sent back to DigiCert letter by letter: it drops whatever it does not know, in silence."""
    return clean(text) == text and _ADDRESS.fullmatch(text) is not None


def read_user(answer: Answer) -> str:
    """Page "My user info": what to call the user whom the key belongs to."""
    user = _read(_User, answer)
    return user.username or user.email or f"user {user.id}"


class _Write(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    def to_json(self) -> bytes:
        """The body, without what is not set."""
        return self.model_dump_json(exclude_none=True).encode()


class _ApprovalEmail(_Write):
    domain: str
    email: str
    email_domain: str | None = None


class ResendOrderEmails(_Write):
    """Page "DV SSL: Resend emails"."""

    domain_approval_emails: tuple[_ApprovalEmail, ...]
    locale: str

    @classmethod
    def of(cls, recipients: Sequence[Recipient], locale: str) -> Self:
        """ValueError where nobody is named: DigiCert would choose the audience by itself."""
        _require_addresses([recipient.email for recipient in recipients])
        emails = tuple(
            _ApprovalEmail(domain=recipient.name, email=recipient.email, email_domain=recipient.email_domain or None)
            for recipient in recipients
        )
        return cls(domain_approval_emails=emails, locale=locale)


class ResendDomainEmails(_Write):
    """Page "Resend DCV emails" of a domain."""

    name_scope: str
    email_array: tuple[str, ...]
    locale: str

    @classmethod
    def of(cls, name_scope: str, emails: Sequence[str], locale: str) -> Self:
        """ValueError where nobody is named: without a valid address DigiCert mails everyone it may."""
        _require_addresses(emails)
        return cls(name_scope=name_scope, email_array=tuple(emails), locale=locale)


def _require_addresses(emails: Sequence[str]) -> None:
    if not emails or not all("@" in email for email in emails):
        raise ValueError("a resend names at least one address, and nothing else")


def failure(answer: Answer, *, writes: bool, now: datetime) -> CaError:
    """The error that an answer other than the promised one stands for.

    `writes` tells whether the call could take effect at all; `now` is what a date in Retry-After is compared with.
    """
    if answer.status == 429:
        return CaBusy(seconds_to_wait(answer.retry_after, now))
    if 400 <= answer.status < 500 and answer.status != 408:
        return _refusal(answer)
    return CaUnavailable(_no_usable_answer(answer.status), may_have_arrived=writes)


def _refusal(answer: Answer) -> CaRefused:
    codes, messages = _faults(answer)
    words = [ours for code, ours in _OUR_WORDS.items() if code in codes] or messages[:_MOST_MESSAGES]
    if not words:
        words = [f"DigiCert refused the call (HTTP {answer.status}) and gave no reason."]
    return CaRefused(" ".join(words), status=answer.status, codes=codes)


def _faults(answer: Answer) -> tuple[list[str], list[str]]:
    """Codes and messages of a refused call, each once; a fault without a message is told by its code."""
    codes: dict[str, None] = {}
    messages: dict[str, None] = {}
    for fault in _listed_faults(answer):
        code, message = (
            clean(value) if isinstance(value := fault.get(key), str) else "" for key in ("code", "message")
        )
        if code:
            codes[code] = None
        if message or code:
            messages[message or code] = None
    return list(codes), list(messages)


def _listed_faults(answer: Answer) -> list[dict[str, Any]]:
    # Page "Errors": a list of objects; an object in its place was seen too, as one fault or as many by name.
    try:
        body = from_json(answer.body) if answer.is_json else None
    except ValueError:
        return []
    faults = body.get("errors") if isinstance(body, dict) else None
    if isinstance(faults, dict):
        faults = [faults] if faults.keys() & {"code", "message"} else list(faults.values())
    return [fault for fault in faults if isinstance(fault, dict)] if isinstance(faults, list) else []


def seconds_to_wait(header: str, now: datetime) -> float | None:
    """Retry-After in either form of RFC 9110, section 10.2.3, as seconds; None where there is none to understand."""
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
        return f"DigiCert pointed elsewhere instead of answering (HTTP {status}); check DIGICERT_BASE_URL."
    if status >= 500:
        return f"DigiCert has a problem of its own (HTTP {status})."
    return f"DigiCert gave an answer that its documentation does not promise (HTTP {status})."
